#include "model/csv.h"

#include <string.h>

/* All fields are quoted, so that none needs to be looked at for commas. */
int
csv_field(struct buf *row, const char *text)
{
	const char *p = text == NULL ? "" : text, *quote;
	int rc = buf_adds(row, row->len > 0 ? ",\"" : "\"");

	if (*p != '\0' && strchr("=+-@\t\r\n'", *p) != NULL)
		rc |= buf_adds(row, "'");
	for (; (quote = strchr(p, '"')) != NULL; p = quote + 1)
		rc |= buf_add(row, p, (size_t)(quote - p)) |
		    buf_adds(row, "\"\"");
	return rc | buf_adds(row, p) | buf_adds(row, "\"");
}

int
csv_end(struct buf *row)
{
	return buf_adds(row, "\r\n");
}

#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){ .max = max };
}

void
buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ .max = buf->max };
}

void
buf_reset(struct buf *buf)
{
	buf->len = 0;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

/* Room for n more bytes and the NUL. */
static int
reserve(struct buf *buf, size_t n)
{
	size_t cap = buf->cap == 0 ? 256 : buf->cap;
	char *data;

	if (n > buf->max || buf->len > buf->max - n) {
		errno = EFBIG;
		return -1;
	}
	if (buf->len + n < buf->cap)
		return 0;
	while (cap <= buf->len + n)
		cap *= 2;
	if ((data = realloc(buf->data, cap)) == NULL)
		return -1;
	buf->data = data;
	buf->cap = cap;
	return 0;
}

int
buf_add(struct buf *buf, const void *bytes, size_t n)
{
	if (reserve(buf, n) != 0)
		return -1;
	if (n > 0)
		memcpy(buf->data + buf->len, bytes, n);
	buf->len += n;
	buf->data[buf->len] = '\0';
	return 0;
}

int
buf_adds(struct buf *buf, const char *text)
{
	return buf_add(buf, text, strlen(text));
}

int
buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list ap, again;
	int n, rc = -1;

	va_start(ap, fmt);
	va_copy(again, ap);
	if ((n = vsnprintf(NULL, 0, fmt, ap)) >= 0 &&
	    reserve(buf, (size_t)n) == 0) {
		vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, again);
		buf->len += (size_t)n;
		rc = 0;
	}
	va_end(again);
	va_end(ap);
	return rc;
}

const char *
buf_text(const struct buf *buf)
{
	return buf->data == NULL ? "" : buf->data;
}

char *
buf_steal(struct buf *buf)
{
	char *data = buf->data;

	if (data == NULL)
		return strdup("");
	*buf = (struct buf){ .max = buf->max };
	return data;
}

#include "model/lines.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

static const char *const names[] = { "content", "start", "end", "identifier",
	"userId" };
enum { NAMES = sizeof(names) / sizeof(*names) };

/* ---- reading ------------------------------------------------------------ */

static size_t
skip_blanks(const char *s, size_t n, size_t i)
{
	while (i < n && s[i] != '\0' && strchr(" \t\r\n", s[i]) != NULL)
		i++;
	return i;
}

int
lines_parse(const char *s, size_t n, size_t *at, json_t **ret,
    json_error_t *error)
{
	const size_t flags = JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK;
	bool first = *at == 0;
	size_t i = skip_blanks(s, n, *at);

	*error = (json_error_t){ 0 };
	if (i == n || (first && s[i] != '['))
		return -1;
	if (first)
		i = skip_blanks(s, n, i + 1);
	if (i < n && s[i] == ']') {
		*at = i + 1;
		return 0;
	}
	if (!first && s[i++] != ',')
		return -1;
	*ret = json_loadb(s + i, n - i, flags, error);
	/* beyond 64 bits: see model/payload */
	if (*ret == NULL &&
	    json_error_code(error) == json_error_numeric_overflow)
		*ret = json_loadb(
		    s + i, n - i, flags | JSON_DECODE_INT_AS_REAL, error);
	if (*ret == NULL)
		return -1;
	*at = i + (size_t)error->position;
	return 1;
}

/* The object that an array of our text stands for; the array is taken over. */
static json_t *
unpack(json_t *row)
{
	json_t *line = json_object();
	int rc = line == NULL ? -1 : 0;

	for (size_t i = 0; i < NAMES; i++) {
		json_t *value = json_array_get(row, i);

		if (value != NULL && !json_is_null(value))
			rc |= json_object_set(line, names[i], value);
	}
	json_decref(row);
	if (rc == 0)
		return line;
	json_decref(line);
	return NULL;
}

void
lines_begin(struct lines *lines, const json_t *list)
{
	*lines = (struct lines){ .list = list };
}

json_t *
lines_next(struct lines *lines)
{
	const char *text = json_string_value(lines->list);
	json_error_t error;
	json_t *line;

	if (json_is_array(lines->list))
		return json_incref(json_array_get(lines->list, lines->at++));
	if (text == NULL || lines->failed)
		return NULL;
	switch (lines_parse(text, json_string_length(lines->list), &lines->at,
	    &line, &error)) {
	case 1:
		if (json_is_array(line) && (line = unpack(line)) == NULL)
			lines->failed = true;
		return line;
	case -1:
		lines->failed =
		    json_error_code(&error) == json_error_out_of_memory;
		break;
	}
	lines->list = NULL;
	return NULL;
}

size_t
lines_count(const json_t *list)
{
	const char *at = json_string_value(list);
	size_t n = 0;

	if (json_is_array(list))
		return json_array_size(list);
	/* JSON has no newline inside a string */
	while (at != NULL && (at = strchr(at, '\n')) != NULL) {
		at++;
		n++;
	}
	return n;
}

/* ---- writing ------------------------------------------------------------ */

static void
pack(struct lines_writer *writer, const json_t *line)
{
	json_t *row = json_pack("[O?,O?,O?,O?,O?]",
	    json_object_get(line, names[0]), json_object_get(line, names[1]),
	    json_object_get(line, names[2]), json_object_get(line, names[3]),
	    json_object_get(line, names[4]));
	char *text = json_dumps(row, DUMP_FLAGS);

	if (text == NULL ||
	    buf_addf(&writer->text, "%s\n%s",
		writer->text.len == 0 ? "[" : ",", text) != 0)
		writer->failed = true;
	free(text);
	json_decref(row);
}

void
lines_new(struct lines_writer *writer)
{
	*writer = (struct lines_writer){ .few = json_array() };
	buf_init(&writer->text, SIZE_MAX / 4);
	writer->failed = writer->few == NULL;
}

void
lines_add(struct lines_writer *writer, json_t *line)
{
	const json_t *one;
	size_t i;

	if (writer->text.len > 0) {
		pack(writer, line);
		json_decref(line);
		return;
	}
	if (json_array_append_new(writer->few, line) != 0)
		writer->failed = true;
	if (json_array_size(writer->few) <= LINES_FEW)
		return;
	json_array_foreach (writer->few, i, one)
		pack(writer, one);
	json_array_clear(writer->few);
}

json_t *
lines_end(struct lines_writer *writer)
{
	json_t *list = NULL;

	if (writer->text.len > 0 && buf_adds(&writer->text, "]") != 0)
		writer->failed = true;
	if (!writer->failed)
		list = writer->text.len > 0
		    ? json_stringn(writer->text.data, writer->text.len)
		    : json_incref(writer->few);
	buf_free(&writer->text);
	json_decref(writer->few);
	return list;
}

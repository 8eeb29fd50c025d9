#include "model/lines.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "ext/jansson.h"

#define TEXT_MAX (64u << 20) /* more than any payload holds */

static const char *const names[] = { "content", "start", "end", "identifier",
	"userId", "actorId" };
enum { NAMES = sizeof(names) / sizeof(*names) };

/* ---- reading ------------------------------------------------------------ */

void
lines_begin(struct lines *lines, const json_t *list)
{
	*lines = (struct lines){ .list = list };
}

/* The object that a row stands for. NULL: the row isn't one of ours, or memory
 * is out. */
static json_t *
unpack(const char *row, size_t n, bool *failed)
{
	json_error_t error;
	json_t *values = jansson_read(row, n, 0, &error), *line, *value;
	size_t i;

	if (values == NULL) {
		*failed = json_error_code(&error) == json_error_out_of_memory;
		return NULL;
	}
	*failed = (line = json_object()) == NULL;
	json_array_foreach (values, i, value)
		if (i < NAMES && !json_is_null(value) &&
		    json_object_set(line, names[i], value) != 0)
			*failed = true;
	json_decref(values);
	if (!*failed)
		return line;
	json_decref(line);
	return NULL;
}

/* The line after the newline at lines->row. Text is "[", rows that begin with
 * a newline and end with a comma, but for the last, and "]". */
static json_t *
next_row(struct lines *lines)
{
	const char *row = lines->row + 1;
	const char *end = strchr(row, '\n');
	size_t n = end == NULL ? strlen(row) : (size_t)(end - row);

	lines->row = end;
	return n == 0 ? NULL : unpack(row, n - 1, &lines->failed);
}

json_t *
lines_next(struct lines *lines)
{
	const json_t *element;
	json_t *line;

	while (!lines->failed) {
		if (lines->row != NULL) {
			if ((line = next_row(lines)) != NULL)
				return line;
			continue;
		}
		element = json_array_get(lines->list, lines->next++);
		if (!json_is_string(element))
			return json_incref((json_t *)element);
		lines->row = strchr(json_string_value(element), '\n');
	}
	return NULL;
}

/* JSON has no newline inside a string. */
static size_t
count_rows(const char *text)
{
	size_t n = 0;

	while ((text = strchr(text, '\n')) != NULL) {
		text++;
		n++;
	}
	return n;
}

size_t
lines_count(const json_t *list)
{
	const json_t *element;
	size_t i, n = 0;

	json_array_foreach (list, i, element)
		n += json_is_string(element)
		    ? count_rows(json_string_value(element))
		    : 1;
	return n;
}

/* ---- writing ------------------------------------------------------------ */

static int
add_row(struct buf *text, const json_t *line)
{
	json_t *values = json_array();
	size_t n = NAMES;
	int rc = values == NULL ? -1 : 0;

	while (n > 0 && json_object_get(line, names[n - 1]) == NULL)
		n--;
	for (size_t i = 0; i < n; i++) {
		json_t *value = json_object_get(line, names[i]);

		rc |= json_array_append(
		    values, value == NULL ? json_null() : value);
	}
	if (rc == 0)
		rc = buf_adds(text, text->len == 0 ? "[\n" : ",\n");
	if (rc == 0)
		rc = jansson_dump(values,
		    JSON_COMPACT | JSON_REAL_PRECISION(15), text, SIZE_MAX);
	json_decref(values);
	return rc;
}

static void
end_text(struct lines_writer *w)
{
	if (buf_adds(&w->text, "]") != 0 ||
	    json_array_append_new(
		w->texts, json_stringn(w->text.data, w->text.len)) != 0)
		w->failed = true;
	buf_reset(&w->text);
	w->rows = 0;
}

static void
pack(struct lines_writer *w, const json_t *line)
{
	if (add_row(&w->text, line) != 0)
		w->failed = true;
	if (++w->rows == LINES_FEW)
		end_text(w);
}

void
lines_new(struct lines_writer *writer)
{
	*writer =
	    (struct lines_writer){ .texts = json_array(), .few = json_array() };
	writer->failed = writer->texts == NULL || writer->few == NULL;
	buf_init(&writer->text, TEXT_MAX);
}

void
lines_add(struct lines_writer *writer, json_t *line)
{
	const json_t *each;
	size_t i;

	if (json_array_size(writer->texts) > 0) {
		pack(writer, line);
		json_decref(line);
		return;
	}
	if (json_array_append_new(writer->few, line) != 0)
		writer->failed = true;
	if (json_array_size(writer->few) < LINES_FEW)
		return;
	json_array_foreach (writer->few, i, each)
		pack(writer, each);
	json_array_clear(writer->few);
}

json_t *
lines_end(struct lines_writer *writer)
{
	json_t *list = NULL;

	if (writer->rows > 0)
		end_text(writer);
	if (!writer->failed)
		list = json_incref(json_array_size(writer->texts) > 0
			? writer->texts
			: writer->few);
	json_decref(writer->texts);
	json_decref(writer->few);
	buf_free(&writer->text);
	return list;
}

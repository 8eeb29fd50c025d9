/*
 * lines.h - the lines of a dialogue: an array, or, of many, the text of one.
 *
 * A call of four hours has 20,000 lines. jansson takes 800 bytes for each; in
 * JSON text they have a tenth of it. So a long list is kept as a string that
 * holds the JSON of an array, in payloads (see model/payload.h) as in facts,
 * and read a line at a time. PostgreSQL's ->> gives the same for both forms:
 * JSON text.
 *
 * Text that lines_end() made has an array a line, [content, start, end,
 * identifier, userId], null for what is not known, and each begins a row.
 */
#ifndef MODEL_LINES_H
#define MODEL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"

/* More lines than this are kept as text. It depends on nothing but the lines,
 * so that the same dialogue is always the same fact. */
#define LINES_FEW 1000

/* ---- reading ---- */

struct lines {
	const json_t *list; /* borrowed */
	size_t at;	    /* index in the array, or byte of the text */
	bool failed;	    /* out of memory */
};

/* A list of either form; of any other value, and NULL, there are no lines. */
void lines_begin(struct lines *lines, const json_t *list);

/* The next line, {content, start, end, identifier, userId}; a new reference
 * to what may be shared. NULL: no more, or out of memory (see failed). */
json_t *lines_next(struct lines *lines);

/* How many lines there are in a list that lines_end() made. */
size_t lines_count(const json_t *list);

/* Parse the next element of the JSON array at s. *at is 0 at first, and then
 * behind what was read. 1 and a new reference; 0 after the last; -1: not JSON,
 * or out of memory (error->text tells). */
int lines_parse(const char *s, size_t n, size_t *at, json_t **ret,
    json_error_t *error);

/* ---- writing ---- */

struct lines_writer {
	json_t *few;	 /* the lines, as long as they are not many … */
	struct buf text; /* … and the text of all, from then on */
	bool failed;	 /* out of memory */
};

void lines_new(struct lines_writer *writer);

/* The line is taken over. */
void lines_add(struct lines_writer *writer, json_t *line);

/* The list; a new reference. NULL: out of memory. */
json_t *lines_end(struct lines_writer *writer);

#endif

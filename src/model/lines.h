/*
 * lines.h - the lines of a dialogue, many of them as text.
 *
 * A call of four hours has 20,000 lines. jansson takes 800 bytes for each; as
 * JSON text they have a tenth of it. So a list of many lines is an array of
 * strings, each of which holds the JSON of LINES_FEW lines, in payloads as in
 * facts. A short one is an array of objects, as OpenPhone has it.
 *
 * In the text a line is an array, [content, start, end, identifier, userId,
 * actorId], null for what is not known and nothing after the last that is,
 * and takes a row. In PostgreSQL:
 *	SELECT line FROM jsonb_array_elements_text(dialogue) AS text,
 *		jsonb_array_elements(text::jsonb) AS line
 */
#ifndef MODEL_LINES_H
#define MODEL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"

/* From this many lines on they are text. It depends on nothing but the lines,
 * so that the same dialogue is always the same fact. */
#define LINES_FEW 500

/* ---- reading ---- */

struct lines {
	const json_t *list; /* borrowed */
	size_t next;	    /* index in it */
	const char *row;    /* in the text before; NULL: it is over */
	bool failed;	    /* out of memory */
};

/* Of any value but an array, and of NULL, there are no lines. */
void lines_begin(struct lines *lines, const json_t *list);

/* The next line, {content, start, end, identifier, userId, actorId}; a new
 * reference to what may be shared. NULL: no more, or out of memory. */
json_t *lines_next(struct lines *lines);

size_t lines_count(const json_t *list);

/* ---- writing ---- */

struct lines_writer {
	json_t *few;	 /* the lines, until there are LINES_FEW */
	json_t *texts;	 /* from then on */
	struct buf text; /* the next one, while it is short of some */
	size_t rows;	 /* in it */
	bool failed;	 /* out of memory */
};

void lines_new(struct lines_writer *writer);

/* The line is taken over. */
void lines_add(struct lines_writer *writer, json_t *line);

/* The list; a new reference. NULL: out of memory. */
json_t *lines_end(struct lines_writer *writer);

#endif

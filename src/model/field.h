/*
 * field.h - tables that say which member of a foreign object becomes which
 * leaf of the folded state, and how its value is normalised.
 */
#ifndef MODEL_FIELD_H
#define MODEL_FIELD_H

#include <stdint.h>

#include <jansson.h>

#include "model/lww.h"

enum field_type {
	FIELD_TEXT,    /* a string; a number as one */
	FIELD_MOMENT,  /* RFC 3339, normalised */
	FIELD_SECONDS, /* a whole number, rounded */
	FIELD_NUMBER,  /* to six decimals */
	FIELD_FLAG,    /* true or false */
	FIELD_AGENT,   /* true, or any text: "ai-agent"; false is nothing */
	FIELD_LIST,    /* strings: array, one string, or comma-separated */
	FIELD_TEXTS,   /* strings as they are: array, or one string */
	FIELD_JSON,    /* anything */
};

struct field {
	const char *from, *to;
	enum field_type type;
};

/* Write the members of object that the table names, up to its row with from =
 * NULL, below prefix, which is "" or ends in '/'. */
void field_fold(struct lww *w, const char *prefix, const json_t *object,
    const struct field *fields);

/* An object of the members that the table names; its `to` are plain names.
 * A new reference, or NULL and w->failed set. */
json_t *field_object(
    struct lww *w, const json_t *object, const struct field *fields);

/* The latest of the object's own moments (updatedAt, createdAt …) in
 * microseconds, at least `least`. */
int64_t field_latest(const json_t *object, int64_t least);

#endif

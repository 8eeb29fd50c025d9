/*
 * torture.h - a piece of work whose every allocation fails in turn.
 *
 * The work is done once undisturbed. Then its first allocation fails, then its
 * second, and so on, alone and with all that follow it. Whatever fails, the
 * work must come to the same end as before, or say that memory is out; it may
 * not crash, hang, or keep memory.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

/* What is worked on; all of it is made before memory gets short. */
struct input {
	char name[300];
	char *bytes; /* a file's, with a NUL */
	size_t n;
	json_t *json; /* the same parsed */
};

/* What came of it: add to text by the functions below. */
struct outcome {
	int rc;
	struct err err;
	struct buf text;
};

typedef void work_fn(const struct input *input, struct outcome *out);

/* These need memory themselves, which never fails. json NULL: "null". */
void keep_json(struct outcome *out, const char *what, const json_t *json);
void keep_text(struct outcome *out, const char *what, const char *text);

/* What was to be done has failed for want of memory. */
void out_of_memory(struct outcome *out);

struct work {
	const char *name;
	work_fn *work;
	unsigned int kinds; /* of inputs */
	bool keeps;	    /* memory, for a library loses it */
};

/* Torture the work with one input. 0, or -1 after having said what is wrong.
 * *failures is increased by how many allocations failed. */
int torture(
    const struct work *work, const struct input *input, size_t *failures);

#endif

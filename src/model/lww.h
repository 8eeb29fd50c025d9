/*
 * lww.h - last-writer-wins registers: the leaves of a folded state.
 *
 * See model/fold.h for what wins, and why. A failed allocation sticks in
 * `failed`, so that the code that writes many leaves reads straight on; it is
 * asked for once, at the end.
 */
#ifndef MODEL_LWW_H
#define MODEL_LWW_H

#include <stdbool.h>

#include <stddef.h>

#include <jansson.h>

#include "base/rfc3339.h"

#define LWW_PATH_SIZE 320

/* The greater rank wins, whatever the time. The last row, with status NULL,
 * stands for all others. */
struct lww_rank {
	const char *status;
	int rank;
};

struct lww {
	json_t *facts, *times;	      /* borrowed */
	const struct lww_rank *ranks; /* for the leaf "status" */
	const struct lww_rank *parts; /* for "<part>/…/status" */
	char now[RFC3339_SIZE];	      /* when what is written was true */
	bool yields; /* of two values of one time the one that is there stays */
	bool failed;
	size_t before; /* jansson_failures() when it began */
};

/* Write into state {"facts", "times"} what is of no time yet. A state without
 * one of the two gets it. */
void lww_begin(struct lww *w, json_t *state, const struct lww_rank *ranks,
    const struct lww_rank *parts);

/* What is written from here on was true then; 0: no time is known, so that
 * anything that has one wins. */
void lww_at(struct lww *w, int64_t usec);

/* Write the leaf at a path of names of at most LWW_PATH_SIZE bytes, or not,
 * if there is something greater. The value is taken over; NULL and nothing
 * (null, "", [], {}) are not written. */
void lww_set(struct lww *w, const char *path, json_t *value);

/* Write what another state knows: its leaves, at their times. Where both have
 * a leaf, the other's is taken if its rank or time is greater. */
void lww_keep(struct lww *w, const json_t *other);

/* Was memory out since lww_begin()? Then the state is of no use. */
bool lww_failed(const struct lww *w);

/* The rank that a status has. */
int lww_rank(const struct lww_rank *ranks, const char *status);

#endif

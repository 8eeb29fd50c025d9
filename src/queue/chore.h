/*
 * chore.h - work that one process at a time does, on whatever host.
 *
 * It is taken by a lease in the name of a run (see queue/run.h): of one that
 * was killed it is free as soon as somebody on its host notices, of a host
 * that is gone once the lease has run out.
 */
#ifndef QUEUE_CHORE_H
#define QUEUE_CHORE_H

#include <stdint.h>

#include "base/err.h"
#include "ext/db.h"

struct chore {
	struct db *db;
	const char *workspace, *name; /* borrowed */
	int64_t run;
};

/* 1: ours now; 0: somebody else is at it; -1. */
int chore_begin(struct db *db, const char *workspace, const char *name,
    struct chore *ret, struct err *err);

/* To be called every now and then; -1 also when it was lost. */
int chore_keep(const struct chore *chore, struct err *err);

/* summary: what came of it, in a sentence; NULL: it was not finished. */
int chore_end(const struct chore *chore, const char *summary, struct err *err);

#endif

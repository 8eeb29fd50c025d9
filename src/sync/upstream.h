/*
 * upstream.h - do we have all that OpenPhone has?
 *
 * Its lists are read, and each object is folded into what we know: whatever
 * that changes was missed, by a delivery that was lost or never sent.
 */
#ifndef SYNC_UPSTREAM_H
#define SYNC_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "queue/chore.h"
#include "sync/sync.h"

struct upstream {
	struct sync *sync;
	const struct chore *chore; /* kept while it goes on */
	bool repair; /* else nothing is changed, but the findings are stored */
	int64_t since, until; /* created then, and before: microseconds */
	/* what came of it; begin with zeros */
	int64_t refused; /* lists that OpenPhone does not give */
	int64_t groups;	 /* conversations whose calls v1 does not list */
};

/* Findings "lost" and "outdated" are in the table afterwards, and what was
 * listed is in the table upstream. */
int upstream_compare(struct upstream *upstream, struct err *err);

#endif

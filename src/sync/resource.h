/*
 * resource.h - the folded state of a call, message or contact, in its table.
 */
#ifndef SYNC_RESOURCE_H
#define SYNC_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "ext/db.h"
#include "queue/job.h"

struct resource {
	json_t *state;	 /* see fold.h */
	json_t *facts;	 /* state's; borrowed */
	int64_t *folded; /* ids of the events that were new */
	size_t n_folded;
	bool stored;	     /* has a row already */
	bool refold;	     /* to be folded again from all of its events */
	int64_t checks;	     /* how often missing parts were asked for */
	int64_t recheck_in;  /* seconds; < 0: overdue; meaningless when … */
	bool recheck;	     /* … nothing is expected */
	char changed_at[40]; /* of the row, "" when there is none */
	bool ignored;	     /* gets no page: of a number that is left out */
	bool redacted;	     /* a person was taken out of it: it stays so */
	int64_t backfill;    /* the last one that listed it, 0: none did */
};

/* Read the state and fold in the events that came since; or fold all of them
 * again, where that is wanted (onsctl replay). */
int resource_load(struct db *db, const struct job *job, struct resource *ret,
    struct err *err);
void resource_free(struct resource *res);

/* Store the state and which events are in it. */
int resource_save(struct db *db, const struct job *job, struct resource *res,
    struct err *err);

/* The same without the job's lease, for what a list told: 1, or 0 when
 * somebody has stored it since it was loaded, and nothing was changed. */
int resource_save_listed(struct db *db, const struct job *job,
    const struct resource *res, int64_t backfill, struct err *err);

#endif

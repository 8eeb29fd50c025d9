/*
 * survey.h - what a backfill would bring in, before it does.
 *
 * The lists have no totals, so they are read, the newest first: to their end,
 * or so far that the rest can be estimated.
 */
#ifndef SYNC_SURVEY_H
#define SYNC_SURVEY_H

#include <stdint.h>

#include "base/err.h"
#include "sync/backfill.h"
#include "sync/sync.h"

struct survey_list {
	int64_t found; /* in what was read */
	int64_t known; /* of these, with a page already */
	int64_t parts; /* requests for what the list does not have of these */
	int64_t pages; /* that were read */
	double share;  /* of the range that was read; 1: all of it */
};

struct survey {
	struct survey_list calls, messages;
	int64_t conversations, groups; /* v1 */
	int64_t refused;	       /* lists that OpenPhone does not give */
	struct err refusal;	       /* the first of these, and why */
};

/* In all of the range, if the rest is like what was read. */
int64_t survey_total(const struct survey_list *list, int64_t counted);

/* progress is called after each page. */
typedef void survey_progress_fn(const struct survey *survey);
int survey_run(struct sync *sync, const struct backfill *backfill,
    survey_progress_fn *progress, struct survey *ret, struct err *err);

#endif

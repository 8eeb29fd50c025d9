/*
 * backfill.h - history: ranges of time that are listed and made due.
 *
 * A backfill is divided into slices, each of them a list to be read to its
 * end. A slice is a job: a worker reads some pages of the list, puts what they
 * have into the resources, makes those due, and stores where it stands, all of
 * a page in one transaction. Whatever is interrupted goes on from there.
 *
 * No more is listed than can be written soon: the queue stays short, and the
 * links of what was listed have not expired when they are followed.
 */
#ifndef SYNC_BACKFILL_H
#define SYNC_BACKFILL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "api/openphone_list.h"
#include "queue/job.h"
#include "sync/sync.h"

/* What to bring in; borrowed. */
struct backfill {
	bool v1;	       /* by the lists of v1 */
	int64_t since, until;  /* created then, and before: microseconds */
	const char *number;    /* of ours, PN…; "": all */
	const json_t *contact; /* array of their numbers; empty: all */
};

/* Given each slice in turn; its strings are not valid for longer. */
typedef int backfill_slice_fn(
    void *ctx, const struct openphone_list *slice, struct err *err);

/* Which lists there are: *v1, where the dated API lacks one. */
int backfill_surface(struct sync *sync, bool *v1, struct err *err);

/* The slices to begin with. With v1 that is the list of conversations. */
int backfill_plan(const struct backfill *backfill, backfill_slice_fn *add,
    void *ctx, struct err *err);

/* The slices of one of v1's conversations: none, when it is not wanted.
 * numbers: v1's list of them, which has their users. */
int backfill_plan_conversation(const struct backfill *backfill,
    const json_t *numbers, const json_t *conversation, backfill_slice_fn *add,
    void *ctx, struct err *err);

/* Several people's? v1 does not list their calls. */
bool backfill_is_group(const json_t *conversation);

/* Store a backfill and its first slices, and make those due: *id is its. */
int backfill_queue(struct sync *sync, const struct backfill *backfill,
    int64_t *id, struct err *err);

/* Read on in the slice that the job is about. */
int backfill_run(struct sync *sync, const struct job *job, struct err *err);

#endif

/*
 * history.h - what OpenPhone's lists have, object by object.
 *
 * A list is read a page at a time. Where one stands can be stored as a moment:
 * begun there again, it gives what was created then once more, and goes on.
 */
#ifndef SYNC_HISTORY_H
#define SYNC_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "api/openphone_list.h"
#include "sync/sync.h"

struct history_cursor {
	int64_t position; /* usec: all that is younger has been given */
	int64_t from;	  /* where this reading began */
	char *after;	  /* the service's token for the next page; owned */
	bool ordered;	  /* newest first so far; else position says nothing */
	bool end;	  /* there are no more pages */
};

/* Begin at a position that was stored, or at list->until. */
void history_begin(struct history_cursor *at, int64_t position);
void history_end(struct history_cursor *at);

/* The next page: what was created from list->since on and before list->until,
 * an array, the caller's. ERR_PERMANENT also where there is no such list. */
int history_next(const struct openphone *op, const struct openphone_list *list,
    struct history_cursor *at, json_t **page, struct err *err);

/* What folding an object into its resource came to. */
struct history_found {
	bool first;   /* this backfill had not listed it before */
	bool changed; /* it is new, or says more than was known */
};

/* Fold a Call or Message of a list into its resource and store that, whatever
 * else is at work on it. To be called within a transaction. kind: "call" or
 * "message"; backfill 0: it is for none, and first is false. What is of a
 * number that is left out is passed over, unless it is known already. */
int history_fold(struct sync *sync, const char *kind, const json_t *object,
    int64_t backfill, struct history_found *ret, struct err *err);

/* Fold a Call of a list into a state. A dated one was listed with its
 * voicemail: an old call without has none. */
int history_fold_call(
    json_t *state, const json_t *call, bool dated, struct err *err);

#endif

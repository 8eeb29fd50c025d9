#include "sync/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "model/call.h"
#include "model/fold.h"
#include "model/message.h"
#include "model/selection.h"
#include "sql/queries.h"
#include "sync/resource.h"

enum { TRIES_MAX = 3 }; /* against a worker that stores the same resource */

void
history_begin(struct history_cursor *at, int64_t position)
{
	*at = (struct history_cursor){
		.position = position, .from = position, .ordered = true
	};
}

void
history_end(struct history_cursor *at)
{
	free(at->after);
	*at = (struct history_cursor){ 0 };
}

static bool
created(const json_t *object, int64_t *ret)
{
	const char *text =
	    json_string_value(json_object_get(object, "createdAt"));

	return text != NULL && rfc3339_parse(text, ret) == 0;
}

/* Move the position to the last object, take out what is not in the range. An
 * object without a time is given: better once too often. */
static void
sift(const struct openphone_list *list, struct history_cursor *at, json_t *page)
{
	int64_t moment, last = at->position;
	size_t i = 0;

	while (i < json_array_size(page)) {
		if (created(json_array_get(page, i), &moment)) {
			/* the margin's objects are younger than the range */
			if (moment > last && moment < at->from)
				at->ordered = false;
			if (moment < last)
				last = moment;
			if (moment < list->since || moment >= list->until) {
				json_array_remove(page, i);
				continue;
			}
		}
		i++;
	}
	at->position = last;
	if (at->ordered && last < list->since)
		at->end = true;
}

int
history_next(const struct openphone *op, const struct openphone_list *list,
    struct history_cursor *at, json_t **page, struct err *err)
{
	struct openphone_list query = *list;
	char *next = NULL;
	json_t *data = NULL;

	query.until = at->from;
	if (openphone_list_page(op, &query, at->after == NULL ? "" : at->after,
		&data, &next, err) != 0)
		return -1;
	if (data == NULL) {
		err_set(err, ERR_PERMANENT,
		    "openphone: this list of %s is not to be had", list->list);
		return -1;
	}
	free(at->after);
	at->after = next;
	at->end = next == NULL;
	if (openphone_list_has_time(list))
		sift(list, at, data);
	else
		at->ordered = false;
	*page = data;
	return 0;
}

int
history_fold_call(
    json_t *state, const json_t *call, bool dated, struct err *err)
{
	const json_t *facts;

	if (fold_rest_call(state, call, err) != 0)
		return -1;
	facts = json_object_get(state, "facts");
	if (!dated || !(call_expects(facts, 0) & CALL_VOICEMAIL) ||
	    call_expects(facts, rfc3339_now()) != 0)
		return 0;
	return fold_rest_voicemail(state, NULL, err);
}

/* The object goes into the state. 1: that says more than before. */
static int
fold(struct sync *sync, const char *kind, const json_t *object, json_t *state,
    struct err *err)
{
	json_t *before = json_deep_copy(state);
	int rc = -1;

	if (before == NULL)
		err_nomem(err);
	else if (strcmp(kind, "call") == 0)
		rc = history_fold_call(
		    state, object, !openphone_is_v1(&sync->openphone), err);
	else
		rc = fold_rest_message(state, object, err);
	if (rc == 0)
		rc = fold_deleted(state, kind, false, rfc3339_now(), err);
	if (rc == 0)
		rc = !fold_equal(before, state);
	json_decref(before);
	return rc;
}

/* Of a number that gets no pages, and never delivered to us: perhaps to another
 * workspace of the same account. */
static bool
is_left_out(
    const struct sync *sync, const struct job *job, const struct resource *res)
{
	return !res->stored && res->n_folded == 0 &&
	    selection_of(sync->ws, job->kind, res->facts, NULL) ==
	    SELECTION_OUT;
}

/* Was it, or somebody who takes part in it, forgotten since? 1, 0 or -1. */
static int
is_forgotten(const struct sync *sync, const struct job *job,
    const struct resource *res, struct err *err)
{
	struct db_result *r = NULL;
	json_t *parties;
	int rc = -1;

	if (res->redacted || res->stored)
		return res->redacted;
	parties = strcmp(job->kind, "call") == 0
	    ? call_parties(res->facts, NULL)
	    : message_parties(res->facts, NULL);
	if (parties == NULL)
		err_nomem(err);
	else if (DB_RUN(sync->db, SQL_forgotten_listed, &r, err,
		     DB_TEXT(job->workspace), DB_TEXT(job->kind),
		     DB_TEXT(job->resource_id),
		     DB_TEXT(json_string_value(
			 json_object_get(res->facts, "createdAt"))),
		     DB_JSON(parties)) == 0)
		rc = db_bool(r, 0, "forgotten");
	db_result_free(r);
	json_decref(parties);
	return rc;
}

/* 1, or 0: somebody else stored the resource meanwhile, and nothing was
 * changed. What is known already is only marked as listed. */
static int
try_fold(struct sync *sync, const struct job *job, const json_t *object,
    int64_t backfill, struct history_found *ret, struct err *err)
{
	struct resource res = { 0 };
	int changed, forgotten = -1, rc = -1;

	if (resource_load(sync->db, job, &res, err) != 0)
		return -1;
	changed = fold(sync, job->kind, object, res.state, err);
	if (changed >= 0)
		forgotten = is_forgotten(sync, job, &res, err);
	if (forgotten < 0) {
		resource_free(&res);
		return -1;
	}
	if (forgotten > 0 || is_left_out(sync, job, &res)) {
		*ret = (struct history_found){ 0 };
		rc = 1;
	} else {
		ret->first = backfill != 0 && res.backfill != backfill;
		ret->changed = changed || !res.stored || res.n_folded > 0;
		rc = !ret->first && !ret->changed
		    ? 1
		    : resource_save_listed(sync->db, job, &res, backfill, err);
	}
	resource_free(&res);
	return rc;
}

int
history_fold(struct sync *sync, const char *kind, const json_t *object,
    int64_t backfill, struct history_found *ret, struct err *err)
{
	/* names the resource; nobody has leased it */
	const struct job job = { .workspace = sync->ws->name,
		.kind = kind,
		.resource_id =
		    json_string_value(json_object_get(object, "id")) };
	int rc = 0;

	for (int i = 0; i < TRIES_MAX && rc == 0; i++)
		rc = try_fold(sync, &job, object, backfill, ret, err);
	if (rc == 0) /* it becomes due, and what is missing is asked for */
		ret->changed = true;
	return rc < 0 ? -1 : 0;
}

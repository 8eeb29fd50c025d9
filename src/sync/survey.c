#include "sync/survey.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "model/call.h"
#include "model/fold.h"
#include "sql/queries.h"
#include "sync/history.h"

enum {
	PAGES_MAX = 500, /* of calls, and of messages: under a minute each */
	SLICES_MAX = 1000000,
	WAIT_MAX_MS = 60000 /* for a rate limit, not for a pause */
};

struct slices {
	struct openphone_list *items; /* with strings of their own */
	size_t n, room;
};

struct reading {
	struct sync *sync;
	const struct backfill *backfill;
	survey_progress_fn *progress;
	struct survey *survey;
	struct slices slices;
	json_t *seen; /* ids of the conversation being read */
	int64_t read; /* lists */
};

static void
slice_free(struct openphone_list *slice)
{
	/* they are copies of add_slice()'s */
	free((char *)(uintptr_t)slice->number);
	free((char *)(uintptr_t)slice->party);
	free((char *)(uintptr_t)slice->actor);
}

static int
grow(struct slices *slices)
{
	size_t room = slices->room == 0 ? 64 : 2 * slices->room;
	struct openphone_list *items;

	if (slices->n < slices->room)
		return 0;
	items = room > SLICES_MAX
	    ? NULL
	    : reallocarray(slices->items, room, sizeof(*items));
	if (items == NULL)
		return -1;
	slices->items = items;
	slices->room = room;
	return 0;
}

static int
add_slice(void *ctx, const struct openphone_list *slice, struct err *err)
{
	struct slices *slices = ctx;
	struct openphone_list copy = *slice;

	copy.number = strdup(slice->number);
	copy.party = strdup(slice->party);
	copy.actor = strdup(slice->actor);
	if (copy.number == NULL || copy.party == NULL || copy.actor == NULL ||
	    grow(slices) != 0) {
		slice_free(&copy);
		err_nomem(err);
		return -1;
	}
	slices->items[slices->n++] = copy;
	return 0;
}

/* A page, however long the rate limit makes one wait. */
static int
next(struct reading *r, const struct openphone_list *slice,
    struct history_cursor *at, json_t **page, struct err *err)
{
	while (history_next(&r->sync->openphone, slice, at, page, err) != 0) {
		int64_t ms = err->retry_after_ms;

		if (err->kind != ERR_WAIT || ms > WAIT_MAX_MS)
			return -1;
		nanosleep(&(struct timespec){ .tv_sec = ms / 1000,
			      .tv_nsec = ms % 1000 * 1000000 },
		    NULL);
		err_clear(err);
	}
	return 0;
}

/* ---- counting ---- */

static int
count_known(struct sync *sync, const char *kind, const json_t *page,
    struct survey_list *list, struct err *err)
{
	size_t n = 0, i;
	struct db_bytes *ids = calloc(json_array_size(page) + 1, sizeof(*ids));
	struct db_result *r = NULL;
	const json_t *object;
	int rc = -1;

	if (ids == NULL) {
		err_nomem(err);
		return -1;
	}
	json_array_foreach (page, i, object) {
		const json_t *id = json_object_get(object, "id");

		if (json_is_string(id))
			ids[n++] = (struct db_bytes){ json_string_value(id),
				json_string_length(id) };
	}
	if (DB_RUN(sync->db, SQL_backfill_known, &r, err,
		DB_TEXT(sync->ws->name), DB_TEXT(kind),
		DB_TEXTS(ids, n)) == 0) {
		list->found += (int64_t)n;
		list->known += db_int(r, 0, "known");
		rc = 0;
	}
	db_result_free(r);
	free(ids);
	return rc;
}

/* What will be asked for besides, once for each call. */
static int
count_parts(
    const json_t *page, bool dated, struct survey_list *list, struct err *err)
{
	const json_t *call;
	size_t i;

	json_array_foreach (page, i, call) {
		json_t *state = fold_new();
		unsigned int parts;

		if (state == NULL) {
			err_nomem(err);
			return -1;
		}
		if (history_fold_call(state, call, dated, err) != 0) {
			json_decref(state);
			return -1;
		}
		parts = call_expects(json_object_get(state, "facts"), 0);
		list->parts += __builtin_popcount(parts);
		json_decref(state);
	}
	return 0;
}

/* v1 lists a conversation's calls user by user, and some of them twice. */
static int
drop_seen(struct reading *r, const struct openphone_list *slice, json_t *page)
{
	size_t i = 0;

	if (*slice->actor == '\0')
		json_object_clear(r->seen);
	while (i < json_array_size(page)) {
		const char *id = json_string_value(
		    json_object_get(json_array_get(page, i), "id"));

		if (id != NULL && json_object_get(r->seen, id) != NULL)
			json_array_remove(page, i);
		else if (id != NULL &&
		    json_object_set_new(r->seen, id, json_true()) != 0)
			return -1;
		else
			i++;
	}
	return 0;
}

static int
count_page(struct reading *r, const struct openphone_list *slice, json_t *page,
    struct survey_list *list, struct err *err)
{
	bool calls = list == &r->survey->calls;

	list->pages++;
	if (calls && slice->v1 && drop_seen(r, slice, page) != 0) {
		err_nomem(err);
		return -1;
	}
	if (count_known(r->sync, calls ? "call" : "message", page, list, err) !=
		0 ||
	    (calls && count_parts(page, !slice->v1, list, err) != 0))
		return -1;
	r->progress(r->survey);
	return 0;
}

/* OpenPhone gives others, but not this one (of a number that was taken off, or
 * that the key's owner does not see): that is noted. */
static bool
is_refused(
    struct reading *r, const struct openphone_list *slice, struct err *err)
{
	struct survey *s = r->survey;

	if (err->kind != ERR_PERMANENT && err->status != 403 &&
	    err->status != 404)
		return false;
	if (s->refused++ == 0) {
		s->refusal = *err;
		err_prefix(&s->refusal, "the %s of %s%s%s%s%s", slice->list,
		    *slice->number == '\0' ? "all numbers" : slice->number,
		    *slice->party == '\0' ? "" : " with ", slice->party,
		    *slice->actor == '\0' ? "" : ", user ", slice->actor);
		log_mask(s->refusal.text);
	}
	err_clear(err);
	return true;
}

/* *share: how much of the slice was read. */
static int
read_slice(struct reading *r, const struct openphone_list *slice,
    struct survey_list *list, double *share, struct err *err)
{
	struct history_cursor at;
	json_t *page = NULL;
	int rc = 0;

	history_begin(&at, slice->until);
	while (rc == 0 && !at.end && list->pages < PAGES_MAX) {
		if ((rc = next(r, slice, &at, &page, err)) == 0)
			rc = count_page(r, slice, page, list, err);
		json_decref(page);
		page = NULL;
	}
	*share = at.end ? 1
			: (double)(slice->until - at.position) /
		(double)(slice->until - slice->since);
	history_end(&at);
	return rc;
}

static int
read_lists(struct reading *r, const char *name, struct survey_list *list,
    struct err *err)
{
	double all = 0, read = 0, share;

	for (size_t i = 0; i < r->slices.n; i++) {
		const struct openphone_list *slice = &r->slices.items[i];
		double weight = (double)(slice->until - slice->since);

		if (strcmp(slice->list, name) != 0)
			continue;
		all += weight;
		if (list->pages >= PAGES_MAX)
			continue;
		if (read_slice(r, slice, list, &share, err) == 0) {
			r->read++;
			read += weight * share;
		} else if (is_refused(r, slice, err))
			all -= weight;
		else
			return -1;
	}
	list->share = all > 0 && read > 0 ? read / all : 1;
	return 0;
}

/* ---- v1: conversations first ---- */

static int
expand(struct reading *r, const struct openphone_list *slice,
    const json_t *numbers, struct err *err)
{
	struct history_cursor at;
	json_t *page = NULL;
	const json_t *conversation;
	size_t i, before;
	int rc = 0;

	history_begin(&at, slice->until);
	while (rc == 0 && !at.end) {
		if ((rc = next(r, slice, &at, &page, err)) != 0)
			break;
		json_array_foreach (page, i, conversation) {
			before = r->slices.n;
			rc = backfill_plan_conversation(r->backfill, numbers,
			    conversation, add_slice, &r->slices, err);
			if (rc != 0)
				break;
			if (r->slices.n > before) {
				r->survey->conversations++;
				r->survey->groups +=
				    backfill_is_group(conversation);
			}
		}
		json_decref(page);
		page = NULL;
		r->progress(r->survey);
	}
	history_end(&at);
	return rc;
}

static int
expand_all(struct reading *r, struct err *err)
{
	json_t *numbers = NULL;
	int rc;

	rc = openphone_numbers(&r->sync->openphone, &numbers, err);
	for (size_t i = 0; rc == 0 && i < r->slices.n; i++) {
		/* the array moves when it grows */
		const struct openphone_list slice = r->slices.items[i];

		if (strcmp(slice.list, "conversations") == 0 &&
		    (rc = expand(r, &slice, numbers, err)) != 0 &&
		    is_refused(r, &slice, err))
			rc = 0;
	}
	json_decref(numbers);
	return rc;
}

int64_t
survey_total(const struct survey_list *list, int64_t counted)
{
	return (int64_t)((double)counted / list->share + 0.5);
}

int
survey_run(struct sync *sync, const struct backfill *backfill,
    survey_progress_fn *progress, struct survey *ret, struct err *err)
{
	struct reading r = { .sync = sync,
		.backfill = backfill,
		.progress = progress,
		.survey = ret,
		.seen = json_object() };
	int rc;

	*ret = (struct survey){ 0 };
	rc = backfill_plan(backfill, add_slice, &r.slices, err);
	if (rc == 0 && backfill->v1)
		rc = expand_all(&r, err);
	if (rc == 0)
		rc = read_lists(&r, "calls", &ret->calls, err);
	if (rc == 0)
		rc = read_lists(&r, "messages", &ret->messages, err);
	if (rc == 0 && ret->refused > 0 && r.read == 0) {
		*err = ret->refusal;
		rc = -1;
	}
	for (size_t i = 0; i < r.slices.n; i++)
		slice_free(&r.slices.items[i]);
	free(r.slices.items);
	json_decref(r.seen);
	return rc;
}

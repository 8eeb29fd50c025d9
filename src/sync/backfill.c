#include "sync/backfill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/rest.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "model/event.h"
#include "sql/queries.h"
#include "sync/history.h"
#include "sync/people.h"

#define DAY_USEC (24 * 3600 * INT64_C(1000000))

enum {
	WINDOW_DAYS = 30,     /* of a slice, dated API */
	SLICES_AT_A_TIME = 2, /* of a backfill */
	QUEUE_MAX = 1000,     /* jobs of what was listed and isn't written */
	TURN_MS = 2000,	      /* then the worker may be needed for an event */
	FULL_WAIT_MS = 1000,
	PARTY_SIZE = 1024
};

/* ---- the plan ---- */

static struct openphone_list
slice_of(const struct backfill *b, const char *list, const char *number)
{
	return (struct openphone_list){ .list = list,
		.v1 = b->v1,
		.number = number,
		.party = "",
		.way = "",
		.actor = "",
		.since = b->since,
		.until = b->until };
}

/* "+1555…,+1555…"; -1: too many. */
static int
join(const json_t *numbers, char ret[PARTY_SIZE])
{
	const json_t *number;
	size_t i, n = 0;

	ret[0] = '\0';
	json_array_foreach (numbers, i, number) {
		const char *text = json_string_value(number);
		int added = snprintf(ret + n, PARTY_SIZE - n, "%s%s",
		    i == 0 ? "" : ",", text == NULL ? "" : text);

		if (added < 0 || (size_t)added >= PARTY_SIZE - n)
			return -1;
		n += (size_t)added;
	}
	return 0;
}

/* Messages are found by one number at a time, as sender or as recipient. */
static int
plan_messages(const struct backfill *b, struct openphone_list *slice,
    backfill_slice_fn *add, void *ctx, struct err *err)
{
	static const char *const ways[] = { "from", "to" };
	const json_t *number;
	size_t i;

	if (json_array_size(b->contact) == 0)
		return add(ctx, slice, err);
	json_array_foreach (b->contact, i, number)
		for (size_t way = 0; way < 2; way++) {
			slice->party = json_string_value(number);
			slice->way = ways[way];
			if (add(ctx, slice, err) != 0)
				return -1;
		}
	return 0;
}

/* The newest first: that is what people look at. */
static int
plan_windows(const struct backfill *b, const char *party,
    backfill_slice_fn *add, void *ctx, struct err *err)
{
	int64_t until = b->until, since;

	for (; until > b->since; until = since) {
		struct openphone_list calls = slice_of(b, "calls", b->number);
		struct openphone_list messages =
		    slice_of(b, "messages", b->number);

		since = until - WINDOW_DAYS * DAY_USEC;
		if (since < b->since)
			since = b->since;
		calls.since = messages.since = since;
		calls.until = messages.until = until;
		calls.party = party;
		if (add(ctx, &calls, err) != 0 ||
		    plan_messages(b, &messages, add, ctx, err) != 0)
			return -1;
	}
	return 0;
}

int
backfill_plan(const struct backfill *b, backfill_slice_fn *add, void *ctx,
    struct err *err)
{
	struct openphone_list contacts = slice_of(b, "contacts", "");
	struct openphone_list conversations =
	    slice_of(b, "conversations", b->number);
	char party[PARTY_SIZE];

	contacts.v1 = true;
	conversations.since = 0; /* old ones go on */
	if (join(b->contact, party) != 0) {
		err_set(err, ERR_PERMANENT, "the contact has too many numbers");
		return -1;
	}
	/* names are wanted before pages are written */
	if (add(ctx, &contacts, err) != 0)
		return -1;
	return b->v1 ? add(ctx, &conversations, err)
		     : plan_windows(b, party, add, ctx, err);
}

/* Both lists must be there: the dated API had them last. */
static int
has_list(struct sync *sync, const char *name, bool *ret, struct err *err)
{
	const struct openphone_list list = { .list = name,
		.number = "",
		.party = "",
		.way = "",
		.actor = "",
		.since = rfc3339_now(),
		.until = rfc3339_now() };
	json_t *page = NULL;
	char *next = NULL;

	if (openphone_list_page(
		&sync->openphone, &list, "", &page, &next, err) != 0)
		return -1;
	*ret = page != NULL;
	json_decref(page);
	free(next);
	return 0;
}

int
backfill_surface(struct sync *sync, bool *v1, struct err *err)
{
	bool calls = false, messages = false;

	*v1 = true;
	if (openphone_is_v1(&sync->openphone))
		return 0;
	if (has_list(sync, "calls", &calls, err) != 0 ||
	    has_list(sync, "messages", &messages, err) != 0)
		return -1;
	*v1 = !calls || !messages;
	return 0;
}

/* ---- v1's conversations ---- */

bool
backfill_is_group(const json_t *conversation)
{
	return json_array_size(json_object_get(conversation, "participants")) >
	    1;
}

static bool
has(const json_t *array, const char *text)
{
	const json_t *item;
	size_t i;

	json_array_foreach (array, i, item)
		if (json_is_string(item) &&
		    strcmp(json_string_value(item), text) == 0)
			return true;
	return false;
}

static bool
is_wanted(const struct backfill *b, const json_t *conversation)
{
	const json_t *parties = json_object_get(conversation, "participants");
	const json_t *party;
	int64_t last;
	size_t i;

	if (json_array_size(parties) == 0 ||
	    *rest_text(conversation, "phoneNumberId") == '\0')
		return false;
	if (rfc3339_parse(rest_text(conversation, "lastActivityAt"), &last) ==
		0 &&
	    last < b->since)
		return false;
	if (json_array_size(b->contact) == 0)
		return true;
	json_array_foreach (parties, i, party)
		if (json_is_string(party) &&
		    has(b->contact, json_string_value(party)))
			return true;
	return false;
}

/* A list of calls is one user's. Without a user it is that of one whom the
 * API chooses, and who need not be among those that the number has now. */
static int
plan_calls(const json_t *numbers, struct openphone_list *slice,
    backfill_slice_fn *add, void *ctx, struct err *err)
{
	const json_t *number, *user;
	size_t i, j;

	slice->list = "calls";
	if (add(ctx, slice, err) != 0)
		return -1;
	json_array_foreach (numbers, i, number) {
		if (strcmp(rest_text(number, "id"), slice->number) != 0)
			continue;
		json_array_foreach (json_object_get(number, "users"), j, user) {
			slice->actor = rest_text(user, "id");
			if (strncmp(slice->actor, "US", 2) == 0 &&
			    add(ctx, slice, err) != 0)
				return -1;
		}
	}
	return 0;
}

int
backfill_plan_conversation(const struct backfill *b, const json_t *numbers,
    const json_t *conversation, backfill_slice_fn *add, void *ctx,
    struct err *err)
{
	struct openphone_list slice =
	    slice_of(b, "messages", rest_text(conversation, "phoneNumberId"));
	char party[PARTY_SIZE];

	if (!is_wanted(b, conversation))
		return 0;
	if (join(json_object_get(conversation, "participants"), party) != 0) {
		log_warn("a conversation has too many participants");
		return 0;
	}
	slice.party = party;
	if (add(ctx, &slice, err) != 0)
		return -1;
	if (backfill_is_group(conversation))
		return 0;
	return plan_calls(numbers, &slice, add, ctx, err);
}

/* ---- its tables ---- */

struct adding {
	struct db *db;
	int64_t backfill;
};

static int
add_row(void *ctx, const struct openphone_list *slice, struct err *err)
{
	const struct adding *to = ctx;
	char since[RFC3339_SIZE], until[RFC3339_SIZE];

	rfc3339_format(slice->since, since);
	rfc3339_format(slice->until, until);
	return DB_RUN(to->db, SQL_backfill_slice_add, NULL, err,
	    DB_INT(to->backfill), DB_TEXT(slice->list), DB_TEXT(slice->number),
	    DB_TEXT(slice->party), DB_TEXT(slice->way), DB_TEXT(slice->actor),
	    DB_TEXT(since), DB_TEXT(until));
}

static int
queue_next(struct sync *sync, int64_t backfill, struct err *err)
{
	return DB_RUN(sync->db, SQL_backfill_next, NULL, err, DB_INT(backfill),
	    DB_INT(SLICES_AT_A_TIME), DB_INT(JOB_HISTORY));
}

/* The row of a backfill: its id, or -1. */
static int64_t
add_backfill(struct sync *sync, const struct backfill *b, struct err *err)
{
	size_t n = json_array_size(b->contact);
	struct db_bytes *numbers = calloc(n + 1, sizeof(*numbers));
	char since[RFC3339_SIZE], until[RFC3339_SIZE];
	struct db_result *r = NULL;
	int64_t id = -1;

	if (numbers == NULL) {
		err_nomem(err);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *number = json_array_get(b->contact, i);

		numbers[i] = (struct db_bytes){ json_string_value(number),
			json_string_length(number) };
	}
	rfc3339_format(b->since, since);
	rfc3339_format(b->until, until);
	if (DB_RUN(sync->db, SQL_backfill_add, &r, err, DB_TEXT(sync->ws->name),
		DB_TEXT(since), DB_TEXT(until), DB_TEXT(b->number),
		DB_TEXTS(numbers, n), DB_TEXT(b->v1 ? "v1" : "dated")) == 0)
		id = db_int(r, 0, "id");
	db_result_free(r);
	free(numbers);
	return id;
}

int
backfill_queue(
    struct sync *sync, const struct backfill *b, int64_t *id, struct err *err)
{
	struct adding to = { .db = sync->db };

	if (db_begin(sync->db, err) != 0)
		return -1;
	if ((to.backfill = add_backfill(sync, b, err)) < 0 ||
	    backfill_plan(b, add_row, &to, err) != 0 ||
	    queue_next(sync, to.backfill, err) != 0 ||
	    db_commit(sync->db, err) != 0) {
		db_rollback(sync->db);
		return -1;
	}
	*id = to.backfill;
	return 0;
}

/* ---- a slice ---- */

struct slice {
	const struct job *job;
	int64_t backfill;
	struct db_result *row; /* what the strings below are from */
	json_t *contact;
	json_t *numbers;       /* v1's list, for conversations; else NULL */
	struct backfill whole; /* that it is of */
	struct openphone_list query;
	struct history_cursor at;
};

/* What a page came to. */
struct tally {
	int64_t found, due;
};

static void
slice_clear(struct slice *s)
{
	history_end(&s->at);
	json_decref(s->contact);
	json_decref(s->numbers);
	db_result_free(s->row);
}

/* 1, or 0: it is finished, or was cancelled. */
static int
slice_get(struct sync *sync, const struct job *job, struct slice *ret,
    struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(sync->db, SQL_backfill_slice_get, &r, err,
		DB_TEXT(job->resource_id)) != 0)
		return -1;
	if (db_rows(r) == 0) {
		db_result_free(r);
		return 0;
	}
	*ret = (struct slice){ .job = job,
		.backfill = db_int(r, 0, "backfill_id"),
		.row = r,
		.contact = db_json(r, 0, "only_contact") };
	if (ret->contact == NULL) { /* that would be everybody */
		err_nomem(err);
		return -1;
	}
	ret->whole = (struct backfill){ .v1 = db_bool(r, 0, "v1"),
		.since = db_int(r, 0, "whole_since"),
		.until = db_int(r, 0, "whole_until"),
		.number = db_text(r, 0, "only_number"),
		.contact = ret->contact };
	ret->query = slice_of(
	    &ret->whole, db_text(r, 0, "list"), db_text(r, 0, "number"));
	ret->query.party = db_text(r, 0, "party");
	ret->query.way = db_text(r, 0, "way");
	ret->query.actor = db_text(r, 0, "actor");
	ret->query.since = db_int(r, 0, "since");
	ret->query.until = db_int(r, 0, "until");
	if (strcmp(ret->query.list, "contacts") == 0)
		ret->query.v1 = true;
	history_begin(&ret->at, db_int(r, 0, "position"));
	return 1;
}

/* Without an id objects cannot be told apart. */
static bool
id_of(const json_t *object, struct db_bytes *ret)
{
	const json_t *id = json_object_get(object, "id");

	if (!event_usable_id(id))
		return false;
	*ret =
	    (struct db_bytes){ json_string_value(id), json_string_length(id) };
	return true;
}

static int
store_objects(struct sync *sync, struct slice *s, const json_t *page,
    struct tally *tally, struct err *err)
{
	const char *kind =
	    strcmp(s->query.list, "calls") == 0 ? "call" : "message";
	size_t max = json_array_size(page) + 1, i;
	size_t n = 0, n_first = 0, n_changed = 0;
	struct db_bytes *ids = calloc(3 * max, sizeof(*ids));
	struct db_bytes *first, *changed, id;
	struct db_result *r = NULL;
	const json_t *object;
	int rc = -1;

	if (ids == NULL) {
		err_nomem(err);
		return -1;
	}
	first = ids + max;
	changed = first + max;
	json_array_foreach (page, i, object)
		if (id_of(object, &id))
			ids[n++] = id;
	if (job_hold(sync->db, sync->ws->name, kind, ids, n, err) != 0)
		goto out;
	json_array_foreach (page, i, object) {
		struct history_found found = { 0 };

		if (!id_of(object, &id))
			continue;
		if (history_fold(
			sync, kind, object, s->backfill, &found, err) != 0)
			goto out;
		if (found.first)
			first[n_first++] = id;
		if (found.changed)
			changed[n_changed++] = id;
	}
	tally->found += (int64_t)n_first;
	rc =
	    DB_RUN(sync->db, SQL_backfill_due, &r, err, DB_TEXT(sync->ws->name),
		DB_TEXT(kind), DB_TEXTS(ids, n), DB_TEXTS(changed, n_changed),
		DB_TEXTS(first, n_first), DB_INT(JOB_LISTED));
	if (rc == 0)
		tally->due += db_int(r, 0, "due");
out:
	db_result_free(r);
	free(ids);
	return rc;
}

/* All contacts, for their names: of what is found, nobody knows yet whose it
 * is. Pages they get only when all is wanted. */
static int
store_contacts(
    struct sync *sync, struct slice *s, const json_t *page, struct err *err)
{
	bool all =
	    *s->whole.number == '\0' && json_array_size(s->whole.contact) == 0;
	const json_t *contact;
	size_t i;

	json_array_foreach (page, i, contact) {
		const json_t *id = json_object_get(contact, "id");

		if (event_usable_id(id) &&
		    people_learn(
			sync, json_string_value(id), contact, all, err) != 0)
			return -1;
	}
	return 0;
}

static int
store_conversations(
    struct sync *sync, struct slice *s, const json_t *page, struct err *err)
{
	struct adding to = { .db = sync->db, .backfill = s->backfill };
	const json_t *conversation;
	size_t i;

	json_array_foreach (page, i, conversation)
		if (backfill_plan_conversation(&s->whole, s->numbers,
			conversation, add_row, &to, err) != 0)
			return -1;
	return 0;
}

/* Where the list stands: 1, or 0 when the backfill was cancelled, or another
 * worker has the slice. */
static int
put_slice(struct sync *sync, const struct slice *s, const struct tally *tally,
    const char *progress, const char *reason, struct err *err)
{
	struct db_result *r = NULL;
	char position[RFC3339_SIZE];
	int rc;

	rfc3339_format(s->at.position, position);
	if (DB_RUN(sync->db, SQL_backfill_slice_put, &r, err,
		DB_TEXT(s->job->resource_id),
		DB_TEXT(s->at.ordered ? position : NULL), DB_INT(tally->found),
		DB_INT(tally->due), DB_TEXT(progress), DB_TEXT(reason),
		DB_INT(s->job->id), DB_INT(s->job->run)) != 0)
		return -1;
	rc = db_rows(r);
	db_result_free(r);
	return rc;
}

/* As put_slice(). */
static int
hold(struct sync *sync, const struct slice *s, struct err *err)
{
	struct db_result *r = NULL;
	int rc;

	if (DB_RUN(sync->db, SQL_backfill_hold, &r, err, DB_INT(s->backfill)) !=
	    0)
		return -1;
	rc = db_rows(r);
	db_result_free(r);
	return rc;
}

/* What a page has: 0, or -1. */
static int
store_items(struct sync *sync, struct slice *s, const json_t *page,
    struct tally *tally, struct err *err)
{
	if (strcmp(s->query.list, "contacts") == 0)
		return store_contacts(sync, s, page, err);
	if (strcmp(s->query.list, "conversations") == 0)
		return store_conversations(sync, s, page, err);
	return store_objects(sync, s, page, tally, err);
}

/* A page and the new position, all or nothing: as put_slice(). */
static int
store_page(
    struct sync *sync, struct slice *s, const json_t *page, struct err *err)
{
	struct tally tally = { 0 };
	int rc;

	if (db_begin(sync->db, err) != 0)
		return -1;
	rc = hold(sync, s, err);
	if (rc > 0 && store_items(sync, s, page, &tally, err) != 0)
		rc = -1;
	if (rc > 0)
		rc = put_slice(sync, s, &tally, s->at.end ? "listed" : "queued",
		    NULL, err);
	if (rc > 0 &&
	    (queue_next(sync, s->backfill, err) != 0 ||
		db_commit(sync->db, err) != 0))
		rc = -1;
	if (rc <= 0)
		db_rollback(sync->db);
	return rc;
}

/* OpenPhone does not give this list, ever (of a user, say, who was taken off
 * the number): that is noted, and the others go on. */
static int
refuse(struct sync *sync, const struct slice *s, const struct err *why,
    struct err *err)
{
	const struct tally none = { 0 };
	char reason[sizeof(why->text)];

	memcpy(reason, why->text, sizeof(reason));
	log_mask(reason);
	log_warn("backfill %lld: a list of %s is left out: %s",
	    (long long)s->backfill, s->query.list, why->text);
	return put_slice(sync, s, &none, "refused", reason, err) < 0 ||
		queue_next(sync, s->backfill, err) != 0
	    ? -1
	    : 0;
}

/* 1: enough is listed for now, 0: go on, -1. */
static int
is_full(struct sync *sync, struct err *err)
{
	struct db_result *r = NULL;
	int full;

	if (DB_RUN(sync->db, SQL_backfill_full, &r, err,
		DB_TEXT(sync->ws->name), DB_INT(QUEUE_MAX)) != 0)
		return -1;
	full = db_bool(r, 0, "full");
	db_result_free(r);
	return full;
}

static int
later(struct sync *sync, const struct slice *s, int64_t ms, struct err *err)
{
	return DB_RUN(sync->db, SQL_backfill_later, NULL, err,
	    DB_INT(s->job->id), DB_INT(s->job->run), DB_INT(ms));
}

/* Pages for as long as this turn lasts. A list that is not in order has to be
 * read to its end at once, for its position cannot be stored. */
static int
read_on(struct sync *sync, struct slice *s, struct err *err)
{
	int64_t over = clock_ms() + TURN_MS;
	struct err why = ERR_INIT;
	json_t *page = NULL;
	int rc;

	if (strcmp(s->query.list, "conversations") == 0 &&
	    openphone_numbers(&sync->openphone, &s->numbers, err) != 0)
		return -1;
	do {
		if (s->at.ordered && (rc = is_full(sync, err)) != 0)
			return rc < 0 ? -1 : later(sync, s, FULL_WAIT_MS, err);
		if (history_next(&sync->openphone, &s->query, &s->at, &page,
			&why) != 0) {
			if (why.kind == ERR_PERMANENT)
				return refuse(sync, s, &why, err);
			*err = why;
			return -1;
		}
		rc = store_page(sync, s, page, err);
		json_decref(page);
		page = NULL;
	} while (rc > 0 && !s->at.end && (!s->at.ordered || clock_ms() < over));
	if (rc < 0)
		return -1;
	return rc == 0 || s->at.end ? 0 : later(sync, s, 0, err);
}

int
backfill_run(struct sync *sync, const struct job *job, struct err *err)
{
	struct slice slice = { 0 };
	int rc = slice_get(sync, job, &slice, err);

	if (rc > 0)
		rc = read_on(sync, &slice, err);
	slice_clear(&slice);
	return rc;
}

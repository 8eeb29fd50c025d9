#include "sync/resource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/failpoint.h"
#include "ext/jansson.h"
#include "model/call.h"
#include "model/event.h"
#include "model/fold.h"
#include "model/payload.h"
#include "sql/queries.h"

enum {
	/* A result's row is in memory several times over, and what libpq has
	 * taken for it, it keeps: long values are fetched in pieces. */
	PIECE = 16 * 1024,
	LONG_FACTS = 128 * 1024, /* as text */
	LONGEST = 256 * 1024 * 1024
};

typedef int fetch_piece_fn(struct db *db, const void *ctx, size_t at,
    struct db_result **ret, struct err *err);

/* A value of whose bytes the row has the first piece; fetch gets the others.
 * What it got is put into *ret, also on failure. */
static int
whole_value(struct db *db, const struct db_result *first, int row,
    fetch_piece_fn *fetch, const void *ctx, struct buf *ret, struct err *err)
{
	size_t size = (size_t)db_int(first, row, "size"), n = 0;
	struct db_result *r = NULL;
	void *piece = db_bytes(first, row, "piece", &n);
	int rc = 0;

	buf_init(ret, LONGEST);
	while (rc == 0 && piece != NULL && buf_add(ret, piece, n) == 0) {
		free(piece);
		piece = NULL;
		if (ret->len >= size || n == 0)
			return 0;
		rc = fetch(db, ctx, ret->len + 1, &r, err);
		if (rc == 0 && db_rows(r) == 1)
			piece = db_bytes(r, 0, "piece", &n);
		db_result_free(r);
		r = NULL;
	}
	free(piece);
	if (rc == 0)
		err_nomem(err);
	return -1;
}

static int
fetch_facts(struct db *db, const void *ctx, size_t at, struct db_result **ret,
    struct err *err)
{
	const struct job *job = ctx;

	return DB_RUN(db, SQL_resource_piece, ret, err, DB_TEXT(job->workspace),
	    DB_TEXT(job->kind), DB_TEXT(job->resource_id), DB_INT((int64_t)at),
	    DB_INT(PIECE));
}

static json_t *
read_facts(struct db *db, const struct job *job, const struct db_result *r,
    struct err *err)
{
	json_t *facts = NULL;
	struct buf text;

	if (whole_value(db, r, 0, fetch_facts, job, &text, err) == 0 &&
	    (facts = jansson_read(text.data, text.len, 0, NULL)) == NULL)
		err_nomem(err);
	buf_free(&text);
	return facts;
}

/* Take the stored state, or begin with an empty one. */
static int
read_state(
    struct db *db, const struct job *job, struct resource *res, struct err *err)
{
	struct db_result *r = NULL;
	json_t *facts;

	if (DB_RUN(db, SQL_resource_get, &r, err, DB_TEXT(job->workspace),
		DB_TEXT(job->kind), DB_TEXT(job->resource_id),
		DB_INT(PIECE)) != 0)
		return -1;
	if (db_rows(r) == 0) {
		res->state = fold_new();
	} else if ((facts = read_facts(db, job, r, err)) == NULL) {
		db_result_free(r);
		return -1;
	} else {
		res->stored = true;
		res->state = json_pack("{s:o, s:o}", "facts", facts, "times",
		    db_json(r, 0, "times"));
		res->refold = db_bool(r, 0, "refold");
		res->redacted = db_bool(r, 0, "redacted");
		res->checks = db_int(r, 0, "checks");
		res->recheck = db_text(r, 0, "recheck_in") != NULL;
		res->recheck_in = db_int(r, 0, "recheck_in");
		res->backfill = db_int(r, 0, "backfill");
		snprintf(res->changed_at, sizeof(res->changed_at), "%s",
		    db_text(r, 0, "changed_at"));
	}
	db_result_free(r);
	if ((res->facts = json_object_get(res->state, "facts")) == NULL) {
		err_nomem(err);
		return -1;
	}
	return 0;
}

/* A row of resource_events. */
struct event_row {
	const struct db_result *r;
	int row;
};

static int
fetch_body(struct db *db, const void *ctx, size_t at, struct db_result **ret,
    struct err *err)
{
	const struct event_row *e = ctx;

	return DB_RUN(db, SQL_event_piece, ret, err,
	    DB_TEXT(db_text(e->r, e->row, "id")),
	    DB_TEXT(db_text(e->r, e->row, "received_at")), DB_INT((int64_t)at),
	    DB_INT(PIECE));
}

static json_t *
read_envelope(struct db *db, const struct event_row *e, struct err *err)
{
	json_t *envelope = NULL;
	const char *note;
	struct buf body;

	if (whole_value(db, e->r, e->row, fetch_body, e, &body, err) == 0)
		envelope = payload_load(buf_text(&body), body.len, &note, err);
	buf_free(&body);
	return envelope;
}

static int
fold_one(
    struct db *db, const struct event_row *e, json_t *state, struct err *err)
{
	json_t *envelope = read_envelope(db, e, err);
	struct event event;
	int rc = -1;

	if (envelope != NULL) {
		event_identify(envelope, &event);
		rc = fold_event(state, envelope, &event, err);
	}
	json_decref(envelope);
	return rc;
}

static int
fold_new_events(
    struct db *db, const struct job *job, struct resource *res, struct err *err)
{
	struct db_result *r = NULL;
	int rc = -1;

	if (DB_RUN(db, SQL_resource_events, &r, err, DB_TEXT(job->workspace),
		DB_TEXT(job->kind), DB_TEXT(job->resource_id),
		DB_INT(PIECE)) != 0)
		return -1;
	res->folded = calloc((size_t)db_rows(r) + 1, sizeof(*res->folded));
	if (res->folded == NULL) {
		err_nomem(err);
		goto out;
	}
	for (int i = 0; i < db_rows(r); i++) {
		const struct event_row row = { .r = r, .row = i };
		int64_t id = db_int(r, i, "id");

		if (fold_one(db, &row, res->state, err) != 0) {
			err_prefix(err, "event %lld", (long long)id);
			goto out;
		}
		res->folded[res->n_folded++] = id;
	}
	rc = 0;
out:
	db_result_free(r);
	return rc;
}

/* All events again, from nothing. What they do not tell stays as it was: it
 * is the API's, which may not have it any more. */
static int
fold_again(
    struct db *db, const struct job *job, struct resource *res, struct err *err)
{
	json_t *before = res->state;
	int rc = -1;

	if ((res->state = fold_new()) == NULL)
		err_nomem(err);
	else if (fold_new_events(db, job, res, err) == 0)
		rc = fold_keep(res->state, before, job->kind, err);
	json_decref(before);
	res->facts = json_object_get(res->state, "facts");
	return rc;
}

int
resource_load(
    struct db *db, const struct job *job, struct resource *ret, struct err *err)
{
	struct resource res = { 0 };

	if (read_state(db, job, &res, err) != 0 ||
	    (res.refold ? fold_again(db, job, &res, err)
			: fold_new_events(db, job, &res, err)) != 0) {
		resource_free(&res);
		return -1;
	}
	FAILPOINT("resource.folded");
	*ret = res;
	return 0;
}

void
resource_free(struct resource *res)
{
	json_decref(res->state);
	free(res->folded);
	*res = (struct resource){ 0 };
}

/* PostgreSQL's text form: {1,2,3}. */
static char *
id_list(const struct resource *res)
{
	struct buf buf;
	int rc;

	buf_init(&buf, 1 << 20);
	rc = buf_adds(&buf, "{");
	for (size_t i = 0; i < res->n_folded; i++)
		rc |= buf_addf(&buf, "%s%lld", i == 0 ? "" : ",",
		    (long long)res->folded[i]);
	rc |= buf_adds(&buf, "}");
	if (rc == 0)
		return buf_steal(&buf);
	buf_free(&buf);
	return NULL;
}

static const char *
outcome_of(const struct job *job, const struct resource *res)
{
	return strcmp(job->kind, "call") == 0 ? call_outcome(res->facts) : NULL;
}

/* The facts: NULL when they were sent ahead. */
static int
put(struct db *db, const struct job *job, const struct resource *res,
    const json_t *facts, struct err *err)
{
	struct db_result *r = NULL;
	char *ids = id_list(res), seconds[32];
	int rc;

	if (ids == NULL) {
		err_nomem(err);
		return -1;
	}
	snprintf(seconds, sizeof(seconds), "%lld", (long long)res->recheck_in);
	rc = DB_RUN(db, SQL_resource_put, &r, err, DB_TEXT(job->workspace),
	    DB_TEXT(job->kind), DB_TEXT(job->resource_id), DB_JSON(facts),
	    DB_JSON(json_object_get(res->state, "times")),
	    DB_TEXT(outcome_of(job, res)), DB_TEXT(ids), DB_INT(res->checks),
	    DB_TEXT(res->recheck ? seconds : NULL), DB_INT(job->id),
	    DB_INT(job->run), DB_BOOL(res->refold), DB_BOOL(res->ignored));
	free(ids);
	return rc == 0 ? job_held(r, err) : -1;
}

static int
put_long(struct db *db, const struct job *job, const struct resource *res,
    struct err *err)
{
	if (db_begin(db, err) != 0)
		return -1;
	if (db_json_ahead(db, res->facts, err) == 0 &&
	    put(db, job, res, NULL, err) == 0 && db_commit(db, err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}

int
resource_save(
    struct db *db, const struct job *job, struct resource *res, struct err *err)
{
	bool is_long =
	    json_dumpb(res->facts, NULL, 0, JSON_COMPACT) >= LONG_FACTS;
	int rc = is_long ? put_long(db, job, res, err)
			 : put(db, job, res, res->facts, err);

	FAILPOINT("resource.saved");
	if (rc == 0) {
		res->stored = true;
		res->refold = false;
		res->n_folded = 0;
	}
	return rc;
}

int
resource_save_listed(struct db *db, const struct job *job,
    const struct resource *res, int64_t backfill, struct err *err)
{
	struct db_result *r = NULL;
	char *ids = id_list(res);
	int rc;

	if (ids == NULL) {
		err_nomem(err);
		return -1;
	}
	rc = DB_RUN(db, SQL_resource_list, &r, err, DB_TEXT(job->workspace),
	    DB_TEXT(job->kind), DB_TEXT(job->resource_id), DB_JSON(res->facts),
	    DB_JSON(json_object_get(res->state, "times")),
	    DB_TEXT(outcome_of(job, res)), DB_TEXT(ids),
	    DB_TEXT(res->stored ? res->changed_at : NULL), DB_INT(backfill));
	free(ids);
	if (rc == 0)
		rc = db_rows(r);
	db_result_free(r);
	return rc;
}

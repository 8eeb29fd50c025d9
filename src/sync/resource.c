#include "sync/resource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "model/call.h"
#include "model/event.h"
#include "model/fold.h"
#include "model/payload.h"
#include "sql/queries.h"

/* Take the stored state, or begin with an empty one. */
static int
read_state(struct db *db, const struct job *job, struct resource *res,
    struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db, SQL_resource_get, &r, err, DB_TEXT(job->workspace),
	        DB_TEXT(job->kind), DB_TEXT(job->resource_id)) != 0)
		return -1;
	if (db_rows(r) == 0) {
		res->state = fold_new();
	} else {
		res->stored = true;
		res->state = json_pack("{s:o, s:o}", "facts",
		    db_json(r, 0, "facts"), "times", db_json(r, 0, "times"));
		res->checks = db_int(r, 0, "checks");
		res->recheck = db_text(r, 0, "recheck_in") != NULL;
		res->recheck_in = db_int(r, 0, "recheck_in");
	}
	db_result_free(r);
	if ((res->facts = json_object_get(res->state, "facts")) == NULL) {
		err_nomem(err);
		return -1;
	}
	return 0;
}

static int
fold_one(const struct db_result *r, int row, json_t *state, struct err *err)
{
	const char *note;
	struct event event;
	json_t *envelope;
	size_t n = 0;
	void *body = db_bytes(r, row, "body", &n);
	int rc = -1;

	if (body == NULL) {
		err_nomem(err);
		return -1;
	}
	if ((envelope = payload_load(body, n, &note, err)) != NULL) {
		event_identify(envelope, &event);
		rc = fold_event(state, envelope, &event, err);
	}
	json_decref(envelope);
	free(body);
	return rc;
}

static int
fold_new_events(struct db *db, const struct job *job, struct resource *res,
    struct err *err)
{
	struct db_result *r = NULL;
	int rc = -1;

	if (DB_RUN(db, SQL_resource_events, &r, err, DB_TEXT(job->workspace),
	        DB_TEXT(job->kind), DB_TEXT(job->resource_id)) != 0)
		return -1;
	res->folded = calloc((size_t)db_rows(r) + 1, sizeof(*res->folded));
	if (res->folded == NULL) {
		err_nomem(err);
		goto out;
	}
	for (int i = 0; i < db_rows(r); i++) {
		int64_t id = db_int(r, i, "id");

		if (fold_one(r, i, res->state, err) != 0) {
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

int
resource_load(struct db *db, const struct job *job, struct resource *ret,
    struct err *err)
{
	struct resource res = { 0 };

	if (read_state(db, job, &res, err) != 0 ||
	    fold_new_events(db, job, &res, err) != 0) {
		resource_free(&res);
		return -1;
	}
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

int
resource_save(struct db *db, const struct job *job, struct resource *res,
    struct err *err)
{
	const char *outcome = strcmp(job->kind, "call") == 0
	    ? call_outcome(res->facts)
	    : NULL;
	char *ids = id_list(res), seconds[32];
	int rc;

	if (ids == NULL) {
		err_nomem(err);
		return -1;
	}
	snprintf(seconds, sizeof(seconds), "%lld", (long long)res->recheck_in);
	rc = DB_RUN(db, SQL_resource_put, NULL, err, DB_TEXT(job->workspace),
	    DB_TEXT(job->kind), DB_TEXT(job->resource_id),
	    DB_JSON(res->facts),
	    DB_JSON(json_object_get(res->state, "times")), DB_TEXT(outcome),
	    DB_TEXT(ids), DB_INT(res->checks),
	    DB_TEXT(res->recheck ? seconds : NULL));
	free(ids);
	if (rc == 0) {
		res->stored = true;
		res->n_folded = 0;
	}
	return rc;
}

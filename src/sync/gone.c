#include "sync/gone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "model/event.h"
#include "model/fold.h"
#include "queue/job.h"
#include "sql/queries.h"
#include "sync/history.h"
#include "sync/patience.h"
#include "sync/resource.h"

enum { AT_ONCE = 100, TRIES_MAX = 3 };

struct looking {
	const struct upstream *u;
	json_t *numbers; /* v1's list of ours; what the ids below are from */
	struct db_bytes *ids;
	size_t n;
};

static struct db *
db_of(const struct looking *l)
{
	return l->u->sync->db;
}

static const char *
workspace_of(const struct looking *l)
{
	return l->u->sync->ws->name;
}

static struct db_bytes *
ids_of(const json_t *objects, size_t *n, struct err *err)
{
	struct db_bytes *ids =
	    calloc(json_array_size(objects) + 1, sizeof(*ids));
	const json_t *object;
	size_t i;

	*n = 0;
	if (ids == NULL) {
		err_nomem(err);
		return NULL;
	}
	json_array_foreach (objects, i, object) {
		const json_t *id = json_object_get(object, "id");

		if (event_usable_id(id))
			ids[(*n)++] = (struct db_bytes){ json_string_value(id),
				json_string_length(id) };
	}
	return ids;
}

static int
get_numbers(struct looking *l, struct err *err)
{
	int attempt = 1;

	while (openphone_numbers(&l->u->sync->openphone, &l->numbers, err) != 0)
		if (!patience_again(l->u->sync, l->u->chore, &attempt, err))
			return -1;
	l->ids = ids_of(l->numbers, &l->n, err);
	return l->ids == NULL ? -1 : 0;
}

/* ---- contacts ---- */

static int
put_listed(const struct looking *l, const json_t *contacts, struct err *err)
{
	size_t n;
	struct db_bytes *ids = ids_of(contacts, &n, err);
	int rc;

	if (ids == NULL)
		return -1;
	rc = DB_RUN(db_of(l), SQL_upstream_before, NULL, err,
	    DB_TEXT(workspace_of(l)), DB_TEXT("contact"), DB_TEXTS(ids, n));
	free(ids);
	return rc;
}

/* 1: all of them are in the table upstream; 0: there is no such list. */
static int
list_contacts(const struct looking *l, struct err *err)
{
	const struct openphone_list list = { .list = "contacts", .v1 = true };
	struct sync *sync = l->u->sync;
	struct history_cursor at;
	json_t *page = NULL;
	int attempt = 1, rc = 1;

	history_begin(&at, 0);
	while (rc == 1 && !at.end) {
		if (history_next(&sync->openphone, &list, &at, &page, err) !=
		    0) {
			if (err->kind == ERR_PERMANENT) {
				err_clear(err);
				rc = 0;
			} else if (!patience_again(
				       sync, l->u->chore, &attempt, err)) {
				rc = -1;
			}
			continue;
		}
		attempt = 1;
		if (put_listed(l, page, err) != 0 ||
		    chore_keep(l->u->chore, err) != 0)
			rc = -1;
		json_decref(page);
		page = NULL;
	}
	history_end(&at);
	return rc;
}

/* ---- one of them ---- */

static int
is_gone(const struct looking *l, const char *kind, const char *id, bool *ret,
    struct err *err)
{
	int attempt = 1;

	while (
	    openphone_is_gone(&l->u->sync->openphone, kind, id, ret, err) != 0)
		if (!patience_again(l->u->sync, l->u->chore, &attempt, err))
			return -1;
	return 0;
}

/* 1, or 0: somebody else stored the resource meanwhile. */
static int
try_mark(const struct looking *l, const struct job *job, bool deleted,
    struct err *err)
{
	struct resource res = { 0 };
	int rc = -1;

	if (resource_load(db_of(l), job, &res, err) != 0)
		return -1;
	if (fold_deleted(res.state, job->kind, deleted, rfc3339_now(), err) ==
	    0)
		rc = resource_save_listed(db_of(l), job, &res, 0, err);
	resource_free(&res);
	return rc;
}

/* What a worker keeps storing is left for the next time. */
static int
mark(const struct looking *l, const char *kind, const char *id, bool deleted,
    struct err *err)
{
	const struct job job = {
		.workspace = workspace_of(l), .kind = kind, .resource_id = id
	};
	const struct db_bytes one = { id, strlen(id) };
	int rc = job_hold(db_of(l), workspace_of(l), kind, &one, 1, err);

	for (int i = 0; i < TRIES_MAX && rc == 0; i++)
		rc = try_mark(l, &job, deleted, err);
	if (rc == 1 &&
	    job_make_due(
		db_of(l), workspace_of(l), kind, id, JOB_RECHECK, err) != 0)
		rc = -1;
	return rc;
}

static int
settle(const struct looking *l, const char *kind, const char *id, bool deleted,
    struct err *err)
{
	json_t *findings = json_pack("[{s:s, s:s}]", "what",
	    deleted ? "deleted" : "returned", "resource_id", id);
	int marked = 0, rc = -1;

	if (findings == NULL) {
		err_nomem(err);
		return -1;
	}
	if (db_begin(db_of(l), err) != 0)
		goto out;
	if (l->u->repair)
		marked = mark(l, kind, id, deleted, err);
	if (marked >= 0 &&
	    DB_RUN(db_of(l), SQL_finding_put, NULL, err,
		DB_TEXT(workspace_of(l)), DB_TEXT(kind), DB_TEXT("openphone"),
		DB_JSON(findings), DB_BOOL(marked == 1)) == 0 &&
	    db_commit(db_of(l), err) == 0)
		rc = 0;
	else
		db_rollback(db_of(l));
out:
	json_decref(findings);
	return rc;
}

/* ---- all of a kind ---- */

static int
look_at(
    const struct looking *l, const char *kind, const char *id, struct err *err)
{
	bool gone = false;

	if (is_gone(l, kind, id, &gone, err) != 0 ||
	    (gone && settle(l, kind, id, true, err) != 0))
		return -1;
	return chore_keep(l->u->chore, err);
}

static int
compare(const struct looking *l, const char *kind, struct err *err)
{
	char since[RFC3339_SIZE], until[RFC3339_SIZE];
	char last[EVENT_ID_MAX + 1] = "";
	int rows = AT_ONCE, rc = 0;

	rfc3339_format(l->u->since, since);
	rfc3339_format(l->u->until, until);
	while (rc == 0 && rows == AT_ONCE) {
		struct db_result *r = NULL;

		if (DB_RUN(db_of(l), SQL_gone_next, &r, err,
			DB_TEXT(workspace_of(l)), DB_TEXT(kind), DB_TEXT(since),
			DB_TEXT(until), DB_TEXTS(l->ids, l->n), DB_TEXT(last),
			DB_INT(AT_ONCE)) != 0)
			return -1;
		rows = db_rows(r);
		for (int i = 0; rc == 0 && i < rows; i++) {
			snprintf(last, sizeof(last), "%s", db_text(r, i, "id"));
			rc = look_at(l, kind, last, err);
		}
		db_result_free(r);
	}
	return rc;
}

/* Contacts that were deleted, and are listed. */
static int
compare_returned(const struct looking *l, struct err *err)
{
	struct db_result *r = NULL;
	int rc = 0;

	if (DB_RUN(db_of(l), SQL_gone_returned, &r, err,
		DB_TEXT(workspace_of(l))) != 0)
		return -1;
	for (int i = 0; rc == 0 && i < db_rows(r); i++)
		rc = settle(l, "contact", db_text(r, i, "id"), false, err);
	db_result_free(r);
	return rc;
}

static int
compare_contacts(const struct looking *l, struct err *err)
{
	struct db_result *r = NULL;
	bool any;
	int listed;

	if (DB_RUN(db_of(l), SQL_gone_contacts, &r, err,
		DB_TEXT(workspace_of(l))) != 0)
		return -1;
	any = db_bool(r, 0, "any");
	db_result_free(r);
	if (!any)
		return 0;
	if ((listed = list_contacts(l, err)) <= 0)
		return listed;
	if (compare_returned(l, err) != 0)
		return -1;
	return compare(l, "contact", err);
}

int
gone_compare(const struct upstream *u, bool contacts, struct err *err)
{
	struct looking l = { .u = u };
	int rc = -1;

	if (get_numbers(&l, err) == 0 && compare(&l, "call", err) == 0 &&
	    compare(&l, "message", err) == 0 &&
	    (!contacts || compare_contacts(&l, err) == 0))
		rc = 0;
	free(l.ids);
	json_decref(l.numbers);
	return rc;
}

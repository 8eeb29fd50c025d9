#include "sync/upstream.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "model/event.h"
#include "queue/job.h"
#include "sql/queries.h"
#include "sync/backfill.h"
#include "sync/history.h"
#include "sync/patience.h"

/* One reading. */
struct reading {
	struct upstream *u;
	struct backfill range;
	json_t *numbers; /* v1's list of ours; else NULL */
};

static struct db *
db_of(const struct reading *r)
{
	return r->u->sync->db;
}

static const char *
workspace_of(const struct reading *r)
{
	return r->u->sync->ws->name;
}

/* ---- a page of a list ---- */

/* The objects that can be told apart. */
struct objects {
	const char *kind;
	struct db_bytes *ids, *changed; /* of n, of n_changed */
	size_t n, n_changed;
};

static int
objects_begin(struct objects *o, const char *kind, size_t max, struct err *err)
{
	*o = (struct objects){ .kind = kind,
		.ids = calloc(2 * max + 1, sizeof(*o->ids)) };
	o->changed = o->ids + max;
	if (o->ids != NULL)
		return 0;
	err_nomem(err);
	return -1;
}

static int
ask_known(const struct reading *r, const struct objects *o, json_t **ret,
    struct err *err)
{
	struct db_result *res = NULL;

	if (DB_RUN(db_of(r), SQL_upstream_before, &res, err,
		DB_TEXT(workspace_of(r)), DB_TEXT(o->kind),
		DB_TEXTS(o->ids, o->n)) != 0)
		return -1;
	*ret = db_json(res, 0, "known");
	db_result_free(res);
	if (*ret != NULL)
		return 0;
	err_nomem(err);
	return -1;
}

static int
ask_findings(const struct reading *r, const struct objects *o,
    const json_t *known, json_t **ret, struct err *err)
{
	struct db_result *res = NULL;

	if (DB_RUN(db_of(r), SQL_upstream_after, &res, err,
		DB_TEXT(workspace_of(r)), DB_TEXT(o->kind),
		DB_JSON(known)) != 0)
		return -1;
	*ret = db_json(res, 0, "findings");
	db_result_free(res);
	if (*ret != NULL)
		return 0;
	err_nomem(err);
	return -1;
}

static int
fold_all(const struct reading *r, struct objects *o, const json_t *page,
    struct err *err)
{
	const json_t *object;
	size_t i;

	json_array_foreach (page, i, object) {
		struct history_found found = { 0 };
		const json_t *id = json_object_get(object, "id");

		if (!event_usable_id(id))
			continue;
		if (history_fold(r->u->sync, o->kind, object, 0, &found, err) !=
		    0)
			return -1;
		if (found.changed)
			o->changed[o->n_changed++] =
			    (struct db_bytes){ json_string_value(id),
				    json_string_length(id) };
	}
	return 0;
}

static int
put_findings(const struct reading *r, const struct objects *o,
    const json_t *findings, struct err *err)
{
	return json_array_size(findings) == 0
	    ? 0
	    : DB_RUN(db_of(r), SQL_finding_put, NULL, err,
		  DB_TEXT(workspace_of(r)), DB_TEXT(o->kind),
		  DB_TEXT("openphone"), DB_JSON(findings),
		  DB_BOOL(r->u->repair));
}

/* What folding would change is only to be seen by doing it: without repair it
 * is undone, all but the findings. */
static int
settle(const struct reading *r, const struct objects *o, const json_t *findings,
    struct err *err)
{
	if (!r->u->repair) {
		db_rollback(db_of(r));
		if (db_begin(db_of(r), err) != 0)
			return -1;
	} else if (o->n_changed > 0 &&
	    DB_RUN(db_of(r), SQL_jobs_due, NULL, err, DB_TEXT(workspace_of(r)),
		DB_TEXT(o->kind), DB_TEXTS(o->changed, o->n_changed),
		DB_INT(JOB_LISTED)) != 0) {
		return -1;
	}
	return put_findings(r, o, findings, err) == 0 &&
		db_commit(db_of(r), err) == 0
	    ? 0
	    : -1;
}

static int
compare_page(const struct reading *r, const char *kind, const json_t *page,
    struct err *err)
{
	json_t *known = NULL, *findings = NULL, *id;
	const json_t *object;
	struct objects o;
	size_t i;
	int rc = -1;

	if (objects_begin(&o, kind, json_array_size(page), err) != 0)
		return -1;
	json_array_foreach (page, i, object) {
		id = json_object_get(object, "id");
		if (event_usable_id(id))
			o.ids[o.n++] = (struct db_bytes){ json_string_value(id),
				json_string_length(id) };
	}
	/* what was listed is kept also where nothing is repaired */
	if (ask_known(r, &o, &known, err) == 0 &&
	    db_begin(db_of(r), err) == 0) {
		if (job_hold(db_of(r), workspace_of(r), o.kind, o.ids, o.n,
			err) == 0 &&
		    fold_all(r, &o, page, err) == 0 &&
		    ask_findings(r, &o, known, &findings, err) == 0 &&
		    settle(r, &o, findings, err) == 0)
			rc = 0;
		else
			db_rollback(db_of(r));
	}
	json_decref(findings);
	json_decref(known);
	free(o.ids);
	return rc;
}

/* ---- lists ---- */

static int read_slice(
    void *ctx, const struct openphone_list *slice, struct err *err);

static int
take_conversations(struct reading *r, const json_t *page, struct err *err)
{
	const json_t *conversation;
	size_t i;

	json_array_foreach (page, i, conversation)
		if (backfill_plan_conversation(&r->range, r->numbers,
			conversation, read_slice, r, err) != 0)
			return -1;
	return 0;
}

static int
read_slice(void *ctx, const struct openphone_list *slice, struct err *err)
{
	struct reading *r = ctx;
	bool conversations = strcmp(slice->list, "conversations") == 0;
	const char *kind =
	    strcmp(slice->list, "calls") == 0 ? "call" : "message";
	struct history_cursor at;
	json_t *page = NULL;
	int attempt = 1, rc = 0;

	if (strcmp(slice->list, "contacts") == 0)
		return 0; /* their names are asked for when they are needed */
	/* of several people's conversations v1 lists no calls */
	r->u->groups += slice->v1 && strchr(slice->party, ',') != NULL;
	history_begin(&at, slice->until);
	while (rc == 0 && !at.end) {
		if (history_next(
			&r->u->sync->openphone, slice, &at, &page, err) != 0) {
			if (err->kind == ERR_PERMANENT) {
				log_warn("a list of %s is left out: %s",
				    slice->list, err->text);
				err_clear(err);
				r->u->refused++;
				break;
			}
			if (!patience_again(
				r->u->sync, r->u->chore, &attempt, err))
				rc = -1;
			continue;
		}
		attempt = 1;
		rc = conversations ? take_conversations(r, page, err)
				   : compare_page(r, kind, page, err);
		json_decref(page);
		page = NULL;
		if (rc == 0)
			rc = chore_keep(r->u->chore, err);
	}
	history_end(&at);
	return rc;
}

static int
get_numbers(struct reading *r, struct err *err)
{
	int attempt = 1;

	while (openphone_numbers(&r->u->sync->openphone, &r->numbers, err) != 0)
		if (!patience_again(r->u->sync, r->u->chore, &attempt, err))
			return -1;
	return 0;
}

static int
begin(const struct upstream *u, struct err *err)
{
	char kind[16] = "", id[EVENT_ID_MAX + 1] = "";
	bool more = true;

	while (more) {
		struct db_result *r = NULL;

		if (chore_keep(u->chore, err) != 0 ||
		    DB_RUN(u->sync->db, SQL_upstream_begin, &r, err,
			DB_TEXT(u->sync->ws->name), DB_TEXT(kind),
			DB_TEXT(id)) != 0)
			return -1;
		more = db_text(r, 0, "last_id") != NULL;
		if (more) {
			snprintf(kind, sizeof(kind), "%s",
			    db_text(r, 0, "last_kind"));
			snprintf(
			    id, sizeof(id), "%s", db_text(r, 0, "last_id"));
		}
		db_result_free(r);
	}
	return 0;
}

int
upstream_compare(struct upstream *u, struct err *err)
{
	struct reading r = { .u = u,
		.range = {
		    .since = u->since, .until = u->until, .number = "" } };
	int attempt = 1, rc = 0;

	if (begin(u, err) != 0)
		return -1;
	while (rc == 0 && backfill_surface(u->sync, &r.range.v1, err) != 0)
		if (!patience_again(u->sync, u->chore, &attempt, err))
			rc = -1;
	if (rc == 0 && r.range.v1)
		rc = get_numbers(&r, err);
	if (rc == 0)
		rc = backfill_plan(&r.range, read_slice, &r, err);
	json_decref(r.numbers);
	return rc;
}

#include "sync/reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/job.h"
#include "sql/queries.h"
#include "sync/destination.h"
#include "sync/patience.h"

enum { ROWS_AT_ONCE = 100, IDS_AT_ONCE = 1000 };

static const char *const kinds[] = { "contact", "call", "message" };
enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

/* ---- listing ---- */

static int
put_rows(const struct reconcile *how, const char *kind,
    const struct notion_rows *rows, const json_t *found, struct err *err)
{
	return DB_RUN(how->sync->db, SQL_listing_put, NULL, err,
	    DB_TEXT(how->sync->ws->name), DB_TEXT(kind),
	    DB_BOOL(rows->archived), DB_JSON(found));
}

static int
list_rows(const struct reconcile *how, const char *kind,
    struct notion_rows *rows, struct err *err)
{
	int attempt = 1;

	rows->at_once = ROWS_AT_ONCE;
	while (!rows->end) {
		json_t *found = NULL;
		int rc;

		if (notion_rows_next(&how->sync->notion, rows, &found, err) !=
		    0) {
			/* Notion asks for it when an answer is too much */
			if (err->kind == ERR_RETRY && rows->at_once > 1)
				rows->at_once /= 2;
			if (!patience_again(
				how->sync, how->chore, &attempt, err))
				return -1;
			continue;
		}
		attempt = 1;
		rc = put_rows(how, kind, rows, found, err);
		json_decref(found);
		if (rc != 0 || chore_keep(how->chore, err) != 0)
			return -1;
	}
	return 0;
}

/* Archived rows are a list of their own. */
static int
list_database(const struct reconcile *how, const char *kind,
    const struct destination *d, struct err *err)
{
	int rc = 0;

	for (int archived = 0; archived < 2 && rc == 0; archived++) {
		struct notion_rows rows = { .data_source = d->data_source,
			.archived = archived != 0 };

		rc = destination_key(d, &rows.property, &rows.type, err);
		if (rc == 0)
			rc = list_rows(how, kind, &rows, err);
		notion_rows_free(&rows);
	}
	if (rc != 0 && err->status == 404)
		err->kind = ERR_OPERATOR;
	return rc;
}

/* ---- comparing ---- */

/* The end of the slice of ids that begins after one: 1, 0: that was the last
 * of them, -1. */
static int
next_slice(const struct reconcile *how, const char *kind, const char *after,
    char **ret, struct err *err)
{
	struct db_result *r = NULL;
	const char *end;
	int rc = 0;

	if (DB_RUN(how->sync->db, SQL_compare_next, &r, err,
		DB_TEXT(how->sync->ws->name), DB_TEXT(kind), DB_TEXT(after),
		DB_INT(IDS_AT_ONCE)) != 0)
		return -1;
	end = db_text(r, 0, "end");
	if (end != NULL) {
		rc = (*ret = strdup(end)) == NULL ? -1 : 1;
		if (rc < 0)
			err_nomem(err);
	}
	db_result_free(r);
	return rc;
}

/* In slices: no statement takes long, however much there is. */
static int
compare(const struct reconcile *how, const char *kind,
    const struct destination *d, const char *began, int64_t *pages,
    struct err *err)
{
	struct db_result *r;
	char *after = strdup(""), *end = NULL;
	int rc = -1;

	if (after == NULL)
		err_nomem(err);
	while (after != NULL &&
	    (rc = next_slice(how, kind, after, &end, err)) > 0) {
		r = NULL;
		rc = DB_RUN(how->sync->db, SQL_compare_pages, &r, err,
		    DB_TEXT(how->sync->ws->name), DB_TEXT(kind),
		    DB_TEXT(d->data_source), DB_TEXT(began), DB_TEXT(after),
		    DB_TEXT(end));
		if (rc == 0)
			*pages += db_int(r, 0, "pages");
		db_result_free(r);
		free(after);
		after = end;
		if (rc != 0 || (rc = chore_keep(how->chore, err)) != 0)
			break;
	}
	free(after);
	return rc;
}

/* ---- what is missing ---- */

/* A list may leave out what is there: only the page itself says that it is
 * gone. 1: it is, 0: it is not, -1. */
static int
is_gone(const struct reconcile *how, const char *page, struct err *err)
{
	int attempt = 1, gone;

	for (;;) {
		json_t *found = NULL;
		int rc = notion_get_page(&how->sync->notion, page, &found, err);

		gone = json_is_true(json_object_get(found, "in_trash"));
		json_decref(found);
		if (rc == 0)
			return gone;
		if (err->status == 404) {
			err_clear(err);
			return 1;
		}
		if (!patience_again(how->sync, how->chore, &attempt, err))
			return -1;
	}
}

static int
check_missing(const struct reconcile *how, const char *kind, struct err *err)
{
	struct db *db = how->sync->db;
	const char *workspace = how->sync->ws->name;
	char page[NOTION_ID_SIZE] = "";

	for (;;) {
		struct db_result *r = NULL;
		int rows, gone;

		if (chore_keep(how->chore, err) != 0 ||
		    DB_RUN(db, SQL_finding_next, &r, err, DB_TEXT(workspace),
			DB_TEXT(kind), DB_TEXT("missing"), DB_TEXT(page)) != 0)
			return -1;
		rows = db_rows(r);
		if (rows > 0)
			snprintf(
			    page, sizeof(page), "%s", db_text(r, 0, "page_id"));
		db_result_free(r);
		if (rows == 0)
			return 0;
		if ((gone = is_gone(how, page, err)) < 0)
			return -1;
		if (!gone &&
		    DB_RUN(db, SQL_finding_drop, NULL, err, DB_TEXT(workspace),
			DB_TEXT(kind), DB_TEXT("missing"), DB_TEXT(page)) != 0)
			return -1;
	}
}

/* ---- repair ---- */

/* In batches: short transactions, however much there is. */
static int
repair(const struct reconcile *how, const char *kind,
    const struct destination *d, struct err *err)
{
	const struct workspace *ws = how->sync->ws;
	const char *key, *type;
	int64_t repaired = 1;

	if (destination_key(d, &key, &type, err) != 0)
		return -1;
	while (repaired > 0) {
		struct db_result *r = NULL;

		if (chore_keep(how->chore, err) != 0 ||
		    DB_RUN(how->sync->db, SQL_repair_pages, &r, err,
			DB_TEXT(ws->name), DB_TEXT(kind),
			DB_TEXT(d->data_source), DB_TEXT(key),
			DB_BOOL(strcmp(ws->notion.trashed, "recreate") == 0),
			DB_INT(JOB_RECHECK)) != 0)
			return -1;
		repaired = db_int(r, 0, "repaired");
		db_result_free(r);
	}
	return destination_now_known(how->sync, kind, d, err);
}

/* ---- all of it ---- */

static int
begin(const struct reconcile *how, const char *kind, char **began,
    struct err *err)
{
	char last[NOTION_ID_SIZE] = "";
	bool more = true;

	while (more) {
		struct db_result *r = NULL;

		if (chore_keep(how->chore, err) != 0 ||
		    DB_RUN(how->sync->db, SQL_listing_begin, &r, err,
			DB_TEXT(how->sync->ws->name), DB_TEXT(kind),
			DB_TEXT(last)) != 0)
			return -1;
		more = db_text(r, 0, "last") != NULL;
		if (more)
			snprintf(
			    last, sizeof(last), "%s", db_text(r, 0, "last"));
		else
			*began = strdup(db_text(r, 0, "began"));
		db_result_free(r);
	}
	if (*began != NULL)
		return 0;
	err_nomem(err);
	return -1;
}

int
reconcile_pages(const struct reconcile *how, const char *kind, int64_t *pages,
    struct err *err)
{
	struct destination d = { 0 };
	char *began = NULL;
	bool found = false;
	int rc = -1;

	if (begin(how, kind, &began, err) != 0 ||
	    destination_find(how->sync, kind, &d, &found, err) != 0)
		goto out;
	if (found &&
	    (list_database(how, kind, &d, err) != 0 ||
		DB_RUN(how->sync->db, SQL_listing_end, NULL, err) != 0 ||
		compare(how, kind, &d, began, pages, err) != 0 ||
		DB_RUN(how->sync->db, SQL_finding_end, NULL, err) != 0 ||
		check_missing(how, kind, err) != 0 ||
		(how->repair && repair(how, kind, &d, err) != 0))) {
		err_prefix(err, "the Notion database for %ss", kind);
		goto out;
	}
	rc = 0;
out:
	destination_clear(&d);
	free(began);
	return rc;
}

int
reconcile_pages_known(struct sync *sync, bool *ret, struct err *err)
{
	*ret = true;
	for (size_t i = 0; i < N_KINDS; i++) {
		struct destination d = { 0 };
		bool found = false;

		if (destination_find(sync, kinds[i], &d, &found, err) != 0)
			return -1;
		*ret = *ret && (!found || d.known);
		destination_clear(&d);
	}
	return 0;
}

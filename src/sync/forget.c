#include "sync/forget.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "ext/jansson.h"
#include "model/call.h"
#include "model/person.h"
#include "queue/run.h"
#include "sql/queries.h"
#include "sync/destination.h"
#include "sync/patience.h"
#include "sync/storage.h"

enum {
	/* how long Notion may be at a creation, and a query lag behind it */
	SETTLED_MS = 155000,
	WORKER_WAIT_S = 180,
	PAGES_MAX = 64
};

static struct db *
db_of(const struct forget *f)
{
	return f->sync->db;
}

static const char *
workspace_of(const struct forget *f)
{
	return f->sync->ws->name;
}

void
forget_clear(struct forget *f)
{
	json_decref(f->numbers);
	json_decref(f->contacts);
	f->numbers = f->contacts = NULL;
}

static int
take_person(
    struct forget *f, const struct db_result *r, int row, struct err *err)
{
	forget_clear(f);
	f->numbers = db_json(r, row, "numbers");
	f->contacts = db_json(r, row, "contacts");
	if (f->numbers != NULL && f->contacts != NULL)
		return 0;
	err_nomem(err);
	return -1;
}

/* ---- who ---- */

static int
check_person(const struct db_result *r, struct err *err)
{
	if (db_text(r, 0, "ours") != NULL)
		err_set(err, ERR_PERMANENT,
		    "%s: that is a number of ours, not a person's",
		    db_text(r, 0, "ours"));
	else if (db_text(r, 0, "unknown") != NULL)
		err_set(err, ERR_PERMANENT, "%s: no contact that is known",
		    db_text(r, 0, "unknown"));
	else if (db_text(r, 0, "several") != NULL)
		err_set(err, ERR_PERMANENT,
		    "several contacts have that number: name the one that is "
		    "meant, or all of them (%.300s)",
		    db_text(r, 0, "several"));
	return err_is_set(err) ? -1 : 0;
}

int
forget_who(struct forget *f, const struct db_bytes *numbers, size_t n,
    const struct db_bytes *contacts, size_t n_contacts, char **others,
    struct err *err)
{
	struct db_result *r = NULL;
	const char *left;
	int rc = -1;

	if (DB_RUN(db_of(f), SQL_forget_person, &r, err,
		DB_TEXT(workspace_of(f)), DB_TEXTS(numbers, n),
		DB_TEXTS(contacts, n_contacts)) != 0)
		return -1;
	if (check_person(r, err) == 0 && take_person(f, r, 0, err) == 0) {
		left = db_text(r, 0, "others");
		*others = strdup(left == NULL ? "" : left);
		rc = *others == NULL ? -1 : 0;
		if (rc != 0)
			err_nomem(err);
	}
	db_result_free(r);
	return rc;
}

json_t *
forget_whom(const struct forget *f, struct err *err)
{
	json_t *whom = jansson_copy(f->numbers);

	if (whom != NULL && json_array_extend(whom, f->contacts) == 0)
		return whom;
	json_decref(whom);
	err_nomem(err);
	return NULL;
}

/* ---- the list ---- */

struct listing {
	struct forget *f;
	int64_t id;
	struct person person;
	json_t *who;   /* numbers and contacts */
	json_t *names; /* our own numbers */
	struct forget_counts *counts;
};

static int
add_item(const struct listing *l, const char *kind, const char *id,
    enum person_share share, struct err *err)
{
	const char *way = share == PERSON_AMONG ? "part"
	    : l->f->redact			? "redact"
						: "erase";

	return DB_RUN(db_of(l->f), SQL_forget_add, NULL, err, DB_INT(l->id),
	    DB_TEXT(kind), DB_TEXT(id), DB_TEXT(way));
}

static int
add_hit(const struct listing *l, const json_t *hit, struct err *err)
{
	const char *kind = json_string_value(json_object_get(hit, "kind"));
	const char *id = json_string_value(json_object_get(hit, "id"));
	enum person_share share;

	if (person_share(&l->person, kind, json_object_get(hit, "facts"),
		l->names, json_is_true(json_object_get(hit, "spoke")),
		&share) != 0) {
		err_nomem(err);
		return -1;
	}
	if (share != PERSON_ABSENT)
		return add_item(l, kind, id, share, err);
	l->counts->mentions++;
	return 0;
}

/* 1 and the key moved on, 0: there is no more, -1. */
static int
scan_batch(const struct listing *l, char **kind, char **id, struct err *err)
{
	struct db_result *r = NULL;
	const char *last_kind, *last_id;
	json_t *hits, *hit;
	size_t i;
	int rc = 0;

	if (DB_RUN(db_of(l->f), SQL_forget_scan, &r, err,
		DB_TEXT(workspace_of(l->f)), DB_JSON(l->who), DB_TEXT(*kind),
		DB_TEXT(*id)) != 0)
		return -1;
	hits = db_json(r, 0, "hits");
	json_array_foreach (hits, i, hit)
		if (rc == 0)
			rc = add_hit(l, hit, err);
	json_decref(hits);
	last_kind = db_text(r, 0, "last_kind");
	last_id = db_text(r, 0, "last_id");
	if (rc == 0 && last_kind != NULL && last_id != NULL) {
		free(*kind);
		free(*id);
		*kind = strdup(last_kind);
		*id = strdup(last_id);
		rc = 1;
	}
	if (*kind == NULL || *id == NULL || hits == NULL) {
		err_nomem(err);
		rc = -1;
	}
	db_result_free(r);
	return rc;
}

/* In batches, so that no statement takes long. */
static int
scan_resources(const struct listing *l, struct err *err)
{
	char *kind = strdup(""), *id = strdup("");
	int rc = 1;

	if (kind == NULL || id == NULL) {
		err_nomem(err);
		rc = -1;
	}
	while (rc == 1) {
		rc = scan_batch(l, &kind, &id, err);
		if (rc == 1 && chore_keep(l->f->chore, err) != 0)
			rc = -1;
	}
	free(kind);
	free(id);
	return rc;
}

static int
scan_events(const struct listing *l, struct err *err)
{
	struct db_result *r = NULL;
	int64_t last = 0;
	int rc = 1;

	while (rc == 1) {
		if (DB_RUN(db_of(l->f), SQL_forget_events, &r, err,
			DB_INT(l->id), DB_TEXT(workspace_of(l->f)),
			DB_JSON(l->who), DB_INT(last)) != 0)
			return -1;
		rc = db_text(r, 0, "last") != NULL;
		last = db_int(r, 0, "last");
		db_result_free(r);
		r = NULL;
		if (rc == 1 && chore_keep(l->f->chore, err) != 0)
			rc = -1;
	}
	return rc;
}

static int
begin(struct listing *l, const char *user, struct err *err)
{
	struct forget *f = l->f;
	struct db_result *r = NULL;

	if (DB_RUN(db_of(f), SQL_forget_lines, &r, err,
		DB_TEXT(workspace_of(f))) != 0)
		return -1;
	l->names = db_json(r, 0, "names");
	db_result_free(r);
	if (l->names == NULL) {
		err_nomem(err);
		return -1;
	}
	if ((l->who = forget_whom(f, err)) == NULL)
		return -1;
	l->person = (struct person){ f->numbers, f->contacts };
	if (DB_RUN(db_of(f), SQL_forget_begin, &r, err,
		DB_TEXT(workspace_of(f)), DB_JSON(f->numbers),
		DB_JSON(f->contacts), DB_BOOL(f->redact),
		DB_TEXT(user == NULL ? "" : user)) != 0)
		return -1;
	l->id = db_int(r, 0, "id");
	db_result_free(r);
	return 0;
}

static int
count(const struct listing *l, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db_of(l->f), SQL_forget_counts, &r, err, DB_INT(l->id),
		DB_TEXT(workspace_of(l->f))) != 0)
		return -1;
	l->counts->calls = db_int(r, 0, "calls");
	l->counts->messages = db_int(r, 0, "messages");
	l->counts->contacts = db_int(r, 0, "contacts");
	l->counts->shared = db_int(r, 0, "shared");
	l->counts->files = db_int(r, 0, "files");
	l->counts->pages = db_int(r, 0, "pages");
	l->counts->events = db_int(r, 0, "events");
	db_result_free(r);
	return 0;
}

static bool
is_empty(const struct forget_counts *c)
{
	return c->calls + c->messages + c->contacts + c->events == 0;
}

static int
make_list(struct listing *l, const char *user, struct err *err)
{
	if (begin(l, user, err) != 0 || scan_resources(l, err) != 0 ||
	    scan_events(l, err) != 0 || count(l, err) != 0)
		return -1;
	if (user == NULL || is_empty(l->counts)) {
		db_rollback(db_of(l->f));
		return 0;
	}
	if (DB_RUN(db_of(l->f), SQL_forget_seal, NULL, err, DB_INT(l->id)) != 0)
		return -1;
	return db_commit(db_of(l->f), err);
}

/* What is listed while we look would be missed. */
static int
check_backfill(struct forget *f, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db_of(f), SQL_forget_listing, &r, err,
		DB_TEXT(workspace_of(f))) != 0)
		return -1;
	if (db_rows(r) > 0)
		err_set(err, ERR_RETRY,
		    "backfill %s is under way: wait until it has listed all, "
		    "or end it (onsctl backfill --cancel %s)",
		    db_text(r, 0, "id"), db_text(r, 0, "id"));
	db_result_free(r);
	return err_is_set(err) ? -1 : 0;
}

int
forget_list(struct forget *f, const char *user, struct forget_counts *ret,
    struct err *err)
{
	struct listing l = { .f = f, .counts = ret };
	int rc;

	*ret = (struct forget_counts){ 0 };
	if (check_backfill(f, err) != 0 || db_begin(db_of(f), err) != 0)
		return -1;
	rc = make_list(&l, user, err);
	if (rc != 0)
		db_rollback(db_of(f));
	json_decref(l.who);
	json_decref(l.names);
	return rc;
}

/* ---- an item ---- */

struct item {
	struct forget *f;
	int64_t forgetting;
	const char *kind, *id, *way;
	int64_t files, pages;
};

static bool
is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static int
nap(const struct item *i, struct err *err)
{
	nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	if (*i->f->sync->stopping) {
		err_set(err, ERR_RETRY, "stopped");
		return -1;
	}
	return chore_keep(i->f->chore, err);
}

/* A worker that has it writes its page to the end, or has lost its lease and
 * writes nothing. */
static int
take_job(const struct item *i, struct err *err)
{
	struct db_result *r = NULL;
	bool busy = true;

	for (int s = 0; busy; s++) {
		if (DB_RUN(db_of(i->f), SQL_forget_job, &r, err,
			DB_TEXT(workspace_of(i->f)), DB_TEXT(i->kind),
			DB_TEXT(i->id)) != 0)
			return -1;
		busy = db_bool(r, 0, "busy");
		db_result_free(r);
		r = NULL;
		if (busy && s == WORKER_WAIT_S) {
			err_set(err, ERR_RETRY,
			    "a worker has been at %s %s for %d s: run this "
			    "again",
			    i->kind, i->id, WORKER_WAIT_S);
			return -1;
		}
		if (busy &&
		    (nap(i, err) != 0 ||
			run_look(db_of(i->f), 0, NULL, NULL, err) != 0))
			return -1;
	}
	return 0;
}

/* Pages of one item, each once. */
struct pages {
	char ids[PAGES_MAX][NOTION_ID_SIZE];
	size_t n;
	int64_t unsettled_ms; /* until it is certain that there is none */
};

static void
add_page(struct pages *pages, const char *text)
{
	char id[NOTION_ID_SIZE];

	if (text == NULL || notion_id_parse(text, id) != 0 ||
	    pages->n == PAGES_MAX)
		return;
	for (size_t i = 0; i < pages->n; i++)
		if (is(pages->ids[i], id))
			return;
	memcpy(pages->ids[pages->n++], id, sizeof(id));
}

static int
known_pages(const struct item *i, struct pages *pages, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db_of(i->f), SQL_forget_pages, &r, err,
		DB_TEXT(workspace_of(i->f)), DB_TEXT(i->kind),
		DB_TEXT(i->id)) != 0)
		return -1;
	for (int row = 0; row < db_rows(r); row++) {
		add_page(pages, db_text(r, row, "page"));
		if (db_text(r, row, "intent_age_ms") != NULL)
			pages->unsettled_ms =
			    SETTLED_MS - db_int(r, row, "intent_age_ms");
	}
	db_result_free(r);
	return 0;
}

static int
query(const struct item *i, const struct destination *d, bool archived,
    struct pages *pages, struct err *err)
{
	struct sync *sync = i->f->sync;
	const char *property = NULL, *type = NULL;
	json_t *hits = NULL, *hit;
	size_t n;
	int attempt = 1;

	if (destination_key(d, &property, &type, err) != 0)
		return -1;
	while (notion_query_equal(&sync->notion, d->data_source, property, type,
		   i->id, archived, &hits, err) != 0)
		if (!patience_again(sync, i->f->chore, &attempt, err)) {
			if (err->kind == ERR_PERMANENT && err->status == 404)
				err_set(err, ERR_OPERATOR,
				    "the database of its page is not to be "
				    "seen: share it with the connection again "
				    "(in Notion: ... menu, Connections)");
			return -1;
		}
	json_array_foreach (hits, n, hit)
		add_page(pages, json_string_value(json_object_get(hit, "id")));
	json_decref(hits);
	return 0;
}

/* By its id, too: doubles, and pages of whose creation nobody heard. */
static int
find_pages(const struct item *i, const struct destination *d,
    struct pages *pages, struct err *err)
{
	if (known_pages(i, pages, err) != 0)
		return -1;
	do {
		if (d != NULL &&
		    (query(i, d, false, pages, err) != 0 ||
			query(i, d, true, pages, err) != 0))
			return -1;
		if (d == NULL || pages->n > 0 || pages->unsettled_ms <= 0)
			break;
		pages->unsettled_ms -= 1000;
	} while (nap(i, err) == 0);
	return err_is_set(err) ? -1 : 0;
}

static int
trash(struct item *i, const char *page, struct err *err)
{
	struct sync *sync = i->f->sync;
	int attempt = 1;

	while (notion_trash_page(&sync->notion, page, true, err) != 0) {
		if (notion_is_trashed(err)) {
			err_clear(err);
			return 0;
		}
		if (err->kind == ERR_PERMANENT && err->status == 404) {
			/* the database is there, as the query has shown */
			log_warn("Notion has no page %s (any more): if it is "
				 "in another database, delete it there",
			    page);
			err_clear(err);
			return 0;
		}
		if (!patience_again(sync, i->f->chore, &attempt, err))
			return -1;
	}
	i->pages++;
	return 0;
}

static int
trash_pages(struct item *i, struct err *err)
{
	struct destination d = { 0 };
	struct pages pages = { 0 };
	bool there = false;
	int attempt = 1, rc;

	while (destination_find(i->f->sync, i->kind, &d, &there, err) != 0)
		if (!patience_again(i->f->sync, i->f->chore, &attempt, err))
			return -1;
	rc = find_pages(i, there ? &d : NULL, &pages, err);
	for (size_t n = 0; rc == 0 && n < pages.n; n++)
		rc = trash(i, pages.ids[n], err);
	destination_clear(&d);
	return rc;
}

static int
remove_files(struct item *i, struct err *err)
{
	struct db_result *r = NULL;
	int attempt = 1, rc = 0;

	if (DB_RUN(db_of(i->f), SQL_forget_files, &r, err,
		DB_TEXT(workspace_of(i->f)), DB_TEXT(i->kind),
		DB_TEXT(i->id)) != 0)
		return -1;
	for (int row = 0; rc == 0 && row < db_rows(r);) {
		if (storage_remove(i->f->sync, db_text(r, row, "key"), err) ==
		    0) {
			i->files++;
			row++;
		} else if (!patience_again(
			       i->f->sync, i->f->chore, &attempt, err)) {
			rc = -1;
		}
	}
	db_result_free(r);
	return rc;
}

/* What is kept of it; NULL without an error: nothing. */
static json_t *
redact(const struct item *i, struct err *err)
{
	const struct person person = { i->f->numbers, i->f->contacts };
	struct db_result *r = NULL;
	json_t *facts = NULL, *kept = NULL;

	if (is(i->way, "erase"))
		return NULL;
	if (DB_RUN(db_of(i->f), SQL_forget_facts, &r, err,
		DB_TEXT(workspace_of(i->f)), DB_TEXT(i->kind),
		DB_TEXT(i->id)) != 0)
		return NULL;
	if (db_rows(r) == 1 &&
	    ((facts = db_json(r, 0, "facts")) == NULL ||
		(kept = person_redact(&person, facts, is(i->way, "part"))) ==
		    NULL))
		err_nomem(err);
	db_result_free(r);
	json_decref(facts);
	return kept;
}

static int
remove_rows(const struct item *i, struct err *err)
{
	json_t *kept = redact(i, err);
	int rc;

	if (err_is_set(err))
		return -1;
	rc = DB_RUN(db_of(i->f), SQL_forget_rows, NULL, err,
	    DB_INT(i->forgetting), DB_TEXT(i->kind), DB_TEXT(i->id),
	    DB_JSON(kept),
	    DB_TEXT(kept != NULL && is(i->kind, "call") ? call_outcome(kept)
							: NULL),
	    DB_INT(i->files), DB_INT(i->pages));
	json_decref(kept);
	return rc;
}

/* Rows last: they know where the rest is. Of what is kept a worker makes a new
 * page: an old one has its versions. A call's files have all voices in them. */
static int
do_item(struct item *i, struct err *err)
{
	if (is(i->kind, "event"))
		return remove_rows(i, err);
	if (take_job(i, err) != 0)
		return -1;
	if (trash_pages(i, err) != 0)
		return -1;
	if ((!is(i->way, "part") || is(i->kind, "call")) &&
	    remove_files(i, err) != 0)
		return -1;
	return remove_rows(i, err);
}

/* 1, 0: the list is empty, -1. */
static int
next_item(struct forget *f, int64_t forgetting, int64_t *pages, struct err *err)
{
	struct db_result *r = NULL;
	struct item i = { .f = f, .forgetting = forgetting };
	int rc = 0;

	if (DB_RUN(db_of(f), SQL_forget_next, &r, err, DB_INT(forgetting)) != 0)
		return -1;
	if (db_rows(r) == 1) {
		i.kind = db_text(r, 0, "kind");
		i.id = db_text(r, 0, "resource_id");
		i.way = db_text(r, 0, "way");
		rc = do_item(&i, err) == 0 ? 1 : -1;
		*pages += i.pages;
	}
	db_result_free(r);
	if (rc == 1 && chore_keep(f->chore, err) != 0)
		rc = -1;
	if (rc == 1 && *f->sync->stopping) {
		err_set(err, ERR_RETRY, "stopped");
		rc = -1;
	}
	return rc;
}

int
forget_carry_out(
    struct forget *f, int64_t *finished, int64_t *pages, struct err *err)
{
	struct db_result *r = NULL;
	int rc = 0;

	if (DB_RUN(db_of(f), SQL_forget_open, &r, err,
		DB_TEXT(workspace_of(f))) != 0)
		return -1;
	for (int row = 0; rc == 0 && row < db_rows(r); row++) {
		int64_t id = db_int(r, row, "id");

		rc = take_person(f, r, row, err) == 0 ? 1 : -1;
		while (rc == 1)
			rc = next_item(f, id, pages, err);
		if (rc == 0)
			rc = DB_RUN(
			    db_of(f), SQL_forget_finish, NULL, err, DB_INT(id));
		if (rc == 0)
			(*finished)++;
	}
	db_result_free(r);
	return rc;
}

#include "sync/sync.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "model/fold.h"
#include "model/page.h"
#include "model/selection.h"
#include "sql/queries.h"
#include "sync/attachment.h"
#include "sync/backfill.h"
#include "sync/destination.h"
#include "sync/enrich.h"
#include "sync/gate.h"
#include "sync/pagerow.h"
#include "sync/people.h"
#include "sync/publish.h"
#include "sync/resource.h"
#include "sync/upload.h"

#include "config.h"

enum {
	/* no page is kept waiting longer for what OpenPhone has to add */
	OPENPHONE_WAIT_MS = 60000,
	S3_TIMEOUT_MS = 30000,
	S3_LOW_SPEED_BYTES = 1000,
	S3_LOW_SPEED_SECONDS = 60
};

/* Asked about once a second during each request, and again and again while a
 * file is copied. Without the lease a file is
 * somebody else's to bring; of all else the answer is waited for. */
static bool
must_stop(void *ctx, bool file)
{
	struct sync *sync = ctx;
	struct err err = ERR_INIT;
	bool lost = gate_heartbeat(sync, &err) != 0;

	return *sync->stopping || (file && lost);
}

int
sync_init(struct sync *sync, const struct conf *conf,
    const struct workspace *ws, struct db *db,
    const volatile sig_atomic_t *stopping, struct err *err)
{
	*sync = (struct sync){
		.conf = conf, .ws = ws, .db = db, .stopping = stopping
	};
	sync->http = http_new(PACKAGE_NAME "/" PACKAGE_VERSION, err);
	if (sync->http == NULL)
		return -1;
	http_set_stop(sync->http, must_stop, sync);
	gate_init(&sync->notion_gate, sync, "notion", ws->notion.rate,
	    SYNC_NOTION_WINDOW_MS);
	gate_init(&sync->openphone_gate, sync, "openphone", ws->openphone.rate,
	    SYNC_OPENPHONE_WINDOW_MS);
	sync->notion = (struct notion){ .http = sync->http,
		.base = ws->notion.api_base,
		.key = ws->notion.api_key,
		.version = ws->notion.version,
		.timeout_ms = ws->notion.timeout_ms,
		.gate = &sync->notion_gate.gate };
	sync->openphone = (struct openphone){ .http = sync->http,
		.base = ws->openphone.api_base,
		.key = ws->openphone.api_key,
		.version = ws->openphone.version,
		.timeout_ms = ws->openphone.timeout_ms,
		.gate = &sync->openphone_gate.gate };
	sync->s3 = (struct s3){ .http = sync->http,
		.endpoint = ws->s3.endpoint,
		.bucket = ws->s3.bucket,
		.keys = { .region = ws->s3.region,
		    .access_key = ws->s3.access_key,
		    .secret_key = ws->s3.secret_key },
		.timeout_ms = S3_TIMEOUT_MS,
		.low_speed_limit = S3_LOW_SPEED_BYTES,
		.low_speed_time = S3_LOW_SPEED_SECONDS };
	sync->folder = (struct folder){
		.path = conf->media.folder, .stop = must_stop, .stop_ctx = sync
	};
	/* times on pages are the workspace's */
	if (setenv("TZ", ws->sync.time_zone, 1) != 0) {
		err_nomem(err);
		sync_free(sync);
		return -1;
	}
	tzset();
	return 0;
}

void
sync_free(struct sync *sync)
{
	http_free(sync->http);
	free(sync->bot_id);
	*sync = (struct sync){ 0 };
}

/* Failures that only cost the page a name or a recording must not keep the
 * page itself waiting: they are kept in *later, and the job is tried again
 * for them. A short wait that the service named is taken at once. */
static int
postpone(struct err *now, struct err *later, struct err *err)
{
	if (now->kind == ERR_WAIT && now->retry_after_ms <= OPENPHONE_WAIT_MS) {
		*err = *now;
		return -1;
	}
	if (!err_is_set(later))
		*later = *now;
	return 0;
}

/* What is known goes into the page, and is let go of: of a long call it takes
 * as much memory as the page does. */
static int
write_page(struct sync *sync, const struct job *job, struct resource *res,
    const json_t *names, const json_t *media, struct err *err)
{
	struct destination destination = { 0 };
	struct page page = { 0 };
	struct page_input input = { .kind = job->kind,
		.facts = res->facts,
		.names = names,
		.media = media,
		.few_blocks = strcmp(sync->ws->notion.blocks, "few") == 0,
		.deleted = fold_is_deleted(res->facts) &&
		    strcmp(sync->ws->sync.deleted, "keep") != 0 };
	bool withdraw =
	    input.deleted && strcmp(sync->ws->sync.deleted, "trash") == 0;
	int rc = -1;

	if (strcmp(job->kind, "contact") != 0)
		input.title = strcmp(job->kind, "call") == 0
		    ? sync->ws->notion.call_title
		    : sync->ws->notion.message_title;
	if (destination_get(sync, job->kind, &destination, err) != 0)
		return -1;
	input.schema = destination.schema->id;
	if (page_render(&input, &page, err) == 0) {
		resource_free(res);
		rc = publish(sync, job, &destination, &page, withdraw, err);
		page_free(&page);
	}
	destination_clear(&destination);
	return rc;
}

/* The same; what a person must mend about the database itself (it is missing,
 * not shared, lacks the column of ids) keeps its other jobs from asking, too.
 */
static int
write_or_wait(struct sync *sync, const struct job *job, struct resource *res,
    const json_t *names, const json_t *media, struct err *err)
{
	int rc = write_page(sync, job, res, names, media, err);

	if (rc == 0 && sync->notion_gate.trying)
		gate_mended(sync, "notion", job->kind);
	else if (rc != 0 && err->kind == ERR_OPERATOR &&
	    err->retry_after_ms == 0)
		gate_trouble(sync, "notion", job->kind, err);
	return rc;
}

/* A call's parts come one after the other: with [sync] settle its page is not
 * made before they are together. -1 with ERR_WAIT: too early. */
static int
settled(struct sync *sync, const struct job *job, struct resource *res,
    struct err *err)
{
	struct db_result *r = NULL;
	int64_t ms;

	if (sync->ws->sync.settle_ms == 0 || strcmp(job->kind, "call") != 0)
		return 0;
	if (DB_RUN(sync->db, SQL_settle_left, &r, err, DB_TEXT(job->workspace),
		DB_TEXT(job->kind), DB_TEXT(job->resource_id),
		DB_TEXT(json_string_value(
		    json_object_get(res->facts, "completedAt"))),
		DB_INT(sync->ws->sync.settle_ms)) != 0)
		return -1;
	ms = db_rows(r) == 0 ? 0 : db_int(r, 0, "ms");
	db_result_free(r);
	if (ms == 0)
		return 0;
	/* people see the call in the database meanwhile */
	if (resource_save(sync->db, job, res, err) != 0)
		return -1;
	err_set(
	    err, ERR_WAIT, "the call's parts are waited for ([sync] settle)");
	err->retry_after_ms = ms;
	return -1;
}

/* Of a number that is left out: people see it in the database, no more. */
static int
leave_out(struct sync *sync, const struct job *job, struct resource *res,
    struct err *err)
{
	res->ignored = true;
	res->recheck = false;
	return resource_save(sync->db, job, res, err);
}

/* The names are looked up: does it get a page? 1, 0, or -1: nobody can tell
 * before what failed (*later) has been tried again. */
static int
is_selected(struct sync *sync, const struct job *job, const json_t *facts,
    const json_t *names, const struct err *later, struct err *err)
{
	switch (selection_of(sync->ws, job->kind, facts, names)) {
	case SELECTION_IN:
		return 1;
	case SELECTION_OUT:
		return 0;
	default:
		if (!err_is_set(later))
			return sync->ws->sync.numbers == NULL;
		*err = *later;
		return -1;
	}
}

/* With names and files. */
static int
make_page(struct sync *sync, const struct job *job, struct resource *res,
    struct err *later, struct err *err)
{
	json_t *names = NULL, *media = NULL;
	struct err now = ERR_INIT;
	int rc = -1, selected;

	if (people_names(sync, job, res->facts, &names, &now) != 0 &&
	    postpone(&now, later, err) != 0)
		goto out;
	selected = is_selected(sync, job, res->facts, names, later, err);
	if (selected == 0) {
		err_clear(later);
		rc = leave_out(sync, job, res, err);
	}
	if (selected != 1)
		goto out;
	err_clear(&now);
	if (attachments_store(sync, job, res->facts, &media, &now) != 0 &&
	    postpone(&now, later, err) != 0)
		goto out;
	if (write_or_wait(sync, job, res, names, media, err) == 0)
		rc = upload_attached(sync, job, err);
out:
	json_decref(names);
	json_decref(media);
	return rc;
}

static int
sync_page(struct sync *sync, const struct job *job, struct resource *res,
    struct err *err)
{
	struct err later = ERR_INIT, now = ERR_INIT;

	/* what is certain costs no request */
	if (selection_of(sync->ws, job->kind, res->facts, NULL) ==
	    SELECTION_OUT)
		return leave_out(sync, job, res, err);
	if (settled(sync, job, res, err) != 0)
		return -1;
	if (!res->redacted && enrich(sync, job, res, &now) != 0 &&
	    postpone(&now, &later, err) != 0)
		return -1;
	if (resource_save(sync->db, job, res, err) != 0)
		return -1;
	/* else only its id was heard of, and OpenPhone had nothing to add */
	if (json_object_get(res->facts, "id") != NULL &&
	    make_page(sync, job, res, &later, err) != 0)
		return -1;
	if (!err_is_set(&later))
		return 0;
	*err = later;
	return -1;
}

/* Known by its name only so far: ask for the rest of it. */
static int
ask_contact(struct sync *sync, const struct job *job, struct resource *res,
    struct err *err)
{
	json_t *contact = NULL;
	int rc = 0;

	if (openphone_contact(
		&sync->openphone, job->resource_id, &contact, err) != 0)
		return -1;
	if (contact != NULL)
		rc = fold_rest_contact(res->state, contact, err);
	json_decref(contact);
	return rc;
}

/* A contact that was deleted before it had a page gets none. */
static int
wants_page(struct sync *sync, const struct job *job, const json_t *facts,
    bool *ret, struct err *err)
{
	struct destination destination = { 0 };
	struct pagerow row = { 0 };

	if (destination_find(sync, "contact", &destination, ret, err) != 0)
		return -1;
	destination_clear(&destination);
	if (!*ret)
		return 0;
	if (json_object_size(facts) == 0) {
		*ret = false;
	} else if (fold_is_deleted(facts)) {
		if (pagerow_get(sync->db, job, &row, err) != 0)
			return -1;
		*ret = row.state != PAGE_NONE;
		pagerow_clear(&row);
	}
	return 0;
}

static int
sync_contact(struct sync *sync, const struct job *job, struct resource *res,
    struct err *err)
{
	bool page = false;

	if (!res->stored && res->n_folded == 0 &&
	    ask_contact(sync, job, res, err) != 0)
		return -1;
	if (resource_save(sync->db, job, res, err) != 0 ||
	    people_remember(sync, job->resource_id, res->facts, err) != 0 ||
	    wants_page(sync, job, res->facts, &page, err) != 0)
		return -1;
	return page ? write_or_wait(sync, job, res, NULL, NULL, err) : 0;
}

static int
sync_resource(struct sync *sync, const struct job *job, struct err *err)
{
	struct resource res = { 0 };
	int rc = -1;

	if (resource_load(sync->db, job, &res, err) == 0)
		rc = strcmp(job->kind, "contact") == 0
		    ? sync_contact(sync, job, &res, err)
		    : sync_page(sync, job, &res, err);
	resource_free(&res);
	return rc;
}

int
sync_run(struct sync *sync, const struct job *job, struct err *err)
{
	int rc;

	sync->job = job;
	sync->leased_at = clock_ms();
	FAILPOINT("sync.begun");
	sync->notion_gate.used = sync->notion_gate.trying = false;
	sync->openphone_gate.used = sync->openphone_gate.trying = false;
	if (strcmp(job->kind, JOB_PROBE) == 0)
		rc = 0;
	else if (strcmp(job->kind, "backfill") == 0)
		rc = backfill_run(sync, job, err);
	else
		rc = sync_resource(sync, job, err);
	sync->job = NULL;
	FAILPOINT("sync.done");
	return rc;
}

#include "sync/deliverylog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/rest.h"
#include "api/webhooks.h"
#include "base/rfc3339.h"
#include "ext/jansson.h"
#include "model/event.h"
#include "model/payload.h"
#include "model/words.h"
#include "queue/store.h"
#include "sql/queries.h"
#include "sync/patience.h"

#define MINUTE_USEC (60 * INT64_C(1000000))

enum {
	LATE_MINUTES = 5, /* what is younger may be on its way */
	MOMENT_SIZE = 64
};

static const char headers[] = "{\"from\":\"OpenPhone's delivery log\"}";

/* One reading. */
struct reading {
	struct deliverylog *log;
	const char *webhook;
	int64_t since, until;
	int64_t missing, failed; /* failed: of the missing ones */
	int64_t first, last;	 /* when the missing ones were made */
	int answer; /* to the youngest that failed; -1: not asked */
};

static struct sync *
sync_of(const struct reading *r)
{
	return r->log->sync;
}

/* Without permission, or where OpenPhone has none, there is no log. */
static bool
is_refusal(const struct err *err)
{
	return err->kind == ERR_OPERATOR || err->kind == ERR_PERMANENT;
}

/* ---- one delivery ---- */

/* From the log's own entry where that has no body: it is known then, and its
 * resource due. */
static void
describe_entry(const json_t *entry, struct delivery *d)
{
	const json_t *resource = json_object_get(entry, "resourceId");

	d->type = rest_text(entry, "eventType");
	d->kind = event_kind(d->type);
	d->resource_id =
	    event_usable_id(resource) ? json_string_value(resource) : NULL;
	d->due = d->resource_id != NULL;
	d->note = "OpenPhone's log has no body";
}

static int
store(const struct reading *r, const json_t *entry, const char *body, size_t n,
    char *resource, size_t size, struct err *err)
{
	struct delivery d = { .workspace = sync_of(r)->ws->name,
		.key = rest_text(entry, "id"),
		.headers = headers,
		.body = body,
		.body_len = n };
	struct err unreadable = ERR_INIT;
	const char *note = NULL;
	struct event event;
	json_t *envelope = payload_load(body, n, &note, &unreadable);
	int rc;

	if (envelope == NULL && unreadable.kind == ERR_RETRY) {
		*err = unreadable;
		return -1;
	}
	event_identify(envelope, &event);
	if (event.generation == 0)
		describe_entry(entry, &d);
	else
		delivery_describe(&d, &event, note);
	if (d.resource_id != NULL)
		snprintf(resource, size, "%s", d.resource_id);
	rc = store_deliveries(sync_of(r)->db, &d, 1, err);
	json_decref(envelope);
	return rc;
}

static int
get_details(
    const struct reading *r, const char *id, json_t **ret, struct err *err)
{
	int attempt = 1;

	while (webhooks_delivery(
		   &sync_of(r)->openphone, r->webhook, id, ret, err) != 0) {
		if (err->kind == ERR_PERMANENT) { /* the log forgot it */
			err_clear(err);
			return 0;
		}
		if (!patience_again(sync_of(r), r->log->chore, &attempt, err))
			return -1;
	}
	return 0;
}

/* As text, or as the object itself: which one is not documented. */
static int
store_details(const struct reading *r, const json_t *entry,
    const json_t *details, char *resource, size_t size, struct err *err)
{
	const json_t *body = json_object_get(details, "requestBody");
	char *text = NULL;
	int rc;

	if (json_is_string(body))
		return store(r, entry, json_string_value(body),
		    json_string_length(body), resource, size, err);
	text = jansson_text(json_is_object(body) ? body : entry, JSON_COMPACT);
	if (text == NULL) {
		err_nomem(err);
		return -1;
	}
	rc = store(r, entry, text, strlen(text), resource, size, err);
	free(text);
	return rc;
}

static void
note_answer(struct reading *r, const json_t *details)
{
	const json_t *attempts = json_object_get(details, "attempts");
	const json_t *last =
	    json_array_get(attempts, json_array_size(attempts) - 1);

	r->answer = (int)json_integer_value(
	    json_object_get(last, "responseStatusCode"));
}

static void
count(struct reading *r, const json_t *entry, bool failed)
{
	int64_t made;

	r->missing++;
	r->failed += failed;
	if (rfc3339_parse(rest_text(entry, "createdAt"), &made) != 0)
		return;
	if (r->first == 0 || made < r->first)
		r->first = made;
	if (made > r->last)
		r->last = made;
}

static int
take_missing(struct reading *r, const json_t *entry, struct err *err)
{
	bool failed = strcmp(rest_text(entry, "status"), "failed") == 0;
	const char *id = rest_text(entry, "id");
	const char *kind = event_kind(rest_text(entry, "eventType"));
	const json_t *named = json_object_get(entry, "resourceId");
	char resource[EVENT_ID_MAX + 1];
	json_t *details = NULL;
	int rc = 0;

	count(r, entry, failed);
	snprintf(resource, sizeof(resource), "%s",
	    event_usable_id(named) ? json_string_value(named) : id);
	if (r->log->repair || (failed && r->answer < 0))
		rc = get_details(r, id, &details, err);
	if (rc == 0 && failed && r->answer < 0)
		note_answer(r, details);
	if (rc == 0 && r->log->repair)
		rc = store_details(
		    r, entry, details, resource, sizeof(resource), err);
	if (rc == 0)
		rc = DB_RUN(sync_of(r)->db, SQL_finding_undelivered, NULL, err,
		    DB_TEXT(sync_of(r)->ws->name), DB_TEXT(kind),
		    DB_TEXT(resource), DB_BOOL(r->log->repair));
	json_decref(details);
	return rc != 0 ? -1 : chore_keep(r->log->chore, err);
}

/* ---- a page of the log ---- */

/* Not what is still being tried, nor tests, which are of no event, nor what no
 * page is made of. */
static bool
is_wanted(const json_t *entry)
{
	const char *status = rest_text(entry, "status");
	const char *kind = event_kind(rest_text(entry, "eventType"));

	return (strcmp(status, "success") == 0 ||
		   strcmp(status, "failed") == 0) &&
	    *rest_text(entry, "id") != '\0' &&
	    *rest_text(entry, "eventId") != '\0' &&
	    (strcmp(kind, "call") == 0 || strcmp(kind, "message") == 0 ||
		strcmp(kind, "contact") == 0);
}

/* The indices of those that we do not have. */
static struct db_result *
find_missing(const struct reading *r, const json_t *page, struct err *err)
{
	struct db_bytes *ids = calloc(json_array_size(page) + 1, sizeof(*ids));
	struct db_result *found = NULL;
	const json_t *entry;
	size_t i;

	if (ids == NULL) {
		err_nomem(err);
		return NULL;
	}
	json_array_foreach (page, i, entry) {
		const char *id = is_wanted(entry) ? rest_text(entry, "id") : "";

		ids[i] = (struct db_bytes){ id, strlen(id) };
	}
	(void)DB_RUN(sync_of(r)->db, SQL_deliveries_missing, &found, err,
	    DB_TEXT(sync_of(r)->ws->name), DB_TEXTS(ids, i));
	free(ids);
	return found;
}

static int
take_page(struct reading *r, const json_t *page, struct err *err)
{
	struct db_result *missing = find_missing(r, page, err);
	int rc = missing == NULL ? -1 : 0;

	for (int i = 0; rc == 0 && i < db_rows(missing); i++)
		rc = take_missing(r,
		    json_array_get(page, (size_t)db_int(missing, i, "n") - 1),
		    err);
	db_result_free(missing);
	return rc;
}

/* 1, or 0: there is no log. */
static int
read_log(struct reading *r, struct err *err)
{
	char *after = NULL, *next = NULL;
	json_t *page = NULL;
	bool end = false;
	int attempt = 1, rc = 1;

	while (rc == 1 && !end) {
		if (webhooks_deliveries(&sync_of(r)->openphone, r->webhook,
			r->since, r->until, after == NULL ? "" : after, &page,
			&next, err) != 0) {
			if (is_refusal(err))
				rc = 0;
			else if (!patience_again(
				     sync_of(r), r->log->chore, &attempt, err))
				rc = -1;
			continue;
		}
		attempt = 1;
		free(after);
		after = next;
		end = next == NULL;
		if (take_page(r, page, err) != 0)
			rc = -1;
		json_decref(page);
	}
	free(after);
	return rc;
}

/* ---- all of it ---- */

static int
remark_refusal(struct deliverylog *log, struct err *err)
{
	snprintf(log->remark, sizeof(log->remark),
	    "OpenPhone's delivery log is not to be had: %.300s", err->text);
	err_tame(log->remark);
	err_clear(err);
	return 0;
}

static void
remark_missing(const struct reading *r)
{
	char first[MOMENT_SIZE], last[MOMENT_SIZE], n[WORDS_SIZE], answer[32];
	int64_t others = r->missing - r->failed;

	rfc3339_local(r->first, "%Y-%m-%d %H:%M", first, sizeof(first));
	rfc3339_local(r->last, "%Y-%m-%d %H:%M %Z", last, sizeof(last));
	words_count(r->failed > 0 ? r->failed : others, n);
	if (r->answer > 0)
		snprintf(answer, sizeof(answer), "last answer %d", r->answer);
	else
		snprintf(answer, sizeof(answer), "no answer");
	if (r->failed > 0 && others > 0)
		snprintf(r->log->remark, sizeof(r->log->remark),
		    "OpenPhone could not deliver %s events, and %lld that it "
		    "delivered are not here, from %s to %s: %s",
		    n, (long long)others, first, last, answer);
	else if (r->failed > 0)
		snprintf(r->log->remark, sizeof(r->log->remark),
		    "OpenPhone could not deliver %s events from %s to %s: %s",
		    n, first, last, answer);
	else
		snprintf(r->log->remark, sizeof(r->log->remark),
		    "%s events that OpenPhone delivered from %s to %s are not "
		    "here",
		    n, first, last);
}

static bool
is_ours(const struct deliverylog *log, const json_t *webhook)
{
	return strcmp(rest_text(webhook, "url"), log->url) == 0;
}

static int
read_all(struct reading *r, const json_t *webhooks, struct err *err)
{
	struct deliverylog *log = r->log;
	struct err ignored = ERR_INIT;
	const json_t *webhook;
	bool ours = false, enabled = false;
	size_t i;
	int rc = 1;

	json_array_foreach (webhooks, i, webhook) {
		if (!is_ours(log, webhook))
			continue;
		ours = true;
		if (strcmp(rest_text(webhook, "status"), "enabled") == 0)
			enabled = true;
		r->webhook = rest_text(webhook, "id");
		if (rc == 1)
			rc = read_log(r, err);
	}
	if (log->repair && r->missing > 0) /* who is not woken looks himself */
		(void)store_notify(sync_of(r)->db, &ignored);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return remark_refusal(log, err);
	if (r->missing > 0)
		remark_missing(r);
	else if (!enabled)
		snprintf(log->remark, sizeof(log->remark),
		    ours ? "the webhook that delivers to %.300s is disabled"
			 : "no webhook of OpenPhone's dated API delivers to "
			   "%.300s: there is no log of deliveries",
		    log->url);
	return 0;
}

/* What [retention] has removed is not missing. */
static int64_t
begin_of(const struct deliverylog *log)
{
	int64_t kept_ms = log->sync->conf->retention.events_ms;
	int64_t kept = rfc3339_now() - kept_ms * 1000;

	return kept_ms > 0 && kept > log->since ? kept : log->since;
}

static int64_t
end_of(const struct deliverylog *log)
{
	int64_t late = rfc3339_now() - LATE_MINUTES * MINUTE_USEC;

	return late < log->until ? late : log->until;
}

int
deliverylog_compare(struct deliverylog *log, struct err *err)
{
	struct reading r = { .log = log,
		.since = begin_of(log),
		.until = end_of(log),
		.answer = -1 };
	json_t *webhooks = NULL;
	int attempt = 1, rc;

	log->remark[0] = '\0';
	if (openphone_is_v1(&log->sync->openphone)) {
		snprintf(log->remark, sizeof(log->remark),
		    "v1 of OpenPhone's API has no log of deliveries");
		return 0;
	}
	if (r.since >= r.until)
		return 0;
	while (
	    webhooks_list(&log->sync->openphone, false, &webhooks, err) != 0) {
		if (is_refusal(err))
			return remark_refusal(log, err);
		if (!patience_again(log->sync, log->chore, &attempt, err))
			return -1;
	}
	rc = read_all(&r, webhooks, err);
	json_decref(webhooks);
	return rc;
}

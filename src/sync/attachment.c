#include "sync/attachment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/media.h"
#include "base/buf.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "ext/crypto.h"
#include "model/call.h"
#include "sql/queries.h"
#include "sync/gate.h"
#include "sync/storage.h"
#include "sync/upload.h"

enum {
	SLOTS_MAX = 128,
	KEY_MAX = 1024,
	TOKEN_BYTES = 16,
	HOSTS_MAX = 64,
	/* slower than a modem for a minute: the peer has stalled */
	LOW_SPEED_BYTES = 1000,
	LOW_SPEED_SECONDS = 60
};

/* One file that the facts name. */
struct slot {
	char name[300];	    /* path in the facts: "recordings/CRx" */
	const char *folder; /* in the bucket */
	const char *url, *type;
	const char *recording; /* its id, to ask for a fresh URL */
	int number;	       /* from 1, in the page's order */
};

struct slots {
	struct slot items[SLOTS_MAX];
	size_t n;
	json_t *recordings; /* what url and type of calls point into */
};

static void
add_slot(struct slots *slots, const char *name, const char *folder,
    const json_t *file, int number)
{
	const char *url = json_string_value(json_object_get(file, "url"));
	struct slot *slot = &slots->items[slots->n];

	if (url == NULL || slots->n == SLOTS_MAX)
		return;
	*slot = (struct slot){ .folder = folder,
		.url = url,
		.type = json_string_value(json_object_get(file, "type")),
		.recording = json_string_value(json_object_get(file, "id")),
		.number = number };
	snprintf(slot->name, sizeof(slot->name), "%s", name);
	slots->n++;
}

static int
call_slots(const json_t *facts, struct slots *slots)
{
	const json_t *item;
	char name[300];
	size_t i;

	if ((slots->recordings = call_recordings(facts)) == NULL)
		return -1;
	json_array_foreach (slots->recordings, i, item) {
		snprintf(name, sizeof(name), "recordings/%s",
		    json_string_value(json_object_get(item, "key")));
		add_slot(slots, name, "recordings", item, (int)i + 1);
	}
	add_slot(slots, "voicemail", "voicemails",
	    json_object_get(facts, "voicemail"), 1);
	return 0;
}

static int
message_slots(const json_t *facts, struct slots *slots)
{
	const json_t *item;
	char name[32];
	size_t i;

	json_array_foreach (json_object_get(facts, "media"), i, item) {
		snprintf(name, sizeof(name), "media/%zu", i);
		add_slot(slots, name, "media", item, (int)i + 1);
	}
	return 0;
}

/* ---- one file ---- */

/* <prefix>recordings/2026/01/15/ACx-1.mp3: the same file has the same key
 * whenever it is stored, so that a repetition replaces and never doubles. */
static int
make_key(struct sync *sync, const struct job *job, const json_t *facts,
    const struct slot *slot, const char *ext, struct buf *key)
{
	const char *created =
	    json_string_value(json_object_get(facts, "createdAt"));
	const char *prefix = sync->ws->s3.prefix;
	int64_t at;

	if (created == NULL || rfc3339_parse(created, &at) != 0)
		created = "0000-00-00";
	return buf_addf(key, "%s%s/%.4s/%.2s/%.2s/%s-%d.%s",
	    prefix == NULL ? "" : prefix, slot->folder, created, created + 5,
	    created + 8, job->resource_id, slot->number, ext);
}

static int
remember(struct sync *sync, const struct job *job, const struct slot *slot,
    const char *state, const char *reason, const char *key,
    const struct media *media, struct err *err)
{
	char token[64] = "";

	if (key != NULL &&
	    crypto_random_token(TOKEN_BYTES, token, sizeof(token)) != 0) {
		err_set(err, ERR_RETRY, "no random numbers to be had");
		return -1;
	}
	return DB_RUN(sync->db, SQL_media_put, NULL, err,
	    DB_TEXT(job->workspace), DB_TEXT(job->kind),
	    DB_TEXT(job->resource_id), DB_TEXT(slot->name), DB_TEXT(state),
	    DB_TEXT(reason), DB_TEXT(key),
	    DB_TEXT(media == NULL ? NULL : media->sha256),
	    DB_INT(media == NULL ? 0 : media->size),
	    DB_TEXT(media == NULL ? NULL : media->type->mime),
	    DB_TEXT(key == NULL ? NULL : token));
}

static int
fetch(struct sync *sync, const struct slot *slot, const char *url,
    struct media *media, struct err *err)
{
	const struct workspace *ws = sync->ws;
	const char *hosts[HOSTS_MAX + 1] = { NULL };
	char *list = strdup(ws->media.hosts), *rest = list, *host;
	struct media_policy policy = { .hosts = hosts,
		.allow_http = ws->media.allow_http,
		.allow_private = ws->media.allow_private,
		.max_size = ws->media.max_size,
		.timeout_ms = ws->media.timeout_ms,
		.low_speed_limit = LOW_SPEED_BYTES,
		.low_speed_time = LOW_SPEED_SECONDS,
		.folder = getenv("TMPDIR") };
	size_t n = 0;
	int rc;

	if (list == NULL) {
		err_nomem(err);
		return -1;
	}
	while (n < HOSTS_MAX && (host = strsep(&rest, " \t,")) != NULL)
		if (*host != '\0')
			hosts[n++] = host;
	rc = media_fetch(sync->http, &policy, url, slot->type, media, err);
	free(list);
	return rc;
}

static bool
may_have_expired(const struct err *err)
{
	return err->status == 401 || err->status == 403 || err->status == 404 ||
	    err->status == 410;
}

static json_t *
string_copy(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text == NULL ? NULL : json_string(text);
}

/* Of the recordings or media of an answer, the URL that belongs to the
 * slot: by id, else by position. A new reference; NULL: none. */
static json_t *
url_among(const json_t *list, const struct slot *slot)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		const char *id = json_string_value(json_object_get(item, "id"));

		if (slot->recording != NULL
			? id != NULL && strcmp(id, slot->recording) == 0
			: (int)i + 1 == slot->number)
			return string_copy(item, "url");
	}
	return NULL;
}

/* What OpenPhone says the file's URL is now. *ret NULL: it does not say. */
static int
fresh_url(struct sync *sync, const struct job *job, const struct slot *slot,
    json_t **ret, struct err *err)
{
	const struct openphone *op = &sync->openphone;
	json_t *data = NULL;

	*ret = NULL;
	if (strcmp(slot->name, "voicemail") == 0) {
		if (openphone_voicemail(op, job->resource_id, &data, err) != 0)
			return -1;
		*ret = string_copy(data, "recordingUrl");
	} else if (strcmp(job->kind, "call") == 0) {
		if (openphone_recordings(op, job->resource_id, &data, err) != 0)
			return -1;
		*ret = url_among(data, slot);
	} else {
		if (openphone_message(op, job->resource_id, &data, err) != 0)
			return -1;
		*ret = url_among(json_object_get(data, "media"), slot);
	}
	json_decref(data);
	return 0;
}

/* An URL that is refused is asked for anew, once. */
static int
fetch_or_refresh(struct sync *sync, const struct job *job,
    const struct slot *slot, struct media *media, struct err *err)
{
	struct err first = ERR_INIT;
	json_t *url = NULL;
	int rc;

	FAILPOINT("media.fetching");
	if (fetch(sync, slot, slot->url, media, &first) == 0)
		return 0;
	if (!may_have_expired(&first)) {
		*err = first;
		return -1;
	}
	if (fresh_url(sync, job, slot, &url, err) != 0)
		return -1;
	if (url == NULL) {
		*err = first;
		rc = -1;
	} else {
		rc = fetch(sync, slot, json_string_value(url), media, err);
	}
	json_decref(url);
	return rc;
}

static int
store_slot(struct sync *sync, const struct job *job, const json_t *facts,
    const struct slot *slot, struct err *err)
{
	struct media media = { 0 };
	struct err why = ERR_INIT;
	struct buf key;
	int rc = -1;

	if (gate_heartbeat(sync, err) != 0 || storage_ready(sync, err) != 0)
		return -1;
	buf_init(&key, KEY_MAX);
	if (fetch_or_refresh(sync, job, slot, &media, &why) != 0) {
		/* what is gone or not allowed stays so: the page says it */
		if (why.kind == ERR_PERMANENT) {
			log_err(&why, "%s is left out", slot->name);
			rc = remember(sync, job, slot,
			    may_have_expired(&why) ? "gone" : "refused",
			    why.text, NULL, NULL, err);
		} else {
			*err = why;
		}
	} else if (make_key(sync, job, facts, slot, media.type->ext, &key) !=
	    0) {
		err_nomem(err);
	} else if (storage_put(sync, buf_text(&key), &media, err) == 0) {
		FAILPOINT("media.stored");
		rc = remember(sync, job, slot, "stored", NULL, buf_text(&key),
		    &media, err);
	}
	if (rc != 0)
		err_prefix(err, "%s", slot->name);
	FAILPOINT("media.remembered");
	media_clear(&media);
	buf_free(&key);
	return rc;
}

/* ---- what is stored ---- */

static struct db_result *
stored(struct sync *sync, const struct job *job, struct err *err)
{
	struct db_result *r = NULL;

	return DB_RUN(sync->db, SQL_media_get, &r, err, DB_TEXT(job->workspace),
		   DB_TEXT(job->kind), DB_TEXT(job->resource_id)) == 0
	    ? r
	    : NULL;
}

static bool
is_settled(const struct db_result *r, const struct slot *slot)
{
	for (int i = 0; i < db_rows(r); i++)
		if (strcmp(db_text(r, i, "slot"), slot->name) == 0)
			return true;
	return false;
}

/* What a reader clicks, "" where the link was revoked, or there is none since
 * files go to Notion. */
static int
link_url(struct sync *sync, const struct db_result *r, int row, struct buf *out)
{
	const char *base = sync->ws->media.base_url;
	const char *token = db_text(r, row, "token");
	const char *key = db_text(r, row, "key");
	const char *name = key == NULL ? NULL : strrchr(key, '/');
	size_t n = base == NULL ? 0 : strlen(base);

	while (n > 0 && base[n - 1] == '/')
		n--;
	if (token == NULL || key == NULL || base == NULL)
		return 0;
	if (strcmp(sync->ws->media.link, "public") == 0)
		return buf_addf(out, "%.*s/%s", (int)n, base, key);
	/* Notion recognises audio by the extension; the portal needs only
	 * the token */
	return buf_addf(
	    out, "%.*s/r/%s%s", (int)n, base, token, name == NULL ? "" : name);
}

static json_t *
page_entry(struct sync *sync, const struct db_result *r, int row)
{
	const char *key = db_text(r, row, "key");
	const char *slash = key == NULL ? NULL : strrchr(key, '/');
	const char *state = db_text(r, row, "state");
	json_t *entry = NULL;
	struct buf url;

	buf_init(&url, 2 * KEY_MAX);
	if (link_url(sync, r, row, &url) == 0)
		entry = json_pack("{s:s, s:s*, s:s*, s:s*, s:I, s:s*}", "state",
		    strcmp(state, "refused") == 0 ? "failed" : state, "url",
		    url.len == 0 ? NULL : buf_text(&url), "upload",
		    upload_ready(sync, r, row), "type", db_text(r, row, "type"),
		    "size", (json_int_t)db_int(r, row, "size"), "name",
		    slash == NULL ? NULL : slash + 1);
	buf_free(&url);
	return entry;
}

static json_t *
page_entries(struct sync *sync, const struct db_result *r)
{
	json_t *entries = json_object();

	for (int i = 0; entries != NULL && i < db_rows(r); i++)
		if (json_object_set_new(entries, db_text(r, i, "slot"),
			page_entry(sync, r, i)) != 0) {
			json_decref(entries);
			entries = NULL;
		}
	return entries;
}

/* One file's trouble does not keep the next from being stored: *err is the
 * first's. */
static int
worse(int rc, const struct err *one, struct err *err)
{
	if (rc == 0)
		*err = *one;
	return -1;
}

static int
store_slots(struct sync *sync, const struct job *job, const json_t *facts,
    const struct slots *slots, const struct db_result *r, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < slots->n; i++) {
		struct err one = ERR_INIT;

		if (!is_settled(r, &slots->items[i]) &&
		    store_slot(sync, job, facts, &slots->items[i], &one) != 0)
			rc = worse(rc, &one, err);
	}
	return rc;
}

static int
upload_all(struct sync *sync, const struct job *job, const struct db_result *r,
    struct err *err)
{
	int rc = 0;

	for (int i = 0; i < db_rows(r); i++) {
		struct err one = ERR_INIT;

		if (upload_row(sync, job, r, i, &one) != 0)
			rc = worse(rc, &one, err);
	}
	return rc;
}

/* Bring in what is missing: 0 or -1. What there is of it then is in the
 * table, in both cases. */
static int
store(struct sync *sync, const struct job *job, const json_t *facts,
    const struct slots *slots, struct err *err)
{
	struct db_result *r;
	struct err one = ERR_INIT;
	int rc;

	if (slots->n == 0 && !upload_wanted(sync))
		return 0;
	if ((r = stored(sync, job, err)) == NULL)
		return -1;
	rc = store_slots(sync, job, facts, slots, r, err);
	db_result_free(r);
	if (!upload_wanted(sync))
		return rc;
	if ((r = stored(sync, job, &one)) == NULL ||
	    upload_all(sync, job, r, &one) != 0)
		rc = worse(rc, &one, err);
	db_result_free(r);
	return rc;
}

int
attachments_store(struct sync *sync, const struct job *job, const json_t *facts,
    json_t **ret, struct err *err)
{
	struct slots *slots = calloc(1, sizeof(*slots));
	struct err last = ERR_INIT;
	struct db_result *r = NULL;
	int rc = -1;

	*ret = NULL;
	if (slots == NULL ||
	    (strcmp(job->kind, "call") == 0
		    ? call_slots(facts, slots)
		    : message_slots(facts, slots)) != 0) {
		err_nomem(err);
		goto out;
	}
	rc = store(sync, job, facts, slots, err);
	if ((r = stored(sync, job, &last)) == NULL) {
		rc = worse(rc, &last, err);
	} else if ((*ret = page_entries(sync, r)) == NULL) {
		err_nomem(&last);
		rc = worse(rc, &last, err);
	}
out:
	db_result_free(r);
	if (slots != NULL)
		json_decref(slots->recordings);
	free(slots);
	return rc;
}

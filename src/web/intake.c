#include "web/intake.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "ext/jansson.h"
#include "model/event.h"
#include "model/fold.h"
#include "model/payload.h"
#include "model/selection.h"
#include "model/skim.h"
#include "web/answer.h"

enum {
	READ_SIZE = 8 * 1024, /* as much as libfcgi has at a time */
	KEY_MAX = 2048,
	HEADER_MAX = 4096,
	LARGE_BODY = 256 * 1024
};

static const char *const retry_later = "Retry-After: 10\r\n";

int
intake_init(struct intake *intake, const struct conf *conf, struct err *err)
{
	size_t n = conf_count(conf);

	*intake = (struct intake){ .conf = conf };
	intake->keyrings = calloc(n, sizeof(struct keyring *));
	if (intake->keyrings == NULL) {
		err_nomem(err);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		const struct workspace *ws = conf_at(conf, i);

		if (ws->webhook.path_of != NULL)
			continue;
		log_context(ws->name, NULL, NULL);
		intake->keyrings[i] = keyring_new(conf, ws, err);
		log_context(NULL, NULL, NULL);
		if (intake->keyrings[i] == NULL)
			return -1;
	}
	return 0;
}

void
intake_free(struct intake *intake)
{
	for (size_t i = 0;
	     intake->keyrings != NULL && i < conf_count(intake->conf); i++)
		keyring_free(intake->keyrings[i]);
	free(intake->keyrings);
	intake->keyrings = NULL;
}

/* ---- reading the body ---- */

/* CONTENT_LENGTH: bytes, -1: not given (chunked), -2: rubbish. */
static int64_t
content_length(struct fcgi_request *req)
{
	const char *text = fcgi_param(req, "CONTENT_LENGTH");
	char *end;
	long long n;

	if (text == NULL || *text == '\0')
		return -1;
	errno = 0;
	n = strtoll(text, &end, 10);
	return *end != '\0' || n < 0 || errno != 0 ? -2 : n;
}

static void
refuse_too_large(struct fcgi_request *req, int64_t max)
{
	char message[128];

	snprintf(message, sizeof(message),
	    "the body is larger than %lld bytes ([webhook] max_body)",
	    (long long)max);
	answer_error(req, "413 Content Too Large", "", "too_large", message);
}

/* The whole body, or -1 after an answer that says why not. Front servers
 * pass on bodies that are cut short, empty or over their own limit. */
static int
read_body(struct intake *intake, struct fcgi_request *req, struct buf *body)
{
	const struct conf *conf = intake->conf;
	int64_t want = content_length(req), max = conf->webhook.max_body;
	int64_t deadline = clock_ms() + conf->webhook.read_timeout_ms;
	char chunk[READ_SIZE], message[128];
	int n;

	if (want == -2) {
		answer_error(req, "400 Bad Request", "", "bad_length",
		    "Content-Length is not a number");
		return -1;
	}
	if (want > max) {
		refuse_too_large(req, max);
		return -1;
	}
	while (want < 0 || (int64_t)body->len < want) {
		if ((n = fcgi_read(req, chunk, sizeof(chunk))) == 0)
			break;
		if (n < 0 || clock_ms() > deadline) {
			answer_error(req, "408 Request Timeout", "", "too_slow",
			    "the body did not come in time");
			return -1;
		}
		if (buf_add(body, chunk, (size_t)n) == 0)
			continue;
		if (errno == EFBIG)
			refuse_too_large(req, max);
		else
			answer_error(req, "503 Service Unavailable",
			    retry_later, "no_memory", "out of memory");
		return -1;
	}
	if (body->len == 0) {
		answer_error(req, "400 Bad Request", "", "empty_body",
		    "the body is empty");
		return -1;
	}
	if (want >= 0 && (int64_t)body->len != want) {
		snprintf(message, sizeof(message),
		    "the body ended after %zu of %lld bytes", body->len,
		    (long long)want);
		answer_error(req, "400 Bad Request", "", "short_body", message);
		return -1;
	}
	return 0;
}

/* ---- the signature ---- */

static struct signature_headers
signature_headers(struct fcgi_request *req)
{
	return (struct signature_headers){
		.webhook_id = fcgi_param(req, "HTTP_WEBHOOK_ID"),
		.webhook_timestamp = fcgi_param(req, "HTTP_WEBHOOK_TIMESTAMP"),
		.webhook_signature = fcgi_param(req, "HTTP_WEBHOOK_SIGNATURE"),
		.openphone_signature =
		    fcgi_param(req, "HTTP_OPENPHONE_SIGNATURE"),
	};
}

/* Longer ones than any sender has are not worth an HMAC, let alone keeping. */
static bool
refuse_long_headers(struct fcgi_request *req)
{
	static const char *const read[] = { "HTTP_WEBHOOK_ID",
		"HTTP_WEBHOOK_TIMESTAMP", "HTTP_WEBHOOK_SIGNATURE",
		"HTTP_OPENPHONE_SIGNATURE", "CONTENT_TYPE", "HTTP_USER_AGENT" };

	for (size_t i = 0; i < sizeof(read) / sizeof(*read); i++) {
		const char *value = fcgi_param(req, read[i]);

		if (value == NULL || strlen(value) <= HEADER_MAX)
			continue;
		answer_error(req, "431 Request Header Fields Too Large", "",
		    "header_too_large", "a header is longer than 4096 bytes");
		return true;
	}
	return false;
}

static bool
is_given(const char *value)
{
	return value != NULL && *value != '\0';
}

/* Which of the four were there: the first question when a signature fails. */
static const char *
present(const char *value)
{
	return is_given(value) ? "yes" : "no";
}

static bool
authentic(struct intake *intake, size_t i, struct fcgi_request *req,
    const struct signature_headers *headers, const struct buf *body)
{
	const struct workspace *w = conf_at(intake->conf, i);
	enum signature_result result =
	    keyring_check(intake->keyrings[i], headers, body->data, body->len);
	const char *from = fcgi_param(req, "REMOTE_ADDR");

	if (result == SIGNATURE_FAILED) {
		answer_error(req, "503 Service Unavailable", retry_later,
		    "no_memory", signature_result_text(result));
		return false;
	}
	if (result == SIGNATURE_OK ||
	    (w->webhook.allow_unsigned &&
		(result == SIGNATURE_NONE || result == SIGNATURE_NO_KEY)))
		return true;
	log_warn("refused a delivery of %zu bytes from %s: %s (webhook-id "
		 "%s, webhook-timestamp %s, webhook-signature %s, "
		 "openphone-signature %s)",
	    body->len, from == NULL ? "?" : from, signature_result_text(result),
	    present(headers->webhook_id), present(headers->webhook_timestamp),
	    present(headers->webhook_signature),
	    present(headers->openphone_signature));
	answer_error(req, "401 Unauthorized", "", "bad_signature",
	    signature_result_text(result));
	return false;
}

/* ---- storing ---- */

/* The headers worth keeping, as a JSON text; free() it. */
static char *
kept_headers(struct fcgi_request *req)
{
	static const char *const kept[][2] = {
		{ "content-type", "CONTENT_TYPE" },
		{ "user-agent", "HTTP_USER_AGENT" },
		{ "webhook-id", "HTTP_WEBHOOK_ID" },
		{ "webhook-timestamp", "HTTP_WEBHOOK_TIMESTAMP" },
		{ "webhook-signature", "HTTP_WEBHOOK_SIGNATURE" },
		{ "openphone-signature", "HTTP_OPENPHONE_SIGNATURE" },
		{ "remote-addr", "REMOTE_ADDR" },
	};
	json_t *headers = json_object();
	char *text;

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		const char *value = fcgi_param(req, kept[i][1]);

		/* what is no UTF-8 cannot be told in JSON: left out */
		if (value != NULL && *value != '\0')
			json_object_set_new(
			    headers, kept[i][0], json_string(value));
	}
	text = jansson_text(headers, JSON_COMPACT);
	json_decref(headers);
	return text;
}

static void
answer_stored(struct fcgi_request *req, const char *key)
{
	json_t *body =
	    json_pack("{s:s, s:s}", "status", "accepted", "delivery", key);
	char *text = body == NULL ? NULL : jansson_text(body, JSON_COMPACT);

	FAILPOINT("intake.answering");
	answer_json(req, "200 OK", "",
	    text == NULL ? "{\"status\":\"accepted\"}" : text);
	free(text);
	json_decref(body);
}

static void
answer_not_stored(struct fcgi_request *req, const struct err *err)
{
	/* the log has the details; a stranger needs none of them */
	log_err(err, "delivery not stored, answered 503");
	answer_error(req, "503 Service Unavailable", retry_later, "not_stored",
	    "the delivery could not be stored now: send it again later");
}

static bool
is_call_or_message(const struct event *event)
{
	return strcmp(event->kind, "call") == 0 ||
	    strcmp(event->kind, "message") == 0;
}

/* May it be about the workspace's numbers? What does not tell is all's, and is
 * sorted out when OpenPhone has told. */
static bool
may_be_of(
    const struct workspace *ws, const struct event *event, const json_t *facts)
{
	if (is_call_or_message(event))
		return selection_of(ws, event->kind, facts, NULL) !=
		    SELECTION_OUT;
	return strcmp(event->kind, "contact") == 0;
}

/* Store it for those who take part in the workspace's path; *n: how many. */
static int
store_for_guests(struct intake *intake, const struct workspace *host,
    struct delivery *d, const struct event *event, const json_t *facts, int *n,
    struct err *err)
{
	for (size_t i = 0; i < conf_count(intake->conf); i++) {
		const struct workspace *ws = conf_at(intake->conf, i);

		if (!conf_shares(host, ws) || !may_be_of(ws, event, facts))
			continue;
		d->workspace = ws->name;
		if (writer_store(intake->writer, d, err) != 0)
			return -1;
		++*n;
	}
	return 0;
}

static bool
has_guests(const struct conf *conf, const struct workspace *host)
{
	for (size_t i = 0; i < conf_count(conf); i++)
		if (conf_shares(host, conf_at(conf, i)))
			return true;
	return false;
}

/* What is stored for one and not for another is stored again when the sender
 * repeats it: once for each. What is nobody's is the host's. */
static int
store_shared(struct intake *intake, const struct workspace *host,
    struct delivery *d, const struct event *event, const json_t *envelope,
    struct err *err)
{
	json_t *state = fold_new();
	const json_t *facts = json_object_get(state, "facts");
	int n = 0, rc = -1;

	if (state == NULL)
		err_nomem(err);
	else if (!is_call_or_message(event) ||
	    fold_event(state, envelope, event, err) == 0)
		rc = store_for_guests(intake, host, d, event, facts, &n, err);
	if (rc == 0 && (n == 0 || may_be_of(host, event, facts))) {
		d->workspace = host->name;
		rc = writer_store(intake->writer, d, err);
	}
	json_decref(state);
	return rc;
}

static void
store(struct intake *intake, const struct workspace *ws,
    struct fcgi_request *req, const struct signature_headers *headers,
    const struct buf *body)
{
	struct delivery d = { .workspace = ws->name };
	struct err err = ERR_INIT;
	struct event event;
	struct buf key;
	const char *note = NULL;
	char *kept = NULL;
	json_t *envelope = NULL;
	bool shared = has_guests(intake->conf, ws);

	FAILPOINT("intake.read");
	buf_init(&key, KEY_MAX);
	if (!shared) /* nothing is folded here */
		envelope = skim_envelope(body->data, body->len);
	if (envelope == NULL)
		envelope = payload_load(body->data, body->len, &note, &err);
	if (envelope == NULL) {
		if (err.kind == ERR_PERMANENT)
			answer_error(
			    req, "400 Bad Request", "", "not_json", err.text);
		else
			answer_not_stored(req, &err);
		return;
	}
	event_identify(envelope, &event);
	/* the legacy signature does not cover webhook-id */
	if (event_delivery_key(&event,
		is_given(headers->webhook_signature) ? headers->webhook_id
						     : NULL,
		body->data, body->len, &key) != 0 ||
	    (kept = kept_headers(req)) == NULL) {
		err_nomem(&err);
		answer_not_stored(req, &err);
		goto out;
	}
	d.key = buf_text(&key);
	delivery_describe(&d, &event, note);
	d.headers = kept;
	d.body = body->data;
	d.body_len = body->len;
	FAILPOINT("intake.verified");
	if ((shared ? store_shared(intake, ws, &d, &event, envelope, &err)
		    : writer_store(intake->writer, &d, &err)) == 0)
		answer_stored(req, d.key);
	else
		answer_not_stored(req, &err);
out:
	free(kept);
	buf_free(&key);
	json_decref(envelope);
}

/* i: the index of the workspace whose path it came to. */
static void
answer_delivery(struct intake *intake, size_t i, struct fcgi_request *req)
{
	const struct workspace *ws = conf_at(intake->conf, i);
	struct signature_headers headers = signature_headers(req);
	struct buf body;
	bool large;

	buf_init(&body, (size_t)intake->conf->webhook.max_body);
	log_context(ws->name, NULL, NULL);
	if (!refuse_long_headers(req) && read_body(intake, req, &body) == 0 &&
	    authentic(intake, i, req, &headers, &body))
		store(intake, ws, req, &headers, &body);
	log_context(NULL, NULL, NULL);
	FAILPOINT("intake.answered");
	large = body.len >= LARGE_BODY;
	buf_free(&body);
	if (large) /* its JSON took twenty times as much: give it back */
		malloc_trim(0);
}

/* ---- health and routes ---- */

static void
answer_health(struct intake *intake, struct fcgi_request *req)
{
	struct err err = ERR_INIT;
	char now[RFC3339_SIZE];
	json_t *body;
	char *text;
	int rc = writer_probe(intake->writer, &err);
	bool ok = rc >= 0; /* whatever comes is acknowledged */
	const char *status = rc == 0 ? "healthy"
	    : ok		     ? "degraded"
				     : "unhealthy";
	/* the log has the details; a stranger needs none of them */
	const char *reason = rc == 0 ? NULL
	    : ok ? "the database does not take deliveries: they are spooled"
		 : "neither the database nor the spool takes deliveries";

	if (!ok)
		log_err(&err, "unhealthy");
	rfc3339_format(rfc3339_now(), now);
	body = json_pack("{s:s, s:s, s:s*}", "status", status, "timestamp", now,
	    "reason", reason);
	text = body == NULL ? NULL : jansson_text(body, JSON_COMPACT);
	answer_json(req, ok ? "200 OK" : "503 Service Unavailable", "",
	    text == NULL ? "{\"status\":\"unhealthy\"}" : text);
	free(text);
	json_decref(body);
}

static void
answer_method(struct fcgi_request *req, const char *allow)
{
	char header[64];

	snprintf(header, sizeof(header), "Allow: %s\r\n", allow);
	answer_error(req, "405 Method Not Allowed", header,
	    "method_not_allowed",
	    "this address takes other methods: see "
	    "the Allow header");
}

/* The workspace that has this path: its index, or their number. */
static size_t
find_path(const struct conf *conf, const char *path)
{
	size_t i, n = strlen(conf->webhook.path);

	if (strncmp(path, conf->webhook.path, n) != 0)
		return conf_count(conf);
	path = path[n] == '\0' ? CONF_DEFAULT
	    : path[n] == '/'   ? path + n + 1
			       : "";
	for (i = 0; i < conf_count(conf); i++)
		if (strcmp(conf_at(conf, i)->name, path) == 0 &&
		    conf_at(conf, i)->webhook.path_of == NULL)
			break;
	return i;
}

void
intake_answer(struct fcgi_request *req, struct intake *intake)
{
	const char *method = fcgi_param(req, "REQUEST_METHOD");
	char *path = answer_path(req);
	bool reads, hook, health;
	size_t i;

	if (method == NULL || path == NULL) {
		answer_error(req, "400 Bad Request", "", "bad_request",
		    "no method or path");
		free(path);
		return;
	}
	reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	i = find_path(intake->conf, path);
	hook = i < conf_count(intake->conf);
	health = strcmp(path, "/health") == 0;
	free(path);
	if (hook && strcmp(method, "POST") == 0)
		answer_delivery(intake, i, req);
	else if (hook && reads)
		answer_json(req, "200 OK", "", "{\"status\":\"ready\"}");
	else if (health && reads)
		answer_health(intake, req);
	else if (hook || health)
		answer_method(req, hook ? "GET, HEAD, POST" : "GET, HEAD");
	else
		answer_error(req, "404 Not Found", "", "not_found",
		    "there is nothing at this path");
}

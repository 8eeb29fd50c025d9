/*
 * onsctl send-test: a signed delivery of our own, through the front door.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/rfc3339.h"
#include "cmd/onsctl.h"
#include "ext/http.h"
#include "ext/jansson.h"
#include "model/signature.h"

#include "config.h"

enum { ANSWER_MAX = 4096, TIMEOUT_MARGIN_MS = 5000 };

/* Nobody has these: 555-01XX is reserved for fiction. */
#define OUTSIDE "+15550100002"
#define WORKSPACE "+15550100001"

static const struct option options[] = {
	{ "type", required_argument, NULL, 't' },
	{ "legacy", no_argument, NULL, 'l' },
	{ "url", required_argument, NULL, 'u' },
	{ NULL, 0, NULL, 0 },
};

/* What makes one test unlike all others. */
struct stamp {
	char event[48], resource[48];
	char created[RFC3339_SIZE];
	int64_t ms;
};

/* A missed call and a text without attachments: nothing that OpenPhone would
 * have to be asked about. Each gives a new reference, NULL: out of memory. */
static json_t *
call_dated(const struct stamp *stamp)
{
	return json_pack("{s:{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:b},"
			 " s:{s:{s:[s], s:[s], s:s}}}",
	    "resource", "id", stamp->resource, "direction", "incoming",
	    "status", "missed", "createdAt", stamp->created, "completedAt",
	    stamp->created, "updatedAt", stamp->created, "duration", 0,
	    "hasVoicemail", 0, "context", "participants", "workspace",
	    WORKSPACE, "external", OUTSIDE, "resolution", "available");
}

static json_t *
call_legacy(const struct stamp *stamp)
{
	return json_pack(
	    "{s:{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:n, s:[s,s]}}", "object",
	    "id", stamp->resource, "object", "call", "direction", "incoming",
	    "status", "no-answer", "createdAt", stamp->created, "completedAt",
	    stamp->created, "duration", 0, "answeredAt", "participants",
	    OUTSIDE, WORKSPACE);
}

static json_t *
message_dated(const struct stamp *stamp)
{
	return json_pack("{s:{s:s, s:s, s:s, s:[], s:s, s:s}, s:{s:s, s:[s]}}",
	    "resource", "id", stamp->resource, "direction", "incoming", "text",
	    "A test by onsctl send-test", "media", "status", "received",
	    "createdAt", stamp->created, "context", "senderIdentifier", OUTSIDE,
	    "recipientIdentifiers", WORKSPACE);
}

static json_t *
message_legacy(const struct stamp *stamp)
{
	return json_pack("{s:{s:s, s:s, s:s, s:s, s:s, s:s, s:[], s:s, s:s}}",
	    "object", "id", stamp->resource, "object", "message", "from",
	    OUTSIDE, "to", WORKSPACE, "direction", "incoming", "text",
	    "A test by onsctl send-test", "media", "status", "received",
	    "createdAt", stamp->created);
}

static const struct type {
	const char *name;
	json_t *(*dated)(const struct stamp *stamp);
	json_t *(*legacy)(const struct stamp *stamp);
} types[] = {
	{ "call.completed", call_dated, call_legacy },
	{ "message.received", message_dated, message_legacy },
};

enum { N_TYPES = sizeof(types) / sizeof(*types) };

/* A delivery, ready to be sent. */
struct delivery {
	struct stamp stamp;
	char *body; /* free() */
	char headers[4][SIGNATURE_SIZE + 32];
	const char *list[6]; /* the headers in use, NULL at the end */
};

static const struct type *
find_type(const char *name, struct err *err)
{
	struct buf known;

	for (size_t i = 0; i < N_TYPES; i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	buf_init(&known, 1024);
	for (size_t i = 0; i < N_TYPES; i++)
		(void)buf_addf(
		    &known, "%s%s", i == 0 ? "" : ", ", types[i].name);
	err_set(err, ERR_PERMANENT,
	    "cannot send an event of the type %s: choose one of %s", name,
	    buf_text(&known));
	buf_free(&known);
	return NULL;
}

static void
stamp_now(struct stamp *stamp)
{
	int64_t now = rfc3339_now();

	stamp->ms = now / 1000;
	rfc3339_format(now, stamp->created);
	snprintf(
	    stamp->event, sizeof(stamp->event), "EVtest%" PRId64, stamp->ms);
	snprintf(stamp->resource, sizeof(stamp->resource), "ACtest%" PRId64,
	    stamp->ms);
}

static int
make_body(
    const struct type *type, bool legacy, struct delivery *d, struct err *err)
{
	const struct stamp *stamp = &d->stamp;
	json_t *data = legacy ? type->legacy(stamp) : type->dated(stamp);
	json_t *envelope = json_pack("{s:s, s:s, s:s, s:s, s:o}", "id",
	    stamp->event, "apiVersion", legacy ? "v4" : "2026-03-30",
	    "createdAt", stamp->created, "type", type->name, "data", data);

	if (envelope != NULL)
		d->body = jansson_text(envelope, JSON_COMPACT);
	json_decref(envelope);
	if (d->body == NULL)
		err_nomem(err);
	return d->body == NULL ? -1 : 0;
}

static int
no_key(const struct ctl *ctl, bool legacy, struct err *err)
{
	const struct conf *conf = &ctl->conf;

	if (ctl->ws->webhook.allow_unsigned)
		return 0; /* it goes as it is */
	err_set(err, ERR_CONFIG, "no %s to sign with: set [webhook] %s in %s",
	    legacy ? "legacy key" : "whsec_ secret",
	    legacy ? "legacy_keys" : "secrets (or use --legacy)",
	    conf->path == NULL ? "the configuration" : conf->path);
	conf_blame(conf, ctl->ws, err);
	return -1;
}

static int
sign(const struct ctl *ctl, const struct signature_keys *keys, bool legacy,
    struct delivery *d, struct err *err)
{
	enum signature_scheme scheme =
	    legacy ? SIGNATURE_LEGACY : SIGNATURE_STANDARD;
	char signature[SIGNATURE_SIZE], timestamp[24];
	size_t n = 0, size = sizeof(d->headers[0]);

	snprintf(d->headers[n++], size, "Content-Type: application/json");
	snprintf(timestamp, sizeof(timestamp), "%" PRId64,
	    legacy ? d->stamp.ms : d->stamp.ms / 1000);
	if (signature_keys_count(keys, scheme) == 0) {
		if (no_key(ctl, legacy, err) != 0)
			return -1;
	} else if (signature_sign(keys, scheme, d->stamp.event, timestamp,
		       d->body, strlen(d->body), signature) != 0) {
		err_set(err, ERR_RETRY, "cannot sign the delivery");
		return -1;
	} else if (legacy) {
		snprintf(d->headers[n++], size, "openphone-signature: %s",
		    signature);
	} else {
		snprintf(
		    d->headers[n++], size, "webhook-id: %s", d->stamp.event);
		snprintf(
		    d->headers[n++], size, "webhook-timestamp: %s", timestamp);
		snprintf(
		    d->headers[n++], size, "webhook-signature: %s", signature);
	}
	for (size_t i = 0; i < n; i++)
		d->list[i] = d->headers[i];
	return 0;
}

/* Sign with the keys that ons-webhook checks with. */
static int
sign_as_configured(
    const struct ctl *ctl, bool legacy, struct delivery *d, struct err *err)
{
	const struct workspace *ws = ctl->ws;
	struct signature_keys *keys = signature_keys_make(
	    ws->webhook.secrets, ws->webhook.legacy_keys, err);
	int rc = keys == NULL ? -1 : sign(ctl, keys, legacy, d, err);

	signature_keys_free(keys);
	return rc;
}

int
ctl_own_url(const struct ctl *ctl, struct buf *url, struct err *err)
{
	const char *base = ctl->ws->media.base_url;
	const char *host = base == NULL ? NULL : strstr(base, "://");
	const char *path = ctl->conf.webhook.path, *name = ctl->ws->name;
	bool plain = strcmp(name, CONF_DEFAULT) == 0;

	if (ctl->ws->webhook.path_of != NULL) {
		err_set(err, ERR_CONFIG,
		    "the deliveries of the workspace %s come in with those of "
		    "%s: onsctl -w %s",
		    name, ctl->ws->webhook.path_of, ctl->ws->webhook.path_of);
		return -1;
	}

	if (host == NULL) {
		err_set(err, ERR_CONFIG,
		    "where to? give --url https://HOST%s%s%s, or set [media] "
		    "base_url",
		    path, plain ? "" : "/", plain ? "" : name);
		return -1;
	}
	host += strlen("://");
	host += strcspn(host, "/?#");
	if (buf_add(url, base, (size_t)(host - base)) == 0 &&
	    buf_addf(
		url, "%s%s%s", path, plain ? "" : "/", plain ? "" : name) == 0)
		return 0;
	err_nomem(err);
	return -1;
}

int
ctl_elsewhere(const struct ctl *ctl)
{
	const char *of = ctl->ws->webhook.path_of;
	struct err err = ERR_INIT;

	return ctl_result(ctl, json_pack("{s:s}", "path_of", of), &err,
		   "its deliveries come in with those of %s\n", of) == 0
	    ? EX_OK
	    : ctl_fail(&err);
}

void
ctl_answer(const char *body, char *ret, size_t size)
{
	snprintf(ret, size, "%.*s", (int)strcspn(body, "\n"), body);
	err_tame(ret);
}

static int
refused(const char *url, int status, const char *answer)
{
	struct err err = ERR_INIT;

	err_set(&err, ERR_RETRY, "%s refused the delivery: %d %s", url, status,
	    answer);
	ctl_fail(&err);
	return status >= 500 ? EX_TEMPFAIL : EX_UNAVAILABLE;
}

static int
send_delivery(const struct ctl *ctl, const struct delivery *d, const char *url)
{
	struct http_response resp = { 0 };
	struct err err = ERR_INIT;
	struct http *http;
	const struct http_request req = { .method = "POST",
		.url = url,
		.headers = d->list,
		.body = d->body,
		.body_len = strlen(d->body),
		.once = true,
		.timeout_ms = ctl->conf.webhook.timeout_ms + TIMEOUT_MARGIN_MS,
		.max_response = 1 << 20 };
	char answer[ANSWER_MAX], self[CTL_SELF_SIZE];
	int rc;

	ctl_self(ctl, self);
	if ((http = http_new(PACKAGE_NAME "/" PACKAGE_VERSION, &err)) == NULL)
		return ctl_fail(&err);
	if (http_perform(http, &req, &resp, &err) == 0) {
		ctl_answer(buf_text(&resp.body), answer, sizeof(answer));
		rc = resp.status / 100 == 2 ? EX_OK
					    : refused(url, resp.status, answer);
		if (rc == EX_OK &&
		    ctl_result(ctl,
			json_pack("{s:s, s:i}", "resource_id",
			    d->stamp.resource, "status", resp.status),
			&err,
			"POST %s: %d %s\n"
			"What becomes of it: %s events %s;\n"
			"once ons-process has run, see its page: %s show %s\n",
			url, resp.status, answer, self, d->stamp.resource, self,
			d->stamp.resource) != 0)
			rc = ctl_fail(&err);
	} else {
		rc = ctl_fail(&err);
	}
	http_response_clear(&resp);
	http_free(http);
	return rc;
}

int
ctl_send_test(struct ctl *ctl, int argc, char **argv)
{
	const char *name = "call.completed", *to = NULL;
	struct delivery d = { .body = NULL };
	struct err err = ERR_INIT;
	const struct type *type;
	bool legacy = false;
	struct buf url;
	int c, rc;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 't':
			name = optarg;
			break;
		case 'l':
			legacy = true;
			break;
		case 'u':
			to = optarg;
			break;
		default:
			return ctl_usage(argv[0]);
		}
	if (optind < argc)
		return ctl_usage(argv[0]);
	if (ctl->each && to != NULL)
		return ctl_which(ctl);
	if (ctl->each && ctl->ws->webhook.path_of != NULL)
		return ctl_elsewhere(ctl);
	buf_init(&url, 2048);
	stamp_now(&d.stamp);
	if ((type = find_type(name, &err)) == NULL ||
	    (to == NULL && ctl_own_url(ctl, &url, &err) != 0) ||
	    make_body(type, legacy, &d, &err) != 0 ||
	    sign_as_configured(ctl, legacy, &d, &err) != 0)
		rc = ctl_fail(&err);
	else
		rc = send_delivery(ctl, &d, to == NULL ? buf_text(&url) : to);
	buf_free(&url);
	free(d.body);
	return rc;
}

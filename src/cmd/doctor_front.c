/*
 * onsctl doctor: where files are kept, the addresses that OpenPhone and readers
 * come in by, and where people are told of what is wrong.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/media.h"
#include "base/rfc3339.h"
#include "cmd/doctor.h"
#include "ext/crypto.h"
#include "sql/queries.h"
#include "sync/alarm.h"
#include "sync/storage.h"

enum { URL_SIZE = 2048, KEY_SIZE = 600, ANSWER_MAX = 65536 };

#define PROBE "onsctl doctor was here\n"

/* One request, as anybody may send it. */
static int
ask(struct doctor *d, const char *method, const char *url,
    struct http_response *resp, struct err *err)
{
	const struct http_request req = { .method = method,
		.url = url,
		.timeout_ms = DOCTOR_LIMIT_MS,
		.max_response = ANSWER_MAX };

	*resp = (struct http_response){ 0 };
	return http_perform(d->sync.http, &req, resp, err);
}

/* Hosts may be unable to reach their own public address. */
static void
say_unreachable(struct doctor *d, const char *url, const struct err *err)
{
	doctor_say(d, DOCTOR_WARNING,
	    "try it from elsewhere; if it fails there, too, look at DNS, "
	    "firewall, certificate and nginx",
	    "%s cannot be reached from this host: %s", url, err->text);
}

/* ---- storage ---- */

static int
make_probe(struct media *probe, struct err *err)
{
	unsigned char digest[SHA256_SIZE];

	if (crypto_sha256(PROBE, strlen(PROBE), digest) != 0) {
		err_nomem(err);
		return -1;
	}
	crypto_hex(digest, sizeof(digest), probe->sha256);
	probe->file = media_temporary(getenv("TMPDIR"), err);
	if (probe->file == NULL)
		return -1;
	if (fputs(PROBE, probe->file) == EOF || fflush(probe->file) != 0) {
		err_sys(err, ERR_RETRY, "cannot write a temporary file");
		return -1;
	}
	rewind(probe->file);
	probe->size = (int64_t)strlen(PROBE);
	probe->type = media_type(NULL, "text/plain", PROBE, strlen(PROBE));
	return 0;
}

static int
read_back(struct doctor *d, const char *key, const struct media *probe,
    struct err *err)
{
	char text[sizeof(PROBE)] = "";
	FILE *file =
	    storage_open(&d->sync, key, probe->size, probe->sha256, err);

	if (file == NULL)
		return -1;
	if (fread(text, 1, strlen(PROBE), file) != strlen(PROBE) ||
	    strcmp(text, PROBE) != 0)
		err_set(err, ERR_RETRY, "not what was stored is read back");
	fclose(file);
	return err_is_set(err) ? -1 : 0;
}

/* [media] link = public: what is stored is what readers get. */
static void
look_in_public(struct doctor *d, const char *key)
{
	const char *base = d->ws->media.base_url;
	struct http_response resp;
	struct err err = ERR_INIT;
	char url[URL_SIZE];
	size_t n = base == NULL ? 0 : strlen(base);

	if (base == NULL || strcmp(d->ws->media.link, "public") != 0)
		return;
	while (n > 0 && base[n - 1] == '/')
		n--;
	snprintf(url, sizeof(url), "%.*s/%s", (int)n, base, key);
	if (ask(d, "GET", url, &resp, &err) != 0)
		say_unreachable(d, base, &err);
	else if (resp.status != 200 || strcmp(buf_text(&resp.body), PROBE) != 0)
		doctor_say(d, DOCTOR_FAILURE,
		    "base_url must be where the bucket or folder is served "
		    "to everybody, or set [media] link = portal",
		    "what is stored is not to be had below %s: it answers %d",
		    base, resp.status);
	http_response_clear(&resp);
}

/* Put, get, delete. */
static void
try_storage(struct doctor *d, const char *key, const struct media *probe,
    struct err *err)
{
	struct err ignored = ERR_INIT, told = ERR_INIT;
	FILE *file;

	if (storage_put(&d->sync, key, probe, err) != 0) {
		/* the answer to HEAD has no words, that to GET does */
		if (err->status != 403)
			return;
		file = storage_open(
		    &d->sync, key, probe->size, probe->sha256, &told);
		if (file != NULL)
			fclose(file);
		else if (told.status == 403)
			*err = told;
		return;
	}
	look_in_public(d, key);
	if (read_back(d, key, probe, err) == 0)
		(void)storage_remove(&d->sync, key, err);
	else
		(void)storage_remove(&d->sync, key, &ignored);
}

void
doctor_storage(struct doctor *d)
{
	const char *prefix = d->ws->s3.prefix;
	bool folder = strcmp(d->ws->media.store, "file") == 0;
	struct media probe = { 0 };
	struct err err = ERR_INIT;
	char key[KEY_SIZE];

	if (!folder &&
	    (d->ws->s3.endpoint == NULL || d->ws->s3.bucket == NULL ||
		d->ws->s3.access_key == NULL || d->ws->s3.secret_key == NULL))
		return;
	snprintf(key, sizeof(key), "%sdoctor-%" PRId64 ".txt",
	    prefix == NULL ? "" : prefix, rfc3339_now());
	if (make_probe(&probe, &err) == 0)
		try_storage(d, key, &probe, &err);
	if (!folder)
		doctor_compare_clock(d, "S3");
	if (err_is_set(&err))
		doctor_say(d, DOCTOR_FAILURE,
		    folder ? "[media] folder must be a folder that the "
			     "programs' user may write to"
			   : NULL,
		    "%s", err.text);
	else
		doctor_say(d, DOCTOR_OK, NULL,
		    "written to, read from and tidied up: %s%s%s",
		    folder ? d->conf->media.folder : d->ws->s3.endpoint,
		    folder ? "" : "/", folder ? "" : d->ws->s3.bucket);
	media_clear(&probe);
}

/* ---- what comes in ---- */

static bool
is_gateway_error(int status)
{
	return status >= 502 && status <= 504;
}

/* The front server has a limit of its own, by which it refuses a large body
 * before ons-webhook hears of it. */
static void
announce_largest(struct doctor *d, const char *url)
{
	const int64_t max = d->conf->webhook.max_body;
	const struct http_request req = { .method = "POST",
		.url = url,
		.announced = max,
		.timeout_ms = DOCTOR_LIMIT_MS,
		.max_response = ANSWER_MAX };
	struct http_response resp = { 0 };
	struct err err = ERR_INIT;

	if (http_perform(d->sync.http, &req, &resp, &err) != 0)
		say_unreachable(d, url, &err);
	else if (resp.status == 413)
		doctor_say(d, DOCTOR_FAILURE,
		    "set client_max_body_size to [webhook] max_body in that "
		    "location, as nginx/openphone-notion-sync.conf does "
		    "(Apache: LimitRequestBody), and reload it",
		    "%s answers 413 to %" PRId64
		    "k, the largest delivery that ons-webhook takes: the front "
		    "server's limit is lower",
		    url, (max + 1023) / 1024);
	else if (resp.status == 0)
		doctor_say(d, DOCTOR_WARNING,
		    "see that its limit for the body of a request is not "
		    "lower than [webhook] max_body",
		    "ons-webhook answers at %s, but whether that takes %" PRId64
		    "k is not known: the front server does not answer "
		    "\"Expect: 100-continue\"",
		    url, (max + 1023) / 1024);
	else if (resp.status != 100 && resp.status != 401)
		doctor_say(d, DOCTOR_FAILURE,
		    "let the front server hand each POST on, as in "
		    "nginx/openphone-notion-sync.conf",
		    "%s answers %d to deliveries, not as ons-webhook does", url,
		    resp.status);
	else
		doctor_say(d, DOCTOR_OK, NULL,
		    "ons-webhook answers at %s, which takes up to %" PRId64 "k",
		    url, (max + 1023) / 1024);
	http_response_clear(&resp);
}

/* A GET is answered by ons-webhook: it is ready. */
void
doctor_intake(struct doctor *d)
{
	struct http_response resp = { 0 };
	struct err err = ERR_INIT;
	const char *url = d->url;
	struct buf own;

	buf_init(&own, URL_SIZE);
	if (url == NULL && ctl_own_url(d->ctl, &own, &err) == 0)
		url = buf_text(&own);
	if (url == NULL) /* webhooks has told */
		goto out;
	if (ask(d, "GET", url, &resp, &err) != 0)
		say_unreachable(d, url, &err);
	else if (resp.status == 200 &&
	    strstr(buf_text(&resp.body), "\"ready\"") != NULL)
		announce_largest(d, url);
	else if (is_gateway_error(resp.status))
		doctor_say(d, DOCTOR_FAILURE,
		    "systemctl status ons-webhook.socket ons-webhook; is the "
		    "socket the one that nginx names?",
		    "%s answers %d: nginx does not reach ons-webhook", url,
		    resp.status);
	else
		doctor_say(d, DOCTOR_FAILURE,
		    "include nginx/openphone-notion-sync.conf in the server "
		    "block of that host name; look at [media] base_url and "
		    "[webhook] path",
		    "%s answers %d, not as ons-webhook does: it leads "
		    "elsewhere",
		    url, resp.status);
out:
	http_response_clear(&resp);
	buf_free(&own);
}

/* ---- links ---- */

/* The token of what was stored last; of nothing, if there is none. */
static bool
find_token(struct doctor *d, char *ret, size_t size)
{
	struct err ignored = ERR_INIT;
	struct db_result *r = NULL;
	bool found;

	snprintf(ret, size, "doctor-looks-for-nothing");
	if (!d->tables ||
	    DB_RUN(d->db, SQL_doctor_link, &r, &ignored,
		DB_TEXT(d->ws->name)) != 0)
		return false;
	found = db_rows(r) > 0;
	if (found)
		snprintf(ret, size, "%s", db_text(r, 0, "token"));
	db_result_free(r);
	return found;
}

/* Is this how ons-portal answers, with our storage behind it? */
static bool
is_portals(
    const struct doctor *d, bool stored, const struct http_response *resp)
{
	const char *endpoint = d->ws->s3.endpoint;
	size_t n;

	if (!stored)
		return resp->status == 404 &&
		    strstr(buf_text(&resp->body), "no such recording") != NULL;
	if (strcmp(d->ws->media.store, "file") == 0)
		return resp->status == 200;
	if (resp->status != 302 || resp->location == NULL || endpoint == NULL)
		return false;
	n = strlen(endpoint);
	while (n > 0 && endpoint[n - 1] == '/')
		n--;
	/* and no other port that begins alike */
	return strncmp(resp->location, endpoint, n) == 0 &&
	    resp->location[n] == '/';
}

void
doctor_link(struct doctor *d)
{
	const char *base = d->ws->media.base_url;
	struct http_response resp = { 0 };
	struct err err = ERR_INIT;
	char url[URL_SIZE], token[80];
	size_t n = base == NULL ? 0 : strlen(base);
	bool stored;

	if (base == NULL || strcmp(d->ws->media.link, "portal") != 0)
		return;
	while (n > 0 && base[n - 1] == '/')
		n--;
	stored = find_token(d, token, sizeof(token));
	snprintf(url, sizeof(url), "%.*s/r/%s", (int)n, base, token);
	if (ask(d, stored ? "HEAD" : "GET", url, &resp, &err) != 0)
		say_unreachable(d, base, &err);
	else if (is_portals(d, stored, &resp))
		doctor_say(d, DOCTOR_OK, NULL,
		    stored ? "the newest link, below %s/r/, leads to its file"
			   : "ons-portal answers below %s/r/",
		    base);
	else if (is_gateway_error(resp.status))
		doctor_say(d, DOCTOR_FAILURE,
		    "systemctl status ons-portal.socket ons-portal; is the "
		    "socket the one that nginx names?",
		    "%s/r/ answers %d: nginx does not reach ons-portal, or it "
		    "has no database",
		    base, resp.status);
	else
		doctor_say(d, DOCTOR_FAILURE,
		    "[media] base_url must be the address at which nginx has "
		    "the locations of nginx/openphone-notion-sync.conf, and "
		    "ons-portal must have the same configuration",
		    "%s/r/ answers %d, not as ons-portal does: links on pages "
		    "lead elsewhere",
		    base, resp.status);
	http_response_clear(&resp);
}

/* ---- who is told of what is wrong ---- */

/* Messages that wait for a webhook that takes none. */
static bool
look_for_untold(struct doctor *d)
{
	struct err err = ERR_INIT;
	struct db_result *r = NULL;
	char span[DOCTOR_SPAN_SIZE];
	bool some;

	if (!d->tables)
		return false;
	if (DB_RUN(d->db, SQL_alert_failing, &r, &err, DB_TEXT(d->ws->name)) !=
	    0) {
		doctor_err(d, &err);
		return true;
	}
	some = db_int(r, 0, "messages") > 0;
	if (some)
		doctor_say(d, DOCTOR_FAILURE,
		    "look at [alert] webhook, and try `onsctl alert-test`: "
		    "what could not be told is tried again by itself",
		    "people could not be told of what has been wrong for %s: "
		    "%s",
		    doctor_span(db_int(r, 0, "seconds"), span),
		    db_text(r, 0, "failure"));
	db_result_free(r);
	return some;
}

static bool
is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 ||
	    strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0 ||
	    strcmp(host, "::1") == 0;
}

/* Nothing is sent: that is what alert-test is for. */
void
doctor_alert(struct doctor *d)
{
	struct err err = ERR_INIT;
	struct http_url url;
	const char *format;

	if (d->ws->alert.webhook == NULL && d->watched)
		return;
	if (d->ws->alert.webhook == NULL)
		doctor_say(d, DOCTOR_WARNING,
		    "set [alert] webhook to an incoming webhook of Slack or "
		    "Discord, or to an address of yours",
		    "nobody is told when something goes wrong");
	else if (alarm_address(d->ws, &url, &format, &err) != 0)
		doctor_say(d, DOCTOR_FAILURE, "write it as it was shown", "%s",
		    err.text);
	else if (look_for_untold(d))
		return;
	else if (!url.https && !is_loopback(url.host))
		doctor_say(d, DOCTOR_WARNING, "let [alert] webhook be https",
		    "people are told through %s, unencrypted", url.host);
	else
		doctor_say(d, DOCTOR_OK, NULL,
		    "people are told through %s, as %s; try it by `onsctl "
		    "alert-test`",
		    url.host, format);
}

/*
 * onsctl doctor: OpenPhone's key, and its webhooks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/rest.h"
#include "api/webhooks.h"
#include "base/rfc3339.h"
#include "cmd/doctor.h"
#include "model/secrets.h"
#include "model/signature.h"

/* How far back the log is read, in microseconds: older news are none. */
#define LOG_AGE (30 * 86400 * INT64_C(1000000))

/* What the webhooks are compared with. */
struct subscriptions {
	const char *url;
	struct signature_keys *keys; /* ours */
	size_t ours;		     /* webhooks that deliver to us … */
	size_t dated;		     /* … those of the dated API */
	size_t unmarked;   /* our secrets of which nobody said whose they are */
	json_t *v1;	   /* those of v1 that deliver to us */
	struct buf others; /* "id (url)", of those that do not */
};

void
doctor_openphone_key(struct doctor *d)
{
	const char *key = d->ws->openphone.api_key;
	struct err err = ERR_INIT;
	json_t *answer = NULL;

	if (key == NULL)
		return;
	if (openphone_check(&d->sync.openphone, &answer, &err) != 0) {
		doctor_compare_clock(d, "OpenPhone");
		if (err.status == 401 &&
		    (strncmp(key, "ntn_", 4) == 0 ||
			strncmp(key, "secret_", 7) == 0))
			err_suffix(&err, "this one is a key of Notion's");
		else if (err.status == 401 && strncmp(key, "Bearer", 6) == 0)
			err_suffix(&err, "without the word Bearer");
		doctor_err(d, &err);
		return;
	}
	doctor_compare_clock(d, "OpenPhone");
	if (answer == NULL) {
		doctor_say(d, DOCTOR_FAILURE, "look at [openphone] api_base",
		    "%s has no OpenPhone API", d->ws->openphone.api_base);
		return;
	}
	d->openphone = true;
	doctor_say(d, DOCTOR_OK, NULL, "the key is good at %s%s%s",
	    d->ws->openphone.api_base, json_is_object(answer) ? ": " : "",
	    rest_text(answer, "name"));
	json_decref(answer);
}

/* ---- secrets ---- */

static size_t
marked(const struct doctor *d, const json_t *webhook)
{
	const char *secrets = d->ws->webhook.secrets;

	return secrets == NULL
	    ? 0
	    : secrets_count(secrets, rest_text(webhook, "id"), NULL);
}

static void
count_unmarked(
    const struct doctor *d, const json_t *all, struct subscriptions *s)
{
	const json_t *webhook;
	size_t i, n = 0;

	json_array_foreach (all, i, webhook)
		n += marked(d, webhook);
	s->unmarked = signature_keys_count(s->keys, SIGNATURE_STANDARD);
	s->unmarked -= n < s->unmarked ? n : s->unmarked;
}

/* Would what this key signs be taken? v1 tells its keys. */
static bool
is_known(const struct subscriptions *s, const char *key)
{
	struct signature_keys *theirs = signature_keys_new();
	char signature[SIGNATURE_SIZE], now[32];
	const struct signature_headers headers = { .openphone_signature =
						       signature };
	int64_t ms = rfc3339_now() / 1000;
	struct err ignored = ERR_INIT;
	bool ret = false;

	snprintf(now, sizeof(now), "%lld", (long long)ms);
	if (theirs != NULL &&
	    signature_keys_add(theirs, key, "key", &ignored) == 0 &&
	    signature_sign(
		theirs, SIGNATURE_LEGACY, "", now, "{}", 2, signature) == 0)
		ret = signature_check(s->keys, &headers, "{}", 2, ms, 0) ==
		    SIGNATURE_OK;
	signature_keys_free(theirs);
	return ret;
}

/* ---- one webhook ---- */

/* How the newest delivery that came to an end went: its status, 0: well, or
 * none there; -1 there was no answer. */
static int
last_refusal(struct doctor *d, const char *id, struct err *err)
{
	int64_t now = rfc3339_now();
	json_t *all = NULL, *detail = NULL, *attempts;
	const char *status = "", *delivery = "";
	char *next = NULL;
	int ret = 0;

	if (webhooks_deliveries(&d->sync.openphone, id, now - LOG_AGE, now, "",
		&all, &next, err) != 0)
		return 0;
	free(next);
	for (size_t i = 0; i < json_array_size(all); i++) {
		status = rest_text(json_array_get(all, i), "status");
		delivery = rest_text(json_array_get(all, i), "id");
		if (strcmp(status, "success") == 0 ||
		    strcmp(status, "failed") == 0)
			break;
	}
	if (strcmp(status, "failed") == 0 &&
	    webhooks_delivery(&d->sync.openphone, id, delivery, &detail, err) ==
		0) {
		attempts = json_object_get(detail, "attempts");
		ret = (int)json_integer_value(json_object_get(
		    json_array_get(attempts, json_array_size(attempts) - 1),
		    "responseStatusCode"));
		ret = ret == 0 ? -1 : ret;
	}
	json_decref(detail);
	json_decref(all);
	return ret;
}

/* The secret cannot be asked for; the file may say whose its secrets are. */
static bool
look_at_secret(
    struct doctor *d, const struct subscriptions *s, const json_t *webhook)
{
	if (marked(d, webhook) > 0 || s->unmarked > 0 ||
	    d->ws->webhook.allow_unsigned)
		return true;
	doctor_say(d, DOCTOR_FAILURE,
	    "`onsctl webhooks create --adopt` gives it a new secret; or "
	    "delete it: `onsctl webhooks delete ID`",
	    "webhook %s signs with a secret that we do not have: its "
	    "deliveries are refused",
	    rest_text(webhook, "id"));
	return false;
}

/* What the service's log says is what really happens. */
static bool
look_at_log(struct doctor *d, const json_t *webhook)
{
	const char *id = rest_text(webhook, "id");
	struct err err = ERR_INIT;
	int status = last_refusal(d, id, &err);

	if (err_is_set(&err))
		doctor_err(d, &err);
	else if (status == 401)
		doctor_say(d, DOCTOR_FAILURE,
		    "put its secret into the configuration, or give it a new "
		    "one (`onsctl webhooks rotate`); then `onsctl webhooks "
		    "test`",
		    "the last delivery of webhook %s was refused with 401: "
		    "its signing secret is not ours",
		    id);
	else if (status == 413)
		doctor_say(d, DOCTOR_FAILURE,
		    "raise client_max_body_size in nginx, and [webhook] "
		    "max_body; then `onsctl webhooks test`",
		    "the last delivery of webhook %s was too large (413)", id);
	else if (status < 0)
		doctor_say(d, DOCTOR_FAILURE,
		    "is the address open to the Internet, with a certificate "
		    "that is good? then `onsctl webhooks test`",
		    "the last delivery of webhook %s got no answer", id);
	else if (status > 0)
		doctor_say(d, DOCTOR_FAILURE,
		    "see the lines of intake and database; then `onsctl "
		    "webhooks test`",
		    "the last delivery of webhook %s was answered %d", id,
		    status);
	return status == 0 && !err_is_set(&err);
}

static bool
look_at_events(struct doctor *d, const json_t *webhook)
{
	json_t *missing = webhooks_missing(webhook);
	struct buf names;
	size_t i, n = json_array_size(missing);

	buf_init(&names, 1000);
	for (i = 0; i < n; i++)
		(void)buf_addf(&names, "%s%s", i == 0 ? "" : ", ",
		    json_string_value(json_array_get(missing, i)));
	if (n > 0)
		doctor_say(d, DOCTOR_WARNING,
		    "`onsctl webhooks create` subscribes it to all",
		    "webhook %s does not deliver %s", rest_text(webhook, "id"),
		    buf_text(&names));
	buf_free(&names);
	json_decref(missing);
	return n == 0;
}

static bool
look_at_status(struct doctor *d, const json_t *webhook)
{
	if (strcmp(rest_text(webhook, "status"), "enabled") == 0)
		return true;
	doctor_say(d, DOCTOR_FAILURE,
	    webhooks_is_v1(rest_text(webhook, "id"))
		? "delete it and make it anew (`onsctl webhooks`)"
		: "`onsctl webhooks create` enables it",
	    "webhook %s is %s: nothing is delivered", rest_text(webhook, "id"),
	    rest_text(webhook, "status"));
	return false;
}

static void
look_at_dated(
    struct doctor *d, const struct subscriptions *s, const json_t *webhook)
{
	bool enabled = look_at_status(d, webhook);
	bool events = look_at_events(d, webhook);

	if (look_at_secret(d, s, webhook) && look_at_log(d, webhook) &&
	    enabled && events)
		doctor_say(d, DOCTOR_OK, NULL, "webhook %s delivers to %s",
		    rest_text(webhook, "id"), s->url);
}

static void
look_at_v1(
    struct doctor *d, const struct subscriptions *s, const json_t *webhook)
{
	bool enabled = look_at_status(d, webhook);

	if (!is_known(s, rest_text(webhook, "key")))
		doctor_say(d, DOCTOR_FAILURE,
		    "put its key into [webhook] legacy_keys, or `onsctl "
		    "webhooks create --v1`; or delete it",
		    "webhook %s signs with a key that we do not have: its "
		    "deliveries are refused",
		    rest_text(webhook, "id"));
	else if (enabled)
		doctor_say(d, DOCTOR_OK, NULL, "webhook %s delivers to %s",
		    rest_text(webhook, "id"), s->url);
}

/* ---- all of them ---- */

static void
look_at_list(struct doctor *d, struct subscriptions *s, bool v1)
{
	struct err err = ERR_INIT;
	json_t *all = NULL, *webhook;
	size_t i;

	if (webhooks_list(&d->sync.openphone, v1, &all, &err) != 0) {
		doctor_err(d, &err);
		return;
	}
	count_unmarked(d, all, s);
	json_array_foreach (all, i, webhook) {
		if (strcmp(rest_text(webhook, "url"), s->url) != 0) {
			(void)buf_addf(&s->others, "%s%s (%s)",
			    s->others.len == 0 ? "" : ", ",
			    rest_text(webhook, "id"),
			    rest_text(webhook, "url"));
			continue;
		}
		s->ours++;
		s->dated += !v1;
		if (v1) {
			json_array_append(s->v1, webhook);
			look_at_v1(d, s, webhook);
		} else {
			look_at_dated(d, s, webhook);
		}
	}
	json_decref(all);
}

/* v1 has a kind of webhook for each kind of events. */
static void
look_at_kinds(struct doctor *d, const struct subscriptions *s)
{
	const json_t *webhook;
	size_t i;

	for (const char *const *kind = webhooks_v1_kinds; *kind != NULL;
	     kind++) {
		bool there = false;

		json_array_foreach (s->v1, i, webhook)
			there |= webhooks_is_kind(webhook, *kind);
		if (!there)
			doctor_say(d, DOCTOR_WARNING,
			    "`onsctl webhooks create --v1` makes it",
			    "no webhook for %s delivers to %s", *kind, s->url);
	}
}

/* The API does not show those that were made in the app. */
static void
say_none(struct doctor *d, const struct subscriptions *s)
{
	enum { LATELY_S = 7 * 86400 };
	bool lately = d->last_delivery_s >= 0 && d->last_delivery_s < LATELY_S;

	doctor_say(d, lately ? DOCTOR_WARNING : DOCTOR_FAILURE,
	    "`onsctl webhooks create` makes one; and see that [media] "
	    "base_url has the public host name",
	    "no webhook that the API shows delivers to %s%s%s%s", s->url,
	    s->others.len == 0 ? "" : "; elsewhere: ", buf_text(&s->others),
	    lately ? "; deliveries do come, so one was made in the app" : "");
}

void
doctor_webhooks(struct doctor *d)
{
	struct subscriptions s = { .url = d->url, .v1 = json_array() };
	struct err err = ERR_INIT;
	struct buf url;
	int before = d->count[DOCTOR_FAILURE] + d->count[DOCTOR_WARNING];

	buf_init(&url, 2048);
	buf_init(&s.others, 600);
	if ((s.url == NULL && ctl_own_url(d->ctl, &url, &err) != 0) ||
	    (s.keys = signature_keys_make(d->ws->webhook.secrets,
		 d->ws->webhook.legacy_keys, &err)) == NULL) {
		doctor_err(d, &err);
	} else if (d->openphone) {
		s.url = s.url == NULL ? buf_text(&url) : s.url;
		if (!openphone_is_v1(&d->sync.openphone))
			look_at_list(d, &s, false);
		look_at_list(d, &s, true);
		if (s.dated > 1)
			doctor_say(d, DOCTOR_WARNING,
			    "delete all but one: `onsctl webhooks delete ID`",
			    "%zu webhooks deliver to %s: each event comes as "
			    "often",
			    s.dated, s.url);
		if (s.dated == 0 && json_array_size(s.v1) > 0)
			look_at_kinds(d, &s);
		if (s.ours == 0 &&
		    before ==
			d->count[DOCTOR_FAILURE] + d->count[DOCTOR_WARNING])
			say_none(d, &s);
	}
	signature_keys_free(s.keys);
	json_decref(s.v1);
	buf_free(&s.others);
	buf_free(&url);
}

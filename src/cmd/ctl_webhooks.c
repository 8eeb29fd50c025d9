/*
 * onsctl webhooks: OpenPhone's subscriptions, and the secrets they sign with.
 *
 * The service shows a secret once. So the file is written before anything is
 * asked for that could not be stored, and what was made is taken back, or
 * enabled only afterwards.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "api/rest.h"
#include "api/webhooks.h"
#include "base/clock.h"
#include "base/rfc3339.h"
#include "cmd/onsctl.h"
#include "cmd/program.h"
#include "cmd/table.h"
#include "ext/crypto.h"
#include "model/secrets.h"
#include "model/signature.h"
#include "sql/queries.h"
#include "sync/sync.h"

enum {
	TIMEOUT_S = 30,
	TIMEOUT_MAX_S = 3600,
	POLL_MS = 200,
	/* a delivery is tried for 27 h 35 min, and may be signed once only */
	OVERLAP_HOURS = 28
};

static const struct option options[] = {
	{ "url", required_argument, NULL, 'u' },
	{ "type", required_argument, NULL, 't' },
	{ "timeout", required_argument, NULL, 'w' },
	{ "adopt", no_argument, NULL, 'a' },
	{ "v1", no_argument, NULL, '1' },
	{ "finish", no_argument, NULL, 'f' },
	{ "now", no_argument, NULL, 'n' },
	{ NULL, 0, NULL, 0 },
};

struct hooks {
	struct ctl *ctl;
	struct sync sync;
	struct buf own_url;
	const char *path; /* of the secrets; NULL: there is no file */
	/* as given */
	const char *id, *url, *type;
	int64_t timeout_s;
	bool adopt, v1, finish, now;
};

static volatile sig_atomic_t never;

/* ---- the file of secrets ---- */

static int
need_file(const struct hooks *h, struct err *err)
{
	const struct conf *conf = &h->ctl->conf;

	if (h->path != NULL)
		return 0;
	err_set(err, ERR_CONFIG,
	    "there is no file to keep signing secrets in: set [webhook] "
	    "secrets_file in %s, instead of secrets%s",
	    conf->path == NULL ? "the configuration" : conf->path,
	    getenv("WEBHOOK_SECRET") == NULL
		? ""
		: ", and take WEBHOOK_SECRET out of the environment, which "
		  "wins over it");
	return -1;
}

/* The file's text, "" when it has none yet. */
static int
read_file(const struct hooks *h, char **ret, struct err *err)
{
	if (h->path != NULL && access(h->path, F_OK) == 0)
		return secrets_read(h->path, ret, err);
	if ((*ret = strdup("")) == NULL) {
		err_nomem(err);
		return -1;
	}
	return 0;
}

/* Would ons-webhook take it, and `more` secrets of a scheme besides? */
static int
check_text(const struct hooks *h, const char *text,
    enum signature_scheme scheme, size_t more, struct err *err)
{
	const char *legacy = h->ctl->ws->webhook.legacy_keys;
	struct signature_keys *keys = signature_keys_new();
	int rc = -1;

	if (keys == NULL)
		err_nomem(err);
	else if (signature_keys_add(keys, text, h->path, err) == 0 &&
	    (legacy == NULL ||
		signature_keys_add(
		    keys, legacy, "[webhook] legacy_keys", err) == 0)) {
		if (signature_keys_count(keys, scheme) + more <=
		    SIGNATURE_KEYS_MAX)
			rc = 0;
		else
			err_set(err, ERR_CONFIG,
			    "%s: more than %d secrets of a kind: take out "
			    "those of webhooks that are gone",
			    h->path, SIGNATURE_KEYS_MAX);
	}
	signature_keys_free(keys);
	return rc;
}

/* Before a secret is asked for: there must be room for it, in the file and on
 * the disk, and leave to write it. */
static int
prepare(const struct hooks *h, bool v1, size_t more, struct err *err)
{
	char *text = NULL;
	int rc = -1;

	if (need_file(h, err) == 0 && read_file(h, &text, err) == 0 &&
	    check_text(h, text, v1 ? SIGNATURE_LEGACY : SIGNATURE_STANDARD,
		more, err) == 0)
		rc = secrets_save(h->path, text, err);
	secrets_forget(text);
	return rc;
}

static int
save(const struct hooks *h, char *text, struct err *err)
{
	int rc = -1;

	if (text == NULL)
		err_nomem(err);
	else
		rc = secrets_save(h->path, text, err);
	secrets_forget(text);
	return rc;
}

static int
store(
    const struct hooks *h, const char *id, const char *secret, struct err *err)
{
	char *text = NULL, *more = NULL;
	int rc = -1;

	if (read_file(h, &text, err) != 0)
		return -1;
	more = secrets_add(text, secret, id, rfc3339_now());
	if (more == NULL ||
	    check_text(h, more, SIGNATURE_STANDARD, 0, err) == 0)
		rc = save(h, more, err);
	else
		secrets_forget(more);
	secrets_forget(text);
	return rc;
}

/* The webhook's secrets but the `keep` newest leave the file; *gone: how
 * many. */
static int
drop(const struct hooks *h, const char *id, size_t keep, size_t *gone,
    struct err *err)
{
	char *text = NULL;
	int rc = -1;

	*gone = 0;
	if (read_file(h, &text, err) != 0)
		return -1;
	*gone = secrets_count(text, id, NULL);
	*gone -= *gone < keep ? *gone : keep;
	rc = *gone == 0 ? 0 : save(h, secrets_drop(text, id, keep), err);
	secrets_forget(text);
	return rc;
}

static int
count(const struct hooks *h, const char *id, size_t *ret, int64_t *since,
    struct err *err)
{
	char *text = NULL;

	if (read_file(h, &text, err) != 0)
		return -1;
	*ret = secrets_count(text, id, since);
	secrets_forget(text);
	return 0;
}

/* ---- which webhook, which address ---- */

/* OpenPhone's side of plain http is a test's, on this machine. */
static int
find_url(struct hooks *h, struct err *err)
{
	const char *base = h->sync.openphone.base;

	if (h->url == NULL) {
		if (ctl_own_url(h->ctl, &h->own_url, err) != 0)
			return -1;
		h->url = buf_text(&h->own_url);
	}
	if (strncmp(h->url, "https://", 8) == 0 ||
	    (strncmp(h->url, "http://", 7) == 0 &&
		strncmp(base, "http://", 7) == 0))
		return 0;
	err_set(err, ERR_CONFIG,
	    "%s: OpenPhone is to deliver to an address that begins with "
	    "https://",
	    h->url);
	return -1;
}

/* The webhooks of the dated API that deliver to our address; *all_n: of how
 * many. */
static int
find_ours(struct hooks *h, json_t **ret, size_t *all_n, struct err *err)
{
	json_t *all = NULL, *webhook;
	size_t i;

	if (webhooks_list(&h->sync.openphone, false, &all, err) != 0)
		return -1;
	*ret = json_array();
	json_array_foreach (all, i, webhook)
		if (strcmp(rest_text(webhook, "url"), h->url) == 0)
			json_array_append(*ret, webhook);
	*all_n = json_array_size(all);
	json_decref(all);
	return 0;
}

/* The id of the one that delivers to us; free() it. */
static char *
find_only(struct hooks *h, struct err *err)
{
	json_t *ours = NULL;
	char *id = NULL;
	size_t n, all;

	if (find_url(h, err) != 0 || find_ours(h, &ours, &all, err) != 0)
		return NULL;
	n = json_array_size(ours);
	if (n == 0)
		err_set(err, ERR_PERMANENT,
		    "no webhook delivers to %s: onsctl webhooks create makes "
		    "one",
		    h->url);
	else if (n > 1)
		err_set(err, ERR_PERMANENT,
		    "%zu webhooks deliver to %s: which one? give its id", n,
		    h->url);
	else if ((id = strdup(rest_text(json_array_get(ours, 0), "id"))) ==
	    NULL)
		err_nomem(err);
	json_decref(ours);
	return id;
}

/* The same, or the id that was given. */
static char *
find_id(struct hooks *h, struct err *err)
{
	char *id;

	if (h->id == NULL)
		return find_only(h, err);
	if (webhooks_is_v1(h->id)) {
		err_set(err, ERR_PERMANENT,
		    "%s: webhooks of v1 can be made and deleted, no more",
		    h->id);
		return NULL;
	}
	if ((id = strdup(h->id)) == NULL)
		err_nomem(err);
	return id;
}

/* ---- list ---- */

static const char *
secret_state(size_t n)
{
	return n == 0 ? "not in the file" : n == 1 ? "known" : "new and old";
}

static int
add_rows(struct hooks *h, bool v1, json_t *rows, struct err *err)
{
	json_t *all = NULL, *webhook;
	char events[16];
	size_t i, n;

	if (webhooks_list(&h->sync.openphone, v1, &all, err) != 0)
		return -1;
	json_array_foreach (all, i, webhook) {
		if (count(h, rest_text(webhook, "id"), &n, NULL, err) != 0)
			break;
		snprintf(events, sizeof(events), "%zu",
		    json_array_size(json_object_get(webhook, "events")));
		json_array_append_new(rows,
		    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id",
			rest_text(webhook, "id"), "api",
			v1 ? "v1" : rest_text(webhook, "apiVersion"), "status",
			rest_text(webhook, "status"), "secret", secret_state(n),
			"events", events, "url", rest_text(webhook, "url")));
	}
	json_decref(all);
	return err_is_set(err) ? -1 : 0;
}

static int
list(struct hooks *h, struct err *err)
{
	static const struct table_column columns[] = {
		{ "id", "ID", false, false },
		{ "api", "API", false, false },
		{ "status", "STATUS", false, false },
		{ "secret", "SECRET", false, false },
		{ "events", "EVENTS", true, false },
		{ "url", "URL", false, true },
		{ NULL, NULL, false, false },
	};
	json_t *rows = json_array();
	int rc = -1;

	if ((openphone_is_v1(&h->sync.openphone) ||
		add_rows(h, false, rows, err) == 0) &&
	    add_rows(h, true, rows, err) == 0) {
		rc = 0;
		if (json_array_size(rows) == 0 && !h->ctl->json)
			puts("no webhooks that the API shows");
		else
			rc = table_print_json(
			    rows, "webhooks", columns, h->ctl->json, err);
	}
	json_decref(rows);
	return rc;
}

/* ---- create ---- */

static int
make(struct hooks *h, char **id, struct err *err)
{
	const struct openphone *op = &h->sync.openphone;
	struct err ignored = ERR_INIT;
	json_t *made = NULL;
	bool found;
	int rc = -1;

	if (webhooks_create(op, NULL, h->url, &made, err) != 0)
		return -1;
	*id = strdup(rest_text(made, "id"));
	if (*id == NULL)
		err_nomem(err);
	else
		rc = store(h, *id, rest_text(made, "key"), err);
	if (rc != 0) /* nobody knows its secret */
		(void)webhooks_delete(
		    op, rest_text(made, "id"), &found, &ignored);
	json_decref(made);
	return rc;
}

static int
rotate_key(struct hooks *h, const char *id, struct err *err)
{
	char *secret = NULL;
	int rc = -1;

	if (webhooks_rotate(&h->sync.openphone, id, &secret, err) == 0)
		rc = store(h, id, secret, err);
	else if (err->kind == ERR_UNKNOWN || err->kind == ERR_RETRY)
		err_prefix(err,
		    "perhaps the secret was changed, and the new "
		    "one is lost: do it again");
	secrets_forget(secret);
	return rc;
}

/* One that delivers to our address already. */
static int
adopt(struct hooks *h, const char *id, struct err *err)
{
	size_t known;

	if (count(h, id, &known, NULL, err) != 0)
		return -1;
	if (known > 0)
		return 0;
	if (h->adopt)
		return rotate_key(h, id, err);
	err_set(err, ERR_PERMANENT,
	    "webhook %s delivers to %s already, and its secret was not put "
	    "into %s by this command: give it a new one with --adopt, or "
	    "delete it",
	    id, h->url, h->path);
	return -1;
}

static json_t *
made_json(const struct hooks *h, const char *id, bool made)
{
	return json_pack("{s:s, s:b, s:s, s:s}", "id", id, "made", made, "url",
	    h->url, "secrets_file", h->path);
}

static int
create(struct hooks *h, struct err *err)
{
	json_t *ours = NULL;
	char self[CTL_SELF_SIZE], *id = NULL;
	int rc = -1;
	bool there;
	size_t n;

	if (find_url(h, err) != 0 || prepare(h, false, 1, err) != 0 ||
	    find_ours(h, &ours, &n, err) != 0)
		goto out;
	there = json_array_size(ours) > 0;
	if (json_array_size(ours) > 1)
		err_set(err, ERR_PERMANENT,
		    "%zu webhooks deliver to %s already, and each event comes "
		    "as often: delete all but one",
		    json_array_size(ours), h->url);
	else if (!there && n >= WEBHOOKS_MAX)
		err_set(err, ERR_PERMANENT,
		    "the workspace has %zu webhooks, the most that OpenPhone "
		    "allows: delete one (onsctl webhooks list)",
		    n);
	else if (!there)
		rc = make(h, &id, err);
	else if ((id = strdup(rest_text(json_array_get(ours, 0), "id"))) ==
	    NULL)
		err_nomem(err);
	else
		rc = adopt(h, id, err);
	if (rc == 0)
		rc = webhooks_enable(&h->sync.openphone, id, err);
	if (rc == 0)
		rc = ctl_result(h->ctl,
		    json_pack("{s:[o]}", "webhooks", made_json(h, id, !there)),
		    err,
		    "%s webhook %s: all events, to %s\n"
		    "its secret is in %s; to see one arrive: %s webhooks "
		    "test\n",
		    there ? "using" : "made", id, h->url, h->path,
		    ctl_self(h->ctl, self));
out:
	json_decref(ours);
	free(id);
	return rc;
}

/* The webhook of v1 of this kind that delivers to us; a new reference, NULL:
 * none. */
static json_t *
find_kind(const struct hooks *h, const json_t *all, const char *kind)
{
	json_t *webhook;
	size_t i;

	json_array_foreach (all, i, webhook)
		if (strcmp(rest_text(webhook, "url"), h->url) == 0 &&
		    webhooks_is_kind(webhook, kind))
			return json_incref(webhook);
	return NULL;
}

/* Its key is told again and again: nothing is lost when it is not stored. */
static int
create_kind(struct hooks *h, const json_t *all, const char *kind, json_t *done,
    struct err *err)
{
	json_t *webhook = find_kind(h, all, kind);
	bool there = webhook != NULL;
	size_t known;
	int rc = -1;

	if (!there &&
	    webhooks_create(&h->sync.openphone, kind, h->url, &webhook, err) !=
		0)
		return -1;
	if (count(h, rest_text(webhook, "id"), &known, NULL, err) == 0)
		rc = known > 0 ? 0
			       : store(h, rest_text(webhook, "id"),
				     rest_text(webhook, "key"), err);
	if (rc == 0)
		json_array_append_new(
		    done, made_json(h, rest_text(webhook, "id"), !there));
	if (rc == 0 && !h->ctl->json)
		printf("%s webhook %s (%s) to %s\n", there ? "using" : "made",
		    rest_text(webhook, "id"), kind, h->url);
	json_decref(webhook);
	return rc;
}

static int
create_v1(struct hooks *h, struct err *err)
{
	json_t *all = NULL, *done;
	int rc = -1;

	if (find_url(h, err) != 0 || prepare(h, true, 4, err) != 0 ||
	    webhooks_list(&h->sync.openphone, true, &all, err) != 0)
		return -1;
	done = json_array();
	for (const char *const *kind = webhooks_v1_kinds; *kind != NULL; kind++)
		if ((rc = create_kind(h, all, *kind, done, err)) != 0)
			break;
	if (rc == 0 && h->ctl->json)
		rc = ctl_print_json(json_pack("{s:O}", "webhooks", done), err);
	json_decref(done);
	json_decref(all);
	return rc;
}

/* ---- test ---- */

/* Stored here? 1, 0, or -1. */
static int
arrived(struct hooks *h, const char *delivery, struct err *err)
{
	struct db_result *r = NULL;
	int rc;

	if (DB_RUN(h->ctl->db, SQL_event_seen, &r, err,
		DB_TEXT(h->ctl->ws->name), DB_TEXT(delivery)) != 0)
		return -1;
	rc = db_rows(r) > 0;
	db_result_free(r);
	return rc;
}

/* It did not come: what has OpenPhone to say? */
static int
explain(struct hooks *h, const char *id, const char *delivery, struct err *err)
{
	json_t *log = NULL, *attempts, *last;
	char words[300];
	int status;

	if (webhooks_delivery(&h->sync.openphone, id, delivery, &log, err) != 0)
		return -1;
	attempts = json_object_get(log, "attempts");
	last = json_array_get(attempts, json_array_size(attempts) - 1);
	status = (int)json_integer_value(
	    json_object_get(last, "responseStatusCode"));
	ctl_answer(rest_text(last, "responseBody"), words, sizeof(words));
	if (json_array_size(attempts) == 0)
		err_set(err, ERR_RETRY,
		    "%s did not arrive within %" PRId64 " s, and OpenPhone has "
		    "not tried yet",
		    delivery, h->timeout_s);
	else if (status == 0)
		err_set(err, ERR_RETRY,
		    "%s did not arrive: OpenPhone had no answer from %s: %s",
		    delivery, rest_text(last, "url"), words);
	else
		err_set(err, ERR_RETRY,
		    "%s did not arrive%s: %s answered OpenPhone %d %s",
		    delivery, status / 100 == 2 ? ", not in this database" : "",
		    rest_text(last, "url"), status, words);
	json_decref(log);
	return -1;
}

static int
await(struct hooks *h, const char *id, const char *delivery, struct err *err)
{
	int64_t deadline = clock_ms() + h->timeout_s * 1000;
	int rc;

	while ((rc = arrived(h, delivery, err)) == 0 && clock_ms() < deadline)
		nanosleep(
		    &(struct timespec){ .tv_nsec = POLL_MS * 1000000L }, NULL);
	if (rc == 0)
		return explain(h, id, delivery, err);
	if (rc < 0)
		return -1;
	return ctl_result(h->ctl,
	    json_pack("{s:s, s:s, s:s}", "id", id, "delivery_id", delivery,
		"type", h->type),
	    err, "webhook %s: the test delivery %s (%s) arrived\n", id,
	    delivery, h->type);
}

static int
test(struct hooks *h, struct err *err)
{
	char *id = find_id(h, err), *delivery = NULL;
	int rc = -1;

	if (id != NULL &&
	    webhooks_test(&h->sync.openphone, id, h->type, &delivery, err) == 0)
		rc = await(h, id, delivery, err);
	free(delivery);
	free(id);
	return rc;
}

/* ---- rotate, delete ---- */

static void
day_text(int64_t usec, char *ret, size_t size)
{
	rfc3339_local(usec, "%Y-%m-%d %H:%M", ret, size);
}

static int
rotate(struct hooks *h, const char *id, size_t known, struct err *err)
{
	char until[64], self[CTL_SELF_SIZE];

	if (known > 1) {
		err_set(err, ERR_PERMANENT,
		    "webhook %s has an old secret still, beside the new one: "
		    "%s webhooks rotate --finish %s",
		    id, ctl_self(h->ctl, self), id);
		return -1;
	}
	if (prepare(h, false, 1, err) != 0 || rotate_key(h, id, err) != 0)
		return -1;
	day_text(rfc3339_now() + OVERLAP_HOURS * INT64_C(3600000000), until,
	    sizeof(until));
	if (h->ctl->json)
		return ctl_print_json(
		    json_pack("{s:s, s:s, s:s, s:b}", "id", id, "secrets_file",
			h->path, "old_until", until, "old_in_file", known > 0),
		    err);
	printf("webhook %s has a new secret, in %s\n", id, h->path);
	if (known == 0)
		printf("the old one was not put there by this command: take it "
		       "out of the configuration after %s\n",
		    until);
	else
		printf("the old one stays good; after %s drop it: %s webhooks "
		       "rotate --finish %s\n",
		    until, ctl_self(h->ctl, self), id);
	return 0;
}

static int
finish(struct hooks *h, const char *id, size_t known, int64_t since,
    struct err *err)
{
	int64_t until = since + OVERLAP_HOURS * INT64_C(3600000000);
	char text[64];
	size_t gone;

	if (known < 2) {
		err_set(err, ERR_PERMANENT,
		    "webhook %s has no old secret in %s", id, h->path);
		return -1;
	}
	if (!h->now && rfc3339_now() < until) {
		day_text(until, text, sizeof(text));
		err_set(err, ERR_PERMANENT,
		    "until %s OpenPhone may send again what it signed with "
		    "the old secret: wait, or drop it with --now",
		    text);
		return -1;
	}
	if (drop(h, id, 1, &gone, err) != 0)
		return -1;
	return ctl_result(h->ctl,
	    json_pack("{s:s, s:s}", "id", id, "secrets_file", h->path), err,
	    "webhook %s: the old secret is gone from %s\n", id, h->path);
}

static int
rotate_or_finish(struct hooks *h, struct err *err)
{
	char *id = NULL;
	int64_t since;
	size_t known;
	int rc = -1;

	if (need_file(h, err) == 0 && (id = find_id(h, err)) != NULL &&
	    count(h, id, &known, &since, err) == 0)
		rc = h->finish ? finish(h, id, known, since, err)
			       : rotate(h, id, known, err);
	free(id);
	return rc;
}

static int delete (struct hooks *h, struct err *err)
{
	bool found = false;
	size_t gone = 0;

	if (webhooks_delete(&h->sync.openphone, h->id, &found, err) != 0 ||
	    drop(h, h->id, 0, &gone, err) != 0)
		return -1;
	if (!found && gone == 0) {
		err_set(
		    err, ERR_PERMANENT, "%s: there is no such webhook", h->id);
		return -1;
	}
	return ctl_result(h->ctl,
	    json_pack("{s:s, s:b, s:I}", "id", h->id, "deleted", found,
		"secrets_dropped", (json_int_t)gone),
	    err, "webhook %s %s%s\n", h->id,
	    found ? "is deleted" : "was gone already",
	    gone > 0 ? ", and its secret dropped" : "");
}

/* ---- the command ---- */

static int
parse(struct hooks *h, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'u':
			h->url = optarg;
			break;
		case 't':
			h->type = optarg;
			break;
		case 'w':
			if (program_number("onsctl", "--timeout", optarg,
				TIMEOUT_MAX_S, &h->timeout_s) != 0)
				return -1;
			break;
		case 'a':
			h->adopt = true;
			break;
		case '1':
			h->v1 = true;
			break;
		case 'f':
			h->finish = true;
			break;
		case 'n':
			h->now = true;
			break;
		default:
			return -1;
		}
	if (optind < argc)
		h->id = argv[optind++];
	return optind < argc ? -1 : 0;
}

static int
dispatch(struct hooks *h, const char *what, struct err *err)
{
	if (strcmp(what, "list") == 0)
		return list(h, err);
	if (strcmp(what, "test") == 0)
		return test(h, err);
	if (strcmp(what, "rotate") == 0)
		return rotate_or_finish(h, err);
	if (strcmp(what, "delete") == 0)
		return delete (h, err);
	return h->v1 || openphone_is_v1(&h->sync.openphone) ? create_v1(h, err)
							    : create(h, err);
}

/* Which take an id, and which must have one. */
static bool
is_right(const struct hooks *h, const char *what)
{
	if (strcmp(what, "list") == 0 || strcmp(what, "create") == 0)
		return h->id == NULL;
	if (strcmp(what, "delete") == 0)
		return h->id != NULL;
	return strcmp(what, "test") == 0 || strcmp(what, "rotate") == 0;
}

int
ctl_webhooks(struct ctl *ctl, int argc, char **argv)
{
	struct hooks h = { .ctl = ctl,
		.path = ctl->ws->webhook.secrets_file,
		.type = "task.created",
		.timeout_s = TIMEOUT_S };
	const char *what = argc > 1 && *argv[1] != '-' ? argv[1] : "list";
	struct err err = ERR_INIT;
	int skip = argc > 1 && *argv[1] != '-', rc;

	if (parse(&h, argc - skip, argv + skip) != 0 || !is_right(&h, what))
		return ctl_usage("webhooks");
	if (ctl->each &&
	    (h.id != NULL || h.url != NULL || strcmp(what, "rotate") == 0))
		return ctl_which(ctl);
	if (ctl->each && ctl->ws->webhook.path_of != NULL)
		return ctl_elsewhere(ctl);
	if (conf_require(&ctl->conf, ctl->ws, CONF_CTL_OPENPHONE, &err) != 0 ||
	    sync_init(&h.sync, &ctl->conf, ctl->ws, ctl->db, &never, &err) != 0)
		return ctl_fail(&err);
	buf_init(&h.own_url, 2048);
	rc = dispatch(&h, what, &err);
	buf_free(&h.own_url);
	sync_free(&h.sync);
	return rc == 0 ? EX_OK : ctl_fail(&err);
}

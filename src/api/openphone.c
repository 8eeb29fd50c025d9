#include "api/openphone.h"

#include <stdlib.h>
#include <string.h>

#include "api/rest.h"
#include "base/uri.h"

#define DEFAULT_WAIT_MS 1000
#define BODY_MAX 65536 /* of a request's */
#define MAX_PAGES 20   /* of 50 recordings of one call */

/* One thing to read, and where each surface has it. */
struct resource {
	const char *what;     /* for error texts */
	const char *v1[2];    /* before and after the id */
	const char *dated[2]; /* NULL: only v1 has it */
	bool plan;	      /* 403 means: not in this plan */
};

static const struct resource call_resource = { "call", { "/calls/", "" },
	{ "/calls/", "?include=summary,voicemail" }, false };
static const struct resource recordings_resource = { "recordings",
	{ "/call-recordings/", "" }, { "/calls/", "/recordings?limit=50" },
	false };
static const struct resource transcripts_resource = { "transcripts",
	{ "/call-transcripts/", "" }, { "/calls/", "/transcripts" }, true };
static const struct resource summary_resource = { "summary",
	{ "/call-summaries/", "" }, { NULL, NULL }, true };
static const struct resource voicemail_resource = { "voicemail",
	{ "/call-voicemails/", "" }, { NULL, NULL }, false };
static const struct resource message_resource = { "message",
	{ "/messages/", "" }, { "/messages/", "" }, false };
static const struct resource user_resource = { "user", { "/users/", "" },
	{ "/users/", "" }, false };
static const struct resource number_resource = { "phone number",
	{ "/phone-numbers/", "" }, { "/phone-numbers/", "" }, false };
static const struct resource contact_resource = { "contact",
	{ "/contacts/", "" }, { NULL, NULL }, false };
static const struct resource check_resource = { "check",
	{ "/phone-numbers", "" }, { "/organization", "" }, false };

/* What is neither 2xx nor "not there" (not_there() below). */
static const struct rest_verdict verdicts[] = {
	{ 100, 399, NULL, false, ERR_OPERATOR,
	    "this is not OpenPhone's API: look at [openphone] api_base, and "
	    "for a proxy or a log-in page on the way" },
	{ 401, 401, NULL, false, ERR_OPERATOR,
	    "put a key that is valid into [openphone] api_key" },
	{ 402, 402, NULL, false, ERR_OPERATOR,
	    "look at the subscription and the credits in OpenPhone" },
	{ 403, 403, NULL, false, ERR_OPERATOR,
	    "the key's owner lacks a permission or a plan in OpenPhone" },
	{ 404, 404, NULL, false, ERR_OPERATOR,
	    "this is not OpenPhone's API: look at [openphone] api_base" },
	{ 408, 408, NULL, false, ERR_RETRY, NULL },
	{ 429, 429, NULL, false, ERR_WAIT, NULL },
	/* a gateway or a proxy; OpenPhone would say what is wrong */
	{ 400, 499, NULL, true, ERR_RETRY, NULL },
	{ 400, 499, NULL, false, ERR_PERMANENT, NULL },
	{ 0, 999, NULL, false, ERR_RETRY, NULL },
};

bool
openphone_is_v1(const struct openphone *op)
{
	size_t n = strlen(op->base);

	while (n > 0 && op->base[n - 1] == '/')
		n--;
	return n >= 3 && strncmp(op->base + n - 3, "/v1", 3) == 0;
}

/* An error comes as {"message", "code"}, {"error": {"message", "trace"}} or
 * {"title", "message", "trace"}. */
static void
fail(const struct rest_answer *answer, enum err_kind kind, struct err *err)
{
	const json_t *inner = json_object_get(answer->json, "error");
	const json_t *error = inner != NULL ? inner : answer->json;
	const char *code = rest_text(error, "code");
	const char *trace = rest_text(error, "trace");

	if (answer->json == NULL)
		err_set(err, kind, "%d without JSON", answer->status);
	else
		err_set(err, kind, "%d %s%s%.400s%s%s%s", answer->status, code,
		    *code != '\0' ? ": " : "", rest_text(error, "message"),
		    *trace != '\0' ? " (trace " : "", trace,
		    *trace != '\0' ? ")" : "");
	err->status = answer->status;
}

static bool
not_there(bool plan, const struct rest_answer *answer)
{
	static const char *const codes[] = { "0101400", "0101403", "0202403",
		"0801403" };
	size_t i;

	if (answer->json == NULL) /* an edge, or another server: who knows */
		return false;
	if (answer->status == 404)
		return true;
	if (answer->status == 403 && plan)
		return true;
	/* a group call; of a number that the key's owner is not on */
	for (i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (strcmp(rest_text(answer->json, "code"), codes[i]) == 0)
			return true;
	return false;
}

static void
classify(
    const struct rest *rest, const struct rest_answer *answer, struct err *err)
{
	const struct rest_verdict *v = rest_judge(verdicts, answer, "");
	enum err_kind kind = v->kind;
	int64_t wait = 0;

	if (kind == ERR_WAIT ||
	    (answer->status == 503 && answer->retry_after_ms >= 0)) {
		wait = rest_pause(rest, answer, DEFAULT_WAIT_MS,
		    answer->status == 429 ? "rate limit" : "unavailable");
		kind = ERR_WAIT;
	}
	fail(answer, kind, err);
	err->retry_after_ms = wait;
	if (v->remedy != NULL)
		err_suffix(err, "%s", v->remedy);
}

/* One request: the whole answer, or NULL when it is not there. */
static int
attempt(const struct openphone *op, bool plan, const char *const *headers,
    const char *path, json_t **ret, struct err *err)
{
	const struct rest rest = { .http = op->http,
		.base = op->base,
		.gate = op->gate,
		.timeout_ms = op->timeout_ms,
		.headers = headers };
	struct rest_answer answer = { 0 };
	int rc = -1;

	if (rest_send(&rest, "GET", path, NULL, 0, false, &answer, err) != 0)
		goto out;
	if (answer.status / 100 == 2 &&
	    json_object_get(answer.json, "data") != NULL) {
		*ret = json_incref(answer.json);
		rc = 0;
	} else if (answer.status / 100 == 2) {
		err_set(err, ERR_RETRY, "%d without data", answer.status);
		err->status = answer.status;
	} else if (not_there(plan, &answer)) {
		*ret = NULL;
		rc = 0;
	} else {
		classify(&rest, &answer, err);
	}
out:
	rest_done(&rest, err);
	json_decref(answer.json);
	return rc;
}

int
openphone_ask(const struct openphone *op, const char *what, bool v1, bool plan,
    const char *path, json_t **ret, struct err *err)
{
	char key[512], version[64];
	const char *const headers[] = { key, v1 ? NULL : version, NULL };
	struct buf target;
	int rc = -1, n;

	n = snprintf(key, sizeof(key), "Authorization: %s", op->key);
	snprintf(version, sizeof(version), "Quo-Api-Version: %s", op->version);
	buf_init(&target, 8192);
	if (n < 0 || (size_t)n >= sizeof(key))
		err_set(err, ERR_CONFIG, "the API key is too long");
	else if ((v1 && !openphone_is_v1(op) &&
		     buf_adds(&target, "/v1") != 0) ||
	    buf_adds(&target, path) != 0)
		err_nomem(err);
	else
		rc = attempt(op, plan, headers, buf_text(&target), ret, err);
	if (rc != 0)
		err_prefix(err, "openphone: %s", what);
	crypto_wipe(key, sizeof(key));
	buf_free(&target);
	return rc;
}

static int
make_path(const char *const path[2], const char *id, const char *after,
    struct buf *out, struct err *err)
{
	if (buf_adds(out, path[0]) == 0 && uri_escape(out, id, false) == 0 &&
	    buf_adds(out, path[1]) == 0 &&
	    (*after == '\0' ||
		(buf_adds(out, strchr(path[1], '?') != NULL ? "&" : "?") == 0 &&
		    buf_adds(out, "after=") == 0 &&
		    uri_escape(out, after, false) == 0)))
		return 0;
	err_sys(err, ERR_PERMANENT, "an id that is none");
	return -1;
}

/* Ask the surface that has it. */
static int
request(const struct openphone *op, const struct resource *what, const char *id,
    const char *after, json_t **ret, struct err *err)
{
	bool old = openphone_is_v1(op) || what->dated[0] == NULL;
	struct buf path;
	int rc = -1;

	buf_init(&path, 4096);
	if (make_path(old ? what->v1 : what->dated, id, after, &path, err) != 0)
		err_prefix(err, "openphone: %s", what->what);
	else
		rc = openphone_ask(
		    op, what->what, old, what->plan, buf_text(&path), ret, err);
	buf_free(&path);
	return rc;
}

static int
get(const struct openphone *op, const struct resource *what, const char *id,
    json_t **ret, struct err *err)
{
	json_t *answer = NULL;

	if (request(op, what, id, "", &answer, err) != 0)
		return -1;
	*ret = json_incref(json_object_get(answer, "data"));
	json_decref(answer);
	return 0;
}

/* NULL data: nothing. */
static int
add_all(json_t *all, json_t *data)
{
	if (json_is_array(data))
		return json_array_extend(all, data);
	return data == NULL ? 0 : json_array_append(all, data);
}

/* All pages of a list; a single object becomes a list of one. */
static int
get_all(const struct openphone *op, const struct resource *what, const char *id,
    json_t **ret, struct err *err)
{
	json_t *all = json_array(), *answer = NULL, *data;
	char *after = strdup("");
	int pages, rc = -1;

	for (pages = 0; after != NULL && pages < MAX_PAGES; pages++) {
		json_decref(answer);
		answer = NULL;
		if (request(op, what, id, after, &answer, err) != 0)
			goto out;
		data = json_object_get(answer, "data");
		if (data == NULL && pages == 0) { /* not there */
			json_decref(all);
			all = NULL;
		} else if (add_all(all, data) != 0) {
			err_nomem(err);
			goto out;
		}
		free(after);
		after = strdup(rest_text(answer, "nextCursor"));
		/* A cursor on the last page has been seen; it has no data. */
		if (after != NULL &&
		    (*after == '\0' || json_array_size(data) == 0)) {
			*ret = json_incref(all);
			rc = 0;
			goto out;
		}
	}
	if (after == NULL)
		err_nomem(err);
	else
		err_set(err, ERR_PERMANENT, "openphone: %s: no end of pages",
		    what->what);
out:
	free(after);
	json_decref(answer);
	json_decref(all);
	return rc;
}

int
openphone_check(const struct openphone *op, json_t **ret, struct err *err)
{
	return get(op, &check_resource, "", ret, err);
}

int
openphone_call(
    const struct openphone *op, const char *id, json_t **ret, struct err *err)
{
	return get(op, &call_resource, id, ret, err);
}

int
openphone_recordings(
    const struct openphone *op, const char *call, json_t **ret, struct err *err)
{
	return get_all(op, &recordings_resource, call, ret, err);
}

int
openphone_transcripts(
    const struct openphone *op, const char *call, json_t **ret, struct err *err)
{
	return get_all(op, &transcripts_resource, call, ret, err);
}

int
openphone_summary(
    const struct openphone *op, const char *call, json_t **ret, struct err *err)
{
	return get(op, &summary_resource, call, ret, err);
}

int
openphone_voicemail(
    const struct openphone *op, const char *call, json_t **ret, struct err *err)
{
	return get(op, &voicemail_resource, call, ret, err);
}

int
openphone_message(
    const struct openphone *op, const char *id, json_t **ret, struct err *err)
{
	return get(op, &message_resource, id, ret, err);
}

int
openphone_user(
    const struct openphone *op, const char *id, json_t **ret, struct err *err)
{
	if (strncmp(id, "US", 2) != 0) {
		*ret = NULL;
		return 0;
	}
	return get(op, &user_resource, id, ret, err);
}

int
openphone_number(
    const struct openphone *op, const char *id, json_t **ret, struct err *err)
{
	return get(op, &number_resource, id, ret, err);
}

int
openphone_contact(
    const struct openphone *op, const char *id, json_t **ret, struct err *err)
{
	return get(op, &contact_resource, id, ret, err);
}

int
openphone_send(const struct openphone *op, const char *what, bool v1,
    const char *method, const char *path, const json_t *body, json_t **ret,
    struct err *err)
{
	char key[512], version[64], full[1024];
	const char *headers[4] = { key };
	const struct rest rest = { .http = op->http,
		.base = op->base,
		.gate = op->gate,
		.timeout_ms = op->timeout_ms,
		.headers = headers };
	struct rest_answer answer = { 0 };
	size_t n = 1;
	int rc = -1;

	snprintf(key, sizeof(key), "Authorization: %s", op->key);
	snprintf(version, sizeof(version), "Quo-Api-Version: %s", op->version);
	snprintf(full, sizeof(full), "%s%s",
	    v1 && !openphone_is_v1(op) ? "/v1" : "", path);
	if (!v1)
		headers[n++] = version;
	if (body != NULL)
		headers[n++] = "Content-Type: application/json";
	if (rest_send(&rest, method, full, body, BODY_MAX,
		strcmp(method, "POST") == 0, &answer, err) != 0) {
		;
	} else if (answer.status / 100 == 2) {
		*ret = answer.json == NULL ? json_null()
					   : json_incref(answer.json);
		rc = 0;
	} else if (answer.status == 404 && answer.json != NULL) {
		*ret = NULL;
		rc = 0;
	} else {
		classify(&rest, &answer, err);
	}
	/* a 403 is about this object, or the right to manage webhooks: not
	 * about the key */
	if (err->status != 403)
		rest_done(&rest, err);
	if (rc != 0)
		err_prefix(err, "openphone: %s", what);
	crypto_wipe(key, sizeof(key));
	json_decref(answer.json);
	return rc;
}

static int
ask_if_gone(const struct openphone *op, bool v1, const char *kind,
    const char *id, bool *ret, struct err *err)
{
	json_t *answer = NULL;
	struct buf path;
	int rc = -1;

	buf_init(&path, 1024);
	if (buf_addf(&path, "/%ss/", kind) != 0 ||
	    uri_escape(&path, id, false) != 0)
		err_sys(err, ERR_PERMANENT, "openphone: an id that is none");
	else
		rc = openphone_send(
		    op, kind, v1, "GET", buf_text(&path), NULL, &answer, err);
	if (rc == 0) {
		*ret = answer == NULL;
	} else if (err->kind == ERR_PERMANENT || err->status == 403) {
		err_clear(err);
		*ret = false;
		rc = 0;
	}
	json_decref(answer);
	buf_free(&path);
	return rc;
}

int
openphone_is_gone(const struct openphone *op, const char *kind, const char *id,
    bool *ret, struct err *err)
{
	bool v1 = openphone_is_v1(op);

	if (ask_if_gone(op, v1, kind, id, ret, err) != 0)
		return -1;
	return *ret && !v1 && strcmp(kind, "contact") == 0
	    ? ask_if_gone(op, true, kind, id, ret, err)
	    : 0;
}

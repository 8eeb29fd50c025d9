#include "api/rest.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ext/jansson.h"
#include "model/payload.h"

/* A transfer below that has stalled. Notion needs up to 60 s for an answer. */
#define LOW_SPEED_BYTES 1000
#define LOW_SPEED_SECONDS 90

/* The answer to such a request takes as much several times over: first what
 * others have left goes back to the system. */
#define LONG_BODY (128 * 1024)

/* Nobody's limit lasts longer; a slip of theirs must not stop us for years. */
#define WAIT_MAX_MS (24 * 3600 * INT64_C(1000))

static int
make_url(const char *base, const char *path, struct buf *url, struct err *err)
{
	size_t n = strlen(base);

	while (n > 0 && base[n - 1] == '/')
		n--;
	if (buf_add(url, base, n) != 0 || buf_adds(url, path) != 0) {
		err_sys(err, ERR_PERMANENT, "the URL");
		return -1;
	}
	return 0;
}

static int
make_body(
    const json_t *body, size_t max, char **ret, size_t *len, struct err *err)
{
	if (body == NULL)
		return 0;
	if ((*ret = jansson_text(body, JSON_COMPACT)) == NULL) {
		err_nomem(err);
		return -1;
	}
	if ((*len = strlen(*ret)) > max) {
		err_set(err, ERR_PERMANENT,
		    "a request of %zu bytes, where %zu are allowed", *len, max);
		return -1;
	}
	return 0;
}

/* Edges answer with HTML or nothing at all, whatever was asked for: *ret is
 * NULL then. */
static int
parse(const struct http_response *resp, bool once, json_t **ret,
    struct err *err)
{
	struct err why = ERR_INIT;
	const char *note;

	if (strncmp(resp->content_type, "application/", 12) == 0 &&
	    strstr(resp->content_type, "json") != NULL)
		*ret = payload_load(
		    buf_text(&resp->body), resp->body.len, &note, &why);
	if (why.kind != ERR_RETRY)
		return 0;
	/* what became of the request stands in what cannot be read */
	err_set(err, once ? ERR_UNKNOWN : ERR_RETRY, "%s", why.text);
	return -1;
}

/* Send req, which lacks its URL, through the gate. *text (unless text is NULL)
 * is its body; it is freed before the answer takes as much again. */
static int
perform(const struct rest *rest, const char *path, struct http_request *req,
    char **text, struct rest_answer *ret, struct err *err)
{
	const struct api_gate *gate = rest->gate;
	struct http_response resp = { 0 };
	struct buf url;
	int rc = -1;

	buf_init(&url, 8192);
	if (make_url(rest->base, path, &url, err) != 0)
		goto out;
	req->url = buf_text(&url);
	if (gate != NULL && gate->before != NULL &&
	    gate->before(gate->ctx, err) != 0)
		goto out;
	if (req->body_len >= LONG_BODY)
		malloc_trim(0);
	if ((rc = http_perform(rest->http, req, &resp, err)) != 0)
		goto out;
	if (text != NULL) {
		free(*text);
		*text = NULL;
	}
	*ret = (struct rest_answer){ .status = resp.status,
		.retry_after_ms = resp.retry_after_ms };
	rc = parse(&resp, req->once, &ret->json, err);
out:
	http_response_clear(&resp);
	buf_free(&url);
	return rc;
}

int
rest_send(const struct rest *rest, const char *method, const char *path,
    const json_t *body, size_t max_body, bool once, struct rest_answer *ret,
    struct err *err)
{
	struct http_request req = { .method = method,
		.headers = rest->headers,
		.once = once,
		.timeout_ms = rest->timeout_ms };
	char *text = NULL;
	int rc = make_body(body, max_body, &text, &req.body_len, err);

	req.body = text;
	if (rc == 0)
		rc = perform(rest, path, &req, &text, ret, err);
	free(text);
	return rc;
}

int
rest_send_file(const struct rest *rest, const char *path,
    const struct rest_file *file, struct rest_answer *ret, struct err *err)
{
	const struct http_form form = { .fields = file->fields,
		.name = "file",
		.filename = file->filename,
		.type = file->type };
	struct http_request req = { .method = "POST",
		.headers = rest->headers,
		.upload = file->file,
		.upload_offset = file->offset,
		.upload_size = file->size,
		.form = &form,
		.low_speed_limit = LOW_SPEED_BYTES,
		.low_speed_time = LOW_SPEED_SECONDS };

	return perform(rest, path, &req, NULL, ret, err);
}

const struct rest_verdict *
rest_judge(const struct rest_verdict *verdicts,
    const struct rest_answer *answer, const char *code)
{
	const struct rest_verdict *v = verdicts;

	while (answer->status < v->from || answer->status > v->to ||
	    (v->code != NULL && strcmp(v->code, code) != 0) ||
	    (v->not_json && answer->json != NULL))
		v++;
	return v;
}

int64_t
rest_pause(const struct rest *rest, const struct rest_answer *answer,
    int64_t default_ms, const char *reason)
{
	int64_t ms = answer->retry_after_ms;
	char text[160];

	snprintf(text, sizeof(text), "%d %s", answer->status, reason);
	if (ms < 0)
		ms = default_ms;
	else if (ms < 1000) /* "0" would be asking for the next 429 */
		ms = 1000;
	if (ms > WAIT_MAX_MS) {
		snprintf(text, sizeof(text), "%d %s (it named %lld s)",
		    answer->status, reason, (long long)(ms / 1000));
		ms = WAIT_MAX_MS;
	}
	err_tame(text);
	log_mask(text);
	if (rest->gate != NULL && rest->gate->pause != NULL)
		rest->gate->pause(rest->gate->ctx, ms, answer->status, text);
	return ms;
}

void
rest_done(const struct rest *rest, struct err *err)
{
	if (rest->gate != NULL && rest->gate->after != NULL)
		rest->gate->after(rest->gate->ctx, err);
}

const char *
rest_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

#include "api/rest.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/payload.h"

/* A transfer below that has stalled. Notion needs up to 60 s for an answer. */
#define LOW_SPEED_BYTES 1
#define LOW_SPEED_SECONDS 90

static int
make_url(const char *base, const char *path, struct buf *url, struct err *err)
{
	size_t n = strlen(base);

	while (n > 0 && base[n - 1] == '/')
		n--;
	if (buf_add(url, base, n) != 0 || buf_adds(url, path) != 0) {
		err_set(err, ERR_PERMANENT, "the URL is too long");
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
	if ((*ret = json_dumps(body, JSON_COMPACT)) == NULL) {
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

/* Edges answer with HTML or nothing at all, whatever was asked for. */
static json_t *
parse(const struct http_response *resp)
{
	struct err ignored = ERR_INIT;
	const char *note;

	if (strncmp(resp->content_type, "application/", 12) != 0 ||
	    strstr(resp->content_type, "json") == NULL)
		return NULL;
	return payload_load(
	    buf_text(&resp->body), resp->body.len, &note, &ignored);
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
	int64_t begin;
	int rc = -1;

	buf_init(&url, 8192);
	if (make_url(rest->base, path, &url, err) != 0)
		goto out;
	req->url = buf_text(&url);
	if (gate != NULL && gate->before != NULL &&
	    gate->before(gate->ctx, err) != 0)
		goto out;
	begin = clock_ms();
	rc = http_perform(rest->http, req, &resp, err);
	if (gate != NULL && gate->count != NULL)
		gate->count(
		    gate->ctx, rc == 0 ? resp.status : 0, clock_ms() - begin);
	if (rc != 0)
		goto out;
	if (text != NULL) {
		free(*text);
		*text = NULL;
	}
	*ret = (struct rest_answer){ .status = resp.status,
		.json = parse(&resp),
		.retry_after_ms = resp.retry_after_ms };
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

void
rest_throttled(const struct rest *rest, const struct rest_answer *answer,
    int64_t default_ms, const char *reason, struct err *err)
{
	int64_t ms = answer->retry_after_ms;

	if (ms < 0)
		ms = default_ms;
	else if (ms < 1000) /* "0" would be asking for the next 429 */
		ms = 1000;
	if (rest->gate != NULL && rest->gate->pause != NULL)
		rest->gate->pause(rest->gate->ctx, ms, reason);
	err_set(err, ERR_WAIT, "%d %s", answer->status, reason);
	err->status = answer->status;
	err->retry_after_ms = ms;
}

const char *
rest_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

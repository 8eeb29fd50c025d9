#include "api/s3.h"

#include <stdlib.h>
#include <string.h>

#include "base/uri.h"

#define NO_BODY                  \
	"x-amz-content-sha256: " \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* The text of the first element of this name: errors are small and flat. */
static void
xml_text(const char *xml, const char *name, char *ret, size_t size)
{
	char open[32];
	const char *begin;
	size_t n = 0;

	snprintf(open, sizeof(open), "<%s>", name);
	if ((begin = strstr(xml, open)) != NULL) {
		begin += strlen(open);
		n = strcspn(begin, "<");
	}
	snprintf(ret, size, "%.*s", (int)n, begin == NULL ? "" : begin);
}

static enum err_kind
kind_of(int status, const char *code)
{
	static const char *const operator[] = { "AuthorizationHeaderMalformed",
		"InvalidAccessKeyId", "NoSuchBucket", "InvalidBucketName" };
	static const char *const retry[] = { "RequestTimeout", "BadDigest",
		"XAmzContentSHA256Mismatch", "SlowDown" };
	size_t i;

	for (i = 0; i < sizeof(retry) / sizeof(*retry); i++)
		if (strcmp(code, retry[i]) == 0)
			return ERR_RETRY;
	for (i = 0; i < sizeof(operator) / sizeof(*operator); i++)
		if (strcmp(code, operator[i]) == 0)
			return ERR_OPERATOR;
	if (status >= 500 || status == 408 || status == 409 || status == 429)
		return ERR_RETRY;
	if (status == 401 || status == 403 || status < 400)
		return ERR_OPERATOR;
	return ERR_PERMANENT;
}

static void
fail(const char *what, const struct http_response *resp, struct err *err)
{
	char code[64], message[300];

	xml_text(buf_text(&resp->body), "Code", code, sizeof(code));
	xml_text(buf_text(&resp->body), "Message", message, sizeof(message));
	/* An answer to HEAD has no body to tell the reason. */
	err_set(err, kind_of(resp->status, code), "s3: %s: %d%s%s%s%s%s", what,
	    resp->status, *code != '\0' ? " " : "", code,
	    *message != '\0' ? ": " : "", message,
	    strcmp(what, "head") == 0 && resp->status == 403
		? " (may the key read and list this bucket?)"
		: "");
	err->status = resp->status;
}

static int
make_url(const struct s3 *s3, const char *key, struct buf *url, struct err *err)
{
	size_t n = strlen(s3->endpoint);

	while (n > 0 && s3->endpoint[n - 1] == '/')
		n--;
	if (buf_add(url, s3->endpoint, n) == 0 && buf_adds(url, "/") == 0 &&
	    uri_escape(url, s3->bucket, false) == 0 &&
	    buf_adds(url, "/") == 0 && uri_escape(url, key, true) == 0)
		return 0;
	err_set(err, ERR_PERMANENT, "s3: the key is too long");
	return -1;
}

static int
request(const struct s3 *s3, const char *what, const char *key,
    struct http_request *req, struct http_response *resp, struct err *err)
{
	struct buf url;
	int rc = -1;

	*resp = (struct http_response){ 0 };
	buf_init(&url, 4096);
	if (make_url(s3, key, &url, err) != 0)
		goto out;
	req->url = buf_text(&url);
	req->sigv4 = &s3->keys;
	if ((rc = http_perform(s3->http, req, resp, err)) != 0)
		err_prefix(err, "s3: %s", what);
out:
	buf_free(&url);
	return rc;
}

int
s3_put(const struct s3 *s3, const char *key, FILE *file, int64_t size,
    const char *sha256, const char *content_type, struct err *err)
{
	char digest[96], meta[96], type[160];
	const char *const headers[] = { digest, meta, type, NULL };
	struct http_request req = { .method = "PUT",
		.headers = headers,
		.upload = file,
		.upload_size = size,
		.low_speed_limit = s3->low_speed_limit,
		.low_speed_time = s3->low_speed_time };
	struct http_response resp;
	int rc;

	snprintf(digest, sizeof(digest), "x-amz-content-sha256: %s", sha256);
	snprintf(meta, sizeof(meta), "x-amz-meta-sha256: %s", sha256);
	snprintf(type, sizeof(type), "Content-Type: %s", content_type);
	rc = request(s3, "put", key, &req, &resp, err);
	if (rc == 0 && resp.status != 200) {
		fail("put", &resp, err);
		rc = -1;
	}
	http_response_clear(&resp);
	return rc;
}

int
s3_get(const struct s3 *s3, const char *key, FILE *file, int64_t size,
    const char *sha256, struct err *err)
{
	static const char *const headers[] = { NO_BODY, NULL };
	struct http_request req = { .method = "GET",
		.headers = headers,
		.sink = file,
		.sink_max = size,
		.low_speed_limit = s3->low_speed_limit,
		.low_speed_time = s3->low_speed_time };
	struct http_response resp;
	int rc = request(s3, "get", key, &req, &resp, err);

	if (rc == 0 && resp.status != 200) {
		fail("get", &resp, err);
		rc = -1;
	} else if (rc == 0 && strcmp(resp.sha256, sha256) != 0) {
		err_set(err, ERR_RETRY, "s3: get: not what was stored");
		rc = -1;
	}
	http_response_clear(&resp);
	return rc;
}

int
s3_head(const struct s3 *s3, const char *key, struct s3_object *ret,
    struct err *err)
{
	static const char *const headers[] = { NO_BODY, NULL };
	struct http_request req = { .method = "HEAD",
		.headers = headers,
		.timeout_ms = s3->timeout_ms };
	struct http_response resp;
	int rc = -1;

	if (request(s3, "head", key, &req, &resp, err) != 0)
		goto out;
	if (resp.status != 200 && resp.status != 404) {
		fail("head", &resp, err);
		goto out;
	}
	*ret = (struct s3_object){ .exists = resp.status == 200,
		.size = resp.length };
	snprintf(ret->sha256, sizeof(ret->sha256), "%s",
	    http_header(s3->http, "x-amz-meta-sha256"));
	rc = 0;
out:
	http_response_clear(&resp);
	return rc;
}

int
s3_delete(const struct s3 *s3, const char *key, struct err *err)
{
	static const char *const headers[] = { NO_BODY, NULL };
	struct http_request req = { .method = "DELETE",
		.headers = headers,
		.timeout_ms = s3->timeout_ms };
	struct http_response resp;
	int rc;

	rc = request(s3, "delete", key, &req, &resp, err);
	if (rc == 0 && resp.status / 100 != 2 &&
	    (resp.status != 404 ||
		strstr(buf_text(&resp.body), "NoSuchBucket") != NULL)) {
		fail("delete", &resp, err);
		rc = -1;
	}
	http_response_clear(&resp);
	return rc;
}

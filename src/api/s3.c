#include "api/s3.h"

#include <stdlib.h>
#include <string.h>

#include "base/uri.h"

#define MAX_ANSWER 65536 /* errors are small */
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

/* https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
static const struct verdict {
	int from, to;	  /* statuses */
	const char *code; /* NULL: any; an answer to HEAD has none */
	enum err_kind kind;
	const char *remedy;
} verdicts[] = {
	{ 400, 599, "RequestTimeout", ERR_RETRY, NULL },
	{ 400, 599, "BadDigest", ERR_RETRY, NULL },
	{ 400, 599, "XAmzContentSHA256Mismatch", ERR_RETRY, NULL },
	{ 400, 599, "SlowDown", ERR_RETRY, NULL },
	{ 400, 599, "RequestTimeTooSkewed", ERR_OPERATOR,
	    "set this host's clock" },
	{ 400, 599, "AuthorizationHeaderMalformed", ERR_OPERATOR,
	    "look at [s3] region" },
	{ 400, 599, "InvalidAccessKeyId", ERR_OPERATOR,
	    "look at [s3] access_key" },
	{ 400, 599, "SignatureDoesNotMatch", ERR_OPERATOR,
	    "look at [s3] secret_key" },
	{ 400, 599, "NoSuchBucket", ERR_OPERATOR, "look at [s3] bucket" },
	{ 400, 599, "InvalidBucketName", ERR_OPERATOR, "look at [s3] bucket" },
	{ 401, 401, NULL, ERR_OPERATOR, "look at [s3] access_key" },
	{ 403, 403, NULL, ERR_OPERATOR,
	    "may the key of [s3] read, write and list this bucket?" },
	{ 408, 409, NULL, ERR_RETRY, NULL },
	{ 429, 429, NULL, ERR_RETRY, NULL },
	{ 400, 499, NULL, ERR_PERMANENT, NULL },
	{ 500, 599, NULL, ERR_RETRY, NULL },
	{ 0, 999, NULL, ERR_OPERATOR,
	    "this is not S3: look at [s3] endpoint, and for a proxy or a "
	    "log-in page on the way" },
};

static const struct verdict *
judge(int status, const char *code)
{
	const struct verdict *v = verdicts;

	while (status < v->from || status > v->to ||
	    (v->code != NULL && strcmp(v->code, code) != 0))
		v++;
	return v;
}

static void
fail(const char *what, const struct http_response *resp, struct err *err)
{
	char code[64], message[300];
	const struct verdict *v;

	xml_text(buf_text(&resp->body), "Code", code, sizeof(code));
	xml_text(buf_text(&resp->body), "Message", message, sizeof(message));
	v = judge(resp->status, code);
	err_set(err, v->kind, "s3: %s: %d%s%s%s%s", what, resp->status,
	    *code != '\0' ? " " : "", code, *message != '\0' ? ": " : "",
	    message);
	if (v->remedy != NULL)
		err_suffix(err, "%s", v->remedy);
	err->status = resp->status;
	if (v->kind == ERR_RETRY && resp->retry_after_ms > 0)
		err->retry_after_ms = resp->retry_after_ms;
}

/* Swift names a type even of nothing (204). */
static bool
is_html(const struct http_response *resp)
{
	return strncmp(resp->content_type, "text/html", 9) == 0 &&
	    resp->status / 100 == 2 && resp->status != 204;
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
	err_sys(err, ERR_PERMANENT, "s3: the key");
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
	req->max_response = MAX_ANSWER;
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
	} else if (rc == 0 && *http_header(s3->http, "ETag") == '\0') {
		/* a log-in page of some network says 200 to everything */
		err_set(err, ERR_RETRY, "s3: put: 200, but not by S3");
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
	} else if (rc == 0 && is_html(&resp)) {
		err_set(err, ERR_RETRY, "s3: delete: answered by a web page");
		rc = -1;
	}
	http_response_clear(&resp);
	return rc;
}

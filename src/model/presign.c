#include "model/presign.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/uri.h"
#include "ext/crypto.h"

#define MAX_EXPIRES 604800
#define MAX_TEXT 8192 /* bytes of any of the strings below */

/* An endpoint, taken apart. */
struct place {
	struct buf host; /* as the Host header says it */
	struct buf path; /* percent-encoded, with bucket and key */
};

static int
find_place(const struct presign *p, const char *key, struct place *ret,
    struct err *err)
{
	bool https = strncasecmp(p->endpoint, "https://", 8) == 0;
	bool http = strncasecmp(p->endpoint, "http://", 7) == 0;
	const char *host = p->endpoint, *path;
	size_t n = 0, i;

	if (https || http) {
		host += https ? 8 : 7;
		n = strcspn(host, "/");
	}
	if (n == 0) {
		err_set(err, ERR_CONFIG, "S3 endpoint: http(s)://… expected");
		return -1;
	}
	path = host + n;
	/* The Host header leaves out what the scheme implies. */
	if (n > 4 && https && strncmp(host + n - 4, ":443", 4) == 0)
		n -= 4;
	else if (n > 3 && !https && strncmp(host + n - 3, ":80", 3) == 0)
		n -= 3;
	for (i = 0; i < n; i++)
		if (buf_addf(
			&ret->host, "%c", tolower((unsigned char)host[i])) != 0)
			goto nomem;
	n = strlen(path);
	while (n > 0 && path[n - 1] == '/')
		n--;
	if (buf_add(&ret->path, path, n) == 0 &&
	    (*p->bucket == '\0' ||
		(buf_adds(&ret->path, "/") == 0 &&
		    uri_escape(&ret->path, p->bucket, false) == 0)) &&
	    buf_adds(&ret->path, "/") == 0 &&
	    uri_escape(&ret->path, key, true) == 0)
		return 0;
nomem:
	err_nomem(err);
	return -1;
}

/* The parameters in their order, all but the signature. */
static int
make_query(const struct presign *p, const char *scope, const char *date,
    int64_t expires, const char *content_type, struct buf *out)
{
	struct buf credential;
	int rc = -1;

	buf_init(&credential, MAX_TEXT);
	if (buf_addf(&credential, "%s/%s", p->access_key, scope) == 0 &&
	    buf_adds(out,
		"X-Amz-Algorithm=AWS4-HMAC-SHA256"
		"&X-Amz-Credential=") == 0 &&
	    uri_escape(out, buf_text(&credential), false) == 0 &&
	    buf_addf(out,
		"&X-Amz-Date=%s&X-Amz-Expires=%lld"
		"&X-Amz-SignedHeaders=host",
		date, (long long)expires) == 0 &&
	    (content_type == NULL ||
		(buf_adds(out, "&response-content-type=") == 0 &&
		    uri_escape(out, content_type, false) == 0)))
		rc = 0;
	buf_free(&credential);
	return rc;
}

/* key becomes HMAC(key, text). */
static int
chain(unsigned char key[SHA256_SIZE], size_t key_len, const char *text)
{
	const struct crypto_piece piece = { text, strlen(text) };
	unsigned char next[SHA256_SIZE];
	int rc;

	rc = crypto_hmac_sha256(key, key_len, &piece, 1, next);
	if (rc == 0)
		memcpy(key, next, sizeof(next));
	crypto_wipe(next, sizeof(next));
	return rc;
}

/* HMAC over day, region, service and "aws4_request", then over text. */
static int
sign(const struct presign *p, const char *day, const char *text,
    char ret[SHA256_HEX_SIZE])
{
	struct crypto_piece piece = { day, strlen(day) };
	unsigned char key[SHA256_SIZE];
	struct buf first;
	int rc = -1;

	buf_init(&first, MAX_TEXT);
	if (buf_addf(&first, "AWS4%s", p->secret_key) == 0 &&
	    crypto_hmac_sha256(first.data, first.len, &piece, 1, key) == 0 &&
	    chain(key, sizeof(key), p->region) == 0 &&
	    chain(key, sizeof(key), "s3") == 0 &&
	    chain(key, sizeof(key), "aws4_request") == 0 &&
	    chain(key, sizeof(key), text) == 0) {
		crypto_hex(key, sizeof(key), ret);
		rc = 0;
	}
	if (first.data != NULL)
		crypto_wipe(first.data, first.len);
	crypto_wipe(key, sizeof(key));
	buf_free(&first);
	return rc;
}

static int
string_to_sign(const struct place *place, const char *query, const char *date,
    const char *scope, struct buf *out)
{
	unsigned char digest[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];
	struct buf canonical;
	int rc = -1;

	buf_init(&canonical, 4 * MAX_TEXT);
	if (buf_addf(&canonical,
		"GET\n%s\n%s\nhost:%s\n\nhost\n"
		"UNSIGNED-PAYLOAD",
		buf_text(&place->path), query, buf_text(&place->host)) == 0 &&
	    crypto_sha256(canonical.data, canonical.len, digest) == 0) {
		crypto_hex(digest, sizeof(digest), hex);
		rc = buf_addf(
		    out, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, hex);
	}
	buf_free(&canonical);
	return rc;
}

int
presign_get(const struct presign *p, const char *key, int64_t now,
    int64_t expires, const char *content_type, struct buf *out, struct err *err)
{
	char day[32], date[32], hex[SHA256_HEX_SIZE];
	struct buf query, scope, text;
	struct place place;
	time_t seconds = (time_t)now;
	struct tm tm;
	int rc = -1;

	buf_init(&query, MAX_TEXT);
	buf_init(&scope, MAX_TEXT);
	buf_init(&text, MAX_TEXT);
	buf_init(&place.host, MAX_TEXT);
	buf_init(&place.path, MAX_TEXT);
	if (expires < 1 || expires > MAX_EXPIRES ||
	    gmtime_r(&seconds, &tm) == NULL) {
		err_set(err, ERR_CONFIG, "S3 links live 1 to %d seconds",
		    MAX_EXPIRES);
		goto out;
	}
	strftime(day, sizeof(day), "%Y%m%d", &tm);
	strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &tm);
	if (find_place(p, key, &place, err) != 0)
		goto out;
	if (buf_addf(&scope, "%s/%s/s3/aws4_request", day, p->region) != 0 ||
	    make_query(p, buf_text(&scope), date, expires, content_type,
		&query) != 0 ||
	    string_to_sign(
		&place, buf_text(&query), date, buf_text(&scope), &text) != 0 ||
	    sign(p, day, buf_text(&text), hex) != 0 ||
	    buf_addf(out, "%.*s://%s%s?%s&X-Amz-Signature=%s",
		(int)strcspn(p->endpoint, ":"), p->endpoint,
		buf_text(&place.host), buf_text(&place.path), buf_text(&query),
		hex) != 0) {
		err_nomem(err);
		goto out;
	}
	rc = 0;
out:
	buf_free(&place.path);
	buf_free(&place.host);
	buf_free(&text);
	buf_free(&scope);
	buf_free(&query);
	return rc;
}

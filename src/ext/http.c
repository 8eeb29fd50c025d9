#include "ext/http.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/secret.h"

#define CONNECT_TIMEOUT_MS 10000L
#define MAX_RESPONSE ((size_t)16 << 20)
/* What an answer that matters may still take once the program is to stop. */
#define STOP_PATIENCE_MS 1000
/* How long a server may take to refuse what is announced. */
#define EXPECT_MS 5000L
#define MAX_RETRY_AFTER ((int64_t)365 * 24 * 3600)
#define MAX_HEADERS ((size_t)64 << 10) /* bytes of an answer's */

struct http {
	CURL *curl;
	char *agent;
	bool (*stop)(void *ctx, bool file);
	void *stop_ctx;
	int64_t stopped_at; /* when stop() first said so; 0: not yet */
};

/* One request on its way; what the callbacks know. */
struct transfer {
	struct http *http;
	const struct http_request *req;
	struct http_response *resp;
	struct crypto_hash *hash;
	curl_mime *mime; /* of a form */
	int64_t uploaded;
	size_t headers;	    /* bytes of the answer's */
	int sends;	    /* how often libcurl was about to send it */
	bool refused;	    /* an address was not public */
	bool aborted;	    /* before the body that was only announced */
	struct err failure; /* of a callback: more exact than libcurl's */
};

struct http *
http_new(const char *user_agent, struct err *err)
{
	struct http *http;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		err_set(err, ERR_RETRY, "libcurl cannot start");
		return NULL;
	}
	if ((http = calloc(1, sizeof(*http))) == NULL ||
	    (http->agent = strdup(user_agent)) == NULL ||
	    (http->curl = curl_easy_init()) == NULL) {
		err_nomem(err);
		if (http == NULL)
			curl_global_cleanup();
		http_free(http);
		return NULL;
	}
	return http;
}

void
http_free(struct http *http)
{
	if (http == NULL)
		return;
	curl_easy_cleanup(http->curl);
	free(http->agent);
	free(http);
	curl_global_cleanup();
}

void
http_set_stop(struct http *http, bool (*stop)(void *ctx, bool file), void *ctx)
{
	http->stop = stop;
	http->stop_ctx = ctx;
}

/* libcurl sends a request again by itself when a kept connection dies before
 * the first byte of the answer. The server may have acted on it all the same,
 * so this is for requests that bear it. */
static int
before_send(void *ctx, char *primary_ip, char *local_ip, int primary_port,
    int local_port)
{
	struct transfer *t = ctx;

	FAILPOINT("http.sending");
	(void)primary_ip;
	(void)local_ip;
	(void)primary_port;
	(void)local_port;
	/* making the connection may have taken long; nothing is sent yet */
	if (t->sends == 0 && t->req->once && t->http->stop != NULL &&
	    t->http->stop(t->http->stop_ctx, true)) {
		err_set(&t->failure, ERR_RETRY, "stopped");
		return CURL_PREREQFUNC_ABORT;
	}
	if (t->sends++ > 0 && t->req->once) {
		err_set(&t->failure, ERR_UNKNOWN, "connection lost");
		return CURL_PREREQFUNC_ABORT;
	}
	return CURL_PREREQFUNC_OK;
}

static curl_socket_t
open_public(void *ctx, curlsocktype purpose, struct curl_sockaddr *addr)
{
	struct transfer *t = ctx;

	(void)purpose;
	if (!http_address_public(&addr->addr)) {
		t->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(
	    addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
}

/* The answer goes to the sink: count, hash, write. */
static int
take_file(struct transfer *t, const char *data, size_t n)
{
	curl_off_t length = -1;

	curl_easy_getinfo(
	    t->http->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	t->resp->bytes += (int64_t)n;
	if (length > t->req->sink_max || t->resp->bytes > t->req->sink_max) {
		err_set(&t->failure, ERR_PERMANENT, "larger than %lld bytes",
		    (long long)t->req->sink_max);
		return -1;
	}
	if (crypto_hash_add(t->hash, data, n) != 0) {
		err_nomem(&t->failure);
		return -1;
	}
	if (fwrite(data, 1, n, t->req->sink) != n) {
		err_sys(&t->failure, ERR_RETRY, "cannot write the file");
		return -1;
	}
	return 0;
}

/* libcurl's own ceilings differ from version to version. */
static size_t
on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	(void)data;
	(void)size; /* always 1 */
	if ((t->headers += n) <= MAX_HEADERS)
		return n;
	err_set(&t->failure, ERR_RETRY, "headers larger than %zu bytes",
	    MAX_HEADERS);
	return 0;
}

static size_t
on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	long status = 0;

	FAILPOINT("http.receiving");
	(void)size; /* always 1 */
	curl_easy_getinfo(t->http->curl, CURLINFO_RESPONSE_CODE, &status);
	if (t->req->sink != NULL && status == 200)
		return take_file(t, data, n) == 0 ? n : CURL_WRITEFUNC_ERROR;
	if (buf_add(&t->resp->body, data, n) == 0)
		return n;
	if (errno == EFBIG)
		err_set(&t->failure, ERR_RETRY, "answer larger than %zu bytes",
		    t->resp->body.max);
	else
		err_nomem(&t->failure);
	return CURL_WRITEFUNC_ERROR;
}

static size_t
on_upload(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	int64_t left = t->req->upload_size - t->uploaded;
	size_t got;

	n *= size;
	if ((int64_t)n > left)
		n = (size_t)left;
	if (n == 0)
		return 0;
	/* Ending early without a word would leave both sides waiting. */
	if ((got = fread(data, 1, n, t->req->upload)) == 0) {
		err_set(&t->failure, ERR_RETRY,
		    "the file to send is shorter than expected");
		return CURL_READFUNC_ABORT;
	}
	t->uploaded += (int64_t)got;
	FAILPOINT("http.uploading");
	return got;
}

/* "100 Continue", or nothing for EXPECT_MS. */
static size_t
on_announced(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	long status = 0;

	(void)data;
	(void)size;
	(void)n;
	if (curl_easy_getinfo(t->http->curl, CURLINFO_RESPONSE_CODE, &status) ==
	    CURLE_OK)
		t->resp->status = (int)status;
	t->aborted = true;
	return CURL_READFUNC_ABORT;
}

static int
on_rewind(void *ctx, curl_off_t offset, int origin)
{
	struct transfer *t = ctx;

	if (origin != SEEK_SET || offset != 0 ||
	    fseeko(t->req->upload, t->req->upload_offset, SEEK_SET) != 0)
		return CURL_SEEKFUNC_FAIL;
	t->uploaded = 0;
	return CURL_SEEKFUNC_OK;
}

static int
on_progress(void *ctx, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal,
    curl_off_t ulnow)
{
	struct transfer *t = ctx;
	bool file = t->req->sink != NULL || t->req->upload != NULL;

	(void)dltotal;
	(void)dlnow;
	(void)ultotal;
	(void)ulnow;
	if (!t->http->stop(t->http->stop_ctx, file))
		return 0;
	if (t->http->stopped_at == 0)
		t->http->stopped_at = clock_ms();
	if (!file && clock_ms() - t->http->stopped_at < STOP_PATIENCE_MS)
		return 0;
	err_set(&t->failure, ERR_RETRY, "stopped");
	return 1;
}

/* One option; once one has failed the rest is skipped. */
#define SET(option, value)                                            \
	do {                                                          \
		if (code == CURLE_OK)                                 \
			code = curl_easy_setopt(curl, option, value); \
	} while (0)

static CURLcode
set_common(CURL *curl, struct transfer *t, struct curl_slist *headers)
{
	const struct http_request *req = t->req;
	CURLcode code = CURLE_OK;

	SET(CURLOPT_URL, req->url);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_USERAGENT, t->http->agent);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_NOPROGRESS, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	SET(CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
	SET(CURLOPT_LOW_SPEED_LIMIT, req->low_speed_limit);
	SET(CURLOPT_LOW_SPEED_TIME, req->low_speed_time);
	/* Not all S3 servers say "100 Continue"; an "Expect:" to be rid of
	 * the wait would break the signature of libcurl before 8.3. */
	SET(CURLOPT_EXPECT_100_TIMEOUT_MS, req->announced > 0 ? EXPECT_MS : 1L);
	SET(CURLOPT_PREREQFUNCTION, before_send);
	SET(CURLOPT_PREREQDATA, t);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	if (req->public_only) {
		/* A kept connection or a proxy would go round the check. */
		SET(CURLOPT_OPENSOCKETFUNCTION, open_public);
		SET(CURLOPT_OPENSOCKETDATA, t);
		SET(CURLOPT_FRESH_CONNECT, 1L);
		SET(CURLOPT_PROXY, "");
	}
	return code;
}

/* The fields of a form; the file is read while it is sent. */
static CURLcode
set_form(CURL *curl, struct transfer *t)
{
	const struct http_form *form = t->req->form;
	const char *const *field = form->fields;
	curl_mimepart *part;
	CURLcode code;

	if ((t->mime = curl_mime_init(curl)) == NULL)
		return CURLE_OUT_OF_MEMORY;
	for (; field != NULL && *field != NULL; field += 2) {
		if ((part = curl_mime_addpart(t->mime)) == NULL)
			return CURLE_OUT_OF_MEMORY;
		if ((code = curl_mime_name(part, field[0])) != CURLE_OK ||
		    (code = curl_mime_data(
			 part, field[1], CURL_ZERO_TERMINATED)) != CURLE_OK)
			return code;
	}
	if ((part = curl_mime_addpart(t->mime)) == NULL)
		return CURLE_OUT_OF_MEMORY;
	if ((code = curl_mime_name(part, form->name)) == CURLE_OK &&
	    (code = curl_mime_filename(part, form->filename)) == CURLE_OK &&
	    (code = curl_mime_type(part, form->type)) == CURLE_OK &&
	    (code = curl_mime_data_cb(part, (curl_off_t)t->req->upload_size,
		 on_upload, on_rewind, NULL, t)) == CURLE_OK)
		SET(CURLOPT_MIMEPOST, t->mime);
	return code;
}

static CURLcode
set_payload(CURL *curl, struct transfer *t)
{
	const struct http_request *req = t->req;
	CURLcode code = CURLE_OK;

	if (req->form != NULL) {
		code = set_form(curl, t);
	} else if (req->upload != NULL) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)req->upload_size);
		SET(CURLOPT_READFUNCTION, on_upload);
		SET(CURLOPT_READDATA, t);
		SET(CURLOPT_SEEKFUNCTION, on_rewind);
		SET(CURLOPT_SEEKDATA, t);
	} else if (req->announced > 0) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)req->announced);
		SET(CURLOPT_READFUNCTION, on_announced);
		SET(CURLOPT_READDATA, t);
	} else if (req->body != NULL) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
		SET(CURLOPT_POSTFIELDS, req->body);
	}
	if (strcmp(req->method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	else
		SET(CURLOPT_CUSTOMREQUEST, req->method);
	/* A file is kept as it is, byte for byte. */
	if (req->sink == NULL)
		SET(CURLOPT_ACCEPT_ENCODING, "");
	if (t->http->stop != NULL) {
		SET(CURLOPT_NOPROGRESS, 0L);
		SET(CURLOPT_XFERINFOFUNCTION, on_progress);
		SET(CURLOPT_XFERINFODATA, t);
	}
	return code;
}

static CURLcode
set_sigv4(CURL *curl, const struct http_sigv4 *sigv4)
{
	CURLcode code = CURLE_OK;
	char scope[96];
	int n;

	n = snprintf(scope, sizeof(scope), "aws:amz:%s:s3", sigv4->region);
	if (n < 0 || (size_t)n >= sizeof(scope))
		return CURLE_BAD_FUNCTION_ARGUMENT;
	SET(CURLOPT_AWS_SIGV4, scope);
	/* USERPWD would end the name at the first colon. */
	SET(CURLOPT_USERNAME, sigv4->access_key);
	SET(CURLOPT_PASSWORD, sigv4->secret_key);
	return code;
}

static int
make_headers(
    const struct http_request *req, struct curl_slist **ret, struct err *err)
{
	const char *const *h;
	struct curl_slist *list;

	/* libcurl says so by itself only of large bodies */
	if (req->announced > 0 &&
	    (*ret = curl_slist_append(NULL, "Expect: 100-continue")) == NULL) {
		err_nomem(err);
		return -1;
	}
	for (h = req->headers; h != NULL && *h != NULL; h++) {
		if (strpbrk(*h, "\r\n") != NULL) {
			err_set(err, ERR_PERMANENT,
			    "header %.*s: line break in the value",
			    (int)strcspn(*h, ":\r\n"), *h);
			return -1;
		}
		if ((list = curl_slist_append(*ret, *h)) == NULL) {
			err_nomem(err);
			return -1;
		}
		*ret = list;
	}
	return 0;
}

static int
prepare(struct transfer *t, struct curl_slist **headers, struct err *err)
{
	CURL *curl = t->http->curl;
	CURLcode code;

	curl_easy_reset(curl);
	if (make_headers(t->req, headers, err) != 0)
		return -1;
	if (t->req->upload != NULL &&
	    fseeko(t->req->upload, t->req->upload_offset, SEEK_SET) != 0) {
		err_sys(err, ERR_RETRY, "cannot read the file to send");
		return -1;
	}
	if (t->req->sink != NULL && (t->hash = crypto_hash_begin()) == NULL) {
		err_nomem(err);
		return -1;
	}
	code = set_common(curl, t, *headers);
	if (code == CURLE_OK)
		code = set_payload(curl, t);
	if (code == CURLE_OK && t->req->sigv4 != NULL)
		code = set_sigv4(curl, t->req->sigv4);
	if (code == CURLE_OK)
		return 0;
	if (code == CURLE_OUT_OF_MEMORY)
		err_nomem(err);
	else
		err_set(err, ERR_PERMANENT, "libcurl: %s",
		    curl_easy_strerror(code));
	return -1;
}

/* "api.example.com:8443", for people. */
static void
origin(const char *url, char *ret, size_t size)
{
	const char *rest = strstr(url, "://");
	const char *at;
	size_t n;

	if (rest == NULL) {
		snprintf(ret, size, "URL without a scheme");
		return;
	}
	rest += 3;
	n = strcspn(rest, "/?#");
	while ((at = memchr(rest, '@', n)) != NULL) { /* a password */
		n -= (size_t)(at + 1 - rest);
		rest = at + 1;
	}
	snprintf(ret, size, "%.*s", (int)n, rest);
}

static void
explain(struct transfer *t, CURLcode code, struct err *err)
{
	char server[280];
	const char *text = curl_easy_strerror(code);
	enum err_kind kind = ERR_RETRY;

	if (err_is_set(&t->failure)) {
		kind = t->failure.kind;
		text = t->failure.text;
	} else if (t->refused && t->sends == 0) {
		kind = ERR_PERMANENT;
		text = "its address is not a public one";
	} else if (t->sends == 0 &&
	    (code == CURLE_URL_MALFORMAT ||
		code == CURLE_UNSUPPORTED_PROTOCOL)) {
		/* once it is sent, that is about the answer */
		kind = ERR_PERMANENT;
	}
	if (t->req->once && t->sends > 0)
		kind = ERR_UNKNOWN;
	origin(t->req->url, server, sizeof(server));
	err_set(err, kind, "%s: %s", server, text);
}

/* What time it is by the server's clock, which is what it reckons dates by;
 * by ours where it does not say. */
static int64_t
server_time(struct http *http)
{
	time_t date = curl_getdate(http_header(http, "Date"), NULL);

	return (int64_t)(date == -1 ? time(NULL) : date);
}

static int
collect(struct transfer *t, struct err *err)
{
	struct http_response *resp = t->resp;
	CURL *curl = t->http->curl;
	unsigned char digest[SHA256_SIZE];
	curl_off_t length = -1;
	char *text = NULL;
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	resp->status = (int)status;
	if (status / 100 != 2) /* it is going to be quoted, perhaps in parts */
		secret_hide(resp->body.data, resp->body.len);
	curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	resp->length = length;
	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &text);
	if (text != NULL)
		snprintf(
		    resp->content_type, sizeof(resp->content_type), "%s", text);
	resp->retry_after_ms = http_retry_after(
	    http_header(t->http, "Retry-After"), server_time(t->http));
	text = NULL;
	curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &text);
	if (text != NULL && (resp->location = strdup(text)) == NULL) {
		explain(t, CURLE_OUT_OF_MEMORY, err);
		return -1;
	}
	if (t->hash == NULL)
		return 0;
	if (crypto_hash_end(t->hash, digest) == 0)
		crypto_hex(digest, sizeof(digest), resp->sha256);
	t->hash = NULL;
	if (resp->sha256[0] == '\0' || fflush(t->req->sink) != 0) {
		err_sys(err, ERR_RETRY, "cannot write the file");
		return -1;
	}
	return 0;
}

int
http_perform(struct http *http, const struct http_request *req,
    struct http_response *resp, struct err *err)
{
	struct transfer t = { .http = http, .req = req, .resp = resp };
	struct curl_slist *headers = NULL;
	unsigned char digest[SHA256_SIZE];
	CURLcode code;
	int rc = -1;

	http->stopped_at = 0;
	*resp = (struct http_response){ .length = -1, .retry_after_ms = -1 };
	buf_init(&resp->body,
	    req->max_response != 0 ? req->max_response : MAX_RESPONSE);
	if (prepare(&t, &headers, err) != 0)
		goto out;
	code = curl_easy_perform(http->curl);
	FAILPOINT("http.answered");
	resp->sent = t.sends > 0;
	if (t.aborted)
		rc = 0;
	else if (code != CURLE_OK)
		explain(&t, code, err);
	else
		rc = collect(&t, err);
out:
	if (t.hash != NULL)
		crypto_hash_end(t.hash, digest);
	curl_slist_free_all(headers);
	curl_mime_free(t.mime);
	return rc;
}

void
http_response_clear(struct http_response *resp)
{
	free(resp->location);
	resp->location = NULL;
	buf_free(&resp->body);
}

const char *
http_header(struct http *http, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(http->curl, name, 0, CURLH_HEADER, -1, &header) !=
	    CURLHE_OK)
		return "";
	return header->value;
}

/* The shortest of the three forms has 24 characters; curl_getdate() would take
 * "Sun" as well. */
int64_t
http_date(const char *value)
{
	return strlen(value) < 24 ? -1 : (int64_t)curl_getdate(value, NULL);
}

int64_t
http_retry_after(const char *value, int64_t now)
{
	int64_t seconds = 0, date;
	size_t n;

	value += strspn(value, " \t");
	n = strspn(value, "0123456789");
	if (n > 0) {
		const char *end = value + n;
		bool more = false; /* a fraction, rounded up */

		if (*end == '.')
			for (end++; *end >= '0' && *end <= '9'; end++)
				more |= *end != '0';
		if (end[strspn(end, " \t")] != '\0')
			return -1;
		while (n-- > 0 && seconds < MAX_RETRY_AFTER)
			seconds = seconds * 10 + (*value++ - '0');
		seconds += more;
	} else {
		if ((date = http_date(value)) == -1)
			return -1;
		seconds = date - now;
	}
	if (seconds < 0)
		seconds = 0;
	if (seconds > MAX_RETRY_AFTER)
		seconds = MAX_RETRY_AFTER;
	return seconds * 1000;
}

static bool
v4_public(uint32_t addr)
{
	/* https://www.iana.org/assignments/iana-ipv4-special-registry */
	static const struct {
		uint32_t net;
		unsigned int bits;
	} special[] = {
		{ 0x00000000, 8 },  /* this network */
		{ 0x0a000000, 8 },  /* 10/8, private */
		{ 0x64400000, 10 }, /* 100.64/10, shared */
		{ 0x7f000000, 8 },  /* loopback */
		{ 0xa9fe0000, 16 }, /* 169.254/16, link-local */
		{ 0xac100000, 12 }, /* 172.16/12, private */
		{ 0xc0000000, 24 }, /* 192.0.0/24, protocols */
		{ 0xc0000200, 24 }, /* 192.0.2/24, documentation */
		{ 0xc0586300, 24 }, /* 192.88.99/24, 6to4 relays */
		{ 0xc0a80000, 16 }, /* 192.168/16, private */
		{ 0xc6120000, 15 }, /* 198.18/15, benchmarks */
		{ 0xc6336400, 24 }, /* 198.51.100/24, documentation */
		{ 0xcb007100, 24 }, /* 203.0.113/24, documentation */
		{ 0xe0000000, 3 },  /* multicast, reserved, broadcast */
	};
	size_t i;

	for (i = 0; i < sizeof(special) / sizeof(*special); i++)
		if ((addr ^ special[i].net) >> (32 - special[i].bits) == 0)
			return false;
	return true;
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static bool
v6_public(const uint8_t *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

	/* An IPv4 address in disguise: ::ffff:0:0/96, 64:ff9b::/96. */
	if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0)
		return v4_public(be32(a + 12));
	if ((a[0] & 0xe0) != 0x20) /* 2000::/3 is all there is */
		return false;
	if (be32(a) == 0x20010db8) /* documentation */
		return false;
	if (be32(a) >> 9 == 0x20010000 >> 9) /* 2001::/23: Teredo and such */
		return false;
	return be32(a) >> 16 != 0x2002; /* 6to4 */
}

bool
http_address_public(const struct sockaddr *addr)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (addr->sa_family == AF_INET) {
		memcpy(&v4, addr, sizeof(v4));
		return v4_public(ntohl(v4.sin_addr.s_addr));
	}
	if (addr->sa_family == AF_INET6) {
		memcpy(&v6, addr, sizeof(v6));
		return v6_public(v6.sin6_addr.s6_addr);
	}
	return false;
}

static CURLUcode
has_part(CURLU *url, CURLUPart part, CURLUcode missing, bool *found)
{
	char *text = NULL;
	CURLUcode code = curl_url_get(url, part, &text, 0);

	curl_free(text);
	*found |= code == CURLUE_OK;
	return code == missing ? CURLUE_OK : code;
}

int
http_url_parse(const char *text, struct http_url *ret)
{
	CURLU *url = curl_url();
	char *scheme = NULL, *host = NULL;
	bool userinfo = false;
	CURLUcode code = CURLUE_OUT_OF_MEMORY;
	size_t i;
	int rc = -1;

	if (url == NULL ||
	    (code = curl_url_set(url, CURLUPART_URL, text, 0)) != CURLUE_OK ||
	    (code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0)) !=
		CURLUE_OK ||
	    (code = curl_url_get(url, CURLUPART_HOST, &host, 0)) != CURLUE_OK ||
	    (code = has_part(url, CURLUPART_USER, CURLUE_NO_USER, &userinfo)) !=
		CURLUE_OK ||
	    (code = has_part(url, CURLUPART_PASSWORD, CURLUE_NO_PASSWORD,
		 &userinfo)) != CURLUE_OK)
		goto out;
	if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		goto out;
	if (strlen(host) >= sizeof(ret->host))
		goto out;
	ret->https = strcmp(scheme, "https") == 0;
	ret->userinfo = userinfo;
	for (i = 0; host[i] != '\0'; i++)
		ret->host[i] = (char)tolower((unsigned char)host[i]);
	ret->host[i] = '\0';
	rc = 0;
out:
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(url);
	errno = code == CURLUE_OUT_OF_MEMORY ? ENOMEM : EINVAL;
	return rc;
}

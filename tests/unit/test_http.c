#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "canned.h"
#include "ext/http.h"

#define YEAR_MS (365LL * 24 * 3600 * 1000)
#define OK(body) "HTTP/1.1 200 OK\r\nContent-Length: " body

static void
a_date_is_seconds(void **state)
{
	(void)state;
	assert_int_equal(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
	assert_int_equal(http_date(""), -1);
	assert_int_equal(http_date("Sun"), -1);
	assert_int_equal(http_date("some time ago, or in a while"), -1);
}

static void
retry_after_is_seconds_or_a_date(void **state)
{
	static const struct {
		const char *value;
		int64_t ms;
	} cases[] = {
		{ "0", 0 },
		{ "7", 7000 },
		{ " 30 ", 30000 },
		{ "3600", 3600000 },
		{ "604800", 604800000 },
		{ "99999999999999999999", YEAR_MS },
		{ "Sun, 06 Nov 1994 08:50:37 GMT", 60000 },
		{ "Sunday, 06-Nov-94 08:50:37 GMT", 60000 },
		{ "Sun Nov  6 08:50:37 1994", 60000 },
		{ "Sun, 06 Nov 1994 08:49:00 GMT", 0 },
		{ "Sun, 06 Nov 2044 08:49:37 GMT", YEAR_MS },
		{ "", -1 },
		{ "-5", -1 },
		{ "1.5", 2000 },
		{ "2.000", 2000 },
		{ "1.5s", -1 },
		{ "1e3", -1 },
		{ "5s", -1 },
		{ "soon", -1 },
		{ "Sun", -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(
		    http_retry_after(cases[i].value, 784111777), cases[i].ms);
}

/* Whatever our clock says: a date is reckoned from the server's own. */
static void
a_date_is_read_by_the_servers_clock(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 503 No\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n"
		"Content-Length: 0\r\n\r\n",
		"HTTP/1.1 503 No\r\nDate: yesterday\r\n"
		"Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n"
		"Content-Length: 0\r\n\r\n",
		NULL
	};
	static const int64_t ms[] = { 30000, 0 };
	struct err err = ERR_INIT;
	struct http *http = http_new("test/1", &err);
	struct http_response resp;
	struct canned server;

	(void)state;
	canned_start(&server, answers);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(http_perform(http,
				     &(struct http_request){
					 .method = "GET", .url = server.url },
				     &resp, &err),
		    0);
		assert_int_equal(resp.retry_after_ms, ms[i]);
		http_response_clear(&resp);
	}
	http_free(http);
	canned_stop(&server);
}

/* Neither many lines nor a long one. */
static void
headers_have_a_ceiling(void **state)
{
	enum { SIZE = 80000 };
	static char many[SIZE + 64], one[SIZE + 64];
	const char *const answers[] = { many, one, NULL };
	struct err err = ERR_INIT;
	struct http *http = http_new("test/1", &err);
	struct http_response resp;
	struct canned server;

	(void)state;
	strcpy(many, "HTTP/1.1 200 OK\r\nConnection: close\r\n");
	for (size_t n = strlen(many); n < SIZE; n += 8)
		memcpy(many + n, "A: 123\r\n", 9);
	strcpy(one, "HTTP/1.1 200 OK\r\nConnection: close\r\nA: ");
	memset(one + strlen(one), 'b', SIZE - strlen(one));
	strcat(many, "\r\n");
	strcat(one, "\r\n\r\n");
	canned_start(&server, answers);
	for (size_t i = 0; i < 2; i++) {
		err_clear(&err);
		assert_int_equal(http_perform(http,
				     &(struct http_request){
					 .method = "GET", .url = server.url },
				     &resp, &err),
		    -1);
		assert_int_equal(err.kind, ERR_RETRY);
		assert_non_null(strstr(err.text, "headers larger than 65536"));
		http_response_clear(&resp);
	}
	http_free(http);
	canned_stop(&server);
}

/* What the server says to it is told, and nothing else is sent. Of the third,
 * which says nothing, that is told. */
static void
a_body_is_announced(void **state)
{
	static const char *const answers[] = { CANNED_EARLY
		"HTTP/1.1 100 Continue\r\n\r\n" CANNED_STALL,
		CANNED_EARLY "HTTP/1.1 413 Too Large\r\nContent-Length: "
			     "0\r\n\r\n" CANNED_STALL,
		CANNED_EARLY CANNED_STALL, NULL };
	static const int status[] = { 100, 413, 0 };
	struct err err = ERR_INIT;
	struct http *http = http_new("test/1", &err);
	struct http_response resp;
	struct canned server;

	(void)state;
	canned_start(&server, answers);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(http_perform(http,
				     &(struct http_request){ .method = "POST",
					 .url = server.url,
					 .announced = 3 },
				     &resp, &err),
		    0);
		assert_int_equal(resp.status, status[i]);
		http_response_clear(&resp);
	}
	http_free(http);
	canned_stop(&server);
	assert_int_equal(canned_count(&server, "POST / HTTP/1.1\r\n"), 3);
	assert_int_equal(canned_count(&server, "Content-Length: 3\r\n"), 3);
	assert_int_equal(canned_count(&server, "Expect: 100-continue\r\n"), 3);
	assert_string_equal(server.asked + server.len - 4, "\r\n\r\n");
}

static bool
is_public(const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return http_address_public((struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return http_address_public((struct sockaddr *)&v6);
}

static void
only_addresses_of_the_internet_are_public(void **state)
{
	static const char *const no[] = { "0.0.0.0", "10.1.2.3", "100.64.0.1",
		"127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1",
		"172.31.255.255", "192.0.0.8", "192.168.1.1", "198.18.0.1",
		"203.0.113.7", "224.0.0.1", "255.255.255.255", "::", "::1",
		"fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
		"2001::1", "2002:7f00:1::", "::ffff:10.0.0.1",
		"::ffff:127.0.0.1", "64:ff9b::a00:1", "::127.0.0.1" };
	static const char *const yes[] = { "1.1.1.1", "8.8.8.8", "100.63.0.1",
		"100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.1.1",
		"223.255.255.1", "2606:4700::1111", "2a00:1450::1",
		"2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (is_public(no[i]))
			fail_msg("%s taken for public", no[i]);
	for (i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (!is_public(yes[i]))
			fail_msg("%s not taken for public", yes[i]);
}

static void
urls_are_read_as_they_are_used(void **state)
{
	struct http_url url;

	(void)state;
	assert_int_equal(
	    http_url_parse("HTTPS://Media.Example.com:8443/a?b#c", &url), 0);
	assert_true(url.https);
	assert_false(url.userinfo);
	assert_string_equal(url.host, "media.example.com");
	assert_int_equal(
	    http_url_parse("http://good.example@10.0.0.1/", &url), 0);
	assert_false(url.https);
	assert_true(url.userinfo);
	assert_string_equal(url.host, "10.0.0.1");
	/* other spellings of 127.0.0.1 */
	assert_int_equal(http_url_parse("http://0x7f.1/", &url), 0);
	assert_string_equal(url.host, "127.0.0.1");
	assert_int_equal(http_url_parse("ftp://example.com/", &url), -1);
	assert_int_equal(http_url_parse("file:///etc/passwd", &url), -1);
	assert_int_equal(http_url_parse("example.com/a", &url), -1);
	assert_int_equal(http_url_parse("", &url), -1);
}

/* A client, a server, one exchange after the other. */
struct fixture {
	struct canned server;
	struct http *http;
	struct http_response resp;
	struct err err;
};

static void
begin(struct fixture *f, const char *const *answers)
{
	struct err err = ERR_INIT;

	canned_start(&f->server, answers);
	f->http = http_new("test/1", &err);
	assert_non_null(f->http);
	f->resp = (struct http_response){ 0 };
	f->err = err;
}

static int
exchange(struct fixture *f, struct http_request req)
{
	http_response_clear(&f->resp);
	err_clear(&f->err);
	if (req.url == NULL)
		req.url = f->server.url;
	return http_perform(f->http, &req, &f->resp, &f->err);
}

static void
end(struct fixture *f)
{
	http_response_clear(&f->resp);
	http_free(f->http);
	canned_stop(&f->server);
}

static void
an_answer_is_taken_whole(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 429 Slow\r\nRetry-After: 3\r\n"
		"Content-Type: application/json\r\n"
		"X-Notion-Request-Id: r1\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 302 Moved\r\nLocation: /other?a=b\r\n"
		"Content-Length: 0\r\n\r\n",
		NULL
	};
	static const char *const headers[] = { "Authorization: key", NULL };
	char target[128];
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(exchange(&f,
			     (struct http_request){ .method = "PATCH",
				 .headers = headers,
				 .body = "{\"a\":1}",
				 .body_len = 7 }),
	    0);
	assert_int_equal(f.resp.status, 429);
	assert_int_equal(f.resp.retry_after_ms, 3000);
	assert_string_equal(f.resp.content_type, "application/json");
	assert_string_equal(buf_text(&f.resp.body), "{}");
	assert_string_equal(http_header(f.http, "x-notion-request-id"), "r1");
	assert_string_equal(http_header(f.http, "absent"), "");
	assert_int_equal(
	    exchange(&f, (struct http_request){ .method = "GET" }), 0);
	assert_int_equal(f.resp.status, 302);
	snprintf(target, sizeof(target), "%s/other?a=b", f.server.url);
	assert_string_equal(f.resp.location, target);
	end(&f);
	assert_int_equal(f.server.requests, 2); /* the redirect stayed one */
	assert_int_equal(canned_count(&f.server, "PATCH / HTTP/1.1\r\n"), 1);
	assert_int_equal(canned_count(&f.server, "User-Agent: test/1\r\n"), 2);
	assert_int_equal(canned_count(&f.server, "Authorization: key\r\n"), 1);
	assert_int_equal(canned_count(&f.server, "Expect:"), 0);
	assert_int_equal(canned_count(&f.server, "\r\n\r\n{\"a\":1}"), 1);
}

/* libcurl repeats a request when a kept connection dies unanswered. */
static void
what_must_happen_once_is_sent_once(void **state)
{
	static const char *const answers[] = { OK("2\r\n\r\nok"), "",
		OK("5\r\n\r\nagain"), NULL };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(
	    exchange(&f, (struct http_request){ .method = "GET" }), 0);
	assert_int_equal(exchange(&f,
			     (struct http_request){ .method = "POST",
				 .body = "x",
				 .body_len = 1,
				 .once = true }),
	    -1);
	assert_int_equal(f.err.kind, ERR_UNKNOWN);
	assert_true(f.resp.sent);
	end(&f);
	assert_int_equal(canned_count(&f.server, "POST "), 1);
}

static void
what_may_be_repeated_is_repeated(void **state)
{
	static const char *const answers[] = { OK("2\r\n\r\nok"), "",
		OK("5\r\n\r\nagain"), NULL };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(
	    exchange(&f, (struct http_request){ .method = "GET" }), 0);
	assert_int_equal(
	    exchange(&f, (struct http_request){ .method = "GET" }), 0);
	assert_string_equal(buf_text(&f.resp.body), "again");
	end(&f);
	assert_int_equal(f.server.requests, 3);
}

static void
a_refused_connection_is_not_sent(void **state)
{
	static const char *const answers[] = { NULL };
	struct fixture f;
	char url[128];

	(void)state;
	begin(&f, answers);
	canned_stop(&f.server); /* the port is free now */
	snprintf(url, sizeof(url), "%s/path-secret?query-secret", f.server.url);
	assert_int_equal(exchange(&f,
			     (struct http_request){ .method = "POST",
				 .url = url,
				 .body = "x",
				 .body_len = 1,
				 .once = true }),
	    -1);
	assert_int_equal(f.err.kind, ERR_RETRY);
	assert_false(f.resp.sent);
	assert_null(strstr(f.err.text, "secret"));
	assert_non_null(strstr(f.err.text, "127.0.0.1"));
	http_response_clear(&f.resp);
	http_free(f.http);
}

static void
a_cut_answer_is_a_failure(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nConnection: close\r\n"
		"Content-Length: 9\r\n\r\nhalf",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n"
		"Content-Length: 9\r\n\r\nhalf",
		NULL
	};
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(
	    exchange(&f, (struct http_request){ .method = "GET" }), -1);
	assert_int_equal(f.err.kind, ERR_RETRY);
	assert_int_equal(exchange(&f,
			     (struct http_request){
				 .method = "POST", .body = "", .once = true }),
	    -1);
	assert_int_equal(f.err.kind, ERR_UNKNOWN);
	end(&f);
}

static void
an_answer_has_a_ceiling(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123456789", NULL
	};
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(
	    exchange(&f,
		(struct http_request){ .method = "GET", .max_response = 9 }),
	    -1);
	assert_int_equal(f.err.kind, ERR_RETRY);
	end(&f);
}

static void
a_file_is_hashed_and_bounded(void **state)
{
	static const char *const answers[] = { OK("3\r\n\r\nabc"),
		"HTTP/1.1 200 OK\r\nConnection: close\r\n"
		"Content-Length: 1000\r\n\r\nx",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n01234",
		"HTTP/1.1 404 No\r\nConnection: close\r\n\r\nno such file",
		NULL };
	struct http_request req = { .method = "GET", .sink_max = 4 };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	req.sink = tmpfile();
	assert_int_equal(exchange(&f, req), 0);
	assert_int_equal(f.resp.bytes, 3);
	assert_int_equal(f.resp.length, 3);
	assert_string_equal(f.resp.sha256,
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(ftell(req.sink), 3);
	assert_int_equal(exchange(&f, req), -1); /* says it is too long */
	assert_int_equal(f.err.kind, ERR_PERMANENT);
	assert_int_equal(exchange(&f, req), -1); /* does not say so */
	assert_int_equal(f.err.kind, ERR_PERMANENT);
	assert_int_equal(exchange(&f, req), 0); /* not the file: a reason */
	assert_int_equal(f.resp.bytes, 0);
	assert_string_equal(buf_text(&f.resp.body), "no such file");
	fclose(req.sink);
	end(&f);
}

static void
a_short_file_is_not_sent_as_a_long_one(void **state)
{
	static const char *const answers[] = { OK("0\r\n\r\n"), NULL };
	struct http_request req = { .method = "PUT", .upload_size = 5 };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	req.upload = tmpfile();
	fputs("abc", req.upload);
	assert_int_equal(exchange(&f, req), -1);
	assert_int_equal(f.err.kind, ERR_RETRY);
	req.upload_size = 3;
	assert_int_equal(exchange(&f, req), 0);
	fclose(req.upload);
	end(&f);
	assert_int_equal(canned_count(&f.server, "Content-Length: 3\r\n"), 1);
}

static void
private_addresses_are_refused(void **state)
{
	static const char *const answers[] = { OK("2\r\n\r\nok"),
		OK("2\r\n\r\nok"), NULL };
	struct http_request req = { .method = "GET" };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(exchange(&f, req), 0);
	req.public_only = true; /* the kept connection does not help */
	assert_int_equal(exchange(&f, req), -1);
	assert_int_equal(f.err.kind, ERR_PERMANENT);
	assert_false(f.resp.sent);
	end(&f);
	assert_int_equal(f.server.requests, 1);
}

static void
a_header_cannot_bring_another(void **state)
{
	static const char *const answers[] = { OK("0\r\n\r\n"), NULL };
	static const char *const headers[] = { "Authorization: secret\r\nX: y",
		NULL };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(
	    exchange(&f,
		(struct http_request){ .method = "GET", .headers = headers }),
	    -1);
	assert_int_equal(f.err.kind, ERR_PERMANENT);
	assert_null(strstr(f.err.text, "secret"));
	end(&f);
	assert_int_equal(f.server.requests, 0);
}

static bool
at_once(void *ctx, bool file)
{
	(void)ctx;
	(void)file;
	return true;
}

static void
transfers_of_files_can_be_stopped(void **state)
{
	static const char *const answers[] = { OK("2\r\n\r\nok"), NULL };
	struct http_request req = { .method = "GET" };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	http_set_stop(f.http, at_once, NULL);
	assert_int_equal(exchange(&f, req), 0);
	req.sink = tmpfile();
	req.sink_max = 100;
	assert_int_equal(exchange(&f, req), -1);
	assert_int_equal(f.err.kind, ERR_RETRY);
	fclose(req.sink);
	end(&f);
}

static void
what_must_happen_once_is_not_begun_after_the_stop(void **state)
{
	static const char *const answers[] = { NULL };
	struct http_request req = { .method = "POST", .once = true };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	http_set_stop(f.http, at_once, NULL);
	assert_int_equal(exchange(&f, req), -1);
	assert_int_equal(f.err.kind, ERR_RETRY); /* certainly not sent */
	end(&f);
	assert_int_equal(f.server.requests, 0);
}

static void
a_form_holds_fields_and_a_part_of_a_file(void **state)
{
	static const char *const answers[] = { OK("0\r\n\r\n"), NULL };
	static const char *const fields[] = { "part_number", "2", NULL };
	const struct http_form form = { .fields = fields,
		.name = "file",
		.filename = "a.mp3",
		.type = "audio/mpeg" };
	struct http_request req = { .method = "POST",
		.upload = tmpfile(),
		.upload_offset = 3,
		.upload_size = 4,
		.form = &form,
		.timeout_ms = 20000 };
	struct fixture f;

	(void)state;
	fputs("abcDEFGhij", req.upload);
	begin(&f, answers);
	req.url = f.server.url;
	if (http_perform(f.http, &req, &f.resp, &f.err) != 0)
		fail_msg("%s", f.err.text);
	fclose(req.upload);
	end(&f);
	assert_int_equal(canned_count(&f.server, "POST / HTTP/1.1\r\n"), 1);
	assert_int_equal(canned_count(&f.server,
			     "Content-Type: multipart/form-data; boundary="),
	    1);
	assert_int_equal(
	    canned_count(&f.server, "; name=\"part_number\"\r\n\r\n2\r\n--"),
	    1);
	assert_int_equal(canned_count(&f.server,
			     "; name=\"file\"; filename=\"a.mp3\"\r\n"
			     "Content-Type: audio/mpeg\r\n\r\nDEFG\r\n--"),
	    1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_date_is_seconds),
		cmocka_unit_test(retry_after_is_seconds_or_a_date),
		cmocka_unit_test(a_date_is_read_by_the_servers_clock),
		cmocka_unit_test(headers_have_a_ceiling),
		cmocka_unit_test(a_body_is_announced),
		cmocka_unit_test(only_addresses_of_the_internet_are_public),
		cmocka_unit_test(urls_are_read_as_they_are_used),
		cmocka_unit_test(an_answer_is_taken_whole),
		cmocka_unit_test(what_must_happen_once_is_sent_once),
		cmocka_unit_test(what_may_be_repeated_is_repeated),
		cmocka_unit_test(a_refused_connection_is_not_sent),
		cmocka_unit_test(a_cut_answer_is_a_failure),
		cmocka_unit_test(an_answer_has_a_ceiling),
		cmocka_unit_test(a_file_is_hashed_and_bounded),
		cmocka_unit_test(a_short_file_is_not_sent_as_a_long_one),
		cmocka_unit_test(private_addresses_are_refused),
		cmocka_unit_test(a_header_cannot_bring_another),
		cmocka_unit_test(transfers_of_files_can_be_stopped),
		cmocka_unit_test(
		    what_must_happen_once_is_not_begun_after_the_stop),
		cmocka_unit_test(a_form_holds_fields_and_a_part_of_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/s3.h"
#include "canned.h"

#define CLOSE "\r\nConnection: close\r\n\r\n"
#define ERROR(status, code)                                                  \
	"HTTP/1.1 " status CLOSE "<?xml version=\"1.0\"?><Error><Code>" code \
	"</Code><Message>told so</Message></Error>"
#define ABC                                \
	"ba7816bf8f01cfea414140de5dae2223" \
	"b00361a396177a9cb410ff61f20015ad"

struct fixture {
	struct canned server;
	struct s3 s3;
	struct err err;
};

static void
begin(struct fixture *f, const char *const *answers)
{
	struct err err = ERR_INIT;

	canned_start(&f->server, answers);
	f->s3 = (struct s3){ .http = http_new("test/1", &err),
		.endpoint = f->server.url,
		.bucket = "media",
		.keys = { "auto", "account:user", "no real secret" },
		.timeout_ms = 20000,
		.low_speed_limit = 1,
		.low_speed_time = 20 };
	f->err = err;
}

static void
end(struct fixture *f)
{
	http_free(f->s3.http);
	canned_stop(&f->server);
}

static int
put(struct fixture *f)
{
	FILE *file = tmpfile();
	int rc;

	fputs("abc and more", file);
	rc = s3_put(&f->s3, "a/b c+.mp3", file, 3, ABC, "audio/mpeg", &f->err);
	fclose(file);
	return rc;
}

static void
an_object_is_put_signed(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 0\r\n\r\n",
		NULL
	};
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(put(&f), 0);
	end(&f);
	assert_int_equal(
	    canned_count(&f.server, "PUT /media/a/b%20c%2B.mp3 HTTP"), 1);
	assert_int_equal(canned_count(&f.server,
			     "Authorization: AWS4-HMAC-SHA256 "
			     "Credential=account:user/"),
	    1);
	assert_int_equal(canned_count(&f.server, "/auto/s3/aws4_request"), 1);
	assert_int_equal(canned_count(&f.server,
			     "SignedHeaders=content-type;host;"
			     "x-amz-content-sha256;x-amz-date;"
			     "x-amz-meta-sha256"),
	    1);
	assert_int_equal(
	    canned_count(&f.server, "x-amz-content-sha256: " ABC), 1);
	assert_int_equal(canned_count(&f.server, "Content-Length: 3\r\n"), 1);
	assert_int_equal(canned_count(&f.server, "\r\n\r\nabc"), 1);
	assert_int_equal(canned_count(&f.server, "and more"), 0);
}

static void
an_object_is_found_or_not(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n"
		"x-amz-meta-sha256: " ABC "\r\n\r\n",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 300\r\n\r\n",
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 300\r\n\r\n", NULL
	};
	struct s3_object object = { 0 };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(s3_head(&f.s3, "k", &object, &f.err), 0);
	assert_true(object.exists);
	assert_int_equal(object.size, 12);
	assert_string_equal(object.sha256, ABC);
	assert_int_equal(s3_head(&f.s3, "k", &object, &f.err), 0);
	assert_false(object.exists);
	assert_int_equal(s3_head(&f.s3, "k", &object, &f.err), -1);
	assert_int_equal(f.err.kind, ERR_OPERATOR);
	end(&f);
}

static void
what_is_gone_counts_as_deleted(void **state)
{
	static const char *const answers[] = { "HTTP/1.1 204 No" CLOSE,
		/* Swift names a type even of nothing */
		"HTTP/1.1 204 No\r\nContent-Type: text/html" CLOSE,
		ERROR("404 No", "NoSuchKey"), ERROR("404 No", "NoSuchBucket"),
		NULL };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(s3_delete(&f.s3, "k", &f.err), 0);
	assert_int_equal(s3_delete(&f.s3, "k", &f.err), 0);
	assert_int_equal(s3_delete(&f.s3, "k", &f.err), 0);
	assert_int_equal(s3_delete(&f.s3, "k", &f.err), -1);
	assert_int_equal(f.err.kind, ERR_OPERATOR);
	end(&f);
}

static void
errors_say_what_to_do(void **state)
{
	static const struct {
		const char *answers[2];
		enum err_kind kind;
		const char *text;
	} cases[] = {
		{ { ERROR("403 No", "SignatureDoesNotMatch") }, ERR_OPERATOR,
		    "s3: put: 403 SignatureDoesNotMatch: told so" },
		{ { ERROR("400 No", "AuthorizationHeaderMalformed") },
		    ERR_OPERATOR,
		    "s3: put: 400 AuthorizationHeaderMalformed: told so" },
		{ { ERROR("404 No", "NoSuchBucket") }, ERR_OPERATOR,
		    "s3: put: 404 NoSuchBucket: told so" },
		{ { ERROR("400 No", "XAmzContentSHA256Mismatch") }, ERR_RETRY,
		    "s3: put: 400 XAmzContentSHA256Mismatch: told so" },
		{ { ERROR("400 No", "EntityTooLarge") }, ERR_PERMANENT,
		    "s3: put: 400 EntityTooLarge: told so" },
		{ { ERROR("503 No", "SlowDown") }, ERR_RETRY,
		    "s3: put: 503 SlowDown: told so" },
		{ { "HTTP/1.1 502 No" CLOSE "<html>" }, ERR_RETRY,
		    "s3: put: 502" },
		{ { "HTTP/1.1 301 Moved" CLOSE }, ERR_OPERATOR,
		    "s3: put: 301" },
		/* a log-in page of some network */
		{ { "HTTP/1.1 200 OK" CLOSE "<html>" }, ERR_RETRY,
		    "s3: put: 200, but not by S3" },
	};
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(&f, cases[i].answers);
		assert_int_equal(put(&f), -1);
		assert_memory_equal(
		    f.err.text, cases[i].text, strlen(cases[i].text));
		/* who must act is told what to do */
		assert_int_equal(strstr(f.err.text, "look at") != NULL,
		    cases[i].kind == ERR_OPERATOR);
		assert_int_equal(f.err.kind, cases[i].kind);
		end(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_is_put_signed),
		cmocka_unit_test(an_object_is_found_or_not),
		cmocka_unit_test(what_is_gone_counts_as_deleted),
		cmocka_unit_test(errors_say_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

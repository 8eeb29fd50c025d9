#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/openphone.h"
#include "canned.h"

#define JSON(status, body)                                        \
	"HTTP/1.1 " status "\r\nContent-Type: application/json; " \
	"charset=utf-8\r\nConnection: close\r\n\r\n" body

struct fixture {
	struct canned server;
	struct openphone op;
	char base[80];
	struct err err;
	json_t *got;
};

static void
begin(struct fixture *f, const char *surface, const char *const *answers)
{
	struct err err = ERR_INIT;

	canned_start(&f->server, answers);
	snprintf(f->base, sizeof(f->base), "%s%s", f->server.url, surface);
	f->op = (struct openphone){ .http = http_new("test/1", &err),
		.base = f->base,
		.key = "the-key",
		.version = "2026-03-30",
		.timeout_ms = 20000 };
	f->err = err;
	f->got = NULL;
}

static void
end(struct fixture *f)
{
	json_decref(f->got);
	http_free(f->op.http);
	canned_stop(&f->server);
}

static void
each_surface_has_its_paths(void **state)
{
	static const struct {
		int (*get)(const struct openphone *, const char *, json_t **,
		    struct err *);
		const char *dated, *v1;
		bool version; /* sent with the dated one */
	} cases[] = {
		{ openphone_call, "/calls/US%2F1?include=summary,voicemail",
		    "/v1/calls/US%2F1", true },
		{ openphone_recordings, "/calls/US%2F1/recordings?limit=50",
		    "/v1/call-recordings/US%2F1", true },
		{ openphone_transcripts, "/calls/US%2F1/transcripts",
		    "/v1/call-transcripts/US%2F1", true },
		{ openphone_summary, "/v1/call-summaries/US%2F1",
		    "/v1/call-summaries/US%2F1", false },
		{ openphone_voicemail, "/v1/call-voicemails/US%2F1",
		    "/v1/call-voicemails/US%2F1", false },
		{ openphone_message, "/messages/US%2F1", "/v1/messages/US%2F1",
		    true },
		{ openphone_user, "/users/US%2F1", "/v1/users/US%2F1", true },
		{ openphone_number, "/phone-numbers/US%2F1",
		    "/v1/phone-numbers/US%2F1", true },
		{ openphone_contact, "/v1/contacts/US%2F1",
		    "/v1/contacts/US%2F1", false },
	};
	static const char *const answers[] = {
		JSON("200 OK", "{\"data\":{\"a\":1}}"), NULL
	};
	struct fixture f;
	char line[128];
	size_t i;
	int v1;

	(void)state;
	for (i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		v1 = i & 1;
		begin(&f, v1 ? "/v1/" : "", answers);
		assert_int_equal(
		    cases[i / 2].get(&f.op, "US/1", &f.got, &f.err), 0);
		assert_non_null(f.got);
		end(&f);
		snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\n",
		    v1 ? cases[i / 2].v1 : cases[i / 2].dated);
		assert_int_equal(canned_count(&f.server, line), 1);
		assert_int_equal(
		    canned_count(&f.server, "\r\nAuthorization: the-key\r\n"),
		    1);
		assert_int_equal(canned_count(&f.server,
				     "\r\nQuo-Api-Version: 2026-03-30\r\n"),
		    !v1 && cases[i / 2].version);
	}
}

static void
lists_are_read_to_their_end(void **state)
{
	static const char *const answers[] = {
		JSON("200 OK", "{\"data\":[1,2],\"nextCursor\":\"a+b\"}"),
		JSON("200 OK", "{\"data\":[3],\"nextCursor\":\"c\"}"),
		JSON("200 OK", "{\"data\":[],\"nextCursor\":\"c\"}"), NULL
	};
	struct fixture f;

	(void)state;
	begin(&f, "", answers);
	assert_int_equal(
	    openphone_recordings(&f.op, "ACtest1", &f.got, &f.err), 0);
	assert_int_equal(json_array_size(f.got), 3);
	end(&f);
	assert_int_equal(
	    canned_count(&f.server, "recordings?limit=50&after=a%2Bb "), 1);
	assert_int_equal(f.server.requests, 3);
}

static void
the_one_transcript_of_v1_is_a_list(void **state)
{
	static const char *const answers[] = {
		JSON("200 OK", "{\"data\":{\"callId\":\"ACtest1\"}}"), NULL
	};
	struct fixture f;

	(void)state;
	begin(&f, "/v1", answers);
	assert_int_equal(
	    openphone_transcripts(&f.op, "ACtest1", &f.got, &f.err), 0);
	assert_int_equal(json_array_size(f.got), 1);
	end(&f);
}

static void
not_there_is_no_failure(void **state)
{
	static const struct {
		int (*get)(const struct openphone *, const char *, json_t **,
		    struct err *);
		const char *answers[2];
	} cases[] = {
		{ openphone_voicemail,
		    { JSON("404 No", "{\"message\":\"not found\"}") } },
		{ openphone_recordings,
		    { JSON("404 No", "{\"title\":\"Not Found\"}") } },
		{ openphone_call,
		    { JSON("400 No", "{\"code\":\"0101400\"}") } },
		{ openphone_summary,
		    { JSON("403 No", "{\"code\":\"0500403\"}") } },
		{ openphone_transcripts,
		    { JSON("403 No", "{\"code\":\"0600403\"}") } },
	};
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(&f, "/v1", cases[i].answers);
		f.got = json_true();
		assert_int_equal(
		    cases[i].get(&f.op, "ACtest1", &f.got, &f.err), 0);
		assert_null(f.got);
		end(&f);
	}
}

static void
only_people_are_looked_up(void **state)
{
	static const char *const answers[] = { NULL };
	struct fixture f;

	(void)state;
	begin(&f, "", answers);
	f.got = json_true();
	assert_int_equal(openphone_user(&f.op, "SYUtest1", &f.got, &f.err), 0);
	assert_null(f.got);
	end(&f);
	assert_int_equal(f.server.requests, 0);
}

static void
failures_say_what_to_do(void **state)
{
	static const struct {
		const char *answers[2];
		enum err_kind kind;
		int64_t wait;
		const char *text;
	} cases[] = {
		{ { JSON("401 No",
		      "{\"error\":{\"message\":\"bad key\","
		      "\"trace\":\"t1\"}}") },
		    ERR_OPERATOR, 0,
		    "openphone: call: 401 bad key (trace t1)" },
		{ { JSON("402 No",
		      "{\"code\":\"0201402\","
		      "\"message\":\"expired\"}") },
		    ERR_OPERATOR, 0, "openphone: call: 402 0201402: expired" },
		{ { JSON("403 No", "{\"message\":\"no\"}") }, ERR_OPERATOR, 0,
		    "openphone: call: 403 no" },
		{ { JSON("400 No", "{\"message\":\"bad\",\"trace\":\"t\"}") },
		    ERR_PERMANENT, 0, "openphone: call: 400 bad (trace t)" },
		{ { JSON("429 No", "{\"message\":\"slow\"}") }, ERR_WAIT, 1000,
		    "openphone: call: 429 slow" },
		{ { "HTTP/1.1 429 No\r\nRetry-After: 5\r\n"
		    "Content-Length: 0\r\n\r\n" },
		    ERR_WAIT, 5000, "openphone: call: 429 without JSON" },
		{ { "HTTP/1.1 503 No\r\nRetry-After: 7\r\n"
		    "Content-Length: 0\r\n\r\n" },
		    ERR_WAIT, 7000, "openphone: call: 503 without JSON" },
		{ { "HTTP/1.1 400 No\r\nConnection: close\r\n\r\n<html>" },
		    ERR_RETRY, 0, "openphone: call: 400 without JSON" },
		{ { "HTTP/1.1 302 Found\r\nLocation: http://login.example/"
		    "\r\nConnection: close\r\n\r\n" },
		    ERR_OPERATOR, 0, "openphone: call: 302 without JSON" },
		{ { JSON("500 No", "{\"message\":\"oops\"}") }, ERR_RETRY, 0,
		    "openphone: call: 500 oops" },
		{ { "HTTP/1.1 502 No\r\nConnection: close\r\n\r\n<html>" },
		    ERR_RETRY, 0, "openphone: call: 502 without JSON" },
		{ { "HTTP/1.1 404 No\r\nConnection: close\r\n\r\n<html>" },
		    ERR_OPERATOR, 0, "openphone: call: 404 without JSON" },
		{ { "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>" },
		    ERR_RETRY, 0, "openphone: call: 200 without data" },
		{ { JSON("200 OK", "{\"data\":{\"id\"") }, ERR_RETRY, 0,
		    "openphone: call: 200 without data" },
	};
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(&f, "", cases[i].answers);
		assert_int_equal(
		    openphone_call(&f.op, "ACtest1", &f.got, &f.err), -1);
		assert_memory_equal(
		    f.err.text, cases[i].text, strlen(cases[i].text));
		/* who must act is told what to do */
		assert_int_equal(strstr(f.err.text, "look at") != NULL ||
			strstr(f.err.text, "the key's owner") != NULL ||
			strstr(f.err.text, "put a key") != NULL,
		    cases[i].kind == ERR_OPERATOR);
		assert_int_equal(f.err.kind, cases[i].kind);
		assert_int_equal(f.err.retry_after_ms, cases[i].wait);
		assert_null(f.got);
		end(&f);
	}
}

struct calls {
	int before, after, status;
	int64_t pause;
};

static int
before(void *ctx, struct err *err)
{
	struct calls *calls = ctx;

	if (calls->before++ == 0)
		return 0;
	err_set(err, ERR_WAIT, "the bucket is empty");
	err->retry_after_ms = 400;
	return -1;
}

static void
pause_all(void *ctx, int64_t ms, int status, const char *reason)
{
	((struct calls *)ctx)->pause = ms;
	assert_int_equal(status, 429);
	assert_string_equal(reason, "429 rate limit");
}

static void
after(void *ctx, struct err *err)
{
	((struct calls *)ctx)->after++;
	((struct calls *)ctx)->status = err->status;
}

static void
the_gate_sees_every_request(void **state)
{
	static const char *const answers[] = { JSON("429 No", "{}"), NULL };
	struct calls calls = { 0 };
	const struct api_gate gate = { before, pause_all, after, &calls };
	struct fixture f;

	(void)state;
	begin(&f, "", answers);
	f.op.gate = &gate;
	assert_int_equal(openphone_call(&f.op, "ACtest1", &f.got, &f.err), -1);
	assert_int_equal(calls.pause, 1000);
	assert_int_equal(calls.after, 1);
	assert_int_equal(calls.status, 429);
	err_clear(&f.err);
	assert_int_equal(openphone_call(&f.op, "ACtest1", &f.got, &f.err), -1);
	assert_int_equal(f.err.kind, ERR_WAIT);
	assert_int_equal(f.err.retry_after_ms, 400);
	end(&f);
	assert_int_equal(f.server.requests, 1);
}

/* Whether one object is gone is asked in another way: what that says of the
 * key counts as well, and a 403 is about the object. */
static void
the_gate_hears_what_became_of_it(void **state)
{
	static const struct {
		const char *const answers[2];
		int rc, after, status;
	} cases[] = {
		{ { JSON("200 OK", "{\"data\":{}}") }, 0, 1, 0 },
		{ { JSON("404 No", "{\"code\":\"0100404\"}") }, 0, 1, 0 },
		{ { JSON("401 No", "{}") }, -1, 1, 401 },
		{ { JSON("403 No", "{}") }, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct calls calls = { 0 };
		const struct api_gate gate = { before, pause_all, after,
			&calls };
		struct fixture f;
		bool gone;

		begin(&f, "", cases[i].answers);
		f.op.gate = &gate;
		assert_int_equal(
		    openphone_is_gone(&f.op, "call", "ACtest1", &gone, &f.err),
		    cases[i].rc);
		assert_int_equal(calls.after, cases[i].after);
		assert_int_equal(calls.status, cases[i].status);
		end(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_surface_has_its_paths),
		cmocka_unit_test(lists_are_read_to_their_end),
		cmocka_unit_test(the_one_transcript_of_v1_is_a_list),
		cmocka_unit_test(not_there_is_no_failure),
		cmocka_unit_test(only_people_are_looked_up),
		cmocka_unit_test(failures_say_what_to_do),
		cmocka_unit_test(the_gate_sees_every_request),
		cmocka_unit_test(the_gate_hears_what_became_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

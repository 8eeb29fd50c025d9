/* Peers that misbehave, and what each service's client makes of it. */
#include "unit.h"

#include "api/media.h"
#include "api/notion.h"
#include "api/openphone.h"
#include "api/s3.h"
#include "canned.h"

#define ID "0190f1d2-3c4b-4a5d-8e6f-000000000001"
#define OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define PLAIN "HTTP/1.1 400 No\r\n" CLOSE "\r\n"
#define CLOSE "Connection: close\r\n"

enum { TIMEOUT_MS = 400 };

/* Who asks: one of each kind of request. */
enum { READ, CREATE, OPENPHONE, PUT, FETCH, CLIENTS };

struct asking {
	struct http *http;
	const char *url;
};

static int
ask_read(const struct asking *a, struct err *err)
{
	const struct notion notion = { .http = a->http,
		.base = a->url,
		.key = "the-key",
		.version = "2026-03-11",
		.timeout_ms = TIMEOUT_MS };
	json_t *got = NULL;
	int rc = notion_get_page(&notion, ID, &got, err);

	json_decref(got);
	return rc;
}

static int
ask_create(const struct asking *a, struct err *err)
{
	const struct notion notion = { .http = a->http,
		.base = a->url,
		.key = "the-key",
		.version = "2026-03-11",
		.timeout_ms = TIMEOUT_MS };
	json_t *properties = json_object();
	char id[NOTION_ID_SIZE];
	int rc = notion_create_page(
	    &notion, ID, NULL, properties, NULL, id, NULL, err);

	json_decref(properties);
	return rc;
}

static int
ask_openphone(const struct asking *a, struct err *err)
{
	const struct openphone op = { .http = a->http,
		.base = a->url,
		.key = "the-key",
		.version = "2026-03-30",
		.timeout_ms = TIMEOUT_MS };
	json_t *got = NULL;
	int rc = openphone_call(&op, "ACtest1", &got, err);

	json_decref(got);
	return rc;
}

static int
ask_put(const struct asking *a, struct err *err)
{
	const struct s3 s3 = { .http = a->http,
		.endpoint = a->url,
		.bucket = "media",
		.keys = { "auto", "account", "no real secret" },
		.timeout_ms = TIMEOUT_MS,
		.low_speed_limit = 100000000,
		.low_speed_time = 1 };
	FILE *file = tmpfile();
	int rc;

	fputs("abc", file);
	rc = s3_put(&s3, "k", file, 3,
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad",
	    "audio/mpeg", err);
	fclose(file);
	return rc;
}

static int
ask_fetch(const struct asking *a, struct err *err)
{
	const char *hosts[] = { "127.0.0.1", "nowhere.invalid", NULL };
	const struct media_policy policy = { .hosts = hosts,
		.allow_http = true,
		.allow_private = true,
		.max_size = 100000,
		.timeout_ms = TIMEOUT_MS };
	struct media media = { 0 };
	int rc = media_fetch(a->http, &policy, a->url, NULL, &media, err);

	if (rc == 0)
		media_clear(&media);
	return rc;
}

static int (*const clients[CLIENTS])(
    const struct asking *, struct err *) = { [READ] = ask_read,
	[CREATE] = ask_create,
	[OPENPHONE] = ask_openphone,
	[PUT] = ask_put,
	[FETCH] = ask_fetch };

/* The answer is a failure of these kinds; ERR_NONE: it is good. */
static void
check(const char *what, const char *url, const char *const *answers,
    const enum err_kind *kinds)
{
	for (int i = 0; i < CLIENTS; i++) {
		struct err err = ERR_INIT;
		struct asking asking = { .http = http_new("test/1", &err),
			.url = url };
		struct canned server;

		if (answers != NULL) {
			canned_start(&server, answers);
			asking.url = server.url;
		}
		if (clients[i](&asking, &err) !=
			(kinds[i] == ERR_NONE ? 0 : -1) ||
		    err.kind != kinds[i])
			fail_msg("%s, client %d: %s: %s", what, i,
			    err_kind_name(err.kind), err.text);
		http_free(asking.http);
		if (answers != NULL)
			canned_stop(&server);
	}
}

#define ALL_RETRY                                                       \
	{                                                               \
		ERR_RETRY, ERR_UNKNOWN, ERR_RETRY, ERR_RETRY, ERR_RETRY \
	}

static void
answers_that_are_none(void **state)
{
	static const struct {
		const char *what, *answers[2];
		enum err_kind kinds[CLIENTS];
	} cases[] = {
		{ "silence", { CANNED_STALL }, ALL_RETRY },
		{ "headers, then silence", { OK CANNED_STALL }, ALL_RETRY },
		{ "a part, then silence",
		    { OK "Content-Length: 9\r\n\r\n{\"a\"" CANNED_STALL },
		    ALL_RETRY },
		{ "headers, byte by byte", { OK "A: " CANNED_DRIP },
		    ALL_RETRY },
		{ "a body, byte by byte", { OK "\r\n" CANNED_DRIP },
		    ALL_RETRY },
		{ "endless headers", { OK "A: " CANNED_FLOOD }, ALL_RETRY },
		{ "an endless body", { OK CLOSE "\r\n" CANNED_FLOOD },
		    { ERR_RETRY, ERR_UNKNOWN, ERR_RETRY, ERR_RETRY,
			/* what is too large stays so */
			ERR_PERMANENT } },
		{ "a longer length",
		    { OK CLOSE "Content-Length: 99\r\n\r\n{\"id\":\"" ID
			       "\",\"data\":{}}" },
		    ALL_RETRY },
		{ "a shorter length",
		    { OK CLOSE
			"ETag: x\r\nContent-Length: 9\r\n\r\n{\"id\":\"" ID
			"\",\"data\":{}}" },
		    { ERR_RETRY, ERR_UNKNOWN, ERR_RETRY, ERR_NONE, ERR_NONE } },
		{ "a log-in page",
		    { "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" CLOSE
		      "\r\n<!DOCTYPE html><title>Welcome</title>" },
		    ALL_RETRY },
		{ "nothing", { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
		    ALL_RETRY },
		{ "half of an object", { OK CLOSE "\r\n{\"id\":\"" ID },
		    { ERR_RETRY, ERR_UNKNOWN, ERR_RETRY, ERR_RETRY,
			ERR_NONE } },
		{ "a way elsewhere",
		    { "HTTP/1.1 302 Found\r\nLocation: https://login.example/"
		      "\r\n" CLOSE "\r\n" },
		    { ERR_OPERATOR, ERR_OPERATOR, ERR_OPERATOR, ERR_OPERATOR,
			ERR_PERMANENT } },
		{ "no HTTP", { "220 mail.example ESMTP\r\n" CANNED_STALL },
		    ALL_RETRY },
		{ "a connection that ends", { "" }, ALL_RETRY },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		check(cases[i].what, NULL, cases[i].answers, cases[i].kinds);
}

/* Then even a creation is known not to have happened. */
static void
servers_that_are_not_reached(void **state)
{
	static const enum err_kind kinds[CLIENTS] = { ERR_RETRY, ERR_RETRY,
		ERR_RETRY, ERR_RETRY, ERR_RETRY };
	static const char *const plain[] = { PLAIN, PLAIN, PLAIN, PLAIN, PLAIN,
		NULL };
	struct canned server;
	char secure[sizeof(server.url) + 2];

	(void)state;
	check("no such host", "http://nowhere.invalid", NULL, kinds);
	check("nobody listens", "http://127.0.0.1:1", NULL, kinds);
	canned_start(&server, plain);
	snprintf(secure, sizeof(secure), "https%s", strchr(server.url, ':'));
	check("no TLS", secure, NULL, kinds);
	canned_stop(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_that_are_none),
		cmocka_unit_test(servers_that_are_not_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "canned.h"
#include "sync/backfill.h"
#include "sync/history.h"

#define JSON(body)                                              \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" \
	"Connection: close\r\n\r\n" body

struct fixture {
	struct canned server;
	struct openphone op;
	struct err err;
	struct openphone_list list;
	struct history_cursor at;
};

static int64_t
moment(const char *text)
{
	int64_t ret;

	assert_int_equal(rfc3339_parse(text, &ret), 0);
	return ret;
}

static void
begin(struct fixture *f, const char *const *answers)
{
	canned_start(&f->server, answers);
	f->err = (struct err)ERR_INIT;
	f->op = (struct openphone){ .http = http_new("test/1", &f->err),
		.base = f->server.url,
		.key = "the-key",
		.version = "2026-03-30",
		.timeout_ms = 20000 };
	f->list = (struct openphone_list){ .list = "calls",
		.number = "",
		.party = "",
		.way = "",
		.actor = "",
		.since = moment("2026-02-01T00:00:00Z"),
		.until = moment("2026-03-01T00:00:00Z") };
	history_begin(&f->at, f->list.until);
}

static void
end(struct fixture *f)
{
	history_end(&f->at);
	http_free(f->op.http);
	canned_stop(&f->server);
}

/* The next page's ids, with commas. */
static void
next_is(struct fixture *f, const char *ids)
{
	char got[256] = "";
	json_t *page = NULL;
	const json_t *object;
	size_t i;

	assert_int_equal(
	    history_next(&f->op, &f->list, &f->at, &page, &f->err), 0);
	json_array_foreach (page, i, object) {
		size_t n = strlen(got);

		snprintf(got + n, sizeof(got) - n, "%s%s", i == 0 ? "" : ",",
		    json_string_value(json_object_get(object, "id")));
	}
	json_decref(page);
	assert_string_equal(got, ids);
}

static void
each_list_has_its_parameters(void **state)
{
	static const char *const empty[] = { JSON("{\"data\":[]}"), NULL };
	static const struct {
		struct openphone_list list;
		const char *path;
	} rows[] = {
		{ { "calls", false, "PN1", "+15550001111,+15550002222", "", "",
		      0, 60000000 },
		    "/calls?limit=50&include=summary,voicemail"
		    "&phoneNumberId=PN1"
		    "&participant%5Bin%5D=%2B15550001111%2C%2B15550002222"
		    "&createdAt%5Bgte%5D=1969-12-31T23%3A59%3A59.000Z"
		    "&createdAt%5Blte%5D=1970-01-01T00%3A01%3A01.000Z" },
		{ { "messages", false, "", "+15550001111", "from", "", 0,
		      60000000 },
		    "/messages?limit=50&from=%2B15550001111"
		    "&createdAt%5Bgt%5D=1969-12-31T23%3A59%3A59.000Z"
		    "&createdAt%5Blt%5D=1970-01-01T00%3A01%3A01.000Z" },
		{ { "calls", true, "PN1", "+15550001111", "", "US1", 0,
		      60000000 },
		    "/v1/calls?maxResults=100&phoneNumberId=PN1"
		    "&participants=%2B15550001111&userId=US1"
		    "&createdAfter=1969-12-31T23%3A59%3A59.000Z"
		    "&createdBefore=1970-01-01T00%3A01%3A01.000Z" },
		{ { "messages", true, "PN1", "+15550001111,+15550002222", "",
		      "", 0, 60000000 },
		    "/v1/messages?maxResults=100&phoneNumberId=PN1"
		    "&participants=%2B15550001111&participants=%2B15550002222"
		    "&createdAfter=1969-12-31T23%3A59%3A59.000Z"
		    "&createdBefore=1970-01-01T00%3A01%3A01.000Z" },
		{ { "conversations", true, "PN1", "", "", "", 0, 60000000 },
		    "/v1/conversations?maxResults=100&phoneNumbers=PN1"
		    "&createdBefore=1970-01-01T00%3A01%3A01.000Z" },
		{ { "contacts", true, "", "", "", "", 0, 60000000 },
		    "/v1/contacts?maxResults=50" },
		{ { "numbers", true, "", "", "", "", 0, 60000000 },
		    "/v1/phone-numbers" },
	};
	char line[512], *token = NULL;
	struct fixture f;
	json_t *data = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		begin(&f, empty);
		assert_int_equal(openphone_list_page(&f.op, &rows[i].list, "",
				     &data, &token, &f.err),
		    0);
		json_decref(data);
		assert_null(token);
		end(&f);
		snprintf(
		    line, sizeof(line), "GET %s HTTP/1.1\r\n", rows[i].path);
		assert_int_equal(canned_count(&f.server, line), 1);
		assert_int_equal(
		    canned_count(&f.server, "\r\nQuo-Api-Version: 2026-03-30"),
		    !rows[i].list.v1);
	}
}

static void
a_list_is_read_to_its_end(void **state)
{
	static const char *const answers[] = {
		JSON("{\"data\":["
		     "{\"id\":\"1\",\"createdAt\":\"2026-03-01T00:00:00Z\"},"
		     "{\"id\":\"2\",\"createdAt\":\"2026-02-28T23:59:59Z\"},"
		     "{\"id\":\"3\",\"createdAt\":\"2026-02-20T00:00:00Z\"}],"
		     "\"nextCursor\":\"a+b\"}"),
		JSON("{\"data\":["
		     "{\"id\":\"4\",\"createdAt\":\"2026-02-20T00:00:00Z\"},"
		     "{\"id\":\"5\",\"createdAt\":\"2026-02-01T00:00:00Z\"},"
		     "{\"id\":\"6\",\"createdAt\":\"2026-01-31T23:59:59Z\"}],"
		     "\"nextCursor\":\"more\"}"),
		NULL
	};
	struct fixture f;

	(void)state;
	begin(&f, answers);
	next_is(&f, "2,3");
	assert_false(f.at.end);
	assert_true(f.at.ordered);
	assert_int_equal(f.at.position, moment("2026-02-20T00:00:00Z"));
	next_is(&f, "4,5");
	assert_true(f.at.end); /* what follows is older than wanted */
	end(&f);
	assert_int_equal(canned_count(&f.server, "&after=a%2Bb "), 1);
	/* the range stays that of the token */
	assert_int_equal(
	    canned_count(&f.server, "Blte%5D=2026-03-01T00%3A00%3A01.000Z"), 2);
}

static void
a_list_goes_on_where_it_was(void **state)
{
	static const char *const answers[] = { JSON("{\"data\":[]}"), NULL };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	history_begin(&f.at, moment("2026-02-20T00:00:00.250Z"));
	next_is(&f, "");
	assert_true(f.at.end);
	end(&f);
	/* with what was created at that moment */
	assert_int_equal(
	    canned_count(&f.server, "Blte%5D=2026-02-20T00%3A00%3A01.250Z"), 1);
}

static void
tokens_that_lead_nowhere(void **state)
{
	static const char *const same[] = {
		JSON("{\"data\":[{\"id\":\"1\"}],\"nextCursor\":\"t\"}"),
		JSON("{\"data\":[{\"id\":\"1\"}],\"nextCursor\":\"t\"}"), NULL
	};
	static const char *const none[] = {
		JSON("{\"data\":[],\"nextCursor\":\"t\"}"), NULL
	};
	struct fixture f;

	(void)state;
	begin(&f, same);
	next_is(&f, "1");
	assert_false(f.at.end);
	next_is(&f, "1");
	assert_true(f.at.end);
	end(&f);
	begin(&f, none);
	next_is(&f, "");
	assert_true(f.at.end);
	end(&f);
}

/* Then a moment says nothing about what has been given. */
static void
a_list_that_is_not_in_order(void **state)
{
	static const char *const answers[] = {
		JSON("{\"data\":["
		     "{\"id\":\"1\",\"createdAt\":\"2026-02-10T00:00:00Z\"},"
		     "{\"id\":\"2\",\"createdAt\":\"2026-01-10T00:00:00Z\"},"
		     "{\"id\":\"3\",\"createdAt\":\"2026-02-20T00:00:00Z\"}],"
		     "\"nextCursor\":\"t\"}"),
		NULL
	};
	struct fixture f;

	(void)state;
	begin(&f, answers);
	next_is(&f, "1,3");
	assert_false(f.at.ordered);
	assert_false(f.at.end);
	end(&f);
}

static void
no_such_list(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n"
		"Connection: close\r\n\r\n{\"message\":\"no\"}",
		NULL
	};
	struct fixture f;
	json_t *page = NULL;

	(void)state;
	begin(&f, answers);
	assert_int_equal(
	    history_next(&f.op, &f.list, &f.at, &page, &f.err), -1);
	assert_int_equal(f.err.kind, ERR_PERMANENT);
	assert_null(page);
	end(&f);
}

/* ---- the plan ---- */

struct planned {
	char text[4096];
	size_t n;
};

static int
note(void *ctx, const struct openphone_list *slice, struct err *err)
{
	struct planned *to = ctx;
	char since[RFC3339_SIZE], until[RFC3339_SIZE];
	size_t len = strlen(to->text);

	(void)err;
	rfc3339_format(slice->since, since);
	rfc3339_format(slice->until, until);
	snprintf(to->text + len, sizeof(to->text) - len,
	    "%s%s %s %s %s %s %.10s %.10s\n", slice->list,
	    slice->v1 ? " v1" : "", slice->number, slice->party, slice->way,
	    slice->actor, since, until);
	to->n++;
	return 0;
}

static void
the_plan(void **state)
{
	json_t *contact = json_pack("[s, s]", "+15550001111", "+15550002222");
	struct backfill b = { .since = moment("2026-02-01T00:00:00Z"),
		.until = moment("2026-03-15T00:00:00Z"),
		.number = "" };
	struct planned p = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(backfill_plan(&b, note, &p, &err), 0);
	assert_string_equal(p.text,
	    "contacts v1     2026-02-01 2026-03-15\n"
	    "calls     2026-02-13 2026-03-15\n"
	    "messages     2026-02-13 2026-03-15\n"
	    "calls     2026-02-01 2026-02-13\n"
	    "messages     2026-02-01 2026-02-13\n");
	p = (struct planned){ 0 };
	b.since = moment("2026-03-01T00:00:00Z");
	b.number = "PN1";
	b.contact = contact;
	assert_int_equal(backfill_plan(&b, note, &p, &err), 0);
	assert_string_equal(p.text,
	    "contacts v1     2026-03-01 2026-03-15\n"
	    "calls PN1 +15550001111,+15550002222   2026-03-01 2026-03-15\n"
	    "messages PN1 +15550001111 from  2026-03-01 2026-03-15\n"
	    "messages PN1 +15550001111 to  2026-03-01 2026-03-15\n"
	    "messages PN1 +15550002222 from  2026-03-01 2026-03-15\n"
	    "messages PN1 +15550002222 to  2026-03-01 2026-03-15\n");
	json_decref(contact);
}

static void
conversations_become_slices(void **state)
{
	static const struct {
		const char *json, *slices;
	} rows[] = {
		{ "{\"phoneNumberId\":\"PN1\","
		  "\"participants\":[\"+15550001111\"]}",
		    "messages v1 PN1 +15550001111   2026-02-01 2026-03-15\n"
		    "calls v1 PN1 +15550001111   2026-02-01 2026-03-15\n"
		    "calls v1 PN1 +15550001111  US1 2026-02-01 2026-03-15\n"
		    "calls v1 PN1 +15550001111  US2 2026-02-01 2026-03-15\n" },
		/* v1 refuses to list the calls of several people */
		{ "{\"phoneNumberId\":\"PN1\",\"participants\":"
		  "[\"+15550001111\",\"+15550002222\"]}",
		    "messages v1 PN1 +15550001111,+15550002222   "
		    "2026-02-01 2026-03-15\n" },
		{ "{\"phoneNumberId\":\"PN1\",\"lastActivityAt\":"
		  "\"2026-01-31T23:59:59Z\","
		  "\"participants\":[\"+15550001111\"]}",
		    "" },
		{ "{\"phoneNumberId\":\"PN1\",\"participants\":[]}", "" },
		{ "{\"participants\":[\"+15550001111\"]}", "" },
	};
	const struct backfill b = { .v1 = true,
		.since = moment("2026-02-01T00:00:00Z"),
		.until = moment("2026-03-15T00:00:00Z"),
		.number = "" };
	json_t *numbers = json_pack("[{s:s, s:[{s:s}]}, {s:s, s:[{s:s}, {s:s},"
				    "{s:s}]}]",
	    "id", "PN2", "users", "id", "US9", "id", "PN1", "users", "id",
	    "US1", "id", "US2", "id", "SYU3");
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(numbers);
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *one = json_loads(rows[i].json, 0, NULL);
		struct planned p = { 0 };

		assert_non_null(one);
		assert_int_equal(backfill_plan_conversation(
				     &b, numbers, one, note, &p, &err),
		    0);
		assert_string_equal(p.text, rows[i].slices);
		json_decref(one);
	}
	json_decref(numbers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_list_has_its_parameters),
		cmocka_unit_test(a_list_is_read_to_its_end),
		cmocka_unit_test(a_list_goes_on_where_it_was),
		cmocka_unit_test(tokens_that_lead_nowhere),
		cmocka_unit_test(a_list_that_is_not_in_order),
		cmocka_unit_test(no_such_list),
		cmocka_unit_test(the_plan),
		cmocka_unit_test(conversations_become_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

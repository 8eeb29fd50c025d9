#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/notion.h"
#include "canned.h"

#define JSON(status, body)                                        \
	"HTTP/1.1 " status "\r\nContent-Type: application/json; " \
	"charset=utf-8\r\nConnection: close\r\n\r\n" body
#define ID1 "0190f1d2-3c4b-4a5d-8e6f-000000000001"
#define ID2 "0190f1d2-3c4b-4a5d-8e6f-000000000002"
#define ID3 "0190f1d2-3c4b-4a5d-8e6f-000000000003"

static void
an_id_is_found_in_many_spellings(void **state)
{
	static const char *const yes[] = {
		"0190f1d2-3c4b-4a5d-8e6f-0000000000ab",
		"0190F1D23C4B4A5D8E6F0000000000AB",
		"  0190f1d23c4b4a5d8e6f0000000000ab\n",
		"https://www.notion.so/0190f1d23c4b4a5d8e6f0000000000ab",
		"https://www.notion.so/ws/My-Calls-"
		"0190f1d23c4b4a5d8e6f0000000000ab?v="
		"11111111111111111111111111111111&pvs=4",
		"https://app.notion.com/p/0190f1d2-3c4b-4a5d-8e6f-"
		"0000000000ab/",
		"notion.so/Cafe-0190f1d23c4b4a5d8e6f0000000000ab#"
		"22222222222222222222222222222222",
	};
	static const char *const no[] = { "", "Calls", "https://notion.so/",
		"0190f1d23c4b4a5d8e6f0000000000a",
		"00190f1d23c4b4a5d8e6f0000000000ab",
		"0190f1d2-3c4b4a5d-8e6f-0000000000ab",
		"0190f1d2-3c4b-4a5d-8e6f-0000000000ag",
		"notion.so/Calls?v=11111111111111111111111111111111" };
	char id[NOTION_ID_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (notion_id_parse(yes[i], id) != 0)
			fail_msg("no id in %s", yes[i]);
		assert_string_equal(id, "0190f1d2-3c4b-4a5d-8e6f-0000000000ab");
	}
	for (i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (notion_id_parse(no[i], id) == 0)
			fail_msg("%s taken for an id", no[i]);
}

struct fixture {
	struct canned server;
	struct notion notion;
	struct err err;
	json_t *properties, *children, *got;
	char id[NOTION_ID_SIZE];
};

static void
begin(struct fixture *f, const char *const *answers)
{
	struct err err = ERR_INIT;

	canned_start(&f->server, answers);
	f->notion = (struct notion){ .http = http_new("test/1", &err),
		.base = f->server.url,
		.key = "the-key",
		.version = "2026-03-11",
		.timeout_ms = 20000 };
	f->err = err;
	f->properties = json_pack("{s:{s:f}}", "Duration", "number", 2.0);
	f->children = json_pack("[{s:{}}, {s:{}}]", "divider", "divider");
	f->got = NULL;
	f->id[0] = '\0';
}

static void
end(struct fixture *f)
{
	json_decref(f->properties);
	json_decref(f->children);
	json_decref(f->got);
	http_free(f->notion.http);
	canned_stop(&f->server);
}

static int
create_page(struct fixture *f)
{
	return notion_create_page(&f->notion, ID2, "📞", f->properties,
	    f->children, f->id, NULL, &f->err);
}

static int
append(struct fixture *f)
{
	return notion_append(
	    &f->notion, ID1, f->children, ID3, &f->got, &f->err);
}

static int
update_page(struct fixture *f)
{
	return notion_update_page(
	    &f->notion, ID1, f->properties, NULL, &f->err);
}

static int
get_page(struct fixture *f)
{
	return notion_get_page(&f->notion, ID1, &f->got, &f->err);
}

static void
a_page_is_created(void **state)
{
	static const char *const answers[] = {
		JSON("200 OK", "{\"id\":\"" ID1 "\",\"url\":\"u\"}"), NULL
	};
	struct fixture f;
	char *url = NULL;

	(void)state;
	begin(&f, answers);
	assert_int_equal(notion_create_page(&f.notion, ID2, "📞", f.properties,
			     f.children, f.id, &url, &f.err),
	    0);
	assert_string_equal(f.id, ID1);
	assert_string_equal(url, "u");
	free(url);
	end(&f);
	assert_int_equal(canned_count(&f.server, "POST /v1/pages HTTP"), 1);
	assert_int_equal(
	    canned_count(&f.server, "Authorization: Bearer the-key\r\n"), 1);
	assert_int_equal(
	    canned_count(&f.server, "Notion-Version: 2026-03-11\r\n"), 1);
	assert_int_equal(
	    canned_count(&f.server, "Content-Type: application/json\r\n"), 1);
	assert_int_equal(
	    canned_count(&f.server,
		"{\"parent\":{\"type\":\"data_source_id\",\"data_source_id\":"
		"\"" ID2 "\"},\"properties\":{\"Duration\":{\"number\":2.0}},"
		"\"icon\":{\"type\":\"emoji\",\"emoji\":\"📞\"},"
		"\"children\":[{\"divider\":{}},{\"divider\":{}}]}"),
	    1);
}

static void
blocks_are_appended_after_another(void **state)
{
	static const char *const answers[] = {
		JSON("200 OK",
		    "{\"results\":[{\"id\":\"" ID1 "\"},{\"id\":\"" ID2
		    "\"}]}"),
		NULL
	};
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(append(&f), 0);
	assert_int_equal(json_array_size(f.got), 2);
	assert_string_equal(json_string_value(json_array_get(f.got, 1)), ID2);
	end(&f);
	assert_int_equal(
	    canned_count(&f.server, "PATCH /v1/blocks/" ID1 "/children HTTP"),
	    1);
	assert_int_equal(canned_count(&f.server,
			     "\"position\":{\"type\":\"after_block\","
			     "\"after_block\":{\"id\":\"" ID3 "\"}}"),
	    1);
}

#define SAVED                                                         \
	JSON("503 No",                                                \
	    "{\"code\":\"service_unavailable\",\"additional_data\":{" \
	    "\"committed_resource_id\":\"" ID1 "\"}}")

/* The server saved it and says so, though it has no answer any more. */
static void
what_a_503_has_saved_is_adopted(void **state)
{
	static const char *const page[] = { SAVED, NULL };
	static const char *const blocks[] = {
		JSON("503 No",
		    "{\"code\":\"service_unavailable\","
		    "\"additional_data\":{"
		    "\"committed_resource_id\":\"" ID1 "\","
		    "\"committed_child_ids\":[\"" ID2 "\",\"" ID3 "\"]}}"),
		SAVED, NULL
	};
	static const char *const database[] = { SAVED,
		JSON("200 OK",
		    "{\"id\":\"" ID1 "\",\"data_sources\":"
		    "[{\"id\":\"" ID2 "\"}]}"),
		NULL };
	char data_source[NOTION_ID_SIZE];
	struct fixture f;

	(void)state;
	begin(&f, page);
	assert_int_equal(create_page(&f), 0);
	assert_string_equal(f.id, ID1);
	end(&f);
	begin(&f, blocks);
	assert_int_equal(append(&f), 0);
	assert_string_equal(json_string_value(json_array_get(f.got, 1)), ID3);
	assert_int_equal(append(&f), -1); /* saved, but which are they? */
	assert_int_equal(f.err.kind, ERR_UNKNOWN);
	end(&f);
	begin(&f, database);
	assert_int_equal(notion_create_database(&f.notion, ID3, "Calls", NULL,
			     f.properties, f.id, data_source, &f.err),
	    0);
	assert_string_equal(f.id, ID1);
	assert_string_equal(data_source, ID2);
	end(&f);
}

static void
failures_say_what_to_do(void **state)
{
	static const struct {
		const char *answers[2];
		enum err_kind create, update, read;
	} cases[] = {
		{ { JSON("400 No", "{\"code\":\"validation_error\"}") },
		    ERR_PERMANENT, ERR_PERMANENT, ERR_PERMANENT },
		{ { JSON("401 No", "{\"code\":\"unauthorized\"}") },
		    ERR_OPERATOR, ERR_OPERATOR, ERR_OPERATOR },
		{ { JSON("403 No", "{\"code\":\"restricted_resource\"}") },
		    ERR_OPERATOR, ERR_OPERATOR, ERR_OPERATOR },
		{ { "HTTP/1.1 403 No\r\nConnection: close\r\n\r\n<html>" },
		    ERR_OPERATOR, ERR_OPERATOR, ERR_OPERATOR },
		{ { JSON("404 No", "{\"code\":\"object_not_found\"}") },
		    ERR_PERMANENT, ERR_PERMANENT, ERR_PERMANENT },
		{ { "HTTP/1.1 404 No\r\nConnection: close\r\n\r\n<html>" },
		    ERR_OPERATOR, ERR_OPERATOR, ERR_OPERATOR },
		{ { JSON("409 No", "{\"code\":\"conflict_error\"}") },
		    ERR_RETRY, ERR_RETRY, ERR_RETRY },
		{ { JSON("409 No", "{\"code\":\"row_limit_exceeded\"}") },
		    ERR_OPERATOR, ERR_OPERATOR, ERR_OPERATOR },
		{ { JSON("403 No",
		      "{\"code\":\"restricted_resource\","
		      "\"additional_data\":{\"block_limit\":\"1000\"}}") },
		    ERR_OPERATOR, ERR_OPERATOR, ERR_OPERATOR },
		{ { "HTTP/1.1 302 Found\r\nLocation: http://login.example/"
		    "\r\nConnection: close\r\n\r\n" },
		    ERR_OPERATOR, ERR_OPERATOR, ERR_OPERATOR },
		{ { "HTTP/1.1 400 No\r\nConnection: close\r\n\r\n<html>" },
		    ERR_UNKNOWN, ERR_RETRY, ERR_RETRY },
		{ { "HTTP/1.1 503 No\r\nRetry-After: 9\r\n"
		    "Connection: close\r\n\r\n" },
		    ERR_UNKNOWN, ERR_WAIT, ERR_WAIT },
		{ { JSON("413 No", "{}") }, ERR_PERMANENT, ERR_PERMANENT,
		    ERR_PERMANENT },
		{ { JSON("429 No", "{\"code\":\"rate_limited\"}") }, ERR_WAIT,
		    ERR_WAIT, ERR_WAIT },
		{ { JSON("529 No", "{\"code\":\"service_overload\"}") },
		    ERR_WAIT, ERR_WAIT, ERR_WAIT },
		{ { JSON("429 No",
		      "{\"additional_data\":{"
		      "\"rate_limit_reason\":"
		      "\"public_api_request_blocked\"}}") },
		    ERR_OPERATOR, ERR_OPERATOR, ERR_OPERATOR },
		{ { JSON("500 No", "{\"code\":\"internal_server_error\"}") },
		    ERR_UNKNOWN, ERR_RETRY, ERR_RETRY },
		{ { "HTTP/1.1 502 No\r\nConnection: close\r\n\r\n<html>" },
		    ERR_UNKNOWN, ERR_RETRY, ERR_RETRY },
		{ { JSON("503 No", "{\"code\":\"service_unavailable\"}") },
		    ERR_UNKNOWN, ERR_RETRY, ERR_RETRY },
		{ { JSON("504 No", "{\"code\":\"gateway_timeout\"}") },
		    ERR_UNKNOWN, ERR_RETRY, ERR_RETRY },
		{ { "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>" },
		    ERR_UNKNOWN, ERR_RETRY, ERR_RETRY },
		{ { JSON("200 OK", "{\"id\":\"" ID1) }, ERR_UNKNOWN, ERR_RETRY,
		    ERR_RETRY },
		{ { JSON("200 OK", "") }, ERR_UNKNOWN, ERR_RETRY, ERR_RETRY },
		{ { "" }, ERR_UNKNOWN, ERR_RETRY, ERR_RETRY },
	};
	int (*const requests[])(
	    struct fixture *) = { create_page, append, update_page, get_page };
	struct fixture f;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const enum err_kind kinds[] = { cases[i].create,
			cases[i].create, cases[i].update, cases[i].read };

		for (j = 0; j < sizeof(requests) / sizeof(*requests); j++) {
			begin(&f, cases[i].answers);
			if (requests[j](&f) != -1 || f.err.kind != kinds[j])
				fail_msg("case %zu/%zu: %s: %s", i, j,
				    err_kind_name(f.err.kind), f.err.text);
			end(&f);
		}
	}
}

static void
the_text_names_request_code_and_id(void **state)
{
	static const char *const answers[] = {
		JSON("400 No",
		    "{\"code\":\"validation_error\",\"message\":"
		    "\"Name is not a property\","
		    "\"request_id\":\"r-1\"}"),
		NULL
	};
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(create_page(&f), -1);
	assert_string_equal(f.err.text,
	    "notion: create page: 400 validation_error: "
	    "Name is not a property (request r-1)");
	assert_int_equal(f.err.status, 400);
	assert_false(notion_is_trashed(&f.err));
	end(&f);
}

/* What a gate was told. */
struct told {
	int64_t paused_ms;
	char reason[64];
	enum err_kind kind;
};

static void
on_pause(void *ctx, int64_t ms, int status, const char *reason)
{
	struct told *told = ctx;

	assert_in_range(status, 429, 529);
	told->paused_ms = ms;
	snprintf(told->reason, sizeof(told->reason), "%s", reason);
}

static void
on_after(void *ctx, struct err *err)
{
	((struct told *)ctx)->kind = err->kind;
}

static void
the_wait_is_the_one_that_was_named(void **state)
{
	static const struct {
		const char *answers[2];
		int64_t ms;
	} cases[] = {
		{ { "HTTP/1.1 429 No\r\nRetry-After: 12\r\n"
		    "Content-Length: 0\r\n\r\n" },
		    12000 },
		{ { JSON("429 No",
		      "{\"additional_data\":{"
		      "\"retry_after\":\"7\"}}") },
		    7000 },
		{ { JSON("529 No", "{}") }, 30000 },
		{ { "HTTP/1.1 429 No\r\nRetry-After: 0\r\n"
		    "Content-Length: 0\r\n\r\n" },
		    1000 },
		{ { "HTTP/1.1 429 No\r\nRetry-After: -5\r\n"
		    "Content-Length: 0\r\n\r\n" },
		    30000 },
		{ { "HTTP/1.1 429 No\r\nRetry-After: soon\r\n"
		    "Content-Length: 0\r\n\r\n" },
		    30000 },
		{ { "HTTP/1.1 429 No\r\nRetry-After: 3600\r\n"
		    "Content-Length: 0\r\n\r\n" },
		    3600000 },
		{ { "HTTP/1.1 529 No\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT"
		    "\r\nRetry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n"
		    "Content-Length: 0\r\n\r\n" },
		    30000 },
		{ { "HTTP/1.1 503 No\r\nRetry-After: 12\r\n"
		    "Content-Length: 0\r\n\r\n" },
		    12000 },
		/* a slip of theirs: a day at most */
		{ { "HTTP/1.1 429 No\r\nRetry-After: 604800\r\n"
		    "Content-Length: 0\r\n\r\n" },
		    86400000 },
	};
	struct told told;
	const struct api_gate gate = {
		.pause = on_pause, .after = on_after, .ctx = &told
	};
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		told = (struct told){ 0 };
		begin(&f, cases[i].answers);
		f.notion.gate = &gate;
		assert_int_equal(get_page(&f), -1);
		assert_int_equal(f.err.kind, ERR_WAIT);
		assert_int_equal(f.err.retry_after_ms, cases[i].ms);
		assert_int_equal(told.paused_ms, cases[i].ms);
		assert_int_equal(told.kind, ERR_WAIT);
		end(&f);
	}
	assert_string_equal(told.reason, "429  (it named 604800 s)");
}

#define TRASHED                                                              \
	JSON("400 No",                                                       \
	    "{\"code\":\"validation_error\",\"message\":\"Can't edit block " \
	    "that is archived. You must unarchive the block before "         \
	    "editing.\"}")

static void
the_trash_is_told_apart(void **state)
{
	static const char *const answers[] = { TRASHED,
		JSON("400 No",
		    "{\"code\":\"validation_error\",\"message\":"
		    "\"Archived is not a property that exists.\"}"),
		NULL };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(update_page(&f), -1);
	assert_true(notion_is_trashed(&f.err));
	assert_int_equal(f.err.status, 400);
	err_clear(&f.err);
	assert_int_equal(update_page(&f), -1);
	assert_false(notion_is_trashed(&f.err));
	end(&f);
}

static void
a_block_that_is_gone_is_deleted(void **state)
{
	static const char *const answers[] = { JSON("200 OK", "{}"), TRASHED,
		JSON("404 No", "{\"code\":\"object_not_found\"}"),
		JSON("500 No", "{}"), NULL };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(notion_delete_block(&f.notion, ID1, &f.err), 0);
	assert_int_equal(notion_delete_block(&f.notion, ID1, &f.err), 0);
	assert_int_equal(notion_delete_block(&f.notion, ID1, &f.err), 0);
	assert_int_equal(notion_delete_block(&f.notion, ID1, &f.err), -1);
	assert_int_equal(f.err.kind, ERR_RETRY);
	end(&f);
	assert_int_equal(canned_count(&f.server, "DELETE /v1/blocks/" ID1), 4);
}

#define ROW(id, text)                                                       \
	"{\"id\":\"" id "\",\"properties\":{\"Call ID\":{\"id\":\"W%5BY\"," \
	"\"rich_text\":[{\"plain_text\":\"AC\"},{\"plain_text\":\"" text    \
	"\"}]}}}"

static void
only_exact_matches_are_found(void **state)
{
	static const char *const answers[] = {
		JSON("200 OK",
		    "{\"results\":[" ROW(ID1, "test1") "," ROW(
			ID2, "TEST1") "]}"),
		JSON("200 OK", "{\"results\":[]}"), JSON("200 OK", "{}"), NULL
	};
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(notion_query_equal(&f.notion, ID3, "W%5BY",
			     "rich_text", "ACtest1", false, &f.got, &f.err),
	    0);
	assert_int_equal(json_array_size(f.got), 1);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(f.got, 0), "id")),
	    ID1);
	json_decref(f.got);
	assert_int_equal(notion_query_equal(&f.notion, ID3, "title", "title",
			     "ACtest1", true, &f.got, &f.err),
	    0);
	assert_int_equal(json_array_size(f.got), 0);
	json_decref(f.got);
	f.got = NULL;
	/* A look-up that fails has not found that there is none. */
	assert_int_equal(notion_query_equal(&f.notion, ID3, "title", "title",
			     "ACtest1", true, &f.got, &f.err),
	    -1);
	assert_int_equal(f.err.kind, ERR_RETRY);
	end(&f);
	assert_int_equal(
	    canned_count(&f.server,
		"{\"filter\":{\"property\":\"W%5BY\",\"rich_text\":"
		"{\"equals\":\"ACtest1\"}},\"page_size\":10}"),
	    1);
	assert_int_equal(canned_count(&f.server, "\"is_archived\":true"), 2);
}

/* An answer's pages hold as many rows as they please. */
static void
what_comes_on_a_later_page_is_found(void **state)
{
	static const char *const answers[] = {
		JSON("200 OK",
		    "{\"results\":[],\"has_more\":true,\"next_cursor\":\"s:"
		    "1\"}"),
		JSON("200 OK",
		    "{\"results\":[" ROW(ID1, "test1") "],\"has_more\":true,"
						       "\"next_cursor\":"
						       "\"s:2\"}"),
		JSON("200 OK",
		    "{\"results\":[" ROW(ID2, "test1") "],\"has_more\":false,"
						       "\"next_cursor\":"
						       "null}"),
		NULL
	};
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(notion_query_equal(&f.notion, ID3, "W%5BY",
			     "rich_text", "ACtest1", false, &f.got, &f.err),
	    0);
	assert_int_equal(json_array_size(f.got), 2);
	end(&f);
	assert_int_equal(
	    canned_count(&f.server, "\"start_cursor\":\"s:1\""), 1);
	assert_int_equal(
	    canned_count(&f.server, "\"start_cursor\":\"s:2\""), 1);
	assert_int_equal(canned_count(&f.server, "start_cursor"), 2);
}

#define LISTED(id, text, minute)                                     \
	"{\"id\":\"" id "\",\"url\":\"https://notion.so/x\","        \
	"\"created_time\":\"2026-01-01T00:" minute ":00.000Z\","     \
	"\"properties\":{\"Call\":{\"id\":\"W%5BY\",\"rich_text\":[" \
	"{\"plain_text\":\"" text "\"}]}}}"

/* A list longer than a query may be goes on where the query ended. */
static void
all_rows_are_listed(void **state)
{
	static const char *const answers[] = {
		JSON("200 OK",
		    "{\"results\":[" LISTED(ID1, "AC1",
			"01") "],"
			      "\"has_more\":true,\"next_cursor\":\"s:next\"}"),
		JSON("503 Service Unavailable", "{\"code\":\"x\"}"),
		JSON("200 OK",
		    "{\"results\":[" LISTED(ID2, "AC2",
			"02") "],"
			      "\"has_more\":false,\"request_status\":{\"type\":"
			      "\"incomplete\"}}"),
		JSON("200 OK", "{\"results\":[],\"has_more\":false}"), NULL
	};
	struct notion_rows rows = { .data_source = ID3,
		.property = "W%5BY",
		.type = "rich_text",
		.at_once = 100 };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(notion_rows_next(&f.notion, &rows, &f.got, &f.err), 0);
	assert_false(rows.end);
	assert_int_equal(json_array_size(f.got), 1);
	assert_string_equal(json_string_value(json_object_get(
				json_array_get(f.got, 0), "text")),
	    "AC1");
	json_decref(f.got);
	f.got = NULL;
	assert_int_equal(
	    notion_rows_next(&f.notion, &rows, &f.got, &f.err), -1);
	assert_int_equal(f.err.kind, ERR_RETRY);
	err_clear(&f.err);
	for (int i = 0; i < 2; i++) {
		assert_false(rows.end);
		assert_int_equal(
		    notion_rows_next(&f.notion, &rows, &f.got, &f.err), 0);
		json_decref(f.got);
		f.got = NULL;
	}
	assert_true(rows.end);
	notion_rows_free(&rows);
	end(&f);
	assert_int_equal(
	    canned_count(&f.server, "/query?filter_properties=W%255BY"), 4);
	assert_int_equal(
	    canned_count(&f.server, "\"start_cursor\":\"s:next\""), 2);
	assert_int_equal(canned_count(&f.server,
			     "{\"on_or_after\":\"2026-01-01T00:02:00.000Z\"}"),
	    1);
}

/* More rows of one minute than a query gives: they cannot all be seen. */
static void
rows_that_cannot_be_listed_are_an_error(void **state)
{
	static const char *const answers[] = {
		JSON("200 OK",
		    "{\"results\":[" LISTED(ID1, "AC1",
			"01") "],"
			      "\"has_more\":false,\"request_status\":{\"type\":"
			      "\"incomplete\"}}"),
		JSON("200 OK",
		    "{\"results\":[" LISTED(ID2, "AC2",
			"01") "],"
			      "\"has_more\":false,\"request_status\":{\"type\":"
			      "\"incomplete\"}}"),
		NULL
	};
	struct notion_rows rows = { .data_source = ID3,
		.property = "W%5BY",
		.type = "rich_text",
		.at_once = 100 };
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(notion_rows_next(&f.notion, &rows, &f.got, &f.err), 0);
	json_decref(f.got);
	f.got = NULL;
	assert_int_equal(
	    notion_rows_next(&f.notion, &rows, &f.got, &f.err), -1);
	assert_int_equal(f.err.kind, ERR_PERMANENT);
	assert_non_null(strstr(f.err.text, "2026-01-01T00:01"));
	notion_rows_free(&rows);
	end(&f);
}

static void
lists_are_read_to_their_end(void **state)
{
	static const char *const answers[] = {
		JSON("200 OK",
		    "{\"results\":[{},{}],\"has_more\":true,"
		    "\"next_cursor\":\"s:1+\"}"),
		JSON("200 OK",
		    "{\"results\":[{}],\"has_more\":false,"
		    "\"next_cursor\":null}"),
		NULL
	};
	struct fixture f;

	(void)state;
	begin(&f, answers);
	assert_int_equal(notion_children(&f.notion, ID1, &f.got, &f.err), 0);
	assert_int_equal(json_array_size(f.got), 3);
	end(&f);
	assert_int_equal(
	    canned_count(&f.server, "?page_size=100&start_cursor=s%3A1%2B "),
	    1);
}

static void
a_brief_list_says_who_made_which(void **state)
{
	static const char *const answers[] = {
		JSON("200 OK",
		    "{\"results\":[{\"id\":\"a\",\"paragraph\":{},"
		    "\"created_by\":{\"id\":\"u\"}}],\"has_more\":true,"
		    "\"next_cursor\":\"s1\"}"),
		JSON("200 OK",
		    "{\"results\":[{\"id\":\"b\",\"type\":\"audio\"}],"
		    "\"has_more\":false}"),
		JSON("200 OK", "{\"results\":[{\"id\":5}],\"has_more\":false}"),
		NULL
	};
	struct fixture f;
	char *text;

	(void)state;
	begin(&f, answers);
	assert_int_equal(
	    notion_children_brief(&f.notion, ID1, 2, &f.got, &f.err), 0);
	text = json_dumps(f.got, JSON_COMPACT);
	assert_string_equal(text,
	    "[{\"id\":\"a\",\"created_by\":{\"id\":\"u\"}},{\"id\":\"b\"}]");
	free(text);
	json_decref(f.got);
	f.got = NULL;
	/* who gets this takes the ids for text */
	assert_int_equal(
	    notion_children_brief(&f.notion, ID1, 2, &f.got, &f.err), -1);
	assert_int_equal(f.err.kind, ERR_RETRY);
	end(&f);
	assert_int_equal(
	    canned_count(&f.server, "?page_size=2&start_cursor=s1 "), 1);
}

static void
too_large_a_body_is_not_sent(void **state)
{
	static const char *const answers[] = { NULL };
	char *text = malloc(NOTION_MAX_BODY + 1);
	struct fixture f;

	(void)state;
	memset(text, 'x', NOTION_MAX_BODY);
	text[NOTION_MAX_BODY] = '\0';
	begin(&f, answers);
	json_object_set_new(f.properties, "long", json_string(text));
	assert_int_equal(update_page(&f), -1);
	assert_int_equal(f.err.kind, ERR_PERMANENT);
	end(&f);
	free(text);
	assert_int_equal(f.server.requests, 0);
}

static void
an_upload_is_begun_sent_and_completed(void **state)
{
	static const char *const answers[] = {
		JSON("200 OK", "{\"id\":\"" ID1 "\",\"status\":\"pending\"}"),
		JSON("200 OK", "{\"id\":\"" ID1 "\"}"),
		JSON("200 OK",
		    "{\"id\":\"" ID1 "\",\"status\":\"pending\","
		    "\"number_of_parts\":{\"total\":2,\"sent\":1}}"),
		JSON("200 OK", "{\"id\":\"" ID1 "\"}"),
		JSON("200 OK", "{\"status\":\"uploaded\"}"),
		JSON("200 OK", "{\"status\":\"expired\"}"), NULL
	};
	struct notion_upload upload;
	struct fixture f;
	FILE *file = tmpfile();

	(void)state;
	fputs("onetwo", file);
	begin(&f, answers);
	assert_int_equal(notion_upload_create(
			     &f.notion, "a.mp3", "audio/mpeg", 2, f.id, &f.err),
	    0);
	assert_string_equal(f.id, ID1);
	assert_int_equal(notion_upload_send(&f.notion, f.id, file, 3, 3,
			     "a.mp3", "audio/mpeg", 2, &f.err),
	    0);
	assert_int_equal(
	    notion_upload_get(&f.notion, f.id, &upload, &f.err), 0);
	assert_int_equal(upload.status, NOTION_UPLOAD_PENDING);
	assert_int_equal(upload.sent, 1);
	assert_int_equal(notion_upload_complete(&f.notion, f.id, &f.err), 0);
	assert_int_equal(
	    notion_upload_get(&f.notion, f.id, &upload, &f.err), 0);
	assert_int_equal(upload.status, NOTION_UPLOAD_COMPLETE);
	assert_int_equal(
	    notion_upload_get(&f.notion, f.id, &upload, &f.err), 0);
	assert_int_equal(upload.status, NOTION_UPLOAD_DEAD);
	end(&f);
	fclose(file);
	assert_int_equal(
	    canned_count(&f.server,
		"{\"mode\":\"multi_part\",\"filename\":\"a.mp3\","
		"\"content_type\":\"audio/mpeg\",\"number_of_parts\":2}"),
	    1);
	assert_int_equal(canned_count(&f.server,
			     "POST /v1/file_uploads/" ID1 "/send HTTP/1.1"),
	    1);
	assert_int_equal(canned_count(&f.server, "\r\n\r\ntwo\r\n--"), 1);
	/* no body, and no word of one */
	assert_int_equal(canned_count(&f.server, "Content-Length: 0\r\n"), 1);
	assert_int_equal(
	    canned_count(&f.server, "Content-Type: application/json"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_found_in_many_spellings),
		cmocka_unit_test(a_page_is_created),
		cmocka_unit_test(blocks_are_appended_after_another),
		cmocka_unit_test(what_a_503_has_saved_is_adopted),
		cmocka_unit_test(failures_say_what_to_do),
		cmocka_unit_test(the_text_names_request_code_and_id),
		cmocka_unit_test(the_wait_is_the_one_that_was_named),
		cmocka_unit_test(the_trash_is_told_apart),
		cmocka_unit_test(a_block_that_is_gone_is_deleted),
		cmocka_unit_test(only_exact_matches_are_found),
		cmocka_unit_test(what_comes_on_a_later_page_is_found),
		cmocka_unit_test(all_rows_are_listed),
		cmocka_unit_test(rows_that_cannot_be_listed_are_an_error),
		cmocka_unit_test(lists_are_read_to_their_end),
		cmocka_unit_test(a_brief_list_says_who_made_which),
		cmocka_unit_test(too_large_a_body_is_not_sent),
		cmocka_unit_test(an_upload_is_begun_sent_and_completed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

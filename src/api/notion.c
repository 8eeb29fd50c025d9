#include "api/notion.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/rest.h"
#include "base/uri.h"

#define DEFAULT_WAIT_MS 30000
#define MAX_PAGES 400 /* of a list; a cursor that goes in circles ends */

enum access { READ, UPDATE, CREATE };

/* https://developers.notion.com/reference/status-codes */
static const struct rest_verdict verdicts[] = {
	{ 100, 399, NULL, false, ERR_OPERATOR,
	    "this is not Notion's API: look at [notion] api_base, and for a "
	    "proxy or a log-in page on the way" },
	{ 400, 599, "row_limit_exceeded", false, ERR_OPERATOR,
	    "the database is full: remove rows, or run onsctl init with "
	    "another one" },
	{ 400, 599, "block_limit", false, ERR_OPERATOR,
	    "the workspace has used up the blocks of its free plan: upgrade "
	    "it, or make room" },
	{ 400, 599, "public_api_request_blocked", false, ERR_OPERATOR,
	    "Notion has restricted the connection: ask Notion's support" },
	{ 401, 401, NULL, false, ERR_OPERATOR,
	    "put a key that is valid into [notion] api_key" },
	{ 403, 403, NULL, true, ERR_OPERATOR,
	    "Notion's network refuses this host: try from another address, or "
	    "ask Notion's support" },
	{ 403, 403, NULL, false, ERR_OPERATOR,
	    "give the connection the capabilities to read, insert and update "
	    "content" },
	{ 404, 404, NULL, true, ERR_OPERATOR,
	    "this is not Notion's API: look at [notion] api_base" },
	{ 408, 409, NULL, false, ERR_RETRY, NULL },
	{ 413, 413, NULL, false, ERR_PERMANENT, NULL },
	{ 429, 429, NULL, false, ERR_WAIT, NULL },
	{ 529, 529, NULL, false, ERR_WAIT, NULL },
	/* an edge or a proxy; Notion itself would say what is wrong */
	{ 400, 499, NULL, true, ERR_RETRY, NULL },
	{ 400, 499, NULL, false, ERR_PERMANENT, NULL },
	{ 0, 999, NULL, false, ERR_RETRY, NULL },
};

/* One request. */
struct call {
	const char *what; /* "create page": for error texts */
	const char *method;
	enum access access;
	const char *path; /* "/v1/pages/", to be followed by … */
	const char *id;	  /* … this and … */
	const char *rest; /* … this; each may be NULL */
	const json_t *body;
	const struct rest_file *file; /* instead of body */
};

/* "400 validation_error: message (request id)", and what to do about it. */
static void
fail(const struct call *call, const struct rest_answer *answer,
    enum err_kind kind, struct err *err)
{
	const char *code = rest_text(answer->json, "code");
	const char *message = rest_text(answer->json, "message");
	const char *request = rest_text(answer->json, "request_id");

	if (kind == ERR_RETRY && call->access == CREATE &&
	    answer->status != 409) /* that one did not happen */
		kind = ERR_UNKNOWN;
	if (answer->json == NULL)
		err_set(err, kind, "%d without JSON", answer->status);
	else
		err_set(err, kind, "%d %s: %.400s%s%s%s", answer->status, code,
		    message, *request != '\0' ? " (request " : "", request,
		    *request != '\0' ? ")" : "");
	err->status = answer->status;
}

/* The most exact name that the answer has for what is wrong. */
static const char *
code_of(const struct rest_answer *answer)
{
	const json_t *more = json_object_get(answer->json, "additional_data");
	const char *reason = rest_text(more, "rate_limit_reason");

	if (*reason != '\0')
		return reason;
	return json_object_get(more, "block_limit") != NULL
	    ? "block_limit"
	    : rest_text(answer->json, "code");
}

/* Every answer but 2xx. */
static void
classify(const struct rest *rest, const struct call *call,
    struct rest_answer *answer, struct err *err)
{
	const json_t *more = json_object_get(answer->json, "additional_data");
	const char *code = code_of(answer);
	const struct rest_verdict *v = rest_judge(verdicts, answer, code);
	enum err_kind kind = v->kind;
	int64_t wait = 0;

	if (answer->retry_after_ms < 0)
		answer->retry_after_ms =
		    http_retry_after(rest_text(more, "retry_after"), 0);
	if (kind == ERR_WAIT ||
	    (answer->status == 503 && answer->retry_after_ms >= 0))
		wait = rest_pause(rest, answer, DEFAULT_WAIT_MS, code);
	/* 503 with a time: of a creation it still is not known */
	if (wait > 0 && kind == ERR_RETRY && call->access != CREATE)
		kind = ERR_WAIT;
	fail(call, answer, kind, err);
	err->retry_after_ms = wait;
	if (v->remedy != NULL)
		err_suffix(err, "%s", v->remedy);
}

/* A 503 may name what was saved all the same; make it look like the answer
 * that got lost: {"id", "results": [{"id"} …]}. */
static json_t *
committed(const struct rest_answer *answer)
{
	const json_t *more = json_object_get(answer->json, "additional_data");
	json_t *id = json_object_get(more, "committed_resource_id");
	json_t *children = json_object_get(more, "committed_child_ids");
	json_t *results = json_array(), *child;
	size_t i;

	if (answer->status != 503 || !json_is_string(id)) {
		json_decref(results);
		return NULL;
	}
	json_array_foreach (children, i, child)
		json_array_append_new(results, json_pack("{s:O}", "id", child));
	return json_pack("{s:O, s:o}", "id", id, "results", results);
}

static int
make_path(const struct call *call, struct buf *path, struct err *err)
{
	if (buf_adds(path, call->path) != 0 ||
	    (call->id != NULL && uri_escape(path, call->id, false) != 0) ||
	    (call->rest != NULL && buf_adds(path, call->rest) != 0)) {
		err_sys(err, ERR_PERMANENT, "an id that is none");
		return -1;
	}
	return 0;
}

static int
attempt(const struct rest *rest, const struct call *call, json_t **ret,
    struct err *err)
{
	struct rest_answer answer = { 0 };
	struct buf path;
	json_t *json = NULL;

	buf_init(&path, 2048);
	if (make_path(call, &path, err) != 0)
		goto out;
	if (call->file != NULL) {
		if (rest_send_file(
			rest, buf_text(&path), call->file, &answer, err) != 0)
			goto out;
	} else if (rest_send(rest, call->method, buf_text(&path), call->body,
		       NOTION_MAX_BODY, call->access == CREATE, &answer,
		       err) != 0) {
		goto out;
	}
	if (answer.status / 100 == 2 && answer.json != NULL)
		json = json_incref(answer.json);
	else if (answer.status / 100 == 2)
		fail(call, &answer, ERR_RETRY, err);
	else if (call->access == READ || (json = committed(&answer)) == NULL)
		classify(rest, call, &answer, err);
out:
	rest_done(rest, err);
	json_decref(answer.json);
	buf_free(&path);
	*ret = json;
	return json == NULL ? -1 : 0;
}

/* The header that goes with the body. libcurl makes that of a form. */
static const char *
kind_of_body(const struct call *call)
{
	if (call->file != NULL)
		return NULL;
	if (call->body != NULL)
		return "Content-Type: application/json";
	return strcmp(call->method, "POST") == 0 ? "Content-Length: 0" : NULL;
}

/* Send it; the answer's object in *ret (unless ret is NULL). */
static int
request(const struct notion *notion, const struct call *call, json_t **ret,
    struct err *err)
{
	char key[512], version[64];
	const char *const headers[] = { key, version, kind_of_body(call),
		NULL };
	const struct rest rest = { .http = notion->http,
		.base = notion->base,
		.gate = notion->gate,
		.timeout_ms = notion->timeout_ms,
		.headers = headers };
	json_t *json = NULL;
	int rc = -1, n;

	n = snprintf(key, sizeof(key), "Authorization: Bearer %s", notion->key);
	snprintf(
	    version, sizeof(version), "Notion-Version: %s", notion->version);
	if (n < 0 || (size_t)n >= sizeof(key))
		err_set(err, ERR_CONFIG, "the API key is too long");
	else
		rc = attempt(&rest, call, &json, err);
	if (rc != 0)
		err_prefix(err, "notion: %s", call->what);
	else if (ret != NULL)
		*ret = json_incref(json);
	json_decref(json);
	crypto_wipe(key, sizeof(key));
	return rc;
}

/* The answer of a 2xx is not what it should be. */
static int
odd_answer(const char *what, enum err_kind kind, struct err *err)
{
	err_set(err, kind, "notion: %s: an answer without ids", what);
	return -1;
}

static int
take_id(const json_t *object, char ret[NOTION_ID_SIZE])
{
	return notion_id_parse(rest_text(object, "id"), ret);
}

static json_t *
emoji(const char *icon)
{
	return json_pack("{s:s, s:s}", "type", "emoji", "emoji", icon);
}

static int
set_member(json_t *object, const char *key, json_t *value, struct err *err)
{
	if (json_object_set_new(object, key, value) == 0)
		return 0;
	err_nomem(err);
	return -1;
}

int
notion_users_me(const struct notion *notion, json_t **ret, struct err *err)
{
	return request(notion,
	    &(struct call){
		.what = "who am I", .method = "GET", .path = "/v1/users/me" },
	    ret, err);
}

int
notion_get_database(
    const struct notion *notion, const char *id, json_t **ret, struct err *err)
{
	return request(notion,
	    &(struct call){ .what = "get database",
		.method = "GET",
		.path = "/v1/databases/",
		.id = id },
	    ret, err);
}

int
notion_get_data_source(
    const struct notion *notion, const char *id, json_t **ret, struct err *err)
{
	return request(notion,
	    &(struct call){ .what = "get data source",
		.method = "GET",
		.path = "/v1/data_sources/",
		.id = id },
	    ret, err);
}

int
notion_get_page(
    const struct notion *notion, const char *id, json_t **ret, struct err *err)
{
	return request(notion,
	    &(struct call){ .what = "get page",
		.method = "GET",
		.path = "/v1/pages/",
		.id = id },
	    ret, err);
}

/* What was created may lack its data source, if the answer got lost. */
static int
database_ids(const struct notion *notion, json_t *json,
    char database[NOTION_ID_SIZE], char data_source[NOTION_ID_SIZE],
    struct err *err)
{
	json_t *again = NULL, *sources;
	int rc = -1;

	if (take_id(json, database) != 0)
		return odd_answer("create database", ERR_UNKNOWN, err);
	sources = json_object_get(json, "data_sources");
	if (sources == NULL) {
		if (notion_get_database(notion, database, &again, err) != 0)
			return -1;
		sources = json_object_get(again, "data_sources");
	}
	if (take_id(json_array_get(sources, 0), data_source) == 0)
		rc = 0;
	else
		odd_answer("create database", ERR_PERMANENT, err);
	json_decref(again);
	return rc;
}

int
notion_create_database(const struct notion *notion, const char *page,
    const char *title, const char *icon, json_t *properties,
    char database[NOTION_ID_SIZE], char data_source[NOTION_ID_SIZE],
    struct err *err)
{
	struct call call = { .what = "create database",
		.method = "POST",
		.access = CREATE,
		.path = "/v1/databases" };
	json_t *body, *json = NULL;
	int rc = -1;

	body = json_pack("{s:{s:s, s:s}, s:[{s:s, s:{s:s}}], s:b, s:{s:O}}",
	    "parent", "type", "page_id", "page_id", page, "title", "type",
	    "text", "text", "content", title, "is_inline", 0,
	    "initial_data_source", "properties", properties);
	if (body == NULL) {
		err_nomem(err);
		goto out;
	}
	if (icon != NULL && set_member(body, "icon", emoji(icon), err) != 0)
		goto out;
	call.body = body;
	if (request(notion, &call, &json, err) == 0)
		rc = database_ids(notion, json, database, data_source, err);
out:
	json_decref(body);
	json_decref(json);
	return rc;
}

int
notion_update_data_source(const struct notion *notion, const char *id,
    json_t *properties, json_t **ret, struct err *err)
{
	json_t *body = json_pack("{s:O}", "properties", properties);
	int rc = -1;

	if (body == NULL)
		err_nomem(err);
	else
		rc = request(notion,
		    &(struct call){ .what = "update data source",
			.method = "PATCH",
			.access = UPDATE,
			.path = "/v1/data_sources/",
			.id = id,
			.body = body },
		    ret, err);
	json_decref(body);
	return rc;
}

/* The text of a page's title or rich_text property, found by id. */
static int
property_text(
    const json_t *page, const char *id, const char *type, struct buf *out)
{
	json_t *property, *item;
	const char *name;
	size_t i;

	json_object_foreach (
	    json_object_get(page, "properties"), name, property) {
		if (strcmp(rest_text(property, "id"), id) != 0)
			continue;
		json_array_foreach (json_object_get(property, type), i, item)
			if (buf_adds(out, rest_text(item, "plain_text")) != 0)
				return -1;
	}
	return 0;
}

static json_t *
query_body(const char *property, const char *type, const char *value,
    bool archived, json_t *cursor)
{
	json_t *body = json_pack("{s:{s:s, s:{s:s}}, s:i, s:O*}", "filter",
	    "property", property, type, "equals", value, "page_size", 10,
	    "start_cursor", cursor);

	if (body == NULL ||
	    (archived &&
		json_object_set_new(body, "is_archived", json_true()) != 0)) {
		json_decref(body);
		return NULL;
	}
	return body;
}

/* It is not documented whether "equals" looks at the case. */
static int
take_exact(json_t *ret, const json_t *pages, const char *property,
    const char *type, const char *value)
{
	json_t *page;
	struct buf text;
	int rc = 0;
	size_t i;

	buf_init(&text, (size_t)1 << 20);
	json_array_foreach (pages, i, page) {
		buf_reset(&text);
		rc |= property_text(page, property, type, &text);
		if (strcmp(buf_text(&text), value) == 0)
			rc |= json_array_append(ret, page);
	}
	buf_free(&text);
	return rc;
}

/* A page of the answer may be empty though more come; and what is not found
 * would be made once more. */
int
notion_query_equal(const struct notion *notion, const char *data_source,
    const char *property, const char *type, const char *value, bool archived,
    json_t **ret, struct err *err)
{
	struct call call = { .what = "query",
		.method = "POST",
		.path = "/v1/data_sources/",
		.id = data_source,
		.rest = "/query" };
	json_t *found = json_array(), *json = NULL, *body = NULL, *pages;
	int n = 0, rc = -1;

	do {
		json_decref(body);
		body = query_body(property, type, value, archived,
		    json_object_get(json, "next_cursor"));
		json_decref(json);
		json = NULL;
		if (found == NULL || body == NULL) {
			err_nomem(err);
			goto out;
		}
		call.body = body;
		if (request(notion, &call, &json, err) != 0)
			goto out;
		pages = json_object_get(json, "results");
		if (!json_is_array(pages) || ++n > MAX_PAGES) {
			odd_answer(call.what, ERR_RETRY, err);
			goto out;
		}
		if (take_exact(found, pages, property, type, value) != 0) {
			err_nomem(err);
			goto out;
		}
	} while (json_is_true(json_object_get(json, "has_more")));
	*ret = json_incref(found);
	rc = 0;
out:
	json_decref(found);
	json_decref(body);
	json_decref(json);
	return rc;
}

/* ---- all rows ---- */

static json_t *
rows_body(const struct notion_rows *rows)
{
	json_t *body = json_pack("{s:i, s:[{s:s, s:s}], s:s*}", "page_size",
	    rows->at_once, "sorts", "timestamp", "created_time", "direction",
	    "ascending", "start_cursor", rows->cursor);

	if (body == NULL ||
	    (rows->archived &&
		json_object_set_new(body, "is_archived", json_true()) != 0) ||
	    (rows->since[0] != '\0' &&
		json_object_set_new(body, "filter",
		    json_pack("{s:s, s:{s:s}}", "timestamp", "created_time",
			"created_time", "on_or_after", rows->since)) != 0)) {
		json_decref(body);
		return NULL;
	}
	return body;
}

/* What there is to say of each. */
static json_t *
brief_rows(const struct notion_rows *rows, const json_t *pages)
{
	json_t *ret = json_array(), *page;
	struct buf text;
	size_t i;

	buf_init(&text, (size_t)1 << 20);
	json_array_foreach (pages, i, page) {
		buf_reset(&text);
		if (property_text(page, rows->property, rows->type, &text) !=
			0 ||
		    json_array_append_new(ret,
			json_pack("{s:O*, s:O*, s:O*, s:O*, s:s}", "id",
			    json_object_get(page, "id"), "url",
			    json_object_get(page, "url"), "created_time",
			    json_object_get(page, "created_time"),
			    "last_edited_time",
			    json_object_get(page, "last_edited_time"), "text",
			    buf_text(&text))) != 0) {
			json_decref(ret);
			ret = NULL;
			break;
		}
	}
	buf_free(&text);
	return ret;
}

/* Where the next query goes on. One query ends after 10,000 rows: another one
 * begins where it ended, at the minute in which its last row was made. */
static int
rows_move_on(struct notion_rows *rows, const json_t *answer, struct err *err)
{
	const char *next = rest_text(answer, "next_cursor");
	const json_t *status = json_object_get(answer, "request_status");
	bool more = json_is_true(json_object_get(answer, "has_more"));
	bool cut = strcmp(rest_text(status, "type"), "incomplete") == 0;
	const json_t *pages = json_object_get(answer, "results");
	const char *last = rest_text(
	    json_array_get(pages, json_array_size(pages) - 1), "created_time");
	char *cursor = NULL;

	if (more && (cursor = strdup(next)) == NULL) {
		err_nomem(err);
		return -1;
	}
	if (*last == '\0')
		last = rows->last;
	if (!more && cut && strcmp(last, rows->since) == 0) {
		err_set(err, ERR_PERMANENT,
		    "notion: list rows: too many of one minute, %s", last);
		return -1;
	}
	free(rows->cursor);
	rows->cursor = cursor;
	snprintf(rows->last, sizeof(rows->last), "%s", last);
	if (!more && cut)
		snprintf(rows->since, sizeof(rows->since), "%s", rows->last);
	rows->end = !more && !cut;
	return 0;
}

static int
rows_query(struct buf *out, const char *property, struct err *err)
{
	if (buf_adds(out, "/query?filter_properties=") == 0 &&
	    uri_escape(out, property, false) == 0)
		return 0;
	err_nomem(err);
	return -1;
}

int
notion_rows_next(const struct notion *notion, struct notion_rows *rows,
    json_t **ret, struct err *err)
{
	struct call call = { .what = "list rows",
		.method = "POST",
		.path = "/v1/data_sources/",
		.id = rows->data_source };
	json_t *body = rows_body(rows), *json = NULL, *brief = NULL;
	struct buf query;
	int rc = -1;

	buf_init(&query, 1024);
	if (body == NULL) {
		err_nomem(err);
		goto out;
	}
	if (rows_query(&query, rows->property, err) != 0)
		goto out;
	call.rest = buf_text(&query);
	call.body = body;
	if (request(notion, &call, &json, err) != 0)
		goto out;
	if (!json_is_array(json_object_get(json, "results"))) {
		odd_answer(call.what, ERR_RETRY, err);
		goto out;
	}
	brief = brief_rows(rows, json_object_get(json, "results"));
	if (brief == NULL)
		err_nomem(err);
	else if ((rc = rows_move_on(rows, json, err)) == 0)
		*ret = json_incref(brief);
out:
	buf_free(&query);
	json_decref(brief);
	json_decref(json);
	json_decref(body);
	return rc;
}

void
notion_rows_free(struct notion_rows *rows)
{
	free(rows->cursor);
	rows->cursor = NULL;
}

/* ---- pages ---- */

int
notion_create_page(const struct notion *notion, const char *data_source,
    const char *icon, json_t *properties, json_t *children,
    char id[NOTION_ID_SIZE], char **url, struct err *err)
{
	struct call call = { .what = "create page",
		.method = "POST",
		.access = CREATE,
		.path = "/v1/pages" };
	json_t *body, *json = NULL;
	char *text = NULL;
	int rc = -1;

	body =
	    json_pack("{s:{s:s, s:s}, s:O}", "parent", "type", "data_source_id",
		"data_source_id", data_source, "properties", properties);
	if (body == NULL) {
		err_nomem(err);
		goto out;
	}
	if ((icon != NULL && set_member(body, "icon", emoji(icon), err) != 0) ||
	    (children != NULL &&
		set_member(body, "children", json_incref(children), err) != 0))
		goto out;
	call.body = body;
	if (request(notion, &call, &json, err) != 0)
		goto out;
	if (take_id(json, id) != 0) {
		odd_answer(call.what, ERR_UNKNOWN, err);
		goto out;
	}
	if (url != NULL && (text = strdup(rest_text(json, "url"))) == NULL) {
		err_set(err, ERR_UNKNOWN, "out of memory");
		goto out;
	}
	if (url != NULL)
		*url = text;
	rc = 0;
out:
	json_decref(body);
	json_decref(json);
	return rc;
}

int
notion_update_page(const struct notion *notion, const char *id,
    json_t *properties, const char *icon, struct err *err)
{
	struct call call = { .what = "update page",
		.method = "PATCH",
		.access = UPDATE,
		.path = "/v1/pages/",
		.id = id };
	json_t *body = json_object();
	int rc = -1;

	if (body == NULL) {
		err_nomem(err);
		return -1;
	}
	if ((properties == NULL ||
		set_member(body, "properties", json_incref(properties), err) ==
		    0) &&
	    (icon == NULL || set_member(body, "icon", emoji(icon), err) == 0)) {
		call.body = body;
		rc = request(notion, &call, NULL, err);
	}
	json_decref(body);
	return rc;
}

int
notion_trash_page(
    const struct notion *notion, const char *id, bool trash, struct err *err)
{
	struct call call = { .what = trash ? "trash page" : "restore page",
		.method = "PATCH",
		.access = UPDATE,
		.path = "/v1/pages/",
		.id = id };
	json_t *body = json_pack("{s:b}", "in_trash", trash);
	int rc;

	if (body == NULL) {
		err_nomem(err);
		return -1;
	}
	call.body = body;
	rc = request(notion, &call, NULL, err);
	json_decref(body);
	return rc;
}

/* The ids of `want` appended blocks. Fewer: some other answer got lost. */
static int
block_ids(const json_t *json, size_t want, json_t **ret, struct err *err)
{
	json_t *results = json_object_get(json, "results");
	json_t *ids = json_array(), *block;
	char id[NOTION_ID_SIZE];
	size_t i;

	json_array_foreach (results, i, block)
		if (take_id(block, id) == 0)
			json_array_append_new(ids, json_string(id));
	if (json_array_size(ids) != want) {
		json_decref(ids);
		return odd_answer("append blocks", ERR_UNKNOWN, err);
	}
	*ret = ids;
	return 0;
}

int
notion_append(const struct notion *notion, const char *parent, json_t *children,
    const char *after, json_t **ids, struct err *err)
{
	struct call call = { .what = "append blocks",
		.method = "PATCH",
		.access = CREATE,
		.path = "/v1/blocks/",
		.id = parent,
		.rest = "/children" };
	json_t *body = NULL, *json = NULL, *position;
	int rc = -1;

	if (after == NULL || strcmp(after, NOTION_START) == 0)
		position =
		    json_pack("{s:s}", "type", after == NULL ? "end" : "start");
	else
		position = json_pack("{s:s, s:{s:s}}", "type", "after_block",
		    "after_block", "id", after);
	body =
	    json_pack("{s:O, s:o}", "children", children, "position", position);
	if (body == NULL) {
		err_nomem(err);
		goto out;
	}
	call.body = body;
	if (request(notion, &call, &json, err) == 0)
		rc = block_ids(json, json_array_size(children), ids, err);
out:
	json_decref(body);
	json_decref(json);
	return rc;
}

/* The query string of one page of a list. */
static int
page_query(struct buf *out, int at_once, const char *cursor, struct err *err)
{
	buf_reset(out);
	if (buf_addf(out, "/children?page_size=%d", at_once) == 0 &&
	    (*cursor == '\0' ||
		(buf_adds(out, "&start_cursor=") == 0 &&
		    uri_escape(out, cursor, false) == 0)))
		return 0;
	err_sys(err, ERR_PERMANENT, "notion: list blocks: the cursor");
	return -1;
}

/* Who made which block, without what it says: {id, created_by}. NULL: one has
 * no id, or memory is out. */
static json_t *
brief(const json_t *blocks)
{
	json_t *ret = json_array();
	const json_t *block;
	size_t i;

	json_array_foreach (blocks, i, block)
		if (json_is_string(json_object_get(block, "id")))
			json_array_append_new(ret,
			    json_pack("{s:O, s:O*}", "id",
				json_object_get(block, "id"), "created_by",
				json_object_get(block, "created_by")));
	if (json_array_size(ret) == json_array_size(blocks))
		return ret;
	json_decref(ret);
	return NULL;
}

/* An answer's blocks are added to all, whole or in brief. */
static int
take_children(json_t *all, const json_t *json, bool whole)
{
	json_t *results = json_object_get(json, "results");
	json_t *taken = whole || !json_is_array(results) ? json_incref(results)
							 : brief(results);
	int rc = json_array_extend(all, taken);

	json_decref(taken);
	return rc;
}

static int
list_children(const struct notion *notion, const char *parent, bool whole,
    int at_once, json_t **ret, struct err *err)
{
	struct call call = { .what = "list blocks",
		.method = "GET",
		.path = "/v1/blocks/",
		.id = parent };
	json_t *all = json_array(), *json = NULL;
	struct buf query;
	int pages = 0, rc = -1;

	buf_init(&query, 1024);
	do {
		if (page_query(&query, at_once, rest_text(json, "next_cursor"),
			err) != 0)
			goto out;
		json_decref(json);
		json = NULL;
		call.rest = buf_text(&query);
		if (request(notion, &call, &json, err) != 0)
			goto out;
		if (take_children(all, json, whole) != 0) {
			odd_answer(call.what, ERR_RETRY, err);
			goto out;
		}
		if (++pages > MAX_PAGES) {
			err_set(err, ERR_PERMANENT,
			    "notion: list blocks: no end of them");
			goto out;
		}
	} while (json_is_true(json_object_get(json, "has_more")));
	*ret = json_incref(all);
	rc = 0;
out:
	buf_free(&query);
	json_decref(json);
	json_decref(all);
	return rc;
}

int
notion_children(const struct notion *notion, const char *parent, json_t **ret,
    struct err *err)
{
	return list_children(notion, parent, true, 100, ret, err);
}

int
notion_children_brief(const struct notion *notion, const char *parent,
    int at_once, json_t **ret, struct err *err)
{
	return list_children(notion, parent, false, at_once, ret, err);
}

int
notion_delete_block(
    const struct notion *notion, const char *id, struct err *err)
{
	struct err failure = ERR_INIT;

	if (request(notion,
		&(struct call){ .what = "delete block",
		    .method = "DELETE",
		    .access = UPDATE,
		    .path = "/v1/blocks/",
		    .id = id },
		NULL, &failure) == 0)
		return 0;
	if ((failure.status == 404 && failure.kind == ERR_PERMANENT) ||
	    notion_is_trashed(&failure))
		return 0;
	if (!err_is_set(err))
		*err = failure;
	return -1;
}

/* ---- files ---- */

int
notion_upload_create(const struct notion *notion, const char *filename,
    const char *type, int64_t parts, char id[NOTION_ID_SIZE], struct err *err)
{
	static const char what[] = "begin upload";
	json_t *body = json_pack("{s:s, s:s, s:s}", "mode",
	    parts == 0 ? "single_part" : "multi_part", "filename", filename,
	    "content_type", type);
	json_t *json = NULL;
	int rc = -1;

	if (body == NULL ||
	    (parts != 0 &&
		json_object_set_new(
		    body, "number_of_parts", json_integer(parts)) != 0))
		err_nomem(err);
	else
		/* one too many expires by itself */
		rc = request(notion,
		    &(struct call){ .what = what,
			.method = "POST",
			.access = UPDATE,
			.path = "/v1/file_uploads",
			.body = body },
		    &json, err);
	if (rc == 0 && take_id(json, id) != 0)
		rc = odd_answer(what, ERR_RETRY, err);
	json_decref(json);
	json_decref(body);
	return rc;
}

int
notion_upload_get(const struct notion *notion, const char *id,
    struct notion_upload *ret, struct err *err)
{
	json_t *json = NULL;
	const char *status;

	if (request(notion,
		&(struct call){ .what = "get upload",
		    .method = "GET",
		    .path = "/v1/file_uploads/",
		    .id = id },
		&json, err) != 0)
		return -1;
	status = rest_text(json, "status");
	*ret = (struct notion_upload){ .status = NOTION_UPLOAD_DEAD,
		.sent = json_integer_value(json_object_get(
		    json_object_get(json, "number_of_parts"), "sent")) };
	snprintf(ret->id, sizeof(ret->id), "%s", id);
	if (strcmp(status, "pending") == 0)
		ret->status = NOTION_UPLOAD_PENDING;
	else if (strcmp(status, "uploaded") == 0)
		ret->status = NOTION_UPLOAD_COMPLETE;
	json_decref(json);
	return 0;
}

int
notion_upload_send(const struct notion *notion, const char *id, FILE *file,
    int64_t offset, int64_t size, const char *filename, const char *type,
    int64_t part, struct err *err)
{
	char number[24];
	const char *const fields[] = { "part_number", number, NULL };
	const struct rest_file body = { .file = file,
		.offset = offset,
		.size = size,
		.filename = filename,
		.type = type,
		.fields = part == 0 ? NULL : fields };

	snprintf(number, sizeof(number), "%lld", (long long)part);
	return request(notion,
	    &(struct call){ .what = "send file",
		.method = "POST",
		.access = UPDATE,
		.path = "/v1/file_uploads/",
		.id = id,
		.rest = "/send",
		.file = &body },
	    NULL, err);
}

int
notion_upload_complete(
    const struct notion *notion, const char *id, struct err *err)
{
	return request(notion,
	    &(struct call){ .what = "complete upload",
		.method = "POST",
		.access = UPDATE,
		.path = "/v1/file_uploads/",
		.id = id,
		.rest = "/complete" },
	    NULL, err);
}

bool
notion_is_trashed(const struct err *err)
{
	/* There is no code for it. A property may be called "Archived". */
	static const char *const signs[] = { "is archived", "archived ancestor",
		"unarchive", "in trash", "in the trash" };
	size_t i;

	if (err->status != 400 || strstr(err->text, "validation_error") == NULL)
		return false;
	for (i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (strstr(err->text, signs[i]) != NULL)
			return true;
	return false;
}

/* The 32 digits that end at text + n, dashes between them or not; how long
 * they are, 0: they are none. */
static size_t
id_length(const char *text, size_t n)
{
	size_t i, digits;

	for (i = n; i > 0 && n - i < 32; i--)
		if (!isxdigit((unsigned char)text[i - 1]))
			break;
	if (n - i == 32)
		return 32;
	if (n < 36)
		return 0;
	text += n - 36;
	for (i = digits = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23)
			digits += text[i] == '-';
		else
			digits += isxdigit((unsigned char)text[i]) != 0;
	return digits == 36 ? 36 : 0;
}

int
notion_id_parse(const char *text, char ret[NOTION_ID_SIZE])
{
	size_t n, len, i, out;

	text += strspn(text, " \t\r\n");
	n = strcspn(text, "?# \t\r\n");
	while (n > 0 && text[n - 1] == '/')
		n--;
	if ((len = id_length(text, n)) == 0)
		return -1;
	/* What stands before it: nothing, a folder, or the title's words. */
	if (n > len && strchr("/-", text[n - len - 1]) == NULL)
		return -1;
	text += n - len;
	for (i = out = 0; i < len; i++) {
		if (text[i] == '-')
			continue;
		if (out == 8 || out == 13 || out == 18 || out == 23)
			ret[out++] = '-';
		ret[out++] = (char)tolower((unsigned char)text[i]);
	}
	ret[out] = '\0';
	return 0;
}

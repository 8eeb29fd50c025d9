/*
 * test_torture - every allocation fails in turn while the entry points of
 * base, ext and model are at work on the sample deliveries and golden pages.
 *
 *     test_torture [WORK ...]
 *
 * TORTURE_ALL=1: really every one, where there are thousands of them, too.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "api/notion.h"
#include "api/openphone.h"
#include "base/utf8.h"
#include "ext/db.h"
#include "ext/http.h"
#include "ext/jansson.h"
#include "model/alert.h"
#include "model/call.h"
#include "model/columns.h"
#include "model/conf.h"
#include "model/event.h"
#include "model/fold.h"
#include "model/page.h"
#include "model/payload.h"
#include "model/presign.h"
#include "model/signature.h"
#include "model/skim.h"
#include "model/terminal.h"
#include "torture.h"
#include "../unit/canned.h"

/* One full pack of lines, and one that is not (LINES_FEW). */
enum { OUT_MAX = 16 << 20, LONG_LINES = 520 };

/* ---- deliveries ---------------------------------------------------------- */

static void
load(const struct input *input, struct outcome *out)
{
	const char *note = NULL;
	struct event event;
	struct buf key;
	json_t *json = payload_load(input->bytes, input->n, &note, &out->err);

	buf_init(&key, OUT_MAX);
	if (json == NULL) {
		out->rc = -1;
	} else {
		event_identify(json, &event);
		if (event_delivery_key(
			&event, NULL, input->bytes, input->n, &key) != 0 ||
		    event_delivery_key(&(struct event){ 0 }, NULL, input->bytes,
			input->n, &key) != 0)
			out_of_memory(out);
		keep_json(out, "payload", json);
		keep_text(out, "type", event.type);
		keep_text(out, "key", buf_text(&key));
	}
	keep_text(out, "note", note == NULL ? "none" : note);
	buf_free(&key);
	json_decref(json);
}

/* It says no more than that it could not: then load() is asked. */
static void
skim(const struct input *input, struct outcome *out)
{
	json_t *json = skim_envelope(input->bytes, input->n);

	if (json == NULL)
		out_of_memory(out);
	keep_json(out, "skimmed", json);
	json_decref(json);
}

static int
keep_piece(void *out, const char *text)
{
	keep_text(out, "piece", text);
	return 0;
}

static void
pieces(const struct input *input, struct outcome *out)
{
	if (jansson_pieces(input->json, JSON_COMPACT | JSON_SORT_KEYS, 100,
		keep_piece, out) != 0)
		out_of_memory(out);
}

/* The state after one more step; NULL after a failure. */
static void
folded(json_t **state, int rc, struct outcome *out)
{
	if (rc == 0)
		return;
	out->rc = -1;
	json_decref(*state);
	*state = NULL;
}

static void
fold(const struct input *input, struct outcome *out)
{
	json_t *state = fold_new();
	struct event event;

	event_identify(input->json, &event);
	if (state == NULL)
		out_of_memory(out);
	else
		folded(&state,
		    fold_event(state, input->json, &event, &out->err), out);
	/* the same again, onto what is there */
	if (state != NULL)
		folded(&state,
		    fold_event(state, input->json, &event, &out->err), out);
	keep_json(out, "state", state);
	json_decref(state);
}

/* The delivery's object, as if each endpoint of the REST API had given it. */
static void
fold_rest(const struct input *input, struct outcome *out)
{
	static int (*const folds[])(json_t *, const json_t *, struct err *) = {
		fold_rest_call, fold_rest_summary, fold_rest_voicemail,
		fold_rest_transcripts, fold_rest_message, fold_rest_contact
	};
	const json_t *data = json_object_get(input->json, "data");
	const json_t *object = json_object_get(data, "object");
	json_t *state = fold_new();

	if (object == NULL)
		object = json_object_get(data, "resource");
	if (state == NULL)
		out_of_memory(out);
	for (size_t i = 0; i < sizeof(folds) / sizeof(*folds) && state != NULL;
	     i++)
		folded(&state, folds[i](state, object, &out->err), out);
	if (state != NULL)
		folded(&state,
		    fold_rest_recordings(
			state, json_object_get(object, "media"), &out->err),
		    out);
	keep_json(out, "state", state);
	json_decref(state);
}

/* ---- pages --------------------------------------------------------------- */

static const char *
text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void
render(const struct input *input, enum page_schema schema, bool few,
    const char *template, struct outcome *out)
{
	const json_t *in = json_object_get(input->json, "input");
	const struct page_input page_input = {
		.kind = text_at(in, "kind"),
		.facts = json_object_get(in, "facts"),
		.names = json_object_get(in, "names"),
		.media = json_object_get(in, "media"),
		.schema = schema,
		.few_blocks = few,
		.title = template,
	};
	struct page page = { 0 };

	if (page_render(&page_input, &page, &out->err) != 0) {
		out->rc = -1;
		return;
	}
	keep_text(out, "title", page.title);
	keep_json(out, "values", page.values);
	keep_json(out, "sections", page.sections);
	page_free(&page);
}

static void
render_ours(const struct input *input, struct outcome *out)
{
	render(input, PAGE_SCHEMA_OURS, false, NULL, out);
}

static void
render_original(const struct input *input, struct outcome *out)
{
	render(input, PAGE_SCHEMA_ORIGINAL, false, NULL, out);
}

static void
render_few(const struct input *input, struct outcome *out)
{
	render(input, PAGE_SCHEMA_OURS, true,
	    "{outcome} {who} {number} {line} {date} {text}", out);
}

/* As a data source has them: with an id and a type. */
static json_t *
data_source(const struct schema *schema)
{
	json_t *made = schema_properties(
	    schema->kind, schema->id, "0c0ffee0-0000-4000-8000-000000000001");
	const struct schema_column *column = schema->columns;

	for (size_t i = 0; made != NULL && i < schema->n; i++, column++) {
		json_t *property = json_object_get(made, column->name);

		json_object_set_new(property, "id", json_sprintf("p%zu", i));
		json_object_set_new(
		    property, "type", json_string(column->type));
	}
	return made;
}

static const struct schema *
schema_of(const struct input *input, enum page_schema id)
{
	return schema_find(
	    text_at(json_object_get(input->json, "input"), "kind"), id);
}

static void
convert(const struct input *input, enum page_schema id, struct outcome *out)
{
	const struct schema *schema = schema_of(input, id);
	const json_t *page = json_object_get(
	    input->json, id == PAGE_SCHEMA_OURS ? "ours" : "original");
	json_t *properties, *ids, *skipped, *ret = NULL, *notes = NULL;

	alloc_pause();
	properties = data_source(schema);
	json_object_del(properties, "From");
	alloc_resume();
	ids = columns_ids(schema, properties, NULL);
	skipped = columns_skipped(schema, properties, ids);
	if (ids == NULL || skipped == NULL)
		out_of_memory(out);
	else if (columns_convert(schema, properties, ids,
		     json_object_get(page, "values"), &ret, &notes,
		     &out->err) != 0)
		out->rc = -1;
	keep_json(out, "ids", ids);
	keep_json(out, "skipped", skipped);
	keep_json(out, "columns", ret);
	keep_json(out, "notes", notes);
	json_decref(ids);
	json_decref(skipped);
	json_decref(ret);
	json_decref(notes);
	json_decref(properties);
}

static void
convert_ours(const struct input *input, struct outcome *out)
{
	convert(input, PAGE_SCHEMA_OURS, out);
}

static void
convert_original(const struct input *input, struct outcome *out)
{
	convert(input, PAGE_SCHEMA_ORIGINAL, out);
}

/* Every value into a column of every type. */
static void
convert_any(const struct input *input, struct outcome *out)
{
	static const char *const types[] = { "title", "rich_text", "number",
		"select", "multi_select", "date", "checkbox", "url",
		"phone_number", "email", "files", "relation" };
	const struct schema *schema = schema_of(input, PAGE_SCHEMA_OURS);
	const json_t *page = json_object_get(input->json, "ours");
	json_t *properties, *ret, *notes, *property;
	const char *name;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types) && out->rc == 0;
	     i++) {
		alloc_pause();
		properties = data_source(schema);
		json_object_foreach (properties, name, property)
			json_object_set_new(
			    property, "type", json_string(types[i]));
		ret = notes = NULL;
		alloc_resume();
		if (columns_convert(schema, properties, NULL,
			json_object_get(page, "values"), &ret, &notes,
			&out->err) != 0)
			out->rc = -1;
		keep_json(out, types[i], ret);
		keep_json(out, "notes", notes);
		json_decref(ret);
		json_decref(notes);
		json_decref(properties);
	}
}

static void
stamp(const struct input *input, struct outcome *out)
{
	const struct schema *schema = schema_of(input, PAGE_SCHEMA_OURS);
	json_t *made = schema_properties(schema->kind, schema->id, NULL);
	json_t *values = json_object();

	if (made == NULL || values == NULL ||
	    schema_stamp(schema, true, "2026-01-02T03:04:05Z", values) != 0)
		out_of_memory(out);
	keep_json(out, "schema", made);
	keep_json(out, "stamps", values);
	json_decref(made);
	json_decref(values);
}

static json_t *
blocks_of(const struct input *input)
{
	const json_t *page = json_object_get(input->json, "ours");
	json_t *ret = json_array(), *section;
	size_t i;

	json_array_foreach (json_object_get(page, "sections"), i, section)
		json_array_extend(ret, json_object_get(section, "blocks"));
	return ret;
}

/* For little requests, so that toggles are cut up. */
static void
chunk(const struct input *input, struct outcome *out)
{
	json_t *blocks, *steps;

	alloc_pause();
	blocks = blocks_of(input);
	alloc_resume();
	if ((steps = page_chunk(blocks, 600)) == NULL)
		out_of_memory(out);
	keep_json(out, "steps", steps);
	json_decref(steps);
	json_decref(blocks);
}

static void
terminal(const struct input *input, struct outcome *out)
{
	static const struct terminal narrow = { .width = 40, .bold = true };
	const json_t *wanted = json_object_get(input->json, "ours");
	const struct schema *schema = schema_of(input, PAGE_SCHEMA_OURS);
	json_t *blocks, *page, *properties, *value;
	const char *name;
	struct buf text;

	alloc_pause();
	blocks = blocks_of(input);
	properties = json_object();
	json_object_foreach (json_object_get(wanted, "values"), name, value)
		if (json_is_string(value))
			json_object_set_new(properties, name,
			    json_pack("{s:s, s:[{s:s, s:{s:O}}]}", "type",
				"rich_text", "rich_text", "type", "text",
				"text", "content", value));
	page = json_pack("{s:o}", "properties", properties);
	alloc_resume();
	buf_init(&text, OUT_MAX);
	if (terminal_page(&narrow, schema, page, blocks, &text) != 0)
		out_of_memory(out);
	keep_text(out, "page", buf_text(&text));
	buf_free(&text);
	json_decref(page);
	json_decref(blocks);
}

static void
call(const struct input *input, struct outcome *out)
{
	const json_t *in = json_object_get(input->json, "input");
	const json_t *facts = json_object_get(in, "facts");
	json_t *parties = call_parties(facts, json_object_get(in, "names"));
	json_t *recordings = call_recordings(facts), *line;
	struct call_lines lines;
	int has = call_has_lines(facts);
	bool begun = call_lines_begin(&lines, facts) == 0;

	while (begun && (line = call_lines_next(&lines)) != NULL) {
		keep_json(out, "line", line);
		json_decref(line);
	}
	if (!begun || call_lines_end(&lines) != 0 || parties == NULL ||
	    recordings == NULL || has < 0)
		out_of_memory(out);
	keep_text(out, "lines", has ? "some" : "none");
	keep_json(out, "parties", parties);
	keep_json(out, "recordings", recordings);
	json_decref(parties);
	json_decref(recordings);
}

/* ---- configuration, signatures, links ------------------------------------ */

static char conf_path[] = "/tmp/test_torture.XXXXXX";

static void
configuration(const struct input *input, struct outcome *out)
{
	struct conf conf = { 0 };
	struct buf text;

	(void)input;
	buf_init(&text, OUT_MAX);
	if (conf_load(conf_path, CONF_PROCESS, &conf, &out->err) != 0) {
		out->rc = -1;
	} else {
		if (conf_require_all(&conf, CONF_PROCESS, &out->err) != 0)
			out->rc = -1;
		else if (conf_print(&conf, &text) != 0)
			out_of_memory(out);
		keep_text(out, "configuration", buf_text(&text));
	}
	buf_free(&text);
	conf_free(&conf);
}

#define KEY "dG9ydHVyZSB0b3J0dXJlIHRvcnR1cmU="
#define NOW INT64_C(1768473000)

static void
sign(const struct input *input, struct outcome *out)
{
	static const enum signature_scheme schemes[] = { SIGNATURE_STANDARD,
		SIGNATURE_LEGACY };
	static const char secrets[] = "wh"
				      "sec_" KEY " " KEY;
	static const char *const stamps[] = { "1768473000", "1768473000000" };
	struct signature_keys *keys = signature_keys_new();
	char text[SIGNATURE_SIZE];

	if (keys == NULL)
		out_of_memory(out);
	else if (signature_keys_add(keys, secrets, "keys", &out->err) != 0)
		out->rc = -1;
	for (size_t i = 0; i < 2 && out->rc == 0; i++) {
		struct signature_headers headers = {
			.webhook_id = "msg_1",
			.webhook_timestamp = stamps[i],
		};
		enum signature_result result;

		if (signature_sign(keys, schemes[i], "msg_1", stamps[i],
			input->bytes, input->n, text) != 0) {
			out_of_memory(out);
			break;
		}
		keep_text(out, "signature", text);
		if (schemes[i] == SIGNATURE_STANDARD)
			headers.webhook_signature = text;
		else
			headers.openphone_signature = text;
		result = signature_check(
		    keys, &headers, input->bytes, input->n, NOW * 1000, 1000);
		if (result == SIGNATURE_FAILED)
			out_of_memory(out);
		keep_text(out, "check", signature_result_text(result));
	}
	signature_keys_free(keys);
}

static void
presign(const struct input *input, struct outcome *out)
{
	static const struct presign p = {
		.endpoint = "https://s3.example.com:443/folder/",
		.bucket = "calls",
		.region = "auto",
		.access_key = "key",
		.secret_key = "secret",
	};
	struct buf url;

	(void)input;
	buf_init(&url, OUT_MAX);
	if (presign_get(&p, "recordings/a b.mp3", NOW, 600, "audio/mpeg", &url,
		&out->err) != 0)
		out->rc = -1;
	keep_text(out, "url", buf_text(&url));
	buf_free(&url);
}

static void
clean(const struct input *input, struct outcome *out)
{
	char *text = utf8_clean(input->bytes, input->n);

	if (text == NULL)
		out_of_memory(out);
	else
		keep_text(out, "text", text);
	free(text);
}

static void
tell(const struct input *input, struct outcome *out)
{
	static const struct alert alert = { .event = "begins",
		.workspace = "default",
		.host = "",
		.part = "",
		.what = "dead",
		.reason = "<a> of +15550100001 & more",
		.since = "2026-01-15T10:00:00Z" };
	static const char *const formats[] = { "slack", "discord", "json" };

	(void)input;
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		char *body = alert_body(&alert, formats[i]);

		if (body == NULL)
			out_of_memory(out);
		else
			keep_text(out, formats[i], body);
		free(body);
	}
}

/* ---- libraries ----------------------------------------------------------- */

static void
hash(const struct input *input, struct outcome *out)
{
	unsigned char digest[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE] = "";
	struct crypto_hash *begun = crypto_hash_begin();

	if (begun == NULL) {
		out_of_memory(out);
		return;
	}
	if ((crypto_hash_add(begun, input->bytes, input->n) != 0) |
	    (crypto_hash_end(begun, digest) != 0))
		out_of_memory(out);
	else
		crypto_hex(digest, sizeof(digest), hex);
	keep_text(out, "digest", hex);
}

static void
url(const struct input *input, struct outcome *out)
{
	static const char *const urls[] = { "https://user@media.example.com/a",
		"https://:secret@media.example.com:8443/a?b=c",
		"http://media.example.com/", "ftp://media.example.com/" };
	struct http_url parsed;
	char text[512];

	(void)input;
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		if (http_url_parse(urls[i], &parsed) != 0) {
			if (i < 3) /* the last is none of ours */
				out_of_memory(out);
			continue;
		}
		snprintf(text, sizeof(text), "%s%s %s",
		    parsed.https ? "https" : "http",
		    parsed.userinfo ? " user" : "", parsed.host);
		keep_text(out, "url", text);
	}
}

/* Nobody listens there: what is of interest comes before. */
static void
database(const struct input *input, struct outcome *out)
{
	static const struct db_bytes texts[] = { { "a", 1 }, { NULL, 0 },
		{ "bc", 2 } };
	struct db *db = NULL;

	if (db_new("host=/nonexistent dbname=ons", "user=ons", "torture", 1000,
		&db, &out->err) != 0) {
		out->rc = -1;
		return;
	}
	keep_text(out, "where", db_where(db));
	out->rc = DB_RUN(db, "SELECT 1", NULL, &out->err, DB_INT(7),
	    DB_JSON(input->json), DB_TEXTS(texts, 3), DB_BYTEAS(texts, 3),
	    DB_TEXT("text"), DB_BOOL(true));
	db_free(db);
}

#define BODY "{\"object\":\"list\",\"results\":[]}"
static const char *const answer = "HTTP/1.1 429 Too Many Requests\r\n"
				  "Content-Type: application/json\r\n"
				  "Retry-After: 17\r\n"
				  "Connection: close\r\n"
				  "Content-Length: 30\r\n\r\n" BODY;
static const char *const moved = "HTTP/1.1 302 Found\r\n"
				 "Location: /elsewhere\r\n"
				 "Connection: close\r\n"
				 "Content-Length: 0\r\n\r\n";

/* One request; a server of its own for each. */
static void
request(
    const struct http_request *given, const char *canned, struct outcome *out)
{
	const char *const answers[] = { canned, NULL };
	struct http_response resp = { 0 };
	struct http_request req = *given;
	static struct canned server;
	struct http *http;
	char text[256];

	alloc_pause();
	canned_start(&server, answers);
	alloc_resume();
	req.url = server.url;
	if ((http = http_new("torture", &out->err)) == NULL) {
		out->rc = -1;
	} else {
		out->rc = http_perform(http, &req, &resp, &out->err);
		if (out->rc == 0) {
			snprintf(text, sizeof(text), "%d %s %lld %lld %s",
			    resp.status, resp.content_type,
			    (long long)resp.retry_after_ms,
			    (long long)resp.bytes, resp.sha256);
			keep_text(out, "answer", text);
			keep_text(out, "body", buf_text(&resp.body));
			keep_text(out, "location",
			    resp.location != NULL ? "some" : "none");
		}
		http_response_clear(&resp);
	}
	http_free(http);
	alloc_pause();
	canned_stop(&server);
	alloc_resume();
}

static void
get(const struct input *input, struct outcome *out)
{
	static const char *const headers[] = { "X-Torture: yes", NULL };

	(void)input;
	request(
	    &(struct http_request){
		.method = "GET", .headers = headers, .timeout_ms = 10000 },
	    answer, out);
	if (out->rc == 0)
		request(&(struct http_request){ .method = "GET",
			    .timeout_ms = 10000 },
		    moved, out);
}

#define OK                                   \
	"HTTP/1.1 200 OK\r\n"                \
	"Content-Type: application/json\r\n" \
	"Connection: close\r\n\r\n"

/* Whatever fails, what is there is not "not there": another page would be made,
 * or a recording never asked for again. */
static void
look_up(const char *canned,
    int (*ask)(
	struct http *http, const char *base, json_t **ret, struct err *err),
    struct outcome *out)
{
	const char *const answers[] = { canned, NULL };
	static struct canned server;
	json_t *found = NULL;
	struct http *http;

	alloc_pause();
	canned_start(&server, answers);
	alloc_resume();
	http = http_new("torture", &out->err);
	out->rc = http == NULL ? -1 : ask(http, server.url, &found, &out->err);
	if (out->rc == 0)
		keep_json(out, "found", found);
	json_decref(found);
	http_free(http);
	alloc_pause();
	canned_stop(&server);
	alloc_resume();
}

static int
ask_notion(struct http *http, const char *base, json_t **ret, struct err *err)
{
	const struct notion notion = { .http = http,
		.base = base,
		.key = "key",
		.version = "2026-03-11",
		.timeout_ms = 10000 };

	return notion_query_equal(
	    &notion, "source", "title", "title", "ACtest", false, ret, err);
}

static void
query(const struct input *input, struct outcome *out)
{
	(void)input;
	look_up(OK "{\"results\":[{\"id\":\"x\",\"properties\":{\"Call ID\":"
		   "{\"id\":\"title\",\"title\":[{\"plain_text\":\"AC\"},"
		   "{\"plain_text\":\"test\"}]}}}]}",
	    ask_notion, out);
}

static int
ask_openphone(
    struct http *http, const char *base, json_t **ret, struct err *err)
{
	const struct openphone op = { .http = http,
		.base = base,
		.key = "key",
		.version = "2026-03-30",
		.timeout_ms = 10000 };

	return openphone_recordings(&op, "ACtest", ret, err);
}

static void
recordings(const struct input *input, struct outcome *out)
{
	(void)input;
	look_up(OK "{\"data\":[{\"id\":\"CR1\"},{\"id\":\"CR2\"},"
		   "{\"id\":\"CR3\"},{\"id\":\"CR4\"},{\"id\":\"CR5\"},"
		   "{\"id\":\"CR6\"},{\"id\":\"CR7\"},{\"id\":\"CR8\"},"
		   "{\"id\":\"CR9\"}]}",
	    ask_openphone, out);
}

static int
ask_for_call(struct http *http, const char *base, json_t **ret, struct err *err)
{
	const struct openphone op = { .http = http,
		.base = base,
		.key = "key",
		.version = "2026-03-30",
		.timeout_ms = 10000 };

	return openphone_call(&op, "ACtest", ret, err);
}

/* ... nor is a service another one, for which a person must act. */
static void
absent(const struct input *input, struct outcome *out)
{
	(void)input;
	look_up("HTTP/1.1 404 Not Found\r\n"
		"Content-Type: application/json\r\n"
		"Connection: close\r\n\r\n"
		"{\"message\":\"Not found\",\"code\":\"0100404\"}",
	    ask_for_call, out);
}

/* ---- inputs ---------------------------------------------------------------
 */

static const char *
folder(const char *variable, const char *otherwise)
{
	const char *path = getenv(variable);

	return path != NULL ? path : otherwise;
}

static void
input_free(struct input *input)
{
	json_decref(input->json);
	free(input->bytes);
}

static struct input
input_read(const char *path)
{
	struct input input = { .bytes = NULL };
	FILE *file = fopen(path, "re");
	size_t size = 0;

	if (file == NULL || getdelim(&input.bytes, &size, '\0', file) < 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	fclose(file);
	input.n = strlen(input.bytes);
	input.json = json_loadb(input.bytes, input.n, 0, NULL);
	snprintf(input.name, sizeof(input.name), "%.200s", path);
	return input;
}

/* A transcript that is packed: see model/lines. */
static struct input
input_long(void)
{
	struct input input = { .name = "a long transcript" };
	json_t *lines = json_array();

	for (int i = 0; i < LONG_LINES; i++)
		json_array_append_new(lines,
		    json_pack("{s:s, s:f, s:f, s:s, s:s*}", "content",
			i % 7 == 0 ? "What was said, \"quoted\"" : "And so on",
			"start", i * 1.5, "end", i * 1.5 + 1, "identifier",
			i % 2 == 0 ? "+15550001111" : "+15550002222", "userId",
			i % 2 == 0 ? NULL : "UStest01"));
	input.json = json_pack("{s:s, s:s, s:s, s:s, s:{s:{s:s, s:s, s:o}}}",
	    "id", "EVtest1", "apiVersion", "v3", "type",
	    "call.transcript.completed", "createdAt", "2026-01-15T10:29:30Z",
	    "data", "object", "callId", "ACtest1", "status", "completed",
	    "dialogue", lines);
	input.bytes = json_dumps(input.json, JSON_COMPACT);
	input.n = strlen(input.bytes);
	return input;
}

/* What a page is made of, with such a transcript. */
static struct input
input_long_page(void)
{
	struct input payload = input_long();
	struct input input = { .name = "a page with a long transcript" };
	json_t *state = fold_new(), *json;
	struct err err = ERR_INIT;
	const char *note;
	struct event event;

	json = payload_load(payload.bytes, payload.n, &note, &err);
	event_identify(json, &event);
	if (fold_event(state, json, &event, &err) != 0)
		abort();
	input.json = json_pack("{s:{s:s, s:O}}", "input", "kind", "call",
	    "facts", json_object_get(state, "facts"));
	json_decref(state);
	json_decref(json);
	input_free(&payload);
	return input;
}

/* Defects that are repaired, and what is no JSON at all. */
static struct input
input_text(const char *name, const char *text)
{
	struct input input = { .bytes = strdup(text), .n = strlen(text) };

	snprintf(input.name, sizeof(input.name), "%s", name);
	return input;
}

/* ---- all of it ------------------------------------------------------------
 */

enum kind {
	ONCE = 1,
	DELIVERIES = 2, /* each of the samples */
	LONG = 4,
	BROKEN = 8,
	PAGES = 16, /* each golden page */
	LONG_PAGE = 32,
};

static const struct work works[] = {
	{ "load", load, DELIVERIES | LONG | BROKEN, false },
	{ "skim", skim, DELIVERIES | LONG, false },
	{ "fold", fold, DELIVERIES | LONG, false },
	{ "fold_rest", fold_rest, DELIVERIES, false },
	{ "pieces", pieces, DELIVERIES, false },
	{ "render_ours", render_ours, PAGES | LONG_PAGE, false },
	{ "render_original", render_original, PAGES | LONG_PAGE, false },
	{ "render_few", render_few, PAGES | LONG_PAGE, false },
	{ "convert_ours", convert_ours, PAGES, false },
	{ "convert_original", convert_original, PAGES, false },
	{ "convert_any", convert_any, PAGES, false },
	{ "stamp", stamp, PAGES, false },
	{ "chunk", chunk, PAGES, false },
	{ "terminal", terminal, PAGES, true }, /* newlocale() does */
	{ "call", call, PAGES | LONG_PAGE, false },
	{ "configuration", configuration, ONCE, false },
	{ "sign", sign, BROKEN, false },
	{ "presign", presign, ONCE, false },
	{ "clean", clean, BROKEN, false },
	{ "tell", tell, ONCE, false },
	{ "hash", hash, BROKEN, false },
	{ "url", url, ONCE, false },
	{ "database", database, LONG, false },
	{ "get", get, ONCE, false },
	{ "query", query, ONCE, false },
	{ "recordings", recordings, ONCE, false },
	{ "absent", absent, ONCE, false },
};

/* How a work has gone so far. */
struct result {
	int rc;
	size_t inputs, failures;
};

static void
with_input(const struct work *work, struct input input, struct result *result)
{
	if (torture(work, &input, &result->failures) != 0)
		result->rc = -1;
	result->inputs++;
	input_free(&input);
}

static void
with_files(const struct work *work, const char *path, struct result *result)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);
	char file[2048];

	for (int i = 0; i < n; i++) {
		const char *end = strstr(entries[i]->d_name, ".json");

		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		if (end != NULL && end[5] == '\0')
			with_input(work, input_read(file), result);
		free(entries[i]);
	}
	if (n > 0)
		free(entries);
}

static void
with_deliveries(const struct work *work, struct result *result)
{
	static const char *const generations[] = { "v2", "v3", "v4",
		"2026-03-30" };
	char path[1024];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s",
		    folder("DELIVERIES", "tests/deliveries"), generations[i]);
		with_files(work, path, result);
	}
}

static int
with_all(const struct work *work, struct result *result)
{
	if (work->kinds & ONCE)
		with_input(work, (struct input){ .name = "no input" }, result);
	if (work->kinds & DELIVERIES)
		with_deliveries(work, result);
	if (work->kinds & LONG)
		with_input(work, input_long(), result);
	if (work->kinds & BROKEN) {
		with_input(work,
		    input_text("half a character",
			"{\"id\": \"a\\ud83d b\\u0000 \xff\", \"n\": 1e9}"),
		    result);
		with_input(work, input_text("no JSON", "{\"id\": "), result);
		with_input(work,
		    input_text("a number too large",
			"{\"n\": 123456789012345678901234567890}"),
		    result);
	}
	if (work->kinds & PAGES)
		with_files(work, folder("GOLDEN", "tests/golden"), result);
	if (work->kinds & LONG_PAGE)
		with_input(work, input_long_page(), result);
	return result->inputs > 0 ? result->rc : -1;
}

static bool
is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc < 2;
}

static void
set_up(void)
{
	static const char text[] = "[database]\nconninfo = dbname=ons\n"
				   "[openphone]\napi_key = key\n"
				   "[notion]\napi_key = key\n"
				   "parent_page = 0123456789abcdef\n"
				   "call_title = {outcome}\n  {who}\n"
				   "[media]\nstore = file\nfolder = /tmp\n"
				   "base_url = https://calls.example.com\n"
				   "[workspace a]\nnotion.api_key = key\n"
				   "media.hosts = a\n  b\n"
				   "[workspace b]\n";
	int fd;

	setenv("TZ", "America/New_York", 1);
	tzset();
	unsetenv("ONS_CONFIG");
	if ((fd = mkstemp(conf_path)) < 0 ||
	    write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		perror(conf_path);
		exit(EXIT_FAILURE);
	}
	close(fd);
}

int
main(int argc, char **argv)
{
	int n = 0, rc = EXIT_SUCCESS;

	set_up();
	for (size_t i = 0; i < sizeof(works) / sizeof(*works); i++) {
		struct result result = { 0 };

		if (!is_wanted(works[i].name, argc, argv))
			continue;
		if (with_all(&works[i], &result) != 0)
			rc = EXIT_FAILURE;
		printf("%s %d - %s: %zu inputs, %zu failures of memory\n",
		    result.rc == 0 ? "ok" : "not ok", ++n, works[i].name,
		    result.inputs, result.failures);
		fflush(stdout);
	}
	printf("1..%d\n", n);
	unlink(conf_path);
	return rc;
}

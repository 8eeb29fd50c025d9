#include "page_limits.h"

#include "model/columns.h"
#include "model/page.h"

static json_t *
parse(const char *text)
{
	json_error_t error;
	json_t *ret = json_loads(text, JSON_DECODE_ANY, &error);

	if (ret == NULL)
		fail_msg("%s: %s", text, error.text);
	return ret;
}

/* What Notion would return for a database made with the schema: ids "p0",
 * "p1" …, the title's "title". */
static json_t *
data_source(const struct schema *schema)
{
	json_t *made = schema_properties(
	    schema->kind, schema->id, "0c0ffee0-0000-4000-8000-000000000001");
	json_t *ret = json_object();
	char id[32];

	for (size_t i = 0; i < schema->n; i++) {
		const struct schema_column *column = &schema->columns[i];
		json_t *property =
		    json_deep_copy(json_object_get(made, column->name));

		snprintf(id, sizeof(id), "p%zu", i);
		json_object_set_new(property, "id",
		    json_string(
			strcmp(column->type, "title") == 0 ? "title" : id));
		json_object_set_new(
		    property, "name", json_string(column->name));
		json_object_set_new(
		    property, "type", json_string(column->type));
		json_object_set_new(ret, column->name, property);
	}
	json_decref(made);
	return ret;
}

/* One value of a column of ours into a column of another type; what comes of
 * it, or the reason. */
static void
is_converted(const char *column, const char *property, const char *value,
    const char *wanted)
{
	const struct schema_column only = { column, "rich_text", ".x", NULL };
	const struct schema *ours = schema_find("call", PAGE_SCHEMA_OURS);
	struct schema schema = { "call", PAGE_SCHEMA_OURS, "x", &only, 1 };
	json_t *properties = json_pack("{s:o}", column, parse(property));
	json_t *values = json_pack("{s:o}", column, parse(value));
	json_t *ret = NULL, *skipped = NULL, *expected;
	const char *reason;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ours->n; i++)
		if (strcmp(ours->columns[i].name, column) == 0)
			schema.columns = &ours->columns[i];
	json_object_set_new(
	    json_object_get(properties, column), "id", json_string("id1"));
	assert_int_equal(columns_convert(&schema, properties, NULL, values,
			     &ret, &skipped, &err),
	    0);
	if (*wanted == '{') {
		expected = json_pack("{s:o}", "id1", parse(wanted));
		if (!json_equal(ret, expected))
			fail_msg("%s into %s: %s", value, property,
			    json_dumps(ret, 0));
		assert_int_equal(json_array_size(skipped), 0);
		json_decref(expected);
	} else {
		assert_int_equal(json_object_size(ret), 0);
		assert_int_equal(
		    json_array_size(skipped), *wanted == '\0' ? 0 : 1);
		reason = json_string_value(json_array_get(skipped, 0));
		if (*wanted != '\0' && strstr(reason, wanted) == NULL)
			fail_msg("%s into %s: %s", value, property, reason);
	}
	json_decref(properties);
	json_decref(values);
	json_decref(ret);
	json_decref(skipped);
}

static void
values_are_converted_to_the_columns_type(void **state)
{
	static const struct {
		const char *column, *property, *value, *wanted;
	} rows[] = {
#define UPLOAD \
	"{\"upload\":\"u\",\"name\":\"a.mp3\"," \
	"\"url\":\"https://example.com/a\"}"
#define TEXT(s) "[{\"type\":\"text\",\"text\":{\"content\":\"" s "\"}}]"
		{ "X", "{\"type\":\"rich_text\"}", "\"a\"",
		    "{\"rich_text\":" TEXT("a") "}" },
		{ "X", "{\"type\":\"rich_text\"}", "12",
		    "{\"rich_text\":" TEXT("12") "}" },
		{ "X", "{\"type\":\"rich_text\"}", "true",
		    "{\"rich_text\":" TEXT("yes") "}" },
		{ "X", "{\"type\":\"rich_text\"}", "[\"a\",\"b\"]",
		    "{\"rich_text\":" TEXT("a\\nb") "}" },
		{ "X", "{\"type\":\"rich_text\"}", "null", "" },
		{ "X", "{\"type\":\"title\"}", "\"a\"",
		    "{\"title\":" TEXT("a") "}" },
		{ "X", "{\"type\":\"number\"}", "1.5", "{\"number\":1.5}" },
		{ "X", "{\"type\":\"number\"}", "\"-12\"", "{\"number\":-12}" },
		{ "X", "{\"type\":\"number\"}", "\"1.25\"",
		    "{\"number\":1.25}" },
		{ "X", "{\"type\":\"number\"}", "true", "{\"number\":1}" },
		{ "X", "{\"type\":\"number\"}", "\"+15550001111\"",
		    "not a number" },
		{ "X", "{\"type\":\"number\"}", "\"\"", "not a number" },
		{ "X", "{\"type\":\"number\"}", "\"1.\"", "not a number" },
		{ "X", "{\"type\":\"checkbox\"}", "false",
		    "{\"checkbox\":false}" },
		{ "X", "{\"type\":\"checkbox\"}", "0", "{\"checkbox\":false}" },
		{ "X", "{\"type\":\"checkbox\"}", "\"https://example.com/a\"",
		    "{\"checkbox\":true}" },
		{ "X", "{\"type\":\"checkbox\"}", "\"No\"",
		    "{\"checkbox\":false}" },
		{ "X", "{\"type\":\"checkbox\"}", "{\"a\":1}",
		    "neither yes nor no" },
		{ "X", "{\"type\":\"date\"}", "\"2026-01-15T10:29:30Z\"",
		    "{\"date\":{\"start\":\"2026-01-15T10:29:30.000Z\"}}" },
		{ "X", "{\"type\":\"date\"}", "\"2026-01-15T10:29:30+02:00\"",
		    "{\"date\":{\"start\":\"2026-01-15T08:29:30.000Z\"}}" },
		{ "X", "{\"type\":\"date\"}", "\"soon\"", "not a time" },
		{ "X", "{\"type\":\"date\"}", "12", "not a time" },
		{ "X", "{\"type\":\"url\"}", "\"https://example.com/a\"",
		    "{\"url\":\"https://example.com/a\"}" },
		{ "X", "{\"type\":\"url\"}", "[\"https://example.com/a\",1]",
		    "{\"url\":\"https://example.com/a\"}" },
		{ "X", "{\"type\":\"url\"}", "\"ACtest0001\"", "not a URL" },
		{ "X", "{\"type\":\"phone_number\"}", "\"+15550001111\"",
		    "{\"phone_number\":\"+15550001111\"}" },
		{ "X", "{\"type\":\"phone_number\"}", "[\"1\",\"2\"]",
		    "too long" },
		{ "X", "{\"type\":\"email\"}", "\"a@example.com\"",
		    "{\"email\":\"a@example.com\"}" },
		{ "X", "{\"type\":\"email\"}", "\"a\"", "not an e-mail" },
		{ "X", "{\"type\":\"files\"}",
		    "[\"https://example.com/r/a.jpg?x=1\","
		    "\"https://example.com/r/b\",\"c\"]",
		    "{\"files\":[{\"name\":\"a.jpg\",\"type\":\"external\","
		    "\"external\":{\"url\":\"https://example.com/r/a.jpg?x=1\"}"
		    "},{\"name\":\"File 2\",\"type\":\"external\","
		    "\"external\":{\"url\":\"https://example.com/r/b\"}}]}" },
		{ "X", "{\"type\":\"files\"}", "\"c\"", "not a URL" },
		{ "X", "{\"type\":\"files\"}", "[]", "{\"files\":[]}" },
		{ "X", "{\"type\":\"files\"}", "\"\"", "{\"files\":[]}" },
		{ "X", "{\"type\":\"url\"}", "\"\"", "{\"url\":null}" },
		{ "X", "{\"type\":\"checkbox\"}", "\"\"",
		    "{\"checkbox\":false}" },
		/* a file that was uploaded, as such and as its URL */
		{ "X", "{\"type\":\"files\"}", "[" UPLOAD "]",
		    "{\"files\":[{\"name\":\"a.mp3\",\"type\":"
		    "\"file_upload\",\"file_upload\":{\"id\":\"u\"}}]}" },
		{ "X", "{\"type\":\"files\"}", "{\"upload\":\"u\"}",
		    "{\"files\":[{\"type\":\"file_upload\","
		    "\"file_upload\":{\"id\":\"u\"}}]}" },
		{ "X", "{\"type\":\"url\"}", UPLOAD,
		    "{\"url\":\"https://example.com/a\"}" },
		{ "X", "{\"type\":\"url\"}", "{\"upload\":\"u\"}", "" },
		{ "X", "{\"type\":\"rich_text\"}",
		    "[" UPLOAD ",{\"upload\":\"v\"}]",
		    "{\"rich_text\":" TEXT("https://example.com/a") "}" },
		/* no new options of free text … */
		{ "X", "{\"type\":\"select\",\"select\":{\"options\":[]}}",
		    "\"Ann Lee\"", "not one of the column's options" },
		/* … but those that are there, and ours */
		{ "X",
		    "{\"type\":\"select\",\"select\":{\"options\":[{\"name\":"
		    "\"ann lee\"},{\"name\":\"Ann Lee\"}]}}",
		    "\"Ann Lee\"", "{\"select\":{\"name\":\"Ann Lee\"}}" },
		{ "X",
		    "{\"type\":\"select\",\"select\":{\"options\":[{\"name\":"
		    "\"INCOMING\"}]}}",
		    "\"incoming\"", "{\"select\":{\"name\":\"INCOMING\"}}" },
		{ "X",
		    "{\"type\":\"select\",\"select\":{\"options\":[{\"name\":"
		    "\"a; b\"}]}}",
		    "\"a, b\"", "{\"select\":{\"name\":\"a; b\"}}" },
		{ "Outcome", "{\"type\":\"select\"}", "\"Missed\"",
		    "{\"select\":{\"name\":\"Missed\"}}" },
		{ "Outcome", "{\"type\":\"select\"}", "\"Abducted\"",
		    "not one of" },
		{ "Has summary", "{\"type\":\"select\"}", "true",
		    "{\"select\":{\"name\":\"yes\"}}" },
		{ "Outcome", "{\"type\":\"multi_select\"}", "\"Missed\"",
		    "{\"multi_select\":[{\"name\":\"Missed\"}]}" },
		{ "Outcome", "{\"type\":\"multi_select\"}",
		    "[\"Missed\",\"x\",\"Failed\"]",
		    "{\"multi_select\":[{\"name\":\"Missed\"},{\"name\":"
		    "\"Failed\"}]}" },
		{ "Outcome", "{\"type\":\"multi_select\"}", "[\"x\"]",
		    "none of" },
		{ "Outcome",
		    "{\"type\":\"status\",\"status\":{\"options\":[{\"name\":"
		    "\"missed\"}]}}",
		    "\"Missed\"", "{\"status\":{\"name\":\"missed\"}}" },
		/* a status cannot be added to */
		{ "Outcome", "{\"type\":\"status\"}", "\"Missed\"",
		    "not one of" },
#define PAGE "\"0c0ffee0-0000-4000-8000-00000000000"
		{ "X", "{\"type\":\"relation\"}",
		    "[" PAGE "1\",\"Ann\"," PAGE "2\"]",
		    "{\"relation\":[{\"id\":" PAGE "1\"},{\"id\":" PAGE
		    "2\"}]}" },
		{ "X", "{\"type\":\"relation\"}", "[\"Ann\"]", "not pages" },
		{ "X", "{\"type\":\"relation\"}", "\"a\"", "not pages" },
		/* ids of pages are nothing to read */
		{ "Contact page", "{\"type\":\"rich_text\"}", "[" PAGE "1\"]",
		    "not a relation" },
		{ "X", "{\"type\":\"people\"}", "\"a\"", "cannot be written" },
		{ "X", "{\"type\":\"formula\"}", "\"a\"", "cannot be written" },
		{ "X", "{\"type\":\"created_time\"}", "\"a\"",
		    "cannot be written" },
		{ "X", "{\"type\":\"rollup\"}", "\"a\"", "cannot be written" },
		{ "X", "{\"type\":\"unique_id\"}", "1", "cannot be written" },
		{ "X", "{\"type\":\"something new\"}", "1",
		    "cannot be written" },
		{ "X", "{}", "1", "cannot be written" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		is_converted(rows[i].column, rows[i].property, rows[i].value,
		    rows[i].wanted);
}

static void
what_is_too_long_for_a_short_column_is_left_out(void **state)
{
	char value[2100];

	(void)state;
	memset(value, 'x', sizeof(value));
	memcpy(value, "\"", 1);
	memcpy(value + 102, "\"", 2);
	is_converted("X", "{\"type\":\"phone_number\"}", value, "too long");
	value[51] = '@';
	is_converted("X", "{\"type\":\"email\"}", value, "too long");
	memset(value, 'x', sizeof(value));
	memcpy(value, "\"https://", 9);
	memcpy(value + 2050, "\"", 2);
	is_converted("X", "{\"type\":\"url\"}", value, "not a URL");
}

static void
columns_stay_found_when_they_are_renamed(void **state)
{
	const struct schema *schema = schema_find("call", PAGE_SCHEMA_OURS);
	json_t *properties = data_source(schema), *ids, *moved, *values, *ret;
	json_t *skipped;
	struct err err = ERR_INIT;
	char *outcome_id;

	(void)state;
	ids = columns_ids(schema, properties, NULL);
	assert_int_equal(json_object_size(ids), schema->n);
	assert_string_equal(
	    json_string_value(json_object_get(ids, "Name")), "title");
	outcome_id = strdup(json_string_value(json_object_get(ids, "Outcome")));

	/* "Outcome" becomes "Result", "User" is removed, the title renamed */
	moved = json_incref(json_object_get(properties, "Outcome"));
	json_object_del(properties, "Outcome");
	json_object_set_new(properties, "Result", moved);
	moved = json_incref(json_object_get(properties, "Name"));
	json_object_del(properties, "Name");
	json_object_set_new(properties, "What", moved);
	json_object_del(properties, "User");

	values = json_pack("{s:s, s:s, s:s}", "Name", "Call with Ann",
	    "Outcome", "Missed", "User", "Sam");
	assert_int_equal(columns_convert(schema, properties, ids, values, &ret,
			     &skipped, &err),
	    0);
	assert_int_equal(json_object_size(ret), 2);
	assert_non_null(json_object_get(ret, outcome_id));
	assert_non_null(json_object_get(ret, "title"));
	assert_int_equal(json_array_size(skipped), 1);
	assert_string_equal(json_string_value(json_array_get(skipped, 0)),
	    "User: no such column");
	json_decref(ret);
	json_decref(skipped);

	/* whatever the values: that one, and one that is computed */
	moved = json_copy(properties);
	json_object_set_new(moved, "With",
	    parse("{\"id\":\"pwith\",\"type\":\"formula\"}"));
	skipped = columns_skipped(schema, moved, ids);
	assert_int_equal(json_array_size(skipped), 2);
	assert_string_equal(json_string_value(json_array_get(skipped, 0)),
	    "With: its type cannot be written");
	assert_string_equal(json_string_value(json_array_get(skipped, 1)),
	    "User: no such column");
	json_decref(skipped);
	json_decref(moved);

	/* without the ids only the title is found */
	assert_int_equal(columns_convert(schema, properties, NULL, values, &ret,
			     &skipped, &err),
	    0);
	assert_int_equal(json_object_size(ret), 1);
	assert_non_null(json_object_get(ret, "title"));
	assert_int_equal(json_array_size(skipped), 2);
	json_decref(ret);
	json_decref(skipped);

	/* a column that is made again has another id */
	json_object_set_new(properties, "User",
	    parse("{\"id\":\"new\",\"type\":\"rich_text\"}"));
	moved = columns_ids(schema, properties, ids);
	assert_string_equal(
	    json_string_value(json_object_get(moved, "User")), "new");
	assert_string_equal(
	    json_string_value(json_object_get(moved, "Outcome")), outcome_id);
	json_decref(moved);

	free(outcome_id);
	json_decref(values);
	json_decref(ids);
	json_decref(properties);
}

static char *
long_text(const char *piece, size_t n)
{
	struct buf buf;

	buf_init(&buf, 64u << 20);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_adds(&buf, piece), 0);
	return buf_steal(&buf);
}

static void
long_text_is_cut_and_says_so(void **state)
{
	static const char *const pieces[] = { "word ", "漢字", "😀", "\"\\" };
	static const char *const names[] = { "Transcript", "Summary",
		"Next Steps", "Raw Data" };
	const struct schema *schema = schema_find("call", PAGE_SCHEMA_ORIGINAL);
	json_t *properties = data_source(schema), *ids;
	struct err err = ERR_INIT;

	(void)state;
	ids = columns_ids(schema, properties, NULL);
	for (size_t i = 0; i < 4; i++) {
		char *text = long_text(pieces[i], 100000);
		json_t *values = json_object(), *ret, *skipped;

		for (size_t k = 0; k < 4; k++)
			json_object_set_new(
			    values, names[k], json_string(text));
		assert_int_equal(columns_convert(schema, properties, NULL,
				     values, &ret, &skipped, &err),
		    0);
		assert_true(json_dumpb(ret, NULL, 0, JSON_COMPACT) <= 210000);
		for (size_t k = 0; k < 4; k++) {
			const json_t *items = json_object_get(
			    json_object_get(ret,
				json_string_value(
				    json_object_get(ids, names[k]))),
			    "rich_text");
			struct buf all;

			buf_init(&all, 1 << 20);
			limits_rich_text(items, &all);
			assert_non_null(strstr(
			    buf_text(&all), "… (whole text on the page)"));
			buf_free(&all);
		}
		json_decref(ret);
		json_decref(skipped);
		json_decref(values);
		free(text);
	}
	json_decref(ids);
	json_decref(properties);
}

/* Nothing of a page is skipped in the databases that we make. */
static void
our_own_databases_take_everything(void **state)
{
	static const enum page_schema both[] = { PAGE_SCHEMA_OURS,
		PAGE_SCHEMA_ORIGINAL };
	struct page_input in = { .kind = "call" };
	struct err err = ERR_INIT;
	struct page page;

	(void)state;
	in.facts = parse("{\"id\":\"ACtest1\",\"direction\":\"incoming\","
			 "\"status\":\"ai-handled\",\"createdAt\":"
			 "\"2026-01-15T10:29:30.000Z\",\"external\":"
			 "[\"+15550001111\"],\"deepLink\":"
			 "\"https://my.quo.com/x\",\"duration\":5}");
	for (int i = 0; i < 2; i++) {
		const struct schema *schema = schema_find("call", both[i]);
		json_t *properties = data_source(schema), *ret, *skipped;

		in.schema = both[i];
		assert_int_equal(page_render(&in, &page, &err), 0);
		assert_int_equal(columns_convert(schema, properties, NULL,
				     page.values, &ret, &skipped, &err),
		    0);
		assert_int_equal(json_array_size(skipped), 0);
		assert_true(json_object_size(ret) > 8);
		json_decref(ret);
		json_decref(skipped);
		json_decref(properties);
		page_free(&page);
	}
	json_decref((json_t *)in.facts);
}

static size_t allocations, allowed;

static void *
counted_malloc(size_t n)
{
	return allocations++ < allowed ? malloc(n) : NULL;
}

static void
running_out_of_memory_is_an_error(void **state)
{
	const struct schema *schema = schema_find("message", PAGE_SCHEMA_OURS);
	json_t *properties = data_source(schema), *ret, *skipped;
	json_t *values = parse(
	    "{\"Name\":\"a\",\"Direction\":\"incoming\",\"Status\":[\"sent\","
	    "\"x\",\"read\"],\"From\":\"+15550001111\",\"Sent\":"
	    "\"2026-01-15T10:29:30Z\",\"Text\":\"b\",\"Media\":"
	    "[\"https://example.com/a\"],\"Link\":\"no\"}");
	bool done = false;

	(void)state;
	json_object_set_new(properties, "Status",
	    parse("{\"id\":\"s\",\"type\":\"multi_select\"}"));
	json_object_del(properties, "User");
	json_set_alloc_funcs(counted_malloc, free);
	for (allowed = 0; !done && allowed < 10000; allowed++) {
		struct err err = ERR_INIT;

		allocations = 0;
		done = columns_convert(schema, properties, NULL, values, &ret,
			   &skipped, &err) == 0;
		assert_int_equal(done, allocations <= allowed);
		assert_int_equal(err.kind, done ? ERR_NONE : ERR_RETRY);
	}
	json_set_alloc_funcs(malloc, free);
	assert_true(done && allowed > 50);
	assert_int_equal(json_array_size(skipped), 2);
	json_decref(ret);
	json_decref(skipped);
	json_decref(values);
	json_decref(properties);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_converted_to_the_columns_type),
		cmocka_unit_test(
		    what_is_too_long_for_a_short_column_is_left_out),
		cmocka_unit_test(columns_stay_found_when_they_are_renamed),
		cmocka_unit_test(long_text_is_cut_and_says_so),
		cmocka_unit_test(our_own_databases_take_everything),
		cmocka_unit_test(running_out_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

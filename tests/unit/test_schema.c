#include "page_limits.h"

#include "model/schema.h"
#include "model/values.h"

static const char *const kinds[] = { "call", "message" };
static const enum page_schema ids[] = { PAGE_SCHEMA_OURS,
	PAGE_SCHEMA_ORIGINAL };

/* The databases of the original's users, name by name. */
static const char *const original_calls[][2] = {
	{ "Call ID", "title" },
	{ "Direction", "select" },
	{ "Status", "select" },
	{ "Duration", "number" },
	{ "Participants", "rich_text" },
	{ "OpenPhone User", "rich_text" },
	{ "Phone Number Used", "rich_text" },
	{ "Phone Number ID", "rich_text" },
	{ "Created At", "date" },
	{ "Answered At", "date" },
	{ "Completed At", "date" },
	{ "Has Recording", "checkbox" },
	{ "Recording URL", "url" },
	{ "Recording Duration", "number" },
	{ "Has Transcript", "checkbox" },
	{ "Transcript", "rich_text" },
	{ "Transcript Status", "select" },
	{ "Has Summary", "checkbox" },
	{ "Summary", "rich_text" },
	{ "Next Steps", "rich_text" },
	{ "Has Voicemail", "checkbox" },
	{ "Voicemail URL", "url" },
	{ "Voicemail Transcript", "rich_text" },
	{ "Call Route", "rich_text" },
	{ "Forwarded From", "rich_text" },
	{ "Forwarded To", "rich_text" },
	{ "Raw Data", "rich_text" },
	{ "Synced At", "date" },
	{ "Last Updated", "date" },
};

static const char *const original_messages[][2] = {
	{ "Message ID", "title" },
	{ "Direction", "select" },
	{ "From", "phone_number" },
	{ "To", "phone_number" },
	{ "Content", "rich_text" },
	{ "Status", "select" },
	{ "OpenPhone Number", "rich_text" },
	{ "Phone Number ID", "rich_text" },
	{ "User ID", "rich_text" },
	{ "Created At", "date" },
	{ "Updated At", "date" },
	{ "Has Media", "checkbox" },
	{ "Media URLs", "rich_text" },
	{ "Conversation ID", "rich_text" },
	{ "Raw Data", "rich_text" },
	{ "Synced At", "date" },
};

static void
the_originals_columns_are_all_there(void **state)
{
	const struct schema *calls = schema_find("call", PAGE_SCHEMA_ORIGINAL);
	const struct schema *messages =
	    schema_find("message", PAGE_SCHEMA_ORIGINAL);

	(void)state;
	assert_int_equal(calls->n, 29);
	for (size_t i = 0; i < 29; i++) {
		assert_string_equal(
		    calls->columns[i].name, original_calls[i][0]);
		assert_string_equal(
		    calls->columns[i].type, original_calls[i][1]);
	}
	assert_int_equal(messages->n, 16);
	for (size_t i = 0; i < 16; i++) {
		assert_string_equal(
		    messages->columns[i].name, original_messages[i][0]);
		assert_string_equal(
		    messages->columns[i].type, original_messages[i][1]);
	}
}

static void
check_options(const struct schema_column *column)
{
	static const char *const colors[] = { "gray", "brown", "orange",
		"yellow", "green", "blue", "purple", "pink", "red" };
	const struct schema_option *option = column->options;
	size_t n = 0, k;

	for (; option->name != NULL; option++, n++) {
		assert_null(strchr(option->name, ','));
		assert_true(strlen(option->name) <= 100);
		for (k = 0; k < 9 && strcmp(colors[k], option->color) != 0;)
			k++;
		assert_true(k < 9);
		for (size_t i = 0; i < n; i++)
			assert_string_not_equal(
			    column->options[i].name, option->name);
		assert_true(schema_has_option(column, option->name));
	}
	assert_true(n > 0 && n <= 100);
	assert_false(schema_has_option(column, "something else"));
}

static void
every_column_is_well_formed_and_filled(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		const struct schema *schema = i == 4
		    ? schema_find("contact", PAGE_SCHEMA_OURS)
		    : schema_find(kinds[i % 2], ids[i / 2]);
		size_t titles = 0, keys = 0;

		for (size_t k = 0; k < schema->n; k++) {
			const struct schema_column *column =
			    &schema->columns[k];

			titles += strcmp(column->type, "title") == 0;
			keys += strcmp(column->name, schema->key) == 0;
			if (!values_knows(column->source))
				fail_msg("%s: nothing makes \"%s\"",
				    column->name, column->source);
			assert_int_equal(strcmp(column->type, "select") == 0,
			    column->options != NULL);
			if (column->options != NULL)
				check_options(column);
			for (size_t j = 0; j < k; j++)
				assert_string_not_equal(
				    schema->columns[j].name, column->name);
		}
		assert_int_equal(titles, 1);
		assert_int_equal(keys, 1);
	}
	assert_null(schema_find("task", PAGE_SCHEMA_OURS));
	assert_string_equal(
	    schema_find("call", PAGE_SCHEMA_ORIGINAL)->key, "Call ID");
	assert_string_equal(
	    schema_find("message", PAGE_SCHEMA_OURS)->key, "OpenPhone ID");
	assert_false(values_knows("no such thing"));
}

static void
is_property(json_t *properties, const char *name, const char *wanted)
{
	json_t *value = json_loads(wanted, 0, NULL);

	assert_non_null(value);
	assert_true(json_equal(json_object_get(properties, name), value));
	json_decref(value);
}

static void
databases_are_created_with_these_properties(void **state)
{
	json_t *properties =
	    schema_properties("message", PAGE_SCHEMA_ORIGINAL, NULL);

	(void)state;
	assert_int_equal(json_object_size(properties), 16);
	is_property(properties, "Message ID", "{\"title\":{}}");
	is_property(properties, "From", "{\"phone_number\":{}}");
	is_property(properties, "Direction",
	    "{\"select\":{\"options\":[{\"name\":\"incoming\",\"color\":"
	    "\"blue\"},{\"name\":\"outgoing\",\"color\":\"green\"}]}}");
	json_decref(properties);
	properties = schema_properties("call", PAGE_SCHEMA_OURS, NULL);
	is_property(
	    properties, "Duration", "{\"number\":{\"format\":\"number\"}}");
	assert_null(json_object_get(properties, "Contact page"));
	json_decref(properties);
	properties = schema_properties("call", PAGE_SCHEMA_OURS, "an id");
	is_property(properties, "Contact page",
	    "{\"relation\":{\"data_source_id\":\"an id\","
	    "\"single_property\":{}}}");
	json_decref(properties);
	assert_null(schema_properties("task", PAGE_SCHEMA_OURS, NULL));
}

static void
is_stamped(bool create, const char *synced, const char *updated)
{
	const struct schema *schema = schema_find("call", PAGE_SCHEMA_ORIGINAL);
	json_t *values = json_object();
	const char *now = "2026-01-15T10:00:00.000Z";

	assert_int_equal(schema_stamp(schema, create, now, values), 0);
	if (synced == NULL)
		assert_null(json_object_get(values, "Synced At"));
	else
		assert_string_equal(
		    json_string_value(json_object_get(values, "Synced At")),
		    synced);
	assert_string_equal(
	    json_string_value(json_object_get(values, "Last Updated")),
	    updated);
	json_decref(values);
}

static void
times_of_writing_are_put_in_when_they_are_due(void **state)
{
	(void)state;
	is_stamped(
	    true, "2026-01-15T10:00:00.000Z", "2026-01-15T10:00:00.000Z");
	is_stamped(false, NULL, "2026-01-15T10:00:00.000Z");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_originals_columns_are_all_there),
		cmocka_unit_test(every_column_is_well_formed_and_filled),
		cmocka_unit_test(databases_are_created_with_these_properties),
		cmocka_unit_test(times_of_writing_are_put_in_when_they_are_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include "base/buf.h"
#include "model/lines.h"
#include "model/payload.h"

static json_t *
load(const char *text, const char **note)
{
	struct err err = ERR_INIT;
	json_t *json = payload_load(text, strlen(text), note, &err);

	if (json == NULL)
		print_message("%s\n", err.text);
	return json;
}

static void
good_json_comes_as_it_is(void **state)
{
	const char *note = "?";
	json_t *json =
	    load(" {\"text\":\"Caf\xc3\xa9 \\ud83d\\ude00\",\"n\":1} ", &note);

	(void)state;
	assert_non_null(json);
	assert_null(note);
	assert_string_equal(json_string_value(json_object_get(json, "text")),
	    "Caf\xc3\xa9 \xf0\x9f\x98\x80");
	json_decref(json);
}

static void
of_equal_names_the_last_counts(void **state)
{
	const char *note;
	json_t *json = load("{\"a\":1,\"a\":2}", &note);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(json, "a")), 2);
	json_decref(json);
}

static void
what_is_no_text_is_replaced_and_noted(void **state)
{
	static const struct {
		const char *json, *text, *note;
	} cases[] = {
		{ "{\"t\":\"a\\ud800b\"}",
		    "a\xef\xbf\xbd"
		    "b",
		    "lone surrogate" },
		{ "{\"t\":\"\\udc00\"}", "\xef\xbf\xbd", "lone surrogate" },
		{ "{\"t\":\"\\ud800\\ud83d\\ude00\"}",
		    "\xef\xbf\xbd\xf0\x9f\x98\x80", "lone surrogate" },
		{ "{\"t\":\"\\uD83D\"}", "\xef\xbf\xbd", "lone surrogate" },
		{ "{\"t\":\"\\ud83d\\n\"}", "\xef\xbf\xbd\n",
		    "lone surrogate" },
		{ "{\"t\":\"x\\u0000y\"}", "x\xef\xbf\xbdy", "NUL character" },
		{ "{\"t\":\"\xff!\"}", "\xef\xbf\xbd!", "invalid UTF-8" },
		{ "{\"t\":\"\xc3\"}", "\xef\xbf\xbd", "invalid UTF-8" },
		{ "{\"t\":\"\xed\xa0\x80\"}",
		    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "invalid UTF-8" },
		{ "{\"t\":\"\\u0000\\ud800\xff\"}",
		    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
		    "invalid UTF-8, lone surrogate, NUL character" },
		/* an escaped backslash before a u is no escape */
		{ "{\"t\":\"\\\\ud800\\u0000\"}", "\\ud800\xef\xbf\xbd",
		    "NUL character" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *note;
		json_t *json = load(cases[i].json, &note);

		assert_non_null(json);
		assert_string_equal(
		    json_string_value(json_object_get(json, "t")),
		    cases[i].text);
		assert_string_equal(note, cases[i].note);
		json_decref(json);
	}
}

static void
names_are_repaired_too(void **state)
{
	const char *note;
	json_t *json = load("{\"a\\u0000\":1}", &note);

	(void)state;
	assert_int_equal(
	    json_integer_value(json_object_get(json, "a\xef\xbf\xbd")), 1);
	json_decref(json);
}

static void
integers_beyond_64_bits_are_json(void **state)
{
	const char *note;
	json_t *json = load("{\"n\":123456789012345678901234567890}", &note);

	(void)state;
	assert_non_null(json);
	assert_null(note);
	json_decref(json);
}

static void
what_is_not_an_object_is_refused(void **state)
{
	static const char *const bad[] = { "", "{", "[1]", "1", "\"a\"", "null",
		"{\"a\":1}x", "{a:1}", "{\"a\":\"\\u00\"}", "{\"a\":\"\\u",
		"{\"a\":\"\\", "\xff", "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err err = ERR_INIT;
		const char *note;

		assert_null(payload_load(bad[i], strlen(bad[i]), &note, &err));
		assert_int_equal(err.kind, ERR_PERMANENT);
		assert_int_equal(strncmp(err.text, "not ", 4), 0);
	}
}

static void
the_error_quotes_nothing_of_the_payload(void **state)
{
	static const char body[] = "{\"text\": confidential}";
	struct err err = ERR_INIT;
	const char *note;

	(void)state;
	assert_null(payload_load(body, strlen(body), &note, &err));
	assert_null(strstr(err.text, "confid"));
	assert_non_null(strstr(err.text, "at byte"));
}

static void
deep_nesting_is_refused(void **state)
{
	size_t n = 100000;
	char *body = malloc(2 * n + 16);
	struct err err = ERR_INIT;
	const char *note;

	(void)state;
	assert_non_null(body);
	memcpy(body, "{\"a\":", 5);
	memset(body + 5, '[', n);
	memset(body + 5 + n, ']', n);
	body[5 + 2 * n] = '}';
	assert_null(payload_load(body, 2 * n + 6, &note, &err));
	assert_int_equal(err.kind, ERR_PERMANENT);
	free(body);
}

/* A payload with a dialogue of 2000 lines, each with the text (a JSON string),
 * and what stands behind the last. */
static char *
long_payload(const char *text, const char *end)
{
	struct buf body;

	buf_init(&body, 1 << 20);
	assert_int_equal(
	    buf_adds(&body,
		"{\"dialogue\":[{\"content\":\"few\"}],\"a\":{\"b\":[{"
		"\"text\":\"\\\"dialogue\\\":[\",\"dialogue\" : [ "),
	    0);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(
		    buf_addf(&body,
			"%s{\"content\":\"%d %s\",\"start\":%d.5,\"x\":[{}]}",
			i == 0 ? "" : " , ", i, text, i),
		    0);
	assert_int_equal(buf_adds(&body, end), 0);
	return buf_steal(&body);
}

static void
a_long_dialogue_is_text(void **state)
{
	static const char end[] = "]}]},\"n\":[7]}";
	char *body = long_payload("a \\\"],}{ \xc3\xa9", end);
	const char *note;
	json_t *json = load(body, &note), *few, *many, *line;
	struct lines lines;
	char text[64];

	(void)state;
	assert_non_null(json);
	assert_null(note);
	few = json_object_get(json, "dialogue");
	many = json_object_get(
	    json_array_get(json_object_get(json_object_get(json, "a"), "b"), 0),
	    "dialogue");
	assert_true(json_is_object(json_array_get(few, 0)));
	assert_true(json_is_string(json_array_get(many, 0)));
	assert_int_equal(
	    json_integer_value(json_array_get(json_object_get(json, "n"), 0)),
	    7);
	lines_begin(&lines, many);
	for (int i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "%d a \"],}{ \xc3\xa9", i);
		line = lines_next(&lines);
		assert_string_equal(
		    json_string_value(json_object_get(line, "content")), text);
		assert_true(json_number_value(json_object_get(line, "start")) ==
		    i + 0.5);
		json_decref(line);
	}
	assert_null(lines_next(&lines));
	json_decref(json);
	free(body);
}

static void
a_long_dialogue_is_repaired(void **state)
{
	char *body = long_payload("\\ud800 \xff", "]}]}}");
	const char *note;
	json_t *json = load(body, &note);

	(void)state;
	assert_non_null(json);
	assert_string_equal(note, "invalid UTF-8, lone surrogate");
	json_decref(json);
	free(body);
}

/* What is cut out is looked at as sharply as the rest. */
static void
a_long_dialogue_must_be_json(void **state)
{
	static const char *const ends[] = { ",]}]}}", "]}]}", "}]}]}}",
		",{]}]}}", " x]}]}}", "]]}]}}", "", ",{\"a\":tru}]}]}}",
		",\"" };

	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		char *body = long_payload("a", ends[i]);
		struct err err = ERR_INIT;
		const char *note;

		assert_null(payload_load(body, strlen(body), &note, &err));
		assert_int_equal(err.kind, ERR_PERMANENT);
		free(body);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_json_comes_as_it_is),
		cmocka_unit_test(of_equal_names_the_last_counts),
		cmocka_unit_test(what_is_no_text_is_replaced_and_noted),
		cmocka_unit_test(names_are_repaired_too),
		cmocka_unit_test(integers_beyond_64_bits_are_json),
		cmocka_unit_test(what_is_not_an_object_is_refused),
		cmocka_unit_test(the_error_quotes_nothing_of_the_payload),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(a_long_dialogue_is_text),
		cmocka_unit_test(a_long_dialogue_is_repaired),
		cmocka_unit_test(a_long_dialogue_must_be_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include "model/lines.h"

/* n lines with all kinds of members, those of few and those of many alike. */
static json_t *
line(size_t i)
{
	char text[64];

	snprintf(
	    text, sizeof(text), "%zu \"a\"\n\t[,]\\ \xd7\xa9 e\xcc\x81", i);
	if (i % 5 == 4)
		return json_pack("{s:s}", "content", text);
	return json_pack("{s:s, s:f, s:o, s:s*, s:s*}", "content", text,
	    "start", (double)i + 0.25, "end",
	    i % 2 == 0 ? json_integer((json_int_t)i + 1)
		       : json_real((double)i + 0.1),
	    "identifier", i % 3 == 0 ? NULL : "+15550001111", "userId",
	    i % 4 == 0 ? "UStest01" : NULL);
}

static json_t *
written(size_t n)
{
	struct lines_writer writer;

	lines_new(&writer);
	for (size_t i = 0; i < n; i++)
		lines_add(&writer, line(i));
	return lines_end(&writer);
}

static void
check_read(const json_t *list, size_t n)
{
	struct lines lines;
	json_t *got, *wanted;

	assert_int_equal(lines_count(list), n);
	lines_begin(&lines, list);
	for (size_t i = 0; i < n; i++) {
		got = lines_next(&lines);
		wanted = line(i);
		assert_true(json_equal(got, wanted));
		json_decref(wanted);
		json_decref(got);
	}
	assert_null(lines_next(&lines));
	assert_null(lines_next(&lines));
	assert_false(lines.failed);
}

static void
what_is_written_is_read(void **state)
{
	static const size_t sizes[] = { 0, 1, LINES_FEW - 1, LINES_FEW,
		LINES_FEW + 1, 2 * LINES_FEW, 5000 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		json_t *list = written(sizes[i]);

		assert_non_null(list);
		check_read(list, sizes[i]);
		json_decref(list);
	}
}

/* PostgreSQL and people can read it: each element is JSON, a line a row. */
static void
many_lines_are_texts(void **state)
{
	json_t *list = written(LINES_FEW + 1), *few = written(LINES_FEW - 1);
	json_t *rows =
	    json_loads(json_string_value(json_array_get(list, 0)), 0, NULL);

	(void)state;
	assert_true(json_is_object(json_array_get(few, 0)));
	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(json_array_size(rows), LINES_FEW);
	assert_string_equal(json_string_value(json_array_get(list, 1)),
	    "[\n[\"500 \\\"a\\\"\\n\\t[,]\\\\ \xd7\xa9 e\xcc\x81\","
	    "500.25,501,\"+15550001111\",\"UStest01\"]]");
	json_decref(rows);
	json_decref(few);
	json_decref(list);
}

static void
what_is_no_list_has_no_lines(void **state)
{
	static const char *const bad[] = { "{}", "\"text\"", "1", "null", "[]",
		"[\"\"]", "[\"text\"]", "[\"[]\"]" };

	(void)state;
	check_read(NULL, 0);
	for (size_t i = 0; i < COUNT(bad); i++) {
		json_t *list = json_loads(bad[i], JSON_DECODE_ANY, NULL);

		assert_non_null(list);
		check_read(list, 0);
		json_decref(list);
	}
}

static void
rows_that_are_not_ours_are_passed_over(void **state)
{
	json_t *list = json_pack("[s,s]", "a\nb\n\n{}\n[1", "[\n[\"c\"]]");
	struct lines lines;
	json_t *line;

	(void)state;
	lines_begin(&lines, list);
	line = lines_next(&lines);
	assert_string_equal(
	    json_string_value(json_object_get(line, "content")), "c");
	json_decref(line);
	assert_null(lines_next(&lines));
	assert_false(lines.failed);
	json_decref(list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(many_lines_are_texts),
		cmocka_unit_test(what_is_no_list_has_no_lines),
		cmocka_unit_test(rows_that_are_not_ours_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

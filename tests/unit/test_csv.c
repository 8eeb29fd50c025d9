#include "unit.h"

#include "model/csv.h"

static void
fields_are_text(void **state)
{
	static const struct {
		const char *text, *cell;
	} rows[] = {
		{ NULL, "\"\"" },
		{ "", "\"\"" },
		{ "plain", "\"plain\"" },
		{ "a, \"b\"\r\nc", "\"a, \"\"b\"\"\r\nc\"" },
		{ "\"", "\"\"\"\"" },
		{ "+15550001111", "\"'+15550001111\"" },
		{ "=1+1", "\"'=1+1\"" },
		{ "-1", "\"'-1\"" },
		{ "@SUM(A1)", "\"'@SUM(A1)\"" },
		{ "\t=1", "\"'\t=1\"" },
		{ "\r=1", "\"'\r=1\"" },
		{ "\n=1", "\"'\n=1\"" },
		{ "'", "\"''\"" },
		{ "a=1", "\"a=1\"" },
	};
	struct buf row;

	(void)state;
	buf_init(&row, 1024);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_reset(&row);
		assert_int_equal(csv_field(&row, rows[i].text), 0);
		assert_string_equal(buf_text(&row), rows[i].cell);
	}
	buf_reset(&row);
	assert_int_equal(csv_field(&row, NULL), 0);
	assert_int_equal(csv_field(&row, "b"), 0);
	assert_int_equal(csv_end(&row), 0);
	assert_string_equal(buf_text(&row), "\"\",\"b\"\r\n");
	buf_free(&row);
	/* it does not grow beyond its ceiling */
	buf_init(&row, 4);
	assert_int_not_equal(csv_field(&row, "too long"), 0);
	buf_free(&row);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

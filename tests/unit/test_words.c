#include "unit.h"

#include <string.h>

#include "model/words.h"

static void
counts_have_commas(void **state)
{
	static const struct {
		int64_t n;
		const char *text;
	} rows[] = { { 0, "0" }, { 999, "999" }, { 1000, "1,000" },
		{ 1204300, "1,204,300" }, { -999, "-999" },
		{ -123456, "-123,456" } };
	char got[WORDS_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		words_count(rows[i].n, got);
		assert_string_equal(got, rows[i].text);
	}
}

static void
spans_have_units(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} rows[] = { { 0, "0 s" }, { 59, "59 s" }, { 60, "1 min" },
		{ 61, "2 min" }, { 3540, "59 min" }, { 3541, "1 h 0 min" },
		{ 83340, "23 h 9 min" }, { 172800, "2 d 0 h" },
		{ 356400, "4 d 3 h" } };
	char got[WORDS_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		words_span(rows[i].seconds, got);
		assert_string_equal(got, rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_have_commas),
		cmocka_unit_test(spans_have_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

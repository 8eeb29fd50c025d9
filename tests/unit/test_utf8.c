#include "unit.h"

#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define GRIN "\xf0\x9f\x98\x80" /* two UTF-16 units */
#define ACUTE "\xcc\x81"	/* combining */
#define FLAG "\xf0\x9f\x8f\xb3\xef\xb8\x8f\xe2\x80\x8d\xf0\x9f\x8c\x88"

static void
well_formed_and_not(void **state)
{
	/* Unicode, table 3-7 */
	static const char *const good[] = { "", "a", "\x7f", "\xc2\x80",
		"\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
		"\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", GRIN };
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80",
		"\xc1\xbf", "\xc2", "\xc2x", "\xe0\x9f\xbf", "\xe0\xa0",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
		"\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xff" };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(utf8_valid(good[i], strlen(good[i])));
		assert_int_equal(
		    utf8_sequence(good[i], strlen(good[i])), strlen(good[i]));
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(utf8_valid(bad[i], strlen(bad[i])));
}

static void
check_clean(const char *in, size_t n, const char *out)
{
	char *clean = utf8_clean(in, n);

	assert_non_null(clean);
	assert_string_equal(clean, out);
	free(clean);
}

static void
cleaning_replaces_and_drops(void **state)
{
	(void)state;
	check_clean("", 0, "");
	check_clean("a\tb\nc\rd\x01"
		    "e\x7f",
	    10, "a\tb\ncde");
	check_clean("a\0b", 3, "ab");
	check_clean("\xff" GRIN "\xf0\x9f", 7,
	    REPLACEMENT GRIN REPLACEMENT REPLACEMENT);
	check_clean("\xed\xa0\x80", 3, REPLACEMENT REPLACEMENT REPLACEMENT);
}

static void
units_are_those_of_utf_16(void **state)
{
	(void)state;
	assert_int_equal(utf8_units("abc", 3), 3);
	assert_int_equal(utf8_units("\xc3\xa9", 2), 1);
	assert_int_equal(utf8_units("\xe2\x82\xac", 3), 1);
	assert_int_equal(utf8_units(GRIN, 4), 2);
	assert_int_equal(utf8_units(GRIN ACUTE "x", 7), 4);
}

static size_t
cut(const char *s, size_t units)
{
	return utf8_cut(s, strlen(s), units);
}

static void
cutting_keeps_words_and_characters(void **state)
{
	(void)state;
	assert_int_equal(cut("short", 10), 5);
	assert_int_equal(cut("12345", 5), 5);
	assert_int_equal(cut("one two three", 9), strlen("one two "));
	assert_int_equal(cut("one\ntwothree", 6), strlen("one\n"));
	/* a space in the first half is too early */
	assert_int_equal(cut("a bcdefghijklm", 10), 10);
	/* not within a character, nor before what belongs to it */
	assert_int_equal(cut("abc" GRIN "d", 4), 3);
	assert_int_equal(cut("abce" ACUTE "f", 4), 3);
	assert_int_equal(cut("ab" FLAG "c", 4), 2);
	/* but something always comes */
	assert_int_equal(cut(GRIN GRIN, 1), 4);
	assert_in_range(cut(FLAG FLAG, 2), 4, 14);
}

static void
repeated_cuts_lose_nothing(void **state)
{
	static const char *const texts[] = { GRIN GRIN GRIN GRIN GRIN,
		"e" ACUTE ACUTE ACUTE "e" ACUTE "x" GRIN, FLAG FLAG FLAG,
		"one two three four five", ACUTE ACUTE ACUTE ACUTE };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		for (size_t units = 1; units < 12; units++) {
			const char *s = texts[i];
			size_t n = strlen(s), len;

			for (; n > 0; s += len, n -= len) {
				len = utf8_cut(s, n, units);
				assert_in_range(len, 1, n);
				assert_true(utf8_valid(s, len));
				if (len > 4)
					assert_true(
					    utf8_units(s, len) <= units);
			}
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_and_not),
		cmocka_unit_test(cleaning_replaces_and_drops),
		cmocka_unit_test(units_are_those_of_utf_16),
		cmocka_unit_test(cutting_keeps_words_and_characters),
		cmocka_unit_test(repeated_cuts_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include <time.h>

#include "base/rfc3339.h"

static void
all_forms_of_a_moment_are_equal(void **state)
{
	static const char *const forms[] = { "2026-01-15T10:29:30Z",
		"2026-01-15T10:29:30.000Z", "2026-01-15T10:29:30+00:00",
		"2026-01-15T10:29:30-00:00", "2026-01-15t10:29:30z",
		"2026-01-15 10:29:30Z", "2026-01-15T12:29:30+02:00",
		"2026-01-15T04:59:30.000000-05:30",
		"2026-01-15T10:29:30.0000000001Z" };

	(void)state;
	for (size_t i = 0; i < COUNT(forms); i++) {
		char text[RFC3339_SIZE];
		int64_t usec = 0;

		assert_int_equal(rfc3339_parse(forms[i], &usec), 0);
		assert_int_equal(usec, 1768472970000000);
		rfc3339_format(usec, text);
		assert_string_equal(text, "2026-01-15T10:29:30.000Z");
	}
}

static void
fractions_are_kept_to_microseconds(void **state)
{
	char text[RFC3339_SIZE];
	int64_t usec = 0;

	(void)state;
	assert_int_equal(rfc3339_parse("1970-01-01T00:00:01.5Z", &usec), 0);
	assert_int_equal(usec, 1500000);
	assert_int_equal(
	    rfc3339_parse("1970-01-01T00:00:00.123456789Z", &usec), 0);
	assert_int_equal(usec, 123456);
	assert_int_equal(rfc3339_parse("1969-12-31T23:59:59.250Z", &usec), 0);
	assert_int_equal(usec, -750000);
	rfc3339_format(usec, text);
	assert_string_equal(text, "1969-12-31T23:59:59.250Z");
}

static void
leap_days_and_seconds(void **state)
{
	int64_t usec = 0;

	(void)state;
	assert_int_equal(rfc3339_parse("2024-02-29T00:00:00Z", &usec), 0);
	assert_int_equal(rfc3339_parse("2000-02-29T00:00:00Z", &usec), 0);
	assert_int_equal(rfc3339_parse("2016-12-31T23:59:60Z", &usec), 0);
	assert_int_equal(rfc3339_parse("2023-02-29T00:00:00Z", &usec), -1);
	assert_int_equal(rfc3339_parse("1900-02-29T00:00:00Z", &usec), -1);
}

static void
what_is_no_moment_is_refused(void **state)
{
	static const char *const bad[] = { "", "now", "2026-01-15",
		"2026-01-15T10:29:30", "2026-01-15T10:29Z",
		"2026-1-15T10:29:30Z", "2026-13-15T10:29:30Z",
		"2026-00-15T10:29:30Z", "2026-01-00T10:29:30Z",
		"2026-04-31T10:29:30Z", "2026-01-32T10:29:30Z",
		"2026-01-15T24:00:00Z", "2026-01-15T10:60:00Z",
		"2026-01-15T10:29:61Z", "2026-01-15T10:29:30.Z",
		"2026-01-15T10:29:30+0200", "2026-01-15T10:29:30+24:00",
		"2026-01-15T10:29:30Zx", " 2026-01-15T10:29:30Z",
		"0000-01-15T10:29:30Z", "2026-01-15T10:29:30 Z" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		int64_t usec = 42;

		print_message("%s\n", bad[i]);
		assert_int_equal(rfc3339_parse(bad[i], &usec), -1);
	}
}

static void
local_time_is_that_of_the_zone(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1), 0);
	tzset();
	rfc3339_local(
	    1768472970000000, "%Y-%m-%d %H:%M %Z", text, sizeof(text));
	assert_string_equal(text, "2026-01-15 05:29 EST");
	rfc3339_local(1784111370000000, "%H:%M %Z", text, sizeof(text));
	assert_string_equal(text, "06:29 EDT");
	rfc3339_local(0, "%Y-%m-%d", text, 5);
	assert_string_equal(text, "");
}

static void
the_clock_runs(void **state)
{
	int64_t a = rfc3339_now();

	(void)state;
	assert_true(a > 1700000000000000);
	assert_true(rfc3339_now() >= a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_forms_of_a_moment_are_equal),
		cmocka_unit_test(fractions_are_kept_to_microseconds),
		cmocka_unit_test(leap_days_and_seconds),
		cmocka_unit_test(what_is_no_moment_is_refused),
		cmocka_unit_test(local_time_is_that_of_the_zone),
		cmocka_unit_test(the_clock_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

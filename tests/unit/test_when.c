#include "unit.h"

#include <stdlib.h>
#include <time.h>

#include "base/rfc3339.h"
#include "model/when.h"

#define NOW "2026-03-10T12:00:00.000Z"

static void
zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

static int64_t
now(void)
{
	int64_t ret;

	assert_int_equal(rfc3339_parse(NOW, &ret), 0);
	return ret;
}

static void
times_as_people_give_them(void **state)
{
	static const struct {
		const char *zone, *text;
		bool last;
		const char *is;
	} rows[] = {
		{ "UTC", "2026-01-31", false, "2026-01-31T00:00:00.000Z" },
		{ "UTC", "2026-01-31", true, "2026-02-01T00:00:00.000Z" },
		{ "UTC", "2025-12-31", true, "2026-01-01T00:00:00.000Z" },
		{ "America/New_York", "2026-01-31", false,
		    "2026-01-31T05:00:00.000Z" },
		/* a day of 23 hours */
		{ "America/New_York", "2026-03-08", false,
		    "2026-03-08T05:00:00.000Z" },
		{ "America/New_York", "2026-03-08", true,
		    "2026-03-09T04:00:00.000Z" },
		{ "Asia/Tokyo", "2026-01-31", false,
		    "2026-01-30T15:00:00.000Z" },
		{ "Asia/Tokyo", "2026-01-31T09:00:00Z", true,
		    "2026-01-31T09:00:00.000Z" },
		{ "UTC", "2026-01-31T09:00:00.5+01:00", false,
		    "2026-01-31T08:00:00.500Z" },
		{ "UTC", "12h", false, "2026-03-10T00:00:00.000Z" },
		{ "UTC", "30d", true, "2026-02-08T12:00:00.000Z" },
		{ "UTC", "2w", false, "2026-02-24T12:00:00.000Z" },
		{ "UTC", "0d", false, NOW },
	};
	char got[RFC3339_SIZE];
	int64_t usec;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		zone(rows[i].zone);
		assert_int_equal(
		    when_parse(rows[i].text, now(), rows[i].last, &usec), 0);
		rfc3339_format(usec, got);
		assert_string_equal(got, rows[i].is);
	}
}

static void
what_is_no_time(void **state)
{
	static const char *const texts[] = { "", "yesterday", "2026",
		"2026-02-30", "2026-13-01", "2026-1-31", "31.01.2026",
		"2026-01-31T09:00:00", "2026-01-31 ", "30", "d", "-3d", "3 d",
		"3dd", "3m", "123456d", "2026-01-31x" };
	int64_t usec;

	(void)state;
	zone("UTC");
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(when_parse(texts[i], now(), false, &usec), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_as_people_give_them),
		cmocka_unit_test(what_is_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

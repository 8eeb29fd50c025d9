#include "unit.h"

#include "queue/job.h"

enum { MINUTE = 60 * 1000 };

static int64_t
wait_ms(enum err_kind kind, int64_t attempt, double roll)
{
	struct err err = ERR_INIT;

	err_set(&err, kind, "made up");
	return backoff_ms(&err, attempt, roll);
}

static void
retries_wait_longer_each_time(void **state)
{
	int64_t before = 0, ms;

	(void)state;
	assert_int_equal(wait_ms(ERR_RETRY, 1, 1.0), 2000);
	assert_int_equal(wait_ms(ERR_RETRY, 2, 1.0), 4000);
	assert_int_equal(wait_ms(ERR_RETRY, 5, 1.0), 32000);
	for (int64_t attempt = 1; attempt <= 10; attempt++) {
		ms = wait_ms(ERR_RETRY, attempt, 1.0);
		assert_true(ms > before);
		before = ms;
	}
}

static void
no_retry_waits_longer_than_half_an_hour(void **state)
{
	static const int64_t attempts[] = { 11, 12, 20, 21, 22, 63, 64, 65,
		1000, INT64_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(attempts); i++)
		assert_int_equal(
		    wait_ms(ERR_RETRY, attempts[i], 1.0), 30 * MINUTE);
}

static void
retries_are_spread(void **state)
{
	(void)state;
	for (int64_t attempt = 1; attempt <= 12; attempt++) {
		int64_t full = wait_ms(ERR_RETRY, attempt, 1.0);
		int64_t least = wait_ms(ERR_RETRY, attempt, 0.0);
		int64_t middle = wait_ms(ERR_RETRY, attempt, 0.5);

		assert_in_range(least, full / 10 - 1, full / 10 + 1);
		assert_in_range(middle, full / 2, full * 6 / 10);
	}
}

static void
there_is_no_attempt_before_the_first(void **state)
{
	(void)state;
	assert_int_equal(wait_ms(ERR_RETRY, 0, 1.0), 2000);
	assert_int_equal(wait_ms(ERR_RETRY, INT64_MIN, 1.0), 2000);
	assert_int_equal(wait_ms(ERR_UNKNOWN, 0, 0.0), 5000);
}

static void
a_named_time_is_kept(void **state)
{
	static const struct {
		int64_t named, waited;
	} cases[] = { { 30000, 30000 }, { 1, 100 }, { 0, 100 }, { 100, 100 },
		{ 24 * 60 * MINUTE, 24 * 60 * MINUTE } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_INIT;

		err_set(&err, ERR_WAIT, "made up");
		err.retry_after_ms = cases[i].named;
		assert_int_equal(backoff_ms(&err, 1, 0.0), cases[i].waited);
		assert_int_equal(backoff_ms(&err, 19, 1.0), cases[i].waited);
	}
}

static void
an_unknown_outcome_is_looked_at_ever_later(void **state)
{
	static const int64_t waits[] = { 5000, 30000, 120000, 120000, 120000 };

	(void)state;
	for (size_t i = 0; i < COUNT(waits); i++)
		for (double roll = 0; roll <= 1; roll += 0.5)
			assert_int_equal(
			    wait_ms(ERR_UNKNOWN, (int64_t)i + 1, roll),
			    waits[i]);
}

/* The later of the two; a 503 may name a time. */
static void
no_retry_comes_before_a_named_time(void **state)
{
	static const struct {
		enum err_kind kind;
		int64_t named, waited;
	} cases[] = { { ERR_RETRY, 3600000, 3600000 }, { ERR_RETRY, 1, 2000 },
		{ ERR_UNKNOWN, 90000, 90000 }, { ERR_OPERATOR, 777, 777 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_INIT;

		err_set(&err, cases[i].kind, "made up");
		err.retry_after_ms = cases[i].named;
		assert_int_equal(backoff_ms(&err, 1, 1.0), cases[i].waited);
	}
}

static void
people_get_minutes(void **state)
{
	static const enum err_kind kinds[] = { ERR_OPERATOR, ERR_CONFIG };

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++)
		for (int64_t attempt = 1; attempt < 30; attempt++)
			assert_int_equal(
			    wait_ms(kinds[i], attempt, 0.0), 5 * MINUTE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(retries_wait_longer_each_time),
		cmocka_unit_test(no_retry_waits_longer_than_half_an_hour),
		cmocka_unit_test(retries_are_spread),
		cmocka_unit_test(there_is_no_attempt_before_the_first),
		cmocka_unit_test(a_named_time_is_kept),
		cmocka_unit_test(an_unknown_outcome_is_looked_at_ever_later),
		cmocka_unit_test(no_retry_comes_before_a_named_time),
		cmocka_unit_test(people_get_minutes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include <errno.h>

#include "base/buf.h"

static void
it_grows_and_is_a_string(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100000);
	assert_string_equal(buf_text(&buf), "");
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buf_addf(&buf, "%d,", i % 10), 0);
	assert_int_equal(buf.len, 20000);
	assert_int_equal(strlen(buf_text(&buf)), 20000);
	buf_reset(&buf);
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf_add(&buf, "a\0b", 3), 0);
	assert_int_equal(buf.len, 3);
	assert_memory_equal(buf.data, "a\0b", 4);
	buf_free(&buf);
	assert_null(buf.data);
}

static void
the_ceiling_is_exact_and_changes_nothing(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 5);
	assert_int_equal(buf_adds(&buf, "abc"), 0);
	errno = 0;
	assert_int_equal(buf_adds(&buf, "def"), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(buf_addf(&buf, "%s", "def"), -1);
	assert_string_equal(buf_text(&buf), "abc");
	assert_int_equal(buf_adds(&buf, "de"), 0);
	assert_string_equal(buf_text(&buf), "abcde");
	assert_int_equal(buf_adds(&buf, ""), 0);
	assert_int_equal(buf_add(&buf, NULL, SIZE_MAX), -1);
	buf_free(&buf);
}

static void
it_can_be_handed_over(void **state)
{
	struct buf buf;
	char *text;

	(void)state;
	buf_init(&buf, 100);
	text = buf_steal(&buf);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(buf_adds(&buf, "abc"), 0);
	text = buf_steal(&buf);
	assert_string_equal(text, "abc");
	free(text);
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf.max, 100);
	buf_free(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows_and_is_a_string),
		cmocka_unit_test(the_ceiling_is_exact_and_changes_nothing),
		cmocka_unit_test(it_can_be_handed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

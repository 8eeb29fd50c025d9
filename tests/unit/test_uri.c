#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/uri.h"

static void
only_unreserved_characters_stay(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 256);
	assert_int_equal(uri_escape(&out, "aZ09-_.~/+ %=é", false), 0);
	assert_string_equal(buf_text(&out), "aZ09-_.~%2F%2B%20%25%3D%C3%A9");
	buf_reset(&out);
	assert_int_equal(uri_escape(&out, "a//b:c/", true), 0);
	assert_string_equal(buf_text(&out), "a//b%3Ac/");
	buf_reset(&out);
	assert_int_equal(uri_escape(&out, "", false), 0);
	assert_string_equal(buf_text(&out), "");
	buf_free(&out);
}

static void
the_ceiling_of_the_buffer_holds(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4);
	assert_int_equal(uri_escape(&out, "a+", false), 0);
	assert_int_equal(uri_escape(&out, "+", false), -1);
	assert_string_equal(buf_text(&out), "a%2B");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_unreserved_characters_stay),
		cmocka_unit_test(the_ceiling_of_the_buffer_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include <errno.h>

#include "base/err.h"
#include "base/utf8.h"

static void
first_failure_wins(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_false(err_is_set(&err));
	err_set(&err, ERR_WAIT, "HTTP %d", 429);
	err_set(&err, ERR_PERMANENT, "a later, lesser worry");
	err_nomem(&err);
	assert_true(err_is_set(&err));
	assert_int_equal(err.kind, ERR_WAIT);
	assert_string_equal(err.text, "HTTP 429");
	err_clear(&err);
	assert_false(err_is_set(&err));
	assert_string_equal(err.text, "");
}

static void
context_goes_in_front(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_RETRY, "no answer");
	err_prefix(&err, "job %d", 7);
	err_prefix(&err, "worker");
	assert_string_equal(err.text, "worker: job 7: no answer");
}

/* What services say may have line breaks, and what terminals obey. */
static void
it_stays_in_its_line(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_RETRY, "a\r\nb\x1b[2J\x7f\xc2\x9b é\xe2\x80\xa8 %s",
	    "\xc3\n");
	err_prefix(&err, "c\nd");
	err_suffix(&err, "e\nf");
	assert_string_equal(err.text, "c d: a  b [2J    é    ? : e f");
}

static void
the_system_is_quoted(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	errno = ENOENT;
	err_sys(&err, ERR_CONFIG, "open %s", "x");
	assert_string_equal(err.text, "open x: No such file or directory");
}

static void
long_texts_are_cut(void **state)
{
	static char text[5000];
	struct err err = ERR_INIT;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	err_set(&err, ERR_RETRY, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_prefix(&err, "%s", text);
	assert_in_range(strlen(err.text), 300, sizeof(err.text) - 1);
	err_clear(&err);
	errno = ENOENT;
	err_sys(&err, ERR_RETRY, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

/* In the middle of a character, too: the database takes valid text only. */
static void
what_is_cut_is_valid(void **state)
{
	char text[3000] = "";
	struct err err;

	(void)state;
	for (int i = 0; i < 700; i++)
		strcat(text, "€");
	for (int shift = 0; shift < 3; shift++) {
		err_clear(&err);
		err_set(&err, ERR_RETRY, "%s%s", "xx" + shift, text);
		assert_true(utf8_valid(err.text, strlen(err.text)));
		err_prefix(&err, "%s%s", "xx" + shift, text);
		assert_true(utf8_valid(err.text, strlen(err.text)));
		err_suffix(&err, "%s%s", "xx" + shift, text);
		assert_true(utf8_valid(err.text, strlen(err.text)));
	}
}

static void
each_kind_has_a_name(void **state)
{
	(void)state;
	for (int i = ERR_NONE; i <= ERR_CONFIG; i++) {
		assert_string_not_equal(err_kind_name((enum err_kind)i), "?");
		for (int j = ERR_NONE; j < i; j++)
			assert_string_not_equal(err_kind_name((enum err_kind)i),
			    err_kind_name((enum err_kind)j));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_failure_wins),
		cmocka_unit_test(context_goes_in_front),
		cmocka_unit_test(it_stays_in_its_line),
		cmocka_unit_test(the_system_is_quoted),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(what_is_cut_is_valid),
		cmocka_unit_test(each_kind_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

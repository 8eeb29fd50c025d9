#include "unit.h"

#include "base/err.h"
#include "base/secret.h"

static int
tear_down(void **state)
{
	(void)state;
	secret_forget();
	return 0;
}

static void
hides(const char *text, const char *expected)
{
	char copy[128];

	snprintf(copy, sizeof(copy), "%s", text);
	secret_hide(copy, strlen(copy));
	assert_string_equal(copy, expected);
}

static void
secrets_become_asterisks(void **state)
{
	(void)state;
	assert_int_equal(secret_hold("first-secret"), 0);
	assert_int_equal(secret_hold(" second-one\n\tthird-one "), 0);
	assert_int_equal(secret_hold(""), 0);
	hides("Bearer first-secret", "Bearer ************");
	hides("first-secretfirst-secret,third-one",
	    "************************,*********");
	hides("{\"second-one\"}", "{\"**********\"}");
	hides("first-secre second-on", "first-secre second-on");
	hides("", "");
	secret_forget();
	hides("first-secret", "first-secret");
}

/* Others that share a prefix would lose it, and who knows it knows nothing. */
static void
the_prefix_is_no_secret(void **state)
{
	(void)state;
	assert_int_equal(secret_hold("whsec_"
				     "c2VjcmV0"),
	    0);
	hides("whsec_"
	      "c2VjcmV0",
	    "whsec_********");
	hides("c2VjcmV0", "********");
	hides("whsec_?", "whsec_?");
}

static void
short_words_are_none(void **state)
{
	(void)state;
	assert_int_equal(secret_hold("notion whsec_"), 0);
	hides("notion whsec_", "notion whsec_");
}

static void
bytes_after_a_nul_count(void **state)
{
	char text[] = "a\0first-secret";

	(void)state;
	assert_int_equal(secret_hold("first-secret"), 0);
	secret_hide(text, sizeof(text) - 1);
	assert_string_equal(text + 2, "************");
}

static void
failures_tell_none(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(secret_hold("first-secret"), 0);
	err_set(&err, ERR_RETRY, "got %s", "first-secret");
	err_prefix(&err, "to %s", "first-secret");
	err_suffix(&err, "not %s", "first-secret");
	assert_string_equal(
	    err.text, "to ************: got ************: not ************");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(secrets_become_asterisks, tear_down),
		cmocka_unit_test_teardown(the_prefix_is_no_secret, tear_down),
		cmocka_unit_test_teardown(short_words_are_none, tear_down),
		cmocka_unit_test_teardown(bytes_after_a_nul_count, tear_down),
		cmocka_unit_test_teardown(failures_tell_none, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

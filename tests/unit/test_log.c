#include "unit.h"

#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "base/rfc3339.h"

static FILE *file; /* where the lines go */

static int
set_up(void **state)
{
	(void)state;
	if ((file = tmpfile()) == NULL)
		return -1;
	log_init("ons-test");
	log_set_fd(fileno(file));
	return log_set_level("debug");
}

static int
tear_down(void **state)
{
	(void)state;
	log_context(NULL, NULL, NULL);
	log_set_fd(STDERR_FILENO);
	return fclose(file);
}

/* The n lines written since set_up(), as an array of objects. */
static json_t *
lines(size_t n)
{
	json_t *ret = json_array(), *one;
	char text[8192];

	rewind(file);
	while (fgets(text, sizeof(text), file) != NULL) {
		json_error_t error;

		assert_non_null(strchr(text, '\n'));
		one = json_loads(text, JSON_REJECT_DUPLICATES, &error);
		if (one == NULL)
			fail_msg("%s: %s", error.text, text);
		json_array_append_new(ret, one);
	}
	assert_int_equal(json_array_size(ret), n);
	return ret;
}

static void
is(const json_t *line, const char *field, const char *expected)
{
	const char *value = json_string_value(json_object_get(line, field));

	assert_non_null(value);
	assert_string_equal(value, expected);
}

/* The message of the only line. */
static void
message_is(const char *expected)
{
	json_t *all = lines(1);

	is(json_array_get(all, 0), "message", expected);
	json_decref(all);
}

static void
each_call_makes_one_line(void **state)
{
	static const char *const levels[] = { "error", "warn", "info",
		"debug" };
	json_t *all, *line;
	int64_t at;
	size_t i;

	(void)state;
	log_error("number %d", 0);
	log_warn("number %d", 1);
	log_info("number %d", 2);
	log_debug("number %d", 3);
	all = lines(4);
	json_array_foreach (all, i, line) {
		char message[32];

		snprintf(message, sizeof(message), "number %zu", i);
		is(line, "message", message);
		is(line, "level", levels[i]);
		is(line, "program", "ons-test");
		assert_int_equal(
		    rfc3339_parse(
			json_string_value(json_object_get(line, "time")), &at),
		    0);
		assert_int_equal(json_object_size(line), 4);
	}
	json_decref(all);
}

static void
lower_levels_are_left_out(void **state)
{
	json_t *all;

	(void)state;
	assert_int_equal(log_set_level("warn"), 0);
	assert_int_equal(log_set_level("loud"), -1); /* changes nothing */
	log_info("no");
	log_warn("yes");
	log_error("yes");
	all = lines(2);
	json_decref(all);
}

static void
what_is_worked_on_is_in_every_line(void **state)
{
	json_t *all;

	(void)state;
	log_context("default", "call", "ACtest0001");
	log_info("a");
	log_context(NULL, NULL, NULL);
	log_info("b");
	all = lines(2);
	is(json_array_get(all, 0), "workspace", "default");
	is(json_array_get(all, 0), "kind", "call");
	is(json_array_get(all, 0), "id", "ACtest0001");
	assert_null(json_object_get(json_array_get(all, 1), "id"));
	json_decref(all);
}

static void
a_failure_is_told_with_its_kind(void **state)
{
	struct err refused = ERR_INIT, busy = ERR_INIT;
	json_t *all;

	(void)state;
	err_set(&refused, ERR_PERMANENT, "400 \"bad\"");
	err_set(&busy, ERR_WAIT, "429");
	log_err(&refused, "job %d", 7);
	log_err(&busy, "job %d", 8);
	all = lines(2);
	is(json_array_get(all, 0), "message", "job 7: 400 \"bad\"");
	is(json_array_get(all, 0), "level", "error");
	is(json_array_get(all, 0), "error_kind", err_kind_name(ERR_PERMANENT));
	/* a wait that the service asked for is no trouble */
	is(json_array_get(all, 1), "level", "info");
	json_decref(all);
}

static void
quotes_and_control_characters_come_back(void **state)
{
	static const char text[] = "\"quoted\" \\ \n\r\t\x01\x1f\x7f {} é 😀";

	(void)state;
	log_info("%s", text);
	message_is(text);
}

static void
bad_bytes_become_question_marks(void **state)
{
	(void)state;
	log_info("a\xff"
		 "b\xc3"
		 "c\xed\xa0\x80"
		 "d\xf0\x9f\x98");
	message_is("a?b?c???d???");
}

static void
numbers_are_masked(void **state)
{
	(void)state;
	log_info("from +15550001111 to +15550002222, +1 and 3+15=18, +");
	message_is("from +1555***1111 to +1555***2222, +1 and 3+15=18, +");
}

static void
numbers_in_failures_are_masked(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_RETRY, "no +15550001111");
	log_err(&err, "call from +15550002222");
	message_is("call from +1555***2222: no +1555***1111");
}

/* The worst case: each byte is escaped as six. */
static void
long_messages_are_cut_not_broken(void **state)
{
	static const char *const fill[] = { "a", "\"", "\n", "é", "😀", "\xff",
		"😀\xff\x01\"" };
	json_t *all, *line;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(fill); i++) {
		char text[10001] = "";
		size_t n = strlen(fill[i]);

		for (size_t at = 0; at + n < sizeof(text); at += n)
			memcpy(text + at, fill[i], n);
		log_info("%s", text);
	}
	all = lines(COUNT(fill));
	json_array_foreach (all, i, line) {
		const json_t *message = json_object_get(line, "message");

		assert_true(json_string_length(message) >= 400);
		/* it begins as it should */
		assert_int_equal(json_string_value(message)[0],
		    fill[i][0] == '\xff' ? '?' : fill[i][0]);
	}
	json_decref(all);
}

static void
long_context_does_no_harm(void **state)
{
	char text[10001];
	json_t *all;

	(void)state;
	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t n = 0; n < 40; n++) {
		/* every way in which the rest may not fit */
		text[3000 - n] = '\0';
		log_context("default", text, text);
		log_info("%s", text);
		text[1500 - n] = '\0';
		log_context(text, "call", text);
		log_info("%s", text);
		memset(text, '"', sizeof(text) - 1);
	}
	all = lines(80);
	json_decref(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    each_call_makes_one_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    lower_levels_are_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    what_is_worked_on_is_in_every_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_failure_is_told_with_its_kind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    quotes_and_control_characters_come_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    bad_bytes_become_question_marks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    numbers_are_masked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    numbers_in_failures_are_masked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    long_messages_are_cut_not_broken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    long_context_does_no_harm, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

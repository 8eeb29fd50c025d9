#include "deliveries.h"

#include "model/event.h"
#include "model/payload.h"
#include "model/skim.h"

/* What skim_envelope() takes, payload_load() takes as it is, and it is about
 * the same. 1: it was taken. */
static int
check(const char *text, size_t n)
{
	struct err err = ERR_INIT;
	struct event quick, thorough;
	const char *note = "?";
	json_t *skimmed = skim_envelope(text, n), *loaded;

	if (skimmed == NULL)
		return 0;
	loaded = payload_load(text, n, &note, &err);
	if (loaded == NULL || note != NULL)
		fail_msg("taken: %.*s", (int)n, text);
	event_identify(skimmed, &quick);
	event_identify(loaded, &thorough);
	assert_int_equal(quick.generation, thorough.generation);
	assert_string_equal(quick.type, thorough.type);
	assert_string_equal(quick.kind, thorough.kind);
	assert_int_equal(quick.occurred_at, thorough.occurred_at);
	assert_string_equal(quick.id == NULL ? "" : quick.id,
	    thorough.id == NULL ? "" : thorough.id);
	assert_string_equal(quick.resource_id == NULL ? "" : quick.resource_id,
	    thorough.resource_id == NULL ? "" : thorough.resource_id);
	assert_string_equal(quick.note == NULL ? "" : quick.note,
	    thorough.note == NULL ? "" : thorough.note);
	json_decref(skimmed);
	json_decref(loaded);
	return 1;
}

static void
check_delivery(
    const struct generation *generation, const char *name, json_t *envelope)
{
	char *text = json_dumps(envelope, JSON_COMPACT);

	(void)generation;
	if (check(text, strlen(text)) == 0)
		fail_msg("not taken: %s", name);
	free(text);
}

static void
samples_are_about_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(generations); i++)
		assert_in_range(each_delivery(generations[i].folder,
				    check_delivery, &generations[i]),
		    10, 100);
}

/* Each byte once missing, once another, and all from there on missing. */
static void
damage(const struct generation *generation, const char *name, json_t *envelope)
{
	static const char others[] = "\"\\{}[]:,.-+0 9eEtfnu/\n\x01\x7f\x80"
				     "\xc3\xed\xff";
	char *text = json_dumps(envelope, JSON_INDENT(1)), *copy;
	size_t n = strlen(text);

	(void)name;
	copy = malloc(n);
	assert_non_null(copy);
	for (size_t i = 0; i < n; i++) {
		memcpy(copy, text, n);
		copy[i] = others[(i + (size_t)generation->number) %
		    sizeof(others)]; /* with the NUL at its end */
		check(copy, n);
		memmove(copy + i, text + i + 1, n - i - 1);
		check(copy, n - 1);
		assert_int_equal(check(text, i), 0);
	}
	free(copy);
	free(text);
}

static void
what_is_damaged_is_about_the_same_or_not_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(generations); i++)
		each_delivery(generations[i].folder, damage, &generations[i]);
}

static void
odd_ones_are_about_the_same_or_not_taken(void **state)
{
	static const struct {
		const char *text;
		int taken;
	} cases[] = {
		{ "{}", 1 },
		{ " { } ", 1 },
		{ "", 0 },
		{ "[]", 0 },
		{ "1", 0 },
		{ "{} {}", 0 },
		{ "{,}", 0 },
		{ "{\"id\":\"a\",}", 0 },
		{ "{\"id\" \"a\"}", 0 },
		/* of equal names the last counts, whatever it is */
		{ "{\"id\":\"a\",\"id\":\"b\"}", 1 },
		{ "{\"id\":\"a\",\"id\":{\"id\":[1]}}", 1 },
		{ "{\"data\":{\"object\":{\"id\":\"a\"}},\"data\":7}", 1 },
		{ "{\"data\":{\"object\":{\"id\":\"a\"},"
		  "\"resource\":{\"id\":\"b\",\"callId\":\"c\"}}}",
		    1 },
		{ "{\"data\":{\"object\":[{\"id\":\"a\"}]}}", 1 },
		{ "{\"data\":{\"object\":{}},\"type\":\"call.ringing\"}", 1 },
		/* names further in are not those further out */
		{ "{\"x\":{\"id\":\"a\",\"type\":\"b\"}}", 1 },
		{ "{\"i\\/d\":\"a\",\"x\":\"\\\"\\\\\\b\\f\\n\\r\\t\"}", 1 },
		{ "{\"\\u0069d\":\"a\"}", 0 },
		{ "{\"x\":\"\\u00e9\"}", 0 },
		{ "{\"x\":\"\\x\"}", 0 },
		{ "{\"x\":[true,false,null,0,-1,10,1.5,-0.25]}", 1 },
		{ "{\"x\":[],\"y\":[[],[{}]]}", 1 },
		{ "{\"x\":01}", 0 },
		{ "{\"x\":1.}", 0 },
		{ "{\"x\":-}", 0 },
		{ "{\"x\":truely}", 0 },
		{ "{\"x\":999999999999999.99999999999999999999}", 1 },
		{ "{\"x\":99999999999999999999}", 0 },
		{ "{\"x\":1e999}", 0 },
		{ "{\"x\":[1 2]}", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (check(cases[i].text, strlen(cases[i].text)) !=
		    cases[i].taken)
			fail_msg("%s", cases[i].text);
}

static void
deep_nesting_is_left_to_others(void **state)
{
	char text[256] = "{\"x\":";

	(void)state;
	memset(text + 5, '[', 100);
	memset(text + 105, ']', 100);
	strcpy(text + 205, "}");
	assert_int_equal(check(text, strlen(text)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_about_the_same),
		cmocka_unit_test(
		    what_is_damaged_is_about_the_same_or_not_taken),
		cmocka_unit_test(odd_ones_are_about_the_same_or_not_taken),
		cmocka_unit_test(deep_nesting_is_left_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

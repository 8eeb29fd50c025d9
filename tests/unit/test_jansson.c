#include "unit.h"

#include "base/utf8.h"
#include "ext/jansson.h"

enum { SIZE = 10, FLAGS = JSON_COMPACT | JSON_SORT_KEYS };

struct taken {
	struct buf text;
	size_t pieces, enough;
};

static int
take(void *ctx, const char *text)
{
	struct taken *taken = ctx;
	size_t n = strlen(text), len;

	assert_true(n > 0);
	for (size_t i = 0; i < n; i += len)
		assert_true((len = utf8_sequence(text + i, n - i)) > 0);
	assert_int_equal(buf_adds(&taken->text, text), 0);
	return ++taken->pieces == taken->enough ? -1 : 0;
}

static json_t *
sample(void)
{
	return json_pack("{s:[s,s,i,f,b,n], s:{s:s}, s:{}}", "a",
	    "\xf0\x9f\x8f\xb3\n\xd7\xa9\xd7\xa9\xd7\xa9\xd7\xa9\xd7\xa9\xd7\xa9"
	    "\xd7\xa9\t\xf0\x9f\x8f\xb3",
	    "", 1234567890, 0.25, 1, "b", "c", "e\xcc\x81\x01\"", "d");
}

static void
pieces_together_are_the_text(void **state)
{
	json_t *json = sample();
	char *whole = json_dumps(json, FLAGS);
	struct taken taken = { .pieces = 0 };

	(void)state;
	buf_init(&taken.text, 1000);
	assert_int_equal(jansson_pieces(json, FLAGS, SIZE, take, &taken), 0);
	assert_true(taken.pieces > 3);
	assert_string_equal(buf_text(&taken.text), whole);
	buf_free(&taken.text);
	free(whole);
	json_decref(json);
}

static void
a_refusal_ends_it(void **state)
{
	json_t *json = sample();
	struct taken taken = { .enough = 2 };

	(void)state;
	buf_init(&taken.text, 1000);
	assert_int_equal(jansson_pieces(json, FLAGS, SIZE, take, &taken), -1);
	assert_int_equal(taken.pieces, 2);
	buf_free(&taken.text);
	json_decref(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_together_are_the_text),
		cmocka_unit_test(a_refusal_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include <jansson.h>

#include "model/selection.h"

#define A "+15550000001"
#define B "+15550000002"
#define C "+15550000003"
#define OUTSIDE "+15550001111"

static const struct {
	const char *numbers, *ignore, *kind, *facts, *names;
	enum selection selection;
} cases[] = {
	/* nothing is asked for */
	{ NULL, NULL, "call", "{}", NULL, SELECTION_IN },
	/* what the payload says for certain needs no names */
	{ A, NULL, "call", "{'workspace':['" A "']}", NULL, SELECTION_IN },
	{ B " \t" A, NULL, "call", "{'workspace':['" A "']}", NULL,
	    SELECTION_IN },
	{ B, NULL, "call", "{'workspace':['" A "']}", NULL, SELECTION_OUT },
	{ NULL, A, "call", "{'workspace':['" A "']}", NULL, SELECTION_OUT },
	{ NULL, B, "call", "{'workspace':['" A "']}", NULL, SELECTION_IN },
	{ A, A, "call", "{'workspace':['" A "']}", NULL, SELECTION_OUT },
	{ A, NULL, "call",
	    "{'direction':'incoming','from':'" OUTSIDE "','to':'" A "'}", NULL,
	    SELECTION_IN },
	{ A, NULL, "call",
	    "{'direction':'outgoing','from':'" A "','to':'" OUTSIDE "'}", NULL,
	    SELECTION_IN },
	/* the other side is nobody's line, whatever is listed */
	{ NULL, OUTSIDE, "message",
	    "{'direction':'incoming','from':'" OUTSIDE "','to':['" A "']}",
	    NULL, SELECTION_IN },
	{ A, NULL, "message",
	    "{'direction':'outgoing','from':'" A "','to':['" OUTSIDE "']}",
	    NULL, SELECTION_IN },
	/* a part of a number is none */
	{ "+1555000000", NULL, "call", "{'workspace':['" A "']}", NULL,
	    SELECTION_OUT },
	{ A "4", NULL, "call", "{'workspace':['" A "']}", NULL, SELECTION_OUT },
	/* participants are a guess until the line's number is known */
	{ NULL, A, "call",
	    "{'direction':'incoming','phoneNumberId':'PN1','participants':['" A
	    "','" B "']}",
	    NULL, SELECTION_UNKNOWN },
	{ NULL, A, "call",
	    "{'direction':'incoming','phoneNumberId':'PN1','participants':['" A
	    "','" B "']}",
	    "{'numbers':{'PN1':{'number':'" A "'}}}", SELECTION_OUT },
	{ NULL, B, "call",
	    "{'direction':'incoming','participants':['" A "','" B "']}", "{}",
	    SELECTION_OUT },
	/* one of several recipients */
	{ B, NULL, "message",
	    "{'direction':'incoming','from':'" OUTSIDE "','to':['" A "','" B
	    "']}",
	    NULL, SELECTION_IN },
	{ NULL, B, "message",
	    "{'direction':'incoming','from':'" OUTSIDE "','to':['" A "','" B
	    "']}",
	    NULL, SELECTION_OUT },
	{ C, NULL, "message",
	    "{'direction':'incoming','from':'" OUTSIDE "','to':['" A "','" B
	    "']}",
	    "{}", SELECTION_UNKNOWN },
	/* a summary came first */
	{ A, NULL, "call", "{'summary':{}}", NULL, SELECTION_UNKNOWN },
	{ A, NULL, "call", "{'summary':{}}", "{}", SELECTION_UNKNOWN },
};

static json_t *
parse(const char *text)
{
	char json[512];
	json_t *value;

	snprintf(json, sizeof(json), "%s", text);
	for (char *p = json; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	value = json_loads(json, 0, NULL);
	assert_non_null(value);
	return value;
}

static void
numbers_select(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct workspace ws = { 0 };
		json_t *facts = parse(cases[i].facts);
		json_t *names =
		    cases[i].names == NULL ? NULL : parse(cases[i].names);
		enum selection selection;

		ws.sync.numbers = (char *)(uintptr_t)cases[i].numbers;
		ws.sync.ignore = (char *)(uintptr_t)cases[i].ignore;
		selection = selection_of(&ws, cases[i].kind, facts, names);
		if (selection != cases[i].selection)
			fail_msg("case %zu: %d", i, selection);
		json_decref(names);
		json_decref(facts);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_select),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

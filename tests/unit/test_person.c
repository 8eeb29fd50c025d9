#include "unit.h"

#include <jansson.h>

#include "model/person.h"

#define OURS "+15550002222"
#define ANN "+15550001111"
#define BOB "+15550003333"

static const struct {
	const char *kind, *facts;
	bool spoke;
	enum person_share share;
} cases[] = {
	{ "call", "{}", false, PERSON_ABSENT },
	{ "call", "{'external':['" BOB "']}", false, PERSON_ABSENT },
	{ "call", "{'external':['" ANN "']}", false, PERSON_ALONE },
	{ "call", "{'external':['" BOB "','" ANN "']}", false, PERSON_AMONG },
	{ "call", "{'direction':'incoming','from':'" ANN "','to':'" OURS "'}",
	    false, PERSON_ALONE },
	/* ours is known by the directory alone */
	{ "call",
	    "{'participants':['" OURS "','" ANN "'],'phoneNumberId':'PNa'}",
	    false, PERSON_ALONE },
	{ "call", "{'voicemail':{'from':'" ANN "','to':'" OURS "'}}", false,
	    PERSON_ALONE },
	{ "call", "{'external':['" BOB "'],'forwardedTo':'" ANN "'}", false,
	    PERSON_AMONG },
	{ "call", "{'external':['" BOB "']}", true, PERSON_AMONG },
	/* by a number that is not known to be the person's */
	{ "call", "{'external':['" BOB "'],'contactIds':['CTann']}", false,
	    PERSON_ALONE },
	{ "call", "{'external':['" BOB "'],'contactIds':['CTann','CTbob']}",
	    false, PERSON_AMONG },
	{ "call", "{'external':['" BOB "'],'contactIds':['CTbob']}", false,
	    PERSON_ABSENT },
	{ "message", "{'from':'" ANN "','to':['" OURS "']}", false,
	    PERSON_ALONE },
	{ "message",
	    "{'direction':'outgoing','from':'" OURS "','to':['" ANN "']}",
	    false, PERSON_ALONE },
	{ "message",
	    "{'direction':'outgoing','from':'" OURS "','to':['" ANN "','" BOB
	    "']}",
	    false, PERSON_AMONG },
	/* what somebody wrote is theirs, whoever else reads it */
	{ "message", "{'from':'" ANN "','to':['" OURS "','" BOB "']}", false,
	    PERSON_ALONE },
	{ "message", "{'from':'" BOB "','to':['" OURS "','" ANN "']}", false,
	    PERSON_AMONG },
	/* a mention is none's share */
	{ "message", "{'from':'" BOB "','to':['" OURS "'],'text':'" ANN "'}",
	    false, PERSON_ABSENT },
};

static json_t *
read_json(const char *text)
{
	char copy[512];
	json_t *ret;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	ret = json_loads(copy, 0, NULL);
	assert_non_null(ret);
	return ret;
}

static void
whose_it_is(void **state)
{
	json_t *numbers = json_pack("[s]", ANN);
	json_t *contacts = json_pack("[s]", "CTann");
	json_t *names = read_json("{'numbers':{'PNa':{'number':'" OURS "'}}}");
	const struct person ann = { numbers, contacts };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *facts = read_json(cases[i].facts);
		enum person_share share;

		assert_int_equal(person_share(&ann, cases[i].kind, facts, names,
				     cases[i].spoke, &share),
		    0);
		if (share != cases[i].share)
			fail_msg("%s: %d, not %d", cases[i].facts, (int)share,
			    (int)cases[i].share);
		json_decref(facts);
	}
	json_decref(names);
	json_decref(contacts);
	json_decref(numbers);
}

/* Only what is named in the source is kept, whatever else comes along. */
static void
what_is_kept(void **state)
{
	json_t *numbers = json_pack("[s]", ANN);
	json_t *contacts = json_array();
	const struct person ann = { numbers, contacts };
	json_t *facts = read_json("{'id':'ACa','from':'" ANN "','to':['" OURS
				  "','" ANN "','" BOB "'],'text':'Hello',"
				  "'duration':3,'contactIds':['CTann'],"
				  "'conversationId':'CNa','secret':'new'}");
	json_t *without =
	    read_json("{'id':'ACa','to':['" OURS "','" BOB "'],'duration':3}");
	json_t *with = json_copy(without), *got;

	(void)state;
	json_object_set_new(with, "text", json_string("Hello"));
	got = person_redact(&ann, facts, false);
	assert_true(json_equal(got, without));
	json_decref(got);
	got = person_redact(&ann, facts, true);
	assert_true(json_equal(got, with));
	json_decref(got);
	json_decref(with);
	json_decref(without);
	json_decref(facts);
	json_decref(contacts);
	json_decref(numbers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whose_it_is),
		cmocka_unit_test(what_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

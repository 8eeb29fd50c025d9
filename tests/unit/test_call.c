#include "deliveries.h"

#include "base/rfc3339.h"
#include "model/call.h"
#include "model/fold.h"

/* The facts after some deliveries of a folder; NULL ends the names. */
static json_t *
facts_of(const char *folder, const char *const *names)
{
	json_t *state = fold_new(), *facts;

	for (; *names != NULL; names++) {
		json_t *envelope = delivery(folder, *names);
		struct err err = ERR_INIT;
		struct event event;

		event_identify(envelope, &event);
		assert_int_equal(fold_event(state, envelope, &event, &err), 0);
		json_decref(envelope);
	}
	facts = json_incref(json_object_get(state, "facts"));
	json_decref(state);
	return facts;
}

static json_t *
parse(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);

	if (json == NULL)
		fail_msg("%s: %s", text, error.text);
	return json;
}

/* Spelled as JSON; the value is given up. */
static void
check_json(json_t *value, const char *expected)
{
	char *text = json_dumps(value, FOLD_DUMP_FLAGS);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
	json_decref(value);
}

/* ---- outcome ------------------------------------------------------------ */

static void
outcomes_of_deliveries(void **state)
{
	static const struct {
		const char *folder, *names[4], *outcome;
		int64_t talk;
		bool over;
	} cases[] = {
		{ "v2", { "call.ringing" }, "ringing", -1, false },
		{ "v2", { "call.completed" }, "answered", 74, true },
		{ "v2", { "call.completed", "call.ringing" }, "answered", 74,
		    true },
		{ "v2", { "call.completed-missed-voicemail" }, "voicemail", -1,
		    true },
		{ "v2", { "call.completed-missed" }, "missed", -1, true },
		{ "v2", { "call.completed-outgoing" }, "answered", 146, true },
		{ "v2", { "call.completed-outgoing-no-answer" }, "no-answer",
		    -1, true },
		{ "v2", { "call.summary.completed" }, "unknown", -1, false },
		{ "v3", { "call.completed-missed-voicemail" }, "voicemail", -1,
		    true },
		{ "v4", { "call.ringing" }, "ringing", -1, false },
		{ "v4", { "call.completed" }, "answered", 74, true },
		{ "v4", { "call.completed-missed" }, "missed", -1, true },
		{ "v4", { "call.completed-forwarded" }, "forwarded", -1, true },
		{ "v4", { "call.completed-ai" }, "ai", 125, true },
		{ "v4", { "call.completed-outgoing" }, "answered", 146, true },
		{ "2026-03-30", { "call.ringing" }, "ringing", -1, false },
		{ "2026-03-30", { "call.menu.selected" }, "ringing", -1,
		    false },
		{ "2026-03-30", { "call.ringing", "call.answered" },
		    "in-progress", -1, false },
		{ "2026-03-30", { "call.completed" }, "answered", 74, true },
		{ "2026-03-30", { "call.missed" }, "missed", -1, true },
		{ "2026-03-30",
		    { "call.missed", "call.completed-missed-voicemail" },
		    "voicemail", -1, true },
		{ "2026-03-30", { "call.voicemail.completed-no-call" },
		    "voicemail", -1, true },
		{ "2026-03-30", { "call.forwarded" }, "forwarded", -1, false },
		{ "2026-03-30",
		    { "call.forwarded", "call.completed-forwarded" },
		    "forwarded", -1, true },
		{ "2026-03-30", { "call.completed-outgoing-no-answer" },
		    "no-answer", -1, true },
		{ "2026-03-30", { "call.completed-ai" }, "ai", 125, true },
		{ "2026-03-30", { "call.transcript.completed" }, "unknown", -1,
		    false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *facts = facts_of(cases[i].folder, cases[i].names);

		print_message("%s %s\n", cases[i].folder, cases[i].names[0]);
		assert_string_equal(call_outcome(facts), cases[i].outcome);
		assert_int_equal(call_talk_seconds(facts), cases[i].talk);
		assert_int_equal(call_is_over(facts), cases[i].over);
		json_decref(facts);
	}
}

#define OVER "\"completedAt\":\"2026-01-01T00:01:00.000Z\","
#define UP "\"answeredAt\":\"2026-01-01T00:00:10.000Z\","

static void
outcomes_of_facts(void **state)
{
	static const struct {
		const char *facts, *outcome;
	} cases[] = {
		{ "{}", "unknown" },
		{ "{\"direction\":\"incoming\"}", "unknown" },
		{ "{\"status\":\"unknown\"}", "unknown" },
		/* completed does not mean answered */
		{ "{" OVER
		  "\"direction\":\"incoming\",\"status\":\"completed\"}",
		    "missed" },
		{ "{" OVER
		  "\"direction\":\"outgoing\",\"status\":\"completed\"}",
		    "no-answer" },
		{ "{\"direction\":\"incoming\",\"status\":\"busy\"}",
		    "missed" },
		{ "{\"direction\":\"incoming\",\"status\":\"canceled\"}",
		    "missed" },
		{ "{\"direction\":\"incoming\",\"status\":\"abandoned\"}",
		    "missed" },
		{ "{\"status\":\"no-answer\"}", "missed" },
		{ "{\"direction\":\"outgoing\",\"status\":\"busy\"}",
		    "no-answer" },
		{ "{\"direction\":\"outgoing\",\"status\":\"failed\"}",
		    "failed" },
		{ "{\"status\":\"in-progress\"," UP
		  "\"direction\":\"incoming\"}",
		    "in-progress" },
		{ "{\"status\":\"queued\",\"direction\":\"outgoing\"}",
		    "ringing" },
		{ "{" OVER UP "\"aiHandled\":\"ai-agent\"}", "ai" },
		{ "{" OVER UP "\"answeredBy\":\"SYUtest01\"}", "ai" },
		{ "{\"status\":\"ai-handled\"}", "ai" },
		{ "{" OVER "\"status\":\"unanswered\",\"direction\":"
		  "\"incoming\",\"hasVoicemail\":false}",
		    "missed" },
		/* a user took the forwarded call, or the other number did */
		{ "{" OVER UP "\"forwardedTo\":\"UStest01\",\"answeredBy\":"
		  "\"UStest01\"}",
		    "answered" },
		{ "{" OVER UP "\"forwardedTo\":\"+15550005555\"}",
		    "forwarded" },
		{ "{" OVER "\"forwardedTo\":\"+15550005555\",\"hasVoicemail\":"
		  "true}",
		    "voicemail" },
		{ "{" OVER "\"summary\":{\"summary\":[\"x\"]}}", "unknown" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *facts = parse(cases[i].facts);

		print_message("%s\n", cases[i].facts);
		assert_string_equal(call_outcome(facts), cases[i].outcome);
		json_decref(facts);
	}
}

static void
talk_is_without_the_ringing(void **state)
{
	static const struct {
		const char *facts;
		int64_t seconds;
	} cases[] = {
		{ "{" OVER UP "\"duration\":99}", 50 },
		{ "{" OVER "\"duration\":16}", -1 },
		{ "{" UP "\"duration\":16}", 16 },
		{ "{" UP "\"status\":\"in-progress\"}", -1 },
		{ "{\"status\":\"answered\",\"duration\":55}", 55 },
		/* clocks may disagree */
		{ "{\"answeredAt\":\"2026-01-01T00:00:10Z\",\"completedAt\":"
		  "\"2026-01-01T00:00:09Z\",\"duration\":3}",
		    3 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *facts = parse(cases[i].facts);

		assert_int_equal(call_talk_seconds(facts), cases[i].seconds);
		json_decref(facts);
	}
}

/* ---- who ---------------------------------------------------------------- */

#define NAMES                                                       \
	"{\"numbers\":{\"PNtest01\":{\"name\":\"Main\",\"number\":" \
	"\"+15550002222\"}}}"

static void
parties_and_own_number(void **state)
{
	static const struct {
		const char *facts, *names, *parties, *own;
	} cases[] = {
		{ "{}", NULL, "[]", NULL },
		/* generation 3 */
		{ "{\"external\":[\"+15550001111\",\"+15550003333\","
		  "\"+15550001111\"],\"workspace\":[\"+15550002222\"]}",
		    NULL, "[\"+15550001111\",\"+15550003333\"]",
		    "+15550002222" },
		/* REST counts our number as outside when nobody answered */
		{ "{\"external\":[\"+15550002222\",\"+15550001111\"],"
		  "\"phoneNumberId\":\"PNtest01\"}",
		    NAMES, "[\"+15550001111\"]", "+15550002222" },
		/* generation 1 */
		{ "{\"direction\":\"incoming\",\"from\":\"+15550001111\","
		  "\"to\":\"+15550002222\"}",
		    NULL, "[\"+15550001111\"]", "+15550002222" },
		{ "{\"direction\":\"outgoing\",\"to\":\"+15550001111\","
		  "\"from\":\"+15550002222\"}",
		    NULL, "[\"+15550001111\"]", "+15550002222" },
		/* generation 2, our number known, or told by its place */
		{ "{\"participants\":[\"+15550002222\",\"+15550001111\"],"
		  "\"direction\":\"incoming\",\"phoneNumberId\":\"PNtest01\"}",
		    NAMES, "[\"+15550001111\"]", "+15550002222" },
		{ "{\"participants\":[\"+15550001111\",\"+15550002222\"],"
		  "\"direction\":\"incoming\"}",
		    NULL, "[\"+15550001111\"]", "+15550002222" },
		{ "{\"participants\":[\"+15550002222\",\"+15550001111\"],"
		  "\"direction\":\"outgoing\"}",
		    NULL, "[\"+15550001111\"]", "+15550002222" },
		{ "{\"participants\":[\"+15550001111\",\"+15550002222\","
		  "\"+15550003333\"]}",
		    NAMES, "[\"+15550001111\",\"+15550003333\"]",
		    "+15550002222" },
		/* one of our lines called another */
		{ "{\"participants\":[\"+15550002222\"]}", NAMES,
		    "[\"+15550002222\"]", "+15550002222" },
		/* nothing but a voicemail */
		{ "{\"voicemail\":{\"from\":\"+15550001111\",\"to\":"
		  "\"+15550002222\"}}",
		    NULL, "[\"+15550001111\"]", "+15550002222" },
		{ "{\"direction\":\"incoming\",\"from\":\"anonymous\"}", NULL,
		    "[\"anonymous\"]", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *facts = parse(cases[i].facts), *names = NULL;
		const char *own;

		print_message("%s\n", cases[i].facts);
		if (cases[i].names != NULL)
			names = parse(cases[i].names);
		own = call_own_number(facts, names);
		check_json(call_parties(facts, names), cases[i].parties);
		if (cases[i].own == NULL)
			assert_null(own);
		else
			assert_string_equal(own, cases[i].own);
		json_decref(names);
		json_decref(facts);
	}
}

/* ---- what was said ------------------------------------------------------ */

static void
recordings_come_in_order_and_once(void **state)
{
	json_t *facts = parse(
	    "{\"recordings\":{"
	    "\"CRa\":{\"id\":\"CRa\",\"url\":\"u1\",\"startTime\":\"2026-02\"},"
	    "\"CRb\":{\"id\":\"CRb\",\"url\":\"u2\",\"startTime\":\"2026-01\"},"
	    "\"CRd\":{\"id\":\"CRd\",\"url\":\"u2\",\"startTime\":\"2026-03\"},"
	    "\"url:1\":{\"url\":\"u3\",\"index\":0}}}");

	(void)state;
	check_json(call_recordings(facts),
	    "[{\"id\":\"CRb\",\"key\":\"CRb\",\"startTime\":\"2026-01\","
	    "\"url\":\"u2\"},{\"id\":\"CRa\",\"key\":\"CRa\",\"startTime\":"
	    "\"2026-02\",\"url\":\"u1\"}]");
	json_decref(facts);
}

static void
recordings_without_times_keep_their_order(void **state)
{
	json_t *facts = parse("{\"recordings\":{\"url:1\":{\"url\":\"u1\","
			      "\"index\":2},\"url:2\":{\"url\":\"u2\","
			      "\"index\":0},\"url:3\":{\"url\":\"u3\","
			      "\"index\":1}}}"),
	       *list = call_recordings(facts);

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(json_integer_value(json_object_get(
				     json_array_get(list, i), "index")),
		    i);
	json_decref(list);
	json_decref(facts);
	check_json(call_recordings(NULL), "[]");
}

static void
both_generations_segments_are_one(void **state)
{
	static const char *const names[] = { "call.recording.completed", NULL };
	json_t *facts = facts_of("v4", names);
	json_t *old = facts_of("v2", names), *list;

	(void)state;
	json_object_update(json_object_get(facts, "recordings"),
	    json_object_get(old, "recordings"));
	assert_int_equal(
	    json_object_size(json_object_get(facts, "recordings")), 2);
	list = call_recordings(facts);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(list, 0), "key")),
	    "CRv4rec01");
	json_decref(list);
	json_decref(old);
	json_decref(facts);
}

/* All lines, as an array. */
static json_t *
dialogue(const json_t *facts)
{
	struct call_lines lines;
	json_t *all = json_array(), *line;

	assert_int_equal(call_lines_begin(&lines, facts), 0);
	while ((line = call_lines_next(&lines)) != NULL)
		json_array_append_new(all, line);
	assert_int_equal(call_lines_end(&lines), 0);
	assert_int_equal(call_has_lines(facts), json_array_size(all) > 0);
	return all;
}

#define LINE(text, at) "{\"content\":\"" text "\",\"start\":" at "}"

static void
segments_are_put_one_after_the_other(void **state)
{
	json_t *facts =
	    parse("{\"transcripts\":{"
		  "\"CRb\":{\"startTime\":\"2026-01-01T00:01:00Z\","
		  "\"dialogue\":[" LINE("c",
		      "1.5") "]},"
			     "\"CRa\":{\"startTime\":\"2026-01-01T00:00:00Z\","
			     "\"dialogue\":[" LINE("a", "0.5") "," LINE(
				 "b", "2") "]},"
					   "\"call\":{\"dialogue\":[" LINE(
					       "A", "0.5") "]}}}");

	(void)state;
	check_json(dialogue(facts),
	    "[" LINE("a", "0.5") "," LINE("b", "2") "," LINE("c", "61.5") "]");
	json_decref(facts);
}

static void
the_longer_transcript_is_taken(void **state)
{
	json_t *facts = parse("{\"transcripts\":{\"CRa\":{\"dialogue\":[" LINE(
	    "a", "1") "]},\"call\":{\"dialogue\":[" LINE("A", "1") "," LINE("B",
	    "2") "]}}}");

	(void)state;
	check_json(dialogue(facts), "[" LINE("A", "1") "," LINE("B", "2") "]");
	json_decref(facts);
	facts = parse("{\"transcripts\":{\"CRa\":{\"dialogue\":[" LINE(
	    "a", "1") "]},\"call\":{\"dialogue\":[" LINE("A", "1") "]}}}");
	check_json(dialogue(facts), "[" LINE("A", "1") "]");
	json_decref(facts);
	check_json(dialogue(NULL), "[]");
}

/* ---- what is still to come ---------------------------------------------- */

#define ENDED 1767225660000000 /* OVER */

static void
parts_are_expected_until_they_are_known(void **state)
{
	static const unsigned int all =
	    CALL_RECORDINGS | CALL_TRANSCRIPT | CALL_SUMMARY;
	const struct {
		const char *facts;
		unsigned int parts;
	} cases[] = {
		{ "{}", 0 },
		{ "{" UP "\"direction\":\"incoming\"}", 0 },
		{ "{" OVER UP "\"direction\":\"incoming\"}", all },
		{ "{" OVER UP "\"recordings\":{\"CR1\":{\"id\":\"CR1\"}}}",
		    all },
		{ "{" OVER UP "\"recordings\":{\"CR1\":{\"url\":\"u\"}}}",
		    CALL_TRANSCRIPT | CALL_SUMMARY },
		{ "{" OVER UP "\"recordingsKnown\":true,\"summaryKnown\":true}",
		    CALL_TRANSCRIPT },
		{ "{" OVER UP "\"transcriptKnown\":true}",
		    CALL_RECORDINGS | CALL_SUMMARY },
		{ "{" OVER "\"direction\":\"incoming\"}", CALL_VOICEMAIL },
		{ "{" OVER
		  "\"direction\":\"incoming\",\"voicemailKnown\":true}",
		    0 },
		{ "{" OVER "\"direction\":\"incoming\",\"hasVoicemail\":false}",
		    0 },
		{ "{" OVER "\"direction\":\"outgoing\"}", 0 },
		{ "{" OVER "\"forwardedTo\":\"+15550005555\"}", 0 },
		{ "{" OVER "\"forwardedTo\":\"+15550005555\",\"hasVoicemail\":"
		  "true}",
		    CALL_VOICEMAIL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *facts = parse(cases[i].facts);

		print_message("%s\n", cases[i].facts);
		assert_int_equal(call_expects(facts, ENDED), cases[i].parts);
		assert_int_equal(
		    call_expects(facts, ENDED + CALL_PARTS_WAIT - 1),
		    cases[i].parts);
		assert_int_equal(
		    call_expects(facts, ENDED + CALL_PARTS_WAIT), 0);
		json_decref(facts);
	}
}

static void
dated_payloads_leave_nothing_to_ask(void **state)
{
	static const char *const answered[] = { "call.completed",
		"call.recording.completed", "call.transcript.completed",
		"call.summary.completed", NULL };
	static const char *const missed[] = { "call.completed-missed-voicemail",
		"call.voicemail.completed", NULL };
	json_t *facts = facts_of("2026-03-30", answered);
	int64_t now;

	(void)state;
	assert_int_equal(rfc3339_parse("2026-04-13T12:00:00Z", &now), 0);
	assert_int_equal(call_expects(facts, now), 0);
	json_decref(facts);
	facts = facts_of("2026-03-30", missed);
	assert_int_equal(call_expects(facts, now), 0);
	json_decref(facts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes_of_deliveries),
		cmocka_unit_test(outcomes_of_facts),
		cmocka_unit_test(talk_is_without_the_ringing),
		cmocka_unit_test(parties_and_own_number),
		cmocka_unit_test(recordings_come_in_order_and_once),
		cmocka_unit_test(recordings_without_times_keep_their_order),
		cmocka_unit_test(both_generations_segments_are_one),
		cmocka_unit_test(segments_are_put_one_after_the_other),
		cmocka_unit_test(the_longer_transcript_is_taken),
		cmocka_unit_test(parts_are_expected_until_they_are_known),
		cmocka_unit_test(dated_payloads_leave_nothing_to_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

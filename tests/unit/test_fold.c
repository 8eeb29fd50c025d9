#include "deliveries.h"

#include "base/rfc3339.h"
#include "model/fold.h"
#include "model/lines.h"
#include "model/payload.h"

/* ---- helpers ------------------------------------------------------------ */

static void
fold(json_t *state, const json_t *envelope)
{
	struct err err = ERR_INIT;
	struct event event;

	event_identify(envelope, &event);
	assert_int_equal(fold_event(state, envelope, &event, &err), 0);
}

static json_t *
parse(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_DECODE_ANY, &error);

	if (json == NULL)
		fail_msg("%s: %s", text, error.text);
	return json;
}

/* The value at "a/b" of facts, spelled; the caller frees it. */
static char *
spelled(const json_t *state, const char *path)
{
	const json_t *value = json_object_get(state, "facts");
	char copy[300], *rest = copy, *name;

	snprintf(copy, sizeof(copy), "%s", path);
	while ((name = strsep(&rest, "/")) != NULL)
		value = json_object_get(value, name);
	return value == NULL
	    ? strdup("absent")
	    : json_dumps(value, FOLD_DUMP_FLAGS | JSON_ENCODE_ANY);
}

static void
check_fact(const json_t *state, const char *path, const char *expected)
{
	char *value = spelled(state, path);

	if (strcmp(value, expected) != 0)
		fail_msg("%s: %s, expected %s", path, value, expected);
	free(value);
}

struct fact {
	const char *path, *value;
};

static void
check_facts(const json_t *state, const struct fact *facts)
{
	for (; facts->path != NULL; facts++)
		check_fact(state, facts->path, facts->value);
}

/* The state after some deliveries of a folder. */
static json_t *
folded(const char *folder, const char *const *names)
{
	json_t *state = fold_new();

	assert_non_null(state);
	for (; *names != NULL; names++) {
		json_t *envelope = delivery(folder, *names);

		fold(state, envelope);
		json_decref(envelope);
	}
	return state;
}

/* ---- what each generation tells ----------------------------------------- */

static const char *const four[] = { "call.completed",
	"call.recording.completed", "call.transcript.completed",
	"call.summary.completed", NULL };

static void
a_call_of_the_app(void **unused)
{
	static const struct fact facts[] = {
		{ "id", "\"ACv2call01\"" },
		{ "direction", "\"incoming\"" },
		{ "status", "\"completed\"" },
		{ "createdAt", "\"2026-01-23T09:15:02.110Z\"" },
		{ "answeredAt", "\"2026-01-23T09:15:10.000Z\"" },
		{ "completedAt", "\"2026-01-23T09:16:24.000Z\"" },
		{ "from", "\"+15550001111\"" },
		{ "to", "\"+15550002222\"" },
		{ "userId", "\"UStest01\"" },
		{ "phoneNumberId", "\"PNtest01\"" },
		{ "conversationId", "\"CNtest01\"" },
		{ "summary/status", "\"completed\"" },
		{ "summary/nextSteps",
		    "[\"Put the posters at the counter before three "
		    "o'clock.\"]" },
		{ "summaryKnown", "true" },
		{ "transcripts/call/duration", "74" },
		{ "transcriptKnown", "true" },
		{ "voicemail", "absent" },
		{ "voicemailKnown", "absent" },
		{ NULL, NULL },
	};
	json_t *state = folded("v2", four), *recordings;

	(void)unused;
	check_facts(state, facts);
	recordings =
	    json_object_get(json_object_get(state, "facts"), "recordings");
	assert_int_equal(json_object_size(recordings), 1);
	assert_int_equal(
	    strncmp(
		json_object_iter_key(json_object_iter(recordings)), "url:", 4),
	    0);
	json_decref(state);
}

static void
moments_of_v3_are_normalised(void **unused)
{
	json_t *state = folded("v3", four);

	(void)unused;
	check_fact(state, "answeredAt", "\"2026-02-20T09:15:10.000Z\"");
	check_fact(state, "answeredBy", "\"UStest01\"");
	json_decref(state);
}

static void
a_call_of_v4(void **unused)
{
	static const struct fact facts[] = {
		{ "id", "\"ACv4call01\"" },
		{ "participants", "[\"+15550001111\",\"+15550002222\"]" },
		{ "duration", "82" },
		{ "answeredBy", "\"UStest01\"" },
		{ "initiatedBy", "absent" },
		{ "contactIds", "[\"CTtest01\"]" },
		{ "deepLink",
		    "\"https://my.quo.com/inbox/PNtest01/c/"
		    "CNtest01?at=ACv4call01\"" },
		{ "conversationId", "\"CNtest01\"" },
		{ "recordings/CRv4rec01/duration", "74" },
		{ "recordings/CRv4rec01/type", "\"audio/mpeg\"" },
		{ "recordings/CRv4rec01/startTime",
		    "\"2026-03-16T09:15:10.000Z\"" },
		{ "recordings/CRv4rec01/index", "absent" },
		{ "transcripts/call/duration", "73.5" },
		{ "summary/jobs", "absent" },
		{ NULL, NULL },
	};
	json_t *state = folded("v4", four);

	(void)unused;
	check_facts(state, facts);
	json_decref(state);
}

static void
a_dated_call(void **unused)
{
	static const char *const all[] = { "call.ringing", "call.menu.selected",
		"call.answered", "call.completed", "call.recording.completed",
		"call.transcript.completed", "call.summary.completed", NULL };
	static const struct fact facts[] = {
		{ "id", "\"ACdtcall01\"" },
		{ "ringing", "true" },
		{ "status", "\"answered\"" },
		{ "duration", "74" },
		{ "hasVoicemail", "false" },
		{ "answeredBy", "\"UStest01\"" },
		{ "aiHandled", "absent" },
		{ "external", "[\"+15550001111\"]" },
		{ "workspace", "[\"+15550002222\"]" },
		{ "contactLookup", "\"matched\"" },
		{ "phoneNumberType", "\"shared\"" },
		{ "menu",
		    "{\"name\":\"Orders\",\"reason\":\"phone-menu-dial\","
		    "\"selection\":\"1\"}" },
		{ "recordings/CRdtrec01/status", "absent" },
		{ "summary/jobs", "absent" },
		{ NULL, NULL },
	};
	json_t *state = folded("2026-03-30", all);

	(void)unused;
	check_facts(state, facts);
	json_decref(state);
}

static void
a_missed_dated_call_with_voicemail(void **unused)
{
	static const char *const all[] = { "call.missed",
		"call.completed-missed-voicemail", "call.voicemail.completed",
		NULL };
	static const struct fact facts[] = {
		{ "id", "\"ACdtcall02\"" },
		{ "missed", "true" },
		{ "createdAt", "\"2026-04-13T11:02:05.545Z\"" },
		{ "duration", "absent" },
		{ "hasVoicemail", "true" },
		{ "voicemail/id", "\"VMdtvm02\"" },
		{ "voicemail/duration", "12" },
		{ "voicemail/status", "\"completed\"" },
		{ "voicemail/from", "\"+15550001111\"" },
		{ "voicemailKnown", "true" },
		{ NULL, NULL },
	};
	json_t *state = folded("2026-03-30", all);

	(void)unused;
	check_facts(state, facts);
	json_decref(state);
}

static void
a_voicemail_without_a_call_stands_for_it(void **unused)
{
	static const char *const one[] = { "call.voicemail.completed-no-call",
		NULL };
	static const struct fact facts[] = {
		{ "id", "\"ACdtcall03\"" },
		{ "createdAt", "\"2026-04-13T13:44:01.000Z\"" },
		{ "direction", "\"incoming\"" },
		{ "external", "[\"+15550004444\"]" },
		{ "voicemail/transcript", "absent" },
		{ NULL, NULL },
	};
	json_t *state = folded("2026-03-30", one);

	(void)unused;
	check_facts(state, facts);
	json_decref(state);
}

static void
an_agents_call(void **unused)
{
	static const char *const both[] = { "call.completed-ai",
		"call.summary.completed-ai", NULL };
	json_t *state = folded("2026-03-30", both);

	(void)unused;
	check_fact(state, "aiHandled", "\"ai-agent\"");
	check_fact(state, "answeredBy", "\"SYUtest01\"");
	check_fact(state, "summary/nextSteps", "absent");
	check_fact(state, "summary/jobs",
	    "[{\"icon\":\"✍️\",\"name\":\"Message "
	    "taking\",\"result\":{\"data\":"
	    "[{\"name\":\"First and last name\",\"value\":\"Bob Miller\"},"
	    "{\"name\":\"Number of bags\",\"value\":250},"
	    "{\"name\":\"Urgent\",\"value\":false}]}}]");
	json_decref(state);
}

static void
check_message(const char *folder, const char *name, const struct fact *facts)
{
	const char *const names[] = { name, NULL };
	json_t *state = folded(folder, names);

	check_facts(state, facts);
	json_decref(state);
}

static void
group_recipients_in_all_shapes(void **unused)
{
	static const struct fact facts[] = {
		{ "from", "\"+15550003333\"" },
		{ "to",
		    "[\"+15550002222\",\"+15550001111\",\"+15550004444\"]" },
		{ NULL, NULL },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(generations); i++)
		check_message(
		    generations[i].folder, "message.received-group", facts);
}

static void
text_and_media_in_all_shapes(void **unused)
{
	static const struct fact v3[] = {
		{ "text", "absent" },
		{ "media",
		    "[{\"type\":\"image/jpeg\",\"url\":\"{{MEDIA}}/gen/32000/"
		    "v3-front.jpg\"},{\"type\":\"image/png\",\"url\":"
		    "\"{{MEDIA}}/gen/24000/v3-back.png\"}]" },
		{ "mediaKnown", "true" },
		{ NULL, NULL },
	};
	static const struct fact v4[] = {
		{ "media", "absent" },
		{ "mediaKnown", "absent" },
		{ NULL, NULL },
	};
	static const struct fact dated[] = {
		{ "media",
		    "[{\"type\":\"image/jpeg\",\"url\":\"{{MEDIA}}/gen/32000/"
		    "dt-front.jpg\"},{\"url\":\"{{MEDIA}}/gen/24000/"
		    "dt-back.png\"}]" },
		{ NULL, NULL },
	};
	static const struct fact body[] = {
		{ "text", "\"Sure, they will be ready with the posters. 👍\"" },
		{ "to", "[\"+15550001111\"]" },
		{ "media", "absent" },
		{ "mediaKnown", "true" },
		{ NULL, NULL },
	};
	static const struct fact failed[] = {
		{ "status", "\"failed\"" },
		{ "errorCode", "\"30006\"" },
		{ "mediaKnown", "absent" },
		{ NULL, NULL },
	};

	(void)unused;
	check_message("v3", "message.received-mms", v3);
	check_message("v4", "message.received-mms", v4);
	check_message("2026-03-30", "message.received-mms", dated);
	check_message("v2", "message.delivered", body);
	check_message("2026-03-30", "message.failed", failed);
}

static void
contacts_in_all_shapes(void **unused)
{
	static const struct fact app[] = {
		{ "id", "\"CTtest01\"" },
		{ "firstName", "\"Jane\"" },
		{ "phoneNumbers", "[\"+15550001111\"]" },
		{ "emails", "[\"jane@example.com\",\"jane.doe@example.org\"]" },
		{ "deleted", "false" },
		{ NULL, NULL },
	};
	static const struct fact list[] = {
		{ "lastName", "absent" },
		{ "company", "\"Corner Café\"" },
		{ "role", "\"Owner\"" },
		{ "phoneNumbers", "[\"+15550003333\"]" },
		{ "emails", "[\"bob@example.com\"]" },
		{ NULL, NULL },
	};
	static const struct fact gone[] = {
		{ "deleted", "true" },
		{ "phoneNumbers", "absent" },
		{ NULL, NULL },
	};
	static const struct fact dated[] = {
		{ "company", "\"Acme\"" },
		{ "phoneNumbers", "[\"+15550001111\"]" },
		{ "emails", "[\"jane@example.com\"]" },
		{ NULL, NULL },
	};

	(void)unused;
	check_message("v3", "contact.updated", app);
	check_message("v3", "contact.updated-fields-array", list);
	check_message("v3", "contact.deleted", gone);
	check_message("2026-03-30", "contact.updated", dated);
}

static void
fold_anything(
    const struct generation *generation, const char *name, json_t *envelope)
{
	json_t *state = fold_new();
	bool folds = strncmp(name, "call.", 5) == 0 ||
	    strncmp(name, "message.", 8) == 0 ||
	    strncmp(name, "contact.", 8) == 0;

	(void)generation;
	fold(state, envelope);
	assert_int_equal(
	    json_object_size(json_object_get(state, "facts")) > 0, folds);
	json_decref(state);
}

static void
tasks_and_integrations_have_no_state(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(generations); i++)
		each_delivery(
		    generations[i].folder, fold_anything, &generations[i]);
}

/* ---- order and repetition ----------------------------------------------- */

#define STEPS_MAX 64

/* Something that can be folded into a state: an event, or REST data. */
struct step {
	json_t *data;
	int (*rest)(json_t *, const json_t *, struct err *); /* NULL: event */
};

struct story {
	struct step steps[STEPS_MAX];
	size_t n;
};

static void
add_event(struct story *story, json_t *envelope)
{
	assert_true(story->n < STEPS_MAX);
	story->steps[story->n++] = (struct step){ .data = envelope };
}

static void
add_rest(struct story *story,
    int (*rest)(json_t *, const json_t *, struct err *), const char *json)
{
	assert_true(story->n < STEPS_MAX);
	story->steps[story->n++] = (struct step){ parse(json), rest };
}

static void
story_free(struct story *story)
{
	for (size_t i = 0; i < story->n; i++)
		json_decref(story->steps[i].data);
}

static void
take(json_t *state, const struct step *step)
{
	struct err err = ERR_INIT;

	if (step->rest == NULL)
		fold(state, step->data);
	else
		assert_int_equal(step->rest(state, step->data, &err), 0);
}

static char *
told(const struct story *story, const size_t *order, size_t n)
{
	json_t *state = fold_new();
	char *text;

	for (size_t i = 0; i < n; i++)
		take(state, &story->steps[order[i]]);
	text = json_dumps(state, FOLD_DUMP_FLAGS);
	assert_non_null(text);
	json_decref(state);
	return text;
}

/* xorshift64*, with a fixed seed: failures come back. */
static size_t
random_below(uint64_t *seed, size_t n)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (size_t)((*seed * UINT64_C(2685821657736338717) >> 33) % n);
}

/* The steps in every order that 500 shuffles hit, each perhaps repeated. */
static void
shuffle_and_compare(const struct story *story)
{
	size_t order[2 * STEPS_MAX], n;
	uint64_t seed = 20260413;
	char *expected, *text;

	for (size_t i = 0; i < story->n; i++)
		order[i] = i;
	expected = told(story, order, story->n);
	for (int round = 0; round < 500; round++) {
		for (n = 0; n < story->n; n++)
			order[n] = n;
		for (size_t more = random_below(&seed, story->n); more > 0;
		     more--)
			order[n++] = random_below(&seed, story->n);
		for (size_t i = n - 1; i > 0; i--) {
			size_t j = random_below(&seed, i + 1), t = order[i];

			order[i] = order[j];
			order[j] = t;
		}
		text = told(story, order, n);
		assert_string_equal(text, expected);
		free(text);
	}
	free(expected);
}

static void
next_permutation(size_t order[4])
{
	size_t i = 3, j = 3, t;

	while (i > 0 && order[i - 1] > order[i])
		i--;
	if (i == 0)
		return;
	while (order[j] < order[i - 1])
		j--;
	t = order[i - 1], order[i - 1] = order[j], order[j] = t;
	for (j = 3; i < j; i++, j--)
		t = order[i], order[i] = order[j], order[j] = t;
}

static void
all_24_orders_of_a_calls_four_events(void **unused)
{
	(void)unused;
	for (size_t g = 0; g < COUNT(generations); g++) {
		size_t order[8] = { 0, 1, 2, 3 };
		struct story story = { .n = 0 };
		char *expected = NULL, *text;

		for (size_t i = 0; i < 4; i++)
			add_event(
			    &story, delivery(generations[g].folder, four[i]));
		for (int i = 0; i < 24; i++, next_permutation(order)) {
			/* once, and then each event once more */
			memcpy(order + 4, order, 4 * sizeof(*order));
			for (size_t n = 4; n <= 8; n++) {
				text = told(&story, order, n);
				if (expected == NULL)
					expected = strdup(text);
				assert_string_equal(text, expected);
				free(text);
			}
		}
		assert_int_equal(order[0], 3);
		free(expected);
		story_free(&story);
	}
}

/* All events of calls of one generation as if they were of one call. */
static void
any_order_within_a_generation(void **unused)
{
	static const char *const dated[] = { "call.ringing",
		"call.menu.selected", "call.answered", "call.completed",
		"call.recording.completed", "call.transcript.completed",
		"call.summary.completed", "call.missed",
		"call.completed-missed-voicemail", "call.voicemail.completed",
		"call.forwarded", "call.completed-forwarded",
		"call.completed-ai", "call.summary.completed-ai",
		"call.recording.completed-group",
		"call.transcript.completed-absent" };
	struct story story = { .n = 0 };

	(void)unused;
	for (size_t i = 0; i < COUNT(dated); i++) {
		json_t *envelope = delivery("2026-03-30", dated[i]);
		json_t *resource = json_object_get(
		    json_object_get(envelope, "data"), "resource");
		const char *name = json_object_get(resource, "callId") != NULL
		    ? "callId"
		    : "id";

		json_object_set_new(resource, name, json_string("ACone"));
		add_event(&story, envelope);
	}
	shuffle_and_compare(&story);
	story_free(&story);
}

/* The same call told by the app, by v4, by dated events and over REST. */
static json_t *
same_call(const char *folder, const char *name)
{
	json_t *envelope = delivery(folder, name);
	json_t *data = json_object_get(envelope, "data");
	json_t *object = json_object_get(data, "object");

	if (object == NULL)
		object = json_object_get(data, "resource");
	json_object_set_new(object,
	    json_object_get(object, "callId") != NULL ? "callId" : "id",
	    json_string("ACsame"));
	return envelope;
}

static void
any_order_across_generations_and_rest(void **unused)
{
	struct story story = { .n = 0 };

	(void)unused;
	for (size_t g = 0; g < COUNT(generations); g++)
		for (size_t i = 0; i < 4; i++)
			add_event(
			    &story, same_call(generations[g].folder, four[i]));
	add_rest(&story, fold_rest_call,
	    "{\"id\":\"ACsame\",\"phoneNumberId\":\"PNtest01\",\"actorId\":"
	    "\"UStest02\",\"direction\":\"incoming\",\"status\":\"completed\","
	    "\"participants\":[{\"phoneNumber\":\"+15550002222\",\"actorId\":"
	    "\"UStest02\"},{\"phoneNumber\":\"+15550001111\",\"actorId\":null}"
	    "],\"answeredAt\":\"2026-04-13T09:15:10Z\",\"completedAt\":"
	    "\"2026-04-13T09:16:24Z\",\"createdAt\":\"2026-04-13T09:15:02Z\","
	    "\"updatedAt\":\"2026-04-13T09:16:24Z\",\"duration\":74,"
	    "\"summary\":{\"status\":\"in-progress\",\"type\":null,"
	    "\"summary\":null,\"nextSteps\":null,\"jobs\":null}}");
	add_rest(&story, fold_rest_recordings,
	    "[{\"id\":\"CRdtrec01\",\"status\":\"completed\",\"startTime\":"
	    "\"2026-04-13T09:15:10Z\",\"duration\":74,\"type\":\"audio/mpeg\","
	    "\"url\":\"https://media.example.com/other.mp3\"}]");
	add_rest(&story, fold_rest_transcripts,
	    "[{\"recordingId\":\"CRdtrec01\",\"status\":\"completed\","
	    "\"startTime\":\"2026-04-13T09:15:10Z\",\"createdAt\":"
	    "\"2026-04-13T09:16:49Z\",\"duration\":74,\"dialogue\":[{"
	    "\"content\":\"Hi\",\"start\":0.1,\"end\":1,\"identifier\":null,"
	    "\"actorId\":\"UStest02\"}]}]");
	add_rest(&story, fold_rest_summary,
	    "{\"callId\":\"ACsame\",\"status\":\"completed\",\"summary\":["
	    "\"Another wording.\"],\"nextSteps\":[],\"jobs\":null}");
	shuffle_and_compare(&story);
	story_free(&story);
}

static void
any_order_of_a_messages_life(void **unused)
{
	static const char *const statuses[] = { "queued", "sent", "delivered",
		"undelivered" };
	struct story story = { .n = 0 };

	(void)unused;
	for (size_t i = 0; i < COUNT(statuses); i++) {
		json_t *envelope = delivery("2026-03-30", "message.delivered");

		json_object_set_new(
		    json_object_get(
			json_object_get(envelope, "data"), "resource"),
		    "status", json_string(statuses[i]));
		add_event(&story, envelope);
	}
	add_rest(&story, fold_rest_message,
	    "{\"id\":\"ACdtmsg02\",\"to\":[\"+15550001111\"],\"from\":"
	    "\"+15550002222\",\"text\":\"We are, from ten to four.\","
	    "\"status\":\"sent\",\"direction\":\"outgoing\",\"createdAt\":"
	    "\"2026-04-13T10:24:01Z\",\"updatedAt\":\"2026-04-14T00:00:00Z\","
	    "\"media\":[]}");
	shuffle_and_compare(&story);
	story_free(&story);
}

/* ---- what wins ---------------------------------------------------------- */

static json_t *
rest_call_state(const char *const *calls)
{
	json_t *state = fold_new();
	struct err err = ERR_INIT;

	for (; *calls != NULL; calls++) {
		json_t *call = parse(*calls);

		assert_int_equal(fold_rest_call(state, call, &err), 0);
		json_decref(call);
	}
	return state;
}

#define CALL(status, updated, more)                                          \
	"{\"id\":\"AC1\",\"status\":\"" status "\",\"updatedAt\":\"" updated \
	"\"" more "}"

static void
newer_wins_and_nothing_never_does(void **unused)
{
	static const char *const calls[] = {
		CALL("completed", "2026-01-02T00:00:00Z",
		    ",\"userId\":\"USnew\",\"duration\":5"),
		CALL("completed", "2026-01-01T00:00:00Z",
		    ",\"userId\":\"USold\",\"callRoute\":\"phone-menu\""),
		CALL("completed", "2026-01-03T00:00:00Z",
		    ",\"userId\":null,\"callRoute\":\"\",\"duration\":0,"
		    "\"participants\":[]"),
		NULL
	};
	json_t *state = rest_call_state(calls);

	(void)unused;
	check_fact(state, "userId", "\"USnew\"");
	check_fact(state, "callRoute", "\"phone-menu\"");
	check_fact(state, "duration", "0"); /* 0 is something */
	check_fact(state, "participants", "absent");
	json_decref(state);
}

static void
what_is_over_stays_over(void **unused)
{
	static const char *const calls[] = { CALL("missed",
						 "2026-01-01T00:00:00Z", ""),
		CALL("ringing", "2026-01-02T00:00:00Z", ""), NULL };
	json_t *state = rest_call_state(calls);

	(void)unused;
	check_fact(state, "status", "\"missed\"");
	json_decref(state);
}

static void
a_finished_part_stays_finished(void **unused)
{
	static const char *const statuses[] = { "completed", "in-progress",
		"absent", "failed" };
	json_t *state = fold_new();
	struct err err = ERR_INIT;

	(void)unused;
	for (size_t i = 0; i < COUNT(statuses); i++) {
		json_t *summary = json_pack("{s:s}", "status", statuses[i]);

		assert_int_equal(fold_rest_summary(state, summary, &err), 0);
		json_decref(summary);
	}
	check_fact(state, "summary/status", "\"completed\"");
	json_decref(state);
}

static void
equal_times_merge(void **unused)
{
	/* the same updatedAt, as completed and recording.completed have it */
	static const char *const names[] = { "call.recording.completed",
		"call.completed", NULL };
	json_t *state = folded("v4", names);

	(void)unused;
	check_fact(state, "recordings/CRv4rec01/id", "\"CRv4rec01\"");
	json_decref(state);
}

static void
of_equally_old_values_always_the_same_wins(void **unused)
{
	static const char *const calls[] = {
		CALL("busy", "2026-01-01T00:00:00Z", ",\"userId\":\"USa\""),
		CALL("missed", "2026-01-01T00:00:00Z", ",\"userId\":\"USb\""),
		CALL("failed", "2026-01-01T00:00:00Z", ",\"userId\":\"USc\"")
	};

	(void)unused;
	for (size_t i = 0; i < 3; i++) {
		const char *const order[] = { calls[i], calls[(i + 1) % 3],
			calls[(i + 2) % 3], NULL };
		json_t *state = rest_call_state(order);

		check_fact(state, "userId", "\"USc\"");
		check_fact(state, "status", "\"missed\"");
		json_decref(state);
	}
}

static json_t *
completed_by(const char *user, const char *created, const char *updated)
{
	return json_pack("{s:s, s:s, s:s, s:{s:{s:s, s:s, s:s}}}", "id", "EV1",
	    "type", "call.completed", "createdAt", created, "data", "object",
	    "id", "AC1", "userId", user, "updatedAt", updated);
}

static void
an_event_is_as_new_as_the_latest_of_its_moments(void **unused)
{
	json_t *newer = completed_by(
	    "USnew", "2026-01-01T00:00:01Z", "2026-01-01T00:00:09Z");
	json_t *older = completed_by(
	    "USold", "2026-01-01T00:00:05Z", "2026-01-01T00:00:02Z");
	json_t *state = fold_new();

	(void)unused;
	fold(state, newer);
	fold(state, older);
	check_fact(state, "userId", "\"USnew\"");
	check_fact(state, "updatedAt", "\"2026-01-01T00:00:09.000Z\"");
	json_decref(state);
	json_decref(older);
	json_decref(newer);
}

static void
undelivered_beats_delivered_whenever_it_came(void **unused)
{
	static const char *const updated[] = { "2026-01-02T00:00:00Z",
		"2026-01-03T00:00:00Z", "2026-01-01T00:00:00Z" };
	static const char *const statuses[] = { "delivered", "sent",
		"undelivered" };
	json_t *state = fold_new();
	struct err err = ERR_INIT;

	(void)unused;
	for (size_t i = 0; i < COUNT(statuses); i++) {
		json_t *message = json_pack("{s:s, s:s, s:s}", "id", "AC1",
		    "status", statuses[i], "updatedAt", updated[i]);

		assert_int_equal(fold_rest_message(state, message, &err), 0);
		json_decref(message);
	}
	check_fact(state, "status", "\"undelivered\"");
	json_decref(state);
}

/* ---- REST --------------------------------------------------------------- */

static void
both_apis_calls(void **unused)
{
	static const char *const v1[] = {
		"{\"id\":\"AC1\",\"userId\":\"SYUtest01\",\"participants\":["
		"\"+15550001111\",\"+15550002222\"],\"aiHandled\":\"ai-agent\","
		"\"callRoute\":\"phone-number\",\"createdAt\":"
		"\"2026-01-01T00:00:00Z\"}",
		NULL
	};
	static const char *const dated[] = {
		"{\"id\":\"AC1\",\"actorId\":\"UStest01\",\"participants\":[{"
		"\"phoneNumber\":\"+15550002222\",\"actorId\":\"UStest01\"},{"
		"\"phoneNumber\":\"+15550001111\",\"actorId\":null},{"
		"\"phoneNumber\":\"+15550003333\",\"actorId\":null}],"
		"\"summary\":{\"status\":\"completed\",\"type\":\"human\","
		"\"summary\":[\"Yes.\"],\"title\":null},\"voicemail\":{\"id\":"
		"\"VM1\",\"status\":\"completed\",\"duration\":18,"
		"\"recordingUrl\":\"https://media.example.com/vm.mp3\","
		"\"transcript\":null}}",
		NULL
	};
	json_t *state = rest_call_state(v1);

	(void)unused;
	check_fact(
	    state, "participants", "[\"+15550001111\",\"+15550002222\"]");
	check_fact(state, "aiHandled", "\"ai-agent\"");
	check_fact(state, "userId", "\"SYUtest01\"");
	json_decref(state);
	state = rest_call_state(dated);
	check_fact(state, "participants", "absent");
	check_fact(state, "workspace", "[\"+15550002222\"]");
	check_fact(state, "external", "[\"+15550001111\",\"+15550003333\"]");
	check_fact(state, "summary",
	    "{\"status\":\"completed\",\"summary\":[\"Yes.\"],\"type\":"
	    "\"human\"}");
	check_fact(state, "summaryKnown", "true");
	check_fact(state, "voicemail/id", "\"VM1\"");
	check_fact(
	    state, "voicemail/url", "\"https://media.example.com/vm.mp3\"");
	check_fact(state, "voicemailKnown", "true");
	json_decref(state);
}

struct settles {
	int (*rest)(json_t *, const json_t *, struct err *);
	const char *json; /* NULL: none */
	const char *known;
	const char *expected;
};

static void
answers_settle_what_they_say(void **unused)
{
	static const struct settles cases[] = {
		{ fold_rest_recordings, "[]", "recordingsKnown", "true" },
		{ fold_rest_recordings, NULL, "recordingsKnown", "true" },
		{ fold_rest_recordings,
		    "[{\"id\":\"CR1\",\"status\":\"completed\"},{\"id\":"
		    "\"CR2\",\"status\":\"processing\"}]",
		    "recordingsKnown", "absent" },
		{ fold_rest_recordings,
		    "[{\"id\":\"CR1\",\"status\":\"completed\"},{\"id\":"
		    "\"CR2\",\"status\":\"deleted\"}]",
		    "recordingsKnown", "true" },
		{ fold_rest_recordings, "[{\"id\":\"CR1\",\"status\":null}]",
		    "recordingsKnown", "absent" },
		{ fold_rest_summary, NULL, "summaryKnown", "true" },
		{ fold_rest_summary, "{\"status\":\"in-progress\"}",
		    "summaryKnown", "absent" },
		{ fold_rest_summary, "{\"status\":\"absent\"}", "summaryKnown",
		    "true" },
		{ fold_rest_voicemail, NULL, "voicemailKnown", "true" },
		{ fold_rest_voicemail,
		    "{\"id\":\"VM1\",\"status\":\"in-progress\","
		    "\"recordingUrl\""
		    ":null}",
		    "voicemailKnown", "absent" },
		{ fold_rest_transcripts, NULL, "transcriptKnown", "true" },
		{ fold_rest_transcripts,
		    "{\"callId\":\"AC1\",\"status\":\"in-progress\"}",
		    "transcriptKnown", "absent" },
		{ fold_rest_transcripts,
		    "[{\"recordingId\":\"CR1\",\"status\":\"completed\"},{"
		    "\"recordingId\":\"CR2\",\"status\":\"in-progress\"}]",
		    "transcriptKnown", "absent" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *state = fold_new();
		json_t *data =
		    cases[i].json == NULL ? NULL : parse(cases[i].json);
		struct err err = ERR_INIT;

		assert_int_equal(cases[i].rest(state, data, &err), 0);
		check_fact(state, cases[i].known, cases[i].expected);
		json_decref(data);
		json_decref(state);
	}
}

static void
both_apis_contacts(void **unused)
{
	static const char *const contacts[] = {
		"{\"id\":\"CT1\",\"defaultFields\":{\"firstName\":\"Jane\","
		"\"lastName\":null,\"company\":\"Acme\",\"emails\":[{\"name\":"
		"\"work\",\"value\":\"jane@example.com\"}],\"phoneNumbers\":[{"
		"\"name\":\"mobile\",\"value\":\"+15550001111\"},{\"name\":"
		"\"old\",\"value\":null}]}}",
		"{\"id\":\"CT1\",\"firstName\":\"Jane\",\"company\":\"Acme\","
		"\"emails\":[{\"id\":\"f2\",\"value\":\"jane@example.com\"}],"
		"\"phoneNumbers\":[{\"id\":\"f1\",\"value\":"
		"\"+15550001111\"}]}",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(contacts); i++) {
		json_t *state = fold_new(), *contact = parse(contacts[i]);
		struct err err = ERR_INIT;

		assert_int_equal(fold_rest_contact(state, contact, &err), 0);
		check_fact(state, "firstName", "\"Jane\"");
		check_fact(state, "company", "\"Acme\"");
		check_fact(state, "phoneNumbers", "[\"+15550001111\"]");
		check_fact(state, "emails", "[\"jane@example.com\"]");
		json_decref(contact);
		json_decref(state);
	}
}

static void
without_media_rest_says_that_there_are_none(void **unused)
{
	json_t *state = fold_new(), *message = parse("{\"id\":\"AC1\"}");
	struct err err = ERR_INIT;

	(void)unused;
	assert_int_equal(fold_rest_message(state, message, &err), 0);
	check_fact(state, "mediaKnown", "true");
	json_decref(message);
	json_decref(state);
}

/* ---- robustness --------------------------------------------------------- */

static void
strange_values_are_passed_over(void **unused)
{
	static const char *const calls[] = {
		"{\"id\":\"AC1\",\"status\":{\"a\":1},\"createdAt\":\"soon\","
		"\"duration\":\"long\",\"participants\":\"+15550001111, "
		"+15550002222,\",\"userId\":12,\"hasVoicemail\":\"no\","
		"\"voicemail\":7,\"summary\":[],\"direction\":[]}",
		NULL
	};
	json_t *state = rest_call_state(calls);

	(void)unused;
	check_fact(state, "status", "absent");
	check_fact(state, "createdAt", "absent");
	check_fact(state, "duration", "absent");
	check_fact(
	    state, "participants", "[\"+15550001111\",\"+15550002222\"]");
	check_fact(state, "userId", "\"12\"");
	check_fact(state, "hasVoicemail", "absent");
	check_fact(state, "voicemail", "absent");
	check_fact(state, "direction", "absent");
	json_decref(state);
}

static void
odd_recording_ids_are_replaced(void **unused)
{
	json_t *state = fold_new();
	json_t *list =
	    parse("[{\"id\":\"a/b\",\"url\":\"https://x.example/1\"},"
		  "{\"id\":null,\"url\":null},7]");
	struct err err = ERR_INIT;

	(void)unused;
	assert_int_equal(fold_rest_recordings(state, list, &err), 0);
	assert_int_equal(json_object_size(json_object_get(
			     json_object_get(state, "facts"), "recordings")),
	    1);
	json_decref(list);
	json_decref(state);
}

static void
a_voicemail_may_be_an_array(void **unused)
{
	json_t *state = fold_new();
	json_t *envelope = delivery("v2", "call.completed-missed-voicemail");
	json_t *object =
	    json_object_get(json_object_get(envelope, "data"), "object");

	(void)unused;
	json_object_set_new(object, "voicemail",
	    json_pack("[O]", json_object_get(object, "voicemail")));
	fold(state, envelope);
	check_fact(state, "voicemail/duration", "12");
	json_decref(envelope);
	json_decref(state);
}

static void
numbers_survive_jsonb(void **unused)
{
	json_t *state = fold_new();
	json_t *transcript =
	    parse("{\"status\":\"completed\",\"duration\":1e3,\"dialogue\":[{"
		  "\"content\":\"a\",\"start\":0.42,\"end\":1.1000000000001},{"
		  "\"content\":\"b\",\"start\":1e300,\"end\":2.0},{"
		  "\"content\":\"\"}]}");
	struct err err = ERR_INIT;

	(void)unused;
	assert_int_equal(fold_rest_transcripts(state, transcript, &err), 0);
	check_fact(state, "transcripts/call/duration", "1000");
	check_fact(state, "transcripts/call/dialogue",
	    "[{\"content\":\"a\",\"end\":1.1,\"start\":0.42},"
	    "{\"content\":\"b\",\"end\":2}]");
	json_decref(transcript);
	json_decref(state);
}

/* The same lines, from a payload's values or from its text, are one fact. */
static void
many_lines_are_the_same_fact_however_they_come(void **unused)
{
	json_t *states[2] = { fold_new(), fold_new() };
	json_t *plain = json_array(), *packed, *transcript;
	struct lines_writer writer;
	struct err err = ERR_INIT;

	(void)unused;
	lines_new(&writer);
	for (int i = 0; i < 1234; i++) {
		json_t *line = json_pack("{s:s, s:f, s:n, s:s}", "content",
		    i % 7 == 0 ? "" : "well", "start", (double)i, "userId",
		    "actorId", "UStest01");

		json_array_append(plain, line);
		lines_add(&writer, line);
	}
	packed = lines_end(&writer);
	for (size_t i = 0; i < 2; i++) {
		transcript = json_pack("{s:s, s:O}", "status", "completed",
		    "dialogue", i == 0 ? plain : packed);
		assert_int_equal(
		    fold_rest_transcripts(states[i], transcript, &err), 0);
		json_decref(transcript);
	}
	assert_true(fold_equal(states[0], states[1]));
	transcript = json_object_get(
	    json_object_get(json_object_get(json_object_get(states[0], "facts"),
				"transcripts"),
		"call"),
	    "dialogue");
	assert_int_equal(lines_count(transcript), 1234 - 177);
	json_decref(plain);
	json_decref(packed);
	json_decref(states[0]);
	json_decref(states[1]);
}

static void
a_stored_state_goes_on(void **unused)
{
	static const char *const first[] = { "call.completed",
		"call.transcript.completed", NULL };
	static const char *const rest[] = { "call.summary.completed",
		"call.recording.completed", NULL };
	json_t *state = folded("v4", first), *whole = folded("v4", four);
	char *text = json_dumps(state, FOLD_DUMP_FLAGS);

	(void)unused;
	json_decref(state);
	state = parse(text);
	free(text);
	for (size_t i = 0; rest[i] != NULL; i++) {
		json_t *envelope = delivery("v4", rest[i]);

		fold(state, envelope);
		json_decref(envelope);
	}
	assert_true(fold_equal(state, whole));
	json_decref(whole);
	json_decref(state);
}

/* Seen one after the other: what was seen last is right, in any order. */
static void
what_is_deleted_may_come_back(void **unused)
{
	static const char *const updated[] = { "contact.updated", NULL };
	static const char *const both[] = { "contact.deleted",
		"contact.updated", NULL };
	json_t *call = folded("v4", four), *same = json_deep_copy(call);
	json_t *contact = folded("v3", updated), *gone = folded("v3", both);
	struct err err = ERR_INIT;

	(void)unused;
	assert_int_equal(fold_deleted(call, "call", false, 1, &err), 0);
	assert_true(fold_equal(call, same));
	assert_int_equal(fold_deleted(call, "call", true, 2, &err), 0);
	check_fact(call, "deleted", "true");
	assert_true(fold_is_deleted(json_object_get(call, "facts")));
	assert_int_equal(fold_deleted(call, "call", false, 1, &err), 0);
	check_fact(call, "deleted", "true");
	assert_int_equal(fold_deleted(call, "call", false, 3000, &err), 0);
	check_fact(call, "deleted", "false");

	check_fact(contact, "deleted", "false");
	check_fact(gone, "deleted", "true");
	json_decref(gone);
	json_decref(contact);
	json_decref(same);
	json_decref(call);
}

/* Folded again after a fault was mended: the events are right now; what only
 * the API told stays, and so does what it told later. */
static void
folded_again_nothing_is_lost(void **unused)
{
	json_t *state = folded("2026-03-30", four);
	json_t *before = json_deep_copy(state), *right = json_deep_copy(state);
	json_t *facts = json_object_get(before, "facts");
	json_t *times = json_object_get(before, "times");
	struct err err = ERR_INIT;

	(void)unused;
	json_object_set_new(facts, "duration", json_integer(1));
	json_object_del(facts, "summary");
	assert_int_equal(fold_keep(state, before, "call", &err), 0);
	assert_true(fold_equal(state, right));

	json_object_set_new(facts, "userId", json_string("USlater"));
	json_object_set_new(
	    times, "userId", json_string("2999-01-01T00:00:00.000Z"));
	json_object_set_new(facts, "status", json_string("ringing"));
	json_object_set_new(
	    times, "status", json_string("2999-01-01T00:00:00.000Z"));
	json_object_set_new(
	    facts, "voicemail", json_pack("{s:s}", "transcript", "call me"));
	json_object_set_new(times, "voicemail/transcript",
	    json_string("2026-01-01T00:00:00.000Z"));
	assert_int_equal(fold_keep(state, before, "call", &err), 0);
	check_facts(state,
	    (const struct fact[]){ { "userId", "\"USlater\"" },
		{ "status", "\"answered\"" },
		{ "voicemail/transcript", "\"call me\"" }, { NULL, NULL } });
	json_decref(right);
	json_decref(before);
	json_decref(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_of_the_app),
		cmocka_unit_test(moments_of_v3_are_normalised),
		cmocka_unit_test(a_call_of_v4),
		cmocka_unit_test(a_dated_call),
		cmocka_unit_test(a_missed_dated_call_with_voicemail),
		cmocka_unit_test(a_voicemail_without_a_call_stands_for_it),
		cmocka_unit_test(an_agents_call),
		cmocka_unit_test(group_recipients_in_all_shapes),
		cmocka_unit_test(text_and_media_in_all_shapes),
		cmocka_unit_test(contacts_in_all_shapes),
		cmocka_unit_test(tasks_and_integrations_have_no_state),
		cmocka_unit_test(all_24_orders_of_a_calls_four_events),
		cmocka_unit_test(any_order_within_a_generation),
		cmocka_unit_test(any_order_across_generations_and_rest),
		cmocka_unit_test(any_order_of_a_messages_life),
		cmocka_unit_test(newer_wins_and_nothing_never_does),
		cmocka_unit_test(what_is_over_stays_over),
		cmocka_unit_test(a_finished_part_stays_finished),
		cmocka_unit_test(equal_times_merge),
		cmocka_unit_test(of_equally_old_values_always_the_same_wins),
		cmocka_unit_test(
		    an_event_is_as_new_as_the_latest_of_its_moments),
		cmocka_unit_test(undelivered_beats_delivered_whenever_it_came),
		cmocka_unit_test(folded_again_nothing_is_lost),
		cmocka_unit_test(what_is_deleted_may_come_back),
		cmocka_unit_test(both_apis_calls),
		cmocka_unit_test(answers_settle_what_they_say),
		cmocka_unit_test(both_apis_contacts),
		cmocka_unit_test(without_media_rest_says_that_there_are_none),
		cmocka_unit_test(strange_values_are_passed_over),
		cmocka_unit_test(odd_recording_ids_are_replaced),
		cmocka_unit_test(a_voicemail_may_be_an_array),
		cmocka_unit_test(numbers_survive_jsonb),
		cmocka_unit_test(
		    many_lines_are_the_same_fact_however_they_come),
		cmocka_unit_test(a_stored_state_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "deliveries.h"

#include "base/rfc3339.h"
#include "model/event.h"

static void
check_delivery(
    const struct generation *generation, const char *name, json_t *envelope)
{
	struct event event;
	int64_t created;
	size_t n = strcspn(name, "-");

	event_identify(envelope, &event);
	print_message("%s/%s\n", generation->folder, name);
	assert_null(event.note);
	assert_int_equal(event.generation, generation->number);
	assert_int_equal(strlen(event.type), n);
	assert_memory_equal(event.type, name, n);
	n = strcspn(name, ".");
	assert_int_equal(strlen(event.kind), n);
	assert_memory_equal(event.kind, name, n);
	assert_non_null(event.id);
	assert_non_null(event.resource_id);
	assert_int_equal(rfc3339_parse(json_string_value(json_object_get(
					   envelope, "createdAt")),
			     &created),
	    0);
	assert_int_equal(event.occurred_at, created);
}

static void
every_documented_event_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(generations); i++)
		assert_in_range(each_delivery(generations[i].folder,
				    check_delivery, &generations[i]),
		    13, 1000);
}

/* The list of the fact sheet, so that a row can't get lost from the table. */
static void
every_type_has_its_kind(void **state)
{
	static const char *const types[] = { "call.ringing", "call.answered",
		"call.completed", "call.missed", "call.forwarded",
		"call.menu.selected", "call.recording.completed",
		"call.summary.completed", "call.transcript.completed",
		"call.voicemail.completed", "message.received",
		"message.delivered", "message.failed", "message.undelivered",
		"contact.updated", "contact.deleted", "task.created",
		"task.updated", "task.deleted", "task.completed",
		"task.reopened", "task.assigned", "task.unassigned",
		"task.overdue", "task.linked", "task.unlinked",
		"task.duedate.updated", "task.duedate.removed",
		"task.due_date_changed", "task.due_date_removed",
		"integration.created", "integration.updated",
		"integration.deleted" };

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		json_t *envelope =
		    json_pack("{s:s, s:s, s:s, s:{s:{s:s, s:s}}}", "id", "EV1",
			"type", types[i], "createdAt", "2026-04-13T12:00:00Z",
			"data", "resource", "id", "X1", "callId", "X1");
		struct event event;

		event_identify(envelope, &event);
		assert_null(event.note);
		assert_string_equal(event.type, types[i]);
		assert_memory_equal(
		    event.kind, types[i], strcspn(types[i], "."));
		json_decref(envelope);
	}
}

struct expected {
	const char *json;
	int generation;
	const char *type, *kind, *resource_id, *note;
};

static void
check_event(const struct expected *expected)
{
	json_error_t error;
	json_t *envelope = json_loads(expected->json, 0, &error);
	struct event event;

	print_message("%s\n", expected->json);
	assert_non_null(envelope);
	event_identify(envelope, &event);
	assert_int_equal(event.generation, expected->generation);
	assert_string_equal(event.type, expected->type);
	assert_string_equal(event.kind, expected->kind);
	if (expected->resource_id == NULL)
		assert_null(event.resource_id);
	else
		assert_string_equal(event.resource_id, expected->resource_id);
	if (expected->note == NULL)
		assert_null(event.note);
	else
		assert_string_equal(event.note, expected->note);
	json_decref(envelope);
}

#define AT "\"id\":\"EV1\",\"createdAt\":\"2026-04-13T12:00:00Z\","

static void
both_spellings_of_summary_and_transcript(void **state)
{
	static const struct expected cases[] = {
		{ "{" AT "\"type\":\"callSummary\",\"apiVersion\":\"v4\","
		  "\"data\":{\"object\":{\"callId\":\"AC1\"}}}",
		    2, "call.summary.completed", "call", "AC1", NULL },
		{ "{" AT "\"type\":\"callTranscript\",\"apiVersion\":\"v3\","
		  "\"data\":{\"object\":{\"callId\":\"AC1\"}}}",
		    1, "call.transcript.completed", "call", "AC1", NULL },
		/* their own id, if they had one, is not the call's */
		{ "{" AT "\"type\":\"call.summary.completed\",\"data\":{"
		  "\"resource\":{\"id\":\"CS1\"}}}",
		    3, "call.summary.completed", "call", NULL,
		    "no resource id" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		check_event(&cases[i]);
}

static void
a_voicemail_belongs_to_its_call(void **state)
{
	static const struct expected cases[] = {
		{ "{" AT "\"type\":\"call.voicemail.completed\",\"data\":{"
		  "\"resource\":{\"id\":\"AC9\",\"callId\":\"AC1\"}}}",
		    3, "call.voicemail.completed", "call", "AC1", NULL },
		{ "{" AT "\"type\":\"call.voicemail.completed\",\"data\":{"
		  "\"resource\":{\"id\":\"AC9\",\"callId\":null}}}",
		    3, "call.voicemail.completed", "call", "AC9", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		check_event(&cases[i]);
}

static void
what_is_not_understood_is_noted(void **state)
{
	static const struct expected cases[] = {
		{ "{}", 0, "", "other", NULL,
		    "no data.object or data.resource" },
		{ "{" AT "\"data\":{\"object\":{\"id\":\"AC1\"}}}", 2, "",
		    "other", "AC1", "no type" },
		{ "{" AT "\"type\":7,\"data\":{\"object\":{\"id\":\"AC1\"}}}",
		    2, "", "other", "AC1", "no type" },
		{ "{" AT "\"type\":\"call.sung\",\"data\":{\"resource\":{"
		  "\"id\":\"AC1\"}}}",
		    3, "call.sung", "other", "AC1", "unknown event type" },
		{ "{" AT "\"type\":\"call.completed\",\"data\":{"
		  "\"resource\":{}}}",
		    3, "call.completed", "call", NULL, "no resource id" },
		{ "{" AT "\"type\":\"call.completed\",\"data\":{"
		  "\"resource\":{\"id\":5}}}",
		    3, "call.completed", "call", NULL, "no resource id" },
		{ "{" AT "\"type\":\"call.completed\",\"data\":{"
		  "\"resource\":{\"id\":\"../../AC1\"}}}",
		    3, "call.completed", "call", NULL, "unusable resource id" },
		{ "{" AT "\"type\":\"call.completed\",\"data\":{"
		  "\"resource\":\"AC1\"}}",
		    0, "call.completed", "call", NULL,
		    "no data.object or data.resource" },
		{ "{\"type\":\"call.completed\",\"createdAt\":\"2026-04-13T12:"
		  "00:00Z\",\"data\":{\"resource\":{\"id\":\"AC1\"}}}",
		    3, "call.completed", "call", "AC1", "no event id" },
		{ "{\"id\":\"EV1\",\"type\":\"call.completed\",\"createdAt\":"
		  "\"today\",\"data\":{\"resource\":{\"id\":\"AC1\"}}}",
		    3, "call.completed", "call", "AC1", "no createdAt" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		check_event(&cases[i]);
}

static void
ids_have_a_ceiling(void **state)
{
	char id[EVENT_ID_MAX + 2];
	json_t *json;

	(void)state;
	memset(id, 'a', sizeof(id));
	json = json_stringn(id, EVENT_ID_MAX);
	assert_true(event_usable_id(json));
	json_decref(json);
	json = json_stringn(id, EVENT_ID_MAX + 1);
	assert_false(event_usable_id(json));
	json_decref(json);
	json = json_string("");
	assert_false(event_usable_id(json));
	json_decref(json);
	assert_false(event_usable_id(NULL));
}

static void
check_key(
    const struct event *event, const char *webhook_id, const char *expected)
{
	struct buf buf;

	buf_init(&buf, 1024);
	assert_int_equal(
	    event_delivery_key(event, webhook_id, "{}", 2, &buf), 0);
	assert_string_equal(buf_text(&buf), expected);
	buf_free(&buf);
}

static void
copies_of_a_delivery_have_one_key(void **state)
{
	struct event event = { .type = "call.completed",
		.kind = "call",
		.id = "EV1",
		.resource_id = "AC1" };

	(void)state;
	check_key(&event, "msg_1", "msg_1");
	check_key(&event, "", "EV1/call.completed/AC1");
	check_key(&event, NULL, "EV1/call.completed/AC1");
	check_key(&event, "msg \xff", "EV1/call.completed/AC1");
	event.resource_id = NULL;
	check_key(&event, NULL, "EV1/call.completed/");
	event.id = NULL;
	check_key(&event, NULL,
	    "sha256:44136fa355b3678a1146ad16f7e8649e"
	    "94fb4fc21fe77e8310c060f61caaff8a");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_documented_event_is_understood),
		cmocka_unit_test(every_type_has_its_kind),
		cmocka_unit_test(both_spellings_of_summary_and_transcript),
		cmocka_unit_test(a_voicemail_belongs_to_its_call),
		cmocka_unit_test(what_is_not_understood_is_noted),
		cmocka_unit_test(ids_have_a_ceiling),
		cmocka_unit_test(copies_of_a_delivery_have_one_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

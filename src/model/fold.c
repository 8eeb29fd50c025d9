#include "model/fold.h"

#include <stdio.h>
#include <string.h>

#include "ext/crypto.h"
#include "model/contact.h"
#include "model/field.h"
#include "model/lines.h"
#include "model/lww.h"

#define URL_KEY_BYTES 8 /* of the URL's hash */

static const struct lww_rank call_ranks[] = {
	{ "queued", 0 }, { "initiated", 0 }, { "ringing", 0 },
	{ "in-progress", 0 }, { "unknown", 0 }, { NULL, 1 }, /* over */
};

static const struct lww_rank message_ranks[] = {
	{ "sent", 1 }, { "received", 1 }, { "delivered", 2 }, { "read", 2 },
	{ "undelivered", 3 }, { "failed", 3 }, { "partially_delivered", 3 },
	{ "canceled", 3 }, { NULL, 0 }, /* on its way */
};

/* Of recordings, voicemail, summary and transcripts. */
static const struct lww_rank part_ranks[] = {
	{ "absent", 1 }, { "failed", 2 }, { "completed", 3 }, { "deleted", 3 },
	{ NULL, 0 }, /* not final */
};

/* A call as the object of generations 1 and 2, as the resource of generation
 * 3, and as both REST APIs have it: the names hardly differ, and what isn't
 * there is passed over. */
static const struct field call_fields[] = {
	{ "direction", "direction", FIELD_TEXT },
	{ "status", "status", FIELD_TEXT },
	{ "createdAt", "createdAt", FIELD_MOMENT },
	{ "updatedAt", "updatedAt", FIELD_MOMENT },
	{ "answeredAt", "answeredAt", FIELD_MOMENT },
	{ "completedAt", "completedAt", FIELD_MOMENT },
	{ "duration", "duration", FIELD_SECONDS },
	{ "answeredBy", "answeredBy", FIELD_TEXT },
	{ "answeredByUserId", "answeredBy", FIELD_TEXT },
	{ "initiatedBy", "initiatedBy", FIELD_TEXT },
	{ "userId", "userId", FIELD_TEXT },
	{ "actorId", "userId", FIELD_TEXT },
	{ "phoneNumberId", "phoneNumberId", FIELD_TEXT },
	{ "conversationId", "conversationId", FIELD_TEXT },
	{ "callRoute", "callRoute", FIELD_TEXT },
	{ "forwardedFrom", "forwardedFrom", FIELD_TEXT },
	{ "forwardedTo", "forwardedTo", FIELD_TEXT },
	{ "aiHandled", "aiHandled", FIELD_AGENT },
	{ "hasVoicemail", "hasVoicemail", FIELD_FLAG },
	{ "from", "from", FIELD_TEXT },
	{ "to", "to", FIELD_TEXT },
	{ "participants", "participants", FIELD_LIST },
	{ "contactIds", "contactIds", FIELD_LIST },
	{ "phoneMenuSelection", "menu/selection", FIELD_TEXT },
	{ "phoneMenuSelectionName", "menu/name", FIELD_TEXT },
	{ "statusReason", "menu/reason", FIELD_TEXT },
	{ NULL, NULL, 0 },
};

/* What the events of a summary or transcript tell of the call itself; their
 * status, duration and createdAt are those of the part. */
static const struct field call_fields_of_part[] = {
	{ "contactIds", "contactIds", FIELD_LIST },
	{ "fromPhoneNumber", "from", FIELD_TEXT },
	{ "handledByAiAgent", "aiHandled", FIELD_AGENT },
	{ "answeredByUserId", "answeredBy", FIELD_TEXT },
	{ NULL, NULL, 0 },
};

static const struct field recording_fields[] = {
	{ "id", "id", FIELD_TEXT },
	{ "url", "url", FIELD_TEXT },
	{ "type", "type", FIELD_TEXT },
	{ "duration", "duration", FIELD_SECONDS },
	{ "startTime", "startTime", FIELD_MOMENT },
	{ "status", "status", FIELD_TEXT },
	{ NULL, NULL, 0 },
};

/* In a call of generation 1, in the event of generation 3, and of REST. */
static const struct field voicemail_fields[] = {
	{ "voicemailId", "id", FIELD_TEXT },
	{ "url", "url", FIELD_TEXT },
	{ "recordingUrl", "url", FIELD_TEXT },
	{ "type", "type", FIELD_TEXT },
	{ "duration", "duration", FIELD_SECONDS },
	{ "transcript", "transcript", FIELD_TEXT },
	{ "status", "status", FIELD_TEXT },
	{ "from", "from", FIELD_TEXT },
	{ "to", "to", FIELD_TEXT },
	{ NULL, NULL, 0 },
};

static const struct field summary_fields[] = {
	{ "status", "status", FIELD_TEXT },
	{ "processingStatus", "status", FIELD_TEXT },
	{ "summary", "summary", FIELD_TEXTS },
	{ "nextSteps", "nextSteps", FIELD_TEXTS },
	{ "jobs", "jobs", FIELD_JSON },
	{ "type", "type", FIELD_TEXT },
	{ "title", "title", FIELD_TEXT },
	{ NULL, NULL, 0 },
};

/* Without the dialogue, which is put together line by line. */
static const struct field transcript_fields[] = {
	{ "status", "status", FIELD_TEXT },
	{ "processingStatus", "status", FIELD_TEXT },
	{ "createdAt", "createdAt", FIELD_MOMENT },
	{ "startTime", "startTime", FIELD_MOMENT },
	{ "duration", "duration", FIELD_NUMBER },
	{ NULL, NULL, 0 },
};

static const struct field line_fields[] = {
	{ "content", "content", FIELD_TEXT },
	{ "start", "start", FIELD_NUMBER },
	{ "end", "end", FIELD_NUMBER },
	{ "identifier", "identifier", FIELD_TEXT },
	{ "userId", "userId", FIELD_TEXT },
	{ "actorId", "userId", FIELD_TEXT },
	{ NULL, NULL, 0 },
};

static const struct field message_fields[] = {
	{ "direction", "direction", FIELD_TEXT },
	{ "status", "status", FIELD_TEXT },
	{ "from", "from", FIELD_TEXT },
	{ "to", "to", FIELD_LIST },
	{ "text", "text", FIELD_TEXT },
	{ "body", "text", FIELD_TEXT },
	{ "errorCode", "errorCode", FIELD_TEXT },
	{ "createdAt", "createdAt", FIELD_MOMENT },
	{ "updatedAt", "updatedAt", FIELD_MOMENT },
	{ "userId", "userId", FIELD_TEXT },
	{ "phoneNumberId", "phoneNumberId", FIELD_TEXT },
	{ "conversationId", "conversationId", FIELD_TEXT },
	{ "contactIds", "contactIds", FIELD_LIST },
	{ NULL, NULL, 0 },
};

static const struct field media_fields[] = {
	{ "url", "url", FIELD_TEXT },
	{ "type", "type", FIELD_TEXT },
	{ NULL, NULL, 0 },
};

/* data.context of calls and messages in generation 3, and what is in it. */
static const struct field context_fields[] = {
	{ "phoneNumberId", "phoneNumberId", FIELD_TEXT },
	{ "conversationId", "conversationId", FIELD_TEXT },
	{ "phoneNumberType", "phoneNumberType", FIELD_TEXT },
	{ "userId", "userId", FIELD_TEXT },
	{ "senderIdentifier", "from", FIELD_TEXT },
	{ "recipientIdentifiers", "to", FIELD_LIST },
	{ NULL, NULL, 0 },
};
static const struct field context_contacts_fields[] = {
	{ "ids", "contactIds", FIELD_LIST },
	{ "lookupStatus", "contactLookup", FIELD_TEXT },
	{ NULL, NULL, 0 },
};
static const struct field context_participants_fields[] = {
	{ "workspace", "workspace", FIELD_LIST },
	{ "external", "external", FIELD_LIST },
	{ NULL, NULL, 0 },
};

static const struct field id_field[] = {
	{ "id", "id", FIELD_TEXT },
	{ NULL, NULL, 0 },
};

json_t *
fold_new(void)
{
	return json_pack("{s:{}, s:{}}", "facts", "times");
}

bool
fold_equal(const json_t *a, const json_t *b)
{
	return json_equal(a, b) == 1;
}

static int
finish(const struct lww *w, struct err *err)
{
	if (!lww_failed(w))
		return 0;
	err_nomem(err);
	return -1;
}

static void
mark(struct lww *w, const char *path)
{
	lww_set(w, path, json_true());
}

/* ---- parts of a call ---------------------------------------------------- */

/* Is this the last word on a part? Some payloads have finished parts only, and
 * don't say so. */
static bool
is_final(const json_t *part)
{
	const json_t *status = json_object_get(part, "status");

	if (status == NULL)
		status = json_object_get(part, "processingStatus");
	if (json_is_string(status))
		return lww_rank(part_ranks, json_string_value(status)) > 0;
	return json_is_string(json_object_get(part, "url")) ||
	    json_is_string(json_object_get(part, "recordingUrl"));
}

/* The name of a recording among its like: its id, else its URL's hash. -1: it
 * has neither. */
static int
recording_key(struct lww *w, const json_t *recording, char *ret, size_t size)
{
	const json_t *id = json_object_get(recording, "id");
	const json_t *url = json_object_get(recording, "url");
	unsigned char digest[SHA256_SIZE];
	char hex[2 * URL_KEY_BYTES + 1];

	if (event_usable_id(id)) {
		snprintf(ret, size, "%s", json_string_value(id));
		return 0;
	}
	if (json_string_length(url) == 0)
		return -1;
	if (crypto_sha256(
		json_string_value(url), json_string_length(url), digest) != 0) {
		w->failed = true;
		return -1;
	}
	crypto_hex(digest, URL_KEY_BYTES, hex);
	snprintf(ret, size, "url:%s", hex);
	return 0;
}

static void
fold_recordings(struct lww *w, const json_t *list)
{
	char key[EVENT_ID_MAX + 1], path[LWW_PATH_SIZE];
	const json_t *recording;
	size_t i;

	json_array_foreach (list, i, recording) {
		if (recording_key(w, recording, key, sizeof(key)) != 0)
			continue;
		snprintf(path, sizeof(path), "recordings/%s/", key);
		field_fold(w, path, recording, recording_fields);
		/* generation 1 has no times: the list's order is theirs */
		if (json_is_string(json_object_get(recording, "startTime")))
			continue;
		snprintf(path, sizeof(path), "recordings/%s/index", key);
		lww_set(w, path, json_integer((json_int_t)i));
	}
}

/* An array form is said to exist: its first element counts. */
static void
fold_voicemail(struct lww *w, const json_t *voicemail)
{
	if (json_is_array(voicemail))
		voicemail = json_array_get(voicemail, 0);
	field_fold(w, "voicemail/", voicemail, voicemail_fields);
	if (is_final(voicemail))
		mark(w, "voicemailKnown");
}

static void
fold_summary(struct lww *w, const json_t *summary)
{
	field_fold(w, "summary/", summary, summary_fields);
	if (is_final(summary))
		mark(w, "summaryKnown");
}

/* The lines that say something, each with the members that it has. */
static json_t *
dialogue(struct lww *w, const json_t *list)
{
	struct lines lines;
	struct lines_writer ret;
	json_t *line, *made;

	lines_begin(&lines, list);
	lines_new(&ret);
	while ((line = lines_next(&lines)) != NULL) {
		if (json_string_length(json_object_get(line, "content")) > 0)
			lines_add(&ret, field_object(w, line, line_fields));
		json_decref(line);
	}
	made = lines_end(&ret);
	if (lines.failed || made == NULL)
		w->failed = true;
	return made;
}

/* key: the recording's id, or "call" for that of the whole call. */
static void
fold_transcript(struct lww *w, const char *key, const json_t *transcript)
{
	const json_t *lines = json_object_get(transcript, "dialogue");
	char path[LWW_PATH_SIZE];

	snprintf(path, sizeof(path), "transcripts/%s/", key);
	field_fold(w, path, transcript, transcript_fields);
	snprintf(path, sizeof(path), "transcripts/%s/dialogue", key);
	lww_set(w, path, dialogue(w, lines));
}

/* The dated API's participants: those without an actor are outside. */
static void
fold_participants(struct lww *w, const json_t *participants)
{
	json_t *workspace = json_array(), *external = json_array();
	const json_t *participant;
	size_t i;

	json_array_foreach (participants, i, participant) {
		json_t *number = json_object_get(participant, "phoneNumber");
		bool inside =
		    json_is_string(json_object_get(participant, "actorId"));

		if (json_string_length(number) > 0 &&
		    json_array_append(inside ? workspace : external, number) !=
			0)
			w->failed = true;
	}
	if (workspace == NULL || external == NULL)
		w->failed = true;
	lww_set(w, "workspace", workspace);
	lww_set(w, "external", external);
}

/* ---- events ------------------------------------------------------------- */

/* The conversation is not a member of v4 objects; it is in their link:
 * https://my.quo.com/inbox/<number>/c/<conversation>?at=<activity> */
static void
fold_link(struct lww *w, const json_t *data, const json_t *object)
{
	json_t *link = json_object_get(data, "deepLink");
	const char *s = json_string_value(link), *p;
	size_t n;

	if (s == NULL)
		return;
	lww_set(w, "deepLink", json_incref(link));
	if (json_object_get(object, "conversationId") != NULL ||
	    (p = strstr(s, "/c/")) == NULL)
		return;
	p += 3;
	n = strcspn(p, "?/#");
	if (n > 0 && n <= EVENT_ID_MAX)
		lww_set(w, "conversationId", json_stringn(p, n));
}

/* What stands beside the object or resource. */
static void
fold_surroundings(struct lww *w, const json_t *data, const json_t *object)
{
	const json_t *context = json_object_get(data, "context");
	const json_t *links = json_object_get(data, "links");
	static const struct field link_fields[] = {
		{ "quo", "deepLink", FIELD_TEXT },
		{ NULL, NULL, 0 },
	};

	field_fold(w, "", context, context_fields);
	field_fold(w, "", json_object_get(context, "contacts"),
	    context_contacts_fields);
	field_fold(w, "", json_object_get(context, "participants"),
	    context_participants_fields);
	field_fold(w, "", links, link_fields);
	fold_link(w, data, object);
}

static void
fold_call_object(struct lww *w, const json_t *object, const char *type)
{
	field_fold(w, "", object, call_fields);
	fold_recordings(w, json_object_get(object, "media"));
	fold_recordings(w, json_object_get(object, "recordings"));
	fold_voicemail(w, json_object_get(object, "voicemail"));
	if (strcmp(type, "call.ringing") == 0)
		mark(w, "ringing");
	if (strcmp(type, "call.missed") == 0)
		mark(w, "missed");
	/* only incoming calls are, and these payloads don't repeat it */
	if (strcmp(type, "call.missed") == 0 ||
	    strcmp(type, "call.forwarded") == 0)
		lww_set(w, "direction", json_string("incoming"));
}

/* The voicemail's createdAt is the call's only where there is no call. */
static void
fold_voicemail_event(struct lww *w, const json_t *resource)
{
	static const struct field fields[] = {
		{ "direction", "direction", FIELD_TEXT },
		{ NULL, NULL, 0 },
	};
	static const struct field fields_alone[] = {
		{ "createdAt", "createdAt", FIELD_MOMENT },
		{ NULL, NULL, 0 },
	};

	fold_voicemail(w, resource);
	lww_set(w, "voicemail/status", json_string("completed"));
	mark(w, "voicemailKnown");
	field_fold(w, "", resource, fields);
	if (json_string_length(json_object_get(resource, "callId")) == 0)
		field_fold(w, "", resource, fields_alone);
}

static void
fold_call_event(struct lww *w, const json_t *object, const char *type)
{
	if (strcmp(type, "call.summary.completed") == 0) {
		fold_summary(w, object);
		field_fold(w, "", object, call_fields_of_part);
	} else if (strcmp(type, "call.transcript.completed") == 0) {
		fold_transcript(w, "call", object);
		field_fold(w, "", object, call_fields_of_part);
		if (is_final(object))
			mark(w, "transcriptKnown");
	} else if (strcmp(type, "call.voicemail.completed") == 0) {
		fold_voicemail_event(w, object);
	} else {
		fold_call_object(w, object, type);
	}
}

static json_t *
media(struct lww *w, const json_t *list)
{
	json_t *ret = json_array();
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (json_string_length(json_object_get(item, "url")) > 0 &&
		    json_array_append_new(
			ret, field_object(w, item, media_fields)) != 0)
			w->failed = true;
	if (ret == NULL)
		w->failed = true;
	return ret;
}

/* A payload that has the member is complete, even when it is empty; v4 has
 * none, and one must ask. */
static void
fold_message_object(struct lww *w, const json_t *object)
{
	const json_t *list = json_object_get(object, "media");

	field_fold(w, "", object, message_fields);
	if (!json_is_array(list))
		return;
	lww_set(w, "media", media(w, list));
	mark(w, "mediaKnown");
}

/* Of one that is changed afterwards OpenPhone has it again. */
static void
fold_contact_event(struct lww *w, const json_t *object, const char *type)
{
	contact_fold(w, object);
	lww_set(
	    w, "deleted", json_boolean(strcmp(type, "contact.deleted") == 0));
}

int
fold_event(json_t *state, const json_t *envelope, const struct event *event,
    struct err *err)
{
	const json_t *data = json_object_get(envelope, "data");
	const json_t *object = json_object_get(
	    data, event->generation == 3 ? "resource" : "object");
	bool call = strcmp(event->kind, "call") == 0;
	bool message = strcmp(event->kind, "message") == 0;
	bool contact = strcmp(event->kind, "contact") == 0;
	struct lww w;

	if (event->resource_id == NULL || (!call && !message && !contact))
		return 0;
	lww_begin(&w, state, message ? message_ranks : call_ranks, part_ranks);
	/* the envelope's moment alone can be earlier than the object's */
	lww_at(&w, field_latest(object, field_latest(envelope, 0)));
	lww_set(&w, "id", json_string(event->resource_id));
	if (call)
		fold_call_event(&w, object, event->type);
	else if (message)
		fold_message_object(&w, object);
	else
		fold_contact_event(&w, object, event->type);
	if (!contact)
		fold_surroundings(&w, data, object);
	return finish(&w, err);
}

int
fold_keep(
    json_t *state, const json_t *before, const char *kind, struct err *err)
{
	struct lww w;

	lww_begin(&w, state,
	    strcmp(kind, "message") == 0 ? message_ranks : call_ranks,
	    part_ranks);
	lww_keep(&w, before);
	return finish(&w, err);
}

bool
fold_is_deleted(const json_t *facts)
{
	return json_is_true(json_object_get(facts, "deleted"));
}

int
fold_deleted(json_t *state, const char *kind, bool deleted, int64_t seen,
    struct err *err)
{
	struct lww w;

	/* of most there is nothing to say */
	if (deleted == fold_is_deleted(json_object_get(state, "facts")))
		return 0;
	lww_begin(&w, state,
	    strcmp(kind, "message") == 0 ? message_ranks : call_ranks,
	    part_ranks);
	lww_at(&w, seen);
	lww_set(&w, "deleted", json_boolean(deleted));
	return finish(&w, err);
}

/* ---- REST --------------------------------------------------------------- */

/* Here, unlike in the event, the voicemail's id is its own. */
static void
fold_rest_voicemail_object(struct lww *w, const json_t *voicemail)
{
	field_fold(w, "voicemail/", voicemail, id_field);
	fold_voicemail(w, voicemail);
}

int
fold_rest_call(json_t *state, const json_t *call, struct err *err)
{
	const json_t *summary = json_object_get(call, "summary");
	const json_t *voicemail = json_object_get(call, "voicemail");
	struct lww w;

	lww_begin(&w, state, call_ranks, part_ranks);
	lww_at(&w, field_latest(call, 0));
	field_fold(&w, "", call, id_field);
	field_fold(&w, "", call, call_fields);
	fold_participants(&w, json_object_get(call, "participants"));
	if (json_is_object(summary))
		fold_summary(&w, summary);
	if (json_is_object(voicemail))
		fold_rest_voicemail_object(&w, voicemail);
	return finish(&w, err);
}

int
fold_rest_recordings(json_t *state, const json_t *list, struct err *err)
{
	const json_t *recording;
	int64_t latest = 0;
	bool final = true;
	struct lww w;
	size_t i;

	lww_begin(&w, state, call_ranks, part_ranks);
	json_array_foreach (list, i, recording) {
		final = final && is_final(recording);
		latest = field_latest(recording, latest);
	}
	lww_at(&w, latest);
	fold_recordings(&w, list);
	if (final)
		mark(&w, "recordingsKnown");
	return finish(&w, err);
}

int
fold_rest_summary(json_t *state, const json_t *summary, struct err *err)
{
	struct lww w;

	lww_begin(&w, state, call_ranks, part_ranks);
	if (summary == NULL)
		mark(&w, "summaryKnown");
	else
		fold_summary(&w, summary);
	return finish(&w, err);
}

int
fold_rest_voicemail(json_t *state, const json_t *voicemail, struct err *err)
{
	struct lww w;

	lww_begin(&w, state, call_ranks, part_ranks);
	if (voicemail == NULL)
		mark(&w, "voicemailKnown");
	else
		fold_rest_voicemail_object(&w, voicemail);
	return finish(&w, err);
}

int
fold_rest_transcripts(json_t *state, const json_t *transcripts, struct err *err)
{
	const json_t *transcript;
	bool final = true;
	struct lww w;
	size_t i;

	lww_begin(&w, state, call_ranks, part_ranks);
	if (json_is_object(transcripts)) {
		final = is_final(transcripts);
		lww_at(&w, field_latest(transcripts, 0));
		fold_transcript(&w, "call", transcripts);
	}
	json_array_foreach (transcripts, i, transcript) {
		const json_t *id = json_object_get(transcript, "recordingId");

		final = final && is_final(transcript);
		lww_at(&w, field_latest(transcript, 0));
		fold_transcript(&w,
		    event_usable_id(id) ? json_string_value(id) : "call",
		    transcript);
	}
	if (final)
		mark(&w, "transcriptKnown");
	return finish(&w, err);
}

int
fold_rest_message(json_t *state, const json_t *message, struct err *err)
{
	struct lww w;

	lww_begin(&w, state, message_ranks, part_ranks);
	if (message != NULL) {
		lww_at(&w, field_latest(message, 0));
		field_fold(&w, "", message, id_field);
		fold_message_object(&w, message);
	}
	mark(&w, "mediaKnown");
	return finish(&w, err);
}

int
fold_rest_contact(json_t *state, const json_t *contact, struct err *err)
{
	struct lww w;

	lww_begin(&w, state, call_ranks, part_ranks);
	lww_at(&w, field_latest(contact, 0));
	field_fold(&w, "", contact, id_field);
	contact_fold(&w, contact);
	return finish(&w, err);
}

#include "model/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "ext/jansson.h"
#include "model/call.h"
#include "model/columns.h"
#include "model/dialogue.h"
#include "model/message.h"
#include "model/names.h"
#include "model/richtext.h"
#include "model/words.h"

#define TEXT_MAX (64u << 20) /* more than any payload holds */

static json_t *
text_or_null(const char *text)
{
	return text == NULL || *text == '\0' ? json_null() : json_string(text);
}

/* A number of seconds where 0 or more means something. */
static json_t *
seconds_or_null(json_int_t seconds)
{
	return seconds < 0 ? json_null() : json_integer(seconds);
}

static json_t *
value_title(const struct draft *draft)
{
	return text_or_null(draft->title);
}

static json_t *
value_outcome(const struct draft *draft)
{
	return text_or_null(words_outcome(draft->outcome));
}

static json_t *
value_with(const struct draft *draft)
{
	json_t *list = json_array(), *ret = NULL;

	for (size_t i = 0; i < json_array_size(draft->parties); i++)
		if (json_array_append_new(
			list, json_string(draft_party_name(draft, i))) != 0)
			goto out;
	if (list != NULL)
		ret = words_join(list, ", ");
out:
	json_decref(list);
	return ret;
}

static json_t *
value_parties(const struct draft *draft)
{
	return words_join(draft->parties, ", ");
}

static json_t *
value_from(const struct draft *draft)
{
	if (draft_is_outgoing(draft))
		return text_or_null(draft->own);
	return text_or_null(draft_party(draft, 0));
}

static json_t *
value_to(const struct draft *draft)
{
	if (draft_is_outgoing(draft))
		return text_or_null(draft_party(draft, 0));
	return text_or_null(draft->own);
}

/* "Main (+15550002222)" */
static json_t *
value_line(const struct draft *draft)
{
	const char *name = draft_line(draft);

	if (name == NULL || draft->own == NULL || strcmp(name, draft->own) == 0)
		return text_or_null(name != NULL ? name : draft->own);
	return json_sprintf("%s (%s)", name, draft->own);
}

static json_t *
value_user(const struct draft *draft)
{
	return text_or_null(draft_user(draft));
}

/* Date columns keep minutes only; this is the whole of it, to sort by. */
static json_t *
value_exact(const struct draft *draft)
{
	const char *created = draft_fact(draft, "createdAt");
	char exact[RFC3339_SIZE];
	int64_t usec;

	if (created == NULL || rfc3339_parse(created, &usec) != 0)
		return json_null();
	rfc3339_format(usec, exact);
	return json_string(exact);
}

static json_t *
value_talk(const struct draft *draft)
{
	return seconds_or_null(call_talk_seconds(draft->facts));
}

/* v2 gives none and v3 often 0: then it is worked out. */
static json_t *
value_duration(const struct draft *draft)
{
	json_t *duration = json_object_get(draft->facts, "duration");
	json_int_t talk = call_talk_seconds(draft->facts);

	if (json_number_value(duration) > 0 ||
	    (json_is_number(duration) && talk <= 0))
		return json_incref(duration);
	if (talk >= 0)
		return json_integer(talk);
	return seconds_or_null(words_seconds(
	    draft_fact(draft, "createdAt"), draft_fact(draft, "completedAt")));
}

/* A segment's own URL expires; the original's users are used to it. */
static json_t *
value_recording_or_source(const struct draft *draft)
{
	json_t *recordings = call_recordings(draft->facts), *one, *ret = NULL;
	const char *url = NULL, *source = NULL;
	size_t i;

	json_array_foreach (recordings, i, one) {
		if (url == NULL)
			url =
			    draft_stored_url(draft_recording_media(draft, one));
		if (source == NULL)
			source = json_string_value(json_object_get(one, "url"));
	}
	if (recordings != NULL)
		ret = text_or_null(url == NULL ? source : url);
	json_decref(recordings);
	return ret;
}

/* The first that can be heard. */
static json_t *
value_recording(const struct draft *draft)
{
	json_t *recordings = call_recordings(draft->facts), *one;
	json_t *ret = recordings == NULL ? NULL : json_null(), *file;
	size_t i;

	json_array_foreach (recordings, i, one) {
		file = draft_file_value(draft_recording_media(draft, one));
		if (file == NULL || !json_is_null(file)) {
			json_decref(ret);
			ret = file;
		}
		if (ret == NULL || json_is_object(ret) ||
		    json_string_length(ret) > 0)
			break;
	}
	json_decref(recordings);
	return ret;
}

static json_t *
value_recording_duration(const struct draft *draft)
{
	json_t *recordings = call_recordings(draft->facts), *ret = NULL;
	json_t *duration =
	    json_object_get(json_array_get(recordings, 0), "duration");

	if (recordings != NULL)
		ret = json_number_value(duration) > 0 ? json_incref(duration)
						      : json_null();
	json_decref(recordings);
	return ret;
}

static json_t *
value_has_recording(const struct draft *draft)
{
	return json_boolean(
	    json_object_size(json_object_get(draft->facts, "recordings")) > 0);
}

static const json_t *
voicemail(const struct draft *draft)
{
	return json_object_get(draft->facts, "voicemail");
}

static json_t *
value_voicemail(const struct draft *draft)
{
	return draft_file_value(draft_media(draft, "voicemail"));
}

static json_t *
value_voicemail_or_source(const struct draft *draft)
{
	const char *url = draft_stored_url(draft_media(draft, "voicemail"));

	return text_or_null(url != NULL
		? url
		: json_string_value(json_object_get(voicemail(draft), "url")));
}

static json_t *
value_voicemail_text(const struct draft *draft)
{
	return text_or_null(
	    json_string_value(json_object_get(voicemail(draft), "transcript")));
}

static json_t *
value_has_voicemail(const struct draft *draft)
{
	return json_boolean(json_object_size(voicemail(draft)) > 0);
}

static json_t *
value_has_transcript(const struct draft *draft)
{
	int has = call_has_lines(draft->facts);

	return has < 0 ? NULL : json_boolean(has);
}

static json_t *
value_transcript(const struct draft *draft)
{
	json_t *ret = NULL;
	struct buf buf;

	buf_init(&buf, TEXT_MAX);
	/* more is cut off there, which shows */
	if (dialogue_plain(&buf, draft->facts, COLUMNS_BYTES) == 0)
		ret = text_or_null(buf_text(&buf));
	buf_free(&buf);
	return ret;
}

/* The furthest that any segment has come; "absent" where there is none. */
static json_t *
value_transcript_status(const struct draft *draft)
{
	static const char *const order[] = { "absent", "in-progress", "failed",
		"completed" };
	const size_t n = sizeof(order) / sizeof(*order);
	const char *key, *status;
	json_t *one;
	size_t best = 0;

	json_object_foreach (
	    json_object_get(draft->facts, "transcripts"), key, one) {
		status = json_string_value(json_object_get(one, "status"));
		for (size_t i = best; status != NULL && i < n; i++)
			if (strcmp(status, order[i]) == 0)
				best = i;
	}
	return json_string(order[best]);
}

static const json_t *
summary_part(const struct draft *draft, const char *part)
{
	return json_object_get(json_object_get(draft->facts, "summary"), part);
}

static json_t *
value_has_summary(const struct draft *draft)
{
	return json_boolean(
	    json_array_size(summary_part(draft, "summary")) > 0 ||
	    json_array_size(summary_part(draft, "jobs")) > 0);
}

static json_t *
value_summary(const struct draft *draft)
{
	return words_join(summary_part(draft, "summary"), "\n\n");
}

static json_t *
value_next_steps(const struct draft *draft)
{
	return words_join(summary_part(draft, "nextSteps"), "\n");
}

/* Names of the contacts that OpenPhone itself matched; ids say nothing. */
static json_t *
value_contact(const struct draft *draft)
{
	json_t *list = json_array(), *ret = NULL, *id;
	const char *name;
	size_t i;

	json_array_foreach (
	    json_object_get(draft->facts, "contactIds"), i, id) {
		name = names_contact(draft->names, json_string_value(id));
		if (name != NULL &&
		    json_array_append_new(list, json_string(name)) != 0)
			goto out;
	}
	if (list != NULL)
		ret = words_join(list, ", ");
out:
	json_decref(list);
	return ret;
}

/* Those of the contacts that OpenPhone matched, and of whoever has one of the
 * numbers. */
static int
add_contact_page(const struct draft *draft, json_t *list, const char *who)
{
	const char *page = names_page(draft->names, who);
	json_t *have;
	size_t i;

	if (page == NULL)
		return 0;
	json_array_foreach (list, i, have)
		if (strcmp(json_string_value(have), page) == 0)
			return 0;
	return json_array_append_new(list, json_string(page));
}

static json_t *
value_contact_pages(const struct draft *draft)
{
	json_t *list = json_array(), *who;
	bool good = list != NULL;
	size_t i;

	json_array_foreach (json_object_get(draft->facts, "contactIds"), i, who)
		good = good &&
		    add_contact_page(draft, list, json_string_value(who)) == 0;
	json_array_foreach (draft->parties, i, who)
		good = good &&
		    add_contact_page(draft, list, json_string_value(who)) == 0;
	if (good && json_array_size(list) > 0)
		return list;
	json_decref(list);
	return good ? json_null() : NULL;
}

static json_t *
first_fact(const struct draft *draft, const char *list)
{
	return text_or_null(json_string_value(
	    json_array_get(json_object_get(draft->facts, list), 0)));
}

static json_t *
value_first_email(const struct draft *draft)
{
	return first_fact(draft, "emails");
}

static json_t *
value_first_phone(const struct draft *draft)
{
	return first_fact(draft, "phoneNumbers");
}

/* "1 Sales" */
static json_t *
value_menu(const struct draft *draft)
{
	const json_t *menu = json_object_get(draft->facts, "menu");
	const char *key = json_string_value(json_object_get(menu, "selection"));
	const char *name = json_string_value(json_object_get(menu, "name"));

	if (key == NULL || name == NULL)
		return text_or_null(key == NULL ? name : key);
	return json_sprintf("%s %s", key, name);
}

static json_t *
value_forwarded_from(const struct draft *draft)
{
	return text_or_null(
	    names_any(draft->names, draft_fact(draft, "forwardedFrom")));
}

static json_t *
value_forwarded_to(const struct draft *draft)
{
	return text_or_null(
	    names_any(draft->names, draft_fact(draft, "forwardedTo")));
}

/* The original's list of all numbers, ours among them. */
static json_t *
value_numbers(const struct draft *draft)
{
	const json_t *known = json_object_get(draft->facts, "participants");
	json_t *list, *ret = NULL;

	if (json_array_size(known) > 0)
		return words_join(known, ", ");
	if ((list = jansson_copy(draft->parties)) == NULL)
		return NULL;
	if (draft->own == NULL ||
	    (draft_is_outgoing(draft)
		    ? json_array_insert_new(list, 0, json_string(draft->own))
		    : json_array_append_new(list, json_string(draft->own))) ==
		0)
		ret = words_join(list, ", ");
	json_decref(list);
	return ret;
}

/* The original knows the REST API's words only. */
static json_t *
value_status(const struct draft *draft)
{
	static const struct {
		const char *ours, *original;
	} words[] = {
		{ "unanswered", "no-answer" },
		{ "ai-handled", "completed" },
		{ "accepted", "queued" },
		{ "scheduled", "queued" },
		{ "sending", "queued" },
		{ "read", "delivered" },
		{ "receiving", "received" },
		{ "partially_delivered", "undelivered" },
	};
	const char *status = draft_fact(draft, "status");

	if (status == NULL || strcmp(status, "unknown") == 0)
		return json_null();
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(status, words[i].ours) == 0)
			return json_string(words[i].original);
	return json_string(status);
}

static json_t *
value_first_recipient(const struct draft *draft)
{
	return first_fact(draft, "to");
}

/* "30006: a landline, or a carrier that cannot be reached" */
static json_t *
value_error(const struct draft *draft)
{
	const char *code = draft_fact(draft, "errorCode");
	const char *text = message_error_text(code);

	return text == NULL ? text_or_null(code)
			    : json_sprintf("%s: %s", code, text);
}

static json_t *
value_has_media(const struct draft *draft)
{
	return json_boolean(
	    json_array_size(json_object_get(draft->facts, "media")) > 0);
}

static const json_t *
attachment(const struct draft *draft, size_t i)
{
	char path[32];

	snprintf(path, sizeof(path), "media/%zu", i);
	return draft_media(draft, path);
}

/* An empty list where there were files whose links are no more. */
static json_t *
value_stored_media(const struct draft *draft)
{
	size_t n = json_array_size(json_object_get(draft->facts, "media"));
	json_t *list = json_array(), *file;
	bool known = false;

	for (size_t i = 0; i < n; i++) {
		file = draft_file_value(attachment(draft, i));
		known |= json_is_string(file) || json_is_object(file);
		if (json_is_null(file) ||
		    (json_is_string(file) && json_string_length(file) == 0))
			json_decref(file);
		else if (json_array_append_new(list, file) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	if (known)
		return list;
	json_decref(list);
	return json_null();
}

/* URLs of a message's media, stored ones or, if need be, OpenPhone's. */
static json_t *
value_media_or_source(const struct draft *draft)
{
	json_t *list = json_array(), *one, *ret = NULL;
	const char *url;
	size_t i;

	json_array_foreach (json_object_get(draft->facts, "media"), i, one) {
		url = draft_stored_url(attachment(draft, i));
		if (url == NULL)
			url = json_string_value(json_object_get(one, "url"));
		if (url != NULL &&
		    json_array_append_new(list, json_string(url)) != 0)
			goto out;
	}
	ret = list == NULL ? NULL : words_join(list, "\n");
out:
	json_decref(list);
	return ret;
}

/* Put the stored URL in the place of OpenPhone's, which expires. */
static int
replace_url(json_t *part, const char *url)
{
	if (url == NULL || !json_is_object(part))
		return 0;
	return json_object_set_new(part, "url", json_string(url));
}

static int
replace_urls(const struct draft *draft, json_t *facts)
{
	const char *path;
	json_t *media, *part;
	char copy[300], *key;

	json_object_foreach ((json_t *)draft->in->media, path, media) {
		if (snprintf(copy, sizeof(copy), "%s", path) >=
		    (int)sizeof(copy))
			continue;
		if ((key = strchr(copy, '/')) != NULL)
			*key++ = '\0';
		part = json_object_get(facts, copy);
		if (json_is_object(part) && key != NULL)
			part = json_object_get(part, key);
		if (replace_url(part, draft_stored_url(media)) != 0)
			return -1;
	}
	return 0;
}

/* The facts, so that files' URLs can be replaced in them; the rest, above all
 * the dialogue, is shared. */
static json_t *
copy_for_urls(const json_t *facts)
{
	static const char *const files[] = { "recordings", "voicemail",
		"media" };
	json_t *copy = jansson_copy(facts);
	int rc = copy == NULL ? -1 : 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		const json_t *part = json_object_get(facts, files[i]);

		if (part != NULL)
			rc |= json_object_set_new(
			    copy, files[i], json_deep_copy(part));
	}
	if (rc == 0)
		return copy;
	json_decref(copy);
	return NULL;
}

/* Everything known, as indented JSON. */
static json_t *
value_raw(const struct draft *draft)
{
	json_t *facts = copy_for_urls(draft->facts), *ret = NULL;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	/* more than a column takes is cut off there */
	if (facts != NULL && replace_urls(draft, facts) == 0 &&
	    jansson_dump(facts,
		JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(15),
		&text, COLUMNS_BYTES) == 0)
		ret = json_string(buf_text(&text));
	buf_free(&text);
	json_decref(facts);
	return ret;
}

static const struct {
	const char *source;
	json_t *(*make)(const struct draft *draft);
} sources[] = {
	{ "contact", value_contact },
	{ "contact pages", value_contact_pages },
	{ "duration", value_duration },
	{ "error", value_error },
	{ "exact", value_exact },
	{ "first email", value_first_email },
	{ "first phone", value_first_phone },
	{ "first recipient", value_first_recipient },
	{ "forwarded from", value_forwarded_from },
	{ "forwarded to", value_forwarded_to },
	{ "from", value_from },
	{ "has media", value_has_media },
	{ "has recording", value_has_recording },
	{ "has summary", value_has_summary },
	{ "has transcript", value_has_transcript },
	{ "has voicemail", value_has_voicemail },
	{ "line", value_line },
	{ "media or source", value_media_or_source },
	{ "menu", value_menu },
	{ "next steps", value_next_steps },
	{ "numbers", value_numbers },
	{ "outcome", value_outcome },
	{ "parties", value_parties },
	{ "raw", value_raw },
	{ "recording", value_recording },
	{ "recording duration", value_recording_duration },
	{ "recording or source", value_recording_or_source },
	{ "status", value_status },
	{ "stored media", value_stored_media },
	{ "summary", value_summary },
	{ "talk", value_talk },
	{ "title", value_title },
	{ "to", value_to },
	{ "transcript", value_transcript },
	{ "transcript status", value_transcript_status },
	{ "user", value_user },
	{ "voicemail", value_voicemail },
	{ "voicemail or source", value_voicemail_or_source },
	{ "voicemail text", value_voicemail_text },
	{ "with", value_with },
};

static bool
is_stamp(const char *source)
{
	return strncmp(source, "stamp ", 6) == 0;
}

json_t *
values_make(const struct draft *draft, const struct schema_column *column)
{
	const char *source = column->source;
	json_t *fact;

	if (*source == '.') {
		fact = json_object_get(draft->facts, source + 1);
		return fact == NULL ? json_null() : json_incref(fact);
	}
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++)
		if (strcmp(sources[i].source, source) == 0)
			return sources[i].make(draft);
	return json_null();
}

bool
values_knows(const char *source)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++)
		if (strcmp(sources[i].source, source) == 0)
			return true;
	return *source == '.' || is_stamp(source);
}

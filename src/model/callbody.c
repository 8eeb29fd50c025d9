#include "model/callbody.h"

#include <stdio.h>
#include <string.h>

#include "model/block.h"
#include "model/bodypart.h"
#include "model/call.h"
#include "model/dialogue.h"
#include "model/names.h"
#include "model/words.h"

/* Rich text items up to which names in a transcript are bold; past it the
 * lines are packed as plain text, which takes far fewer blocks. */
#define BOLD_ITEMS (3 * RICHTEXT_ITEMS)

#define LABEL_SIZE 256

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL && *text != '\0' ? text : NULL;
}

/* Statuses that say more than the outcome does. */
static void
add_status(struct richtext *rt, const struct draft *draft)
{
	static const char *const telling[] = { "busy", "canceled",
		"abandoned" };
	const char *status = draft_fact(draft, "status");

	for (size_t i = 0; status != NULL && i < 3; i++)
		if (strcmp(status, telling[i]) == 0)
			richtext_addf(rt, RICHTEXT_PLAIN, " (%s)", status);
}

static bool
is_private_line(const struct draft *draft)
{
	const char *type = draft_fact(draft, "phoneNumberType");

	return type != NULL && strcmp(type, "private") == 0;
}

static void
add_outcome(struct richtext *rt, const struct draft *draft)
{
	static const struct {
		const char *outcome, *words;
	} table[] = {
		{ "answered", "Answered" },
		{ "ai", "Answered by the AI agent" },
		{ "voicemail", "Not answered, left a voicemail" },
		{ "forwarded", "Forwarded" },
		{ "missed", "Missed" },
		{ "no-answer", "No answer" },
		{ "failed", "Failed" },
		{ "ringing", "Ringing" },
		{ "in-progress", "In progress" },
	};
	const char *user = draft_user(draft);
	bool out = draft_is_outgoing(draft);

	/* userId alone is the owner of a line that others may answer, too */
	if (!out && draft_fact(draft, "answeredBy") == NULL &&
	    !is_private_line(draft))
		user = NULL;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (strcmp(draft->outcome, table[i].outcome) == 0)
			bodypart_item(rt, "%s", table[i].words);
	if (!out && user != NULL && strcmp(draft->outcome, "answered") == 0)
		richtext_addf(rt, RICHTEXT_PLAIN, " by %s", user);
	add_status(rt, draft);
	if (out && user != NULL)
		bodypart_item(rt, "Called by %s", user);
}

static void
add_times(struct richtext *rt, const struct draft *draft)
{
	const char *created = draft_fact(draft, "createdAt");
	const char *answered = draft_fact(draft, "answeredAt");
	json_int_t talk = call_talk_seconds(draft->facts);
	json_int_t ring = words_seconds(created,
	    answered != NULL ? answered : draft_fact(draft, "completedAt"));
	char length[WORDS_SIZE];

	if (talk >= 0) {
		words_duration(talk, length);
		bodypart_item(rt, "talked %s", length);
	}
	/* somebody else answered a forwarded call, at a time unknown here */
	if (answered == NULL && strcmp(draft->outcome, "forwarded") == 0)
		ring = -1;
	if (ring >= 0) {
		words_duration(ring, length);
		bodypart_item(rt, "rang %s", length);
	}
}

static const char *
route_words(const char *route)
{
	if (strcmp(route, "phone-number") == 0)
		return "phone number";
	return strcmp(route, "phone-menu") == 0 ? "phone menu" : route;
}

/* How the call came to where it went. */
static void
add_route(struct richtext *rt, const struct draft *draft)
{
	const json_t *menu = json_object_get(draft->facts, "menu");
	const char *route = draft_fact(draft, "callRoute");
	const char *key = text_of(menu, "selection");
	const char *name = text_of(menu, "name");
	const char *from = draft_fact(draft, "forwardedFrom");
	const char *to = draft_fact(draft, "forwardedTo");

	if (route != NULL)
		bodypart_item(rt, "Route: %s", route_words(route));
	if (key != NULL || name != NULL)
		bodypart_item(rt, "Menu: %s%s%s", key != NULL ? key : "",
		    key != NULL && name != NULL ? " " : "",
		    name != NULL ? name : "");
	if (from != NULL)
		bodypart_item(
		    rt, "Forwarded from %s", names_any(draft->names, from));
	if (to != NULL)
		bodypart_item(
		    rt, "Forwarded to %s", names_any(draft->names, to));
}

static json_t *
facts_blocks(const struct draft *draft)
{
	struct richtext rt;

	richtext_init(&rt);
	bodypart_people(&rt, draft);
	bodypart_line(&rt);
	bodypart_when(&rt, draft);
	add_outcome(&rt, draft);
	add_times(&rt, draft);
	bodypart_line(&rt);
	add_route(&rt, draft);
	bodypart_deep_link(&rt, draft);
	return bodypart_text("paragraph", &rt);
}

/* "Recording 2 of 5 · 10:31:05 · 1:12" */
static void
recording_label(
    const json_t *recording, size_t i, size_t n, char ret[LABEL_SIZE])
{
	char time[WORDS_SIZE], length[WORDS_SIZE], which[64] = "";
	const json_t *seconds = json_object_get(recording, "duration");

	if (n > 1)
		snprintf(which, sizeof(which), " %zu of %zu", i + 1, n);
	words_time(text_of(recording, "startTime"), " · %H:%M:%S", time);
	words_duration((json_int_t)json_number_value(seconds), length);
	snprintf(ret, LABEL_SIZE, "Recording%s%s%s%s", which, time,
	    json_is_number(seconds) ? " · " : "",
	    json_is_number(seconds) ? length : "");
}

/* What plays in an audio block: storage may not know the type. */
static const char *
audio_type(const json_t *media)
{
	const char *type = text_of(media, "type");

	return type != NULL && strncmp(type, "audio/", 6) == 0 ? type
							       : "audio/mpeg";
}

/* Players, or lines in lines when that is not NULL. */
static int
add_recordings(
    json_t *blocks, struct richtext *lines, const struct draft *draft)
{
	json_t *recordings = call_recordings(draft->facts), *one;
	char label[LABEL_SIZE];
	int rc = recordings == NULL ? -1 : 0;
	size_t i;

	json_array_foreach (recordings, i, one) {
		const json_t *media = draft_recording_media(draft, one);

		recording_label(one, i, json_array_size(recordings), label);
		if (lines != NULL)
			bodypart_media_line(lines, media, label);
		else if (rc == 0)
			rc = bodypart_media(
			    blocks, media, audio_type(media), label, true);
	}
	json_decref(recordings);
	return rc;
}

static void
voicemail_label(const json_t *voicemail, char ret[LABEL_SIZE])
{
	const json_t *seconds = json_object_get(voicemail, "duration");
	char length[WORDS_SIZE];

	words_duration((json_int_t)json_number_value(seconds), length);
	snprintf(ret, LABEL_SIZE, "Voicemail%s%s",
	    json_is_number(seconds) ? " · " : "",
	    json_is_number(seconds) ? length : "");
}

static json_t *
recordings_blocks(const struct draft *draft)
{
	json_t *blocks = json_array();

	if (add_recordings(blocks, NULL, draft) == 0)
		return blocks;
	json_decref(blocks);
	return NULL;
}

static json_t *
voicemail_blocks(const struct draft *draft)
{
	const json_t *voicemail = json_object_get(draft->facts, "voicemail");
	const json_t *media = draft_media(draft, "voicemail");
	json_t *blocks = json_array();
	struct richtext text;
	char label[LABEL_SIZE];

	if (voicemail == NULL)
		return blocks;
	richtext_init(&text);
	richtext_add(&text, RICHTEXT_PLAIN, text_of(voicemail, "transcript"));
	voicemail_label(voicemail, label);
	if (bodypart_media(blocks, media, audio_type(media), label, true) ==
		0 &&
	    block_add_text(blocks, "quote", &text) == 0)
		return blocks;
	richtext_free(&text);
	json_decref(blocks);
	return NULL;
}

/* Recordings and voicemail as one paragraph of links and text. */
static json_t *
audio_lines(const struct draft *draft)
{
	const json_t *voicemail = json_object_get(draft->facts, "voicemail");
	struct richtext rt;
	char label[LABEL_SIZE];

	richtext_init(&rt);
	if (add_recordings(NULL, &rt, draft) != 0)
		rt.failed = true;
	if (voicemail != NULL) {
		voicemail_label(voicemail, label);
		bodypart_media_line(
		    &rt, draft_media(draft, "voicemail"), label);
		bodypart_line(&rt);
		richtext_add(
		    &rt, RICHTEXT_PLAIN, text_of(voicemail, "transcript"));
	}
	return bodypart_text("paragraph", &rt);
}

static const json_t *
summary_part(const struct draft *draft, const char *part)
{
	return json_object_get(json_object_get(draft->facts, "summary"), part);
}

/* The agent's title, if any, and the sentences, a line each. */
static void
add_summary(struct richtext *rt, const struct draft *draft)
{
	const char *title = json_string_value(summary_part(draft, "title"));
	json_t *one;
	size_t i;

	if (title != NULL) {
		bodypart_line(rt);
		richtext_add(rt, RICHTEXT_ITALIC, title);
	}
	json_array_foreach (summary_part(draft, "summary"), i, one) {
		bodypart_line(rt);
		richtext_add_json(rt, RICHTEXT_PLAIN, one);
	}
}

/* "✍️ Message taking" and what the agent found out, a line each. */
static void
add_job(struct richtext *rt, const json_t *job)
{
	const char *icon = text_of(job, "icon"), *name = text_of(job, "name");
	json_t *one;
	size_t i;

	if (icon != NULL)
		richtext_addf(rt, RICHTEXT_PLAIN, "%s ", icon);
	richtext_add(rt, RICHTEXT_BOLD, name != NULL ? name : "Result");
	json_array_foreach (
	    json_object_get(json_object_get(job, "result"), "data"), i, one) {
		richtext_add(rt, RICHTEXT_PLAIN, "\n");
		if (text_of(one, "name") != NULL)
			richtext_addf(
			    rt, RICHTEXT_PLAIN, "%s: ", text_of(one, "name"));
		richtext_add_json(
		    rt, RICHTEXT_PLAIN, json_object_get(one, "value"));
	}
}

static int
add_heading(json_t *blocks, const char *text)
{
	struct richtext rt;

	richtext_init(&rt);
	richtext_add(&rt, RICHTEXT_PLAIN, text);
	return block_add_text(blocks, "heading_3", &rt);
}

static json_t *
summary_blocks(const struct draft *draft)
{
	json_t *blocks = json_array();
	struct richtext rt;

	richtext_init(&rt);
	add_summary(&rt, draft);
	if (richtext_count(&rt) == 0 && !rt.failed) {
		richtext_free(&rt);
		return blocks;
	}
	if (add_heading(blocks, "Summary") == 0 &&
	    block_add_text(blocks, "paragraph", &rt) == 0)
		return blocks;
	richtext_free(&rt);
	json_decref(blocks);
	return NULL;
}

/* A heading and a block for each part of a list. */
static json_t *
list_blocks(const json_t *list, const char *heading, const char *type,
    void (*add)(struct richtext *rt, const json_t *one))
{
	json_t *blocks = json_array(), *one;
	struct richtext rt;
	size_t i;

	if (json_array_size(list) == 0)
		return blocks;
	if (add_heading(blocks, heading) != 0)
		goto fail;
	json_array_foreach (list, i, one) {
		richtext_init(&rt);
		add(&rt, one);
		if (block_add_text(blocks, type, &rt) != 0)
			goto fail;
	}
	return blocks;
fail:
	json_decref(blocks);
	return NULL;
}

static void
add_step(struct richtext *rt, const json_t *step)
{
	richtext_add_json(rt, RICHTEXT_PLAIN, step);
}

static json_t *
steps_blocks(const struct draft *draft)
{
	return list_blocks(
	    summary_part(draft, "nextSteps"), "Next steps", "to_do", add_step);
}

static json_t *
agent_blocks(const struct draft *draft)
{
	return list_blocks(summary_part(draft, "jobs"), "AI agent",
	    "bulleted_list_item", add_job);
}

/* Summary, next steps and the agent's results as one paragraph; here only
 * the style tells a heading. */
static json_t *
summary_lines(const struct draft *draft)
{
	struct richtext rt;
	json_t *one;
	size_t i;

	richtext_init(&rt);
	if (json_object_size(json_object_get(draft->facts, "summary")) > 0)
		richtext_add(&rt, RICHTEXT_BOLD, "Summary");
	add_summary(&rt, draft);
	json_array_foreach (summary_part(draft, "nextSteps"), i, one) {
		bodypart_line(&rt);
		richtext_add(&rt, RICHTEXT_PLAIN, "☐ ");
		richtext_add_json(&rt, RICHTEXT_PLAIN, one);
	}
	json_array_foreach (summary_part(draft, "jobs"), i, one) {
		bodypart_line(&rt);
		add_job(&rt, one);
	}
	return bodypart_text("paragraph", &rt);
}

/* The transcript as paragraphs, under a heading line if title is true. */
static json_t *
transcript_lines(const struct draft *draft, bool title, size_t bold_items)
{
	int any = call_has_lines(draft->facts);
	struct richtext rt;
	bool bold = true;

	if (any < 0)
		return NULL;
	for (;; bold = false) {
		richtext_init(&rt);
		if (title && any) {
			richtext_add(&rt, RICHTEXT_BOLD, "Transcript");
			richtext_add(&rt, RICHTEXT_PLAIN, "\n");
		}
		if (dialogue_add(&rt, draft, bold, bold_items))
			break;
		richtext_free(&rt);
	}
	return bodypart_text("paragraph", &rt);
}

static json_t *
transcript_blocks(const struct draft *draft)
{
	json_t *lines = transcript_lines(draft, false, BOLD_ITEMS), *blocks;

	if (lines == NULL || json_array_size(lines) == 0)
		return lines;
	blocks = json_array();
	if (json_array_append_new(blocks, block_toggle("Transcript", lines)) !=
	    0) {
		json_decref(blocks);
		return NULL;
	}
	return blocks;
}

static json_t *
transcript_few(const struct draft *draft)
{
	return transcript_lines(draft, true, RICHTEXT_ITEMS);
}

int
callbody_add(json_t *sections, const struct draft *draft)
{
	static const struct part {
		const char *name;
		json_t *(*blocks)(const struct draft *draft);
	} normal[] = {
		{ "facts", facts_blocks },
		{ "recordings", recordings_blocks },
		{ "voicemail", voicemail_blocks },
		{ "summary", summary_blocks },
		{ "next-steps", steps_blocks },
		{ "agent", agent_blocks },
		{ "transcript", transcript_blocks },
	}, few[] = {
		{ "facts", facts_blocks },
		{ "recordings", audio_lines },
		{ "summary", summary_lines },
		{ "transcript", transcript_few },
	};
	const struct part *parts = draft->in->few_blocks ? few : normal;
	size_t n = draft->in->few_blocks ? sizeof(few) / sizeof(*few)
					 : sizeof(normal) / sizeof(*normal);

	for (size_t i = 0; i < n; i++)
		if (bodypart_section(
			sections, parts[i].name, parts[i].blocks(draft)) != 0)
			return -1;
	return 0;
}

#include "model/title.h"

#include <stdlib.h>
#include <string.h>

#include "model/call.h"
#include "model/message.h"
#include "model/words.h"

#define TITLE_UNITS 200
#define NAME_UNITS 40
#define TEXT_UNITS 60
#define TITLE_MAX 65536 /* bytes while it is put together */

static const struct call_words {
	const char *outcome, *icon;
	const char *incoming, *outgoing; /* before who it was */
	const char *after;
} call_words[] = {
	{ "answered", "📞", "Call with ", "Call with ", "" },
	{ "ai", "🤖", "Call from ", "Call to ", " (AI agent)" },
	{ "voicemail", "📼", "Voicemail from ", "Call to ", "" },
	{ "forwarded", "↪️", "Forwarded call from ", "Forwarded call to ",
	    "" },
	{ "missed", "📵", "Missed call from ", "Missed call to ", "" },
	{ "no-answer", "📵", "Call from ", "Call to ", " (no answer)" },
	{ "failed", "⚠️", "Call from ", "Call to ", " (failed)" },
	{ "ringing", "🔔", "Call from ", "Call to ", " (ringing)" },
	{ "in-progress", "📞", "Call with ", "Call with ", " (in progress)" },
	/* the last row is for every other word */
	{ "unknown", "📞", "Call with ", "Call with ", "" },
};

static const struct call_words *
words_of(const char *outcome)
{
	const size_t n = sizeof(call_words) / sizeof(*call_words);

	for (size_t i = 0; i < n; i++)
		if (strcmp(call_words[i].outcome, outcome) == 0)
			return &call_words[i];
	return &call_words[n - 1];
}

/* "Ann", "Ann and Bob", "Ann, Bob and Eve", "Ann, Bob and 2 others" */
static int
add_parties(const struct draft *draft, struct buf *buf)
{
	size_t n = json_array_size(draft->parties), shown = n > 3 ? 2 : n;

	if (n == 0)
		return buf_adds(buf, "an unknown number");
	for (size_t i = 0; i < shown; i++) {
		if (i > 0 && buf_adds(buf, i + 1 == n ? " and " : ", ") != 0)
			return -1;
		if (words_clip(buf, draft_party_name(draft, i), NAME_UNITS) !=
		    0)
			return -1;
	}
	return n == shown ? 0 : buf_addf(buf, " and %zu others", n - shown);
}

static int
add_call(const struct draft *draft, struct buf *buf)
{
	const struct call_words *words = words_of(draft->outcome);

	if (buf_adds(buf,
		draft_is_outgoing(draft) ? words->outgoing : words->incoming) !=
		0 ||
	    add_parties(draft, buf) != 0)
		return -1;
	return buf_adds(buf, words->after);
}

/* "image" for "image/jpeg", where they are all of one kind. */
static const char *
media_noun(const struct draft *draft, size_t n)
{
	static const char *const nouns[] = { "image", "video", "audio" };
	const char *type, *noun = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *this = "file";

		type = draft_attachment_type(draft, i);
		for (size_t k = 0; type != NULL && k < 3; k++)
			if (strncmp(type, nouns[k], strlen(nouns[k])) == 0)
				this = nouns[k];
		if (noun != NULL && strcmp(noun, this) != 0)
			return "file";
		noun = this;
	}
	return noun;
}

static int
add_media(const struct draft *draft, struct buf *buf)
{
	size_t n = json_array_size(json_object_get(draft->facts, "media"));
	const char *noun = media_noun(draft, n);

	if (n == 0)
		return 0;
	return buf_addf(buf, ": %zu %s%s", n,
	    strcmp(noun, "audio") == 0 ? "audio file" : noun,
	    n == 1 ? "" : "s");
}

static bool
is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

static int
add_message(const struct draft *draft, struct buf *buf)
{
	const char *text = draft_fact(draft, "text");
	const json_t *media = json_object_get(draft->facts, "media");
	bool blank = text == NULL || is_blank(text);
	const char *before = "";

	if (draft_is_outgoing(draft))
		before = "Message to ";
	else if (blank && json_array_size(media) == 0)
		before = "Message from ";
	if (buf_adds(buf, before) != 0 || add_parties(draft, buf) != 0)
		return -1;
	if (message_failed(draft->facts) &&
	    buf_adds(buf, " (not delivered)") != 0)
		return -1;
	if (blank)
		return add_media(draft, buf);
	if (buf_adds(buf, ": ") != 0)
		return -1;
	return words_clip(buf, text, TEXT_UNITS);
}

static const char *
first_of(const struct draft *draft, const char *list)
{
	return json_string_value(
	    json_array_get(json_object_get(draft->facts, list), 0));
}

/* "Ann Lee", else whatever tells one contact from another. */
static int
add_contact(const struct draft *draft, struct buf *buf)
{
	const char *first = draft_fact(draft, "firstName");
	const char *last = draft_fact(draft, "lastName");
	const char *name = draft_fact(draft, "company");

	if (first != NULL && last != NULL)
		return buf_addf(buf, "%s %s", first, last);
	if (first != NULL || last != NULL)
		name = first != NULL ? first : last;
	if (name == NULL)
		name = first_of(draft, "phoneNumbers");
	if (name == NULL)
		name = first_of(draft, "emails");
	return buf_adds(buf, name != NULL ? name : "A contact");
}

static int
add_built_in(const struct draft *draft, struct buf *buf)
{
	if (draft->contact)
		return add_contact(draft, buf);
	return draft->call ? add_call(draft, buf) : add_message(draft, buf);
}

/* ---- templates ---- */

static int
add_text(struct buf *buf, const char *text)
{
	return text == NULL ? 0 : buf_adds(buf, text);
}

static int
add_date(const struct draft *draft, struct buf *buf)
{
	char text[WORDS_SIZE];

	words_time(draft_fact(draft, "createdAt"), "%Y-%m-%d", text);
	return buf_adds(buf, text);
}

static int
add_time(const struct draft *draft, struct buf *buf)
{
	char text[WORDS_SIZE];

	words_time(draft_fact(draft, "createdAt"), "%H:%M", text);
	return buf_adds(buf, text);
}

static int
add_direction(const struct draft *draft, struct buf *buf)
{
	return add_text(buf, draft_fact(draft, "direction"));
}

static int
add_duration(const struct draft *draft, struct buf *buf)
{
	json_int_t seconds = draft->call ? call_talk_seconds(draft->facts) : -1;
	char text[WORDS_SIZE];

	if (seconds < 0)
		return 0;
	words_duration(seconds, text);
	return buf_adds(buf, text);
}

static int
add_id(const struct draft *draft, struct buf *buf)
{
	return add_text(buf, draft_fact(draft, "id"));
}

static int
add_line(const struct draft *draft, struct buf *buf)
{
	return add_text(buf, draft_line(draft));
}

static int
add_number(const struct draft *draft, struct buf *buf)
{
	json_t *list = words_join(draft->parties, ", ");
	int rc = list == NULL ? -1 : add_text(buf, json_string_value(list));

	json_decref(list);
	return rc;
}

static int
add_outcome(const struct draft *draft, struct buf *buf)
{
	return add_text(buf,
	    draft->call ? words_outcome(draft->outcome)
			: draft_fact(draft, "status"));
}

/* What was written; of a call, what is there in its stead. */
static int
add_words(const struct draft *draft, struct buf *buf)
{
	const json_t *summary = json_object_get(draft->facts, "summary");
	const json_t *voicemail = json_object_get(draft->facts, "voicemail");
	const char *text = draft_fact(draft, "text");

	if (text == NULL)
		text = json_string_value(
		    json_array_get(json_object_get(summary, "summary"), 0));
	if (text == NULL)
		text =
		    json_string_value(json_object_get(voicemail, "transcript"));
	return text == NULL ? 0 : words_clip(buf, text, TEXT_UNITS);
}

static int
add_user(const struct draft *draft, struct buf *buf)
{
	return add_text(buf, draft_user(draft));
}

static int
add_who(const struct draft *draft, struct buf *buf)
{
	return add_parties(draft, buf);
}

static const struct {
	const char *name;
	int (*add)(const struct draft *draft, struct buf *buf);
} placeholders[] = {
	{ "who", add_who },
	{ "number", add_number },
	{ "outcome", add_outcome },
	{ "direction", add_direction },
	{ "duration", add_duration },
	{ "user", add_user },
	{ "line", add_line },
	{ "text", add_words },
	{ "date", add_date },
	{ "time", add_time },
	{ "id", add_id },
	{ "title", add_built_in },
};

enum { N_PLACEHOLDERS = sizeof(placeholders) / sizeof(*placeholders) };

const char *
title_placeholders(void)
{
	return "{who}, {number}, {outcome}, {direction}, {duration}, {user}, "
	       "{line}, {text}, {date}, {time}, {id}, {title}";
}

/* Of the placeholder that begins at the brace; -1: there is no such. */
static int
find_placeholder(const char *brace)
{
	size_t n = strcspn(brace + 1, "{}");

	for (int i = 0; brace[n + 1] == '}' && i < N_PLACEHOLDERS; i++)
		if (strlen(placeholders[i].name) == n &&
		    strncmp(placeholders[i].name, brace + 1, n) == 0)
			return i;
	return -1;
}

const char *
title_fault(const char *template)
{
	const char *p = template + strcspn(template, "{}");

	while (*p != '\0') {
		if (p[1] == p[0])
			p += 2;
		else if (*p == '{' && find_placeholder(p) >= 0)
			p += strcspn(p, "}") + 1;
		else
			return p;
		p += strcspn(p, "{}");
	}
	return NULL;
}

/* The template is a good one. */
static int
fill_in(const char *template, const struct draft *draft, struct buf *buf)
{
	const char *p = template;
	size_t n;

	for (;;) {
		n = strcspn(p, "{}");
		if (buf_add(buf, p, n) != 0)
			return -1;
		p += n;
		if (*p == '\0')
			return 0;
		if (p[1] == p[0]) {
			if (buf_add(buf, p, 1) != 0)
				return -1;
			p += 2;
		} else {
			if (placeholders[find_placeholder(p)].add(draft, buf) !=
			    0)
				return -1;
			p += strcspn(p, "}") + 1;
		}
	}
}

/* A page needs a name: where a template leaves nothing, the built-in one. */
static int
add_title(const struct draft *draft, struct buf *buf)
{
	const char *template = draft->in->title;

	if (template != NULL && title_fault(template) == NULL) {
		if (fill_in(template, draft, buf) != 0)
			return -1;
		if (!is_blank(buf_text(buf)))
			return 0;
		buf_reset(buf);
	}
	return add_built_in(draft, buf);
}

char *
title_make(const struct draft *draft)
{
	const char *mark = draft->in->deleted ? "Deleted: " : "";
	struct buf buf, line;
	char *ret = NULL;

	buf_init(&buf, TITLE_MAX);
	buf_init(&line, TITLE_MAX);
	if (buf_adds(&line, mark) == 0 && add_title(draft, &buf) == 0 &&
	    words_clip(&line, buf_text(&buf), TITLE_UNITS - strlen(mark)) == 0)
		ret = buf_steal(&line);
	buf_free(&buf);
	buf_free(&line);
	return ret;
}

const char *
title_icon(const struct draft *draft)
{
	if (draft->in->deleted)
		return "🗑️";
	if (draft->call)
		return words_of(draft->outcome)->icon;
	if (draft->contact)
		return "👤";
	return message_failed(draft->facts) ? "⚠️" : "💬";
}

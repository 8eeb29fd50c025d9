#include "model/title.h"

#include <stdlib.h>
#include <string.h>

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

static int
add_message(const struct draft *draft, struct buf *buf)
{
	const char *text = draft_fact(draft, "text");
	const json_t *media = json_object_get(draft->facts, "media");
	bool blank = text == NULL || text[strspn(text, " \t\r\n")] == '\0';
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

char *
title_make(const struct draft *draft)
{
	struct buf buf, line;
	char *ret = NULL;

	buf_init(&buf, TITLE_MAX);
	buf_init(&line, TITLE_MAX);
	if ((draft->call ? add_call(draft, &buf) : add_message(draft, &buf)) ==
		0 &&
	    words_clip(&line, buf_text(&buf), TITLE_UNITS) == 0)
		ret = buf_steal(&line);
	buf_free(&buf);
	buf_free(&line);
	return ret;
}

const char *
title_icon(const struct draft *draft)
{
	if (draft->call)
		return words_of(draft->outcome)->icon;
	return message_failed(draft->facts) ? "⚠️" : "💬";
}

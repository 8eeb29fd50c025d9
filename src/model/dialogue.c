#include "model/dialogue.h"

#include <string.h>

#include "model/call.h"
#include "model/names.h"
#include "model/words.h"

#define TURN_BYTES 300		   /* more of one speaker starts a new line */
#define LINE_MAX_BYTES (64u << 20) /* more than any payload holds */

/* What one speaker says, still being collected. */
struct turn {
	struct richtext *rt;
	bool bold, any;
	json_t *line;	     /* its first line; owned */
	const char *speaker; /* may be of that line */
	json_int_t seconds;
	struct buf text;
};

static const char *
speaker_of(const struct draft *draft, const json_t *line)
{
	const char *user = json_string_value(json_object_get(line, "userId"));
	const char *number =
	    json_string_value(json_object_get(line, "identifier"));
	const char *name = names_user(draft->names, user);

	if (name != NULL && name != user)
		return name;
	if (number == NULL || *number == '\0')
		return user != NULL && *user != '\0' ? user : "Unknown";
	for (size_t i = 0; i < json_array_size(draft->parties); i++)
		if (strcmp(draft_party(draft, i), number) == 0)
			return draft_party_name(draft, i);
	if (draft->own != NULL && strcmp(draft->own, number) == 0)
		return draft_line(draft);
	return names_number(draft->names, number);
}

static void
turn_end(struct turn *turn)
{
	char at[WORDS_SIZE];

	if (turn->text.len == 0)
		return;
	if (turn->any)
		richtext_add(turn->rt, RICHTEXT_PLAIN, "\n");
	turn->any = true;
	words_duration(turn->seconds, at);
	richtext_add(turn->rt, turn->bold ? RICHTEXT_BOLD : RICHTEXT_PLAIN,
	    turn->speaker);
	richtext_addf(turn->rt, RICHTEXT_PLAIN, " %s  ", at);
	richtext_add(turn->rt, RICHTEXT_PLAIN, buf_text(&turn->text));
	buf_reset(&turn->text);
}

static void
turn_add(struct turn *turn, const char *speaker, json_t *line, const char *text)
{
	double at = json_number_value(json_object_get(line, "start"));

	if (turn->text.len == 0 || strcmp(turn->speaker, speaker) != 0 ||
	    turn->text.len + strlen(text) > TURN_BYTES) {
		turn_end(turn);
		json_decref(turn->line);
		turn->line = json_incref(line);
		turn->speaker = speaker;
		turn->seconds = at > 0 && at < 1e9 ? (json_int_t)at : 0;
	}
	if ((turn->text.len > 0 && buf_adds(&turn->text, " ") != 0) ||
	    buf_adds(&turn->text, text) != 0)
		turn->rt->failed = true;
}

static const char *
line_text(const json_t *line)
{
	const char *text = json_string_value(json_object_get(line, "content"));

	return text == NULL ? "" : text;
}

bool
dialogue_add(
    struct richtext *rt, const struct draft *draft, bool bold, size_t max_items)
{
	struct turn turn = { .rt = rt, .bold = bold };
	struct call_lines lines;
	json_t *line;
	bool fits = true;

	if (call_lines_begin(&lines, draft->facts) != 0) {
		rt->failed = true;
		return true;
	}
	buf_init(&turn.text, LINE_MAX_BYTES);
	/* when they don't fit, there is no use in making the rest of it */
	while (fits && (line = call_lines_next(&lines)) != NULL) {
		if (*line_text(line) != '\0')
			turn_add(&turn, speaker_of(draft, line), line,
			    line_text(line));
		json_decref(line);
		fits = !bold || richtext_count(rt) <= max_items;
	}
	turn_end(&turn);
	json_decref(turn.line);
	buf_free(&turn.text);
	if (call_lines_end(&lines) != 0)
		rt->failed = true;
	return !bold || richtext_count(rt) <= max_items;
}

/* One entry of the original's form. */
static int
add_plain(struct buf *buf, const json_t *line)
{
	const char *user = json_string_value(json_object_get(line, "userId"));
	const char *speaker = user;

	if (speaker == NULL)
		speaker =
		    json_string_value(json_object_get(line, "identifier"));
	return buf_addf(buf, "%s[%.1fs - %.1fs] %s%s: %s",
	    buf->len > 0 ? "\n\n" : "",
	    json_number_value(json_object_get(line, "start")),
	    json_number_value(json_object_get(line, "end")),
	    user != NULL ? "User " : "", speaker != NULL ? speaker : "Unknown",
	    line_text(line));
}

int
dialogue_plain(struct buf *buf, const json_t *facts, size_t enough)
{
	struct call_lines lines;
	json_t *line;
	int rc = 0;

	if (call_lines_begin(&lines, facts) != 0)
		return -1;
	while (rc == 0 && buf->len < enough &&
	    (line = call_lines_next(&lines)) != NULL) {
		rc = add_plain(buf, line);
		json_decref(line);
	}
	return call_lines_end(&lines) != 0 ? -1 : rc;
}

#include "model/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "ext/jansson.h"
#include "model/names.h"

/* ---- how it went -------------------------------------------------------- */

static const char *
text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool
text_is(const json_t *object, const char *name, const char *word)
{
	const char *s = text(object, name);

	return s != NULL && strcmp(s, word) == 0;
}

static bool
status_in(const json_t *facts, const char *const *words)
{
	for (; *words != NULL; words++)
		if (text_is(facts, "status", *words))
			return true;
	return false;
}

static bool
moment(const json_t *object, const char *name, int64_t *ret)
{
	const char *s = text(object, name);

	return s != NULL && rfc3339_parse(s, ret) == 0;
}

static bool
incoming(const json_t *facts)
{
	return text_is(facts, "direction", "incoming");
}

static bool
outgoing(const json_t *facts)
{
	return text_is(facts, "direction", "outgoing");
}

static bool
answered(const json_t *facts)
{
	return text(facts, "answeredAt") != NULL ||
	    text(facts, "answeredBy") != NULL ||
	    text_is(facts, "status", "answered") ||
	    text_is(facts, "status", "ai-handled");
}

static bool
by_agent(const json_t *facts)
{
	return text(facts, "aiHandled") != NULL ||
	    text_is(facts, "status", "ai-handled") ||
	    names_is_agent(text(facts, "answeredBy"));
}

static bool
has_voicemail(const json_t *facts)
{
	const json_t *voicemail = json_object_get(facts, "voicemail");

	return text(voicemail, "url") != NULL ||
	    text(voicemail, "id") != NULL ||
	    text(voicemail, "transcript") != NULL ||
	    json_is_true(json_object_get(facts, "hasVoicemail"));
}

static bool
forwarded(const json_t *facts)
{
	return text(facts, "forwardedTo") != NULL ||
	    text_is(facts, "status", "forwarded");
}

bool
call_is_over(const json_t *facts)
{
	static const char *const live[] = { "queued", "initiated", "ringing",
		"in-progress", "unknown", NULL };

	return text(facts, "completedAt") != NULL ||
	    (text(facts, "status") != NULL && !status_in(facts, live)) ||
	    json_is_true(json_object_get(facts, "missed")) ||
	    json_object_get(facts, "voicemail") != NULL;
}

/* Of a call that isn't over. */
static const char *
live_outcome(const json_t *facts)
{
	static const char *const words[] = { "queued", "initiated", "ringing",
		NULL };

	if (forwarded(facts))
		return "forwarded";
	if (answered(facts))
		return "in-progress";
	if (status_in(facts, words) ||
	    json_object_get(facts, "ringing") != NULL ||
	    json_object_get(facts, "menu") != NULL)
		return "ringing";
	return "unknown";
}

const char *
call_outcome(const json_t *facts)
{
	static const char *const unanswered[] = { "unanswered", "no-answer",
		"missed", "abandoned", "busy", "canceled", NULL };

	if (!call_is_over(facts))
		return live_outcome(facts);
	if (answered(facts) && by_agent(facts))
		return "ai";
	/* answered by the number that it was forwarded to: nobody here was */
	if (answered(facts) &&
	    !(forwarded(facts) && text(facts, "answeredBy") == NULL))
		return "answered";
	if (has_voicemail(facts) && !outgoing(facts))
		return "voicemail";
	if (forwarded(facts))
		return "forwarded";
	if (text_is(facts, "status", "failed"))
		return "failed";
	if (outgoing(facts))
		return "no-answer";
	if (incoming(facts) || status_in(facts, unanswered) ||
	    json_object_get(facts, "missed") != NULL)
		return "missed";
	return "unknown";
}

int64_t
call_talk_seconds(const json_t *facts)
{
	const json_t *duration = json_object_get(facts, "duration");
	int64_t from, to;

	if (!answered(facts))
		return -1;
	if (moment(facts, "answeredAt", &from) &&
	    moment(facts, "completedAt", &to) && to >= from)
		return (to - from + 500000) / 1000000;
	return json_is_integer(duration) ? json_integer_value(duration) : -1;
}

/* ---- who ---------------------------------------------------------------- */

static bool
contains(const json_t *list, const char *s)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (strcmp(json_string_value(item), s) == 0)
			return true;
	return false;
}

/* Is it one of the workspace's numbers? */
static bool
is_own(const json_t *names, const json_t *facts, const char *number)
{
	const char *id;
	json_t *line;

	if (contains(json_object_get(facts, "workspace"), number))
		return true;
	json_object_foreach (json_object_get(names, "numbers"), id, line) {
		const char *own = text(line, "number");

		if (own != NULL && strcmp(own, number) == 0)
			return true;
	}
	return false;
}

/* Where nothing names our own number: captured v4 payloads have [contact, ours]
 * for incoming calls, [ours, contact] for outgoing ones. */
static const char *
own_participant(const json_t *facts, const json_t *names)
{
	const json_t *list = json_object_get(facts, "participants"), *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (is_own(names, facts, json_string_value(item)))
			return json_string_value(item);
	if (json_array_size(list) != 2)
		return NULL;
	if (incoming(facts))
		return json_string_value(json_array_get(list, 1));
	if (outgoing(facts))
		return json_string_value(json_array_get(list, 0));
	return NULL;
}

const char *
call_own_number(const json_t *facts, const json_t *names)
{
	const char *own =
	    names_line_number(names, text(facts, "phoneNumberId"));

	if (own == NULL)
		own = json_string_value(
		    json_array_get(json_object_get(facts, "workspace"), 0));
	if (own == NULL && incoming(facts))
		own = text(facts, "to");
	if (own == NULL && outgoing(facts))
		own = text(facts, "from");
	if (own == NULL)
		own = own_participant(facts, names);
	if (own == NULL)
		own = text(json_object_get(facts, "voicemail"), "to");
	return own;
}

static int
append_once(json_t *list, const char *number)
{
	if (number == NULL || *number == '\0' || contains(list, number))
		return 0;
	return json_array_append_new(list, json_string(number));
}

/* Those of the numbers that are not ours. */
static int
append_others(json_t *list, const json_t *numbers, const json_t *facts,
    const json_t *names)
{
	const char *own = call_own_number(facts, names);
	const json_t *item;
	size_t i;
	int rc = 0;

	json_array_foreach (numbers, i, item) {
		const char *number = json_string_value(item);

		if ((own == NULL || strcmp(own, number) != 0) &&
		    !is_own(names, facts, number))
			rc |= append_once(list, number);
	}
	return rc;
}

static int
append_all(json_t *list, const json_t *numbers)
{
	const json_t *item;
	size_t i;
	int rc = 0;

	json_array_foreach (numbers, i, item)
		rc |= append_once(list, json_string_value(item));
	return rc;
}

json_t *
call_parties(const json_t *facts, const json_t *names)
{
	const json_t *external = json_object_get(facts, "external");
	const json_t *participants = json_object_get(facts, "participants");
	json_t *list = json_array();
	int rc = 0;

	if (list == NULL)
		return NULL;
	rc |= append_others(list, external, facts, names);
	if (json_array_size(list) == 0 && (incoming(facts) || outgoing(facts)))
		rc |= append_once(
		    list, text(facts, incoming(facts) ? "from" : "to"));
	if (json_array_size(list) == 0)
		rc |= append_others(list, participants, facts, names);
	if (json_array_size(list) == 0)
		rc |= append_once(
		    list, text(json_object_get(facts, "voicemail"), "from"));
	/* one of our lines called another */
	if (json_array_size(list) == 0)
		rc |= append_all(list, external);
	if (json_array_size(list) == 0)
		rc |= append_all(list, participants);
	if (rc != 0) {
		json_decref(list);
		return NULL;
	}
	return list;
}

/* ---- what was said ------------------------------------------------------ */

static int
compare_text(const json_t *a, const json_t *b, const char *name)
{
	const char *x = text(a, name), *y = text(b, name);

	return strcmp(x == NULL ? "" : x, y == NULL ? "" : y);
}

/* By time; where there is none, by the place in the list; then by name. */
static int
compare_segments(const void *x, const void *y)
{
	const json_t *a = *(json_t *const *)x, *b = *(json_t *const *)y;
	json_int_t i = json_integer_value(json_object_get(a, "index"));
	json_int_t j = json_integer_value(json_object_get(b, "index"));
	int order = compare_text(a, b, "startTime");

	if (order == 0)
		order = (i > j) - (i < j);
	return order != 0 ? order : compare_text(a, b, "key");
}

/* The members of group, each a copy with its name as "key", sorted. */
static json_t *
segments(const json_t *group)
{
	size_t n = 0, size = json_object_size(group);
	json_t **copies = calloc(size + 1, sizeof(*copies));
	json_t *list = json_array(), *member;
	const char *key;
	int rc = copies == NULL || list == NULL ? -1 : 0;

	if (rc != 0)
		goto out;
	json_object_foreach ((json_t *)group, key, member) {
		if ((copies[n] = jansson_copy(member)) == NULL ||
		    json_object_set_new(copies[n++], "key", json_string(key)) !=
			0) {
			rc = -1;
			goto out;
		}
	}
	qsort(copies, n, sizeof(*copies), compare_segments);
	for (size_t i = 0; i < n; i++)
		rc |= json_array_append(list, copies[i]);
out:
	for (size_t i = 0; i < n; i++)
		json_decref(copies[i]);
	free(copies);
	if (rc == 0)
		return list;
	json_decref(list);
	return NULL;
}

/* Is there one before it in the list with the same URL? */
static bool
repeated(const json_t *list, size_t at)
{
	const char *url = text(json_array_get(list, at), "url");

	for (size_t i = 0; url != NULL && i < at; i++) {
		const char *other = text(json_array_get(list, i), "url");

		if (other != NULL && strcmp(url, other) == 0)
			return true;
	}
	return false;
}

json_t *
call_recordings(const json_t *facts)
{
	json_t *list = segments(json_object_get(facts, "recordings"));
	const json_t *item;
	bool any_id = false;
	size_t i;

	json_array_foreach (list, i, item)
		any_id |= text(item, "id") != NULL;
	/* segments without id are the same ones as generation 1 has them */
	for (i = json_array_size(list); i-- > 0;)
		if (repeated(list, i) ||
		    (any_id && text(json_array_get(list, i), "id") == NULL))
			json_array_remove(list, i);
	return list;
}

/* The line, which is taken over, with its times moved by so many seconds. */
static json_t *
moved_line(json_t *line, double by)
{
	static const char *const names[] = { "start", "end" };
	json_t *copy;

	if (line == NULL || by == 0)
		return line;
	copy = jansson_copy(line);
	for (size_t i = 0; copy != NULL && i < 2; i++) {
		const json_t *at = json_object_get(line, names[i]);

		if (json_is_number(at) &&
		    json_object_set_new(copy, names[i],
			json_real(json_number_value(at) + by)) != 0) {
			json_decref(copy);
			copy = NULL;
		}
	}
	json_decref(line);
	return copy;
}

/* Leave either the segments or the whole call's: what has more lines. */
static void
choose(json_t *parts)
{
	size_t lines = 0, whole = 0, n;
	const json_t *part;
	size_t i;

	json_array_foreach (parts, i, part) {
		n = lines_count(json_object_get(part, "dialogue"));
		*(text_is(part, "key", "call") ? &whole : &lines) += n;
	}
	for (i = json_array_size(parts); i-- > 0;)
		if (text_is(json_array_get(parts, i), "key", "call") !=
		    (lines <= whole))
			json_array_remove(parts, i);
}

int
call_lines_begin(struct call_lines *lines, const json_t *facts)
{
	*lines = (struct call_lines){ .parts = segments(json_object_get(
					  facts, "transcripts")) };
	if (lines->parts == NULL)
		return -1;
	choose(lines->parts);
	return 0;
}

/* The times of a segment count from its own start. */
static void
begin_part(struct call_lines *lines)
{
	const json_t *part = json_array_get(lines->parts, lines->next++);
	int64_t start;

	if (!moment(part, "startTime", &start))
		start = lines->first;
	if (lines->first == 0)
		lines->first = start;
	lines->by = (double)(start - lines->first) / 1e6;
	lines_begin(&lines->part, json_object_get(part, "dialogue"));
}

json_t *
call_lines_next(struct call_lines *lines)
{
	json_t *line, *moved;

	while ((line = lines_next(&lines->part)) == NULL &&
	    !lines->part.failed && lines->next < json_array_size(lines->parts))
		begin_part(lines);
	moved = moved_line(line, lines->by);
	if (lines->part.failed || (line != NULL && moved == NULL))
		lines->failed = true;
	return moved;
}

int
call_lines_end(struct call_lines *lines)
{
	json_decref(lines->parts);
	lines->parts = NULL;
	return lines->failed ? -1 : 0;
}

int
call_has_lines(const json_t *facts)
{
	struct call_lines lines;
	json_t *line;
	bool any;

	if (call_lines_begin(&lines, facts) != 0)
		return -1;
	line = call_lines_next(&lines);
	any = line != NULL;
	json_decref(line);
	return call_lines_end(&lines) != 0 ? -1 : any;
}

/* ---- what is still to come ---------------------------------------------- */

static bool
known(const json_t *facts, const char *name)
{
	return json_is_true(json_object_get(facts, name));
}

static bool
any_url(const json_t *recordings)
{
	const char *key;
	json_t *recording;

	json_object_foreach ((json_t *)recordings, key, recording)
		if (text(recording, "url") != NULL)
			return true;
	return false;
}

static bool
voicemail_expected(const json_t *facts)
{
	const json_t *has = json_object_get(facts, "hasVoicemail");

	if (known(facts, "voicemailKnown") || outgoing(facts) ||
	    json_is_false(has))
		return false;
	return json_is_true(has) || !forwarded(facts);
}

unsigned int
call_expects(const json_t *facts, int64_t now)
{
	int64_t end;
	unsigned int parts = 0;

	if (!call_is_over(facts) ||
	    (!moment(facts, "completedAt", &end) &&
		!moment(facts, "createdAt", &end)) ||
	    now - end >= CALL_PARTS_WAIT)
		return 0;
	if (!answered(facts))
		return voicemail_expected(facts) ? CALL_VOICEMAIL : 0;
	if (!known(facts, "recordingsKnown") &&
	    !any_url(json_object_get(facts, "recordings")))
		parts |= CALL_RECORDINGS;
	if (!known(facts, "transcriptKnown"))
		parts |= CALL_TRANSCRIPT;
	if (!known(facts, "summaryKnown"))
		parts |= CALL_SUMMARY;
	return parts;
}

#include "model/words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "base/utf8.h"

#define JOIN_MAX (64u << 20) /* more than any payload holds */

void
words_duration(json_int_t seconds, char ret[WORDS_SIZE])
{
	json_int_t s = seconds < 0 ? 0 : seconds;

	if (s >= 3600)
		snprintf(ret, WORDS_SIZE, "%lld:%02d:%02d",
		    (long long)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
	else
		snprintf(
		    ret, WORDS_SIZE, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

void
words_count(int64_t n, char ret[WORDS_SIZE])
{
	char digits[32];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)n),
	    at = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-')
			ret[at++] = ',';
		ret[at++] = digits[i];
	}
	ret[at] = '\0';
}

void
words_span(int64_t seconds, char ret[WORDS_SIZE])
{
	int64_t minutes = (seconds + 59) / 60, hours = minutes / 60;

	if (seconds < 60)
		snprintf(ret, WORDS_SIZE, "%lld s", (long long)seconds);
	else if (minutes < 60)
		snprintf(ret, WORDS_SIZE, "%lld min", (long long)minutes);
	else if (hours < 48)
		snprintf(ret, WORDS_SIZE, "%lld h %lld min", (long long)hours,
		    (long long)(minutes % 60));
	else
		snprintf(ret, WORDS_SIZE, "%lld d %lld h",
		    (long long)(hours / 24), (long long)(hours % 24));
}

void
words_time(const char *rfc3339, const char *format, char ret[WORDS_SIZE])
{
	int64_t usec;

	ret[0] = '\0';
	if (rfc3339 != NULL && rfc3339_parse(rfc3339, &usec) == 0)
		rfc3339_local(usec, format, ret, WORDS_SIZE);
}

json_int_t
words_seconds(const char *from, const char *to)
{
	int64_t a, b;

	if (from == NULL || to == NULL || rfc3339_parse(from, &a) != 0 ||
	    rfc3339_parse(to, &b) != 0 || b < a)
		return -1;
	return (b - a) / 1000000;
}

const char *
words_outcome(const char *outcome)
{
	static const struct {
		const char *outcome, *name;
	} names[] = {
		{ "answered", "Answered" },
		{ "ai", "AI agent" },
		{ "voicemail", "Voicemail" },
		{ "forwarded", "Forwarded" },
		{ "missed", "Missed" },
		{ "no-answer", "No answer" },
		{ "failed", "Failed" },
		{ "ringing", "Ringing" },
		{ "in-progress", "In progress" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(outcome, names[i].outcome) == 0)
			return names[i].name;
	return NULL;
}

/* White space in one blank each, none at the ends. */
static void
squeeze(char *text)
{
	char *out = text;
	bool space = false;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == ' ' || *p == '\t' || *p == '\n') {
			space = true;
			continue;
		}
		if (space && out > text)
			*out++ = ' ';
		space = false;
		*out++ = *p;
	}
	*out = '\0';
}

int
words_clip(struct buf *buf, const char *text, size_t max_units)
{
	char *line = utf8_clean(text, strlen(text));
	size_t n, cut;
	int rc = -1;

	if (line == NULL)
		return -1;
	squeeze(line);
	n = strlen(line);
	if (utf8_units(line, n) <= max_units) {
		rc = buf_add(buf, line, n);
	} else {
		cut = utf8_cut(line, n, max_units - 1);
		while (cut > 0 && line[cut - 1] == ' ')
			cut--;
		if (buf_add(buf, line, cut) == 0 && buf_adds(buf, "…") == 0)
			rc = 0;
	}
	free(line);
	return rc;
}

json_t *
words_join(const json_t *strings, const char *between)
{
	struct buf buf;
	json_t *value, *ret = NULL;
	const char *text;
	size_t i;

	buf_init(&buf, JOIN_MAX);
	json_array_foreach (strings, i, value) {
		text = json_string_value(value);
		if (text == NULL || *text == '\0')
			continue;
		if ((buf.len > 0 && buf_adds(&buf, between) != 0) ||
		    buf_adds(&buf, text) != 0)
			goto out;
	}
	ret = buf.len == 0 ? json_null() : json_stringn(buf.data, buf.len);
out:
	buf_free(&buf);
	return ret;
}

/*
 * foldcat - fold what comes in, and show what comes of it: the fold and the
 * page as a filter, for tests that want thousands of histories.
 *
 *     foldcat [--page]
 *
 * A line of standard input is the envelope of an event, or the answer of an
 * endpoint of OpenPhone: {"rest": "recordings", "data": [...]}, null for data
 * standing for "there is none". An empty line ends a history, and so does the
 * end of the input: its state is printed as one line, or with --page the
 * pages of both schemas, and the next history begins with nothing.
 *
 * Between two lines the state goes through text, as it goes through the
 * database between two runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/fold.h"
#include "model/page.h"

struct history {
	json_t *state;
	const char *kind; /* of the resource; static */
	bool page;
};

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "foldcat: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static json_t *
parse(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);

	if (json == NULL)
		die("not JSON", error.text);
	return json;
}

static int
fold_summary_or_none(json_t *state, const json_t *data, struct err *err)
{
	return fold_rest_summary(state, json_is_null(data) ? NULL : data, err);
}

static int
fold_voicemail_or_none(json_t *state, const json_t *data, struct err *err)
{
	return fold_rest_voicemail(
	    state, json_is_null(data) ? NULL : data, err);
}

static int
fold_transcripts_or_none(json_t *state, const json_t *data, struct err *err)
{
	return fold_rest_transcripts(
	    state, json_is_null(data) ? NULL : data, err);
}

static const struct endpoint {
	const char *name, *kind;
	int (*fold)(json_t *state, const json_t *data, struct err *err);
} endpoints[] = {
	{ "call", "call", fold_rest_call },
	{ "recordings", "call", fold_rest_recordings },
	{ "summary", "call", fold_summary_or_none },
	{ "transcripts", "call", fold_transcripts_or_none },
	{ "voicemail", "call", fold_voicemail_or_none },
	{ "message", "message", fold_rest_message },
	{ "contact", "contact", fold_rest_contact },
};

static void
fold_answer(struct history *h, const char *name, const json_t *data)
{
	struct err err = ERR_INIT;

	for (size_t i = 0; i < sizeof(endpoints) / sizeof(*endpoints); i++) {
		if (strcmp(endpoints[i].name, name) != 0)
			continue;
		h->kind = endpoints[i].kind;
		if (endpoints[i].fold(h->state, data, &err) != 0)
			die(name, err.text);
		return;
	}
	die("no such endpoint", name);
}

static void
fold_line(struct history *h, const char *line)
{
	json_t *json = parse(line), *rest = json_object_get(json, "rest");
	struct err err = ERR_INIT;
	struct event event;

	if (rest != NULL) {
		fold_answer(
		    h, json_string_value(rest), json_object_get(json, "data"));
	} else {
		event_identify(json, &event);
		h->kind =
		    strcmp(event.kind, "message") == 0 ? "message" : "call";
		if (fold_event(h->state, json, &event, &err) != 0)
			die(event.type, err.text);
	}
	json_decref(json);
}

static char *
spell(const json_t *json)
{
	char *text = json_dumps(json, FOLD_DUMP_FLAGS | JSON_ENCODE_ANY);

	if (text == NULL)
		die("a result", "cannot be spelt");
	return text;
}

static void
through_text(struct history *h)
{
	char *text = spell(h->state);

	json_decref(h->state);
	h->state = parse(text);
	free(text);
}

/* A file in the bucket for the part of that name. */
static void
store(json_t *media, const char *path, const char *key)
{
	char name[512], url[600];

	snprintf(name, sizeof(name), "%s%s", path, key);
	snprintf(url, sizeof(url), "https://phone.example/%s", name);
	if (json_object_set_new(media, name,
		json_pack("{s:s, s:s}", "state", "stored", "url", url)) != 0)
		die("media", "out of memory");
}

static json_t *
stored_media(const json_t *facts)
{
	json_t *ret = json_object(), *part;
	char index[24];
	const char *key;
	size_t i;

	json_object_foreach (json_object_get(facts, "recordings"), key, part)
		store(ret, "recordings/", key);
	json_array_foreach (json_object_get(facts, "media"), i, part) {
		snprintf(index, sizeof(index), "%zu", i);
		store(ret, "media/", index);
	}
	if (json_object_get(facts, "voicemail") != NULL)
		store(ret, "voicemail", "");
	return ret;
}

static json_t *
page_of(const struct history *h, enum page_schema schema)
{
	const json_t *facts = json_object_get(h->state, "facts");
	json_t *media = stored_media(facts), *ret;
	const struct page_input input = { .kind = h->kind,
		.facts = facts,
		.media = media,
		.schema = schema };
	struct err err = ERR_INIT;
	struct page page;

	if (page_render(&input, &page, &err) != 0)
		die("the page", err.text);
	ret = json_pack("{s:s, s:s, s:O, s:O}", "title", page.title, "icon",
	    page.icon, "values", page.values, "sections", page.sections);
	page_free(&page);
	json_decref(media);
	return ret;
}

static void
end_history(struct history *h)
{
	json_t *pages = NULL;
	char *text;

	if (h->page)
		pages = json_pack("{s:o, s:o}", "ours",
		    page_of(h, PAGE_SCHEMA_OURS), "original",
		    page_of(h, PAGE_SCHEMA_ORIGINAL));
	text = spell(h->page ? pages : h->state);
	puts(text);
	fflush(stdout);
	free(text);
	json_decref(pages);
	json_decref(h->state);
	h->state = fold_new();
	h->kind = NULL;
}

int
main(int argc, char **argv)
{
	struct history h = { .state = fold_new() };
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	h.page = argc == 2 && strcmp(argv[1], "--page") == 0;
	if (argc > 1 && !h.page)
		die("usage", "foldcat [--page]");
	while ((n = getline(&line, &size, stdin)) > 0) {
		line[n - 1] = line[n - 1] == '\n' ? '\0' : line[n - 1];
		if (line[0] == '\0') {
			end_history(&h);
			continue;
		}
		fold_line(&h, line);
		through_text(&h);
	}
	if (h.kind != NULL)
		end_history(&h);
	json_decref(h.state);
	free(line);
	return EXIT_SUCCESS;
}

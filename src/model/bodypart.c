#include "model/bodypart.h"

#include <stdarg.h>
#include <string.h>

#include "model/block.h"
#include "model/words.h"

int
bodypart_section(json_t *sections, const char *name, json_t *blocks)
{
	if (blocks != NULL && json_array_size(blocks) == 0) {
		json_decref(blocks);
		return 0;
	}
	return json_array_append_new(
	    sections, json_pack("{s:s, s:o}", "name", name, "blocks", blocks));
}

json_t *
bodypart_text(const char *type, struct richtext *rt)
{
	json_t *blocks = json_array();

	if (block_add_text(blocks, type, rt) != 0) {
		json_decref(blocks);
		return NULL;
	}
	return blocks;
}

void
bodypart_item(struct richtext *rt, const char *fmt, ...)
{
	va_list ap;

	if (!richtext_at_line_start(rt))
		richtext_add(rt, RICHTEXT_PLAIN, " · ");
	va_start(ap, fmt);
	richtext_vaddf(rt, RICHTEXT_PLAIN, fmt, ap);
	va_end(ap);
}

void
bodypart_line(struct richtext *rt)
{
	if (!richtext_at_line_start(rt))
		richtext_add(rt, RICHTEXT_PLAIN, "\n");
}

static void
person(struct richtext *rt, const char *name, const char *number)
{
	richtext_add(rt, RICHTEXT_BOLD, name);
	if (number != NULL && strcmp(name, number) != 0)
		richtext_addf(rt, RICHTEXT_PLAIN, " (%s)", number);
}

/* The other parties from the first-th on. */
static void
parties(struct richtext *rt, const struct draft *draft, size_t first)
{
	size_t n = json_array_size(draft->parties);

	if (n == 0)
		richtext_add(rt, RICHTEXT_PLAIN, "an unknown number");
	for (size_t i = first; i < n; i++) {
		if (i > 0)
			richtext_add(rt, RICHTEXT_PLAIN, ", ");
		person(rt, draft_party_name(draft, i), draft_party(draft, i));
	}
}

void
bodypart_people(struct richtext *rt, const struct draft *draft)
{
	const char *line = draft_line(draft);

	if (line == NULL) {
		if (json_array_size(draft->parties) > 0)
			parties(rt, draft, 0);
	} else if (draft_is_outgoing(draft)) {
		person(rt, line, draft->own);
		richtext_add(rt, RICHTEXT_PLAIN, " → ");
		parties(rt, draft, 0);
	} else if (!draft->call && json_array_size(draft->parties) > 1) {
		/* one wrote to us and to the others */
		person(rt, draft_party_name(draft, 0), draft_party(draft, 0));
		richtext_add(rt, RICHTEXT_PLAIN, " → ");
		person(rt, line, draft->own);
		parties(rt, draft, 1);
	} else {
		parties(rt, draft, 0);
		richtext_add(rt, RICHTEXT_PLAIN,
		    draft_is_incoming(draft) ? " → " : " ↔ ");
		person(rt, line, draft->own);
	}
}

void
bodypart_when(struct richtext *rt, const struct draft *draft)
{
	char when[WORDS_SIZE];

	words_time(
	    draft_fact(draft, "createdAt"), "%a %-d %b %Y, %H:%M %Z", when);
	if (*when != '\0')
		bodypart_item(rt, "%s", when);
}

void
bodypart_deep_link(struct richtext *rt, const struct draft *draft)
{
	const char *url = draft_fact(draft, "deepLink");

	if (!richtext_url(url))
		return;
	bodypart_line(rt);
	richtext_link(rt, url, "Open in OpenPhone");
}

/* What to say of media that nobody will hear or see here; NULL when it is
 * there or may still come. */
static const char *
loss(const json_t *media)
{
	const char *state = json_string_value(json_object_get(media, "state"));

	if (state == NULL)
		return NULL;
	if (strcmp(state, "gone") == 0)
		return "no longer available at OpenPhone";
	if (strcmp(state, "failed") == 0)
		return "could not be copied";
	if (strcmp(state, "stored") == 0 && draft_stored_url(media) == NULL)
		return "stored, but there is no link to it";
	return NULL;
}

void
bodypart_media_line(struct richtext *rt, const json_t *media, const char *label)
{
	const char *url = draft_stored_url(media), *lost = loss(media);

	if (url == NULL && lost == NULL)
		return;
	bodypart_line(rt);
	if (url != NULL)
		richtext_link(rt, url, label);
	else
		richtext_addf(rt, RICHTEXT_GRAY, "%s: %s", label, lost);
}

int
bodypart_media(json_t *blocks, const json_t *media, const char *mime,
    const char *label, bool show_label)
{
	const char *url = draft_stored_url(media), *id = draft_upload(media);
	struct richtext rt;

	richtext_init(&rt);
	if (url == NULL && id == NULL) {
		bodypart_media_line(&rt, media, label);
		return block_add_text(blocks, "paragraph", &rt);
	}
	if (show_label)
		richtext_add(&rt, RICHTEXT_PLAIN, label);
	return json_array_append_new(blocks,
	    id != NULL ? block_upload(mime, id, richtext_take(&rt))
		       : block_media(mime, url,
			     json_string_value(json_object_get(media, "name")),
			     richtext_take(&rt)));
}

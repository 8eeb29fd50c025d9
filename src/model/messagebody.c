#include "model/messagebody.h"

#include <stdio.h>
#include <string.h>

#include "model/bodypart.h"
#include "model/message.h"

/* "Partially delivered" for "partially_delivered" */
static void
add_status(struct richtext *rt, const struct draft *draft)
{
	const char *status = draft_fact(draft, "status");
	const char *code = draft_fact(draft, "errorCode");
	const char *reason = message_error_text(code);
	char words[64];

	if (status != NULL) {
		snprintf(words, sizeof(words), "%s", status);
		for (char *p = words; *p != '\0'; p++)
			if (*p == '_' || *p == '-')
				*p = ' ';
		if (*words >= 'a' && *words <= 'z')
			*words = (char)(*words - 'a' + 'A');
		bodypart_item(rt, "%s", words);
	}
	if (code != NULL)
		bodypart_item(rt, "Error %s%s%s", code,
		    reason != NULL ? ": " : "", reason != NULL ? reason : "");
}

static json_t *
facts_blocks(const struct draft *draft)
{
	const char *user = draft_user(draft);
	struct richtext rt;

	richtext_init(&rt);
	bodypart_people(&rt, draft);
	bodypart_line(&rt);
	bodypart_when(&rt, draft);
	add_status(&rt, draft);
	if (draft_is_outgoing(draft) && user != NULL)
		bodypart_item(&rt, "Sent by %s", user);
	bodypart_deep_link(&rt, draft);
	return bodypart_text("paragraph", &rt);
}

static json_t *
text_blocks(const struct draft *draft)
{
	struct richtext rt;

	richtext_init(&rt);
	richtext_add(&rt, RICHTEXT_PLAIN, draft_fact(draft, "text"));
	return bodypart_text("paragraph", &rt);
}

/* The i-th attachment: what is known of it in storage, its type, and what
 * to call it. */
struct attachment {
	const json_t *media;
	const char *type;
	char label[64];
};

static void
attachment_get(const struct draft *draft, size_t i, struct attachment *ret)
{
	const json_t *all = json_object_get(draft->facts, "media");
	char path[32];

	snprintf(path, sizeof(path), "media/%zu", i);
	ret->media = draft_media(draft, path);
	ret->type = draft_attachment_type(draft, i);
	snprintf(ret->label, sizeof(ret->label), "Attachment %zu of %zu", i + 1,
	    json_array_size(all));
}

static json_t *
media_blocks(const struct draft *draft)
{
	size_t n = json_array_size(json_object_get(draft->facts, "media"));
	json_t *blocks = json_array();
	struct attachment one;

	for (size_t i = 0; i < n; i++) {
		attachment_get(draft, i, &one);
		if (bodypart_media(
			blocks, one.media, one.type, one.label, false) != 0) {
			json_decref(blocks);
			return NULL;
		}
	}
	return blocks;
}

/* The attachments as one paragraph of links. */
static json_t *
media_lines(const struct draft *draft)
{
	size_t n = json_array_size(json_object_get(draft->facts, "media"));
	struct attachment one;
	struct richtext rt;

	richtext_init(&rt);
	for (size_t i = 0; i < n; i++) {
		attachment_get(draft, i, &one);
		bodypart_media_line(&rt, one.media, one.label);
	}
	return bodypart_text("paragraph", &rt);
}

int
messagebody_add(json_t *sections, const struct draft *draft)
{
	bool few = draft->in->few_blocks;

	if (bodypart_section(sections, "facts", facts_blocks(draft)) != 0 ||
	    bodypart_section(sections, "text", text_blocks(draft)) != 0)
		return -1;
	return bodypart_section(
	    sections, "media", few ? media_lines(draft) : media_blocks(draft));
}

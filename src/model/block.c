#include "model/block.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"

#define FILE_NAME_UNITS 100

/* The items are within the limits (see richtext_split). */
static json_t *
text_block(const char *type, json_t *items)
{
	if (strcmp(type, "to_do") == 0)
		return json_pack("{s:s, s:{s:o, s:b}}", "type", type, type,
		    "rich_text", items, "checked", 0);
	return json_pack(
	    "{s:s, s:{s:o}}", "type", type, type, "rich_text", items);
}

json_t *
block_toggle(const char *title, json_t *children)
{
	return json_pack("{s:s, s:{s:[{s:s, s:{s:s}}], s:b, s:o}}", "type",
	    "heading_2", "heading_2", "rich_text", "type", "text", "text",
	    "content", title, "is_toggleable", 1, "children", children);
}

json_t *
block_children(const json_t *block)
{
	const char *type = json_string_value(json_object_get(block, "type"));

	return json_object_get(json_object_get(block, type), "children");
}

/* The block that plays or shows a MIME type. */
static const char *
media_type(const char *mime)
{
	static const struct {
		const char *mime, *block;
	} types[] = {
		{ "audio/", "audio" },
		{ "image/svg", "file" }, /* never rendered from a link */
		{ "image/", "image" },
		{ "video/", "video" },
		{ "application/pdf", "pdf" },
	};

	for (size_t i = 0; mime != NULL && i < sizeof(types) / sizeof(*types);
	     i++)
		if (strncasecmp(mime, types[i].mime, strlen(types[i].mime)) ==
		    0)
			return types[i].block;
	return "file";
}

json_t *
block_media(
    const char *mime, const char *url, const char *name, json_t *caption)
{
	const char *type = media_type(mime);
	json_t *block =
	    json_pack("{s:s, s:{s:s, s:{s:s}, s:o}}", "type", type, type,
		"type", "external", "external", "url", url, "caption", caption);

	if (block != NULL && name != NULL && *name != '\0' &&
	    strcmp(type, "file") == 0) {
		size_t n = utf8_cut(name, strlen(name), FILE_NAME_UNITS);

		if (json_object_set_new(json_object_get(block, type), "name",
			json_stringn(name, n)) != 0) {
			json_decref(block);
			return NULL;
		}
	}
	return block;
}

json_t *
block_upload(const char *mime, const char *id, json_t *caption)
{
	const char *type = media_type(mime);

	return json_pack("{s:s, s:{s:s, s:{s:s}, s:o}}", "type", type, type,
	    "type", "file_upload", "file_upload", "id", id, "caption", caption);
}

int
block_add_text(json_t *blocks, const char *type, struct richtext *rt)
{
	json_t *items = richtext_take(rt), *groups = NULL, *group;
	size_t i;
	int rc = -1;

	if (items == NULL || (groups = richtext_split(items)) == NULL)
		goto out;
	json_array_foreach (groups, i, group)
		if (json_array_append_new(
			blocks, text_block(type, json_incref(group))) != 0)
			goto out;
	rc = 0;
out:
	json_decref(groups);
	json_decref(items);
	return rc;
}

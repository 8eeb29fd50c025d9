/*
 * block.h - Notion blocks, as a request holds them.
 *
 * Shapes: https://developers.notion.com/reference/block. The server refuses
 * unknown keys. Functions that make a block return a new reference, NULL
 * when memory is out or when they are given a NULL; they take over ("steal")
 * the arrays that they are given.
 */
#ifndef MODEL_BLOCK_H
#define MODEL_BLOCK_H

#include <jansson.h>

#include "model/richtext.h"

/* A heading_2 that opens and closes, with blocks inside. */
json_t *block_toggle(const char *title, json_t *children);

/* The blocks inside, borrowed; NULL when there are none. */
json_t *block_children(const json_t *block);

/* A player, picture or file at a URL (see richtext_url), by MIME type; NULL
 * type: a file. name (may be NULL) is shown for files. */
json_t *block_media(
    const char *mime, const char *url, const char *name, json_t *caption);

/* The same of a file that was uploaded to Notion (an upload's id). */
json_t *block_upload(const char *mime, const char *id, json_t *caption);

/* Append all of rt's text to an array of blocks, in as many blocks of the type
 * ("paragraph", "quote", "bulleted_list_item", "to_do", "heading_3" …) as it
 * takes, and empty rt. 0, or -1: out of memory. */
int block_add_text(json_t *blocks, const char *type, struct richtext *rt);

#endif

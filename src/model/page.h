/*
 * page.h - the Notion page of a call or a message, from its folded facts.
 *
 * Pure: no I/O, no clock, no state but the TZ variable, in whose zone times
 * are written. Equal input gives an equal page, so that a writer can compare
 * what is wanted with what it wrote.
 */
#ifndef MODEL_PAGE_H
#define MODEL_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "model/schema.h"

/* All of it stays the caller's. */
struct page_input {
	const char *kind;    /* "call", "message" or, of ours, "contact" */
	const json_t *facts; /* see fold.h */
	const json_t *names; /* see names.h; may be NULL */

	/* {"<facts path>": {"state": "stored", "pending", "gone" or
	 * "failed", "url": what a reader's browser opens, "upload": id of the
	 * same file at Notion, "type", "size", "name"}}; paths are
	 * "recordings/<key>", "voicemail" and "media/<index>". What is not
	 * there is pending. May be NULL. */
	const json_t *media;

	enum page_schema schema;
	const char *title; /* its template, see title.h; NULL: built in */
	bool few_blocks;   /* at most 4 blocks for an ordinary page */
	bool deleted;	   /* mark it: OpenPhone has it no longer */
};

struct page {
	char *title;	  /* one line of at most 200 UTF-16 units */
	const char *icon; /* an emoji; static */

	/* Column name → string, number, bool, file (see draft_file_value),
	 * array of strings or files, or null where nothing is known; in the
	 * schema's order. Columns that schema_stamp() fills are null. */
	json_t *values;

	/* [{"name": "facts", "blocks": [Notion block …]} …] in page order:
	 * facts, recordings, voicemail, summary, next-steps, agent,
	 * transcript; facts, text, media for a message. A section without
	 * blocks is absent. A block with children is always a top-level
	 * toggle. With few_blocks, "recordings" holds the voicemail too, and
	 * "summary" the next steps and the agent's results. */
	json_t *sections;
};

/* 0; -1: out of memory, or no such kind. */
int page_render(
    const struct page_input *input, struct page *ret, struct err *err);

void page_free(struct page *page);

/* What one request may hold; Notion's limits are 100, 1000 and 500 KB for
 * the whole body, which may take half of that: the answer is twice as long, and
 * a worker has to hold it. */
#define PAGE_REQUEST_TOP 100
#define PAGE_REQUEST_BLOCKS 1000
#define PAGE_REQUEST_BYTES 250000

/*
 * Cut a list of blocks into requests. What comes back is a list of steps to
 * be done one after the other:
 *
 *     [{"parent": -1, "blocks": [block …]}, {"parent": 7, "blocks": …} …]
 *
 * parent -1 is the page; else the children go to the end of the block that
 * has this index in the list that was given (a toggle too long for one
 * request; it has been written by an earlier step). The first step is for
 * the page, may hold first_bytes bytes of JSON (json_dumps, JSON_COMPACT) at
 * most, for properties may share its request, and is empty when not even one
 * block fits in; the other steps hold at least one block and at most
 * PAGE_REQUEST_BYTES. No blocks, no steps. A new reference; NULL: out of
 * memory.
 */
json_t *page_chunk(const json_t *blocks, size_t first_bytes);

#endif

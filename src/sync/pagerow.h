/*
 * pagerow.h - what was written on a page, as the table page remembers it.
 */
#ifndef SYNC_PAGEROW_H
#define SYNC_PAGEROW_H

#include <jansson.h>

#include "api/notion.h"
#include "base/err.h"
#include "ext/db.h"
#include "queue/job.h"

enum page_state { PAGE_NONE, PAGE_INTENT, PAGE_WRITTEN, PAGE_TRASHED };

struct pagerow {
	enum page_state state;
	char id[NOTION_ID_SIZE];     /* "" until it is known */
	char source[NOTION_ID_SIZE]; /* the data source it is in */
	char *url;		     /* NULL until it is known */
	char *title, *icon;
	bool withdrawn;	    /* we threw it away: OpenPhone has it no longer */
	json_t *properties; /* property id -> hash of its value */
	json_t *sections;   /* array of entries, in page order, see below */
	int64_t intent_age_ms;	/* since the creation was about to be sent */
	int64_t written_age_ms; /* since this row was last put */
};

/* An entry of sections:
 *   name     "facts", "transcript" ...
 *   hash     of the blocks as written; "" while the section is being written
 *   count    top-level blocks
 *   blocks   their ids in order; absent while they are not known, as after
 *            the page's creation, whose answer does not tell them
 *   stale    ids of blocks that this section replaced, to be deleted
 *   writing  true: a write may have been sent whose outcome is not known;
 *            false: it was not finished, and nothing more will come of it;
 *            absent: all is there */

int pagerow_get(
    struct db *db, const struct job *job, struct pagerow *ret, struct err *err);
int pagerow_put(struct db *db, const struct job *job, const struct pagerow *row,
    struct err *err);
void pagerow_clear(struct pagerow *row);

/* The one section of a page that was adopted: all blocks of ours on it, until
 * they are replaced by the sections that it should have. */
#define PAGEROW_ADOPTED "adopted"

/* Commit that a creation is about to be sent, with what it will hold. -1 with
 * ERR_RETRY also when somebody else has adopted the page meanwhile. */
int pagerow_intend(struct db *db, const struct job *job,
    const struct pagerow *row, struct err *err);
/* The creation certainly did not happen. */
int pagerow_forget(struct db *db, const struct job *job, struct err *err);
/* Looked for in vain: count it, for people. */
int pagerow_looked(struct db *db, const struct job *job, struct err *err);

/* A short hash of a JSON value, to see whether it changed; "" : no memory. */
#define PAGEROW_HASH_SIZE 33
void pagerow_hash(const json_t *value, char ret[PAGEROW_HASH_SIZE]);

/* {property id: hash} of {property id: value}; NULL: no memory. */
json_t *pagerow_hashes(const json_t *properties);

/* The entry of that name (borrowed), or NULL. */
json_t *pagerow_section(const struct pagerow *row, const char *name);

/* An entry; hash NULL: being written. A new reference. */
json_t *pagerow_entry(const char *name, const char *hash, size_t count);

#endif

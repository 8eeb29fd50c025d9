/*
 * destination.h - the Notion databases that pages go to.
 *
 * Made or adopted once (onsctl init), remembered in the table destination.
 * People rename and add columns: what Notion says of the columns is read
 * again when a page is refused.
 */
#ifndef SYNC_DESTINATION_H
#define SYNC_DESTINATION_H

#include <jansson.h>

#include "api/notion.h"
#include "base/err.h"
#include "ext/db.h"
#include "model/schema.h"
#include "sync/sync.h"

struct destination {
	char database[NOTION_ID_SIZE], data_source[NOTION_ID_SIZE];
	const struct schema *schema;
	json_t *properties; /* of the data source, by name */
	json_t *columns;    /* our column's name -> property id */
	json_t *skipped;    /* "Name: reason" of our columns that pages are
			     * not given; see columns_skipped() */
	bool known;	    /* all pages of ours in it are in the table page */
};

/* The database for this kind of page ("call", "message", "contact"). One that
 * is only named in the configuration is adopted. *found: there is one; *ret is
 * filled then. */
int destination_find(struct sync *sync, const char *kind,
    struct destination *ret, bool *found, struct err *err);

/* The same, with the columns as Notion tells them now; nothing is adopted or
 * remembered. */
int destination_look(struct sync *sync, const char *kind,
    struct destination *ret, bool *found, struct err *err);

/* The id or address that the configuration names, NULL: none. */
const char *destination_configured(const struct sync *sync, const char *kind);

/* The same as destination_find(); ERR_OPERATOR when there is none. */
int destination_get(struct sync *sync, const char *kind,
    struct destination *ret, struct err *err);
void destination_clear(struct destination *destination);

/* Read the columns again. With a warning that names the columns which pages
 * can no longer be given; one that is known already is not named again. */
int destination_refresh(struct sync *sync, const char *kind,
    struct destination *destination, struct err *err);

/* All pages of ours that are in it have been entered in the table page. */
int destination_now_known(struct sync *sync, const char *kind,
    const struct destination *destination, struct err *err);

/* Add the columns that it lacks, and read back what Notion made of it: what
 * it did not take is still in skipped. *asked: the names, a new array. */
int destination_extend(struct sync *sync, const char *kind,
    struct destination *destination, json_t **asked, struct err *err);

/* Make a new one under a page (calls and messages with a relation to the
 * contacts, if there is a database of them); or use an existing one, by id or
 * URL of the database or of its data source, which with asked (else NULL) is
 * extended. Both remember it. */
int destination_create(struct sync *sync, const char *kind, const char *page,
    enum page_schema style, struct destination *ret, struct err *err);
int destination_adopt(struct sync *sync, const char *kind, const char *id,
    enum page_schema style, json_t **asked, struct destination *ret,
    struct err *err);

/* Property id and type ("title", "rich_text") of the column that holds
 * OpenPhone's id; -1: the database has none, and *err says what to do. */
int destination_key(const struct destination *destination, const char **id,
    const char **type, struct err *err);

/* The style that the configuration asks for; contacts have one only. */
enum page_schema destination_style(const struct sync *sync, const char *kind);

#endif

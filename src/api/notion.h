/*
 * notion.h - the Notion API (https://developers.notion.com/reference).
 *
 * Ids are UUIDs, 36 characters with dashes. JSON parameters are borrowed;
 * JSON results are the caller's (json_decref()).
 *
 * All functions return 0, or -1 with *err:
 *   ERR_WAIT       not sent by the gate's word, or 429/529 (or 503 with a
 *                  time, but for create and append): retry_after_ms
 *   ERR_UNKNOWN    create and append only: perhaps done, look before a second
 *   ERR_OPERATOR   401, 403, the connection is blocked, no more rows allowed,
 *                  not Notion at all; the text says what to do
 *   ERR_PERMANENT  400, 404 (err->status tells which), too large
 *   ERR_RETRY      409, 5xx, no connection, no JSON. Updates and deletions
 *                  are repeatable, so their outcome does not matter
 * A 503 that names what it has saved counts as success.
 */
#ifndef API_NOTION_H
#define API_NOTION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "api/gate.h"
#include "base/err.h"
#include "ext/http.h"

#define NOTION_ID_SIZE 37
#define NOTION_MAX_BODY 500000 /* bytes of JSON in a request */

/* A connection ("integration") of one workspace; all borrowed. */
struct notion {
	struct http *http;
	const char *base;	     /* "https://api.notion.com" */
	const char *key;	     /* the connection's token */
	const char *version;	     /* "2026-03-11" */
	int64_t timeout_ms;	     /* the server itself gives up after 60 s */
	const struct api_gate *gate; /* NULL: none */
};

/* Whom the key belongs to, and the upload limit. */
int notion_users_me(const struct notion *notion, json_t **ret, struct err *err);

/* A database with one table under a page; icon is an emoji or NULL;
 * properties: name -> configuration. Its id and that of its data source. */
int notion_create_database(const struct notion *notion, const char *page,
    const char *title, const char *icon, json_t *properties,
    char database[NOTION_ID_SIZE], char data_source[NOTION_ID_SIZE],
    struct err *err);
int notion_get_database(
    const struct notion *notion, const char *id, json_t **ret, struct err *err);
int notion_get_data_source(
    const struct notion *notion, const char *id, json_t **ret, struct err *err);

/* properties: name or id -> configuration. *ret (unless ret is NULL) is the
 * data source afterwards: look, since Notion drops some changes silently. */
int notion_update_data_source(const struct notion *notion, const char *id,
    json_t *properties, json_t **ret, struct err *err);

/*
 * All rows whose property, of type "title" or "rich_text", is value, byte for
 * byte: an array of pages. archived: look among the archived rows instead. Rows
 * in the trash are never found.
 */
int notion_query_equal(const struct notion *notion, const char *data_source,
    const char *property, const char *type, const char *value, bool archived,
    json_t **ret, struct err *err);

/*
 * All rows, the oldest first, as many at a time as fit into an answer. A row
 * may come twice, and one that is removed meanwhile may hide another.
 */
struct notion_rows {
	/* the caller's, the same from first to last */
	const char *data_source;
	const char *property, *type; /* which column's text comes with a row */
	bool archived; /* the archived rows instead of the others */
	int at_once;   /* at most 100; fewer, where Notion asks for that */
	/* begin with zeros; free with notion_rows_free() */
	char since[32]; /* where the query began that is going on */
	char last[32];	/* creation of the last row that came */
	char *cursor;
	bool end;
};

/* The next ones: [{"id", "url", "created_time", "last_edited_time", "text"}].
 * After the last one rows->end is true. A failure changes nothing: the call
 * may be repeated. */
int notion_rows_next(const struct notion *notion, struct notion_rows *rows,
    json_t **ret, struct err *err);
void notion_rows_free(struct notion_rows *rows);

/* A row; icon and children (at most 100 blocks) may be NULL. *url (unless url
 * is NULL) is the caller's, and "" when the answer had none. */
int notion_create_page(const struct notion *notion, const char *data_source,
    const char *icon, json_t *properties, json_t *children,
    char id[NOTION_ID_SIZE], char **url, struct err *err);

/* properties and icon may each be NULL: unchanged. */
int notion_update_page(const struct notion *notion, const char *id,
    json_t *properties, const char *icon, struct err *err);

/* Into the trash, or out of it; nothing changes where it is there already. */
int notion_trash_page(
    const struct notion *notion, const char *id, bool trash, struct err *err);
int notion_get_page(
    const struct notion *notion, const char *id, json_t **ret, struct err *err);

/* At most 100 children, at the end of a page or block (after NULL), before
 * everything in it (NOTION_START), or after its child `after`. *ids: the new
 * first-level blocks' ids, an array of strings. */
#define NOTION_START "start"
int notion_append(const struct notion *notion, const char *parent,
    json_t *children, const char *after, json_t **ids, struct err *err);

/* All children of a page or block, one level, in order: an array. */
int notion_children(const struct notion *notion, const char *parent,
    json_t **ret, struct err *err);

/* The same, of each block only {id, created_by}, asked for at_once (at most
 * 100) in a request: Notion sends all of their text in any case. */
int notion_children_brief(const struct notion *notion, const char *parent,
    int at_once, json_t **ret, struct err *err);

/* A block that is gone already counts as deleted. */
int notion_delete_block(
    const struct notion *notion, const char *id, struct err *err);

/*
 * Files that Notion keeps (https://developers.notion.com/guides/data-apis/
 * working-with-files-and-media): begun, sent in parts, and lost unless a block
 * or a property refers to them within the hour. Repeating any of these does no
 * harm.
 */
#define NOTION_SINGLE_PART (20LL << 20) /* bytes of a file in one part */
#define NOTION_PART (10LL << 20)	/* of all parts but the last, else */

struct notion_upload {
	char id[NOTION_ID_SIZE];
	enum {
		NOTION_UPLOAD_PENDING,
		NOTION_UPLOAD_COMPLETE,
		NOTION_UPLOAD_DEAD
	} status;
	int64_t sent; /* parts, while pending */
};

/* parts 0: all of it at once. */
int notion_upload_create(const struct notion *notion, const char *filename,
    const char *type, int64_t parts, char id[NOTION_ID_SIZE], struct err *err);
int notion_upload_get(const struct notion *notion, const char *id,
    struct notion_upload *ret, struct err *err);

/* size bytes of file from offset on; part counts from 1, 0: all of it. */
int notion_upload_send(const struct notion *notion, const char *id, FILE *file,
    int64_t offset, int64_t size, const char *filename, const char *type,
    int64_t part, struct err *err);

/* All parts are sent (with parts 0 there is nothing to complete). */
int notion_upload_complete(
    const struct notion *notion, const char *id, struct err *err);

/* The failure of a write says that its target lies in the trash: a person put
 * it there. */
bool notion_is_trashed(const struct err *err);

/* The id in a page's or database's URL, or an id in any spelling. 0, or -1:
 * there is none in it. */
int notion_id_parse(const char *text, char ret[NOTION_ID_SIZE]);

#endif

/*
 * schema.h - the columns of the Notion databases that we know how to make.
 *
 * Two ready sets of tables: ours, and that of the original project, whose
 * users have such databases already. The writer fills either, and whatever
 * of it a database has (see columns.h).
 */
#ifndef MODEL_SCHEMA_H
#define MODEL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

enum page_schema { PAGE_SCHEMA_OURS, PAGE_SCHEMA_ORIGINAL };

struct schema_option {
	const char *name;
	const char *color; /* NULL: Notion's default */
};

struct schema_column {
	const char *name; /* case-sensitive, unique in its schema */
	const char *type; /* Notion's word: "title", "rich_text", "select" … */
	const char *source;		     /* what fills it: see values.h */
	const struct schema_option *options; /* of a select, ended by NULL */
};

struct schema {
	const char *kind; /* "call", "message"; of ours also "contact" */
	enum page_schema id;
	/* name of the column that holds OpenPhone's id: "OpenPhone ID"; in the
	 * original the title, "Call ID" or "Message ID" */
	const char *key;
	const struct schema_column *columns; /* in the order people see */
	size_t n;
};

/* NULL when there is no such kind. Static. */
const struct schema *schema_find(const char *kind, enum page_schema id);

/* The value for initial_data_source.properties of POST /v1/databases, a new
 * reference. contacts: the data source that relations lead to; NULL: there is
 * none, and they are left out. NULL: no such kind, or out of memory. */
json_t *schema_properties(
    const char *kind, enum page_schema id, const char *contacts);

/* Is this one of the column's own options? */
bool schema_has_option(const struct schema_column *column, const char *name);

/*
 * Columns that hold the time of writing are not part of a page's content,
 * for a page would differ from itself each minute; their values are null.
 * Put now (RFC 3339) into those that are due, create or not. 0, or -1: out
 * of memory.
 */
int schema_stamp(
    const struct schema *schema, bool create, const char *now, json_t *values);

#endif

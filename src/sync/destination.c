#include "sync/destination.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "model/columns.h"
#include "sql/queries.h"

enum { WARNING_MAX = 4000 }; /* bytes */

static const char *
style_name(enum page_schema style)
{
	return style == PAGE_SCHEMA_ORIGINAL ? "original" : "ours";
}

static enum page_schema
style_by_name(const char *name)
{
	return strcmp(name, "original") == 0 ? PAGE_SCHEMA_ORIGINAL
					     : PAGE_SCHEMA_OURS;
}

/* What there is a database for. */
static const struct kind {
	const char *name, *title, *icon, *key;
	size_t configured; /* where in struct workspace the id stands */
} kinds[] = {
	{ "call", "Calls", "📞", "calls_database",
	    offsetof(struct workspace, notion.calls_database) },
	{ "message", "Messages", "💬", "messages_database",
	    offsetof(struct workspace, notion.messages_database) },
	{ "contact", "Contacts", "👤", "contacts_database",
	    offsetof(struct workspace, notion.contacts_database) },
};

static const struct kind *
kind_of(const char *name)
{
	const struct kind *kind = kinds;

	while (strcmp(kind->name, name) != 0)
		kind++;
	return kind;
}

enum page_schema
destination_style(const struct sync *sync, const char *kind)
{
	if (strcmp(kind, "contact") == 0)
		return PAGE_SCHEMA_OURS;
	return style_by_name(sync->ws->notion.schema);
}

void
destination_clear(struct destination *destination)
{
	json_decref(destination->properties);
	json_decref(destination->columns);
	json_decref(destination->skipped);
	*destination = (struct destination){ 0 };
}

static int
save(struct sync *sync, const char *kind, const struct destination *d,
    struct err *err)
{
	return DB_RUN(sync->db, SQL_destination_put, NULL, err,
	    DB_TEXT(sync->ws->name), DB_TEXT(kind), DB_TEXT(d->database),
	    DB_TEXT(d->data_source), DB_TEXT(style_name(d->schema->id)),
	    DB_JSON(d->properties), DB_JSON(d->columns), DB_JSON(d->skipped),
	    DB_BOOL(d->known));
}

int
destination_now_known(struct sync *sync, const char *kind,
    const struct destination *d, struct err *err)
{
	return DB_RUN(sync->db, SQL_destination_known, NULL, err,
	    DB_TEXT(sync->ws->name), DB_TEXT(kind), DB_TEXT(d->data_source));
}

/* Properties from the data source, and which of them are ours. */
static int
take_columns(struct destination *d, const json_t *source, struct err *err)
{
	json_t *properties = json_object_get(source, "properties");
	json_t *ids = NULL, *skipped = NULL;

	if (!json_is_object(properties)) {
		err_set(err, ERR_RETRY,
		    "notion: the data source has no properties in the answer");
		return -1;
	}
	if ((ids = columns_ids(d->schema, properties, d->columns)) == NULL ||
	    (skipped = columns_skipped(d->schema, properties, ids)) == NULL) {
		json_decref(ids);
		err_nomem(err);
		return -1;
	}
	json_decref(d->columns);
	json_decref(d->properties);
	json_decref(d->skipped);
	d->columns = ids;
	d->properties = json_incref(properties);
	d->skipped = skipped;
	return 0;
}

static int
read_columns(struct sync *sync, struct destination *d, struct err *err)
{
	json_t *source = NULL;
	int rc = -1;

	if (notion_get_data_source(
		&sync->notion, d->data_source, &source, err) != 0) {
		if (err->status == 404)
			err->kind = ERR_OPERATOR; /* not shared any more */
	} else {
		rc = take_columns(d, source, err);
	}
	json_decref(source);
	return rc;
}

static bool
holds(const json_t *strings, const json_t *wanted)
{
	json_t *string;
	size_t i;

	json_array_foreach (strings, i, string)
		if (json_equal(string, wanted))
			return true;
	return false;
}

/* One line for all columns that are skipped now, and were not before. */
static void
warn_of_skipped(
    const char *kind, const struct destination *d, const json_t *before)
{
	json_t *string;
	struct buf text;
	size_t i;

	buf_init(&text, WARNING_MAX);
	json_array_foreach (d->skipped, i, string)
		if (!holds(before, string) &&
		    (buf_adds(&text, text.len > 0 ? "; " : "") != 0 ||
			buf_adds(&text, json_string_value(string)) != 0))
			break; /* it is long enough */
	if (text.len > 0)
		log_warn("the Notion database for %ss goes without these "
			 "columns (onsctl init --extend adds them): %s",
		    kind, text.data);
	buf_free(&text);
}

int
destination_refresh(
    struct sync *sync, const char *kind, struct destination *d, struct err *err)
{
	json_t *before = json_incref(d->skipped);
	int rc = read_columns(sync, d, err);

	if (rc == 0 && (rc = save(sync, kind, d, err)) == 0)
		warn_of_skipped(kind, d, before);
	json_decref(before);
	return rc;
}

/* The columns that a database of this kind has; calls and messages have a
 * relation to the contacts, if there is a database of them. */
static json_t *
wanted_properties(struct sync *sync, const char *kind, enum page_schema style,
    struct err *err)
{
	struct destination contacts = { 0 };
	bool related = false;
	json_t *properties;

	if (strcmp(kind, "contact") != 0 &&
	    destination_find(sync, "contact", &contacts, &related, err) != 0)
		return NULL;
	properties = schema_properties(
	    kind, style, related ? contacts.data_source : NULL);
	destination_clear(&contacts);
	if (properties == NULL)
		err_nomem(err);
	return properties;
}

/* The configurations of those that are not there; *names: theirs. */
static json_t *
lacking(struct sync *sync, const char *kind, const struct destination *d,
    json_t **names, struct err *err)
{
	json_t *all = wanted_properties(sync, kind, d->schema->id, err);
	json_t *ret = json_object(), *list = json_array(), *config;
	const char *name;

	json_object_foreach (all, name, config)
		if (json_object_get(d->columns, name) == NULL &&
		    (json_object_set(ret, name, config) != 0 ||
			json_array_append_new(list, json_string(name)) != 0))
			goto fail;
	if (all == NULL || ret == NULL || list == NULL)
		goto fail;
	json_decref(all);
	*names = list;
	return ret;
fail:
	err_nomem(err);
	json_decref(all);
	json_decref(ret);
	json_decref(list);
	return NULL;
}

static int
extend(struct sync *sync, const char *kind, struct destination *d,
    json_t **asked, struct err *err)
{
	json_t *names = NULL, *wanted = lacking(sync, kind, d, &names, err);
	int rc = 0;

	if (wanted == NULL)
		return -1;
	/* what Notion answers is not looked at: what it has in the end
	 * counts, and it drops some changes silently */
	if (json_object_size(wanted) > 0)
		rc = notion_update_data_source(
		    &sync->notion, d->data_source, wanted, NULL, err);
	if (rc == 0 && json_object_size(wanted) > 0)
		rc = read_columns(sync, d, err);
	json_decref(wanted);
	if (rc == 0)
		*asked = names;
	else
		json_decref(names);
	return rc;
}

int
destination_extend(struct sync *sync, const char *kind, struct destination *d,
    json_t **asked, struct err *err)
{
	json_t *names = NULL;

	if (extend(sync, kind, d, &names, err) != 0)
		return -1;
	if (save(sync, kind, d, err) != 0) {
		json_decref(names);
		return -1;
	}
	*asked = names;
	return 0;
}

/* ---- make or adopt ---- */

int
destination_create(struct sync *sync, const char *kind, const char *page,
    enum page_schema style, struct destination *ret, struct err *err)
{
	const struct kind *made = kind_of(kind);
	struct destination d = { .schema = schema_find(kind, style),
		.known = true };
	char parent[NOTION_ID_SIZE];
	json_t *properties;
	int rc = -1;

	if (notion_id_parse(page, parent) != 0) {
		err_set(err, ERR_CONFIG,
		    "\"%s\" is neither the id nor the address of a Notion "
		    "page",
		    page);
		return -1;
	}
	if ((properties = wanted_properties(sync, kind, style, err)) == NULL)
		return -1;
	if (notion_create_database(&sync->notion, parent, made->title,
		made->icon, properties, d.database, d.data_source, err) == 0)
		rc = read_columns(sync, &d, err);
	json_decref(properties);
	if (rc == 0)
		rc = save(sync, kind, &d, err);
	if (rc == 0)
		*ret = d;
	else
		destination_clear(&d);
	return rc;
}

/* An id may be that of the database, which holds data sources, or of a data
 * source itself (what "Copy data source ID" gives). */
static int
find_source(
    struct sync *sync, const char *id, struct destination *d, struct err *err)
{
	struct err not_database = ERR_INIT;
	json_t *found = NULL;
	const char *source = NULL, *database = NULL;
	int rc = -1;

	if (notion_get_database(&sync->notion, id, &found, &not_database) ==
	    0) {
		source = json_string_value(json_object_get(
		    json_array_get(json_object_get(found, "data_sources"), 0),
		    "id"));
		database = id;
	} else if (not_database.status != 404) {
		*err = not_database;
		return -1;
	} else if (notion_get_data_source(&sync->notion, id, &found, err) ==
	    0) {
		source = id;
		database = json_string_value(json_object_get(
		    json_object_get(found, "parent"), "database_id"));
	} else if (err->status == 404) {
		err->kind = ERR_OPERATOR;
		snprintf(err->text, sizeof(err->text),
		    "notion: there is no database %s, or it is not shared "
		    "with the connection: in Notion, open it, ... menu, "
		    "Connections, add yours",
		    id);
	}
	if (source != NULL && database != NULL &&
	    notion_id_parse(source, d->data_source) == 0 &&
	    notion_id_parse(database, d->database) == 0)
		rc = 0;
	else
		err_set(err, ERR_PERMANENT,
		    "notion: database %s has no data source", id);
	json_decref(found);
	return rc;
}

/* Pages that are in it already may be ours, from before our tables were lost:
 * none is made then before it was looked for. */
static int
look_for_rows(struct sync *sync, struct destination *d, struct err *err)
{
	struct notion_rows rows = { .data_source = d->data_source,
		.at_once = 1 };
	size_t n = 0;
	int rc = destination_key(d, &rows.property, &rows.type, err);

	for (int archived = 0; archived < 2 && rc == 0; archived++) {
		json_t *found = NULL;

		rows.archived = archived != 0;
		rc = notion_rows_next(&sync->notion, &rows, &found, err);
		n += json_array_size(found);
		json_decref(found);
		notion_rows_free(&rows);
	}
	d->known = n == 0;
	return rc;
}

/* The database of an id or URL, and its columns. */
static int
examine(
    struct sync *sync, const char *id, struct destination *d, struct err *err)
{
	char parsed[NOTION_ID_SIZE];

	if (notion_id_parse(id, parsed) != 0) {
		err_set(err, ERR_CONFIG,
		    "\"%s\" is neither the id nor the address of a Notion "
		    "database",
		    id);
		return -1;
	}
	if (find_source(sync, parsed, d, err) != 0)
		return -1;
	return read_columns(sync, d, err);
}

int
destination_adopt(struct sync *sync, const char *kind, const char *id,
    enum page_schema style, json_t **asked, struct destination *ret,
    struct err *err)
{
	struct destination d = { .schema = schema_find(kind, style) };

	if (examine(sync, id, &d, err) != 0 ||
	    (asked != NULL && extend(sync, kind, &d, asked, err) != 0) ||
	    look_for_rows(sync, &d, err) != 0 ||
	    save(sync, kind, &d, err) != 0) {
		destination_clear(&d);
		return -1;
	}
	*ret = d;
	return 0;
}

/* ---- the remembered one ---- */

/* 1: there is one, 0: none, -1. */
static int
read_remembered(struct sync *sync, const char *kind, struct destination *ret,
    struct err *err)
{
	struct destination d = { 0 };
	struct db_result *r = NULL;

	if (DB_RUN(sync->db, SQL_destination_get, &r, err,
		DB_TEXT(sync->ws->name), DB_TEXT(kind)) != 0)
		return -1;
	if (db_rows(r) == 0) {
		db_result_free(r);
		return 0;
	}
	snprintf(
	    d.database, sizeof(d.database), "%s", db_text(r, 0, "database_id"));
	snprintf(d.data_source, sizeof(d.data_source), "%s",
	    db_text(r, 0, "data_source_id"));
	d.schema = schema_find(kind, style_by_name(db_text(r, 0, "style")));
	d.properties = db_json(r, 0, "properties");
	d.columns = db_json(r, 0, "columns");
	d.skipped = db_json(r, 0, "skipped");
	d.known = db_bool(r, 0, "known");
	db_result_free(r);
	if (d.properties == NULL || d.columns == NULL || d.skipped == NULL) {
		destination_clear(&d);
		err_nomem(err);
		return -1;
	}
	*ret = d;
	return 1;
}

const char *
destination_configured(const struct sync *sync, const char *kind)
{
	return *(
	    char *const *)((const char *)sync->ws + kind_of(kind)->configured);
}

int
destination_find(struct sync *sync, const char *kind, struct destination *ret,
    bool *found, struct err *err)
{
	int known = read_remembered(sync, kind, ret, err);
	const char *id = destination_configured(sync, kind);

	if (known < 0)
		return -1;
	if (known == 0 && id != NULL) {
		if (destination_adopt(sync, kind, id,
			destination_style(sync, kind), NULL, ret, err) != 0)
			return -1;
		warn_of_skipped(kind, ret, NULL);
		known = 1;
	}
	*found = known == 1;
	return 0;
}

int
destination_look(struct sync *sync, const char *kind, struct destination *ret,
    bool *found, struct err *err)
{
	struct destination d = { 0 };
	int known = read_remembered(sync, kind, &d, err);
	const char *id = destination_configured(sync, kind);
	int rc = known < 0 ? -1 : 0;

	if (known == 1) {
		rc = read_columns(sync, &d, err);
	} else if (known == 0 && id != NULL) {
		d.schema = schema_find(kind, destination_style(sync, kind));
		rc = examine(sync, id, &d, err);
		known = 1;
	}
	if (rc == 0)
		*ret = d;
	else
		destination_clear(&d);
	*found = known == 1;
	return rc;
}

int
destination_get(struct sync *sync, const char *kind, struct destination *ret,
    struct err *err)
{
	bool found = false;

	if (destination_find(sync, kind, ret, &found, err) != 0)
		return -1;
	if (found)
		return 0;
	err_set(err, ERR_OPERATOR,
	    "there is no Notion database for %ss yet: run `onsctl init`, or "
	    "set [notion] %s",
	    kind, kind_of(kind)->key);
	return -1;
}

int
destination_key(const struct destination *d, const char **id, const char **type,
    struct err *err)
{
	const char *wanted =
	    json_string_value(json_object_get(d->columns, d->schema->key));
	const char *name;
	json_t *property;

	json_object_foreach (d->properties, name, property) {
		const char *this =
		    json_string_value(json_object_get(property, "id"));
		const char *kind =
		    json_string_value(json_object_get(property, "type"));

		if (wanted == NULL || this == NULL || kind == NULL ||
		    strcmp(this, wanted) != 0 ||
		    (strcmp(kind, "title") != 0 &&
			strcmp(kind, "rich_text") != 0))
			continue;
		*id = this;
		*type = kind;
		return 0;
	}
	err_set(err, ERR_OPERATOR,
	    "the Notion database has no text column \"%s\", which holds "
	    "OpenPhone's id: add it (type: text)",
	    d->schema->key);
	return -1;
}

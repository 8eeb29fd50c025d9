#include "model/columns.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "ext/jansson.h"
#include "model/richtext.h"
#include "model/words.h"

#define OPTION_UNITS 100
#define CONTACT_UNITS 100 /* telephone numbers and e-mail addresses */
#define FILES 100
#define RELATIONS 100
#define TITLE_BYTES 20000
#define CUT_NOTE "… (whole text on the page)"
#define TEXT_MAX (64u << 20)

/* One value on its way into one column. */
struct cell {
	const struct schema_column *column;
	const json_t *value;	/* never null */
	const json_t *property; /* the data source's */
	const char *type;	/* the property's */
	size_t *bytes;		/* left for text in all columns */
	const char *reason;	/* why nothing came of it; static */
};

static const char *
text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static const json_t *
property_by_id(const json_t *properties, const char *id)
{
	const char *name, *have;
	json_t *property;

	if (id == NULL)
		return NULL;
	json_object_foreach ((json_t *)properties, name, property) {
		have = text_at(property, "id");
		if (have != NULL && strcmp(have, id) == 0)
			return property;
	}
	return NULL;
}

static const json_t *
property_of(const struct schema_column *column, const json_t *properties,
    const json_t *ids)
{
	const json_t *property =
	    property_by_id(properties, text_at(ids, column->name));

	if (property == NULL)
		property = json_object_get(properties, column->name);
	if (property == NULL && strcmp(column->type, "title") == 0)
		property = property_by_id(properties, "title");
	return text_at(property, "id") != NULL ? property : NULL;
}

json_t *
columns_ids(
    const struct schema *schema, const json_t *properties, const json_t *ids)
{
	json_t *ret = json_object();

	for (size_t i = 0; i < schema->n; i++) {
		const json_t *property =
		    property_of(&schema->columns[i], properties, ids);

		if (property != NULL &&
		    json_object_set(ret, schema->columns[i].name,
			json_object_get(property, "id")) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

/* The value as text, malloc'ed; a list has a line for each of its parts.
 * NULL: out of memory. */
static char *
cell_text(const struct cell *cell)
{
	struct richtext rt;
	struct buf buf;
	json_t *items, *one;
	size_t i;
	char *ret = NULL;

	richtext_init(&rt);
	if (json_is_array(cell->value)) {
		json_array_foreach (cell->value, i, one) {
			richtext_add(&rt, 0, i > 0 ? "\n" : "");
			richtext_add_json(&rt, 0, one);
		}
	} else {
		richtext_add_json(&rt, 0, cell->value);
	}
	buf_init(&buf, TEXT_MAX);
	if ((items = richtext_take(&rt)) == NULL)
		goto out;
	json_array_foreach (items, i, one)
		if (buf_adds(&buf,
			text_at(json_object_get(one, "text"), "content")) != 0)
			goto out;
	ret = buf_steal(&buf);
out:
	buf_free(&buf);
	json_decref(items);
	return ret;
}

static json_t *
skip(struct cell *cell, const char *reason)
{
	cell->reason = reason;
	return NULL;
}

/* The value as rich text of at most so many bytes of JSON. */
static json_t *
rich_text_new(const struct cell *cell, size_t max_bytes, const char *note)
{
	char *text = cell_text(cell);
	struct richtext rt;
	json_t *items, *ret = NULL;

	if (text == NULL)
		return NULL;
	richtext_init(&rt);
	richtext_add(&rt, RICHTEXT_PLAIN, text);
	free(text);
	if ((items = richtext_take(&rt)) != NULL)
		ret = richtext_cut(items, max_bytes, note);
	json_decref(items);
	return ret;
}

static json_t *
to_title(struct cell *cell)
{
	return rich_text_new(cell, TITLE_BYTES, "…");
}

static json_t *
to_rich_text(struct cell *cell)
{
	json_t *ret = rich_text_new(cell, *cell->bytes, CUT_NOTE);
	size_t used = json_dumpb(ret, NULL, 0, JSON_COMPACT);

	*cell->bytes -= used < *cell->bytes ? used : *cell->bytes;
	return ret;
}

/* Digits, perhaps a sign and a fraction, and nothing else. */
static bool
is_decimal(const char *text)
{
	const char *p = text + (*text == '-');
	size_t whole = strspn(p, "0123456789"), part = 1;

	p += whole;
	if (*p == '.') {
		part = strspn(p + 1, "0123456789");
		p += 1 + part;
	}
	return *p == '\0' && whole > 0 && whole < 16 && part > 0 && part < 16;
}

static json_t *
to_number(struct cell *cell)
{
	const char *text = json_string_value(cell->value);

	if (json_is_number(cell->value))
		return json_incref((json_t *)cell->value);
	if (json_is_boolean(cell->value))
		return json_integer(json_is_true(cell->value));
	if (text == NULL || !is_decimal(text))
		return skip(cell, "not a number");
	if (strchr(text, '.') != NULL)
		return json_real(strtod(text, NULL));
	return json_integer(strtoll(text, NULL, 10));
}

/* The name of the column's option that reads like text; NULL: none. */
static const char *
existing_option(const struct cell *cell, const char *text)
{
	const json_t *options = json_object_get(
	    json_object_get(cell->property, cell->type), "options");
	const char *name, *like = NULL;
	json_t *option;
	size_t i;

	json_array_foreach (options, i, option) {
		name = text_at(option, "name");
		if (name != NULL && strcmp(name, text) == 0)
			return name;
		if (name != NULL && strcasecmp(name, text) == 0)
			like = name;
	}
	return like;
}

/*
 * {"name": …} for a select. Only options that are there, or that are a fixed
 * set of ours, or yes and no, are used: each unknown name makes an option,
 * for ever, and a few hundred names or ids break the database.
 */
static json_t *
option_new(struct cell *cell, const json_t *value)
{
	const struct cell one = { .value = value };
	char *text = cell_text(&one);
	const char *name = NULL;
	json_t *ret = NULL;

	if (text == NULL)
		return NULL;
	for (char *p = text; *p != '\0'; p++)
		if (*p == ',') /* Notion refuses it in a name */
			*p = ';';
	if ((name = existing_option(cell, text)) == NULL &&
	    strcmp(cell->type, "status") != 0 &&
	    (json_is_boolean(value) || schema_has_option(cell->column, text)) &&
	    utf8_units(text, strlen(text)) <= OPTION_UNITS)
		name = text;
	if (name != NULL)
		ret = json_pack("{s:s}", "name", name);
	else
		skip(cell, "not one of the column's options");
	free(text);
	return ret;
}

static json_t *
to_option(struct cell *cell)
{
	return option_new(cell, cell->value);
}

static json_t *
to_options(struct cell *cell)
{
	json_t *ret = json_array(), *option, *one;
	size_t i;

	if (!json_is_array(cell->value)) {
		if ((option = option_new(cell, cell->value)) == NULL)
			goto fail;
		if (json_array_append_new(ret, option) != 0)
			goto fail;
		return ret;
	}
	json_array_foreach (cell->value, i, one) {
		cell->reason = NULL;
		option = option_new(cell, one);
		if (option == NULL ? cell->reason == NULL
				   : json_array_append_new(ret, option) != 0)
			goto fail;
	}
	if (json_array_size(ret) > 0)
		return ret;
	skip(cell, "none of the column's options");
fail:
	json_decref(ret);
	return NULL;
}

static json_t *
to_date(struct cell *cell)
{
	const char *text = json_string_value(cell->value);
	char start[RFC3339_SIZE];
	int64_t usec;

	if (text == NULL || rfc3339_parse(text, &usec) != 0)
		return skip(cell, "not a time");
	rfc3339_format(usec, start);
	return json_pack("{s:s}", "start", start);
}

static json_t *
to_checkbox(struct cell *cell)
{
	const char *text = json_string_value(cell->value);

	if (json_is_boolean(cell->value))
		return json_boolean(json_is_true(cell->value));
	if (json_is_number(cell->value))
		return json_boolean(json_number_value(cell->value) != 0);
	if (json_is_array(cell->value))
		return json_boolean(json_array_size(cell->value) > 0);
	if (text == NULL)
		return skip(cell, "neither yes nor no");
	/* text that is there: a recording's URL ticks "Recording" */
	return json_boolean(*text != '\0' && strcasecmp(text, "false") != 0 &&
	    strcasecmp(text, "no") != 0);
}

static bool
is_empty_string(const json_t *value)
{
	return json_is_string(value) && json_string_length(value) == 0;
}

static json_t *
to_url(struct cell *cell)
{
	const json_t *value = json_is_array(cell->value)
	    ? json_array_get(cell->value, 0)
	    : cell->value;
	const char *url = json_string_value(value);

	if (is_empty_string(value)) /* there is none any more */
		return json_null();
	return richtext_url(url) ? json_string(url) : skip(cell, "not a URL");
}

static json_t *
short_text(struct cell *cell, const char *reason)
{
	char *text = cell_text(cell);
	json_t *ret = NULL;

	if (text != NULL && *text != '\0' && strchr(text, '\n') == NULL &&
	    utf8_units(text, strlen(text)) <= CONTACT_UNITS)
		ret = json_string(text);
	else if (text != NULL)
		skip(cell, reason);
	free(text);
	return ret;
}

static json_t *
to_phone(struct cell *cell)
{
	return short_text(cell, "too long for a telephone number");
}

static json_t *
to_email(struct cell *cell)
{
	const char *text = json_string_value(cell->value);

	if (text == NULL || strchr(text, '@') == NULL)
		return skip(cell, "not an e-mail address");
	return short_text(cell, "too long for an e-mail address");
}

/* The last part of a URL's path, where that looks like a file's name. */
static json_t *
file_new(const char *url, size_t i)
{
	size_t end = strcspn(url, "?#"), start = end;
	json_t *name;

	while (start > 0 && url[start - 1] != '/')
		start--;
	if (end - start > 0 && end - start <= 100 &&
	    memchr(url + start, '.', end - start) != NULL)
		name = json_stringn(url + start, end - start);
	else
		name = json_sprintf("File %zu", i + 1);
	return json_pack("{s:o, s:s, s:{s:s}}", "name", name, "type",
	    "external", "external", "url", url);
}

/* A string: a URL; an object: a file that was uploaded. NULL: neither. */
static json_t *
file_of(const json_t *value, size_t i)
{
	const char *url = json_string_value(value), *id, *name;

	if (richtext_url(url))
		return file_new(url, i);
	if ((id = text_at(value, "upload")) == NULL)
		return NULL;
	name = text_at(value, "name");
	return json_pack("{s:s*, s:s, s:{s:s}}", "name",
	    name != NULL && strlen(name) <= 100 ? name : NULL, "type",
	    "file_upload", "file_upload", "id", id);
}

static json_t *
to_files(struct cell *cell)
{
	bool list = json_is_array(cell->value);
	size_t n = list ? json_array_size(cell->value) : 1;
	bool none = list ? n == 0 : is_empty_string(cell->value);
	json_t *ret = json_array(), *file;

	for (size_t i = 0; i < n && i < FILES; i++) {
		file = file_of(
		    list ? json_array_get(cell->value, i) : cell->value, i);
		if (file != NULL && json_array_append_new(ret, file) != 0)
			goto fail;
	}
	if (none || json_array_size(ret) > 0)
		return ret;
	skip(cell, "not a URL");
fail:
	json_decref(ret);
	return NULL;
}

/* Ids as Notion gives them: 32 hex digits and four dashes. */
static bool
is_page_id(const char *text)
{
	return text != NULL && strlen(text) == 36 &&
	    strspn(text, "0123456789abcdef-") == 36;
}

static json_t *
to_relation(struct cell *cell)
{
	json_t *ret = json_array(), *one;
	size_t i;

	json_array_foreach ((json_t *)cell->value, i, one)
		if (is_page_id(json_string_value(one)) && i < RELATIONS &&
		    json_array_append_new(ret, json_pack("{s:O}", "id", one)) !=
			0)
			goto fail;
	if (json_array_size(ret) > 0)
		return ret;
	skip(cell, "not pages");
fail:
	json_decref(ret);
	return NULL;
}

/* Files as their URLs, for all columns that cannot hold a file. What has no
 * URL is left out. */
static json_t *
only_urls(const json_t *value)
{
	json_t *list, *one;
	size_t i;

	if (text_at(value, "upload") != NULL)
		return json_object_get(value, "url") == NULL
		    ? json_null()
		    : json_incref(json_object_get(value, "url"));
	if (!json_is_array(value))
		return json_incref((json_t *)value);
	list = json_array();
	json_array_foreach (value, i, one) {
		if (text_at(one, "upload") != NULL)
			one = json_object_get(one, "url");
		if (one != NULL && json_array_append(list, one) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *(*converter(const char *type))(struct cell *cell)
{
	static const struct {
		const char *type;
		json_t *(*convert)(struct cell *cell);
	} table[] = {
		{ "title", to_title },
		{ "rich_text", to_rich_text },
		{ "number", to_number },
		{ "select", to_option },
		{ "status", to_option },
		{ "multi_select", to_options },
		{ "date", to_date },
		{ "checkbox", to_checkbox },
		{ "url", to_url },
		{ "phone_number", to_phone },
		{ "email", to_email },
		{ "files", to_files },
		{ "relation", to_relation },
	};

	for (size_t i = 0; type != NULL && i < sizeof(table) / sizeof(*table);
	     i++)
		if (strcmp(table[i].type, type) == 0)
			return table[i].convert;
	return NULL;
}

static int
note_skipped(json_t *skipped, const char *name, const char *reason)
{
	return json_array_append_new(
	    skipped, json_sprintf("%s: %s", name, reason));
}

/* Why no value at all can be written there; NULL: one can. */
static const char *
unusable(const json_t *property)
{
	if (property == NULL)
		return "no such column";
	return converter(text_at(property, "type")) == NULL
	    ? "its type cannot be written"
	    : NULL;
}

json_t *
columns_skipped(
    const struct schema *schema, const json_t *properties, const json_t *ids)
{
	json_t *ret = json_array();

	for (size_t i = 0; i < schema->n; i++) {
		const char *reason =
		    unusable(property_of(&schema->columns[i], properties, ids));

		/* a relation is extra: it needs a database of contacts */
		if (strcmp(schema->columns[i].type, "relation") == 0)
			continue;
		if (reason != NULL &&
		    note_skipped(ret, schema->columns[i].name, reason) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

/* Put one value into ret or a note into skipped. -1: out of memory. */
static int
convert_one(struct cell *cell, json_t *ret, json_t *skipped)
{
	const char *name = cell->column->name;
	json_t *(*convert)(struct cell *) = converter(cell->type);
	json_t *value;

	if (unusable(cell->property) != NULL)
		return note_skipped(skipped, name, unusable(cell->property));
	if (cell->value == NULL || json_is_null(cell->value))
		return 0;
	if (strcmp(cell->column->type, "relation") == 0 &&
	    strcmp(cell->type, "relation") != 0)
		return note_skipped(skipped, name, "not a relation");
	if ((value = convert(cell)) == NULL)
		return cell->reason == NULL
		    ? -1
		    : note_skipped(skipped, name, cell->reason);
	return json_object_set_new(ret, text_at(cell->property, "id"),
	    json_pack("{s:o}", cell->type, value));
}

static int
convert_file(struct cell *cell, json_t *ret, json_t *skipped)
{
	json_t *urls;
	int rc;

	if (cell->value == NULL ||
	    (cell->type != NULL && strcmp(cell->type, "files") == 0))
		return convert_one(cell, ret, skipped);
	if ((urls = only_urls(cell->value)) == NULL)
		return -1;
	cell->value = urls;
	rc = convert_one(cell, ret, skipped);
	json_decref(urls);
	return rc;
}

int
columns_convert(const struct schema *schema, const json_t *properties,
    const json_t *ids, const json_t *values, json_t **ret, json_t **skipped,
    struct err *err)
{
	json_t *made = json_object(), *notes = json_array();
	size_t bytes = COLUMNS_BYTES, before = jansson_failures();
	bool good = made != NULL && notes != NULL;

	for (size_t i = 0; good && i < schema->n; i++) {
		const struct schema_column *column = &schema->columns[i];
		struct cell cell = {
			.column = column,
			.value = json_object_get(values, column->name),
			.property = property_of(column, properties, ids),
			.bytes = &bytes,
		};

		cell.type = text_at(cell.property, "type");
		good = convert_file(&cell, made, notes) == 0;
	}
	/* a file that could not be made looks like one that is none */
	if (!good || jansson_failures() != before) {
		json_decref(made);
		json_decref(notes);
		err_nomem(err);
		return -1;
	}
	*ret = made;
	*skipped = notes;
	return 0;
}

#include "sync/pagerow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ext/crypto.h"
#include "ext/jansson.h"
#include "sql/queries.h"

static char *
copy(const char *text)
{
	return text == NULL ? NULL : strdup(text);
}

static enum page_state
state_by_name(const char *name)
{
	return strcmp(name, "written") == 0 ? PAGE_WRITTEN
	    : strcmp(name, "trashed") == 0  ? PAGE_TRASHED
					    : PAGE_INTENT;
}

int
pagerow_get(
    struct db *db, const struct job *job, struct pagerow *ret, struct err *err)
{
	struct pagerow row = { .state = PAGE_NONE };
	struct db_result *r = NULL;

	if (DB_RUN(db, SQL_page_get, &r, err, DB_TEXT(job->workspace),
		DB_TEXT(job->kind), DB_TEXT(job->resource_id)) != 0)
		return -1;
	if (db_rows(r) > 0) {
		const char *id = db_text(r, 0, "page_id");
		const char *source = db_text(r, 0, "data_source_id");

		row.state = state_by_name(db_text(r, 0, "state"));
		snprintf(row.id, sizeof(row.id), "%s", id == NULL ? "" : id);
		snprintf(row.source, sizeof(row.source), "%s",
		    source == NULL ? "" : source);
		row.url = copy(db_text(r, 0, "url"));
		row.title = copy(db_text(r, 0, "title"));
		row.icon = copy(db_text(r, 0, "icon"));
		row.withdrawn = db_bool(r, 0, "withdrawn");
		row.properties = db_json(r, 0, "properties");
		row.sections = db_json(r, 0, "sections");
		row.intent_age_ms = db_int(r, 0, "intent_age_ms");
		if (db_text(r, 0, "written_age_ms") != NULL)
			row.written_age_ms = db_int(r, 0, "written_age_ms");
	} else {
		row.properties = json_object();
		row.sections = json_array();
	}
	db_result_free(r);
	if (row.properties == NULL || row.sections == NULL) {
		pagerow_clear(&row);
		err_nomem(err);
		return -1;
	}
	*ret = row;
	return 0;
}

void
pagerow_clear(struct pagerow *row)
{
	free(row->url);
	free(row->title);
	free(row->icon);
	json_decref(row->properties);
	json_decref(row->sections);
	*row = (struct pagerow){ .state = PAGE_NONE };
}

int
pagerow_put(struct db *db, const struct job *job, const struct pagerow *row,
    struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db, SQL_page_put, &r, err, DB_TEXT(job->workspace),
		DB_TEXT(job->kind), DB_TEXT(job->resource_id),
		DB_TEXT(row->state == PAGE_TRASHED ? "trashed" : "written"),
		DB_TEXT(row->id), DB_TEXT(row->url), DB_TEXT(row->title),
		DB_TEXT(row->icon), DB_JSON(row->properties),
		DB_JSON(row->sections), DB_TEXT(row->source), DB_INT(job->id),
		DB_INT(job->run), DB_BOOL(row->withdrawn)) != 0)
		return -1;
	return job_held(r, err);
}

int
pagerow_intend(struct db *db, const struct job *job, const struct pagerow *row,
    struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db, SQL_page_intend, &r, err, DB_TEXT(job->workspace),
		DB_TEXT(job->kind), DB_TEXT(job->resource_id),
		DB_TEXT(row->title), DB_TEXT(row->icon),
		DB_JSON(row->properties), DB_JSON(row->sections),
		DB_TEXT(row->source), DB_INT(job->id), DB_INT(job->run)) != 0)
		return -1;
	return job_held(r, err);
}

int
pagerow_forget(struct db *db, const struct job *job, struct err *err)
{
	return DB_RUN(db, SQL_page_forget, NULL, err, DB_TEXT(job->workspace),
	    DB_TEXT(job->kind), DB_TEXT(job->resource_id), DB_INT(job->id),
	    DB_INT(job->run));
}

int
pagerow_looked(struct db *db, const struct job *job, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db, SQL_page_looked, &r, err, DB_TEXT(job->workspace),
		DB_TEXT(job->kind), DB_TEXT(job->resource_id), DB_INT(job->id),
		DB_INT(job->run)) != 0)
		return -1;
	return job_held(r, err);
}

static int
add_to_hash(const char *text, size_t n, void *hash)
{
	return crypto_hash_add(hash, text, n);
}

void
pagerow_hash(const json_t *value, char ret[PAGEROW_HASH_SIZE])
{
	unsigned char digest[SHA256_SIZE];
	struct crypto_hash *hash = crypto_hash_begin();
	size_t before = jansson_failures();
	int rc = -1;

	ret[0] = '\0';
	if (hash == NULL)
		return;
	rc = json_dump_callback(value, add_to_hash, hash,
	    JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	if (crypto_hash_end(hash, digest) == 0 && rc == 0 &&
	    jansson_failures() == before)
		crypto_hex(digest, (PAGEROW_HASH_SIZE - 1) / 2, ret);
}

json_t *
pagerow_hashes(const json_t *properties)
{
	json_t *hashes = json_object(), *value;
	char hash[PAGEROW_HASH_SIZE];
	const char *id;

	json_object_foreach ((json_t *)(uintptr_t)properties, id, value) {
		pagerow_hash(value, hash);
		if (json_object_set_new(hashes, id, json_string(hash)) != 0) {
			json_decref(hashes);
			return NULL;
		}
	}
	return hashes;
}

json_t *
pagerow_section(const struct pagerow *row, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach (row->sections, i, entry) {
		const char *this =
		    json_string_value(json_object_get(entry, "name"));

		if (this != NULL && strcmp(this, name) == 0)
			return entry;
	}
	return NULL;
}

json_t *
pagerow_entry(const char *name, const char *hash, size_t count)
{
	return json_pack("{s:s, s:s, s:I}", "name", name, "hash",
	    hash == NULL ? "" : hash, "count", (json_int_t)count);
}

#include "sync/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/rest.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "ext/jansson.h"
#include "model/columns.h"
#include "sql/queries.h"
#include "sync/body.h"
#include "sync/pagerow.h"

enum {
	/* room for the blocks beside the properties in one request */
	REQUEST_BYTES = 480000,
	LOG_MAX = 4000
};

/* All that one publication needs. */
struct work {
	struct sync *sync;
	const struct job *job;
	struct destination *destination;
	const struct page *wanted;
	bool withdraw;	    /* into the trash */
	json_t *properties; /* property id -> value, without the stamps */
	struct pagerow row;
};

/* ---- properties ---- */

static int
convert(struct work *w, json_t *values, json_t **ret, struct err *err)
{
	json_t *skipped = NULL, *text;
	size_t i;

	if (columns_convert(w->destination->schema, w->destination->properties,
		w->destination->columns, values, ret, &skipped, err) != 0)
		return -1;
	json_array_foreach (skipped, i, text)
		log_debug("column left out: %s", json_string_value(text));
	json_decref(skipped);
	return 0;
}

/* The properties that differ from what was written, with the time of writing
 * where the database has a column for it. Empty when nothing differs. */
static json_t *
changed_properties(struct work *w, bool create, struct err *err)
{
	json_t *values = NULL, *stamps = NULL, *changed = NULL, *value;
	char now[RFC3339_SIZE], hash[PAGEROW_HASH_SIZE];
	const char *id;

	if ((changed = json_object()) == NULL)
		goto nomem;
	json_object_foreach (w->properties, id, value) {
		const char *old =
		    json_string_value(json_object_get(w->row.properties, id));

		pagerow_hash(value, hash);
		if ((old == NULL || strcmp(old, hash) != 0) &&
		    json_object_set(changed, id, value) != 0)
			goto nomem;
	}
	if (json_object_size(changed) == 0 && !create)
		return changed;
	rfc3339_format(rfc3339_now(), now);
	if ((values = json_object()) == NULL ||
	    schema_stamp(w->destination->schema, create, now, values) != 0)
		goto nomem;
	if (convert(w, values, &stamps, err) != 0 ||
	    json_object_update(changed, stamps) != 0)
		goto nomem;
	json_decref(values);
	json_decref(stamps);
	return changed;
nomem:
	err_nomem(err);
	json_decref(values);
	json_decref(stamps);
	json_decref(changed);
	return NULL;
}

/* Remember the wanted title, icon and properties as written. */
static int
take_wanted_properties(struct work *w, struct err *err)
{
	json_t *hashes = pagerow_hashes(w->properties);
	char *title = strdup(w->wanted->title);
	char *icon = strdup(w->wanted->icon);

	if (hashes == NULL || title == NULL || icon == NULL) {
		json_decref(hashes);
		free(title);
		free(icon);
		err_nomem(err);
		return -1;
	}
	json_decref(w->row.properties);
	free(w->row.title);
	free(w->row.icon);
	w->row.properties = hashes;
	w->row.title = title;
	w->row.icon = icon;
	return 0;
}

/* ---- creation ---- */

/* The sections that fit whole into the creating request, as blocks and as
 * entries; the rest is appended afterwards, a section at a time. */
static int
first_sections(struct work *w, size_t bytes, json_t **blocks, json_t **entries,
    struct err *err)
{
	json_t *all = json_array(), *list = json_array(), *section, *more;
	char hash[PAGEROW_HASH_SIZE];
	size_t i;

	json_array_foreach (w->wanted->sections, i, section) {
		json_t *mine = json_object_get(section, "blocks"), *steps;

		more = jansson_copy(all);
		if (json_array_extend(more, mine) != 0)
			goto nomem;
		steps = page_chunk(more, bytes);
		if (steps == NULL)
			goto nomem;
		if (json_array_size(steps) > 1 ||
		    json_array_size(json_object_get(json_array_get(steps, 0),
			"blocks")) != json_array_size(more)) {
			json_decref(steps);
			json_decref(more);
			break;
		}
		json_decref(steps);
		json_decref(all);
		all = more;
		pagerow_hash(mine, hash);
		if (json_array_append_new(list,
			pagerow_entry(
			    json_string_value(json_object_get(section, "name")),
			    hash, json_array_size(mine))) != 0) {
			more = NULL;
			goto nomem;
		}
	}
	*blocks = all;
	*entries = list;
	return 0;
nomem:
	json_decref(more);
	json_decref(all);
	json_decref(list);
	err_nomem(err);
	return -1;
}

static size_t
room_for_blocks(const json_t *properties)
{
	size_t used = json_dumpb(properties, NULL, 0, JSON_COMPACT);

	return used + 1024 > REQUEST_BYTES ? 0 : REQUEST_BYTES - used - 1024;
}

/* The data source is gone or not shared any more: no job's fault. */
static void
blame_sharing(struct err *err)
{
	if (err->kind != ERR_PERMANENT || err->status != 404)
		return;
	err->kind = ERR_OPERATOR;
	err_prefix(err,
	    "the database is deleted, or not shared with the "
	    "connection any more (in Notion: ... menu, "
	    "Connections)");
}

static int
send_creation(
    struct work *w, json_t *properties, json_t *blocks, struct err *err)
{
	struct err forgetting = ERR_INIT;
	char *url = NULL;

	FAILPOINT("page.intending");
	if (pagerow_intend(w->sync->db, w->job, &w->row, err) != 0)
		return -1;
	FAILPOINT("page.creating");
	if (notion_create_page(&w->sync->notion, w->destination->data_source,
		w->wanted->icon, properties, blocks, w->row.id, &url,
		err) != 0) {
		blame_sharing(err);
		/* all but an unknown outcome means: certainly not done */
		if (err->kind != ERR_UNKNOWN &&
		    pagerow_forget(w->sync->db, w->job, &forgetting) != 0)
			log_err(&forgetting, "taking back an intent");
		return -1;
	}
	FAILPOINT("page.created");
	free(w->row.url);
	w->row.url = url;
	w->row.state = PAGE_WRITTEN;
	return pagerow_put(w->sync->db, w->job, &w->row, err);
}

static int
create(struct work *w, struct err *err)
{
	json_t *properties = NULL, *blocks = NULL, *entries = NULL;
	int rc = -1;

	json_object_clear(w->row.properties);
	if ((properties = changed_properties(w, true, err)) == NULL ||
	    first_sections(
		w, room_for_blocks(properties), &blocks, &entries, err) != 0 ||
	    take_wanted_properties(w, err) != 0)
		goto out;
	json_decref(w->row.sections);
	w->row.sections = json_incref(entries);
	if (send_creation(w, properties, blocks, err) != 0)
		goto out;
	log_info("page created");
	rc = 0;
out:
	json_decref(entries);
	json_decref(blocks);
	json_decref(properties);
	return rc;
}

/* ---- looking before creating again ---- */

static const json_t *
oldest(const json_t *hits)
{
	const json_t *best = NULL, *hit;
	size_t i;

	json_array_foreach (hits, i, hit) {
		int order = best == NULL
		    ? -1
		    : strcmp(rest_text(hit, "created_time"),
			  rest_text(best, "created_time"));

		if (order < 0 ||
		    (order == 0 &&
			strcmp(rest_text(hit, "id"), rest_text(best, "id")) <
			    0))
			best = hit;
	}
	return best;
}

/* Of several hits the oldest is kept up; the others are a person's to judge.
 * An address without the title, which may be somebody's name. */
static int
note_doubles(struct work *w, const json_t *hits, struct err *err)
{
	json_t *urls = json_array();
	const json_t *hit;
	struct buf text;
	size_t i;
	int rc = -1;

	buf_init(&text, LOG_MAX);
	json_array_foreach (hits, i, hit) {
		const char *id = rest_text(hit, "id");
		size_t begin = text.len;

		if (strcmp(id, w->row.id) == 0)
			continue;
		if (buf_adds(&text, " https://www.notion.so/") != 0)
			goto nomem;
		for (; *id != '\0'; id++)
			if (*id != '-' && buf_add(&text, id, 1) != 0)
				goto nomem;
		if (json_array_append_new(
			urls, json_string(buf_text(&text) + begin + 1)) != 0)
			goto nomem;
	}
	if (json_array_size(urls) > 0)
		log_warn("several pages carry this id; the oldest is kept up, "
			 "look at the others (they may be thrown away):%s",
		    buf_text(&text));
	rc = DB_RUN(w->sync->db, SQL_page_doubles, NULL, err,
	    DB_TEXT(w->job->workspace), DB_TEXT(w->job->kind),
	    DB_TEXT(w->job->resource_id), DB_JSON(urls));
	goto out;
nomem:
	err_nomem(err);
out:
	buf_free(&text);
	json_decref(urls);
	return rc;
}

/* 1 and the row filled, 0: no such page to be seen, -1. */
static int
look_up(struct work *w, struct err *err)
{
	const char *property = NULL, *type = NULL;
	json_t *hits = NULL;
	const json_t *page;
	int found = -1;

	if (destination_key(w->destination, &property, &type, err) != 0)
		return -1;
	for (int archived = 0; archived < 2 && found <= 0; archived++) {
		json_decref(hits);
		hits = NULL;
		if (notion_query_equal(&w->sync->notion,
			w->destination->data_source, property, type,
			w->job->resource_id, archived != 0, &hits, err) != 0) {
			blame_sharing(err);
			return -1;
		}
		found = json_array_size(hits) > 0;
	}
	if (found == 1) {
		page = oldest(hits);
		snprintf(
		    w->row.id, sizeof(w->row.id), "%s", rest_text(page, "id"));
		free(w->row.url);
		w->row.url = strdup(rest_text(page, "url"));
		w->row.state = PAGE_WRITTEN;
		if (json_array_size(hits) > 1 &&
		    note_doubles(w, hits, err) != 0)
			found = -1;
	}
	json_decref(hits);
	return found;
}

/* The page was found, and what is on it is not known. */
static int
adopt(struct work *w, struct err *err)
{
	json_t *all = pagerow_entry(PAGEROW_ADOPTED, NULL, 1);

	if (all == NULL || json_array_append_new(w->row.sections, all) != 0) {
		err_nomem(err);
		return -1;
	}
	log_info("the page was there already: adopted");
	return pagerow_put(w->sync->db, w->job, &w->row, err);
}

/* Notion may be at a creation for a minute, and a query may lag behind it; a
 * look shows that there is no page only so long after the intent. Earlier ones
 * are for finding it soon. What counts is the time, by the database's clock: a
 * new delivery may bring the job forward at any moment. Milliseconds until the
 * next look, 0: that was the last. */
static int64_t
next_look_ms(int64_t age_ms)
{
	static const int64_t looks[] = { 5000, 35000, 155000 };

	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++)
		if (age_ms < looks[i])
			return looks[i] - age_ms;
	return 0;
}

/* An earlier creation may have happened: find out. 0: it has, and the row
 * says what it wrote; 1: it certainly has not; -1. */
static int
settle_intent(struct work *w, struct err *err)
{
	int64_t wait_ms = next_look_ms(w->row.intent_age_ms);
	int found = look_up(w, err);

	FAILPOINT("page.looked");
	if (found < 0)
		return -1;
	if (found == 1) {
		log_info("the page was there already: adopted");
		return pagerow_put(w->sync->db, w->job, &w->row, err);
	}
	if (pagerow_looked(w->sync->db, w->job, err) != 0)
		return -1;
	if (wait_ms == 0)
		return 1;
	err_set(err, ERR_UNKNOWN,
	    "the page may have been created: it is not to be seen yet, next "
	    "look in %lld s",
	    (long long)((wait_ms + 999) / 1000));
	err->retry_after_ms = wait_ms;
	return -1;
}

/* ---- updates ---- */

static int
update_properties(struct work *w, struct err *err)
{
	json_t *changed = changed_properties(w, false, err);
	bool icon =
	    w->row.icon == NULL || strcmp(w->row.icon, w->wanted->icon) != 0;
	int rc = 0;

	if (changed == NULL)
		return -1;
	if (json_object_size(changed) > 0 || icon) {
		FAILPOINT("page.updating");
		rc = notion_update_page(&w->sync->notion, w->row.id,
		    json_object_size(changed) > 0 ? changed : NULL,
		    icon ? w->wanted->icon : NULL, err);
		FAILPOINT("page.updated");
		if (rc == 0 && (rc = take_wanted_properties(w, err)) == 0)
			rc = pagerow_put(w->sync->db, w->job, &w->row, err);
	}
	json_decref(changed);
	return rc;
}

enum whereabouts { HERE, GONE, DATABASE_GONE, NOT_KNOWN };

/* A person threw the page away, or deleted it for good? A refused write alone
 * does not say so: it may be about a block that is gone. */
static enum whereabouts
look_for_page(struct work *w)
{
	const struct notion *notion = &w->sync->notion;
	enum whereabouts ret = NOT_KNOWN;
	struct err failure = ERR_INIT;
	json_t *found = NULL;

	if (notion_get_page(notion, w->row.id, &found, &failure) == 0) {
		ret = json_is_true(json_object_get(found, "in_trash")) ? GONE
								       : HERE;
	} else if (failure.status == 404) {
		/* or is it the whole database that we cannot see any more? */
		err_clear(&failure);
		if (notion_get_data_source(notion, w->destination->data_source,
			&found, &failure) == 0)
			ret = GONE;
		else if (failure.status == 404)
			ret = DATABASE_GONE;
	}
	json_decref(found);
	return ret;
}

static bool
recreates(const struct work *w)
{
	return strcmp(w->sync->ws->notion.trashed, "recreate") == 0;
}

/* As the configuration says: the page stays away, or comes anew. */
static int
removed(struct work *w, struct err *err)
{
	err_clear(err);
	w->row.state = PAGE_TRASHED;
	if (pagerow_put(w->sync->db, w->job, &w->row, err) != 0)
		return -1;
	if (w->withdraw)
		return 0;
	if (!recreates(w)) {
		log_info("a person removed the page: it stays so");
		return 0;
	}
	log_info("a person removed the page: making it anew");
	return create(w, err) == 0
	    ? body_write(w->sync, w->job, &w->row, w->wanted->sections, err)
	    : -1;
}

/* Into the trash, from which a person can take it for a month. */
static int
withdraw(struct work *w, struct err *err)
{
	if (notion_trash_page(&w->sync->notion, w->row.id, true, err) != 0)
		return -1;
	log_info("OpenPhone has it no longer: the page is in the trash");
	w->row.state = PAGE_TRASHED;
	w->row.withdrawn = true;
	return pagerow_put(w->sync->db, w->job, &w->row, err);
}

/* Out of the trash again, unless a person has emptied it. */
static int
bring_back(struct work *w, struct err *err)
{
	if (notion_trash_page(&w->sync->notion, w->row.id, false, err) == 0) {
		log_info("OpenPhone has it again: the page is restored");
		w->row.state = PAGE_WRITTEN;
	} else if (err->status == 404 && look_for_page(w) == GONE) {
		err_clear(err);
	} else {
		return -1;
	}
	w->row.withdrawn = false;
	return pagerow_put(w->sync->db, w->job, &w->row, err);
}

static int
write_all(struct work *w, struct err *err)
{
	/* one that a person took out of the trash stays there, marked */
	if (w->withdraw && !w->row.withdrawn)
		return withdraw(w, err);
	if (update_properties(w, err) != 0)
		return -1;
	return body_write(w->sync, w->job, &w->row, w->wanted->sections, err);
}

static int
update(struct work *w, struct err *err)
{
	if (write_all(w, err) == 0)
		return 0;
	if (!notion_is_trashed(err) &&
	    (err->kind != ERR_PERMANENT || err->status != 404))
		return -1;
	switch (look_for_page(w)) {
	case GONE:
		return removed(w, err);
	case DATABASE_GONE:
		blame_sharing(err);
		break;
	case HERE: /* somebody edits it: the next attempt looks anew */
	case NOT_KNOWN:
		err->kind = ERR_RETRY;
		break;
	}
	return -1;
}

/* ---- all of it ---- */

/* The row of this resource's page in the database in use. A page in another
 * one, from before a change of the database, is left as it is. */
static int
read_row(struct work *w, struct err *err)
{
	const char *source = w->destination->data_source;

	if (pagerow_get(w->sync->db, w->job, &w->row, err) != 0)
		return -1;
	if (w->row.source[0] != '\0' && strcmp(w->row.source, source) != 0) {
		pagerow_clear(&w->row);
		w->row.properties = json_object();
		w->row.sections = json_array();
		if (w->row.properties == NULL || w->row.sections == NULL) {
			err_nomem(err);
			return -1;
		}
	}
	snprintf(w->row.source, sizeof(w->row.source), "%s", source);
	if (w->row.state != PAGE_TRASHED && !w->withdraw)
		w->row.withdrawn = false;
	return 0;
}

/* Of a page in the trash: is there nothing to do? 1, 0 or -1. */
static int
stays_away(struct work *w, struct err *err)
{
	if (w->withdraw)
		return 1;
	if (w->row.withdrawn && bring_back(w, err) != 0)
		return -1;
	return w->row.state == PAGE_TRASHED && !recreates(w);
}

static int
publish_once(struct work *w, struct err *err)
{
	int rc;

	if (read_row(w, err) != 0)
		return -1;
	if (w->row.state == PAGE_TRASHED && (rc = stays_away(w, err)) != 0)
		return rc < 0 ? -1 : 0;
	if (convert(w, w->wanted->values, &w->properties, err) != 0)
		return -1;
	if (w->row.state == PAGE_INTENT) {
		if ((rc = settle_intent(w, err)) < 0)
			return -1;
		if (rc == 1)
			w->row.state = PAGE_NONE;
	}
	if (w->row.state == PAGE_NONE && !w->destination->known) {
		if ((rc = look_up(w, err)) < 0 ||
		    (rc == 1 && adopt(w, err) != 0))
			return -1;
	}
	if (w->row.state == PAGE_NONE && w->withdraw)
		return 0;
	if ((w->row.state == PAGE_NONE || w->row.state == PAGE_TRASHED) &&
	    create(w, err) != 0)
		return -1;
	return update(w, err);
}

int
publish(struct sync *sync, const struct job *job,
    struct destination *destination, const struct page *wanted, bool withdraw,
    struct err *err)
{
	int rc = -1;

	/* when a page is refused, the columns may have changed: read them
	 * again and try once more */
	for (int attempt = 0; attempt < 2 && rc != 0; attempt++) {
		struct work w = { .sync = sync,
			.job = job,
			.destination = destination,
			.wanted = wanted,
			.withdraw = withdraw };

		if (attempt > 0) {
			if (err->kind != ERR_PERMANENT || err->status != 400)
				break;
			log_info("refused, reading the columns again: %s",
			    err->text);
			err_clear(err);
			if (destination_refresh(
				sync, job->kind, destination, err) != 0)
				break;
		}
		rc = publish_once(&w, err);
		json_decref(w.properties);
		pagerow_clear(&w.row);
	}
	return rc;
}

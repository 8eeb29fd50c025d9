#include "sync/body.h"

#include <stdlib.h>
#include <string.h>

#include "api/rest.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "model/page.h"

struct work {
	struct sync *sync;
	const struct job *job;
	struct pagerow *row;
	const json_t *wanted;
};

enum {
	/* Blocks to be listed in one request: all of a usual page. Those of a
	 * long transcript are 200 KB of text each, and several times as much
	 * as they come. */
	BLOCKS_AT_ONCE = 100,
	LONG_BLOCKS_AT_ONCE = 2,
	LONG_BODY = 250000, /* bytes of JSON */
	/* Notion gives a request up a minute after it came to it */
	LATE_MS = 90000
};

static int
save(struct work *w, struct err *err)
{
	FAILPOINT("body.saving");
	return pagerow_put(w->sync->db, w->job, w->row, err);
}

static int
nomem(struct err *err)
{
	err_nomem(err);
	return -1;
}

/* Was a write of the entry's blocks begun, and not finished? */
static bool
is_writing(const json_t *entry)
{
	return json_object_get(entry, "writing") != NULL;
}

/* ---- which blocks are ours ---- */

/* Our connection's user id: the creator of our blocks. */
static int
know_bot(struct sync *sync, struct err *err)
{
	json_t *me = NULL;
	int rc = 0;

	if (sync->bot_id != NULL)
		return 0;
	if (notion_users_me(&sync->notion, &me, err) != 0)
		return -1;
	if ((sync->bot_id = strdup(rest_text(me, "id"))) == NULL)
		rc = nomem(err);
	json_decref(me);
	return rc;
}

/* Ids of the page's blocks that we made, in page order. */
static json_t *
our_blocks(struct work *w, struct err *err)
{
	json_t *children = NULL, *ids = NULL, *block;
	bool is_long = json_dumpb(w->wanted, NULL, 0, JSON_COMPACT) > LONG_BODY;
	size_t i;

	if (know_bot(w->sync, err) != 0 ||
	    notion_children_brief(&w->sync->notion, w->row->id,
		is_long ? LONG_BLOCKS_AT_ONCE : BLOCKS_AT_ONCE, &children,
		err) != 0)
		return NULL;
	if ((ids = json_array()) == NULL)
		err_nomem(err);
	json_array_foreach (children, i, block) {
		const char *by =
		    rest_text(json_object_get(block, "created_by"), "id");

		if (ids != NULL && strcmp(by, w->sync->bot_id) == 0 &&
		    json_array_append(ids, json_object_get(block, "id")) != 0) {
			json_decref(ids);
			ids = NULL;
			err_nomem(err);
		}
	}
	json_decref(children);
	return ids;
}

static bool
holds(const json_t *ids, const char *id)
{
	const json_t *item;
	size_t i;

	json_array_foreach (ids, i, item)
		if (strcmp(json_string_value(item), id) == 0)
			return true;
	return false;
}

static bool
is_known(const struct pagerow *row, const char *id)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (row->sections, i, entry)
		if (holds(json_object_get(entry, "blocks"), id) ||
		    holds(json_object_get(entry, "stale"), id))
			return true;
	return false;
}

static size_t
blocks_without_id(const struct pagerow *row)
{
	const json_t *entry;
	size_t i, n = 0;

	json_array_foreach (row->sections, i, entry)
		if (json_object_get(entry, "blocks") == NULL)
			n += (size_t)json_integer_value(
			    json_object_get(entry, "count"));
	return n;
}

/* Hand out ids to the sections that came with the page's creation, in order.
 * When somebody deleted some of the blocks there is no telling which: then
 * no section gets any, so that none loses what is another's. */
static int
assign_ids(struct pagerow *row, const json_t *unknown, size_t *used)
{
	bool enough = json_array_size(unknown) >= blocks_without_id(row);
	json_t *entry, *blocks;
	size_t i, next = 0;

	json_array_foreach (row->sections, i, entry) {
		json_int_t n =
		    json_integer_value(json_object_get(entry, "count"));

		if (json_object_get(entry, "blocks") != NULL)
			continue;
		if ((blocks = json_array()) == NULL)
			return -1;
		for (; enough && n > 0; n--, next++)
			if (json_array_append(
				blocks, json_array_get(unknown, next)) != 0) {
				json_decref(blocks);
				return -1;
			}
		if (json_object_set_new(entry, "blocks", blocks) != 0)
			return -1;
	}
	*used = enough ? next : json_array_size(unknown);
	return 0;
}

/* Ask for the page's blocks and settle whose they are. What is left over is
 * from a write whose outcome we did not learn: *strays, a new reference. */
static int
resolve(struct work *w, json_t **strays, struct err *err)
{
	json_t *ours = our_blocks(w, err), *unknown, *id;
	size_t i, used = 0;
	int rc = 0;

	if (ours == NULL)
		return -1;
	unknown = json_array();
	json_array_foreach (ours, i, id)
		if (!is_known(w->row, json_string_value(id)))
			rc |= json_array_append(unknown, id);
	json_decref(ours);
	if (unknown == NULL || rc != 0 ||
	    assign_ids(w->row, unknown, &used) != 0) {
		json_decref(unknown);
		return nomem(err);
	}
	for (; used > 0; used--)
		json_array_remove(unknown, 0);
	*strays = unknown;
	return 0;
}

static int
know_ids(struct work *w, struct err *err)
{
	json_t *strays = NULL, *entry;
	size_t i;

	json_array_foreach (w->row->sections, i, entry)
		if (json_object_get(entry, "blocks") == NULL) {
			if (resolve(w, &strays, err) != 0)
				return -1;
			json_decref(strays);
			return 0;
		}
	return 0;
}

/* ---- removing ---- */

/* Delete the blocks and take their ids out of the array, one by one. */
static int
delete_blocks(struct work *w, json_t *ids, struct err *err)
{
	while (json_array_size(ids) > 0) {
		size_t last = json_array_size(ids) - 1;

		FAILPOINT("body.deleting");
		if (notion_delete_block(&w->sync->notion,
			json_string_value(json_array_get(ids, last)), err) != 0)
			return -1;
		FAILPOINT("body.deleted");
		json_array_remove(ids, last);
	}
	return 0;
}

/* Blocks that a section no longer needs, from this run or one before. */
static int
delete_stale(struct work *w, json_t *entry, struct err *err)
{
	json_t *stale = json_object_get(entry, "stale");

	if (stale == NULL)
		return 0;
	if (delete_blocks(w, stale, err) != 0)
		return -1;
	json_object_del(entry, "stale");
	return save(w, err);
}

/* A write was not finished, and we may never have learnt what became of its
 * last request: what it left on the page goes, and the section is written anew.
 * But not while that request may still take effect. */
static int
clear_strays(struct work *w, struct err *err)
{
	json_t *strays = NULL, *entry;
	int64_t wait_ms = LATE_MS - w->row->written_age_ms;
	bool writing = false, sent = false;
	size_t i;
	int rc;

	json_array_foreach (w->row->sections, i, entry) {
		writing |= is_writing(entry);
		sent |= json_is_true(json_object_get(entry, "writing"));
	}
	if (!writing)
		return 0;
	if (sent && wait_ms > 0) {
		err_set(err, ERR_UNKNOWN,
		    "blocks may have been added to the page, or may be yet: to "
		    "be looked into in %lld s",
		    (long long)((wait_ms + 999) / 1000));
		err->retry_after_ms = wait_ms;
		return -1;
	}
	if (resolve(w, &strays, err) != 0)
		return -1;
	if (json_array_size(strays) > 0)
		log_info("removing %zu blocks of an interrupted write",
		    json_array_size(strays));
	rc = delete_blocks(w, strays, err);
	json_decref(strays);
	if (rc != 0)
		return -1;
	json_array_foreach (w->row->sections, i, entry)
		json_object_del(entry, "writing");
	return save(w, err);
}

/* Which blocks of ours are on a page that was adopted? They go once it has its
 * sections. */
static int
know_adopted(struct work *w, struct err *err)
{
	json_t *entry = pagerow_section(w->row, PAGEROW_ADOPTED), *ids;

	if (entry == NULL || json_object_get(entry, "blocks") != NULL)
		return 0;
	if ((ids = our_blocks(w, err)) == NULL)
		return -1;
	if (json_object_set_new(entry, "count",
		json_integer((json_int_t)json_array_size(ids))) != 0 ||
	    json_object_set_new(entry, "blocks", ids) != 0)
		return nomem(err);
	return save(w, err);
}

/* ---- adding ---- */

/* Is there anything on the page after the section, but for what is being
 * written with it? */
static bool
is_last(const struct pagerow *row, size_t index)
{
	for (size_t i = index; i < json_array_size(row->sections); i++) {
		const json_t *entry = json_array_get(row->sections, i);

		if (json_object_get(entry, "stale") != NULL ||
		    (!is_writing(entry) &&
			json_integer_value(json_object_get(entry, "count")) >
			    0))
			return false;
	}
	return true;
}

static const char *
last_id(const json_t *ids)
{
	size_t n = json_array_size(ids);

	return n == 0 ? NULL : json_string_value(json_array_get(ids, n - 1));
}

/* The id after which a section's blocks go: the last block that it replaces,
 * or of the nearest section before it, else the page's start. NULL: at the
 * end of the page. Ids are only asked for when this very one is not known. */
static int
find_anchor(struct work *w, size_t index, const char **anchor, struct err *err)
{
	const json_t *sections = w->row->sections;

	*anchor = NULL;
	if (is_last(w->row, index))
		return 0;
	*anchor =
	    last_id(json_object_get(json_array_get(sections, index), "stale"));
	for (size_t i = index; i-- > 0 && *anchor == NULL;) {
		const json_t *entry = json_array_get(sections, i);

		if (json_object_get(entry, "blocks") == NULL &&
		    know_ids(w, err) != 0)
			return -1;
		*anchor = last_id(json_object_get(entry, "blocks"));
	}
	if (*anchor == NULL)
		*anchor = NOTION_START;
	return 0;
}

/* Ids of blocks that somebody deleted leave the row; the others stay. */
static int
forget_deleted(struct work *w, struct err *err)
{
	static const char *const lists[] = { "blocks", "stale" };
	json_t *ours = our_blocks(w, err), *entry;
	size_t i;

	if (ours == NULL)
		return -1;
	json_array_foreach (w->row->sections, i, entry)
		for (size_t k = 0; k < 2; k++) {
			json_t *ids = json_object_get(entry, lists[k]);

			for (size_t n = json_array_size(ids); n-- > 0;)
				if (!holds(ours,
					json_string_value(
					    json_array_get(ids, n))))
					json_array_remove(ids, n);
		}
	json_decref(ours);
	return 0;
}

/* Blocks onto the page itself. The anchor may be a block that a person
 * deleted: then after the nearest one that is left. */
static int
append_to_page(struct work *w, size_t index, const json_t *written,
    json_t *blocks, json_t **ids, struct err *err)
{
	const char *anchor = last_id(written);
	int rc;

	if (anchor == NULL && find_anchor(w, index, &anchor, err) != 0)
		return -1;
	rc = notion_append(
	    &w->sync->notion, w->row->id, blocks, anchor, ids, err);
	if (rc == 0 || anchor == NULL || err->kind != ERR_PERMANENT ||
	    (err->status != 400 && err->status != 404) ||
	    json_array_size(written) > 0)
		return rc;
	log_info("perhaps a block is gone, looking: %s", err->text);
	err_clear(err);
	if (forget_deleted(w, err) != 0 ||
	    find_anchor(w, index, &anchor, err) != 0)
		return -1;
	return notion_append(
	    &w->sync->notion, w->row->id, blocks, anchor, ids, err);
}

/* One request: to the page, or into one of the blocks just written, whose ids
 * are gathered in written. */
static int
append_step(struct work *w, size_t index, json_t *written, const json_t *step,
    struct err *err)
{
	json_t *blocks = json_object_get(step, "blocks"), *ids = NULL;
	json_int_t parent = json_integer_value(json_object_get(step, "parent"));
	const char *to = parent < 0
	    ? w->row->id
	    : json_string_value(json_array_get(written, (size_t)parent));
	int rc;

	if (json_array_size(blocks) == 0)
		return 0;
	if (to == NULL) {
		err_set(err, ERR_RETRY,
		    "notion: the answer named fewer blocks than were sent");
		return -1;
	}
	FAILPOINT("body.appending");
	if (parent >= 0)
		rc = notion_append(
		    &w->sync->notion, to, blocks, NULL, &ids, err);
	else
		rc = append_to_page(w, index, written, blocks, &ids, err);
	FAILPOINT("body.appended");
	if (rc == 0 && parent < 0 && json_array_extend(written, ids) != 0)
		rc = nomem(err);
	json_decref(ids);
	return rc;
}

/* Sections next to each other, to be written by one request if they fit. */
struct group {
	json_t *entries, *wanted; /* side by side; members are shared */
	json_t *blocks;		  /* of all of them */
};

static int
group_init(struct group *group)
{
	*group = (struct group){ .entries = json_array(),
		.wanted = json_array(),
		.blocks = json_array() };
	return group->entries == NULL || group->wanted == NULL ||
		group->blocks == NULL
	    ? -1
	    : 0;
}

static void
group_free(struct group *group)
{
	json_decref(group->entries);
	json_decref(group->wanted);
	json_decref(group->blocks);
}

/* The entry says "writing" until all its blocks are there: an interruption
 * starts the section over, it does not double it. */
static int
group_add(struct group *group, json_t *entry, json_t *wanted)
{
	return json_object_set_new(entry, "blocks", json_array()) != 0 ||
		json_object_set_new(entry, "writing", json_true()) != 0 ||
		json_array_append(group->entries, entry) != 0 ||
		json_array_append(group->wanted, wanted) != 0 ||
		json_array_extend(
		    group->blocks, json_object_get(wanted, "blocks")) != 0
	    ? -1
	    : 0;
}

/* All was written: each entry gets its ids, count and hash. */
static int
settle_group(struct group *group, const json_t *written)
{
	char hash[PAGEROW_HASH_SIZE];
	json_t *entry;
	size_t i, next = 0;

	json_array_foreach (group->entries, i, entry) {
		json_t *blocks =
		    json_object_get(json_array_get(group->wanted, i), "blocks");
		json_t *ids = json_object_get(entry, "blocks");
		size_t n = json_array_size(blocks);

		for (size_t k = 0; k < n; k++, next++)
			if (json_array_append(
				ids, json_array_get(written, next)) != 0)
				return -1;
		pagerow_hash(blocks, hash);
		json_object_del(entry, "writing");
		if (json_object_set_new(entry, "hash", json_string(hash)) !=
			0 ||
		    json_object_set_new(
			entry, "count", json_integer((json_int_t)n)) != 0)
			return -1;
	}
	return 0;
}

static size_t
index_of(const struct pagerow *row, const json_t *entry)
{
	size_t i = 0;

	while (i < json_array_size(row->sections) &&
	    json_array_get(row->sections, i) != entry)
		i++;
	return i;
}

/* The last request has certainly no effect any more: no need to wait for it.
 * If this cannot be saved, there will be a wait. */
static void
note_refused(struct work *w, const struct group *group)
{
	struct err ignored = ERR_INIT;
	json_t *entry;
	size_t i;

	json_array_foreach (group->entries, i, entry)
		if (json_object_set_new(entry, "writing", json_false()) != 0)
			return;
	(void)save(w, &ignored);
}

/* Send the steps, the first of which goes to where the group belongs. */
static int
send_group(
    struct work *w, struct group *group, json_t *written, struct err *err)
{
	size_t index = index_of(w->row, json_array_get(group->entries, 0)), i;
	json_t *steps = page_chunk(group->blocks, PAGE_REQUEST_BYTES), *step;
	int rc = 0;

	if (steps == NULL)
		return nomem(err);
	json_array_foreach (steps, i, step)
		if (rc == 0)
			rc = append_step(w, index, written, step, err);
	json_decref(steps);
	return rc;
}

static int
write_group(struct work *w, struct group *group, struct err *err)
{
	json_t *written;
	int rc;

	if (json_array_size(group->entries) == 0)
		return 0;
	if (save(w, err) != 0)
		return -1;
	if ((written = json_array()) == NULL)
		return nomem(err);
	rc = send_group(w, group, written, err);
	if (rc != 0 && err->kind != ERR_UNKNOWN)
		note_refused(w, group);
	if (rc == 0 && settle_group(group, written) != 0)
		rc = nomem(err);
	json_decref(written);
	return rc == 0 ? save(w, err) : -1;
}

/* What the section holds now is to go once the new blocks are there. */
static int
make_stale(struct work *w, json_t *entry, struct err *err)
{
	json_t *stale, *blocks;

	if (know_ids(w, err) != 0)
		return -1;
	stale = json_object_get(entry, "stale");
	if (stale == NULL) {
		stale = json_array();
		if (json_object_set_new(entry, "stale", stale) != 0)
			return nomem(err);
	}
	blocks = json_object_get(entry, "blocks");
	if (blocks != NULL && json_array_extend(stale, blocks) != 0)
		return nomem(err);
	/* none, rather than absent, which would mean not known */
	if (json_object_set_new(entry, "blocks", json_array()) != 0)
		return nomem(err);
	if (json_array_size(stale) == 0)
		json_object_del(entry, "stale");
	return json_object_set_new(entry, "hash", json_string("")) == 0
	    ? 0
	    : nomem(err);
}

static int
insert_entry(struct work *w, size_t index, const char *name, struct err *err)
{
	json_t *entry = pagerow_entry(name, NULL, 0);

	/* with no ids to be asked for: it has no blocks yet */
	if (entry == NULL ||
	    json_object_set_new(entry, "blocks", json_array()) != 0 ||
	    json_array_insert(w->row->sections, index, entry) != 0) {
		json_decref(entry);
		return nomem(err);
	}
	json_decref(entry);
	return 0;
}

/* Bring the section to its place in the row, and into the group when it has
 * to be written; what it held before is stale then. */
static int
prepare(struct work *w, size_t *index, json_t *wanted, struct group *group,
    bool *grouped, struct err *err)
{
	const char *name = rest_text(wanted, "name");
	json_t *entry = pagerow_section(w->row, name);
	char hash[PAGEROW_HASH_SIZE];

	pagerow_hash(json_object_get(wanted, "blocks"), hash);
	*grouped = false;
	if (entry == NULL) {
		if (insert_entry(w, *index, name, err) != 0)
			return -1;
	} else {
		*index = index_of(w->row, entry);
		if (strcmp(rest_text(entry, "hash"), hash) == 0)
			return 0;
		if (make_stale(w, entry, err) != 0)
			return -1;
	}
	*grouped = true;
	return group_add(
		   group, json_array_get(w->row->sections, *index), wanted) == 0
	    ? 0
	    : nomem(err);
}

/* From *next on: the sections that have to be written and stand next to each
 * other, at once. */
static int
write_run(struct work *w, const json_t *wanted, size_t *next, size_t *index,
    struct err *err)
{
	struct group group;
	bool grouped = true;
	int rc = group_init(&group) == 0 ? 0 : nomem(err);

	while (rc == 0 && grouped && *next < json_array_size(wanted)) {
		rc = prepare(w, index, json_array_get(wanted, *next), &group,
		    &grouped, err);
		(*next)++;
		(*index)++;
	}
	if (rc == 0)
		rc = write_group(w, &group, err);
	group_free(&group);
	return rc;
}

static int
delete_all_stale(struct work *w, struct err *err)
{
	json_t *entry;
	size_t i;

	json_array_foreach (w->row->sections, i, entry)
		if (delete_stale(w, entry, err) != 0)
			return -1;
	return 0;
}

static bool
is_wanted(const json_t *wanted, const char *name)
{
	const json_t *section;
	size_t i;

	json_array_foreach (wanted, i, section)
		if (strcmp(rest_text(section, "name"), name) == 0)
			return true;
	return false;
}

static int
remove_unwanted(struct work *w, const json_t *wanted, struct err *err)
{
	for (size_t i = json_array_size(w->row->sections); i-- > 0;) {
		json_t *entry = json_array_get(w->row->sections, i);

		if (is_wanted(wanted, rest_text(entry, "name")))
			continue;
		if (make_stale(w, entry, err) != 0)
			return -1;
		if (json_object_set_new(entry, "count", json_integer(0)) != 0)
			return nomem(err);
		if (save(w, err) != 0 || delete_stale(w, entry, err) != 0)
			return -1;
		json_array_remove(w->row->sections, i);
		if (save(w, err) != 0)
			return -1;
	}
	return 0;
}

int
body_write(struct sync *sync, const struct job *job, struct pagerow *row,
    const json_t *wanted, struct err *err)
{
	struct work w = {
		.sync = sync, .job = job, .row = row, .wanted = wanted
	};
	size_t next = 0, index = 0;

	if (know_adopted(&w, err) != 0 || clear_strays(&w, err) != 0)
		return -1;
	while (next < json_array_size(wanted))
		if (write_run(&w, wanted, &next, &index, err) != 0)
			return -1;
	if (delete_all_stale(&w, err) != 0)
		return -1;
	return remove_unwanted(&w, wanted, err);
}

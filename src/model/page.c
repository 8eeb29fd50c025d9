#include "model/page.h"

#include <stdlib.h>
#include <string.h>

#include "ext/jansson.h"
#include "model/block.h"
#include "model/callbody.h"
#include "model/draft.h"
#include "model/messagebody.h"
#include "model/title.h"
#include "model/values.h"

static json_t *
values_of(const struct draft *draft, const struct schema *schema)
{
	json_t *values = json_object();

	for (size_t i = 0; i < schema->n; i++)
		if (json_object_set_new(values, schema->columns[i].name,
			values_make(draft, &schema->columns[i])) != 0) {
			json_decref(values);
			return NULL;
		}
	return values;
}

/* The original's pages are called by OpenPhone's id. */
static char *
title_of(const struct draft *draft)
{
	const char *id = draft_fact(draft, "id");

	if (draft->in->schema == PAGE_SCHEMA_ORIGINAL && id != NULL)
		return strdup(id);
	return title_make(draft);
}

int
page_render(const struct page_input *input, struct page *ret, struct err *err)
{
	const struct schema *schema = schema_find(input->kind, input->schema);
	struct page page = { 0 };
	struct draft draft = { 0 };
	size_t before = jansson_failures();
	int rc = -1;

	if (schema == NULL) {
		err_set(
		    err, ERR_PERMANENT, "no page is made of a %s", input->kind);
		return -1;
	}
	if (draft_init(&draft, input) != 0 ||
	    (page.title = title_of(&draft)) == NULL)
		goto out;
	draft.title = page.title;
	page.icon = title_icon(&draft);
	if ((page.values = values_of(&draft, schema)) == NULL ||
	    (page.sections = json_array()) == NULL)
		goto out;
	rc = draft.contact ? 0 /* columns only: the body is people's own */
	    : draft.call   ? callbody_add(page.sections, &draft)
			   : messagebody_add(page.sections, &draft);
out:
	draft_free(&draft);
	if (rc == 0 && jansson_failures() == before) {
		*ret = page;
		return 0;
	}
	page_free(&page);
	err_nomem(err);
	return -1;
}

void
page_free(struct page *page)
{
	free(page->title);
	json_decref(page->values);
	json_decref(page->sections);
	*page = (struct page){ 0 };
}

/* The requests while they are being cut. */
struct chunks {
	json_t *steps;
	json_t *top;   /* blocks of the step for the page under way */
	json_t *later; /* steps for toggles, to come right after it */
	size_t count;  /* blocks in top, children and all */
	size_t bytes;  /* JSON of top */
	size_t room;   /* bytes it may hold */
	bool failed;
};

/* Bytes of JSON and of the comma after it. */
static size_t
json_size(struct chunks *c, const json_t *value)
{
	size_t n = json_dumpb(value, NULL, 0, JSON_COMPACT);

	if (n == 0) /* it needs memory, too */
		c->failed = true;
	return n + 1;
}

static void
append_step(struct chunks *c, json_t *steps, json_int_t parent, json_t *blocks)
{
	if (json_array_append_new(steps,
		json_pack("{s:I, s:o}", "parent", parent, "blocks", blocks)) !=
	    0)
		c->failed = true;
}

static void
begin(struct chunks *c, size_t room)
{
	c->top = json_array();
	c->later = json_array();
	if (c->top == NULL || c->later == NULL)
		c->failed = true;
	c->count = 0;
	c->bytes = 2;
	c->room = room;
}

static void
flush(struct chunks *c)
{
	append_step(c, c->steps, -1, c->top);
	if (json_array_extend(c->steps, c->later) != 0)
		c->failed = true;
	json_decref(c->later);
	begin(c, PAGE_REQUEST_BYTES);
}

static bool
fits(const struct chunks *c, size_t blocks, size_t bytes)
{
	return json_array_size(c->top) < PAGE_REQUEST_TOP &&
	    c->count + blocks <= PAGE_REQUEST_BLOCKS &&
	    c->bytes + bytes <= c->room;
}

static void
put(struct chunks *c, json_t *block, size_t blocks, size_t bytes)
{
	if (json_array_append_new(c->top, block) != 0)
		c->failed = true;
	c->count += blocks;
	c->bytes += bytes;
}

/* The block with other children (taken over); the rest is shared. */
static json_t *
with_children(const json_t *block, json_t *children)
{
	const char *type = json_string_value(json_object_get(block, "type"));
	json_t *copy = jansson_copy(block);
	json_t *inner = jansson_copy(json_object_get(block, type));

	if (json_object_set_new(inner, "children", children) != 0) {
		json_decref(inner);
		json_decref(copy);
		return NULL;
	}
	if (json_array_size(children) == 0)
		json_object_del(inner, "children");
	if (json_object_set_new(copy, type, inner) != 0) {
		json_decref(copy);
		return NULL;
	}
	return copy;
}

/* Children from *next on, as many as one array and the room allow. */
static json_t *
take_children(struct chunks *c, const json_t *children, size_t *next,
    size_t max, size_t room)
{
	json_t *ret = json_array(), *child;
	size_t bytes = 2;

	for (; json_array_size(ret) < max; (*next)++) {
		child = json_array_get(children, *next);
		if (child == NULL || (bytes += json_size(c, child)) > room)
			break;
		if (json_array_append(ret, child) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

/* A toggle that no request holds whole: the children that fit go with it,
 * the others into requests of their own. */
static void
put_in_parts(struct chunks *c, const json_t *block, size_t index)
{
	const json_t *children = block_children(block);
	json_t *bare = with_children(block, json_array()), *part;
	size_t own = json_size(c, bare) + sizeof("\"children\":[]"), next = 0;
	size_t max;

	json_decref(bare);
	if (!fits(c, 1, own))
		flush(c);
	max = PAGE_REQUEST_BLOCKS - c->count - 1;
	if (max > PAGE_REQUEST_TOP)
		max = PAGE_REQUEST_TOP;
	part = take_children(c, children, &next, max, c->room - c->bytes - own);
	own += json_size(c, part);
	put(c, with_children(block, part), 1 + next, own);
	while (next < json_array_size(children) && !c->failed) {
		size_t before = next;

		append_step(c, c->later, (json_int_t)index,
		    take_children(c, children, &next, PAGE_REQUEST_TOP,
			PAGE_REQUEST_BYTES));
		if (next == before)
			c->failed = true;
	}
}

static void
put_block(struct chunks *c, json_t *block, size_t index)
{
	size_t children = json_array_size(block_children(block));
	size_t bytes = json_size(c, block);

	if (children <= PAGE_REQUEST_TOP && fits(c, 1 + children, bytes)) {
		put(c, json_incref(block), 1 + children, bytes);
	} else if (children == 0 ||
	    (children <= PAGE_REQUEST_TOP && bytes + 2 <= PAGE_REQUEST_BYTES)) {
		flush(c);
		put(c, json_incref(block), 1 + children, bytes);
	} else {
		put_in_parts(c, block, index);
	}
}

json_t *
page_chunk(const json_t *blocks, size_t first_bytes)
{
	struct chunks c = { .steps = json_array() };
	json_t *block;
	size_t i;

	begin(&c,
	    first_bytes < PAGE_REQUEST_BYTES ? first_bytes
					     : PAGE_REQUEST_BYTES);
	json_array_foreach (blocks, i, block)
		put_block(&c, block, i);
	if (json_array_size(c.top) > 0)
		flush(&c);
	json_decref(c.top);
	json_decref(c.later);
	if (c.failed) {
		json_decref(c.steps);
		return NULL;
	}
	return c.steps;
}

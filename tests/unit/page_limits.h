/*
 * page_limits.h - does Notion take it? Limits and closed shapes of what a request
 * holds, checked with cmocka; and the text of it, to see that none is lost.
 */
#ifndef TESTS_PAGE_LIMITS_H
#define TESTS_PAGE_LIMITS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/utf8.h"

static inline void
limits_keys(const json_t *object, const char *const *known)
{
	const char *key;
	json_t *value;

	assert_true(json_is_object(object));
	json_object_foreach ((json_t *)object, key, value) {
		size_t i = 0;

		(void)value;
		while (known[i] != NULL && strcmp(known[i], key) != 0)
			i++;
		if (known[i] == NULL)
			fail_msg("unknown key %s", key);
	}
}

/* An array of rich text; its text goes to out, if that is not NULL. */
static inline void
limits_rich_text(const json_t *items, struct buf *out)
{
	static const char *const keys[] = { "type", "text", "annotations",
		NULL };
	static const char *const text_keys[] = { "content", "link", NULL };
	static const char *const styles[] = { "bold", "italic", "color", NULL };
	json_t *item;
	size_t i;

	assert_true(json_is_array(items));
	assert_true(json_array_size(items) <= 100);
	json_array_foreach (items, i, item) {
		const json_t *text = json_object_get(item, "text");
		const char *content =
		    json_string_value(json_object_get(text, "content"));
		const json_t *style = json_object_get(item, "annotations");
		size_t n;

		limits_keys(item, keys);
		limits_keys(text, text_keys);
		if (style != NULL)
			limits_keys(style, styles);
		assert_non_null(content);
		n = strlen(content);
		assert_int_equal(
		    n, json_string_length(json_object_get(text, "content")));
		assert_true(n > 0);
		assert_true(utf8_valid(content, n));
		assert_true(utf8_units(content, n) <= 2000);
		if (out != NULL)
			assert_int_equal(buf_adds(out, content), 0);
	}
}

/* A block and its children; returns how many blocks that is. */
static inline size_t
limits_block(const json_t *block, int depth, struct buf *out)
{
	static const char *const keys[] = { "rich_text", "checked",
		"is_toggleable", "children", "type", "external", "caption",
		"name", NULL };
	const char *type = json_string_value(json_object_get(block, "type"));
	const json_t *inner = json_object_get(block, type), *children;
	json_t *child;
	size_t i, n = 1;

	assert_non_null(type);
	assert_int_equal(json_object_size(block), 2);
	limits_keys(inner, keys);
	assert_true(depth <= 1);
	if (json_object_get(inner, "external") != NULL) {
		const char *url = json_string_value(
		    json_object_get(json_object_get(inner, "external"), "url"));

		assert_non_null(url);
		assert_int_equal(strncmp(url, "http", 4), 0);
		assert_true(strlen(url) <= 2000);
		limits_rich_text(json_object_get(inner, "caption"), out);
	} else {
		assert_true(
		    json_array_size(json_object_get(inner, "rich_text")) > 0);
		limits_rich_text(json_object_get(inner, "rich_text"), out);
	}
	if (out != NULL)
		assert_int_equal(buf_adds(out, "\n"), 0);
	if ((children = json_object_get(inner, "children")) == NULL)
		return n;
	assert_string_equal(type, "heading_2");
	json_array_foreach (children, i, child)
		n += limits_block(child, depth + 1, out);
	return n;
}

/* The children of one request. */
static inline void
limits_request(const json_t *blocks, size_t bytes)
{
	json_t *block;
	size_t i, n = 0;

	assert_true(json_array_size(blocks) <= 100);
	assert_true(json_dumpb(blocks, NULL, 0, JSON_COMPACT) <= bytes);
	json_array_foreach (blocks, i, block) {
		const char *type =
		    json_string_value(json_object_get(block, "type"));

		assert_true(
		    json_array_size(json_object_get(
			json_object_get(block, type), "children")) <= 100);
		n += limits_block(block, 0, NULL);
	}
	assert_true(n <= 1000);
}

#endif

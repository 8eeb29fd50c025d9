#include "model/richtext.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "ext/jansson.h"

#define URL_UNITS 2000

/* A run of text is made into items when it gets longer than RUN_MAX; what is
 * kept back, for more of it may come, is longer than the longest item. */
#define RUN_MAX 65536
#define RUN_KEPT 16384

void
richtext_init(struct richtext *rt)
{
	*rt = (struct richtext){ .items = json_array() };
	buf_init(&rt->run, SIZE_MAX / 2);
	rt->failed = rt->items == NULL;
}

void
richtext_free(struct richtext *rt)
{
	json_decref(rt->items);
	buf_free(&rt->run);
	*rt = (struct richtext){ 0 };
}

static json_t *
annotations(unsigned style)
{
	return json_pack("{s:o*, s:o*, s:s*}", /* "*": left out when NULL */
	    "bold", (style & RICHTEXT_BOLD) != 0 ? json_true() : NULL, "italic",
	    (style & RICHTEXT_ITALIC) != 0 ? json_true() : NULL, "color",
	    (style & RICHTEXT_GRAY) != 0 ? "gray" : NULL);
}

static json_t *
item_new(const char *text, size_t n, unsigned style, const char *url)
{
	json_t *item = url == NULL
	    ? json_pack(
		  "{s:s, s:{s:s%}}", "type", "text", "text", "content", text, n)
	    : json_pack("{s:s, s:{s:s%, s:{s:s}}}", "type", "text", "text",
		  "content", text, n, "link", "url", url);

	if (item != NULL && style != RICHTEXT_PLAIN &&
	    json_object_set_new(item, "annotations", annotations(style)) != 0) {
		json_decref(item);
		return NULL;
	}
	return item;
}

static const char *
item_text(const json_t *item)
{
	const char *text = json_string_value(
	    json_object_get(json_object_get(item, "text"), "content"));

	return text == NULL ? "" : text;
}

static bool
ends_line(const json_t *item)
{
	const char *text = item_text(item);
	size_t n = strlen(text);

	return n > 0 && text[n - 1] == '\n';
}

/* Bytes of the text that make the next item: up to the end of a line where
 * that is not too short, so that arrays can be cut between lines. */
static size_t
cut(const char *text, size_t n)
{
	size_t len = utf8_cut(text, n, RICHTEXT_UNITS), line = len;

	if (len == n)
		return n;
	while (line > len / 2 && text[line - 1] != '\n')
		line--;
	return line > len / 2 ? line : len;
}

/* Items of valid text, until at most keep bytes are left over. The bytes
 * used, or -1: out of memory. */
static ssize_t
append(json_t *items, unsigned style, const char *url, const char *text,
    size_t n, size_t keep)
{
	size_t used = 0, len;

	while (n - used > keep) {
		len = cut(text + used, n - used);
		if (json_array_append_new(
			items, item_new(text + used, len, style, url)) != 0)
			return -1;
		used += len;
	}
	return (ssize_t)used;
}

/* Make the run of text into items, but for keep bytes of it. */
static void
flush(struct richtext *rt, size_t keep)
{
	ssize_t used;

	if (rt->failed || rt->run.len <= keep)
		return;
	used =
	    append(rt->items, rt->style, NULL, rt->run.data, rt->run.len, keep);
	if (used < 0) {
		rt->failed = true;
		return;
	}
	rt->run.len -= (size_t)used;
	memmove(rt->run.data, rt->run.data + used, rt->run.len + 1);
}

void
richtext_add(struct richtext *rt, unsigned style, const char *text)
{
	char *clean;

	if (rt->failed || text == NULL || *text == '\0')
		return;
	if (rt->style != style)
		flush(rt, 0);
	rt->style = style;
	clean = utf8_clean(text, strlen(text));
	if (clean == NULL || buf_adds(&rt->run, clean) != 0)
		rt->failed = true;
	free(clean);
	if (rt->run.len > RUN_MAX)
		flush(rt, RUN_KEPT);
}

void
richtext_vaddf(struct richtext *rt, unsigned style, const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0 || (text = malloc((size_t)n + 1)) == NULL) {
		rt->failed = true;
	} else {
		vsnprintf(text, (size_t)n + 1, fmt, again);
		richtext_add(rt, style, text);
		free(text);
	}
	va_end(again);
}

void
richtext_addf(struct richtext *rt, unsigned style, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	richtext_vaddf(rt, style, fmt, ap);
	va_end(ap);
}

void
richtext_add_json(struct richtext *rt, unsigned style, const json_t *value)
{
	char *text;

	if (json_is_string(value)) {
		richtext_add(rt, style, json_string_value(value));
	} else if (json_is_boolean(value)) {
		richtext_add(rt, style, json_is_true(value) ? "yes" : "no");
	} else if (value != NULL && !json_is_null(value)) {
		text = jansson_text(value,
		    JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS |
			JSON_REAL_PRECISION(15));
		if (text == NULL)
			rt->failed = true;
		richtext_add(rt, style, text);
		free(text);
	}
}

void
richtext_link(struct richtext *rt, const char *url, const char *text)
{
	char *clean;

	if (!richtext_url(url)) {
		richtext_add(rt, RICHTEXT_PLAIN, text);
		return;
	}
	flush(rt, 0);
	if (rt->failed)
		return;
	clean = utf8_clean(text, strlen(text));
	if (clean == NULL ||
	    append(rt->items, RICHTEXT_PLAIN, url, clean, strlen(clean), 0) < 0)
		rt->failed = true;
	free(clean);
}

size_t
richtext_count(const struct richtext *rt)
{
	return json_array_size(rt->items) + (rt->run.len > 0);
}

bool
richtext_at_line_start(const struct richtext *rt)
{
	size_t n = json_array_size(rt->items);

	if (rt->run.len > 0)
		return rt->run.data[rt->run.len - 1] == '\n';
	return n == 0 || ends_line(json_array_get(rt->items, n - 1));
}

json_t *
richtext_take(struct richtext *rt)
{
	json_t *items = NULL;

	flush(rt, 0);
	if (!rt->failed)
		items = json_incref(rt->items);
	richtext_free(rt);
	return items;
}

/* Bytes of JSON, 0: out of memory. */
static size_t
json_size(const json_t *value)
{
	return json_dumpb(value, NULL, 0, JSON_COMPACT);
}

/* How many items from here on make one array; 0: out of memory. */
static size_t
group_size(const json_t *items, size_t from)
{
	size_t all = json_array_size(items) - from;
	size_t bytes = 0, size, n = 0, line = 0;

	while (n < all && n < RICHTEXT_ITEMS) {
		const json_t *item = json_array_get(items, from + n);

		if ((size = json_size(item)) == 0)
			return 0;
		bytes += size + 1;
		if (n > 0 && bytes > RICHTEXT_BYTES)
			break;
		n++;
		if (ends_line(item))
			line = n;
	}
	return n < all && line > n / 2 ? line : n;
}

/* A copy of the item without the newlines at its end; NULL: out of memory. */
static json_t *
without_line_end(const json_t *item)
{
	const char *text = item_text(item);
	size_t n = strlen(text);
	json_t *copy = json_deep_copy(item);

	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (json_object_set_new(json_object_get(copy, "text"), "content",
		json_stringn(text, n)) != 0) {
		json_decref(copy);
		return NULL;
	}
	return copy;
}

static bool
is_blank(const json_t *item)
{
	const char *text = item_text(item);

	return text[strspn(text, "\n")] == '\0';
}

static json_t *
group_new(const json_t *items, size_t from, size_t n)
{
	json_t *group = json_array(), *last;

	while (n > 0 && is_blank(json_array_get(items, from + n - 1)))
		n--;
	if (n == 0)
		return group;
	for (size_t i = 0; i + 1 < n; i++)
		if (json_array_append(group, json_array_get(items, from + i)) !=
		    0)
			goto fail;
	last = without_line_end(json_array_get(items, from + n - 1));
	if (json_array_append_new(group, last) == 0)
		return group;
fail:
	json_decref(group);
	return NULL;
}

json_t *
richtext_split(const json_t *items)
{
	json_t *groups = json_array(), *group;
	size_t n;

	for (size_t i = 0; i < json_array_size(items); i += n) {
		if ((n = group_size(items, i)) == 0)
			goto fail;
		group = group_new(items, i, n);
		if (group != NULL && json_array_size(group) == 0)
			json_decref(group); /* a block of nothing */
		else if (json_array_append_new(groups, group) != 0)
			goto fail;
	}
	return groups;
fail:
	json_decref(groups);
	return NULL;
}

/* How many of the items fit; -1: out of memory. */
static ssize_t
fitting(const json_t *items, size_t max_bytes)
{
	size_t n, bytes = 2, size;

	for (n = 0; n < json_array_size(items) && n < RICHTEXT_ITEMS; n++) {
		if ((size = json_size(json_array_get(items, n))) == 0)
			return -1;
		if ((bytes += size + 1) > max_bytes)
			break;
	}
	return (ssize_t)n;
}

json_t *
richtext_cut(const json_t *items, size_t max_bytes, const char *note)
{
	ssize_t fit = fitting(items, max_bytes);
	size_t all = json_array_size(items), n = fit < 0 ? 0 : (size_t)fit;
	json_t *ret = fit < 0 ? NULL : json_array();

	if (n < all && n > 0)
		n--; /* the note takes its place */
	for (size_t i = 0; i < n; i++)
		if (json_array_append(ret, json_array_get(items, i)) != 0)
			goto fail;
	if (n < all &&
	    json_array_append_new(
		ret, item_new(note, strlen(note), RICHTEXT_PLAIN, NULL)) != 0)
		goto fail;
	return ret;
fail:
	json_decref(ret);
	return NULL;
}

bool
richtext_url(const char *url)
{
	const char *host;
	size_t n;

	if (url == NULL || !utf8_valid(url, n = strlen(url)) ||
	    utf8_units(url, n) > URL_UNITS)
		return false;
	if (strncmp(url, "https://", 8) == 0)
		host = url + 8;
	else if (strncmp(url, "http://", 7) == 0)
		host = url + 7;
	else
		return false;
	for (const char *p = url; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
	return *host != '\0' && *host != '/';
}

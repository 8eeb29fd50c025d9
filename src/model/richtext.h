/*
 * richtext.h - Notion's rich text: text in items of at most 2000 units.
 *
 * A rich_text value is an array of items, {"type": "text", "text":
 * {"content": …}, "annotations": {…}}. Notion allows 2000 UTF-16 units an
 * item and 100 items an array (https://developers.notion.com/reference/
 * request-limits). An item more or less is not seen by the reader: items of
 * one array stand side by side without a break.
 *
 * A struct richtext grows by adding to it. It remembers when memory ran out,
 * so that only richtext_take() has to be checked.
 */
#ifndef MODEL_RICHTEXT_H
#define MODEL_RICHTEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"

#define RICHTEXT_UNITS 2000 /* UTF-16 units an item */
#define RICHTEXT_ITEMS 100  /* items an array */

/* Bytes of JSON that richtext_split() puts into one array: 100 items of
 * CJK text are 600 KB, more than Notion takes in a whole request (500 KB). */
#define RICHTEXT_BYTES 200000

enum richtext_style {
	RICHTEXT_PLAIN = 0,
	RICHTEXT_BOLD = 1,
	RICHTEXT_ITALIC = 2,
	RICHTEXT_GRAY = 4
};

struct richtext {
	json_t *items;	/* array without a limit on its length */
	struct buf run; /* text that comes after them, of one style */
	unsigned style; /* the run's */
	bool failed;	/* out of memory; stays */
};

void richtext_init(struct richtext *rt);
void richtext_free(struct richtext *rt);

/* Add text in a style (enum richtext_style, or-ed). Bad bytes and control
 * characters are replaced as utf8_clean() says; NULL and "" add nothing. */
void richtext_add(struct richtext *rt, unsigned style, const char *text);
void richtext_addf(struct richtext *rt, unsigned style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void richtext_vaddf(struct richtext *rt, unsigned style, const char *fmt,
    va_list ap) __attribute__((format(printf, 3, 0)));

/* A scalar as people write it: true is "yes"; other values as JSON. */
void richtext_add_json(
    struct richtext *rt, unsigned style, const json_t *value);

/* Text that leads to a URL; plain text where richtext_url() says no. */
void richtext_link(struct richtext *rt, const char *url, const char *text);

/* Items so far; those of long text may still become more. */
size_t richtext_count(const struct richtext *rt);
bool richtext_at_line_start(const struct richtext *rt);

/* Hand the array over (json_decref()); rt is empty then. NULL: out of memory
 * at some time since richtext_init(). */
json_t *richtext_take(struct richtext *rt);

/* Cut an array of any length into a new array of arrays that Notion takes
 * each: at most RICHTEXT_ITEMS items and RICHTEXT_BYTES bytes. Cuts are made
 * after the end of a line where there is one in the second half; the newline
 * before a cut, and at the end, is dropped, for a block ends the line. NULL:
 * out of memory. */
json_t *richtext_split(const json_t *items);

/* At most RICHTEXT_ITEMS items and max_bytes bytes of JSON, as a new array;
 * where something had to go, note (plain text) stands at its end. NULL: out
 * of memory. */
json_t *richtext_cut(const json_t *items, size_t max_bytes, const char *note);

/* Will Notion take it as a link: http or https, at most 2000 characters? */
bool richtext_url(const char *url);

#endif

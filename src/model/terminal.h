/*
 * terminal.h - a Notion page as text for a terminal.
 *
 * Lines are folded between words at the terminal's width; what has no spaces,
 * such as a URL, may be longer, so that it can be clicked. Nothing of the
 * page's text can steer the terminal: control characters are left out.
 */
#ifndef MODEL_TERMINAL_H
#define MODEL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "model/schema.h"

struct terminal {
	size_t width; /* columns */
	bool bold;    /* it understands escape sequences (ECMA-48) */
};

/*
 * Append a page object of the API, and its blocks with those inside them
 * where block_children() finds them, as requests have it. Properties come in
 * the schema's order (NULL: the page's own), empty ones are left out; times
 * are in the zone that TZ names. 0, or -1: out of memory, or out is full.
 */
int terminal_page(const struct terminal *terminal, const struct schema *schema,
    const json_t *page, const json_t *blocks, struct buf *out);

#endif

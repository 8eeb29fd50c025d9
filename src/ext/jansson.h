/*
 * jansson.h - where jansson does not say that memory is out.
 *
 * json_copy() and json_deep_copy() leave members out, json_pack() leaves out
 * what is optional, the dumpers leave out what their buffer does not take, and
 * the parser speaks of bad JSON, drops a byte, or writes past the end of a
 * string (2.14). So its allocations are counted here, and what must be whole is
 * made between two looks at the count:
 *
 *	size_t before = jansson_failures();
 *	… make values …
 *	if (jansson_failures() != before)
 *		out of memory
 */
#ifndef EXT_JANSSON_H
#define EXT_JANSSON_H

#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"

/* How often memory was out in this thread. */
size_t jansson_failures(void);

/* json_loadb() that is safe then: NULL, and the error's code says
 * json_error_out_of_memory. error may be NULL. */
json_t *jansson_read(
    const char *text, size_t n, size_t flags, json_error_t *error);

/* Append a value, but stop when there are enough bytes. json_dump_callback()
 * does not stop, nor fail, each time that its callback does. 0, or -1: memory
 * or the ceiling. */
int jansson_dump(
    const json_t *value, size_t flags, struct buf *out, size_t enough);

/* Hand the text over in pieces of some size, none of which ends within a
 * character. The text is only lent. 0, or -1: memory, or take() failed, which
 * is not called again then. */
typedef int jansson_take_fn(void *ctx, const char *text);
int jansson_pieces(const json_t *value, size_t flags, size_t size,
    jansson_take_fn *take, void *ctx);

/* json_dumps() that is whole or NULL, and never in memory twice; free() it. */
char *jansson_text(const json_t *value, size_t flags);

/* json_copy() that copies all members or returns NULL. */
json_t *jansson_copy(const json_t *value);

#endif

/*
 * utf8.h - text from outside: make it valid, measure it, cut it.
 *
 * Notion counts UTF-16 code units, as JavaScript's .length does.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed UTF-8 sequence at s (RFC 3629: no surrogates, no
 * over-long forms, at most U+10FFFF), 0 when there is none in the n bytes. */
size_t utf8_sequence(const char *s, size_t n);

/* Is the well-formed sequence of len bytes at s one that a terminal might obey
 * or break the line at: a control character, U+2028 or U+2029? */
bool utf8_is_control(const char *s, size_t len);

bool utf8_valid(const char *s, size_t n);

/* A copy with each bad byte replaced by U+FFFD, and control characters other
 * than tab and newline dropped. The caller frees it; NULL: out of memory. */
char *utf8_clean(const char *s, size_t n);

/* UTF-16 code units of n bytes of valid UTF-8. */
size_t utf8_units(const char *s, size_t n);

/* How many of the n bytes of valid UTF-8 fit into max_units UTF-16 units:
 * all of them, or up to the last newline or space in the second half, or
 * else between two code points (before a combining mark or a joiner never,
 * as long as that leaves anything). At least one code point. */
size_t utf8_cut(const char *s, size_t n, size_t max_units);

#endif

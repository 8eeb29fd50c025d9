/*
 * words.h - durations, times and lists as people write them.
 */
#ifndef MODEL_WORDS_H
#define MODEL_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"

#define WORDS_SIZE 64

/* "0:42", "12:05", "1:02:03". Below zero counts as zero. */
void words_duration(json_int_t seconds, char ret[WORDS_SIZE]);

/* "1,204,300". */
void words_count(int64_t n, char ret[WORDS_SIZE]);

/* "40 s", "12 min", "23 h 9 min", "4 d 2 h": how long something takes. */
void words_span(int64_t seconds, char ret[WORDS_SIZE]);

/* An RFC 3339 time by strftime(3) in the zone of TZ; "" when it is none. */
void words_time(const char *rfc3339, const char *format, char ret[WORDS_SIZE]);

/* Whole seconds from one RFC 3339 time to another, -1 when either is none
 * or the second comes first. */
json_int_t words_seconds(const char *from, const char *to);

/* "No answer" for call_outcome()'s "no-answer"; static. NULL: another word,
 * as "unknown". */
const char *words_outcome(const char *outcome);

/* Add text on one line: white space in one blank each, at most max_units
 * UTF-16 units, "…" where it was cut. 0, or -1: out of memory, or the
 * buffer's ceiling. */
int words_clip(struct buf *buf, const char *text, size_t max_units);

/* Strings of an array with something between them: a JSON string, JSON null
 * when the array has none. NULL: out of memory. */
json_t *words_join(const json_t *strings, const char *between);

#endif

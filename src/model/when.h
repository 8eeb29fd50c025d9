/*
 * when.h - points in time, as people give them on the command line.
 */
#ifndef MODEL_WHEN_H
#define MODEL_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * "2026-01-31" (a day in the zone of TZ: its beginning, or its end when last),
 * "2026-01-31T09:00:00Z" (RFC 3339), "12h", "30d", "2w" (before now). 0 and
 * *ret in microseconds, or -1: none of these.
 */
int when_parse(const char *text, int64_t now, bool last, int64_t *ret);

#endif

/*
 * rfc3339.h - points in time: microseconds since 1970-01-01T00:00:00Z.
 *
 * OpenPhone writes "…:45Z", "…:45.000Z" and "…:45+00:00", all three.
 */
#ifndef BASE_RFC3339_H
#define BASE_RFC3339_H

#include <stddef.h>
#include <stdint.h>

#define RFC3339_SIZE sizeof("2026-01-15T10:29:30.000000Z")

/* 0 and *ret set, or -1: not an RFC 3339 date-time of the years 1 to 9999. */
int rfc3339_parse(const char *text, int64_t *ret);

/* "2026-01-15T10:29:30.123Z": UTC, milliseconds, always in this one form, so
 * that equal times are equal strings and the order of text is that of time.*/
void rfc3339_format(int64_t usec, char ret[RFC3339_SIZE]);

/* strftime(3) in the zone that TZ names now. */
void rfc3339_local(int64_t usec, const char *fmt, char *ret, size_t size);

/* The clock, in the same unit. */
int64_t rfc3339_now(void);

#endif

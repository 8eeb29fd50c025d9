/*
 * clock.h - how much time has passed.
 *
 * Whatever is shared by several hosts (leases, times to try again, pauses) goes
 * by the database's clock; within a process only durations count, by a clock
 * that nobody sets, and that goes on while the machine or the process sleeps.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since some moment. */
static inline int64_t
clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif

/*
 * alloc.h - memory that runs out when the test says so.
 *
 * Linked into a program, alloc.c stands in for malloc() and its like, for
 * libraries as well. Only the thread that arms it is concerned, and only
 * until it disarms.
 */
#ifndef TORTURE_ALLOC_H
#define TORTURE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* From now on allocations are counted, and the nth fails (0: none does), with
 * onwards all after it, too. */
void alloc_arm(size_t nth, bool onwards);

/* The test's own work in between neither fails nor counts. */
void alloc_pause(void);
void alloc_resume(void);

/* Allocations since alloc_arm(). */
size_t alloc_disarm(void);

/* How many have not been freed, of all runs. */
size_t alloc_live(void);

/* Backtraces for addr2line: where the program is, where the nth allocation
 * failed, and where the oldest of those was made that are live since the last
 * run. */
void alloc_show_here(int fd);
void alloc_show_failed(int fd);
void alloc_show_live(int fd);

#endif

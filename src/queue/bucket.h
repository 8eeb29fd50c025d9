/*
 * bucket.h - a service's rate limit, shared by all processes and hosts.
 *
 * A time that the service names binds everybody. Requests for jobs of low
 * priority are spread evenly and leave a little, so that live events find room.
 */
#ifndef QUEUE_BUCKET_H
#define QUEUE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ext/db.h"
#include "queue/job.h"

struct bucket {
	const char *workspace, *service;
	int64_t limit, window_ms; /* requests in each window, as configured */
};

/* Take one request for the job (NULL: a person's command): *wait is 0, go, or
 * the milliseconds to wait; *trouble > 0: so many milliseconds, for a person
 * must act; < 0: go, and tell whether that is done (queue/trouble). */
int bucket_take(struct db *db, const struct bucket *bucket,
    const struct job *job, int64_t *wait, int64_t *trouble, struct err *err);

/* The service named a time; refused: because of too many requests (429).
 * *learned: the lower rate that is to be kept from now on, or 0: no news. */
int bucket_pause(struct db *db, const struct bucket *bucket, int64_t ms,
    const char *reason, bool refused, int64_t *learned, struct err *err);

#endif

/*
 * bucket.h - a service's rate limit, shared by all processes and hosts.
 *
 * A 429 pauses the bucket for everybody: while it is paused, the workspace's
 * jobs are not claimed at all.
 */
#ifndef QUEUE_BUCKET_H
#define QUEUE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ext/db.h"

/* Take one of limit requests per window: 0 = go, > 0 milliseconds to wait,
 * -1 error. */
int64_t bucket_take(struct db *db, const char *workspace, const char *service,
    int64_t limit, int64_t window_ms, struct err *err);

/* for_operator: a person must act, it isn't a time that the service named. */
int bucket_pause(struct db *db, const char *workspace, const char *service,
    int64_t ms, const char *reason, bool for_operator, struct err *err);

#endif

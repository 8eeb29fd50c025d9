/*
 * run.h - the table of running processes.
 *
 * Leases are held in the name of a run. When its process is gone, whoever
 * runs on the same host and notices gives the leases back at once; the leases
 * of a host that is gone expire.
 */
#ifndef QUEUE_RUN_H
#define QUEUE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ext/db.h"

/* Enter this process; program "lingering" or "draining" (a parent), or
 * "worker". */
int run_begin(
    struct db *db, const char *program, int64_t *ret, struct err *err);

/* Leave, and give back what is still leased to the run. */
int run_end(struct db *db, int64_t run, struct err *err);

/* End the runs of this host whose processes are gone. */
int run_reap(struct db *db, struct err *err);

/* Has a later start on this host, that lingers as well, taken over? */
int run_superseded(struct db *db, int64_t run, bool *ret, struct err *err);

#endif

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
#include "model/conf.h"

enum { RUN_HOST_SIZE = 256 };

/* This host, as the tables call it. */
void run_host(char ret[RUN_HOST_SIZE]);

/* Enter this process; program "lingering" or "draining" (a parent), or
 * "worker". */
int run_begin(
    struct db *db, const char *program, int64_t *ret, struct err *err);

/* Leave; nothing is leased to the run any more. */
int run_end(struct db *db, int64_t run, struct err *err);

/* Give back what is leased to the run, whatever it is: the whole queue is read
 * for that. */
int run_release(struct db *db, int64_t run, struct err *err);

/* For those who ask when one was last at work: it begins to, for all workspaces
 * of the configuration; program as above but "worker". */
int run_started(struct db *db, const struct conf *conf, const char *program,
    struct err *err);
/* ... and still is: now and then, so that a long one is not thought dead. */
int run_seen(struct db *db, const struct conf *conf, struct err *err);

/* Look at this host's runs: those whose processes are gone are ended, and the
 * jobs that they held are due again; waiting workers are told. *newer (may be
 * NULL): has a later start than run, that lingers as well, taken over? *seen
 * (may be NULL) is freed and becomes the list, NULL when it changed or could
 * not be read. */
int run_look(struct db *db, int64_t run, struct db_result **seen, bool *newer,
    struct err *err);

/* Do all that were seen still run? Asks nobody but the kernel. */
bool run_all_alive(const struct db_result *seen);

#endif

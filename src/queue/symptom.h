/*
 * symptom.h - what is wrong that people are told of, in a table.
 *
 * A look notes what is wrong and what is not any more, for all processes and
 * hosts; what is told of when follows from the rows. So each is told of once,
 * whoever looks and however often.
 */
#ifndef QUEUE_SYMPTOM_H
#define QUEUE_SYMPTOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ext/db.h"
#include "model/alert.h"
#include "model/conf.h"

/* Look at this host: its spool, its disks. What cannot be looked at is left
 * as it was. */
int symptom_look_host(struct db *db, const struct conf *conf, struct err *err);

/* Look at a workspace's jobs, deliveries and services. */
int symptom_look(struct db *db, const struct workspace *ws, struct err *err);

/* What people are to be told next of the workspace, "": of hosts: 1, and *ret
 * borrows from *r, which is to be freed; 0: nothing; -1. */
int symptom_next(struct db *db, const char *workspace, int64_t reminder_ms,
    struct alert *ret, struct db_result **r, struct err *err);

/* They were. */
int symptom_told(struct db *db, const struct alert *alert, struct err *err);

/* They could not be, for the reason why (which may name a time): to be tried
 * again later. *first: it could before. */
int symptom_untold(struct db *db, const char *workspace, const struct err *why,
    bool *first, struct err *err);

#endif

/*
 * trouble.h - what a person must mend: a refused key, a database that is not
 * shared any more.
 *
 * While it lasts nobody calls the service, but for one job at a time that tries
 * whether it is mended; then what waited is due. This is the one place that
 * knows when a trouble begins, lasts and ends, for all processes and hosts.
 */
#ifndef QUEUE_TROUBLE_H
#define QUEUE_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ext/db.h"
#include "queue/job.h"

/* What it is about: all of a service (part ""), or the one of its databases
 * that takes a kind of resource (part "call" …). */
struct trouble {
	const char *workspace, *service, *part;
};

/* What people are to be told. */
enum trouble_news { TROUBLE_KNOWN, TROUBLE_BEGINS, TROUBLE_LASTS };

/* May the job call? 0 in *wait: yes; -1: yes, to find out whether the trouble
 * is over; else not before so many milliseconds. */
int trouble_wait(struct db *db, const struct trouble *trouble,
    const struct job *job, int64_t *wait, struct err *err);

/* The service refused. *wait: milliseconds until it is tried again. */
int trouble_met(struct db *db, const struct trouble *trouble,
    const char *reason, enum trouble_news *news, int64_t *wait,
    struct err *err);

/* It works: a trouble that lasted until now is over. *seconds: how long it
 * did, -1: there was none, or nobody had been told of it. */
int trouble_ended(struct db *db, const struct trouble *trouble,
    int64_t *seconds, struct err *err);

#endif

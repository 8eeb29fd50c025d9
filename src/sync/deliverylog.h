/*
 * deliverylog.h - which deliveries did OpenPhone make, or try in vain, that we
 * do not have?
 *
 * The log of each webhook of the dated API that delivers to us is read. What
 * is missing is taken from there, body and all, as if it had just come in.
 */
#ifndef SYNC_DELIVERYLOG_H
#define SYNC_DELIVERYLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "queue/chore.h"
#include "sync/sync.h"

struct deliverylog {
	struct sync *sync;
	const struct chore *chore; /* kept while it goes on */
	bool repair; /* else nothing is changed, but the findings are stored */
	int64_t since, until; /* made then, and before: microseconds */
	const char *url;      /* where they should go to */
	/* what came of it, for people: why it was not to be had, or what is
	 * missing; "": nothing is */
	char remark[400];
};

/* Findings "undelivered" are in the table afterwards. That there is no log is
 * no failure. */
int deliverylog_compare(struct deliverylog *log, struct err *err);

#endif

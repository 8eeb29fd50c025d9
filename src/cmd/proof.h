/*
 * proof.h - what onsctl reconcile and maintain have in common: is everything
 * there, and once?
 */
#ifndef CMD_PROOF_H
#define CMD_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cmd/onsctl.h"
#include "queue/chore.h"
#include "sync/sync.h"

struct proof {
	bool notion;	/* compare with Notion's rows */
	bool openphone; /* compare with OpenPhone's lists of what was created …
			 */
	int64_t since, until; /* … then, and before (microseconds) */
	bool thorough;	      /* contacts and the log of deliveries, too */
	bool repair;
	/* what came of it */
	int64_t refused, groups; /* see sync/upstream.h */
	int64_t repaired, open;
	int64_t pages[3]; /* ids on Notion's pages: contacts, calls, messages */
	bool complete;
	char remark[400]; /* see sync/deliverylog.h */
	char sentence[512];
};

int proof_run(struct proof *proof, struct ctl *ctl, struct sync *sync,
    const struct chore *chore, struct err *err);

/* What was found, as a table or, with the sentence, as JSON. */
int proof_print(const struct proof *proof, struct ctl *ctl, struct err *err);

/* Nobody else reconciles or maintains: 1, 0: somebody does, -1. */
int proof_begin(struct ctl *ctl, struct chore *chore, struct err *err);

#endif

/*
 * patience.h - to wait and try again, where there is no queue to give the work
 * back to.
 */
#ifndef SYNC_PATIENCE_H
#define SYNC_PATIENCE_H

#include <stdbool.h>

#include "base/err.h"
#include "queue/chore.h"
#include "sync/sync.h"

/* After a failure: has waited, for as long as the failure asks for, and it is
 * to be tried again? *attempt is 1 before the first. False: give up; *err says
 * why. The chore is kept meanwhile. */
bool patience_again(struct sync *sync, const struct chore *chore, int *attempt,
    struct err *err);

#endif

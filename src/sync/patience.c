#include "sync/patience.h"

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "queue/job.h"

enum {
	ATTEMPTS = 5,
	WAIT_MAX_MS = 120000, /* for a rate limit, hardly for a pause */
	NAP_MS = 200
};

bool
patience_again(
    struct sync *sync, const struct chore *chore, int *attempt, struct err *err)
{
	double roll = (double)arc4random() / UINT32_MAX;
	int64_t ms = backoff_ms(err, *attempt, roll);

	if ((err->kind != ERR_WAIT && err->kind != ERR_RETRY) ||
	    *sync->stopping || ms > WAIT_MAX_MS ||
	    (err->kind == ERR_RETRY && ++*attempt > ATTEMPTS))
		return false;
	log_debug("waiting %lld ms: %s", (long long)ms, err->text);
	for (; ms > 0 && !*sync->stopping; ms -= NAP_MS)
		nanosleep(
		    &(struct timespec){ .tv_nsec = NAP_MS * 1000000L }, NULL);
	err_clear(err);
	return chore_keep(chore, err) == 0;
}

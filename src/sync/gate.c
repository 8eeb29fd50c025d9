#include "sync/gate.h"

#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/bucket.h"

/* Longer waits give the job back: another workspace's may go on. */
enum { WAIT_HERE_MS = 2000, NAP_MS = 100 };

static void
nap(int64_t ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

int
gate_heartbeat(struct sync *sync, struct err *err)
{
	int64_t lease_ms = sync->conf->process.lease_ms;

	if (sync->job == NULL || clock_ms() - sync->leased_at < lease_ms / 4)
		return 0;
	if (job_extend(sync->db, sync->job, lease_ms, err) != 0)
		return -1;
	sync->leased_at = clock_ms();
	return 0;
}

static int
before(void *ctx, struct err *err)
{
	struct sync_gate *g = ctx;
	int64_t waited = 0, wait;

	for (;;) {
		if (*g->sync->stopping) {
			err_set(err, ERR_WAIT, "the program is stopping");
			return -1;
		}
		if (gate_heartbeat(g->sync, err) != 0)
			return -1;
		wait = bucket_take(g->sync->db, g->sync->ws->name, g->service,
		    g->limit, g->window_ms, err);
		if (wait <= 0)
			return wait == 0 ? 0 : -1;
		if (waited + wait > WAIT_HERE_MS) {
			err_set(err, ERR_WAIT,
			    "%s: no request for %lld s: its rate limit, or a "
			    "pause (see onsctl status)",
			    g->service, (long long)((wait + 999) / 1000));
			err->retry_after_ms = wait;
			return -1;
		}
		nap(wait < NAP_MS ? wait : NAP_MS);
		waited += wait < NAP_MS ? wait : NAP_MS;
	}
}

static void
pause_bucket(
    struct sync_gate *g, int64_t ms, const char *reason, bool for_operator)
{
	struct err err = ERR_INIT;

	if (bucket_pause(g->sync->db, g->sync->ws->name, g->service, ms, reason,
		for_operator, &err) != 0)
		log_err(&err, "pausing %s", g->service);
	else
		log_info("%s: no requests for %lld s: %s", g->service,
		    (long long)((ms + 999) / 1000), reason);
}

static void
on_pause(void *ctx, int64_t ms, const char *reason)
{
	pause_bucket(ctx, ms, reason, false);
}

void
gate_pause_for_operator(struct sync_gate *gate, int64_t ms, const char *reason)
{
	pause_bucket(gate, ms, reason, true);
}

void
gate_init(struct sync_gate *gate, struct sync *sync, const char *service,
    int64_t limit, int64_t window_ms)
{
	*gate = (struct sync_gate){ .sync = sync,
		.service = service,
		.limit = limit,
		.window_ms = window_ms,
		.gate = { .before = before, .pause = on_pause, .ctx = gate } };
}

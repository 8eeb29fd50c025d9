#include "sync/gate.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/bucket.h"
#include "queue/trouble.h"

enum {
	/* longer waits give the job back: another workspace's may go on */
	WAIT_HERE_MS = 2000,
	/* ... and so do live ones (gives_way()) */
	BACKGROUND_WAIT_MS = 10000,
	NAP_MS = 100,
	/* Jobs without whose service pages are written all the same need not
	 * try again and again: trouble_ended() wakes them. Those without Notion
	 * are not claimed while its trouble lasts. */
	BLOCKED_MS = 30 * 60 * 1000
};

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

static struct bucket
bucket_of(const struct sync_gate *g)
{
	return (struct bucket){ .workspace = g->sync->ws->name,
		.service = g->service,
		.limit = g->limit,
		.window_ms = g->window_ms };
}

static int
refuse(const char *service, int64_t wait_ms, struct err *err)
{
	err_set(err, ERR_OPERATOR, "%s: a person must act (see onsctl status)",
	    service);
	err->retry_after_ms = wait_ms;
	return -1;
}

static int
throttle(const char *service, int64_t wait_ms, struct err *err)
{
	err_set(err, ERR_WAIT,
	    "%s: no request for %lld s: its rate limit, or a pause (see "
	    "onsctl status)",
	    service, (long long)((wait_ms + 999) / 1000));
	err->retry_after_ms = wait_ms;
	return -1;
}

static bool
is_background(const struct sync *sync)
{
	return sync->job != NULL && sync->job->priority > JOB_LIVE;
}

/* A job of low priority that has not begun with the service leaves its worker
 * to a live one; one that has begun would have to begin again. */
static bool
gives_way(const struct sync_gate *g)
{
	struct err ignored = ERR_INIT;

	return is_background(g->sync) && !g->used &&
	    job_live_is_due(g->sync->db, g->sync->ws->name, &ignored) > 0;
}

static int
before(void *ctx, struct err *err)
{
	struct sync_gate *g = ctx;
	const struct bucket bucket = bucket_of(g);
	int64_t patience =
	    is_background(g->sync) ? BACKGROUND_WAIT_MS : WAIT_HERE_MS;
	int64_t waited = 0, wait, trouble;

	for (;;) {
		if (*g->sync->stopping) {
			err_set(err, ERR_WAIT, "the program is stopping");
			return -1;
		}
		if (gate_heartbeat(g->sync, err) != 0 ||
		    bucket_take(g->sync->db, &bucket, g->sync->job, &wait,
			&trouble, err) != 0)
			return -1;
		if (trouble > 0)
			return refuse(g->service,
			    g == &g->sync->notion_gate ? trouble
						       : trouble + BLOCKED_MS,
			    err);
		g->trying |= trouble < 0;
		if (wait == 0) {
			g->used = true;
			return 0;
		}
		if (waited + wait > patience || gives_way(g))
			return throttle(g->service, wait, err);
		nap(wait < NAP_MS ? wait : NAP_MS);
		waited += wait < NAP_MS ? wait : NAP_MS;
	}
}

static void
on_pause(void *ctx, int64_t ms, int status, const char *reason)
{
	struct sync_gate *g = ctx;
	const struct bucket bucket = bucket_of(g);
	struct err err = ERR_INIT;
	int64_t learned = 0;

	if (bucket_pause(g->sync->db, &bucket, ms, reason, status == 429,
		&learned, &err) != 0)
		log_err(&err, "pausing %s", g->service);
	else
		log_info("%s: no requests for %lld s: %s", g->service,
		    (long long)((ms + 999) / 1000), reason);
	if (learned > 0)
		log_warn("%s takes fewer requests than [%s] rate says, or "
			 "somebody else uses the key: %lld for now, then "
			 "slowly more",
		    g->service, g->service, (long long)learned);
}

/* Of all that a service may refuse, what is it about? */
static const char *
part_of(const struct sync_gate *g, const struct err *err)
{
	/* one of Notion's databases is full */
	bool database = err->status == 406 || err->status == 409;

	return database && g->sync->job != NULL ? g->sync->job->kind : "";
}

static void
after(void *ctx, struct err *err)
{
	struct sync_gate *g = ctx;

	if (err->kind == ERR_OPERATOR && err->status != 0)
		gate_trouble(g->sync, g->service, part_of(g, err), err);
	else if (g->trying &&
	    (!err_is_set(err) ||
		(err->kind == ERR_PERMANENT && err->status != 0)))
		gate_mended(g->sync, g->service, "");
}

/* ---- troubles ---- */

static struct trouble
trouble_of(const struct sync *sync, const char *service, const char *part)
{
	return (struct trouble){
		.workspace = sync->ws->name, .service = service, .part = part
	};
}

/* "notion (call)" */
static const char *
name_of(const struct trouble *trouble, char *ret, size_t size)
{
	snprintf(ret, size, *trouble->part == '\0' ? "%s" : "%s (%ss)",
	    trouble->service, trouble->part);
	return ret;
}

void
gate_trouble(
    struct sync *sync, const char *service, const char *part, struct err *err)
{
	const struct trouble trouble = trouble_of(sync, service, part);
	enum trouble_news news = TROUBLE_KNOWN;
	struct err failure = ERR_INIT;
	int64_t wait = 0;
	char name[64];

	/* a person's own command says it itself */
	if (sync->job == NULL && !sync->unattended)
		return;
	log_mask(err->text); /* it is going to be kept */
	if (trouble_met(
		sync->db, &trouble, err->text, &news, &wait, &failure) != 0) {
		log_err(&failure, "noting that a person must act");
		return;
	}
	sync->told = true;
	err->retry_after_ms = wait > 0 ? wait : 1;
	name_of(&trouble, name, sizeof(name));
	if (news == TROUBLE_BEGINS)
		log_error("%s: a person must act; what needs it waits, and "
			  "goes on by itself afterwards: %s",
		    name, err->text);
	else if (news == TROUBLE_LASTS)
		log_error(
		    "%s: still waiting for a person: %s", name, err->text);
}

void
gate_mended(struct sync *sync, const char *service, const char *part)
{
	const struct trouble trouble = trouble_of(sync, service, part);
	struct err err = ERR_INIT;
	int64_t seconds = -1;
	char name[64];

	if (trouble_ended(sync->db, &trouble, &seconds, &err) != 0)
		log_err(&err, "noting that %s works again", service);
	else if (seconds >= 0)
		log_warn("%s works again, after %lld s",
		    name_of(&trouble, name, sizeof(name)), (long long)seconds);
}

int
gate_pass(struct sync *sync, const char *service, bool *trying, struct err *err)
{
	const struct trouble trouble = trouble_of(sync, service, "");
	int64_t wait;

	*trying = false;
	if (sync->job == NULL)
		return 0;
	if (trouble_wait(sync->db, &trouble, sync->job, &wait, err) != 0)
		return -1;
	if (wait > 0)
		return refuse(service, wait + BLOCKED_MS, err);
	*trying = wait < 0;
	return 0;
}

void
gate_init(struct sync_gate *gate, struct sync *sync, const char *service,
    int64_t limit, int64_t window_ms)
{
	*gate = (struct sync_gate){ .sync = sync,
		.service = service,
		.limit = limit,
		.window_ms = window_ms,
		.gate = { .before = before,
		    .pause = on_pause,
		    .after = after,
		    .ctx = gate } };
}

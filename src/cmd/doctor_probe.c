/*
 * onsctl doctor: a job of its own, from the queue to its end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/doctor.h"
#include "queue/job.h"
#include "sql/queries.h"

/* A worker that is idle is woken, and looks once a second by itself. */
enum { PROBE_MS = 5000, LOOK_MS = 20, ID_SIZE = 64 };

#define SEE_PROCESSOR \
	"see what ons-process logs, and whether it is one of this version"

struct probe {
	char id[ID_SIZE];
	bool waits, lingering, held;
	int64_t busy; /* workers */
};

static int
look(struct doctor *d, struct probe *p, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(d->db, SQL_doctor_probe, &r, err, DB_TEXT(d->ws->name),
		DB_TEXT(p->id)) != 0)
		return -1;
	p->waits = db_bool(r, 0, "waits");
	p->lingering = db_bool(r, 0, "lingering");
	p->held = db_bool(r, 0, "held");
	p->busy = db_int(r, 0, "busy");
	db_result_free(r);
	return 0;
}

static int
await(struct doctor *d, struct probe *p, struct err *err)
{
	static const struct timespec nap = { .tv_nsec = LOOK_MS * 1000000L };
	int64_t begun = clock_ms();

	if (job_make_due(
		d->db, d->ws->name, JOB_PROBE, p->id, JOB_QUICK, err) != 0 ||
	    DB_RUN(d->db, SQL_notify, NULL, err) != 0)
		return -1;
	do {
		nanosleep(&nap, NULL);
		if (look(d, p, err) != 0)
			return -1;
	} while (p->waits && clock_ms() - begun < PROBE_MS);
	if (p->waits)
		return DB_RUN(d->db, SQL_doctor_probed, NULL, err,
		    DB_TEXT(d->ws->name), DB_TEXT(p->id));
	doctor_say(d, DOCTOR_OK, NULL,
	    "ons-process has done a job of doctor's own within %" PRId64 " ms",
	    clock_ms() - begun);
	return 0;
}

static void
blame(struct doctor *d, const struct probe *p)
{
	if (p->busy > 0)
		doctor_say(d, DOCTOR_WARNING,
		    "if it is often so: more workers ([process] workers)",
		    "no worker took a job of doctor's own within %d s: %" PRId64
		    " are busy",
		    PROBE_MS / 1000, p->busy);
	else
		doctor_say(d, DOCTOR_FAILURE, SEE_PROCESSOR,
		    "an ons-process is said to run, but took no job within "
		    "%d s",
		    PROBE_MS / 1000);
}

void
doctor_probe(struct doctor *d)
{
	struct err err = ERR_INIT;
	struct probe p;

	if (!d->tables)
		return;
	snprintf(p.id, sizeof(p.id), "doctor-%ld-%" PRId64, (long)getpid(),
	    clock_ms());
	if (look(d, &p, &err) != 0) {
		doctor_err(d, &err);
		return;
	}
	if (!p.lingering)
		doctor_say(d, DOCTOR_OK, NULL,
		    "not tried: no ons-process lingers now, cron's next one "
		    "takes what is due");
	else if (p.held)
		doctor_say(d, DOCTOR_OK, NULL,
		    "not tried: all jobs wait for Notion (see the lines of "
		    "queue and troubles)");
	else if (await(d, &p, &err) != 0)
		doctor_err(d, &err);
	else if (p.waits)
		blame(d, &p);
}

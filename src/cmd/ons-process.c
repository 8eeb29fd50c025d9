/*
 * ons-process - work the queue: from events to Notion pages.
 *
 * A parent that only supervises, and workers with a database connection and
 * an HTTP handle each. Started by cron again and again: with --linger the
 * workers stay until the next start has taken over, so that an event is
 * worked on within a moment, whatever cron's minute; with --drain they end
 * when nothing is due. Starts may overlap.
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "cmd/program.h"
#include "ext/db.h"
#include "queue/job.h"
#include "queue/retention.h"
#include "queue/run.h"
#include "queue/takein.h"
#include "sql/queries.h"
#include "sync/alarm.h"
#include "sync/sync.h"

enum {
	WORKERS_MAX = 256,
	/* look for work at least this often; many workers take turns, as each
	 * look is a query */
	IDLE_MS = 1000,
	IDLE_EACH_MS = 400,
	NAP_MS = 20, /* ... and at most */
	/* a spool with files that cannot be taken in; each look is logged */
	SPOOL_LEFT_MS = 60000,
	SPOOL_BUSY_MS = 100,
	/* Notion's window is a minute, its Retry-After seldom more */
	DRAIN_WAIT_MS = 120000,
	TICK_MS = 250,	/* the parent's look at its children and the clock */
	LOOK_MS = 2000, /* ... at the table of runs */
	RECHECK_MS = 30000,
	SEEN_MS = 60 * 1000,
	SWEEP_MS = 5 * 60 * 1000,
	ALARM_MS = 60000,
	/* a lingering start that no later one takes over from (cron was
	 * stopped) ends by itself */
	LINGER_MAX_MS = 15 * 60 * 1000,
	STOP_MS = 4500, /* how long a worker may take to end */
	LEAVE_TRIES = 3,
	BIG_BUFFER = 32 * 1024
};

static const char usage[] =
    "usage: ons-process [-c FILE] [--drain | --linger] [-w WORKERS]\n"
    "       ons-process --help | --version\n"
    "\n"
    "  -c, --config FILE  configuration\n"
    "  -d, --drain        end when nothing is due (the default)\n"
    "  -l, --linger       stay until the next start has taken over\n"
    "  -w, --workers N    processes that work at a time, for each workspace\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n";

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "drain", no_argument, NULL, 'd' },
	{ "linger", no_argument, NULL, 'l' },
	{ "workers", required_argument, NULL, 'w' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* SIGTERM: give the job back and end within seconds. SIGUSR1, from the parent
 * when a later start has taken over: finish the job, however long it takes,
 * and end then. */
static volatile sig_atomic_t stopping, leaving;

/* SIGHUP: the log's file was moved away. The parent tells its workers. */
static volatile sig_atomic_t hung_up;

static void
on_signal(int sig)
{
	if (sig == SIGUSR1)
		leaving = 1;
	else
		stopping = 1;
}

static void
on_hangup(int sig)
{
	(void)sig;
	hung_up = 1;
	log_reopen();
}

/* Nothing that is under way is interrupted. */
static void
catch_hangup(void)
{
	struct sigaction action = { .sa_handler = on_hangup,
		.sa_flags = SA_RESTART };

	sigaction(SIGHUP, &action, NULL);
}

static void
catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
}

static int
open_db(const struct conf *conf, struct db **ret, struct err *err)
{
	if (db_new(conf->database.conninfo, conf->database.process,
		"ons-process", (int)conf->database.timeout_ms, ret, err) != 0)
		return -1;
	db_set_stop(*ret, &stopping);
	return 0;
}

static void
tick(int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000,
		      .tv_nsec = ms % 1000 * 1000000L },
	    NULL);
}

/* ---- a worker ---- */

/* When a worker looks at the spool next, and whether another one is at it. */
struct spool_look {
	int64_t at;
	bool busy;
};

struct worker {
	struct sync sync;
	struct db *db;
	int64_t run;
	int siblings; /* workers in all */
	bool linger;
	bool unsure; /* what it holds: a claim was answered to nobody */
	struct spool_look look;
	struct job_batch batch;
};

/* A job that its workers die of is not begun again for ever. */
static int
attempt(struct sync *sync, const struct job *job, int64_t max_attempts,
    struct err *why)
{
	if (job->attempt <= max_attempts)
		return sync_run(sync, job, why);
	err_set(why, ERR_PERMANENT, "the worker died %lld times",
	    (long long)job->deaths);
	return -1;
}

/* Do one claimed job. That it is done is said in the table with the next claim;
 * that it failed, at once. */
static int
work(struct worker *w, struct job *job, struct err *err)
{
	int64_t max_attempts = w->sync.conf->process.max_attempts;
	struct err why = ERR_INIT;
	int64_t began = clock_ms();
	bool dead = false;

	log_context(job->workspace, job->kind, job->resource_id);
	log_job(job->id, job->attempt, -1);
	job->done = attempt(&w->sync, job, max_attempts, &why) == 0;
	log_job(job->id, job->attempt, clock_ms() - began);
	if (job->done) {
		log_info("done");
		return 0;
	}
	if (job_fail(w->db, job, &why, max_attempts, &dead, err) != 0)
		return -1;
	if (dead)
		log_err(&why,
		    "given up after %lld attempts (see `onsctl "
		    "jobs --dead`)",
		    (long long)job->attempt);
	else if (why.kind == ERR_OPERATOR && why.retry_after_ms > 0)
		log_passing(&why, "waits for a person"); /* who was told */
	else if (why.kind == ERR_OPERATOR || why.kind == ERR_CONFIG)
		log_err(&why, "somebody must act");
	else if (!stopping) /* it will be tried again: no trouble yet */
		log_passing(&why, "attempt failed");
	return 0;
}

/* Nothing is due. Linger: sleep until there is a notification or it is time to
 * look. Drain: that's it, but for what only waits for a rate limit. True: go
 * on. */
static bool
idle(struct worker *w, struct err *err)
{
	int most = IDLE_EACH_MS * w->siblings > IDLE_MS
	    ? IDLE_EACH_MS * w->siblings
	    : IDLE_MS;
	int64_t ms = most;

	if (!w->linger) {
		ms = job_next_ms(w->db, w->sync.ws->name, err);
		if (ms < 0 || ms > DRAIN_WAIT_MS)
			return false;
	}
	FAILPOINT("worker.idle");
	/* a lost connection is made anew by the next claim */
	(void)db_wait(w->db, ms < NAP_MS ? NAP_MS : ms > most ? most : (int)ms);
	return true;
}

/* What ons-webhook had to spool. A folder that cannot be used is no reason to
 * leave the jobs undone: -1 is the database's failure. */
static int
take_in(struct worker *w, struct err *err)
{
	enum takein_result result = TAKEIN_LEFT;

	if (takein_run(w->sync.conf->webhook.spool, w->db, &stopping, &result,
		err) != 0) {
		if (err->kind == ERR_RETRY)
			return -1;
		log_err(err, "taking in what was spooled");
		err_clear(err);
		result = TAKEIN_LEFT;
	}
	w->look.busy = result == TAKEIN_BUSY;
	w->look.at = clock_ms() +
	    (result == TAKEIN_LEFT ? SPOOL_LEFT_MS
		    : w->look.busy ? SPOOL_BUSY_MS
				   : IDLE_MS);
	return 0;
}

static int
work_on_batch(struct worker *w, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < w->batch.n && rc == 0 && !stopping; i++)
		rc = work(w, &w->batch.jobs[i], err);
	log_context(NULL, NULL, NULL);
	malloc_trim(0); /* a worker waits more than it works */
	return rc;
}

/* Look for work, and do it: 1, 0 when there is none and never will be, -1 when
 * the database failed. */
static int
turn(struct worker *w, struct err *err)
{
	int claimed;

	/* taking in may take long: nobody is to wait for what is done */
	if (clock_ms() >= w->look.at &&
	    (job_finish(w->db, &w->batch, err) != 0 || take_in(w, err) != 0))
		return -1;
	claimed = job_next(w->db, w->sync.ws->name, w->run,
	    w->sync.conf->process.lease_ms, &w->batch, err);
	if (claimed < 0)
		return -1;
	if (claimed > 0)
		return work_on_batch(w, err) == 0 ? 1 : -1;
	if (w->look.busy) {
		tick(NAP_MS); /* there will be more to do */
		return 1;
	}
	if (idle(w, err))
		return 1;
	return err_is_set(err) ? -1 : 0;
}

/* Work until told to stop, or idle for good (0); -1: the database failed. */
static int
work_loop(struct worker *w, struct err *err)
{
	int rc = 1;

	while (!stopping && !leaving && rc > 0)
		rc = turn(w, err);
	if (rc > 0)
		rc = job_finish(w->db, &w->batch, err) == 0
		    ? job_give_back(w->db, &w->batch, err)
		    : -1;
	if (rc < 0)
		w->unsure = true;
	job_batch_clear(&w->batch);
	return rc;
}

/* The database went away for a while. A new session listens anew, and a job
 * whose end could not be told falls due again at once. */
static int
recover(struct worker *w, struct err *err)
{
	log_err(err, "waiting for the database");
	while (!stopping && !leaving) {
		struct err again = ERR_INIT;

		tick(IDLE_MS);
		if (DB_RUN(w->db, SQL_listen, NULL, &again) == 0 &&
		    run_release(w->db, w->run, &again) == 0) {
			w->unsure = false;
			log_warn("the database is back");
			err_clear(err);
			return 0;
		}
		if (again.kind != ERR_RETRY) {
			*err = again;
			return -1;
		}
	}
	err_clear(err);
	return 0;
}

static int
worker(const struct conf *conf, const struct workspace *ws, int siblings,
    bool linger)
{
	struct worker w = { .siblings = siblings, .linger = linger };
	struct err err = ERR_INIT, ignored = ERR_INIT;
	int rc = -1;

	catch_signals();
	/* A long transcript is several big buffers, one after the other. By
	 * default the first one freed makes glibc keep the next ones for good;
	 * with a fixed threshold each goes back to the system. */
	mallopt(M_MMAP_THRESHOLD, BIG_BUFFER);
	if (open_db(conf, &w.db, &err) == 0 &&
	    run_begin(w.db, "worker", &w.run, &err) == 0 &&
	    DB_RUN(w.db, SQL_listen, NULL, &err) == 0 &&
	    sync_init(&w.sync, conf, ws, w.db, &stopping, &err) == 0)
		while ((rc = work_loop(&w, &err)) != 0 && linger &&
		    err.kind == ERR_RETRY && recover(&w, &err) == 0)
			;
	if (rc != 0)
		log_err(&err, "worker");
	if (w.run != 0 &&
	    ((w.unsure && run_release(w.db, w.run, &ignored) != 0) ||
		run_end(w.db, w.run, &ignored) != 0))
		log_err(&ignored, "leaving");
	sync_free(&w.sync);
	db_free(w.db);
	return rc == 0 ? EX_OK : program_exit_code(&err);
}

/* ---- the parent ---- */

struct parent {
	const struct conf *conf;
	struct db *db;
	int64_t run;
	bool linger;
	struct db_result *seen; /* the runs of this host, lately; or NULL */
	pid_t workers[WORKERS_MAX];
	const struct workspace *of[WORKERS_MAX]; /* whose jobs each does */
	int n;
	int status;	 /* the last of the workers' exit codes but 0 */
	pid_t alarm;	 /* who tells people what is wrong, 0: nobody now */
	int64_t alarmed; /* when that was begun */
};

static void
start_worker(struct parent *p, int i)
{
	pid_t self = getpid();

	db_close(p->db); /* a session cannot be shared */
	fflush(NULL);
	if ((p->workers[i] = fork()) != 0) {
		if (p->workers[i] < 0) { /* the next start may be luckier */
			log_error("cannot start a worker: %s", strerror(errno));
			p->status = EX_TEMPFAIL;
		}
		FAILPOINT("parent.forked");
		return;
	}
	FAILPOINT("worker.forked");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	db_free(p->db);
	exit(getppid() == self ? worker(p->conf, p->of[i], p->n, p->linger)
			       : EX_TEMPFAIL);
}

/* What is wrong is looked for and told by a process of its own: whom it is told
 * may be slow, and neither workers nor the parent can wait. */
static int
alarm_child(const struct conf *conf)
{
	struct err err = ERR_INIT;
	struct db *db = NULL;
	int rc = -1;

	catch_signals();
	if (open_db(conf, &db, &err) == 0)
		rc = alarm_round(db, conf, &stopping, &err);
	if (rc != 0 && err.kind == ERR_RETRY)
		log_info("looking for what is wrong: %s", err.text);
	else if (rc != 0)
		log_err(&err, "looking for what is wrong");
	db_free(db);
	return rc == 0 ? EX_OK : program_exit_code(&err);
}

static void
start_alarm(struct parent *p)
{
	pid_t self = getpid();

	if (stopping || leaving || p->alarm > 0 || !alarm_wanted(p->conf) ||
	    (p->alarmed != 0 && clock_ms() - p->alarmed <= ALARM_MS))
		return;
	p->alarmed = clock_ms();
	db_close(p->db);
	fflush(NULL);
	if ((p->alarm = fork()) != 0) {
		if (p->alarm < 0)
			log_error("cannot look for what is wrong: %s",
			    strerror(errno));
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	db_free(p->db);
	exit(getppid() == self ? alarm_child(p->conf) : EX_TEMPFAIL);
}

static void
collect_alarm(struct parent *p)
{
	int status;

	if (p->alarm <= 0 || waitpid(p->alarm, &status, WNOHANG) != p->alarm)
		return;
	p->alarm = 0;
	if (WIFSIGNALED(status) && !stopping)
		log_error("who looks for what is wrong was killed by signal %d",
		    WTERMSIG(status));
}

/* Collect ended workers. One that was killed gets its leases freed at once
 * and a successor; one that found nothing to do is done. */
static void
collect(struct parent *p)
{
	struct err err = ERR_INIT;
	int status;

	for (int i = 0; i < p->n; i++) {
		if (p->workers[i] <= 0 ||
		    waitpid(p->workers[i], &status, WNOHANG) != p->workers[i])
			continue;
		p->workers[i] = 0;
		if (WIFEXITED(status)) {
			if (WEXITSTATUS(status) != EX_OK)
				p->status = WEXITSTATUS(status);
			continue;
		}
		log_error("a worker was killed by signal %d", WTERMSIG(status));
		FAILPOINT("parent.reaping");
		if (run_look(p->db, p->run, NULL, NULL, &err) != 0)
			log_err(&err, "freeing its jobs");
		err_clear(&err);
		if (!stopping && !leaving)
			start_worker(p, i);
	}
}

static int
running(const struct parent *p)
{
	int n = p->alarm > 0;

	for (int i = 0; i < p->n; i++)
		n += p->workers[i] > 0;
	return n;
}

static void
signal_workers(const struct parent *p, int sig)
{
	for (int i = 0; i < p->n; i++)
		if (p->workers[i] > 0)
			kill(p->workers[i], sig);
	if (p->alarm > 0)
		kill(p->alarm, sig);
}

/* Give back what dead processes held. And is it time for a lingering start to
 * go? While the database is away there is no telling; the workers say so. */
static bool
over(struct parent *p, int64_t began)
{
	struct err ignored = ERR_INIT;
	bool newer = false;

	(void)run_look(p->db, p->run, &p->seen, &newer, &ignored);
	return p->linger && (newer || clock_ms() - began > LINGER_MAX_MS);
}

/* What is done now and then, and can wait when it fails. When it says that
 * there is more of it (1), it goes on at the next tick. Never: *last is 0. */
static void
now_and_then(struct parent *p, int64_t every_ms, int64_t *last,
    int (*chore)(struct db *db, const struct conf *conf, struct err *err))
{
	struct err err = ERR_INIT;
	int rc;

	if (stopping || (*last != 0 && clock_ms() - *last <= every_ms))
		return;
	rc = chore(p->db, p->conf, &err);
	*last = rc > 0 ? 0 : clock_ms();
	if (rc < 0)
		log_passing(&err, "upkeep");
}

static int
recheck(struct db *db, const struct conf *conf, struct err *err)
{
	(void)conf;
	return job_recheck(db, err);
}

static void
supervise(struct parent *p)
{
	int64_t began = clock_ms(), looked = 0, stopped = 0;
	int64_t rechecked = began, seen = began, swept = 0;

	while (running(p) > 0) {
		tick(TICK_MS);
		collect(p);
		collect_alarm(p);
		start_alarm(p);
		now_and_then(p, RECHECK_MS, &rechecked, recheck);
		now_and_then(p, SEEN_MS, &seen, run_seen);
		now_and_then(p, SWEEP_MS, &swept, retention_sweep);
		/* a dead one is seen at the next tick, so that its jobs go on
		 * within a second */
		if (!stopping &&
		    (clock_ms() - looked > LOOK_MS ||
			(p->seen != NULL && !run_all_alive(p->seen)))) {
			looked = clock_ms();
			if (over(p, began) && !leaving) {
				leaving = 1;
				signal_workers(p, SIGUSR1);
			}
		}
		if (hung_up) {
			hung_up = 0;
			signal_workers(p, SIGHUP);
		}
		if (stopping && stopped == 0) {
			stopped = clock_ms();
			signal_workers(p, SIGTERM);
		}
		/* a job's leases are freed in any case */
		if (stopped != 0 && clock_ms() - stopped > STOP_MS)
			signal_workers(p, SIGKILL);
	}
}

static int
upkeep(struct db *db, struct err *err)
{
	return run_look(db, 0, NULL, NULL, err) == 0 &&
		job_recheck(db, err) == 0 &&
		DB_RUN(db, SQL_partitions_ahead, NULL, err) == 0
	    ? 0
	    : -1;
}

/* Who is to stop gives the database little time, which may be too little when
 * much goes on. What is left in spite of it, the next start finds. */
static void
leave(struct parent *p)
{
	struct err err = ERR_INIT;

	for (int tries = stopping ? LEAVE_TRIES : 1; tries > 0; tries--) {
		err_clear(&err);
		if (run_end(p->db, p->run, &err) == 0)
			return;
		tick(TICK_MS);
	}
	log_err(&err, "leaving");
}

static int
run(struct parent *p, struct err *err)
{
	const char *program = p->linger ? "lingering" : "draining";
	int rc;

	catch_signals(); /* who is in the table leaves it in order */
	if (run_begin(p->db, program, &p->run, err) != 0)
		return -1;
	if ((rc = run_started(p->db, p->conf, program, err)) == 0 &&
	    (rc = upkeep(p->db, err)) == 0) {
		FAILPOINT("parent.begun");
		for (int i = 0; i < p->n && !stopping; i++)
			start_worker(p, i);
		supervise(p);
	}
	db_result_free(p->seen);
	leave(p);
	return rc;
}

/* Each workspace has workers of its own: one that is slow, or whose services
 * are, keeps none of the others'. given: 0, as configured. */
static int
assign_workers(struct parent *p, int64_t given, struct err *err)
{
	for (size_t i = 0; i < conf_count(p->conf); i++) {
		const struct workspace *ws = conf_at(p->conf, i);
		int64_t n = given > 0 ? given : ws->process.workers;

		if (p->n + n > WORKERS_MAX) {
			err_set(err, ERR_CONFIG,
			    "more than %d workers of all workspaces together: "
			    "set [process] workers to less",
			    WORKERS_MAX);
			return -1;
		}
		while (n-- > 0)
			p->of[p->n++] = ws;
	}
	return 0;
}

static int
start(const char *config, int64_t workers, bool linger, struct err *err)
{
	struct conf conf;
	struct parent p = { .conf = &conf, .linger = linger };
	int rc = -1;

	catch_hangup();
	signal(SIGPIPE, SIG_IGN); /* whoever read standard error is gone */
	if (conf_load(config, CONF_PROCESS, &conf, err) != 0)
		return program_fail("ons-process", err);
	if (conf_require_all(&conf, CONF_PROCESS, err) == 0 &&
	    program_log(&conf, err) == 0 &&
	    assign_workers(&p, workers, err) == 0 &&
	    open_db(&conf, &p.db, err) == 0)
		rc = run(&p, err);
	db_free(p.db);
	conf_free(&conf);
	return rc != 0 ? program_fail("ons-process", err) : p.status;
}

int
main(int argc, char **argv)
{
	const char *config = NULL;
	struct err err = ERR_INIT;
	int64_t workers = 0; /* as configured */
	bool linger = false, drain = false;
	int c;

	program_begin("ons-process");
	while ((c = getopt_long(argc, argv, "c:dlw:hV", options, NULL)) != -1)
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 'd':
			drain = true;
			break;
		case 'l':
			linger = true;
			break;
		case 'w':
			if (program_number("ons-process", "--workers", optarg,
				WORKERS_MAX, &workers) != 0)
				return EX_USAGE;
			break;
		case 'h':
			fputs(usage, stdout);
			return EX_OK;
		case 'V':
			program_version("ons-process");
			return EX_OK;
		default:
			fputs(usage, stderr);
			return EX_USAGE;
		}
	if (optind < argc || (drain && linger)) {
		fputs(usage, stderr);
		return EX_USAGE;
	}
	return start(config, workers, linger, &err);
}

/*
 * onsctl maintain: what cron has done every quarter of an hour.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rfc3339.h"
#include "cmd/onsctl.h"
#include "cmd/program.h"
#include "cmd/proof.h"
#include "queue/job.h"
#include "queue/retention.h"
#include "sql/queries.h"
#include "sync/reconcile.h"

#define MINUTE_USEC (60 * INT64_C(1000000))

enum {
	EX_DIFFERS = 1,
	HOURS = 24,
	LATE_MINUTES = 5, /* what is younger may still be delivered */
	SUMMARY_SIZE = 1024
};

static volatile sig_atomic_t stopping;

static void
on_signal(int sig)
{
	stopping = sig;
}

/* The last day at OpenPhone; and Notion's pages where they may not all be
 * known, as after the restoration of a backup. */
static int
prove(struct ctl *ctl, struct sync *sync, const struct chore *chore,
    struct proof *proof, struct err *err)
{
	bool known = true;

	if (reconcile_pages_known(sync, &known, err) != 0)
		return -1;
	proof->notion = !known;
	proof->until = rfc3339_now() - LATE_MINUTES * MINUTE_USEC;
	proof->since = proof->until - HOURS * 60 * MINUTE_USEC;
	return proof_run(proof, ctl, sync, chore, err);
}

/* What goes, and what is there; added to the summary. */
static int
tidy(struct ctl *ctl, const struct chore *chore, char *summary, struct err *err)
{
	struct db_result *r = NULL;
	size_t used = strlen(summary);
	int64_t weeks, rows;

	if (job_recheck(ctl->db, err) != 0 ||
	    retention_maintain(chore, &ctl->conf, &weeks, &rows, err) != 0 ||
	    DB_RUN(ctl->db, SQL_storage_put, &r, err, DB_TEXT(ctl->ws->name)) !=
		0)
		return -1;
	snprintf(summary + used, SUMMARY_SIZE - used, "; stored: %s files, %s",
	    db_text(r, 0, "objects"), db_text(r, 0, "size"));
	used = strlen(summary);
	if (weeks > 0 || rows > 0)
		snprintf(summary + used, SUMMARY_SIZE - used,
		    "; removed: %lld weeks of bodies, %lld old rows",
		    (long long)weeks, (long long)rows);
	db_result_free(r);
	return 0;
}

/* Trouble with a service is no reason not to tidy up; it is told of at the
 * end. */
static int
maintain(struct ctl *ctl, struct sync *sync, const struct chore *chore,
    struct proof *proof, struct err *err)
{
	char summary[SUMMARY_SIZE] = "";
	struct err trouble = ERR_INIT;

	if (prove(ctl, sync, chore, proof, &trouble) == 0)
		snprintf(summary, sizeof(summary), "%s", proof->sentence);
	else
		snprintf(summary, sizeof(summary), "not compared: %.400s",
		    trouble.text);
	err_tame(summary);
	if (tidy(ctl, chore, summary, err) != 0) {
		(void)chore_end(chore, NULL, &trouble);
		return -1;
	}
	if (proof->open > 0)
		log_warn("%s (see onsctl reconcile)", summary);
	else
		log_info("%s", summary);
	if (chore_end(chore, summary, err) != 0)
		return -1;
	if (err_is_set(&trouble)) {
		*err = trouble;
		return -1;
	}
	if (ctl->json)
		return proof_print(proof, ctl, err);
	if (isatty(STDOUT_FILENO) == 1)
		puts(summary);
	return 0;
}

static int
run(struct ctl *ctl, struct sync *sync)
{
	struct proof proof = { .openphone = true, .repair = true };
	struct err err = ERR_INIT;
	struct chore chore;
	int begun = proof_begin(ctl, &chore, &err);

	if (begun == 0) {
		static const char busy[] =
		    "another maintain or reconcile is at work";

		log_info("%s", busy);
		return !ctl->json ||
			ctl_print_json(
			    json_pack("{s:s}", "left_out", busy), &err) == 0
		    ? EX_OK
		    : ctl_fail(&err);
	}
	if (begun < 0 || maintain(ctl, sync, &chore, &proof, &err) != 0)
		return err.kind == ERR_OPERATOR && sync->told
		    ? program_exit_code(&err)
		    : ctl_fail(&err);
	return proof.open > 0 ? EX_DIFFERS : EX_OK;
}

int
ctl_maintain(struct ctl *ctl, int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct err err = ERR_INIT;
	struct sync sync = { 0 };
	int rc;

	if (argc > 1)
		return ctl_usage(argv[0]);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (conf_require(&ctl->conf, ctl->ws, CONF_PROCESS, &err) != 0 ||
	    sync_init(&sync, &ctl->conf, ctl->ws, ctl->db, &stopping, &err) !=
		0)
		return ctl_fail(&err);
	sync.unattended = true;
	rc = run(ctl, &sync);
	sync_free(&sync);
	return rc;
}

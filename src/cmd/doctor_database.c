/*
 * onsctl doctor: the database, and what its tables tell of the programs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "cmd/doctor.h"
#include "queue/run.h"
#include "sql/migrations.h"
#include "sql/queries.h"

enum {
	DATABASE_CLOCK_MS = 5000,
	/* cron starts one a minute, and onsctl maintain four an hour */
	START_S = 5 * 60,
	MAINTAIN_S = 45 * 60,
	/* a live job that nobody has taken */
	OVERDUE_S = 2 * 60,
	BACKLOG_S = 60 * 60
};

#define START_CRON                                                     \
	"install cron/openphone-notion-sync as /etc/cron.d/openphone-" \
	"notion-sync, and see that cron runs (systemctl status cron)"

void
doctor_connect(struct doctor *d)
{
	struct err err = ERR_INIT;
	struct db_result *r = NULL;
	int64_t before = rfc3339_now() / 1000, off;

	if (DB_RUN(d->db, SQL_doctor_server, &r, &err) != 0) {
		doctor_say(d, DOCTOR_FAILURE,
		    "look at conninfo and owner in [database], at "
		    "pg_hba.conf, and whether PostgreSQL runs",
		    "%s", err.text);
		return;
	}
	d->database = true;
	off = db_int(r, 0, "ms") - (before + rfc3339_now() / 1000) / 2;
	if (db_bool(r, 0, "standby"))
		doctor_say(d, DOCTOR_FAILURE,
		    "name all servers in [database] conninfo, with "
		    "target_session_attrs=read-write",
		    "%s is a standby: it takes no writes", db_where(d->db));
	else
		doctor_say(d, DOCTOR_OK, NULL, "PostgreSQL %s, %s",
		    db_text(r, 0, "version"), db_where(d->db));
	if (llabs(off) > DATABASE_CLOCK_MS)
		doctor_say(d, DOCTOR_WARNING,
		    "let NTP set both clocks (timedatectl)",
		    "the database's clock is %lld s %s of this host's",
		    llabs(off) / 1000, off > 0 ? "ahead" : "behind");
	db_result_free(r);
}

void
doctor_schema(struct doctor *d)
{
	int latest = migrations[migrations_count - 1].version, version;
	struct err err = ERR_INIT;
	struct db_result *r = NULL;

	if (!d->database)
		return;
	if (DB_RUN(d->db, SQL_migration_version, &r, &err) != 0) {
		doctor_err(d, &err);
		return;
	}
	version = (int)db_int(r, 0, "version");
	db_result_free(r);
	d->tables = version >= latest;
	if (d->tables) { /* the rate limits are kept in them */
		d->sync.openphone.gate = &d->sync.openphone_gate.gate;
		d->sync.notion.gate = &d->sync.notion_gate.gate;
	}
	if (version < latest)
		doctor_say(d, DOCTOR_FAILURE, "run `onsctl migrate`",
		    "the tables are of version %d, these programs need %d",
		    version, latest);
	else if (version > latest)
		doctor_say(d, DOCTOR_FAILURE, "install the newer programs",
		    "the tables are of version %d, these programs know only "
		    "up to %d",
		    version, latest);
	else
		doctor_say(
		    d, DOCTOR_OK, NULL, "version %d, the newest", version);
}

/* ---- the programs' roles ---- */

/* The rights that the role lacks, or that there is no such role. */
static void
look_at_role(struct doctor *d, const char *program, const char *extra)
{
	struct err err = ERR_INIT;
	struct db_result *r = NULL;
	struct db *db = NULL;
	bool lacks = false;

	if (db_new(d->conf->database.conninfo, extra, "onsctl", DOCTOR_LIMIT_MS,
		&db, &err) != 0 ||
	    DB_RUN(db, SQL_doctor_roles, &r, &err) != 0) {
		doctor_say(d, DOCTOR_FAILURE,
		    "run sql/roles.sql as administrator, and let the "
		    "programs' user be that role (pg_hba.conf, pg_ident.conf)",
		    "ons-%s cannot connect: %s", program, err.text);
		goto out;
	}
	for (int i = 0; i < db_rows(r); i++) {
		if (strcmp(db_text(r, i, "program"), program) != 0 ||
		    db_bool(r, i, "may"))
			continue;
		lacks = true;
		doctor_say(d, DOCTOR_FAILURE,
		    "run sql/roles.sql as administrator, then `onsctl "
		    "migrate`; and look at the role in [database]",
		    "ons-%s may not %s as %s", program, db_text(r, i, "what"),
		    db_where(db));
	}
	if (!lacks)
		doctor_say(
		    d, DOCTOR_OK, NULL, "ons-%s: %s", program, db_where(db));
out:
	db_result_free(r);
	db_free(db);
}

void
doctor_roles(struct doctor *d)
{
	const struct conf *conf = d->conf;

	if (!d->tables)
		return;
	look_at_role(d, "webhook", conf->database.webhook);
	look_at_role(d, "process", conf->database.process);
	if (strcmp(d->ws->media.link, "portal") == 0)
		look_at_role(d, "portal", conf->database.portal);
}

/* ---- what the tables tell ---- */

static struct db_result *
read_queue(struct doctor *d)
{
	struct err err = ERR_INIT;
	struct db_result *r = NULL;

	if (!d->tables)
		return NULL;
	if (DB_RUN(d->db, SQL_doctor_queue, &r, &err, DB_TEXT(d->ws->name)) !=
	    0)
		doctor_err(d, &err);
	return r;
}

/* -1: null */
static int64_t
age(const struct db_result *r, const char *column)
{
	return db_text(r, 0, column) == NULL ? -1 : db_int(r, 0, column);
}

/* One that drains may take long, and keep cron's next ones waiting. */
static bool
works(const struct db_result *runs, int row)
{
	return db_int(runs, row, "started") <= START_S ||
	    (db_bool(runs, row, "draining") &&
		db_int(runs, row, "seen") <= START_S);
}

/* The last one stays for a quarter of an hour: see ons-process(8). */
static void
say_not_started(struct doctor *d, const struct db_result *runs, int64_t overdue)
{
	char span[DOCTOR_SPAN_SIZE], due[64] = "";

	if (overdue > OVERDUE_S)
		snprintf(due, sizeof(due), "; a job has been due for %s",
		    doctor_span(overdue, span));
	if (db_rows(runs) == 0)
		doctor_say(d, DOCTOR_FAILURE, START_CRON,
		    "no ons-process was ever started%s", due);
	else
		doctor_say(d, DOCTOR_FAILURE, START_CRON,
		    "cron does not start ons-process: the last one was started "
		    "%s ago, on %s; one should be each minute%s",
		    doctor_span(db_int(runs, 0, "started"), span),
		    db_text(runs, 0, "host"), due);
}

static void
look_at_processors(struct doctor *d, int64_t overdue)
{
	struct err err = ERR_INIT;
	struct db_result *r = NULL;
	char host[RUN_HOST_SIZE], span[DOCTOR_SPAN_SIZE];
	int at_work = -1, here = -1;

	run_host(host);
	if (DB_RUN(d->db, SQL_doctor_runs, &r, &err, DB_TEXT(d->ws->name),
		DB_TEXT(host)) != 0) {
		doctor_err(d, &err);
		return;
	}
	for (int i = db_rows(r) - 1; i >= 0; i--) {
		if (works(r, i))
			at_work = i;
		if (db_bool(r, i, "here"))
			here = i;
	}
	if (at_work < 0)
		say_not_started(d, r, overdue);
	else
		doctor_say(d, DOCTOR_OK, NULL,
		    "ons-process was started %s ago, on %s",
		    doctor_span(db_int(r, at_work, "started"), span),
		    db_text(r, at_work, "host"));
	if (at_work >= 0 && here >= 0 && !works(r, here))
		doctor_say(d, DOCTOR_WARNING, START_CRON,
		    "on this host the last one was started %s ago: what "
		    "ons-webhook has to spool here waits",
		    doctor_span(db_int(r, here, "started"), span));
	db_result_free(r);
}

void
doctor_cron(struct doctor *d)
{
	struct db_result *r = read_queue(d);
	char span[DOCTOR_SPAN_SIZE];
	int64_t maintained;

	if (r == NULL)
		return;
	look_at_processors(d, age(r, "overdue"));
	maintained = age(r, "maintained");
	if (maintained < 0 && age(r, "first") <= MAINTAIN_S)
		doctor_say(d, DOCTOR_OK, NULL,
		    "onsctl maintain has not been at its end yet: cron starts "
		    "it each quarter of an hour");
	else if (maintained < 0)
		doctor_say(d, DOCTOR_WARNING, START_CRON,
		    "onsctl maintain has never been at its end: what was not "
		    "delivered is not fetched");
	else if (maintained > MAINTAIN_S)
		doctor_say(d, DOCTOR_WARNING, START_CRON,
		    "onsctl maintain was last at its end %s ago: cron should "
		    "start it each quarter of an hour",
		    doctor_span(maintained, span));
	else
		doctor_say(d, DOCTOR_OK, NULL,
		    "onsctl maintain was at its end %s ago",
		    doctor_span(maintained, span));
	db_result_free(r);
}

static void
say_last(struct doctor *d, const struct db_result *r)
{
	char delivered[DOCTOR_SPAN_SIZE], written[DOCTOR_SPAN_SIZE];
	int64_t page = age(r, "written");

	d->last_delivery_s = age(r, "delivered");
	if (d->last_delivery_s < 0)
		doctor_say(d, DOCTOR_OK, NULL, "nothing was delivered yet");
	else if (page < 0)
		doctor_say(d, DOCTOR_OK, NULL,
		    "last delivery %s ago, no page yet",
		    doctor_span(d->last_delivery_s, delivered));
	else
		doctor_say(d, DOCTOR_OK, NULL,
		    "last delivery %s ago, last new page %s ago",
		    doctor_span(d->last_delivery_s, delivered),
		    doctor_span(page, written));
}

void
doctor_queue(struct doctor *d)
{
	struct db_result *r = read_queue(d);
	char span[DOCTOR_SPAN_SIZE];
	int64_t overdue, dead;

	if (r == NULL)
		return;
	say_last(d, r);
	overdue = age(r, "overdue");
	dead = db_int(r, 0, "dead");
	doctor_measure(d, "unfinished", db_int(r, 0, "unfinished"));
	doctor_measure(d, "dead", dead);
	doctor_measure(d, "overdue_s", overdue < 0 ? 0 : overdue);
	if (dead > 0)
		doctor_say(d, DOCTOR_WARNING,
		    "`onsctl jobs --dead` says why; then `onsctl retry "
		    "--dead`, or `onsctl discard`",
		    "%lld jobs were given up", (long long)dead);
	if (overdue > OVERDUE_S)
		doctor_say(d,
		    overdue > BACKLOG_S ? DOCTOR_FAILURE : DOCTOR_WARNING,
		    "see the lines of cron, troubles, and `onsctl jobs`",
		    "the oldest live job has been due for %s",
		    doctor_span(overdue, span));
	if (db_text(r, 0, "paused") != NULL)
		doctor_say(d, DOCTOR_WARNING,
		    "nothing: it goes on then; if it comes often, lower rate "
		    "in [notion] or [openphone]",
		    "paused: %s", db_text(r, 0, "paused"));
	db_result_free(r);
}

void
doctor_troubles(struct doctor *d)
{
	struct err err = ERR_INIT;
	struct db_result *r = NULL;

	if (!d->tables)
		return;
	if (DB_RUN(d->db, SQL_status_troubles, &r, &err,
		DB_TEXT(d->ws->name)) != 0) {
		doctor_err(d, &err);
		return;
	}
	doctor_measure(d, "troubles", db_rows(r));
	for (int i = 0; i < db_rows(r); i++)
		doctor_say(d, DOCTOR_FAILURE,
		    "what is to be done stands in it; what waits goes on by "
		    "itself within minutes after that",
		    "%s%s%s since %s: %s", db_text(r, i, "service"),
		    *db_text(r, i, "part") == '\0' ? "" : " ",
		    db_text(r, i, "part"), db_text(r, i, "since"),
		    db_text(r, i, "reason"));
	if (db_rows(r) == 0)
		doctor_say(d, DOCTOR_OK, NULL, "no service refuses us");
	db_result_free(r);
}

/*
 * onsctl doctor: what pages may lack though all works: files, and what was
 * before or got lost.
 */
#include <string.h>

#include "cmd/doctor.h"
#include "sql/queries.h"

static struct db_result *
read_tables(struct doctor *d, const char *sql)
{
	struct err err = ERR_INIT;
	struct db_result *r = NULL;

	if (d->tables &&
	    DB_RUN(d->db, sql, &r, &err, DB_TEXT(d->ws->name)) != 0)
		doctor_err(d, &err);
	return r;
}

void
doctor_recordings(struct doctor *d)
{
	struct db_result *r = read_tables(d, SQL_doctor_files);
	long long refused, waiting;

	if (r == NULL)
		return;
	refused = (long long)db_int(r, 0, "refused");
	waiting = (long long)db_int(r, 0, "waiting");
	if (refused > 0)
		doctor_say(d, DOCTOR_WARNING,
		    "if it is a host, and OpenPhone's, add it to hosts in "
		    "[media]; then `onsctl replay --since 7d --apply` asks "
		    "again; v_media lists the files",
		    "%lld files were not stored in the last 7 days: %s",
		    refused,
		    db_text(r, 0, "reason") == NULL ? ""
						    : db_text(r, 0, "reason"));
	if (waiting > 0)
		doctor_say(d, DOCTOR_WARNING,
		    "it is tried again; see the lines of storage and "
		    "troubles, and `onsctl jobs`",
		    "%lld pages lack a file: %s", waiting,
		    db_text(r, 0, "error"));
	if (refused + waiting == 0)
		doctor_say(d, DOCTOR_OK, NULL, "no file was refused lately");
	db_result_free(r);
}

static void
look_at_backfill(struct doctor *d, const struct db_result *r)
{
	const char *state = db_text(r, 0, "state"), *id = db_text(r, 0, "id");
	const char *first = db_text(r, 0, "first");
	const char *reason = db_text(r, 0, "reason");

	if (state == NULL)
		doctor_say(d, DOCTOR_OK, NULL,
		    "pages begin with the first delivery (%s); what was "
		    "before comes by `onsctl backfill`",
		    first == NULL ? "none yet" : first);
	else if (strcmp(state, "incomplete") == 0)
		doctor_say(d, DOCTOR_WARNING,
		    "`onsctl retry --dead`, or the same backfill again",
		    "backfill %s since %s is incomplete: %s", id,
		    db_text(r, 0, "since"), reason == NULL ? "" : reason);
	else
		doctor_say(d, DOCTOR_OK, NULL, "backfill %s since %s is %s", id,
		    db_text(r, 0, "since"), state);
}

void
doctor_history(struct doctor *d)
{
	struct db_result *r = read_tables(d, SQL_doctor_history);

	if (r == NULL)
		return;
	look_at_backfill(d, r);
	if (db_text(r, 0, "open") != NULL)
		doctor_say(d, DOCTOR_WARNING,
		    "`onsctl reconcile` lists them, with --repair it mends "
		    "them, as onsctl maintain does for the last day",
		    "at the last comparison did not agree, and was not "
		    "mended: %s",
		    db_text(r, 0, "open"));
	db_result_free(r);
}

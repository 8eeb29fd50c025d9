/*
 * onsctl jobs, retry and discard: unfinished work, and what was given up.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/onsctl.h"
#include "cmd/program.h"
#include "cmd/table.h"
#include "sql/queries.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 100000 };

/* Which jobs are meant: options and arguments that the three share. */
struct choice {
	bool dead, yes;
	const char *kind, *error;
	int64_t limit;
	char **ids; /* of calls, messages, contacts and lists */
	int n;
};

static const struct option options[] = {
	{ "dead", no_argument, NULL, 'd' },
	{ "kind", required_argument, NULL, 'k' },
	{ "error", required_argument, NULL, 'e' },
	{ "limit", required_argument, NULL, 'n' },
	{ "yes", no_argument, NULL, 'y' },
	{ NULL, 0, NULL, 0 },
};

static const char *const kinds[] = { "call", "message", "contact", "backfill",
	NULL };

static const struct table_column columns[] = {
	{ "kind", "KIND", false, false },
	{ "resource_id", "ID", false, false },
	{ "state", "STATE", false, false },
	{ "attempts", "ATTEMPTS", true, false },
	{ "run_at", "NEXT", false, false },
	{ "dead_at", "GIVEN UP", false, false },
	{ "last_error", "LAST ERROR", false, true },
	{ NULL, NULL, false, false },
};

/* known: the letters of the options that the command has. */
static int
parse(int argc, char **argv, const char *known, struct choice *ret)
{
	struct choice choice = { .limit = LIMIT_DEFAULT };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?' || strchr(known, c) == NULL)
			return ctl_usage(argv[0]);
		if (c == 'd')
			choice.dead = true;
		else if (c == 'k' && ctl_is_one_of("--kind", optarg, kinds))
			choice.kind = optarg;
		else if (c == 'e')
			choice.error = optarg;
		else if (c == 'y')
			choice.yes = true;
		else if (c != 'n' ||
		    program_number("onsctl", "--limit", optarg, LIMIT_MAX,
			&choice.limit) != 0)
			return ctl_usage(argv[0]);
	}
	choice.ids = argv + optind;
	choice.n = argc - optind;
	*ret = choice;
	return EX_OK;
}

static int
choose(struct ctl *ctl, const struct choice *choice, struct db_result **ret,
    struct err *err)
{
	struct db_bytes *ids = calloc((size_t)choice->n + 1, sizeof(*ids));
	int rc;

	if (ids == NULL) {
		err_nomem(err);
		return -1;
	}
	for (int i = 0; i < choice->n; i++)
		ids[i] =
		    (struct db_bytes){ choice->ids[i], strlen(choice->ids[i]) };
	rc = DB_RUN(ctl->db, SQL_jobs_list, ret, err, DB_TEXT(ctl->ws->name),
	    DB_BOOL(choice->dead), DB_TEXT(choice->kind),
	    DB_TEXT(choice->error), DB_TEXTS(ids, (size_t)choice->n),
	    DB_INT(choice->limit));
	free(ids);
	return rc;
}

static int
print(struct ctl *ctl, const struct db_result *jobs, bool dead, struct err *err)
{
	if (db_rows(jobs) > 0 || ctl->json)
		return table_print(jobs, "jobs", columns, ctl->json, err);
	puts(dead ? "no dead jobs" : "no unfinished jobs");
	return 0;
}

int
ctl_jobs(struct ctl *ctl, int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct db_result *r = NULL;
	struct choice choice;
	int rc = parse(argc, argv, "dken", &choice);

	if (rc != EX_OK)
		return rc;
	if (choice.n > 0)
		return ctl_usage(argv[0]);
	if (choose(ctl, &choice, &r, &err) != 0)
		return ctl_fail(&err);
	rc = print(ctl, r, choice.dead, &err);
	db_result_free(r);
	return rc == 0 ? EX_OK : ctl_fail(&err);
}

/* ---- retry, discard ---- */

/* Every id that was given has a job. */
static int
check_ids(
    const struct choice *choice, const struct db_result *jobs, struct err *err)
{
	for (int i = 0; i < choice->n; i++) {
		int row = 0;

		while (row < db_rows(jobs) &&
		    strcmp(db_text(jobs, row, "resource_id"), choice->ids[i]) !=
			0)
			row++;
		if (row == db_rows(jobs)) {
			err_set(err, ERR_PERMANENT,
			    "%s: no unfinished job%s has this id (see onsctl "
			    "jobs); nothing was changed",
			    choice->ids[i],
			    choice->kind == NULL && choice->error == NULL
				? ""
				: " of that kind, with that error,");
			return -1;
		}
	}
	return 0;
}

/* Run the statement on the jobs as they were seen; *n of them it met so. */
static int
change(struct ctl *ctl, const char *sql, const struct db_result *jobs,
    int64_t *n, struct err *err)
{
	size_t rows = (size_t)db_rows(jobs);
	struct db_bytes *keys = calloc(rows + 1, sizeof(*keys));
	struct db_result *r = NULL;
	int rc;

	if (keys == NULL) {
		err_nomem(err);
		return -1;
	}
	for (size_t i = 0; i < rows; i++) {
		const char *key = db_text(jobs, (int)i, "key");

		keys[i] = (struct db_bytes){ key, strlen(key) };
	}
	rc = DB_RUN(ctl->db, sql, &r, err, DB_TEXTS(keys, rows));
	if (rc == 0)
		*n = db_int(r, 0, "jobs");
	db_result_free(r);
	free(keys);
	return rc;
}

/* The jobs that a command is to change: those of the ids, or the dead ones. */
static int
chosen(struct ctl *ctl, int argc, char **argv, const char *known,
    struct choice *choice, struct db_result **ret, struct err *err)
{
	int rc = parse(argc, argv, known, choice);

	if (rc != EX_OK)
		return rc;
	if (choice->dead == (choice->n > 0))
		return ctl_usage(argv[0]);
	choice->limit = LIMIT_MAX;
	if (choose(ctl, choice, ret, err) != 0 ||
	    check_ids(choice, *ret, err) != 0) {
		db_result_free(*ret);
		return ctl_fail(err);
	}
	return EX_OK;
}

int
ctl_retry(struct ctl *ctl, int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct db_result *jobs = NULL;
	struct choice choice;
	int64_t n = 0;
	int rc = chosen(ctl, argc, argv, "dke", &choice, &jobs, &err);

	if (rc != EX_OK)
		return rc;
	rc = change(ctl, SQL_jobs_retry, jobs, &n, &err);
	db_result_free(jobs);
	if (rc != 0 || DB_RUN(ctl->db, SQL_notify, NULL, &err) != 0 ||
	    ctl_result(ctl, json_pack("{s:I}", "due", (json_int_t)n), &err,
		"%lld jobs are due again\n", (long long)n) != 0)
		return ctl_fail(&err);
	return EX_OK;
}

/* Show what would go, and ask the person who is there. */
static bool
confirmed(const struct ctl *ctl, const struct db_result *jobs)
{
	char answer[8] = "";
	struct err ignored = ERR_INIT;

	if (!ctl->json)
		(void)table_print(jobs, "jobs", columns, false, &ignored);
	if (ctl->json || !isatty(STDIN_FILENO)) {
		fputs("onsctl: nothing is discarded without --yes\n", stderr);
		return false;
	}
	printf("discard %d for good? [y/N] ", db_rows(jobs));
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	    (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0);
}

int
ctl_discard(struct ctl *ctl, int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct db_result *jobs = NULL;
	struct choice choice;
	int64_t n = 0;
	int rc = chosen(ctl, argc, argv, "dkey", &choice, &jobs, &err);

	if (rc != EX_OK)
		return rc;
	if (db_rows(jobs) > 0 && !choice.yes && !confirmed(ctl, jobs)) {
		db_result_free(jobs);
		return EX_USAGE;
	}
	rc = change(ctl, SQL_jobs_discard, jobs, &n, &err);
	if (rc == 0)
		rc = ctl_result(ctl,
		    json_pack("{s:I}", "discarded", (json_int_t)n), &err,
		    "%lld jobs are discarded\n", (long long)n);
	if (rc == 0 && n < db_rows(jobs))
		fprintf(stderr,
		    "onsctl: %lld stay: they are being worked on, or an event "
		    "came in for them\n",
		    (long long)(db_rows(jobs) - n));
	db_result_free(jobs);
	return rc == 0 ? EX_OK : ctl_fail(&err);
}

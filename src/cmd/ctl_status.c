/*
 * onsctl status: how things are, at a glance.
 *
 * What is shown is gathered as JSON first, so that --json leaves nothing out.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rfc3339.h"
#include "cmd/onsctl.h"
#include "cmd/program.h"
#include "cmd/table.h"
#include "model/words.h"
#include "queue/spool.h"
#include "sql/queries.h"
#include "sync/sync.h"

enum {
	WATCH_S = 2,
	WATCH_MAX_S = 3600,
	NAP_MS = 100,
	MOMENT_SIZE = 64,
	AGO_SIZE = MOMENT_SIZE + WORDS_SIZE
};

static volatile sig_atomic_t stopping;

static void
on_signal(int sig)
{
	stopping = sig;
}

/* ---- gathering it ---- */

static json_t *
count_json(const struct spool_count *count)
{
	char oldest[RFC3339_SIZE];

	rfc3339_format(count->oldest, oldest);
	return json_pack("{s:I, s:I, s:s?}", "files", (json_int_t)count->files,
	    "bytes", (json_int_t)count->bytes, "oldest",
	    count->files == 0 ? NULL : oldest);
}

/* The spool is this host's, and no table knows it; null: who asks may not look
 * into it. */
static int
add_spool(const struct ctl *ctl, json_t *all, struct err *err)
{
	struct spool_count new, bad;
	struct err hidden = ERR_INIT;
	bool seen =
	    spool_count(ctl->conf.webhook.spool, &new, &bad, &hidden) == 0;

	if (json_object_set_new(
		all, "spooled", seen ? count_json(&new) : json_null()) == 0 &&
	    json_object_set_new(
		all, "set_aside", seen ? count_json(&bad) : json_null()) == 0 &&
	    (seen ||
		json_object_set_new(
		    all, "spool_error", json_string(hidden.text)) == 0))
		return 0;
	err_nomem(err);
	return -1;
}

static int
add_workspace(
    struct ctl *ctl, const struct workspace *ws, json_t *list, struct err *err)
{
	struct db_result *r = NULL;
	int rc;

	if (DB_RUN(ctl->db, SQL_status, &r, err, DB_TEXT(ws->name),
		DB_INT(ws->notion.rate), DB_INT(SYNC_NOTION_WINDOW_MS),
		DB_INT(ws->openphone.rate),
		DB_INT(SYNC_OPENPHONE_WINDOW_MS)) != 0)
		return -1;
	rc = json_array_append_new(list, db_json(r, 0, "status"));
	db_result_free(r);
	if (rc != 0)
		err_nomem(err);
	return rc;
}

/* Work that nobody does: its workspace was renamed, or taken away. */
static int
add_strange(struct ctl *ctl, json_t *list, struct err *err)
{
	size_t n = conf_count(&ctl->conf);
	struct db_bytes *names = calloc(n, sizeof(*names));
	struct db_result *r = NULL;
	int rc = names == NULL ? -1 : 0;

	if (names == NULL)
		err_nomem(err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const char *name = conf_at(&ctl->conf, i)->name;

		names[i] = (struct db_bytes){ name, strlen(name) };
	}
	if (rc == 0)
		rc = DB_RUN(
		    ctl->db, SQL_status_strange, &r, err, DB_TEXTS(names, n));
	for (int i = 0; rc == 0 && i < db_rows(r); i++) {
		rc = json_array_append_new(list,
		    json_pack("{s:s, s:I}", "workspace",
			db_text(r, i, "workspace"), "jobs",
			(json_int_t)db_int(r, i, "jobs")));
		if (rc != 0)
			err_nomem(err);
	}
	db_result_free(r);
	free(names);
	return rc;
}

/* The spool first: the database may be away. */
static int
gather(struct ctl *ctl, json_t *all, struct err *err)
{
	json_t *workspaces = json_array(), *strange = json_array();

	if (add_spool(ctl, all, err) != 0) {
		json_decref(workspaces);
		json_decref(strange);
		return -1;
	}
	if (json_object_set_new(all, "workspaces", workspaces) != 0 ||
	    json_object_set_new(all, "unconfigured", strange) != 0) {
		err_nomem(err);
		return -1;
	}
	for (size_t i = 0; i < conf_count(&ctl->conf); i++) {
		const struct workspace *ws = conf_at(&ctl->conf, i);

		if ((ctl->ws == NULL || ctl->ws == ws) &&
		    add_workspace(ctl, ws, workspaces, err) != 0)
			return -1;
	}
	return add_strange(ctl, strange, err);
}

/* ---- printing it ---- */

static const char *
text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static json_int_t
number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* By the database's clock; -1: never. What was committed while it looked is of
 * no age. */
static int64_t
age(const json_t *ws, const char *name)
{
	const char *then = text_of(ws, name);
	int64_t seconds;

	if (then == NULL)
		return -1;
	seconds = words_seconds(then, text_of(ws, "at"));
	return seconds < 0 ? 0 : seconds;
}

/* "12 min ago", "never". */
static const char *
ago(const json_t *ws, const char *name, char ret[AGO_SIZE])
{
	int64_t seconds = age(ws, name);
	char span[WORDS_SIZE];

	words_span(seconds, span);
	snprintf(ret, AGO_SIZE, seconds < 0 ? "never" : "%s ago", span);
	return ret;
}

static const char *
moment(const char *rfc3339, char ret[WORDS_SIZE])
{
	words_time(rfc3339 == NULL ? "" : rfc3339, "%Y-%m-%d %H:%M:%S %Z", ret);
	return ret;
}

/* "12 min ago (2026-01-31 09:00:00 CET)" */
static const char *
last(const json_t *ws, const char *name, char ret[AGO_SIZE])
{
	char when[WORDS_SIZE];
	size_t used;

	ago(ws, name, ret);
	used = strlen(ret);
	if (text_of(ws, name) != NULL)
		snprintf(ret + used, AGO_SIZE - used, " (%s)",
		    moment(text_of(ws, name), when));
	return ret;
}

/* Only when there is something to say. */
static void
print_spool(const struct ctl *ctl, const json_t *all)
{
	const json_t *new = json_object_get(all, "spooled");
	const json_t *bad = json_object_get(all, "set_aside");
	const char *path = ctl->conf.webhook.spool;

	if (text_of(all, "spool_error") != NULL)
		printf("spool       %s\n", text_of(all, "spool_error"));
	if (number_of(new, "files") > 0)
		printf("spool       %lld deliveries wait for the database and "
		       "ons-process (since %s)\n",
		    (long long)number_of(new, "files"), text_of(new, "oldest"));
	if (number_of(bad, "files") > 0)
		printf("spool       %lld files could not be taken in: see the "
		       "log of ons-process, then move them from %s/bad to "
		       "%s/new, or remove them\n",
		    (long long)number_of(bad, "files"), path, path);
}

static void
print_jobs(const json_t *ws)
{
	json_t *jobs = json_object_get(ws, "jobs"), *n;
	const char *separator = "", *state;
	char span[WORDS_SIZE];

	printf("jobs        ");
	json_object_foreach (jobs, state, n) {
		printf("%s%lld %s", separator, (long long)json_integer_value(n),
		    state);
		separator = ", ";
	}
	if (json_object_size(jobs) == 0)
		printf("none unfinished");
	if (age(ws, "due_since") >= 0) {
		words_span(age(ws, "due_since"), span);
		printf("; the oldest has been due for %s", span);
	}
	putchar('\n');
}

static void
print_service(const json_t *s)
{
	const char *name = text_of(s, "service");
	const json_t *each = json_object_get(s, "each");
	char until[WORDS_SIZE];

	printf("%-12s%lld requests today", name,
	    (long long)number_of(s, "requests_today"));
	if (json_is_number(each))
		printf(", %.2f for each %s", json_number_value(each),
		    strcmp(name, "notion") == 0 ? "page written"
						: "call or message");
	printf("; %lld of %lld in the last %lld s",
	    (long long)number_of(s, "requests"),
	    (long long)number_of(s, "limit"),
	    (long long)number_of(s, "window_s"));
	if (text_of(s, "paused_until") != NULL)
		printf("; PAUSED until %s: %s",
		    moment(text_of(s, "paused_until"), until),
		    text_of(s, "reason") == NULL ? "" : text_of(s, "reason"));
	putchar('\n');
}

/* several: whose it is must be said. */
static void
print_troubles(const json_t *ws, bool several)
{
	const json_t *trouble;
	char since[WORDS_SIZE];
	size_t i;

	json_array_foreach (json_object_get(ws, "troubles"), i, trouble) {
		const char *part = text_of(trouble, "part");

		printf("TROUBLE     %s%s%s%s%s since %s: %s\n",
		    several ? text_of(ws, "workspace") : "",
		    several ? ": " : "", text_of(trouble, "service"),
		    *part == '\0' ? "" : " ", part,
		    moment(text_of(trouble, "since"), since),
		    text_of(trouble, "reason"));
	}
}

static void
print_workspace(const json_t *ws)
{
	const json_t *service;
	char text[AGO_SIZE];
	size_t i;

	printf("deliveries  %lld today, last %s\n",
	    (long long)number_of(ws, "deliveries_today"),
	    last(ws, "last_delivery", text));
	printf("pages       %lld new and %lld written today, last new %s\n",
	    (long long)number_of(ws, "pages_today"),
	    (long long)number_of(ws, "pages_written_today"),
	    last(ws, "last_page", text));
	if (number_of(ws, "ignored") > 0)
		printf("ignored     %lld calls and messages, by [sync] numbers "
		       "and ignore\n",
		    (long long)number_of(ws, "ignored"));
	print_jobs(ws);
	json_array_foreach (json_object_get(ws, "services"), i, service)
		print_service(service);
	print_troubles(ws, false);
}

/* "12/180", with a word when it is paused. */
static json_t *
rate_text(const json_t *s)
{
	return json_sprintf("%lld/%lld%s", (long long)number_of(s, "requests"),
	    (long long)number_of(s, "limit"),
	    text_of(s, "paused_until") == NULL ? "" : " PAUSED");
}

static json_t *
row_of(const json_t *ws)
{
	const json_t *jobs = json_object_get(ws, "jobs");
	const json_t *services = json_object_get(ws, "services");
	char delivery[AGO_SIZE], page[AGO_SIZE], span[WORDS_SIZE] = "";

	if (age(ws, "due_since") >= 0)
		words_span(age(ws, "due_since"), span);
	return json_pack(
	    "{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}",
	    "workspace", text_of(ws, "workspace"), "delivery",
	    ago(ws, "last_delivery", delivery), "page",
	    ago(ws, "last_page", page), "deliveries",
	    json_sprintf("%lld", (long long)number_of(ws, "deliveries_today")),
	    "pages",
	    json_sprintf("%lld", (long long)number_of(ws, "pages_today")),
	    "due", json_sprintf("%lld", (long long)number_of(jobs, "due")),
	    "running",
	    json_sprintf("%lld", (long long)number_of(jobs, "running")),
	    "waiting",
	    json_sprintf("%lld", (long long)number_of(jobs, "waiting")), "dead",
	    json_sprintf("%lld", (long long)number_of(jobs, "dead")), "oldest",
	    span, "notion", rate_text(json_array_get(services, 0)), "openphone",
	    rate_text(json_array_get(services, 1)));
}

/* A line for each; the rest tells `onsctl -w NAME status`. */
static int
print_overview(const json_t *workspaces, struct err *err)
{
	static const struct table_column columns[] = {
		{ "workspace", "WORKSPACE", false, false },
		{ "delivery", "LAST DELIVERY", false, false },
		{ "page", "LAST PAGE", false, false },
		{ "deliveries", "DELIVERIES", true, false },
		{ "pages", "PAGES", true, false },
		{ "due", "DUE", true, false },
		{ "oldest", "FOR", false, false },
		{ "running", "RUNNING", true, false },
		{ "waiting", "WAITING", true, false },
		{ "dead", "DEAD", true, false },
		{ "notion", "NOTION", true, false },
		{ "openphone", "OPENPHONE", true, false },
		{ NULL, NULL, false, false },
	};
	json_t *rows = json_array();
	const json_t *ws;
	size_t i;
	int rc = 0;

	json_array_foreach (workspaces, i, ws)
		rc |= json_array_append_new(rows, row_of(ws));
	if (rc == 0)
		rc = table_print_json(rows, "workspaces", columns, false, err);
	else
		err_nomem(err);
	json_decref(rows);
	json_array_foreach (workspaces, i, ws)
		print_troubles(ws, true);
	return rc;
}

static int
print_text(const struct ctl *ctl, const json_t *all, struct err *err)
{
	const json_t *workspaces = json_object_get(all, "workspaces");
	const json_t *strange;
	size_t i;
	int rc = 0;

	print_spool(ctl, all);
	if (err_is_set(err))
		return -1;
	if (json_array_size(workspaces) == 1)
		print_workspace(json_array_get(workspaces, 0));
	else
		rc = print_overview(workspaces, err);
	json_array_foreach (json_object_get(all, "unconfigured"), i, strange)
		printf("TROUBLE     %lld jobs of the workspace %s, which the "
		       "configuration does not have\n",
		    (long long)number_of(strange, "jobs"),
		    text_of(strange, "workspace"));
	return rc;
}

/* A line, so that many of them can be read one by one. */
static int
print_json(json_t *all, struct err *err)
{
	if ((err_is_set(err) &&
		json_object_set_new(all, "error", json_string(err->text)) !=
		    0) ||
	    (json_dumpf(all, stdout, 0) != 0 && !ferror(stdout)))
		err_nomem(err);
	putchar('\n');
	return err_is_set(err) ? -1 : 0;
}

static int
show(struct ctl *ctl, struct err *err)
{
	json_t *all = json_object();
	int rc;

	if (all == NULL)
		err_nomem(err);
	else
		(void)gather(ctl, all, err);
	rc = ctl->json ? print_json(all, err) : print_text(ctl, all, err);
	json_decref(all);
	return rc;
}

/* ---- again and again ---- */

static void
nap(int64_t seconds)
{
	int64_t end = clock_ms() + seconds * 1000;

	while (!stopping && clock_ms() < end)
		nanosleep(
		    &(struct timespec){ .tv_nsec = NAP_MS * 1000000L }, NULL);
}

static void
print_heading(bool terminal)
{
	char now[MOMENT_SIZE];

	rfc3339_local(rfc3339_now(), "%Y-%m-%d %H:%M:%S %Z", now, sizeof(now));
	printf("%s%s\n", terminal ? "\033[H\033[2J" : "", now);
}

/* To the end that a signal, or whoever reads it, makes of it. A database that
 * is away may come back. */
static int
watch(struct ctl *ctl, int64_t seconds)
{
	struct sigaction action = { .sa_handler = on_signal };
	bool terminal = isatty(STDOUT_FILENO) == 1;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	db_set_stop(ctl->db, &stopping);
	while (!stopping) {
		struct err err = ERR_INIT;

		if (!ctl->json)
			print_heading(terminal);
		if (show(ctl, &err) != 0 && !ctl->json && !stopping) {
			fflush(stdout);
			(void)ctl_fail(&err);
		}
		if (!ctl->json && !terminal)
			putchar('\n');
		if (fflush(stdout) != 0)
			break;
		nap(seconds);
	}
	return EX_OK;
}

int
ctl_status(struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "watch", optional_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	struct err err = ERR_INIT;
	int64_t seconds = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		const char *given = optarg;

		if (c != 'w')
			return ctl_usage(argv[0]);
		if (given == NULL && optind < argc && *argv[optind] != '-')
			given = argv[optind++];
		seconds = WATCH_S;
		if (given != NULL &&
		    program_number(
			"onsctl", "--watch", given, WATCH_MAX_S, &seconds) != 0)
			return EX_USAGE;
	}
	if (optind < argc)
		return ctl_usage(argv[0]);
	if (ctl->ws != NULL)
		ctl_zone(ctl);
	if (seconds > 0)
		return watch(ctl, seconds);
	return show(ctl, &err) == 0 ? EX_OK : ctl_fail(&err);
}

/*
 * onsctl status, config and check-config: looking, changing nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/rfc3339.h"
#include "cmd/onsctl.h"
#include "model/signature.h"
#include "queue/spool.h"
#include "sql/queries.h"
#include "sync/alarm.h"

/* ---- check-config, config ---- */

static int
check_secrets(const struct workspace *ws, struct err *err)
{
	struct signature_keys *keys = signature_keys_new();
	int rc = -1;

	if (keys == NULL) {
		err_nomem(err);
		return -1;
	}
	if ((ws->webhook.secrets == NULL ||
		signature_keys_add(keys, ws->webhook.secrets,
		    "[webhook] secrets", err) == 0) &&
	    (ws->webhook.legacy_keys == NULL ||
		signature_keys_add(keys, ws->webhook.legacy_keys,
		    "[webhook] legacy_keys", err) == 0))
		rc = 0;
	signature_keys_free(keys);
	return rc;
}

/* Found only when something is wrong already, otherwise. */
static int
check_alert(
    const struct conf *conf, const struct workspace *ws, struct err *err)
{
	struct http_url url;
	const char *format;

	if (ws->alert.webhook != NULL &&
	    alarm_address(ws, &url, &format, err) != 0)
		return -1;
	if (conf->alert.ping == NULL ||
	    http_url_parse(conf->alert.ping, &url) == 0)
		return 0;
	err_set(err, ERR_CONFIG, "[alert] ping is no address like https://...");
	return -1;
}

static void
warn_of_secrets(const struct conf *conf, const struct workspace *ws)
{
	struct err doubt = ERR_INIT;

	if (ws->webhook.path_of != NULL)
		return; /* it needs none */
	if (ws->webhook.allow_unsigned)
		err_set(&doubt, ERR_CONFIG,
		    "[webhook] allow_unsigned is on: anybody who knows the "
		    "address can make pages");
	else if (ws->webhook.secrets != NULL || ws->webhook.legacy_keys != NULL)
		return;
	else if (ws->webhook.secrets_file != NULL)
		err_set(&doubt, ERR_CONFIG,
		    "no signing secret in %s yet: onsctl webhooks create puts "
		    "one there",
		    ws->webhook.secrets_file);
	else
		err_set(&doubt, ERR_CONFIG,
		    "no [webhook] secrets: ons-webhook will not start");
	conf_blame(conf, ws, &doubt);
	fprintf(stderr, "warning: %s\n", doubt.text);
}

/* How much is wrong with it. */
static int
check_workspace(const struct conf *conf, const struct workspace *ws)
{
	static const struct {
		enum conf_user user;
		const char *program;
	} users[] = { { CONF_PROCESS, "ons-process" },
		{ CONF_PORTAL, "ons-portal" } };
	struct err err = ERR_INIT;
	int failures = 0;

	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
		err_clear(&err);
		if (conf_require(conf, ws, users[i].user, &err) == 0)
			continue;
		err_prefix(&err, "%s", users[i].program);
		ctl_fail(&err);
		failures++;
	}
	err_clear(&err);
	if (check_secrets(ws, &err) != 0 || check_alert(conf, ws, &err) != 0) {
		conf_blame(conf, ws, &err);
		ctl_fail(&err);
		failures++;
	}
	warn_of_secrets(conf, ws);
	return failures;
}

int
ctl_check_config(struct ctl *ctl, int argc, char **argv)
{
	int failures = 0;

	if (argc > 1)
		return ctl_usage(argv[0]);
	for (size_t i = 0; i < conf_count(&ctl->conf); i++)
		failures += check_workspace(&ctl->conf, conf_at(&ctl->conf, i));
	if (failures > 0)
		return EX_CONFIG;
	printf("%s: good\n",
	    ctl->conf.path == NULL ? "the environment" : ctl->conf.path);
	return EX_OK;
}

int
ctl_config(struct ctl *ctl, int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct buf text;

	if (argc > 1)
		return ctl_usage(argv[0]);
	buf_init(&text, 1 << 20);
	if (conf_print(&ctl->conf, &text) != 0) {
		err_nomem(&err);
		return ctl_fail(&err);
	}
	fputs(buf_text(&text), stdout);
	buf_free(&text);
	return EX_OK;
}

/* ---- status ---- */

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
status_json(struct ctl *ctl, struct err *err)
{
	struct spool_count new, bad;
	struct err hidden = ERR_INIT;
	struct db_result *r = NULL;
	bool seen;
	json_t *status;
	char *text;

	if (DB_RUN(ctl->db, SQL_status_json, &r, err,
		DB_TEXT(ctl->ws == NULL ? NULL : ctl->ws->name)) != 0)
		return -1;
	seen = spool_count(ctl->conf.webhook.spool, &new, &bad, &hidden) == 0;
	status = db_json(r, 0, "status");
	db_result_free(r);
	json_object_set_new(
	    status, "spooled", seen ? count_json(&new) : json_null());
	json_object_set_new(
	    status, "set_aside", seen ? count_json(&bad) : json_null());
	text = status == NULL ? NULL : json_dumps(status, 0);
	json_decref(status);
	if (text == NULL) {
		err_nomem(err);
		return -1;
	}
	puts(text);
	free(text);
	return 0;
}

/* Only when there is something to say. */
static void
print_spool(const struct ctl *ctl)
{
	const char *path = ctl->conf.webhook.spool;
	struct spool_count new, bad;
	struct err err = ERR_INIT;
	char oldest[RFC3339_SIZE];

	if (spool_count(path, &new, &bad, &err) != 0) {
		printf("spool       %s\n", err.text);
		return;
	}
	if (new.files > 0) {
		rfc3339_format(new.oldest, oldest);
		printf("spool       %lld deliveries wait for the database and "
		       "ons-process (since %s)\n",
		    (long long)new.files, oldest);
	}
	if (bad.files > 0)
		printf("spool       %lld files could not be taken in: see the "
		       "log of ons-process, then move them from %s/bad to "
		       "%s/new, or remove them\n",
		    (long long)bad.files, path, path);
}

static int
print_last(struct ctl *ctl, const char *sql, const char *what, struct err *err)
{
	struct db_result *r = NULL;
	const char *last;

	if (DB_RUN(ctl->db, sql, &r, err, DB_TEXT(ctl->ws->name)) != 0)
		return -1;
	last = db_text(r, 0, "last");
	printf("%-12s%s today, last %s\n", what, db_text(r, 0, "today"),
	    last == NULL ? "never" : last);
	db_result_free(r);
	return 0;
}

/* Only where there are any. */
static int
print_ignored(struct ctl *ctl, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(ctl->db, SQL_status_ignored, &r, err,
		DB_TEXT(ctl->ws->name)) != 0)
		return -1;
	if (db_int(r, 0, "resources") > 0)
		printf("ignored     %s calls and messages, by [sync] numbers "
		       "and ignore\n",
		    db_text(r, 0, "resources"));
	db_result_free(r);
	return 0;
}

static int
print_jobs(struct ctl *ctl, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(ctl->db, SQL_status_jobs, &r, err, DB_TEXT(ctl->ws->name)) !=
	    0)
		return -1;
	printf("jobs        ");
	for (int i = 0; i < db_rows(r); i++)
		printf("%s%s %s (since %s)", i == 0 ? "" : ", ",
		    db_text(r, i, "jobs"), db_text(r, i, "state"),
		    db_text(r, i, "oldest"));
	puts(db_rows(r) == 0 ? "none unfinished" : "");
	db_result_free(r);
	return 0;
}

static int
print_usage(struct ctl *ctl, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(ctl->db, SQL_status_usage, &r, err,
		DB_TEXT(ctl->ws->name)) != 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++) {
		const char *until = db_text(r, i, "paused_until");
		const char *each = db_text(r, i, "each");

		printf("%-12s%s requests today", db_text(r, i, "service"),
		    db_text(r, i, "requests"));
		if (each != NULL)
			printf(", %s for each %s", each, db_text(r, i, "what"));
		printf("%s%s%s%s\n", until == NULL ? "" : ", paused until ",
		    until == NULL ? "" : until, until == NULL ? "" : ": ",
		    until == NULL ? "" : db_text(r, i, "reason"));
	}
	db_result_free(r);
	return 0;
}

static int
print_troubles(struct ctl *ctl, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(ctl->db, SQL_status_troubles, &r, err,
		DB_TEXT(ctl->ws->name)) != 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++)
		printf("TROUBLE     %s %s since %s: %s\n",
		    db_text(r, i, "service"), db_text(r, i, "part"),
		    db_text(r, i, "since"), db_text(r, i, "reason"));
	db_result_free(r);
	return 0;
}

static int
print_workspace(struct ctl *ctl, struct err *err)
{
	return print_last(ctl, SQL_status_events, "deliveries", err) == 0 &&
		print_last(ctl, SQL_status_pages, "pages", err) == 0 &&
		print_ignored(ctl, err) == 0 && print_jobs(ctl, err) == 0 &&
		print_usage(ctl, err) == 0 && print_troubles(ctl, err) == 0
	    ? 0
	    : -1;
}

/* Work that nobody does: its workspace was renamed, or taken away. */
static int
print_strange(struct ctl *ctl, struct err *err)
{
	size_t n = conf_count(&ctl->conf);
	struct db_bytes *names = calloc(n, sizeof(*names));
	struct db_result *r = NULL;
	int rc = -1;

	if (names == NULL) {
		err_nomem(err);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		const char *name = conf_at(&ctl->conf, i)->name;

		names[i] = (struct db_bytes){ name, strlen(name) };
	}
	if (DB_RUN(ctl->db, SQL_status_strange, &r, err, DB_TEXTS(names, n)) !=
	    0)
		goto out;
	for (int i = 0; i < db_rows(r); i++)
		printf("TROUBLE     %s jobs of the workspace %s, which the "
		       "configuration does not have\n",
		    db_text(r, i, "jobs"), db_text(r, i, "workspace"));
	rc = 0;
out:
	db_result_free(r);
	free(names);
	return rc;
}

/* That of all workspaces, one after the other. */
static int
print_all(struct ctl *ctl, struct err *err)
{
	for (size_t i = 0; i < conf_count(&ctl->conf); i++) {
		ctl->ws = conf_at(&ctl->conf, i);
		printf("workspace   %s\n", ctl->ws->name);
		if (print_workspace(ctl, err) != 0)
			return -1;
	}
	return 0;
}

int
ctl_status(struct ctl *ctl, int argc, char **argv)
{
	struct err err = ERR_INIT;
	int rc;

	if (argc > 1)
		return ctl_usage(argv[0]);
	/* first: the database may be away */
	if (!ctl->json)
		print_spool(ctl);
	if (ctl->json)
		rc = status_json(ctl, &err);
	else if ((rc = ctl->ws != NULL ? print_workspace(ctl, &err)
				       : print_all(ctl, &err)) == 0)
		rc = print_strange(ctl, &err);
	return rc == 0 ? EX_OK : ctl_fail(&err);
}

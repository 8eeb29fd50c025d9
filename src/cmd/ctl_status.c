/*
 * onsctl status, config and check-config: looking, changing nothing.
 */
#include <stdio.h>
#include <sysexits.h>

#include "base/buf.h"
#include "cmd/onsctl.h"
#include "model/signature.h"
#include "sql/queries.h"

/* ---- check-config, config ---- */

static int
check_secrets(const struct conf *conf, struct err *err)
{
	const struct workspace *ws = &conf->workspace;
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

static void
warn_of_secrets(const struct conf *conf)
{
	const struct workspace *ws = &conf->workspace;

	if (ws->webhook.allow_unsigned)
		fputs("warning: [webhook] allow_unsigned is on: anybody who "
		      "knows the address can make pages\n",
		    stderr);
	else if (ws->webhook.secrets == NULL && ws->webhook.legacy_keys == NULL)
		fputs("warning: no [webhook] secrets: ons-webhook will not "
		      "start\n",
		    stderr);
}

int
ctl_check_config(struct ctl *ctl, int argc, char **argv)
{
	static const struct {
		enum conf_user user;
		const char *program;
	} users[] = { { CONF_PROCESS, "ons-process" },
		{ CONF_PORTAL, "ons-portal" } };
	struct err err = ERR_INIT;
	int failures = 0;

	if (argc > 1)
		return ctl_usage(argv[0]);
	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
		err_clear(&err);
		if (conf_require(&ctl->conf, users[i].user, &err) == 0)
			continue;
		err_prefix(&err, "%s", users[i].program);
		ctl_fail(&err);
		failures++;
	}
	err_clear(&err);
	if (check_secrets(&ctl->conf, &err) != 0) {
		ctl_fail(&err);
		failures++;
	}
	warn_of_secrets(&ctl->conf);
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

static int
status_json(struct ctl *ctl, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(ctl->db, SQL_status_json, &r, err) != 0)
		return -1;
	puts(db_text(r, 0, "status"));
	db_result_free(r);
	return 0;
}

static int
print_last(struct ctl *ctl, const char *sql, const char *what, struct err *err)
{
	struct db_result *r = NULL;
	const char *last;

	if (DB_RUN(ctl->db, sql, &r, err) != 0)
		return -1;
	last = db_text(r, 0, "last");
	printf("%-12s%s today, last %s\n", what, db_text(r, 0, "today"),
	    last == NULL ? "never" : last);
	db_result_free(r);
	return 0;
}

static int
print_jobs(struct ctl *ctl, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(ctl->db, SQL_status_jobs, &r, err) != 0)
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

	if (DB_RUN(ctl->db, SQL_status_usage, &r, err) != 0)
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

int
ctl_status(struct ctl *ctl, int argc, char **argv)
{
	struct err err = ERR_INIT;
	int rc;

	if (argc > 1)
		return ctl_usage(argv[0]);
	if (ctl->json)
		rc = status_json(ctl, &err);
	else if ((rc = print_last(
		      ctl, SQL_status_events, "deliveries", &err)) == 0 &&
	    (rc = print_last(ctl, SQL_status_pages, "pages", &err)) == 0 &&
	    (rc = print_jobs(ctl, &err)) == 0)
		rc = print_usage(ctl, &err);
	return rc == 0 ? EX_OK : ctl_fail(&err);
}

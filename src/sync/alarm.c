#include "sync/alarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "queue/chore.h"
#include "queue/symptom.h"
#include "sql/queries.h"

#include "config.h"

enum {
	TIMEOUT_MS = 10000,
	ANSWER_MAX = 64 * 1024,
	WAIT_MAX_MS = 3600 * 1000 /* that we let the other side name */
};

/* What all rounds are called in the table of chores. */
static const char everybody[] = "", name[] = "alert";

bool
alarm_wanted(const struct conf *conf)
{
	for (size_t i = 0; i < conf_count(conf); i++)
		if (conf_at(conf, i)->alert.webhook != NULL)
			return true;
	return conf->workspace.alert.webhook != NULL ||
	    conf->alert.ping != NULL;
}

/* ---- one message ---- */

int
alarm_address(const struct workspace *ws, struct http_url *url,
    const char **format, struct err *err)
{
	if (http_url_parse(ws->alert.webhook, url) != 0) {
		err_set(err, ERR_CONFIG,
		    "[alert] webhook is no address like https://...");
		return -1;
	}
	*format = alert_format(ws->alert.format, url->host);
	return 0;
}

/* Error texts name the server alone: the address is a secret, and the answer
 * may repeat it. */
static int
refused(const struct http_url *url, const struct http_response *resp,
    struct err *err)
{
	err_set(err, ERR_RETRY,
	    "%s answered %d (see [alert] webhook, and onsctl alert-test)",
	    url->host, resp->status);
	err->status = resp->status;
	err->retry_after_ms = resp->retry_after_ms < 0 ? 0
	    : resp->retry_after_ms > WAIT_MAX_MS       ? WAIT_MAX_MS
						       : resp->retry_after_ms;
	return -1;
}

int
alarm_send(struct http *http, const struct workspace *ws,
    const struct alert *alert, struct http_response *resp, struct err *err)
{
	static const char *const headers[] = { "Content-Type: application/json",
		NULL };
	struct http_url url;
	const char *format;
	char *body;
	int rc = -1;

	*resp = (struct http_response){ 0 };
	if (alarm_address(ws, &url, &format, err) != 0)
		return -1;
	if ((body = alert_body(alert, format)) == NULL) {
		err_nomem(err);
		return -1;
	}
	const struct http_request req = { .method = "POST",
		.url = ws->alert.webhook,
		.headers = headers,
		.body = body,
		.body_len = strlen(body),
		.once = true,
		.timeout_ms = TIMEOUT_MS,
		.max_response = ANSWER_MAX };

	if (http_perform(http, &req, resp, err) == 0)
		rc = resp->status / 100 == 2 ? 0 : refused(&url, resp, err);
	free(body);
	return rc;
}

/* ---- a round ---- */

struct alarm {
	struct db *db;
	const struct conf *conf;
	const volatile sig_atomic_t *stop;
	struct http *http;
	struct chore chore;
	int told;
	bool well; /* all was looked at, and all is told */
};

/* Whoever is killed right after sending tells it again: rather twice than
 * never. */
static int
tell_one(struct alarm *a, const struct workspace *to, const struct alert *alert,
    struct err *err)
{
	struct http_response resp;
	struct err why = ERR_INIT;
	bool first = false;
	int rc;

	if (chore_keep(&a->chore, err) != 0)
		return -1;
	rc = alarm_send(a->http, to, alert, &resp, &why);
	http_response_clear(&resp);
	if (rc == 0) {
		FAILPOINT("alert.sent");
		a->told++;
		return symptom_told(a->db, alert, err) == 0 ? 1 : -1;
	}
	a->well = false;
	if (*a->stop)
		return 0;
	if (symptom_untold(a->db, alert->workspace, &why, &first, err) != 0)
		return -1;
	if (first)
		log_err(&why, "people cannot be told of what is wrong");
	return 0;
}

/* Until there is nothing to tell, or it cannot be told. */
static int
tell(struct alarm *a, const struct workspace *to, const char *workspace,
    struct err *err)
{
	int rc = 1;

	while (rc > 0 && !*a->stop) {
		struct db_result *r = NULL;
		struct alert alert;

		rc = symptom_next(
		    a->db, workspace, to->alert.reminder_ms, &alert, &r, err);
		if (rc > 0)
			rc = tell_one(a, to, &alert, err);
		db_result_free(r);
	}
	return rc < 0 ? -1 : 0;
}

/* What is wrong with hosts is told where the plain sections say, else to the
 * first who is told anything. */
static const struct workspace *
for_hosts(const struct conf *conf)
{
	const struct workspace *to = &conf->workspace;

	for (size_t i = 0; to->alert.webhook == NULL && i < conf_count(conf);
	     i++)
		to = conf_at(conf, i);
	return to->alert.webhook == NULL ? NULL : to;
}

/* A workspace that cannot be looked at keeps no other from it. */
static int
look_and_tell(struct alarm *a, const struct workspace *ws, struct err *err)
{
	if (ws->alert.webhook == NULL)
		return 0;
	log_context(ws->name, NULL, NULL);
	if (symptom_look(a->db, ws, err) != 0 && err->kind != ERR_RETRY) {
		log_err(err, "looking for what is wrong");
		err_clear(err);
		a->well = false;
	}
	return err_is_set(err) ? -1 : tell(a, ws, ws->name, err);
}

static int
tell_all(struct alarm *a, struct err *err)
{
	const struct workspace *to = for_hosts(a->conf);
	int rc = 0;

	for (size_t i = 0; i < conf_count(a->conf) && rc == 0 && !*a->stop; i++)
		rc = look_and_tell(a, conf_at(a->conf, i), err);
	log_context(NULL, NULL, NULL);
	return rc == 0 && to != NULL ? tell(a, to, everybody, err) : rc;
}

/* Whom a ping does not reach sounds the alarm: that is what it is for. */
static void
ping(struct alarm *a)
{
	const struct http_request req = { .method = "GET",
		.url = a->conf->alert.ping,
		.timeout_ms = TIMEOUT_MS,
		.max_response = ANSWER_MAX };
	struct http_response resp = { 0 };
	struct err err = ERR_INIT;

	if (req.url == NULL || *a->stop)
		return;
	if (http_perform(a->http, &req, &resp, &err) != 0)
		log_info("[alert] ping: %s", err.text);
	else if (resp.status / 100 != 2)
		log_info("[alert] ping: answered %d", resp.status);
	http_response_clear(&resp);
}

static int
run(struct alarm *a, struct err *err)
{
	struct err ignored = ERR_INIT;
	char summary[64];

	if (tell_all(a, err) != 0) {
		(void)chore_end(&a->chore, NULL, &ignored);
		return -1;
	}
	snprintf(summary, sizeof(summary), "%d messages", a->told);
	if (chore_end(&a->chore, summary, err) != 0)
		return -1;
	if (a->well)
		ping(a);
	return 0;
}

/* 1: this round is ours. */
static int
begin(struct alarm *a, struct err *err)
{
	struct db_result *r = NULL;
	int rows;

	if (DB_RUN(a->db, SQL_alert_rested, &r, err) != 0)
		return -1;
	rows = db_rows(r);
	db_result_free(r);
	return rows == 0 ? 0
			 : chore_begin(a->db, everybody, name, &a->chore, err);
}

static bool
stop_now(void *ctx, bool file)
{
	const struct alarm *a = ctx;

	(void)file;
	return *a->stop != 0;
}

int
alarm_round(struct db *db, const struct conf *conf,
    const volatile sig_atomic_t *stop, struct err *err)
{
	struct alarm a = { .db = db, .conf = conf, .stop = stop, .well = true };
	int rc;

	if (symptom_look_host(db, conf, err) != 0)
		return -1;
	if ((rc = begin(&a, err)) <= 0)
		return rc;
	if ((a.http = http_new(PACKAGE_NAME "/" PACKAGE_VERSION, err)) ==
	    NULL) {
		struct err ignored = ERR_INIT;

		(void)chore_end(&a.chore, NULL, &ignored);
		return -1;
	}
	http_set_stop(a.http, stop_now, &a);
	rc = run(&a, err);
	http_free(a.http);
	return rc;
}

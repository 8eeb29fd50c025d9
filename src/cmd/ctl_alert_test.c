/*
 * onsctl alert-test: would people be told?
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <jansson.h>

#include "base/rfc3339.h"
#include "cmd/onsctl.h"
#include "sync/alarm.h"

#include "config.h"

enum { ANSWER_SIZE = 512 };

/* But not when it repeats the address, which is a secret. */
static void
answer_text(const struct http_response *resp, const char *url, char *ret)
{
	const char *host = strstr(url, "://");
	const char *path = host == NULL ? NULL : strchr(host + 3, '/');

	ctl_answer(buf_text(&resp->body), ret, ANSWER_SIZE);
	if (path != NULL && path[1] != '\0' && strstr(ret, path + 1) != NULL)
		snprintf(ret, ANSWER_SIZE, "(the address, not shown)");
}

static int
print_answer(struct ctl *ctl, const struct http_response *resp,
    const char *host, const char *format, struct err *err)
{
	char answer[ANSWER_SIZE];

	answer_text(resp, ctl->ws->alert.webhook, answer);
	return ctl_result(ctl,
	    json_pack("{s:s, s:s, s:i, s:s}", "host", host, "format", format,
		"status", resp->status, "answer", answer),
	    err, "%s, as %s: %d %s\n", host, format, resp->status, answer);
}

/* err: why the message was not taken, if it was not. */
static int
judge(const struct http_response *resp, const struct err *err)
{
	if (!err_is_set(err))
		return EX_OK;
	ctl_fail(err);
	return err->kind == ERR_CONFIG		       ? EX_CONFIG
	    : resp->status == 0 || resp->status >= 500 ? EX_TEMPFAIL
						       : EX_UNAVAILABLE;
}

static int
send_test(struct ctl *ctl, struct http *http)
{
	char now[RFC3339_SIZE];
	const struct alert alert = { .event = "test",
		.workspace = ctl->ws->name,
		.host = "",
		.part = "",
		.what = "test",
		.reason = "a test by onsctl alert-test",
		.since = now };
	struct err err = ERR_INIT, bad = ERR_INIT;
	struct http_response resp;
	struct http_url url;
	const char *format;
	int rc;

	rfc3339_format(rfc3339_now(), now);
	if (alarm_address(ctl->ws, &url, &format, &err) != 0)
		return ctl_fail(&err);
	(void)alarm_send(http, ctl->ws, &alert, &resp, &err);
	if (resp.status != 0 &&
	    print_answer(ctl, &resp, url.host, format, &bad) != 0)
		rc = ctl_fail(&bad);
	else
		rc = judge(&resp, &err);
	http_response_clear(&resp);
	return rc;
}

int
ctl_alert_test(struct ctl *ctl, int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct http *http;
	int rc;

	if (argc > 1)
		return ctl_usage(argv[0]);
	if (ctl->ws->alert.webhook == NULL) {
		err_set(&err, ERR_CONFIG,
		    "nobody is told of what is wrong: set [alert] webhook");
		return ctl_fail(&err);
	}
	if ((http = http_new(PACKAGE_NAME "/" PACKAGE_VERSION, &err)) == NULL)
		return ctl_fail(&err);
	rc = send_test(ctl, http);
	http_free(http);
	return rc;
}

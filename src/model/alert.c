#include "model/alert.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/utf8.h"
#include "ext/jansson.h"
#include "model/words.h"

enum {
	REASON_UNITS = 1000,
	TEXT_UNITS = 2000, /* Discord refuses a longer one */
	TEXT_MAX = 32768
};

/* What to do about it. */
static const struct {
	const char *what, *remedy;
} remedies[] = {
	{ "dead",
	    "`onsctl jobs --dead` says why; then `onsctl retry --dead`, or "
	    "`onsctl discard`" },
	{ "paused",
	    "do what is said there (`onsctl doctor` tells more); afterwards it "
	    "goes on by itself within minutes" },
	{ "backlog", "see `onsctl status` and `onsctl doctor`" },
	{ "silence",
	    "if people did call: see `onsctl webhooks list`, and `onsctl "
	    "doctor`" },
	{ "spooled",
	    "see `onsctl doctor` there: the database must take what "
	    "ons-process brings" },
	{ "set_aside",
	    "see the log of ons-process there, then move them from bad/ to "
	    "new/ in the spool, or remove them" },
	{ "disk", "make room there" },
	{ "test", "nothing: it is a test" },
};

static const char *
remedy_of(const char *what)
{
	for (size_t i = 0; i < sizeof(remedies) / sizeof(*remedies); i++)
		if (strcmp(remedies[i].what, what) == 0)
			return remedies[i].remedy;
	return "see `onsctl doctor`";
}

/* Is it that domain, or a host in it? */
static bool
is_at(const char *host, const char *domain)
{
	size_t n = strlen(host), len = strlen(domain);

	return n >= len && strcmp(host + n - len, domain) == 0 &&
	    (n == len || host[n - len - 1] == '.');
}

const char *
alert_format(const char *format, const char *host)
{
	static const struct {
		const char *domain, *format;
	} known[] = { { "hooks.slack.com", "slack" },
		{ "hooks.slack-gov.com", "slack" },
		{ "discord.com", "discord" }, { "discordapp.com", "discord" } };

	if (strcmp(format, "auto") != 0)
		return strcmp(format, "slack") == 0  ? "slack"
		    : strcmp(format, "discord") == 0 ? "discord"
						     : "json";
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (is_at(host, known[i].domain))
			return known[i].format;
	return "json";
}

/* Some of it is others': valid, on one line, not too long, no numbers. */
static char *
tidied(const char *reason)
{
	struct buf buf;
	char *ret = NULL;

	buf_init(&buf, TEXT_MAX);
	if (words_clip(&buf, reason, REASON_UNITS) == 0 &&
	    (ret = buf_steal(&buf)) != NULL)
		log_mask(ret);
	buf_free(&buf);
	return ret;
}

/* For people. */
static int
add_text(const struct alert *alert, const char *reason, struct buf *out)
{
	const char *event = alert->event;
	bool over = strcmp(event, "ends") == 0;

	return buf_addf(out, "openphone-notion-sync%s%s%s%s: %s%s",
		   *alert->workspace == '\0' ? "" : ", workspace ",
		   alert->workspace, *alert->host == '\0' ? "" : " on ",
		   alert->host,
		   over				     ? "over: "
		       : strcmp(event, "lasts") == 0 ? "still: "
						     : "",
		   reason) == 0 &&
		buf_addf(out, "\n(since %s)", alert->since) == 0 &&
		(over ||
		    buf_addf(out, "\nWhat to do: %s", remedy_of(alert->what)) ==
			0)
	    ? 0
	    : -1;
}

/* In Slack's text three characters are its own, as in <!channel>. */
static int
escape(const char *text, struct buf *out)
{
	int rc = 0;

	for (; *text != '\0' && rc == 0; text++)
		rc = *text == '&'  ? buf_adds(out, "&amp;")
		    : *text == '<' ? buf_adds(out, "&lt;")
		    : *text == '>' ? buf_adds(out, "&gt;")
				   : buf_add(out, text, 1);
	return rc;
}

static json_t *
for_slack(const char *text)
{
	json_t *ret = NULL;
	struct buf escaped;

	buf_init(&escaped, TEXT_MAX);
	if (escape(text, &escaped) == 0)
		ret = json_pack("{s:s}", "text", buf_text(&escaped));
	buf_free(&escaped);
	return ret;
}

/* Nobody is called by what a service said, as @everyone. */
static json_t *
for_discord(const char *text)
{
	size_t n = utf8_cut(text, strlen(text), TEXT_UNITS);

	return json_pack("{s:s%, s:{s:[]}}", "content", text, n,
	    "allowed_mentions", "parse");
}

static json_t *
for_programs(const struct alert *alert, const char *reason)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "event",
	    alert->event, "workspace", alert->workspace, "host", alert->host,
	    "what", alert->what, "part", alert->part, "reason", reason, "since",
	    alert->since, "remedy", remedy_of(alert->what));
}

char *
alert_body(const struct alert *alert, const char *format)
{
	char *reason = tidied(alert->reason), *ret = NULL;
	json_t *body = NULL;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (reason == NULL || add_text(alert, reason, &text) != 0)
		goto out;
	body = strcmp(format, "slack") == 0  ? for_slack(buf_text(&text))
	    : strcmp(format, "discord") == 0 ? for_discord(buf_text(&text))
					     : for_programs(alert, reason);
	if (body != NULL)
		ret = jansson_text(body, JSON_COMPACT);
out:
	json_decref(body);
	buf_free(&text);
	free(reason);
	return ret;
}

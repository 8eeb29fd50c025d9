/*
 * onsctl doctor: is everything as it should be, and if not, what to do?
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "cmd/doctor.h"

enum { TEXT_MAX = 1600, S3_LOW_SPEED_SECONDS = 10 };

static const struct check {
	const char *name;
	doctor_check *look;
} checks[] = {
	{ "user", doctor_user },
	{ "files", doctor_files },
	{ "database", doctor_connect },
	{ "schema", doctor_schema },
	{ "roles", doctor_roles },
	{ "spool", doctor_spool },
	{ "cron", doctor_cron },
	{ "queue", doctor_queue },
	{ "probe", doctor_probe },
	{ "recordings", doctor_recordings },
	{ "history", doctor_history },
	{ "openphone", doctor_openphone_key },
	{ "webhooks", doctor_webhooks },
	{ "notion", doctor_notion_key },
	{ "databases", doctor_databases },
	{ "storage", doctor_storage },
	{ "intake", doctor_intake },
	{ "link", doctor_link },
	{ "clock", doctor_clock },
	{ "alert", doctor_alert },
	/* last: one that is over ends when a key turns out to be good */
	{ "troubles", doctor_troubles },
};

static const struct option options[] = {
	{ "nagios", no_argument, NULL, 'n' },
	{ "url", required_argument, NULL, 'u' },
	{ NULL, 0, NULL, 0 },
};

static const char *const levels[] = { "ok", "warning", "failure" };

static volatile sig_atomic_t never;

/* ---- findings ---- */

/* One line, without what would steer a terminal: some of it is others'. */
static json_t *
clean(const char *text)
{
	char *line = utf8_clean(text, strlen(text));
	json_t *ret;

	for (char *p = line; p != NULL && *p != '\0'; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	ret = json_string(line == NULL ? "" : line);
	free(line);
	return ret;
}

void
doctor_say(struct doctor *d, enum doctor_level level, const char *remedy,
    const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	d->count[level]++;
	json_array_append_new(d->findings,
	    json_pack("{s:s, s:s, s:o, s:o}", "check", d->check, "status",
		levels[level], "text", clean(text), "remedy",
		remedy == NULL ? json_null() : clean(remedy)));
}

void
doctor_err(struct doctor *d, const struct err *err)
{
	bool passes = err->kind == ERR_WAIT;

	doctor_say(
	    d, passes ? DOCTOR_WARNING : DOCTOR_FAILURE, NULL, "%s", err->text);
}

void
doctor_measure(struct doctor *d, const char *name, int64_t value)
{
	json_object_set_new(d->measured, name, json_integer(value));
}

const char *
doctor_span(int64_t seconds, char ret[DOCTOR_SPAN_SIZE])
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" },
		{ 1, "s" } };
	size_t i = 0;

	while (i < 3 && seconds < 2 * units[i].seconds)
		i++;
	snprintf(ret, DOCTOR_SPAN_SIZE, "%" PRId64 " %s",
	    seconds / units[i].seconds, units[i].name);
	return ret;
}

/* ---- the checks ---- */

/* Waits that the programs may have are too long for somebody who looks on. */
static void
hurry(struct doctor *d)
{
	struct sync *sync = &d->sync;

	if (sync->openphone.timeout_ms > DOCTOR_LIMIT_MS)
		sync->openphone.timeout_ms = DOCTOR_LIMIT_MS;
	if (sync->notion.timeout_ms > DOCTOR_LIMIT_MS)
		sync->notion.timeout_ms = DOCTOR_LIMIT_MS;
	sync->s3.timeout_ms = DOCTOR_LIMIT_MS;
	sync->s3.low_speed_time = S3_LOW_SPEED_SECONDS;
}

static int
open_all(struct doctor *d, struct err *err)
{
	const struct conf *conf = d->conf;
	int64_t ms = conf->database.timeout_ms;

	if (db_new(conf->database.conninfo, conf->database.owner, "onsctl",
		(int)(ms < DOCTOR_LIMIT_MS ? ms : DOCTOR_LIMIT_MS), &d->db,
		err) != 0 ||
	    sync_init(&d->sync, conf, d->ws, d->db, &never, err) != 0)
		return -1;
	/* until the tables are known to be there */
	d->sync.openphone.gate = d->sync.notion.gate = NULL;
	hurry(d);
	return 0;
}

static void
look(struct doctor *d, const struct err *unready)
{
	struct err err = ERR_INIT;

	d->check = "configuration";
	if (unready != NULL) {
		doctor_err(d, unready);
		return;
	}
	if (open_all(d, &err) != 0) {
		doctor_err(d, &err);
		return;
	}
	if (conf_require(d->conf, d->ws, CONF_PROCESS, &err) == 0)
		(void)conf_require(d->conf, d->ws, CONF_PORTAL, &err);
	if (err_is_set(&err))
		doctor_err(d, &err);
	else
		doctor_say(d, DOCTOR_OK, NULL, "%s is complete",
		    d->conf->path == NULL ? "the environment" : d->conf->path);
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		d->check = checks[i].name;
		checks[i].look(d);
	}
}

/* ---- results ---- */

static enum doctor_level
worst(const struct doctor *d)
{
	return d->count[DOCTOR_FAILURE] > 0 ? DOCTOR_FAILURE
	    : d->count[DOCTOR_WARNING] > 0  ? DOCTOR_WARNING
					    : DOCTOR_OK;
}

static const char *
text_of(const json_t *finding, const char *name)
{
	return json_string_value(json_object_get(finding, name));
}

static void
print_text(const struct doctor *d)
{
	const json_t *finding;
	size_t i;

	json_array_foreach (d->findings, i, finding) {
		const char *remedy = text_of(finding, "remedy");
		bool ok = strcmp(text_of(finding, "status"), "ok") == 0;

		printf("%-8s %-14s %s\n",
		    ok ? "ok" : text_of(finding, "status"),
		    text_of(finding, "check"), text_of(finding, "text"));
		if (remedy != NULL)
			printf("%24s-> %s\n", "", remedy);
	}
	printf("%d well, %d warnings, %d failures\n", d->count[DOCTOR_OK],
	    d->count[DOCTOR_WARNING], d->count[DOCTOR_FAILURE]);
}

static void
print_json(const struct doctor *d)
{
	struct err err = ERR_INIT;

	if (ctl_print_json(
		json_pack("{s:s, s:O, s:O}", "status", levels[worst(d)],
		    "checks", d->findings, "measured", d->measured),
		&err) != 0)
		(void)ctl_fail(&err);
}

/* https://nagios-plugins.org/doc/guidelines.html: a line, "|", numbers. The
 * failures come first: what is too long is cut off behind. */
static void
print_nagios(const struct doctor *d)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	const json_t *finding, *value;
	const char *name;
	const char *separator = " - ";
	size_t i;

	printf("ONS %s", words[worst(d)]);
	for (int level = DOCTOR_FAILURE; level > DOCTOR_OK; level--)
		json_array_foreach (d->findings, i, finding) {
			if (strcmp(text_of(finding, "status"), levels[level]))
				continue;
			printf("%s%s: ", separator, text_of(finding, "check"));
			for (const char *p = text_of(finding, "text");
			     *p != '\0'; p++)
				putchar(*p == '|' ? '/' : *p);
			separator = "; ";
		}
	if (worst(d) == DOCTOR_OK)
		printf(" - %d checks are well", d->count[DOCTOR_OK]);
	separator = " | ";
	json_object_foreach ((json_t *)(uintptr_t)d->measured, name, value) {
		printf("%s%s=%" JSON_INTEGER_FORMAT, separator, name,
		    json_integer_value(value));
		separator = " ";
	}
	putchar('\n');
}

int
ctl_doctor(struct ctl *ctl, int argc, char **argv)
{
	struct doctor d = { .ctl = ctl,
		.conf = &ctl->conf,
		.ws = ctl->ws,
		.last_delivery_s = -1 };
	int64_t began = clock_ms();
	bool nagios = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'n':
			nagios = d.watched = true;
			break;
		case 'u':
			d.url = optarg;
			break;
		default:
			return ctl_usage(argv[0]);
		}
	if (optind < argc)
		return ctl_usage(argv[0]);
	/* a plugin has one line; an address is of one */
	if (ctl->each && (nagios || d.url != NULL))
		return ctl_which(ctl);
	d.findings = json_array();
	d.measured = json_object();
	look(&d, ctl->unready);
	doctor_measure(&d, "milliseconds", clock_ms() - began);
	if (nagios)
		print_nagios(&d);
	else if (ctl->json)
		print_json(&d);
	else
		print_text(&d);
	sync_free(&d.sync);
	db_free(d.db);
	json_decref(d.findings);
	json_decref(d.measured);
	return (int)worst(&d);
}

#include "model/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <ini.h>

#include "base/buf.h"
#include "base/secret.h"
#include "ext/crypto.h"
#include "model/hours.h"
#include "model/secrets.h"
#include "model/title.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

enum {
	PRINT_MAX = 150, /* of a line that is printed; inih reads 198 */
	/* What is not understood may be a secret in the wrong place: of longer
	 * texts enough is shown to find them by. */
	QUOTE_WHOLE = 12,
	QUOTE_MAX = 8,
	NAME_MAX_SHOWN = 32 /* no key's name is as long */
};

/* Up to CHOICE they are kept as text. */
enum type {
	STRING,
	SECRET,
	PATH,
	TITLE,
	PHONES,
	HOURS,
	CHOICE,
	BOOL,
	NUMBER,
	TIME,
	SIZE,
	SHARE
};

#define AT(member) offsetof(struct conf, member)
#define ALL \
	(CONF_WEBHOOK | CONF_PROCESS | CONF_PORTAL | CONF_CTL | CONF_CTL_NOTION)
#define API (CONF_PROCESS | CONF_CTL | CONF_CTL_NOTION)
#define HOOK (CONF_WEBHOOK | CONF_CTL)
#define STORE (CONF_PROCESS | CONF_PORTAL | CONF_CTL)
#define TELL (CONF_PROCESS | CONF_CTL)

static const struct key {
	const char *section, *name, *env;
	enum type type;
	size_t at;
	const char *initial; /* default, as it would stand in the file */
	const char *choices; /* CHOICE: "a|b" */
	int64_t min, max;    /* numbers; times in ms, sizes in bytes */
	int users;	     /* whose secret: others do not open it */
	int needed;	     /* who cannot run without it; see applies() */
} keys[] = {
	{ "database", "conninfo", "ONS_DATABASE", STRING, AT(database.conninfo),
	    NULL, NULL, 0, 0, ALL, 0 },
	{ "database", "webhook", NULL, STRING, AT(database.webhook), NULL, NULL,
	    0, 0, ALL, 0 },
	{ "database", "process", NULL, STRING, AT(database.process), NULL, NULL,
	    0, 0, ALL, 0 },
	{ "database", "portal", NULL, STRING, AT(database.portal), NULL, NULL,
	    0, 0, ALL, 0 },
	{ "database", "owner", NULL, STRING, AT(database.owner), NULL, NULL, 0,
	    0, ALL, 0 },
	{ "database", "timeout", NULL, TIME, AT(database.timeout_ms), "10s",
	    NULL, 100, 600000, ALL, 0 },

	{ "webhook", "secrets", "WEBHOOK_SECRET", SECRET,
	    AT(workspace.webhook.secrets), NULL, NULL, 0, 0, HOOK, 0 },
	{ "webhook", "legacy_keys", "ONS_LEGACY_KEY", SECRET,
	    AT(workspace.webhook.legacy_keys), NULL, NULL, 0, 0, HOOK, 0 },
	{ "webhook", "allow_unsigned", NULL, BOOL,
	    AT(workspace.webhook.allow_unsigned), "no", NULL, 0, 0, ALL, 0 },
	{ "webhook", "tolerance", NULL, TIME,
	    AT(workspace.webhook.tolerance_ms), "300s", NULL, 1000, 604800000,
	    ALL, 0 },
	{ "webhook", "path_of", NULL, STRING, AT(workspace.webhook.path_of),
	    NULL, NULL, 0, 0, ALL, 0 },
	{ "webhook", "path", "WEBHOOK_PATH", PATH, AT(webhook.path),
	    "/webhooks/openphone", NULL, 0, 0, ALL, 0 },
	{ "webhook", "max_body", NULL, SIZE, AT(webhook.max_body), "16M", NULL,
	    1024, 1073741824, ALL, 0 },
	{ "webhook", "timeout", NULL, TIME, AT(webhook.timeout_ms), "2s", NULL,
	    100, 60000, ALL, 0 },
	{ "webhook", "read_timeout", NULL, TIME, AT(webhook.read_timeout_ms),
	    "30s", NULL, 100, 600000, ALL, 0 },
	{ "webhook", "threads", NULL, NUMBER, AT(webhook.threads), "32", NULL,
	    1, 1024, ALL, 0 },
	{ "webhook", "spool", NULL, PATH, AT(webhook.spool),
	    "/var/lib/openphone-notion-sync/spool", NULL, 0, 0, ALL, 0 },
	{ "webhook", "spool_max", NULL, SIZE, AT(webhook.spool_max), "1G", NULL,
	    65536, 1099511627776, ALL, 0 },

	{ "process", "workers", NULL, NUMBER, AT(workspace.process.workers),
	    "4", NULL, 1, 256, ALL, 0 },
	{ "process", "lease", NULL, TIME, AT(process.lease_ms), "120s", NULL,
	    2000, 3600000, ALL, 0 },
	{ "process", "max_attempts", NULL, NUMBER, AT(process.max_attempts),
	    "20", NULL, 1, 1000, ALL, 0 },

	{ "retention", "bodies", NULL, TIME, AT(retention.bodies_ms), "365d",
	    NULL, 0, 315360000000, ALL, 0 },
	{ "retention", "events", NULL, TIME, AT(retention.events_ms), "0s",
	    NULL, 0, 315360000000, ALL, 0 },
	{ "retention", "counters", NULL, TIME, AT(retention.counters_ms),
	    "400d", NULL, 0, 315360000000, ALL, 0 },
	{ "retention", "finished", NULL, TIME, AT(retention.finished_ms), "90d",
	    NULL, 0, 315360000000, ALL, 0 },
	{ "retention", "attempts", NULL, TIME, AT(retention.attempts_ms), "30d",
	    NULL, 0, 315360000000, ALL, 0 },
	{ "retention", "dead", NULL, TIME, AT(retention.dead_ms), "0s", NULL, 0,
	    315360000000, ALL, 0 },

	{ "openphone", "api_key", "OPENPHONE_API_KEY", SECRET,
	    AT(workspace.openphone.api_key), NULL, NULL, 0, 0,
	    CONF_PROCESS | CONF_CTL, CONF_PROCESS | CONF_CTL_OPENPHONE },
	{ "openphone", "api_base", "OPENPHONE_API_BASE", STRING,
	    AT(workspace.openphone.api_base), "https://api.quo.com", NULL, 0, 0,
	    ALL, 0 },
	{ "openphone", "version", NULL, STRING, AT(workspace.openphone.version),
	    "2026-03-30", NULL, 0, 0, ALL, 0 },
	{ "openphone", "rate", NULL, NUMBER, AT(workspace.openphone.rate), "10",
	    NULL, 1, 100000, ALL, 0 },
	{ "openphone", "timeout", NULL, TIME,
	    AT(workspace.openphone.timeout_ms), "35s", NULL, 100, 600000, ALL,
	    0 },

	{ "notion", "api_key", "NOTION_API_KEY", SECRET,
	    AT(workspace.notion.api_key), NULL, NULL, 0, 0, API,
	    CONF_PROCESS | CONF_CTL_NOTION },
	{ "notion", "api_base", "NOTION_API_BASE", STRING,
	    AT(workspace.notion.api_base), "https://api.notion.com", NULL, 0, 0,
	    ALL, 0 },
	{ "notion", "version", NULL, STRING, AT(workspace.notion.version),
	    "2026-03-11", NULL, 0, 0, ALL, 0 },
	{ "notion", "rate", NULL, NUMBER, AT(workspace.notion.rate), "180",
	    NULL, 1, 1000000, ALL, 0 },
	{ "notion", "timeout", NULL, TIME, AT(workspace.notion.timeout_ms),
	    "70s", NULL, 100, 600000, ALL, 0 },
	{ "notion", "parent_page", "NOTION_PARENT_PAGE", STRING,
	    AT(workspace.notion.parent_page), NULL, NULL, 0, 0, ALL, 0 },
	{ "notion", "calls_database", "NOTION_CALLS_DATABASE_ID", STRING,
	    AT(workspace.notion.calls_database), NULL, NULL, 0, 0, ALL, 0 },
	{ "notion", "messages_database", "NOTION_MESSAGES_DATABASE_ID", STRING,
	    AT(workspace.notion.messages_database), NULL, NULL, 0, 0, ALL, 0 },
	{ "notion", "contacts_database", "NOTION_CONTACTS_DATABASE_ID", STRING,
	    AT(workspace.notion.contacts_database), NULL, NULL, 0, 0, ALL, 0 },
	{ "notion", "schema", NULL, CHOICE, AT(workspace.notion.schema), "ours",
	    "ours|original", 0, 0, ALL, 0 },
	{ "notion", "blocks", NULL, CHOICE, AT(workspace.notion.blocks),
	    "normal", "normal|few", 0, 0, ALL, 0 },
	{ "notion", "trashed", NULL, CHOICE, AT(workspace.notion.trashed),
	    "keep", "keep|recreate", 0, 0, ALL, 0 },
	{ "notion", "call_title", NULL, TITLE, AT(workspace.notion.call_title),
	    NULL, NULL, 0, 0, ALL, 0 },
	{ "notion", "message_title", NULL, TITLE,
	    AT(workspace.notion.message_title), NULL, NULL, 0, 0, ALL, 0 },

	{ "media", "store", NULL, CHOICE, AT(workspace.media.store), "s3",
	    "s3|file", 0, 0, ALL, 0 },
	{ "media", "folder", NULL, PATH, AT(media.folder),
	    "/var/lib/openphone-notion-sync/media", NULL, 0, 0, ALL, 0 },
	{ "media", "link", NULL, CHOICE, AT(workspace.media.link), "portal",
	    "portal|public|notion", 0, 0, ALL, 0 },
	{ "media", "base_url", "ONS_MEDIA_BASE_URL", STRING,
	    AT(workspace.media.base_url), NULL, NULL, 0, 0, ALL, CONF_PROCESS },
	{ "media", "hosts", NULL, STRING, AT(workspace.media.hosts),
	    "storage.googleapis.com m.openph.one files.openphone.co "
	    "openphone.com quo.com",
	    NULL, 0, 0, ALL, 0 },
	{ "media", "allow_http", NULL, BOOL, AT(workspace.media.allow_http),
	    "no", NULL, 0, 0, ALL, 0 },
	{ "media", "allow_private", NULL, BOOL,
	    AT(workspace.media.allow_private), "no", NULL, 0, 0, ALL, 0 },
	{ "media", "max_size", NULL, SIZE, AT(workspace.media.max_size), "500M",
	    NULL, 1024, 5497558138880, ALL, 0 },
	{ "media", "timeout", NULL, TIME, AT(workspace.media.timeout_ms), "10m",
	    NULL, 1000, 86400000, ALL, 0 },
	{ "media", "link_life", NULL, TIME, AT(workspace.media.link_ms), "15m",
	    NULL, 1000, 604800000, ALL, 0 },

	{ "s3", "endpoint", "S3_ENDPOINT", STRING, AT(workspace.s3.endpoint),
	    NULL, NULL, 0, 0, ALL, CONF_PROCESS | CONF_PORTAL },
	{ "s3", "bucket", "S3_BUCKET", STRING, AT(workspace.s3.bucket), NULL,
	    NULL, 0, 0, ALL, CONF_PROCESS | CONF_PORTAL },
	{ "s3", "region", "S3_REGION", STRING, AT(workspace.s3.region), "auto",
	    NULL, 0, 0, ALL, 0 },
	{ "s3", "access_key", "AWS_ACCESS_KEY_ID", STRING,
	    AT(workspace.s3.access_key), NULL, NULL, 0, 0, ALL,
	    CONF_PROCESS | CONF_PORTAL },
	{ "s3", "secret_key", "AWS_SECRET_ACCESS_KEY", SECRET,
	    AT(workspace.s3.secret_key), NULL, NULL, 0, 0, STORE,
	    CONF_PROCESS | CONF_PORTAL },
	{ "s3", "prefix", NULL, STRING, AT(workspace.s3.prefix), NULL, NULL, 0,
	    0, ALL, 0 },

	{ "sync", "time_zone", NULL, STRING, AT(workspace.sync.time_zone),
	    "UTC", NULL, 0, 0, ALL, 0 },
	{ "sync", "settle", NULL, TIME, AT(workspace.sync.settle_ms), "0s",
	    NULL, 0, 3600000, ALL, 0 },
	{ "sync", "deleted", NULL, CHOICE, AT(workspace.sync.deleted), "mark",
	    "mark|trash|keep", 0, 0, ALL, 0 },
	{ "sync", "numbers", NULL, PHONES, AT(workspace.sync.numbers), NULL,
	    NULL, 0, 0, ALL, 0 },
	{ "sync", "ignore", NULL, PHONES, AT(workspace.sync.ignore), NULL, NULL,
	    0, 0, ALL, 0 },

	{ "alert", "webhook", "ALERT_WEBHOOK_URL", SECRET,
	    AT(workspace.alert.webhook), NULL, NULL, 0, 0, TELL, 0 },
	{ "alert", "format", NULL, CHOICE, AT(workspace.alert.format), "auto",
	    "auto|slack|discord|json", 0, 0, ALL, 0 },
	{ "alert", "reminder", NULL, TIME, AT(workspace.alert.reminder_ms),
	    "1d", NULL, 0, 2592000000, ALL, 0 },
	{ "alert", "backlog", NULL, TIME, AT(workspace.alert.backlog_ms), "15m",
	    NULL, 0, 604800000, ALL, 0 },
	{ "alert", "silence", NULL, TIME, AT(workspace.alert.silence_ms), "0s",
	    NULL, 0, 604800000, ALL, 0 },
	{ "alert", "business_hours", NULL, HOURS,
	    AT(workspace.alert.business_hours), "Mon-Fri 09:00-17:00", NULL, 0,
	    0, ALL, 0 },
	{ "alert", "disk", NULL, SHARE, AT(alert.disk), "5%", NULL, 0, 99, ALL,
	    0 },
	{ "alert", "ping", NULL, SECRET, AT(alert.ping), NULL, NULL, 0, 0, TELL,
	    0 },

	{ "log", "level", "LOG_LEVEL", CHOICE, AT(log.level), "warn",
	    "error|warn|info|debug", 0, 0, ALL, 0 },
	{ "log", "file", NULL, STRING, AT(log.file), NULL, NULL, 0, 0, ALL, 0 },
	{ "log", "syslog", NULL, BOOL, AT(log.syslog), "no", NULL, 0, 0, ALL,
	    0 },
};

#define N_KEYS (sizeof(keys) / sizeof(*keys))

/* Where a value goes: those of a workspace into ws, all others into conf. */
struct target {
	struct conf *conf;
	struct workspace *ws;
};

/* The file being read. */
struct reading {
	FILE *file;
	const char *path;
	int line;
	bool indented; /* the line: inih takes it for more of the last value */
	bool too_long;
	int bad_line; /* whose key or value is refused, 0: none yet */
	enum conf_user user;
	struct conf *conf;
	int last; /* key that was read last, -1: none */
	/* The line of each key, 0: not in the file; first those of the plain
	 * sections, then each workspace's. */
	int given_at[1 + CONF_WORKSPACES_MAX][N_KEYS];
	int named_at[CONF_WORKSPACES_MAX]; /* the line of [workspace NAME] */
	struct err *err;
};

/* May a workspace have it for itself? */
static bool
is_workspaces(const struct key *key)
{
	return key->at >= AT(workspace) &&
	    key->at < AT(workspace) + sizeof(struct workspace);
}

static void *
value_at(const struct target *to, const struct key *key)
{
	return is_workspaces(key) ? (char *)to->ws + key->at - AT(workspace)
				  : (char *)to->conf + key->at;
}

static char **
string_at(const struct target *to, const struct key *key)
{
	return value_at(to, key);
}

static int64_t *
number_at(const struct target *to, const struct key *key)
{
	return value_at(to, key);
}

static bool *
bool_at(const struct target *to, const struct key *key)
{
	return value_at(to, key);
}

/* What the plain sections say. */
static struct target
plain(struct conf *conf)
{
	return (struct target){ conf, &conf->workspace };
}

static bool
is_string(const struct key *key)
{
	return key->type <= CHOICE;
}

/* ---- values ---- */

#define BLANKS " \t\r\n"

struct unit {
	const char *name;
	int64_t factor;
};
static const struct unit time_units[] = { { "ms", 1 }, { "s", 1000 },
	{ "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 } };
static const struct unit size_units[] = { { "", 1 }, { "k", 1024 },
	{ "K", 1024 }, { "M", 1048576 }, { "G", 1073741824 }, { NULL, 0 } };
static const struct unit share_units[] = { { "%", 1 }, { NULL, 0 } };
static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };

static const struct unit *
units_of(const struct key *key)
{
	return key->type == TIME ? time_units
	    : key->type == SIZE	 ? size_units
	    : key->type == SHARE ? share_units
				 : no_units;
}

static bool
parse_number(const struct key *key, const char *text, int64_t *ret)
{
	int64_t v;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno != 0)
		return false;
	for (const struct unit *u = units_of(key); u->name != NULL; u++)
		if (strcmp(end, u->name) == 0) {
			if (__builtin_mul_overflow(v, u->factor, ret))
				return false;
			return *ret >= key->min && *ret <= key->max;
		}
	return false;
}

/* A number in the largest unit that divides it. */
static void
number_text(const struct key *key, int64_t v, char *ret, size_t size)
{
	const struct unit *best = units_of(key);

	if (v == 0 && key->type == TIME) {
		snprintf(ret, size, "0s");
		return;
	}
	for (const struct unit *u = best; u->name != NULL; u++)
		if (v % u->factor == 0 && v != 0)
			best = u;
	snprintf(
	    ret, size, "%lld%s", (long long)(v / best->factor), best->name);
}

static bool
is_choice(const char *choices, const char *value)
{
	size_t n = strlen(value);

	for (const char *p = choices; p != NULL;
	     p = strchr(p, '|') == NULL ? NULL : strchr(p, '|') + 1)
		if (strcspn(p, "|") == n && strncmp(p, value, n) == 0)
			return true;
	return false;
}

static void
expected(const struct key *key, char *ret, size_t size)
{
	char min[32], max[32];

	switch (key->type) {
	case BOOL:
		snprintf(ret, size, "yes or no");
		return;
	case CHOICE:
		snprintf(ret, size, "one of %s", key->choices);
		return;
	case PATH:
		snprintf(ret, size, "a path that begins with /");
		return;
	case PHONES:
		snprintf(ret, size,
		    "numbers like +15550100001, separated by blanks");
		return;
	case HOURS:
		snprintf(ret, size, "days and hours like Mon-Fri 09:00-17:00");
		return;
	case NUMBER:
	case TIME:
	case SIZE:
	case SHARE:
		number_text(key, key->min, min, sizeof(min));
		number_text(key, key->max, max, sizeof(max));
		snprintf(ret, size, "%s from %s to %s",
		    key->type == TIME	     ? "a time like 30s, 5m or 2h"
			: key->type == SIZE  ? "a size like 512k or 16M"
			: key->type == SHARE ? "a share like 5%"
					     : "a whole number",
		    min, max);
		return;
	default:
		snprintf(ret, size, "a line of text");
	}
}

static char *
trimmed(const char *text)
{
	size_t n;

	text += strspn(text, BLANKS);
	n = strlen(text);
	while (n > 0 && strchr(BLANKS, text[n - 1]) != NULL)
		n--;
	return strndup(text, n);
}

/* value: the configuration's from here on. */
static void
set_string(const struct target *to, const struct key *key, char *value)
{
	char **at = string_at(to, key);

	if (*at != NULL && key->type == SECRET)
		crypto_wipe(*at, strlen(*at));
	free(*at);
	*at = value;
}

/* A copy of the text; NULL for an empty one: "key =" is as good as no key,
 * unless it takes away a default. */
static int
take_string(const struct target *to, const struct key *key, const char *text)
{
	char *copy = trimmed(text);

	if (copy == NULL)
		return -1;
	if (key->type == SECRET && secret_hold(copy) != 0) {
		secrets_forget(copy);
		return -1;
	}
	if (*copy == '\0' && key->initial == NULL) {
		free(copy);
		copy = NULL;
	}
	set_string(to, key, copy);
	return 0;
}

/* None is right, too. */
static bool
are_phones(const char *text)
{
	for (text += strspn(text, " \t"); *text != '\0';
	     text += strspn(text, " \t")) {
		size_t digits = strspn(text + 1, "0123456789");

		if (*text != '+' || digits < 7 || digits > 15)
			return false;
		text += 1 + digits;
		if (*text != '\0' && *text != ' ' && *text != '\t')
			return false;
	}
	return true;
}

/* But for white space at its ends, which is never meant. */
static bool
is_line(const char *text)
{
	text += strspn(text, BLANKS);
	text += strcspn(text, "\r\n");
	return text[strspn(text, BLANKS)] == '\0';
}

/* Is this text fit for a key that is kept as text? */
static bool
is_fit(const struct key *key, const char *text)
{
	struct hours hours;

	/* secrets are never printed, and may stand in lines of their own */
	if (key->type != SECRET && !is_line(text))
		return false;
	switch (key->type) {
	case PATH:
		return *text == '/';
	case TITLE:
		return title_fault(text) == NULL;
	case PHONES:
		return are_phones(text);
	case HOURS:
		return hours_parse(text, &hours) == 0;
	case CHOICE:
		return is_choice(key->choices, text);
	default:
		return is_string(key);
	}
}

static int
set_value(const struct target *to, const struct key *key, const char *text)
{
	int64_t v;

	if (is_string(key))
		return is_fit(key, text) ? take_string(to, key, text) : -1;
	switch (key->type) {
	case BOOL:
		if (!is_choice("yes|no|true|false|on|off|1|0", text))
			return -1;
		*bool_at(to, key) = is_choice("yes|true|on|1", text);
		return 0;
	default:
		if (!parse_number(key, text, &v))
			return -1;
		*number_at(to, key) = v;
		return 0;
	}
}

/* where: "file:12: [notion] rate" or "NOTION_RATE in the environment". */
static int
take(const struct target *to, const struct key *key, const char *where,
    const char *text, struct err *err)
{
	char want[128];
	const char *fault;
	bool cut;

	if (set_value(to, key, text) == 0)
		return 0;
	if (key->type == TITLE && (fault = title_fault(text)) != NULL) {
		err_set(err, ERR_CONFIG,
		    "%s: \"%.64s\" is none of the placeholders %s (and {{ "
		    "and }} are braces)",
		    where, fault, title_placeholders());
		return -1;
	}
	if (is_fit(key, text)) {
		err_nomem(err);
		return -1;
	}
	expected(key, want, sizeof(want));
	cut = strlen(text) > QUOTE_WHOLE;
	err_set(err, ERR_CONFIG, "%s: \"%.*s%s\" is not %s", where,
	    cut ? QUOTE_MAX : QUOTE_WHOLE, text, cut ? "..." : "", want);
	return -1;
}

/* The file of signing secrets may be one that onsctl webhooks has yet to fill.
 * Its path is kept: it is read again when it has changed. */
static int
take_secrets_file(struct workspace *ws, const char *path, struct err *err)
{
	struct stat st;

	ws->webhook.secrets_file = strdup(path);
	if (ws->webhook.secrets_file == NULL) {
		err_nomem(err);
		return -1;
	}
	return stat(path, &st) != 0 && errno == ENOENT;
}

static void
forget_secrets_file(struct workspace *ws)
{
	free(ws->webhook.secrets_file);
	ws->webhook.secrets_file = NULL;
}

static bool
may_be_empty(const struct key *key)
{
	return key->at == AT(workspace.webhook.secrets);
}

static int
take_secret_file(const struct target *to, const struct key *key,
    const char *where, const char *path, struct err *err)
{
	char *text = NULL;
	int rc;

	if (*path != '/') { /* the secret itself, perhaps */
		err_set(err, ERR_CONFIG,
		    "%s: \"%.*s...\" is not the path of a file, which begins "
		    "with \"/\"",
		    where, QUOTE_MAX, path);
		return -1;
	}
	rc = may_be_empty(key) ? take_secrets_file(to->ws, path, err) : 0;
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if ((rc = secrets_read(path, &text, err)) != 0) {
		err_prefix(err, "%s", where);
	} else if ((rc = take(to, key, where, text, err)) == 0 &&
	    *string_at(to, key) == NULL && !may_be_empty(key)) {
		err_set(err, ERR_CONFIG, "%s: %s is empty", where, path);
		rc = -1;
	}
	secrets_forget(text);
	return rc;
}

/* ---- the file ---- */

/* The workspace whose section this is; NULL: another section, or an unknown
 * workspace. */
static struct workspace *
find_workspace(const struct conf *conf, const char *section)
{
	static const char prefix[] = "workspace ";

	if (strncmp(section, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	section += sizeof(prefix) - 1;
	section += strspn(section, " \t");
	for (size_t i = 0; i < conf->n_named; i++)
		if (strcmp(conf->named[i].name, section) == 0)
			return &conf->named[i];
	return NULL;
}

static bool
is_workspace_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= CONF_NAME_MAX && name[0] != '-' &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == n;
}

static int
add_workspace(struct reading *r, const char *name)
{
	struct conf *conf = r->conf;

	if (!is_workspace_name(name))
		err_set(r->err, ERR_CONFIG,
		    "%s:%d: \"%.64s\" is no name of a workspace: up to %d of "
		    "a-z, 0-9, - and _, for it is a part of an address",
		    r->path, r->line, name, CONF_NAME_MAX);
	else if (conf->n_named == CONF_WORKSPACES_MAX)
		err_set(r->err, ERR_CONFIG, "%s:%d: more than %d workspaces",
		    r->path, r->line, CONF_WORKSPACES_MAX);
	else if ((conf->named == NULL &&
		     (conf->named = calloc(CONF_WORKSPACES_MAX,
			  sizeof(*conf->named))) == NULL) ||
	    (conf->named[conf->n_named].name = strdup(name)) == NULL)
		err_nomem(r->err);
	else
		r->named_at[conf->n_named++] = r->line;
	return err_is_set(r->err) ? -1 : 0;
}

/* inih does not tell of a section that has no keys; a workspace may have none
 * of its own. */
static void
begin_section(struct reading *r, const char *line)
{
	const char *end = strchr(line, ']');
	const struct workspace *there;
	char section[256];
	const char *name;

	r->last = -1;
	if (err_is_set(r->err) || end == NULL)
		return;
	snprintf(
	    section, sizeof(section), "%.*s", (int)(end - line - 1), line + 1);
	if (strncmp(section, "workspace", 9) != 0 || section[9] != ' ')
		return;
	if ((there = find_workspace(r->conf, section)) != NULL) {
		err_set(r->err, ERR_CONFIG,
		    "%s:%d: the workspace %s stands in line %d already",
		    r->path, r->line, there->name,
		    r->named_at[there - r->conf->named]);
		r->bad_line = r->line;
		return;
	}
	name = section + 10;
	if (add_workspace(r, name + strspn(name, " \t")) != 0)
		r->bad_line = r->line;
}

/* fgets() for inih, which cannot tell us lines or over-long ones itself. */
static char *
read_line(char *text, int size, void *stream)
{
	struct reading *r = stream;

	if (r->too_long || fgets(text, size, r->file) == NULL)
		return NULL;
	r->line++;
	r->indented = *text == ' ' || *text == '\t';
	if (*text == '[')
		begin_section(r, text);
	if (strchr(text, '\n') == NULL && !feof(r->file)) {
		r->too_long = true;
		err_set(r->err, ERR_CONFIG,
		    "%s:%d: the line is longer than %d characters: continue "
		    "it on the next line, indented",
		    r->path, r->line, size - 2);
		return NULL;
	}
	return text;
}

/* Index of the key, or -1; *is_file: the <key>_file form of a secret. */
static int
find_key(const char *section, const char *name, bool *is_file)
{
	for (size_t i = 0; i < N_KEYS; i++) {
		size_t n = strlen(keys[i].name);

		if (strcmp(section, keys[i].section) != 0 ||
		    strncmp(name, keys[i].name, n) != 0)
			continue;
		*is_file =
		    keys[i].type == SECRET && strcmp(name + n, "_file") == 0;
		if (name[n] == '\0' || *is_file)
			return (int)i;
	}
	return -1;
}

/* The same of "section.key", as keys are called in a workspace's section. */
static int
find_dotted(const char *dotted, bool *is_file)
{
	char section[32];
	size_t n = strcspn(dotted, ".");
	int i;

	if (dotted[n] == '\0' || n >= sizeof(section))
		return -1;
	memcpy(section, dotted, n);
	section[n] = '\0';
	i = find_key(section, dotted + n + 1, is_file);
	return i < 0 || !is_workspaces(&keys[i]) ? -1 : i;
}

/* As its section calls it. */
static int
find_named(const struct reading *r, const char *section, const char *name,
    bool *is_file)
{
	return find_workspace(r->conf, section) != NULL
	    ? find_dotted(name, is_file)
	    : find_key(section, name, is_file);
}

static void
unknown_key(struct reading *r, const char *section, const char *name)
{
	bool dotted = find_workspace(r->conf, section) != NULL;
	bool cut = strlen(name) > NAME_MAX_SHOWN;
	char shown[NAME_MAX_SHOWN + 1];
	struct buf known;

	snprintf(shown, sizeof(shown), "%.*s%s",
	    cut ? QUOTE_MAX : NAME_MAX_SHOWN, name, cut ? "..." : "");
	buf_init(&known, 4096);
	for (size_t i = 0; i < N_KEYS; i++)
		if (dotted && is_workspaces(&keys[i]))
			(void)buf_addf(&known, "%s%s.%s",
			    known.len == 0 ? "" : ", ", keys[i].section,
			    keys[i].name);
		else if (strcmp(keys[i].section, section) == 0)
			(void)buf_addf(&known, "%s%s",
			    known.len == 0 ? "" : ", ", keys[i].name);
	if (known.len > 0)
		err_set(r->err, ERR_CONFIG,
		    "%s:%d: unknown key \"%s\" in [%s]: expected one of %s",
		    r->path, r->line, shown, section, buf_text(&known));
	else if (*section == '\0')
		err_set(r->err, ERR_CONFIG,
		    "%s:%d: \"%s\" stands before any [section]", r->path,
		    r->line, shown);
	else
		err_set(r->err, ERR_CONFIG,
		    "%s:%d: unknown section [%s]: expected database, "
		    "webhook, process, retention, openphone, notion, media, "
		    "s3, sync, alert, log or workspace NAME (at the margin)",
		    r->path, r->line, section);
	buf_free(&known);
}

/* Somebody indented the keys of a section, rather than going on with one. */
static bool
is_key_line(const struct reading *r, const char *section, const char *text)
{
	char name[64];
	bool is_file;
	size_t n = strcspn(text, " \t=");

	if (n >= sizeof(name) || text[n + strspn(text + n, " \t")] != '=')
		return false;
	memcpy(name, text, n);
	name[n] = '\0';
	return find_named(r, section, name, &is_file) >= 0;
}

/* A continuation line comes as the same key again: put it behind. */
static int
continued(struct reading *r, const struct target *to, const char *section,
    const struct key *key, bool is_file, const char *where, const char *text)
{
	const char *before = is_string(key) ? *string_at(to, key) : NULL;
	char *joined;

	if (is_key_line(r, section, text))
		err_set(r->err, ERR_CONFIG,
		    "%s goes on with \"%.*s\": a line that is indented "
		    "continues the one above; begin keys at the margin",
		    where, (int)strcspn(text, " \t="), text);
	else if (is_file ||
	    (key->type != STRING && key->type != SECRET && key->type != TITLE &&
		key->type != PHONES))
		err_set(r->err, ERR_CONFIG,
		    "%s cannot go on in another line (this one is indented)",
		    where);
	else if (!is_fit(key, text))
		return take(to, key, where, text, r->err);
	else if (!(key->users & (int)r->user))
		return 0;
	else if ((key->type == SECRET && secret_hold(text) != 0) ||
	    asprintf(&joined, "%s%s%s", before == NULL ? "" : before,
		before == NULL ? "" : " ", text) < 0)
		err_nomem(r->err);
	else
		set_string(to, key, joined);
	return err_is_set(r->err) ? -1 : 0;
}

static int
take_line(
    struct reading *r, const char *section, const char *name, const char *value)
{
	struct workspace *ws = find_workspace(r->conf, section);
	struct target to = { r->conf, ws == NULL ? &r->conf->workspace : ws };
	int *given = r->given_at[ws == NULL ? 0 : 1 + (ws - r->conf->named)];
	const struct key *key;
	char where[512];
	bool is_file;
	int i;

	if ((i = find_named(r, section, name, &is_file)) < 0) {
		unknown_key(r, section, name);
		return -1;
	}
	key = &keys[i];
	snprintf(where, sizeof(where), "%s:%d: [%s] %s", r->path, r->line,
	    section, name);
	if (r->indented && r->last == i)
		return continued(r, &to, section, key, is_file, where, value);
	if (given[i] != 0) {
		err_set(r->err, ERR_CONFIG, "%s: already given in line %d",
		    where, given[i]);
		return -1;
	}
	given[i] = r->line;
	r->last = i;
	if (!(key->users & (int)r->user))
		return 0;
	return is_file ? take_secret_file(&to, key, where, value, r->err)
		       : take(&to, key, where, value, r->err);
}

/* inih's convention: 1 is good, 0 is an error. It reads on all the same. */
static int
on_key(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;

	if (err_is_set(r->err))
		return 0;
	if (take_line(r, section, name, value) == 0)
		return 1;
	r->bad_line = r->line;
	return 0;
}

/* line: the first that inih found fault with, or that on_key() did. */
static void
bad_syntax(struct reading *r, int line)
{
	if (r->bad_line != 0 && r->bad_line <= line)
		return;
	err_clear(r->err);
	err_set(r->err, ERR_CONFIG, "%s:%d: neither [section] nor key = value",
	    r->path, line);
}

static int
read_file(struct reading *r)
{
	struct stat st;
	int line;

	if (fstat(fileno(r->file), &st) != 0) {
		err_sys(r->err, ERR_CONFIG, "%s", r->path);
		return -1;
	}
	if (S_ISREG(st.st_mode) && (st.st_mode & S_IRWXO)) {
		err_set(r->err, ERR_CONFIG,
		    "%s: it may hold secrets and is open to everybody (mode "
		    "%03o): chmod o-rwx it",
		    r->path, (unsigned)st.st_mode & 0777U);
		return -1;
	}
	line = ini_parse_stream(read_line, r, on_key, r);
	if (line > 0)
		bad_syntax(r, line);
	else if (line < 0)
		err_nomem(r->err);
	else if (ferror(r->file))
		err_sys(r->err, ERR_CONFIG, "%s: cannot read it", r->path);
	return err_is_set(r->err) ? -1 : 0;
}

/* The first that exists; free it. NULL with *err clear: there is none. */
static char *
find_file(struct err *err)
{
	const char *home = getenv("HOME");
	const char *const places[] = { home == NULL ? "" : home,
		"/.config/openphone-notion-sync.conf", SYSCONFDIR,
		"/openphone-notion-sync.conf" };

	for (size_t i = home == NULL ? 2 : 0; i < 4; i += 2) {
		struct stat st;
		char *path;

		if (asprintf(&path, "%s%s", places[i], places[i + 1]) < 0) {
			err_nomem(err);
			return NULL;
		}
		if (stat(path, &st) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* ---- all together ---- */

static int
set_defaults(struct conf *conf, struct err *err)
{
	struct target to = plain(conf);

	if ((conf->workspace.name = strdup(CONF_DEFAULT)) == NULL) {
		err_nomem(err);
		return -1;
	}
	for (size_t i = 0; i < N_KEYS; i++)
		if (keys[i].initial != NULL &&
		    take(&to, &keys[i], "bug: a default", keys[i].initial,
			err) != 0)
			return -1;
	return 0;
}

static int
read_environment(struct conf *conf, enum conf_user user, struct err *err)
{
	struct target to = plain(conf);

	for (size_t i = 0; i < N_KEYS; i++) {
		const struct key *key = &keys[i];
		const char *value = key->env == NULL ? NULL : getenv(key->env);
		char where[128];

		if (value == NULL || *value == '\0' ||
		    !(key->users & (int)user))
			continue;
		snprintf(
		    where, sizeof(where), "%s in the environment", key->env);
		if (take(&to, key, where, value, err) != 0)
			return -1;
		if (may_be_empty(key)) /* what won is not in the file */
			forget_secrets_file(&conf->workspace);
	}
	return 0;
}

static int
copy_text(char **to, const char *from, struct err *err)
{
	if (from == NULL || (*to = strdup(from)) != NULL)
		return 0;
	err_nomem(err);
	return -1;
}

static int
inherit_value(const struct key *key, const struct target *from,
    const struct target *to, struct err *err)
{
	if (is_string(key))
		return copy_text(
		    string_at(to, key), *string_at(from, key), err);
	if (key->type == BOOL)
		*bool_at(to, key) = *bool_at(from, key);
	else
		*number_at(to, key) = *number_at(from, key);
	return 0;
}

/* What a workspace's section leaves out is as the plain sections, or the
 * environment, have it. */
static int
inherit(
    struct conf *conf, struct workspace *ws, const int given[], struct err *err)
{
	const struct target from = plain(conf), to = { conf, ws };

	for (size_t i = 0; i < N_KEYS; i++) {
		const struct key *key = &keys[i];

		if (!is_workspaces(key) || given[i] != 0)
			continue;
		if (inherit_value(key, &from, &to, err) != 0 ||
		    (may_be_empty(key) &&
			copy_text(&ws->webhook.secrets_file,
			    conf->workspace.webhook.secrets_file, err) != 0))
			return -1;
	}
	return 0;
}

static int
inherit_all(struct reading *r)
{
	struct conf *conf = r->conf;

	for (size_t i = 0; i < conf->n_named; i++)
		if (inherit(
			conf, &conf->named[i], r->given_at[1 + i], r->err) != 0)
			return -1;
	return 0;
}

/* ---- one path for several workspaces ---- */

bool
conf_shares(const struct workspace *host, const struct workspace *guest)
{
	return guest->webhook.path_of != NULL &&
	    strcmp(guest->webhook.path_of, host->name) == 0;
}

static int
bad_share(const struct reading *r, size_t i, const char *why)
{
	bool is_file;
	int line = r->given_at[i][find_key("webhook", "path_of", &is_file)];

	err_set(r->err, ERR_CONFIG, "%s:%d: path_of: %s", r->path, line, why);
	return -1;
}

/* Who names no numbers of its own has all but its guests'. */
static int
yield_numbers(struct workspace *host, const struct workspace *guest)
{
	char *ignore = host->sync.ignore, *more;

	if (host->sync.numbers != NULL ||
	    (ignore != NULL && strstr(ignore, guest->sync.numbers) != NULL))
		return 0;
	if (asprintf(&more, "%s%s%s", ignore == NULL ? "" : ignore,
		ignore == NULL ? "" : " ", guest->sync.numbers) < 0)
		return -1;
	free(ignore);
	host->sync.ignore = more;
	return 0;
}

static int
share_path(struct reading *r, size_t i)
{
	struct workspace *guest = &r->conf->named[i], *host;

	if (guest->webhook.path_of == NULL)
		return 0;
	host = (struct workspace *)(uintptr_t)conf_find(
	    r->conf, guest->webhook.path_of);
	if (host == NULL || host == guest || host->webhook.path_of != NULL)
		return bad_share(r, 1 + i,
		    "the name of another workspace, with a path of its own, is "
		    "expected");
	if (guest->sync.numbers == NULL)
		return bad_share(r, 1 + i,
		    "sync.numbers is needed, too, to tell whose a delivery is");
	if (yield_numbers(host, guest) == 0)
		return 0;
	err_nomem(r->err);
	return -1;
}

static int
share_paths(struct reading *r)
{
	if (r->conf->workspace.webhook.path_of != NULL)
		return bad_share(
		    r, 0, "it belongs into a section [workspace NAME]");
	for (size_t i = 0; i < r->conf->n_named; i++)
		if (share_path(r, i) != 0)
			return -1;
	return 0;
}

int
conf_load(
    const char *path, enum conf_user user, struct conf *ret, struct err *err)
{
	struct conf conf = { 0 };
	struct reading r = {
		.user = user, .conf = &conf, .last = -1, .err = err
	};

	if (path == NULL && (path = getenv("ONS_CONFIG")) != NULL &&
	    *path == '\0')
		path = NULL;
	conf.path = path != NULL ? strdup(path) : find_file(err);
	if (conf.path == NULL && path != NULL)
		err_nomem(err);
	if (err_is_set(err) || set_defaults(&conf, err) != 0)
		goto fail;
	if (conf.path != NULL) {
		r.path = conf.path;
		if ((r.file = fopen(conf.path, "re")) == NULL) {
			err_sys(
			    err, ERR_CONFIG, "%s: cannot read it", conf.path);
			goto fail;
		}
		if (read_file(&r) != 0)
			goto fail;
	}
	if (read_environment(&conf, user, err) != 0 || inherit_all(&r) != 0 ||
	    share_paths(&r) != 0)
		goto fail;
	if (r.file != NULL)
		fclose(r.file);
	*ret = conf;
	return 0;
fail:
	if (r.file != NULL)
		fclose(r.file);
	conf_free(&conf);
	return -1;
}

/* Is the key of any use, as the others are set? */
static bool
applies(const struct workspace *ws, const struct key *key)
{
	if (strcmp(key->section, "s3") == 0)
		return strcmp(ws->media.store, "s3") == 0;
	/* without links, what Notion does not take has none */
	return key->at != AT(workspace.media.base_url) ||
	    strcmp(ws->media.link, "notion") != 0;
}

void
conf_blame(const struct conf *conf, const struct workspace *ws, struct err *err)
{
	if (conf->n_named > 0)
		err_prefix(err, "[workspace %s]", ws->name);
}

static void
missing(const struct conf *conf, const struct workspace *ws,
    const struct key *key, struct err *err)
{
	const char *path = conf->path == NULL ? SYSCONFDIR
	    "/openphone-notion-sync.conf"
					      : conf->path;
	const char *section = key->section, *name = key->name;
	bool secret = key->type == SECRET;

	if (conf->n_named > 0) {
		err_set(err, ERR_CONFIG,
		    "%s is missing: set %s.%s%s in [workspace %s] in %s, or "
		    "[%s] %s for all",
		    name, section, name, secret ? " (or ..._file)" : "",
		    ws->name, path, section, name);
		return;
	}
	err_set(err, ERR_CONFIG,
	    "%s is missing: set it as [%s] %s%s%s%s in %s%s%s", name, section,
	    name, secret ? " or " : "", secret ? name : "",
	    secret ? "_file" : "", path,
	    key->env == NULL ? "" : ", or in the environment as ",
	    key->env == NULL ? "" : key->env);
}

bool
conf_missing(const struct conf *conf, const struct workspace *ws, int users,
    size_t *next, struct err *err)
{
	const struct target of = { (struct conf *)(uintptr_t)conf,
		(struct workspace *)(uintptr_t)ws };

	while (*next < N_KEYS) {
		const struct key *key = &keys[(*next)++];
		char *value = is_string(key) ? *string_at(&of, key) : NULL;

		if (!(key->needed & users) || !applies(ws, key) ||
		    (value != NULL && *value != '\0'))
			continue;
		missing(conf, ws, key, err);
		return true;
	}
	return false;
}

int
conf_require(const struct conf *conf, const struct workspace *ws,
    enum conf_user user, struct err *err)
{
	size_t next = 0;

	return conf_missing(conf, ws, (int)user, &next, err) ? -1 : 0;
}

int
conf_require_all(const struct conf *conf, enum conf_user user, struct err *err)
{
	for (size_t i = 0; i < conf_count(conf); i++)
		if (conf_require(conf, conf_at(conf, i), user, err) != 0)
			return -1;
	return 0;
}

/* Everything that is the workspace's own. */
static void
free_workspace(struct conf *conf, struct workspace *ws)
{
	const struct target of = { conf, ws };

	for (size_t i = 0; i < N_KEYS; i++)
		if (is_string(&keys[i]) && is_workspaces(&keys[i]))
			set_string(&of, &keys[i], NULL);
	forget_secrets_file(ws);
	free(ws->name);
	ws->name = NULL;
}

void
conf_free(struct conf *conf)
{
	const struct target of = plain(conf);

	for (size_t i = 0; i < conf->n_named; i++)
		free_workspace(conf, &conf->named[i]);
	free(conf->named);
	conf->named = NULL;
	conf->n_named = 0;
	free_workspace(conf, &conf->workspace);
	for (size_t i = 0; i < N_KEYS; i++)
		if (is_string(&keys[i]))
			set_string(&of, &keys[i], NULL);
	free(conf->path);
	conf->path = NULL;
	secret_forget();
}

size_t
conf_count(const struct conf *conf)
{
	return conf->n_named == 0 ? 1 : conf->n_named;
}

const struct workspace *
conf_at(const struct conf *conf, size_t i)
{
	return conf->n_named == 0 ? &conf->workspace : &conf->named[i];
}

const struct workspace *
conf_find(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf_count(conf); i++)
		if (strcmp(conf_at(conf, i)->name, name) == 0)
			return conf_at(conf, i);
	return NULL;
}

/* A connection string or URI (libpq's forms) may hold one. */
static bool
holds_password(const char *conninfo)
{
	const char *user = strstr(conninfo, "://");
	size_t n = user == NULL ? 0 : strcspn(user + 3, "@/?");

	return strstr(conninfo, "password") != NULL ||
	    (n > 0 && user[3 + n] == '@' && memchr(user + 3, ':', n) != NULL);
}

static bool
is_secret(const struct key *key, const char *value)
{
	return key->type == SECRET ||
	    (strcmp(key->section, "database") == 0 && holds_password(value));
}

/* Long text goes on in indented lines, as it is read. */
static int
print_text(const char *name, const char *value, struct buf *out)
{
	size_t n;

	if (buf_addf(out, "%s = ", name) != 0)
		return -1;
	while ((n = strlen(value)) > PRINT_MAX) {
		for (n = PRINT_MAX; n > 0 && value[n] != ' '; n--)
			;
		if (n == 0)
			break;
		if (buf_addf(out, "%.*s\n\t", (int)n, value) != 0)
			return -1;
		value += n + 1;
	}
	return buf_addf(out, "%s\n", value);
}

/* name: as its section calls it; unset: what stands before one without a
 * value. */
static int
print_key(const struct target *of, const struct key *key, const char *name,
    const char *unset, struct buf *out)
{
	char text[64];
	const char *value = text;

	if (is_string(key)) {
		value = *string_at(of, key);
		if (value == NULL)
			return buf_addf(out, "%s%s =\n", unset, name);
		if (is_secret(key, value))
			return buf_addf(out, "; %s = (set, not shown)\n", name);
	} else if (key->type == BOOL) {
		value = *bool_at(of, key) ? "yes" : "no";
	} else {
		number_text(key, *number_at(of, key), text, sizeof(text));
	}
	return print_text(name, value, out);
}

static bool
same_value(
    const struct key *key, const struct target *a, const struct target *b)
{
	const char *x, *y;

	if (key->type == BOOL)
		return *bool_at(a, key) == *bool_at(b, key);
	if (!is_string(key))
		return *number_at(a, key) == *number_at(b, key);
	x = *string_at(a, key);
	y = *string_at(b, key);
	return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

/* What a workspace has that the plain sections do not. */
static int
print_workspace(
    const struct target *base, struct workspace *ws, struct buf *out)
{
	const struct target of = { base->conf, ws };
	char name[64];

	if (buf_addf(out, "\n[workspace %s]\n", ws->name) != 0)
		return -1;
	for (size_t i = 0; i < N_KEYS; i++) {
		if (!is_workspaces(&keys[i]) || same_value(&keys[i], base, &of))
			continue;
		snprintf(
		    name, sizeof(name), "%s.%s", keys[i].section, keys[i].name);
		if (print_key(&of, &keys[i], name, "", out) != 0)
			return -1;
	}
	return 0;
}

int
conf_print(const struct conf *conf, struct buf *out)
{
	const struct target of = plain((struct conf *)(uintptr_t)conf);
	const char *section = "";

	for (size_t i = 0; i < N_KEYS; i++) {
		if (strcmp(section, keys[i].section) != 0) {
			section = keys[i].section;
			if (buf_addf(out, "%s[%s]\n", i == 0 ? "" : "\n",
				section) != 0)
				return -1;
		}
		if (print_key(&of, &keys[i], keys[i].name, "; ", out) != 0)
			return -1;
	}
	for (size_t i = 0; i < conf->n_named; i++)
		if (print_workspace(&of, &conf->named[i], out) != 0)
			return -1;
	return 0;
}

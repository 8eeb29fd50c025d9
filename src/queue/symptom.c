#include "queue/symptom.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "base/rfc3339.h"
#include "model/hours.h"
#include "queue/run.h"
#include "queue/spool.h"
#include "sql/queries.h"

enum {
	PATH_SIZE = 4096,
	/* ons-process looks at the spool every second */
	SPOOLED_S = 5 * 60,
	DISKS = 3
};

/* ---- this host ---- */

static int
note(struct db *db, const char *what, json_t *found, struct err *err)
{
	char host[RUN_HOST_SIZE];
	int rc = -1;

	run_host(host);
	if (found == NULL)
		err_nomem(err);
	else
		rc = DB_RUN(db, SQL_alert_host, NULL, err, DB_TEXT(what),
		    DB_TEXT(host), DB_JSON(found));
	json_decref(found);
	return rc;
}

/* [{part, reason, amount}], or [] when it is not so. */
static json_t *
found_if(bool is, const char *reason, int64_t amount)
{
	return is ? json_pack("[{s:s, s:s, s:I}]", "part", "", "reason", reason,
			"amount", (json_int_t)amount)
		  : json_array();
}

static int
look_at_spool(struct db *db, const char *path, struct err *err)
{
	struct spool_count new, bad;
	struct err hidden = ERR_INIT;
	char waiting[PATH_SIZE + 128], aside[PATH_SIZE + 128];
	int64_t seconds;

	if (spool_count(path, &new, &bad, &hidden) != 0) {
		log_info("upkeep: %s", hidden.text);
		return 0;
	}
	seconds = (rfc3339_now() - new.oldest) / 1000000;
	snprintf(waiting, sizeof(waiting),
	    "%lld deliveries wait in %s, the oldest for %lld min",
	    (long long)new.files, path, (long long)seconds / 60);
	snprintf(aside, sizeof(aside),
	    "%lld files in %s/bad could not be taken in", (long long)bad.files,
	    path);
	return note(db, "spooled",
		   found_if(new.files > 0 && seconds > SPOOLED_S, waiting, 0),
		   err) == 0
	    ? note(db, "set_aside", found_if(bad.files > 0, aside, bad.files),
		  err)
	    : -1;
}

/* Is less free than that of what ordinary users may use? */
static bool
is_short(const char *path, int64_t percent, int64_t *free_percent)
{
	struct statvfs disk;
	uint64_t all;

	if (statvfs(path, &disk) != 0)
		return false;
	all = disk.f_blocks - disk.f_bfree + disk.f_bavail;
	*free_percent = all == 0 ? 100 : (int64_t)(disk.f_bavail * 100 / all);
	return *free_percent < percent;
}

static int
add_disk(json_t *found, const char *path, int64_t percent)
{
	char reason[PATH_SIZE + 128];
	int64_t left;

	if (!is_short(path, percent, &left))
		return 0;
	snprintf(reason, sizeof(reason),
	    "of the file system of %s less than %lld%% is free: %lld%%", path,
	    (long long)percent, (long long)left);
	return json_array_append_new(
	    found, json_pack("{s:s, s:s}", "part", path, "reason", reason));
}

static bool
stores_files(const struct conf *conf)
{
	for (size_t i = 0; i < conf_count(conf); i++)
		if (strcmp(conf_at(conf, i)->media.store, "file") == 0)
			return true;
	return false;
}

/* Each file system once, by the first of our folders in it. */
static json_t *
find_disks(const struct conf *conf)
{
	const char *const folders[DISKS] = { conf->webhook.spool,
		stores_files(conf) ? conf->media.folder : NULL,
		conf->log.file };
	dev_t seen[DISKS];
	json_t *found = json_array();
	size_t n = 0;

	for (size_t i = 0; i < DISKS; i++) {
		struct stat st;
		size_t k = 0;

		if (folders[i] == NULL || stat(folders[i], &st) != 0)
			continue;
		while (k < n && seen[k] != st.st_dev)
			k++;
		if (k < n)
			continue;
		seen[n++] = st.st_dev;
		if (add_disk(found, folders[i], conf->alert.disk) != 0) {
			json_decref(found);
			return NULL;
		}
	}
	return found;
}

int
symptom_look_host(struct db *db, const struct conf *conf, struct err *err)
{
	return look_at_spool(db, conf->webhook.spool, err) == 0
	    ? note(db, "disk", find_disks(conf), err)
	    : -1;
}

/* ---- a workspace ---- */

static int
look_for_silence(struct db *db, const struct workspace *ws, struct err *err)
{
	struct hours hours = { 0 };
	char days[32] = "{";
	size_t n = 1;

	(void)hours_parse(ws->alert.business_hours, &hours); /* it was fit */
	for (int i = 0; i < 7; i++)
		if (hours.days[i])
			n += (size_t)snprintf(days + n, sizeof(days) - n,
			    "%s%d", n == 1 ? "" : ",", i + 1);
	snprintf(days + n, sizeof(days) - n, "}");
	return DB_RUN(db, SQL_alert_silence, NULL, err, DB_TEXT(ws->name),
	    DB_INT(ws->alert.silence_ms), DB_TEXT(ws->sync.time_zone),
	    DB_TEXT(days), DB_INT(hours.from), DB_INT(hours.until));
}

int
symptom_look(struct db *db, const struct workspace *ws, struct err *err)
{
	return DB_RUN(db, SQL_alert_dead, NULL, err, DB_TEXT(ws->name)) == 0 &&
		DB_RUN(db, SQL_alert_paused, NULL, err, DB_TEXT(ws->name)) ==
		    0 &&
		DB_RUN(db, SQL_alert_backlog, NULL, err, DB_TEXT(ws->name),
		    DB_INT(ws->alert.backlog_ms)) == 0 &&
		look_for_silence(db, ws, err) == 0
	    ? 0
	    : -1;
}

/* ---- telling ---- */

int
symptom_next(struct db *db, const char *workspace, int64_t reminder_ms,
    struct alert *ret, struct db_result **r, struct err *err)
{
	if (DB_RUN(db, SQL_alert_next, r, err, DB_TEXT(workspace),
		DB_INT(reminder_ms)) != 0)
		return -1;
	if (db_rows(*r) == 0)
		return 0;
	*ret = (struct alert){ .event = db_text(*r, 0, "event"),
		.workspace = workspace,
		.host = db_text(*r, 0, "host"),
		.part = db_text(*r, 0, "part"),
		.what = db_text(*r, 0, "what"),
		.reason = db_text(*r, 0, "reason"),
		.since = db_text(*r, 0, "since") };
	return 1;
}

int
symptom_told(struct db *db, const struct alert *alert, struct err *err)
{
	return DB_RUN(db, SQL_alert_told, NULL, err, DB_TEXT(alert->workspace),
	    DB_TEXT(alert->what), DB_TEXT(alert->host), DB_TEXT(alert->part),
	    DB_TEXT(alert->event));
}

int
symptom_untold(struct db *db, const char *workspace, const struct err *why,
    bool *first, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db, SQL_alert_untold, &r, err, DB_TEXT(workspace),
		DB_TEXT(why->text), DB_INT(why->retry_after_ms)) != 0)
		return -1;
	*first = db_bool(r, 0, "first");
	db_result_free(r);
	return 0;
}

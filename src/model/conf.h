/*
 * conf.h - the configuration: one INI file, overridden by the environment.
 *
 * The keys, their environment names, defaults and ranges are one table in
 * conf.c; openphone-notion-sync.conf(5) describes them, and a test compares
 * the two. A secret may stand in a file of its own: <key>_file.
 *
 * All strings belong to the struct; conf_free() wipes the secrets. A string
 * that was not given, or given empty, and has no default is NULL.
 */
#ifndef MODEL_CONF_H
#define MODEL_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* What belongs to one workspace: its keys, databases, storage. In the plain
 * sections, or in [workspace NAME], where [notion] rate is called notion.rate.
 */
struct workspace {
	char *name; /* "default", unless there are several */

	struct {
		char *secrets, *legacy_keys; /* separated by white space */
		char *path_of; /* the workspace at whose path it takes part */
		char *secrets_file; /* whence the secrets are, or NULL */
		bool allow_unsigned;
		int64_t tolerance_ms;
	} webhook;
	struct {
		int64_t workers;
	} process;
	struct {
		char *api_key, *api_base, *version;
		int64_t rate; /* requests a second */
		int64_t timeout_ms;
	} openphone;
	struct {
		char *api_key, *api_base, *version;
		int64_t rate; /* requests a minute */
		int64_t timeout_ms;
		char *parent_page, *calls_database, *messages_database;
		char *contacts_database;
		char *schema;			  /* ours, original */
		char *blocks;			  /* normal, few */
		char *trashed;			  /* keep, recreate */
		char *call_title, *message_title; /* see title.h */
	} notion;
	struct {
		char *store;	/* s3, file */
		char *link;	/* portal, public, notion */
		char *base_url; /* what readers' links begin with */
		char *hosts;	/* allowed suffixes, separated by blanks */
		bool allow_http, allow_private;
		int64_t max_size; /* bytes */
		int64_t timeout_ms;
		int64_t link_ms; /* life of a presigned URL */
	} media;
	struct {
		char *endpoint, *bucket, *region, *access_key, *secret_key;
		char *prefix;
	} s3;
	struct {
		char *time_zone;
		int64_t settle_ms;
		char *deleted;		/* mark, trash or keep */
		char *numbers, *ignore; /* separated by white space */
	} sync;
	struct {
		char *webhook;
		char *format; /* auto, slack, discord, json */
		int64_t reminder_ms, backlog_ms, silence_ms; /* 0: none */
		char *business_hours;			     /* see hours.h */
	} alert;
};

struct conf {
	char *path; /* the file, NULL: there is none */
	struct {
		char *conninfo, *webhook, *process, *portal, *owner;
		int64_t timeout_ms;
	} database;
	struct {
		char *path;
		int64_t max_body; /* bytes */
		int64_t timeout_ms, read_timeout_ms;
		int64_t threads;
		char *spool;	   /* the folder */
		int64_t spool_max; /* bytes */
	} webhook;
	struct {
		int64_t lease_ms, max_attempts;
	} process;
	struct {
		/* 0: for ever */
		int64_t bodies_ms, events_ms, counters_ms;
		int64_t finished_ms, attempts_ms, dead_ms;
	} retention;
	struct {
		char *folder; /* for [media] store = file; nginx has but one */
	} media;
	struct {
		int64_t disk; /* percent */
		char *ping;
	} alert;
	struct {
		char *level, *file;
		bool syslog; /* instead of stderr or the file */
	} log;
	/* The plain sections: the one workspace, or where there are sections
	 * [workspace NAME], what these leave out. See conf_at(). */
	struct workspace workspace;
	struct workspace *named;
	size_t n_named;
};

enum { CONF_WORKSPACES_MAX = 100, CONF_NAME_MAX = 32 };

/* The workspace of those who have one; it has the webhook's path for itself. */
#define CONF_DEFAULT "default"

/* Who reads the configuration: secrets that a program does not need are not
 * even opened for it, and what it needs must be there. */
enum conf_user {
	CONF_WEBHOOK = 1 << 0,
	CONF_PROCESS = 1 << 1,
	CONF_PORTAL = 1 << 2,
	CONF_CTL = 1 << 3,	    /* reads all, needs nothing */
	CONF_CTL_NOTION = 1 << 4,   /* onsctl init: needs the Notion key */
	CONF_CTL_OPENPHONE = 1 << 5 /* onsctl webhooks: … OpenPhone's */
};

/* What it loads as secrets is hidden from then on; see base/secret.h.
 * path NULL: $ONS_CONFIG, else ~/.config/openphone-notion-sync.conf, else
 * the system's file, else the environment alone. All errors are ERR_CONFIG
 * and name file, line, key and what is expected. */
int conf_load(
    const char *path, enum conf_user user, struct conf *ret, struct err *err);
void conf_free(struct conf *conf);

/* The workspaces: one at least. */
size_t conf_count(const struct conf *conf);
const struct workspace *conf_at(const struct conf *conf, size_t i);
/* NULL: there is none of that name. */
const struct workspace *conf_find(const struct conf *conf, const char *name);
/* Do deliveries to the path of the one go to the other, too, by number? */
bool conf_shares(const struct workspace *host, const struct workspace *guest);

/* Is everything there that this user needs for the workspace, or for all?
 * [s3] is needed only with [media] store = s3, base_url not with [media] link
 * = notion. */
int conf_require(const struct conf *conf, const struct workspace *ws,
    enum conf_user user, struct err *err);
int conf_require_all(
    const struct conf *conf, enum conf_user user, struct err *err);
/* Which key is the next that one of the users needs and that is missing? *next
 * begins with 0; false: no further one. */
bool conf_missing(const struct conf *conf, const struct workspace *ws,
    int users, size_t *next, struct err *err);

/* Put the workspace's name before an error, where there are several. */
void conf_blame(
    const struct conf *conf, const struct workspace *ws, struct err *err);

/* Every key with its effective value, as a file that reads back the same;
 * secrets are masked, connection strings with a password too. */
struct buf;
int conf_print(const struct conf *conf, struct buf *out);

#endif

/*
 * onsctl.h - what the commands of onsctl share.
 *
 * A command returns its exit code (sysexits.h); one that fails returns
 * ctl_fail(). Results go to standard output, all else to standard error. With
 * --json the result is one JSON document; a command that fails has none, unless
 * to find faults is what it is for.
 */
#ifndef CMD_ONSCTL_H
#define CMD_ONSCTL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rfc3339.h"
#include "ext/db.h"
#include "model/conf.h"

struct ctl {
	struct conf conf;
	const struct workspace *ws; /* --workspace; NULL: all, see onsctl.c */
	struct db *db; /* as the owner of the tables; connects when used */
	bool json;     /* --json: for programs rather than people */
	bool each;     /* ws is one of several that are gone through */
	const struct err *unready; /* why there is nothing of the above; only
				    * doctor is run then */
};

/* argv[0] is the command's name; options are the command's to parse with
 * getopt_long(3) (optind is 0, so that they may stand behind arguments). */
typedef int ctl_command(struct ctl *ctl, int argc, char **argv);

ctl_command ctl_alert_test;
ctl_command ctl_backfill;
ctl_command ctl_check_config;
ctl_command ctl_config;
ctl_command ctl_discard;
ctl_command ctl_doctor;
ctl_command ctl_events;
ctl_command ctl_export;
ctl_command ctl_forget;
ctl_command ctl_init;
ctl_command ctl_jobs;
ctl_command ctl_maintain;
ctl_command ctl_migrate;
ctl_command ctl_reconcile;
ctl_command ctl_relink;
ctl_command ctl_replay;
ctl_command ctl_retry;
ctl_command ctl_revoke;
ctl_command ctl_send_test;
ctl_command ctl_show;
ctl_command ctl_status;
ctl_command ctl_webhooks;

/* Days on the command line are the workspace's from now on. */
void ctl_zone(const struct ctl *ctl);

/* The range that --since and --until (may be NULL: now) name, in microseconds;
 * days are those of the zone of TZ. 0, or -1 after saying what is wrong. */
int ctl_range(const char *since, const char *until, int64_t *ret_since,
    int64_t *ret_until);

/* The same as texts for a statement: NULL where neither was given. */
struct ctl_span {
	const char *since, *until;
	char texts[2][RFC3339_SIZE];
};

/* Days are the workspace's; since NULL: from the beginning. As ctl_range(). */
int ctl_span(const struct ctl *ctl, const char *since, const char *until,
    struct ctl_span *ret);

/* Is what an option was given one of the words, which end with NULL? False
 * after saying what is wrong. */
bool ctl_is_one_of(
    const char *option, const char *given, const char *const *words);

/* Show how a backfill goes on, to its end; 0: the newest. The exit code. */
int ctl_follow(struct ctl *ctl, int64_t id);

/* A result for programs on standard output, of which each command has one;
 * takes the reference, NULL: no memory. */
int ctl_print_json(json_t *result, struct err *err);

/* What came of it: a text for people, or with --json the object, whose
 * reference is taken in any case. */
int ctl_result(const struct ctl *ctl, json_t *result, struct err *err,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* "onsctl: text" on standard error; the exit code. */
int ctl_fail(const struct err *err);

/* What names one thing is of one workspace: EX_USAGE, after asking which. */
int ctl_which(const struct ctl *ctl);

/* How a command line about the workspace begins, for people to copy. */
#define CTL_SELF_SIZE (CONF_NAME_MAX + sizeof("onsctl -w "))
const char *ctl_self(const struct ctl *ctl, char ret[CTL_SELF_SIZE]);

/* Where the workspace's deliveries come in: the host of [media] base_url, for
 * readers' links come in through the same front server, and its path. */
int ctl_own_url(const struct ctl *ctl, struct buf *url, struct err *err);

/* A server's words: the first line, cut where it is long. */
void ctl_answer(const char *body, char *ret, size_t size);

/* Of a workspace whose deliveries come in with another's there is nothing to
 * do; the exit code, after saying so. */
int ctl_elsewhere(const struct ctl *ctl);

/* The command's usage line on standard error; EX_USAGE. */
int ctl_usage(const char *command);

#endif

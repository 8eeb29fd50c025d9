/*
 * doctor.h - what the checks of onsctl doctor share.
 *
 * A check looks at one thing and says what it found, once or several times.
 * It changes nothing (but see doctor_troubles and doctor_probe), every wait in
 * it has an end, and what it fails at is a finding. What a check needs that an
 * earlier one did not get is not asked for again: the row is left out, for the
 * cause has been told.
 */
#ifndef CMD_DOCTOR_H
#define CMD_DOCTOR_H

#include "cmd/onsctl.h"
#include "sync/sync.h"

enum { DOCTOR_LIMIT_MS = 10000 }; /* a wait for an answer */

/* In the order of Nagios' exit codes. */
enum doctor_level { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAILURE };

struct doctor {
	const struct ctl *ctl;
	const struct conf *conf;
	const struct workspace *ws;
	const char *url; /* where deliveries come in; NULL: by base_url */
	bool watched;	 /* --nagios: monitoring asks, and tells people */
	struct db *db;	 /* as the owner */
	struct sync sync;
	/* what the checks before have got */
	bool database, tables, openphone, notion;
	/* what is known of the queue, seconds; -1: never */
	int64_t last_delivery_s;
	/* whose clock differs most from ours, and by how many seconds */
	const char *clock; /* NULL: nobody has told */
	int64_t off_s;

	const char *check; /* under way */
	json_t *findings;  /* [{check, status, text, remedy}] */
	json_t *measured;  /* {name: number}, for graphs */
	int count[DOCTOR_FAILURE + 1];
};

/* remedy: what a person should do, in a sentence; NULL: nothing, or the text
 * says it. */
void doctor_say(struct doctor *d, enum doctor_level level, const char *remedy,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* What went wrong, whose texts have the remedy, as a failure; what passes by
 * itself as a warning. */
void doctor_err(struct doctor *d, const struct err *err);

void doctor_measure(struct doctor *d, const char *name, int64_t value);

/* "3 min", for people. */
#define DOCTOR_SPAN_SIZE 32
const char *doctor_span(int64_t seconds, char ret[DOCTOR_SPAN_SIZE]);

typedef void doctor_check(struct doctor *d);

/* doctor_host: this machine */
doctor_check doctor_user;
doctor_check doctor_files;
doctor_check doctor_spool;
doctor_check doctor_clock;

/* doctor_database: the tables, and what they tell */
doctor_check doctor_connect;
doctor_check doctor_schema;
doctor_check doctor_roles;
doctor_check doctor_queue;
doctor_check doctor_cron;
doctor_check doctor_troubles;

/* doctor_probe: the queue's whole way */
doctor_check doctor_probe;
/* doctor_content: what pages may lack though all works */
doctor_check doctor_recordings;
doctor_check doctor_history;

/* doctor_openphone, doctor_notion: live requests */
doctor_check doctor_openphone_key;
doctor_check doctor_webhooks;
doctor_check doctor_notion_key;
doctor_check doctor_databases;

/* doctor_front: what readers and OpenPhone come through, and who is told */
doctor_check doctor_storage;
doctor_check doctor_intake;
doctor_check doctor_link;
doctor_check doctor_alert;

/* The service's clock against ours, by the last answer's Date. */
void doctor_compare_clock(struct doctor *d, const char *service);

#endif

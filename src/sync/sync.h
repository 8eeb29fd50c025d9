/*
 * sync.h - bring one resource from its events to its Notion page.
 *
 * A job does the same whatever made the resource due: fold what came in,
 * fetch what is missing, store media, write the difference to Notion. It can
 * stop anywhere and be done again.
 */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/folder.h"
#include "api/gate.h"
#include "api/notion.h"
#include "api/openphone.h"
#include "api/s3.h"
#include "base/err.h"
#include "ext/db.h"
#include "ext/http.h"
#include "model/conf.h"
#include "queue/job.h"

enum {
	/* A little more than the services' windows (a minute, a second): we
	 * count when a request is sent, they when it arrives, and one may take
	 * longer than the next. Of a window each millisecond more is a bit of
	 * the rate less: here 1 and 4 %. A request that is early all the same
	 * costs a pause, nothing else. */
	SYNC_NOTION_WINDOW_MS = 60500,
	SYNC_OPENPHONE_WINDOW_MS = 1040
};

struct sync;

/* One service's share of the rate limit. */
struct sync_gate {
	struct sync *sync;
	const char *service; /* "notion", "openphone" */
	int64_t limit, window_ms;
	bool used;   /* by the job under way */
	bool trying; /* it finds out whether a trouble is over */
	struct api_gate gate;
};

/* A worker's hands; one job at a time. */
struct sync {
	const struct conf *conf;
	const struct workspace *ws;
	struct db *db;
	struct http *http;
	struct sync_gate notion_gate, openphone_gate;
	struct notion notion;
	struct openphone openphone;
	struct s3 s3;
	struct folder folder;
	bool storage_trying;   /* as in struct sync_gate */
	char *bot_id;	       /* our user at Notion, once asked for */
	int64_t upload_max;    /* bytes Notion takes; 0: not asked for yet */
	const struct job *job; /* being worked on, NULL between jobs */
	bool unattended;   /* without a job: what a person must mend is told of
			    * as with one, not at each start */
	bool told;	   /* that was done, or was not due again */
	int64_t leased_at; /* clock_ms() when its lease was last extended */
	const volatile sig_atomic_t *stopping;
};

/* For one of conf's workspaces, whose time zone becomes the process's. db stays
 * the caller's; *stopping is looked at while waiting. */
int sync_init(struct sync *sync, const struct conf *conf,
    const struct workspace *ws, struct db *db,
    const volatile sig_atomic_t *stopping, struct err *err);
void sync_free(struct sync *sync);

/* Do the job: 0, or -1 with what went wrong (see backoff_ms()). */
int sync_run(struct sync *sync, const struct job *job, struct err *err);

#endif

/*
 * alarm.h - people are told of what is wrong, by [alert] webhook.
 */
#ifndef SYNC_ALARM_H
#define SYNC_ALARM_H

#include <signal.h>
#include <stdbool.h>

#include "base/err.h"
#include "ext/db.h"
#include "ext/http.h"
#include "model/alert.h"
#include "model/conf.h"

/* Does the configuration name anybody who is to be told, or pinged? */
bool alarm_wanted(const struct conf *conf);

/* Where a workspace's messages go, without what is secret in it: *url; and as
 * what: "slack", "discord" or "json". ERR_CONFIG: it is no address. */
int alarm_address(const struct workspace *ws, struct http_url *url,
    const char **format, struct err *err);

/* Send one message to the workspace's webhook. 0: it was taken; *resp is what
 * the other side answered, and to be cleared in any case. */
int alarm_send(struct http *http, const struct workspace *ws,
    const struct alert *alert, struct http_response *resp, struct err *err);

/* Look at this host, and, if no other process has within the last minute, at
 * all workspaces, tell people of what is news, and ping. */
int alarm_round(struct db *db, const struct conf *conf,
    const volatile sig_atomic_t *stop, struct err *err);

#endif

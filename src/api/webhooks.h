/*
 * webhooks.h - OpenPhone's subscriptions: where it delivers events to.
 *
 * The dated API has one kind of webhook, whose id is a number; v1 has four,
 * with ids "WH…", each for its own events and with a key of its own. Neither
 * shows the other's.
 *
 * Failures are those of openphone.h; what does not exist is ERR_PERMANENT.
 */
#ifndef API_WEBHOOKS_H
#define API_WEBHOOKS_H

#include "api/openphone.h"

#define WEBHOOKS_MAX 50 /* of the dated API, a workspace */

/* The kinds of v1, NULL at the end. */
extern const char *const webhooks_v1_kinds[];

/* v1's, by its id? */
bool webhooks_is_v1(const char *id);

/* All of a surface, an array: the caller's. Those of v1 have their `key`. */
int webhooks_list(
    const struct openphone *op, bool v1, json_t **ret, struct err *err);

/* Is it a webhook of v1 of this kind, by its events? */
bool webhooks_is_kind(const json_t *webhook, const char *v1_kind);

/* A new one for all events of all numbers, *ret with its `key`: of the dated
 * API, disabled, or of v1 (where it cannot be enabled later). */
int webhooks_create(const struct openphone *op, const char *v1_kind,
    const char *url, json_t **ret, struct err *err);

/* Enable it, for all events of all numbers; not for v1. */
int webhooks_enable(
    const struct openphone *op, const char *id, struct err *err);

/* Change its key: *ret is the new one, the caller's to wipe and free(); not
 * for v1. */
int webhooks_rotate(
    const struct openphone *op, const char *id, char **ret, struct err *err);

/* Have a sample of an event delivered: *ret is the delivery's id, free() it;
 * not for v1. */
int webhooks_test(const struct openphone *op, const char *id, const char *event,
    char **ret, struct err *err);

/* The events that the webhook is not subscribed to though pages are made of
 * them (calls, messages, contacts): a new array of names; not for v1. */
json_t *webhooks_missing(const json_t *webhook);

/* A page of the service's log of what a webhook delivered, or is to, from the
 * youngest on: made after since, and before until (microseconds). *data is an
 * array, the caller's, of entries without body and `attempts`; *next, to be
 * freed, is after of the next page ("" for the first); NULL: it was the last.
 * Not for v1. */
int webhooks_deliveries(const struct openphone *op, const char *id,
    int64_t since, int64_t until, const char *after, json_t **data, char **next,
    struct err *err);

/* What the service's log has about a delivery, with its `attempts`. */
int webhooks_delivery(const struct openphone *op, const char *id,
    const char *delivery, json_t **ret, struct err *err);

/* false in *found: there was none. */
int webhooks_delete(
    const struct openphone *op, const char *id, bool *found, struct err *err);

#endif

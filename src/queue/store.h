/*
 * store.h - put deliveries into the database: once, and durably.
 */
#ifndef QUEUE_STORE_H
#define QUEUE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ext/db.h"
#include "model/event.h"

/* One delivery, all strings borrowed; NULL where the payload had nothing. */
struct delivery {
	const char *workspace;
	const char *key; /* see event_delivery_key() */
	const char *event_id, *type, *kind, *resource_id;
	int generation;
	int64_t occurred_at; /* usec, 0: not known */
	const char *note;
	const char *headers; /* a JSON object, as text */
	const void *body;
	size_t body_len;
	bool due; /* its resource is to be worked on */
};

/* Fill in what its event says, from id to note, and whether its resource is
 * due; note: what was amiss with the payload, or NULL. */
void delivery_describe(
    struct delivery *d, const struct event *event, const char *note);

/* A copy with all it borrows in one piece of memory: free() it. NULL: none. */
struct delivery *delivery_copy(const struct delivery *delivery);

enum { STORE_BATCH_MAX = 256 };

/* Store n (0 to STORE_BATCH_MAX) deliveries in one transaction and make
 * their resources due: all of them, or none on failure. What was stored
 * before is passed over. n = 0 proves that storing would work now. */
int store_deliveries(struct db *db, const struct delivery *deliveries, size_t n,
    struct err *err);

/* Wake idle workers. Apart from the storing, see sql/queries/notify.sql. */
int store_notify(struct db *db, struct err *err);

#endif

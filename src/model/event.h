/*
 * event.h - what a delivery is about: https://quo.com/docs, webhook events.
 *
 * Three generations of envelopes are in use:
 *   1  data.object, apiVersion v2 or v3    made in the app
 *   2  data.object, apiVersion v4          made by POST /v1/webhooks
 *   3  data.resource and data.context      dated, apiVersion 2026-03-30
 */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"

#define EVENT_ID_MAX 255

/* The strings belong to the envelope or are static. */
struct event {
	int generation;		 /* 1 to 3, 0: none of these */
	const char *id;		 /* NULL: none. Unique with type and resource */
	const char *type;	 /* the dotted name, never NULL; as received
				  * when we don't know it, "" when there is
				  * none */
	const char *kind;	 /* "call", "message", "contact", "task",
				  * "integration", "other"; never NULL */
	const char *resource_id; /* the call, message …; safe in paths and
				  * URLs; NULL: none */
	int64_t occurred_at;	 /* microseconds, 0: not said */
	const char *note;	 /* what could not be understood, or NULL */
};

/* 1 to EVENT_ID_MAX characters that are safe in URLs and file names. */
bool event_usable_id(const json_t *id);

/* Of an event's type: "call", "message" …, "other"; static. */
const char *event_kind(const char *type);

/* Is it about a call, message or contact that it names? */
bool event_makes_due(const struct event *event);

/* This never fails: what isn't understood stays NULL, with a note. */
void event_identify(const json_t *envelope, struct event *ret);

/*
 * Append the text that is the same for all copies of a delivery: the header
 * webhook-id, where there is one of plain ASCII; else event id, type and
 * resource (the vendor's own samples share one event id among several types);
 * else the body's hash. 0, or -1: out of memory.
 */
int event_delivery_key(const struct event *event, const char *webhook_id,
    const void *body, size_t n, struct buf *out);

#endif

/*
 * openphone.h - reading from the OpenPhone (Quo) API.
 *
 * Two surfaces are live (https://www.quo.com/docs): the dated API, which
 * wants a version header, and v1. The base URL chooses: one that ends in "/v1"
 * is v1's. What only v1 has (summaries and voicemails by themselves, contacts
 * with their numbers) is asked for there, with either base.
 *
 * All functions return 0 with *ret the answer's `data`, in the shape of the
 * surface that was asked, the caller's (json_decref()); NULL when it is not
 * there: 404, and what the plan or the surface does not have. Else -1:
 *   ERR_WAIT       not sent by the gate's word, or 429: retry_after_ms
 *   ERR_OPERATOR   401, 402, 403; not OpenPhone's API
 *   ERR_PERMANENT  400 and the like
 *   ERR_RETRY      5xx, no connection, no JSON
 */
#ifndef API_OPENPHONE_H
#define API_OPENPHONE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "api/gate.h"
#include "base/err.h"
#include "ext/http.h"

/* One workspace's key; all borrowed. */
struct openphone {
	struct http *http;
	const char *base;	     /* "https://api.quo.com", or with "/v1" */
	const char *key;	     /* sent as it is, without "Bearer" */
	const char *version;	     /* "2026-03-30"; not for v1 */
	int64_t timeout_ms;	     /* their gateway gives up after 30 s */
	const struct api_gate *gate; /* NULL: none */
};

/* The base is v1's. */
bool openphone_is_v1(const struct openphone *op);

/* One GET of path, below the version: *ret is the whole answer, NULL when it
 * is not there. what names it in messages; plan: 403 means that the plan does
 * not have it. */
int openphone_ask(const struct openphone *op, const char *what, bool v1,
    bool plan, const char *path, json_t **ret, struct err *err);

/* The cheapest request that proves the key: dated the organization, v1 the
 * list of numbers. */
int openphone_check(const struct openphone *op, json_t **ret, struct err *err);

/* A Call; dated: with its `summary` and `voicemail`. NULL also for a group
 * call, which v1 does not show. */
int openphone_call(
    const struct openphone *op, const char *id, json_t **ret, struct err *err);

/* An array of Recordings, all of them, oldest first; maybe empty. */
int openphone_recordings(const struct openphone *op, const char *call,
    json_t **ret, struct err *err);

/* An array of Transcripts. v1 has one a call, timed from the call's start;
 * dated one a recording, with recordingId, timed from that one's start. */
int openphone_transcripts(const struct openphone *op, const char *call,
    json_t **ret, struct err *err);

/* v1's objects, with either base. */
int openphone_summary(const struct openphone *op, const char *call,
    json_t **ret, struct err *err);
int openphone_voicemail(const struct openphone *op, const char *call,
    json_t **ret, struct err *err);

int openphone_message(
    const struct openphone *op, const char *id, json_t **ret, struct err *err);

/* NULL without asking for anything but a person ("US…"): looking up the
 * service's own actors ("SYU…") is an error there. */
int openphone_user(
    const struct openphone *op, const char *id, json_t **ret, struct err *err);

/* A phone number by its id ("PN…"); v1 calls it `number`, dated
 * `phoneNumber`. */
int openphone_number(
    const struct openphone *op, const char *id, json_t **ret, struct err *err);

/* v1's object, with `defaultFields`, with either base. */
int openphone_contact(
    const struct openphone *op, const char *id, json_t **ret, struct err *err);

/* Has it this call, message or contact no longer? *ret is true only where it
 * says so (404): what this key is not shown, as v1 shows no group call, may be
 * there. A contact must be on neither surface. */
int openphone_is_gone(const struct openphone *op, const char *kind,
    const char *id, bool *ret, struct err *err);

/* Any other request, what names it in errors; v1: on that surface, with either
 * base. body may be NULL. 0 with *ret the whole answer (json_null() where it
 * is empty, as after DELETE), NULL when it is not there (404). A POST that may
 * have been executed fails with ERR_UNKNOWN. */
int openphone_send(const struct openphone *op, const char *what, bool v1,
    const char *method, const char *path, const json_t *body, json_t **ret,
    struct err *err);

#endif

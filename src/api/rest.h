/*
 * rest.h - one JSON request to a REST service, through its gate.
 *
 * What a status means differs from service to service; how a request is sent
 * and an answer is read does not.
 */
#ifndef API_REST_H
#define API_REST_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "api/gate.h"
#include "base/err.h"
#include "ext/http.h"

/* The server, and how to talk to it; all borrowed. */
struct rest {
	struct http *http;
	const char *base; /* "https://api.example.com", "/" at the end or not */
	const struct api_gate *gate; /* NULL: no limits */
	int64_t timeout_ms;
	const char *const *headers; /* NULL at the end */
};

struct rest_answer {
	int status;
	json_t *json;		/* an object; NULL: the body was none */
	int64_t retry_after_ms; /* -1: not named */
};

/*
 * Send body (NULL: none; at most max_body bytes of JSON, else ERR_PERMANENT)
 * to base + path. once: as in struct http_request. 0 with *ret, whatever the
 * status; the caller drops ret->json.
 */
int rest_send(const struct rest *rest, const char *method, const char *path,
    const json_t *body, size_t max_body, bool once, struct rest_answer *ret,
    struct err *err);

/* POST a part of a file as the last field of a form, called "file". As slow as
 * it may be, it goes on; only a stalled one fails. rest->timeout_ms does not
 * count, and rest->headers must not name a content type. */
struct rest_file {
	FILE *file;
	int64_t offset, size;
	const char *filename, *type;
	const char *const *fields; /* name, value, …, NULL; or NULL */
};
int rest_send_file(const struct rest *rest, const char *path,
    const struct rest_file *file, struct rest_answer *ret, struct err *err);

/* What an answer means that is none of the expected ones. A service has a
 * table of them; the first that fits counts, and the last fits all. */
struct rest_verdict {
	int from, to;	  /* statuses */
	const char *code; /* the service's; NULL: any */
	bool not_json;	  /* only answers that are no JSON object */
	enum err_kind kind;
	const char *remedy; /* what a person should do; NULL: nobody need */
};
const struct rest_verdict *rest_judge(const struct rest_verdict *verdicts,
    const struct rest_answer *answer, const char *code);

/* Tell the gate that nobody may call for a while: the time that the service
 * named, a day at most, or else default_ms. Returns it. */
int64_t rest_pause(const struct rest *rest, const struct rest_answer *answer,
    int64_t default_ms, const char *reason);

/* Tell the gate how a request went. */
void rest_done(const struct rest *rest, struct err *err);

/* The string at object.key, "" when there is none. */
const char *rest_text(const json_t *object, const char *key);

#endif

/*
 * answer.h - the answer to an HTTP request, in the CGI form (RFC 3875, 6).
 */
#ifndef WEB_ANSWER_H
#define WEB_ANSWER_H

#include "ext/fcgi.h"

/* status: "200 OK". body: a JSON text; left out for HEAD. header: further
 * header lines, each ended by CR LF, or "". */
void answer_json(struct fcgi_request *req, const char *status,
    const char *header, const char *body);

/* {"error": code, "message": ...}. The message is cut to 512 bytes. */
void answer_error(struct fcgi_request *req, const char *status,
    const char *header, const char *code, const char *message);

/* The path that was asked for, without the query; free() it. */
char *answer_path(const struct fcgi_request *req);

#endif

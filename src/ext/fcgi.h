/*
 * fcgi.h - be a FastCGI responder or a CGI program: one binary, either way.
 *
 * As FastCGI: a supervising parent keeps one child alive, whose threads each
 * answer a request at a time (libfcgi is thread-safe with a FCGX_Request a
 * thread). The web server may keep connections: one that is idle holds no
 * thread, so there may be more of them than threads. SIGTERM and SIGINT end it:
 * requests under way are answered first. At SIGHUP the log is opened again.
 */
#ifndef EXT_FCGI_H
#define EXT_FCGI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fcgi_request;

/* A CGI variable (RFC 3875), NULL when it is not set; the request's. */
const char *fcgi_param(const struct fcgi_request *req, const char *name);

/* Up to n bytes of the body: bytes read, 0 at its end, -1 when the peer
 * stopped sending for longer than the read time-out. */
int fcgi_read(struct fcgi_request *req, void *data, size_t n);

/* Part of the answer; a peer that is gone is no error of ours. */
void fcgi_write(struct fcgi_request *req, const void *data, size_t n);

struct fcgi_service {
	const char *socket; /* path to listen on, NULL: fd 0, or CGI */
	int threads;
	int64_t read_timeout_ms;
	/* In the process that answers, before its first request and after
	 * its last; ctx is handed to all three. */
	int (*begin)(void *ctx, struct err *err);
	void (*answer)(struct fcgi_request *req, void *ctx);
	void (*end)(void *ctx);
	void *ctx;
};

/* Serve until a signal says stop (0), or -1: could not begin. */
int fcgi_run(const struct fcgi_service *service, struct err *err);

#endif

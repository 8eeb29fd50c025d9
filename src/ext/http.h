/*
 * http.h - HTTP requests, over libcurl.
 *
 * A thin and strict layer: HTTP/1.1 over http or https, TLS 1.2 or newer and
 * always verified, no redirects followed, everything bounded. A request that
 * must not happen twice is never sent twice, not even by libcurl itself when
 * a kept connection turns out to be dead.
 *
 * Error texts name the server, never a path, a query or a header: those may
 * hold secrets.
 */
#ifndef EXT_HTTP_H
#define EXT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "ext/crypto.h"

struct http; /* one connection pool, for one thread */

/* The keys of an AWS Signature Version 4 for the service "s3". */
struct http_sigv4 {
	const char *region;
	const char *access_key;
	const char *secret_key;
};

/* A body of type multipart/form-data (RFC 7578): text fields, then the file. */
struct http_form {
	const char *const *fields; /* name, value, …, NULL; or NULL */
	const char *name;	   /* of the file's field … */
	const char *filename, *type;
};

/* What to send. Everything stays the caller's. */
struct http_request {
	const char *method;
	const char *url;	    /* absolute, percent-encoded */
	const char *const *headers; /* "Name: value" …, NULL; or NULL */

	const void *body; /* NULL: none */
	size_t body_len;
	FILE *upload; /* instead of body: upload_size bytes from an offset */
	int64_t upload_offset, upload_size;
	const struct http_form *form; /* NULL: the upload is the body itself */
	/* instead of all these: a body of so many bytes is only announced
	 * (RFC 9110 §10.1.1), and never sent; 0: none */
	int64_t announced;

	const struct http_sigv4 *sigv4; /* NULL: not signed */
	bool once;	  /* not idempotent: must not be sent twice */
	bool public_only; /* refuse private addresses; no proxy then */

	int64_t timeout_ms;   /* for all of it; 0: only the speed counts */
	long low_speed_limit; /* bytes/s; slower than this … */
	long low_speed_time;  /* … for so many seconds is a failure */

	FILE *sink;	     /* takes the body of a 200 (else: body below) */
	int64_t sink_max;    /* bytes it may get at most */
	size_t max_response; /* bytes of any other body; 0: 16 MiB */
};

/* What came back. http_response_clear() frees it, filled or not. */
struct http_response {
	bool sent;  /* a part of the request may have reached the server */
	int status; /* 0: there was no answer; 100: send what was announced;
		     * with 0 nothing was said about that for five seconds */
	char content_type[128]; /* "": not named */
	int64_t length;		/* Content-Length; -1: not named */
	int64_t retry_after_ms; /* Retry-After; -1: not named, or garbage */
	char *location;		/* absolute target of a redirect, or NULL */
	struct buf body;
	int64_t bytes;		      /* that went to the sink … */
	char sha256[SHA256_HEX_SIZE]; /* … and their digest */
};

/* user_agent is copied. NULL with *err set on failure. */
struct http *http_new(const char *user_agent, struct err *err);
void http_free(struct http *http);

/* stop() is asked about once a second during each request; true ends the
 * transfer of a file with ERR_RETRY. Other requests get a second more,
 * since it matters what became of them; one that must not happen twice is not
 * sent any more (stop() is asked as for a file right before). */
void http_set_stop(
    struct http *http, bool (*stop)(void *ctx, bool file), void *ctx);

/*
 * 0 when a whole answer arrived, whatever its status. -1 with *err:
 * ERR_UNKNOWN when req->once and the request may have been executed,
 * ERR_PERMANENT when it can never work (bad URL, too large, address refused),
 * else ERR_RETRY. *resp is overwritten, and needs clearing in both cases.
 */
int http_perform(struct http *http, const struct http_request *req,
    struct http_response *resp, struct err *err);
void http_response_clear(struct http_response *resp);

/* A header of the last answer, "" when it had none; valid until the next
 * http_perform(). */
const char *http_header(struct http *http, const char *name);

struct http_url {
	bool https;
	bool userinfo;	/* holds a user name or a password */
	char host[256]; /* lower case, without port */
};

/* 0 and *ret, or -1: no absolute http or https URL, or with errno ENOMEM out
 * of memory. Read by the same code that later connects. */
int http_url_parse(const char *url, struct http_url *ret);

/* An address of the public Internet: not private, loopback, link-local,
 * shared, reserved or multicast (IANA special-purpose registries), nor an
 * IPv6 form that wraps such an IPv4 address. */
bool http_address_public(const struct sockaddr *addr);

/* Milliseconds named by a Retry-After value (RFC 9110 §10.2.3: seconds or a
 * date), at most a year; -1: neither of the two. now in seconds: the server's
 * time. */
int64_t http_retry_after(const char *value, int64_t now);

/* Seconds since 1970 of a Date header; -1: it is none. */
int64_t http_date(const char *value);

#endif

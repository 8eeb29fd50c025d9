/*
 * gate.h - what stands between us and a service's rate limit.
 *
 * The limits are shared by all processes, so whoever keeps them (in the
 * database) hands these hooks to the API modules. Each may be NULL.
 */
#ifndef API_GATE_H
#define API_GATE_H

#include <stdint.h>

#include "base/err.h"

struct api_gate {
	/* Before each request: 0 to go on; -1 with *err (usually ERR_WAIT with
	 * retry_after_ms): the request is not sent. */
	int (*before)(void *ctx, struct err *err);

	/* The service said 429, 503 or 529 (status): nobody may call it for ms
	 * milliseconds. reason is the service's, for people. */
	void (*pause)(
	    void *ctx, int64_t ms, int status, const char *reason);

	/* How it went; nothing is set in *err: well. err->status 0: it was not
	 * answered. Of ERR_OPERATOR the hook may set retry_after_ms. */
	void (*after)(void *ctx, struct err *err);

	void *ctx;
};

#endif

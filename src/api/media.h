/*
 * media.h - fetching recordings, voicemails and pictures.
 *
 * The URLs come out of payloads. They are fetched without any key, from named
 * hosts only, and from public addresses only; all of that again at each
 * redirect.
 */
#ifndef API_MEDIA_H
#define API_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "ext/http.h"

/* What may be fetched; all borrowed. */
struct media_policy {
	const char *const *hosts; /* "googleapis.com" stands for itself and
				   * for what ends in ".googleapis.com";
				   * NULL at the end */
	bool allow_http;
	bool allow_private;
	int64_t max_size;     /* bytes */
	int64_t timeout_ms;   /* for one file; 0: only the speed counts */
	long low_speed_limit; /* bytes/s; slower than this … */
	long low_speed_time;  /* … for so many seconds fails */
	const char *folder;   /* for temporary files; NULL: /tmp */
};

/* A canonical MIME type and the extension that goes with it: static. */
struct media_type {
	const char *mime;
	const char *ext; /* without the dot */
};

/* A fetched file; media_clear() closes it. */
struct media {
	FILE *file; /* without a name, at its start */
	int64_t size;
	char sha256[SHA256_HEX_SIZE];
	const struct media_type *type;
};

/*
 * Fetch url; type is the MIME type that the payload named, or NULL. 0 with
 * *ret, or -1 with *err: ERR_PERMANENT for a host, scheme or address that is
 * not allowed, for what is too large, and for 401, 403, 404 and 410
 * (err->status; a fresh URL may help); else ERR_RETRY.
 */
int media_fetch(struct http *http, const struct media_policy *policy,
    const char *url, const char *type, struct media *ret, struct err *err);
void media_clear(struct media *media);

/* A file without a name in a folder (NULL: /tmp), for writing and reading. */
FILE *media_temporary(const char *folder, struct err *err);

bool media_host_allowed(const char *const *hosts, const char *host);

/* What it is, going by the Content-Type header, else the payload's word, else
 * the first bytes. Never NULL: "application/octet-stream" is the last resort.
 * header and type may be NULL. */
const struct media_type *media_type(
    const char *header, const char *type, const void *bytes, size_t n);

#endif

/*
 * presign.h - S3 URLs that are good for a while without a key (AWS Signature
 * Version 4 in the query string):
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
#ifndef MODEL_PRESIGN_H
#define MODEL_PRESIGN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct presign {
	const char *endpoint; /* "https://HOST[:PORT][/FOLDER]" */
	const char *bucket;   /* "": the host already names it */
	const char *region;   /* "auto" for R2 */
	const char *access_key;
	const char *secret_key;
};

/*
 * Append the URL that lets anybody GET this key until expires seconds (1 to
 * 604800, a week) after now (seconds since 1970). content_type: what the
 * server shall call it; NULL: what was stored. -1 with ERR_CONFIG (endpoint
 * or expires), or ERR_RETRY (no memory).
 */
int presign_get(const struct presign *p, const char *key, int64_t now,
    int64_t expires, const char *content_type, struct buf *out,
    struct err *err);

#endif

/*
 * s3.h - objects in an S3 bucket (AWS, Cloudflare R2, Swift, Ceph …), signed
 * with AWS Signature Version 4 and addressed as endpoint/bucket/key.
 *
 * All functions return 0, or -1 with *err:
 *   ERR_OPERATOR   wrong key, region, bucket or endpoint
 *   ERR_RETRY      5xx, 429, no connection, damaged on the way
 *   ERR_PERMANENT  anything else that was refused
 */
#ifndef API_S3_H
#define API_S3_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "ext/http.h"

/* A bucket; all borrowed. */
struct s3 {
	struct http *http;
	const char *endpoint; /* "https://ACCOUNT.r2.cloudflarestorage.com" */
	const char *bucket;
	struct http_sigv4 keys;
	int64_t timeout_ms;   /* for requests without a file */
	long low_speed_limit; /* bytes/s; an upload slower than this … */
	long low_speed_time;  /* … for so many seconds fails */
};

struct s3_object {
	bool exists;
	int64_t size;
	char sha256[SHA256_HEX_SIZE]; /* "": not put there by s3_put() */
};

/* Store the first size bytes of file, whose SHA-256 is sha256 (the server
 * checks it), in place of what the key held before. */
int s3_put(const struct s3 *s3, const char *key, FILE *file, int64_t size,
    const char *sha256, const char *content_type, struct err *err);

/* What s3_put() stored under the key, appended to file; ERR_RETRY when it is
 * not what sha256 says. */
int s3_get(const struct s3 *s3, const char *key, FILE *file, int64_t size,
    const char *sha256, struct err *err);

int s3_head(const struct s3 *s3, const char *key, struct s3_object *ret,
    struct err *err);

/* What is not there counts as deleted. */
int s3_delete(const struct s3 *s3, const char *key, struct err *err);

#endif

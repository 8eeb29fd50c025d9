/*
 * signature.h - is a delivery from whom it says it is?
 *
 * Two schemes, told apart by the headers that are there, both HMAC-SHA256
 * over the raw bytes of the body:
 *
 *   webhook-id, webhook-timestamp, webhook-signature: Standard Webhooks,
 *     https://www.standardwebhooks.com; "v1,<base64> …" over id.timestamp.body
 *   openphone-signature: "hmac;1;<timestamp>;<base64>,…" over timestamp.body,
 *     https://quo.com/docs, legacy signature validation
 */
#ifndef MODEL_SIGNATURE_H
#define MODEL_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SIGNATURE_KEYS_MAX 16 /* a scheme */
#define SIGNATURE_KEY_MIN 16  /* bytes */
#define SIGNATURE_KEY_MAX 128

/* Which scheme a key is for. */
enum signature_scheme { SIGNATURE_STANDARD, SIGNATURE_LEGACY };

/* NULL: out of memory. Freeing wipes the keys; it takes NULL. */
struct signature_keys *signature_keys_new(void);
void signature_keys_free(struct signature_keys *keys);

/*
 * Add the secrets of a list, separated by white space or commas, as issued:
 * "whsec_" and base64 for Standard Webhooks, else the base64 of a legacy
 * key. name is what the operator calls the list, for the error (ERR_CONFIG),
 * which tells the position of a bad secret, never its text. An empty list is
 * none; "#" begins a comment, up to the end of the line.
 */
int signature_keys_add(struct signature_keys *keys, const char *list,
    const char *name, struct err *err);

/* The keys of [webhook] secrets and legacy_keys, each of which may be NULL.
 * NULL: see *err. */
struct signature_keys *signature_keys_make(
    const char *secrets, const char *legacy_keys, struct err *err);

/* Keys of the scheme. */
size_t signature_keys_count(
    const struct signature_keys *keys, enum signature_scheme scheme);

/* Header values as received; NULL or "": not there. */
struct signature_headers {
	const char *webhook_id, *webhook_timestamp, *webhook_signature;
	const char *openphone_signature;
};

enum signature_result {
	SIGNATURE_OK,
	SIGNATURE_NONE,	     /* no signature header at all */
	SIGNATURE_NO_KEY,    /* no key of this scheme is configured */
	SIGNATURE_MALFORMED, /* the header isn't what the scheme says */
	SIGNATURE_STALE,     /* signed too long ago, or in the future */
	SIGNATURE_MISMATCH,  /* no key gives any of the signatures */
	SIGNATURE_FAILED     /* it could not be checked: no memory */
};

/* All keys of the scheme are tried. Times in ms; tolerance 0: any age. */
enum signature_result signature_check(const struct signature_keys *keys,
    const struct signature_headers *headers, const void *body, size_t n,
    int64_t now_ms, int64_t tolerance_ms);

/* A sentence for the log and the answer. */
const char *signature_result_text(enum signature_result result);

/*
 * Sign as the sender does, with the first key of the scheme, for test
 * deliveries: the value of webhook-signature, or of openphone-signature, where
 * id counts for nothing. timestamp is decimal text: seconds for Standard
 * Webhooks, milliseconds for the legacy scheme. 0, or -1: no such key, or
 * ret is too small.
 */
#define SIGNATURE_SIZE 128
int signature_sign(const struct signature_keys *keys,
    enum signature_scheme scheme, const char *id, const char *timestamp,
    const void *body, size_t n, char ret[SIGNATURE_SIZE]);

#endif

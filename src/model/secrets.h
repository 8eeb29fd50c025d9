/*
 * secrets.h - files with secrets in them, and the one of signing secrets that
 * onsctl webhooks keeps.
 *
 * That one has a secret a line; behind each that onsctl put there stands whose
 * it is, "# <webhook's id> <since when>", the newest in front. What people
 * wrote into it by hand stays as it is.
 */
#ifndef MODEL_SECRETS_H
#define MODEL_SECRETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SECRETS_MAX 8192 /* bytes of a file */

/* The file's text; secrets_forget() it. One that everybody may open is
 * refused (ERR_CONFIG). */
int secrets_read(const char *path, char **ret, struct err *err);
void secrets_forget(char *text);

/* Replace the file as a whole, or make it, mode 0600; who reads it meanwhile
 * finds the one or the other. A group that may read it may do so afterwards.
 * ERR_CONFIG. */
int secrets_save(const char *path, const char *text, struct err *err);

/* The text with one more secret in front, new; now in microseconds. NULL: out
 * of memory. */
char *secrets_add(
    const char *text, const char *secret, const char *webhook, int64_t now);

/* The text without the webhook's secrets but the `keep` newest, new. NULL: out
 * of memory. */
char *secrets_drop(const char *text, const char *webhook, size_t keep);

/* How many secrets the webhook has; *since (may be NULL): when the newest came,
 * microseconds, 0: not known. */
size_t secrets_count(const char *text, const char *webhook, int64_t *since);

#endif

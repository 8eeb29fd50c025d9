/*
 * keyring.h - the signing secrets of a workspace, for all threads of
 * ons-webhook.
 *
 * A [webhook] secrets_file that was changed is read again before the next
 * delivery is checked. One that cannot be used, or is gone, changes nothing,
 * and is logged once.
 */
#ifndef WEB_KEYRING_H
#define WEB_KEYRING_H

#include <stddef.h>

#include "base/err.h"
#include "model/conf.h"
#include "model/signature.h"

struct keyring;

/* No key at all needs allow_unsigned, or a secrets_file that may get one. conf,
 * whose workspace it is, must live as long. NULL: failed. */
struct keyring *keyring_new(
    const struct conf *conf, const struct workspace *ws, struct err *err);
void keyring_free(struct keyring *keyring);

/* signature_check() with the secrets and the tolerance of now. */
enum signature_result keyring_check(struct keyring *keyring,
    const struct signature_headers *headers, const void *body, size_t n);

#endif

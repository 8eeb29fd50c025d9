/*
 * crypto.h - the few primitives we need of libcrypto.
 */
#ifndef EXT_CRYPTO_H
#define EXT_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#define SHA256_SIZE 32
#define SHA256_HEX_SIZE (2 * SHA256_SIZE + 1)
#define SHA256_BASE64_SIZE (4 * ((SHA256_SIZE + 2) / 3) + 1)

/* One HMAC-SHA256 over several pieces, as if they were one. */
struct crypto_piece {
	const void *data;
	size_t len;
};
int crypto_hmac_sha256(const void *key, size_t key_len,
    const struct crypto_piece *pieces, size_t n,
    unsigned char ret[SHA256_SIZE]);

int crypto_sha256(const void *data, size_t n, unsigned char ret[SHA256_SIZE]);

/* SHA-256 of a stream; crypto_hash_end() frees the hash. NULL: no memory. */
struct crypto_hash *crypto_hash_begin(void);
int crypto_hash_add(struct crypto_hash *hash, const void *data, size_t n);
int crypto_hash_end(struct crypto_hash *hash, unsigned char ret[SHA256_SIZE]);

/* Lower-case hexadecimal; ret holds 2 * n + 1 bytes. */
void crypto_hex(const unsigned char *data, size_t n, char *ret);

/* Standard base64 (RFC 4648, 4), padding optional, one spelling a value, no
 * white space. Bytes written to ret (at most max), or -1: not base64, or too
 * long. */
int crypto_base64_decode(
    const char *text, size_t n, unsigned char *ret, size_t max);

/* Standard base64 with padding; ret holds 4 * ((n + 2) / 3) + 1 bytes. */
void crypto_base64_encode(const unsigned char *data, size_t n, char *ret);

/* URL-safe base64 without padding of n random bytes (at most 64), with a NUL;
 * ret holds max bytes. -1: too small, or no randomness. */
int crypto_random_token(size_t n, char *ret, size_t max);

/* Equal, in a time that does not depend on where they differ. */
bool crypto_equal(const void *a, const void *b, size_t n);

/* Overwrite a secret in a way the compiler keeps. */
void crypto_wipe(void *p, size_t n);

#endif

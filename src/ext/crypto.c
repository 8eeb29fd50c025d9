#include "ext/crypto.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#define TOKEN_BYTES_MAX 64

struct crypto_hash {
	EVP_MD_CTX *md;
};

int
crypto_hmac_sha256(const void *key, size_t key_len,
    const struct crypto_piece *pieces, size_t n, unsigned char ret[SHA256_SIZE])
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string("digest", digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = NULL;
	EVP_MAC_CTX *ctx = NULL;
	size_t len;
	int rc = -1;

	if ((mac = EVP_MAC_fetch(NULL, "HMAC", NULL)) == NULL ||
	    (ctx = EVP_MAC_CTX_new(mac)) == NULL ||
	    EVP_MAC_init(ctx, key, key_len, params) != 1)
		goto out;
	for (size_t i = 0; i < n; i++)
		if (EVP_MAC_update(ctx, pieces[i].data, pieces[i].len) != 1)
			goto out;
	if (EVP_MAC_final(ctx, ret, &len, SHA256_SIZE) != 1 ||
	    len != SHA256_SIZE)
		goto out;
	rc = 0;
out:
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return rc;
}

int
crypto_sha256(const void *data, size_t n, unsigned char ret[SHA256_SIZE])
{
	unsigned int len;

	if (EVP_Digest(data, n, ret, &len, EVP_sha256(), NULL) != 1)
		return -1;
	return len == SHA256_SIZE ? 0 : -1;
}

struct crypto_hash *
crypto_hash_begin(void)
{
	struct crypto_hash *hash = malloc(sizeof(*hash));

	if (hash == NULL)
		return NULL;
	if ((hash->md = EVP_MD_CTX_new()) == NULL ||
	    EVP_DigestInit_ex(hash->md, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(hash->md);
		free(hash);
		return NULL;
	}
	return hash;
}

int
crypto_hash_add(struct crypto_hash *hash, const void *data, size_t n)
{
	return EVP_DigestUpdate(hash->md, data, n) == 1 ? 0 : -1;
}

int
crypto_hash_end(struct crypto_hash *hash, unsigned char ret[SHA256_SIZE])
{
	int rc = EVP_DigestFinal_ex(hash->md, ret, NULL) == 1 ? 0 : -1;

	EVP_MD_CTX_free(hash->md);
	free(hash);
	return rc;
}

void
crypto_hex(const unsigned char *data, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*ret++ = digits[data[i] >> 4];
		*ret++ = digits[data[i] & 15];
	}
	*ret = '\0';
}

/* The six bits that a character stands for, -1: not in the alphabet. */
static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The length without padding; padding that does not fill up to a multiple of
 * four stays, and is then refused as a character outside the alphabet. */
static size_t
without_padding(const char *text, size_t n)
{
	if (n % 4 != 0 || n == 0 || text[n - 1] != '=')
		return n;
	return text[n - 2] == '=' ? n - 2 : n - 1;
}

int
crypto_base64_decode(const char *text, size_t n, unsigned char *ret, size_t max)
{
	uint32_t bits = 0;
	size_t out = 0;
	int have = 0, v;

	n = without_padding(text, n);
	if (n % 4 == 1 || n > INT_MAX)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if ((v = sextet(text[i])) < 0)
			return -1;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have < 8)
			continue;
		if (out == max)
			return -1;
		have -= 8;
		ret[out++] = (unsigned char)(bits >> have);
		bits &= (1u << have) - 1;
	}
	/* left-over bits are zero, so that each value has one spelling only:
	 * a signature with its last character changed is another one */
	return bits == 0 ? (int)out : -1;
}

void
crypto_base64_encode(const unsigned char *data, size_t n, char *ret)
{
	EVP_EncodeBlock((unsigned char *)ret, data, (int)n);
}

int
crypto_random_token(size_t n, char *ret, size_t max)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char bytes[TOKEN_BYTES_MAX];
	uint32_t bits = 0;
	int have = 0;

	if (n > sizeof(bytes) || (n * 8 + 5) / 6 + 1 > max ||
	    RAND_bytes(bytes, (int)n) != 1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | bytes[i];
		for (have += 8; have >= 6; have -= 6)
			*ret++ = alphabet[bits >> (have - 6) & 63];
	}
	if (have > 0)
		*ret++ = alphabet[bits << (6 - have) & 63];
	*ret = '\0';
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return 0;
}

bool
crypto_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void
crypto_wipe(void *p, size_t n)
{
	if (p != NULL)
		OPENSSL_cleanse(p, n);
}

#include "model/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ext/crypto.h"

#define SEPARATORS " \t\r\n,"
#define STANDARD_PREFIX "whsec_"

/* What one delivery may make us do, before we know who sent it: the senders
 * put one signature there, two while a key is being changed. */
#define STANDARD_CANDIDATES_MAX 16
#define LEGACY_CANDIDATES_MAX 4

/* Fifteen digits are milliseconds until the year 33658. */
#define TIMESTAMP_DIGITS_MAX 15
#define TIMESTAMP_DIGITS_MS 12

struct key {
	unsigned char bytes[SIGNATURE_KEY_MAX];
	size_t len;
};

struct signature_keys {
	struct {
		struct key keys[SIGNATURE_KEYS_MAX];
		size_t n;
	} schemes[2];
};

/* Part of a header. */
struct span {
	const char *text;
	size_t len;
};

struct signature_keys *
signature_keys_new(void)
{
	return calloc(1, sizeof(struct signature_keys));
}

void
signature_keys_free(struct signature_keys *keys)
{
	crypto_wipe(keys, sizeof(*keys));
	free(keys);
}

size_t
signature_keys_count(
    const struct signature_keys *keys, enum signature_scheme scheme)
{
	return keys->schemes[scheme].n;
}

static int
add_key(struct signature_keys *keys, const char *secret, size_t n,
    const char *name, int position, struct err *err)
{
	size_t prefix = strlen(STANDARD_PREFIX);
	enum signature_scheme scheme = SIGNATURE_LEGACY;
	struct key *key;
	int len;

	if (n >= prefix && memcmp(secret, STANDARD_PREFIX, prefix) == 0) {
		scheme = SIGNATURE_STANDARD;
		secret += prefix;
		n -= prefix;
	}
	if (keys->schemes[scheme].n == SIGNATURE_KEYS_MAX) {
		err_set(err, ERR_CONFIG, "%s: more than %d keys", name,
		    SIGNATURE_KEYS_MAX);
		return -1;
	}
	key = &keys->schemes[scheme].keys[keys->schemes[scheme].n];
	len = crypto_base64_decode(secret, n, key->bytes, sizeof(key->bytes));
	if (len < SIGNATURE_KEY_MIN) {
		err_set(err, ERR_CONFIG,
		    "%s: secret %d is not a signing secret: expected the "
		    "base64 of %d to %d bytes, after \"" STANDARD_PREFIX
		    "\" or alone",
		    name, position, SIGNATURE_KEY_MIN, SIGNATURE_KEY_MAX);
		return -1;
	}
	key->len = (size_t)len;
	keys->schemes[scheme].n++;
	return 0;
}

int
signature_keys_add(struct signature_keys *keys, const char *list,
    const char *name, struct err *err)
{
	int position = 0;
	size_t n;

	for (list += strspn(list, SEPARATORS); *list != '\0';
	     list += n + strspn(list + n, SEPARATORS)) {
		n = strcspn(list, *list == '#' ? "\n" : SEPARATORS);
		if (*list == '#')
			continue;
		if (add_key(keys, list, n, name, ++position, err) != 0)
			return -1;
	}
	return 0;
}

struct signature_keys *
signature_keys_make(
    const char *secrets, const char *legacy_keys, struct err *err)
{
	struct signature_keys *keys = signature_keys_new();

	if (keys == NULL)
		err_nomem(err);
	else if ((secrets == NULL ||
		     signature_keys_add(
			 keys, secrets, "[webhook] secrets", err) == 0) &&
	    (legacy_keys == NULL ||
		signature_keys_add(
		    keys, legacy_keys, "[webhook] legacy_keys", err) == 0))
		return keys;
	signature_keys_free(keys);
	return NULL;
}

/* What is before the next separator, or all; *rest is what comes after it, with
 * text NULL when that was the last piece. */
static struct span
next_piece(struct span *rest, char separator)
{
	struct span piece = *rest;
	const char *end = memchr(rest->text, separator, rest->len);

	if (end == NULL) {
		rest->text = NULL;
		return piece;
	}
	piece.len = (size_t)(end - piece.text);
	rest->text = end + 1;
	rest->len -= piece.len + 1;
	return piece;
}

static bool
span_is(struct span span, const char *text)
{
	return span.len == strlen(text) &&
	    memcmp(span.text, text, span.len) == 0;
}

/* Milliseconds, -1: not a number. The legacy scheme's unit is not documented
 * and is told by the number of digits. */
static int64_t
timestamp_ms(struct span digits)
{
	int64_t v = 0;

	if (digits.len == 0 || digits.len > TIMESTAMP_DIGITS_MAX)
		return -1;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.text[i] < '0' || digits.text[i] > '9')
			return -1;
		v = v * 10 + (digits.text[i] - '0');
	}
	return digits.len < TIMESTAMP_DIGITS_MS ? v * 1000 : v;
}

static bool
stale(int64_t then_ms, int64_t now_ms, int64_t tolerance_ms)
{
	return tolerance_ms != 0 &&
	    (then_ms < now_ms - tolerance_ms ||
		then_ms > now_ms + tolerance_ms);
}

static bool
decode_signature(struct span base64, unsigned char ret[SHA256_SIZE])
{
	return crypto_base64_decode(
		   base64.text, base64.len, ret, SHA256_SIZE) == SHA256_SIZE;
}

/* id is NULL in the legacy scheme, which signs timestamp and body alone. */
static int
compute(const struct key *key, const char *id, struct span timestamp,
    const void *body, size_t n, unsigned char ret[SHA256_SIZE])
{
	const struct crypto_piece pieces[] = {
		{ id, id == NULL ? 0 : strlen(id) }, { ".", 1 },
		{ timestamp.text, timestamp.len }, { ".", 1 }, { body, n }
	};
	size_t skip = id == NULL ? 2 : 0;

	return crypto_hmac_sha256(
	    key->bytes, key->len, pieces + skip, 5 - skip, ret);
}

/* Does any key give any of the candidates? */
static enum signature_result
match(const struct signature_keys *keys, enum signature_scheme scheme,
    const char *id, struct span timestamp, const void *body, size_t n,
    unsigned char candidates[][SHA256_SIZE], size_t found)
{
	unsigned char expected[SHA256_SIZE];
	bool matches = false;

	for (size_t i = 0; i < keys->schemes[scheme].n; i++) {
		if (compute(&keys->schemes[scheme].keys[i], id, timestamp, body,
			n, expected) != 0)
			return SIGNATURE_FAILED;
		for (size_t j = 0; j < found; j++)
			matches |=
			    crypto_equal(candidates[j], expected, SHA256_SIZE);
	}
	return matches ? SIGNATURE_OK : SIGNATURE_MISMATCH;
}

/* The candidates of "v1,<base64> v2,… v1,<base64>". */
static size_t
standard_candidates(
    const char *header, unsigned char ret[][SHA256_SIZE], size_t max)
{
	struct span rest = { header, strlen(header) };
	size_t n = 0;

	while (rest.text != NULL && n < max) {
		struct span entry = next_piece(&rest, ' ');

		if (entry.len <= 3 || memcmp(entry.text, "v1,", 3) != 0)
			continue;
		entry.text += 3;
		entry.len -= 3;
		if (decode_signature(entry, ret[n]))
			n++;
	}
	return n;
}

static enum signature_result
check_standard(const struct signature_keys *keys,
    const struct signature_headers *headers, const void *body, size_t n,
    int64_t now_ms, int64_t tolerance_ms)
{
	const char *id = headers->webhook_id;
	unsigned char candidates[STANDARD_CANDIDATES_MAX][SHA256_SIZE];
	struct span timestamp = { .text = headers->webhook_timestamp };
	int64_t then;
	size_t found;

	if (signature_keys_count(keys, SIGNATURE_STANDARD) == 0)
		return SIGNATURE_NO_KEY;
	if (id == NULL || *id == '\0' || timestamp.text == NULL)
		return SIGNATURE_MALFORMED;
	timestamp.len = strlen(timestamp.text);
	then = timestamp_ms(timestamp);
	found = standard_candidates(
	    headers->webhook_signature, candidates, STANDARD_CANDIDATES_MAX);
	if (then < 0 || found == 0)
		return SIGNATURE_MALFORMED;
	if (stale(then, now_ms, tolerance_ms))
		return SIGNATURE_STALE;
	return match(keys, SIGNATURE_STANDARD, id, timestamp, body, n,
	    candidates, found);
}

/* "hmac;1;<timestamp>;<base64>": exactly four fields. */
static bool
split_legacy_entry(struct span entry, struct span fields[4])
{
	struct span rest = entry;

	for (int i = 0; i < 4; i++) {
		if (rest.text == NULL)
			return false;
		fields[i] = next_piece(&rest, ';');
	}
	return rest.text == NULL;
}

static enum signature_result
check_legacy_entry(const struct signature_keys *keys, struct span entry,
    const void *body, size_t n, int64_t now_ms, int64_t tolerance_ms)
{
	unsigned char candidate[1][SHA256_SIZE];
	struct span fields[4];
	int64_t then;

	if (!split_legacy_entry(entry, fields) || !span_is(fields[0], "hmac") ||
	    !span_is(fields[1], "1") || (then = timestamp_ms(fields[2])) < 0 ||
	    !decode_signature(fields[3], candidate[0]))
		return SIGNATURE_MALFORMED;
	if (stale(then, now_ms, tolerance_ms))
		return SIGNATURE_STALE;
	return match(
	    keys, SIGNATURE_LEGACY, NULL, fields[2], body, n, candidate, 1);
}

/* Announced for the future: several signatures separated by commas. Of several
 * failures the one that came nearest is told. */
static enum signature_result
check_legacy(const struct signature_keys *keys, const char *header,
    const void *body, size_t n, int64_t now_ms, int64_t tolerance_ms)
{
	enum signature_result result, nearest = SIGNATURE_MALFORMED;
	struct span rest = { header, strlen(header) };

	if (signature_keys_count(keys, SIGNATURE_LEGACY) == 0)
		return SIGNATURE_NO_KEY;
	for (int i = 0; rest.text != NULL && i < LEGACY_CANDIDATES_MAX; i++) {
		struct span entry = next_piece(&rest, ',');

		while (entry.len > 0 && *entry.text == ' ') {
			entry.text++;
			entry.len--;
		}
		result = check_legacy_entry(
		    keys, entry, body, n, now_ms, tolerance_ms);
		if (result == SIGNATURE_OK || result == SIGNATURE_FAILED)
			return result;
		if (result > nearest)
			nearest = result;
	}
	return nearest;
}

enum signature_result
signature_check(const struct signature_keys *keys,
    const struct signature_headers *headers, const void *body, size_t n,
    int64_t now_ms, int64_t tolerance_ms)
{
	const char *standard = headers->webhook_signature;
	const char *legacy = headers->openphone_signature;

	if (standard != NULL && *standard != '\0')
		return check_standard(
		    keys, headers, body, n, now_ms, tolerance_ms);
	if (legacy != NULL && *legacy != '\0')
		return check_legacy(
		    keys, legacy, body, n, now_ms, tolerance_ms);
	return SIGNATURE_NONE;
}

const char *
signature_result_text(enum signature_result result)
{
	switch (result) {
	case SIGNATURE_OK:
		return "the signature is good";
	case SIGNATURE_NONE:
		return "there is no signature: neither webhook-signature nor "
		       "openphone-signature";
	case SIGNATURE_NO_KEY:
		return "no signing secret is configured for this kind of "
		       "signature";
	case SIGNATURE_MALFORMED:
		return "the signature headers are incomplete or malformed";
	case SIGNATURE_STALE:
		return "the signature's timestamp is too old or in the future";
	case SIGNATURE_MISMATCH:
		return "the signature does not match: another secret, or the "
		       "body was changed on the way";
	case SIGNATURE_FAILED:
		return "the signature could not be checked: out of memory";
	}
	return "?";
}

int
signature_sign(const struct signature_keys *keys, enum signature_scheme scheme,
    const char *id, const char *timestamp, const void *body, size_t n,
    char ret[SIGNATURE_SIZE])
{
	bool standard = scheme == SIGNATURE_STANDARD;
	struct span digits = { timestamp, strlen(timestamp) };
	unsigned char digest[SHA256_SIZE];
	char base64[SHA256_BASE64_SIZE];
	int len;

	if (signature_keys_count(keys, scheme) == 0 ||
	    compute(&keys->schemes[scheme].keys[0], standard ? id : NULL,
		digits, body, n, digest) != 0)
		return -1;
	crypto_base64_encode(digest, sizeof(digest), base64);
	if (standard)
		len = snprintf(ret, SIGNATURE_SIZE, "v1,%s", base64);
	else
		len = snprintf(
		    ret, SIGNATURE_SIZE, "hmac;1;%s;%s", timestamp, base64);
	return len > 0 && len < SIGNATURE_SIZE ? 0 : -1;
}

#include "unit.h"

#include "ext/crypto.h"

static void
hmac_over_pieces_is_hmac_over_the_whole(void **state)
{
	/* RFC 4231, test case 2 */
	const struct crypto_piece pieces[] = { { "what do ya ", 11 },
		{ NULL, 0 }, { "want for nothing?", 17 } };
	unsigned char mac[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];

	(void)state;
	assert_int_equal(crypto_hmac_sha256("Jefe", 4, pieces, 3, mac), 0);
	crypto_hex(mac, sizeof(mac), hex);
	assert_string_equal(hex,
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
}

static void
hash_of_a_stream_is_the_hash_of_the_whole(void **state)
{
	/* FIPS 180-2, "abc" */
	static const char expected[] = "ba7816bf8f01cfea414140de5dae2223"
				       "b00361a396177a9cb410ff61f20015ad";
	struct crypto_hash *hash = crypto_hash_begin();
	unsigned char digest[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];

	(void)state;
	assert_non_null(hash);
	assert_int_equal(crypto_hash_add(hash, "a", 1), 0);
	assert_int_equal(crypto_hash_add(hash, "bc", 2), 0);
	assert_int_equal(crypto_hash_end(hash, digest), 0);
	crypto_hex(digest, sizeof(digest), hex);
	assert_string_equal(hex, expected);
	assert_int_equal(crypto_sha256("abc", 3, digest), 0);
	crypto_hex(digest, sizeof(digest), hex);
	assert_string_equal(hex, expected);
}

static void
base64_both_ways(void **state)
{
	/* RFC 4648, 10 */
	static const struct {
		const char *text, *base64;
	} vectors[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };
	unsigned char bytes[16];
	char text[16];

	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		const char *base64 = vectors[i].base64;
		size_t n = strlen(vectors[i].text);

		assert_int_equal(
		    crypto_base64_decode(base64, strlen(base64), bytes, n), n);
		assert_memory_equal(bytes, vectors[i].text, n);
		/* padding is optional */
		assert_int_equal(crypto_base64_decode(
				     base64, strcspn(base64, "="), bytes, n),
		    n);
		crypto_base64_encode(
		    (const unsigned char *)vectors[i].text, n, text);
		assert_string_equal(text, base64);
	}
}

static void
base64_refuses_what_is_none(void **state)
{
	static const char *const bad[] = { "Zg=", "Zg===", "Z", "Zm9vY",
		"Zm 9v", "Zm9v\n", "Zm-v", "Zm_v", "=",
		"====", "Zg==Zg==", "Zm=v",
		/* bits left over that are not zero */
		"Zh==", "Zm9=", "Zh" };
	unsigned char bytes[16];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(crypto_base64_decode(bad[i], strlen(bad[i]),
				     bytes, sizeof(bytes)),
		    -1);
	assert_int_equal(crypto_base64_decode("Zm9vYmFy", 8, bytes, 5), -1);
}

static void
tokens_are_url_safe_and_differ(void **state)
{
	char a[44], b[44];

	(void)state;
	assert_int_equal(crypto_random_token(32, a, sizeof(a)), 0);
	assert_int_equal(crypto_random_token(32, b, sizeof(b)), 0);
	assert_int_equal(strlen(a), 43);
	assert_int_equal(strspn(a,
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789-_"),
	    43);
	assert_string_not_equal(a, b);
	assert_int_equal(crypto_random_token(32, a, 43), -1);
	assert_int_equal(crypto_random_token(65, a, sizeof(a)), -1);
}

static void
comparing_and_wiping(void **state)
{
	char secret[] = "secret";

	(void)state;
	assert_true(crypto_equal("abc", "abc", 3));
	assert_false(crypto_equal("abc", "abd", 3));
	crypto_wipe(secret, sizeof(secret));
	for (size_t i = 0; i < sizeof(secret); i++)
		assert_int_equal(secret[i], 0);
	crypto_wipe(NULL, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hmac_over_pieces_is_hmac_over_the_whole),
		cmocka_unit_test(hash_of_a_stream_is_the_hash_of_the_whole),
		cmocka_unit_test(base64_both_ways),
		cmocka_unit_test(base64_refuses_what_is_none),
		cmocka_unit_test(tokens_are_url_safe_and_differ),
		cmocka_unit_test(comparing_and_wiping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

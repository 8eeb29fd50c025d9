#include "unit.h"

#include "model/signature.h"

/*
 * The vectors of both schemes: computed with Python's hmac and OpenSSL, S1 is
 * the one that Standard Webhooks publishes. Keys are base64; the prefix of
 * issued secrets is put before them here.
 */
#define PREFIX  \
	"whsec" \
	"_"
#define KEY_SAMPLE "R2ZLM2o0bFhBNVpyUnU2NG9mYXQ1MHNyR3pvSUhIVVg="
#define KEY_HIGH "gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp8="
#define KEY_S1 "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define KEY_S2 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_S3 "gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaX"
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const char body_l1[] =
    "{\"id\":\"EVtest0001\",\"object\":\"event\",\"apiVersion\":\""
    "v4\",\"createdAt\":\"2026-04-13T12:00:00.000Z\",\"type\":\"m"
    "essage.received\",\"data\":{\"object\":{\"id\":\"ACtest0001\""
    ",\"object\":\"message\",\"from\":\"+15550001111\",\"to\":\"+"
    "15550002222\",\"direction\":\"incoming\",\"text\":\"Hello, w"
    "orld!\",\"status\":\"received\",\"createdAt\":\"2026-04-13T1"
    "1:59:59.000Z\",\"userId\":\"UStest01\",\"phoneNumberId\":\"P"
    "Ntest01\",\"contactIds\":[]}}}";
static const char body_l2[] =
    "{\"id\":\"EVtest0002\",\"object\":\"event\",\"apiVersion\":\""
    "v3\",\"createdAt\":\"2026-04-13T12:00:00.123Z\",\"type\":\"m"
    "essage.received\",\"data\":{\"object\":{\"id\":\"ACtest0002\""
    ",\"object\":\"message\",\"from\":\"+15550001111\",\"to\":\"+"
    "15550002222\",\"direction\":\"incoming\",\"body\":\"Café ☕ —"
    " ça va? 😀\",\"media\":[],\"status\":\"received\"}}}";
static const char body_s2[] =
    "{\"id\":\"EVtest0101\",\"apiVersion\":\"2026-03-30\",\"creat"
    "edAt\":\"2026-04-13T12:00:55.000Z\",\"type\":\"call.complete"
    "d\",\"data\":{\"resource\":{\"id\":\"ACtest0101\",\"directio"
    "n\":\"incoming\",\"status\":\"answered\",\"createdAt\":\"202"
    "6-04-13T11:59:55.000Z\",\"answeredAt\":\"2026-04-13T12:00:00"
    ".000Z\",\"completedAt\":\"2026-04-13T12:00:55.000Z\",\"updat"
    "edAt\":\"2026-04-13T12:00:55.000Z\",\"duration\":55,\"hasVoi"
    "cemail\":false},\"context\":{\"orgId\":\"ORtest01\",\"phoneN"
    "umberId\":\"PNtest01\",\"conversationId\":\"CNtest01\",\"pho"
    "neNumberType\":\"shared\",\"userId\":\"UStest01\",\"contacts"
    "\":{\"ids\":[\"CTtest01\"],\"lookupStatus\":\"matched\"},\"p"
    "articipants\":{\"workspace\":[\"+15550002222\"],\"external\""
    ":[\"+15550001111\"],\"resolution\":\"available\"}},\"links\""
    ":{\"quo\":null}}}";
static const char body_s3[] =
    "{\"id\":\"EVtest0102\",\"apiVersion\":\"2026-03-30\",\"creat"
    "edAt\":\"2026-04-13T12:01:40.000Z\",\"type\":\"message.recei"
    "ved\",\"data\":{\"resource\":{\"id\":\"ACtest0102\",\"direct"
    "ion\":\"incoming\",\"text\":\"Naïve — “quotes” 😀\",\"media\""
    ":[],\"status\":\"received\",\"createdAt\":\"2026-04-13T12:01"
    ":40.000Z\"},\"context\":{\"orgId\":\"ORtest01\",\"phoneNumbe"
    "rId\":\"PNtest01\",\"conversationId\":\"CNtest01\",\"userId\""
    ":\"UStest01\",\"contacts\":{\"ids\":[],\"lookupStatus\":\"no"
    "ne\"},\"senderIdentifier\":\"+15550001111\",\"recipientIdent"
    "ifiers\":[\"+15550002222\"]},\"links\":{\"quo\":null}}}";
static const char body_l3[] = "{\"id\": \"EVtest0003\", \"object\": \"event\", "
			      "\"type\": \"call.completed\"}";
static const char body_l4[] = "{}";
static const char body_s1[] = "{\"test\": 2432232314}";

static struct signature_keys *
keys_of(const char *list)
{
	struct signature_keys *keys = signature_keys_new();
	struct err err = ERR_INIT;

	assert_non_null(keys);
	if (signature_keys_add(keys, list, "secrets", &err) != 0)
		fail_msg("%s", err.text);
	return keys;
}

static enum signature_result
check(const char *list, const struct signature_headers *headers,
    const char *body, int64_t now_ms, int64_t tolerance_ms)
{
	struct signature_keys *keys = keys_of(list);
	enum signature_result result = signature_check(
	    keys, headers, body, strlen(body), now_ms, tolerance_ms);

	signature_keys_free(keys);
	return result;
}

static enum signature_result
legacy(const char *list, const char *header, const char *body)
{
	const struct signature_headers headers = { .openphone_signature =
						       header };

	return check(list, &headers, body, 0, 0);
}

static enum signature_result
standard(const char *list, const char *id, const char *timestamp,
    const char *signature, const char *body)
{
	const struct signature_headers headers = { .webhook_id = id,
		.webhook_timestamp = timestamp,
		.webhook_signature = signature };

	return check(list, &headers, body, 0, 0);
}

static void
legacy_vectors_pass(void **state)
{
	(void)state;
	assert_int_equal(strlen(body_l1), 386);
	assert_int_equal(legacy(KEY_SAMPLE,
			     "hmac;1;1639710054089;"
			     "h+LopVUu/4YZ8gRGeTAjfczBYqmMLRxk/w+yvXervkI=",
			     body_l1),
	    SIGNATURE_OK);
	assert_int_equal(strlen(body_l2), 308);
	assert_int_equal(legacy(KEY_HIGH,
			     "hmac;1;1776081600123;"
			     "PT+tyG8DhDezIlUtWdAt/Wm/zuOprxLR99RW3MWorEk=",
			     body_l2),
	    SIGNATURE_OK);
	assert_int_equal(strlen(body_l3), 65);
	assert_int_equal(legacy(KEY_SAMPLE,
			     "hmac;1;1776081600000;"
			     "ozNNO30QoZ3D8Q9dZjFrH4opmmMbShczGc+hqWNfXJY=",
			     body_l3),
	    SIGNATURE_OK);
	assert_int_equal(legacy(KEY_SAMPLE,
			     "hmac;1;1776081600000;"
			     "W2ip9NSlM+GHVdp/IMxJIpsvq69e7rno1M1UQz86A2E=",
			     body_l4),
	    SIGNATURE_OK);
}

static void
legacy_traps_do_not_match(void **state)
{
	static const char *const wrong[] = {
		/* key text not decoded; latin-1 key; body re-serialised */
		"hmac;1;1776081600123;"
		"9KHwokyT9+WoNSaSM0puMZSE6FFIKVhBeJ0xLyBsdr8=",
		"hmac;1;1776081600123;"
		"otlh8auCniOWdywwfLLuLswwRdsfduOn4KpG0W9a/Kw=",
		"hmac;1;1776081600123;"
		"j8/vUAYTZYMKrXp+ctzF/r8WkS00s9W/MOLuKpN9PoA=",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_int_equal(
		    legacy(KEY_HIGH, wrong[i], body_l2), SIGNATURE_MISMATCH);
	/* the stripped body's signature is not the body's */
	assert_int_equal(legacy(KEY_SAMPLE,
			     "hmac;1;1776081600000;"
			     "rxrvpuFJeQNctqL9C93T71JotA9ZbJ5DeoniTEOtpNI=",
			     body_l3),
	    SIGNATURE_MISMATCH);
}

static void
legacy_header_may_hold_several(void **state)
{
	(void)state;
	assert_int_equal(
	    legacy(KEY_SAMPLE,
		"hmac;1;1776081600000;" ZEROS ",hmac;1;1776081600000;"
		"W2ip9NSlM+GHVdp/IMxJIpsvq69e7rno1M1UQz86A2E=",
		body_l4),
	    SIGNATURE_OK);
	assert_int_equal(
	    legacy(KEY_SAMPLE,
		"hmac;1;1776081600000;" ZEROS ", hmac;1;1776081600000;"
		"W2ip9NSlM+GHVdp/IMxJIpsvq69e7rno1M1UQz86A2E=",
		body_l4),
	    SIGNATURE_OK);
}

#define L4 "W2ip9NSlM+GHVdp/IMxJIpsvq69e7rno1M1UQz86A2E="

static void
legacy_headers_that_must_fail(void **state)
{
	static const struct {
		const char *header;
		enum signature_result result;
	} cases[] = {
		{ "hmac;1;" L4, SIGNATURE_MALFORMED },
		{ "hmac;1;1776081600000;" L4 ";", SIGNATURE_MALFORMED },
		{ "hmac;1;1776081600000;x;" L4, SIGNATURE_MALFORMED },
		{ "hmac;2;1776081600000;" L4, SIGNATURE_MALFORMED },
		{ "sha256;1;1776081600000;" L4, SIGNATURE_MALFORMED },
		{ "hmac;1;;" L4, SIGNATURE_MALFORMED },
		{ "hmac;1;-1776081600000;" L4, SIGNATURE_MALFORMED },
		{ "hmac;1;1776081600000x;" L4, SIGNATURE_MALFORMED },
		{ "hmac;1;17760816000001776081600000;" L4,
		    SIGNATURE_MALFORMED },
		{ "hmac;1;1776081600000;", SIGNATURE_MALFORMED },
		{ "hmac;1;1776081600000;AAAA", SIGNATURE_MALFORMED },
		{ ";;;", SIGNATURE_MALFORMED },
		{ ",", SIGNATURE_MALFORMED },
		{ "hmac;1;1776081600001;" L4, SIGNATURE_MISMATCH },
		{ "hmac;1;1776081600000;" ZEROS, SIGNATURE_MISMATCH },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(legacy(KEY_SAMPLE, cases[i].header, body_l4),
		    cases[i].result);
}

/* Flip each character of a signature, put at header[at]. */
static void
flip_each(char *header, size_t at, enum signature_result (*f)(const char *))
{
	for (size_t i = at; header[i] != '\0' && header[i] != '='; i++) {
		char was = header[i];

		header[i] = was == 'A' ? 'B'
		    : was == 'B'       ? 'A'
				       : (char)(was ^ 1);
		assert_int_not_equal(f(header), SIGNATURE_OK);
		header[i] = was;
	}
	assert_int_equal(f(header), SIGNATURE_OK);
}

static enum signature_result
legacy_l4(const char *header)
{
	return legacy(KEY_SAMPLE, header, body_l4);
}

#define S1 "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static enum signature_result
standard_s1(const char *header)
{
	return standard(PREFIX KEY_S1, "msg_p5jXN8AQM9LWM0D4loKWxJek",
	    "1614265330", header, body_s1);
}

static void
each_character_of_a_signature_counts(void **state)
{
	char old[] = "hmac;1;1776081600000;" L4, new[] = "v1," S1;

	(void)state;
	flip_each(old, strlen("hmac;1;1776081600000;"), legacy_l4);
	flip_each(new, 3, standard_s1);
}

static void
standard_vectors_pass(void **state)
{
	(void)state;
	assert_int_equal(strlen(body_s1), 20);
	assert_int_equal(standard_s1("v1," S1), SIGNATURE_OK);
	assert_int_equal(strlen(body_s2), 695);
	assert_int_equal(
	    standard(PREFIX KEY_S2, "msg_test0001", "1776081660",
		"v1,GNsKH9kxD/NqkgGN4aFXBh9g5aw0OnfGkFDw1MkEBgs=", body_s2),
	    SIGNATURE_OK);
	assert_int_equal(
	    standard(PREFIX KEY_S2, "msg_test0001", "1776081660",
		"v1,FrEaxyOri7Djf3OWhRM8/E6yVQ/8PFEIaar3ouls5jk=", body_s2),
	    SIGNATURE_MISMATCH);
	assert_int_equal(strlen(body_s3), 526);
}

#define S3 "4zm7CVQamoRGjBnFfr4BS09kcQ1T9ZVdubfcTYEMSg8="

static void
standard_header_lists(void **state)
{
	static const struct {
		const char *header;
		enum signature_result result;
	} cases[] = {
		{ "v1," S3, SIGNATURE_OK },
		{ "v1," ZEROS " v1," S3, SIGNATURE_OK },
		{ "v1a," ZEROS " v1," S3, SIGNATURE_OK },
		{ "v1," S3 " v1," ZEROS, SIGNATURE_OK },
		{ "  v1," S3 "  ", SIGNATURE_OK },
		{ "v2," S3, SIGNATURE_MALFORMED },
		{ "v1a," S3, SIGNATURE_MALFORMED },
		{ S3, SIGNATURE_MALFORMED },
		{ "v1," ZEROS ",v1," S3, SIGNATURE_MALFORMED },
		{ "v1", SIGNATURE_MALFORMED },
		{ "v1,", SIGNATURE_MALFORMED },
		{ " ", SIGNATURE_MALFORMED },
		{ "v1,AAAA", SIGNATURE_MALFORMED },
		{ "v1," ZEROS, SIGNATURE_MISMATCH },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(standard(PREFIX KEY_S3, "msg_test0002",
				     "1776081700", cases[i].header, body_s3),
		    cases[i].result);
}

static void
id_timestamp_and_body_are_signed(void **state)
{
	const char *list = PREFIX KEY_S3, *header = "v1," S3;

	(void)state;
	assert_int_equal(
	    standard(list, "msg_test0003", "1776081700", header, body_s3),
	    SIGNATURE_MISMATCH);
	assert_int_equal(
	    standard(list, "msg_test0002", "1776081701", header, body_s3),
	    SIGNATURE_MISMATCH);
	assert_int_equal(
	    standard(list, "msg_test0002", "1776081700", header, body_s2),
	    SIGNATURE_MISMATCH);
	assert_int_equal(standard(list, NULL, "1776081700", header, body_s3),
	    SIGNATURE_MALFORMED);
	assert_int_equal(standard(list, "msg_test0002", NULL, header, body_s3),
	    SIGNATURE_MALFORMED);
	assert_int_equal(standard(list, "msg_test0002", "now", header, body_s3),
	    SIGNATURE_MALFORMED);
	assert_int_equal(standard(list, "msg_test0002", "", header, body_s3),
	    SIGNATURE_MALFORMED);
}

static void
all_keys_of_the_scheme_are_tried(void **state)
{
	static const char many[] =
	    KEY_HIGH " " PREFIX KEY_S1 "\n" KEY_SAMPLE ",\t" PREFIX KEY_S2
		     " " PREFIX KEY_S3 "\n";

	(void)state;
	assert_int_equal(
	    legacy(many, "hmac;1;1776081600000;" L4, body_l4), SIGNATURE_OK);
	assert_int_equal(
	    standard(many, "msg_test0002", "1776081700", "v1," S3, body_s3),
	    SIGNATURE_OK);
	/* a key of the other scheme is none */
	assert_int_equal(legacy(KEY_HIGH, "hmac;1;1776081600000;" L4, body_l4),
	    SIGNATURE_MISMATCH);
	assert_int_equal(
	    legacy(PREFIX KEY_S1, "hmac;1;1776081600000;" L4, body_l4),
	    SIGNATURE_NO_KEY);
	assert_int_equal(standard(KEY_SAMPLE, "msg_test0002", "1776081700",
			     "v1," S3, body_s3),
	    SIGNATURE_NO_KEY);
}

static void
without_a_signature_there_is_none(void **state)
{
	const struct signature_headers none = { 0 },
				       empty = { .webhook_id = "msg_x",
					       .webhook_signature = "",
					       .openphone_signature = "" };

	(void)state;
	assert_int_equal(
	    check(KEY_SAMPLE, &none, body_l4, 0, 0), SIGNATURE_NONE);
	assert_int_equal(
	    check(KEY_SAMPLE, &empty, body_l4, 0, 0), SIGNATURE_NONE);
}

static void
the_newer_scheme_goes_first(void **state)
{
	const struct signature_headers both = { .webhook_id = "msg_test0002",
		.webhook_timestamp = "1776081700",
		.webhook_signature = "v1," ZEROS,
		.openphone_signature = "hmac;1;1776081600000;" L4 };

	(void)state;
	assert_int_equal(
	    check(KEY_SAMPLE " " PREFIX KEY_S3, &both, body_l4, 0, 0),
	    SIGNATURE_MISMATCH);
}

static void
age_counts_in_both_directions(void **state)
{
	const struct signature_headers headers[] = {
		{ .webhook_id = "msg_test0002",
		    .webhook_timestamp = "1776081700",
		    .webhook_signature = "v1," S3 },
		{ .openphone_signature = "hmac;1;1776081600000;" L4 }
	};
	const int64_t signed_at[] = { 1776081700000, 1776081600000 };
	const char *const bodies[] = { body_s3, body_l4 };
	const char *list = KEY_SAMPLE " " PREFIX KEY_S3;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(check(list, &headers[i], bodies[i],
				     signed_at[i] + 300000, 300000),
		    SIGNATURE_OK);
		assert_int_equal(check(list, &headers[i], bodies[i],
				     signed_at[i] - 300000, 300000),
		    SIGNATURE_OK);
		assert_int_equal(check(list, &headers[i], bodies[i],
				     signed_at[i] + 300001, 300000),
		    SIGNATURE_STALE);
		assert_int_equal(check(list, &headers[i], bodies[i],
				     signed_at[i] - 300001, 300000),
		    SIGNATURE_STALE);
		assert_int_equal(
		    check(list, &headers[i], bodies[i], 0, 0), SIGNATURE_OK);
	}
}

static void
bad_secrets_are_named_by_position_only(void **state)
{
	static const char *const bad[] = { "not*base64*at*all*=", "c2hvcnQ=",
		PREFIX, PREFIX "c2hvcnQ=", PREFIX "!!" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct signature_keys *keys = signature_keys_new();
		struct err err = ERR_INIT;
		char list[128];

		snprintf(list, sizeof(list), KEY_SAMPLE " %s", bad[i]);
		assert_int_equal(
		    signature_keys_add(keys, list, "[webhook] secrets", &err),
		    -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_non_null(
		    strstr(err.text, "[webhook] secrets: secret 2 "));
		if (strcmp(bad[i], PREFIX) != 0)
			assert_null(strstr(err.text, bad[i]));
		signature_keys_free(keys);
	}
}

static void
what_follows_a_hash_is_a_comment(void **state)
{
	struct signature_keys *keys = signature_keys_new();
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    signature_keys_add(keys,
		"# one, two\n" KEY_SAMPLE " # short, whose\n" KEY_SAMPLE "\n#",
		"secrets", &err),
	    0);
	assert_int_equal(signature_keys_count(keys, SIGNATURE_LEGACY), 2);
	signature_keys_free(keys);
}

static void
keys_have_a_ceiling(void **state)
{
	struct signature_keys *keys = signature_keys_new();
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(signature_keys_add(keys, " \n ", "secrets", &err), 0);
	assert_int_equal(signature_keys_count(keys, SIGNATURE_LEGACY), 0);
	for (int i = 0; i < SIGNATURE_KEYS_MAX; i++)
		assert_int_equal(
		    signature_keys_add(keys, KEY_SAMPLE, "secrets", &err), 0);
	assert_int_equal(
	    signature_keys_add(keys, KEY_SAMPLE, "secrets", &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_int_equal(
	    signature_keys_count(keys, SIGNATURE_LEGACY), SIGNATURE_KEYS_MAX);
	assert_int_equal(signature_keys_count(keys, SIGNATURE_STANDARD), 0);
	signature_keys_free(keys);
	signature_keys_free(NULL);
}

static void
what_we_sign_passes(void **state)
{
	struct signature_keys *keys = keys_of(KEY_SAMPLE " " PREFIX KEY_S1);
	char text[SIGNATURE_SIZE];

	(void)state;
	assert_int_equal(signature_sign(keys, SIGNATURE_STANDARD,
			     "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
			     body_s1, strlen(body_s1), text),
	    0);
	assert_string_equal(text, "v1," S1);
	assert_int_equal(signature_sign(keys, SIGNATURE_LEGACY, NULL,
			     "1776081600000", body_l4, 2, text),
	    0);
	assert_string_equal(text, "hmac;1;1776081600000;" L4);
	signature_keys_free(keys);
	keys = keys_of("");
	assert_int_equal(signature_sign(keys, SIGNATURE_LEGACY, NULL,
			     "1776081600000", body_l4, 2, text),
	    -1);
	signature_keys_free(keys);
}

static void
each_result_has_its_sentence(void **state)
{
	(void)state;
	for (int i = SIGNATURE_OK; i <= SIGNATURE_MISMATCH; i++)
		for (int j = SIGNATURE_OK; j < i; j++)
			assert_string_not_equal(
			    signature_result_text((enum signature_result)i),
			    signature_result_text((enum signature_result)j));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legacy_vectors_pass),
		cmocka_unit_test(legacy_traps_do_not_match),
		cmocka_unit_test(legacy_header_may_hold_several),
		cmocka_unit_test(legacy_headers_that_must_fail),
		cmocka_unit_test(each_character_of_a_signature_counts),
		cmocka_unit_test(standard_vectors_pass),
		cmocka_unit_test(standard_header_lists),
		cmocka_unit_test(id_timestamp_and_body_are_signed),
		cmocka_unit_test(all_keys_of_the_scheme_are_tried),
		cmocka_unit_test(without_a_signature_there_is_none),
		cmocka_unit_test(the_newer_scheme_goes_first),
		cmocka_unit_test(age_counts_in_both_directions),
		cmocka_unit_test(bad_secrets_are_named_by_position_only),
		cmocka_unit_test(what_follows_a_hash_is_a_comment),
		cmocka_unit_test(keys_have_a_ceiling),
		cmocka_unit_test(what_we_sign_passes),
		cmocka_unit_test(each_result_has_its_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

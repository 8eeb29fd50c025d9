#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/presign.h"

/* AWS's published example: "Authenticating Requests: Using Query Parameters",
 * Friday, May 24, 2013 00:00:00 GMT. */
static const struct presign example = {
	.endpoint = "https://examplebucket.s3.amazonaws.com",
	.bucket = "",
	.region = "us-east-1",
	.access_key = "AKIA"
		      "IOSFODNN7EXAMPLE",
	.secret_key = "wJalrXUtnFEMI/K7MDENG/bPx"
		      "RfiCYEXAMPLEKEY",
};
#define EXAMPLE_TIME 1369353600

static void
the_published_example_comes_out(void **state)
{
	struct err err = ERR_INIT;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(presign_get(&example, "test.txt", EXAMPLE_TIME, 86400,
			     NULL, &out, &err),
	    0);
	assert_string_equal(buf_text(&out),
	    "https://examplebucket.s3.amazonaws.com/test.txt"
	    "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
	    "&X-Amz-Credential=AKIA"
	    "IOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
	    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
	    "&X-Amz-SignedHeaders=host"
	    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835"
	    "f995330da4c265957d157751f604d404");
	buf_free(&out);
}

static void
the_path_is_encoded_and_the_type_added(void **state)
{
	struct presign p = example;
	struct err err = ERR_INIT;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	p.endpoint = "http://S3.example:9000/";
	p.bucket = "media";
	assert_int_equal(presign_get(&p, "a b/ü+.mp3", EXAMPLE_TIME, 60,
			     "audio/mpeg", &out, &err),
	    0);
	assert_ptr_equal(strstr(buf_text(&out),
			     "http://s3.example:9000/media/"
			     "a%20b/%C3%BC%2B.mp3?X-Amz-"),
	    buf_text(&out));
	assert_non_null(strstr(buf_text(&out),
	    "=host&response-content-type=audio%2Fmpeg&X-Amz-Signature="));
	buf_free(&out);
}

/* The Host header never names the port that the scheme implies. */
static void
the_usual_port_is_left_out(void **state)
{
	struct presign p = example;
	struct err err = ERR_INIT;
	struct buf with, without;

	(void)state;
	buf_init(&with, 4096);
	buf_init(&without, 4096);
	presign_get(&p, "k", EXAMPLE_TIME, 60, NULL, &without, &err);
	p.endpoint = "https://examplebucket.s3.amazonaws.com:443";
	presign_get(&p, "k", EXAMPLE_TIME, 60, NULL, &with, &err);
	assert_string_equal(buf_text(&with), buf_text(&without));
	buf_free(&with);
	buf_free(&without);
}

static void
each_part_changes_the_signature(void **state)
{
	struct presign variants[5] = { example, example, example, example,
		example };
	char seen[5][65];
	struct err err = ERR_INIT;
	struct buf out;
	size_t i, j;

	(void)state;
	variants[1].region = "auto";
	variants[2].secret_key = "another";
	variants[3].access_key = "another";
	variants[4].bucket = "another";
	for (i = 0; i < 5; i++) {
		buf_init(&out, 4096);
		assert_int_equal(presign_get(&variants[i], "k", EXAMPLE_TIME,
				     60, NULL, &out, &err),
		    0);
		memcpy(seen[i], buf_text(&out) + out.len - 64, 65);
		for (j = 0; j < i; j++)
			assert_string_not_equal(seen[i], seen[j]);
		buf_free(&out);
	}
}

static void
nonsense_is_a_configuration_error(void **state)
{
	static const char *const endpoints[] = { "", "s3.example", "https://",
		"ftp://s3.example" };
	struct presign p = example;
	struct err err = ERR_INIT;
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(
	    presign_get(&p, "k", EXAMPLE_TIME, 0, NULL, &out, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	err_clear(&err);
	assert_int_equal(
	    presign_get(&p, "k", EXAMPLE_TIME, 604801, NULL, &out, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	for (i = 0; i < sizeof(endpoints) / sizeof(*endpoints); i++) {
		err_clear(&err);
		p.endpoint = endpoints[i];
		assert_int_equal(
		    presign_get(&p, "k", EXAMPLE_TIME, 60, NULL, &out, &err),
		    -1);
		assert_int_equal(err.kind, ERR_CONFIG);
	}
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_example_comes_out),
		cmocka_unit_test(the_path_is_encoded_and_the_type_added),
		cmocka_unit_test(the_usual_port_is_left_out),
		cmocka_unit_test(each_part_changes_the_signature),
		cmocka_unit_test(nonsense_is_a_configuration_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

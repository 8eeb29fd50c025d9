#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/media.h"
#include "canned.h"

static const char *const hosts[] = { "storage.googleapis.com", ".openph.one",
	"127.0.0.1", NULL };

static void
hosts_match_at_their_labels(void **state)
{
	static const char *const no[] = { "", "googleapis.com",
		"evilstorage.googleapis.com", "storage.googleapis.com.evil.org",
		"xopenph.one", "openph.one.evil.org", "127.0.0.10",
		"evil.org" };
	static const char *const yes[] = { "storage.googleapis.com",
		"STORAGE.googleapis.com", "storage.googleapis.com.",
		"eu.storage.googleapis.com", "openph.one", "m.openph.one",
		"127.0.0.1" };
	static const char *const none[] = { NULL },
				 *const blank[] = { "", ".", NULL };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (media_host_allowed(hosts, no[i]))
			fail_msg("%s allowed", no[i]);
	for (i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (!media_host_allowed(hosts, yes[i]))
			fail_msg("%s not allowed", yes[i]);
	assert_false(media_host_allowed(none, "openph.one"));
	assert_false(media_host_allowed(blank, "openph.one"));
}

static void
types_come_from_header_payload_or_bytes(void **state)
{
	static const struct {
		const char *header, *type, *bytes;
		const char *mime, *ext;
	} cases[] = {
		{ "audio/mpeg", NULL, "", "audio/mpeg", "mp3" },
		{ "Audio/MP3; charset=x", NULL, "", "audio/mpeg", "mp3" },
		{ "audio/x-wav", NULL, "", "audio/wav", "wav" },
		{ "audio/x-m4a", NULL, "", "audio/mp4", "m4a" },
		{ "application/ogg", NULL, "", "audio/ogg", "ogg" },
		{ "image/jpg", "image/png", "", "image/jpeg", "jpg" },
		{ "application/octet-stream", "image/png", "GIF89a",
		    "image/png", "png" },
		{ "", "", "GIF89a", "image/gif", "gif" },
		{ NULL, NULL, "ID3\x04", "audio/mpeg", "mp3" },
		{ NULL, NULL, "\xff\xfb\x90", "audio/mpeg", "mp3" },
		{ NULL, NULL, "RIFF....WAVEfmt ", "audio/wav", "wav" },
		{ NULL, NULL, "RIFF....WEBPVP8 ", "image/webp", "webp" },
		{ NULL, NULL, "....ftypM4A ", "audio/mp4", "m4a" },
		{ NULL, NULL, "....ftypheic", "image/heic", "heic" },
		{ NULL, NULL, "....ftyp3gp5", "video/3gpp", "3gp" },
		{ NULL, NULL, "....ftypisom", "video/mp4", "mp4" },
		{ NULL, NULL, "%PDF-1.7", "application/pdf", "pdf" },
		{ "text/x-vcard", NULL, "", "text/vcard", "vcf" },
		{ "text/plain", NULL, "", "text/plain", "txt" },
		{ "audio", "mpeg", "??", "application/octet-stream", "bin" },
		{ NULL, NULL, "", "application/octet-stream", "bin" },
	};
	const struct media_type *type;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		type = media_type(cases[i].header, cases[i].type,
		    cases[i].bytes, strlen(cases[i].bytes));
		assert_string_equal(type->mime, cases[i].mime);
		assert_string_equal(type->ext, cases[i].ext);
	}
}

static const struct media_policy open_policy = { .hosts = hosts,
	.allow_http = true,
	.allow_private = true,
	.max_size = 100,
	.timeout_ms = 20000 };

/* One fetch from a server that gives these answers. */
static int
fetch(const struct media_policy *policy, const char *const *answers,
    struct media *ret, struct err *err, int *requests)
{
	struct canned server;
	struct http *http = http_new("test/1", err);
	char url[128];
	int rc;

	canned_start(&server, answers);
	snprintf(url, sizeof(url), "%s/file?secret", server.url);
	rc = media_fetch(http, policy, url, NULL, ret, err);
	http_free(http);
	canned_stop(&server);
	*requests = server.requests;
	assert_int_equal(canned_count(&server, "Authorization"), 0);
	assert_null(strstr(err->text, "secret"));
	return rc;
}

static void
a_file_arrives_with_its_type(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 302 Found\r\nLocation: /a\r\n"
		"Content-Length: 0\r\n\r\n",
		"HTTP/1.1 307 Found\r\nLocation: /b\r\n"
		"Content-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: audio/mp3\r\n"
		"Content-Length: 3\r\n\r\nabc",
		NULL
	};
	struct err err = ERR_INIT;
	struct media media;
	char bytes[8] = "";
	int requests;

	(void)state;
	assert_int_equal(
	    fetch(&open_policy, answers, &media, &err, &requests), 0);
	assert_int_equal(requests, 3);
	assert_int_equal(media.size, 3);
	assert_string_equal(media.type->ext, "mp3");
	assert_string_equal(media.sha256,
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(fread(bytes, 1, sizeof(bytes), media.file), 3);
	assert_string_equal(bytes, "abc");
	media_clear(&media);
}

#define CLOSE "\r\nConnection: close\r\n\r\n"
#define AGAIN "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"

static void
what_is_not_the_file_is_a_failure(void **state)
{
	static const struct {
		const char *answers[6];
		enum err_kind kind;
		int status, requests;
	} cases[] = {
		{ { "HTTP/1.1 404 No" CLOSE }, ERR_PERMANENT, 404, 1 },
		{ { "HTTP/1.1 403 No" CLOSE }, ERR_PERMANENT, 403, 1 },
		{ { "HTTP/1.1 410 No" CLOSE }, ERR_PERMANENT, 410, 1 },
		{ { "HTTP/1.1 503 No" CLOSE }, ERR_RETRY, 503, 1 },
		{ { "HTTP/1.1 429 No" CLOSE }, ERR_RETRY, 429, 1 },
		{ { "HTTP/1.1 200 OK" CLOSE }, ERR_RETRY, 0, 1 },
		{ { "HTTP/1.1 200 OK\r\nContent-Type: text/html" CLOSE
		    "Please log in" },
		    ERR_RETRY, 0, 1 },
		{ { "HTTP/1.1 200 OK" CLOSE "<!DOCTYPE HTML><p>" }, ERR_RETRY,
		    0, 1 },
		{ { "HTTP/1.1 200 OK\r\nContent-Length: 101" CLOSE }, ERR_RETRY,
		    0, 1 },
		{ { "HTTP/1.1 200 OK\r\nContent-Length: 101" CLOSE "a" },
		    ERR_PERMANENT, 0, 1 },
		{ { "HTTP/1.1 302 Found" CLOSE }, ERR_PERMANENT, 302, 1 },
		{ { "HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/" CLOSE },
		    ERR_PERMANENT, 0, 1 },
		{ { "HTTP/1.1 302 Found\r\n"
		    "Location: http://evil.example/" CLOSE },
		    ERR_PERMANENT, 0, 1 },
		{ { AGAIN, AGAIN, AGAIN, AGAIN, AGAIN }, ERR_PERMANENT, 0, 4 },
	};
	struct media media = { 0 };
	struct err err;
	int requests;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		err = (struct err)ERR_INIT;
		if (fetch(&open_policy, cases[i].answers, &media, &err,
			&requests) != -1 ||
		    err.kind != cases[i].kind ||
		    err.status != cases[i].status ||
		    requests != cases[i].requests)
			fail_msg("case %zu: %s (%d requests)", i, err.text,
			    requests);
	}
}

static void
what_is_not_allowed_is_not_asked_for(void **state)
{
	static const char *const answers[] = { NULL };
	static const char *const elsewhere[] = { "openph.one", NULL };
	struct media_policy policies[] = { open_policy, open_policy,
		open_policy };
	struct media media = { 0 };
	struct err err;
	int requests;
	size_t i;

	(void)state;
	policies[0].hosts = elsewhere;
	policies[1].allow_http = false;
	policies[2].allow_private = false;
	for (i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		err = (struct err)ERR_INIT;
		assert_int_equal(
		    fetch(&policies[i], answers, &media, &err, &requests), -1);
		assert_int_equal(err.kind, ERR_PERMANENT);
		assert_int_equal(requests, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_match_at_their_labels),
		cmocka_unit_test(types_come_from_header_payload_or_bytes),
		cmocka_unit_test(a_file_arrives_with_its_type),
		cmocka_unit_test(what_is_not_the_file_is_a_failure),
		cmocka_unit_test(what_is_not_allowed_is_not_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

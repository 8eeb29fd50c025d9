#include "unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "base/rfc3339.h"

static FILE *file; /* where the lines go */

static int
set_up(void **state)
{
	(void)state;
	if ((file = tmpfile()) == NULL)
		return -1;
	log_init("ons-test");
	log_set_fd(fileno(file));
	return log_set_level("debug");
}

static int
tear_down(void **state)
{
	(void)state;
	log_context(NULL, NULL, NULL);
	log_set_fd(STDERR_FILENO);
	return fclose(file);
}

/* The n lines written since set_up(), as an array of objects. */
static json_t *
lines(size_t n)
{
	json_t *ret = json_array(), *one;
	char text[8192];

	rewind(file);
	while (fgets(text, sizeof(text), file) != NULL) {
		json_error_t error;

		assert_non_null(strchr(text, '\n'));
		one = json_loads(text, JSON_REJECT_DUPLICATES, &error);
		if (one == NULL)
			fail_msg("%s: %s", error.text, text);
		json_array_append_new(ret, one);
	}
	assert_int_equal(json_array_size(ret), n);
	return ret;
}

static void
is(const json_t *line, const char *field, const char *expected)
{
	const char *value = json_string_value(json_object_get(line, field));

	assert_non_null(value);
	assert_string_equal(value, expected);
}

/* The message of the only line. */
static void
message_is(const char *expected)
{
	json_t *all = lines(1);

	is(json_array_get(all, 0), "message", expected);
	json_decref(all);
}

static void
each_call_makes_one_line(void **state)
{
	static const char *const levels[] = { "error", "warn", "info",
		"debug" };
	json_t *all, *line;
	int64_t at;
	size_t i;

	(void)state;
	log_error("number %d", 0);
	log_warn("number %d", 1);
	log_info("number %d", 2);
	log_debug("number %d", 3);
	all = lines(4);
	json_array_foreach (all, i, line) {
		char message[32];

		snprintf(message, sizeof(message), "number %zu", i);
		is(line, "message", message);
		is(line, "level", levels[i]);
		is(line, "program", "ons-test");
		assert_int_equal(
		    rfc3339_parse(
			json_string_value(json_object_get(line, "time")), &at),
		    0);
		assert_int_equal(json_object_size(line), 4);
	}
	json_decref(all);
}

static void
lower_levels_are_left_out(void **state)
{
	json_t *all;

	(void)state;
	assert_int_equal(log_set_level("warn"), 0);
	assert_int_equal(log_set_level("loud"), -1); /* changes nothing */
	log_info("no");
	log_warn("yes");
	log_error("yes");
	all = lines(2);
	json_decref(all);
}

static void
what_is_worked_on_is_in_every_line(void **state)
{
	json_t *all;

	(void)state;
	log_context("default", "call", "ACtest0001");
	log_info("a");
	log_context(NULL, NULL, NULL);
	log_info("b");
	all = lines(2);
	is(json_array_get(all, 0), "workspace", "default");
	is(json_array_get(all, 0), "kind", "call");
	is(json_array_get(all, 0), "id", "ACtest0001");
	assert_null(json_object_get(json_array_get(all, 1), "id"));
	json_decref(all);
}

static void
a_job_is_told_by_numbers(void **state)
{
	json_t *all, *line;

	(void)state;
	log_context("default", "call", "ACtest0001");
	log_job(7, 2, -1);
	log_info("a");
	log_job(7, 2, 1234);
	log_info("b");
	log_context("default", "call", "ACtest0002");
	log_info("c");
	all = lines(3);
	for (size_t i = 0; i < 2; i++) {
		line = json_array_get(all, i);
		assert_int_equal(
		    json_integer_value(json_object_get(line, "job")), 7);
		assert_int_equal(
		    json_integer_value(json_object_get(line, "attempt")), 2);
		is(line, "id", "ACtest0001");
	}
	assert_null(json_object_get(json_array_get(all, 0), "duration_ms"));
	assert_int_equal(
	    json_integer_value(json_object_get(line, "duration_ms")), 1234);
	line = json_array_get(all, 2);
	assert_null(json_object_get(line, "job"));
	assert_null(json_object_get(line, "attempt"));
	assert_null(json_object_get(line, "duration_ms"));
	json_decref(all);
}

static void
a_failure_is_told_with_its_kind(void **state)
{
	struct err refused = ERR_INIT, busy = ERR_INIT;
	json_t *all;

	(void)state;
	err_set(&refused, ERR_PERMANENT, "400 \"bad\"");
	err_set(&busy, ERR_WAIT, "429");
	log_err(&refused, "job %d", 7);
	log_err(&busy, "job %d", 8);
	log_passing(&refused, "job %d", 9);
	all = lines(3);
	is(json_array_get(all, 0), "message", "job 7: 400 \"bad\"");
	is(json_array_get(all, 0), "level", "error");
	is(json_array_get(all, 0), "error_kind", err_kind_name(ERR_PERMANENT));
	/* a wait that the service asked for is no trouble */
	is(json_array_get(all, 1), "level", "info");
	/* nor is what will be tried again */
	is(json_array_get(all, 2), "message", "job 9: 400 \"bad\"");
	is(json_array_get(all, 2), "level", "info");
	is(json_array_get(all, 2), "error_kind", err_kind_name(ERR_PERMANENT));
	json_decref(all);
}

static void
quotes_and_control_characters_come_back(void **state)
{
	static const char text[] = "\"quoted\" \\ \n\r\t\x01\x1f\x7f {} é 😀";

	(void)state;
	log_info("%s", text);
	message_is(text);
}

static void
bad_bytes_become_question_marks(void **state)
{
	(void)state;
	log_info("a\xff"
		 "b\xc3"
		 "c\xed\xa0\x80"
		 "d\xf0\x9f\x98");
	message_is("a?b?c???d???");
}

/* What is in a line is nothing that a terminal obeys, wherever it is from. */
static void
nothing_leaves_its_line(void **state)
{
	static const char text[] = "\n\r\x1b[2J\x7f\xc2\x85\xc2\x9b"
				   "2J\xe2\x80\xa8\xe2\x80\xa9\xc2\xa0";
	char raw[4096];
	size_t n;

	(void)state;
	log_context("default", text, text);
	log_info("%s", text);
	rewind(file);
	n = fread(raw, 1, sizeof(raw), file);
	assert_int_equal(raw[n - 1], '\n');
	for (size_t i = 0; i < n - 1; i++)
		assert_true((unsigned char)raw[i] >= ' ' && raw[i] != 0x7f);
	assert_null(memmem(raw, n, "\xc2\x85", 2));
	assert_null(memmem(raw, n, "\xc2\x9b", 2));
	assert_null(memmem(raw, n, "\xe2\x80", 2));
	message_is(text);
}

static void
numbers_are_masked(void **state)
{
	static const char *const masked[][2] = {
		{ "from +15550001111 to +15550002222, +1 and 3+15=18, +",
		    "from +1555***1111 to +1555***2222, +1 and 3+15=18, +" },
		/* as the services and people write them */
		{ "/v1/calls?to=%2B15550001111&x",
		    "/v1/calls?to=%2B1555***1111&x" },
		{ "+1 (555) 000-1111.", "+1 (555) ***-1111." },
		{ "+44 20 7946 0958", "+44 20 **** 0958" },
		{ "+4912345678", "+491***5678" },
		{ "+12345678", "+1***5678" },
		{ "5550001111", "555***1111" },
		{ "\"15550001111\"", "\"1555***1111\"" },
		{ "(555) 000-1111", "(555) ***-1111" },
		{ "call 555-000-1111.", "call 555-***-1111." },
		{ "1-555-000-1111", "1-555-***-1111" },
		{ "555.000.1111", "555.***.1111" },
		{ "+1555***1111", "+1555***1111" },
		/* what is none */
		{ "ACtest5550001111", "ACtest5550001111" },
		{ "msg_5550001111", "msg_5550001111" },
		{ "5550001111a", "5550001111a" },
		{ "12345678-5550-4001-8111-555000111122",
		    "12345678-5550-4001-8111-555000111122" },
		{ "25550001111-4711.json", "25550001111-4711.json" },
		{ "5550001111-4711.json", "5550001111-4711.json" },
		{ "1795399200", "1795399200" },
		{ "1795399200123", "1795399200123" },
		{ "2026-11-23T02:03:04.567+00:00",
		    "2026-11-23T02:03:04.567+00:00" },
		{ "192.168.100.1000 127.0.0.1:65535",
		    "192.168.100.1000 127.0.0.1:65535" },
		{ "12.5550001111", "12.5550001111" },
		{ "555", "555" },
		{ "1(", "1(" },
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < COUNT(masked); i++) {
		snprintf(text, sizeof(text), "%s", masked[i][0]);
		log_mask(text);
		assert_string_equal(text, masked[i][1]);
	}
	log_info("%s", masked[0][0]);
	message_is(masked[0][1]);
}

static void
numbers_in_failures_are_masked(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_RETRY, "no +15550001111");
	log_err(&err, "call from +15550002222");
	message_is("call from +1555***2222: no +1555***1111");
}

/* The worst case: each byte is escaped as six. */
static void
long_messages_are_cut_not_broken(void **state)
{
	static const char *const fill[] = { "a", "\"", "\n", "é", "😀", "\xff",
		"😀\xff\x01\"" };
	json_t *all, *line;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(fill); i++) {
		char text[10001] = "";
		size_t n = strlen(fill[i]);

		for (size_t at = 0; at + n < sizeof(text); at += n)
			memcpy(text + at, fill[i], n);
		log_info("%s", text);
	}
	all = lines(COUNT(fill));
	json_array_foreach (all, i, line) {
		const json_t *message = json_object_get(line, "message");

		assert_true(json_string_length(message) >= 400);
		/* it begins as it should */
		assert_int_equal(json_string_value(message)[0],
		    fill[i][0] == '\xff' ? '?' : fill[i][0]);
	}
	json_decref(all);
}

static void
long_context_does_no_harm(void **state)
{
	char text[10001];
	json_t *all;

	(void)state;
	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t n = 0; n < 40; n++) {
		/* every way in which the rest may not fit */
		text[3000 - n] = '\0';
		log_context("default", text, text);
		log_info("%s", text);
		text[1500 - n] = '\0';
		log_context(text, "call", text);
		log_info("%s", text);
		memset(text, '"', sizeof(text) - 1);
	}
	all = lines(80);
	json_decref(all);
}

/* ---- where they go ---- */

static char folder[] = "/tmp/ons-log-XXXXXX";
static char path[64], moved[64];

static int
set_up_folder(void **state)
{
	strcpy(strrchr(folder, '-'), "-XXXXXX");
	if (mkdtemp(folder) == NULL || set_up(state) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(moved, sizeof(moved), "%s/log.1", folder);
	return 0;
}

static int
tear_down_folder(void **state)
{
	unlink(path);
	unlink(moved);
	rmdir(folder);
	return tear_down(state);
}

static size_t
lines_in(const char *name)
{
	FILE *f = fopen(name, "re");
	size_t n = 0;
	int c;

	assert_non_null(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static void
a_file_that_was_moved_away_is_made_again(void **state)
{
	struct err err = ERR_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(log_to_file(path, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0); /* not for others */
	log_info("1");
	assert_int_equal(rename(path, moved), 0);
	log_info("2");
	assert_int_equal(lines_in(moved), 2);
	log_reopen();
	log_info("3");
	log_info("4");
	assert_int_equal(lines_in(moved), 2);
	assert_int_equal(lines_in(path), 2);

	/* where it cannot be made, the old one is better than none */
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	log_reopen();
	log_info("5");
	assert_int_equal(lines_in(moved), 2 + 2); /* that, and why */
	assert_int_equal(rmdir(path), 0);
	log_reopen();
	log_info("6");
	assert_int_equal(lines_in(path), 1);
}

static void
a_full_disk_costs_lines_only(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(log_to_file("/dev/full", &err), 0);
	for (int i = 0; i < 1000; i++)
		log_info("%d", i);
	assert_int_equal(log_to_file("/nonexistent/log", &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
}

/* Last: there is no way back from it. */
static void
the_systems_log_takes_datagrams(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int peer = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), n, pid;
	struct err err = ERR_INIT;
	char text[4096], month[4];
	json_t *all;
	char *json;

	(void)state;
	strcpy(addr.sun_path, path);
	assert_int_equal(log_to_syslog(path, &err), 0);
	log_info("nobody listens: this goes where the others go");
	all = lines(1);
	json_decref(all);
	assert_int_equal(bind(peer, (struct sockaddr *)&addr, sizeof(addr)), 0);
	log_context("default", "call", "ACtest0001");
	log_warn("a\nb");
	n = (int)recv(peer, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	/* daemon.warning, as glibc writes it */
	assert_int_equal(
	    sscanf(text, "<28>%3s %*d %*d:%*d:%*d ons-test[%d]: ", month, &pid),
	    2);
	assert_int_equal(pid, getpid());
	assert_non_null(json = strchr(text, '{'));
	all = json_loads(json, 0, NULL);
	is(all, "message", "a\nb");
	is(all, "id", "ACtest0001");
	json_decref(all);

	/* who listens does not read: nobody waits for it */
	for (int i = 0; i < 10000; i++)
		log_info("%d", i);
	all = lines(1);
	json_decref(all);
	close(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    each_call_makes_one_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    lower_levels_are_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    what_is_worked_on_is_in_every_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_job_is_told_by_numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_failure_is_told_with_its_kind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    quotes_and_control_characters_come_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    bad_bytes_become_question_marks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    nothing_leaves_its_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    numbers_are_masked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    numbers_in_failures_are_masked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    long_messages_are_cut_not_broken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    long_context_does_no_harm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_file_that_was_moved_away_is_made_again, set_up_folder,
		    tear_down_folder),
		cmocka_unit_test_setup_teardown(
		    a_full_disk_costs_lines_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_systems_log_takes_datagrams,
		    set_up_folder, tear_down_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

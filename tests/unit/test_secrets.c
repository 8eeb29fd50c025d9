#include <sys/stat.h>
#include <unistd.h>

#include "model/secrets.h"
#include "unit.h"

#define NOON INT64_C(1795348800000000) /* 2026-11-22T12:00:00Z */

static void
the_newest_stands_in_front(void **state)
{
	int64_t since = 0;
	char *one = secrets_add("by hand\n", "first", "900001", NOON);
	char *two = secrets_add(one, "second", "900001", NOON + 1000000);
	char *all = secrets_add(two, "other", "90000", NOON);

	(void)state;
	assert_string_equal(all,
	    "other # 90000 2026-11-22T12:00:00.000Z\n"
	    "second # 900001 2026-11-22T12:00:01.000Z\n"
	    "first # 900001 2026-11-22T12:00:00.000Z\n"
	    "by hand\n");
	assert_int_equal(secrets_count(all, "900001", &since), 2);
	assert_int_equal(since, NOON + 1000000);
	assert_int_equal(secrets_count(all, "90000", NULL), 1);
	assert_int_equal(secrets_count(all, "9000", &since), 0);
	assert_int_equal(since, 0);
	free(one);
	free(two);
	free(all);
}

static void
what_is_dropped(void **state)
{
	static const char text[] = "# 900001 is a comment\n"
				   "a # 900001 2026-11-22T12:00:00.000Z\n"
				   "b c\n"
				   "d # 900001\n"
				   "e # 900002";
	static const struct {
		const char *webhook;
		size_t keep;
		const char *left;
	} cases[] = {
		{ "900001", 1,
		    "# 900001 is a comment\n"
		    "a # 900001 2026-11-22T12:00:00.000Z\nb c\ne # 900002" },
		{ "900001", 0, "# 900001 is a comment\nb c\ne # 900002" },
		{ "900002", 0,
		    "# 900001 is a comment\n"
		    "a # 900001 2026-11-22T12:00:00.000Z\nb c\nd # 900001\n" },
		{ "900003", 0, text },
		{ "900001", 9, text },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *left =
		    secrets_drop(text, cases[i].webhook, cases[i].keep);

		assert_string_equal(left, cases[i].left);
		free(left);
	}
}

/* A folder of our own, and the path of a file in it. */
static void
make_folder(char folder[64], char path[128])
{
	snprintf(folder, 64, "/tmp/test_secrets.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, 128, "%s/secrets", folder);
}

static void
holds(const char *path, const char *expected)
{
	struct err err = ERR_INIT;
	char *text = NULL;

	assert_int_equal(secrets_read(path, &text, &err), 0);
	assert_string_equal(text, expected);
	secrets_forget(text);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void
a_file_is_replaced_as_a_whole(void **state)
{
	char folder[64], path[128], link[128];
	struct err err = ERR_INIT;

	(void)state;
	make_folder(folder, path);
	snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(secrets_save(path, "one\n", &err), 0);
	holds(path, "one\n");
	assert_int_equal(mode_of(path), 0600);
	/* a group may go on reading it, and nobody else may begin to */
	assert_int_equal(chmod(path, 0660), 0);
	assert_int_equal(symlink("secrets", link), 0);
	assert_int_equal(secrets_save(link, "two\n", &err), 0);
	holds(path, "two\n");
	assert_int_equal(mode_of(path), 0640);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0); /* nothing else is left */
}

static void
what_cannot_be_written_says_so(void **state)
{
	char folder[64], path[128];
	struct err err = ERR_INIT;

	(void)state;
	make_folder(folder, path);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(secrets_save(path, "one\n", &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, path));
	assert_null(strstr(err.text, "one"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_stands_in_front),
		cmocka_unit_test(what_is_dropped),
		cmocka_unit_test(a_file_is_replaced_as_a_whole),
		cmocka_unit_test(what_cannot_be_written_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

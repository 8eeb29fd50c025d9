/* Files in a folder: whole, with the right modes, and never outside of it. */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/folder.h"

static char top[] = "/tmp/ons-test-folder-XXXXXX";
static char folder[64];
static struct folder media = { .path = folder };

static int
set_up(void **state)
{
	(void)state;
	umask(077); /* the modes do not depend on it */
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(folder, sizeof(folder), "%s/media", top);
	return mkdir(folder, 0700);
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

static int
put(const char *key, const char *text, struct err *err)
{
	FILE *file = tmpfile();
	int rc;

	assert_non_null(file);
	fputs(text, file);
	rc = folder_put(&media, key, file, (int64_t)strlen(text), err);
	fclose(file);
	return rc;
}

static void
holds(const char *key, const char *text)
{
	struct err err = ERR_INIT;
	FILE *file = folder_open(&media, key, &err);
	char bytes[64];
	size_t n;

	if (file == NULL)
		fail_msg("%s", err.text);
	n = fread(bytes, 1, sizeof(bytes), file);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(bytes, text, n);
	fclose(file);
}

static void
mode_is(const char *name, unsigned mode)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void
what_is_put_can_be_read(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(put("p/2026/a.mp3", "one", &err), 0);
	holds("p/2026/a.mp3", "one");
	mode_is("p/2026/a.mp3", 0640);
	mode_is("p/2026", 0750);
	assert_int_equal(put("p/2026/a.mp3", "another", &err), 0);
	holds("p/2026/a.mp3", "another");
	assert_int_equal(put("top.mp3", "", &err), 0);
	holds("top.mp3", "");
}

static void
the_group_is_inherited(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(chmod(folder, 02750), 0);
	assert_int_equal(put("group/b.mp3", "two", &err), 0);
	mode_is("group", 02750);
}

static int
entries(const char *name)
{
	char path[128];
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_non_null(dir = opendir(path));
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2; /* . and .. */
}

static void
a_failure_leaves_nothing(void **state)
{
	struct err err = ERR_INIT;
	FILE *file = tmpfile();

	(void)state;
	fputs("short", file);
	assert_int_equal(folder_put(&media, "f/c.mp3", file, 6, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	fclose(file);
	assert_int_equal(entries("f"), 0);
}

static bool
stop_after(void *ctx, bool file)
{
	int *left = ctx;

	return file && (*left)-- <= 0;
}

/* The lease is lost, or the program is to end: before a file's end, whatever
 * the disk takes for it. */
static void
a_copy_can_be_stopped(void **state)
{
	static char bytes[1 << 20];
	const int pieces = 16;
	struct err err = ERR_INIT;
	int left = pieces;
	struct folder watched = {
		.path = folder, .stop = stop_after, .stop_ctx = &left
	};
	FILE *file = tmpfile();

	(void)state;
	assert_int_equal(fwrite(bytes, 1, sizeof(bytes), file), sizeof(bytes));
	assert_int_equal(
	    folder_put(&watched, "s/d.mp3", file, sizeof(bytes), &err), 0);
	assert_int_equal(left, 0);
	left = pieces - 1;
	assert_int_equal(
	    folder_put(&watched, "s/e.mp3", file, sizeof(bytes), &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	assert_int_equal(entries("s"), 1);
	fclose(file);
}

/* The process is killed before the new file has its name. */
static void
what_a_crash_leaves_is_used_up(void **state)
{
	struct err err = ERR_INIT;
	char path[128];
	FILE *left;

	(void)state;
	assert_int_equal(put("crash/d.mp3", "old", &err), 0);
	snprintf(path, sizeof(path), "%s/crash/.new-d.mp3", folder);
	assert_non_null(left = fopen(path, "w"));
	fputs("longer than what comes", left);
	fclose(left);
	assert_int_equal(put("crash/d.mp3", "new", &err), 0);
	holds("crash/d.mp3", "new");
	assert_int_equal(entries("crash"), 1);
}

/* Nor does one writer spoil what another is writing. */
static void
one_writer_at_a_time(void **state)
{
	struct err err = ERR_INIT;
	char path[128];
	int fd;

	(void)state;
	assert_int_equal(put("busy/e.mp3", "old", &err), 0);
	snprintf(path, sizeof(path), "%s/busy/.new-e.mp3", folder);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(put("busy/e.mp3", "new", &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	holds("busy/e.mp3", "old");
	close(fd);
}

static void
keys_that_are_no_paths(void **state)
{
	static const char *const bad[] = { "", "/", "/etc/x", "a//b", "a/",
		"..", "../x", "a/../../x", "a/./b", ".", ".hidden", "a/.new" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err err = ERR_INIT;

		assert_false(folder_key_ok(bad[i]));
		assert_int_equal(put(bad[i], "x", &err), -1);
		assert_int_equal(err.kind, ERR_PERMANENT);
		assert_null(folder_open(&media, bad[i], &err));
	}
	assert_true(folder_key_ok("a/b..c/d.mp3"));
}

/* A link inside leads nowhere, whoever put it there. */
static void
symbolic_links_are_not_followed(void **state)
{
	struct err err = ERR_INIT;
	char path[128], outside[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/link", folder);
	assert_int_equal(symlink(top, path), 0);
	assert_int_equal(put("link/escaped.mp3", "x", &err), -1);
	assert_int_equal(err.kind, ERR_OPERATOR);
	snprintf(outside, sizeof(outside), "%s/escaped.mp3", top);
	assert_int_equal(access(outside, F_OK), -1);

	/* a file's name that is a link is replaced, not written through */
	snprintf(path, sizeof(path), "%s/file.mp3", folder);
	assert_int_equal(symlink(outside, path), 0);
	assert_null(folder_open(&media, "file.mp3", &err));
	err_clear(&err);
	assert_int_equal(put("file.mp3", "here", &err), 0);
	assert_int_equal(access(outside, F_OK), -1);
	holds("file.mp3", "here");
}

static void
what_is_removed_is_gone(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(put("gone/a.mp3", "here", &err), 0);
	assert_int_equal(folder_remove(&media, "gone/a.mp3", &err), 0);
	assert_null(folder_open(&media, "gone/a.mp3", &err));
	err_clear(&err);
	assert_int_equal(folder_remove(&media, "gone/a.mp3", &err), 0);
	assert_int_equal(folder_remove(&media, "never/was/a.mp3", &err), 0);
	assert_null(folder_open(&media, "never/was/a.mp3", &err));
	assert_int_equal(err.kind, ERR_OPERATOR);
	err_clear(&err);
	assert_int_equal(folder_remove(&media, "../a.mp3", &err), -1);
	assert_int_equal(err.kind, ERR_PERMANENT);
}

static void
no_folder_is_a_persons_affair(void **state)
{
	const struct folder nowhere = { .path = "/nonexistent/media" };
	struct err err = ERR_INIT;

	(void)state;
	assert_null(folder_open(&nowhere, "a.mp3", &err));
	assert_int_equal(err.kind, ERR_OPERATOR);
	err_clear(&err);
	/* is it not mounted? */
	assert_int_equal(folder_remove(&nowhere, "a/b.mp3", &err), -1);
	assert_int_equal(err.kind, ERR_OPERATOR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_can_be_read),
		cmocka_unit_test(the_group_is_inherited),
		cmocka_unit_test(a_failure_leaves_nothing),
		cmocka_unit_test(a_copy_can_be_stopped),
		cmocka_unit_test(what_a_crash_leaves_is_used_up),
		cmocka_unit_test(one_writer_at_a_time),
		cmocka_unit_test(keys_that_are_no_paths),
		cmocka_unit_test(symbolic_links_are_not_followed),
		cmocka_unit_test(what_is_removed_is_gone),
		cmocka_unit_test(no_folder_is_a_persons_affair),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

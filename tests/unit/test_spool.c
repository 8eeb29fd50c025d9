#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "queue/spool.h"

enum { PATH_SIZE = 512, FILES_MAX = 1024 };

static char folder[64], top[128];
static struct spool spool;

/* Seconds that have passed, and by which the clock was set besides. */
static time_t clock_passed, clock_set;

/* In the place of libc's, for all that is linked into this. */
int
clock_gettime(clockid_t id, struct timespec *ret)
{
	long rc = syscall(SYS_clock_gettime, id, ret);

	ret->tv_sec += clock_passed + (id == CLOCK_REALTIME ? clock_set : 0);
	return (int)rc;
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_spool.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(top, sizeof(top), "%s/spool", folder);
	spool_init(&spool, top, 1 << 20);
	return 0;
}

static int
tear_down(void **state)
{
	char command[PATH_SIZE];

	(void)state;
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

static const struct delivery full = { .workspace = "default",
	.key = "msg_1",
	.event_id = "EV1",
	.type = "call.completed",
	.kind = "call",
	.resource_id = "ACx1",
	.generation = 3,
	.occurred_at = 1768472970000123,
	.note = "a note: \xc3\xa4 \"quoted\"",
	.headers = "{\"webhook-id\":\"msg_1\"}",
	.body = "{\"id\":\0\"\xff\n}",
	.body_len = 12,
	.due = true };
static const struct delivery bare = { .workspace = "default",
	.key = "sha256:00",
	.kind = "other",
	.headers = "{}",
	.body = "{}",
	.body_len = 2 };

static void
put(const struct delivery *delivery)
{
	struct err err = ERR_INIT;

	if (spool_put(&spool, delivery, &err) != 0)
		fail_msg("%s", err.text);
}

static int
open_new(void)
{
	char path[PATH_SIZE];
	int dir;

	snprintf(path, sizeof(path), "%s/new", top);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	return dir;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder of the spool, in order. */
static int
names_in(const char *name, char *names[FILES_MAX])
{
	char path[PATH_SIZE];
	struct dirent *entry;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	assert_non_null(dir = opendir(path));
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.') {
			assert_true(n < FILES_MAX);
			names[n++] = strdup(entry->d_name);
		}
	closedir(dir);
	qsort(names, (size_t)n, sizeof(*names), by_name);
	return n;
}

static void
free_names(char **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
}

/* Path of the only file. */
static void
only_file(char ret[PATH_SIZE])
{
	char *names[FILES_MAX];
	int n = names_in("new", names);

	assert_int_equal(n, 1);
	snprintf(ret, PATH_SIZE, "%s/new/%s", top, names[0]);
	free_names(names, n);
}

static void
write_bytes(const char *path, const void *bytes, size_t n)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static size_t
read_bytes(const char *path, char *ret, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t n;

	assert_non_null(file);
	n = fread(ret, 1, size, file);
	fclose(file);
	assert_true(n < size);
	return n;
}

static enum err_kind
kind_of(const char *name)
{
	struct spooled spooled;
	struct err err = ERR_INIT;
	int dir = open_new();

	if (spool_read(dir, name, &spooled, &err) == 0)
		spooled_free(&spooled);
	close(dir);
	return err.kind;
}

static void
same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

/* ---- there and back ---- */

static void
comes_back(const struct delivery *sent)
{
	struct spooled spooled = { 0 };
	struct err err = ERR_INIT;
	struct stat st;
	char path[PATH_SIZE], *names[FILES_MAX];
	const struct delivery *got = &spooled.delivery;
	int dir;

	put(sent);
	only_file(path);
	assert_int_equal(names_in("tmp", names), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	dir = open_new();
	if (spool_read(dir, strrchr(path, '/') + 1, &spooled, &err) != 0)
		fail_msg("%s", err.text);
	close(dir);
	same(got->workspace, sent->workspace);
	same(got->key, sent->key);
	same(got->event_id, sent->event_id);
	same(got->type, sent->type);
	same(got->kind, sent->kind);
	same(got->resource_id, sent->resource_id);
	same(got->note, sent->note);
	assert_int_equal(got->generation, sent->generation);
	assert_true(got->occurred_at == sent->occurred_at);
	assert_int_equal(got->due, sent->due);
	assert_int_equal(got->body_len, sent->body_len);
	assert_memory_equal(got->body, sent->body, sent->body_len);
	/* when it came would be lost otherwise */
	assert_non_null(strstr(got->headers, "\"spooled-at\":\"20"));
	if (sent == &full)
		assert_non_null(
		    strstr(got->headers, "\"webhook-id\":\"msg_1\""));
	spooled_free(&spooled);
}

static void
a_delivery_comes_back(void **state)
{
	struct stat st;

	(void)state;
	comes_back(&full);
	assert_int_equal(stat(top, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void
one_without_anything_comes_back(void **state)
{
	(void)state;
	comes_back(&bare);
}

static void
names_sort_by_receipt(void **state)
{
	struct delivery d = bare;
	struct spooled spooled;
	struct err err = ERR_INIT;
	char *names[FILES_MAX], key[32];
	int dir, n;

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "%d", i);
		d.key = key;
		put(&d);
	}
	n = names_in("new", names);
	assert_int_equal(n, 300);
	dir = open_new();
	for (int i = 0; i < n; i++) {
		assert_int_equal(spool_read(dir, names[i], &spooled, &err), 0);
		snprintf(key, sizeof(key), "%d", i);
		assert_string_equal(spooled.delivery.key, key);
		spooled_free(&spooled);
	}
	close(dir);
	free_names(names, n);
}

/* ---- what is no delivery ---- */

static void
a_torn_file_is_known(void **state)
{
	char path[PATH_SIZE], bytes[4096];
	const char *name;
	size_t n;

	(void)state;
	put(&full);
	only_file(path);
	name = strrchr(path, '/') + 1;
	n = read_bytes(path, bytes, sizeof(bytes));
	assert_true(n > 200);
	for (size_t i = 0; i < n; i++) {
		write_bytes(path, bytes, i);
		assert_int_equal(kind_of(name), ERR_PERMANENT);
	}
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= 1;
		write_bytes(path, bytes, n);
		assert_int_equal(kind_of(name), ERR_PERMANENT);
		bytes[i] ^= 1;
	}
	bytes[n] = '\0';
	write_bytes(path, bytes, n + 1);
	assert_int_equal(kind_of(name), ERR_PERMANENT);
	write_bytes(path, bytes, n); /* whole again */
	assert_int_equal(kind_of(name), ERR_NONE);
}

static void
a_foreign_file_is_known(void **state)
{
	static const char zeros[] =
	    " 0000000000000000000000000000000000000000000000000000000000000000"
	    "\n";
	const char *const texts[] = { "", "\n", "hello\n", "ons-spool 1 ",
		"ons-spool 1 0 0", "ons-spool 1 -1 -1", "ons-spool 2 0 0",
		"ons-spool 1 99999999999999999999999 0",
		"ons-spool 1 1048576 1073741824" };
	char path[PATH_SIZE], text[PATH_SIZE];

	(void)state;
	put(&bare);
	snprintf(path, sizeof(path), "%s/new/foreign", top);
	for (size_t i = 0; i < COUNT(texts); i++) {
		write_bytes(path, texts[i], strlen(texts[i]));
		assert_int_equal(kind_of("foreign"), ERR_PERMANENT);
		snprintf(text, sizeof(text), "%s%s", texts[i], zeros);
		write_bytes(path, text, strlen(text));
		assert_int_equal(kind_of("foreign"), ERR_PERMANENT);
	}
	assert_int_equal(truncate(path, INT64_C(3) << 30), 0);
	assert_int_equal(kind_of("foreign"), ERR_PERMANENT);
}

static void
what_is_no_file_is_known(void **state)
{
	char path[PATH_SIZE];

	(void)state;
	put(&bare);
	snprintf(path, sizeof(path), "%s/new/folder", top);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(kind_of("folder"), ERR_PERMANENT);
	snprintf(path, sizeof(path), "%s/new/fifo", top);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(kind_of("fifo"), ERR_PERMANENT);
	snprintf(path, sizeof(path), "%s/new/link", top);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(kind_of("link"), ERR_PERMANENT);
	/* somebody took it away: no reason to set anything aside */
	assert_int_equal(kind_of("gone"), ERR_RETRY);
}

/* ---- when it cannot be kept ---- */

static void
is_refused(const char *words)
{
	struct err err = ERR_INIT;

	assert_int_equal(spool_put(&spool, &full, &err), -1);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" is not in: %s", words, err.text);
}

static void
it_holds_no_more_than_it_may(void **state)
{
	struct spool_count new, bad;
	struct err err = ERR_INIT;
	char path[PATH_SIZE];

	(void)state;
	spool_init(&spool, top, 20000);
	put(&full);
	assert_int_equal(spool_probe(&spool, &err), 0);
	while (spool_put(&spool, &full, &err) == 0)
		;
	is_refused("spool_max");
	err_clear(&err);
	assert_int_equal(spool_probe(&spool, &err), -1);
	err_clear(&err);
	assert_int_equal(spool_count(top, &new, &bad, &err), 0);
	assert_in_range(new.bytes, 19000, 20000);
	/* what was set aside, and what others put there, counts as well */
	spool_init(&spool, top, 40000);
	put(&full);
	snprintf(path, sizeof(path), "%s/bad", top);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/bad/large", top);
	write_bytes(path, "", 0);
	assert_int_equal(truncate(path, 20000), 0);
	put(&full); /* not counted yet */
	spool_init(&spool, top, 40000);
	is_refused("spool_max");
}

/* The clock is set back, by NTP for one: that the folder has become empty is
 * seen all the same. */
static void
what_it_holds_is_counted_by_no_clock(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	spool_init(&spool, top, 20000);
	while (spool_put(&spool, &full, &err) == 0)
		;
	is_refused("spool_max");
	assert_int_equal(tear_down(NULL), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	clock_set = -3600;
	clock_passed = 11;
	put(&full);
	clock_set = clock_passed = 0;
}

static void
a_failed_write_leaves_nothing(void **state)
{
	struct rlimit before, small;
	char *names[FILES_MAX];

	(void)state;
	put(&full); /* the folders */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 64;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	is_refused("File too large");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(names_in("tmp", names), 0);
	only_file((char[PATH_SIZE]){ 0 });
}

static void
a_folder_that_cannot_be_is_named(void **state)
{
	struct err err = ERR_INIT;
	char path[PATH_SIZE];

	(void)state;
	write_bytes(top, "", 0);
	assert_int_equal(spool_probe(&spool, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, top));
	assert_non_null(strstr(err.text, "[webhook] spool"));
	is_refused("Not a directory");
	/* no folder above it */
	assert_int_equal(unlink(top), 0);
	snprintf(path, sizeof(path), "%s/none/spool", folder);
	spool_init(&spool, path, 1 << 20);
	is_refused("No such file");
	/* it heals by itself */
	spool_init(&spool, top, 1 << 20);
	put(&full);
}

static void
what_there_is_is_counted(void **state)
{
	struct spool_count new, bad;
	struct err err = ERR_INIT;
	int64_t first;

	(void)state;
	assert_int_equal(spool_count(top, &new, &bad, &err), 0);
	assert_int_equal(new.files + bad.files, 0); /* no folder yet */
	put(&full);
	assert_int_equal(spool_count(top, &new, &bad, &err), 0);
	assert_int_equal(new.files, 1);
	assert_int_equal(bad.files, 0);
	assert_true(new.bytes > 200);
	assert_true((first = new.oldest) > 0);
	put(&full);
	assert_int_equal(spool_count(top, &new, &bad, &err), 0);
	assert_int_equal(new.files, 2);
	assert_true(new.oldest == first);
}

/* That somebody is in no file is not known of one that cannot be read. */
static void
who_is_looked_for_may_be_in_what_cannot_be_read(void **state)
{
	json_t *values = json_pack("[s]", "msg_1");
	char path[PATH_SIZE], name[PATH_SIZE];
	struct err err = ERR_INIT;
	int64_t files = 0;

	(void)state;
	put(&full);
	only_file(name);
	assert_int_equal(spool_search(top, values, false, &files, &err), 0);
	assert_int_equal(files, 1);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chmod(top, 0755), 0);
	snprintf(path, sizeof(path), "%s/new", top);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(chmod(name, 0), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(spool_search(top, values, false, &files, &err), -1);
	assert_non_null(strstr(err.text, "Permission denied"));
	assert_non_null(strstr(err.text, strrchr(name, '/') + 1));
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	json_decref(values);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_delivery_comes_back),
		TEST(one_without_anything_comes_back),
		TEST(names_sort_by_receipt),
		TEST(a_torn_file_is_known),
		TEST(a_foreign_file_is_known),
		TEST(what_is_no_file_is_known),
		TEST(it_holds_no_more_than_it_may),
		TEST(what_it_holds_is_counted_by_no_clock),
		TEST(a_failed_write_leaves_nothing),
		TEST(a_folder_that_cannot_be_is_named),
		TEST(what_there_is_is_counted),
		TEST(who_is_looked_for_may_be_in_what_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

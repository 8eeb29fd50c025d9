#include "queue/takein.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "queue/spool.h"
#include "queue/store.h"

enum {
	LISTED_MAX = 4096,	   /* files at a time */
	BATCH_BYTES_MAX = 4 << 20, /* and one more file */
	STALE_S = 10 * 60
};

struct takein {
	const char *path;
	struct db *db;
	const volatile sig_atomic_t *stop;
	int top, new;
	char *names[2 * LISTED_MAX];
	size_t n;
	bool more; /* files than could be listed */
	size_t stored, moved, left;
	/* read, but not yet stored */
	struct spooled batch[STORE_BATCH_MAX];
	const char *files[STORE_BATCH_MAX];
	size_t waiting, bytes;
};

/* ---- the folder ---- */

static int
open_in(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Call each() for everything in the folder. -1: errno says why. */
static int
walk(int at, const char *folder,
    void (*each)(struct takein *, int dir, const char *name), struct takein *t)
{
	struct dirent *entry;
	int fd = open_in(at, folder);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			each(t, fd, entry->d_name);
	closedir(dir);
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Keep the first LISTED_MAX, in order. */
static void
sort(struct takein *t)
{
	qsort(t->names, t->n, sizeof(*t->names), compare);
	for (; t->n > LISTED_MAX; t->more = true)
		free(t->names[--t->n]);
}

static void
list(struct takein *t, int dir, const char *name)
{
	(void)dir;
	if (t->n == sizeof(t->names) / sizeof(*t->names))
		sort(t);
	if ((t->names[t->n] = strdup(name)) != NULL)
		t->n++;
	else
		t->more = true;
}

/* Of a writer that died: the delivery was not acknowledged. */
static void
remove_stale(struct takein *t, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    rfc3339_now() / 1000000 - st.st_mtim.tv_sec > STALE_S &&
	    unlinkat(dir, name, 0) == 0)
		log_info(
		    "spool %s: removed the unfinished tmp/%s", t->path, name);
}

static void
set_aside(struct takein *t, const char *name, const struct err *why)
{
	char to[256];
	int bad;

	/* nothing that was set aside before may be written over */
	snprintf(
	    to, sizeof(to), "%016lld-%.200s", (long long)rfc3339_now(), name);
	mkdirat(t->top, "bad", 0700);
	FAILPOINT("takein.moving");
	if ((bad = open_in(t->top, "bad")) >= 0 &&
	    renameat(t->new, name, bad, to) == 0) {
		log_error("spool %s: set aside new/%s as bad/%s: %s", t->path,
		    name, to, why->text);
		t->moved++;
	} else {
		log_error("spool %s: new/%s: %s; moving it to bad/: %s",
		    t->path, name, why->text, strerror(errno));
		t->left++;
	}
	if (bad >= 0)
		close(bad);
}

/* ---- into the database ---- */

/* After a crash the file may be there again: its delivery is known then. */
static void
stored(struct takein *t, size_t i)
{
	t->stored++;
	FAILPOINT("takein.stored");
	if (unlinkat(t->new, t->files[i], 0) == 0) {
		FAILPOINT("takein.removed");
		return;
	}
	log_error("spool %s: cannot remove new/%s: %s", t->path, t->files[i],
	    strerror(errno));
	t->left++;
}

/* One of them is refused for itself: find out which. */
static int
store_each(struct takein *t, struct err *err)
{
	for (size_t i = 0; i < t->waiting; i++) {
		struct err why = ERR_INIT;

		if (store_deliveries(t->db, &t->batch[i].delivery, 1, &why) ==
		    0) {
			stored(t, i);
		} else if (why.kind == ERR_PERMANENT) {
			set_aside(t, t->files[i], &why);
		} else {
			*err = why;
			return -1;
		}
	}
	return 0;
}

static int
store_batch(struct takein *t, struct err *err)
{
	struct delivery deliveries[STORE_BATCH_MAX];
	int rc = 0;

	for (size_t i = 0; i < t->waiting; i++)
		deliveries[i] = t->batch[i].delivery;
	if (t->waiting > 0)
		rc = store_deliveries(t->db, deliveries, t->waiting, err);
	if (rc != 0 && err->kind == ERR_PERMANENT) {
		err_clear(err);
		rc = store_each(t, err);
	} else if (rc == 0) {
		for (size_t i = 0; i < t->waiting; i++)
			stored(t, i);
	}
	for (size_t i = 0; i < t->waiting; i++)
		spooled_free(&t->batch[i]);
	t->waiting = t->bytes = 0;
	return rc;
}

static void
read_one(struct takein *t, const char *name)
{
	struct err why = ERR_INIT;

	if (spool_read(t->new, name, &t->batch[t->waiting], &why) == 0) {
		FAILPOINT("takein.read");
		t->bytes += t->batch[t->waiting].delivery.body_len;
		t->files[t->waiting++] = name;
	} else if (why.kind == ERR_PERMANENT) {
		set_aside(t, name, &why);
	} else {
		log_err(&why, "spool %s: new/%s", t->path, name);
		t->left++;
	}
}

/* All that is listed. */
static int
take_listed(struct takein *t, struct err *err)
{
	for (size_t i = 0; i < t->n && !*t->stop; i++) {
		read_one(t, t->names[i]);
		if ((t->waiting == STORE_BATCH_MAX ||
			t->bytes >= BATCH_BYTES_MAX) &&
		    store_batch(t, err) != 0)
			return -1;
	}
	return store_batch(t, err);
}

/* Again and again, for more may be there than can be listed, as long as it
 * becomes fewer. */
static int
take_all(struct takein *t, struct err *err)
{
	size_t before;
	int rc = 0;

	do {
		before = t->stored + t->moved;
		t->left = 0;
		t->more = false;
		if (walk(t->top, "new", list, t) != 0) {
			err_sys(err, ERR_CONFIG, "spool %s: cannot read new/",
			    t->path);
			return -1;
		}
		sort(t);
		rc = take_listed(t, err);
		while (t->n > 0)
			free(t->names[--t->n]);
	} while (
	    rc == 0 && t->more && t->stored + t->moved > before && !*t->stop);
	return rc;
}

static int
take_locked(struct takein *t, enum takein_result *ret, struct err *err)
{
	struct err ignored = ERR_INIT;
	int rc;

	(void)walk(t->top, "tmp", remove_stale, t);
	rc = take_all(t, err);
	if (t->stored > 0) {
		log_info(
		    "spool %s: took in %zu deliveries", t->path, t->stored);
		/* who is not woken looks by itself */
		(void)store_notify(t->db, &ignored);
	}
	*ret = t->left > 0 ? TAKEIN_LEFT : TAKEIN_DONE;
	return rc;
}

int
takein_run(const char *path, struct db *db, const volatile sig_atomic_t *stop,
    enum takein_result *ret, struct err *err)
{
	struct takein *t;
	int rc = 0;

	if ((t = calloc(1, sizeof(*t))) == NULL) {
		err_nomem(err);
		return -1;
	}
	t->path = path;
	t->db = db;
	t->stop = stop;
	t->top = t->new = -1;
	*ret = TAKEIN_DONE;
	/* the lock goes with the descriptor, and with the process */
	if ((t->top = open_in(AT_FDCWD, path)) < 0 ||
	    (t->new = open_in(t->top, "new")) < 0) {
		if (errno != ENOENT) { /* nothing was ever spooled here */
			err_sys(err, ERR_CONFIG, "spool %s", path);
			rc = -1;
		}
	} else if (flock(t->new, LOCK_EX | LOCK_NB) == 0) {
		rc = take_locked(t, ret, err);
	} else if (errno == EWOULDBLOCK) {
		*ret = TAKEIN_BUSY;
	} else {
		err_sys(err, ERR_CONFIG, "spool %s: cannot lock it", path);
		rc = -1;
	}
	if (t->new >= 0)
		close(t->new);
	if (t->top >= 0)
		close(t->top);
	free(t);
	return rc;
}

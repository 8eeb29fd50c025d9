#include "api/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/fd.h"

enum {
	FILE_MODE = 0640,
	FOLDER_MODE = 0750,
	COPY_SIZE = 1 << 16,
	/* a slow disk must not have it all at the end, where nobody is asked
	 * whether to go on; a multiple of the above */
	SYNC_EVERY = 4 << 20
};

/* Where a file is, or is to be. */
struct place {
	int dir;	  /* the innermost folder; -1: it is not there */
	const char *name; /* in it; points into the key */
};

bool
folder_key_ok(const char *key)
{
	for (;;) {
		size_t n = strcspn(key, "/");

		if (n == 0 || *key == '.')
			return false;
		if (key[n] == '\0')
			return true;
		key += n + 1;
	}
}

static int
fail(const char *what, const char *key, struct err *err)
{
	bool person = errno == ENOENT || errno == EACCES || errno == EPERM ||
	    errno == EROFS || errno == ENOTDIR || errno == ELOOP ||
	    errno == ENOSPC || errno == EDQUOT;

	err_sys(
	    err, person ? ERR_OPERATOR : ERR_RETRY, "folder: %s %s", what, key);
	return -1;
}

/* A folder that we made: its mode whatever the umask, its group inherited. */
static int
set_mode(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0
	    ? fchmod(fd, (st.st_mode & S_ISGID) | FOLDER_MODE)
	    : -1;
}

/* Step from the folder *dir into the one called name; make: make it. */
static int
step(int *dir, const char *name, bool make)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	bool made = make && mkdirat(*dir, name, FOLDER_MODE) == 0;
	int fd;

	if (make && !made && errno != EEXIST)
		return -1;
	if ((fd = openat(*dir, name, flags)) < 0)
		return -1;
	if (made && (set_mode(fd) != 0 || fsync(*dir) != 0)) {
		close(fd);
		return -1;
	}
	close(*dir);
	*dir = fd;
	return 0;
}

/* 0 with *ret, whose dir is the caller's to close, or -1. make: make the
 * folders in the key that are not there. */
static int
find(const char *folder, const char *key, bool make, struct place *ret,
    struct err *err)
{
	const char *slash, *rest = key;
	char name[256];
	int dir, rc;

	if (!folder_key_ok(key)) {
		err_set(err, ERR_PERMANENT, "folder: a key that is no path");
		return -1;
	}
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail("cannot open", folder, err);
	for (; (slash = strchr(rest, '/')) != NULL; rest = slash + 1) {
		size_t n = (size_t)(slash - rest);

		errno = ENAMETOOLONG;
		if (n < sizeof(name)) {
			memcpy(name, rest, n);
			name[n] = '\0';
		}
		if (n < sizeof(name) && step(&dir, name, make) == 0)
			continue;
		rc = !make && errno == ENOENT
		    ? 0
		    : fail("cannot open the folders of", key, err);
		close(dir);
		*ret = (struct place){ .dir = -1 };
		return rc;
	}
	*ret = (struct place){ .dir = dir, .name = rest };
	return 0;
}

static int
copy_piece(FILE *from, char *bytes, size_t n, int to)
{
	if (fread(bytes, 1, n, from) == n)
		return fd_write(to, bytes, n);
	errno = EIO; /* shorter than announced */
	return -1;
}

static int
copy(const struct folder *folder, FILE *from, int64_t size, int to)
{
	char *bytes = malloc(COPY_SIZE);
	int64_t done = 0;
	int rc = bytes == NULL || fseeko(from, 0, SEEK_SET) != 0 ? -1 : 0;

	while (rc == 0 && done < size) {
		size_t n =
		    size - done < COPY_SIZE ? (size_t)(size - done) : COPY_SIZE;

		FAILPOINT("folder.copying");
		if (folder->stop != NULL &&
		    folder->stop(folder->stop_ctx, true)) {
			errno = ECANCELED;
			rc = -1;
		} else {
			rc = copy_piece(from, bytes, n, to);
		}
		done += (int64_t)n;
		if (rc == 0 && done % SYNC_EVERY == 0)
			rc = fdatasync(to);
	}
	free(bytes);
	return rc;
}

/* A file to be written, under a name that nobody looks for. What an attempt
 * that died has left there is taken over; one that is still at work is left
 * alone: its lock is on the file, until it has got its own name. */
static int
open_new(const struct place *place, const char *temporary)
{
	struct stat mine, there;
	int fd = openat(place->dir, temporary,
	    O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		if (fstat(fd, &mine) == 0 &&
		    fstatat(place->dir, temporary, &there,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		    mine.st_ino == there.st_ino && ftruncate(fd, 0) == 0)
			return fd;
		errno = EAGAIN; /* it has just got its name */
	}
	close(fd);
	return -1;
}

static int
write_file(const struct folder *folder, const struct place *place, FILE *file,
    int64_t size)
{
	char temporary[NAME_MAX + 1];
	int fd, rc = -1, saved;

	errno = ENAMETOOLONG;
	if (snprintf(temporary, sizeof(temporary), ".new-%s", place->name) >=
		(int)sizeof(temporary) ||
	    (fd = open_new(place, temporary)) < 0)
		return -1;
	if (fchmod(fd, FILE_MODE) == 0 && copy(folder, file, size, fd) == 0 &&
	    fsync(fd) == 0) {
		FAILPOINT("folder.renaming");
		rc = renameat(place->dir, temporary, place->dir, place->name);
	}
	saved = errno;
	FAILPOINT("folder.renamed");
	if (rc != 0)
		unlinkat(place->dir, temporary, 0);
	close(fd);
	if (rc == 0)
		rc = fsync(place->dir); /* the name must last, too */
	else
		errno = saved;
	return rc;
}

int
folder_put(const struct folder *folder, const char *key, FILE *file,
    int64_t size, struct err *err)
{
	struct place place;
	int rc;

	if (find(folder->path, key, true, &place, err) != 0)
		return -1;
	if ((rc = write_file(folder, &place, file, size)) != 0)
		fail("cannot write", key, err);
	close(place.dir);
	return rc;
}

FILE *
folder_open(const struct folder *folder, const char *key, struct err *err)
{
	struct place place;
	FILE *file = NULL;
	int fd;

	if (find(folder->path, key, false, &place, err) != 0)
		return NULL;
	errno = ENOENT;
	fd = place.dir < 0
	    ? -1
	    : openat(place.dir, place.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (file = fdopen(fd, "rb")) == NULL) {
		fail("cannot read", key, err);
		if (fd >= 0)
			close(fd);
	}
	close(place.dir);
	return file;
}

int
folder_remove(const struct folder *folder, const char *key, struct err *err)
{
	struct place place;
	int rc = 0;

	if (find(folder->path, key, false, &place, err) != 0)
		return -1;
	if (place.dir < 0)
		return 0;
	if (unlinkat(place.dir, place.name, 0) != 0 && errno != ENOENT)
		rc = fail("cannot remove", key, err);
	close(place.dir);
	return rc;
}

#include "queue/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/rfc3339.h"
#include "ext/crypto.h"
#include "ext/jansson.h"

enum {
	FOLDER_MODE = 0700,
	FILE_MODE = 0600,
	NAME_SIZE = 64,
	HEAD_SIZE = 128,
	FIELDS_MAX = 1 << 20,
	BODY_MAX = 1 << 30,  /* as [webhook] max_body */
	FREE_MIN = 32 << 20, /* of the disk, for all others */
	ORDINARY = 16 << 10, /* a delivery */
	COUNT_EVERY_MS = 10 * 1000,
};

#define MAGIC "ons-spool 1 "

static int
write_head(size_t fields, size_t body, const char *hash, char ret[HEAD_SIZE])
{
	return snprintf(
	    ret, HEAD_SIZE, MAGIC "%zu %zu %s\n", fields, body, hash);
}

static int
hash_of(const char *fields, size_t n, const void *body, size_t body_len,
    char ret[SHA256_HEX_SIZE])
{
	unsigned char digest[SHA256_SIZE];
	struct crypto_hash *hash = crypto_hash_begin();
	int rc = -1;

	if (hash != NULL && crypto_hash_add(hash, fields, n) == 0)
		rc = crypto_hash_add(hash, body, body_len);
	if (hash == NULL || crypto_hash_end(hash, digest) != 0 || rc != 0)
		return -1;
	crypto_hex(digest, sizeof(digest), ret);
	return 0;
}

/* ---- the folders ---- */

struct folders {
	int top, tmp, new;
};

static int
fail(const char *path, const char *what, struct err *err)
{
	bool person = errno == ENOENT || errno == EACCES || errno == EPERM ||
	    errno == ENOTDIR || errno == EROFS;

	err_set(err, person ? ERR_CONFIG : ERR_RETRY, "spool %s: %s: %s%s",
	    path, what, strerror(errno),
	    person ? ": [webhook] spool must be a folder that belongs to the "
		     "user of the programs (install -d -o ons -m 0700)"
		   : "");
	return -1;
}

/* The folder called name in dir; made if it is missing, to last. */
static int
open_folder(int dir, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	bool made = mkdirat(dir, name, FOLDER_MODE) == 0;
	int fd, up, rc;

	if (!made && errno != EEXIST)
		return -1;
	if ((fd = openat(dir, name, flags)) < 0 || !made)
		return fd;
	if ((up = openat(fd, "..", flags)) < 0 || (rc = fsync(up)) != 0) {
		close(fd);
		fd = -1;
	}
	if (up >= 0)
		close(up);
	return fd;
}

static void
close_folders(const struct folders *f)
{
	if (f->top >= 0)
		close(f->top);
	if (f->tmp >= 0)
		close(f->tmp);
	if (f->new >= 0)
		close(f->new);
}

static int
open_folders(const char *path, struct folders *ret, struct err *err)
{
	struct folders f = { -1, -1, -1 };

	if ((f.top = open_folder(AT_FDCWD, path)) >= 0 &&
	    (f.tmp = open_folder(f.top, "tmp")) >= 0 &&
	    (f.new = open_folder(f.top, "new")) >= 0) {
		*ret = f;
		return 0;
	}
	fail(path, "cannot open it", err);
	close_folders(&f);
	return -1;
}

/* ---- how much it holds ---- */

static int
count_in(int top, const char *name, struct spool_count *ret)
{
	struct dirent *entry;
	struct stat st;
	int fd = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return errno == ENOENT ? 0 : -1;
	}
	while ((entry = readdir(dir)) != NULL) {
		int64_t at;

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		at = st.st_mtim.tv_sec * INT64_C(1000000) +
		    st.st_mtim.tv_nsec / 1000;
		if (ret->oldest == 0 || at < ret->oldest)
			ret->oldest = at;
		ret->files++;
		ret->bytes += st.st_size;
	}
	closedir(dir);
	return 0;
}

int
spool_count(const char *path, struct spool_count *new, struct spool_count *bad,
    struct err *err)
{
	int rc, top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*new = *bad = (struct spool_count){ 0 };
	if (top < 0)
		return errno == ENOENT ? 0 : fail(path, "cannot look", err);
	rc = count_in(top, "new", new) == 0 && count_in(top, "bad", bad) == 0
	    ? 0
	    : fail(path, "cannot look", err);
	close(top);
	return rc;
}

/* Is there room for a file of that size (0: for an ordinary one)? The files
 * are counted now and then only: in between, those of this process are
 * added. */
static int
make_room(struct spool *s, int top, size_t size, struct err *err)
{
	struct spool_count new, bad;
	struct statvfs disk;
	int64_t now = clock_ms();
	size_t need = size == 0 ? ORDINARY : size;
	int rc = 0;

	if (fstatvfs(top, &disk) != 0)
		return fail(s->path, "cannot look", err);
	if (disk.f_bavail * disk.f_frsize < FREE_MIN + need) {
		err_set(err, ERR_RETRY, "spool %s: the disk is full", s->path);
		return -1;
	}
	pthread_mutex_lock(&s->lock);
	if (s->counted_at == 0 || now - s->counted_at > COUNT_EVERY_MS) {
		rc = spool_count(s->path, &new, &bad, err);
		s->bytes = new.bytes + bad.bytes;
		s->counted_at = now;
	}
	if (rc == 0 && s->bytes + (int64_t)need > s->max) {
		err_set(err, ERR_RETRY,
		    "spool %s: it holds %lld bytes, no more fit in ([webhook] "
		    "spool_max)",
		    s->path, (long long)s->bytes);
		rc = -1;
	}
	if (rc == 0)
		s->bytes += (int64_t)size;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* ---- writing ---- */

void
spool_init(struct spool *spool, const char *path, int64_t max)
{
	*spool = (struct spool){
		.path = path, .max = max, .lock = PTHREAD_MUTEX_INITIALIZER
	};
}

int
spool_probe(struct spool *spool, struct err *err)
{
	struct folders f;
	int rc;

	if (open_folders(spool->path, &f, err) != 0)
		return -1;
	if (faccessat(f.tmp, ".", W_OK, 0) != 0 ||
	    faccessat(f.new, ".", W_OK, 0) != 0)
		rc = fail(spool->path, "cannot write", err);
	else
		rc = make_room(spool, f.top, 0, err);
	close_folders(&f);
	return rc;
}

static char *
fields_of(const struct delivery *d)
{
	json_t *fields = json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:i, "
				   "s:I, s:s?, s:s?, s:b, s:I}",
	    "workspace", d->workspace, "key", d->key, "event_id", d->event_id,
	    "type", d->type, "kind", d->kind, "resource_id", d->resource_id,
	    "generation", d->generation, "occurred_at",
	    (json_int_t)d->occurred_at, "note", d->note, "headers", d->headers,
	    "due", d->due, "spooled_at", (json_int_t)rfc3339_now());
	char *text = fields == NULL ? NULL : jansson_text(fields, JSON_COMPACT);

	json_decref(fields);
	return text;
}

/* Several threads at a time: the file system syncs their files together. */
static int
write_file(const struct folders *f, const char *name, const struct buf *front,
    const struct delivery *d)
{
	int fd, saved, rc = -1;

	fd = openat(
	    f->tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return -1;
	if (fd_write(fd, front->data, front->len) == 0 &&
	    fd_write(fd, d->body, d->body_len) == 0) {
		FAILPOINT("spool.written");
		rc = fsync(fd);
	}
	if (rc == 0) {
		FAILPOINT("spool.synced");
		rc = renameat(f->tmp, name, f->new, name);
	}
	saved = errno;
	FAILPOINT("spool.renamed");
	close(fd);
	if (rc != 0)
		unlinkat(f->tmp, name, 0);
	else if ((rc = fsync(f->new)) != 0) /* the name must last, too */
		saved = errno;
	FAILPOINT("spool.kept");
	errno = saved;
	return rc;
}

/* Sixteen digits of microseconds reach beyond the year 2200. */
static void
make_name(char ret[NAME_SIZE])
{
	static atomic_uint sequence;

	snprintf(ret, NAME_SIZE, "%016lld-%07ld-%010u",
	    (long long)rfc3339_now(), (long)getpid(),
	    atomic_fetch_add(&sequence, 1));
}

static int
make_front(const struct delivery *d, struct buf *front, struct err *err)
{
	char *fields = fields_of(d), hash[SHA256_HEX_SIZE], head[HEAD_SIZE];
	int rc = -1;

	buf_init(front, HEAD_SIZE + FIELDS_MAX);
	if (fields != NULL &&
	    hash_of(fields, strlen(fields), d->body, d->body_len, hash) == 0) {
		write_head(strlen(fields), d->body_len, hash, head);
		if (buf_adds(front, head) == 0 && buf_adds(front, fields) == 0)
			rc = 0;
	}
	if (rc != 0)
		err_nomem(err);
	free(fields);
	return rc;
}

int
spool_put(struct spool *spool, const struct delivery *d, struct err *err)
{
	struct folders f;
	struct buf front;
	char name[NAME_SIZE];
	int rc = -1;

	if (make_front(d, &front, err) == 0 &&
	    open_folders(spool->path, &f, err) == 0) {
		make_name(name);
		rc = make_room(spool, f.top, front.len + d->body_len, err);
		if (rc == 0 && (rc = write_file(&f, name, &front, d)) != 0)
			fail(spool->path, "cannot write", err);
		close_folders(&f);
	}
	buf_free(&front);
	return rc;
}

/* ---- reading ---- */

/* The lengths that the first line tells; the length of the line, or 0. */
static size_t
read_head(const char *bytes, size_t *fields, size_t *body, const char **hash)
{
	char again[HEAD_SIZE], hex[SHA256_HEX_SIZE];
	char *end;

	if (strncmp(bytes, MAGIC, strlen(MAGIC)) != 0)
		return 0;
	*fields = strtoul(bytes + strlen(MAGIC), &end, 10);
	*body = strtoul(end, &end, 10);
	if (*fields > FIELDS_MAX || *body > BODY_MAX || *end++ != ' ' ||
	    strlen(end) < SHA256_HEX_SIZE)
		return 0;
	*hash = end;
	memcpy(hex, end, SHA256_HEX_SIZE - 1);
	hex[SHA256_HEX_SIZE - 1] = '\0';
	/* there is one spelling of it */
	write_head(*fields, *body, hex, again);
	return strncmp(bytes, again, strlen(again)) == 0 ? strlen(again) : 0;
}

/* Is what was read whole? Its fields then. */
static json_t *
check(const char *bytes, size_t size, struct delivery *d, struct err *err)
{
	json_error_t why = { 0 };
	json_t *json;
	char now[SHA256_HEX_SIZE];
	size_t fields, body, head;
	const char *hash, *p;

	if ((head = read_head(bytes, &fields, &body, &hash)) == 0 ||
	    head + fields + body != size)
		goto torn;
	p = bytes + head;
	if (hash_of(p, fields, p + fields, body, now) != 0) {
		err_nomem(err);
		return NULL;
	}
	if (memcmp(now, hash, strlen(now)) != 0)
		goto torn;
	d->body = p + fields;
	d->body_len = body;
	if ((json = jansson_read(p, fields, 0, &why)) != NULL)
		return json;
	if (json_error_code(&why) == json_error_out_of_memory) {
		err_nomem(err);
		return NULL;
	}
torn:
	err_set(err, ERR_PERMANENT, "it is no delivery, or torn");
	return NULL;
}

static const char *
text(const json_t *fields, const char *name)
{
	return json_string_value(json_object_get(fields, name));
}

static int64_t
number(const json_t *fields, const char *name)
{
	return json_integer_value(json_object_get(fields, name));
}

/* The database tells when the delivery was stored: when it came stands beside
 * the headers. */
static char *
headers_of(const json_t *fields)
{
	const char *headers = text(fields, "headers");
	char at[RFC3339_SIZE], *ret = NULL;
	json_t *json = headers == NULL
	    ? json_object()
	    : jansson_read(headers, strlen(headers), 0, NULL);

	rfc3339_format(number(fields, "spooled_at"), at);
	if (json_object_set_new(json, "spooled-at", json_string(at)) == 0)
		ret = jansson_text(json, JSON_COMPACT);
	json_decref(json);
	return ret;
}

static int
take_fields(struct spooled *s, struct err *err)
{
	const json_t *fields = s->fields;
	struct delivery *d = &s->delivery;

	d->workspace = text(fields, "workspace");
	d->key = text(fields, "key");
	d->event_id = text(fields, "event_id");
	d->type = text(fields, "type");
	d->kind = text(fields, "kind");
	d->resource_id = text(fields, "resource_id");
	d->generation = (int)number(fields, "generation");
	d->occurred_at = number(fields, "occurred_at");
	d->note = text(fields, "note");
	d->headers = s->headers = headers_of(fields);
	d->due = json_is_true(json_object_get(fields, "due"));
	if (d->headers == NULL) {
		err_nomem(err);
		return -1;
	}
	if (d->workspace == NULL || d->key == NULL || d->kind == NULL) {
		err_set(err, ERR_PERMANENT, "it is no delivery");
		return -1;
	}
	return 0;
}

/* All of the file, NUL behind it; NULL: see err. */
static char *
read_all(int fd, size_t *size, struct err *err)
{
	struct stat st;
	char *bytes;
	size_t n = 0;

	if (fstat(fd, &st) != 0) {
		err_sys(err, ERR_RETRY, "cannot read it");
		return NULL;
	}
	if (!S_ISREG(st.st_mode) ||
	    st.st_size > (off_t)HEAD_SIZE + FIELDS_MAX + BODY_MAX) {
		err_set(err, ERR_PERMANENT, "it is no delivery");
		return NULL;
	}
	if ((bytes = malloc((size_t)st.st_size + 1)) == NULL) {
		err_nomem(err);
		return NULL;
	}
	while (n < (size_t)st.st_size) {
		ssize_t got = read(fd, bytes + n, (size_t)st.st_size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err_sys(err, ERR_RETRY, "cannot read it");
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (err_is_set(err)) {
		free(bytes);
		return NULL;
	}
	bytes[n] = '\0';
	*size = n;
	return bytes;
}

/* The same of the file called name in the folder dir. */
static char *
read_file(int dir, const char *name, size_t *size, struct err *err)
{
	/* not waiting for the writer of a fifo */
	int fd =
	    openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *bytes;

	if (fd < 0) {
		err_sys(err,
		    errno == ELOOP || errno == ENXIO || errno == EACCES
			? ERR_PERMANENT
			: ERR_RETRY,
		    "cannot open it");
		return NULL;
	}
	bytes = read_all(fd, size, err);
	close(fd);
	return bytes;
}

int
spool_read(int dir, const char *name, struct spooled *ret, struct err *err)
{
	struct spooled s = { 0 };
	size_t size;

	if ((s.bytes = read_file(dir, name, &size, err)) == NULL)
		return -1;
	s.fields = check(s.bytes, size, &s.delivery, err);
	if (s.fields == NULL || take_fields(&s, err) != 0) {
		spooled_free(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

void
spooled_free(struct spooled *s)
{
	json_decref(s->fields);
	free(s->headers);
	free(s->bytes);
}

/* ---- looking for somebody ---- */

/* 1, 0 or -1. */
static int
names_one(const char *bytes, size_t size, const json_t *values)
{
	const json_t *value;
	int found = 0;
	size_t i;

	json_array_foreach (values, i, value) {
		char *quoted = jansson_text(value, JSON_ENCODE_ANY);

		if (quoted == NULL)
			return -1;
		found |= memmem(bytes, size, quoted, strlen(quoted)) != NULL;
		free(quoted);
	}
	return found;
}

static int
search_file(int dir, const char *name, const json_t *values, bool remove,
    int64_t *files, struct err *err)
{
	struct err why = ERR_INIT;
	struct stat st;
	int found = 0;
	size_t size;
	char *bytes = read_file(dir, name, &size, &why);

	if (bytes != NULL && (found = names_one(bytes, size, values)) < 0)
		err_nomem(&why);
	free(bytes);
	/* what is no file, or was taken in meanwhile, has nobody in it */
	if (err_is_set(&why) &&
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode)) {
		*err = why;
		err_prefix(err, "spool: %s", name);
		return -1;
	}
	if (found == 1 && remove && unlinkat(dir, name, 0) != 0 &&
	    errno != ENOENT) {
		err_sys(
		    err, ERR_RETRY, "cannot remove %s from the spool", name);
		return -1;
	}
	*files += found;
	return 0;
}

static int
search_folder(int top, const char *name, const json_t *values, bool remove,
    int64_t *files, struct err *err)
{
	int fd = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return errno == ENOENT ? 0 : fail(name, "cannot look", err);
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			rc = search_file(
			    fd, entry->d_name, values, remove, files, err);
	closedir(dir);
	return rc;
}

int
spool_search(const char *path, const json_t *values, bool remove,
    int64_t *files, struct err *err)
{
	int rc = 0, top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (top < 0)
		return errno == ENOENT ? 0 : fail(path, "cannot look", err);
	if (!remove)
		rc = search_folder(top, "new", values, false, files, err);
	if (rc == 0)
		rc = search_folder(top, "bad", values, remove, files, err);
	close(top);
	return rc;
}

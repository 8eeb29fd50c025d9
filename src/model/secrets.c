#include "model/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/rfc3339.h"
#include "ext/crypto.h"

/* ---- the text ---- */

/* One line, with its end. */
struct line {
	const char *text;
	size_t n;
	const char *webhook; /* NULL: nobody said whose it is */
	size_t webhook_n;
	const char *since;
};

static struct line
line_at(const char *text)
{
	struct line line = { .text = text, .n = strcspn(text, "\n") };
	const char *mark = memchr(text, '#', line.n);

	/* a line that is all comment is nobody's secret */
	if (mark != NULL && mark > text) {
		line.webhook = mark + 1 + strspn(mark + 1, " ");
		line.webhook_n = strcspn(line.webhook, " \n");
		line.since = line.webhook + line.webhook_n;
		line.since += strspn(line.since, " ");
	}
	if (text[line.n] == '\n')
		line.n++;
	return line;
}

static bool
is_of(const struct line *line, const char *webhook)
{
	return line->webhook != NULL && line->webhook_n == strlen(webhook) &&
	    memcmp(line->webhook, webhook, line->webhook_n) == 0;
}

char *
secrets_add(
    const char *text, const char *secret, const char *webhook, int64_t now)
{
	char since[RFC3339_SIZE], *ret;

	rfc3339_format(now, since);
	if (asprintf(&ret, "%s # %s %s\n%s", secret, webhook, since, text) < 0)
		return NULL;
	return ret;
}

char *
secrets_drop(const char *text, const char *webhook, size_t keep)
{
	char *ret = malloc(strlen(text) + 1), *end = ret;
	struct line line;
	size_t seen = 0;

	if (ret == NULL)
		return NULL;
	for (; *text != '\0'; text += line.n) {
		line = line_at(text);
		if (is_of(&line, webhook) && ++seen > keep)
			continue;
		memcpy(end, line.text, line.n);
		end += line.n;
	}
	*end = '\0';
	return ret;
}

static int64_t
time_of(const struct line *line)
{
	char text[RFC3339_SIZE];
	int64_t ret;

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(line->since, " \n"),
	    line->since);
	return rfc3339_parse(text, &ret) == 0 ? ret : 0;
}

size_t
secrets_count(const char *text, const char *webhook, int64_t *since)
{
	struct line line;
	size_t n = 0;

	if (since != NULL)
		*since = 0;
	for (; *text != '\0'; text += line.n) {
		line = line_at(text);
		if (is_of(&line, webhook) && n++ == 0 && since != NULL)
			*since = time_of(&line);
	}
	return n;
}

/* ---- the file ---- */

int
secrets_read(const char *path, char **ret, struct err *err)
{
	char *text = malloc(SECRETS_MAX + 1);
	FILE *file = NULL;
	struct stat st;
	size_t n;

	if (text == NULL) {
		err_nomem(err);
	} else if ((file = fopen(path, "re")) == NULL ||
	    fstat(fileno(file), &st) != 0) {
		err_sys(err, ERR_CONFIG, "cannot read %s", path);
	} else if (st.st_mode & S_IRWXO) {
		err_set(err, ERR_CONFIG,
		    "%s is open to everybody (mode %03o): chmod o-rwx it", path,
		    (unsigned)st.st_mode & 0777U);
	} else if ((n = fread(text, 1, SECRETS_MAX + 1, file)) > SECRETS_MAX) {
		err_set(err, ERR_CONFIG, "%s is longer than %d bytes", path,
		    SECRETS_MAX);
	} else if (ferror(file)) {
		err_sys(err, ERR_CONFIG, "cannot read %s", path);
	} else {
		text[n] = '\0';
	}
	if (file != NULL)
		fclose(file);
	if (err_is_set(err)) {
		if (text != NULL)
			crypto_wipe(text, SECRETS_MAX + 1);
		free(text);
		return -1;
	}
	*ret = text;
	return 0;
}

void
secrets_forget(char *text)
{
	if (text != NULL)
		crypto_wipe(text, strlen(text));
	free(text);
}

/* A new name is there for good once its folder is on the disk. */
static int
sync_folder(const char *path)
{
	char *copy = strdup(path);
	int fd, rc;

	if (copy == NULL)
		return -1;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

/* The new file, open as fd, is as accessible as the one that it replaces:
 * ons-webhook may have an account of its own. */
static int
keep_access(const char *path, int fd, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0 && errno == ENOENT)
		return 0;
	if (stat(path, &st) == 0 && st.st_uid == geteuid() &&
	    fchown(fd, (uid_t)-1, st.st_gid) == 0 &&
	    fchmod(fd, st.st_mode & (S_IRUSR | S_IWUSR | S_IRGRP)) == 0)
		return 0;
	err_set(err, ERR_CONFIG,
	    "cannot replace %s: it is another user's or group's: run this as "
	    "its owner",
	    path);
	return -1;
}

int
secrets_save(const char *path, const char *text, struct err *err)
{
	char *real = realpath(path, NULL); /* a link stays one */
	char *temporary = NULL;
	int fd = -1, rc = -1;

	if (real == NULL && errno == ENOENT)
		real = strdup(path);
	if (real == NULL || asprintf(&temporary, "%s.XXXXXX", real) < 0) {
		temporary = NULL;
		err_sys(err, ERR_CONFIG, "cannot write %s", path);
	} else if ((fd = mkostemp(temporary, O_CLOEXEC)) < 0) {
		err_sys(err, ERR_CONFIG, "cannot write beside %s", path);
	} else if (keep_access(real, fd, err) != 0) {
		unlink(temporary);
	} else if (fd_write(fd, text, strlen(text)) != 0 || fsync(fd) != 0 ||
	    rename(temporary, real) != 0) {
		err_sys(err, ERR_CONFIG, "cannot write %s", path);
		unlink(temporary);
	} else if (sync_folder(real) != 0) {
		err_sys(err, ERR_CONFIG, "cannot write %s", path);
	} else {
		rc = 0;
	}
	if (fd >= 0)
		close(fd);
	free(temporary);
	free(real);
	return rc;
}

#include "queue/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "sql/queries.h"

enum { BORN_SIZE = 96 };

/* The host's name and the pid namespace: containers may share the one, but a
 * pid means something only within the other (pid_namespaces(7)). */
void
run_host(char ret[RUN_HOST_SIZE])
{
	char space[64];
	ssize_t n = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);
	size_t len;

	if (gethostname(ret, RUN_HOST_SIZE - sizeof(space) - 1) != 0)
		snprintf(ret, RUN_HOST_SIZE, "unknown");
	ret[RUN_HOST_SIZE - sizeof(space) - 2] = '\0';
	space[n < 0 ? 0 : n] = '\0';
	len = strlen(ret);
	snprintf(ret + len, RUN_HOST_SIZE - len, " %s", space);
}

static int
read_line(const char *path, char *ret, int size)
{
	FILE *file = fopen(path, "re");
	char *line;

	if (file == NULL)
		return -1;
	line = fgets(ret, size, file);
	fclose(file);
	if (line == NULL)
		return -1;
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}

/* "<boot id> <start time>" of a process; pids are used again, these are not.
 * -1: there is no such process. (proc(5): the start time is field 22; the
 * name in field 2 may hold blanks and brackets.) */
static int
born(pid_t pid, char ret[BORN_SIZE])
{
	char path[64], stat[1024], boot[40], *p;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (read_line(path, stat, sizeof(stat)) != 0 ||
	    (p = strrchr(stat, ')')) == NULL)
		return -1;
	if (p[1] == ' ' && (p[2] == 'Z' || p[2] == 'X'))
		return -1; /* dead, but not yet waited for */
	for (int field = 2; field < 22; field++)
		if ((p = strchr(p + 1, ' ')) == NULL)
			return -1;
	if (read_line("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) !=
	    0)
		boot[0] = '\0';
	snprintf(
	    ret, BORN_SIZE, "%s %.*s", boot, (int)strcspn(p + 1, " "), p + 1);
	return 0;
}

int
run_begin(struct db *db, const char *program, int64_t *ret, struct err *err)
{
	struct db_result *r = NULL;
	char host[RUN_HOST_SIZE], me[BORN_SIZE];

	run_host(host);
	if (born(getpid(), me) != 0) {
		err_set(err, ERR_CONFIG,
		    "cannot read /proc/%ld/stat: is /proc mounted?",
		    (long)getpid());
		return -1;
	}
	if (DB_RUN(db, SQL_run_begin, &r, err, DB_TEXT(host), DB_INT(getpid()),
		DB_TEXT(me), DB_TEXT(program)) != 0)
		return -1;
	FAILPOINT("run.begun");
	*ret = db_int(r, 0, "id");
	db_result_free(r);
	return 0;
}

int
run_end(struct db *db, int64_t run, struct err *err)
{
	FAILPOINT("run.ending");
	return DB_RUN(db, SQL_run_end, NULL, err, DB_INT(run));
}

int
run_release(struct db *db, int64_t run, struct err *err)
{
	return DB_RUN(db, SQL_job_release, NULL, err, DB_INT(run));
}

/* The result: how many. */
static size_t
names(const struct conf *conf, struct db_bytes ret[CONF_WORKSPACES_MAX])
{
	size_t n = conf_count(conf);

	for (size_t i = 0; i < n; i++) {
		const char *name = conf_at(conf, i)->name;

		ret[i] = (struct db_bytes){ name, strlen(name) };
	}
	return n;
}

int
run_started(struct db *db, const struct conf *conf, const char *program,
    struct err *err)
{
	struct db_bytes of[CONF_WORKSPACES_MAX];
	char host[RUN_HOST_SIZE];
	size_t n = names(conf, of);

	run_host(host);
	return DB_RUN(db, SQL_run_started, NULL, err, DB_TEXTS(of, n),
	    DB_TEXT(host), DB_TEXT(program));
}

int
run_seen(struct db *db, const struct conf *conf, struct err *err)
{
	struct db_bytes of[CONF_WORKSPACES_MAX];
	char host[RUN_HOST_SIZE];
	size_t n = names(conf, of);

	run_host(host);
	return DB_RUN(
	    db, SQL_run_seen, NULL, err, DB_TEXTS(of, n), DB_TEXT(host));
}

static bool
is_alive(const struct db_result *runs, int row)
{
	char now[BORN_SIZE];

	return born((pid_t)db_int(runs, row, "pid"), now) == 0 &&
	    strcmp(now, db_text(runs, row, "born")) == 0;
}

bool
run_all_alive(const struct db_result *seen)
{
	for (int i = 0; i < db_rows(seen); i++)
		if (!is_alive(seen, i))
			return false;
	return true;
}

/* 0 and how many jobs it held, or -1. */
static int
end_dead(struct db *db, const struct db_result *runs, int row, int64_t *jobs,
    struct err *err)
{
	struct db_result *r = NULL;

	FAILPOINT("run.reaping");
	if (DB_RUN(db, SQL_run_died, &r, err,
		DB_INT(db_int(runs, row, "id"))) != 0)
		return -1;
	*jobs = db_int(r, 0, "jobs");
	if (db_bool(r, 0, "ended"))
		log_warn("process %s is gone without a word%s",
		    db_text(runs, row, "pid"),
		    *jobs > 0 ? ": its job is due again" : "");
	db_result_free(r);
	return 0;
}

int
run_look(struct db *db, int64_t run, struct db_result **seen, bool *newer,
    struct err *err)
{
	struct db_result *r = NULL;
	char host[RUN_HOST_SIZE];
	int64_t jobs, freed = 0;
	bool later = false, changed = false;
	int rc;

	run_host(host);
	if (seen != NULL) {
		db_result_free(*seen);
		*seen = NULL;
	}
	if (DB_RUN(db, SQL_run_here, &r, err, DB_TEXT(host)) != 0)
		return -1;
	rc = 0;
	for (int i = 0; i < db_rows(r) && rc == 0; i++) {
		if (is_alive(r, i)) {
			later = later ||
			    (db_int(r, i, "id") > run &&
				strcmp(db_text(r, i, "program"), "lingering") ==
				    0);
			continue;
		}
		changed = true;
		rc = end_dead(db, r, i, &jobs, err);
		freed += rc == 0 ? jobs : 0;
	}
	if (seen != NULL && !changed)
		*seen = r;
	else
		db_result_free(r);
	if (rc == 0 && freed > 0)
		rc = DB_RUN(db, SQL_notify, NULL, err);
	if (rc == 0 && newer != NULL)
		*newer = later;
	return rc;
}

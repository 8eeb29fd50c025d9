#include "base/failpoint.h"

#ifdef FAILPOINTS

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct action {
	char name[16];
	int ms, nth;
};

static void
trace(int folder, const char *name)
{
	int fd = openat(folder, "trace", O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0)
		return;
	if (dprintf(fd, "%s\n", name) < 0)
		abort();
	close(fd);
}

/* Is it now? Counts down in the file, whose lock the caller holds. */
static bool
is_due(int folder, const char *name, int fd, struct action *action)
{
	char text[64] = "";
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_nlink == 0 ||
	    pread(fd, text, sizeof(text) - 1, 0) <= 0 ||
	    sscanf(text, "%15s %d %d", action->name, &action->ms,
		&action->nth) != 3)
		return false;
	if (action->nth == 0)
		return true;
	if (action->nth == 1)
		return unlinkat(folder, name, 0) == 0;
	/* in one step: at another thread's place we may be killed here */
	snprintf(text, sizeof(text), "%s %d %d\n", action->name, action->ms,
	    action->nth - 1);
	if (pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		abort();
	return false;
}

static void
act(const struct action *action)
{
	if (strcmp(action->name, "kill") == 0)
		kill(getpid(), SIGKILL);
	else if (strcmp(action->name, "stop") == 0)
		kill(getpid(), SIGSTOP);
	else if (strcmp(action->name, "exit") == 0)
		_exit(EXIT_FAILURE);
	else if (strcmp(action->name, "sleep") == 0)
		nanosleep(&(struct timespec){ .tv_sec = action->ms / 1000,
			      .tv_nsec = action->ms % 1000 * 1000000L },
		    NULL);
	else
		abort();
}

void
failpoint(const char *place)
{
	const char *path = getenv("ONS_FAILPOINTS");
	char name[128];
	struct action action;
	bool due = false;
	int folder, fd, saved = errno;

	if (path == NULL ||
	    (folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		goto out;
	snprintf(
	    name, sizeof(name), "%s:%s", program_invocation_short_name, place);
	trace(folder, name);
	if ((fd = openat(folder, name, O_RDWR | O_CLOEXEC)) >= 0) {
		flock(fd, LOCK_EX);
		due = is_due(folder, name, fd, &action);
		close(fd);
	}
	close(folder);
	if (due)
		act(&action);
out:
	errno = saved;
}

#endif

#include "torture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "alloc.h"

enum {
	TEXT_MAX = 64 << 20,
	SECONDS_MAX = 60, /* for one run: more is a loop without end */
	RUNS_MAX = 60,	  /* of one input, unless TORTURE_ALL is set */
	FAULTS_MAX = 5	  /* of one input that are told in full */
};

/* How far the child has come, for the parent, who sees it crash. */
struct progress {
	size_t nth, failures;
	bool onwards;
};

void
keep_text(struct outcome *out, const char *what, const char *text)
{
	alloc_pause();
	if (buf_addf(&out->text, "%s: %s\n", what, text) != 0)
		abort();
	alloc_resume();
}

void
keep_json(struct outcome *out, const char *what, const json_t *json)
{
	char *text;

	alloc_pause();
	text = json == NULL ? strdup("null")
			    : json_dumps(json,
				  JSON_ENCODE_ANY | JSON_SORT_KEYS |
				      JSON_INDENT(1) | JSON_REAL_PRECISION(15));
	if (text == NULL || buf_addf(&out->text, "%s: %s\n", what, text) != 0)
		abort();
	free(text);
	alloc_resume();
}

void
out_of_memory(struct outcome *out)
{
	err_nomem(&out->err);
	out->rc = -1;
}

static const char kept[] = "memory is kept";

static size_t
run(const struct work *work, const struct input *input, size_t nth,
    bool onwards, struct outcome *out)
{
	out->rc = 0;
	err_clear(&out->err);
	buf_reset(&out->text);
	alarm(SECONDS_MAX);
	alloc_arm(nth, onwards);
	work->work(input, out);
	return alloc_disarm();
}

/* What is wrong with it; NULL: nothing. Of what failed, the text is of no
 * interest: it may have been half done. */
static const char *
fault(const struct outcome *out, const struct outcome *good)
{
	if (out->rc != 0 && !err_is_set(&out->err))
		return "it failed without a reason";
	if (out->rc != 0 && (out->err.kind == ERR_RETRY))
		return NULL;
	if (out->rc != good->rc || out->err.kind != good->err.kind)
		return "it failed with a wrong reason";
	if (strcmp(buf_text(&out->text), buf_text(&good->text)) != 0)
		return "the result is another one";
	return NULL;
}

/* The line where they part. */
static void
show_difference(const char *is, const char *was)
{
	const char *line = is;

	for (; *is != '\0' && *is == *was; is++, was++)
		if (*is == '\n')
			line = is + 1;
	printf("#   is  %.*s\n#   was %.*s%.*s\n", (int)strcspn(line, "\n"),
	    line, (int)(is - line), line, (int)strcspn(was, "\n"), was);
}

static void
tell(const char *what, const struct work *work, const struct input *input,
    const struct progress *p)
{
	printf("# %s, %s: %s, when allocation %zu%s fails\n", work->name,
	    input->name, what, p->nth, p->onwards ? " and all after it" : "");
}

static void
tell_fault(
    const char *what, const struct outcome *out, const struct outcome *good)
{
	if (out->rc != 0)
		printf("#   error: %s\n", out->err.text);
	else if (what != kept)
		show_difference(buf_text(&out->text), buf_text(&good->text));
	fflush(stdout);
	alloc_show_failed(STDOUT_FILENO);
}

/* Is more memory kept each time? Libraries keep something the first time, and
 * libcrypto what was wrong the last 16 times. */
static bool
leaks(const struct work *work, const struct input *input,
    const struct progress *p, struct outcome *out, size_t before)
{
	size_t live = alloc_live();

	for (int i = 0; live > before && i < 40; i++) {
		before = live;
		run(work, input, p->nth, p->onwards, out);
		live = alloc_live();
	}
	return live > before;
}

static void
show_leak(const struct work *work, const struct input *input,
    const struct progress *p, struct outcome *out)
{
	alloc_show_live(STDOUT_FILENO);
	run(work, input, p->nth, p->onwards, out);
	printf("#   kept was what is made here:\n");
	fflush(stdout);
	alloc_show_live(STDOUT_FILENO);
}

/* Let allocations fail from where *p stands. */
static int
go_on(const struct work *work, const struct input *input, struct progress *p)
{
	struct outcome good = { 0 }, out = { 0 };
	const char *what;
	size_t count, stride, live;
	int faults = 0;

	buf_init(&good.text, TEXT_MAX);
	buf_init(&out.text, TEXT_MAX);
	run(work, input, 0, false, &good);
	count = run(work, input, 0, false, &good);
	stride = getenv("TORTURE_ALL") != NULL ? 1 : 1 + count / RUNS_MAX;
	for (; p->nth <= count; p->nth += stride) {
		live = alloc_live();
		run(work, input, p->nth, p->onwards, &out);
		p->failures++;
		what = fault(&out, &good);
		if (what == NULL && !work->keeps &&
		    leaks(work, input, p, &out, live))
			what = kept;
		if (what == NULL)
			continue;
		if (faults++ >= FAULTS_MAX)
			continue;
		tell(what, work, input, p);
		tell_fault(what, &out, &good);
		if (what == kept)
			show_leak(work, input, p, &out);
	}
	run(work, input, 0, false, &out);
	if (faults == 0 && fault(&out, &good) != NULL) {
		printf(
		    "# %s, %s: it does not recover\n", work->name, input->name);
		faults++;
	}
	buf_free(&good.text);
	buf_free(&out.text);
	if (faults > FAULTS_MAX)
		printf("# ... %d faults in all\n", faults);
	return faults == 0 ? 0 : -1;
}

/* Where it crashed, and which allocation had failed before. */
static void
on_crash(int sig)
{
	alloc_disarm();
	alloc_show_here(STDOUT_FILENO);
	alloc_show_failed(STDOUT_FILENO);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void
watch_for_crashes(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGABRT,
		SIGALRM };

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		signal(signals[i], on_crash);
}

/* In a process of its own, which may crash. True: it came to the end. */
static bool
in_child(const struct work *work, const struct input *input, struct progress *p,
    int *rc)
{
	int status;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) < 0)
		abort();
	if (pid == 0) {
		watch_for_crashes();
		status = go_on(work, input, p);
		fflush(stdout);
		_exit(status == 0 ? 0 : 1);
	}
	if (waitpid(pid, &status, 0) != pid)
		abort();
	if (WIFEXITED(status) && WEXITSTATUS(status) <= 1) {
		if (WEXITSTATUS(status) != 0)
			*rc = -1;
		return true;
	}
	*rc = -1;
	tell(WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
				 : "a sanitizer ended it",
	    work, input, p);
	return false;
}

int
torture(const struct work *work, const struct input *input, size_t *failures)
{
	struct progress *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int rc = 0, crashes = 0;

	if (p == MAP_FAILED)
		abort();
	for (int onwards = 0; onwards < 2; onwards++) {
		p->onwards = onwards == 1;
		p->nth = 1;
		while (!in_child(work, input, p, &rc) && ++crashes < FAULTS_MAX)
			p->nth++;
	}
	*failures += p->failures;
	munmap(p, sizeof(*p));
	return rc;
}

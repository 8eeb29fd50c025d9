/*
 * How a backfill goes on: a bar on a terminal, lines in a pipe.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/onsctl.h"
#include "model/words.h"
#include "sql/queries.h"

enum {
	BAR_WIDTH = 24,
	LOOK_MS = 1000,
	LINE_MS = 10000, /* between lines in a pipe */
	LINE_SIZE = 512
};

static void
describe(const struct db_result *r, char *ret, size_t size)
{
	char calls[WORDS_SIZE], messages[WORDS_SIZE], written[WORDS_SIZE];
	char waiting[WORDS_SIZE], left[WORDS_SIZE] = "";

	words_count(db_int(r, 0, "calls"), calls);
	words_count(db_int(r, 0, "messages"), messages);
	words_count(db_int(r, 0, "written"), written);
	words_count(db_int(r, 0, "waiting"), waiting);
	if (db_text(r, 0, "seconds") != NULL)
		words_span(db_int(r, 0, "seconds"), left);
	snprintf(ret, size,
	    "%s%% listed: %s calls, %s messages; %s written, %s waiting%s%s%s",
	    db_text(r, 0, "share"), calls, messages, written, waiting,
	    *left == '\0' ? "" : "; ", left, *left == '\0' ? "" : " left");
}

/* Of what is to be written, as far as one can tell. */
static int
filled(const struct db_result *r)
{
	int64_t due = db_int(r, 0, "due"), share = db_int(r, 0, "share");

	if (due > 0)
		share = share * db_int(r, 0, "written") / due;
	return (int)(share * BAR_WIDTH / 100);
}

static void
print_bar(const struct db_result *r)
{
	char line[LINE_SIZE], bar[BAR_WIDTH + 1];

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', (size_t)filled(r));
	bar[BAR_WIDTH] = '\0';
	describe(r, line, sizeof(line));
	printf("\r[%s] %s\033[K", bar, line);
	fflush(stdout);
}

static void
print_line(const struct db_result *r, char last[LINE_SIZE], int64_t *at)
{
	char line[LINE_SIZE];

	describe(r, line, sizeof(line));
	if (clock_ms() - *at < LINE_MS || strcmp(line, last) == 0)
		return;
	printf("backfill %s: %s, %s\n", db_text(r, 0, "id"),
	    db_text(r, 0, "state"), line);
	fflush(stdout);
	snprintf(last, LINE_SIZE, "%s", line);
	*at = clock_ms();
}

static int
print_json_end(const struct db_result *r, struct err *err)
{
	static const char *const counts[] = { "calls", "messages", "written",
		"dead", "failed", "refused", "groups" };
	json_t *end = json_pack("{s:I, s:s, s:s?}", "backfill",
	    (json_int_t)db_int(r, 0, "id"), "state", db_text(r, 0, "state"),
	    "reason", db_text(r, 0, "reason"));

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		json_object_set_new(
		    end, counts[i], json_integer(db_int(r, 0, counts[i])));
	return ctl_print_json(end, err);
}

/* How it ended: the exit code. */
static int
end_code(const struct db_result *r)
{
	return strcmp(db_text(r, 0, "state"), "incomplete") == 0 ? EX_TEMPFAIL
								 : EX_OK;
}

static void
print_end(const struct db_result *r, bool bar)
{
	const char *state = db_text(r, 0, "state");
	char calls[WORDS_SIZE], messages[WORDS_SIZE], written[WORDS_SIZE];
	int64_t failed = db_int(r, 0, "failed");
	int64_t dead = db_int(r, 0, "dead") - failed;

	words_count(db_int(r, 0, "calls"), calls);
	words_count(db_int(r, 0, "messages"), messages);
	words_count(db_int(r, 0, "written"), written);
	printf("%sbackfill %s: %s: %s calls and %s messages, of which %s were "
	       "new or had changed\n",
	    bar ? "\r\033[K" : "", db_text(r, 0, "id"), state, calls, messages,
	    written);
	if (db_int(r, 0, "groups") > 0)
		printf("OpenPhone's v1 does not list the calls of %s "
		       "conversations of several people\n",
		    db_text(r, 0, "groups"));
	if (failed > 0)
		printf("%lld lists failed: onsctl retry --dead --kind backfill "
		       "reads them again\n",
		    (long long)failed);
	if (dead > 0)
		printf("%lld pages were given up: see onsctl jobs --dead\n",
		    (long long)dead);
	if (db_int(r, 0, "refused") > 0)
		printf("%s lists were refused\n", db_text(r, 0, "refused"));
	if (db_text(r, 0, "reason") != NULL)
		printf("the reason: %s\n", db_text(r, 0, "reason"));
	if (strcmp(state, "incomplete") == 0)
		puts("what is missing is brought in by running it again");
}

static bool
goes_on(const struct db_result *r)
{
	const char *state = db_text(r, 0, "state");

	return strcmp(state, "listing") == 0 || strcmp(state, "writing") == 0;
}

static int
look(struct ctl *ctl, const char *id, struct db_result **ret, struct err *err)
{
	if (DB_RUN(ctl->db, SQL_backfill_list, ret, err, DB_TEXT(ctl->ws->name),
		DB_TEXT(id)) != 0)
		return -1;
	if (db_rows(*ret) > 0)
		return 0;
	err_set(err, ERR_PERMANENT,
	    id == NULL ? "there is no backfill" : "there is no backfill %s",
	    id);
	db_result_free(*ret);
	return -1;
}

int
ctl_follow(struct ctl *ctl, int64_t id)
{
	bool bar = !ctl->json && isatty(STDOUT_FILENO) == 1;
	char number[32] = "", last[LINE_SIZE] = "";
	struct err err = ERR_INIT;
	struct db_result *r = NULL;
	int64_t at = -LINE_MS;
	int status;

	if (id > 0)
		snprintf(number, sizeof(number), "%" PRId64, id);
	for (;;) {
		if (look(ctl, *number == '\0' ? NULL : number, &r, &err) != 0)
			return ctl_fail(&err);
		/* the newest one, also when another begins meanwhile */
		snprintf(number, sizeof(number), "%s", db_text(r, 0, "id"));
		if (!goes_on(r))
			break;
		if (bar)
			print_bar(r);
		else if (!ctl->json)
			print_line(r, last, &at);
		db_result_free(r);
		nanosleep(&(struct timespec){ .tv_sec = LOOK_MS / 1000 }, NULL);
	}
	status = end_code(r);
	if (ctl->json && print_json_end(r, &err) != 0)
		status = ctl_fail(&err);
	if (!ctl->json)
		print_end(r, bar);
	db_result_free(r);
	return status;
}

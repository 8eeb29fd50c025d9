/*
 * onsctl forget: a person is erased, everywhere.
 */
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "cmd/onsctl.h"
#include "model/number.h"
#include "model/words.h"
#include "queue/chore.h"
#include "queue/spool.h"
#include "queue/takein.h"
#include "sql/queries.h"
#include "sync/forget.h"

enum { WHO_MAX = 256, TAKEIN_WAIT_S = 60 };

static volatile sig_atomic_t stopping;

static void
on_signal(int sig)
{
	stopping = sig;
}

/* As given on the command line. */
struct who {
	char texts[WHO_MAX][NUMBER_SIZE];
	struct db_bytes numbers[WHO_MAX], contacts[WHO_MAX];
	size_t n_numbers, n_contacts;
};

/* "+15550001111" however it is typed, or else a contact's id. */
static int
read_who(int argc, char **argv, struct who *who)
{
	if (argc > WHO_MAX) {
		fputs("onsctl: so many at once?\n", stderr);
		return -1;
	}
	for (int i = 0; i < argc; i++) {
		char *text = who->texts[i];

		number_e164(argv[i], text);
		if (*text == '+' && strlen(text) > 1 &&
		    strspn(text + 1, "0123456789") == strlen(text + 1))
			who->numbers[who->n_numbers++] =
			    (struct db_bytes){ text, strlen(text) };
		else
			who->contacts[who->n_contacts++] =
			    (struct db_bytes){ argv[i], strlen(argv[i]) };
	}
	return 0;
}

/* ---- the spool of this host ---- */

/* What waits there is stored first: then it is known what it is about. */
static int
take_in(struct ctl *ctl, struct err *err)
{
	enum takein_result result = TAKEIN_BUSY;
	const char *path = ctl->conf.webhook.spool;

	if (path == NULL || access(path, F_OK) != 0)
		return 0;
	for (int s = 0; result == TAKEIN_BUSY && s < TAKEIN_WAIT_S; s++) {
		if (takein_run(path, ctl->db, &stopping, &result, err) != 0)
			return -1;
		if (result == TAKEIN_BUSY)
			nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
		if (stopping) { /* nobody was forgotten yet */
			err_set(err, ERR_RETRY, "stopped");
			return -1;
		}
	}
	return 0;
}

/* Files that are no deliveries, or could not be stored. */
static int
search_spool(struct ctl *ctl, const struct forget *f, bool remove,
    int64_t *files, struct err *err)
{
	json_t *whom;
	int rc;

	*files = 0;
	if (ctl->conf.webhook.spool == NULL)
		return 0;
	if ((whom = forget_whom(f, err)) == NULL)
		return -1;
	rc = spool_search(ctl->conf.webhook.spool, whom, remove, files, err);
	json_decref(whom);
	return rc;
}

/* ---- what is said ---- */

static void
line(const char *what, int64_t n)
{
	char text[WORDS_SIZE];

	words_count(n, text);
	printf("%12s  %s\n", text, what);
}

static void
print_list(const char *what, const json_t *list)
{
	const json_t *item;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	printf("%s:", what);
	json_array_foreach (list, i, item)
		printf(" %s", json_string_value(item));
	putchar('\n');
}

static void
print(const struct forget *f, const struct forget_counts *c, int64_t spooled,
    const char *others, bool apply)
{
	print_list("numbers", f->numbers);
	print_list("contacts", f->contacts);
	if (*others != '\0')
		printf("not %s: somebody else has it, too\n", others);
	line(f->redact ? "calls (that they took place is kept)" : "calls",
	    c->calls);
	line(f->redact ? "messages (that they were sent is kept)" : "messages",
	    c->messages);
	if (c->shared > 0)
		line("of these with others: only the person is taken out",
		    c->shared);
	line("contacts", c->contacts);
	line("pages in Notion", c->pages);
	line("files", c->files);
	line("deliveries", c->events);
	if (spooled > 0)
		line("files in this host's spool", spooled);
	if (c->mentions > 0)
		line("calls and messages of others mention the person in "
		     "their text, and stay",
		    c->mentions);
	if (!apply)
		puts("nothing was done; with --apply all this is erased for "
		     "good");
}

static int
print_json(const struct forget *f, const struct forget_counts *c,
    int64_t spooled, int64_t finished, int64_t pages, bool apply,
    struct err *err)
{
	return ctl_print_json(
	    json_pack("{s:O, s:O, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
		      "s:I, s:I, s:b, s:I, s:I}",
		"numbers", f->numbers, "contacts", f->contacts, "redacted",
		f->redact, "calls", (json_int_t)c->calls, "messages",
		(json_int_t)c->messages, "shared", (json_int_t)c->shared,
		"cards", (json_int_t)c->contacts, "pages", (json_int_t)c->pages,
		"files", (json_int_t)c->files, "deliveries",
		(json_int_t)c->events, "spooled", (json_int_t)spooled,
		"mentions", (json_int_t)c->mentions, "applied", apply,
		"finished", (json_int_t)finished, "trashed", (json_int_t)pages),
	    err);
}

/* ---- doing it ---- */

static const char *
user_name(void)
{
	static char text[32];
	const struct passwd *entry = getpwuid(getuid());

	if (entry != NULL)
		return entry->pw_name;
	snprintf(text, sizeof(text), "uid %lld", (long long)getuid());
	return text;
}

struct command {
	struct ctl *ctl;
	struct who *who;
	bool redact, apply;
};

/* Nobody is named, or nothing is known any more of who is. */
static int
say_finished(struct ctl *ctl, int64_t finished, int64_t pages, struct err *err)
{
	return ctl_result(ctl,
	    json_pack("{s:I, s:I}", "finished", (json_int_t)finished, "trashed",
		(json_int_t)pages),
	    err, "%lld that had been interrupted: finished\n",
	    (long long)finished);
}

/* What was begun earlier is finished first. */
static int
forget(const struct command *cmd, struct forget *f, struct err *err)
{
	struct forget_counts counts = { 0 };
	int64_t finished = 0, pages = 0, spooled = 0;
	char *others = NULL;
	bool named = cmd->who->n_numbers + cmd->who->n_contacts > 0;
	int rc = -1;

	if (cmd->apply &&
	    (forget_carry_out(f, &finished, &pages, err) != 0 ||
		take_in(cmd->ctl, err) != 0))
		return -1;
	if (!named)
		return say_finished(cmd->ctl, finished, pages, err);
	f->redact = cmd->redact;
	if (forget_who(f, cmd->who->numbers, cmd->who->n_numbers,
		cmd->who->contacts, cmd->who->n_contacts, &others, err) != 0) {
		if (finished == 0 || err->kind != ERR_PERMANENT)
			return -1;
		err_clear(err);
		return say_finished(cmd->ctl, finished, pages, err);
	}
	if (forget_list(f, cmd->apply ? user_name() : NULL, &counts, err) ==
		0 &&
	    search_spool(cmd->ctl, f, cmd->apply, &spooled, err) == 0) {
		if (!cmd->ctl->json)
			print(f, &counts, spooled, others, cmd->apply);
		fflush(stdout);
		rc = 0;
	}
	free(others);
	if (rc == 0 && cmd->apply)
		rc = forget_carry_out(f, &finished, &pages, err);
	if (rc != 0)
		return -1;
	if (cmd->ctl->json)
		return print_json(
		    f, &counts, spooled, finished, pages, cmd->apply, err);
	if (cmd->apply)
		puts("done; Notion keeps what is in its trash for 30 days, "
		     "and backups what was in them");
	return 0;
}

static int
run(const struct command *cmd)
{
	struct ctl *ctl = cmd->ctl;
	struct err err = ERR_INIT, ignored = ERR_INIT;
	struct sync sync = { 0 };
	struct chore chore;
	struct forget f = { .sync = &sync, .chore = &chore };
	int rc = -1, begun;

	if (conf_require(&ctl->conf, ctl->ws, CONF_PROCESS, &err) != 0 ||
	    sync_init(&sync, &ctl->conf, ctl->ws, ctl->db, &stopping, &err) !=
		0)
		return ctl_fail(&err);
	begun = chore_begin(ctl->db, ctl->ws->name, "forget", &chore, &err);
	if (begun == 0)
		err_set(&err, ERR_RETRY,
		    "another forget is at work: try again when it has ended");
	if (begun == 1) {
		rc = forget(cmd, &f, &err);
		if (chore_end(&chore, rc == 0 ? "done" : NULL,
			rc == 0 ? &err : &ignored) != 0)
			rc = -1;
	}
	forget_clear(&f);
	sync_free(&sync);
	if (rc != 0 && cmd->apply)
		err_prefix(&err, "not finished, run this again to go on");
	return rc == 0 ? EX_OK : ctl_fail(&err);
}

/* Who was forgotten may come back. */
static int
undo(const struct command *cmd)
{
	struct err err = ERR_INIT;
	struct db_result *r = NULL;
	struct db_bytes *who =
	    cmd->who->n_numbers > 0 ? cmd->who->numbers : cmd->who->contacts;
	int64_t undone;

	if (DB_RUN(cmd->ctl->db, SQL_forget_undo, &r, &err,
		DB_TEXT(cmd->ctl->ws->name), DB_TEXT(who[0].data)) != 0)
		return ctl_fail(&err);
	undone = db_int(r, 0, "undone");
	db_result_free(r);
	if (undone == 0) {
		err_set(&err, ERR_PERMANENT,
		    "nobody with that number or id was forgotten");
		return ctl_fail(&err);
	}
	if (ctl_result(cmd->ctl,
		json_pack("{s:I}", "undone", (json_int_t)undone), &err,
		"what OpenPhone still has may come back: see onsctl "
		"backfill\n") != 0)
		return ctl_fail(&err);
	return EX_OK;
}

int
ctl_forget(struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "apply", no_argument, NULL, 'y' },
		{ "redact", no_argument, NULL, 'r' },
		{ "undo", no_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 },
	};
	struct sigaction action = { .sa_handler = on_signal };
	static struct who who;
	struct command cmd = { .ctl = ctl, .who = &who };
	bool undoes = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'y':
			cmd.apply = true;
			break;
		case 'r':
			cmd.redact = true;
			break;
		case 'u':
			undoes = true;
			break;
		default:
			return ctl_usage(argv[0]);
		}
	if ((undoes && (argc - optind != 1 || cmd.apply || cmd.redact)) ||
	    (argc == optind && (!cmd.apply || cmd.redact)))
		return ctl_usage(argv[0]);
	who = (struct who){ 0 };
	if (read_who(argc - optind, argv + optind, &who) != 0)
		return EX_USAGE;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return undoes ? undo(&cmd) : run(&cmd);
}

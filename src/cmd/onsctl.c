/*
 * onsctl - the operator's hand.
 */
#include "cmd/onsctl.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/program.h"

/* Of which workspace a command is, where there are several and none is named.
 */
enum scope {
	ONE,  /* one must be named */
	EACH, /* of one after the other */
	ALL   /* of all at once: the command sees to it */
};

static const struct command {
	const char *name, *args, *summary;
	ctl_command *run;
	enum scope scope;
} commands[] = {
	{ "backfill",
	    "[--since DATE] [--until DATE] [--number NUMBER] "
	    "[--contact CONTACT] [--apply] [--follow] [--cancel] [--list] "
	    "[ID]",
	    "bring in what was before", ctl_backfill, ONE },
	{ "check-config", "", "read the configuration and say what is wrong",
	    ctl_check_config, ALL },
	{ "config", "", "print every setting in force", ctl_config, ALL },
	{ "discard", "[--dead] [--kind KIND] [--error TEXT] [--yes] [ID ...]",
	    "put away for good what cannot be done", ctl_discard, ONE },
	{ "doctor", "[--nagios] [--url URL]",
	    "look at everything, and say what to do", ctl_doctor, ONE },
	{ "export",
	    "[--number NUMBER] [--contact CONTACT] [--since WHEN] "
	    "[--until WHEN] [--kind KIND] [--format FORMAT] [--output FILE]",
	    "what is known, of a person or of all, as JSON or CSV",
	    ctl_export, ONE },
	{ "forget", "[--redact] [--apply] [--undo] [NUMBER | CONTACT ...]",
	    "erase a person, everywhere", ctl_forget, EACH },
	{ "init",
	    "[--parent PAGE] [--calls DATABASE] [--messages DATABASE] "
	    "[--contacts [DATABASE]] [--extend]",
	    "make the Notion databases, or use existing ones", ctl_init, EACH },
	{ "jobs", "[--dead] [--kind KIND] [--error TEXT] [--limit N]",
	    "list unfinished work", ctl_jobs, ONE },
	{ "maintain", "", "compare with OpenPhone, repair, tidy up: for cron",
	    ctl_maintain, EACH },
	{ "migrate", "", "create or update the tables", ctl_migrate, ALL },
	{ "reconcile", "[--since WHEN] [--until WHEN] [--notion] [--repair]",
	    "prove that nothing is missing, or doubled", ctl_reconcile, EACH },
	{ "relink", "[--all] [--since DATE] [ID ...]",
	    "write pages again whose names have changed", ctl_relink, ONE },
	{ "replay",
	    "[--all] [--since WHEN] [--until WHEN] [--kind KIND] [--apply] "
	    "[ID ...]",
	    "fold states again from the stored events", ctl_replay, ONE },
	{ "retry", "[--dead] [--kind KIND] [--error TEXT] [ID ...]",
	    "try again what was given up", ctl_retry, ONE },
	{ "revoke", "[--renew] ID [SLOT]",
	    "take back the links to a call's recordings", ctl_revoke, ONE },
	{ "send-test", "[--type TYPE] [--legacy] [--url URL]",
	    "send a signed test delivery to ourselves", ctl_send_test, ONE },
	{ "show", "ID", "show a page as it is in Notion", ctl_show, ONE },
	{ "status", "", "how things are, at a glance", ctl_status, ALL },
	{ "webhooks",
	    "[list | create [--adopt] [--v1] | test [--type TYPE] "
	    "[--timeout SECONDS] [ID] | rotate [--finish] [--now] [ID] | "
	    "delete ID] [--url URL]",
	    "OpenPhone's subscriptions: make them, test them, change keys",
	    ctl_webhooks, ONE },
};

enum { N_COMMANDS = sizeof(commands) / sizeof(*commands) };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "json", no_argument, NULL, 'j' },
	{ "workspace", required_argument, NULL, 'w' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void
usage(FILE *to)
{
	fputs("usage: onsctl [-c FILE] [-w WORKSPACE] [--json] COMMAND "
	      "[ARGUMENT ...]\n"
	      "       onsctl --help | --version\n\n",
	    to);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(
		    to, "  %-14s%s\n", commands[i].name, commands[i].summary);
	fputs("\nSee onsctl(8).\n", to);
}

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* The workspace that a command of several is at, or NULL. */
static const char *about;

int
ctl_fail(const struct err *err)
{
	struct err told = *err;

	if (about != NULL)
		err_prefix(&told, "workspace %s", about);
	return program_fail("onsctl", &told);
}

int
ctl_print_json(json_t *result, struct err *err)
{
	int rc =
	    result == NULL ? -1 : json_dumpf(result, stdout, JSON_INDENT(2));

	json_decref(result);
	if (rc != 0)
		err_nomem(err);
	else
		putchar('\n');
	return rc;
}

bool
ctl_is_kind(const char *text)
{
	if (strcmp(text, "call") == 0 || strcmp(text, "message") == 0 ||
	    strcmp(text, "contact") == 0)
		return true;
	fprintf(
	    stderr, "onsctl: --kind: %s: call, message or contact?\n", text);
	return false;
}

int
ctl_usage(const char *name)
{
	const struct command *command = find(name);

	fprintf(stderr, "usage: onsctl %s %s\n", command->name, command->args);
	return EX_USAGE;
}

static bool
asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static void
list_workspaces(const struct conf *conf)
{
	for (size_t i = 0; i < conf_count(conf); i++)
		fprintf(
		    stderr, "%s%s", i == 0 ? "" : ", ", conf_at(conf, i)->name);
	fputs("\n", stderr);
}

/* ctl->ws: the one that is named, or the only one, or NULL. */
static int
choose(struct ctl *ctl, const char *name, enum scope scope)
{
	if (name != NULL)
		ctl->ws = conf_find(&ctl->conf, name);
	else if (conf_count(&ctl->conf) == 1)
		ctl->ws = conf_at(&ctl->conf, 0);
	if (ctl->ws != NULL || (name == NULL && scope != ONE))
		return 0;
	if (name != NULL)
		fprintf(
		    stderr, "onsctl: there is no workspace %s, but: ", name);
	else
		fputs("onsctl: which one? --workspace ", stderr);
	list_workspaces(&ctl->conf);
	return -1;
}

/* The exit code is the gravest. */
static int
run_each(const struct command *command, struct ctl *ctl, int argc, char **argv)
{
	/* cron mails what it says */
	bool quiet = command->run == ctl_maintain && isatty(STDOUT_FILENO) != 1;
	int worst = EX_OK;

	for (size_t i = 0; i < conf_count(&ctl->conf); i++) {
		int rc;

		ctl->ws = conf_at(&ctl->conf, i);
		about = ctl->ws->name;
		log_context(about, NULL, NULL);
		if (!quiet && !ctl->json)
			printf("%sworkspace %s\n", i == 0 ? "" : "\n", about);
		fflush(stdout);
		optind = 1;
		rc = command->run(ctl, argc, argv);
		if (rc == EX_USAGE)
			return rc;
		worst = rc > worst ? rc : worst;
	}
	return worst;
}

static int
run(const struct command *command, struct ctl *ctl, int argc, char **argv)
{
	struct err err = ERR_INIT;
	int rc;

	if (ctl->unready == NULL &&
	    (program_log(&ctl->conf, &err) != 0 ||
		db_new(ctl->conf.database.conninfo, ctl->conf.database.owner,
		    "onsctl", (int)ctl->conf.database.timeout_ms, &ctl->db,
		    &err) != 0))
		ctl->unready = &err;
	if (ctl->unready != NULL && command->run != ctl_doctor)
		return ctl_fail(ctl->unready);
	optind = 1;
	rc = command->scope == EACH && ctl->ws == NULL
	    ? run_each(command, ctl, argc, argv)
	    : command->run(ctl, argc, argv);
	db_free(ctl->db);
	return rc;
}

int
main(int argc, char **argv)
{
	const struct command *command;
	const char *config = NULL, *workspace = NULL;
	struct ctl ctl = { 0 };
	struct err err = ERR_INIT;
	int c, rc = EX_USAGE;

	log_init("onsctl");
	/* "+": what follows the command is the command's */
	while ((c = getopt_long(argc, argv, "+c:jw:hV", options, NULL)) != -1)
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 'j':
			ctl.json = true;
			break;
		case 'w':
			workspace = optarg;
			break;
		case 'h':
			usage(stdout);
			return EX_OK;
		case 'V':
			program_version("onsctl");
			return EX_OK;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	if (optind == argc) {
		usage(stderr);
		return EX_USAGE;
	}
	argc -= optind;
	argv += optind;
	if ((command = find(argv[0])) == NULL) {
		fprintf(stderr,
		    "onsctl: %s: no such command (see onsctl --help)\n",
		    argv[0]);
		return EX_USAGE;
	}
	if (asks_for_help(argc, argv)) {
		printf("usage: onsctl %s %s\n\n%s\n", command->name,
		    command->args, command->summary);
		return EX_OK;
	}
	if (conf_load(config, CONF_CTL, &ctl.conf, &err) != 0)
		ctl.unready = &err;
	if (ctl.unready != NULL ||
	    choose(&ctl, workspace, command->scope) == 0)
		rc = run(command, &ctl, argc, argv);
	conf_free(&ctl.conf);
	return rc;
}

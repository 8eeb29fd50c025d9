/*
 * onsctl - the operator's hand.
 */
#include "cmd/onsctl.h"

#include <getopt.h>
#include <stdarg.h>
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
	{ "alert-test", "", "send a test message to [alert] webhook",
	    ctl_alert_test, EACH },
	{ "backfill",
	    "[--since WHEN] [--until WHEN] [--number NUMBER] "
	    "[--contact CONTACT] [--apply] [--follow] [--cancel] [--list] "
	    "[ID]",
	    "bring in what was before", ctl_backfill, ONE },
	{ "check-config", "", "read the configuration and say what is wrong",
	    ctl_check_config, ALL },
	{ "config", "", "print every setting in force", ctl_config, ALL },
	{ "discard", "[--dead] [--kind KIND] [--error TEXT] [--yes] [ID ...]",
	    "put away for good what cannot be done", ctl_discard, ONE },
	{ "doctor", "[--nagios] [--url URL]",
	    "look at everything, and say what to do", ctl_doctor, EACH },
	{ "events",
	    "[--type TYPE] [--kind KIND] [--outcome OUTCOME] [--since WHEN] "
	    "[--until WHEN] [--limit N] [ID]",
	    "list deliveries, and what became of them", ctl_events, ONE },
	{ "export",
	    "[--number NUMBER] [--contact CONTACT] [--since WHEN] "
	    "[--until WHEN] [--kind KIND] [--format FORMAT] [--output FILE]",
	    "what is known, of a person or of all, as JSON or CSV", ctl_export,
	    ONE },
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
	{ "relink", "[--all] [--since WHEN] [ID ...]",
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
	    "send a signed test delivery to ourselves", ctl_send_test, EACH },
	{ "show", "ID", "show a page as it is in Notion", ctl_show, ONE },
	{ "status", "[--watch [SECONDS]]", "how things are, at a glance",
	    ctl_status, ALL },
	{ "webhooks",
	    "[list | create [--adopt] [--v1] | test [--type TYPE] "
	    "[--timeout SECONDS] [ID] | rotate [--finish] [--now] [ID] | "
	    "delete ID] [--url URL]",
	    "OpenPhone's subscriptions: make them, test them, change keys",
	    ctl_webhooks, EACH },
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
	fputs("usage: onsctl [-c FILE] [-w WORKSPACE] COMMAND [ARGUMENT ...] "
	      "[--json]\n"
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

/* With --json and several workspaces: the result of the one that it is at, for
 * all are printed as one. */
static bool collecting;
static json_t *collected;

int
ctl_print_json(json_t *result, struct err *err)
{
	int rc;

	if (collecting && result != NULL) {
		collected = result;
		return 0;
	}
	rc = result == NULL || (json_dumpf(result, stdout, JSON_INDENT(2)) != 0 &&
		!ferror(stdout)) /* of that check_output() tells */
	    ? -1
	    : 0;
	json_decref(result);
	if (rc != 0)
		err_nomem(err);
	else
		putchar('\n');
	return rc;
}

int
ctl_result(const struct ctl *ctl, json_t *result, struct err *err,
    const char *fmt, ...)
{
	va_list args;

	if (ctl->json)
		return ctl_print_json(result, err);
	json_decref(result);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	return 0;
}

bool
ctl_is_one_of(const char *option, const char *given, const char *const *words)
{
	for (const char *const *word = words; *word != NULL; word++)
		if (strcmp(given, *word) == 0)
			return true;
	fprintf(stderr, "onsctl: %s: %s is none of", option, given);
	for (; *words != NULL; words++)
		fprintf(stderr, " %s", *words);
	fputc('\n', stderr);
	return false;
}

int
ctl_usage(const char *name)
{
	const struct command *command = find(name);

	fprintf(stderr, "usage: onsctl %s %s\n", command->name, command->args);
	return EX_USAGE;
}

/* --json may stand behind the command as well; how many arguments are left. */
static int
take_json(int argc, char **argv, bool *json)
{
	int n = 0;

	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--json") == 0)
			*json = true;
		else
			argv[n++] = argv[i];
	argv[n] = NULL;
	return n;
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

int
ctl_which(const struct ctl *ctl)
{
	fputs("onsctl: which one? --workspace ", stderr);
	list_workspaces(&ctl->conf);
	return EX_USAGE;
}

const char *
ctl_self(const struct ctl *ctl, char ret[CTL_SELF_SIZE])
{
	bool several = conf_count(&ctl->conf) > 1;

	snprintf(ret, CTL_SELF_SIZE, "onsctl%s%s", several ? " -w " : "",
	    several ? ctl->ws->name : "");
	return ret;
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
	if (name == NULL)
		return ctl_which(ctl);
	fprintf(stderr, "onsctl: there is no workspace %s, but: ", name);
	list_workspaces(&ctl->conf);
	return EX_USAGE;
}

/* The exit code is the gravest. */
static int
run_each(const struct command *command, struct ctl *ctl, int argc, char **argv)
{
	/* cron mails what it says */
	bool quiet = command->run == ctl_maintain && isatty(STDOUT_FILENO) != 1;
	json_t *all = json_array();
	struct err err = ERR_INIT;
	int worst = EX_OK;

	ctl->each = true;
	collecting = ctl->json;
	for (size_t i = 0; i < conf_count(&ctl->conf); i++) {
		int rc;

		ctl->ws = conf_at(&ctl->conf, i);
		about = ctl->ws->name;
		log_context(about, NULL, NULL);
		if (!quiet && !ctl->json)
			printf("%sworkspace %s\n", i == 0 ? "" : "\n", about);
		fflush(stdout);
		optind = 0;
		collected = NULL;
		rc = command->run(ctl, argc, argv);
		if (rc == EX_USAGE) {
			json_decref(all);
			return rc;
		}
		json_array_append_new(all,
		    json_pack("{s:s, s:i, s:o?}", "workspace", about,
			"exit_status", rc, "result", collected));
		worst = rc > worst ? rc : worst;
	}
	collecting = false;
	about = NULL;
	all = json_pack("{s:o}", "workspaces", all);
	if (ctl->json && ctl_print_json(all, &err) != 0)
		return ctl_fail(&err);
	if (!ctl->json)
		json_decref(all);
	return worst;
}

/* Nobody is to take for the result what could not be written. */
static int
check_output(void)
{
	struct err err = ERR_INIT;
	bool lost = ferror(stdout) != 0;

	if (fflush(stdout) == 0 && !lost)
		return EX_OK;
	err_sys(&err, ERR_PERMANENT, "cannot write the output");
	return ctl_fail(&err);
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
	/* not 1: glibc would go on with main()'s "+" */
	optind = 0;
	rc = command->scope == EACH && ctl->ws == NULL && ctl->unready == NULL
	    ? run_each(command, ctl, argc, argv)
	    : command->run(ctl, argc, argv);
	db_free(ctl->db);
	return rc == EX_OK ? check_output() : rc;
}

int
main(int argc, char **argv)
{
	const struct command *command;
	const char *config = NULL, *workspace = NULL;
	struct ctl ctl = { 0 };
	struct err err = ERR_INIT;
	int c, rc = EX_USAGE;

	program_begin("onsctl");
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
	argc = take_json(argc, argv, &ctl.json);
	if (asks_for_help(argc, argv)) {
		printf("usage: onsctl %s %s\n\n%s\n", command->name,
		    command->args, command->summary);
		return EX_OK;
	}
	if (conf_load(config, CONF_CTL, &ctl.conf, &err) != 0)
		ctl.unready = &err;
	if (ctl.unready != NULL || choose(&ctl, workspace, command->scope) == 0)
		rc = run(command, &ctl, argc, argv);
	conf_free(&ctl.conf);
	return rc;
}

/*
 * onsctl - the operator's hand.
 */
#include "cmd/onsctl.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "cmd/program.h"

static const struct command {
	const char *name, *args, *summary;
	ctl_command *run;
} commands[] = {
	{ "backfill",
	    "[--since DATE] [--until DATE] [--number NUMBER] "
	    "[--contact CONTACT] [--apply] [--follow] [--cancel] [--list] "
	    "[ID]",
	    "bring in what was before", ctl_backfill },
	{ "check-config", "", "read the configuration and say what is wrong",
	    ctl_check_config },
	{ "config", "", "print every setting in force", ctl_config },
	{ "discard", "[--dead] [--kind KIND] [--error TEXT] [--yes] [ID ...]",
	    "put away for good what cannot be done", ctl_discard },
	{ "doctor", "[--nagios] [--url URL]",
	    "look at everything, and say what to do", ctl_doctor },
	{ "init",
	    "[--parent PAGE] [--calls DATABASE] [--messages DATABASE] "
	    "[--contacts [DATABASE]] [--extend]",
	    "make the Notion databases, or use existing ones", ctl_init },
	{ "jobs", "[--dead] [--kind KIND] [--error TEXT] [--limit N]",
	    "list unfinished work", ctl_jobs },
	{ "maintain", "", "compare with OpenPhone, repair, tidy up: for cron",
	    ctl_maintain },
	{ "migrate", "", "create or update the tables", ctl_migrate },
	{ "reconcile", "[--since WHEN] [--until WHEN] [--notion] [--repair]",
	    "prove that nothing is missing, or doubled", ctl_reconcile },
	{ "relink", "[--all] [--since DATE] [ID ...]",
	    "write pages again whose names have changed", ctl_relink },
	{ "replay",
	    "[--all] [--since WHEN] [--until WHEN] [--kind KIND] [--apply] "
	    "[ID ...]",
	    "fold states again from the stored events", ctl_replay },
	{ "retry", "[--dead] [--kind KIND] [--error TEXT] [ID ...]",
	    "try again what was given up", ctl_retry },
	{ "revoke", "[--renew] ID [SLOT]",
	    "take back the links to a call's recordings", ctl_revoke },
	{ "send-test", "[--type TYPE] [--legacy] [--url URL]",
	    "send a signed test delivery to ourselves", ctl_send_test },
	{ "show", "ID", "show a page as it is in Notion", ctl_show },
	{ "status", "", "how things are, at a glance", ctl_status },
	{ "webhooks",
	    "[list | create [--adopt] [--v1] | test [--type TYPE] "
	    "[--timeout SECONDS] [ID] | rotate [--finish] [--now] [ID] | "
	    "delete ID] [--url URL]",
	    "OpenPhone's subscriptions: make them, test them, change keys",
	    ctl_webhooks },
};

enum { N_COMMANDS = sizeof(commands) / sizeof(*commands) };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void
usage(FILE *to)
{
	fputs("usage: onsctl [-c FILE] [--json] COMMAND [ARGUMENT ...]\n"
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

int
ctl_fail(const struct err *err)
{
	return program_fail("onsctl", err);
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

static int
run(const struct command *command, const char *config, bool json, int argc,
    char **argv)
{
	struct ctl ctl = { .json = json };
	struct err err = ERR_INIT;
	int rc;

	if (conf_load(config, CONF_CTL, &ctl.conf, &err) != 0 ||
	    program_log(&ctl.conf, &err) != 0 ||
	    db_new(ctl.conf.database.conninfo, ctl.conf.database.owner,
		"onsctl", (int)ctl.conf.database.timeout_ms, &ctl.db,
		&err) != 0)
		ctl.unready = &err;
	optind = 1;
	rc = ctl.unready == NULL || command->run == ctl_doctor
	    ? command->run(&ctl, argc, argv)
	    : ctl_fail(&err);
	db_free(ctl.db);
	conf_free(&ctl.conf);
	return rc;
}

int
main(int argc, char **argv)
{
	const struct command *command;
	const char *config = NULL;
	bool json = false;
	int c;

	log_init("onsctl");
	/* "+": what follows the command is the command's */
	while ((c = getopt_long(argc, argv, "+c:jhV", options, NULL)) != -1)
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 'j':
			json = true;
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
	return run(command, config, json, argc, argv);
}

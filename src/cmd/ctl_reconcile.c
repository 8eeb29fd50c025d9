/*
 * onsctl reconcile: is everything there, and once?
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cmd/onsctl.h"
#include "cmd/table.h"
#include "sql/queries.h"
#include "sync/reconcile.h"

enum {
	EX_DIFFERS = 1, /* not all agrees */
	FINDINGS_MAX = 1000,
	SENTENCE_SIZE = 256
};

static const char *const kinds[] = { "contact", "call", "message" };
enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

static volatile sig_atomic_t stopping;

static void
on_signal(int sig)
{
	stopping = sig;
}

static int
compare(
    struct sync *sync, const struct chore *chore, bool repair, struct err *err)
{
	const struct reconcile how = {
		.sync = sync, .chore = chore, .repair = repair
	};

	for (size_t i = 0; i < N_KINDS; i++)
		if (reconcile_pages(&how, kinds[i], err) != 0)
			return -1;
	return 0;
}

static int
print_findings(struct ctl *ctl, struct err *err)
{
	static const struct table_column columns[] = {
		{ "what", "WHAT", false, false },
		{ "kind", "KIND", false, false },
		{ "resource_id", "ID", false, false },
		{ "state", "STATE", false, false },
		{ "url", "PAGE", false, true },
		{ NULL, NULL, false, false },
	};
	struct db_result *r = NULL;
	int rc = 0;

	if (DB_RUN(ctl->db, SQL_finding_list, &r, err,
		DB_TEXT(ctl->conf.workspace.name), DB_INT(FINDINGS_MAX)) != 0)
		return -1;
	if (db_rows(r) > 0)
		rc = table_print(r, "findings", columns, ctl->json, err);
	db_result_free(r);
	return rc;
}

static int
print_json(struct ctl *ctl, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(ctl->db, SQL_reconcile_json, &r, err,
		DB_TEXT(ctl->conf.workspace.name), DB_INT(FINDINGS_MAX)) != 0)
		return -1;
	puts(db_text(r, 0, "report"));
	db_result_free(r);
	return 0;
}

/* What came of it, in a sentence; *complete: all agrees now. */
static int
conclude(
    struct ctl *ctl, char ret[SENTENCE_SIZE], bool *complete, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(ctl->db, SQL_reconcile_report, &r, err,
		DB_TEXT(ctl->conf.workspace.name)) != 0)
		return -1;
	*complete = db_int(r, 0, "open") == 0;
	snprintf(ret, SENTENCE_SIZE,
	    "%s: %s calls, %s messages, %s contacts have a page; %s repaired",
	    *complete ? "complete" : "not complete", db_text(r, 0, "calls"),
	    db_text(r, 0, "messages"), db_text(r, 0, "contacts"),
	    db_text(r, 0, "repaired"));
	if (!*complete)
		snprintf(ret + strlen(ret), SENTENCE_SIZE - strlen(ret),
		    ", %s not", db_text(r, 0, "open_text"));
	db_result_free(r);
	return 0;
}

static int
reconcile(struct ctl *ctl, struct sync *sync, const struct chore *chore,
    bool repair, bool *complete, struct err *err)
{
	char sentence[SENTENCE_SIZE];
	struct err ignored = ERR_INIT;

	if (compare(sync, chore, repair, err) != 0 ||
	    conclude(ctl, sentence, complete, err) != 0) {
		(void)chore_end(chore, NULL, &ignored);
		return -1;
	}
	if (chore_end(chore, sentence, err) != 0)
		return -1;
	if (ctl->json)
		return print_json(ctl, err);
	if (print_findings(ctl, err) != 0)
		return -1;
	puts(sentence);
	return 0;
}

/* Alone: two at once would spoil each other's listing. */
static int
begin(struct ctl *ctl, struct chore *chore, struct err *err)
{
	int begun = chore_begin(
	    ctl->db, ctl->conf.workspace.name, "reconcile", chore, err);

	if (begun == 0)
		err_set(err, ERR_RETRY,
		    "another reconcile or maintain is at work: try again when "
		    "it has ended");
	return begun == 1 ? 0 : -1;
}

int
ctl_reconcile(struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "repair", no_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	struct sigaction action = { .sa_handler = on_signal };
	struct err err = ERR_INIT;
	struct sync sync = { 0 };
	struct chore chore;
	bool repair = false, complete = false;
	int c, rc;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'r':
			repair = true;
			break;
		default:
			return ctl_usage(argv[0]);
		}
	if (optind < argc)
		return ctl_usage(argv[0]);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (conf_require(&ctl->conf, CONF_CTL_NOTION, &err) != 0 ||
	    sync_init(&sync, &ctl->conf, ctl->db, &stopping, &err) != 0)
		return ctl_fail(&err);
	rc = begin(ctl, &chore, &err);
	if (rc == 0)
		rc = reconcile(ctl, &sync, &chore, repair, &complete, &err);
	sync_free(&sync);
	if (rc != 0)
		return ctl_fail(&err);
	return complete ? EX_OK : EX_DIFFERS;
}

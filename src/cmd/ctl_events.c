/*
 * onsctl events: what came in, and what became of it.
 */
#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#include "cmd/onsctl.h"
#include "cmd/program.h"
#include "cmd/table.h"
#include "sql/queries.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 100000 };

static const char *const kinds[] = { "call", "message", "contact", "task",
	"integration", "other", NULL };
static const char *const outcomes[] = { "waiting", "done", "failed",
	"discarded", "kept", NULL };

struct choice {
	const char *type, *kind, *outcome, *since, *until, *id;
	int64_t limit;
};

static int
print(struct ctl *ctl, const struct db_result *r, struct err *err)
{
	static const struct table_column brief[] = {
		{ "received", "RECEIVED", false, false },
		{ "type", "TYPE", false, false },
		{ "resource_id", "ID", false, false },
		{ "outcome", "OUTCOME", false, false },
		{ "note", "NOTE", false, true },
		{ NULL, NULL, false, false },
	};
	static const struct table_column all[] = {
		{ "id", "", true, false },
		{ "delivery_id", "", false, false },
		{ "event_id", "", false, false },
		{ "type", "", false, false },
		{ "generation", "", true, false },
		{ "kind", "", false, false },
		{ "resource_id", "", false, false },
		{ "occurred_at", "", false, false },
		{ "received_at", "", false, false },
		{ "outcome", "", false, false },
		{ "note", "", false, false },
		{ NULL, NULL, false, false },
	};

	if (db_rows(r) > 0 || ctl->json)
		return table_print(
		    r, "events", ctl->json ? all : brief, ctl->json, err);
	puts("no such deliveries");
	return 0;
}

static int
list(struct ctl *ctl, const struct choice *choice, struct err *err)
{
	struct db_result *r = NULL;
	int rc;

	if (DB_RUN(ctl->db, SQL_events, &r, err, DB_TEXT(ctl->ws->name),
		DB_TEXT(choice->type), DB_TEXT(choice->kind),
		DB_TEXT(choice->outcome), DB_TEXT(choice->since),
		DB_TEXT(choice->until), DB_TEXT(choice->id),
		DB_INT(choice->limit)) != 0)
		return -1;
	rc = print(ctl, r, err);
	db_result_free(r);
	return rc;
}

static int
run(struct ctl *ctl, struct choice *choice)
{
	struct err err = ERR_INIT;
	struct ctl_span span;

	if (ctl_span(ctl, choice->since, choice->until, &span) != 0)
		return EX_USAGE;
	choice->since = span.since;
	/* what is stored while we look is new, too */
	choice->until = choice->until == NULL ? NULL : span.until;
	return list(ctl, choice, &err) == 0 ? EX_OK : ctl_fail(&err);
}

int
ctl_events(struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "type", required_argument, NULL, 't' },
		{ "kind", required_argument, NULL, 'k' },
		{ "outcome", required_argument, NULL, 'o' },
		{ "since", required_argument, NULL, 's' },
		{ "until", required_argument, NULL, 'u' },
		{ "limit", required_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	struct choice choice = { .limit = LIMIT_DEFAULT };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 't':
			choice.type = optarg;
			break;
		case 'k':
			if (!ctl_is_one_of("--kind", optarg, kinds))
				return EX_USAGE;
			choice.kind = optarg;
			break;
		case 'o':
			if (!ctl_is_one_of("--outcome", optarg, outcomes))
				return EX_USAGE;
			choice.outcome = optarg;
			break;
		case 's':
			choice.since = optarg;
			break;
		case 'u':
			choice.until = optarg;
			break;
		case 'n':
			if (program_number("onsctl", "--limit", optarg,
				LIMIT_MAX, &choice.limit) != 0)
				return EX_USAGE;
			break;
		default:
			return ctl_usage(argv[0]);
		}
	if (optind < argc)
		choice.id = argv[optind++];
	return optind < argc ? ctl_usage(argv[0]) : run(ctl, &choice);
}

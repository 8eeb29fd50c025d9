/*
 * onsctl replay: states are folded again from the stored events, and pages
 * are written again where they differ then.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cmd/onsctl.h"
#include "model/words.h"
#include "queue/job.h"
#include "sql/queries.h"

struct choice {
	struct db_bytes *ids; /* none: all */
	size_t n;
	const char *kind;     /* NULL: any */
	struct ctl_span span; /* NULL: any time */
	bool apply;
};

struct counts {
	int64_t calls, messages, contacts;
};

/* A typing error must not leave half of the work done. */
static int
check_ids(struct ctl *ctl, const struct choice *choice, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(ctl->db, SQL_resource_unknown, &r, err,
		DB_TEXT(ctl->ws->name), DB_TEXTS(choice->ids, choice->n)) != 0)
		return -1;
	if (db_rows(r) > 0)
		err_set(err, ERR_PERMANENT,
		    "%s: no call, message or contact that is known",
		    db_text(r, 0, "id"));
	db_result_free(r);
	return err_is_set(err) ? -1 : 0;
}

/* Where the batch ended: 1 and the key moved on, 0: there is no more, -1. */
static int
move_on(const struct db_result *r, char **kind, char **id, struct err *err)
{
	const char *last_kind = db_text(r, 0, "last_kind");
	const char *last_id = db_text(r, 0, "last_id");

	if (last_kind == NULL || last_id == NULL)
		return 0;
	free(*kind);
	free(*id);
	*kind = strdup(last_kind);
	*id = strdup(last_id);
	if (*kind != NULL && *id != NULL)
		return 1;
	err_nomem(err);
	return -1;
}

/* In batches: short transactions, however many there are. */
static int
replay(struct ctl *ctl, const struct choice *choice, struct counts *counts,
    struct err *err)
{
	char *kind = strdup(""), *id = strdup("");
	struct db_result *r = NULL;
	int more = 1;

	if (kind == NULL || id == NULL) {
		err_nomem(err);
		more = -1;
	}
	while (more == 1) {
		more = DB_RUN(ctl->db, SQL_replay, &r, err,
		    DB_TEXT(ctl->ws->name), DB_TEXTS(choice->ids, choice->n),
		    DB_TEXT(choice->kind), DB_TEXT(choice->span.since),
		    DB_TEXT(choice->span.until), DB_BOOL(choice->apply),
		    DB_INT(JOB_HISTORY), DB_TEXT(kind), DB_TEXT(id));
		if (more != 0)
			break;
		counts->calls += db_int(r, 0, "calls");
		counts->messages += db_int(r, 0, "messages");
		counts->contacts += db_int(r, 0, "contacts");
		more = move_on(r, &kind, &id, err);
		db_result_free(r);
	}
	free(kind);
	free(id);
	return more;
}

static int
report(const struct ctl *ctl, const struct choice *choice,
    const struct counts *counts, struct err *err)
{
	char calls[WORDS_SIZE], messages[WORDS_SIZE], contacts[WORDS_SIZE];

	words_count(counts->calls, calls);
	words_count(counts->messages, messages);
	words_count(counts->contacts, contacts);
	return ctl_result(ctl,
	    json_pack("{s:I, s:I, s:I, s:b}", "calls",
		(json_int_t)counts->calls, "messages",
		(json_int_t)counts->messages, "contacts",
		(json_int_t)counts->contacts, "applied", choice->apply),
	    err, "%s calls, %s messages, %s contacts %s\n", calls, messages,
	    contacts,
	    choice->apply ? "are due again"
			  : "would be due again; with --apply they are");
}

static int
run(struct ctl *ctl, struct choice *choice, char **ids)
{
	struct err err = ERR_INIT;
	struct counts counts = { 0 };
	int rc;

	choice->ids = calloc(choice->n + 1, sizeof(*choice->ids));
	if (choice->ids == NULL) {
		err_nomem(&err);
		return ctl_fail(&err);
	}
	for (size_t i = 0; i < choice->n; i++)
		choice->ids[i] = (struct db_bytes){ ids[i], strlen(ids[i]) };
	rc = check_ids(ctl, choice, &err);
	if (rc == 0)
		rc = replay(ctl, choice, &counts, &err);
	if (rc == 0)
		rc = report(ctl, choice, &counts, &err);
	free(choice->ids);
	return rc == 0 ? EX_OK : ctl_fail(&err);
}

int
ctl_replay(struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "kind", required_argument, NULL, 'k' },
		{ "since", required_argument, NULL, 's' },
		{ "until", required_argument, NULL, 'u' },
		{ "apply", no_argument, NULL, 'y' },
		{ NULL, 0, NULL, 0 },
	};
	static const char *const kinds[] = { "call", "message", "contact",
		NULL };
	struct choice choice = { 0 };
	const char *since = NULL, *until = NULL;
	bool all = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'a':
			all = true;
			break;
		case 'k':
			if (!ctl_is_one_of("--kind", optarg, kinds))
				return EX_USAGE;
			choice.kind = optarg;
			break;
		case 's':
			since = optarg;
			break;
		case 'u':
			until = optarg;
			break;
		case 'y':
			choice.apply = true;
			break;
		default:
			return ctl_usage(argv[0]);
		}
	choice.n = (size_t)(argc - optind);
	/* nobody means all of it by saying nothing */
	if (all + (choice.n > 0) + (since != NULL || until != NULL) != 1)
		return ctl_usage(argv[0]);
	if (ctl_span(ctl, since, until, &choice.span) != 0)
		return EX_USAGE;
	return run(ctl, &choice, argv + optind);
}

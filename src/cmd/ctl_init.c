/*
 * onsctl init: make the Notion databases under a page, or adopt existing ones.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cmd/onsctl.h"
#include "sql/queries.h"
#include "sync/destination.h"
#include "sync/sync.h"

static const struct option options[] = {
	{ "parent", required_argument, NULL, 'p' },
	{ "calls", required_argument, NULL, 'C' },
	{ "messages", required_argument, NULL, 'M' },
	{ "extend", no_argument, NULL, 'e' },
	{ "contacts", no_argument, NULL, 'P' },
	{ NULL, 0, NULL, 0 },
};

struct choice {
	const char *kind;
	const char *given;	/* id or URL, NULL: make a new one */
	const char *configured; /* the same from the configuration */
	bool optional;		/* not made unless asked for */
};

static volatile sig_atomic_t never;

/* What came of one database: for people at once, for programs at the end. */
struct report {
	struct sync *sync;
	bool json;
	json_t *databases;
};

/* Without a database of contacts nobody misses a relation to it. */
static void
add_relation(struct sync *sync, const struct destination *d, json_t *left_out)
{
	struct destination contacts = { 0 };
	struct err ignored = ERR_INIT;
	bool related = false;

	(void)destination_find(sync, "contact", &contacts, &related, &ignored);
	destination_clear(&contacts);
	for (size_t i = 0; related && i < d->schema->n; i++)
		if (strcmp(d->schema->columns[i].type, "relation") == 0 &&
		    json_object_get(d->columns, d->schema->columns[i].name) ==
			NULL)
			json_array_append_new(left_out,
			    json_sprintf("%s: no such column",
				d->schema->columns[i].name));
}

static void
print_list(const json_t *database, const char *name, const char *fmt)
{
	const json_t *string;
	size_t i;

	json_array_foreach (json_object_get(database, name), i, string)
		printf(fmt, json_string_value(string));
}

/* added: columns that Notion was asked to add, NULL: none. */
static void
report(struct report *report, const char *kind, bool made,
    const struct destination *d, const json_t *added)
{
	json_t *left_out = json_deep_copy(d->skipped);
	json_t *taken = json_array(), *not_taken = json_array(), *string, *all;
	size_t i;

	if (left_out == NULL)
		left_out = json_array();
	json_array_foreach (added, i, string)
		json_array_append(json_object_get(d->columns,
				      json_string_value(string)) != NULL
			? taken
			: not_taken,
		    string);
	add_relation(report->sync, d, left_out);
	all = json_pack("{s:s, s:s, s:b, s:o, s:o, s:o}", "kind", kind,
	    "database", d->database, "made", made, "added", taken, "not_taken",
	    not_taken, "left_out", left_out);
	if (!report->json) {
		printf("%ss: %s database %s\n", kind, made ? "made" : "using",
		    d->database);
		print_list(all, "added", "  added the column \"%s\"\n");
		print_list(all, "not_taken",
		    "  Notion did not take the column \"%s\"\n");
		print_list(all, "left_out", "  left out: %s\n");
	}
	json_array_append_new(report->databases, all);
}

/* A database that is there and readable is kept: init can be run again. */
static int
keep(struct report *to, const char *kind, bool extend, bool *kept,
    struct err *err)
{
	struct sync *sync = to->sync;
	struct destination d = { 0 };
	json_t *added = NULL;
	bool found = false;
	int rc;

	*kept = false;
	if (destination_find(sync, kind, &d, &found, err) != 0)
		return -1;
	if (!found)
		return 0;
	rc = destination_refresh(sync, kind, &d, err);
	if (rc == 0 && extend)
		rc = destination_extend(sync, kind, &d, &added, err);
	if (rc == 0) {
		*kept = true;
		report(to, kind, false, &d, added);
	}
	json_decref(added);
	destination_clear(&d);
	return rc;
}

static int
set_up(struct report *to, const struct choice *choice, const char *parent,
    bool extend, struct err *err)
{
	struct sync *sync = to->sync;
	enum page_schema style = destination_style(sync, choice->kind);
	struct destination d = { 0 };
	const char *id =
	    choice->given != NULL ? choice->given : choice->configured;
	json_t *added = NULL;
	bool kept = false;
	int rc;

	if (id == NULL) {
		if (keep(to, choice->kind, extend, &kept, err) != 0)
			return -1;
		if (kept || choice->optional)
			return 0;
		if (parent == NULL) {
			err_set(err, ERR_CONFIG,
			    "no database for %ss: give --parent PAGE (the "
			    "Notion page to make it under, shared with the "
			    "connection) or --%ss DATABASE",
			    choice->kind, choice->kind);
			return -1;
		}
	}
	rc = id != NULL
	    ? destination_adopt(sync, choice->kind, id, style,
		  extend ? &added : NULL, &d, err)
	    : destination_create(sync, choice->kind, parent, style, &d, err);
	if (rc == 0)
		report(to, choice->kind, id == NULL, &d, added);
	json_decref(added);
	destination_clear(&d);
	return rc;
}

/* What waits for a person is due now. */
static int
operator_acted(struct ctl *ctl, struct err *err)
{
	return DB_RUN(
	    ctl->db, SQL_operator_acted, NULL, err, DB_TEXT(ctl->ws->name));
}

static int
run(struct ctl *ctl, const struct choice choices[3], const char *parent,
    bool extend)
{
	struct err err = ERR_INIT;
	struct sync sync = { 0 };
	struct report to = { .sync = &sync, .json = ctl->json };
	int rc;

	if (conf_require(&ctl->conf, ctl->ws, CONF_CTL_NOTION, &err) != 0 ||
	    sync_init(&sync, &ctl->conf, ctl->ws, ctl->db, &never, &err) != 0)
		return ctl_fail(&err);
	to.databases = json_array();
	/* a pause until somebody acts must not keep that somebody waiting */
	rc = operator_acted(ctl, &err);
	for (int i = 0; i < 3 && rc == 0; i++)
		rc = set_up(&to, &choices[i], parent, extend, &err);
	if (rc == 0)
		rc = operator_acted(ctl, &err);
	if (rc == 0 && ctl->json)
		rc = ctl_print_json(
		    json_pack("{s:O}", "databases", to.databases), &err);
	json_decref(to.databases);
	sync_free(&sync);
	return rc == 0 ? EX_OK : ctl_fail(&err);
}

int
ctl_init(struct ctl *ctl, int argc, char **argv)
{
	const struct workspace *ws = ctl->ws;
	const char *parent = ws->notion.parent_page;
	/* the first, for the others have relations to it */
	enum { CONTACTS, CALLS, MESSAGES };
	struct choice choices[] = {
		[CONTACTS] = { .kind = "contact",
		    .configured = ws->notion.contacts_database,
		    .optional = true },
		[CALLS] = { .kind = "call",
		    .configured = ws->notion.calls_database },
		[MESSAGES] = { .kind = "message",
		    .configured = ws->notion.messages_database },
	};
	bool extend = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'p':
			parent = optarg;
			break;
		case 'C':
			choices[CALLS].given = optarg;
			break;
		case 'M':
			choices[MESSAGES].given = optarg;
			break;
		case 'e':
			extend = true;
			break;
		case 'P': /* with a database or without */
			choices[CONTACTS].optional = false;
			if (optind < argc && *argv[optind] != '-')
				choices[CONTACTS].given = argv[optind++];
			break;
		default:
			return ctl_usage(argv[0]);
		}
	if (optind < argc)
		return ctl_usage(argv[0]);
	return run(ctl, choices, parent, extend);
}

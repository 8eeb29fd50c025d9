/*
 * onsctl backfill: calls and messages of before, from OpenPhone's lists.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/openphone_list.h"
#include "api/rest.h"
#include "base/rfc3339.h"
#include "cmd/onsctl.h"
#include "cmd/program.h"
#include "cmd/table.h"
#include "model/fold.h"
#include "model/number.h"
#include "model/words.h"
#include "sql/queries.h"
#include "sync/backfill.h"
#include "sync/survey.h"

static const volatile sig_atomic_t never = 0;

/* The command line. */
struct wish {
	const char *since, *until, *number, *contact;
	bool apply, follow, cancel, list;
	bool partly; /* what it would do is known in part */
	int64_t id;
};

/* ---- whose ---- */

/* The id of our number that is given as one, or as people write numbers. */
static const char *
find_number(const json_t *numbers, const char *given, struct err *err)
{
	char e164[NUMBER_SIZE];
	const json_t *number;
	size_t i;

	number_e164(given, e164);
	json_array_foreach (numbers, i, number)
		if (strcmp(rest_text(number, "id"), given) == 0 ||
		    strcmp(rest_text(number, "number"), e164) == 0)
			return rest_text(number, "id");
	err_set(err, ERR_PERMANENT, "%s is none of the workspace's %zu numbers",
	    given, json_array_size(numbers));
	return NULL;
}

/* All numbers of the contact of that id. */
static int
contact_numbers(struct sync *sync, const char *id, json_t *to, struct err *err)
{
	char e164[NUMBER_SIZE];
	json_t *contact = NULL, *state = fold_new();
	const json_t *number;
	size_t i;
	int rc = -1;

	if (state == NULL)
		err_nomem(err);
	else if (openphone_contact(&sync->openphone, id, &contact, err) == 0)
		rc = contact == NULL ? 0
				     : fold_rest_contact(state, contact, err);
	if (rc == 0)
		json_array_foreach (
		    json_object_get(
			json_object_get(state, "facts"), "phoneNumbers"),
		    i, number) {
			number_e164(json_string_value(number), e164);
			if (json_array_append_new(to, json_string(e164)) != 0) {
				err_nomem(err);
				rc = -1;
			}
		}
	if (rc == 0 && json_array_size(to) == 0) {
		err_set(err, ERR_PERMANENT,
		    contact == NULL
			? "%s is neither a telephone number nor a contact's id"
			: "the contact %s has no telephone number",
		    id);
		rc = -1;
	}
	json_decref(contact);
	json_decref(state);
	return rc;
}

/* A number as people write it, or a contact's id: their numbers. */
static int
find_contact(
    struct sync *sync, const char *given, json_t **ret, struct err *err)
{
	char e164[NUMBER_SIZE];

	if ((*ret = json_array()) == NULL) {
		err_nomem(err);
		return -1;
	}
	number_e164(given, e164);
	if (e164[strspn(e164, "+0123456789")] != '\0')
		return contact_numbers(sync, given, *ret, err);
	if (json_array_append_new(*ret, json_string(e164)) == 0)
		return 0;
	err_nomem(err);
	return -1;
}

/* ---- what it would do ---- */

static void
show_progress(const struct survey *survey)
{
	if (isatty(STDERR_FILENO) == 1)
		fprintf(stderr,
		    "\rcounting: %" PRId64 " calls, %" PRId64 " messages\033[K",
		    survey->calls.found, survey->messages.found);
}

static void
end_progress(void)
{
	if (isatty(STDERR_FILENO) == 1)
		fputs("\r\033[K", stderr);
}

/* What it will cost. */
struct cost {
	int64_t openphone, notion; /* requests */
	int64_t seconds;	   /* at the rate limits, both at a time */
	int64_t openphone_seconds, notion_seconds;
};

static int64_t
missing(const struct survey_list *list)
{
	return survey_total(list, list->found - list->known);
}

static struct cost
cost_of(const struct survey *s, const struct workspace *ws)
{
	struct cost cost = { 0 };
	int64_t parts = s->calls.found == 0 ? 0
					    : s->calls.parts *
		(s->calls.found - s->calls.known) / s->calls.found;

	cost.openphone = survey_total(&s->calls, s->calls.pages + parts) +
	    survey_total(&s->messages, s->messages.pages) +
	    s->conversations / 100;
	cost.notion = missing(&s->calls) + missing(&s->messages);
	cost.openphone_seconds = cost.openphone / ws->openphone.rate;
	cost.notion_seconds = cost.notion * 60 / ws->notion.rate;
	cost.seconds = cost.openphone_seconds > cost.notion_seconds
	    ? cost.openphone_seconds
	    : cost.notion_seconds;
	return cost;
}

static void
print_list(const char *name, const struct survey_list *list)
{
	char total[WORDS_SIZE], known[WORDS_SIZE];

	words_count(survey_total(list, list->found), total);
	words_count(survey_total(list, list->known), known);
	printf("%-10s%s%s, of which %s%s are in Notion already\n", name,
	    list->share < 1 ? "about " : "", total,
	    list->share < 1 ? "about " : "", known);
}

static void
print_requests(const char *service, int64_t n, int64_t seconds)
{
	char count[WORDS_SIZE], span[WORDS_SIZE];

	words_count(n, count);
	words_span(seconds, span);
	printf("about %s requests to %s: %s at its rate limit\n", count,
	    service, span);
}

static void
print_survey(const struct backfill *b, const struct survey *s,
    const struct workspace *ws)
{
	struct cost cost = cost_of(s, ws);
	char since[64], until[64], span[WORDS_SIZE];

	rfc3339_local(b->since, "%Y-%m-%d %H:%M", since, sizeof(since));
	rfc3339_local(b->until, "%Y-%m-%d %H:%M %Z", until, sizeof(until));
	printf("from %s to %s\n", since, until);
	print_list("calls", &s->calls);
	print_list("messages", &s->messages);
	if (s->groups > 0)
		printf("OpenPhone's v1 does not list the calls of %" PRId64
		       " conversations of several people\n",
		    s->groups);
	if (s->refused > 0)
		printf("OpenPhone refused %" PRId64
		       " lists, which are not counted: %s\n",
		    s->refused, s->refusal.text);
	print_requests("OpenPhone", cost.openphone, cost.openphone_seconds);
	print_requests("Notion", cost.notion, cost.notion_seconds);
	words_span(cost.seconds, span);
	printf("This would take about %s. Nothing is queued yet: add "
	       "--apply.\n",
	    span);
}

static json_t *
list_json(const struct survey_list *list)
{
	return json_pack("{s:I, s:I, s:b}", "total",
	    (json_int_t)survey_total(list, list->found), "known",
	    (json_int_t)survey_total(list, list->known), "exact",
	    list->share >= 1);
}

static int
print_json(const struct backfill *b, const struct survey *s,
    const struct workspace *ws, struct err *err)
{
	struct cost cost = cost_of(s, ws);
	char since[RFC3339_SIZE], until[RFC3339_SIZE];
	json_t *all;

	rfc3339_format(b->since, since);
	rfc3339_format(b->until, until);
	all = json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, "
			"s:s}",
	    "surface", b->v1 ? "v1" : "dated", "since", since, "until", until,
	    "calls", list_json(&s->calls), "messages", list_json(&s->messages),
	    "groups", (json_int_t)s->groups, "openphone_requests",
	    (json_int_t)cost.openphone, "notion_requests",
	    (json_int_t)cost.notion, "seconds", (json_int_t)cost.seconds,
	    "refused_lists", (json_int_t)s->refused, "reason", s->refusal.text);
	return ctl_print_json(all, err);
}

static int
survey(struct ctl *ctl, struct sync *sync, const struct backfill *b,
    bool *partly, struct err *err)
{
	struct survey s;
	int rc = survey_run(sync, b, show_progress, &s, err);

	end_progress();
	if (rc != 0)
		return -1;
	*partly = s.refused > 0;
	if (ctl->json)
		return print_json(b, &s, sync->ws, err);
	print_survey(b, &s, sync->ws);
	return 0;
}

/* ---- doing it ---- */

static int
queue(struct ctl *ctl, struct sync *sync, const struct backfill *b,
    struct wish *wish, struct err *err)
{
	if (backfill_queue(sync, b, &wish->id, err) != 0 ||
	    DB_RUN(ctl->db, SQL_notify, NULL, err) != 0)
		return -1;
	/* one document: the end has the number, too */
	if ((!ctl->json || !wish->follow) &&
	    ctl_result(ctl,
		json_pack("{s:I}", "backfill", (json_int_t)wish->id), err,
		"backfill %" PRId64 " is queued\n", wish->id) != 0)
		return -1;
	fflush(stdout);
	return 0;
}

/* Everything is asked of OpenPhone before anything is changed. */
static int
begin(struct ctl *ctl, struct sync *sync, struct wish *wish, struct backfill *b,
    struct err *err)
{
	json_t *numbers = NULL, *contact = NULL;
	int rc = -1;

	b->number = "";
	if (openphone_numbers(&sync->openphone, &numbers, err) != 0 ||
	    (wish->number != NULL &&
		(b->number = find_number(numbers, wish->number, err)) ==
		    NULL) ||
	    (wish->contact != NULL &&
		find_contact(sync, wish->contact, &contact, err) != 0) ||
	    backfill_surface(sync, &b->v1, err) != 0)
		goto out;
	b->contact = contact;
	rc = wish->apply ? queue(ctl, sync, b, wish, err)
			 : survey(ctl, sync, b, &wish->partly, err);
out:
	b->contact = NULL;
	b->number = "";
	json_decref(contact);
	json_decref(numbers);
	return rc;
}

/* ---- the other ways to call it ---- */

static int
cancel(struct ctl *ctl, int64_t id, struct err *err)
{
	const char *workspace = ctl->ws->name;
	struct db_result *r = NULL;
	int64_t gone;

	if (db_begin(ctl->db, err) != 0)
		return -1;
	if (DB_RUN(ctl->db, SQL_backfill_cancel, &r, err, DB_TEXT(workspace),
		DB_INT(id)) != 0)
		goto fail;
	if (db_rows(r) == 0) {
		err_set(err, ERR_PERMANENT,
		    "there is no backfill %" PRId64 " that goes on", id);
		goto fail;
	}
	db_result_free(r);
	r = NULL;
	if (DB_RUN(ctl->db, SQL_backfill_undue, &r, err, DB_TEXT(workspace),
		DB_INT(id)) != 0 ||
	    db_commit(ctl->db, err) != 0)
		goto fail;
	gone = db_int(r, 0, "gone");
	db_result_free(r);
	return ctl_result(ctl,
	    json_pack("{s:I, s:I}", "cancelled", (json_int_t)id, "not_written",
		(json_int_t)gone),
	    err,
	    "backfill %" PRId64 " is cancelled; %" PRId64 " pages that waited "
	    "are not written\n",
	    id, gone);
fail:
	db_result_free(r);
	db_rollback(ctl->db);
	return -1;
}

static int
list(struct ctl *ctl, struct err *err)
{
	static const struct table_column columns[] = {
		{ "id", "ID", true, false },
		{ "state", "STATE", false, false },
		{ "since", "SINCE", false, false },
		{ "until", "UNTIL", false, false },
		{ "share", "LISTED %", true, false },
		{ "calls", "CALLS", true, false },
		{ "messages", "MESSAGES", true, false },
		{ "written", "WRITTEN", true, false },
		{ "waiting", "WAITING", true, false },
		{ "dead", "DEAD", true, false },
		{ "reason", "WHY NOT COMPLETE", false, true },
		{ NULL, NULL, false, false },
	};
	struct db_result *r = NULL;
	int rc;

	if (DB_RUN(ctl->db, SQL_backfill_list, &r, err, DB_TEXT(ctl->ws->name),
		DB_TEXT(NULL)) != 0)
		return -1;
	rc = table_print(r, "backfills", columns, ctl->json, err);
	db_result_free(r);
	return rc;
}

/* ---- the command line ---- */

static int
start(struct ctl *ctl, struct wish *wish)
{
	struct err err = ERR_INIT;
	struct sync sync = { 0 };
	struct backfill b = { 0 };
	int rc;

	if (conf_require(&ctl->conf, ctl->ws, CONF_PROCESS, &err) != 0 ||
	    sync_init(&sync, &ctl->conf, ctl->ws, ctl->db, &never, &err) != 0)
		return ctl_fail(&err);
	/* days are the workspace's: its zone is set by now */
	if (ctl_range(wish->since, wish->until, &b.since, &b.until) != 0) {
		sync_free(&sync);
		return EX_USAGE;
	}
	rc = begin(ctl, &sync, wish, &b, &err);
	sync_free(&sync);
	if (rc != 0)
		return ctl_fail(&err);
	if (wish->apply && wish->follow)
		return ctl_follow(ctl, wish->id);
	return wish->partly ? EX_TEMPFAIL : EX_OK;
}

static int
run(struct ctl *ctl, struct wish *wish, const char *name)
{
	struct err err = ERR_INIT;
	bool range = wish->since != NULL;
	int rc;

	if (wish->list + wish->cancel + range > 1 ||
	    (!range &&
		(wish->until != NULL || wish->number != NULL ||
		    wish->contact != NULL || wish->apply)) ||
	    (wish->cancel && (wish->id == 0 || wish->follow)) ||
	    (wish->id != 0 && !wish->cancel && (!wish->follow || range)) ||
	    (wish->follow && (wish->list || (range && !wish->apply))))
		return ctl_usage(name);
	if (range)
		return start(ctl, wish);
	if (wish->cancel)
		rc = cancel(ctl, wish->id, &err);
	else if (wish->list)
		rc = list(ctl, &err);
	else if (wish->follow)
		return ctl_follow(ctl, wish->id);
	else
		return ctl_usage(name);
	return rc == 0 ? EX_OK : ctl_fail(&err);
}

int
ctl_backfill(struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "since", required_argument, NULL, 's' },
		{ "until", required_argument, NULL, 'u' },
		{ "number", required_argument, NULL, 'n' },
		{ "contact", required_argument, NULL, 'c' },
		{ "apply", no_argument, NULL, 'a' },
		{ "follow", no_argument, NULL, 'f' },
		{ "cancel", no_argument, NULL, 'x' },
		{ "list", no_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	struct wish wish = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 's':
			wish.since = optarg;
			break;
		case 'u':
			wish.until = optarg;
			break;
		case 'n':
			wish.number = optarg;
			break;
		case 'c':
			wish.contact = optarg;
			break;
		case 'a':
			wish.apply = true;
			break;
		case 'f':
			wish.follow = true;
			break;
		case 'x':
			wish.cancel = true;
			break;
		case 'l':
			wish.list = true;
			break;
		default:
			return ctl_usage(argv[0]);
		}
	if (optind < argc - 1)
		return ctl_usage(argv[0]);
	if (optind < argc &&
	    program_number(
		"onsctl", "ID", argv[optind], INT64_MAX / 2, &wish.id) != 0)
		return EX_USAGE;
	return run(ctl, &wish, argv[0]);
}

#include "cmd/proof.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/rfc3339.h"
#include "cmd/table.h"
#include "model/words.h"
#include "sql/queries.h"
#include "sync/deliverylog.h"
#include "sync/gone.h"
#include "sync/reconcile.h"
#include "sync/upstream.h"

enum { FINDINGS_MAX = 1000, MOMENT_SIZE = 64, URL_MAX_BYTES = 4096 };

static const char *const kinds[] = { "contact", "call", "message" };
enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

/* Whose a delivery to a shared path is, its number tells, if anything. */
static bool
path_is_shared(const struct ctl *ctl)
{
	for (size_t i = 0; i < conf_count(&ctl->conf); i++) {
		const struct workspace *other = conf_at(&ctl->conf, i);

		if (conf_shares(ctl->ws, other) || conf_shares(other, ctl->ws))
			return true;
	}
	return false;
}

/* After the lists: what they told of is not told again. */
static int
compare_deliveries(struct proof *proof, struct ctl *ctl, struct sync *sync,
    const struct chore *chore, struct err *err)
{
	struct deliverylog log = { .sync = sync,
		.chore = chore,
		.repair = proof->repair,
		.since = proof->since,
		.until = proof->until };
	struct err no_url = ERR_INIT;
	struct buf url;
	int rc = 0;

	buf_init(&url, URL_MAX_BYTES);
	if (path_is_shared(ctl)) {
		snprintf(log.remark, sizeof(log.remark),
		    "the log of deliveries was not read: several workspaces "
		    "share the path");
	} else if (ctl_own_url(ctl, &url, &no_url) == 0) {
		log.url = buf_text(&url);
		rc = deliverylog_compare(&log, err);
	} else {
		snprintf(log.remark, sizeof(log.remark),
		    "the log of deliveries was not read: [media] base_url does "
		    "not say where they go to");
	}
	snprintf(proof->remark, sizeof(proof->remark), "%s", log.remark);
	buf_free(&url);
	return rc;
}

/* Pages first: what OpenPhone's lists bring up must not get a second one. */
static int
compare(struct proof *proof, struct ctl *ctl, struct sync *sync,
    const struct chore *chore, struct err *err)
{
	const struct reconcile pages = {
		.sync = sync, .chore = chore, .repair = proof->repair
	};
	struct upstream upstream = { .sync = sync,
		.chore = chore,
		.repair = proof->repair,
		.since = proof->since,
		.until = proof->until };

	for (size_t i = 0; proof->notion && i < N_KINDS; i++)
		if (reconcile_pages(&pages, kinds[i], &proof->pages[i], err) !=
		    0)
			return -1;
	if (!proof->openphone)
		return 0;
	/* where a list is refused, too much would have to be asked for */
	if (upstream_compare(&upstream, err) != 0 ||
	    (upstream.refused == 0 &&
		gone_compare(&upstream, proof->thorough, err) != 0))
		return -1;
	proof->refused = upstream.refused;
	proof->groups = upstream.groups;
	return proof->thorough
	    ? compare_deliveries(proof, ctl, sync, chore, err)
	    : 0;
}

/* Only one side's findings, where only that side was looked at. */
static const char *
side_of(const struct proof *proof)
{
	return proof->notion && proof->openphone ? NULL
	    : proof->notion			 ? "notion"
						 : "openphone";
}

/* ---- the sentence ---- */

static int
add_count(struct buf *out, const char *format, int64_t n)
{
	char count[WORDS_SIZE];

	words_count(n, count);
	return buf_addf(out, format, count);
}

static int
add_range(struct buf *out, const struct proof *proof)
{
	char since[MOMENT_SIZE], until[MOMENT_SIZE];

	rfc3339_local(proof->since, "%Y-%m-%d %H:%M", since, sizeof(since));
	rfc3339_local(proof->until, "%Y-%m-%d %H:%M %Z", until, sizeof(until));
	return buf_addf(out, " from %s to %s", since, until);
}

static int
add_caveats(struct buf *out, const struct proof *proof)
{
	int rc = add_count(out, "; %s repaired", proof->repaired);

	if (proof->open > 0)
		rc |= add_count(out, ", %s not", proof->open);
	if (proof->refused > 0)
		rc |= add_count(
		    out, "; %s lists are not to be had", proof->refused);
	if (proof->groups > 0)
		rc |= add_count(out,
		    "; of %s conversations of several people v1 lists no calls",
		    proof->groups);
	return rc;
}

/* One that an owner understands. */
static int
say(struct proof *proof, const struct db_result *r, struct err *err)
{
	struct buf out;
	int rc;

	buf_init(&out, sizeof(proof->sentence));
	rc = buf_adds(&out, proof->complete ? "complete" : "not complete");
	if (proof->openphone) {
		rc |= add_range(&out, proof);
		rc |= add_count(&out, ": %s calls", db_int(r, 0, "calls"));
		rc |=
		    add_count(&out, ", %s messages", db_int(r, 0, "messages"));
	} else {
		rc |= add_count(&out, ": pages of %s calls", proof->pages[1]);
		rc |= add_count(&out, ", %s messages", proof->pages[2]);
		rc |= add_count(&out, ", %s contacts", proof->pages[0]);
	}
	rc |= add_caveats(&out, proof);
	if (rc == 0)
		snprintf(proof->sentence, sizeof(proof->sentence), "%s",
		    buf_text(&out));
	else
		err_nomem(err);
	buf_free(&out);
	return rc == 0 ? 0 : -1;
}

int
proof_run(struct proof *proof, struct ctl *ctl, struct sync *sync,
    const struct chore *chore, struct err *err)
{
	struct db_result *r = NULL;
	int rc;

	if (compare(proof, ctl, sync, chore, err) != 0 ||
	    DB_RUN(sync->db, SQL_reconcile_report, &r, err,
		DB_TEXT(sync->ws->name), DB_TEXT(side_of(proof))) != 0)
		return -1;
	proof->open = db_int(r, 0, "open");
	proof->repaired = db_int(r, 0, "repaired");
	proof->complete = proof->open == 0 && proof->refused == 0;
	rc = say(proof, r, err);
	db_result_free(r);
	return rc;
}

/* ---- showing it ---- */

static int
print_table(const struct proof *proof, struct ctl *ctl, struct err *err)
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

	if (DB_RUN(ctl->db, SQL_finding_list, &r, err, DB_TEXT(ctl->ws->name),
		DB_INT(FINDINGS_MAX), DB_TEXT(side_of(proof))) != 0)
		return -1;
	if (db_rows(r) > 0)
		rc = table_print(r, "findings", columns, false, err);
	db_result_free(r);
	if (rc == 0 && proof->remark[0] != '\0')
		puts(proof->remark);
	if (rc == 0)
		puts(proof->sentence);
	return rc;
}

static int
print_json(const struct proof *proof, struct ctl *ctl, struct err *err)
{
	char since[RFC3339_SIZE] = "", until[RFC3339_SIZE] = "";
	struct db_result *r = NULL;
	json_t *all;
	int rc;

	if (DB_RUN(ctl->db, SQL_findings_json, &r, err, DB_TEXT(ctl->ws->name),
		DB_INT(FINDINGS_MAX), DB_TEXT(side_of(proof))) != 0)
		return -1;
	if (proof->openphone) {
		rfc3339_format(proof->since, since);
		rfc3339_format(proof->until, until);
	}
	all = json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:o}",
	    "complete", proof->complete, "summary", proof->sentence, "repaired",
	    (json_int_t)proof->repaired, "open", (json_int_t)proof->open,
	    "refused_lists", (json_int_t)proof->refused, "groups",
	    (json_int_t)proof->groups, "since", since, "until", until,
	    "deliveries", proof->remark, "findings", db_json(r, 0, "findings"));
	rc = ctl_print_json(all, err);
	db_result_free(r);
	return rc;
}

int
proof_print(const struct proof *proof, struct ctl *ctl, struct err *err)
{
	return ctl->json ? print_json(proof, ctl, err)
			 : print_table(proof, ctl, err);
}

int
proof_begin(struct ctl *ctl, struct chore *chore, struct err *err)
{
	return chore_begin(ctl->db, ctl->ws->name, "reconcile", chore, err);
}

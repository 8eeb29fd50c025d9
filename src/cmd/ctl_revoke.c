/*
 * onsctl revoke: take back the links to what is stored of a call or message.
 */
#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#include "cmd/onsctl.h"
#include "ext/crypto.h"
#include "queue/job.h"
#include "sql/queries.h"

enum { TOKEN_BYTES = 16 };

static const struct option options[] = {
	{ "renew", no_argument, NULL, 'r' },
	{ NULL, 0, NULL, 0 },
};

/* One file's link: none from now on, or another one. */
static int
relink(struct ctl *ctl, const char *kind, const char *id, const char *slot,
    bool renew, struct err *err)
{
	char token[64];

	if (renew &&
	    crypto_random_token(TOKEN_BYTES, token, sizeof(token)) != 0) {
		err_set(err, ERR_RETRY, "no random numbers to be had");
		return -1;
	}
	return DB_RUN(ctl->db, SQL_media_relink, NULL, err,
	    DB_TEXT(ctl->ws->name), DB_TEXT(kind), DB_TEXT(id), DB_TEXT(slot),
	    DB_TEXT(renew ? token : NULL));
}

/* Every link, and the page that shows them becomes due: all or nothing. */
static int
relink_all(struct ctl *ctl, const struct db_result *r, const char *id,
    bool renew, struct err *err)
{
	if (db_begin(ctl->db, err) != 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++)
		if (relink(ctl, db_text(r, i, "kind"), id,
			db_text(r, i, "slot"), renew, err) != 0 ||
		    job_make_due(ctl->db, ctl->ws->name, db_text(r, i, "kind"),
			id, 0, err) != 0) {
			db_rollback(ctl->db);
			return -1;
		}
	return db_commit(ctl->db, err);
}

static int
report(const struct ctl *ctl, const struct db_result *r, bool renew,
    struct err *err)
{
	json_t *slots = json_array();

	for (int i = 0; i < db_rows(r); i++) {
		const char *slot = db_text(r, i, "slot");

		json_array_append_new(slots, json_string(slot));
		if (!ctl->json)
			printf("%s: %s\n", slot,
			    renew ? "has a new link" : "has no link any more");
	}
	return ctl_result(ctl,
	    json_pack("{s:o, s:b}", "slots", slots, "renewed", renew), err,
	    "%s", "");
}

static int
take_back(struct ctl *ctl, const char *id, const char *slot, bool renew,
    struct err *err)
{
	struct db_result *r = NULL;
	int rc = -1;

	if (DB_RUN(ctl->db, SQL_media_links, &r, err, DB_TEXT(ctl->ws->name),
		DB_TEXT(id), DB_TEXT(slot)) != 0)
		return -1;
	if (db_rows(r) == 0)
		err_set(err, ERR_PERMANENT, "%s%s%s: nothing is stored of it",
		    id, slot == NULL ? "" : " ", slot == NULL ? "" : slot);
	else
		rc = relink_all(ctl, r, id, renew, err);
	if (rc == 0)
		rc = report(ctl, r, renew, err);
	db_result_free(r);
	return rc;
}

int
ctl_revoke(struct ctl *ctl, int argc, char **argv)
{
	struct err err = ERR_INIT;
	bool renew = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'r')
			return ctl_usage(argv[0]);
		renew = true;
	}
	if (argc - optind < 1 || argc - optind > 2)
		return ctl_usage(argv[0]);
	return take_back(ctl, argv[optind],
		   argc - optind == 2 ? argv[optind + 1] : NULL, renew,
		   &err) == 0
	    ? EX_OK
	    : ctl_fail(&err);
}

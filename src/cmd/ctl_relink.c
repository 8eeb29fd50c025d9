/*
 * onsctl relink: pages are written again whose names have changed.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/rfc3339.h"
#include "cmd/onsctl.h"
#include "model/number.h"
#include "queue/job.h"
#include "sql/queries.h"

/* Ids as they are, telephone numbers as E.164: an id has letters. */
static struct db_bytes
spelled(const char *given, char number[NUMBER_SIZE])
{
	if (given[strspn(given, "+0123456789 ()-./")] != '\0')
		return (struct db_bytes){ given, strlen(given) };
	number_e164(given, number);
	return (struct db_bytes){ number, strlen(number) };
}

/* A copy of the text, or NULL. */
static int
replace(char **at, const char *text)
{
	free(*at);
	*at = text == NULL ? NULL : strdup(text);
	return text != NULL && *at == NULL ? -1 : 0;
}

static int
relink(struct ctl *ctl, int n, char **given, const char *since, bool all,
    struct err *err)
{
	const struct workspace *ws = ctl->ws;
	struct db_bytes *ids = calloc((size_t)n + 1, sizeof(*ids));
	char(*numbers)[NUMBER_SIZE] = calloc((size_t)n + 1, sizeof(*numbers));
	char *kind = strdup(""), *id = strdup("");
	int64_t due = 0;
	int rc = -1;

	if (ids == NULL || numbers == NULL || kind == NULL || id == NULL) {
		err_nomem(err);
		goto out;
	}
	for (int i = 0; i < n; i++)
		ids[i] = spelled(given[i], numbers[i]);
	/* in batches: short transactions, however many there are */
	do {
		struct db_result *r = NULL;

		if (DB_RUN(ctl->db, SQL_relink, &r, err, DB_TEXT(ws->name),
			DB_TEXTS(ids, (size_t)n), DB_TEXT(since), DB_BOOL(all),
			DB_INT(JOB_HISTORY), DB_TEXT(kind), DB_TEXT(id)) != 0)
			goto out;
		due += db_int(r, 0, "due");
		if (replace(&kind, db_text(r, 0, "last_kind")) != 0 ||
		    replace(&id, db_text(r, 0, "last_id")) != 0) {
			db_result_free(r);
			err_nomem(err);
			goto out;
		}
		db_result_free(r);
	} while (kind != NULL);
	rc = ctl_result(ctl, json_pack("{s:I}", "due", (json_int_t)due), err,
	    "%lld calls and messages are due again\n", (long long)due);
out:
	free(id);
	free(kind);
	free(numbers);
	free(ids);
	return rc;
}

int
ctl_relink(struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "since", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct err err = ERR_INIT;
	char moment[RFC3339_SIZE];
	const char *since = NULL;
	int64_t from, now;
	bool all = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'a':
			all = true;
			break;
		case 's':
			ctl_zone(ctl);
			if (ctl_range(optarg, NULL, &from, &now) != 0)
				return EX_USAGE;
			rfc3339_format(from, moment);
			since = moment;
			break;
		default:
			return ctl_usage(argv[0]);
		}
	if (all && optind < argc)
		return ctl_usage(argv[0]);
	return relink(ctl, argc - optind, argv + optind, since, all, &err) == 0
	    ? EX_OK
	    : ctl_fail(&err);
}

#include "queue/chore.h"

#include "queue/run.h"
#include "sql/queries.h"

/* Longer than a request may take, waiting for it included. */
enum { LEASE_S = 300 };

int
chore_begin(struct db *db, const char *workspace, const char *name,
    struct chore *ret, struct err *err)
{
	struct chore chore = { .db = db, .workspace = workspace, .name = name };
	struct err ignored = ERR_INIT;
	struct db_result *r = NULL;
	int rows = -1;

	if (run_look(db, 0, NULL, NULL, err) != 0 ||
	    run_begin(db, name, &chore.run, err) != 0)
		return -1;
	if (DB_RUN(db, SQL_chore_take, &r, err, DB_TEXT(workspace),
		DB_TEXT(name), DB_INT(chore.run), DB_INT(LEASE_S)) == 0)
		rows = db_rows(r);
	db_result_free(r);
	if (rows != 1)
		(void)run_end(db, chore.run, &ignored);
	else
		*ret = chore;
	return rows;
}

int
chore_keep(const struct chore *chore, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(chore->db, SQL_chore_keep, &r, err,
		DB_TEXT(chore->workspace), DB_TEXT(chore->name),
		DB_INT(chore->run), DB_INT(LEASE_S)) != 0)
		return -1;
	if (db_rows(r) == 0)
		err_set(err, ERR_RETRY, "another process has taken over");
	db_result_free(r);
	return err_is_set(err) ? -1 : 0;
}

int
chore_end(const struct chore *chore, const char *summary, struct err *err)
{
	int rc = DB_RUN(chore->db, SQL_chore_end, NULL, err,
	    DB_TEXT(chore->workspace), DB_TEXT(chore->name), DB_INT(chore->run),
	    DB_TEXT(summary));

	return run_end(chore->db, chore->run, err) == 0 ? rc : -1;
}

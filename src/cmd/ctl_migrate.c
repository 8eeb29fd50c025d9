/*
 * onsctl migrate: bring the tables to this program's version.
 */
#include <stdio.h>
#include <sysexits.h>

#include "cmd/onsctl.h"
#include "sql/migrations.h"
#include "sql/queries.h"

static int
current_version(struct db *db, int *ret, struct err *err)
{
	struct db_result *r = NULL;

	if (DB_RUN(db, SQL_migration_version, &r, err) != 0)
		return -1;
	*ret = (int)db_int(r, 0, "version");
	db_result_free(r);
	return 0;
}

static int
apply(struct ctl *ctl, const struct migration *m, json_t *applied,
    struct err *err)
{
	if (db_script(ctl->db, m->sql, err) != 0 ||
	    DB_RUN(ctl->db, SQL_migration_add, NULL, err, DB_INT(m->version),
		DB_TEXT(m->name)) != 0) {
		err_prefix(err, "migration %d (%s)", m->version, m->name);
		return -1;
	}
	json_array_append_new(applied,
	    json_pack("{s:i, s:s}", "version", m->version, "name", m->name));
	if (!ctl->json)
		printf("applied migration %d (%s)\n", m->version, m->name);
	return 0;
}

/* What this program knows; the numbers need not be without gaps. */
static int
latest_version(void)
{
	return migrations[migrations_count - 1].version;
}

/* All or nothing: DDL is transactional in PostgreSQL. */
static int
migrate(struct ctl *ctl, json_t *applied, struct err *err)
{
	struct db *db = ctl->db;
	int version = 0;

	if (db_begin(db, err) != 0)
		return -1;
	if (DB_RUN(db, SQL_migration_lock, NULL, err) != 0 ||
	    DB_RUN(db, SQL_migration_table, NULL, err) != 0 ||
	    current_version(db, &version, err) != 0)
		goto fail;
	if (version > latest_version()) {
		err_set(err, ERR_CONFIG,
		    "the tables are of version %d, this program knows only "
		    "up to %d: install the newer program",
		    version, latest_version());
		goto fail;
	}
	for (int i = 0; i < migrations_count; i++) {
		if (migrations[i].version <= version)
			continue;
		if (apply(ctl, &migrations[i], applied, err) != 0)
			goto fail;
	}
	if (DB_RUN(db, SQL_grants, NULL, err) != 0 ||
	    DB_RUN(db, SQL_partitions_ahead, NULL, err) != 0 ||
	    db_commit(db, err) != 0)
		goto fail;
	return 0;
fail:
	db_rollback(db);
	return -1;
}

int
ctl_migrate(struct ctl *ctl, int argc, char **argv)
{
	struct err err = ERR_INIT;
	json_t *applied;
	int rc;

	if (argc > 1)
		return ctl_usage(argv[0]);
	applied = json_array();
	rc = migrate(ctl, applied, &err);
	if (rc == 0 && !ctl->json && json_array_size(applied) == 0)
		printf("the tables are up to date (version %d)\n",
		    latest_version());
	if (rc == 0 && ctl->json)
		rc = ctl_print_json(json_pack("{s:i, s:O}", "version",
					latest_version(), "applied", applied),
		    &err);
	json_decref(applied);
	return rc == 0 ? EX_OK : ctl_fail(&err);
}

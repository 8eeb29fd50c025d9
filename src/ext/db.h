/*
 * db.h - PostgreSQL: one connection, statements with parameters, results.
 *
 * Every wait has an end: a statement that takes longer than the connection's
 * time limit closes the connection and fails with ERR_RETRY. A connection
 * that was lost is made anew by the next call. Nothing that matters is kept in
 * the session, so poolers in transaction mode do.
 *
 * Kinds of failure: ERR_CONFIG where a person must change something (no such
 * database, role, table, permission), ERR_PERMANENT where the data are
 * refused, ERR_RETRY for all else.
 */
#ifndef EXT_DB_H
#define EXT_DB_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"

struct db;
struct db_result;

/* base and extra: connection strings or URIs (extra wins; both may be NULL);
 * libpq's PG* variables win over both. Nothing is connected yet. */
int db_new(const char *base, const char *extra, const char *program,
    int timeout_ms, struct db **ret, struct err *err);
void db_free(struct db *db);

/* Once *stop is true no wait takes longer than half a second, so that a
 * program that is to end does so, whatever has become of the server. */
void db_set_stop(struct db *db, const volatile sig_atomic_t *stop);

/* Close the connection, keep the settings; the next call connects anew. Do
 * so before fork(): a session cannot be shared. */
void db_close(struct db *db);

struct db_arg {
	enum {
		DB_ARG_TEXT,
		DB_ARG_INT,
		DB_ARG_BOOL,
		DB_ARG_JSON,
		DB_ARG_TEXTS,
		DB_ARG_BYTEAS,
		DB_ARG_INTS
	} type;
	const char *text; /* NULL: SQL NULL */
	int64_t number;
	const json_t *json; /* NULL: SQL NULL */
	const struct db_bytes *items;
	const int64_t *numbers;
	size_t n;
};

struct db_bytes {
	const void *data; /* NULL: SQL NULL */
	size_t len;
};

#define DB_TEXT(value) ((struct db_arg){ .type = DB_ARG_TEXT, .text = (value) })
#define DB_INT(value) ((struct db_arg){ .type = DB_ARG_INT, .number = (value) })
#define DB_BOOL(value) \
	((struct db_arg){ .type = DB_ARG_BOOL, .number = (value) })
#define DB_JSON(value) ((struct db_arg){ .type = DB_ARG_JSON, .json = (value) })
#define DB_TEXTS(values, count) \
	((struct db_arg){       \
	    .type = DB_ARG_TEXTS, .items = (values), .n = (count) })
#define DB_INTS(values, count) \
	((struct db_arg){      \
	    .type = DB_ARG_INTS, .numbers = (values), .n = (count) })
#define DB_BYTEAS(values, count) \
	((struct db_arg){        \
	    .type = DB_ARG_BYTEAS, .items = (values), .n = (count) })

/* Run one statement; *ret (may be NULL) is freed with db_result_free(). */
#define DB_RUN(db, sql, ret, err, ...)                          \
	db_run(db, sql, (const struct db_arg[]){ __VA_ARGS__ }, \
	    sizeof((const struct db_arg[]){ __VA_ARGS__ }) /    \
		sizeof(struct db_arg),                          \
	    ret, err)
int db_run(struct db *db, const char *sql, const struct db_arg *args, size_t n,
    struct db_result **ret, struct err *err);

/* Several statements without parameters, as one transaction. */
int db_script(struct db *db, const char *sql, struct err *err);

int db_begin(struct db *db, struct err *err);
int db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);

/* Send a long value in pieces, within a transaction: libpq would have a
 * statement's arguments in memory once more, and keep that. The transaction's
 * statements find it in current_setting('ons.json'). */
int db_json_ahead(struct db *db, const json_t *json, struct err *err);

int db_rows(const struct db_result *result);
/* The field as text, NULL for SQL NULL; belongs to the result. An unknown
 * column is a bug of ours and ends the program. */
const char *db_text(const struct db_result *r, int row, const char *column);
int64_t db_int(const struct db_result *r, int row, const char *column);
bool db_bool(const struct db_result *r, int row, const char *column);
/* The bytes of a bytea field: free() them; NULL: SQL NULL or no memory. */
void *db_bytes(
    const struct db_result *r, int row, const char *column, size_t *n);
/* A new reference; NULL for SQL NULL (and for what is not JSON). */
json_t *db_json(const struct db_result *r, int row, const char *column);
void db_result_free(struct db_result *result);

/* Wait until a notification comes in or ms have passed: 1, 0, or -1 when the
 * connection is lost. A signal ends the wait early (0). */
int db_wait(struct db *db, int ms);

/* "host 10.0.0.5, database ons, user ons_webhook": for messages. */
const char *db_where(const struct db *db);

#endif

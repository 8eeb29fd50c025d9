#include "ext/db.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <endian.h>

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "ext/jansson.h"
#include "sql/queries.h"

/* Oids of pg_type.dat, which never change. */
static const struct {
	Oid element, array;
} arrays[] = {
	[DB_ARG_TEXTS] = { 25, 1009 },
	[DB_ARG_BYTEAS] = { 17, 1001 },
	[DB_ARG_INTS] = { 20, 1016 },
};

enum {
	OPTIONS_MAX = 64,
	ARGS_MAX = 16,
	JSON_FLAGS = JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS |
	    JSON_REAL_PRECISION(15),
	PIECE = 64 * 1024,
	SERVER_PATIENCE_MS = 1000,
	HOSTS = 3, /* that conninfo names: each gets its turn in timeout_ms */
	HOST_MS_MIN = 1000, /* no system begins a connection again before */
	STOP_MS = 500, /* what a wait may take once the program is to stop */
	LOOK_MS = 250  /* a signal may come just before a wait begins */
};

struct db {
	PGconn *conn;
	/* keyword/value pairs, NULL at the end; the values are ours */
	char *keywords[OPTIONS_MAX];
	char *values[OPTIONS_MAX];
	int options;
	int timeout_ms;
	const volatile sig_atomic_t *stop; /* or NULL */
	char where[256];
};

struct db_result {
	PGresult *res;
};

/* ---- connection settings ---- */

static int
set_option(struct db *db, const char *keyword, const char *value)
{
	int i;

	for (i = 0; i < db->options; i++)
		if (strcmp(db->keywords[i], keyword) == 0)
			break;
	if (i == OPTIONS_MAX - 1)
		return -1;
	if (i == db->options) {
		if ((db->keywords[i] = strdup(keyword)) == NULL)
			return -1;
		db->options++;
	}
	free(db->values[i]);
	return (db->values[i] = strdup(value)) == NULL ? -1 : 0;
}

static const char *
get_option(const struct db *db, const char *keyword)
{
	for (int i = 0; i < db->options; i++)
		if (strcmp(db->keywords[i], keyword) == 0)
			return db->values[i];
	return NULL;
}

/* In either of libpq's forms. */
static bool
may_hold_password(const char *conninfo)
{
	return strstr(conninfo, "pass") != NULL ||
	    strchr(conninfo, '@') != NULL;
}

/* Take what the string says, but for what the environment says. */
static int
merge(struct db *db, const char *conninfo, struct err *err)
{
	char *why = NULL;
	PQconninfoOption *options;
	int rc = 0;

	if (conninfo == NULL || *conninfo == '\0')
		return 0;
	if ((options = PQconninfoParse(conninfo, &why)) == NULL) {
		if (why == NULL || strncmp(why, "out of memory", 13) == 0)
			err_nomem(err);
		else
			err_set(err, ERR_CONFIG,
			    "[database]: not a libpq connection string: %s",
			    may_hold_password(conninfo)
				? "it may hold a password, so nothing of it is "
				  "shown here"
				: why);
		PQfreemem(why);
		return -1;
	}
	for (PQconninfoOption *o = options; o->keyword != NULL; o++) {
		if (o->val == NULL || *o->val == '\0' ||
		    (o->envvar != NULL && getenv(o->envvar) != NULL))
			continue;
		if (set_option(db, o->keyword, o->val) != 0) {
			err_nomem(err);
			rc = -1;
			break;
		}
	}
	PQconninfoFree(options);
	return rc;
}

static const char *
or_environment(const struct db *db, const char *keyword, const char *variable)
{
	const char *value = get_option(db, keyword);

	if (value == NULL)
		value = getenv(variable);
	return value == NULL ? "(default)" : value;
}

/* libpq's connect_timeout means nothing to who polls, so our deadline is for
 * all hosts together. One that packets do not get to must leave time for the
 * next: the system gives it up (tcp_user_timeout). */
static int
set_defaults(struct db *db, const char *program)
{
	int ms = db->timeout_ms / HOSTS;
	char text[16];

	snprintf(text, sizeof(text), "%d", ms < HOST_MS_MIN ? HOST_MS_MIN : ms);
	if (set_option(db, "tcp_user_timeout", text) != 0)
		return -1;
	return set_option(db, "fallback_application_name", program);
}

int
db_new(const char *base, const char *extra, const char *program, int timeout_ms,
    struct db **ret, struct err *err)
{
	struct db *db;

	if ((db = calloc(1, sizeof(*db))) == NULL) {
		err_nomem(err);
		return -1;
	}
	db->timeout_ms = timeout_ms;
	if (set_defaults(db, program) != 0)
		err_nomem(err);
	else if (merge(db, base, err) == 0 && merge(db, extra, err) == 0) {
		snprintf(db->where, sizeof(db->where),
		    "host %s, database %s, user %s",
		    or_environment(db, "host", "PGHOST"),
		    or_environment(db, "dbname", "PGDATABASE"),
		    or_environment(db, "user", "PGUSER"));
		*ret = db;
		return 0;
	}
	db_free(db);
	return -1;
}

void
db_set_stop(struct db *db, const volatile sig_atomic_t *stop)
{
	db->stop = stop;
}

void
db_close(struct db *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
}

void
db_free(struct db *db)
{
	if (db == NULL)
		return;
	db_close(db);
	for (int i = 0; i < db->options; i++) {
		free(db->keywords[i]);
		free(db->values[i]);
	}
	free(db);
}

const char *
db_where(const struct db *db)
{
	return db->where;
}

/* ---- failures ---- */

/* What a person must do about it, by SQLSTATE (PostgreSQL's Appendix A). */
static const struct advice {
	const char *state;
	enum err_kind kind;
	const char *remedy;
} advices[] = {
	{ "42P01", ERR_CONFIG, "run `onsctl migrate`" }, /* no such table */
	{ "42883", ERR_CONFIG, "run `onsctl migrate`" }, /* no such function */
	{ "42703", ERR_CONFIG, "run `onsctl migrate`" }, /* no such column */
	{ "42501", ERR_CONFIG,
	    "run sql/roles.sql as administrator, then `onsctl migrate`" },
	{ "22", ERR_PERMANENT, NULL }, /* data exception */
	{ "23", ERR_PERMANENT, NULL }, /* constraint */
	{ "25006", ERR_RETRY, "the server is read-only: a standby?" },
};

static void
set_failure(struct db *db, const PGresult *res, struct err *err)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *remedy = NULL;
	enum err_kind kind = ERR_RETRY;

	for (size_t i = 0;
	     state != NULL && i < sizeof(advices) / sizeof(*advices); i++)
		if (strncmp(state, advices[i].state,
			strlen(advices[i].state)) == 0) {
			kind = advices[i].kind;
			remedy = advices[i].remedy;
			break;
		}
	if (text == NULL)
		text = PQerrorMessage(db->conn);
	err_set(err, kind, "database (%s): %.*s%s%s", db->where,
	    (int)strcspn(text, "\n"), text, remedy == NULL ? "" : ": ",
	    remedy == NULL ? "" : remedy);
}

static void
set_connect_failure(struct db *db, struct err *err)
{
	const char *text = PQerrorMessage(db->conn);
	/* a wrong name or password will not mend itself */
	bool settings = strstr(text, "does not exist") != NULL ||
	    strstr(text, "authentication failed") != NULL ||
	    strstr(text, "no pg_hba.conf entry") != NULL;
	bool peer = strstr(text, "Peer authentication failed") != NULL;

	/* the first line says it, the others guess */
	err_set(err, settings ? ERR_CONFIG : ERR_RETRY,
	    "cannot reach the database (%s): %.*s%s", db->where,
	    (int)strcspn(text, "\n"), text,
	    peer ? ": run it as the programs' user (sudo -u), whom "
		   "pg_ident.conf lets be that role"
		: settings
		? ": see [database] in the configuration, and sql/roles.sql"
		: ": is PostgreSQL running there? see [database]");
}

/* ---- waiting ---- */

/* 1 ready, 0 at the deadline, -1 on error. */
static int
wait_socket(struct db *db, short events, int64_t deadline)
{
	bool hurried = false;

	for (;;) {
		struct pollfd p = { .fd = PQsocket(db->conn),
			.events = events };
		int64_t now = clock_ms();
		int n;

		if (!hurried && db->stop != NULL && *db->stop) {
			hurried = true;
			if (deadline > now + STOP_MS)
				deadline = now + STOP_MS;
		}
		if (deadline <= now)
			return 0;
		n = poll(&p, 1,
		    (int)(deadline - now > LOOK_MS ? LOOK_MS : deadline - now));
		if (n > 0)
			return 1;
		if (n < 0 && errno != EINTR)
			return -1;
	}
}

/* libpq would print notices, and the server's last words, as they are. */
static void
on_notice(void *unused, const char *message)
{
	(void)unused;
	log_info("database: %.*s", (int)strcspn(message, "\n"), message);
}

static int
connect_now(struct db *db, struct err *err)
{
	const char *keywords[OPTIONS_MAX + 1], *values[OPTIONS_MAX + 1];
	int64_t deadline = clock_ms() + db->timeout_ms;
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	for (int i = 0; i < db->options; i++) {
		keywords[i] = db->keywords[i];
		values[i] = db->values[i];
	}
	keywords[db->options] = values[db->options] = NULL;
	if ((db->conn = PQconnectStartParams(keywords, values, 1)) == NULL) {
		err_nomem(err);
		return -1;
	}
	PQsetNoticeProcessor(db->conn, on_notice, NULL);
	while (PQstatus(db->conn) != CONNECTION_BAD &&
	    status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
		if (wait_socket(db,
			status == PGRES_POLLING_READING ? POLLIN : POLLOUT,
			deadline) != 1) {
			err_set(err, ERR_RETRY,
			    "cannot reach the database (%s): no answer in "
			    "%d ms: is PostgreSQL running there? see "
			    "[database]",
			    db->where, db->timeout_ms);
			db_close(db);
			return -1;
		}
		status = PQconnectPoll(db->conn);
	}
	if (PQstatus(db->conn) != CONNECTION_OK) {
		set_connect_failure(db, err);
		db_close(db);
		return -1;
	}
	return 0;
}

/* Read results until the statement is over; keep the last. */
static PGresult *
collect(struct db *db, int64_t deadline, struct err *err)
{
	PGresult *last = NULL, *res;

	for (;;) {
		while (PQisBusy(db->conn)) {
			if (wait_socket(db, POLLIN, deadline) != 1) {
				err_set(err, ERR_RETRY,
				    "database (%s): no answer in %d ms",
				    db->where, db->timeout_ms);
				PQclear(last);
				return NULL;
			}
			if (PQconsumeInput(db->conn) != 1)
				break; /* PQgetResult() tells */
		}
		if ((res = PQgetResult(db->conn)) == NULL)
			return last;
		if (last != NULL && PQresultStatus(last) == PGRES_FATAL_ERROR) {
			PQclear(res); /* the first failure is the cause */
			continue;
		}
		PQclear(last);
		last = res;
	}
}

static int
finish(struct db *db, struct db_result **ret, struct err *err)
{
	PGresult *res = collect(db, clock_ms() + db->timeout_ms, err);
	ExecStatusType status = PQresultStatus(res);
	struct db_result *result;

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		set_failure(db, res, err);
		PQclear(res);
		/* after a time-out the session is in the middle of something */
		if (PQstatus(db->conn) != CONNECTION_OK ||
		    PQtransactionStatus(db->conn) == PQTRANS_ACTIVE)
			db_close(db);
		return -1;
	}
	if (ret == NULL) {
		PQclear(res);
		return 0;
	}
	if ((result = malloc(sizeof(*result))) == NULL) {
		PQclear(res);
		err_nomem(err);
		return -1;
	}
	result->res = res;
	*ret = result;
	return 0;
}

/* Who gives up waiting closes the connection, which the server does not notice
 * while it is busy: it has a limit of its own, a little longer. */
static int
begin_session(struct db *db, struct err *err)
{
	char ms[16];
	const char *const values[] = { ms };

	snprintf(ms, sizeof(ms), "%d", db->timeout_ms + SERVER_PATIENCE_MS);
	if (PQsendQueryParams(
		db->conn, SQL_session, 1, NULL, values, NULL, NULL, 0) == 1 &&
	    finish(db, NULL, err) == 0)
		return 0;
	if (!err_is_set(err))
		set_failure(db, NULL, err);
	db_close(db);
	return -1;
}

static int
ensure_connected(struct db *db, struct err *err)
{
	if (db->conn != NULL && PQstatus(db->conn) == CONNECTION_OK)
		return 0;
	db_close(db);
	return connect_now(db, err) == 0 ? begin_session(db, err) : -1;
}

/* ---- statements ---- */

/* Arguments in the form that libpq takes. */
struct prepared {
	const char *values[ARGS_MAX];
	int lengths[ARGS_MAX], formats[ARGS_MAX];
	Oid types[ARGS_MAX];
	char *owned[ARGS_MAX];
};

static int
put32(struct buf *buf, uint32_t v)
{
	uint32_t n = htonl(v);

	return buf_add(buf, &n, sizeof(n));
}

static int
put_item(struct buf *buf, const void *bytes, size_t n)
{
	if (bytes == NULL)
		return put32(buf, UINT32_MAX);
	return put32(buf, (uint32_t)n) != 0 || buf_add(buf, bytes, n) != 0 ? -1
									   : 0;
}

/* PostgreSQL's binary form of a one-dimensional array (array_recv). */
static int
array(const struct db_arg *arg, struct buf *buf)
{
	uint32_t element = arrays[arg->type].element;

	buf_init(buf, 1024UL * 1024 * 1024);
	if (arg->n == 0)
		return put32(buf, 0) | put32(buf, 0) | put32(buf, element);
	if (put32(buf, 1) | put32(buf, 1) | put32(buf, element) |
	    put32(buf, (uint32_t)arg->n) | put32(buf, 1))
		return -1;
	for (size_t i = 0; i < arg->n; i++) {
		uint64_t number;
		int rc;

		if (arg->type == DB_ARG_INTS) {
			number = htobe64((uint64_t)arg->numbers[i]);
			rc = put_item(buf, &number, sizeof(number));
		} else {
			rc = put_item(
			    buf, arg->items[i].data, arg->items[i].len);
		}
		if (rc != 0)
			return -1;
	}
	return 0;
}

static int
prepare_one(const struct db_arg *arg, struct prepared *p, size_t i)
{
	struct buf buf;

	switch (arg->type) {
	case DB_ARG_TEXT:
		p->values[i] = arg->text;
		return 0;
	case DB_ARG_BOOL:
		p->values[i] = arg->number ? "t" : "f";
		return 0;
	case DB_ARG_INT:
		if (asprintf(&p->owned[i], "%lld", (long long)arg->number) < 0)
			return -1;
		break;
	case DB_ARG_JSON:
		if (arg->json == NULL)
			return 0;
		p->owned[i] = jansson_text(arg->json, JSON_FLAGS);
		break;
	case DB_ARG_TEXTS:
	case DB_ARG_BYTEAS:
	case DB_ARG_INTS:
		if (array(arg, &buf) != 0) {
			buf_free(&buf);
			return -1;
		}
		p->lengths[i] = (int)buf.len;
		p->formats[i] = 1;
		p->types[i] = arrays[arg->type].array;
		p->owned[i] = buf_steal(&buf);
		break;
	}
	p->values[i] = p->owned[i];
	return p->owned[i] == NULL ? -1 : 0;
}

int
db_run(struct db *db, const char *sql, const struct db_arg *args, size_t n,
    struct db_result **ret, struct err *err)
{
	struct prepared p = { 0 };
	int rc = -1;

	for (size_t i = 0; i < n; i++)
		if (prepare_one(&args[i], &p, i) != 0) {
			err_nomem(err);
			goto out;
		}
	if (ensure_connected(db, err) != 0)
		goto out;
	if (PQsendQueryParams(db->conn, sql, (int)n, p.types, p.values,
		p.lengths, p.formats, 0) != 1) {
		set_failure(db, NULL, err);
		db_close(db);
		goto out;
	}
	FAILPOINT("db.sent");
	rc = finish(db, ret, err);
	FAILPOINT("db.answered");
out:
	for (size_t i = 0; i < n; i++)
		free(p.owned[i]);
	return rc;
}

struct ahead {
	struct db *db;
	struct err *err;
};

static int
send_piece(void *ctx, const char *text)
{
	const struct ahead *a = ctx;

	return DB_RUN(a->db, SQL_json_ahead, NULL, a->err, DB_TEXT(text));
}

int
db_json_ahead(struct db *db, const json_t *json, struct err *err)
{
	struct ahead ahead = { db, err };

	if (jansson_pieces(json, JSON_FLAGS, PIECE, send_piece, &ahead) == 0)
		return 0;
	err_nomem(err); /* unless there is a reason already */
	return -1;
}

int
db_script(struct db *db, const char *sql, struct err *err)
{
	if (ensure_connected(db, err) != 0)
		return -1;
	if (PQsendQuery(db->conn, sql) != 1) {
		set_failure(db, NULL, err);
		db_close(db);
		return -1;
	}
	return finish(db, NULL, err);
}

int
db_begin(struct db *db, struct err *err)
{
	return db_script(db, "BEGIN", err);
}

int
db_commit(struct db *db, struct err *err)
{
	return db_script(db, "COMMIT", err);
}

void
db_rollback(struct db *db)
{
	struct err ignored = ERR_INIT;

	if (db->conn != NULL && db_script(db, "ROLLBACK", &ignored) != 0)
		db_close(db);
}

int
db_wait(struct db *db, int ms)
{
	struct pollfd p = { .fd = -1, .events = POLLIN };
	PGnotify *note;
	int found = 0;

	if (db->conn == NULL || PQstatus(db->conn) != CONNECTION_OK)
		return -1;
	p.fd = PQsocket(db->conn);
	if (poll(&p, 1, ms) > 0 && PQconsumeInput(db->conn) != 1) {
		db_close(db);
		return -1;
	}
	while ((note = PQnotifies(db->conn)) != NULL) {
		PQfreemem(note);
		found = 1;
	}
	return found;
}

/* ---- results ---- */

int
db_rows(const struct db_result *result)
{
	return PQntuples(result->res);
}

const char *
db_text(const struct db_result *r, int row, const char *column)
{
	int field = PQfnumber(r->res, column);

	if (field < 0) {
		log_error("bug: the statement has no column %s", column);
		abort();
	}
	return PQgetisnull(r->res, row, field) ? NULL
					       : PQgetvalue(r->res, row, field);
}

int64_t
db_int(const struct db_result *r, int row, const char *column)
{
	const char *text = db_text(r, row, column);

	return text == NULL ? 0 : strtoll(text, NULL, 10);
}

bool
db_bool(const struct db_result *r, int row, const char *column)
{
	const char *text = db_text(r, row, column);

	return text != NULL && *text == 't';
}

void *
db_bytes(const struct db_result *r, int row, const char *column, size_t *n)
{
	const char *text = db_text(r, row, column);
	unsigned char *raw;
	void *copy = NULL;

	if (text == NULL ||
	    (raw = PQunescapeBytea((const unsigned char *)text, n)) == NULL)
		return NULL;
	if ((copy = malloc(*n + 1)) != NULL)
		memcpy(copy, raw, *n + 1);
	PQfreemem(raw);
	return copy;
}

json_t *
db_json(const struct db_result *r, int row, const char *column)
{
	const char *text = db_text(r, row, column);

	return text == NULL
	    ? NULL
	    : jansson_read(text, strlen(text), JSON_DECODE_ANY, NULL);
}

void
db_result_free(struct db_result *result)
{
	if (result == NULL)
		return;
	PQclear(result->res);
	free(result);
}

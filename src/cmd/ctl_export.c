/*
 * onsctl export: what is known, of one person or of all, for other programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/onsctl.h"
#include "ext/jansson.h"
#include "model/call.h"
#include "model/csv.h"
#include "model/lines.h"
#include "model/message.h"
#include "model/number.h"
#include "model/person.h"
#include "model/words.h"
#include "sql/queries.h"
#include "sync/forget.h"

enum {
	TOGETHER = 100,		/* records in a result, … */
	TOGETHER_SIZE = 200000, /* … and their bytes, compressed */
	CELL_MAX = 64 << 20,
	ROW_MAX = 256 << 20,
	URL_MAX_BYTES = 4096
};

struct export
{
	struct ctl *ctl;
	const char *kind; /* NULL: all */
	struct ctl_span span;
	json_t *numbers, *contacts; /* of a person; NULL: of everybody */
	json_t *who;		    /* both of them; [] */
	json_t *names;		    /* our own numbers */
	struct buf links;	    /* where links to files begin; "" */
	bool csv;
	bool document;	  /* --json: one object with an array of all */
	const char *path; /* NULL: standard output */
	FILE *to;
	int64_t records;
};

/* ---- a record as CSV ---- */

/* What the columns are made of. */
struct record {
	const struct export *x;
	const char *kind;
	const json_t *record, *facts;
};

typedef int cell_fn(const struct record *r, struct buf *cell);

static const char *
text(const json_t *object, const char *name)
{
	const char *ret = json_string_value(json_object_get(object, name));

	return ret == NULL ? "" : ret;
}

static int
add_line(struct buf *cell, const char *line)
{
	if (*line == '\0')
		return 0;
	return (cell->len > 0 ? buf_adds(cell, "\n") : 0) |
	    buf_adds(cell, line);
}

/* Strings, a line each; of objects the member of that name. */
static int
add_lines(struct buf *cell, const json_t *array, const char *member)
{
	const json_t *item;
	size_t i;
	int rc = 0;

	json_array_foreach (array, i, item)
		if (member != NULL)
			rc |= add_line(cell, text(item, member));
		else if (json_is_string(item))
			rc |= add_line(cell, json_string_value(item));
	return rc;
}

static int
outcome(const struct record *r, struct buf *cell)
{
	const char *of_call = text(r->record, "outcome");

	return buf_adds(
	    cell, *of_call != '\0' ? of_call : text(r->facts, "status"));
}

static int
parties(const struct record *r, struct buf *cell)
{
	json_t *list;
	int rc;

	if (strcmp(r->kind, "contact") == 0)
		return add_lines(
		    cell, json_object_get(r->facts, "phoneNumbers"), NULL);
	list = strcmp(r->kind, "call") == 0
	    ? call_parties(r->facts, r->x->names)
	    : message_parties(r->facts, r->x->names);
	rc = list == NULL ? -1 : add_lines(cell, list, NULL);
	json_decref(list);
	return rc;
}

static int
ours(const struct record *r, struct buf *cell)
{
	const char *number = strcmp(r->kind, "call") == 0
	    ? call_own_number(r->facts, r->x->names)
	    : strcmp(r->kind, "message") == 0
	    ? message_own_number(r->facts, r->x->names)
	    : NULL;

	return buf_adds(cell, number == NULL ? "" : number);
}

static int
duration(const struct record *r, struct buf *cell)
{
	const json_t *seconds = json_object_get(r->facts, "duration");

	return json_is_number(seconds)
	    ? buf_addf(cell, "%.15g", json_number_value(seconds))
	    : 0;
}

static int
voicemail(const struct record *r, struct buf *cell)
{
	return buf_adds(
	    cell, text(json_object_get(r->facts, "voicemail"), "transcript"));
}

static int
summary(const struct record *r, struct buf *cell)
{
	return add_lines(cell,
	    json_object_get(json_object_get(r->facts, "summary"), "summary"),
	    NULL);
}

static int
next_steps(const struct record *r, struct buf *cell)
{
	return add_lines(cell,
	    json_object_get(json_object_get(r->facts, "summary"), "nextSteps"),
	    NULL);
}

static int
transcript(const struct record *r, struct buf *cell)
{
	struct call_lines lines;
	json_t *line;
	int rc = 0;

	if (call_lines_begin(&lines, r->facts) != 0)
		return -1;
	while ((line = call_lines_next(&lines)) != NULL) {
		rc |= add_line(cell, text(line, "identifier"));
		rc |= buf_addf(cell, ": %s", text(line, "content"));
		json_decref(line);
	}
	return call_lines_end(&lines) != 0 ? -1 : rc;
}

static int
name(const struct record *r, struct buf *cell)
{
	const char *first = text(r->facts, "firstName");
	const char *last = text(r->facts, "lastName");

	return buf_addf(cell, "%s%s%s", first,
	    *first != '\0' && *last != '\0' ? " " : "", last);
}

static int
emails(const struct record *r, struct buf *cell)
{
	return add_lines(cell, json_object_get(r->facts, "emails"), NULL);
}

static int
files(const struct record *r, struct buf *cell)
{
	return add_lines(cell, json_object_get(r->record, "files"), "key");
}

static int
links(const struct record *r, struct buf *cell)
{
	return add_lines(cell, json_object_get(r->record, "files"), "link");
}

/* A column is a fact, a member of the record, or made by a function. */
static const struct column {
	const char *name, *fact, *member;
	cell_fn *make;
} columns[] = {
	{ "workspace", NULL, "workspace", NULL },
	{ "kind", NULL, "kind", NULL },
	{ "id", NULL, "id", NULL },
	{ "created_at", "createdAt", NULL, NULL },
	{ "direction", "direction", NULL, NULL },
	{ "outcome", NULL, NULL, outcome },
	{ "parties", NULL, NULL, parties },
	{ "ours", NULL, NULL, ours },
	{ "duration", NULL, NULL, duration },
	{ "text", "text", NULL, NULL },
	{ "voicemail", NULL, NULL, voicemail },
	{ "summary", NULL, NULL, summary },
	{ "next_steps", NULL, NULL, next_steps },
	{ "transcript", NULL, NULL, transcript },
	{ "name", NULL, NULL, name },
	{ "company", "company", NULL, NULL },
	{ "role", "role", NULL, NULL },
	{ "emails", NULL, NULL, emails },
	{ "page", NULL, "page", NULL },
	{ "files", NULL, NULL, files },
	{ "links", NULL, NULL, links },
};

static int
add_cell(const struct record *r, const struct column *c, struct buf *row)
{
	struct buf cell;
	int rc = 0;

	if (c->fact != NULL)
		return csv_field(row, text(r->facts, c->fact));
	if (c->member != NULL)
		return csv_field(row, text(r->record, c->member));
	buf_init(&cell, CELL_MAX);
	rc = c->make(r, &cell);
	if (rc == 0)
		rc = csv_field(row, buf_text(&cell));
	buf_free(&cell);
	return rc;
}

/* r NULL: the columns' names. */
static int
write_row(struct export *x, const struct record *r, struct err *err)
{
	struct buf row;
	int rc = 0;

	buf_init(&row, ROW_MAX);
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		rc |= r == NULL ? csv_field(&row, columns[i].name)
				: add_cell(r, &columns[i], &row);
	rc |= csv_end(&row);
	if (rc != 0)
		err_nomem(err);
	else
		fwrite(row.data, 1, row.len, x->to);
	buf_free(&row);
	return rc == 0 ? 0 : -1;
}

/* ---- a record as JSON ---- */

static json_t *
all_lines(const json_t *dialogue)
{
	json_t *ret = json_array(), *line;
	struct lines lines;

	lines_begin(&lines, dialogue);
	while ((line = lines_next(&lines)) != NULL)
		if (json_array_append_new(ret, line) != 0)
			lines.failed = true;
	if (!lines.failed)
		return ret;
	json_decref(ret);
	return NULL;
}

/* Long dialogues as everybody has them. */
static int
unpack(json_t *facts)
{
	json_t *part, *dialogue;
	const char *key;

	json_object_foreach (json_object_get(facts, "transcripts"), key, part)
		if (json_object_get(part, "dialogue") != NULL &&
		    ((dialogue = all_lines(
			  json_object_get(part, "dialogue"))) == NULL ||
			json_object_set_new(part, "dialogue", dialogue) != 0))
			return -1;
	return 0;
}

static int
write_json(struct export *x, json_t *record, struct err *err)
{
	if (x->document)
		fputs(x->records == 0 ? "{\"records\": [\n" : ",\n", x->to);
	if (unpack(json_object_get(record, "facts")) == 0 &&
	    (json_dumpf(record, x->to, JSON_COMPACT) == 0 || ferror(x->to))) {
		if (!x->document)
			fputc('\n', x->to);
		return 0;
	}
	err_nomem(err);
	return -1;
}

/* ---- which ones ---- */

/* The text of what somebody else says is not the person's. 1, 0 or -1. */
static int
is_wanted(const struct export *x, const json_t *hit, const json_t *facts)
{
	const struct person person = { x->numbers, x->contacts };
	const char *kind = text(hit, "kind");
	enum person_share share;
	const json_t *id;
	size_t i;

	if (x->numbers == NULL)
		return 1;
	if (strcmp(kind, "contact") == 0) {
		json_array_foreach (x->contacts, i, id)
			if (json_equal(id, json_object_get(hit, "id")))
				return 1;
		return 0;
	}
	if (person_share(&person, kind, facts, x->names,
		json_is_true(json_object_get(hit, "spoke")), &share) != 0)
		return -1;
	return share != PERSON_ABSENT;
}

static int
write_record(
    struct export *x, const json_t *hit, json_t *record, struct err *err)
{
	const struct record r = { .x = x,
		.kind = text(hit, "kind"),
		.record = record,
		.facts = json_object_get(record, "facts") };
	int wanted = record == NULL ? -1 : is_wanted(x, hit, r.facts);

	if (wanted < 0)
		err_nomem(err);
	if (wanted != 1)
		return wanted;
	if ((x->csv ? write_row(x, &r, err) : write_json(x, record, err)) != 0)
		return -1;
	if (ferror(x->to)) {
		err_sys(err, ERR_PERMANENT, "cannot write");
		return -1;
	}
	x->records++;
	return 0;
}

/* The hits from begin to before end, all of one kind. What was removed since
 * is not there any more. */
static int
write_some(struct export *x, const json_t *hits, size_t begin, size_t end,
    struct err *err)
{
	const char *base = buf_text(&x->links);
	struct db_bytes ids[TOGETHER];
	struct db_result *r = NULL;
	int rc = 0, row = 0;

	for (size_t i = begin; i < end; i++) {
		const char *id = text(json_array_get(hits, i), "id");

		ids[i - begin] = (struct db_bytes){ id, strlen(id) };
	}
	if (DB_RUN(x->ctl->db, SQL_export_get, &r, err,
		DB_TEXT(x->ctl->ws->name),
		DB_TEXT(text(json_array_get(hits, begin), "kind")),
		DB_TEXTS(ids, end - begin),
		DB_TEXT(*base == '\0' ? NULL : base)) != 0)
		return -1;
	for (size_t i = begin; rc == 0 && i < end; i++) {
		const json_t *hit = json_array_get(hits, i);
		json_t *record;

		if (row == db_rows(r) ||
		    strcmp(db_text(r, row, "id"), text(hit, "id")) != 0)
			continue;
		record = db_json(r, row++, "record");
		rc = write_record(x, hit, record, err);
		json_decref(record);
	}
	db_result_free(r);
	return rc;
}

/* How far one result may reach: so much memory is taken, and no more. */
static size_t
some(const json_t *hits, size_t begin)
{
	const json_t *first = json_array_get(hits, begin), *hit;
	json_int_t size = 0;
	size_t end;

	for (end = begin; end < json_array_size(hits); end++) {
		hit = json_array_get(hits, end);
		size += json_integer_value(json_object_get(hit, "size"));
		if (end > begin &&
		    (end - begin == TOGETHER || size > TOGETHER_SIZE ||
			strcmp(text(hit, "kind"), text(first, "kind")) != 0))
			break;
	}
	return end;
}

static int
write_hits(struct export *x, const json_t *hits, struct err *err)
{
	size_t begin = 0, end;

	for (; begin < json_array_size(hits); begin = end) {
		end = some(hits, begin);
		if (write_some(x, hits, begin, end, err) != 0)
			return -1;
	}
	return 0;
}

/* 1 and the key moved on, 0: there is no more, -1. */
static int
write_batch(struct export *x, char **kind, char **id, struct err *err)
{
	struct db_result *r = NULL;
	json_t *hits;
	char *last_kind = NULL, *last_id = NULL;
	int rc = -1;

	if (DB_RUN(x->ctl->db, SQL_export_keys, &r, err,
		DB_TEXT(x->ctl->ws->name), DB_TEXT(x->kind),
		DB_TEXT(x->span.since), DB_TEXT(x->span.until), DB_JSON(x->who),
		DB_TEXT(*kind), DB_TEXT(*id)) != 0)
		return -1;
	hits = db_json(r, 0, "hits");
	if (db_text(r, 0, "last_id") != NULL) {
		last_kind = strdup(db_text(r, 0, "last_kind"));
		last_id = strdup(db_text(r, 0, "last_id"));
	}
	if (hits == NULL ||
	    (db_text(r, 0, "last_id") != NULL &&
		(last_kind == NULL || last_id == NULL)))
		err_nomem(err);
	else if (write_hits(x, hits, err) == 0)
		rc = last_id != NULL;
	json_decref(hits);
	db_result_free(r);
	free(*kind);
	free(*id);
	*kind = last_kind;
	*id = last_id;
	return rc;
}

static int
write_all(struct export *x, struct err *err)
{
	char *kind = strdup(""), *id = strdup("");
	int rc = 1;

	if (kind == NULL || id == NULL) {
		err_nomem(err);
		rc = -1;
	} else if (x->csv && write_row(x, NULL, err) != 0) {
		rc = -1;
	}
	while (rc == 1)
		rc = write_batch(x, &kind, &id, err);
	if (rc == 0 && x->document)
		fputs(
		    x->records == 0 ? "{\"records\": []}\n" : "\n]}\n", x->to);
	free(kind);
	free(id);
	return rc;
}

/* ---- whose ---- */

/* One of both may be NULL. */
static int
find_person(
    struct export *x, const char *number, const char *contact, struct err *err)
{
	struct sync sync = { .ws = x->ctl->ws, .db = x->ctl->db };
	struct forget f = { .sync = &sync };
	char e164[NUMBER_SIZE] = "", *others = NULL;
	struct db_bytes one, other;
	int rc;

	if (number != NULL)
		number_e164(number, e164);
	one = (struct db_bytes){ e164, strlen(e164) };
	other =
	    (struct db_bytes){ contact, contact == NULL ? 0 : strlen(contact) };
	rc = forget_who(
	    &f, &one, number != NULL, &other, contact != NULL, &others, err);
	if (rc == 0 && *others != '\0')
		fprintf(stderr,
		    "onsctl: not by %s: somebody else has it, too\n", others);
	free(others);
	x->numbers = f.numbers;
	x->contacts = f.contacts;
	return rc;
}

static int
prepare(
    struct export *x, const char *number, const char *contact, struct err *err)
{
	const char *base = x->ctl->ws->media.base_url;
	struct db_result *r = NULL;
	size_t n = base == NULL ? 0 : strlen(base);

	if ((number != NULL || contact != NULL) &&
	    find_person(x, number, contact, err) != 0)
		return -1;
	if (DB_RUN(x->ctl->db, SQL_forget_lines, &r, err,
		DB_TEXT(x->ctl->ws->name)) != 0)
		return -1;
	x->names = db_json(r, 0, "names");
	db_result_free(r);
	x->who = json_array();
	while (n > 0 && base[n - 1] == '/')
		n--;
	if (x->names != NULL && x->who != NULL &&
	    (x->numbers == NULL ||
		(json_array_extend(x->who, x->numbers) == 0 &&
		    json_array_extend(x->who, x->contacts) == 0)) &&
	    (n == 0 || buf_addf(&x->links, "%.*s/r/", (int)n, base) == 0))
		return 0;
	err_nomem(err);
	return -1;
}

/* ---- where to ---- */

/* Nobody else may read it, and nothing is overwritten. */
static int
open_output(struct export *x, struct err *err)
{
	int fd;

	x->to = stdout;
	if (x->path == NULL)
		return 0;
	fd = open(x->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 && (x->to = fdopen(fd, "w")) != NULL)
		return 0;
	err_sys(err, ERR_PERMANENT, "%s", x->path);
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
close_output(struct export *x, struct err *err)
{
	int rc = fflush(x->to) == 0 && !ferror(x->to) ? 0 : -1;

	if (rc == 0 && x->path != NULL)
		rc = fsync(fileno(x->to));
	if (rc != 0 && !err_is_set(err))
		err_sys(err, ERR_PERMANENT, "cannot write");
	if (x->path != NULL && fclose(x->to) != 0 && !err_is_set(err))
		err_sys(err, ERR_PERMANENT, "cannot write");
	return err_is_set(err) ? -1 : 0;
}

static int
export_to(struct export *x, struct err *err)
{
	char count[WORDS_SIZE];

	if (open_output(x, err) != 0)
		return -1;
	(void)write_all(x, err);
	words_count(x->records, count);
	if (close_output(x, err) != 0) {
		err_prefix(err, "%s is incomplete, it ends after %s records",
		    x->path == NULL ? "the output" : x->path, count);
		return -1;
	}
	if (x->path == NULL)
		return 0;
	return ctl_result(x->ctl,
	    json_pack("{s:I, s:s}", "records", (json_int_t)x->records, "file",
		x->path),
	    err, "%s records in %s\n", count, x->path);
}

/* number and contact as given, each may be NULL. */
static int
run(struct export *x, const char *number, const char *contact)
{
	struct err err = ERR_INIT;
	int rc;

	x->document = x->ctl->json && x->path == NULL;
	buf_init(&x->links, URL_MAX_BYTES);
	rc = prepare(x, number, contact, &err) == 0 ? export_to(x, &err) : -1;
	buf_free(&x->links);
	json_decref(x->who);
	json_decref(x->names);
	json_decref(x->numbers);
	json_decref(x->contacts);
	return rc == 0 ? EX_OK : ctl_fail(&err);
}

int
ctl_export(struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "number", required_argument, NULL, 'n' },
		{ "contact", required_argument, NULL, 'c' },
		{ "since", required_argument, NULL, 's' },
		{ "until", required_argument, NULL, 'u' },
		{ "kind", required_argument, NULL, 'k' },
		{ "format", required_argument, NULL, 'f' },
		{ "output", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	static const char *const kinds[] = { "call", "message", "contact",
		NULL };
	static const char *const formats[] = { "jsonl", "csv", NULL };
	const char *number = NULL, *contact = NULL, *since = NULL,
		   *until = NULL;
	struct export x = { .ctl = ctl };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'n':
			number = optarg;
			break;
		case 'c':
			contact = optarg;
			break;
		case 's':
			since = optarg;
			break;
		case 'u':
			until = optarg;
			break;
		case 'k':
			if (!ctl_is_one_of("--kind", optarg, kinds))
				return EX_USAGE;
			x.kind = optarg;
			break;
		case 'f':
			if (!ctl_is_one_of("--format", optarg, formats))
				return EX_USAGE;
			x.csv = strcmp(optarg, "csv") == 0;
			break;
		case 'o':
			x.path = optarg;
			break;
		default:
			return ctl_usage(argv[0]);
		}
	if (optind != argc)
		return ctl_usage(argv[0]);
	if (ctl_span(ctl, since, until, &x.span) != 0)
		return EX_USAGE;
	if (ctl->json && x.csv && x.path == NULL) {
		fputs("onsctl: csv is no JSON: --output FILE, or without "
		      "--json\n",
		    stderr);
		return EX_USAGE;
	}
	return run(&x, number, contact);
}

#include "model/payload.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "ext/jansson.h"
#include "model/lines.h"

#define LONG_BYTES 65536 /* a payload that may have a long dialogue */

enum defect { LONE_SURROGATE = 1, NUL_CHARACTER = 2, INVALID_UTF8 = 4 };

static const char *const notes[] = {
	[LONE_SURROGATE] = "lone surrogate",
	[NUL_CHARACTER] = "NUL character",
	[LONE_SURROGATE | NUL_CHARACTER] = "lone surrogate, NUL character",
	[INVALID_UTF8] = "invalid UTF-8",
	[INVALID_UTF8 | LONE_SURROGATE] = "invalid UTF-8, lone surrogate",
	[INVALID_UTF8 | NUL_CHARACTER] = "invalid UTF-8, NUL character",
	[INVALID_UTF8 | LONE_SURROGATE | NUL_CHARACTER] =
	    "invalid UTF-8, lone surrogate, NUL character",
};

/* The code unit of the escape \uXXXX at s, -1: there is none. */
static int
escaped_unit(const char *s, size_t n)
{
	int unit = 0;

	if (n < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *p = memchr(digits, s[i], sizeof(digits) - 1);

		if (p == NULL)
			return -1;
		unit = unit << 4 | (int)((p - digits) & 15);
	}
	return unit;
}

/* Copy the escape at s; returns its length. */
static size_t
repair_escape(
    const char *s, size_t n, struct buf *out, int *rc, unsigned int *found)
{
	int unit = escaped_unit(s, n), next;
	size_t len = unit < 0 ? (n < 2 ? n : 2) : 6;
	enum defect defect;

	if (unit >= 0xd800 && unit <= 0xdbff) {
		next = escaped_unit(s + 6, n - 6);
		if (next >= 0xdc00 && next <= 0xdfff)
			len = 12;
	}
	if (unit == 0)
		defect = NUL_CHARACTER;
	else if (unit >= 0xd800 && unit <= 0xdfff && len == 6)
		defect = LONE_SURROGATE;
	else {
		*rc |= buf_add(out, s, len);
		return len;
	}
	*found |= defect;
	*rc |= buf_adds(out, "\\ufffd");
	return len;
}

/* Copy s to out with what is no text replaced; *found says what there was. A
 * backslash occurs in strings only, so there is no need to know where we are:
 * anywhere else it is an error, and stays one. */
static int
repair(const char *s, size_t n, struct buf *out, unsigned int *found)
{
	size_t len, plain = 0;
	int rc = 0;

	*found = 0;
	for (size_t i = 0; i < n; i += len) {
		len = utf8_sequence(s + i, n - i);
		if (len > 0 && s[i] != '\\')
			continue;
		rc |= buf_add(out, s + plain, i - plain);
		if (len == 0) {
			rc |= buf_adds(out, "\xef\xbf\xbd");
			*found |= INVALID_UTF8;
			len = 1;
		} else {
			len = repair_escape(s + i, n - i, out, &rc, found);
		}
		plain = i + len;
	}
	rc |= buf_add(out, s + plain, n - plain);
	return rc == 0 ? 0 : -1;
}

/* An integer beyond 64 bits is JSON all the same: read numbers as reals. */
static json_t *
load(const char *s, size_t n, json_error_t *error)
{
	json_t *json = jansson_read(s, n, 0, error);

	if (json == NULL &&
	    json_error_code(error) == json_error_numeric_overflow)
		json = jansson_read(s, n, JSON_DECODE_INT_AS_REAL, error);
	return json;
}

/* jansson's words, without its "near '…'": that would be a piece of somebody's
 * message in our log. */
static void
set_error(struct err *err, const json_error_t *error)
{
	const char *near = strstr(error->text, " near ");
	size_t len =
	    near == NULL ? strlen(error->text) : (size_t)(near - error->text);

	if (json_error_code(error) == json_error_out_of_memory)
		err_nomem(err);
	else
		err_set(err, ERR_PERMANENT, "not JSON: %.*s at byte %d",
		    (int)len, error->text, error->position);
}

/* The value that the bytes spell, repaired where that helps; what there was to
 * be repaired is added to *found. */
static json_t *
load_repaired(const char *s, size_t n, unsigned int *found, struct err *err)
{
	json_error_t error;
	json_t *json = load(s, n, &error);
	unsigned int defects = 0;
	struct buf copy;

	if (json != NULL)
		return json;
	buf_init(&copy, SIZE_MAX / 4);
	if (repair(s, n, &copy, &defects) != 0) {
		err_nomem(err);
		goto out;
	}
	if (defects != 0)
		json = load(copy.data, copy.len, &error);
	if (json == NULL)
		set_error(err, &error);
	*found |= defects;
out:
	buf_free(&copy);
	return json;
}

/* ---- dialogues ---------------------------------------------------------- */

/* A piece of JSON that is being read. */
struct reader {
	const char *s;
	size_t n, at;
};

static char
skip_blanks(struct reader *r)
{
	while (r->at < r->n && r->s[r->at] != '\0' &&
	    strchr(" \t\r\n", r->s[r->at]) != NULL)
		r->at++;
	return r->at < r->n ? r->s[r->at] : '\0';
}

static void
skip_string(struct reader *r)
{
	for (r->at++; r->at < r->n && r->s[r->at] != '"'; r->at++)
		if (r->s[r->at] == '\\')
			r->at++;
	r->at = r->at < r->n ? r->at + 1 : r->n;
}

/* Go to the comma or bracket that ends an array's element. */
static void
skip_element(struct reader *r)
{
	size_t depth = 0;

	while (r->at < r->n) {
		char c = r->s[r->at];

		if (c == '"') {
			skip_string(r);
			continue;
		}
		if (depth == 0 && (c == ',' || c == ']'))
			return;
		depth += c == '[' || c == '{';
		depth -= depth > 0 && (c == ']' || c == '}');
		r->at++;
	}
}

/* The array at r, a line at a time; NULL: something else than objects or
 * arrays is in it, or it is not JSON (ERR_PERMANENT), or memory is out. */
static json_t *
read_lines(struct reader *r, unsigned int *found, struct err *err)
{
	struct lines_writer lines;
	json_t *line, *list;
	size_t begin;
	bool good = true;

	lines_new(&lines);
	r->at++;
	if (skip_blanks(r) != ']') {
		do {
			begin = r->at;
			skip_element(r);
			line = load_repaired(
			    r->s + begin, r->at - begin, found, err);
			good = line != NULL && r->at < r->n;
			lines_add(&lines, line);
		} while (good && r->s[r->at++] == ',');
	} else {
		r->at++;
	}
	list = lines_end(&lines);
	if (good && list != NULL)
		return list;
	if (good)
		err_nomem(err);
	else
		err_set(err, ERR_PERMANENT, "the dialogue does not end");
	json_decref(list);
	return NULL;
}

/* Go to the array of the next member with the name "dialogue". */
static bool
find_dialogue(struct reader *r)
{
	static const char name[] = "\"dialogue\"";
	size_t begin;

	while (r->at < r->n) {
		if (r->s[r->at] != '"') {
			r->at++;
			continue;
		}
		begin = r->at;
		skip_string(r);
		if (r->at - begin != strlen(name) ||
		    memcmp(r->s + begin, name, strlen(name)) != 0 ||
		    skip_blanks(r) != ':')
			continue;
		r->at++;
		if (skip_blanks(r) == '[')
			return true;
	}
	return false;
}

/* Put the dialogues into lists, and the rest of the text, with [i] for the
 * i-th of them, into rest; nothing, if there are none. */
static int
cut_dialogues(struct reader *r, struct buf *rest, json_t *lists,
    unsigned int *found, struct err *err)
{
	size_t plain = 0;

	while (find_dialogue(r)) {
		if (buf_add(rest, r->s + plain, r->at - plain) != 0 ||
		    buf_addf(rest, "[%zu]", json_array_size(lists)) != 0 ||
		    json_array_append_new(lists, read_lines(r, found, err)) !=
			0)
			goto fail;
		plain = r->at;
	}
	if (plain == 0 || buf_add(rest, r->s + plain, r->n - plain) == 0)
		return 0;
fail:
	err_nomem(err); /* unless there is a reason already */
	return -1;
}

static int
put_dialogues_back(json_t *value, const json_t *lists)
{
	json_t *mark = json_object_get(value, "dialogue"), *list = NULL;
	json_t *member;
	const char *name;
	size_t i;
	int rc = 0;

	if (json_is_array(mark)) {
		list = json_array_get(
		    lists, (size_t)json_integer_value(json_array_get(mark, 0)));
		rc = json_object_set(value, "dialogue", list);
	}
	json_object_foreach (value, name, member)
		if (member != list)
			rc |= put_dialogues_back(member, lists);
	json_array_foreach (value, i, member)
		rc |= put_dialogues_back(member, lists);
	return rc;
}

/* Parse what may have a long dialogue, without ever having all of it as
 * values. NULL: memory is out, or it has none, or it is not JSON, of which
 * load_repaired() has a better account. */
static json_t *
load_long(const char *s, size_t n, unsigned int *found, struct err *err)
{
	struct reader r = { .s = s, .n = n };
	json_t *lists = json_array(), *json = NULL;
	struct buf rest;

	buf_init(&rest, SIZE_MAX / 4);
	if (lists == NULL)
		err_nomem(err);
	else if (cut_dialogues(&r, &rest, lists, found, err) == 0 &&
	    rest.len > 0)
		json = load_repaired(rest.data, rest.len, found, err);
	if (json != NULL && put_dialogues_back(json, lists) != 0) {
		err_nomem(err);
		json_decref(json);
		json = NULL;
	}
	buf_free(&rest);
	json_decref(lists);
	return json;
}

/* ---- all of it ---------------------------------------------------------- */

json_t *
payload_load(const void *bytes, size_t n, const char **note, struct err *err)
{
	struct err why = ERR_INIT;
	json_t *json = NULL;
	unsigned int found = 0;

	if (n >= LONG_BYTES)
		json = load_long(bytes, n, &found, &why);
	if (why.kind == ERR_RETRY) /* no memory, and all of it takes more */
		*err = why;
	else if (json == NULL)
		json = load_repaired(bytes, n, &found, err);
	*note = found == 0 ? NULL : notes[found];
	if (json != NULL && !json_is_object(json)) {
		err_set(err, ERR_PERMANENT, "not a JSON object");
		json_decref(json);
		json = NULL;
	}
	return json;
}

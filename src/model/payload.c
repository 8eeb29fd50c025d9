#include "model/payload.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "model/lines.h"

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
	json_t *json = json_loadb(s, n, 0, error);

	if (json == NULL &&
	    json_error_code(error) == json_error_numeric_overflow)
		json = json_loadb(s, n, JSON_DECODE_INT_AS_REAL, error);
	return json;
}

/* ---- dialogues ---------------------------------------------------------- */

static size_t
skip_blanks(const char *s, size_t n, size_t i)
{
	while (i < n && s[i] != '\0' && strchr(" \t\r\n", s[i]) != NULL)
		i++;
	return i;
}

/* Where the string that begins at s[i] is over. */
static size_t
skip_string(const char *s, size_t n, size_t i)
{
	for (i++; i < n && s[i] != '"'; i++)
		if (s[i] == '\\')
			i++;
	return i < n ? i + 1 : n;
}

/* The array at s as a value, a string with its text if it is long; its bytes
 * to *len. Each element is parsed, so that nothing gets by that isn't JSON.
 * NULL: it isn't, or memory is out. */
static json_t *
list_at(const char *s, size_t n, size_t *len)
{
	json_error_t error;
	json_t *line;
	int more;

	*len = 0;
	while ((more = lines_parse(s, n, len, &line, &error)) == 1)
		json_decref(line);
	if (more < 0)
		return NULL;
	return *len > PAYLOAD_LONG ? json_stringn(s, *len)
				   : load(s, *len, &error);
}

/* Copy s to rest with each array under the name "dialogue" replaced by [i],
 * where i is its place in lists. */
static int
cut_dialogues(const char *s, size_t n, struct buf *rest, json_t *lists)
{
	static const char name[] = "\"dialogue\"";
	size_t plain = 0, i = 0, begin, len;

	while (i < n) {
		if (s[i] != '"') {
			i++;
			continue;
		}
		begin = i;
		i = skip_string(s, n, i);
		if (i - begin != strlen(name) ||
		    memcmp(s + begin, name, strlen(name)) != 0)
			continue;
		i = skip_blanks(s, n, i);
		if (i == n || s[i] != ':')
			continue;
		i = skip_blanks(s, n, i + 1);
		if (i == n || s[i] != '[')
			continue;
		if (buf_add(rest, s + plain, i - plain) != 0 ||
		    buf_addf(rest, "[%zu]", json_array_size(lists)) != 0 ||
		    json_array_append_new(lists, list_at(s + i, n - i, &len)) !=
			0)
			return -1;
		plain = i += len;
	}
	return buf_add(rest, s + plain, n - plain);
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
		list = json_array_get(lists,
		    (size_t)json_integer_value(json_array_get(mark, 0)));
		rc = json_object_set(value, "dialogue", list);
	}
	json_object_foreach (value, name, member)
		if (member != list)
			rc |= put_dialogues_back(member, lists);
	json_array_foreach (value, i, member)
		rc |= put_dialogues_back(member, lists);
	return rc;
}

/* Parse what may hold a long dialogue. NULL: it isn't JSON, or memory is out;
 * load() will tell. */
static json_t *
load_dialogues(const char *s, size_t n)
{
	struct buf rest;
	json_error_t error;
	json_t *lists, *json = NULL;

	if (n <= PAYLOAD_LONG)
		return load(s, n, &error);
	lists = json_array();
	buf_init(&rest, SIZE_MAX / 4);
	if (lists != NULL && cut_dialogues(s, n, &rest, lists) == 0)
		json = load(rest.data, rest.len, &error);
	if (json != NULL && put_dialogues_back(json, lists) != 0) {
		json_decref(json);
		json = NULL;
	}
	buf_free(&rest);
	json_decref(lists);
	return json;
}

/* ---- all of it ---------------------------------------------------------- */

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

json_t *
payload_load(const void *bytes, size_t n, const char **note, struct err *err)
{
	struct buf copy;
	json_error_t error;
	json_t *json;
	unsigned int found;

	*note = NULL;
	buf_init(&copy, SIZE_MAX / 4);
	if ((json = load_dialogues(bytes, n)) == NULL) {
		if (repair(bytes, n, &copy, &found) != 0) {
			err_nomem(err);
			goto out;
		}
		if (found != 0)
			json = load_dialogues(copy.data, copy.len);
		if (json == NULL)
			json = load(copy.data, copy.len, &error);
		if (found != 0 && json != NULL)
			*note = notes[found];
	}
	if (json == NULL) {
		set_error(err, &error);
	} else if (!json_is_object(json)) {
		err_set(err, ERR_PERMANENT, "not a JSON object");
		json_decref(json);
		json = NULL;
	}
out:
	buf_free(&copy);
	return json;
}

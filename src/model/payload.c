#include "model/payload.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

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
	if ((json = load(bytes, n, &error)) == NULL) {
		if (repair(bytes, n, &copy, &found) != 0) {
			err_nomem(err);
			goto out;
		}
		if (found != 0) {
			*note = notes[found];
			json = load(copy.data, copy.len, &error);
		}
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

#include "model/skim.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "ext/jansson.h"

enum { DEPTH_MAX = 32, DIGITS_MAX = 15 };

/* The names as they are spelled in JSON. */
struct wanted {
	const char *name;
	const struct wanted *inner; /* NULL: a string */
};

static const struct wanted object[] = { { "\"id\"", NULL },
	{ "\"callId\"", NULL }, { NULL, NULL } };
static const struct wanted data[] = { { "\"object\"", object },
	{ "\"resource\"", object }, { NULL, NULL } };
static const struct wanted envelope[] = { { "\"id\"", NULL },
	{ "\"type\"", NULL }, { "\"createdAt\"", NULL },
	{ "\"apiVersion\"", NULL }, { "\"data\"", data }, { NULL, NULL } };
static const struct wanted nothing[] = { { NULL, NULL } };

struct reader {
	const char *p, *end;
	struct buf out; /* JSON of what is wanted */
	bool failed;	/* to write that */
};

static void
put(struct reader *r, const char *text, size_t n)
{
	r->failed |= buf_add(&r->out, text, n) != 0;
}

/* The next character that is no blank, NUL: there is none. */
static char
peek(struct reader *r)
{
	while (r->p < r->end &&
	    (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r'))
		r->p++;
	return r->p < r->end ? *r->p : '\0';
}

/* The functions that follow go past something, and say whether it was plain
 * JSON of its kind. */

static bool
skip_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
		return false;
	r->p += n;
	return true;
}

static bool
skip_string(struct reader *r)
{
	for (r->p++; r->p < r->end;) {
		unsigned char c = (unsigned char)*r->p;
		size_t len = 1;

		if (c == '"') {
			r->p++;
			return true;
		}
		if (c < ' ')
			return false;
		if (c == '\\') {
			if (r->end - r->p < 2 ||
			    memchr("\"\\/bfnrt", r->p[1], 8) == NULL)
				return false;
			len = 2;
		} else if (c >= 0x80) {
			len = utf8_sequence(r->p, (size_t)(r->end - r->p));
			if (len == 0)
				return false;
		}
		r->p += len;
	}
	return false;
}

static size_t
skip_digits(struct reader *r)
{
	const char *begin = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return (size_t)(r->p - begin);
}

static bool
skip_number(struct reader *r)
{
	const char *begin;
	size_t n;

	if (r->p < r->end && *r->p == '-')
		r->p++;
	begin = r->p;
	n = skip_digits(r);
	if (n == 0 || n > DIGITS_MAX || (n > 1 && *begin == '0'))
		return false;
	if (r->p == r->end || *r->p != '.')
		return true;
	r->p++;
	return skip_digits(r) > 0;
}

static bool members(struct reader *r, const struct wanted *wanted, int depth);

static bool
skip_value(struct reader *r, int depth)
{
	char c = peek(r);

	switch (c) {
	case '"':
		return skip_string(r);
	case '{':
		return members(r, nothing, depth);
	case 't':
		return skip_word(r, "true");
	case 'f':
		return skip_word(r, "false");
	case 'n':
		return skip_word(r, "null");
	case '[':
		break;
	default:
		return skip_number(r);
	}
	if (depth == DEPTH_MAX)
		return false;
	r->p++;
	if (peek(r) == ']') {
		r->p++;
		return true;
	}
	do {
		if (!skip_value(r, depth + 1))
			return false;
		c = peek(r);
		r->p += c == ',' || c == ']';
	} while (c == ',');
	return c == ']';
}

/* The value of a member that is wanted. */
static bool
keep_value(struct reader *r, const struct wanted *wanted, int depth)
{
	char c = peek(r);
	const char *begin = r->p;
	bool good;

	if (wanted->inner != NULL && c == '{') {
		put(r, "{", 1);
		good = members(r, wanted->inner, depth);
		put(r, "}", 1);
		return good;
	}
	if (wanted->inner == NULL && c == '"') {
		good = skip_string(r);
		put(r, begin, (size_t)(r->p - begin));
		return good;
	}
	put(r, "0", 1); /* as good as anything of another kind */
	return skip_value(r, depth);
}

static bool
member(struct reader *r, const struct wanted *wanted, int depth)
{
	const char *name = r->p;
	size_t n;

	if (!skip_string(r))
		return false;
	n = (size_t)(r->p - name);
	if (peek(r) != ':')
		return false;
	r->p++;
	while (wanted->name != NULL &&
	    (strlen(wanted->name) != n || memcmp(wanted->name, name, n) != 0))
		wanted++;
	if (wanted->name == NULL)
		return skip_value(r, depth);
	if (r->out.len > 0 && r->out.data[r->out.len - 1] != '{')
		put(r, ",", 1);
	put(r, name, n);
	put(r, ":", 1);
	return keep_value(r, wanted, depth);
}

/* An object at r: its inside, what is wanted of it copied. */
static bool
members(struct reader *r, const struct wanted *wanted, int depth)
{
	char c;

	if (depth == DEPTH_MAX)
		return false;
	r->p++;
	if (peek(r) == '}') {
		r->p++;
		return true;
	}
	do {
		if (peek(r) != '"' || !member(r, wanted, depth + 1))
			return false;
		c = peek(r);
		r->p += c == ',' || c == '}';
	} while (c == ',');
	return c == '}';
}

json_t *
skim_envelope(const void *bytes, size_t n)
{
	struct reader r = { .p = bytes, .end = (const char *)bytes + n };
	const struct wanted whole = { NULL, envelope };
	json_t *json = NULL;

	buf_init(&r.out, n + 64);
	if (peek(&r) == '{' && keep_value(&r, &whole, 0) && peek(&r) == '\0' &&
	    r.p == r.end && !r.failed)
		json = jansson_read(r.out.data, r.out.len, 0, NULL);
	buf_free(&r.out);
	return json;
}

#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/utf8.h"

void
err_tame(char *s)
{
	size_t n = strlen(s), len;

	secret_hide(s, n);
	for (size_t i = 0; i < n; i += len) {
		if ((len = utf8_sequence(s + i, n - i)) == 0) {
			s[i] = '?'; /* where it was cut */
			len = 1;
		} else if (utf8_is_control(s + i, len)) {
			memset(s + i, ' ', len);
		}
	}
}

/* False: an earlier failure stays. */
static bool
vset(struct err *err, enum err_kind kind, const char *fmt, va_list ap)
{
	if (err->kind != ERR_NONE)
		return false;
	err->kind = kind;
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	err_tame(err->text);
	return true;
}

void
err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vset(err, kind, fmt, ap);
	va_end(ap);
}

void
err_sys(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	int saved = errno;
	bool first;
	size_t n;
	va_list ap;

	if (saved == ENOMEM) {
		err_nomem(err);
		return;
	}
	va_start(ap, fmt);
	first = vset(err, kind, fmt, ap);
	va_end(ap);
	if (!first)
		return;
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror(saved));
}

void
err_nomem(struct err *err)
{
	err_set(err, ERR_RETRY, "out of memory");
}

void
err_prefix(struct err *err, const char *fmt, ...)
{
	char front[256], old[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(front, sizeof(front), fmt, ap);
	va_end(ap);
	memcpy(old, err->text, sizeof(old));
	snprintf(err->text, sizeof(err->text), "%s: %.*s", front,
	    (int)(sizeof(err->text) - sizeof(front) - 3), old);
	err_tame(err->text);
}

void
err_suffix(struct err *err, const char *fmt, ...)
{
	size_t n = strlen(err->text);
	va_list ap;

	n += (size_t)snprintf(err->text + n, sizeof(err->text) - n, ": ");
	if (n >= sizeof(err->text))
		return;
	va_start(ap, fmt);
	vsnprintf(err->text + n, sizeof(err->text) - n, fmt, ap);
	va_end(ap);
	err_tame(err->text + n);
}

bool
err_is_set(const struct err *err)
{
	return err->kind != ERR_NONE;
}

void
err_clear(struct err *err)
{
	*err = (struct err)ERR_INIT;
}

const char *
err_kind_name(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE:
		return "none";
	case ERR_RETRY:
		return "retry";
	case ERR_WAIT:
		return "wait";
	case ERR_UNKNOWN:
		return "unknown-outcome";
	case ERR_OPERATOR:
		return "operator";
	case ERR_PERMANENT:
		return "permanent";
	case ERR_CONFIG:
		return "configuration";
	}
	return "?";
}

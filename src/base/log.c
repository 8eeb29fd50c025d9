#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/rfc3339.h"
#include "base/utf8.h"

static const char *const level_names[] = { "error", "warn", "info", "debug" };

static const char *program = "";
static enum log_level threshold = LOG_LEVEL_INFO;
static int log_fd = STDERR_FILENO;
static _Thread_local struct {
	const char *workspace, *kind, *id;
} context;

void
log_init(const char *name)
{
	program = name;
}

int
log_set_level(const char *name)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(*level_names); i++)
		if (strcmp(name, level_names[i]) == 0) {
			threshold = (enum log_level)i;
			return 0;
		}
	return -1;
}

void
log_set_fd(int fd)
{
	log_fd = fd;
}

void
log_context(const char *workspace, const char *kind, const char *id)
{
	context.workspace = workspace;
	context.kind = kind;
	context.id = id;
}

/* Digits in the middle of anything like an E.164 number become '*'. */
void
log_mask(char *s)
{
	while ((s = strchr(s, '+')) != NULL) {
		size_t n = strspn(s + 1, "0123456789");

		if (n >= 8)
			memset(s + 5, '*', n - 8);
		s += 1 + n;
	}
}

/* A line being written; what does not fit is left out. */
struct line {
	char text[3072];
	size_t len;
};

/* Room is kept for the closing quote, brace and newline. */
enum { LINE_CLOSING = 3 };

static bool
put(struct line *line, const char *s, size_t n)
{
	if (line->len + n > sizeof(line->text) - LINE_CLOSING)
		return false;
	memcpy(line->text + line->len, s, n);
	line->len += n;
	return true;
}

static void
put_escaped(struct line *line, const char *s)
{
	size_t n = strlen(s), len;
	bool fits = true;

	for (size_t i = 0; i < n && fits; i += len) {
		unsigned char c = (unsigned char)s[i];
		char escape[8];

		if ((len = utf8_sequence(s + i, n - i)) == 0) {
			fits = put(line, "?", 1);
			len = 1;
		} else if (c == '"' || c == '\\') {
			fits = put(line, (char[]){ '\\', (char)c }, 2);
		} else if (c < 0x20) {
			snprintf(escape, sizeof(escape), "\\u%04x", c);
			fits = put(line, escape, 6);
		} else {
			fits = put(line, s + i, len);
		}
	}
}

static void
put_field(struct line *line, const char *name, const char *value)
{
	size_t start = line->len;

	if (value == NULL)
		return;
	if (put(line, start == 0 ? "{\"" : ",\"", 2) &&
	    put(line, name, strlen(name)) && put(line, "\":\"", 3)) {
		put_escaped(line, value);
		line->text[line->len++] = '"';
	} else {
		line->len = start;
	}
}

static void
write_line(enum log_level level, const char *error_kind, char *message)
{
	struct line line = { .len = 0 };
	char now[RFC3339_SIZE];

	log_mask(message);
	rfc3339_format(rfc3339_now(), now);
	put_field(&line, "time", now);
	put_field(&line, "level", level_names[level]);
	put_field(&line, "program", program);
	put_field(&line, "workspace", context.workspace);
	put_field(&line, "kind", context.kind);
	put_field(&line, "id", context.id);
	put_field(&line, "error_kind", error_kind);
	put_field(&line, "message", message);
	line.text[line.len++] = '}';
	line.text[line.len++] = '\n';
	/* one write a line, so that processes sharing a file do not mix */
	if (write(log_fd, line.text, line.len) < 0)
		return;
}

static void
vlog(enum log_level level, const char *fmt, va_list ap)
{
	char message[2048];

	if (level > threshold)
		return;
	vsnprintf(message, sizeof(message), fmt, ap);
	write_line(level, NULL, message);
}

#define DEFINE_LEVEL(name, level)             \
	void log_##name(const char *fmt, ...) \
	{                                     \
		va_list ap;                   \
                                              \
		va_start(ap, fmt);            \
		vlog(level, fmt, ap);         \
		va_end(ap);                   \
	}

DEFINE_LEVEL(error, LOG_LEVEL_ERROR)
DEFINE_LEVEL(warn, LOG_LEVEL_WARN)
DEFINE_LEVEL(info, LOG_LEVEL_INFO)
DEFINE_LEVEL(debug, LOG_LEVEL_DEBUG)

void
log_err(const struct err *err, const char *fmt, ...)
{
	enum log_level level =
	    err->kind == ERR_WAIT ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR;
	char message[2048];
	size_t n;
	va_list ap;

	if (level > threshold)
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message) / 2, fmt, ap);
	va_end(ap);
	n = strlen(message);
	snprintf(message + n, sizeof(message) - n, ": %s", err->text);
	write_line(level, err_kind_name(err->kind), message);
}

#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/rfc3339.h"
#include "base/secret.h"
#include "base/utf8.h"

static const struct {
	const char *name;
	int severity; /* syslog(3)'s */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARN] = { "warn", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

static const char *program = "";
static enum log_level threshold = LOG_LEVEL_INFO;
static int log_fd = STDERR_FILENO;
static char *log_path; /* of a file that can be opened again, or NULL */
static atomic_bool reopen;
static int syslog_fd = -1;
static struct sockaddr_un syslog_address;
static _Thread_local struct {
	const char *workspace, *kind, *id;
	int64_t job, attempt; /* 0: none */
	int64_t duration_ms;  /* -1: none */
} context = { .duration_ms = -1 };

void
log_init(const char *name)
{
	program = name;
}

int
log_set_level(const char *name)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (strcmp(name, levels[i].name) == 0) {
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

static int
open_file(const char *path)
{
	return open(
	    path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
}

int
log_to_file(const char *path, struct err *err)
{
	int fd = open_file(path);

	if (fd < 0) {
		err_sys(err, ERR_CONFIG, "[log] file: %s", path);
		return -1;
	}
	free(log_path);
	if ((log_path = strdup(path)) == NULL) {
		close(fd);
		err_nomem(err);
		return -1;
	}
	log_fd = fd;
	return 0;
}

int
log_to_syslog(const char *path, struct err *err)
{
	if (strlen(path) >= sizeof(syslog_address.sun_path)) {
		err_set(err, ERR_CONFIG, "%s: too long for a socket", path);
		return -1;
	}
	syslog_address.sun_family = AF_UNIX;
	memcpy(syslog_address.sun_path, path, strlen(path) + 1);
	/* syslog(3) would wait as long as who listens does */
	syslog_fd =
	    socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (syslog_fd < 0) {
		err_sys(err, ERR_RETRY, "%s: socket", path);
		return -1;
	}
	return 0;
}

void
log_reopen(void)
{
	reopen = true;
}

/* The number of the descriptor stays: another thread may be writing. */
static void
open_again(void)
{
	int fd;

	if (!atomic_exchange(&reopen, false) || log_path == NULL)
		return;
	if ((fd = open_file(log_path)) < 0) {
		log_error("[log] file: %s: %s: going on in the old one",
		    log_path, strerror(errno));
		return;
	}
	dup3(fd, log_fd, O_CLOEXEC);
	close(fd);
}

void
log_context(const char *workspace, const char *kind, const char *id)
{
	context.workspace = workspace;
	context.kind = kind;
	context.id = id;
	log_job(0, 0, -1);
}

void
log_job(int64_t job, int64_t attempt, int64_t duration_ms)
{
	context.job = job;
	context.attempt = attempt;
	context.duration_ms = duration_ms;
}

/* ---- telephone numbers ---- */

/* A number as it is being recognised: its bytes, and the digits among them. */
struct phone {
	size_t len, digits;
};

/* E.164, with or without anything between the digits, at the "+" or its
 * percent-encoding at s. */
static struct phone
international(const char *s)
{
	size_t plus = *s == '+' ? 1 : strncasecmp(s, "%2b", 3) == 0 ? 3 : 0;
	struct phone phone = { 0, 0 };

	for (size_t i = plus; plus > 0 && phone.digits < 15; i++) {
		if (isdigit((unsigned char)s[i])) {
			phone.len = i + 1;
			phone.digits++;
		} else if (s[i] == '\0' || strchr(" .-()/", s[i]) == NULL ||
		    i - phone.len > 1) {
			break;
		}
	}
	return phone;
}

/* [1] AAA BBB CCCC, with or without anything between them. Area codes begin
 * with 2 at least, seconds since 1970 with 1. What letters, digits or dashes
 * go on from is part of an id. */
static struct phone
american(const char *s, char before)
{
	static const struct phone none = { 0, 0 };
	static const size_t groups[] = { 3, 3, 4 };
	const char *p = s;
	struct phone phone = { 0, 10 };

	if (isalnum((unsigned char)before) || strchr("_-.+*", before) != NULL)
		return none;
	if (*p == '1') {
		phone.digits++;
		p++;
		p += *p == ' ' || *p == '-' || *p == '.';
	}
	p += *p == '(';
	if (*p < '2' || *p > '9')
		return none;
	for (size_t i = 0; i < 3; i++) {
		for (size_t n = 0; n < groups[i]; n++)
			if (!isdigit((unsigned char)*p++))
				return none;
		if (i == 2)
			break;
		p += *p == ')';
		p += *p == ' ' || *p == '-' || *p == '.';
	}
	if (isalnum((unsigned char)*p) || *p == '_' ||
	    ((*p == '-' || *p == '.') && isalnum((unsigned char)p[1])))
		return none;
	phone.len = (size_t)(p - s);
	return phone;
}

/* Four digits at the end stay, and before them at most as many. */
static void
hide(char *s, const struct phone *phone)
{
	size_t front = phone->digits < 11 ? phone->digits - 7 : 4, n = 0;

	for (size_t i = 0; i < phone->len; i++) {
		if (!isdigit((unsigned char)s[i]) ||
		    (i > 0 && i < 3 && s[0] == '%'))
			continue;
		if (n >= front && n + 4 < phone->digits)
			s[i] = '*';
		n++;
	}
}

void
log_mask(char *s)
{
	for (size_t i = 0; s[i] != '\0';) {
		struct phone phone = international(s + i);

		if (phone.digits < 8)
			phone = american(s + i, i == 0 ? ' ' : s[i - 1]);
		if (phone.digits >= 8 && phone.len > 0) {
			hide(s + i, &phone);
			i += phone.len;
		} else {
			i++;
		}
	}
}

/* ---- lines ---- */

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

/* What is no ASCII is at most U+2029 here. */
static bool
put_code(struct line *line, const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned int code = len == 1 ? u[0]
	    : len == 2
	    ? (u[0] & 0x1fU) << 6 | (u[1] & 0x3fU)
	    : (u[0] & 0x0fU) << 12 | (u[1] & 0x3fU) << 6 | (u[2] & 0x3fU);
	char escape[16];

	snprintf(escape, sizeof(escape), "\\u%04x", code);
	return put(line, escape, 6);
}

static void
put_escaped(struct line *line, const char *s)
{
	size_t n = strlen(s), len;
	bool fits = true;

	for (size_t i = 0; i < n && fits; i += len) {
		if ((len = utf8_sequence(s + i, n - i)) == 0) {
			fits = put(line, "?", 1);
			len = 1;
		} else if (s[i] == '"' || s[i] == '\\') {
			fits = put(line, (char[]){ '\\', s[i] }, 2);
		} else if (utf8_is_control(s + i, len)) {
			fits = put_code(line, s + i, len);
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
put_number(struct line *line, const char *name, int64_t value)
{
	char text[64];
	int n;

	n = snprintf(text, sizeof(text), ",\"%s\":%" PRId64, name, value);
	put(line, text, (size_t)n);
}

/* One datagram as syslog(3) makes them. False: nobody listens; a line that who
 * listens has no room for is lost. */
static bool
send_line(enum log_level level, const struct line *line)
{
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	char text[sizeof(line->text) + 128];
	time_t now = time(NULL);
	struct tm tm;
	int n;

	localtime_r(&now, &tm);
	n = snprintf(text, sizeof(text),
	    "<%d>%s %2d %02d:%02d:%02d %s[%ld]: %.*s",
	    LOG_DAEMON | levels[level].severity, months[tm.tm_mon], tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec, program, (long)getpid(),
	    (int)line->len - 1, line->text);
	return sendto(syslog_fd, text, (size_t)n, MSG_NOSIGNAL,
		   (const struct sockaddr *)&syslog_address,
		   sizeof(syslog_address)) >= 0 ||
	    errno == EAGAIN;
}

static void
write_line(enum log_level level, const char *error_kind, char *message)
{
	struct line line = { .len = 0 };
	char now[RFC3339_SIZE];

	secret_hide(message, strlen(message));
	log_mask(message);
	rfc3339_format(rfc3339_now(), now);
	put_field(&line, "time", now);
	put_field(&line, "level", levels[level].name);
	put_field(&line, "program", program);
	put_field(&line, "workspace", context.workspace);
	put_field(&line, "kind", context.kind);
	put_field(&line, "id", context.id);
	if (context.job != 0) {
		put_number(&line, "job", context.job);
		put_number(&line, "attempt", context.attempt);
	}
	if (context.duration_ms >= 0)
		put_number(&line, "duration_ms", context.duration_ms);
	put_field(&line, "error_kind", error_kind);
	put_field(&line, "message", message);
	line.text[line.len++] = '}';
	line.text[line.len++] = '\n';
	if (syslog_fd >= 0 && send_line(level, &line))
		return;
	open_again();
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

static void
vlog_err(
    enum log_level level, const struct err *err, const char *fmt, va_list ap)
{
	char message[2048];
	size_t n;

	if (level > threshold)
		return;
	vsnprintf(message, sizeof(message) / 2, fmt, ap);
	n = strlen(message);
	snprintf(message + n, sizeof(message) - n, ": %s", err->text);
	write_line(level, err_kind_name(err->kind), message);
}

void
log_err(const struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog_err(err->kind == ERR_WAIT ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, err,
	    fmt, ap);
	va_end(ap);
}

void
log_passing(const struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog_err(LOG_LEVEL_INFO, err, fmt, ap);
	va_end(ap);
}

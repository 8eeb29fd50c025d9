/*
 * log.h - one JSON object a line, to stderr or to a file.
 *
 * Messages hold no secrets, no message text; telephone numbers in them are
 * masked here ("+1555***1111" for the people who need to tell them apart).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* Call once; program stays the caller's. */
void log_init(const char *program);

/* 0, or -1 when the name is none of error, warn, info, debug. */
int log_set_level(const char *name);

/* Lines go to fd from now on (default 2). */
void log_set_fd(int fd);

/* What every line of this thread carries until it is changed; NULL removes
 * it. The strings stay the caller's and must live as long. */
void log_context(const char *workspace, const char *kind, const char *id);

/* Hide telephone numbers in text, as in a message. */
void log_mask(char *text);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A failure with its kind: "what: err->text", errors as level error. */
void log_err(const struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif

/*
 * log.h - one JSON object a line, to stderr, a file or the system's log.
 *
 * Messages hold no secrets, no message text; telephone numbers in them are
 * masked here ("+1555***1111" for the people who need to tell them apart).
 * Nothing here waits or fails: a line that cannot be written is lost.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

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

/* ... to the end of this file, which is made where it is not there. */
int log_to_file(const char *path, struct err *err);

/* ... to who listens on this socket, as syslog(3) sends them; to stderr while
 * nobody does. path stays the caller's. */
int log_to_syslog(const char *path, struct err *err);

/* Before the next line the file is opened again by its name: the old one was
 * moved away. May be called by signal handlers. */
void log_reopen(void);

/* What every line of this thread carries until it is changed; NULL removes
 * it. The strings stay the caller's and must live as long. */
void log_context(const char *workspace, const char *kind, const char *id);

/* ... and in which attempt of which job, until log_context() is called again.
 * duration_ms: what it took, -1 while it lasts. */
void log_job(int64_t job, int64_t attempt, int64_t duration_ms);

/* Hide telephone numbers in text, as in a message: whatever begins with "+",
 * and what could be an American one without it. */
void log_mask(char *text);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A failure with its kind: "what: err->text", errors as level error. */
void log_err(const struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same of one that is no trouble yet, as level info. */
void log_passing(const struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif

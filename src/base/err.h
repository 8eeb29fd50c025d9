/*
 * err.h - what went wrong, and what the caller should do about it.
 *
 * Functions return 0 or -1 and fill the caller's struct err. The first
 * failure wins: setting an error that is already set changes nothing, so that
 * clean-up code cannot hide the cause. Context is put in front on the way up.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

enum err_kind {
	ERR_NONE,
	ERR_RETRY,     /* passing: try again after a growing wait */
	ERR_WAIT,      /* not before retry_after_ms; no attempt is used up */
	ERR_UNKNOWN,   /* sent, no answer: look before doing it again */
	ERR_OPERATOR,  /* a person must act: key, permission, sharing */
	ERR_PERMANENT, /* will never work: give up at once */
	ERR_CONFIG     /* the configuration is wrong: the program cannot run */
};

struct err {
	enum err_kind kind;
	int status;		/* HTTP status, where there was one, else 0 */
	int64_t retry_after_ms; /* not before; 0: no time was named */
	char text[1024]; /* one line of UTF-8, cut at the end when longer */
};

#define ERR_INIT                 \
	{                        \
		.kind = ERR_NONE \
	}

/* What services and files say is quoted in texts: it stays in its line, does
 * nothing to the terminal that shows it, tells no secret, and is UTF-8 also
 * where it was cut, for the database takes nothing else. All functions here do
 * that; this is for texts that are kept elsewhere. */
void err_tame(char *text);

void err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set(), with ": <strerror(errno)>" at the end; where errno is ENOMEM,
 * as err_nomem(). */
void err_sys(struct err *err, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Out of memory, said in one way everywhere; kind ERR_RETRY. */
void err_nomem(struct err *err);

/* Put "context: " in front of the text. */
void err_prefix(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Put ": remedy" behind it. */
void err_suffix(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

bool err_is_set(const struct err *err);
void err_clear(struct err *err);

/* "retry", "wait" ...: for logs and the job table. */
const char *err_kind_name(enum err_kind kind);

#endif

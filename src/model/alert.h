/*
 * alert.h - a message to people about what is wrong: for Slack, for Discord, or
 * as plain JSON.
 *
 * It says what, where and what to do. Telephone numbers in it are masked.
 */
#ifndef MODEL_ALERT_H
#define MODEL_ALERT_H

#include "base/err.h"

struct alert {
	const char *event; /* "begins", "lasts", "ends", "test" */
	const char *workspace, *host, *part; /* "": of none in particular */
	const char *what;		     /* "dead": see alert.c */
	const char *reason;
	const char *since; /* RFC 3339 */
};

/* "slack", "discord" or "json"; format as in [alert], host a URL's. Static. */
const char *alert_format(const char *format, const char *host);

/* The body of a request, free() it; format: one of the three. NULL: out of
 * memory. */
char *alert_body(const struct alert *alert, const char *format);

#endif

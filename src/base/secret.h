/*
 * secret.h - the secrets in use, so that none of them is told on.
 *
 * Services say what they were sent when they refuse it. So whatever quotes
 * them (struct err, the log) has the secrets taken out, wherever it goes then.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>

/* Remember each of the words, but those too short to be told from other text.
 * To be called before there are threads: 0, or -1, out of memory. */
int secret_hold(const char *words);

/* Asterisks over all that is remembered, in n bytes. */
void secret_hide(char *text, size_t n);

/* ... and wipe all that. */
void secret_forget(void);

#endif

/*
 * uri.h - percent-encoding (RFC 3986).
 */
#ifndef BASE_URI_H
#define BASE_URI_H

#include <stdbool.h>

#include "base/buf.h"

/* Append text with everything but A-Z a-z 0-9 - _ . ~ (and "/", when
 * keep_slash) as %XX in upper case, the one form that AWS signatures know.
 * 0, or -1 as buf_add(). */
int uri_escape(struct buf *out, const char *text, bool keep_slash);

#endif

/*
 * buf.h - a growing byte buffer with a ceiling.
 *
 * The contents are always followed by a NUL that is not counted, so text in
 * a buffer is a C string. A failed append leaves the buffer as it was.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

struct buf {
	char *data; /* NULL until the first append; owned by the buffer */
	size_t len;
	size_t cap;
	size_t max; /* bytes it may hold at most */
};

void buf_init(struct buf *buf, size_t max);
void buf_free(struct buf *buf);
void buf_reset(struct buf *buf); /* empty, memory kept */

/* 0, or -1 when the ceiling is reached (errno EFBIG) or memory is out. */
int buf_add(struct buf *buf, const void *bytes, size_t n);
int buf_adds(struct buf *buf, const char *text);
int buf_addf(struct buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The text, "" when nothing was added; belongs to the buffer. */
const char *buf_text(const struct buf *buf);

/* Hand the memory over to the caller (free()); the buffer is empty then.
 * NULL when memory is out; an empty buffer gives "". */
char *buf_steal(struct buf *buf);

#endif

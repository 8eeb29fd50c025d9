/*
 * writer.h - one thread that owns the database connection and commits what
 * waits as one batch.
 *
 * Many threads hand in deliveries and are answered after the commit that
 * holds theirs. No timer gathers a batch: while one is being committed, the
 * next collects by itself, so an idle system pays no delay and a busy one
 * few commits.
 */
#ifndef WEB_WRITER_H
#define WEB_WRITER_H

#include <stdint.h>

#include "base/err.h"
#include "ext/db.h"
#include "queue/store.h"

struct writer;

/* The writer uses db from now on, and frees it when it is stopped. */
int writer_start(struct db *db, struct writer **ret, struct err *err);
void writer_stop(struct writer *writer);

/* Returns when the delivery is committed (0) or certainly not acknowledged
 * (-1: it may or may not be stored; a repetition does no harm). */
int writer_store(
    struct writer *writer, const struct delivery *delivery, struct err *err);

/* Would storing work now? */
int writer_probe(struct writer *writer, struct err *err);

#endif

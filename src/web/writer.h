/*
 * writer.h - one thread that owns the database connection and commits what
 * waits as one batch; what cannot be committed goes to the spool.
 *
 * Many threads hand in deliveries and are answered after the commit that
 * holds theirs. No timer gathers a batch: while one is being committed, the
 * next collects by itself, so an idle system pays no delay and a busy one
 * few commits.
 *
 * Who has waited for the time limit waits no longer: the delivery is spooled,
 * whatever becomes of the commit under way. Once the database has failed or
 * was too slow, deliveries are spooled at once, by the threads that hand them
 * in; meanwhile the writer tries the database every second, with nothing.
 */
#ifndef WEB_WRITER_H
#define WEB_WRITER_H

#include <stdint.h>

#include "base/err.h"
#include "ext/db.h"
#include "queue/spool.h"
#include "queue/store.h"

struct writer;

/* The writer uses db from now on, and frees it when it is stopped. The spool
 * stays the caller's. */
int writer_start(struct db *db, struct spool *spool, int64_t timeout_ms,
    struct writer **ret, struct err *err);
void writer_stop(struct writer *writer);

/* Returns when the delivery is committed or spooled (0) or certainly not
 * acknowledged (-1: it may or may not be kept; a repetition does no harm). */
int writer_store(
    struct writer *writer, const struct delivery *delivery, struct err *err);

/* What would become of a delivery now? 0: stored; 1: spooled, *err says what
 * is wrong with the database; -1: neither, *err of both. */
int writer_probe(struct writer *writer, struct err *err);

#endif

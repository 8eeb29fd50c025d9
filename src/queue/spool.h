/*
 * spool.h - deliveries that the database did not take, as files in a folder.
 *
 * A delivery is a file: written to tmp/, synced, renamed into new/, which is
 * synced as well; only then is it acknowledged. Names begin with the time of
 * receipt, so they sort by it. A file's first line says how long its two parts
 * are, and their SHA-256: the fields of struct delivery as JSON, and the raw
 * body. A torn or foreign file is known by that, whatever it is called.
 *
 * takein.h is the way back. A delivery that is spooled and stored as well does
 * no harm: its key tells.
 */
#ifndef QUEUE_SPOOL_H
#define QUEUE_SPOOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "queue/store.h"

/* For writing, by any number of threads. */
struct spool {
	const char *path; /* the folder; the caller's */
	int64_t max;	  /* bytes that it may hold */
	pthread_mutex_t lock;
	int64_t bytes;	    /* that it holds, about */
	int64_t counted_at; /* clock_ms(); 0: not yet */
};

void spool_init(struct spool *spool, const char *path, int64_t max);

/* Could a delivery be put there now? Makes the folders that are missing. */
int spool_probe(struct spool *spool, struct err *err);

/* Put it there durably (0), or -1: it may be there or not. */
int spool_put(
    struct spool *spool, const struct delivery *delivery, struct err *err);

/* A file that was read. */
struct spooled {
	struct delivery delivery; /* borrows from the rest */
	char *bytes;		  /* the whole file */
	char *headers;
	json_t *fields;
};

/* Read the file called name in the folder dir. ERR_PERMANENT: it is no
 * delivery; ERR_RETRY: it cannot be read now. */
int spool_read(int dir, const char *name, struct spooled *ret, struct err *err);
void spooled_free(struct spooled *spooled);

/* How many files have one of these values (an array of strings) in them, as
 * JSON writes it: of those that wait and those that were set aside. With remove
 * only the latter, and they go: what waits may have come in just now. Added to
 * *files. No folder, no files. */
int spool_search(const char *path, const json_t *values, bool remove,
    int64_t *files, struct err *err);

struct spool_count {
	int64_t files, bytes;
	int64_t oldest; /* usec, when it was last written to; 0: no file */
};

/* What waits (new) and what was set aside (bad). No folder, no files. */
int spool_count(const char *path, struct spool_count *new,
    struct spool_count *bad, struct err *err);

#endif

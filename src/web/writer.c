#include "web/writer.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/rfc3339.h"

enum {
	NOTIFY_EVERY_MS = 100, /* workers need no waking more often */
	BATCH_BYTES_MAX = 32 << 20
};

/* Lives on the stack of the thread that waits for it. */
struct entry {
	const struct delivery *delivery; /* NULL: a probe */
	struct entry *next;
	pthread_cond_t done_cond;
	bool done;
	struct err err;
};

struct writer {
	struct db *db;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct entry *first, **last;
	bool stopping;
	bool notify_due;
	int64_t notified_at; /* usec */
};

/* ---- the writer's side; called without the lock ---- */

static int
store(struct writer *w, struct entry *const *entries, size_t n, struct err *err)
{
	struct delivery batch[STORE_BATCH_MAX];
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (entries[i]->delivery != NULL)
			batch[count++] = *entries[i]->delivery;
	return store_deliveries(w->db, batch, count, err);
}

/* A delivery that the database refuses must not spoil the others: each is
 * tried alone then. Any other failure is that of all. */
static void
commit(struct writer *w, struct entry **entries, size_t n)
{
	struct err err = ERR_INIT;

	FAILPOINT("writer.storing");
	if (store(w, entries, n, &err) == 0) {
		FAILPOINT("writer.stored");
		w->notify_due = true;
		return;
	}
	log_err(&err, "storing %zu deliveries", n);
	for (size_t i = 0; i < n; i++) {
		entries[i]->err = err;
		if (err.kind != ERR_PERMANENT || n == 1)
			continue;
		err_clear(&entries[i]->err);
		if (store(w, &entries[i], 1, &entries[i]->err) == 0)
			w->notify_due = true;
	}
}

static void
notify(struct writer *w)
{
	struct err err = ERR_INIT;

	FAILPOINT("writer.notifying");
	w->notify_due = false;
	w->notified_at = rfc3339_now();
	/* a lost notification costs a second: workers look by themselves */
	if (store_notify(w->db, &err) != 0)
		log_err(&err, "waking the workers");
}

static bool
notify_is_due(const struct writer *w)
{
	return w->notify_due &&
	    rfc3339_now() - w->notified_at >= NOTIFY_EVERY_MS * 1000;
}

/* ---- with the lock held ---- */

static size_t
take_batch(struct writer *w, struct entry **entries)
{
	size_t n = 0, bytes = 0;

	while (w->first != NULL && n < STORE_BATCH_MAX) {
		const struct delivery *d = w->first->delivery;
		size_t len = d == NULL ? 0 : d->body_len;

		if (n > 0 && bytes + len > BATCH_BYTES_MAX)
			break;
		bytes += len;
		entries[n++] = w->first;
		w->first = w->first->next;
	}
	if (w->first == NULL)
		w->last = &w->first;
	return n;
}

static void
wait_for_work(struct writer *w)
{
	struct timespec until;

	if (!w->notify_due) {
		pthread_cond_wait(&w->work, &w->lock);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += NOTIFY_EVERY_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_cond_timedwait(&w->work, &w->lock, &until);
}

static void *
writer_main(void *arg)
{
	struct writer *w = arg;
	struct entry *entries[STORE_BATCH_MAX];

	pthread_mutex_lock(&w->lock);
	while (!w->stopping || w->first != NULL) {
		size_t n = take_batch(w, entries);

		if (n == 0 && !notify_is_due(w)) {
			wait_for_work(w);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		if (n > 0)
			commit(w, entries, n);
		pthread_mutex_lock(&w->lock);
		for (size_t i = 0; i < n; i++) {
			entries[i]->done = true;
			pthread_cond_signal(&entries[i]->done_cond);
		}
		if (notify_is_due(w)) {
			pthread_mutex_unlock(&w->lock);
			notify(w);
			pthread_mutex_lock(&w->lock);
		}
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- the other threads' side ---- */

static int
hand_in(struct writer *w, const struct delivery *delivery, struct err *err)
{
	struct entry entry = { .delivery = delivery,
		.done_cond = PTHREAD_COND_INITIALIZER,
		.err = ERR_INIT };

	pthread_mutex_lock(&w->lock);
	*w->last = &entry;
	w->last = &entry.next;
	pthread_cond_signal(&w->work);
	/* ends: every wait of the writer for the database has an end */
	while (!entry.done)
		pthread_cond_wait(&entry.done_cond, &w->lock);
	pthread_mutex_unlock(&w->lock);
	pthread_cond_destroy(&entry.done_cond);
	if (!err_is_set(&entry.err))
		return 0;
	*err = entry.err;
	return -1;
}

int
writer_store(
    struct writer *writer, const struct delivery *delivery, struct err *err)
{
	return hand_in(writer, delivery, err);
}

int
writer_probe(struct writer *writer, struct err *err)
{
	return hand_in(writer, NULL, err);
}

int
writer_start(struct db *db, struct writer **ret, struct err *err)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		err_nomem(err);
		return -1;
	}
	w->db = db;
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	if (pthread_create(&w->thread, NULL, writer_main, w) != 0) {
		err_set(err, ERR_RETRY, "cannot start the writer's thread");
		free(w);
		return -1;
	}
	*ret = w;
	return 0;
}

void
writer_stop(struct writer *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	db_free(w->db);
	free(w);
}

#include "web/writer.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"

enum {
	NOTIFY_EVERY_MS = 100, /* workers need no waking more often */
	RETRY_EVERY_MS = 1000, /* a database that has failed */
	BATCH_BYTES_MAX = 32 << 20
};

struct entry {
	struct delivery *delivery; /* NULL: a probe */
	struct entry *next;
	sem_t done; /* posted once, behind the result in err */
	struct err err;
	/* the writer, and who waits, maybe not as long: the last frees it */
	atomic_int holders;
};

struct writer {
	struct db *db;
	struct spool *spool;
	int64_t timeout_ms;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct entry *first, **last;
	bool stopping;
	struct err away;  /* set: what the database failed with */
	int64_t tried_at; /* clock_ms(), when it was last asked */
	bool notify_due;
	int64_t notified_at; /* clock_ms() */
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
 * tried alone then. Any other failure is that of all (-1). */
static int
commit(struct writer *w, struct entry **entries, size_t n, struct err *err)
{
	FAILPOINT("writer.storing");
	if (store(w, entries, n, err) == 0) {
		FAILPOINT("writer.stored");
		w->notify_due |= n > 0;
		return 0;
	}
	if (err->kind != ERR_PERMANENT)
		return -1;
	err_clear(err);
	for (size_t i = 0; i < n; i++) {
		struct err *why = &entries[i]->err;

		if (store(w, &entries[i], 1, why) == 0) {
			w->notify_due = true;
		} else if (why->kind != ERR_PERMANENT) {
			*err = *why;
			return -1;
		}
	}
	return 0;
}

static void
notify(struct writer *w)
{
	struct err err = ERR_INIT;

	FAILPOINT("writer.notifying");
	w->notify_due = false;
	w->notified_at = clock_ms();
	/* a lost notification costs a second: workers look by themselves */
	if (store_notify(w->db, &err) != 0)
		log_err(&err, "waking the workers");
}

static bool
notify_is_due(const struct writer *w)
{
	return w->notify_due && clock_ms() - w->notified_at >= NOTIFY_EVERY_MS;
}

/* ---- with the lock held ---- */

static bool
is_away(const struct writer *w)
{
	return err_is_set(&w->away);
}

static bool
retry_is_due(const struct writer *w)
{
	return is_away(w) && !w->stopping &&
	    clock_ms() - w->tried_at >= RETRY_EVERY_MS;
}

static void
release(struct entry *entry)
{
	if (atomic_fetch_sub(&entry->holders, 1) > 1)
		return;
	sem_destroy(&entry->done);
	free(entry->delivery);
	free(entry);
}

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
finish(struct entry *entry)
{
	sem_post(&entry->done);
	release(entry);
}

/* The database fails: whoever waits for it need not wait. */
static void
go_away(struct writer *w, const struct err *why)
{
	struct entry *entry, *next;

	if (!is_away(w)) {
		log_err(why, "deliveries go to the spool");
		w->tried_at = clock_ms();
	}
	w->away = *why;
	entry = w->first;
	w->first = NULL;
	w->last = &w->first;
	for (; entry != NULL; entry = next) {
		next = entry->next;
		entry->err = *why;
		finish(entry);
	}
}

static void
come_back(struct writer *w)
{
	if (!is_away(w))
		return;
	log_warn("the database takes deliveries again");
	err_clear(&w->away);
}

static struct timespec
later(clockid_t clock, int64_t ms)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000L;
	t.tv_nsec %= 1000000000L;
	return t;
}

static void
wait_for_work(struct writer *w)
{
	struct timespec until = later(
	    CLOCK_MONOTONIC, w->notify_due ? NOTIFY_EVERY_MS : RETRY_EVERY_MS);

	if (w->notify_due || is_away(w))
		pthread_cond_clockwait(
		    &w->work, &w->lock, CLOCK_MONOTONIC, &until);
	else
		pthread_cond_wait(&w->work, &w->lock);
}

/* One batch, or, without any, a try whether the database is back. Those who
 * wait are woken without the lock: what each does next is to take it. */
static void
commit_unlocked(struct writer *w, struct entry **entries, size_t n)
{
	struct err err = ERR_INIT;
	int rc;

	pthread_mutex_unlock(&w->lock);
	rc = commit(w, entries, n, &err);
	pthread_mutex_lock(&w->lock);
	w->tried_at = clock_ms();
	if (rc == 0)
		come_back(w);
	else
		go_away(w, &err);
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < n; i++) {
		if (rc != 0)
			entries[i]->err = err;
		finish(entries[i]);
	}
	pthread_mutex_lock(&w->lock);
}

static void *
writer_main(void *arg)
{
	struct writer *w = arg;
	struct entry *entries[STORE_BATCH_MAX];

	pthread_mutex_lock(&w->lock);
	while (!w->stopping || w->first != NULL) {
		size_t n = take_batch(w, entries);

		if (n > 0 || retry_is_due(w))
			commit_unlocked(w, entries, n);
		else if (!notify_is_due(w))
			wait_for_work(w);
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

/* The writer outlives the wait: what it works on is its own. */
static struct entry *
entry_new(const struct delivery *delivery)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	if (delivery != NULL &&
	    (entry->delivery = delivery_copy(delivery)) == NULL) {
		free(entry);
		return NULL;
	}
	sem_init(&entry->done, 0, 0);
	atomic_init(&entry->holders, 2);
	return entry;
}

/* Wait for the writer, but not for ever: it may hang where libpq does. */
static void
wait_for(struct writer *w, struct entry *entry, struct err *err)
{
	struct timespec until = later(CLOCK_MONOTONIC, w->timeout_ms);
	int rc;

	do
		rc = sem_clockwait(&entry->done, CLOCK_MONOTONIC, &until);
	while (rc != 0 && errno == EINTR);
	if (rc != 0) {
		pthread_mutex_lock(&w->lock);
		rc = sem_trywait(&entry->done);
		if (rc != 0) {
			err_set(err, ERR_RETRY,
			    "database (%s): no answer in %lld ms "
			    "([webhook] timeout)",
			    db_where(w->db), (long long)w->timeout_ms);
			go_away(w, err);
		}
		pthread_mutex_unlock(&w->lock);
	}
	if (rc == 0)
		*err = entry->err;
	release(entry);
}

static int
hand_in(struct writer *w, const struct delivery *delivery, struct err *err)
{
	struct entry *entry = entry_new(delivery);
	bool away;

	if (entry == NULL) {
		err_nomem(err);
		return -1;
	}
	pthread_mutex_lock(&w->lock);
	away = is_away(w);
	if (away) {
		*err = w->away;
	} else {
		*w->last = entry;
		w->last = &entry->next;
	}
	pthread_mutex_unlock(&w->lock);
	if (away) {
		entry->holders = 1; /* the writer never had it */
		release(entry);
		return -1;
	}
	pthread_cond_signal(&w->work);
	wait_for(w, entry, err);
	return err_is_set(err) ? -1 : 0;
}

int
writer_store(
    struct writer *writer, const struct delivery *delivery, struct err *err)
{
	struct err why = ERR_INIT;

	if (hand_in(writer, delivery, &why) == 0)
		return 0;
	if (why.kind == ERR_PERMANENT) /* nobody hears of it otherwise */
		log_err(&why, "a delivery goes to the spool");
	return spool_put(writer->spool, delivery, err);
}

int
writer_probe(struct writer *writer, struct err *err)
{
	struct err why = ERR_INIT;

	if (hand_in(writer, NULL, &why) == 0)
		return 0;
	if (spool_probe(writer->spool, err) != 0)
		return -1;
	*err = why;
	return 1;
}

int
writer_start(struct db *db, struct spool *spool, int64_t timeout_ms,
    struct writer **ret, struct err *err)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		err_nomem(err);
		return -1;
	}
	w->db = db;
	w->spool = spool;
	w->timeout_ms = timeout_ms;
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

#include "web/keyring.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/rfc3339.h"
#include "model/secrets.h"

/* What tells one state of a file from another; all 0: it is not there. */
struct stamp {
	ino_t inode;
	off_t size;
	struct timespec changed; /* also by chmod and rename */
};

struct keyring {
	const struct workspace *ws;
	pthread_rwlock_t lock; /* of what follows */
	struct signature_keys *keys;
	struct stamp stamp;
};

static struct stamp
stamp_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return (struct stamp){ 0 };
	return (struct stamp){
		.inode = st.st_ino, .size = st.st_size, .changed = st.st_ctim
	};
}

static bool
same(const struct stamp *a, const struct stamp *b)
{
	return a->inode == b->inode && a->size == b->size &&
	    a->changed.tv_sec == b->changed.tv_sec &&
	    a->changed.tv_nsec == b->changed.tv_nsec;
}

static size_t
count(const struct signature_keys *keys)
{
	return signature_keys_count(keys, SIGNATURE_STANDARD) +
	    signature_keys_count(keys, SIGNATURE_LEGACY);
}

/* Without any key, may we start? */
static int
check_none(const struct conf *conf, const struct workspace *ws, struct err *err)
{
	if (ws->webhook.allow_unsigned) {
		log_warn("[webhook] allow_unsigned is on: anybody who knows "
			 "the address can make pages in Notion");
		return 0;
	}
	if (ws->webhook.secrets_file != NULL) {
		log_warn("there is no signing secret in %s yet: deliveries are "
			 "refused until onsctl webhooks create has put one "
			 "there",
		    ws->webhook.secrets_file);
		return 0;
	}
	err_set(err, ERR_CONFIG,
	    "no signing secret: set [webhook] secrets or secrets_file in %s, "
	    "or WEBHOOK_SECRET in the environment, to what OpenPhone shows "
	    "beside the webhook (or, to accept what anybody sends, "
	    "allow_unsigned = yes)",
	    conf->path == NULL ? "the configuration" : conf->path);
	conf_blame(conf, ws, err);
	return -1;
}

struct keyring *
keyring_new(
    const struct conf *conf, const struct workspace *ws, struct err *err)
{
	struct keyring *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		err_nomem(err);
		return NULL;
	}
	k->ws = ws;
	/* the stamp stays empty: the first delivery finds the file changed,
	 * whatever happened to it since the configuration was read */
	pthread_rwlock_init(&k->lock, NULL);
	k->keys = signature_keys_make(
	    ws->webhook.secrets, ws->webhook.legacy_keys, err);
	if (k->keys != NULL &&
	    ((count(k->keys) > 0 && !ws->webhook.allow_unsigned) ||
		check_none(conf, ws, err) == 0))
		return k;
	keyring_free(k);
	return NULL;
}

void
keyring_free(struct keyring *keyring)
{
	if (keyring == NULL)
		return;
	signature_keys_free(keyring->keys);
	pthread_rwlock_destroy(&keyring->lock);
	free(keyring);
}

/* The caller holds the lock for writing. */
static void
reload(struct keyring *k, const char *path)
{
	struct signature_keys *keys = NULL;
	struct err err = ERR_INIT;
	char *text = NULL;

	if (secrets_read(path, &text, &err) == 0)
		keys =
		    signature_keys_make(text, k->ws->webhook.legacy_keys, &err);
	secrets_forget(text);
	if (keys == NULL) {
		log_err(&err, "the signing secrets stay what they were");
		return;
	}
	signature_keys_free(k->keys);
	k->keys = keys;
	log_info("read %s: %zu signing secrets", path, count(keys));
}

/* Lock for reading, with the secrets that stand in the file now. */
static void
lock_current(struct keyring *k)
{
	const char *path = k->ws->webhook.secrets_file;
	struct stamp now;

	pthread_rwlock_rdlock(&k->lock);
	if (path == NULL)
		return;
	now = stamp_of(path);
	if (same(&now, &k->stamp))
		return;
	pthread_rwlock_unlock(&k->lock);
	pthread_rwlock_wrlock(&k->lock);
	if (!same(&now, &k->stamp)) {
		k->stamp = now; /* older than what is read: at worst twice */
		reload(k, path);
	}
	pthread_rwlock_unlock(&k->lock);
	pthread_rwlock_rdlock(&k->lock);
}

enum signature_result
keyring_check(struct keyring *keyring, const struct signature_headers *headers,
    const void *body, size_t n)
{
	enum signature_result result;

	lock_current(keyring);
	result = signature_check(keyring->keys, headers, body, n,
	    rfc3339_now() / 1000, keyring->ws->webhook.tolerance_ms);
	pthread_rwlock_unlock(&keyring->lock);
	return result;
}

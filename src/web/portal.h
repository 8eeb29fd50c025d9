/*
 * portal.h - what ons-portal answers.
 *
 *   GET, HEAD /r/<token>[/<name>]   302 to a URL of the recording, voicemail or
 *                          picture that is good for minutes
 *
 * Whoever has the link can open it; a token is random (128 bits), and is
 * revoked by setting media.token to NULL. What is unknown is 404.
 */
#ifndef WEB_PORTAL_H
#define WEB_PORTAL_H

#include <pthread.h>

#include "base/err.h"
#include "ext/db.h"
#include "ext/fcgi.h"
#include "model/conf.h"

struct portal {
	const struct conf *conf;
	struct db *db;
	pthread_mutex_t lock; /* one connection for all threads */
};

/* db stays the caller's, and conf must live as long. */
void portal_init(
    struct portal *portal, const struct conf *conf, struct db *db);
void portal_answer(struct fcgi_request *req, struct portal *portal);

#endif

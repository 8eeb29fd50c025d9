/*
 * portal.h - what ons-portal answers.
 *
 *   GET, HEAD /r/<token>[/<name>]   302 to a URL of the recording, voicemail or
 *                          picture that is good for minutes; with files in a
 *                          folder, the file, by nginx ("X-Accel-Redirect")
 *
 * Whoever has the link can open it; a token is random (128 bits), and is
 * revoked by setting media.token to NULL. What is unknown, or of a workspace
 * that the configuration does not have, is 404.
 */
#ifndef WEB_PORTAL_H
#define WEB_PORTAL_H

#include <pthread.h>

#include "base/err.h"
#include "ext/db.h"
#include "ext/fcgi.h"
#include "model/conf.h"

/* The internal location of nginx that has the folder as its alias. */
#define PORTAL_FILES "/openphone-media/"

struct portal {
	const struct conf *conf;
	struct db *db;
	struct db_bytes *names; /* of the workspaces */
	pthread_mutex_t lock;	/* one connection for all threads */
};

/* db stays the caller's, and conf must live as long. */
int portal_init(struct portal *portal, const struct conf *conf, struct db *db,
    struct err *err);
void portal_free(struct portal *portal);
void portal_answer(struct fcgi_request *req, struct portal *portal);

#endif

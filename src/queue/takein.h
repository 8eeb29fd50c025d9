/*
 * takein.h - what was spooled, into the database: the oldest first, and once.
 */
#ifndef QUEUE_TAKEIN_H
#define QUEUE_TAKEIN_H

#include <signal.h>

#include "base/err.h"
#include "ext/db.h"

enum takein_result {
	TAKEIN_DONE, /* nothing is left */
	TAKEIN_LEFT, /* files are left that can be neither stored nor moved */
	TAKEIN_BUSY  /* another process of this host is at it */
};

/* Store what is in the spool at path, until *stop. What is no delivery, or
 * refused by the database for itself, is set aside in bad/; each is logged.
 * -1: the database failed (its kind), or the folder cannot be used
 * (ERR_CONFIG); what was not stored is still there. */
int takein_run(const char *path, struct db *db,
    const volatile sig_atomic_t *stop, enum takein_result *ret,
    struct err *err);

#endif

/*
 * retention.h - what is kept for a while goes when its time is over.
 */
#ifndef QUEUE_RETENTION_H
#define QUEUE_RETENTION_H

#include "base/err.h"
#include "ext/db.h"
#include "model/conf.h"
#include "queue/chore.h"

/* Remove what [retention] does not keep any longer: of each kind of rows one
 * batch, so that nobody has to wait. 1: there may be more; 0, -1. */
int retention_sweep(struct db *db, const struct conf *conf, struct err *err);

/* The same for what only the owner of the tables may remove, all of it, in
 * batches; *weeks of bodies and *rows are how much that was. */
int retention_maintain(const struct chore *chore, const struct conf *conf,
    int64_t *weeks, int64_t *rows, struct err *err);

#endif

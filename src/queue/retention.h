/*
 * retention.h - what is kept for a while goes when its time is over.
 */
#ifndef QUEUE_RETENTION_H
#define QUEUE_RETENTION_H

#include "base/err.h"
#include "ext/db.h"
#include "model/conf.h"

/* Remove what [retention] does not keep any longer: of each kind of rows one
 * batch, so that nobody has to wait. */
int retention_sweep(struct db *db, const struct conf *conf, struct err *err);

#endif

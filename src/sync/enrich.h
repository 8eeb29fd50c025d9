/*
 * enrich.h - ask OpenPhone for what the events did not bring.
 *
 * Nothing is asked for that may still come by itself: a fresh call's missing
 * parts are looked for at growing intervals, an old one's once.
 */
#ifndef SYNC_ENRICH_H
#define SYNC_ENRICH_H

#include "sync/resource.h"
#include "sync/sync.h"

/* Fold what the API knows into res, and say when to look next. */
int enrich(struct sync *sync, const struct job *job, struct resource *res,
    struct err *err);

#endif

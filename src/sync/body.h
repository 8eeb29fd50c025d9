/*
 * body.h - a page's sections: add, replace and remove blocks, the least that
 * makes them what they should be.
 */
#ifndef SYNC_BODY_H
#define SYNC_BODY_H

#include <jansson.h>

#include "sync/pagerow.h"
#include "sync/sync.h"

/* wanted: [{"name", "blocks"}], as page_render() gives it. row is kept in
 * step with the page, and stored, after each request. */
int body_write(struct sync *sync, const struct job *job, struct pagerow *row,
    const json_t *wanted, struct err *err);

#endif

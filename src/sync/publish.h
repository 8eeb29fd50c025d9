/*
 * publish.h - make the page in Notion what it should be, with the least.
 *
 * The table page remembers what was written: the hash of each property, and
 * for each section its hash and the ids of its blocks. What people add to the
 * page stays.
 *
 * Notion knows no idempotency key, so before a page or a section is created
 * the intent is committed. Where the outcome of an attempt is not known, the
 * next one looks first: for the page by OpenPhone's id, for blocks by who
 * made them.
 */
#ifndef SYNC_PUBLISH_H
#define SYNC_PUBLISH_H

#include "model/page.h"
#include "sync/destination.h"
#include "sync/sync.h"

/* 0 when the page is as wanted, or a person threw it away. withdraw: into the
 * trash with it, or none is made; unless a person took it out of there. */
int publish(struct sync *sync, const struct job *job,
    struct destination *destination, const struct page *wanted, bool withdraw,
    struct err *err);

#endif

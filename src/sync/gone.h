/*
 * gone.h - what do we have that OpenPhone has no longer?
 *
 * What its lists have not is asked for by its id, for a list may leave out
 * what is there: only the answer that there is no such thing counts. Of
 * another workspace than ours, or of a number that the key does not see,
 * nothing is concluded.
 */
#ifndef SYNC_GONE_H
#define SYNC_GONE_H

#include <stdbool.h>

#include "base/err.h"
#include "sync/upstream.h"

/* After upstream_compare(), of the same time; contacts: those as well, of any
 * time. Findings "deleted" and "returned" are in the table afterwards, and with
 * repair the resources are marked and due. */
int gone_compare(
    const struct upstream *upstream, bool contacts, struct err *err);

#endif

/*
 * reconcile.h - is everything there, and once?
 *
 * The Notion databases are listed into the table listing and compared there
 * with our tables, in SQL: memory is flat, whatever their size. What does not
 * agree is in the table finding afterwards.
 */
#ifndef SYNC_RECONCILE_H
#define SYNC_RECONCILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "queue/chore.h"
#include "sync/sync.h"

struct reconcile {
	struct sync *sync;
	const struct chore *chore; /* kept while it goes on */
	bool repair;
};

/* List one kind's database and compare. Without one there is nothing to do.
 * How many ids are on its pages is added to *pages. */
int reconcile_pages(const struct reconcile *how, const char *kind,
    int64_t *pages, struct err *err);

/* Have all pages of ours in the databases a row of the table page, as far as
 * we know? If not, they should be listed. */
int reconcile_pages_known(struct sync *sync, bool *ret, struct err *err);

#endif

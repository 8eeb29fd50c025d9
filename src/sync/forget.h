/*
 * forget.h - a person is erased: from Notion, the storage and the tables.
 *
 * First a list of all that is the person's is committed, and that nothing of
 * it comes in any more (table forgotten). Then one item after the other goes:
 * its job, its pages, its files, its rows. Whoever is interrupted finds the
 * list the next time.
 */
#ifndef SYNC_FORGET_H
#define SYNC_FORGET_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "queue/chore.h"
#include "sync/sync.h"

struct forget {
	struct sync *sync;
	const struct chore *chore;
	json_t *numbers, *contacts; /* the person; arrays of strings; owned */
	bool redact; /* that calls and messages took place is kept */
};

struct forget_counts {
	int64_t calls, messages, contacts;
	int64_t shared; /* of the calls and messages: others took part */
	int64_t files, pages, events;
	int64_t mentions; /* others' calls and messages whose text has one of
			   * the numbers in it: they stay as they are */
};

/* Of those who gave numbers and ids of contacts: who is that? *others: the
 * person's numbers that somebody else has as well, "" when there are none; the
 * caller's. */
int forget_who(struct forget *forget, const struct db_bytes *numbers, size_t n,
    const struct db_bytes *contacts, size_t n_contacts, char **others,
    struct err *err);

/* The person's numbers and ids of contacts in one array, the caller's; NULL: no
 * memory. */
json_t *forget_whom(const struct forget *forget, struct err *err);

/* Make the list, and count what is on it; with user (who runs this) it is
 * committed, unless it is empty. */
int forget_list(struct forget *forget, const char *user,
    struct forget_counts *ret, struct err *err);

/* All lists of the workspace that are there, to their end. *pages: put into
 * the trash; *finished: how many lists. */
int forget_carry_out(
    struct forget *forget, int64_t *finished, int64_t *pages, struct err *err);

void forget_clear(struct forget *forget);

#endif

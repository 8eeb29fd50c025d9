/*
 * people.h - the names of everybody on a page: our users, our lines, contacts.
 *
 * Names are kept in the table directory and asked for again after a day.
 */
#ifndef SYNC_PEOPLE_H
#define SYNC_PEOPLE_H

#include <stdbool.h>

#include <jansson.h>

#include "sync/sync.h"

/* *ret: a names object as model/names.h has it, the caller's; on failure too,
 * with what was to be had (then -1 and *err). NULL only without memory. */
int people_names(struct sync *sync, const struct job *job, const json_t *facts,
    json_t **ret, struct err *err);

/* Remember a contact from its folded facts. */
int people_remember(
    struct sync *sync, const char *id, const json_t *facts, struct err *err);

/* Remember a contact of OpenPhone's API. wants_page: it gets one, too, where
 * there is a database for contacts. */
int people_learn(struct sync *sync, const char *id, const json_t *contact,
    bool wants_page, struct err *err);

#endif

/*
 * upload.h - stored files to Notion itself ([media] link = notion).
 *
 * An upload is lost unless the page refers to it within the hour. Its id is
 * remembered before the first byte is sent, so that whoever comes after a
 * crash goes on where it ended; what is too old, or dead, is begun anew.
 */
#ifndef SYNC_UPLOAD_H
#define SYNC_UPLOAD_H

#include "ext/db.h"
#include "sync/sync.h"

/* Are uploads wanted? Not on pages of few blocks, which have links in text. */
bool upload_wanted(const struct sync *sync);

/* Upload the file of this row of media, unless that is done or cannot be: it
 * is not stored, revoked, of a type or size that Notion does not take. Its
 * state is in the table afterwards. */
int upload_row(struct sync *sync, const struct job *job,
    const struct db_result *media, int row, struct err *err);

/* The upload that a page may refer to now; NULL: none. Borrowed. */
const char *upload_ready(
    const struct sync *sync, const struct db_result *media, int row);

/* The page is written: its uploads last. */
int upload_attached(struct sync *sync, const struct job *job, struct err *err);

#endif

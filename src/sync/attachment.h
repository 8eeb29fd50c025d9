/*
 * attachment.h - recordings, voicemails and pictures: from OpenPhone into
 * our storage, once.
 */
#ifndef SYNC_ATTACHMENT_H
#define SYNC_ATTACHMENT_H

#include <jansson.h>

#include "sync/sync.h"

/* Store what the facts name and is not stored yet. *ret: what a page needs to
 * know of it (see page_input.media), the caller's, on failure too, with what
 * is stored; NULL only when the database or memory fails. */
int attachments_store(struct sync *sync, const struct job *job,
    const json_t *facts, json_t **ret, struct err *err);

#endif

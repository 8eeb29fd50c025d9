/*
 * storage.h - where files are kept: a bucket or a folder ([media] store).
 */
#ifndef SYNC_STORAGE_H
#define SYNC_STORAGE_H

#include "api/media.h"
#include "sync/sync.h"

/* 0, or -1 while a person must act for the storage: nothing need be fetched. */
int storage_ready(struct sync *sync, struct err *err);

/* Store it, in place of what the key held before; a bucket that holds these
 * very bytes is left alone. */
int storage_put(struct sync *sync, const char *key, const struct media *media,
    struct err *err);

/* A stored file, at its start, for reading; the caller's to fclose(). NULL with
 * *err. */
FILE *storage_open(struct sync *sync, const char *key, int64_t size,
    const char *sha256, struct err *err);

/* Remove it; what is not there counts as removed. */
int storage_remove(struct sync *sync, const char *key, struct err *err);

#endif

/*
 * folder.h - a folder in the place of a bucket, for hosts without S3.
 *
 * A key is the file's path below the folder. Each of its parts is opened from
 * the one before it and symbolic links are not followed, so that no key leads
 * out of the folder. A file is there whole or not at all, and stays there when
 * the power fails.
 */
#ifndef API_FOLDER_H
#define API_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* All borrowed. */
struct folder {
	const char *path;
	/* Asked again and again while a file is written: true, and the rest is
	 * left (ERR_RETRY). NULL: never. As that of http_set_stop(). */
	bool (*stop)(void *ctx, bool file);
	void *stop_ctx;
};

/* Relative, without an empty part, "." or ".." or a part that begins with a
 * dot (those are the names of files being written). */
bool folder_key_ok(const char *key);

/* Store the first size bytes of file in place of what the key held before:
 * mode 0640, folders 0750, of the group of the folder they are in if that one
 * is set-group-ID. 0, or -1 with *err: ERR_PERMANENT for a bad key,
 * ERR_OPERATOR where the folder is missing or may not be written, else
 * ERR_RETRY. */
int folder_put(const struct folder *folder, const char *key, FILE *file,
    int64_t size, struct err *err);

/* The file, for reading; fclose() it. NULL with *err as above. */
FILE *folder_open(
    const struct folder *folder, const char *key, struct err *err);

/* Remove the file; what is not there counts as removed. The folders that it
 * was in stay. 0, or -1 with *err as above. */
int folder_remove(
    const struct folder *folder, const char *key, struct err *err);

#endif

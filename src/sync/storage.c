#include "sync/storage.h"

#include <stdlib.h>
#include <string.h>

#include "api/folder.h"
#include "base/failpoint.h"
#include "sync/gate.h"

#define SERVICE "storage" /* its name among the troubles */

static bool
is_folder(const struct sync *sync)
{
	return strcmp(sync->ws->media.store, "file") == 0;
}

int
storage_ready(struct sync *sync, struct err *err)
{
	return gate_pass(sync, SERVICE, &sync->storage_trying, err);
}

static int
put(struct sync *sync, const char *key, const struct media *media,
    struct err *err)
{
	struct s3_object there;

	if (is_folder(sync))
		return folder_put(
		    &sync->folder, key, media->file, media->size, err);
	if (s3_head(&sync->s3, key, &there, err) != 0)
		return -1;
	if (there.exists && there.size == media->size &&
	    strcmp(there.sha256, media->sha256) == 0)
		return 0; /* an earlier attempt came that far */
	FAILPOINT("storage.putting");
	return s3_put(&sync->s3, key, media->file, media->size, media->sha256,
	    media->type->mime, err);
}

int
storage_put(struct sync *sync, const char *key, const struct media *media,
    struct err *err)
{
	int rc = put(sync, key, media, err);

	if (rc == 0 && sync->storage_trying)
		gate_mended(sync, SERVICE, "");
	else if (rc != 0 && err->kind == ERR_OPERATOR)
		gate_trouble(sync, SERVICE, "", err);
	return rc;
}

static FILE *
download(struct sync *sync, const char *key, int64_t size, const char *sha256,
    struct err *err)
{
	FILE *file = media_temporary(getenv("TMPDIR"), err);

	if (file != NULL &&
	    s3_get(&sync->s3, key, file, size, sha256, err) == 0) {
		rewind(file);
		return file;
	}
	if (file != NULL)
		fclose(file);
	return NULL;
}

FILE *
storage_open(struct sync *sync, const char *key, int64_t size,
    const char *sha256, struct err *err)
{
	return is_folder(sync) ? folder_open(&sync->folder, key, err)
			       : download(sync, key, size, sha256, err);
}

int
storage_remove(struct sync *sync, const char *key, struct err *err)
{
	return is_folder(sync) ? folder_remove(&sync->folder, key, err)
			       : s3_delete(&sync->s3, key, err);
}

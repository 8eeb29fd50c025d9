#include "sync/upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "sql/queries.h"
#include "sync/gate.h"
#include "sync/storage.h"

/* Of the hour that an upload has, some is left for writing the page. */
enum { FRESH_SECONDS = 45 * 60 };

/* One file on its way. */
struct file {
	const char *slot, *key, *name, *type, *sha256;
	int64_t size;
	int64_t parts; /* 0: all of it at once */
	char id[NOTION_ID_SIZE];
};

bool
upload_wanted(const struct sync *sync)
{
	return strcmp(sync->ws->media.link, "notion") == 0 &&
	    strcmp(sync->ws->notion.blocks, "few") != 0;
}

/* What Notion takes and shows, in the spelling of api/media. */
static bool
type_taken(const char *type)
{
	static const char *const types[] = { "audio/mpeg", "audio/mp4",
		"audio/wav", "audio/ogg", "audio/aac", "image/jpeg",
		"image/png", "image/gif", "image/webp", "image/heic",
		"video/mp4", "video/quicktime", "video/webm", "application/pdf",
		"text/plain" };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

/* The largest upload that the workspace's plan allows, asked for once. */
static int
know_limit(struct sync *sync, struct err *err)
{
	json_t *me = NULL;

	if (sync->upload_max > 0)
		return 0;
	if (notion_users_me(&sync->notion, &me, err) != 0)
		return -1;
	sync->upload_max = json_integer_value(json_object_get(
	    json_object_get(json_object_get(me, "bot"), "workspace_limits"),
	    "max_file_upload_size_in_bytes"));
	if (sync->upload_max <= 0)
		sync->upload_max = 5 << 20; /* of workspaces that pay nothing */
	json_decref(me);
	return 0;
}

static const char *
state_of(const struct db_result *media, int row)
{
	const char *state = db_text(media, row, "upload_state");

	return state == NULL ? "" : state;
}

static bool
is_fresh(const struct db_result *media, int row)
{
	return db_int(media, row, "upload_age") < FRESH_SECONDS;
}

const char *
upload_ready(const struct sync *sync, const struct db_result *media, int row)
{
	const char *state = state_of(media, row);

	if (!upload_wanted(sync) || db_text(media, row, "token") == NULL)
		return NULL;
	return strcmp(state, "attached") == 0 ||
		(strcmp(state, "uploaded") == 0 && is_fresh(media, row))
	    ? db_text(media, row, "upload_id")
	    : NULL;
}

/* Is there anything to upload, and will Notion have it? */
static bool
is_due(const struct sync *sync, const struct db_result *media, int row)
{
	const char *type = db_text(media, row, "type");

	return strcmp(db_text(media, row, "state"), "stored") == 0 &&
	    db_text(media, row, "token") != NULL &&
	    db_text(media, row, "key") != NULL && type != NULL &&
	    type_taken(type) && strcmp(state_of(media, row), "refused") != 0 &&
	    upload_ready(sync, media, row) == NULL;
}

static int
remember(struct sync *sync, const struct job *job, const struct file *file,
    const char *state, struct err *err)
{
	return DB_RUN(sync->db, SQL_media_upload, NULL, err,
	    DB_TEXT(job->workspace), DB_TEXT(job->kind),
	    DB_TEXT(job->resource_id), DB_TEXT(file->slot),
	    DB_TEXT(*file->id == '\0' ? NULL : file->id), DB_TEXT(state));
}

/* Is an upload that was begun before still of use? *done: parts that Notion
 * has; *complete: all of them. 1: yes, 0: no, -1. */
static int
resume(struct sync *sync, const char *id, int64_t *done, bool *complete,
    struct err *err)
{
	struct notion_upload upload;

	if (notion_upload_get(&sync->notion, id, &upload, err) != 0) {
		if (err->kind != ERR_PERMANENT)
			return -1;
		err_clear(err);
		return 0;
	}
	*done = upload.sent;
	*complete = upload.status == NOTION_UPLOAD_COMPLETE;
	return upload.status != NOTION_UPLOAD_DEAD;
}

static int
send_parts(struct sync *sync, const struct file *file, FILE *bytes,
    int64_t done, struct err *err)
{
	const struct notion *notion = &sync->notion;

	if (file->parts == 0)
		return notion_upload_send(notion, file->id, bytes, 0,
		    file->size, file->name, file->type, 0, err);
	for (int64_t i = done; i < file->parts; i++) {
		int64_t offset = i * NOTION_PART, left = file->size - offset;

		if (notion_upload_send(notion, file->id, bytes, offset,
			left < NOTION_PART ? left : NOTION_PART, file->name,
			file->type, i + 1, err) != 0)
			return -1;
	}
	return notion_upload_complete(notion, file->id, err);
}

static int
send_file(struct sync *sync, const struct job *job, struct file *file,
    const char *begun, struct err *err)
{
	FILE *bytes = NULL;
	int64_t done = 0;
	bool complete = false;
	int rc = begun == NULL ? 0 : resume(sync, begun, &done, &complete, err);

	if (rc < 0)
		return -1;
	if (rc == 1) {
		snprintf(file->id, sizeof(file->id), "%s", begun);
	} else {
		done = 0;
		FAILPOINT("upload.creating");
		if (notion_upload_create(&sync->notion, file->name, file->type,
			file->parts, file->id, err) != 0 ||
		    remember(sync, job, file, "pending", err) != 0)
			return -1;
	}
	if (!complete) {
		bytes = storage_open(
		    sync, file->key, file->size, file->sha256, err);
		if (bytes == NULL)
			return -1;
		FAILPOINT("upload.sending");
		rc = send_parts(sync, file, bytes, done, err);
		FAILPOINT("upload.sent");
		fclose(bytes);
		if (rc != 0)
			return -1;
	}
	return remember(sync, job, file, "uploaded", err);
}

/* Notion will not have it, now or later: there is the link instead. An upload
 * that vanished meanwhile (404) is begun anew. */
static int
refused(struct sync *sync, const struct job *job, const struct file *file,
    struct err *err)
{
	if (err->kind != ERR_PERMANENT)
		return -1;
	if (err->status == 404) {
		err->kind = ERR_RETRY;
		return -1;
	}
	log_err(err, "%s is not uploaded", file->slot);
	err_clear(err);
	return remember(sync, job, file, "refused", err);
}

int
upload_row(struct sync *sync, const struct job *job,
    const struct db_result *media, int row, struct err *err)
{
	const char *slash, *begun = NULL;
	struct file file;

	if (!upload_wanted(sync) || !is_due(sync, media, row))
		return 0;
	if (gate_heartbeat(sync, err) != 0 || know_limit(sync, err) != 0)
		return -1;
	file = (struct file){ .slot = db_text(media, row, "slot"),
		.key = db_text(media, row, "key"),
		.type = db_text(media, row, "type"),
		.sha256 = db_text(media, row, "sha256"),
		.size = db_int(media, row, "size") };
	if (file.size > sync->upload_max)
		return 0;
	slash = strrchr(file.key, '/');
	file.name = slash == NULL ? file.key : slash + 1;
	if (file.size > NOTION_SINGLE_PART)
		file.parts = (file.size + NOTION_PART - 1) / NOTION_PART;
	if (is_fresh(media, row))
		begun = db_text(media, row, "upload_id");
	if (send_file(sync, job, &file, begun, err) == 0 ||
	    refused(sync, job, &file, err) == 0)
		return 0;
	err_prefix(err, "%s", file.slot);
	return -1;
}

int
upload_attached(struct sync *sync, const struct job *job, struct err *err)
{
	if (!upload_wanted(sync))
		return 0;
	return DB_RUN(sync->db, SQL_media_attached, NULL, err,
	    DB_TEXT(job->workspace), DB_TEXT(job->kind),
	    DB_TEXT(job->resource_id));
}

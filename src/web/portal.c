#include "web/portal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "base/uri.h"
#include "model/presign.h"
#include "sql/queries.h"
#include "web/answer.h"

enum { TOKEN_MIN = 20, TOKEN_MAX = 64, URL_MAX = 4096 };

int
portal_init(struct portal *portal, const struct conf *conf, struct db *db,
    struct err *err)
{
	*portal = (struct portal){ .conf = conf,
		.db = db,
		.names = calloc(conf_count(conf), sizeof(struct db_bytes)),
		.lock = PTHREAD_MUTEX_INITIALIZER };
	if (portal->names == NULL) {
		err_nomem(err);
		return -1;
	}
	for (size_t i = 0; i < conf_count(conf); i++) {
		const char *name = conf_at(conf, i)->name;

		portal->names[i] = (struct db_bytes){ name, strlen(name) };
	}
	return 0;
}

void
portal_free(struct portal *portal)
{
	free(portal->names);
	portal->names = NULL;
}

/* Where the link leads: 1 and *ws, *key, *type (free() the two), 0 unknown, -1.
 */
static int
find_link(struct portal *portal, const char *token, const struct workspace **ws,
    char **key, char **type, struct err *err)
{
	struct db_result *r = NULL;
	int found = -1;

	pthread_mutex_lock(&portal->lock);
	if (DB_RUN(portal->db, SQL_link_get, &r, err,
		DB_TEXTS(portal->names, conf_count(portal->conf)),
		DB_TEXT(token)) == 0)
		found = db_rows(r) > 0;
	if (found == 1) {
		const char *mime = db_text(r, 0, "type");

		*ws = conf_find(portal->conf, db_text(r, 0, "workspace"));
		*key = strdup(db_text(r, 0, "key"));
		*type = mime == NULL ? NULL : strdup(mime);
		if (*key == NULL) {
			err_nomem(err);
			found = -1;
		}
	}
	pthread_mutex_unlock(&portal->lock);
	db_result_free(r);
	return found;
}

static int
presigned(const struct workspace *w, const char *key, const char *type,
    struct buf *url, struct err *err)
{
	struct presign p = { .endpoint = w->s3.endpoint,
		.bucket = w->s3.bucket,
		.region = w->s3.region,
		.access_key = w->s3.access_key,
		.secret_key = w->s3.secret_key };

	return presign_get(&p, key, rfc3339_now() / 1000000,
	    w->media.link_ms / 1000, type, url, err);
}

static int
answer_redirect(const struct workspace *ws, struct fcgi_request *req,
    const char *key, const char *type, struct err *err)
{
	struct buf url, header;
	int rc = -1;

	buf_init(&url, URL_MAX);
	buf_init(&header, 2 * URL_MAX);
	if (presigned(ws, key, type, &url, err) == 0 &&
	    (rc = buf_addf(&header, "Location: %s\r\n", buf_text(&url))) == 0)
		/* nginx would make an internal redirect of a bare Location;
		 * with a Status it is the browser's */
		answer_json(req, "302 Found", buf_text(&header), "{}");
	buf_free(&header);
	buf_free(&url);
	return rc;
}

/* nginx sends the file itself, ranges and all. */
static int
answer_file(struct fcgi_request *req, const char *key, const char *type)
{
	struct buf head;
	int rc = -1;

	buf_init(&head, URL_MAX);
	if (buf_addf(&head,
		"Status: 200 OK\r\nContent-Type: %s\r\n"
		"Cache-Control: no-store\r\n"
		"X-Accel-Redirect: " PORTAL_FILES,
		type == NULL ? "application/octet-stream" : type) == 0 &&
	    uri_escape(&head, key, true) == 0 &&
	    buf_adds(&head, "\r\n\r\n") == 0) {
		fcgi_write(req, buf_text(&head), head.len);
		rc = 0;
	}
	buf_free(&head);
	return rc;
}

/* link: "<token>", or "<token>/<any file name>". */
static void
answer_link(struct portal *portal, struct fcgi_request *req, const char *link)
{
	struct err err = ERR_INIT;
	char token[TOKEN_MAX + 1] = "";
	const struct workspace *ws = NULL;
	char *key = NULL, *type = NULL;
	int found = 0, rc = -1;
	size_t n = strcspn(link, "/");

	if (n >= TOKEN_MIN && n <= TOKEN_MAX) {
		memcpy(token, link, n);
		found = find_link(portal, token, &ws, &key, &type, &err);
	}
	if (found == 0)
		answer_error(req, "404 Not Found", "", "not_found",
		    "there is no such recording, or its link was revoked");
	else if (found > 0 && strcmp(ws->media.store, "file") == 0)
		rc = answer_file(req, key, type);
	else if (found > 0)
		rc = answer_redirect(ws, req, key, type, &err);
	if (found != 0 && rc != 0) {
		log_err(&err, "link");
		answer_error(req, "503 Service Unavailable",
		    "Retry-After: 10\r\n", "unavailable",
		    "the recording cannot be looked up now");
	}
	free(type);
	free(key);
}

void
portal_answer(struct fcgi_request *req, struct portal *portal)
{
	static const char prefix[] = "/r/";
	const char *method = fcgi_param(req, "REQUEST_METHOD");
	char *path = answer_path(req);

	if (path == NULL || strncmp(path, prefix, sizeof(prefix) - 1) != 0)
		answer_error(req, "404 Not Found", "", "not_found",
		    "there is nothing at this path");
	else if (method == NULL ||
	    (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0))
		answer_error(req, "405 Method Not Allowed",
		    "Allow: GET, HEAD\r\n", "method_not_allowed",
		    "a link can only be read");
	else
		answer_link(portal, req, path + sizeof(prefix) - 1);
	free(path);
}

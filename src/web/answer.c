#include "web/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ext/jansson.h"

void
answer_json(struct fcgi_request *req, const char *status, const char *header,
    const char *body)
{
	const char *method = fcgi_param(req, "REQUEST_METHOD");
	char head[8192];
	int n;

	n = snprintf(head, sizeof(head),
	    "Status: %s\r\nContent-Type: application/json\r\n"
	    "Cache-Control: no-store\r\nContent-Length: %zu\r\n%s\r\n",
	    status, strlen(body), header);
	fcgi_write(req, head, (size_t)n);
	if (method == NULL || strcmp(method, "HEAD") != 0)
		fcgi_write(req, body, strlen(body));
}

void
answer_error(struct fcgi_request *req, const char *status, const char *header,
    const char *code, const char *message)
{
	json_t *body = json_pack("{s:s, s:s%}", "error", code, "message",
	    message, strnlen(message, 512));
	char *text = body == NULL ? NULL : jansson_text(body, JSON_COMPACT);

	answer_json(req, status, header,
	    text == NULL ? "{\"error\":\"internal\"}" : text);
	free(text);
	json_decref(body);
}

char *
answer_path(const struct fcgi_request *req)
{
	const char *uri = fcgi_param(req, "REQUEST_URI");
	const char *script = fcgi_param(req, "SCRIPT_NAME");
	const char *info = fcgi_param(req, "PATH_INFO");
	char *path;

	if (uri != NULL && *uri == '/')
		return strndup(uri, strcspn(uri, "?"));
	/* RFC 3875 knows no REQUEST_URI: it is in two pieces there */
	if (asprintf(&path, "%s%s", script == NULL ? "" : script,
		info == NULL ? "" : info) < 0)
		return NULL;
	return path;
}

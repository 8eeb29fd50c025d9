#include "api/webhooks.h"

#include <stdlib.h>
#include <string.h>

#include "api/openphone_list.h"
#include "api/rest.h"
#include "base/buf.h"
#include "base/rfc3339.h"
#include "base/uri.h"

#include "config.h"

enum { PATH_MAX_BYTES = 1000 };

/* All that the dated API has. Tasks and integrations have no pages, but what
 * is kept may be of use later. */
static const char *const dated_events[] = { "message.received",
	"message.delivered", "message.failed", "message.undelivered",
	"call.ringing", "call.answered", "call.completed", "call.missed",
	"call.forwarded", "call.menu.selected", "call.recording.completed",
	"call.transcript.completed", "call.summary.completed",
	"call.voicemail.completed", "contact.updated", "contact.deleted",
	"task.created", "task.updated", "task.deleted", "task.completed",
	"task.reopened", "task.assigned", "task.unassigned", "task.overdue",
	"task.linked", "task.unlinked", "task.duedate.updated",
	"task.duedate.removed", "integration.created", "integration.updated",
	"integration.deleted", NULL };

const char *const webhooks_v1_kinds[] = { "messages", "calls", "call-summaries",
	"call-transcripts", NULL };

/* The same order. */
static const char *const v1_events[][4] = {
	{ "message.received", "message.delivered" },
	{ "call.completed", "call.ringing", "call.recording.completed" },
	{ "call.summary.completed" },
	{ "call.transcript.completed" },
};

static const char *const *
events_of(const char *v1_kind)
{
	for (size_t i = 0; v1_kind != NULL && webhooks_v1_kinds[i] != NULL; i++)
		if (strcmp(webhooks_v1_kinds[i], v1_kind) == 0)
			return v1_events[i];
	return dated_events;
}

bool
webhooks_is_v1(const char *id)
{
	return strncmp(id, "WH", 2) == 0;
}

/* A new reference; NULL: out of memory. */
static json_t *
all_events(const char *v1_kind)
{
	json_t *array = json_array();

	for (const char *const *event = events_of(v1_kind); *event != NULL;
	     event++)
		json_array_append_new(array, json_string(*event));
	return array;
}

/* /webhooks, and up to three pieces below it. */
static int
request(const struct openphone *op, bool v1, const char *method,
    const char *const pieces[3], json_t *body, json_t **ret, struct err *err)
{
	struct buf path;
	int rc = -1;

	buf_init(&path, PATH_MAX_BYTES);
	(void)buf_adds(&path, "/webhooks");
	for (size_t i = 0; i < 3 && pieces[i] != NULL; i++)
		if (buf_adds(&path, "/") != 0 ||
		    uri_escape(&path, pieces[i], i == 1) != 0) {
			err_sys(err, ERR_PERMANENT, "an id that is none");
			goto out;
		}
	rc = openphone_send(
	    op, "webhooks", v1, method, buf_text(&path), body, ret, err);
out:
	json_decref(body);
	buf_free(&path);
	return rc;
}

/* As request(), for what must be there; *ret is the member of the answer, or
 * the answer itself (member NULL). */
static int
get(const struct openphone *op, bool v1, const char *method,
    const char *const pieces[3], json_t *body, const char *member, json_t **ret,
    struct err *err)
{
	json_t *answer = NULL, *data;
	int rc = -1;

	if (request(op, v1, method, pieces, body, &answer, err) != 0)
		return -1;
	data = member == NULL ? answer : json_object_get(answer, member);
	if (answer == NULL && pieces[0] != NULL)
		err_set(err, ERR_PERMANENT, "%s: there is no such webhook",
		    pieces[0]);
	else if (answer == NULL)
		err_set(err, ERR_OPERATOR,
		    "openphone: webhooks: 404: this address of the API has "
		    "none");
	else if (!json_is_object(data) && !json_is_array(data))
		err_set(err, ERR_RETRY,
		    "openphone: webhooks: an answer without data");
	else
		rc = 0;
	if (rc == 0)
		*ret = json_incref(data);
	json_decref(answer);
	return rc;
}

/* The string in an object, which is dropped. */
static int
take_text(json_t *object, const char *name, char **ret, struct err *err)
{
	const char *text = rest_text(object, name);

	*ret = *text == '\0' ? NULL : strdup(text);
	if (*text == '\0')
		err_set(err, ERR_RETRY,
		    "openphone: webhooks: an answer without %s", name);
	else if (*ret == NULL)
		err_nomem(err);
	json_decref(object);
	return *ret == NULL ? -1 : 0;
}

int
webhooks_list(
    const struct openphone *op, bool v1, json_t **ret, struct err *err)
{
	return get(op, v1, "GET", (const char *const[3]){ NULL }, NULL, "data",
	    ret, err);
}

bool
webhooks_is_kind(const json_t *webhook, const char *v1_kind)
{
	const char *event = json_string_value(
	    json_array_get(json_object_get(webhook, "events"), 0));

	for (const char *const *of = events_of(v1_kind); *of != NULL; of++)
		if (event != NULL && strcmp(*of, event) == 0)
			return true;
	return false;
}

int
webhooks_create(const struct openphone *op, const char *v1_kind,
    const char *url, json_t **ret, struct err *err)
{
	/* v1 sends nothing at all where the numbers are not named */
	json_t *body = json_pack("{s:s, s:o, s:[s], s:s, s:s}", "url", url,
	    "events", all_events(v1_kind), "resourceIds", "*", "label",
	    PACKAGE_NAME, "status", v1_kind == NULL ? "disabled" : "enabled");

	if (body == NULL) {
		err_nomem(err);
		return -1;
	}
	return get(op, v1_kind != NULL, "POST",
	    (const char *const[3]){ v1_kind }, body, "data", ret, err);
}

int
webhooks_enable(const struct openphone *op, const char *id, struct err *err)
{
	json_t *body = json_pack("{s:o, s:[s], s:s}", "events",
	    all_events(NULL), "resourceIds", "*", "status", "enabled");
	json_t *answer = NULL;
	int rc;

	if (body == NULL) {
		err_nomem(err);
		return -1;
	}
	rc = get(op, false, "PATCH", (const char *const[3]){ id }, body, "data",
	    &answer, err);
	json_decref(answer);
	return rc;
}

int
webhooks_rotate(
    const struct openphone *op, const char *id, char **ret, struct err *err)
{
	json_t *data = NULL;

	if (get(op, false, "POST", (const char *const[3]){ id, "rotate" }, NULL,
		"data", &data, err) != 0)
		return -1;
	return take_text(data, "key", ret, err);
}

int
webhooks_test(const struct openphone *op, const char *id, const char *event,
    char **ret, struct err *err)
{
	json_t *body = json_pack("{s:s}", "eventType", event), *delivery = NULL;

	if (body == NULL) {
		err_nomem(err);
		return -1;
	}
	if (get(op, false, "POST", (const char *const[3]){ id, "events/test" },
		body, NULL, &delivery, err) != 0)
		return -1;
	return take_text(delivery, "id", ret, err);
}

/* Nothing is made of what has no page. */
static bool
is_needed(const char *event)
{
	return strncmp(event, "task.", 5) != 0 &&
	    strncmp(event, "integration.", 12) != 0;
}

json_t *
webhooks_missing(const json_t *webhook)
{
	const json_t *events = json_object_get(webhook, "events"), *event;
	json_t *missing = json_array();
	size_t i;

	for (const char *const *wanted = dated_events; *wanted != NULL;
	     wanted++) {
		bool there = !is_needed(*wanted);

		json_array_foreach (events, i, event)
			there |= json_is_string(event) &&
			    strcmp(json_string_value(event), *wanted) == 0;
		if (!there)
			json_array_append_new(missing, json_string(*wanted));
	}
	return missing;
}

int
webhooks_delivery(const struct openphone *op, const char *id,
    const char *delivery, json_t **ret, struct err *err)
{
	return get(op, false, "GET",
	    (const char *const[3]){ id, "events", delivery }, NULL, "data", ret,
	    err);
}

static int
add_time(struct buf *path, const char *name, int64_t usec)
{
	char text[RFC3339_SIZE];

	rfc3339_format(usec, text);
	return buf_adds(path, name) | uri_escape(path, text, false);
}

static int
make_log_path(struct buf *path, const char *id, int64_t since, int64_t until,
    const char *after)
{
	int rc = buf_adds(path, "/webhooks/") | uri_escape(path, id, false) |
	    buf_adds(path, "/events?limit=50") |
	    add_time(path, "&createdAt%5Bgt%5D=", since) |
	    add_time(path, "&createdAt%5Blt%5D=", until);

	if (*after != '\0')
		rc |=
		    buf_adds(path, "&after=") | uri_escape(path, after, false);
	return rc;
}

int
webhooks_deliveries(const struct openphone *op, const char *id, int64_t since,
    int64_t until, const char *after, json_t **data, char **next,
    struct err *err)
{
	json_t *answer = NULL;
	struct buf path;
	int rc = -1;

	buf_init(&path, PATH_MAX_BYTES);
	if (make_log_path(&path, id, since, until, after) != 0)
		err_sys(err, ERR_PERMANENT, "an id that is none");
	else if (openphone_send(op, "webhooks", false, "GET", buf_text(&path),
		     NULL, &answer, err) != 0)
		;
	else if (answer == NULL)
		err_set(err, ERR_PERMANENT,
		    "openphone: webhooks: there is no such log");
	else
		rc = openphone_list_take(
		    answer, "webhooks", false, after, data, next, err);
	json_decref(answer);
	buf_free(&path);
	return rc;
}

int
webhooks_delete(
    const struct openphone *op, const char *id, bool *found, struct err *err)
{
	json_t *answer = NULL;

	if (request(op, webhooks_is_v1(id), "DELETE",
		(const char *const[3]){ id }, NULL, &answer, err) != 0)
		return -1;
	*found = answer != NULL;
	json_decref(answer);
	return 0;
}

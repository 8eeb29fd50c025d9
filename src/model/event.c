#include "model/event.h"

#include <string.h>

#include "base/rfc3339.h"
#include "ext/crypto.h"

#define TYPE_MAX 100

/* Which member of the object names the resource. */
enum resource { ID, CALL_ID, CALL_ID_OR_ID };

static const struct event_type {
	const char *name, *kind;
	enum resource resource;
	const char *canonical; /* NULL: the name is */
} event_types[] = {
	{ "call.ringing", "call", ID, NULL },
	{ "call.answered", "call", ID, NULL },
	{ "call.completed", "call", ID, NULL },
	{ "call.missed", "call", ID, NULL },
	{ "call.forwarded", "call", ID, NULL },
	{ "call.menu.selected", "call", ID, NULL },
	{ "call.recording.completed", "call", ID, NULL },
	{ "call.summary.completed", "call", CALL_ID, NULL },
	{ "call.transcript.completed", "call", CALL_ID, NULL },
	/* v4, and perhaps the app, write these two so */
	{ "callSummary", "call", CALL_ID, "call.summary.completed" },
	{ "callTranscript", "call", CALL_ID, "call.transcript.completed" },
	/* its id is the voicemail's own; one without a call stands for it */
	{ "call.voicemail.completed", "call", CALL_ID_OR_ID, NULL },
	{ "message.received", "message", ID, NULL },
	{ "message.delivered", "message", ID, NULL },
	{ "message.failed", "message", ID, NULL },
	{ "message.undelivered", "message", ID, NULL },
	{ "contact.updated", "contact", ID, NULL },
	{ "contact.deleted", "contact", ID, NULL },
	{ "task.created", "task", ID, NULL },
	{ "task.updated", "task", ID, NULL },
	{ "task.deleted", "task", ID, NULL },
	{ "task.completed", "task", ID, NULL },
	{ "task.reopened", "task", ID, NULL },
	{ "task.assigned", "task", ID, NULL },
	{ "task.unassigned", "task", ID, NULL },
	{ "task.overdue", "task", ID, NULL },
	{ "task.linked", "task", ID, NULL },
	{ "task.unlinked", "task", ID, NULL },
	{ "task.duedate.updated", "task", ID, NULL },
	{ "task.duedate.removed", "task", ID, NULL },
	/* the app's names for the two above */
	{ "task.due_date_changed", "task", ID, NULL },
	{ "task.due_date_removed", "task", ID, NULL },
	{ "integration.created", "integration", ID, NULL },
	{ "integration.updated", "integration", ID, NULL },
	{ "integration.deleted", "integration", ID, NULL },
};

static const struct event_type *
find_type(const char *name)
{
	size_t n = sizeof(event_types) / sizeof(*event_types);

	for (size_t i = 0; i < n; i++)
		if (strcmp(event_types[i].name, name) == 0)
			return &event_types[i];
	return NULL;
}

const char *
event_kind(const char *type)
{
	const struct event_type *known = find_type(type);

	return known == NULL ? "other" : known->kind;
}

bool
event_makes_due(const struct event *event)
{
	return event->resource_id != NULL &&
	    (strcmp(event->kind, "call") == 0 ||
		strcmp(event->kind, "message") == 0 ||
		strcmp(event->kind, "contact") == 0);
}

/* A string of at most max bytes, NULL: none, empty, or too long. */
static const char *
text(const json_t *object, const char *name, size_t max)
{
	const json_t *value = json_object_get(object, name);
	size_t n = json_string_length(value);

	return n > 0 && n <= max ? json_string_value(value) : NULL;
}

/* The first thing amiss is the one that is noted. */
static void
add_note(struct event *event, const char *note)
{
	if (event->note == NULL)
		event->note = note;
}

static int
generation(const json_t *envelope, const json_t *data)
{
	const char *version = text(envelope, "apiVersion", TYPE_MAX);

	if (json_is_object(json_object_get(data, "resource")))
		return 3;
	if (!json_is_object(json_object_get(data, "object")))
		return 0;
	if (version != NULL &&
	    (strcmp(version, "v2") == 0 || strcmp(version, "v3") == 0))
		return 1;
	return 2;
}

bool
event_usable_id(const json_t *id)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";
	size_t n = json_string_length(id);

	return n > 0 && n <= EVENT_ID_MAX &&
	    strspn(json_string_value(id), allowed) == n;
}

static void
identify_resource(const json_t *object, enum resource from, struct event *event)
{
	const json_t *id = NULL;

	if (from != ID)
		id = json_object_get(object, "callId");
	if (from == ID ||
	    (from == CALL_ID_OR_ID && json_string_length(id) == 0))
		id = json_object_get(object, "id");
	if (event_usable_id(id))
		event->resource_id = json_string_value(id);
	else
		add_note(event,
		    json_string_length(id) == 0 ? "no resource id"
						: "unusable resource id");
}

/* Returns where the resource's id is to be found. */
static enum resource
identify_type(const json_t *envelope, struct event *event)
{
	const char *name = text(envelope, "type", TYPE_MAX);
	const struct event_type *type = name == NULL ? NULL : find_type(name);

	if (name != NULL)
		event->type = name;
	if (type == NULL) {
		add_note(
		    event, name == NULL ? "no type" : "unknown event type");
		return CALL_ID_OR_ID;
	}
	if (type->canonical != NULL)
		event->type = type->canonical;
	event->kind = type->kind;
	return type->resource;
}

void
event_identify(const json_t *envelope, struct event *ret)
{
	const json_t *data = json_object_get(envelope, "data");
	const char *at = text(envelope, "createdAt", TYPE_MAX);
	enum resource resource;

	*ret = (struct event){ .type = "", .kind = "other" };
	ret->id = text(envelope, "id", EVENT_ID_MAX);
	if (at == NULL || rfc3339_parse(at, &ret->occurred_at) != 0)
		ret->occurred_at = 0;
	ret->generation = generation(envelope, data);
	if (ret->generation == 0)
		add_note(ret, "no data.object or data.resource");
	resource = identify_type(envelope, ret);
	identify_resource(
	    json_object_get(data, ret->generation == 3 ? "resource" : "object"),
	    resource, ret);
	if (ret->id == NULL)
		add_note(ret, "no event id");
	if (ret->occurred_at == 0)
		add_note(ret, "no createdAt");
}

/* Printable ASCII, and not too much of it: a header is not text yet. */
static bool
plain(const char *header)
{
	size_t n = 0;

	while (header[n] > ' ' && header[n] <= '~')
		n++;
	return header[n] == '\0' && n > 0 && n <= EVENT_ID_MAX;
}

int
event_delivery_key(const struct event *event, const char *webhook_id,
    const void *body, size_t n, struct buf *out)
{
	unsigned char digest[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];

	if (webhook_id != NULL && plain(webhook_id))
		return buf_adds(out, webhook_id);
	if (event->id != NULL)
		return buf_addf(out, "%s/%s/%s", event->id, event->type,
		    event->resource_id == NULL ? "" : event->resource_id);
	if (crypto_sha256(body, n, digest) != 0)
		return -1;
	crypto_hex(digest, sizeof(digest), hex);
	return buf_addf(out, "sha256:%s", hex);
}

#include "model/schema.h"

#include <string.h>

#include "ext/jansson.h"

static const struct schema_option directions[] = {
	{ "incoming", "blue" },
	{ "outgoing", "green" },
	{ NULL, NULL },
};

static const struct schema_option outcomes[] = {
	{ "Answered", "green" },
	{ "AI agent", "purple" },
	{ "Voicemail", "orange" },
	{ "Forwarded", "blue" },
	{ "Missed", "red" },
	{ "No answer", "brown" },
	{ "Failed", "pink" },
	{ "Ringing", "yellow" },
	{ "In progress", "yellow" },
	{ NULL, NULL },
};

/* The REST API's words, then those of the dated webhooks. */
static const struct schema_option call_statuses[] = {
	{ "queued", "gray" },
	{ "initiated", "gray" },
	{ "ringing", "yellow" },
	{ "in-progress", "yellow" },
	{ "completed", "green" },
	{ "busy", "orange" },
	{ "failed", "red" },
	{ "no-answer", "brown" },
	{ "canceled", "gray" },
	{ "missed", "red" },
	{ "answered", "green" },
	{ "forwarded", "blue" },
	{ "abandoned", "orange" },
	{ "unanswered", "red" },
	{ "ai-handled", "purple" },
	{ "unknown", "gray" },
	{ NULL, NULL },
};

static const struct schema_option message_statuses[] = {
	{ "queued", "gray" },
	{ "sending", "yellow" },
	{ "sent", "blue" },
	{ "delivered", "green" },
	{ "undelivered", "red" },
	{ "failed", "red" },
	{ "receiving", "yellow" },
	{ "received", "green" },
	{ "accepted", "gray" },
	{ "scheduled", "gray" },
	{ "read", "green" },
	{ "partially_delivered", "orange" },
	{ "canceled", "gray" },
	{ NULL, NULL },
};

static const struct schema_option original_call_statuses[] = {
	{ "queued", "gray" },
	{ "initiated", "gray" },
	{ "ringing", "yellow" },
	{ "in-progress", "yellow" },
	{ "completed", "green" },
	{ "busy", "orange" },
	{ "failed", "red" },
	{ "no-answer", "brown" },
	{ "canceled", "gray" },
	{ "missed", "red" },
	{ "answered", "green" },
	{ "forwarded", "blue" },
	{ "abandoned", "orange" },
	{ NULL, NULL },
};

/* The last two are not in the original's table, but Notion made them there
 * when such messages came. */
static const struct schema_option original_message_statuses[] = {
	{ "queued", "gray" },
	{ "sent", "blue" },
	{ "delivered", "green" },
	{ "undelivered", "red" },
	{ "failed", "red" },
	{ "received", "green" },
	{ NULL, NULL },
};

static const struct schema_option artefact_statuses[] = {
	{ "absent", "gray" },
	{ "in-progress", "yellow" },
	{ "completed", "green" },
	{ "failed", "red" },
	{ NULL, NULL },
};

static const struct schema_column our_calls[] = {
	{ "Name", "title", "title", NULL },
	{ "Outcome", "select", "outcome", outcomes },
	{ "Direction", "select", ".direction", directions },
	{ "With", "rich_text", "with", NULL },
	{ "From", "phone_number", "from", NULL },
	{ "To", "phone_number", "to", NULL },
	{ "Phone number", "rich_text", "line", NULL },
	{ "User", "rich_text", "user", NULL },
	{ "Started", "date", ".createdAt", NULL },
	{ "Answered", "date", ".answeredAt", NULL },
	{ "Ended", "date", ".completedAt", NULL },
	{ "Started (UTC)", "rich_text", "exact", NULL },
	{ "Duration", "number", "duration", NULL },
	{ "Talk time", "number", "talk", NULL },
	{ "Recording", "url", "recording", NULL },
	{ "Voicemail", "url", "voicemail", NULL },
	{ "Has transcript", "checkbox", "has transcript", NULL },
	{ "Has summary", "checkbox", "has summary", NULL },
	{ "Summary", "rich_text", "summary", NULL },
	{ "Next steps", "rich_text", "next steps", NULL },
	{ "Contact", "rich_text", "contact", NULL },
	{ "Contact page", "relation", "contact pages", NULL },
	{ "Participants", "rich_text", "parties", NULL },
	{ "Route", "rich_text", ".callRoute", NULL },
	{ "Menu", "rich_text", "menu", NULL },
	{ "Forwarded from", "rich_text", "forwarded from", NULL },
	{ "Forwarded to", "rich_text", "forwarded to", NULL },
	{ "Status", "select", ".status", call_statuses },
	{ "Conversation", "rich_text", ".conversationId", NULL },
	{ "OpenPhone ID", "rich_text", ".id", NULL },
	{ "Link", "url", ".deepLink", NULL },
	{ "Synced at", "date", "stamp always", NULL },
};

static const struct schema_column our_messages[] = {
	{ "Name", "title", "title", NULL },
	{ "Direction", "select", ".direction", directions },
	{ "Status", "select", ".status", message_statuses },
	{ "With", "rich_text", "with", NULL },
	{ "From", "phone_number", ".from", NULL },
	{ "To", "phone_number", "first recipient", NULL },
	{ "Phone number", "rich_text", "line", NULL },
	{ "User", "rich_text", "user", NULL },
	{ "Sent", "date", ".createdAt", NULL },
	{ "Sent (UTC)", "rich_text", "exact", NULL },
	{ "Text", "rich_text", ".text", NULL },
	{ "Media", "files", "stored media", NULL },
	{ "Error", "rich_text", "error", NULL },
	{ "Contact", "rich_text", "contact", NULL },
	{ "Contact page", "relation", "contact pages", NULL },
	{ "Participants", "rich_text", "parties", NULL },
	{ "Conversation", "rich_text", ".conversationId", NULL },
	{ "OpenPhone ID", "rich_text", ".id", NULL },
	{ "Link", "url", ".deepLink", NULL },
	{ "Synced at", "date", "stamp always", NULL },
};

static const struct schema_column our_contacts[] = {
	{ "Name", "title", "title", NULL },
	{ "Company", "rich_text", ".company", NULL },
	{ "Role", "rich_text", ".role", NULL },
	{ "Phone", "phone_number", "first phone", NULL },
	{ "Phones", "rich_text", ".phoneNumbers", NULL },
	{ "Email", "email", "first email", NULL },
	{ "Emails", "rich_text", ".emails", NULL },
	{ "Created", "date", ".createdAt", NULL },
	{ "Updated", "date", ".updatedAt", NULL },
	{ "Deleted", "checkbox", ".deleted", NULL },
	{ "OpenPhone ID", "rich_text", ".id", NULL },
	{ "Synced at", "date", "stamp always", NULL },
};

static const struct schema_column original_calls[] = {
	{ "Call ID", "title", ".id", NULL },
	{ "Direction", "select", ".direction", directions },
	{ "Status", "select", "status", original_call_statuses },
	{ "Duration", "number", "duration", NULL },
	{ "Participants", "rich_text", "numbers", NULL },
	{ "OpenPhone User", "rich_text", ".userId", NULL },
	{ "Phone Number Used", "rich_text", ".phoneNumberId", NULL },
	{ "Phone Number ID", "rich_text", ".phoneNumberId", NULL },
	{ "Created At", "date", ".createdAt", NULL },
	{ "Answered At", "date", ".answeredAt", NULL },
	{ "Completed At", "date", ".completedAt", NULL },
	{ "Has Recording", "checkbox", "has recording", NULL },
	{ "Recording URL", "url", "recording or source", NULL },
	{ "Recording Duration", "number", "recording duration", NULL },
	{ "Has Transcript", "checkbox", "has transcript", NULL },
	{ "Transcript", "rich_text", "transcript", NULL },
	{ "Transcript Status", "select", "transcript status",
	    artefact_statuses },
	{ "Has Summary", "checkbox", "has summary", NULL },
	{ "Summary", "rich_text", "summary", NULL },
	{ "Next Steps", "rich_text", "next steps", NULL },
	{ "Has Voicemail", "checkbox", "has voicemail", NULL },
	{ "Voicemail URL", "url", "voicemail or source", NULL },
	{ "Voicemail Transcript", "rich_text", "voicemail text", NULL },
	{ "Call Route", "rich_text", ".callRoute", NULL },
	{ "Forwarded From", "rich_text", ".forwardedFrom", NULL },
	{ "Forwarded To", "rich_text", ".forwardedTo", NULL },
	{ "Raw Data", "rich_text", "raw", NULL },
	{ "Synced At", "date", "stamp once", NULL },
	{ "Last Updated", "date", "stamp always", NULL },
};

static const struct schema_column original_messages[] = {
	{ "Message ID", "title", ".id", NULL },
	{ "Direction", "select", ".direction", directions },
	{ "From", "phone_number", ".from", NULL },
	{ "To", "phone_number", "first recipient", NULL },
	{ "Content", "rich_text", ".text", NULL },
	{ "Status", "select", "status", original_message_statuses },
	{ "OpenPhone Number", "rich_text", ".phoneNumberId", NULL },
	{ "Phone Number ID", "rich_text", ".phoneNumberId", NULL },
	{ "User ID", "rich_text", ".userId", NULL },
	{ "Created At", "date", ".createdAt", NULL },
	{ "Updated At", "date", ".updatedAt", NULL },
	{ "Has Media", "checkbox", "has media", NULL },
	{ "Media URLs", "rich_text", "media or source", NULL },
	{ "Conversation ID", "rich_text", ".conversationId", NULL },
	{ "Raw Data", "rich_text", "raw", NULL },
	{ "Synced At", "date", "stamp once", NULL },
};

#define TABLE(columns) columns, sizeof(columns) / sizeof(*(columns))

static const struct schema schemas[] = {
	{ "call", PAGE_SCHEMA_OURS, "OpenPhone ID", TABLE(our_calls) },
	{ "message", PAGE_SCHEMA_OURS, "OpenPhone ID", TABLE(our_messages) },
	{ "contact", PAGE_SCHEMA_OURS, "OpenPhone ID", TABLE(our_contacts) },
	{ "call", PAGE_SCHEMA_ORIGINAL, "Call ID", TABLE(original_calls) },
	{ "message", PAGE_SCHEMA_ORIGINAL, "Message ID",
	    TABLE(original_messages) },
};

const struct schema *
schema_find(const char *kind, enum page_schema id)
{
	for (size_t i = 0; i < sizeof(schemas) / sizeof(*schemas); i++)
		if (schemas[i].id == id && strcmp(schemas[i].kind, kind) == 0)
			return &schemas[i];
	return NULL;
}

/* {"options": [{"name", "color"} …]} */
static json_t *
options_new(const struct schema_option *options)
{
	json_t *list = json_array();

	for (; options != NULL && options->name != NULL; options++)
		if (json_array_append_new(list,
			json_pack("{s:s, s:s*}", "name", options->name, "color",
			    options->color)) != 0) {
			json_decref(list);
			return NULL;
		}
	return json_pack("{s:o}", "options", list);
}

static json_t *
property_new(const struct schema_column *column, const char *contacts)
{
	json_t *config;

	if (strcmp(column->type, "relation") == 0)
		config = json_pack("{s:s, s:{}}", "data_source_id", contacts,
		    "single_property");
	else if (column->options != NULL)
		config = options_new(column->options);
	else if (strcmp(column->type, "number") == 0)
		config = json_pack("{s:s}", "format", "number");
	else
		config = json_object();
	return json_pack("{s:o}", column->type, config);
}

json_t *
schema_properties(const char *kind, enum page_schema id, const char *contacts)
{
	const struct schema *schema = schema_find(kind, id);
	size_t before = jansson_failures();
	json_t *ret;

	if (schema == NULL || (ret = json_object()) == NULL)
		return NULL;
	for (size_t i = 0; i < schema->n; i++) {
		const struct schema_column *column = &schema->columns[i];

		if (contacts == NULL && strcmp(column->type, "relation") == 0)
			continue;
		if (json_object_set_new(ret, column->name,
			property_new(column, contacts)) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	if (jansson_failures() == before)
		return ret;
	json_decref(ret); /* an option's colour may be missing */
	return NULL;
}

bool
schema_has_option(const struct schema_column *column, const char *name)
{
	const struct schema_option *option = column->options;

	for (; option != NULL && option->name != NULL; option++)
		if (strcmp(option->name, name) == 0)
			return true;
	return false;
}

int
schema_stamp(
    const struct schema *schema, bool create, const char *now, json_t *values)
{
	for (size_t i = 0; i < schema->n; i++) {
		const char *source = schema->columns[i].source;

		if ((strcmp(source, "stamp always") == 0 ||
			(create && strcmp(source, "stamp once") == 0)) &&
		    json_object_set_new(
			values, schema->columns[i].name, json_string(now)) != 0)
			return -1;
	}
	return 0;
}

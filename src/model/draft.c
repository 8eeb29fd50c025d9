#include "model/draft.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "model/call.h"
#include "model/message.h"
#include "model/names.h"
#include "model/richtext.h"

int
draft_init(struct draft *draft, const struct page_input *input)
{
	const json_t *facts = input->facts, *names = input->names;
	bool call = strcmp(input->kind, "call") == 0;
	bool contact = strcmp(input->kind, "contact") == 0;

	*draft = (struct draft){
		.in = input,
		.facts = facts,
		.names = names,
		.call = call,
		.contact = contact,
		.outcome = call ? call_outcome(facts) : "",
		.own = call   ? call_own_number(facts, names)
		    : contact ? NULL
			      : message_own_number(facts, names),
		.parties = call ? call_parties(facts, names)
		    : contact	? json_array()
				: message_parties(facts, names),
	};
	return draft->parties == NULL ? -1 : 0;
}

void
draft_free(struct draft *draft)
{
	json_decref(draft->parties);
	*draft = (struct draft){ 0 };
}

const char *
draft_fact(const struct draft *draft, const char *key)
{
	const char *text =
	    json_string_value(json_object_get(draft->facts, key));

	return text != NULL && *text != '\0' ? text : NULL;
}

static bool
has_direction(const struct draft *draft, const char *wanted)
{
	const char *direction = draft_fact(draft, "direction");

	return direction != NULL && strcmp(direction, wanted) == 0;
}

bool
draft_is_incoming(const struct draft *draft)
{
	return has_direction(draft, "incoming");
}

bool
draft_is_outgoing(const struct draft *draft)
{
	return has_direction(draft, "outgoing");
}

const char *
draft_party(const struct draft *draft, size_t i)
{
	return json_string_value(json_array_get(draft->parties, i));
}

/* Callers who withhold their number come as one of these words. */
static bool
is_hidden(const char *number)
{
	return strcasecmp(number, "anonymous") == 0 ||
	    strcasecmp(number, "blocked") == 0 ||
	    strcasecmp(number, "restricted") == 0;
}

const char *
draft_party_name(const struct draft *draft, size_t i)
{
	const char *number = draft_party(draft, i), *name;
	const json_t *contacts = json_object_get(draft->facts, "contactIds");

	if (number == NULL)
		return NULL;
	if ((name = names_number(draft->names, number)) != number)
		return name;
	/* one stranger and one contact: they are the same */
	if (json_array_size(draft->parties) == 1 &&
	    json_array_size(contacts) == 1 &&
	    (name = names_contact(draft->names,
		 json_string_value(json_array_get(contacts, 0)))) != NULL)
		return name;
	return is_hidden(number) ? "a hidden number" : number;
}

const char *
draft_line(const struct draft *draft)
{
	const char *name =
	    names_line(draft->names, draft_fact(draft, "phoneNumberId"));

	return name != NULL ? name : names_number(draft->names, draft->own);
}

const char *
draft_user(const struct draft *draft)
{
	const char *user = NULL;

	if (draft->call)
		user = draft_fact(draft,
		    draft_is_outgoing(draft) ? "initiatedBy" : "answeredBy");
	if (user == NULL && strcmp(draft->outcome, "ai") == 0)
		return "AI agent";
	if (user == NULL)
		user = draft_fact(draft, "userId");
	return names_user(draft->names, user);
}

const json_t *
draft_media(const struct draft *draft, const char *path)
{
	return json_object_get(draft->in->media, path);
}

const char *
draft_attachment_type(const struct draft *draft, size_t i)
{
	const json_t *all = json_object_get(draft->facts, "media");
	const char *type;
	char path[32];

	snprintf(path, sizeof(path), "media/%zu", i);
	type = json_string_value(
	    json_object_get(draft_media(draft, path), "type"));
	return type != NULL ? type
			    : json_string_value(json_object_get(
				  json_array_get(all, i), "type"));
}

const json_t *
draft_recording_media(const struct draft *draft, const json_t *recording)
{
	const char *key = json_string_value(json_object_get(recording, "key"));
	char path[300];

	if (key == NULL ||
	    snprintf(path, sizeof(path), "recordings/%s", key) >=
		(int)sizeof(path))
		return NULL;
	return draft_media(draft, path);
}

static bool
is_stored(const json_t *media)
{
	const char *state = json_string_value(json_object_get(media, "state"));

	return state != NULL && strcmp(state, "stored") == 0;
}

const char *
draft_stored_url(const json_t *media)
{
	const char *url = json_string_value(json_object_get(media, "url"));

	return is_stored(media) && richtext_url(url) ? url : NULL;
}

const char *
draft_upload(const json_t *media)
{
	return is_stored(media)
	    ? json_string_value(json_object_get(media, "upload"))
	    : NULL;
}

json_t *
draft_file_value(const json_t *media)
{
	const char *url = draft_stored_url(media), *id = draft_upload(media);

	if (id != NULL)
		return json_pack("{s:s, s:s*, s:s*}", "upload", id, "name",
		    json_string_value(json_object_get(media, "name")), "url",
		    url);
	if (url != NULL)
		return json_string(url);
	return is_stored(media) ? json_string("") : json_null();
}

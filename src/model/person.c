#include "model/person.h"

#include <string.h>

#include "model/call.h"
#include "model/message.h"

static bool
has(const json_t *array, const json_t *value)
{
	const json_t *item;
	size_t i;

	json_array_foreach (array, i, item)
		if (json_equal(item, value))
			return true;
	return false;
}

/* Is one of the values, or the one that it is, among the array? */
static bool
names_one(const json_t *array, const json_t *values)
{
	const json_t *value;
	size_t i;

	if (json_is_string(values))
		return has(array, values);
	json_array_foreach (values, i, value)
		if (has(array, value))
			return true;
	return false;
}

/* In any part that a number may have in it. */
static bool
is_named(const struct person *p, const json_t *facts)
{
	static const char *const keys[] = { "from", "to", "participants",
		"external", "forwardedFrom", "forwardedTo" };
	const json_t *voicemail = json_object_get(facts, "voicemail");

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (names_one(p->numbers, json_object_get(facts, keys[i])))
			return true;
	return names_one(p->numbers, json_object_get(voicemail, "from")) ||
	    names_one(p->numbers, json_object_get(voicemail, "to"));
}

static bool
all_are(const json_t *array, const json_t *values)
{
	const json_t *value;
	size_t i;

	json_array_foreach (values, i, value)
		if (!has(array, value))
			return false;
	return true;
}

/* The only one on the other side, though by a number that is not known to be
 * the person's. */
static bool
is_only_contact(
    const struct person *p, const json_t *facts, const json_t *parties)
{
	const json_t *contacts = json_object_get(facts, "contactIds");

	return json_array_size(parties) <= 1 && json_array_size(contacts) > 0 &&
	    all_are(p->contacts, contacts);
}

int
person_share(const struct person *p, const char *kind, const json_t *facts,
    const json_t *names, bool spoke, enum person_share *ret)
{
	bool is_call = strcmp(kind, "call") == 0;
	json_t *parties;

	*ret = PERSON_ABSENT;
	if (!spoke && !is_named(p, facts) &&
	    !names_one(p->contacts, json_object_get(facts, "contactIds")))
		return 0;
	parties = is_call ? call_parties(facts, names)
			  : message_parties(facts, names);
	if (parties == NULL)
		return -1;
	*ret = all_are(p->numbers, parties) ||
		is_only_contact(p, facts, parties) ||
		(!is_call &&
		    names_one(p->numbers, json_object_get(facts, "from")))
	    ? PERSON_ALONE
	    : PERSON_AMONG;
	json_decref(parties);
	return 0;
}

/* The same without the person. */
static json_t *
without(const struct person *p, const json_t *numbers)
{
	json_t *ret = json_array(), *number;
	size_t i;

	json_array_foreach (numbers, i, number)
		if (!has(p->numbers, number) &&
		    json_array_append(ret, number) != 0) {
			json_decref(ret);
			return NULL;
		}
	return ret;
}

static int
keep_numbers(const struct person *p, const char *key, json_t *value, json_t *to)
{
	json_t *rest;
	int rc = 0;

	if (!json_is_array(value))
		return has(p->numbers, value) ? 0
					      : json_object_set(to, key, value);
	if ((rest = without(p, value)) == NULL)
		return -1;
	if (json_array_size(rest) > 0)
		rc = json_object_set(to, key, rest);
	json_decref(rest);
	return rc;
}

json_t *
person_redact(const struct person *p, const json_t *facts, bool text)
{
	static const char *const kept[] = { "id", "direction", "status",
		"missed", "ringing", "answeredBy", "initiatedBy", "aiHandled",
		"userId", "phoneNumberId", "phoneNumberType", "createdAt",
		"answeredAt", "completedAt", "updatedAt", "duration", "deleted",
		"errorCode" };
	static const char *const numbers[] = { "from", "to", "participants",
		"external", "workspace" };
	static const char *const texts[] = { "text", "media", "mediaKnown" };
	json_t *ret = json_object(), *value;
	int rc = ret == NULL ? -1 : 0;

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if ((value = json_object_get(facts, kept[i])) != NULL)
			rc |= json_object_set(ret, kept[i], value);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if ((value = json_object_get(facts, numbers[i])) != NULL)
			rc |= keep_numbers(p, numbers[i], value, ret);
	for (size_t i = 0; text && i < sizeof(texts) / sizeof(*texts); i++)
		if ((value = json_object_get(facts, texts[i])) != NULL)
			rc |= json_object_set(ret, texts[i], value);
	if (rc == 0)
		return ret;
	json_decref(ret);
	return NULL;
}

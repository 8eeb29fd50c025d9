#include "model/message.h"

#include <string.h>

#include "model/names.h"

static const char *
fact(const json_t *facts, const char *key)
{
	return json_string_value(json_object_get(facts, key));
}

static bool
is_incoming(const json_t *facts)
{
	const char *direction = fact(facts, "direction");

	return direction == NULL || strcmp(direction, "incoming") == 0;
}

const char *
message_own_number(const json_t *facts, const json_t *names)
{
	const char *number =
	    names_line_number(names, fact(facts, "phoneNumberId"));
	const json_t *to = json_object_get(facts, "to");

	if (number != NULL)
		return number;
	if (!is_incoming(facts))
		return fact(facts, "from");
	/* with several recipients nothing says which of them is ours */
	return json_array_size(to) == 1
	    ? json_string_value(json_array_get(to, 0))
	    : NULL;
}

/* Is it a number of one of the workspace's lines? */
static bool
is_line(const json_t *names, const char *number)
{
	const char *id;
	json_t *line;

	json_object_foreach (json_object_get(names, "numbers"), id, line) {
		const char *own = names_line_number(names, id);

		if (own != NULL && strcmp(own, number) == 0)
			return true;
	}
	return false;
}

static bool
has(const json_t *array, const char *text)
{
	size_t i;
	json_t *value;

	json_array_foreach (array, i, value)
		if (strcmp(json_string_value(value), text) == 0)
			return true;
	return false;
}

static int
add(json_t *parties, const char *number)
{
	if (number == NULL || *number == '\0' || has(parties, number))
		return 0;
	return json_array_append_new(parties, json_string(number));
}

json_t *
message_parties(const json_t *facts, const json_t *names)
{
	const char *own = message_own_number(facts, names), *number;
	json_t *ret = json_array(), *value;
	size_t i;

	if (is_incoming(facts) && add(ret, fact(facts, "from")) != 0)
		goto fail;
	json_array_foreach (json_object_get(facts, "to"), i, value) {
		number = json_string_value(value);
		if (number == NULL ||
		    (own != NULL ? strcmp(number, own) == 0
				 : is_line(names, number)))
			continue;
		if (add(ret, number) != 0)
			goto fail;
	}
	return ret;
fail:
	json_decref(ret);
	return NULL;
}

bool
message_failed(const json_t *facts)
{
	static const char *const words[] = { "failed", "undelivered",
		"partially_delivered", "canceled" };
	const char *status = fact(facts, "status");

	for (size_t i = 0; status != NULL && i < sizeof(words) / sizeof(*words);
	     i++)
		if (strcmp(status, words[i]) == 0)
			return true;
	return false;
}

const char *
message_error_text(const char *code)
{
	static const struct {
		const char *code, *text;
	} errors[] = {
		{ "30001", "too many messages at once" },
		{ "30002", "the account is suspended" },
		{ "30003", "the phone could not be reached" },
		{ "30004", "the recipient blocks messages" },
		{ "30005", "the number does not exist" },
		{ "30006", "a landline, or a carrier that cannot be reached" },
		{ "30007", "the carrier filtered it as spam" },
		{ "30008", "the carrier gave no reason" },
	};

	for (size_t i = 0; code != NULL && i < sizeof(errors) / sizeof(*errors);
	     i++)
		if (strcmp(code, errors[i].code) == 0)
			return errors[i].text;
	return NULL;
}

#include "model/selection.h"

#include <stdbool.h>
#include <string.h>

#include "model/call.h"
#include "model/message.h"

/* Is it a word of the list? */
static bool
is_listed(const char *list, const char *number)
{
	size_t n = strlen(number);

	while (list != NULL && *list != '\0') {
		size_t word = strcspn(list, " \t");

		if (word == n && strncmp(list, number, n) == 0)
			return true;
		list += word;
		list += strspn(list, " \t");
	}
	return false;
}

static bool
any_is_listed(const char *list, const json_t *numbers)
{
	const json_t *number;
	size_t i;

	json_array_foreach (numbers, i, number)
		if (is_listed(list, json_string_value(number)))
			return true;
	return false;
}

/* Does a payload say which number is ours? Where there are only participants
 * it is a guess, until OpenPhone has told the line's number. */
static bool
is_certain(const json_t *facts)
{
	return json_array_size(json_object_get(facts, "workspace")) > 0 ||
	    (json_object_get(facts, "from") != NULL &&
		json_object_get(facts, "to") != NULL);
}

enum selection
selection_of(const struct workspace *ws, const char *kind, const json_t *facts,
    const json_t *names)
{
	const char *numbers = ws->sync.numbers, *ignore = ws->sync.ignore;
	const json_t *to = json_object_get(facts, "to");
	const char *own;

	if (numbers == NULL && ignore == NULL)
		return SELECTION_IN;
	if (names == NULL && !is_certain(facts))
		return SELECTION_UNKNOWN;
	own = strcmp(kind, "call") == 0 ? call_own_number(facts, names)
					: message_own_number(facts, names);
	if (own == NULL) /* one of these */
		return any_is_listed(ignore, to) ? SELECTION_OUT
		    : any_is_listed(numbers, to) ? SELECTION_IN
						 : SELECTION_UNKNOWN;
	if (is_listed(ignore, own))
		return SELECTION_OUT;
	return numbers == NULL || is_listed(numbers, own) ? SELECTION_IN
							  : SELECTION_OUT;
}

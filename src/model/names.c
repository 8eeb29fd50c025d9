#include "model/names.h"

#include <string.h>

/* names.<group>.<key> as text that says something, else NULL. */
static const char *
text_at(const json_t *object, const char *key)
{
	const char *text = key == NULL
	    ? NULL
	    : json_string_value(json_object_get(object, key));

	return text != NULL && *text != '\0' ? text : NULL;
}

static const char *
look_up(const json_t *names, const char *group, const char *key)
{
	return text_at(json_object_get(names, group), key);
}

bool
names_is_agent(const char *user)
{
	return user != NULL && strncmp(user, "SY", 2) == 0;
}

const char *
names_number(const json_t *names, const char *number)
{
	const char *name = look_up(names, "people", number), *id, *own;
	json_t *line;

	if (name != NULL || number == NULL)
		return name;
	json_object_foreach (json_object_get(names, "numbers"), id, line) {
		own = text_at(line, "number");
		name = text_at(line, "name");
		if (own != NULL && name != NULL && strcmp(own, number) == 0)
			return name;
	}
	return number;
}

const char *
names_user(const json_t *names, const char *user)
{
	const char *name = look_up(names, "users", user);

	if (name != NULL)
		return name;
	return names_is_agent(user) ? "AI agent" : user;
}

const char *
names_any(const json_t *names, const char *who)
{
	const char *name = names_line(names, who);

	if (name != NULL || who == NULL)
		return name;
	if ((name = names_user(names, who)) != who)
		return name;
	return names_number(names, who);
}

const char *
names_contact(const json_t *names, const char *contact)
{
	return look_up(names, "contacts", contact);
}

static const json_t *
line_of(const json_t *names, const char *line)
{
	return line == NULL
	    ? NULL
	    : json_object_get(json_object_get(names, "numbers"), line);
}

const char *
names_line(const json_t *names, const char *line)
{
	return text_at(line_of(names, line), "name");
}

const char *
names_line_number(const json_t *names, const char *line)
{
	return text_at(line_of(names, line), "number");
}

const char *
names_page(const json_t *names, const char *who)
{
	return look_up(names, "pages", who);
}

#include "model/contact.h"

#include <string.h>
#include <strings.h>

#include "model/field.h"

static const struct field contact_fields[] = {
	{ "firstName", "firstName", FIELD_TEXT },
	{ "lastName", "lastName", FIELD_TEXT },
	{ "company", "company", FIELD_TEXT },
	{ "role", "role", FIELD_TEXT },
	{ "createdAt", "createdAt", FIELD_MOMENT },
	{ "updatedAt", "updatedAt", FIELD_MOMENT },
	{ NULL, NULL, 0 },
};

/* What is gathered from lists of values. */
struct values {
	json_t *phones, *emails;
};

static void
append(struct lww *w, json_t *list, const json_t *value)
{
	if (json_string_length(value) > 0 &&
	    json_array_append(list, (json_t *)value) != 0)
		w->failed = true;
}

/* The app's contacts have fields that people name as they like. */
static void
append_field(
    struct lww *w, struct values *values, const char *name, const json_t *value)
{
	const char *s = json_string_value(value);
	const json_t *item;
	size_t i;

	json_array_foreach (value, i, item)
		append_field(w, values, name, item);
	if (s == NULL)
		return;
	if (strcasecmp(name, "company") == 0)
		lww_set(w, "company", json_incref((json_t *)value));
	else if (strcasecmp(name, "role") == 0)
		lww_set(w, "role", json_incref((json_t *)value));
	else if (strcasestr(name, "mail") != NULL || strchr(s, '@') != NULL)
		append(w, values->emails, value);
	else if (strcasestr(name, "phone") != NULL || s[0] == '+')
		append(w, values->phones, value);
}

/* {name: value or values}, formerly [{name, type, value}]. */
static void
append_fields(struct lww *w, struct values *values, const json_t *fields)
{
	const json_t *item;
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach ((json_t *)fields, name, value)
		append_field(w, values, name, value);
	json_array_foreach (fields, i, item) {
		name = json_string_value(json_object_get(item, "name"));
		append_field(w, values, name == NULL ? "" : name,
		    json_object_get(item, "value"));
	}
}

/* Lists of values alone, or of {value, …}. */
static void
append_values(struct lww *w, json_t *list, const json_t *values)
{
	const json_t *item;
	size_t i;

	json_array_foreach (values, i, item)
		append(w, list,
		    json_is_object(item) ? json_object_get(item, "value")
					 : item);
}

static void
fold_object(struct lww *w, struct values *values, const json_t *object)
{
	field_fold(w, "", object, contact_fields);
	append_values(
	    w, values->phones, json_object_get(object, "phoneNumbers"));
	append_values(w, values->emails, json_object_get(object, "emails"));
	append_fields(w, values, json_object_get(object, "fields"));
}

void
contact_fold(struct lww *w, const json_t *object)
{
	struct values values = { json_array(), json_array() };

	if (values.phones == NULL || values.emails == NULL)
		w->failed = true;
	fold_object(w, &values, object);
	fold_object(w, &values, json_object_get(object, "defaultFields"));
	lww_set(w, "phoneNumbers", values.phones);
	lww_set(w, "emails", values.emails);
}

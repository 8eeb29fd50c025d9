#include "model/field.h"

#include <stdio.h>
#include <string.h>

/* Below these a double holds six decimals, and all integers. */
#define FRACTION_MAX 1e9
#define INTEGER_MAX 9e15

static json_t *
allocated(struct lww *w, json_t *json)
{
	if (json == NULL)
		w->failed = true;
	return json;
}

static json_t *
text(struct lww *w, const json_t *value)
{
	char digits[32];

	if (json_is_string(value))
		return json_incref((json_t *)value);
	if (!json_is_integer(value))
		return NULL;
	snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT,
	    json_integer_value(value));
	return allocated(w, json_string(digits));
}

static json_t *
moment(struct lww *w, const json_t *value)
{
	char normal[RFC3339_SIZE];
	int64_t usec;

	if (!json_is_string(value) ||
	    rfc3339_parse(json_string_value(value), &usec) != 0)
		return NULL;
	rfc3339_format(usec, normal);
	return allocated(w, json_string(normal));
}

static json_int_t
rounded(double v)
{
	return (json_int_t)(v < 0 ? v - 0.5 : v + 0.5);
}

/* In millionths where those fit, so that no digit is lost or made up by being
 * spelled and read again. */
static json_t *
number(struct lww *w, double v)
{
	json_int_t millionths;

	if (!(v > -INTEGER_MAX && v < INTEGER_MAX)) /* nor not a number */
		return NULL;
	if (v <= -FRACTION_MAX || v >= FRACTION_MAX)
		return allocated(w, json_integer(rounded(v)));
	millionths = rounded(v * 1e6);
	if (millionths % 1000000 == 0)
		return allocated(w, json_integer(millionths / 1000000));
	return allocated(w, json_real((double)millionths / 1e6));
}

static json_t *
seconds(struct lww *w, double v)
{
	if (!(v > -INTEGER_MAX && v < INTEGER_MAX))
		return NULL;
	return allocated(w, json_integer(rounded(v)));
}

static json_t *
agent(struct lww *w, const json_t *value)
{
	if (!json_is_true(value) && json_string_length(value) == 0)
		return NULL;
	return allocated(w, json_string("ai-agent"));
}

/* Append what is between white space, if anything. */
static void
append_trimmed(struct lww *w, json_t *list, const char *s, size_t n)
{
	static const char blanks[] = " \t\r\n";

	while (n > 0 && strchr(blanks, s[0]) != NULL) {
		s++;
		n--;
	}
	while (n > 0 && strchr(blanks, s[n - 1]) != NULL)
		n--;
	if (n > 0 && json_array_append_new(list, json_stringn(s, n)) != 0)
		w->failed = true;
}

static void
append_split(struct lww *w, json_t *list, const json_t *value)
{
	const char *s = json_string_value(value), *comma;

	if (s == NULL)
		return;
	for (; (comma = strchr(s, ',')) != NULL; s = comma + 1)
		append_trimmed(w, list, s, (size_t)(comma - s));
	append_trimmed(w, list, s, strlen(s));
}

static void
append_whole(struct lww *w, json_t *list, const json_t *value)
{
	if (json_string_length(value) > 0 &&
	    json_array_append(list, (json_t *)value) != 0)
		w->failed = true;
}

static json_t *
strings(struct lww *w, const json_t *value,
    void (*append)(struct lww *, json_t *, const json_t *))
{
	json_t *list = allocated(w, json_array());
	const json_t *item;
	size_t i;

	if (list == NULL)
		return NULL;
	if (!json_is_array(value))
		append(w, list, value);
	json_array_foreach (value, i, item)
		append(w, list, item);
	return list;
}

/* A copy with all numbers normalised. */
static json_t *
anything(struct lww *w, const json_t *value)
{
	json_t *copy = NULL, *member;
	const json_t *item;
	const char *name;
	size_t i;
	int rc = 0;

	if (json_is_real(value)) {
		copy = number(w, json_real_value(value));
		return copy != NULL ? copy : json_null();
	}
	if (json_is_array(value)) {
		copy = allocated(w, json_array());
		json_array_foreach (value, i, item)
			rc |= json_array_append_new(copy, anything(w, item));
	} else if (json_is_object(value)) {
		copy = allocated(w, json_object());
		json_object_foreach ((json_t *)value, name, member)
			rc |= json_object_set_new(
			    copy, name, anything(w, member));
	} else {
		copy = json_incref((json_t *)value);
	}
	if (rc != 0)
		w->failed = true;
	return copy;
}

/* The value normalised, a new reference. NULL: it isn't of that type, or memory
 * is out, and w->failed set. */
static json_t *
normalised(struct lww *w, const json_t *value, enum field_type type)
{
	switch (type) {
	case FIELD_TEXT:
		return text(w, value);
	case FIELD_MOMENT:
		return moment(w, value);
	case FIELD_SECONDS:
		return json_is_number(value)
		    ? seconds(w, json_number_value(value))
		    : NULL;
	case FIELD_NUMBER:
		return json_is_number(value)
		    ? number(w, json_number_value(value))
		    : NULL;
	case FIELD_FLAG:
		return json_is_boolean(value) ? json_incref((json_t *)value)
					      : NULL;
	case FIELD_AGENT:
		return agent(w, value);
	case FIELD_LIST:
		return strings(w, value, append_split);
	case FIELD_TEXTS:
		return strings(w, value, append_whole);
	case FIELD_JSON:
		return value == NULL ? NULL : anything(w, value);
	}
	return NULL;
}

void
field_fold(struct lww *w, const char *prefix, const json_t *object,
    const struct field *fields)
{
	char path[LWW_PATH_SIZE];

	for (; fields->from != NULL; fields++) {
		const json_t *value = json_object_get(object, fields->from);

		if (value == NULL)
			continue;
		snprintf(path, sizeof(path), "%s%s", prefix, fields->to);
		lww_set(w, path, normalised(w, value, fields->type));
	}
}

json_t *
field_object(struct lww *w, const json_t *object, const struct field *fields)
{
	json_t *ret = allocated(w, json_object());

	for (; fields->from != NULL; fields++) {
		const json_t *value = json_object_get(object, fields->from);
		json_t *normal = normalised(w, value, fields->type);

		if (normal != NULL &&
		    json_object_set_new(ret, fields->to, normal) != 0)
			w->failed = true;
	}
	return ret;
}

int64_t
field_latest(const json_t *object, int64_t least)
{
	static const char *const names[] = { "updatedAt", "completedAt",
		"answeredAt", "createdAt", "startTime" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const json_t *value = json_object_get(object, names[i]);
		int64_t usec;

		if (json_is_string(value) &&
		    rfc3339_parse(json_string_value(value), &usec) == 0 &&
		    usec > least)
			least = usec;
	}
	return least;
}

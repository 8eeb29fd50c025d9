#include "model/lww.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ext/jansson.h"

#define DUMP_FLAGS                                         \
	(JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY | \
	    JSON_REAL_PRECISION(15))

/* The member that is an object; made where there is none. */
static json_t *
descend(struct lww *w, json_t *object, const char *name)
{
	json_t *member = json_object_get(object, name);

	if (json_is_object(member))
		return member;
	member = json_object();
	if (json_object_set_new(object, name, member) != 0) {
		w->failed = true;
		return NULL;
	}
	return member;
}

void
lww_begin(struct lww *w, json_t *state, const struct lww_rank *ranks,
    const struct lww_rank *parts)
{
	*w = (struct lww){
		.ranks = ranks, .parts = parts, .before = jansson_failures()
	};
	w->facts = descend(w, state, "facts");
	w->times = descend(w, state, "times");
	lww_at(w, 0);
}

void
lww_at(struct lww *w, int64_t usec)
{
	rfc3339_format(usec < 0 ? 0 : usec, w->now);
}

int
lww_rank(const struct lww_rank *ranks, const char *status)
{
	while (ranks->status != NULL &&
	    (status == NULL || strcmp(ranks->status, status) != 0))
		ranks++;
	return ranks->rank;
}

static int
rank(const struct lww *w, const char *path, const json_t *value)
{
	const char *slash = strrchr(path, '/');

	if (strcmp(slash == NULL ? path : slash + 1, "status") != 0)
		return 0;
	return lww_rank(
	    slash == NULL ? w->ranks : w->parts, json_string_value(value));
}

/* By their spelling: any order will do that is the same everywhere. */
static int
compare_spelling(struct lww *w, const json_t *a, const json_t *b)
{
	char *x, *y;
	int order = 0;

	if (json_equal(a, b))
		return 0;
	x = jansson_text(a, DUMP_FLAGS);
	y = jansson_text(b, DUMP_FLAGS);
	if (x == NULL || y == NULL)
		w->failed = true;
	else
		order = strcmp(x, y);
	free(x);
	free(y);
	return order;
}

/* Does the value win over the one that is there? */
static bool
wins(struct lww *w, const char *path, const json_t *value, const json_t *old)
{
	const char *then = json_string_value(json_object_get(w->times, path));
	int order = rank(w, path, value) - rank(w, path, old);

	if (order == 0)
		order = strcmp(w->now, then == NULL ? "" : then);
	if (order == 0 && !w->yields)
		order = compare_spelling(w, value, old);
	return order > 0;
}

static bool
is_nothing(const json_t *value)
{
	return json_is_null(value) ||
	    (json_is_string(value) && json_string_length(value) == 0) ||
	    (json_is_array(value) && json_array_size(value) == 0) ||
	    (json_is_object(value) && json_object_size(value) == 0);
}

void
lww_set(struct lww *w, const char *path, json_t *value)
{
	json_t *object = w->facts, *old;
	const char *leaf = path, *slash;
	char name[LWW_PATH_SIZE];

	if (value == NULL || is_nothing(value))
		goto out;
	while (object != NULL && (slash = strchr(leaf, '/')) != NULL) {
		snprintf(name, sizeof(name), "%.*s", (int)(slash - leaf), leaf);
		object = descend(w, object, name);
		leaf = slash + 1;
	}
	old = json_object_get(object, leaf);
	if (w->failed || (old != NULL && !wins(w, path, value, old)))
		goto out;
	if (json_object_set(object, leaf, value) != 0 ||
	    json_object_set_new(w->times, path, json_string(w->now)) != 0)
		w->failed = true;
out:
	json_decref(value);
}

/* The leaf at a path, borrowed; NULL: there is none. */
static json_t *
get(const json_t *object, const char *path)
{
	char name[LWW_PATH_SIZE];
	const char *slash;

	while ((slash = strchr(path, '/')) != NULL) {
		snprintf(name, sizeof(name), "%.*s", (int)(slash - path), path);
		object = json_object_get(object, name);
		path = slash + 1;
	}
	return json_object_get(object, path);
}

void
lww_keep(struct lww *w, const json_t *other)
{
	json_t *facts = json_object_get(other, "facts"), *time;
	const char *path;

	w->yields = true;
	json_object_foreach (json_object_get(other, "times"), path, time) {
		snprintf(w->now, sizeof(w->now), "%s", json_string_value(time));
		lww_set(w, path, json_incref(get(facts, path)));
	}
	w->yields = false;
}

bool
lww_failed(const struct lww *w)
{
	return w->failed || jansson_failures() != w->before;
}

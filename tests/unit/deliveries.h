/*
 * deliveries.h - the sample deliveries of tests/deliveries, one folder a
 * generation: <type>[-<variant>].json.
 */
#ifndef DELIVERIES_H
#define DELIVERIES_H

#include <dirent.h>

#include <jansson.h>

#include "unit.h"

static const struct generation {
	const char *folder;
	int number;
} generations[] = { { "v2", 1 }, { "v3", 1 }, { "v4", 2 },
	{ "2026-03-30", 3 } };

static inline json_t *
delivery(const char *folder, const char *name)
{
	char top[512], path[1024];
	json_error_t error;
	json_t *json;

	snprintf(path, sizeof(path), "%s/%s/%s.json",
	    deliveries_folder(top, sizeof(top)), folder, name);
	json = json_load_file(path, 0, &error);
	if (json == NULL)
		fail_msg("%s: %s", path, error.text);
	return json;
}

/* Call f with the name of each file, without its ending; returns how many. */
static inline size_t
each_delivery(const char *folder,
    void (*f)(const struct generation *, const char *name, json_t *envelope),
    const struct generation *generation)
{
	char top[512], path[1024], name[256];
	const struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s",
	    deliveries_folder(top, sizeof(top)), folder);
	if ((dir = opendir(path)) == NULL)
		fail_msg("%s: cannot be opened", path);
	while ((entry = readdir(dir)) != NULL) {
		const char *end = strstr(entry->d_name, ".json");
		json_t *envelope;

		if (end == NULL || end[5] != '\0')
			continue;
		snprintf(name, sizeof(name), "%.*s",
		    (int)(end - entry->d_name), entry->d_name);
		envelope = delivery(folder, name);
		f(generation, name, envelope);
		json_decref(envelope);
		n++;
	}
	closedir(dir);
	return n;
}

#endif

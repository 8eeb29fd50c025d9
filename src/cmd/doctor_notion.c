/*
 * onsctl doctor: Notion's key, and the databases that pages go to.
 */
#include <stdio.h>
#include <string.h>

#include "api/rest.h"
#include "cmd/doctor.h"
#include "sync/destination.h"

static const char *const kinds[] = { "call", "message", "contact" };

enum {
	N_KINDS = sizeof(kinds) / sizeof(*kinds),
	NAMES_MAX = 1000,
	FITS = 80 /* of a hundred columns: it was made for that */
};

void
doctor_notion_key(struct doctor *d)
{
	const char *key = d->ws->notion.api_key;
	struct err err = ERR_INIT;
	json_t *me = NULL;

	if (key == NULL)
		return;
	if (notion_users_me(&d->sync.notion, &me, &err) != 0) {
		doctor_compare_clock(d, "Notion");
		if (err.status == 401 && strncmp(key, "ntn_", 4) != 0 &&
		    strncmp(key, "secret_", 7) != 0)
			err_suffix(
			    &err, "one begins with \"ntn_\" or \"secret_\"");
		doctor_err(d, &err);
		return;
	}
	doctor_compare_clock(d, "Notion");
	d->notion = true;
	doctor_say(d, DOCTOR_OK, NULL, "the key is good: connection \"%s\"",
	    rest_text(me, "name"));
	json_decref(me);
}

/* ---- the databases ---- */

/* How many of the schema's columns are there, by name, of a hundred. */
static size_t
fits(const struct schema *schema, const struct destination *d)
{
	size_t n = 0;

	for (size_t i = 0; i < schema->n; i++)
		n += json_object_get(d->properties, schema->columns[i].name) !=
		    NULL;
	return n * 100 / schema->n;
}

/* The kind for which the database was made, going by its columns. What a
 * person made may have a few of each. */
static const char *
looks_like(const struct destination *dest, const char *kind)
{
	const char *best = kind;
	size_t most = fits(dest->schema, dest);

	if (most < FITS)
		most = FITS;
	for (size_t i = 0; i < N_KINDS; i++) {
		const struct schema *other =
		    schema_find(kinds[i], dest->schema->id);

		if (other != NULL && fits(other, dest) > most) {
			most = fits(other, dest);
			best = kinds[i];
		}
	}
	return best;
}

static bool
look_at_columns(
    struct doctor *d, const char *kind, const struct destination *dest)
{
	const char *id, *type, *like = looks_like(dest, kind);
	struct err err = ERR_INIT;
	struct buf names;
	size_t n = json_array_size(dest->skipped);

	if (strcmp(like, kind) != 0) {
		doctor_say(d, DOCTOR_FAILURE,
		    "are two ids swapped in [notion]? set them right, and run "
		    "`onsctl init`",
		    "the database for %ss, %s, has the columns of one for %ss",
		    kind, dest->database, like);
		return false;
	}
	if (destination_key(dest, &id, &type, &err) != 0) {
		doctor_say(d, DOCTOR_FAILURE,
		    "add it, or run `onsctl init --extend`", "%ss: %s", kind,
		    err.text);
		return false;
	}
	buf_init(&names, NAMES_MAX);
	for (size_t i = 0; i < n; i++)
		(void)buf_addf(&names, "%s%s", i == 0 ? "" : "; ",
		    json_string_value(json_array_get(dest->skipped, i)));
	if (n > 0)
		doctor_say(d, DOCTOR_WARNING,
		    "`onsctl init --extend` adds what is missing; of another "
		    "name it is found when it had that name before",
		    "the database for %ss goes without columns: %s", kind,
		    buf_text(&names));
	buf_free(&names);
	return n == 0;
}

/* What is remembered is used, whatever the configuration says since. */
static bool
look_at_choice(
    struct doctor *d, const char *kind, const struct destination *dest)
{
	const char *given = destination_configured(&d->sync, kind);
	char id[NOTION_ID_SIZE];

	if (given == NULL ||
	    (notion_id_parse(given, id) == 0 &&
		(strcmp(id, dest->database) == 0 ||
		    strcmp(id, dest->data_source) == 0)))
		return true;
	doctor_say(d, DOCTOR_FAILURE,
	    "run `onsctl init` to use the one that is configured, or take it "
	    "out of [notion]",
	    "pages for %ss go to %s; [notion] names another database, %s", kind,
	    dest->database, given);
	return false;
}

static void
look_at(struct doctor *d, const char *kind)
{
	struct destination dest = { 0 };
	struct err err = ERR_INIT;
	bool found = false, good;

	if (destination_look(&d->sync, kind, &dest, &found, &err) != 0) {
		if (err.status == 404)
			doctor_say(d, DOCTOR_FAILURE,
			    "in Notion open it, ... menu, Connections, add "
			    "yours; or run `onsctl init` with another one",
			    "the database for %ss is deleted, or not shared "
			    "with the connection: %s",
			    kind, err.text);
		else
			doctor_err(d, &err);
		return;
	}
	if (!found) {
		if (strcmp(kind, "contact") != 0)
			doctor_say(d, DOCTOR_FAILURE,
			    "run `onsctl init --parent PAGE`, or set its id "
			    "in [notion]",
			    "there is no Notion database for %ss yet", kind);
		return;
	}
	good = look_at_choice(d, kind, &dest);
	if (look_at_columns(d, kind, &dest) && good)
		doctor_say(d, DOCTOR_OK, NULL, "%ss: %s, with all columns",
		    kind, dest.database);
	destination_clear(&dest);
}

/* Which database is whose stands in our tables. */
void
doctor_databases(struct doctor *d)
{
	if (!d->notion || !d->tables)
		return;
	for (size_t i = 0; i < N_KINDS; i++)
		look_at(d, kinds[i]);
}

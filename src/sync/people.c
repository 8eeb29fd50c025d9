#include "sync/people.h"

#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "model/call.h"
#include "model/fold.h"
#include "model/message.h"
#include "model/names.h"
#include "model/number.h"
#include "sql/queries.h"

enum { PEOPLE_MAX = 256 };

/* Ids and numbers without repetition; the strings belong to others. */
struct list {
	const char *items[PEOPLE_MAX];
	size_t n;
};

static void
add(struct list *list, const char *item)
{
	if (item == NULL || *item == '\0' || list->n == PEOPLE_MAX)
		return;
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i], item) == 0)
			return;
	list->items[list->n++] = item;
}

static void
add_fact(struct list *list, const json_t *facts, const char *name)
{
	add(list, json_string_value(json_object_get(facts, name)));
}

static void
add_all(struct list *list, const json_t *array)
{
	const json_t *item;
	size_t i;

	json_array_foreach (array, i, item)
		add(list, json_string_value(item));
}

/* ---- whose names are wanted ---- */

struct wanted {
	struct list users, contacts, numbers;
	const char *line;	    /* our phone number's id, NULL: not known */
	json_t *parties, *speakers; /* what the lists point into */
};

/* Add a member of a line of the dialogue, and keep what is new of it. */
static int
add_speaker(
    struct wanted *w, struct list *list, const json_t *line, const char *name)
{
	json_t *value = json_object_get(line, name);
	size_t before = list->n;

	add(list, json_string_value(value));
	return list->n == before ? 0 : json_array_append(w->speakers, value);
}

static int
want_speakers(const json_t *facts, struct wanted *w)
{
	struct call_lines lines;
	json_t *line;
	int rc = 0;

	if (call_lines_begin(&lines, facts) != 0)
		return -1;
	while ((line = call_lines_next(&lines)) != NULL) {
		rc |= add_speaker(w, &w->users, line, "userId");
		rc |= add_speaker(w, &w->numbers, line, "identifier");
		json_decref(line);
	}
	return call_lines_end(&lines) != 0 ? -1 : rc;
}

static int
want(const struct job *job, const json_t *facts, struct wanted *w)
{
	bool is_call = strcmp(job->kind, "call") == 0;

	w->line = json_string_value(json_object_get(facts, "phoneNumberId"));
	add_fact(&w->users, facts, "userId");
	add_fact(&w->users, facts, "answeredBy");
	add_fact(&w->users, facts, "initiatedBy");
	add_all(&w->contacts, json_object_get(facts, "contactIds"));
	w->parties =
	    is_call ? call_parties(facts, NULL) : message_parties(facts, NULL);
	w->speakers = json_array();
	if (w->parties == NULL || w->speakers == NULL)
		return -1;
	add_all(&w->numbers, w->parties);
	return is_call ? want_speakers(facts, w) : 0;
}

static void
wanted_clear(struct wanted *w)
{
	json_decref(w->parties);
	json_decref(w->speakers);
}

/* ---- OpenPhone's answers ---- */

/* "First Last", either, or the e-mail address; NULL: nothing. */
static json_t *
full_name(const json_t *person)
{
	const char *first =
	    json_string_value(json_object_get(person, "firstName"));
	const char *last =
	    json_string_value(json_object_get(person, "lastName"));

	first = first == NULL ? "" : first;
	last = last == NULL ? "" : last;
	if (*first == '\0' && *last == '\0')
		return json_incref(json_object_get(person, "email"));
	return json_sprintf("%s%s%s", first,
	    *first != '\0' && *last != '\0' ? " " : "", last);
}

static int
put(struct sync *sync, const char *kind, const char *id, const char *name,
    const char *number, struct err *err)
{
	FAILPOINT("people.told");
	return DB_RUN(sync->db, SQL_directory_put, NULL, err,
	    DB_TEXT(sync->ws->name), DB_TEXT(kind), DB_TEXT(id), DB_TEXT(name),
	    DB_TEXT(number));
}

static int
ask_user(struct sync *sync, const char *id, struct err *err)
{
	json_t *user = NULL, *name = NULL;
	int rc;

	if (openphone_user(&sync->openphone, id, &user, err) != 0)
		return -1;
	if (user != NULL)
		name = full_name(user);
	rc = put(sync, "user", id, json_string_value(name), NULL, err);
	json_decref(name);
	json_decref(user);
	return rc;
}

static int
ask_line(struct sync *sync, const char *id, struct err *err)
{
	json_t *line = NULL;
	const char *number;
	int rc;

	if (openphone_number(&sync->openphone, id, &line, err) != 0)
		return -1;
	number = json_string_value(json_object_get(line, "phoneNumber"));
	if (number == NULL) /* v1's word for it */
		number = json_string_value(json_object_get(line, "number"));
	rc = put(sync, "number", id,
	    json_string_value(json_object_get(line, "name")), number, err);
	json_decref(line);
	return rc;
}

static int
ask_contact(struct sync *sync, const char *id, struct err *err)
{
	json_t *contact = NULL;
	int rc = -1;

	if (openphone_contact(&sync->openphone, id, &contact, err) != 0)
		return -1;
	if (contact == NULL)
		rc = put(sync, "contact", id, NULL, NULL, err);
	else
		rc = people_learn(sync, id, contact, true, err);
	json_decref(contact);
	return rc;
}

/* ---- contacts ---- */

int
people_remember(
    struct sync *sync, const char *id, const json_t *facts, struct err *err)
{
	struct db_bytes numbers[PEOPLE_MAX];
	char texts[PEOPLE_MAX][NUMBER_SIZE];
	const json_t *list = json_object_get(facts, "phoneNumbers"), *item;
	json_t *name = full_name(facts);
	const char *shown = json_string_value(name);
	size_t i, n = 0;
	int rc;

	if (shown == NULL)
		shown = json_string_value(json_object_get(facts, "company"));
	json_array_foreach (list, i, item) {
		if (n == PEOPLE_MAX || !json_is_string(item))
			break;
		number_e164(json_string_value(item), texts[n]);
		numbers[n] = (struct db_bytes){ texts[n], strlen(texts[n]) };
		n++;
	}
	rc = put(sync, "contact", id, shown, NULL, err);
	if (rc == 0 && list != NULL)
		rc = DB_RUN(sync->db, SQL_contact_numbers_put, NULL, err,
		    DB_TEXT(sync->ws->name), DB_TEXT(id), DB_TEXTS(numbers, n));
	json_decref(name);
	return rc;
}

int
people_learn(struct sync *sync, const char *id, const json_t *contact,
    bool wants_page, struct err *err)
{
	json_t *state = fold_new();
	int rc = -1;

	if (state == NULL)
		err_nomem(err);
	else if (fold_rest_contact(state, contact, err) == 0)
		rc = people_remember(
		    sync, id, json_object_get(state, "facts"), err);
	if (rc == 0 && wants_page)
		rc = DB_RUN(sync->db, SQL_contact_due, NULL, err,
		    DB_TEXT(sync->ws->name), DB_TEXT(id),
		    DB_BOOL(sync->ws->notion.contacts_database != NULL));
	json_decref(state);
	return rc;
}

/* ---- the table ---- */

static struct db_result *
look_up(struct sync *sync, const struct wanted *w, struct err *err)
{
	struct db_bytes ids[2 * PEOPLE_MAX + 1], numbers[PEOPLE_MAX];
	struct db_result *r = NULL;
	size_t n = 0;

	for (size_t i = 0; i < w->users.n; i++)
		ids[n++] = (struct db_bytes){ w->users.items[i],
			strlen(w->users.items[i]) };
	for (size_t i = 0; i < w->contacts.n; i++)
		ids[n++] = (struct db_bytes){ w->contacts.items[i],
			strlen(w->contacts.items[i]) };
	if (w->line != NULL)
		ids[n++] = (struct db_bytes){ w->line, strlen(w->line) };
	for (size_t i = 0; i < w->numbers.n; i++)
		numbers[i] = (struct db_bytes){ w->numbers.items[i],
			strlen(w->numbers.items[i]) };
	if (DB_RUN(sync->db, SQL_directory_get, &r, err,
		DB_TEXT(sync->ws->name), DB_TEXTS(ids, n),
		DB_TEXTS(numbers, w->numbers.n)) != 0)
		return NULL;
	return r;
}

static bool
is_fresh(const struct db_result *r, const char *kind, const char *id)
{
	for (int i = 0; i < db_rows(r); i++)
		if (!db_bool(r, i, "by_number") && db_bool(r, i, "fresh") &&
		    strcmp(db_text(r, i, "kind"), kind) == 0 &&
		    strcmp(db_text(r, i, "id"), id) == 0)
			return true;
	return false;
}

/* Ask for what is not known or a day old. 1: something was, 0: nothing. */
static int
refresh(struct sync *sync, const struct wanted *w,
    const struct db_result *known, struct err *err)
{
	int asked = 0;

	if (w->line != NULL && !is_fresh(known, "number", w->line)) {
		if (ask_line(sync, w->line, err) != 0)
			return -1;
		asked = 1;
	}
	for (size_t i = 0; i < w->users.n; i++) {
		const char *id = w->users.items[i];

		if (names_is_agent(id) || is_fresh(known, "user", id))
			continue;
		if (ask_user(sync, id, err) != 0)
			return -1;
		asked = 1;
	}
	for (size_t i = 0; i < w->contacts.n; i++) {
		const char *id = w->contacts.items[i];

		if (is_fresh(known, "contact", id))
			continue;
		if (ask_contact(sync, id, err) != 0)
			return -1;
		asked = 1;
	}
	return asked;
}

/* The first contact found for a number stays, as with names. */
static int
add_page(json_t *names, const struct db_result *r, int row, const char *page)
{
	json_t *pages = json_object_get(names, "pages");
	const char *who =
	    db_text(r, row, db_bool(r, row, "by_number") ? "number" : "id");

	return json_object_get(pages, who) != NULL
	    ? 0
	    : json_object_set_new(pages, who, json_string(page));
}

static int
add_name(json_t *names, const struct db_result *r, int row)
{
	const char *kind = db_text(r, row, "kind");
	const char *name = db_text(r, row, "name");
	const char *number = db_text(r, row, "number");
	const char *page = db_text(r, row, "page_id");
	json_t *people = json_object_get(names, "people");

	if (page != NULL && add_page(names, r, row, page) != 0)
		return -1;
	if (db_bool(r, row, "by_number")) /* the first contact found stays */
		return name == NULL || json_object_get(people, number) != NULL
		    ? 0
		    : json_object_set_new(people, number, json_string(name));
	if (strcmp(kind, "number") == 0)
		return json_object_set_new(json_object_get(names, "numbers"),
		    db_text(r, row, "id"),
		    json_pack("{s:s*, s:s*}", "name", name, "number", number));
	if (name == NULL)
		return 0;
	return json_object_set_new(
	    json_object_get(
		names, strcmp(kind, "user") == 0 ? "users" : "contacts"),
	    db_text(r, row, "id"), json_string(name));
}

static json_t *
names_from(const struct db_result *r)
{
	json_t *names = json_pack("{s:{}, s:{}, s:{}, s:{}, s:{}}", "users",
	    "numbers", "people", "contacts", "pages");

	for (int i = 0; names != NULL && i < db_rows(r); i++)
		if (add_name(names, r, i) != 0) {
			json_decref(names);
			names = NULL;
		}
	return names;
}

int
people_names(struct sync *sync, const struct job *job, const json_t *facts,
    json_t **ret, struct err *err)
{
	struct wanted w = { 0 };
	struct db_result *r = NULL;
	int asked = -1;

	*ret = NULL;
	if (want(job, facts, &w) != 0) {
		err_nomem(err);
		goto out;
	}
	if ((r = look_up(sync, &w, err)) == NULL)
		goto out;
	asked = refresh(sync, &w, r, err);
	if (asked != 0) {
		struct err again = ERR_INIT;
		struct db_result *newer = look_up(sync, &w, &again);

		if (newer != NULL) {
			db_result_free(r);
			r = newer;
		}
	}
	if ((*ret = names_from(r)) == NULL)
		err_nomem(err);
out:
	db_result_free(r);
	wanted_clear(&w);
	return *ret == NULL || asked < 0 ? -1 : 0;
}

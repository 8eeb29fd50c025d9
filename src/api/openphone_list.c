#include "api/openphone_list.h"

#include <stdlib.h>
#include <string.h>

#include "api/rest.h"
#include "base/buf.h"
#include "base/rfc3339.h"
#include "base/uri.h"

/* Some bounds are inclusive, some exclusive, and of v1's nobody says which. */
enum { MARGIN_USEC = 1000000, PATH_MAX_BYTES = 8000 };

/* How a surface spells a list and its parameters; NULL: not to be sent. */
static const struct spelling {
	const char *list;
	bool v1;
	const char *path; /* with what is always sent */
	const char *after, *number, *since, *until, *actor;
	const char *party; /* NULL: it is `way` */
	bool repeated;	   /* each party is a parameter of its own */
} spellings[] = {
	{ "calls", false, "/calls?limit=50&include=summary,voicemail", "after",
	    "phoneNumberId", "createdAt%5Bgte%5D", "createdAt%5Blte%5D", NULL,
	    "participant%5Bin%5D", false },
	{ "messages", false, "/messages?limit=50", "after", "phoneNumberId",
	    "createdAt%5Bgt%5D", "createdAt%5Blt%5D", NULL, NULL, false },
	{ "calls", true, "/calls?maxResults=100", "pageToken", "phoneNumberId",
	    "createdAfter", "createdBefore", "userId", "participants", true },
	{ "messages", true, "/messages?maxResults=100", "pageToken",
	    "phoneNumberId", "createdAfter", "createdBefore", NULL,
	    "participants", true },
	/* activity may be much younger than the conversation */
	{ "conversations", true, "/conversations?maxResults=100", "pageToken",
	    "phoneNumbers", NULL, "createdBefore", NULL, NULL, false },
	{ "contacts", true, "/contacts?maxResults=50", "pageToken", NULL, NULL,
	    NULL, NULL, NULL, false },
	/* not paginated: no token ever comes */
	{ "numbers", true, "/phone-numbers", "pageToken", NULL, NULL, NULL,
	    NULL, NULL, false },
};

static const struct spelling *
find(const struct openphone_list *list)
{
	for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++)
		if (strcmp(spellings[i].list, list->list) == 0 &&
		    spellings[i].v1 == list->v1)
			return &spellings[i];
	return NULL;
}

bool
openphone_list_has_time(const struct openphone_list *list)
{
	const struct spelling *s = find(list);

	return s != NULL && s->until != NULL;
}

static int
add(struct buf *path, const char *name, const char *value)
{
	if (name == NULL || value == NULL || *value == '\0')
		return 0;
	return buf_addf(path,
		   "%c%s=", strchr(buf_text(path), '?') == NULL ? '?' : '&',
		   name) |
	    uri_escape(path, value, false);
}

static int
add_time(struct buf *path, const char *name, int64_t usec)
{
	char text[RFC3339_SIZE];

	rfc3339_format(usec, text);
	return add(path, name, text);
}

/* "a,b" as name=a&name=b. */
static int
add_each(struct buf *path, const char *name, const char *values)
{
	char *copy = strdup(values), *rest = copy, *one;
	int rc = copy == NULL ? -1 : 0;

	while (rc == 0 && (one = strsep(&rest, ",")) != NULL)
		rc = add(path, name, one);
	free(copy);
	return rc;
}

static int
make_path(const struct spelling *s, const struct openphone_list *list,
    const char *after, struct buf *path)
{
	const char *party = s->party != NULL ? s->party : list->way;

	return buf_adds(path, s->path) | add(path, s->number, list->number) |
	    (s->repeated ? add_each(path, party, list->party)
			 : add(path, party, list->party)) |
	    add(path, s->actor, list->actor) |
	    (s->since == NULL
		    ? 0
		    : add_time(path, s->since, list->since - MARGIN_USEC)) |
	    (s->until == NULL
		    ? 0
		    : add_time(path, s->until, list->until + MARGIN_USEC)) |
	    add(path, s->after, after);
}

int
openphone_list_take(const json_t *answer, const char *what, bool v1,
    const char *after, json_t **data, char **next, struct err *err)
{
	json_t *array = json_object_get(answer, "data");
	const char *token =
	    rest_text(answer, v1 ? "nextPageToken" : "nextCursor");
	char *copy = NULL;

	if (!json_is_array(array)) {
		err_set(err, ERR_RETRY, "openphone: %s: not a list", what);
		return -1;
	}
	if (*token != '\0' && strcmp(token, after) != 0 &&
	    json_array_size(array) > 0 && (copy = strdup(token)) == NULL) {
		err_nomem(err);
		return -1;
	}
	*data = json_incref(array);
	*next = copy;
	return 0;
}

int
openphone_list_page(const struct openphone *op,
    const struct openphone_list *list, const char *after, json_t **data,
    char **next, struct err *err)
{
	const struct spelling *s = find(list);
	/* of a user who is not on the number any more there is none */
	bool may_lack = list->actor != NULL && *list->actor != '\0';
	json_t *answer = NULL;
	struct buf path;
	int rc = -1;

	if (s == NULL) {
		err_set(
		    err, ERR_PERMANENT, "openphone: no list of %s", list->list);
		return -1;
	}
	buf_init(&path, PATH_MAX_BYTES);
	if (make_path(s, list, after, &path) != 0) {
		err_sys(err, ERR_PERMANENT, "openphone: %s: too many numbers",
		    s->list);
	} else if (openphone_ask(op, s->list, s->v1, may_lack, buf_text(&path),
		       &answer, err) != 0) {
		;
	} else if (answer == NULL) {
		*data = NULL;
		*next = NULL;
		rc = 0;
	} else {
		rc = openphone_list_take(
		    answer, s->list, s->v1, after, data, next, err);
	}
	json_decref(answer);
	buf_free(&path);
	return rc;
}

int
openphone_numbers(const struct openphone *op, json_t **ret, struct err *err)
{
	const struct openphone_list list = { .list = "numbers", .v1 = true };
	json_t *numbers = NULL;
	char *next = NULL;

	if (openphone_list_page(op, &list, "", &numbers, &next, err) != 0)
		return -1;
	free(next);
	if (numbers == NULL) {
		err_set(err, ERR_OPERATOR,
		    "openphone: there is no list of phone numbers");
		return -1;
	}
	*ret = numbers;
	return 0;
}

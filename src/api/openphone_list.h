/*
 * openphone_list.h - OpenPhone's lists, a page at a time.
 *
 * The dated API lists the calls and messages of the whole workspace, v1 only
 * those of one of our numbers with one other party (of messages: with one set
 * of parties), and calls of one user. Both begin with the newest, v1 without a
 * promise. A page's token does not live long: what is to be remembered is the
 * time of the last object, and a list that is begun again ends there.
 */
#ifndef API_OPENPHONE_LIST_H
#define API_OPENPHONE_LIST_H

#include "api/openphone.h"

/* What to list; the strings are borrowed, "" where nothing is asked for. */
struct openphone_list {
	const char *list;   /* "calls", "messages"; v1: "conversations",
			     * "contacts", "numbers" */
	bool v1;	    /* of v1, with either base */
	const char *number; /* of ours, PN…; v1's calls and messages need it */
	const char *party;  /* numbers, with commas; v1 needs it. Dated: calls
			     * with any of them, messages from or to the one */
	const char *way;    /* dated messages with a party: "from" or "to" */
	const char *actor;  /* v1's calls: of this user */
	int64_t since, until; /* created then, and before: microseconds. A
			       * second more may come at either end */
};

/* Is this list one of objects with a time, that since and until choose? */
bool openphone_list_has_time(const struct openphone_list *list);

/* One page: *data is an array (dated calls with `summary` and `voicemail`),
 * the caller's; NULL: there is no such list. *next, to be freed, is after of
 * the next one; NULL: it was the last. after: "" for the first. */
int openphone_list_page(const struct openphone *op,
    const struct openphone_list *list, const char *after, json_t **data,
    char **next, struct err *err);

/* Take the array and the token out of the answer of any of OpenPhone's lists;
 * data, next and after as above. A token on the last page has been seen: it had
 * no data, or the same token again. */
int openphone_list_take(const json_t *answer, const char *what, bool v1,
    const char *after, json_t **data, char **next, struct err *err);

/* All numbers of the workspace, with their users, as v1 has them: an array,
 * the caller's. */
int openphone_numbers(
    const struct openphone *op, json_t **ret, struct err *err);

#endif

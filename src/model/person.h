/*
 * person.h - is a call or message one person's, or does the person only take
 * part in it, and what of it is somebody else's?
 */
#ifndef MODEL_PERSON_H
#define MODEL_PERSON_H

#include <stdbool.h>

#include <jansson.h>

/* Somebody outside: arrays of strings, borrowed. */
struct person {
	const json_t *numbers;	/* E.164 */
	const json_t *contacts; /* ids of contacts */
};

enum person_share {
	PERSON_ABSENT,
	PERSON_ALONE, /* nobody else outside, or the text is the person's */
	PERSON_AMONG  /* others, too */
};

/* names: our numbers (model/names.h). spoke: the person's number is in a
 * transcript. 0, or -1: out of memory. */
int person_share(const struct person *person, const char *kind,
    const json_t *facts, const json_t *names, bool spoke,
    enum person_share *ret);

/* What may be kept of the facts: that it took place, when, how, and of whom
 * else. text: what a message says as well. NULL: out of memory. */
json_t *person_redact(
    const struct person *person, const json_t *facts, bool text);

#endif

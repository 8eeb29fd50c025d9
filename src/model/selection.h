/*
 * selection.h - whose calls and messages get pages: [sync] numbers and ignore.
 */
#ifndef MODEL_SELECTION_H
#define MODEL_SELECTION_H

#include <jansson.h>

#include "model/conf.h"

enum selection {
	SELECTION_IN,
	SELECTION_OUT,
	SELECTION_UNKNOWN /* which of our numbers it is, is not known */
};

/* Of a call or message. names: as model/names.h has it; NULL: not looked up
 * yet, then only what the facts say for certain counts. */
enum selection selection_of(const struct workspace *ws, const char *kind,
    const json_t *facts, const json_t *names);

#endif

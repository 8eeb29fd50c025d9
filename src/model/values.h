/*
 * values.h - what goes into a page's columns, as plain JSON values.
 */
#ifndef MODEL_VALUES_H
#define MODEL_VALUES_H

#include "model/draft.h"

/*
 * The value of a column by its source: ".<fact>" is the fact as it is, other
 * words are worked out (see the table in values.c). A new reference, JSON
 * null where nothing is known or the source is a stamp. NULL: out of memory.
 */
json_t *values_make(
    const struct draft *draft, const struct schema_column *column);

/* Is there a function for it (or is it a fact, or a stamp)? */
bool values_knows(const char *source);

#endif

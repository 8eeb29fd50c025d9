/*
 * messagebody.h - the body of a message's page, in sections.
 */
#ifndef MODEL_MESSAGEBODY_H
#define MODEL_MESSAGEBODY_H

#include "model/draft.h"

/* Append the sections that page.h lists. 0, or -1: out of memory. */
int messagebody_add(json_t *sections, const struct draft *draft);

#endif

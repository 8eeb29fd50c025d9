/*
 * callbody.h - the body of a call's page, in sections.
 */
#ifndef MODEL_CALLBODY_H
#define MODEL_CALLBODY_H

#include "model/draft.h"

/* Append the sections that page.h lists. 0, or -1: out of memory. */
int callbody_add(json_t *sections, const struct draft *draft);

#endif

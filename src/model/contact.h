/*
 * contact.h - a contact as the address book has it, in all its shapes.
 */
#ifndef MODEL_CONTACT_H
#define MODEL_CONTACT_H

#include <jansson.h>

#include "model/lww.h"

/* Write the facts of a contact: object of a webhook, of any generation, or of
 * either REST API. */
void contact_fold(struct lww *w, const json_t *object);

#endif

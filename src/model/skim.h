/*
 * skim.h - the part of a delivery that model/event looks at.
 *
 * To take a delivery in, only its ids, type and time have to be known: making
 * values of all the rest would take longer than all else that the intake does.
 */
#ifndef MODEL_SKIM_H
#define MODEL_SKIM_H

#include <stddef.h>

#include <jansson.h>

/*
 * What payload_load() gives for the bytes, without the members that
 * event_identify() does not read; the caller's reference.
 *
 * NULL: it takes payload_load() to tell, because the bytes are not JSON, or not
 * the plainest (escapes by number, numbers of many digits, deep nesting), or
 * because memory is out.
 */
json_t *skim_envelope(const void *bytes, size_t n);

#endif

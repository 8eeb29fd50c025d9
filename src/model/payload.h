/*
 * payload.h - the bytes of a delivery as JSON.
 */
#ifndef MODEL_PAYLOAD_H
#define MODEL_PAYLOAD_H

#include <stddef.h>

#include <jansson.h>

#include "base/err.h"

/*
 * The object that the bytes spell; the caller's reference. Of members with
 * the same name the last one counts.
 *
 * JSON may spell text that is none: escapes of half a surrogate pair, NUL,
 * bytes that are not UTF-8. PostgreSQL's jsonb and jansson refuse it. Such
 * spots become U+FFFD, and *note says what they were (static text); it is
 * NULL for the rest. The bytes themselves remain the truth.
 *
 * An array of many lines under the name "dialogue" comes as model/lines has it.
 *
 * NULL: not a JSON object, ERR_PERMANENT; the message quotes nothing of the
 * payload. Or ERR_RETRY: out of memory.
 */
json_t *payload_load(
    const void *bytes, size_t n, const char **note, struct err *err);

#endif

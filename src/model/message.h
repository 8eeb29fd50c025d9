/*
 * message.h - who a text message went between, from its folded facts alone.
 *
 * Pure questions, as call.h has them.
 */
#ifndef MODEL_MESSAGE_H
#define MODEL_MESSAGE_H

#include <stdbool.h>

#include <jansson.h>

/* The workspace's number in this message, NULL when not known. It belongs to
 * facts or names. */
const char *message_own_number(const json_t *facts, const json_t *names);

/* The other parties' numbers: the sender first where that is not us, then
 * the other recipients; a new array of strings without duplicates, perhaps
 * empty. NULL: out of memory. */
json_t *message_parties(const json_t *facts, const json_t *names);

/* Did it not get through: "failed", "undelivered" …? */
bool message_failed(const json_t *facts);

/* What the carriers say by an error code, NULL when that is not known.
 * https://www.twilio.com/docs/api/errors, 30001 to 30008. */
const char *message_error_text(const char *code);

#endif

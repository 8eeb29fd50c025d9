/*
 * names.h - who stands behind a number or an id.
 *
 * names is {"users": {id: name}, "numbers": {phone number id: {"name",
 * "number"}}, "people": {number: name}, "contacts": {id: name}, "pages":
 * {contact id or number: id of the contact's page}}; any of it may be missing.
 * What is returned belongs to names or is the argument.
 */
#ifndef MODEL_NAMES_H
#define MODEL_NAMES_H

#include <stdbool.h>

#include <jansson.h>

/* The AI agent and other actors of OpenPhone itself; they have no user. */
bool names_is_agent(const char *user);

/* The name that belongs to it, else the argument: nobody is dropped. */
const char *names_number(const json_t *names, const char *number);
const char *names_user(const json_t *names, const char *user);

/* A number, user id or phone number id, as forwardedTo may be each. */
const char *names_any(const json_t *names, const char *who);

/* NULL when not known. */
const char *names_contact(const json_t *names, const char *contact);

/* One of the workspace's own lines by its phone number id: its name, its
 * number; NULL when not known. */
const char *names_line(const json_t *names, const char *line);
const char *names_line_number(const json_t *names, const char *line);

/* The page of the contact that has this id or number; NULL: there is none. */
const char *names_page(const json_t *names, const char *who);

#endif

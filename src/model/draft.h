/*
 * draft.h - what a page's title, body and columns all need to know first.
 */
#ifndef MODEL_DRAFT_H
#define MODEL_DRAFT_H

#include <stdbool.h>

#include <jansson.h>

#include "model/page.h"

struct draft {
	const struct page_input *in;
	const json_t *facts;
	const json_t *names;
	bool call;	     /* else a message ... */
	bool contact;	     /* ... or a contact */
	const char *outcome; /* of a call, see call_outcome(); else "" */
	const char *own;     /* our number, NULL when not known */
	json_t *parties;     /* the others' numbers, strings; owned */
	const char *title;   /* the page's, once it is made; not owned */
};

/* 0, or -1: out of memory. input must live as long as the draft. */
int draft_init(struct draft *draft, const struct page_input *input);
void draft_free(struct draft *draft);

/* A fact that is text; NULL when there is none or it is empty. */
const char *draft_fact(const struct draft *draft, const char *key);

bool draft_is_incoming(const struct draft *draft);
bool draft_is_outgoing(const struct draft *draft);

/* The i-th of the other parties: the number, and the name or again the
 * number; NULL past the last. */
const char *draft_party(const struct draft *draft, size_t i);
const char *draft_party_name(const struct draft *draft, size_t i);

/* Our line: its name, else its number, else NULL. */
const char *draft_line(const struct draft *draft);

/* Who of us it was: the name of the user who answered, called or wrote; the
 * id where the name is not known; NULL when nobody is. */
const char *draft_user(const struct draft *draft);

/* The entry of input->media, NULL when there is none. */
const json_t *draft_media(const struct draft *draft, const char *path);

/* The type of a message's i-th attachment: as stored, else as received, else
 * NULL. */
const char *draft_attachment_type(const struct draft *draft, size_t i);
const json_t *draft_recording_media(
    const struct draft *draft, const json_t *recording);

/* The URL of stored media, NULL when it is not stored or has no link. */
const char *draft_stored_url(const json_t *media);

/* The id of its upload at Notion, NULL when there is none. */
const char *draft_upload(const json_t *media);

/* What stands for it in a column: its URL, as a string; with an upload
 * {"upload", "name", "url"}. "" where there was a link that is no more, null
 * otherwise. A new reference; NULL: out of memory. */
json_t *draft_file_value(const json_t *media);

#endif

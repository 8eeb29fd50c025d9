/*
 * bodypart.h - pieces that the bodies of call and message pages share.
 */
#ifndef MODEL_BODYPART_H
#define MODEL_BODYPART_H

#include "model/draft.h"
#include "model/richtext.h"

/* Append {"name", "blocks"}; nothing when there are no blocks. blocks is
 * taken over; NULL counts as out of memory. 0, or -1: out of memory. */
int bodypart_section(json_t *sections, const char *name, json_t *blocks);

/* A new array with all of rt's text as blocks of a type; rt is empty then.
 * NULL: out of memory. */
json_t *bodypart_text(const char *type, struct richtext *rt);

/* Add to a line whose parts stand apart by " · ". */
void bodypart_item(struct richtext *rt, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Begin a new line, if this one holds anything. */
void bodypart_line(struct richtext *rt);

/* "Ann Lee (+15550001111) → Main (+15550002222)" */
void bodypart_people(struct richtext *rt, const struct draft *draft);

/* "Thu 15 Jan 2026, 10:29 UTC" of createdAt, as an item. */
void bodypart_when(struct richtext *rt, const struct draft *draft);

/* A line that leads to OpenPhone, where the link is known. */
void bodypart_deep_link(struct richtext *rt, const struct draft *draft);

/* Append the block for a recording, a voicemail or an attachment: a player
 * or picture with label below it (NULL: none) when it is stored, words with
 * label when it will never be, nothing as long as it may still come. 0, or
 * -1: out of memory. */
int bodypart_media(json_t *blocks, const json_t *media, const char *mime,
    const char *label, bool show_label);

/* The same as a line of text with a link. */
void bodypart_media_line(
    struct richtext *rt, const json_t *media, const char *label);

#endif

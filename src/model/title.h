/*
 * title.h - a page's title and icon, as a person would choose them.
 */
#ifndef MODEL_TITLE_H
#define MODEL_TITLE_H

#include "model/draft.h"

/* A template is text with placeholders, "{outcome}: {who} ({line})"; {{ and
 * }} stand for a brace. What is not known of a page is left empty. */

/* The placeholders, as "{who}, {number}, ..."; static. */
const char *title_placeholders(void);

/* Where the first unknown placeholder or unbalanced brace stands; NULL: the
 * template is good. */
const char *title_fault(const char *template);

/* By the template of the draft's input, else built in (with "Deleted: " before
 * it, where that is so):
 * "Missed call from Ann Lee", "Ann Lee: first words of the text…": one line
 * of at most 200 UTF-16 units, malloc'ed. NULL: out of memory. */
char *title_make(const struct draft *draft);

/* An emoji; static. */
const char *title_icon(const struct draft *draft);

#endif

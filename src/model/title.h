/*
 * title.h - a page's title and icon, as a person would choose them.
 */
#ifndef MODEL_TITLE_H
#define MODEL_TITLE_H

#include "model/draft.h"

/* "Missed call from Ann Lee", "Ann Lee: first words of the text…": one line
 * of at most 200 UTF-16 units, malloc'ed. NULL: out of memory. */
char *title_make(const struct draft *draft);

/* An emoji; static. */
const char *title_icon(const struct draft *draft);

#endif

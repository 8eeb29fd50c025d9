/*
 * dialogue.h - a transcript as people read it.
 *
 * Consecutive lines of one speaker run
 * together, but not for ever, so that the times stay useful.
 */
#ifndef MODEL_DIALOGUE_H
#define MODEL_DIALOGUE_H

#include "base/buf.h"
#include "model/draft.h"
#include "model/richtext.h"

/* Add "Ann Lee 0:42  What she said" a line. With bold, names are bold, which
 * takes two items a line: false, and rt is of no use, when that makes more
 * than max_items. Without bold always true. */
bool dialogue_add(struct richtext *rt, const struct draft *draft, bool bold,
    size_t max_items);

/* The original project's form: "[0.4s - 2.9s] User UStest01: What was said",
 * entries apart by an empty line, until there are enough bytes. 0, or -1: out
 * of memory. */
int dialogue_plain(struct buf *buf, const json_t *facts, size_t enough);

#endif

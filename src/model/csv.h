/*
 * csv.h - comma-separated values (RFC 4180) that a spreadsheet takes for text.
 *
 * A field that begins with = + - @, a tab or a line end would be calculated;
 * it gets an apostrophe in front, which spreadsheets take for "this is text":
 * '+15550001111. One that begins with an apostrophe gets a second one, so that
 * taking one away where there is one gives back what was there.
 */
#ifndef MODEL_CSV_H
#define MODEL_CSV_H

#include "base/buf.h"

/* Another field of the row (NULL: empty), and the row's end. 0, or -1: out of
 * memory, or the buffer's ceiling. */
int csv_field(struct buf *row, const char *text);
int csv_end(struct buf *row);

#endif

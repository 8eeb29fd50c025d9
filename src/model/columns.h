/*
 * columns.h - values into the columns that a data source really has.
 *
 * People rename columns, change their types and leave some out. A value goes
 * into whatever is there, if it can be said in that type; nothing of it ever
 * makes a page fail. Limits are those of https://developers.notion.com/
 * reference/property-value-object and request-limits.
 */
#ifndef MODEL_COLUMNS_H
#define MODEL_COLUMNS_H

#include <jansson.h>

#include "base/err.h"
#include "model/schema.h"

/* Bytes of JSON that the text of all columns together may take, so that
 * there is room for blocks in the same request. */
#define COLUMNS_BYTES 200000

/*
 * Which of the data source's columns is which of ours: a new object, our
 * column name → property id. properties is what GET /v1/data_sources/{id}
 * returns under that key; ids is what this function returned before (may be
 * NULL): an id that is still there wins over the name, so that a renamed
 * column stays found. The title is found whatever it is called. Columns that
 * are not there are left out. NULL: out of memory.
 */
json_t *columns_ids(
    const struct schema *schema, const json_t *properties, const json_t *ids);

/*
 * Our columns that pages cannot be given, whatever the value: a new array of
 * strings, "Name: reason", in the schema's order. NULL: out of memory.
 */
json_t *columns_skipped(
    const struct schema *schema, const json_t *properties, const json_t *ids);

/*
 * Convert values (see struct page) to the columns' types. *ret is a new
 * object, property id → property value for POST or PATCH of a page; null
 * values are left out, which leaves the column as it is. *skipped is a new
 * array of strings, "Name: reason", for columns that could not be filled,
 * those of columns_skipped() among them.
 * 0; -1: out of memory.
 */
int columns_convert(const struct schema *schema, const json_t *properties,
    const json_t *ids, const json_t *values, json_t **ret, json_t **skipped,
    struct err *err);

#endif

/*
 * table.h - results of statements, and lists, as tables, or as JSON, by
 * libsmartcols.
 */
#ifndef CMD_TABLE_H
#define CMD_TABLE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "ext/db.h"

struct table_column {
	const char *name;  /* of the result's column */
	const char *title; /* shown above */
	bool number;	   /* to the right, and no string in JSON */
	bool wrap;	   /* the column that gives way on a narrow screen */
};

/* Print all rows of a result; columns ends with a NULL name. name: what the
 * array is called in JSON. */
int table_print(const struct db_result *result, const char *name,
    const struct table_column *columns, bool json, struct err *err);

/* The same for an array of objects whose members are strings. */
int table_print_json(const json_t *rows, const char *name,
    const struct table_column *columns, bool json, struct err *err);

#endif

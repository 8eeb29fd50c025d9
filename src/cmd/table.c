#include "cmd/table.h"

#include <stdio.h>

#include <libsmartcols.h>

static int
add_columns(
    struct libscols_table *table, const struct table_column *columns, bool json)
{
	for (; columns->name != NULL; columns++) {
		struct libscols_column *column = scols_table_new_column(table,
		    json ? columns->name : columns->title, 0,
		    (columns->number ? SCOLS_FL_RIGHT : 0) |
			(columns->wrap ? SCOLS_FL_WRAP : 0));

		if (column == NULL ||
		    scols_column_set_json_type(column,
			columns->number ? SCOLS_JSON_NUMBER
					: SCOLS_JSON_STRING) != 0)
			return -1;
	}
	return 0;
}

/* The cell of a row: NULL where there is nothing. */
typedef const char *cell_of(const void *rows, int row, const char *name);

static const char *
cell_of_result(const void *rows, int row, const char *name)
{
	return db_text(rows, row, name);
}

static const char *
cell_of_json(const void *rows, int row, const char *name)
{
	return json_string_value(
	    json_object_get(json_array_get(rows, (size_t)row), name));
}

static int
add_row(struct libscols_table *table, const struct table_column *columns,
    cell_of *cell, const void *rows, int row)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	for (size_t i = 0; columns[i].name != NULL; i++)
		if (line == NULL ||
		    scols_line_set_data(
			line, i, cell(rows, row, columns[i].name)) != 0)
			return -1;
	return 0;
}

static int
print(cell_of *cell, const void *rows, int n, const char *name,
    const struct table_column *columns, bool json, struct err *err)
{
	struct libscols_table *table = scols_new_table();
	int rc = -1;

	if (table == NULL || scols_table_set_name(table, name) != 0 ||
	    scols_table_enable_json(table, json) != 0 ||
	    add_columns(table, columns, json) != 0)
		goto out;
	for (int row = 0; row < n; row++)
		if (add_row(table, columns, cell, rows, row) != 0)
			goto out;
	rc = scols_print_table(table) == 0 || ferror(stdout) ? 0 : -1;
out:
	if (rc != 0)
		err_nomem(err);
	scols_unref_table(table);
	return rc;
}

int
table_print(const struct db_result *result, const char *name,
    const struct table_column *columns, bool json, struct err *err)
{
	return print(
	    cell_of_result, result, db_rows(result), name, columns, json, err);
}

int
table_print_json(const json_t *rows, const char *name,
    const struct table_column *columns, bool json, struct err *err)
{
	return print(cell_of_json, rows, (int)json_array_size(rows), name,
	    columns, json, err);
}

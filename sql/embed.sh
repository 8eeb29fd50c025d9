#!/bin/sh
# embed.sh queries|migrations FILE...: the SQL files as C, on standard output.
#
# queries:    const char SQL_<name>[] = "...";   one for each file
# migrations: the table that onsctl migrate walks, in the order of the files,
#             whose names begin with their number (0001_base.sql)
set -eu
kind=$1
shift

literal() { # SQL as a C string, a line a line
	sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/	"&\\n"/'
}

# Without what only people read, which is a third. Literals do not go over
# several lines: tests/integration/test_build.py.
bare() {
	sed '/^[[:blank:]]*--/d; s/^[[:blank:]]*//; /^$/d' "$1"
}

echo "/* made by sql/embed.sh: edit the .sql files instead */"
case $kind in
queries)
	echo '#include "sql/queries.h"'
	for file; do
		printf '\nconst char SQL_%s[] =\n%s;\n' \
			"$(basename "$file" .sql)" "$(bare "$file" | literal)"
	done
	;;
header)
	printf '#ifndef SQL_QUERIES_H\n#define SQL_QUERIES_H\n\n'
	for file; do
		printf 'extern const char SQL_%s[];\n' \
			"$(basename "$file" .sql)"
	done
	printf '\n#endif\n'
	;;
migrations)
	echo '#include "sql/migrations.h"'
	printf '\nconst struct migration migrations[] = {\n'
	for file; do
		name=$(basename "$file" .sql)
		number=$(echo "${name%%_*}" | sed 's/^0*//')
		printf '{ %s, "%s",\n%s },\n' \
			"$number" "${name#*_}" "$(literal <"$file")"
	done
	printf '};\n\nconst int migrations_count =\n'
	printf '    sizeof(migrations) / sizeof(*migrations);\n'
	;;
*)
	echo "embed.sh: $kind: not queries, header or migrations" >&2
	exit 64
	;;
esac

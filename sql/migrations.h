/*
 * migrations.h - the files of sql/migrations, compiled in by sql/embed.sh.
 */
#ifndef SQL_MIGRATIONS_H
#define SQL_MIGRATIONS_H

struct migration {
	int version;      /* in growing order */
	const char *name; /* "base" */
	const char *sql;  /* statements; run in one transaction */
};

extern const struct migration migrations[];
extern const int migrations_count;

#endif

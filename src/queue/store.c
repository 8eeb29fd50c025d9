#include "queue/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "sql/queries.h"

enum {
	WORKSPACE,
	KEY,
	EVENT_ID,
	TYPE,
	GENERATION,
	KIND,
	RESOURCE_ID,
	OCCURRED_AT,
	NOTE,
	HEADERS,
	BODY,
	DUE,
	COLUMNS
};

void
delivery_describe(
    struct delivery *d, const struct event *event, const char *note)
{
	d->event_id = event->id;
	d->type = event->type;
	d->kind = event->kind;
	d->resource_id = event->resource_id;
	d->generation = event->generation;
	d->occurred_at = event->occurred_at;
	d->note = event->note != NULL ? event->note : note;
	d->due = event_makes_due(event);
}

struct delivery *
delivery_copy(const struct delivery *d)
{
	const char *from[] = { d->workspace, d->key, d->event_id, d->type,
		d->kind, d->resource_id, d->note, d->headers };
	struct delivery *ret;
	size_t size = sizeof(*ret) + d->body_len;
	char *p;

	for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++)
		size += from[i] == NULL ? 0 : strlen(from[i]) + 1;
	if ((ret = malloc(size)) == NULL)
		return NULL;
	*ret = *d;
	const char **to[] = { &ret->workspace, &ret->key, &ret->event_id,
		&ret->type, &ret->kind, &ret->resource_id, &ret->note,
		&ret->headers };
	p = (char *)(ret + 1);
	for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++) {
		if (from[i] == NULL)
			continue;
		*to[i] = p;
		p = stpcpy(p, from[i]) + 1;
	}
	ret->body = memcpy(p, d->body, d->body_len);
	return ret;
}

static struct db_bytes
text(const char *s)
{
	return (struct db_bytes){ s, s == NULL ? 0 : strlen(s) };
}

int
store_deliveries(
    struct db *db, const struct delivery *deliveries, size_t n, struct err *err)
{
	static const char *const generations[] = { "0", "1", "2", "3" };
	struct db_bytes column[COLUMNS][STORE_BATCH_MAX];
	char times[STORE_BATCH_MAX][RFC3339_SIZE];

	for (size_t i = 0; i < n; i++) {
		const struct delivery *d = &deliveries[i];

		if (d->occurred_at != 0)
			rfc3339_format(d->occurred_at, times[i]);
		column[WORKSPACE][i] = text(d->workspace);
		column[KEY][i] = text(d->key);
		column[EVENT_ID][i] = text(d->event_id);
		column[TYPE][i] = text(d->type);
		column[GENERATION][i] = text(generations[d->generation & 3]);
		column[KIND][i] = text(d->kind);
		column[RESOURCE_ID][i] = text(d->resource_id);
		column[OCCURRED_AT][i] =
		    text(d->occurred_at == 0 ? NULL : times[i]);
		column[NOTE][i] = text(d->note);
		column[HEADERS][i] = text(d->headers);
		column[BODY][i] = (struct db_bytes){ d->body, d->body_len };
		column[DUE][i] = text(d->due ? "t" : NULL);
	}
	return DB_RUN(db, SQL_event_store, NULL, err,
	    DB_TEXTS(column[WORKSPACE], n), DB_TEXTS(column[KEY], n),
	    DB_TEXTS(column[EVENT_ID], n), DB_TEXTS(column[TYPE], n),
	    DB_TEXTS(column[GENERATION], n), DB_TEXTS(column[KIND], n),
	    DB_TEXTS(column[RESOURCE_ID], n), DB_TEXTS(column[OCCURRED_AT], n),
	    DB_TEXTS(column[NOTE], n), DB_TEXTS(column[HEADERS], n),
	    DB_BYTEAS(column[BODY], n), DB_TEXTS(column[DUE], n));
}

int
store_notify(struct db *db, struct err *err)
{
	return DB_RUN(db, SQL_notify, NULL, err);
}

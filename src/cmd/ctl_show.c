/*
 * onsctl show: a page as it is in Notion, readable in a terminal; and what is
 * the matter with a call or message that has none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "cmd/onsctl.h"
#include "cmd/table.h"
#include "model/terminal.h"
#include "sql/queries.h"
#include "sync/destination.h"
#include "sync/sync.h"

enum {
	DEPTH_MAX = 20, /* of blocks in blocks */
	ATTEMPTS_MAX = 100,
	WIDTH_DEFAULT = 80,
	PAGE_MAX = 64 << 20
};

static volatile sig_atomic_t never;

/* What the table page knows of it. */
struct found {
	char kind[16];
	char page[NOTION_ID_SIZE];
	char id[256];	 /* OpenPhone's */
	json_t *doubles; /* addresses of others with the same id */
};

/* ---- which page ---- */

/* Look in the table: 1 and *ret, 0: no such row, -1. */
static int
look_up(struct ctl *ctl, const char *id, struct found *ret, struct err *err)
{
	struct db_result *r = NULL;
	const char *page;
	int rc = 0;

	if (DB_RUN(ctl->db, SQL_page_find, &r, err, DB_TEXT(ctl->ws->name),
		DB_TEXT(id)) != 0)
		return -1;
	if (db_rows(r) > 0) {
		page = db_text(r, 0, "page_id");
		snprintf(
		    ret->kind, sizeof(ret->kind), "%s", db_text(r, 0, "kind"));
		snprintf(ret->page, sizeof(ret->page), "%s",
		    page == NULL ? "" : page);
		snprintf(ret->id, sizeof(ret->id), "%s",
		    db_text(r, 0, "resource_id"));
		ret->doubles = db_json(r, 0, "doubles");
		rc = 1;
	}
	db_result_free(r);
	return rc;
}

/* Of an OpenPhone id, or of a page's id or URL. */
static int
find_page(struct ctl *ctl, const char *id, struct found *ret, struct err *err)
{
	char uuid[NOTION_ID_SIZE];
	int n = look_up(ctl, id, ret, err);

	if (n == 0 && notion_id_parse(id, uuid) == 0)
		n = look_up(ctl, uuid, ret, err);
	if (n == 0)
		snprintf(ret->id, sizeof(ret->id), "%s", id);
	return n < 0 ? -1 : 0;
}

/* ---- what is the matter with it ---- */

struct history {
	struct db_result *job;	    /* one row, or none: all is done */
	struct db_result *attempts; /* that failed, the last ones */
};

static int
history_get(
    struct ctl *ctl, const char *id, struct history *ret, struct err *err)
{
	const char *workspace = ctl->ws->name;

	return DB_RUN(ctl->db, SQL_job_show, &ret->job, err, DB_TEXT(workspace),
		   DB_TEXT(id)) == 0 &&
		DB_RUN(ctl->db, SQL_attempts_list, &ret->attempts, err,
		    DB_TEXT(workspace), DB_TEXT(id), DB_INT(ATTEMPTS_MAX)) == 0
	    ? 0
	    : -1;
}

static void
history_free(struct history *history)
{
	db_result_free(history->job);
	db_result_free(history->attempts);
}

static int
history_print(const struct history *history, struct err *err)
{
	static const struct table_column columns[] = {
		{ "at", "FAILED", false, false },
		{ "attempt", "ATTEMPT", true, false },
		{ "took", "SECONDS", true, false },
		{ "host", "HOST", false, false },
		{ "error_kind", "KIND", false, false },
		{ "error", "ERROR", false, true },
		{ NULL, NULL, false, false },
	};
	const struct db_result *job = history->job;

	for (int i = 0; i < db_rows(job); i++) {
		const char *next = db_text(job, i, "run_at");
		const char *error = db_text(job, i, "last_error");
		const char *what = db_text(job, i, "what");

		printf("%s %s%s%s%s: %s, %s attempts%s%s%s%s\n",
		    db_text(job, i, "kind"), db_text(job, i, "resource_id"),
		    what == NULL ? "" : " (", what == NULL ? "" : what,
		    what == NULL ? "" : ")", db_text(job, i, "state"),
		    db_text(job, i, "attempts"),
		    next == NULL ? "" : ", the next ", next == NULL ? "" : next,
		    error == NULL ? "" : ": ", error == NULL ? "" : error);
	}
	if (db_rows(history->attempts) > 0 &&
	    table_print(history->attempts, "attempts", columns, false, err) !=
		0)
		return -1;
	if (db_rows(job) > 0 || db_rows(history->attempts) > 0)
		putchar('\n');
	return 0;
}

/* Rows as objects; what the statement says is a number stays text. */
static json_t *
rows_json(const struct db_result *r, const char *const *columns)
{
	json_t *rows = json_array();

	for (int i = 0; i < db_rows(r); i++) {
		json_t *row = json_object();

		for (const char *const *c = columns; *c != NULL; c++) {
			const char *text = db_text(r, i, *c);

			if (json_object_set_new(row, *c,
				text == NULL ? json_null()
					     : json_string(text)) != 0) {
				json_decref(row);
				row = NULL;
			}
		}
		if (json_array_append_new(rows, row) != 0) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

/* ---- reading it ---- */

static int read_blocks(const struct notion *notion, const char *parent,
    int depth, json_t **ret, struct err *err);

/* Pages and databases inside are their own. */
static bool
has_inside(const json_t *block, const char *type)
{
	return json_is_true(json_object_get(block, "has_children")) &&
	    strcmp(type, "child_page") != 0 &&
	    strcmp(type, "child_database") != 0;
}

/* Put the blocks inside this one where requests have them. */
static int
read_inside(const struct notion *notion, const json_t *block, int depth,
    struct err *err)
{
	const char *type = json_string_value(json_object_get(block, "type"));
	const char *id = json_string_value(json_object_get(block, "id"));
	json_t *inside = NULL;

	if (type == NULL || id == NULL || depth == DEPTH_MAX ||
	    !has_inside(block, type))
		return 0;
	if (read_blocks(notion, id, depth + 1, &inside, err) != 0)
		return -1;
	if (json_object_set_new(
		json_object_get(block, type), "children", inside) == 0)
		return 0;
	err_nomem(err);
	return -1;
}

static int
read_blocks(const struct notion *notion, const char *parent, int depth,
    json_t **ret, struct err *err)
{
	json_t *blocks = NULL, *block;
	size_t i;

	if (notion_children(notion, parent, &blocks, err) != 0)
		return -1;
	json_array_foreach (blocks, i, block)
		if (read_inside(notion, block, depth, err) != 0) {
			json_decref(blocks);
			return -1;
		}
	*ret = blocks;
	return 0;
}

/* ---- showing it ---- */

static struct terminal
terminal_here(void)
{
	struct terminal ret = { .width = WIDTH_DEFAULT };
	const char *no_color = getenv("NO_COLOR"); /* https://no-color.org */
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return ret;
	ret.bold = no_color == NULL || *no_color == '\0';
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		ret.width = size.ws_col;
	return ret;
}

/* page and blocks are NULL when there is no page. */
static int
print_json(const struct history *history, const json_t *page,
    const json_t *blocks, struct err *err)
{
	static const char *const job[] = { "kind", "resource_id", "what",
		"state", "attempts", "run_at", "last_error", NULL };
	static const char *const attempts[] = { "at", "attempt", "took", "host",
		"error_kind", "error", NULL };
	json_t *all = json_pack("{s:O?, s:O?, s:o, s:o}", "page", page,
	    "blocks", blocks, "jobs", rows_json(history->job, job), "attempts",
	    rows_json(history->attempts, attempts));

	return ctl_print_json(all, err);
}

static int
print_page(const struct schema *schema, const json_t *page,
    const json_t *blocks, struct err *err)
{
	const struct terminal terminal = terminal_here();
	struct buf text;
	int rc;

	buf_init(&text, PAGE_MAX);
	rc = terminal_page(&terminal, schema, page, blocks, &text);
	if (rc == 0)
		fputs(buf_text(&text), stdout);
	else
		err_nomem(err);
	buf_free(&text);
	return rc;
}

static void
print_doubles(const json_t *doubles)
{
	const json_t *url;
	size_t i;

	json_array_foreach (doubles, i, url)
		printf("\nAnother page carries this id; it may be thrown away: "
		       "%s\n",
		    json_string_value(url));
}

static int
show_page(struct ctl *ctl, struct sync *sync, const struct found *found,
    const struct history *history, struct err *err)
{
	const struct schema *schema =
	    schema_find(found->kind, destination_style(sync, found->kind));
	json_t *page = NULL, *blocks = NULL;
	int rc = -1;

	if (notion_get_page(&sync->notion, found->page, &page, err) == 0 &&
	    read_blocks(&sync->notion, found->page, 0, &blocks, err) == 0)
		rc = ctl->json ? print_json(history, page, blocks, err)
			       : print_page(schema, page, blocks, err);
	if (rc == 0 && !ctl->json)
		print_doubles(found->doubles);
	json_decref(page);
	json_decref(blocks);
	return rc;
}

static int
show(struct ctl *ctl, const struct found *found, const struct history *history,
    struct err *err)
{
	struct sync sync = { 0 };
	int rc;

	/* first of all, for Notion may be what fails */
	if (!ctl->json && history_print(history, err) != 0)
		return -1;
	if (*found->page == '\0')
		return ctl->json ? print_json(history, NULL, NULL, err) : 0;
	if (conf_require(&ctl->conf, ctl->ws, CONF_CTL_NOTION, err) != 0 ||
	    sync_init(&sync, &ctl->conf, ctl->ws, ctl->db, &never, err) != 0)
		return -1;
	rc = show_page(ctl, &sync, found, history, err);
	sync_free(&sync);
	return rc;
}

int
ctl_show(struct ctl *ctl, int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct found found = { .page = "" };
	struct history history = { 0 };
	int rc = -1;

	if (argc != 2 || argv[1][0] == '-')
		return ctl_usage(argv[0]);
	if (find_page(ctl, argv[1], &found, &err) != 0 ||
	    history_get(ctl, found.id, &history, &err) != 0)
		goto out;
	if (*found.page == '\0' && db_rows(history.job) == 0 &&
	    db_rows(history.attempts) == 0)
		err_set(&err, ERR_PERMANENT,
		    "%s: neither a page that we wrote nor a call or message "
		    "that has one (onsctl jobs lists what is to be written)",
		    argv[1]);
	else
		rc = show(ctl, &found, &history, &err);
out:
	json_decref(found.doubles);
	history_free(&history);
	return rc == 0 ? EX_OK : ctl_fail(&err);
}

#include "model/terminal.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "base/rfc3339.h"
#include "base/utf8.h"
#include "model/block.h"

enum {
	TEXT_MIN = 20, /* columns left for text, however deep it stands */
	NAME_MAX_WIDTH = 24,
	STEP = 2, /* columns that what is inside a block moves in */
	TEXT_MAX = 1 << 20
};

/* Where text goes; it is put down a word at a time. */
struct writer {
	struct buf *out;
	size_t width;
	bool escapes;
	size_t indent; /* where lines begin that folding makes */
	size_t column; /* that the line has reached */
	size_t spaces; /* before the word, unless it begins a line */
	struct buf word;
	size_t word_width;
	bool failed;
};

static void
put(struct writer *w, const char *bytes, size_t n)
{
	if (buf_add(w->out, bytes, n) != 0)
		w->failed = true;
}

static void
pad(struct writer *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put(w, " ", 1);
	w->column += n;
}

static void
line_break(struct writer *w)
{
	put(w, "\n", 1);
	w->column = 0;
	w->spaces = 0;
}

/* ---- widths ---- */

/* C0, DEL and C1: the last are two bytes in UTF-8. */
static bool
is_control(const char *s, size_t len)
{
	unsigned char c = (unsigned char)s[0];

	return len == 1 ? c < 0x20 || c >= 0x7f
			: c == 0xc2 && (unsigned char)s[1] < 0xa0;
}

/* Columns of the character at s, len bytes long. */
static size_t
char_width(const char *s, size_t len)
{
	mbstate_t state = { 0 };
	wchar_t c;
	int width;

	if (is_control(s, len))
		return 0; /* left out */
	if (len == 1 || mbrtowc(&c, s, len, &state) > len)
		return 1;
	width = wcwidth(c);
	/* newer than the C library's tables: some kind of letter */
	return width < 0 ? 1 : (size_t)width;
}

static size_t
text_width(const char *s)
{
	size_t n = strlen(s), len, width = 0;

	for (size_t i = 0; i < n; i += len) {
		if ((len = utf8_sequence(s + i, n - i)) == 0)
			len = 1;
		width += char_width(s + i, len);
	}
	return width;
}

/* ---- words ---- */

static size_t
room(const struct writer *w)
{
	return w->width > w->indent + TEXT_MIN ? w->width - w->indent
					       : TEXT_MIN;
}

static void
flush_word(struct writer *w)
{
	if (w->word.len == 0)
		return;
	if (w->column > w->indent &&
	    w->column + w->spaces + w->word_width > w->indent + room(w))
		line_break(w);
	if (w->column < w->indent)
		pad(w, w->indent - w->column);
	pad(w, w->spaces);
	put(w, buf_text(&w->word), w->word.len);
	w->column += w->word_width;
	w->spaces = 0;
	buf_reset(&w->word);
	w->word_width = 0;
}

static void
add_char(struct writer *w, const char *s, size_t len)
{
	size_t width = char_width(s, len);

	/* scripts with wide characters do without spaces */
	if (width > 1 && w->word_width + width > room(w))
		flush_word(w);
	if (buf_add(&w->word, s, len) != 0)
		w->failed = true;
	w->word_width += width;
}

static void
add_text(struct writer *w, const char *s)
{
	size_t n = strlen(s), len;

	for (size_t i = 0; i < n; i += len) {
		if ((len = utf8_sequence(s + i, n - i)) == 0) {
			len = 1;
		} else if (s[i] == '\n') {
			flush_word(w);
			line_break(w);
		} else if (s[i] == ' ' || s[i] == '\t') {
			flush_word(w);
			w->spaces++;
		} else if (!is_control(s + i, len)) {
			add_char(w, s + i, len);
		}
	}
}

static void
set_bold(struct writer *w, bool on)
{
	if (w->escapes && buf_adds(&w->word, on ? "\033[1m" : "\033[0m") != 0)
		w->failed = true;
}

static void
end_line(struct writer *w)
{
	flush_word(w);
	line_break(w);
}

/* Begin a line: what is folded of it stands under the text, not under the
 * marker. */
static void
begin_line(struct writer *w, size_t margin, const char *marker)
{
	w->indent = margin;
	if (*marker == '\0')
		return;
	pad(w, margin);
	add_text(w, marker);
	flush_word(w);
	pad(w, w->spaces);
	w->spaces = 0;
	w->indent = w->column;
}

/* ---- rich text ---- */

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

/* As answers have it, or as requests do. */
static const char *
item_text(const json_t *item)
{
	const char *text = text_of(item, "plain_text");

	return *text != '\0'
	    ? text
	    : text_of(json_object_get(item, "text"), "content");
}

static const char *
item_url(const json_t *item)
{
	const json_t *text = json_object_get(item, "text");
	const char *url = text_of(item, "href");

	return *url != '\0' ? url
			    : text_of(json_object_get(text, "link"), "url");
}

static void
add_url(struct writer *w, const char *url)
{
	add_text(w, "<");
	add_text(w, url);
	add_text(w, ">");
}

static void
add_items(struct writer *w, const json_t *items)
{
	const json_t *item;
	size_t i;

	json_array_foreach (items, i, item) {
		const char *text = item_text(item), *url = item_url(item);
		bool bold = json_is_true(json_object_get(
		    json_object_get(item, "annotations"), "bold"));

		if (bold)
			set_bold(w, true);
		add_text(w, text);
		if (bold)
			set_bold(w, false);
		if (*url != '\0' && strcmp(url, text) != 0) {
			add_text(w, " ");
			add_url(w, url);
		}
	}
}

/* ---- properties ---- */

static int value_add(struct buf *out, const json_t *value);

static int
time_add(struct buf *out, const char *text)
{
	char local[64];
	int64_t usec;

	if (rfc3339_parse(text, &usec) != 0)
		return buf_adds(out, text); /* a day */
	/* Notion keeps no seconds */
	rfc3339_local(usec, "%Y-%m-%d %H:%M %Z", local, sizeof(local));
	return buf_adds(out, local);
}

static int
number_add(struct buf *out, const json_t *value)
{
	if (json_is_integer(value))
		return buf_addf(
		    out, "%lld", (long long)json_integer_value(value));
	return buf_addf(out, "%.15g", json_real_value(value));
}

/* Options, people, files; dates; pieces of rich text; and what only says of
 * which type it is: formulas. */
static int
object_add(struct buf *out, const json_t *object)
{
	const json_t *inner = json_object_get(object, text_of(object, "type"));
	const char *name = text_of(object, "name");
	const char *start = text_of(object, "start");
	const char *end = text_of(object, "end");
	const char *url = text_of(inner, "url");

	if (*item_text(object) != '\0')
		return buf_adds(out, item_text(object));
	if (*url != '\0')
		return buf_addf(
		    out, "%s%s<%s>", name, *name == '\0' ? "" : " ", url);
	if (*name != '\0')
		return buf_adds(out, name);
	if (*start == '\0')
		return inner == NULL ? 0 : value_add(out, inner);
	if (time_add(out, start) != 0)
		return -1;
	return *end == '\0'		? 0
	    : buf_adds(out, " – ") != 0 ? -1
					: time_add(out, end);
}

static int
array_add(struct buf *out, const json_t *array)
{
	const json_t *one;
	size_t i;

	json_array_foreach (array, i, one) {
		bool piece = json_object_get(one, "text") != NULL ||
		    json_object_get(one, "plain_text") != NULL;

		if ((i > 0 && !piece && buf_adds(out, ", ") != 0) ||
		    value_add(out, one) != 0)
			return -1;
	}
	return 0;
}

/* A property's value; its shape tells more than its type. */
static int
value_add(struct buf *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return buf_adds(out, json_string_value(value));
	case JSON_INTEGER:
	case JSON_REAL:
		return number_add(out, value);
	case JSON_TRUE:
		return buf_adds(out, "yes");
	case JSON_FALSE:
		return buf_adds(out, "no");
	case JSON_ARRAY:
		return array_add(out, value);
	case JSON_OBJECT:
		return object_add(out, value);
	default:
		return 0;
	}
}

/* Put the property's text into shown, unless there is none. */
static int
show_property(json_t *shown, const char *name, const json_t *property)
{
	const char *type = text_of(property, "type");
	const json_t *value = json_object_get(property, type);
	struct buf text;
	int rc = 0;

	if (value == NULL || strcmp(type, "title") == 0 ||
	    json_object_get(shown, name) != NULL)
		return 0;
	buf_init(&text, TEXT_MAX);
	if (value_add(&text, value) != 0)
		rc = -1;
	else if (text.len > 0)
		rc = json_object_set_new(
		    shown, name, json_string(buf_text(&text)));
	buf_free(&text);
	return rc;
}

/* Name -> text of all that are to be seen, in order; NULL: out of memory. */
static json_t *
shown_properties(const struct schema *schema, const json_t *properties)
{
	json_t *shown = json_object(), *property;
	const char *name;
	int rc = 0;

	for (size_t i = 0; schema != NULL && i < schema->n && rc == 0; i++) {
		name = schema->columns[i].name;
		rc = show_property(
		    shown, name, json_object_get(properties, name));
	}
	json_object_foreach ((json_t *)(uintptr_t)properties, name, property)
		if (rc == 0)
			rc = show_property(shown, name, property);
	if (rc == 0)
		return shown;
	json_decref(shown);
	return NULL;
}

static void
write_properties(
    struct writer *w, const struct schema *schema, const json_t *properties)
{
	json_t *shown = shown_properties(schema, properties), *value;
	size_t names = 0, width;
	const char *name;

	if (shown == NULL) {
		w->failed = true;
		return;
	}
	json_object_foreach (shown, name, value)
		if ((width = text_width(name)) > names &&
		    width <= NAME_MAX_WIDTH)
			names = width;
	json_object_foreach (shown, name, value) {
		begin_line(w, 0, "");
		add_text(w, name);
		add_text(w, ":");
		flush_word(w);
		w->indent = names + 2;
		w->spaces = w->column < w->indent ? 0 : 1;
		add_text(w, json_string_value(value));
		end_line(w);
	}
	json_decref(shown);
}

/* ---- blocks ---- */

static const struct look {
	const char *type;
	const char *marker;
	bool bold;
	bool tight; /* those that follow each other stand close */
} looks[] = {
	{ "heading_1", "# ", true, false }, { "heading_2", "## ", true, false },
	{ "heading_3", "### ", true, false },
	{ "bulleted_list_item", "• ", false, true },
	{ "numbered_list_item", "", false, true },
	{ "to_do", "[ ] ", false, true }, { "toggle", "▾ ", false, true },
	{ "quote", "│ ", false, false }, { "callout", "│ ", false, false },
	{ "code", "    ", false, false }, { "audio", "♪ ", false, true },
	{ "video", "▶ ", false, true }, { "image", "▣ ", false, true },
	{ "file", "▤ ", false, true }, { "pdf", "▤ ", false, true },
	{ "bookmark", "→ ", false, true }, { "embed", "→ ", false, true },
	{ "link_preview", "→ ", false, true },
	{ "child_page", "▤ ", false, true },
	{ "child_database", "▤ ", false, true },
	{ "table_row", "", false, true },
	{ "", "", false, false }, /* all others, paragraphs too */
};

static const struct look *
find_look(const char *type)
{
	const struct look *look = looks;

	while (*look->type != '\0' && strcmp(look->type, type) != 0)
		look++;
	return look;
}

static bool
is_heading(const struct look *look)
{
	return strncmp(look->type, "heading_", 8) == 0;
}

/* What stands before the block's text; number: its place in a list. */
static void
make_marker(const struct look *look, const json_t *inner, size_t number,
    char *ret, size_t size)
{
	const char *icon = text_of(json_object_get(inner, "icon"), "emoji");

	if (json_is_true(json_object_get(inner, "is_toggleable")))
		snprintf(ret, size, "▾ ");
	else if (json_is_true(json_object_get(inner, "checked")))
		snprintf(ret, size, "[x] ");
	else if (strcmp(look->type, "numbered_list_item") == 0)
		snprintf(ret, size, "%zu. ", number);
	else if (strcmp(look->type, "callout") == 0 && *icon != '\0')
		snprintf(ret, size, "%s ", icon);
	else
		snprintf(ret, size, "%s", look->marker);
}

/* "caption <url>" of a player, picture, file or link; false: neither. */
static bool
add_media(struct writer *w, const json_t *inner)
{
	const json_t *file = json_object_get(inner, text_of(inner, "type"));
	const json_t *caption = json_object_get(inner, "caption");
	const char *url = text_of(inner, "url");
	const char *name = text_of(inner, "name");

	if (*url == '\0')
		url = text_of(file, "url");
	if (*name == '\0')
		name = text_of(inner, "title"); /* a page inside */
	if (json_array_size(caption) > 0)
		add_items(w, caption);
	else
		add_text(w, name);
	if (*url != '\0') {
		if (w->word.len > 0)
			add_text(w, " ");
		add_url(w, url);
	}
	return *url != '\0' || *name != '\0' || json_array_size(caption) > 0;
}

static void
add_cells(struct writer *w, const json_t *cells)
{
	const json_t *cell;
	size_t i;

	json_array_foreach (cells, i, cell) {
		if (i > 0)
			add_text(w, " | ");
		add_items(w, cell);
	}
}

static void
add_content(struct writer *w, const char *type, const json_t *inner)
{
	if (json_object_get(inner, "rich_text") != NULL) {
		add_items(w, json_object_get(inner, "rich_text"));
	} else if (json_object_get(inner, "cells") != NULL) {
		add_cells(w, json_object_get(inner, "cells"));
	} else if (strcmp(type, "divider") == 0) {
		for (size_t i = w->indent; i < w->width; i++)
			add_text(w, "─");
	} else if (!add_media(w, inner)) {
		add_text(w, "[");
		add_text(w, type);
		add_text(w, "]");
	}
}

static void write_blocks(struct writer *w, const json_t *blocks, size_t margin);

static void
write_block(struct writer *w, const json_t *block, size_t margin, size_t number)
{
	const char *type = text_of(block, "type");
	const json_t *inner = json_object_get(block, type);
	const struct look *look = find_look(type);
	char marker[64];

	make_marker(look, inner, number, marker, sizeof(marker));
	begin_line(w, margin, marker);
	if (look->bold)
		set_bold(w, true);
	add_content(w, type, inner);
	if (look->bold)
		set_bold(w, false);
	end_line(w);
	write_blocks(w, block_children(block), margin + STEP);
}

/* margin: column at which they begin. */
static void
write_blocks(struct writer *w, const json_t *blocks, size_t margin)
{
	const struct look *look, *before = NULL;
	const json_t *block;
	size_t i, number = 0;

	json_array_foreach (blocks, i, block) {
		look = find_look(text_of(block, "type"));
		number = look == before ? number + 1 : 1;
		if (before != NULL && !is_heading(before) &&
		    !(look == before && look->tight))
			line_break(w);
		write_block(w, block, margin, number);
		before = look;
	}
}

/* ---- the page ---- */

static void
write_title(struct writer *w, const json_t *page)
{
	const json_t *property, *title = NULL;
	const char *icon = text_of(json_object_get(page, "icon"), "emoji");
	const char *name;

	json_object_foreach (
	    json_object_get(page, "properties"), name, property)
		if (strcmp(text_of(property, "type"), "title") == 0)
			title = json_object_get(property, "title");
	begin_line(w, 0, "");
	set_bold(w, true);
	if (*icon != '\0') {
		add_text(w, icon);
		add_text(w, " ");
	}
	add_items(w, title);
	set_bold(w, false);
	if (json_is_true(json_object_get(page, "in_trash")))
		add_text(w, " (in the trash)");
	end_line(w);
	if (*text_of(page, "url") != '\0') {
		add_url(w, text_of(page, "url"));
		end_line(w);
	}
}

int
terminal_page(const struct terminal *terminal, const struct schema *schema,
    const json_t *page, const json_t *blocks, struct buf *out)
{
	struct writer w = {
		.out = out, .width = terminal->width, .escapes = terminal->bold
	};
	/* how wide a character is must not depend on the user's settings:
	 * from cron and ssh there often are none */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = (locale_t)0;

	if (utf8 != (locale_t)0)
		before = uselocale(utf8);
	buf_init(&w.word, TEXT_MAX);
	write_title(&w, page);
	write_properties(&w, schema, json_object_get(page, "properties"));
	if (json_array_size(blocks) > 0)
		line_break(&w);
	write_blocks(&w, blocks, 0);
	buf_free(&w.word);
	if (utf8 != (locale_t)0) {
		uselocale(before);
		freelocale(utf8);
	}
	return w.failed ? -1 : 0;
}

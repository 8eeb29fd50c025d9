#include "page_limits.h"

#include "model/richtext.h"

/* n copies of a piece; the caller frees it. */
static char *
repeat(const char *piece, size_t n)
{
	size_t len = strlen(piece);
	char *ret = malloc(n * len + 1);

	assert_non_null(ret);
	for (size_t i = 0; i < n; i++)
		memcpy(ret + i * len, piece, len);
	ret[n * len] = '\0';
	return ret;
}

/* Text → items within the limits, with all of the text in them. */
static json_t *
packed(const char *text)
{
	struct richtext rt;
	struct buf all;
	json_t *items;

	richtext_init(&rt);
	richtext_add(&rt, RICHTEXT_PLAIN, text);
	items = richtext_take(&rt);
	assert_non_null(items);
	buf_init(&all, 64u << 20);
	for (size_t i = 0; i < json_array_size(items); i++) {
		json_t *one = json_pack("[O]", json_array_get(items, i));

		limits_rich_text(one, &all);
		json_decref(one);
	}
	assert_string_equal(buf_text(&all), text);
	buf_free(&all);
	return items;
}

static void
any_text_is_packed_whole(void **state)
{
	static const char *const pieces[] = { "a", "word ", "line\n", "é", "漢",
		"😀", "👩‍👩‍👧 ", "e\xcc\x81", "\xcc\x81", "שלום ",
		"🇩🇪" };

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		char *text = repeat(pieces[i], 10001);

		json_decref(packed(text));
		free(text);
	}
}

static void
a_surrogate_pair_is_never_cut(void **state)
{
	char *text = repeat("x", 1999 + 4);
	json_t *items;

	(void)state;
	memcpy(text + 1999, "😀", 4);
	items = packed(text);
	assert_int_equal(json_array_size(items), 2);
	assert_int_equal(
	    json_string_length(json_object_get(
		json_object_get(json_array_get(items, 0), "text"), "content")),
	    1999);
	json_decref(items);
	free(text);
}

static void
additions_of_one_style_share_an_item(void **state)
{
	struct richtext rt;
	json_t *items, *wanted;

	(void)state;
	richtext_init(&rt);
	assert_int_equal(richtext_count(&rt), 0);
	assert_true(richtext_at_line_start(&rt));
	richtext_add(&rt, RICHTEXT_BOLD, "Ann");
	richtext_addf(&rt, RICHTEXT_BOLD, " %s", "Lee");
	richtext_add(&rt, RICHTEXT_PLAIN, "");
	richtext_add(&rt, RICHTEXT_PLAIN, NULL);
	richtext_addf(&rt, RICHTEXT_PLAIN, " 0:%02d", 7);
	assert_false(richtext_at_line_start(&rt));
	richtext_link(&rt, "https://example.com/a", "there");
	richtext_link(&rt, "javascript:x", "\n");
	assert_true(richtext_at_line_start(&rt));
	richtext_add(&rt, RICHTEXT_ITALIC | RICHTEXT_GRAY, "end");
	items = richtext_take(&rt);
	wanted = json_pack(
	    "[{s:s,s:{s:s},s:{s:b}},{s:s,s:{s:s}},{s:s,s:{s:s,s:{s:s}}},"
	    "{s:s,s:{s:s}},{s:s,s:{s:s},s:{s:b,s:s}}]",
	    "type", "text", "text", "content", "Ann Lee", "annotations", "bold",
	    1, "type", "text", "text", "content", " 0:07", "type", "text",
	    "text", "content", "there", "link", "url", "https://example.com/a",
	    "type", "text", "text", "content", "\n", "type", "text", "text",
	    "content", "end", "annotations", "italic", 1, "color", "gray");
	assert_non_null(wanted);
	assert_true(json_equal(items, wanted));
	json_decref(items);
	json_decref(wanted);
}

static void
bad_bytes_and_control_characters_do_not_get_through(void **state)
{
	struct richtext rt;
	struct buf text;
	json_t *items;

	(void)state;
	richtext_init(&rt);
	richtext_add(&rt, 0,
	    "a\xff"
	    "b\x01\r\x7f"
	    "c\td\xed\xa0\x80");
	items = richtext_take(&rt);
	buf_init(&text, 1024);
	limits_rich_text(items, &text);
	assert_string_equal(buf_text(&text), "a\uFFFDbc\td\uFFFD\uFFFD\uFFFD");
	buf_free(&text);
	json_decref(items);
}

static void
values_are_written_as_people_do(void **state)
{
	static const struct {
		const char *json, *text;
	} rows[] = {
		{ "\"Jane\"", "Jane" },
		{ "true", "yes" },
		{ "false", "no" },
		{ "12", "12" },
		{ "1.5", "1.5" },
		{ "0.1", "0.1" },
		{ "[1,\"a\"]", "[1,\"a\"]" },
		{ "null", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *value = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
		struct richtext rt;
		struct buf text;
		json_t *items;

		richtext_init(&rt);
		richtext_add_json(&rt, 0, value);
		items = richtext_take(&rt);
		buf_init(&text, 1024);
		limits_rich_text(items, &text);
		assert_string_equal(buf_text(&text), rows[i].text);
		buf_free(&text);
		json_decref(items);
		json_decref(value);
	}
}

/* All groups within the limits; their text, a newline after each. */
static char *
split_text(const json_t *items, size_t *groups)
{
	json_t *split = richtext_split(items), *group;
	struct buf text;
	char *ret;
	size_t i;

	assert_non_null(split);
	*groups = json_array_size(split);
	buf_init(&text, 64u << 20);
	json_array_foreach (split, i, group) {
		assert_true(json_array_size(group) > 0);
		limits_rich_text(group, &text);
		assert_true(json_dumpb(group, NULL, 0, JSON_COMPACT) <=
		    RICHTEXT_BYTES + 2);
		assert_int_equal(buf_adds(&text, "\n"), 0);
	}
	json_decref(split);
	ret = buf_steal(&text);
	assert_non_null(ret);
	return ret;
}

static void
arrays_are_cut_at_the_end_of_a_line(void **state)
{
	struct richtext rt;
	struct buf wanted;
	json_t *items;
	char *text;
	size_t groups;

	(void)state;
	richtext_init(&rt);
	buf_init(&wanted, 1 << 20);
	/* three items a line: 100 would end in the middle of one */
	for (int i = 0; i < 120; i++) {
		richtext_add(&rt, RICHTEXT_BOLD, "Ann");
		richtext_addf(&rt, RICHTEXT_PLAIN, " %d ", i);
		richtext_link(&rt, "https://example.com", "x");
		richtext_add(&rt, RICHTEXT_PLAIN, "\n");
		buf_addf(&wanted, "Ann %d x\n", i);
	}
	items = richtext_take(&rt);
	text = split_text(items, &groups);
	assert_string_equal(text, buf_text(&wanted));
	assert_int_equal(groups, 5);
	free(text);
	buf_free(&wanted);
	json_decref(items);
}

static void
arrays_stay_within_the_bytes_of_a_request(void **state)
{
	char *cjk = repeat("漢字", 150000), *text;
	json_t *items = packed(cjk);
	size_t groups, n = 0;

	(void)state;
	text = split_text(items, &groups);
	assert_true(groups >= 5);
	for (char *p = text, *q = text;; p++)
		if (*p != '\n' && (*q++ = *p) == '\0')
			break;
	n = strlen(text);
	assert_int_equal(n, strlen(cjk));
	assert_string_equal(text, cjk);
	free(text);
	free(cjk);
	json_decref(items);
}

static void
nothing_but_line_ends_makes_no_array(void **state)
{
	json_t *items = packed("\n\n\n");
	size_t groups;
	char *text = split_text(items, &groups);

	(void)state;
	assert_int_equal(groups, 0);
	free(text);
	json_decref(items);
}

static void
what_is_cut_off_is_said(void **state)
{
	char *text = repeat("0123456789", 30000);
	json_t *items = packed(text), *cut;
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_non_null(cut = richtext_cut(items, 1 << 20, "… (more)"));
	limits_rich_text(cut, &out);
	assert_int_equal(json_array_size(cut), 100);
	assert_string_equal(buf_text(&out) + out.len - 10, "… (more)");
	json_decref(cut);

	buf_reset(&out);
	assert_non_null(cut = richtext_cut(items, 10000, "… (more)"));
	limits_rich_text(cut, &out);
	assert_true(json_dumpb(cut, NULL, 0, JSON_COMPACT) <= 10000);
	assert_true(out.len > 5000);
	json_decref(cut);
	buf_free(&out);
	json_decref(items);

	items = packed("short");
	assert_non_null(cut = richtext_cut(items, 10000, "… (more)"));
	assert_true(json_equal(cut, items));
	json_decref(cut);
	json_decref(items);
	free(text);
}

static void
links_are_web_addresses(void **state)
{
	char *longest = repeat("x", 2001);

	(void)state;
	memcpy(longest, "https://", 8);
	assert_false(richtext_url(longest));
	longest[2000] = '\0';
	assert_true(richtext_url(longest));
	free(longest);
	assert_true(richtext_url("http://127.0.0.1:8080/r/x"));
	assert_false(richtext_url(NULL));
	assert_false(richtext_url(""));
	assert_false(richtext_url("https://"));
	assert_false(richtext_url("https:///x"));
	assert_false(richtext_url("ftp://example.com/"));
	assert_false(richtext_url("https://a b"));
	assert_false(richtext_url("https://example.com/\n"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_text_is_packed_whole),
		cmocka_unit_test(a_surrogate_pair_is_never_cut),
		cmocka_unit_test(additions_of_one_style_share_an_item),
		cmocka_unit_test(
		    bad_bytes_and_control_characters_do_not_get_through),
		cmocka_unit_test(values_are_written_as_people_do),
		cmocka_unit_test(arrays_are_cut_at_the_end_of_a_line),
		cmocka_unit_test(arrays_stay_within_the_bytes_of_a_request),
		cmocka_unit_test(nothing_but_line_ends_makes_no_array),
		cmocka_unit_test(what_is_cut_off_is_said),
		cmocka_unit_test(links_are_web_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

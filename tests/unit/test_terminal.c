#include "unit.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <time.h>

#include <jansson.h>

#include "base/utf8.h"
#include "model/terminal.h"

enum { OUT_MAX = 1 << 20 };

static json_t *
json_of(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);

	if (json == NULL)
		fail_msg("%s at %d: %s", error.text, error.position, text);
	return json;
}

/* The page's text, free() it. */
static char *
rendered(const struct terminal *terminal, const struct schema *schema,
    const json_t *page, const json_t *blocks)
{
	struct buf out;

	buf_init(&out, OUT_MAX);
	assert_int_equal(
	    terminal_page(terminal, schema, page, blocks, &out), 0);
	return buf_steal(&out);
}

/* A page of blocks without properties: what follows its title's empty line
 * and the empty line after that. */
static void
shows_blocks(size_t width, const char *blocks, const char *expected)
{
	struct terminal terminal = { .width = width };
	json_t *page = json_object(), *list = json_of(blocks);
	char *text = rendered(&terminal, NULL, page, list);

	assert_true(strncmp(text, "\n\n", 2) == 0);
	assert_string_equal(text + 2, expected);
	free(text);
	json_decref(page);
	json_decref(list);
}

static void
shows_properties(
    const struct schema *schema, const char *page, const char *expected)
{
	struct terminal terminal = { .width = 60 };
	json_t *json = json_of(page);
	char *text = rendered(&terminal, schema, json, NULL);

	assert_string_equal(text, expected);
	free(text);
	json_decref(json);
}

#define RICH(text) "[{\"type\":\"text\",\"plain_text\":\"" text "\"}]"

static void
properties_stand_in_the_schemas_order(void **state)
{
	(void)state;
	shows_properties(schema_find("call", PAGE_SCHEMA_OURS),
	    "{\"icon\":{\"type\":\"emoji\",\"emoji\":\"📞\"},"
	    "\"url\":\"https://www.notion.so/page\","
	    "\"properties\":{"
	    "\"Mine\":{\"type\":\"rich_text\",\"rich_text\":" RICH(
		"kept") "},"
			"\"Duration\":{\"type\":\"number\",\"number\":76},"
			"\"With\":{\"type\":\"rich_text\",\"rich_text\":" RICH(
			    "Jane") "},"
				    "\"Outcome\":{\"type\":\"select\","
				    "\"select\":{\"name\":\"Answered\"}},"
				    "\"Name\":{\"type\":\"title\","
				    "\"title\":" RICH("Call with Jane") "}}}",
	    "📞 Call with Jane\n"
	    "<https://www.notion.so/page>\n"
	    "Outcome:  Answered\n"
	    "With:     Jane\n"
	    "Duration: 76\n"
	    "Mine:     kept\n");
}

static void
every_type_of_property_has_a_text(void **state)
{
	(void)state;
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
	shows_properties(NULL,
	    "{\"properties\":{"
	    "\"number\":{\"type\":\"number\",\"number\":1.5},"
	    "\"yes\":{\"type\":\"checkbox\",\"checkbox\":true},"
	    "\"no\":{\"type\":\"checkbox\",\"checkbox\":false},"
	    "\"url\":{\"type\":\"url\",\"url\":\"https://a.example\"},"
	    "\"phone\":{\"type\":\"phone_number\","
	    "\"phone_number\":\"+15550001111\"},"
	    "\"many\":{\"type\":\"multi_select\",\"multi_select\":["
	    "{\"name\":\"a\"},{\"name\":\"b\"}]},"
	    "\"pieces\":{\"type\":\"rich_text\",\"rich_text\":["
	    "{\"plain_text\":\"one\"},{\"text\":{\"content\":\"two\"}}]},"
	    "\"time\":{\"type\":\"date\",\"date\":{"
	    "\"start\":\"2026-01-15T10:29:28.110-05:00\",\"end\":null}},"
	    "\"days\":{\"type\":\"date\",\"date\":{"
	    "\"start\":\"2026-01-15\",\"end\":\"2026-01-17\"}},"
	    "\"files\":{\"type\":\"files\",\"files\":[{\"name\":\"x.jpg\","
	    "\"type\":\"external\",\"external\":"
	    "{\"url\":\"https://a.example/x\"}}]},"
	    "\"sum\":{\"type\":\"formula\",\"formula\":"
	    "{\"type\":\"number\",\"number\":3}}}}",
	    "\n"
	    "number: 1.5\n"
	    "yes:    yes\n"
	    "no:     no\n"
	    "url:    https://a.example\n"
	    "phone:  +15550001111\n"
	    "many:   a, b\n"
	    "pieces: onetwo\n"
	    "time:   2026-01-15 15:29 UTC\n"
	    "days:   2026-01-15 – 2026-01-17\n"
	    "files:  x.jpg <https://a.example/x>\n"
	    "sum:    3\n");
}

static void
empty_properties_are_left_out(void **state)
{
	(void)state;
	shows_properties(NULL,
	    "{\"properties\":{"
	    "\"a\":{\"type\":\"rich_text\",\"rich_text\":[]},"
	    "\"b\":{\"type\":\"select\",\"select\":null},"
	    "\"c\":{\"type\":\"url\",\"url\":null},"
	    "\"d\":{\"type\":\"files\",\"files\":[]},"
	    "\"e\":{\"type\":\"date\",\"date\":null},"
	    "\"f\":{\"type\":\"button\",\"button\":{}},"
	    "\"g\":{}}}",
	    "\n");
}

static void
a_long_value_is_folded_under_itself(void **state)
{
	(void)state;
	shows_properties(NULL,
	    "{\"properties\":{\"Summary\":{\"type\":\"rich_text\","
	    "\"rich_text\":" RICH("Jane asked about the invoice of last week "
				  "and wants a new one.\\n\\nSoon.") "}}}",
	    "\n"
	    "Summary: Jane asked about the invoice of last week and wants\n"
	    "         a new one.\n"
	    "\n"
	    "         Soon.\n");
}

static void
each_kind_of_block_has_its_look(void **state)
{
	(void)state;
	shows_blocks(60,
	    "[{\"type\":\"heading_3\",\"heading_3\":{\"rich_text\":" RICH(
		"Next steps") "}},"
			      "{\"type\":\"to_do\",\"to_do\":{\"rich_"
			      "text\":" RICH(
				  "Call back") ",\"checked\":false}},"
					       "{\"type\":\"to_do\",\"to_do\":{"
					       "\"rich_text\":" RICH(
						   "Write") ",\"checked\":true}"
							    "},"
							    "{\"type\":"
							    "\"bulleted_list_"
							    "item\",\"bulleted_"
							    "list_item\":"
							    "{\"rich_"
							    "text\":" RICH(
								"point") "}},"
									 "{\"ty"
									 "pe\":"
									 "\"num"
									 "bered"
									 "_list"
									 "_item"
									 "\","
									 "\"num"
									 "bered"
									 "_list"
									 "_item"
									 "\":"
									 "{\"ri"
									 "ch_"
									 "text"
									 "\""
									 ":" RICH(
									     "f"
									     "i"
									     "r"
									     "s"
									     "t") "}},"
										  "{\"type\":\"numbered_list_item\",\"numbered_list_item\":"
										  "{\"rich_text\":" RICH(
										      "second") "}},"
												"{\"type\":\"callout\",\"callout\":{\"icon\":{\"emoji\":\"💡\"},"
												"\"rich_text\":" RICH(
												    "look") "}},"
													    "{\"type\":\"quote\",\"quote\":{\"rich_text\":" RICH(
														"said") "}},"
															"{\"type\":\"sort_of\",\"sort_of\":{}}]",
	    "### Next steps\n"
	    "[ ] Call back\n"
	    "[x] Write\n"
	    "\n"
	    "• point\n"
	    "\n"
	    "1. first\n"
	    "2. second\n"
	    "\n"
	    "💡 look\n"
	    "\n"
	    "│ said\n"
	    "\n"
	    "[sort_of]\n");
}

static void
a_divider_fills_the_line(void **state)
{
	(void)state;
	shows_blocks(24, "[{\"type\":\"divider\",\"divider\":{}}]",
	    "────────────────────────\n");
}

static void
players_pictures_and_files_are_links(void **state)
{
	(void)state;
	shows_blocks(60,
	    "[{\"type\":\"audio\",\"audio\":{\"type\":\"external\","
	    "\"external\":{\"url\":\"https://a.example/r/1\"},"
	    "\"caption\":" RICH(
		"Recording · 1:12") "}},"
				    "{\"type\":\"audio\",\"audio\":{\"type\":"
				    "\"external\","
				    "\"external\":{\"url\":\"https://a.example/"
				    "r/2\"}}},"
				    "{\"type\":\"image\",\"image\":{\"type\":"
				    "\"file\","
				    "\"file\":{\"url\":\"https://a.example/"
				    "i\"},\"caption\":[]}},"
				    "{\"type\":\"file\",\"file\":{\"type\":"
				    "\"external\","
				    "\"external\":{\"url\":\"https://a.example/"
				    "f\"},"
				    "\"name\":\"card.vcf\",\"caption\":[]}},"
				    "{\"type\":\"bookmark\",\"bookmark\":"
				    "{\"url\":\"https://b.example\"}}]",
	    "♪ Recording · 1:12 <https://a.example/r/1>\n"
	    "♪ <https://a.example/r/2>\n"
	    "\n"
	    "▣ <https://a.example/i>\n"
	    "\n"
	    "▤ card.vcf <https://a.example/f>\n"
	    "\n"
	    "→ <https://b.example>\n");
}

static void
what_is_in_a_toggle_moves_in(void **state)
{
	(void)state;
	shows_blocks(30,
	    "[{\"type\":\"heading_2\",\"heading_2\":{\"is_toggleable\":true,"
	    "\"rich_text\":" RICH(
		"Transcript") ",\"children\":["
			      "{\"type\":\"paragraph\",\"paragraph\":{\"rich_"
			      "text\":" RICH(
				  "Sam 0:00  Hello, this is Sam at the "
				  "shop.\\nJane 0:03  Hi.") "}}]}}]",
	    "▾ Transcript\n"
	    "  Sam 0:00  Hello, this is Sam\n"
	    "  at the shop.\n"
	    "  Jane 0:03  Hi.\n");
}

static void
a_links_target_follows_its_text(void **state)
{
	(void)state;
	shows_blocks(60,
	    "[{\"type\":\"paragraph\",\"paragraph\":{\"rich_text\":["
	    "{\"plain_text\":\"Open\",\"href\":\"https://a.example\"},"
	    "{\"plain_text\":\" or \"},"
	    "{\"plain_text\":\"https://b.example\","
	    "\"href\":\"https://b.example\"}]}}]",
	    "Open <https://a.example> or https://b.example\n");
}

static void
wide_characters_take_two_columns(void **state)
{
	(void)state;
	/* 12 columns of 10 emoji and spaces, 11 wide characters in a row */
	shows_blocks(20,
	    "[{\"type\":\"paragraph\",\"paragraph\":{\"rich_text\":" RICH(
		"📞📞📞 📞📞📞 📞📞📞") "}},"
			       "{\"type\":\"paragraph\",\"paragraph\":{\"rich_"
			       "text\":" RICH("東京東京東京東京東京東") "}}]",
	    "📞📞📞 📞📞📞 📞📞📞\n"
	    "\n"
	    "東京東京東京東京東京\n"
	    "東\n");
	shows_blocks(20,
	    "[{\"type\":\"paragraph\",\"paragraph\":{\"rich_text\":" RICH(
		"📞📞📞 📞📞📞📞 📞📞📞") "}}]",
	    "📞📞📞 📞📞📞📞\n"
	    "📞📞📞\n");
}

static void
a_url_is_never_broken(void **state)
{
	(void)state;
	shows_blocks(20,
	    "[{\"type\":\"paragraph\",\"paragraph\":{\"rich_text\":" RICH(
		"see https://a.example/a/rather/long/path there") "}}]",
	    "see\n"
	    "https://a.example/a/rather/long/path\n"
	    "there\n");
}

static void
bold_only_where_the_terminal_can(void **state)
{
	static const char blocks[] =
	    "[{\"type\":\"paragraph\",\"paragraph\":{\"rich_text\":["
	    "{\"plain_text\":\"Jane Doe\",\"annotations\":{\"bold\":true}},"
	    "{\"plain_text\":\" 0:03\"}]}}]";
	struct terminal able = { .width = 60, .bold = true };
	json_t *page = json_object(), *list = json_of(blocks);
	char *text = rendered(&able, NULL, page, list);

	(void)state;
	shows_blocks(60, blocks, "Jane Doe 0:03\n");
	assert_non_null(strstr(text, "\033[1mJane Doe\033[0m 0:03\n"));
	free(text);
	json_decref(page);
	json_decref(list);
}

static void
text_cannot_steer_the_terminal(void **state)
{
	struct terminal able = { .width = 60, .bold = true };
	json_t *page, *blocks;
	char *text;

	(void)state;
	page = json_of("{\"properties\":{\"\\u001b[2J\":{\"type\":\"url\","
		       "\"url\":\"\\u009b2J\"}}}");
	blocks = json_of("[{\"type\":\"callout\",\"callout\":"
			 "{\"icon\":{\"emoji\":\"\\u001bc\"},"
			 "\"rich_text\":" RICH("a\\u001b]0;x\\u0007b\\u007f"
					       "\\u009bc\\rd\\be") "}}]");
	text = rendered(&able, NULL, page, blocks);
	assert_string_equal(text,
	    "\033[1m\033[0m\n"
	    "[2J: 2J\n"
	    "\n"
	    "c a]0;xbcde\n");
	free(text);
	json_decref(page);
	json_decref(blocks);
}

static void
odd_json_does_no_harm(void **state)
{
	(void)state;
	shows_blocks(60,
	    "[null, 7, {}, {\"type\":3}, {\"type\":\"paragraph\"},"
	    "{\"type\":\"paragraph\",\"paragraph\":"
	    "{\"rich_text\":[null,{\"plain_text\":null}]}},"
	    "{\"type\":\"audio\",\"audio\":{\"type\":\"external\"}}]",
	    "[]\n\n[]\n\n[]\n\n[]\n\n[paragraph]\n\n\n\n♪ [audio]\n");
	shows_properties(NULL,
	    "{\"properties\":{\"a\":null,\"b\":{\"type\":\"formula\","
	    "\"formula\":{\"type\":\"formula\"}}},\"icon\":7}",
	    "\n");
}

static void
a_full_buffer_is_an_error(void **state)
{
	struct terminal terminal = { .width = 60 };
	json_t *page = json_object();
	json_t *blocks =
	    json_of("[{\"type\":\"paragraph\",\"paragraph\":"
		    "{\"rich_text\":" RICH("longer than that") "}}]");
	struct buf out;

	(void)state;
	buf_init(&out, 8);
	assert_int_equal(
	    terminal_page(&terminal, NULL, page, blocks, &out), -1);
	buf_free(&out);
	json_decref(page);
	json_decref(blocks);
}

/* ---- the pages that we write ---- */

/* Without white space, in place: folding changes nothing else. */
static char *
squeezed(char *text)
{
	char *to = text;

	for (const char *p = text; *p != '\0'; p++)
		if (!isspace((unsigned char)*p))
			*to++ = *p;
	*to = '\0';
	return text;
}

/* The blocks' own text must be in the output, in order. */
static const char *
find_texts(const char *out, const json_t *value)
{
	const char *content =
	    json_string_value(json_object_get(value, "content"));
	const json_t *one;
	const char *key;
	size_t i;

	if (content != NULL) {
		char *text = squeezed(strdup(content));
		const char *at = strstr(out, text);

		if (at == NULL)
			fail_msg("not shown: %s", content);
		out = at + strlen(text);
		free(text);
	}
	json_array_foreach (value, i, one)
		out = find_texts(out, one);
	json_object_foreach ((json_t *)(uintptr_t)value, key, one)
		out = find_texts(out, one);
	return out;
}

/* No line with a space in its text is wider than the terminal; counted
 * roughly, by code points. */
static void
check_widths(const char *text, size_t width)
{
	size_t n, points;

	for (; *text != '\0'; text += n + 1) {
		const char *words;

		n = strcspn(text, "\n");
		points = 0;
		for (size_t i = 0; i < n; i++)
			points += ((unsigned char)text[i] & 0xc0) != 0x80;
		words = text + strspn(text, " ");
		if (points > width && words < text + n &&
		    memchr(words, ' ', (size_t)(text + n - words)) != NULL)
			fail_msg("%zu columns: %.*s", points, (int)n, text);
		assert_true(n == 0 || text[n - 1] != ' ');
	}
}

static void
check_golden(const char *path)
{
	json_t *golden = json_load_file(path, 0, NULL), *section;
	json_t *page = json_object(), *blocks = json_array();
	size_t i, widths[] = { 40, 80 };

	assert_non_null(golden);
	json_array_foreach (
	    json_object_get(json_object_get(golden, "ours"), "sections"), i,
	    section)
		json_array_extend(blocks, json_object_get(section, "blocks"));
	assert_true(json_array_size(blocks) > 0);
	for (i = 0; i < COUNT(widths); i++) {
		struct terminal terminal = { .width = widths[i] };
		char *text = rendered(&terminal, NULL, page, blocks);

		assert_true(utf8_valid(text, strlen(text)));
		check_widths(text, widths[i]);
		find_texts(squeezed(text), blocks);
		free(text);
	}
	json_decref(blocks);
	json_decref(page);
	json_decref(golden);
}

static void
nothing_of_our_own_pages_is_lost(void **state)
{
	const char *golden = getenv("GOLDEN");
	char path[PATH_MAX];
	struct dirent *entry;
	size_t n = 0;
	DIR *folder;

	(void)state;
	if (golden == NULL)
		golden = "tests/golden";
	assert_non_null(folder = opendir(golden));
	while ((entry = readdir(folder)) != NULL) {
		if (strstr(entry->d_name, ".json") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", golden, entry->d_name);
		check_golden(path);
		n++;
	}
	closedir(folder);
	assert_true(n > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(properties_stand_in_the_schemas_order),
		cmocka_unit_test(every_type_of_property_has_a_text),
		cmocka_unit_test(empty_properties_are_left_out),
		cmocka_unit_test(a_long_value_is_folded_under_itself),
		cmocka_unit_test(each_kind_of_block_has_its_look),
		cmocka_unit_test(a_divider_fills_the_line),
		cmocka_unit_test(players_pictures_and_files_are_links),
		cmocka_unit_test(what_is_in_a_toggle_moves_in),
		cmocka_unit_test(a_links_target_follows_its_text),
		cmocka_unit_test(wide_characters_take_two_columns),
		cmocka_unit_test(a_url_is_never_broken),
		cmocka_unit_test(bold_only_where_the_terminal_can),
		cmocka_unit_test(text_cannot_steer_the_terminal),
		cmocka_unit_test(odd_json_does_no_harm),
		cmocka_unit_test(a_full_buffer_is_an_error),
		cmocka_unit_test(nothing_of_our_own_pages_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

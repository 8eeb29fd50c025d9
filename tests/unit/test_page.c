#include "page_limits.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>

#include "model/page.h"
#include "model/title.h"

/*
 * Golden pages: tests/golden/<name>.json holds "input" (what page_render()
 * gets), the zone "tz", and what must come of it, "ours", "original" and
 * "few". GOLDEN_UPDATE=1 writes what comes of it now; read the difference.
 */
static const char *
golden_dir(void)
{
	const char *dir = getenv("GOLDEN");

	return dir != NULL ? dir : "tests/golden";
}

static void
zone(const char *tz)
{
	assert_int_equal(setenv("TZ", tz, 1), 0);
	tzset();
}

static const char *template; /* of titles; NULL: built in */
static bool deleted;	     /* OpenPhone has it no longer */

static struct page
render(const json_t *input, enum page_schema schema, bool few)
{
	struct page_input in = {
		.kind = json_string_value(json_object_get(input, "kind")),
		.facts = json_object_get(input, "facts"),
		.names = json_object_get(input, "names"),
		.media = json_object_get(input, "media"),
		.schema = schema,
		.title = template,
		.few_blocks = few,
		.deleted = deleted,
	};
	struct page page = { 0 };
	struct err err = ERR_INIT;

	if (page_render(&in, &page, &err) != 0)
		fail_msg("%s", err.text);
	return page;
}

/* All blocks of a page in order, as a new array. */
static json_t *
all_blocks(const struct page *page)
{
	json_t *ret = json_array(), *section;
	size_t i;

	json_array_foreach (page->sections, i, section)
		assert_int_equal(
		    json_array_extend(ret, json_object_get(section, "blocks")),
		    0);
	return ret;
}

static size_t
count_blocks(const json_t *blocks)
{
	json_t *block;
	size_t i, n = 0;

	json_array_foreach (blocks, i, block)
		n += limits_block(block, 0, NULL);
	return n;
}

static json_t *
page_json(const struct page *page, bool body)
{
	json_t *ret = json_pack("{s:s, s:s, s:O}", "title", page->title, "icon",
	    page->icon, "values", page->values);

	assert_non_null(ret);
	if (body)
		json_object_set(ret, "sections", page->sections);
	return ret;
}

static void
compare(json_t *golden, const char *file, const char *key, json_t *page)
{
	json_t *wanted = json_object_get(golden, key);

	if (getenv("GOLDEN_UPDATE") != NULL) {
		json_object_set(golden, key, page);
	} else if (!json_equal(wanted, page)) {
		char *text = json_dumps(page, JSON_INDENT(2));

		print_error("%s, %s, is now:\n%s\n", file, key, text);
		free(text);
		fail();
	}
	json_decref(page);
}

static void
check_golden(const char *file)
{
	char path[4096];
	json_error_t error;
	json_t *golden, *input, *blocks;
	struct page page;

	snprintf(path, sizeof(path), "%s/%s", golden_dir(), file);
	if ((golden = json_load_file(path, 0, &error)) == NULL)
		fail_msg("%s: %s", path, error.text);
	input = json_object_get(golden, "input");
	zone(json_string_value(json_object_get(golden, "tz")));

	page = render(input, PAGE_SCHEMA_OURS, false);
	blocks = all_blocks(&page);
	limits_request(blocks, PAGE_REQUEST_BYTES);
	if (strstr(file, "segments") == NULL) /* five players alone */
		assert_true(count_blocks(blocks) <= 12);
	json_decref(blocks);
	compare(golden, file, "ours", page_json(&page, true));
	page_free(&page);

	page = render(input, PAGE_SCHEMA_ORIGINAL, false);
	compare(golden, file, "original", page_json(&page, false));
	page_free(&page);

	page = render(input, PAGE_SCHEMA_OURS, true);
	blocks = all_blocks(&page);
	limits_request(blocks, PAGE_REQUEST_BYTES);
	assert_true(count_blocks(blocks) <= 4);
	json_decref(blocks);
	compare(
	    golden, file, "few", json_pack("{s:O}", "sections", page.sections));
	page_free(&page);

	if (getenv("GOLDEN_UPDATE") != NULL)
		assert_int_equal(
		    json_dump_file(golden, path, JSON_INDENT(2)), 0);
	json_decref(golden);
}

static void
golden_pages_are_as_they_were(void **state)
{
	DIR *dir = opendir(golden_dir());
	struct dirent *entry;
	int n = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		if (strstr(entry->d_name, ".json") != NULL) {
			check_golden(entry->d_name);
			n++;
		}
	closedir(dir);
	assert_true(n >= 16);
}

static void
a_page_is_the_same_each_time(void **state)
{
	char path[4096];
	json_t *golden, *a, *b;
	struct page page;

	(void)state;
	snprintf(path, sizeof(path), "%s/call-answered.json", golden_dir());
	assert_non_null(golden = json_load_file(path, 0, NULL));
	page = render(
	    json_object_get(golden, "input"), PAGE_SCHEMA_ORIGINAL, false);
	a = page_json(&page, true);
	page_free(&page);
	page = render(
	    json_object_get(golden, "input"), PAGE_SCHEMA_ORIGINAL, false);
	b = page_json(&page, true);
	page_free(&page);
	assert_true(json_equal(a, b));
	json_decref(a);
	json_decref(b);
	json_decref(golden);
}

static void
other_kinds_are_refused(void **state)
{
	struct page_input in = { .kind = "task" };
	struct page page = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(page_render(&in, &page, &err), -1);
	assert_int_equal(err.kind, ERR_PERMANENT);
	assert_null(page.title);
}

static json_t *
parse(const char *text)
{
	json_t *ret = json_loads(text, 0, NULL);

	assert_non_null(ret);
	return ret;
}

static void
is_title(const char *kind, const char *facts, const char *wanted)
{
	static const char names[] =
	    "{\"people\":{\"+15550001111\":\"Ann Lee\",\"+15550003333\":"
	    "\"Bob\"},\"numbers\":{\"PNtest01\":{\"name\":\"Main\","
	    "\"number\":\"+15550002222\"}}}";
	json_t *input = json_pack("{s:s, s:o, s:o}", "kind", kind, "facts",
	    parse(facts), "names", parse(names));
	struct page page = render(input, PAGE_SCHEMA_OURS, false);

	assert_string_equal(page.title, wanted);
	assert_true(utf8_units(page.title, strlen(page.title)) <= 200);
	page_free(&page);
	json_decref(input);
}

#define IN "\"direction\":\"incoming\",\"phoneNumberId\":\"PNtest01\""
#define OUT "\"direction\":\"outgoing\",\"phoneNumberId\":\"PNtest01\""
#define FROM_ANN "\"from\":\"+15550001111\",\"to\":[\"+15550002222\"]"

static void
titles_are_what_people_would_write(void **state)
{
	static const struct {
		const char *kind, *facts, *title;
	} rows[] = {
		{ "message", "{" IN "," FROM_ANN ",\"text\":\"Hi\"}",
		    "Ann Lee: Hi" },
		{ "message", "{" IN "," FROM_ANN ",\"text\":\" a\\n\\n b\\t\"}",
		    "Ann Lee: a b" },
		{ "message", "{" IN "," FROM_ANN "}", "Message from Ann Lee" },
		{ "message", "{" IN "," FROM_ANN ",\"text\":\" \\n\"}",
		    "Message from Ann Lee" },
		{ "message",
		    "{" IN "," FROM_ANN ",\"media\":[{\"url\":\"u\",\"type\":"
		    "\"image/png\"},{\"url\":\"v\",\"type\":\"image/gif\"}]}",
		    "Ann Lee: 2 images" },
		{ "message",
		    "{" IN "," FROM_ANN ",\"media\":[{\"url\":\"u\",\"type\":"
		    "\"image/png\"},{\"url\":\"v\"}]}",
		    "Ann Lee: 2 files" },
		{ "message",
		    "{" IN "," FROM_ANN
		    ",\"media\":[{\"url\":\"u\",\"type\":\"audio/amr\"}]}",
		    "Ann Lee: 1 audio file" },
		{ "message",
		    "{" OUT
		    ",\"from\":\"+15550002222\",\"to\":[\"+15550003333\"],"
		    "\"status\":\"undelivered\",\"text\":\"Hi\"}",
		    "Message to Bob (not delivered): Hi" },
		{ "message",
		    "{" IN ",\"from\":\"+15550001111\",\"to\":[\"+15550002222\""
		    ",\"+15550003333\",\"+15550004444\",\"+15550005555\"],"
		    "\"text\":\"Hi all\"}",
		    "Ann Lee, Bob and 2 others: Hi all" },
		{ "message",
		    "{" IN ",\"from\":\"+15550001111\",\"to\":[\"+15550002222\""
		    ",\"+15550003333\"],\"text\":\"Hi\"}",
		    "Ann Lee and Bob: Hi" },
		{ "message",
		    "{" IN "," FROM_ANN
		    ",\"text\":\"one two three four five six seven eight nine "
		    "ten eleven twelve thirteen\"}",
		    "Ann Lee: one two three four five six seven eight nine ten "
		    "eleven…" },
		{ "message", "{}", "Message from an unknown number" },
		{ "call",
		    "{" IN ",\"external\":[\"+15550001111\","
		    "\"+15550003333\",\"+15550004444\"]}",
		    "Call with Ann Lee, Bob and +15550004444" },
		{ "call", "{\"id\":\"ACtest1\"}",
		    "Call with an unknown number" },
		{ "call",
		    "{" IN ",\"external\":[\"Anonymous\"],\"missed\":true,"
		    "\"status\":\"missed\","
		    "\"completedAt\":\"2026-01-01T00:00:00Z\"}",
		    "Missed call from a hidden number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		is_title(rows[i].kind, rows[i].facts, rows[i].title);
}

#define TALK                                       \
	"\"createdAt\":\"2026-01-02T03:04:05Z\","  \
	"\"answeredAt\":\"2026-01-02T03:04:10Z\"," \
	"\"completedAt\":\"2026-01-02T03:05:22Z\""

static void
templates_make_titles(void **state)
{
	static const char call[] =
	    "{\"id\":\"ACtest1\"," IN
	    ",\"external\":[\"+15550001111\",\"+15550003333\"],"
	    "\"userId\":\"Sam\"," TALK
	    ",\"summary\":{\"summary\":[\"They met.\"]}}";
	static const char message[] =
	    "{\"id\":\"ACtest2\"," IN "," FROM_ANN ",\"status\":\"received\","
	    "\"text\":\"Hi\\n you\"}";
	static const struct {
		const char *kind, *facts, *template, *title;
	} rows[] = {
		{ "call", call, "{outcome}: {who}",
		    "Answered: Ann Lee and Bob" },
		{ "call", call, "{direction} {number} {line}",
		    "incoming +15550001111, +15550003333 Main" },
		{ "call", call, "{date} {time}/{duration} {user} {id}",
		    "2026-01-02 05:04/1:12 Sam ACtest1" },
		{ "call", call, "{text}", "They met." },
		{ "call", call, "{title} #1", "Call with Ann Lee and Bob #1" },
		{ "call", call, " {{{id}}} \t }}{{ ", "{ACtest1} }{" },
		{ "call", call, "no braces", "no braces" },
		{ "message", message, "{outcome} {who}: {text}",
		    "received Ann Lee: Hi you" },
		/* what leaves nothing is no title */
		{ "message", message, " {duration} ", "Ann Lee: Hi you" },
		/* never from a configuration; here no reason to fail */
		{ "message", message, "{whom}", "Ann Lee: Hi you" },
	};
	char text[10001], wanted[256];

	(void)state;
	zone("EET-2");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		template = rows[i].template;
		is_title(rows[i].kind, rows[i].facts, rows[i].title);
	}
	memset(text, 'x', 10000);
	text[10000] = '\0';
	snprintf(wanted, sizeof(wanted), "%.199s…", text);
	template = text;
	is_title("call", call, wanted);
	template = NULL;
}

static void
what_was_deleted_is_marked(void **state)
{
	static const char call[] = "{" IN "," FROM_ANN ",\"id\":\"ACtest01\"}";
	json_t *input =
	    json_pack("{s:s, s:o}", "kind", "call", "facts", parse(call));
	char text[10001], wanted[1024];
	struct page page;

	(void)state;
	deleted = true;
	is_title("call", call, "Deleted: Call with Ann Lee");
	memset(text, 'x', 10000);
	text[10000] = '\0';
	snprintf(wanted, sizeof(wanted), "Deleted: %.190s…", text);
	template = text;
	is_title("call", call, wanted);
	template = NULL;
	/* there the title is the id */
	page = render(input, PAGE_SCHEMA_ORIGINAL, false);
	assert_string_equal(page.title, "ACtest01");
	assert_string_equal(page.icon, "🗑️");
	deleted = false;
	page_free(&page);
	json_decref(input);
}

static void
faults_of_templates_are_found(void **state)
{
	static const struct {
		const char *template, *fault;
	} rows[] = {
		{ "", NULL },
		{ "{who} {{x}}", NULL },
		{ "a {whom} b", "{whom} b" },
		{ "a {} b", "{} b" },
		{ "a {who", "{who" },
		{ "a {who {id}", "{who {id}" },
		{ "{Who}", "{Who}" },
		{ "{ who }", "{ who }" },
		{ "a } b", "} b" },
		{ "{{{who}}", "}" },
		{ "{{{{{", "{" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *fault = title_fault(rows[i].template);

		if (rows[i].fault == NULL)
			assert_null(fault);
		else
			assert_string_equal(fault, rows[i].fault);
	}
	/* the list that people are shown is the list that is known */
	assert_null(title_fault(title_placeholders()));
}

static void
is_contact(const char *facts, const char *title, const char *phone)
{
	json_t *input =
	    json_pack("{s:s, s:o}", "kind", "contact", "facts", parse(facts));
	struct page page = render(input, PAGE_SCHEMA_OURS, false);
	const char *got =
	    json_string_value(json_object_get(page.values, "Phone"));

	assert_string_equal(page.title, title);
	assert_string_equal(page.icon, "👤");
	assert_int_equal(json_array_size(page.sections), 0);
	if (phone == NULL)
		assert_null(got);
	else
		assert_string_equal(got, phone);
	page_free(&page);
	json_decref(input);
}

static void
contacts_are_columns_only(void **state)
{
	struct page_input in = { .kind = "contact",
		.schema = PAGE_SCHEMA_ORIGINAL };
	struct page page;
	struct err err = ERR_INIT;

	(void)state;
	is_contact("{\"firstName\":\"Ann\",\"lastName\":\"Lee\","
		   "\"company\":\"Acme\",\"phoneNumbers\":["
		   "\"+15550001111\",\"+15550003333\"]}",
	    "Ann Lee", "+15550001111");
	is_contact("{\"lastName\":\"Lee\"}", "Lee", NULL);
	is_contact("{\"company\":\"Acme\"}", "Acme", NULL);
	is_contact("{\"phoneNumbers\":[\"+15550001111\"]}", "+15550001111",
	    "+15550001111");
	is_contact("{\"emails\":[\"a@example.com\"]}", "a@example.com", NULL);
	is_contact("{}", "A contact", NULL);
	/* the original had none */
	assert_int_equal(page_render(&in, &page, &err), -1);
}

/* Whom OpenPhone matched, and who has the number; each page once. */
static void
pages_of_contacts_are_linked(void **state)
{
	json_t *input = json_pack("{s:s, s:o, s:{s:{s:s, s:s, s:s}}}", "kind",
	    "message", "facts",
	    parse("{" IN "," FROM_ANN ",\"contactIds\":[\"CT1\",\"CT3\","
		  "\"CT2\"]}"),
	    "names", "pages", "CT1", "page 1", "CT2", "page 2", "+15550001111",
	    "page 1");
	json_t *wanted = parse("[\"page 1\",\"page 2\"]");
	struct page page = render(input, PAGE_SCHEMA_OURS, false);

	(void)state;
	assert_true(
	    json_equal(json_object_get(page.values, "Contact page"), wanted));
	page_free(&page);
	json_decref(wanted);
	json_decref(input);
}

static void
long_names_leave_room_for_the_rest(void **state)
{
	char name[10001], *title;
	json_t *input = json_pack("{s:s, s:o, s:{s:{s:s}}}", "kind", "message",
	    "facts", parse("{" IN "," FROM_ANN ",\"text\":\"Hi\"}"), "names",
	    "people", "+15550001111", "x");
	struct page page;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	json_object_set_new(
	    json_object_get(json_object_get(input, "names"), "people"),
	    "+15550001111", json_string(name));
	page = render(input, PAGE_SCHEMA_OURS, false);
	title = page.title;
	assert_true(strlen(title) < 60);
	assert_string_equal(strstr(title, "…"), "…: Hi");
	page_free(&page);
	json_decref(input);
}

/* ---- long and nasty text ---- */

/* Text without white space: that may change where lines are packed. */
static char *
dense(const char *text)
{
	char *ret = malloc(strlen(text) + 1), *q = ret;

	assert_non_null(ret);
	for (const char *p = text; *p != '\0'; p++)
		if (*p != ' ' && *p != '\n' && *p != '\t')
			*q++ = *p;
	*q = '\0';
	return ret;
}

/* Do what the steps say, as a writer would; each within the limits. */
static json_t *
carry_out(const json_t *steps, size_t first_bytes)
{
	json_t *page = json_array(), *step, *block, *to;
	size_t i, k;

	json_array_foreach (steps, i, step) {
		json_t *blocks = json_object_get(step, "blocks");
		json_int_t parent =
		    json_integer_value(json_object_get(step, "parent"));

		limits_request(
		    blocks, i == 0 ? first_bytes : PAGE_REQUEST_BYTES);
		assert_true(i == 0 || json_array_size(blocks) > 0);
		assert_true(i > 0 || parent == -1);
		to = page;
		if (parent >= 0) {
			block = json_array_get(page, (size_t)parent);
			assert_non_null(block);
			block = json_object_get(block,
			    json_string_value(json_object_get(block, "type")));
			to = json_object_get(block, "children");
			if (to == NULL)
				json_object_set_new(
				    block, "children", to = json_array());
		}
		json_array_foreach (blocks, k, block)
			json_array_append_new(to, json_deep_copy(block));
	}
	return page;
}

/* Cutting loses and moves nothing, whatever room the first request has. */
static void
check_chunks(const json_t *blocks)
{
	static const size_t rooms[] = { PAGE_REQUEST_BYTES, 200000, 1000, 0 };

	for (size_t i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
		json_t *steps = page_chunk(blocks, rooms[i]), *page;

		assert_non_null(steps);
		page = carry_out(steps, rooms[i] > 2 ? rooms[i] : 2);
		assert_true(json_equal(page, blocks));
		json_decref(page);
		json_decref(steps);
	}
}

/* The text of a page holds all of text, in order. */
static void
check_text(const json_t *blocks, const char *text)
{
	struct buf all;
	char *have, *want = dense(text);
	json_t *block;
	size_t i;

	buf_init(&all, 64u << 20);
	json_array_foreach (blocks, i, block)
		limits_block(block, 0, &all);
	have = dense(buf_text(&all));
	assert_non_null(strstr(have, want));
	free(have);
	free(want);
	buf_free(&all);
}

static char *
repeat(const char *piece, size_t n)
{
	struct buf buf;

	buf_init(&buf, 64u << 20);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_adds(&buf, piece), 0);
	return buf_steal(&buf);
}

static void
long_messages_arrive_whole(void **state)
{
	static const struct {
		const char *piece;
		size_t n;
	} rows[] = {
		{ "x", 10000 },		/* one word */
		{ "😀", 5000 },		/* a pair at each cut */
		{ "e\xcc\x81", 5000 },	/* marks that belong to letters */
		{ "שלום עולם ", 3000 }, /* right to left */
		{ "👩‍👩‍👧‍👦", 2000 }, /* joined */
		{ "漢字", 200000 },		       /* 1.2 MB */
		{ "\\\"", 200000 }, /* twice as long in JSON */
		{ "a line of text\n", 30000 },
		{ "\n", 100 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (int few = 0; few < 2; few++) {
			char *text = repeat(rows[i].piece, rows[i].n);
			json_t *input =
			    json_pack("{s:s, s:{s:s, s:s}}", "kind", "message",
				"facts", "from", "+15550001111", "text", text);
			struct page page =
			    render(input, PAGE_SCHEMA_OURS, few != 0);
			json_t *blocks = all_blocks(&page);

			check_text(blocks, text);
			check_chunks(blocks);
			json_decref(blocks);
			page_free(&page);
			json_decref(input);
			free(text);
		}
}

/* A call whose two parties take turns, n lines with a text each. */
static json_t *
talk(size_t n, const char *text)
{
	json_t *dialogue = json_array();
	char line[1024];

	for (size_t i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "%zu %s", i, text);
		json_array_append_new(dialogue,
		    json_pack("{s:s, s:f, s:f, s:s}", "content", line, "start",
			(double)i * 0.7, "end", (double)i * 0.7 + 0.5,
			"identifier",
			i % 2 == 0 ? "+15550001111" : "+15550002222"));
	}
	return json_pack("{s:s, s:{s:s, s:s, s:s, s:s, s:{s:{s:s, s:o}}}}",
	    "kind", "call", "facts", "id", "ACtest1", "direction", "incoming",
	    "from", "+15550001111", "to", "+15550002222", "transcripts", "call",
	    "status", "completed", "dialogue", dialogue);
}

/* Every line is there, in order: "17 text" after "16 text". */
static void
check_lines(const json_t *blocks, size_t n, const char *text)
{
	struct buf all;
	char line[1024];
	const char *at;
	json_t *block;
	size_t i;

	buf_init(&all, 64u << 20);
	json_array_foreach (blocks, i, block)
		limits_block(block, 0, &all);
	at = buf_text(&all);
	for (i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "  %zu %s", i, text);
		/* not strstr(), which sanitizers make read all of it */
		while (*at != '\0' && strncmp(at, line, strlen(line)) != 0)
			at++;
		if (*at == '\0')
			fail_msg("line %zu is not there", i);
		at += strlen(line);
	}
	buf_free(&all);
}

static void
a_transcript_of_20000_lines_arrives_whole_in_few_blocks(void **state)
{
	static const char text[] =
	    "und so weiter, und so fort… 😀 until the day is over";

	(void)state;
	for (int few = 0; few < 2; few++) {
		json_t *input = talk(20000, text), *blocks;
		struct page page = render(input, PAGE_SCHEMA_OURS, few != 0);

		blocks = all_blocks(&page);
		check_lines(blocks, 20000, text);
		check_chunks(blocks);
		assert_true(count_blocks(blocks) < 20);
		json_decref(blocks);
		page_free(&page);
		json_decref(input);
	}
}

static void
names_are_bold_while_there_is_room(void **state)
{
	static const struct {
		size_t lines, blocks;
		bool few, bold;
	} rows[] = {
		{ 10, 3, false, true },
		{ 150, 5, false, true },
		{ 151, 3, false, false },
		{ 40, 2, true, true },
		{ 60, 2, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *input = talk(rows[i].lines, "words"), *blocks;
		struct page page = render(input, PAGE_SCHEMA_OURS, rows[i].few);
		char *text;

		blocks = all_blocks(&page);
		check_lines(blocks, rows[i].lines, "words");
		assert_int_equal(count_blocks(blocks), rows[i].blocks);
		text = json_dumps(
		    json_array_get(blocks, json_array_size(blocks) - 1), 0);
		/* "Transcript" itself is bold where blocks are few */
		assert_int_equal(
		    strstr(text, "\"+15550001111\"") != NULL, rows[i].bold);
		free(text);
		json_decref(blocks);
		page_free(&page);
		json_decref(input);
	}
}

static void
a_toggle_too_long_for_a_request_is_filled_by_later_ones(void **state)
{
	json_t *blocks = json_array(), *children = json_array(), *steps;

	(void)state;
	for (int i = 0; i < 2500; i++)
		json_array_append_new(children,
		    json_pack("{s:s, s:{s:[{s:s, s:{s:s}}]}}", "type",
			"paragraph", "paragraph", "rich_text", "type", "text",
			"text", "content", "a paragraph in it"));
	for (int i = 0; i < 250; i++)
		json_array_append(blocks, json_array_get(children, 0));
	json_array_insert_new(blocks, 120,
	    json_pack("{s:s, s:{s:[{s:s, s:{s:s}}], s:b, s:o}}", "type",
		"heading_2", "heading_2", "rich_text", "type", "text", "text",
		"content", "Transcript", "is_toggleable", 1, "children",
		children));
	check_chunks(blocks);
	steps = page_chunk(blocks, PAGE_REQUEST_BYTES);
	assert_int_equal(json_array_size(steps), 3 + 24);
	/* the toggle is block 120, written by the second step */
	assert_int_equal(json_integer_value(json_object_get(
			     json_array_get(steps, 2), "parent")),
	    120);
	json_decref(steps);
	json_decref(blocks);

	blocks = json_array();
	steps = page_chunk(blocks, PAGE_REQUEST_BYTES);
	assert_int_equal(json_array_size(steps), 0);
	json_decref(steps);
	json_decref(blocks);
}

/* ---- memory ---- */

static size_t allocations, allowed;

static void *
counted_malloc(size_t n)
{
	return allocations++ < allowed ? malloc(n) : NULL;
}

/* Render and cut, with so many allocations of jansson's; true: it worked. */
static bool
render_within(const json_t *input, enum page_schema schema, bool few)
{
	struct page_input in = {
		.kind = json_string_value(json_object_get(input, "kind")),
		.facts = json_object_get(input, "facts"),
		.names = json_object_get(input, "names"),
		.media = json_object_get(input, "media"),
		.schema = schema,
		.few_blocks = few,
	};
	struct page page = { 0 };
	struct err err = ERR_INIT;
	json_t *steps;
	bool cut;

	if (page_render(&in, &page, &err) != 0) {
		assert_int_equal(err.kind, ERR_RETRY);
		assert_null(page.title);
		return false;
	}
	steps =
	    page_chunk(json_object_get(json_array_get(page.sections,
					   json_array_size(page.sections) - 1),
			   "blocks"),
		500);
	cut = steps != NULL;
	json_decref(steps);
	page_free(&page);
	return cut;
}

static void
running_out_of_memory_is_an_error_and_loses_nothing(void **state)
{
	static const char *const files[] = { "call-answered", "call-ai",
		"message-mms-text" };
	char path[4096];

	(void)state;
	for (int i = 0; i < 9; i++) {
		json_t *golden, *input;
		bool done = false;

		snprintf(path, sizeof(path), "%s/%s.json", golden_dir(),
		    files[i % 3]);
		assert_non_null(golden = json_load_file(path, 0, NULL));
		input = json_object_get(golden, "input");
		json_set_alloc_funcs(counted_malloc, free);
		for (allowed = 0; !done && allowed < 100000; allowed++) {
			allocations = 0;
			done = render_within(input,
			    i / 3 == 1 ? PAGE_SCHEMA_ORIGINAL
				       : PAGE_SCHEMA_OURS,
			    i / 3 == 2);
			/* all that it asked for, it needed */
			assert_int_equal(done, allocations <= allowed);
		}
		json_set_alloc_funcs(malloc, free);
		assert_true(done);
		assert_true(allowed > 100);
		json_decref(golden);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_pages_are_as_they_were),
		cmocka_unit_test(a_page_is_the_same_each_time),
		cmocka_unit_test(other_kinds_are_refused),
		cmocka_unit_test(titles_are_what_people_would_write),
		cmocka_unit_test(templates_make_titles),
		cmocka_unit_test(what_was_deleted_is_marked),
		cmocka_unit_test(faults_of_templates_are_found),
		cmocka_unit_test(contacts_are_columns_only),
		cmocka_unit_test(pages_of_contacts_are_linked),
		cmocka_unit_test(long_names_leave_room_for_the_rest),
		cmocka_unit_test(long_messages_arrive_whole),
		cmocka_unit_test(
		    a_transcript_of_20000_lines_arrives_whole_in_few_blocks),
		cmocka_unit_test(names_are_bold_while_there_is_room),
		cmocka_unit_test(
		    a_toggle_too_long_for_a_request_is_filled_by_later_ones),
		cmocka_unit_test(
		    running_out_of_memory_is_an_error_and_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

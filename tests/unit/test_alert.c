#include "unit.h"

#include <jansson.h>

#include "base/utf8.h"
#include "model/alert.h"
#include "model/hours.h"

/* ---- messages ---- */

static const struct alert example = { .event = "begins",
	.workspace = "berlin",
	.host = "",
	.part = "",
	.what = "dead",
	.reason = "3 jobs were given up",
	.since = "2026-01-15T10:00:00Z" };

static json_t *
body_of(const struct alert *alert, const char *format)
{
	char *text = alert_body(alert, format);
	json_t *body = text == NULL ? NULL : json_loads(text, 0, NULL);

	free(text);
	assert_non_null(body);
	return body;
}

static const char *
member(const json_t *body, const char *name)
{
	const char *text = json_string_value(json_object_get(body, name));

	assert_non_null(text);
	return text;
}

static void
the_format_goes_by_the_host(void **state)
{
	static const struct {
		const char *format, *host, *is;
	} rows[] = {
		{ "auto", "hooks.slack.com", "slack" },
		{ "auto", "hooks.slack-gov.com", "slack" },
		{ "auto", "discord.com", "discord" },
		{ "auto", "canary.discord.com", "discord" },
		{ "auto", "discordapp.com", "discord" },
		{ "auto", "hooks.slack.com.example.org", "json" },
		{ "auto", "notdiscord.com", "json" },
		{ "auto", "m", "json" },
		{ "slack", "chat.example.org", "slack" },
		{ "discord", "hooks.slack.com", "discord" },
		{ "json", "hooks.slack.com", "json" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(
		    alert_format(rows[i].format, rows[i].host), rows[i].is);
}

static void
people_read_what_where_and_what_to_do(void **state)
{
	struct alert alert = example;
	json_t *body = body_of(&alert, "slack");

	(void)state;
	assert_string_equal(member(body, "text"),
	    "openphone-notion-sync, workspace berlin: 3 jobs were given up\n"
	    "(since 2026-01-15T10:00:00Z)\n"
	    "What to do: `onsctl jobs --dead` says why; then `onsctl retry "
	    "--dead`, or `onsctl discard`");
	json_decref(body);

	alert.event = "lasts";
	alert.workspace = "";
	alert.host = "web1";
	alert.what = "disk";
	alert.reason = "it is full";
	body = body_of(&alert, "discord");
	assert_string_equal(member(body, "content"),
	    "openphone-notion-sync on web1: still: it is full\n"
	    "(since 2026-01-15T10:00:00Z)\n"
	    "What to do: make room there");
	json_decref(body);

	alert.event = "ends";
	body = body_of(&alert, "discord");
	assert_string_equal(member(body, "content"),
	    "openphone-notion-sync on web1: over: it is full\n"
	    "(since 2026-01-15T10:00:00Z)");
	json_decref(body);
}

static void
programs_read_it_too(void **state)
{
	json_t *body = body_of(&example, "json");

	(void)state;
	assert_int_equal(json_object_size(body), 8);
	assert_string_equal(member(body, "event"), "begins");
	assert_string_equal(member(body, "workspace"), "berlin");
	assert_string_equal(member(body, "what"), "dead");
	assert_string_equal(member(body, "reason"), example.reason);
	assert_string_equal(member(body, "since"), example.since);
	assert_non_null(strstr(member(body, "remedy"), "onsctl jobs"));
	json_decref(body);
}

/* What others say calls nobody, breaks no line, and tells no number. */
static void
what_others_say_is_tamed(void **state)
{
	struct alert alert = example;
	json_t *body;

	(void)state;
	alert.reason = "<!channel> a & b\n@everyone +15550100001 \x01\xff";
	body = body_of(&alert, "slack");
	assert_non_null(strstr(member(body, "text"),
	    "&lt;!channel&gt; a &amp; b @everyone +1555***0001 \xef\xbf\xbd"));
	json_decref(body);
	body = body_of(&alert, "discord");
	assert_int_equal(
	    json_array_size(json_object_get(
		json_object_get(body, "allowed_mentions"), "parse")),
	    0);
	json_decref(body);
}

static void
discord_gets_no_more_than_it_takes(void **state)
{
	struct alert alert = example;
	char reason[9001], workspace[3001];
	const char *text;
	json_t *body;

	(void)state;
	for (size_t i = 0; i < sizeof(reason) - 1; i++)
		reason[i] = "\xe2\x82\xac"[i % 3];
	reason[sizeof(reason) - 1] = '\0';
	memset(workspace, 'x', sizeof(workspace) - 1);
	workspace[sizeof(workspace) - 1] = '\0';
	alert.reason = reason;
	body = body_of(&alert, "discord");
	text = member(body, "content");
	assert_non_null(strstr(text, "onsctl discard")); /* to its end */
	json_decref(body);
	alert.workspace = workspace;
	body = body_of(&alert, "discord");
	text = member(body, "content");
	assert_in_range(utf8_units(text, strlen(text)), 1000, 2000);
	json_decref(body);
}

/* ---- business hours ---- */

static void
hours_are_read(void **state)
{
	static const struct {
		const char *text, *days; /* Monday first */
		int from, until;
	} rows[] = {
		{ "Mon-Fri 09:00-17:00", "1111100", 540, 1020 },
		{ "mon 9:05-9:06", "1000000", 545, 546 },
		{ "Mon,Wed-Thu,Sun  00:00-24:00", "1011001", 0, 1440 },
		{ "Sat-Mon 22:00-23:59", "1000011", 1320, 1439 },
		{ "Sun-Sat 8:00-12:30", "1111111", 480, 750 },
	};
	struct hours hours;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(hours_parse(rows[i].text, &hours), 0);
		assert_int_equal(hours.from, rows[i].from);
		assert_int_equal(hours.until, rows[i].until);
		for (size_t d = 0; d < 7; d++)
			assert_int_equal(hours.days[d], rows[i].days[d] == '1');
	}
}

static void
what_are_no_hours_is_refused(void **state)
{
	static const char *const texts[] = { "", "Mon", "Mon-Fri", "Mon 9-17",
		"Mon 09:00", "Mon 09:00-", "Mon 17:00-09:00", "Mon 9:00-9:00",
		"Mon 09:00-24:01", "Mon 09:60-17:00", "Mon 009:00-17:00",
		"Mon- 09:00-17:00", "Mon, 09:00-17:00", "Mon,,Tue 09:00-17:00",
		"Monday 09:00-17:00", "09:00-17:00", "Mon 09:00-17:00 ",
		"Mon 09:00-17:00,Tue 09:00-12:00", "Mon09:00-17:00",
		" Mon 09:00-17:00", "Mon -1:00-17:00" };
	struct hours hours;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (hours_parse(texts[i], &hours) == 0)
			fail_msg("\"%s\" are hours?", texts[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_format_goes_by_the_host),
		cmocka_unit_test(people_read_what_where_and_what_to_do),
		cmocka_unit_test(programs_read_it_too),
		cmocka_unit_test(what_others_say_is_tamed),
		cmocka_unit_test(discord_gets_no_more_than_it_takes),
		cmocka_unit_test(hours_are_read),
		cmocka_unit_test(what_are_no_hours_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "model/conf.h"

enum { PRIVATE = 0600, PATH_SIZE = 256 };

static char folder[PATH_SIZE - 64];

/* Nothing of the environment that the tests run in may take part. */
static int
set_up(void **state)
{
	static const char *const names[] = { "ONS_CONFIG", "ONS_DATABASE",
		"WEBHOOK_SECRET", "WEBHOOK_PATH", "ONS_LEGACY_KEY",
		"OPENPHONE_API_KEY", "OPENPHONE_API_BASE", "NOTION_API_KEY",
		"NOTION_API_BASE", "NOTION_PARENT_PAGE",
		"NOTION_CALLS_DATABASE_ID", "NOTION_MESSAGES_DATABASE_ID",
		"NOTION_CONTACTS_DATABASE_ID", "ONS_MEDIA_BASE_URL",
		"S3_ENDPOINT", "S3_BUCKET", "S3_REGION", "AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY", "ALERT_WEBHOOK_URL", "LOG_LEVEL" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		unsetenv(names[i]);
	snprintf(folder, sizeof(folder), "/tmp/test_conf.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	return setenv("HOME", folder, 1);
}

static int
tear_down(void **state)
{
	char command[PATH_SIZE];

	(void)state;
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

static const char *
path_of(const char *name, char ret[PATH_SIZE])
{
	snprintf(ret, PATH_SIZE, "%s/%s", folder, name);
	return ret;
}

/* Make a file; its path goes to ret. */
static void
write_file(const char *name, mode_t mode, const char *text, char ret[PATH_SIZE])
{
	FILE *file = fopen(path_of(name, ret), "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(ret, mode), 0);
}

static void
load_as(enum conf_user user, const char *text, struct conf *ret)
{
	struct err err = ERR_INIT;
	char path[PATH_SIZE];

	write_file("ons.conf", PRIVATE, text, path);
	if (conf_load(path, user, ret, &err) != 0)
		fail_msg("%s", err.text);
}

static void
load(const char *text, struct conf *ret)
{
	load_as(CONF_CTL, text, ret);
}

static void
says(const struct err *err, const char *words)
{
	if (strstr(err->text, words) == NULL)
		fail_msg("\"%s\" is not in: %s", words, err->text);
}

static void
does_not_load(const char *path, enum conf_user user, struct err *err)
{
	struct conf conf;

	memset(&conf, 'x', sizeof(conf));
	assert_int_equal(conf_load(path, user, &conf, err), -1);
	assert_int_equal(err->kind, ERR_CONFIG);
	assert_int_equal(*(char *)&conf, 'x'); /* untouched */
}

/* ---- what is refused ---- */

#define LONG_60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct refused {
	const char *text;
	int line;	      /* that the message names */
	const char *words[3]; /* that it says besides */
} refused[] = {
	{ "[notion]\napikey = x\n", 2,
	    { "unknown key \"apikey\" in [notion]", "api_key", "schema" } },
	{ "[notoin]\napi_key = x\n", 2,
	    { "unknown section [notoin]", "openphone", "notion" } },
	{ "level = info\n", 1, { "\"level\" stands before any [section]" } },
	/* only secrets may be in files of their own */
	{ "[notion]\nschema_file = /etc/x\n", 2,
	    { "unknown key \"schema_file\"" } },
	/* templates */
	{ "[notion]\n\ncall_title = {who} {whom}\n", 3,
	    { "[notion] call_title: \"{whom}\"", "{who}, {number}",
		"{title}" } },
	{ "[notion]\nmessage_title = a } b\n", 2,
	    { "[notion] message_title: \"} b\"", "}} are braces" } },
	{ "[notion]\ncall_title = a\n b {\n", 3,
	    { "[notion] call_title: \"{\"", "{who}" } },
	{ "[sync]\nsettle = 61m\n", 2, { "from 0s to 1h" } },
	/* numbers */
	{ "[process]\nworkers = many\n", 2,
	    { "[process] workers: \"many\"", "whole number from 1 to 256" } },
	{ "[process]\nworkers = 0\n", 2, { "from 1 to 256" } },
	{ "[process]\nworkers = 257\n", 2, { "from 1 to 256" } },
	{ "[process]\nworkers = -1\n", 2, { "whole number" } },
	{ "[process]\nworkers = 4x\n", 2, { "whole number" } },
	{ "[process]\nworkers = 4.0\n", 2, { "whole number" } },
	{ "[process]\nworkers =\n", 2, { "\"\"", "whole number" } },
	{ "[process]\nworkers = 99999999999999999999\n", 2,
	    { "whole number" } },
	/* times */
	{ "[webhook]\ntolerance = 300\n", 2,
	    { "[webhook] tolerance", "time like 30s, 5m or 2h",
		"from 1s to 7d" } },
	{ "[webhook]\ntolerance = 5 minutes\n", 2, { "time like" } },
	{ "[webhook]\ntolerance = 8d\n", 2, { "from 1s to 7d" } },
	{ "[webhook]\ntolerance = 9223372036854775807d\n", 2,
	    { "from 1s to 7d" } },
	/* sizes */
	{ "[webhook]\nmax_body = 16MB\n", 2,
	    { "[webhook] max_body", "size like 512k or 16M",
		"from 1K to 1G" } },
	{ "[webhook]\nmax_body = 1023\n", 2, { "from 1K to 1G" } },
	/* words */
	{ "[media]\nallow_http = perhaps\n", 2,
	    { "[media] allow_http: \"perhaps\"", "yes or no" } },
	{ "[log]\nlevel = loud\n", 2,
	    { "[log] level: \"loud\"", "one of error|warn|info|debug" } },
	{ "[log]\nlevel = inf\n", 2, { "one of" } },
	{ "[log]\nlevel = info|warn\n", 2, { "one of" } },
	/* paths */
	{ "[webhook]\npath = hooks\n", 2,
	    { "[webhook] path: \"hooks\"", "begins with /" } },
	{ "[webhook]\npath =\n", 2, { "begins with /" } },
	/* twice */
	{ "[log]\nlevel = info\nfile = x\nlevel = warn\n", 4,
	    { "[log] level", "already given in line 2" } },
	{ "[log]\nlevel = info\nlevel = warn\n", 3,
	    { "already given in line 2" } },
	{ "[notion]\nparent_page = a\nparent_page = b\n", 3,
	    { "already given in line 2" } },
	{ "[log]\nlevel = info\n[s3]\n[log]\nlevel = warn\n", 5,
	    { "already given in line 2" } },
	/* lines */
	{ "[log]\n# fine\njust words\n", 3, { "[section]", "key = value" } },
	{ "[log\nlevel = info\n", 1, { "[section]", "key = value" } },
	{ "[database]\nconninfo = " LONG_60 LONG_60 LONG_60 LONG_60 "\n", 2,
	    { "longer than 198 characters", "next line, indented" } },
	/* indented lines */
	{ "[webhook]\n  path = /hooks\n  threads = 3\n", 3,
	    { "[webhook] path", "\"threads\"", "margin" } },
	{ "[webhook]\nthreads = 3\n\ttimeout = 5s\n", 3, { "\"timeout\"" } },
	{ "[webhook]\nthreads = 3\n\t5\n", 3,
	    { "[webhook] threads cannot go on" } },
	{ "[log]\nlevel = info\n debug\n", 3, { "[log] level cannot go on" } },
	/* shares, hours */
	{ "[alert]\ndisk = 5\n", 2,
	    { "[alert] disk: \"5\"", "a share like 5%", "from 0% to 99%" } },
	{ "[alert]\ndisk = 100%\n", 2, { "from 0% to 99%" } },
	{ "[alert]\nbusiness_hours = 9 to 5\n", 2,
	    { "[alert] business_hours: \"9 to 5\"",
		"like Mon-Fri 09:00-17:00" } },
	{ "[alert]\nbusiness_hours = Mon 09:00-17:00\n Sat 9:00-12:00\n", 3,
	    { "cannot go on" } },
	{ "[workspace a]\nalert.disk = 5%\n", 2,
	    { "unknown key \"alert.disk\"" } },
	/* telephone numbers */
	{ "[sync]\nnumbers = 5550100001\n", 2,
	    { "[sync] numbers: \"5550100001\"", "like +15550100001" } },
	{ "[sync]\nignore = +15550100001, +15550100002\n", 2,
	    { "[sync] ignore", "separated by blanks" } },
	{ "[sync]\nignore = +1 555 010 0001\n", 2, { "like +15550100001" } },
	{ "[sync]\nignore = +15550100001\n   x\n", 3,
	    { "[sync] ignore: \"x\"" } },
	/* one path for several */
	{ "[webhook]\npath_of = a\n", 2,
	    { "into a section [workspace NAME]" } },
	{ "[workspace a]\nwebhook.path_of = b\nsync.numbers = +15550100001\n",
	    2, { "path_of: the name of another workspace" } },
	{ "[workspace a]\nwebhook.path_of = a\nsync.numbers = +15550100001\n",
	    2, { "path_of: the name of another workspace" } },
	{ "[workspace a]\n[workspace b]\nwebhook.path_of = a\n", 3,
	    { "sync.numbers is needed" } },
	{ "[sync]\nnumbers = +15550100001\n[workspace a]\n"
	  "webhook.path_of = b\n[workspace b]\nwebhook.path_of = a\n",
	    4, { "with a path of its own" } },
	/* workspaces */
	{ "[workspace a]\n[workspace b]\n[workspace a]\n", 3,
	    { "the workspace a stands in line 1 already" } },
	{ "[workspace Paris]\n", 1, { "\"Paris\" is no name", "a-z, 0-9" } },
	{ "\n[workspace a/b]\nnotion.rate = 1\n", 2, { "\"a/b\" is no name" } },
	{ "[workspace -a]\n", 1, { "\"-a\" is no name" } },
	{ "[workspace ]\n", 1, { "\"\" is no name" } },
	{ "[workspace a12345678901234567890123456789012]\n", 1,
	    { "is no name", "up to 32" } },
	{ "[workspace]\nnotion.rate = 1\n", 2,
	    { "unknown section [workspace]", "workspace NAME" } },
	{ "[workspace a]\nrate = 1\n", 2,
	    { "unknown key \"rate\" in [workspace a]", "notion.rate" } },
	{ "[workspace a]\nnotion.rat = 1\n", 2,
	    { "unknown key \"notion.rat\"", "notion.rate" } },
	{ "[notion]\nnotion.rate = 1\n", 2,
	    { "unknown key \"notion.rate\" in [notion]" } },
	/* one for all */
	{ "[workspace a]\ndatabase.conninfo = x\n", 2,
	    { "unknown key \"database.conninfo\"" } },
	{ "[workspace a]\nwebhook.path = /x\n", 2,
	    { "unknown key \"webhook.path\"" } },
	{ "[workspace a]\nnotion.rate = 0\n", 2,
	    { "[workspace a] notion.rate: \"0\"", "from 1 to" } },
	{ "[workspace a]\nnotion.rate = 1\nnotion.rate = 2\n", 3,
	    { "notion.rate: already given in line 2" } },
	{ "[workspace a]\nnotion.rate = 1\n notion.schema = ours\n", 3,
	    { "\"notion.schema\"", "margin" } },
};

static void
what_is_wrong_is_told_with_its_line(void **state)
{
	char path[PATH_SIZE], place[PATH_SIZE + 32];

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		const struct refused *r = &refused[i];
		struct err err = ERR_INIT;

		write_file("ons.conf", PRIVATE, r->text, path);
		does_not_load(path, CONF_CTL, &err);
		snprintf(place, sizeof(place), "%s:%d: ", path, r->line);
		if (strncmp(err.text, place, strlen(place)) != 0)
			fail_msg("not in line %d: %s", r->line, err.text);
		for (size_t w = 0; w < 3 && r->words[w] != NULL; w++)
			says(&err, r->words[w]);
	}
}

static void
a_file_that_everybody_can_read_is_refused(void **state)
{
	static const mode_t modes[] = { 0604, 0602, 0601, 0644 };
	struct err err = ERR_INIT;
	struct conf conf;
	char path[PATH_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(modes); i++) {
		write_file("ons.conf", modes[i], "", path);
		err_clear(&err);
		does_not_load(path, CONF_CTL, &err);
		says(&err, path);
		says(&err, "chmod");
	}
	write_file("ons.conf", 0640, "", path);
	err_clear(&err);
	assert_int_equal(conf_load(path, CONF_CTL, &conf, &err), 0);
	conf_free(&conf);
}

static void
a_file_that_cannot_be_read_is_named(void **state)
{
	struct err err = ERR_INIT;
	char path[PATH_SIZE];

	(void)state;
	does_not_load(path_of("absent.conf", path), CONF_CTL, &err);
	says(&err, path);
	says(&err, "No such file");
	path_of("folder.conf", path);
	assert_int_equal(mkdir(path, 0700), 0);
	err_clear(&err);
	does_not_load(path, CONF_CTL, &err);
	says(&err, path);
	says(&err, "Is a directory");
}

/* ---- what is understood ---- */

static void
defaults_hold_without_a_file(void **state)
{
	struct conf conf;

	(void)state;
	load("", &conf);
	assert_string_equal(conf.workspace.name, "default");
	assert_string_equal(conf.webhook.path, "/webhooks/openphone");
	assert_int_equal(conf.webhook.max_body, 16 << 20);
	assert_int_equal(conf.workspace.webhook.tolerance_ms, 300000);
	assert_false(conf.workspace.webhook.allow_unsigned);
	assert_int_equal(conf.workspace.process.workers, 4);
	assert_int_equal(conf.workspace.notion.rate, 180);
	assert_string_equal(conf.workspace.notion.schema, "ours");
	assert_null(conf.workspace.notion.api_key);
	assert_null(conf.database.conninfo);
	conf_free(&conf);
}

static void
every_type_of_value_is_read(void **state)
{
	struct conf conf;

	(void)state;
	load("# a comment\n"
	     "[database]\nconninfo = host=/run/postgresql dbname=ons\n"
	     "timeout = 1500ms\n"
	     "\n"
	     "[webhook]\npath = /hook ; said so\nmax_body = 512k\n"
	     "allow_unsigned = yes\ntolerance = 2h\n"
	     "[process]\nworkers: 7\n"
	     "[media]\nmax_size = 2G\nlink = public\nallow_http = on\n"
	     "allow_private = 0\n"
	     "[notion]\nparent_page =\n",
	    &conf);
	assert_string_equal(
	    conf.database.conninfo, "host=/run/postgresql dbname=ons");
	assert_int_equal(conf.database.timeout_ms, 1500);
	assert_string_equal(conf.webhook.path, "/hook");
	assert_int_equal(conf.webhook.max_body, 512 * 1024);
	assert_true(conf.workspace.webhook.allow_unsigned);
	assert_int_equal(conf.workspace.webhook.tolerance_ms, 7200000);
	assert_int_equal(conf.workspace.process.workers, 7);
	assert_true(conf.workspace.media.max_size == INT64_C(2) << 30);
	assert_string_equal(conf.workspace.media.link, "public");
	assert_true(conf.workspace.media.allow_http);
	assert_false(conf.workspace.media.allow_private);
	assert_null(conf.workspace.notion.parent_page); /* left empty */
	conf_free(&conf);
}

static void
text_goes_on_in_indented_lines(void **state)
{
	struct conf conf;

	(void)state;
	load("[media]\nhosts = a.example\n\tb.example\n"
	     "  # not this\n"
	     "    c.example\n"
	     "[database]\nconninfo = host=a\n  port=5432\nowner = user=o\n"
	     "[s3]\nprefix =\n  x\n"
	     "[sync]\nnumbers =\n  +15550100001\n  +15550100002\n",
	    &conf);
	assert_string_equal(
	    conf.workspace.media.hosts, "a.example b.example c.example");
	assert_string_equal(conf.database.conninfo, "host=a port=5432");
	assert_string_equal(conf.database.owner, "user=o");
	assert_string_equal(conf.workspace.s3.prefix, "x");
	assert_string_equal(
	    conf.workspace.sync.numbers, "+15550100001 +15550100002");
	conf_free(&conf);
}

static void
the_environment_wins(void **state)
{
	struct err err = ERR_INIT;
	struct conf conf;
	char path[PATH_SIZE];

	(void)state;
	assert_int_equal(setenv("LOG_LEVEL", "debug", 1), 0);
	assert_int_equal(setenv("NOTION_API_KEY", " env-key\n", 1), 0);
	assert_int_equal(setenv("S3_BUCKET", "", 1), 0); /* not set */
	load("[log]\nlevel = warn\n[notion]\napi_key = file-key\n"
	     "[s3]\nbucket = b\n",
	    &conf);
	assert_string_equal(conf.log.level, "debug");
	assert_string_equal(conf.workspace.notion.api_key, "env-key");
	assert_string_equal(conf.workspace.s3.bucket, "b");
	conf_free(&conf);

	assert_int_equal(setenv("LOG_LEVEL", "loud", 1), 0);
	write_file("ons.conf", PRIVATE, "", path);
	does_not_load(path, CONF_CTL, &err);
	says(&err, "LOG_LEVEL in the environment: \"loud\"");
	says(&err, "one of error|warn|info|debug");
	unsetenv("LOG_LEVEL");

	/* it could not stand in the file, nor be printed as it would there */
	assert_int_equal(setenv("S3_BUCKET", "b\nc", 1), 0);
	err_clear(&err);
	does_not_load(path, CONF_CTL, &err);
	says(&err,
	    "S3_BUCKET in the environment: \"b c\" is not a line of text");
	assert_int_equal(setenv("S3_BUCKET", "\nb\n", 1), 0);
	load("", &conf);
	assert_string_equal(conf.workspace.s3.bucket, "b");
	conf_free(&conf);
	unsetenv("NOTION_API_KEY");
	unsetenv("S3_BUCKET");
}

static void
the_file_is_found_by_itself(void **state)
{
	struct err err = ERR_INIT;
	struct conf conf;
	char path[PATH_SIZE], named[PATH_SIZE];

	(void)state;
	assert_int_equal(mkdir(path_of(".config", path), 0700), 0);
	write_file(".config/openphone-notion-sync.conf", PRIVATE,
	    "[log]\nlevel = warn\n", path);
	write_file("named.conf", PRIVATE, "[log]\nlevel = error\n", named);
	assert_int_equal(conf_load(NULL, CONF_CTL, &conf, &err), 0);
	assert_string_equal(conf.path, path);
	assert_string_equal(conf.log.level, "warn");
	conf_free(&conf);
	assert_int_equal(setenv("ONS_CONFIG", named, 1), 0);
	assert_int_equal(conf_load(NULL, CONF_CTL, &conf, &err), 0);
	assert_string_equal(conf.path, named);
	conf_free(&conf);
	assert_int_equal(conf_load(path, CONF_CTL, &conf, &err), 0);
	assert_string_equal(conf.path, path);
	conf_free(&conf);
	unsetenv("ONS_CONFIG");
	assert_int_equal(unlink(path), 0);
}

/* ---- secrets ---- */

/* A configuration whose Notion key is in the named file, which has the mode
 * and holds the text (NULL: there is none). */
static void
configure_secret_file(mode_t mode, const char *secret, char path[PATH_SIZE],
    char config[PATH_SIZE])
{
	char text[2 * PATH_SIZE];

	path_of("key", path);
	unlink(path);
	if (secret != NULL)
		write_file("key", mode, secret, path);
	snprintf(text, sizeof(text), "[notion]\n\napi_key_file = %s\n", path);
	write_file("ons.conf", PRIVATE, text, config);
}

static void
a_secret_may_have_a_file(void **state)
{
	char path[PATH_SIZE], config[PATH_SIZE];
	struct err err = ERR_INIT;
	struct conf conf;

	(void)state;
	configure_secret_file(0640, " \t made-up key\r\n\n", path, config);
	assert_int_equal(conf_load(config, CONF_CTL, &conf, &err), 0);
	assert_string_equal(conf.workspace.notion.api_key, "made-up key");
	conf_free(&conf);
}

static void
a_bad_secret_file_is_named(void **state)
{
	char path[PATH_SIZE], config[PATH_SIZE], place[PATH_SIZE + 64];
	char *large = calloc(1, 8194);
	struct {
		mode_t mode;
		const char *secret, *words;
	} cases[] = {
		{ 0, NULL, "No such file" },
		{ 0644, "made-up", "chmod" },
		{ PRIVATE, " \n", "is empty" },
		{ PRIVATE, large, "longer than 8192 bytes" },
	};

	(void)state;
	assert_non_null(large);
	memset(large, 'x', 8193);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_INIT;

		configure_secret_file(
		    cases[i].mode, cases[i].secret, path, config);
		does_not_load(config, CONF_CTL, &err);
		snprintf(place, sizeof(place), "%s:3: [notion] api_key_file",
		    config);
		says(&err, place);
		says(&err, path);
		says(&err, cases[i].words);
		assert_null(strstr(err.text, "made-up"));
	}
	free(large);
}

/* Only onsctl webhooks will fill it; and what is in the environment is not
 * what is in the file. */
static void
the_file_of_signing_secrets_may_come_later(void **state)
{
	char path[PATH_SIZE], config[PATH_SIZE], text[2 * PATH_SIZE];
	struct err err = ERR_INIT;
	struct conf conf;

	(void)state;
	path_of("key", path);
	snprintf(text, sizeof(text), "[webhook]\nsecrets_file = %s\n", path);
	write_file("ons.conf", PRIVATE, text, config);
	for (int i = 0; i < 3; i++) {
		unlink(path);
		if (i > 0)
			write_file("key", PRIVATE, i == 1 ? "\n" : "a", path);
		assert_int_equal(
		    conf_load(config, CONF_WEBHOOK, &conf, &err), 0);
		assert_string_equal(conf.workspace.webhook.secrets_file, path);
		if (i < 2)
			assert_null(conf.workspace.webhook.secrets);
		else
			assert_string_equal(
			    conf.workspace.webhook.secrets, "a");
		conf_free(&conf);
	}
	assert_int_equal(setenv("WEBHOOK_SECRET", "made-up", 1), 0);
	assert_int_equal(conf_load(config, CONF_WEBHOOK, &conf, &err), 0);
	assert_null(conf.workspace.webhook.secrets_file);
	assert_string_equal(conf.workspace.webhook.secrets, "made-up");
	conf_free(&conf);
	unsetenv("WEBHOOK_SECRET");
	write_file("key", 0644, "a", path);
	does_not_load(config, CONF_WEBHOOK, &err);
	says(&err, "chmod");
}

static void
a_secret_is_given_once(void **state)
{
	struct err err = ERR_INIT;
	char path[PATH_SIZE], config[PATH_SIZE], text[2 * PATH_SIZE];

	(void)state;
	write_file("key", PRIVATE, "made-up", path);
	snprintf(text, sizeof(text),
	    "[notion]\napi_key_file = %s\napi_key = b\n", path);
	write_file("ons.conf", PRIVATE, text, config);
	does_not_load(config, CONF_CTL, &err);
	says(&err, "api_key: already given in line 2");
}

static void
other_programs_secrets_are_not_read(void **state)
{
	struct conf conf;

	(void)state;
	assert_int_equal(setenv("OPENPHONE_API_KEY", "made-up", 1), 0);
	load_as(CONF_WEBHOOK,
	    "[notion]\napi_key_file = /nonexistent/key\n"
	    "[s3]\nsecret_key = made-up\n  more\n"
	    "[webhook]\nsecrets = mine\n",
	    &conf);
	assert_null(conf.workspace.notion.api_key);
	assert_null(conf.workspace.openphone.api_key);
	assert_null(conf.workspace.s3.secret_key);
	assert_string_equal(conf.workspace.webhook.secrets, "mine");
	conf_free(&conf);
	unsetenv("OPENPHONE_API_KEY");
}

static void
the_portal_reads_storage_keys_only(void **state)
{
	struct conf conf;

	(void)state;
	load_as(CONF_PORTAL,
	    "[webhook]\nsecrets_file = /nonexistent/a\n"
	    "[openphone]\napi_key_file = /nonexistent/b\n"
	    "[notion]\napi_key_file = /nonexistent/c\n"
	    "[s3]\nsecret_key = mine\n",
	    &conf);
	assert_string_equal(conf.workspace.s3.secret_key, "mine");
	conf_free(&conf);
}

/* ---- several workspaces ---- */

static void
one_workspace_is_the_plain_sections(void **state)
{
	struct conf conf;

	(void)state;
	load("[notion]\nrate = 7\n", &conf);
	assert_int_equal(conf_count(&conf), 1);
	assert_ptr_equal(conf_find(&conf, "default"), conf_at(&conf, 0));
	assert_int_equal(conf_at(&conf, 0)->notion.rate, 7);
	assert_null(conf_find(&conf, "other"));
	conf_free(&conf);
}

static void
a_workspace_has_what_is_its_own_and_inherits_the_rest(void **state)
{
	const struct workspace *a, *b;
	struct conf conf;

	(void)state;
	assert_int_equal(setenv("OPENPHONE_API_KEY", "env", 1), 0);
	assert_int_equal(setenv("NOTION_PARENT_PAGE", "env", 1), 0);
	load("[workspace a]\n"
	     "openphone.api_key = a-key\n"
	     "notion.rate = 11\n"
	     "notion.parent_page =\n"
	     "media.allow_http = yes\n"
	     "media.hosts = x.example\n  y.example\n"
	     "webhook.secrets = own\n"
	     "[notion]\nrate = 7\nschema = original\n"
	     "[webhook]\nsecrets_file = /nonexistent/all\n"
	     "[workspace b-2_]\n"
	     "  sync.time_zone = Europe/Berlin\n",
	    &conf);
	unsetenv("OPENPHONE_API_KEY");
	unsetenv("NOTION_PARENT_PAGE");
	assert_int_equal(conf_count(&conf), 2);
	assert_null(conf_find(&conf, "default"));
	a = conf_find(&conf, "a");
	b = conf_find(&conf, "b-2_");
	assert_ptr_equal(conf_at(&conf, 0), a);
	assert_ptr_equal(conf_at(&conf, 1), b);
	assert_string_equal(a->openphone.api_key, "a-key");
	assert_string_equal(b->openphone.api_key, "env");
	assert_int_equal(a->notion.rate, 11);
	assert_int_equal(b->notion.rate, 7);
	assert_string_equal(a->notion.schema, "original");
	assert_null(a->notion.parent_page);
	assert_string_equal(b->notion.parent_page, "env");
	assert_true(a->media.allow_http);
	assert_false(b->media.allow_http);
	assert_string_equal(a->media.hosts, "x.example y.example");
	assert_string_equal(a->webhook.secrets, "own");
	assert_null(a->webhook.secrets_file);
	assert_null(b->webhook.secrets);
	assert_string_equal(b->webhook.secrets_file, "/nonexistent/all");
	assert_string_equal(a->sync.time_zone, "UTC");
	assert_string_equal(b->sync.time_zone, "Europe/Berlin");
	assert_int_equal(a->process.workers, 4);
	conf_free(&conf);
}

static void
a_workspace_needs_no_keys_of_its_own(void **state)
{
	struct conf conf;

	(void)state;
	load("[workspace default]\n[workspace b]", &conf);
	assert_int_equal(conf_count(&conf), 2);
	assert_non_null(conf_find(&conf, "default"));
	assert_non_null(conf_find(&conf, "b"));
	conf_free(&conf);
}

static void
workspaces_have_a_limit(void **state)
{
	char text[8192] = "", path[PATH_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	for (int i = 0; i <= CONF_WORKSPACES_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "[workspace w%d]\n", i);
	write_file("ons.conf", PRIVATE, text, path);
	does_not_load(path, CONF_CTL, &err);
	says(&err, ":101: more than 100 workspaces");
}

static void
what_one_workspace_lacks_is_told_with_its_name(void **state)
{
	struct err err = ERR_INIT;
	struct conf conf;

	(void)state;
	load("[workspace a]\nnotion.api_key = a\n[workspace b]\n", &conf);
	assert_int_equal(
	    conf_require(&conf, conf_find(&conf, "a"), CONF_CTL_NOTION, &err),
	    0);
	assert_int_equal(conf_require_all(&conf, CONF_CTL_NOTION, &err), -1);
	says(&err,
	    "api_key is missing: set notion.api_key (or ..._file) in "
	    "[workspace b]");
	conf_free(&conf);
}

static void
workspaces_share_a_path_by_number(void **state)
{
	const struct workspace *a, *b, *c;
	struct conf conf;

	(void)state;
	load("[sync]\nignore = +15550100009\n"
	     "[workspace a]\n"
	     "[workspace b]\nwebhook.path_of = a\n"
	     "sync.numbers = +15550100001\n"
	     "[workspace c]\nsync.numbers = +15550100001\n"
	     "[workspace d]\nsync.numbers = +15550100002\n"
	     "webhook.path_of = c\n",
	    &conf);
	a = conf_find(&conf, "a");
	b = conf_find(&conf, "b");
	c = conf_find(&conf, "c");
	assert_true(conf_shares(a, b));
	assert_false(conf_shares(b, a));
	assert_false(conf_shares(c, b));
	/* who names no numbers leaves those of the others alone */
	assert_string_equal(a->sync.ignore, "+15550100009 +15550100001");
	assert_string_equal(b->sync.ignore, "+15550100009");
	assert_string_equal(c->sync.ignore, "+15550100009");
	conf_free(&conf);
}

/* ---- what is needed ---- */

static void
what_is_missing_is_told_with_all_its_names(void **state)
{
	struct err err = ERR_INIT;
	struct conf conf;

	(void)state;
	load_as(CONF_PROCESS,
	    "[openphone]\napi_key = a\n[s3]\nendpoint = http://a\n", &conf);
	assert_int_equal(conf_require_all(&conf, CONF_PROCESS, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	says(&err, "[notion] api_key or api_key_file");
	says(&err, conf.path);
	says(&err, "in the environment as NOTION_API_KEY");
	err_clear(&err);
	assert_int_equal(conf_require_all(&conf, CONF_PORTAL, &err), -1);
	says(&err, "[s3] bucket in ");
	says(&err, "S3_BUCKET");
	err_clear(&err);
	assert_int_equal(conf_require_all(&conf, CONF_CTL, &err), 0);
	conf_free(&conf);
}

static void
an_empty_value_is_missing_too(void **state)
{
	struct err err = ERR_INIT;
	struct conf conf;

	(void)state;
	load("[notion]\napi_key =\n", &conf);
	assert_int_equal(conf_require_all(&conf, CONF_CTL_NOTION, &err), -1);
	says(&err, "[notion] api_key");
	conf_free(&conf);
}

static void
all_that_is_needed_is_enough(void **state)
{
	struct err err = ERR_INIT;
	struct conf conf;

	(void)state;
	load("[openphone]\napi_key = a\n[notion]\napi_key = b\n"
	     "[media]\nbase_url = https://a.example\n"
	     "[s3]\nendpoint = https://s3.example\nbucket = b\n"
	     "access_key = c\nsecret_key = d\n",
	    &conf);
	if (conf_require_all(
		&conf, CONF_PROCESS | CONF_PORTAL | CONF_CTL_NOTION, &err) != 0)
		fail_msg("%s", err.text);
	conf_free(&conf);
}

static void
the_store_decides_what_is_needed(void **state)
{
	struct err err = ERR_INIT;
	struct conf conf;

	(void)state;
	load("[openphone]\napi_key = a\n[notion]\napi_key = b\n"
	     "[media]\nbase_url = https://a.example\nstore = file\n",
	    &conf);
	if (conf_require_all(&conf, CONF_PROCESS | CONF_PORTAL, &err) != 0)
		fail_msg("%s", err.text);
	conf_free(&conf);

	load("[openphone]\napi_key = a\n[notion]\napi_key = b\n"
	     "[media]\nbase_url = https://a.example\nfolder = /srv/media\n",
	    &conf);
	assert_int_equal(conf_require_all(&conf, CONF_PROCESS, &err), -1);
	says(&err, "[s3] endpoint");
	err_clear(&err);
	assert_int_equal(conf_require_all(&conf, CONF_PORTAL, &err), -1);
	assert_string_equal(conf.media.folder, "/srv/media");
	conf_free(&conf);
}

/* ---- showing it ---- */

static const char *
print(const struct conf *conf, struct buf *out)
{
	buf_init(out, 1 << 16);
	assert_int_equal(conf_print(conf, out), 0);
	return buf_text(out);
}

static void
shown_configuration_reads_back_the_same(void **state)
{
	struct buf first, second;
	struct conf conf;

	(void)state;
	load("[webhook]\npath = /hook\ntolerance = 90s\nmax_body = 1536k\n"
	     "[media]\nallow_http = yes\n"
	     "hosts = a.example " LONG_60 ".example\n"
	     " " LONG_60 ".example " LONG_60 ".example\n"
	     "[notion]\nschema = original\nparent_page = x\n"
	     "[database]\nconninfo = host=/run/postgresql\n",
	    &conf);
	print(&conf, &first);
	conf_free(&conf);
	load(buf_text(&first), &conf);
	print(&conf, &second);
	assert_string_equal(buf_text(&first), buf_text(&second));
	assert_string_equal(conf.webhook.path, "/hook");
	assert_int_equal(conf.workspace.webhook.tolerance_ms, 90000);
	assert_int_equal(conf.webhook.max_body, 1536 * 1024);
	assert_string_equal(conf.workspace.media.hosts,
	    "a.example " LONG_60 ".example " LONG_60 ".example " LONG_60
	    ".example");
	conf_free(&conf);
	buf_free(&first);
	buf_free(&second);
}

static void
shown_workspaces_read_back_the_same(void **state)
{
	struct buf first, second;
	struct conf conf;

	(void)state;
	load("[notion]\nparent_page = x\nrate = 9\n"
	     "[workspace a]\nnotion.parent_page =\nnotion.rate = 5\n"
	     "notion.api_key = unspeakable\nmedia.allow_http = yes\n"
	     "[workspace b]\n",
	    &conf);
	print(&conf, &first);
	conf_free(&conf);
	assert_non_null(strstr(buf_text(&first),
	    "\n[workspace a]\n; notion.api_key = (set, not shown)\n"
	    "notion.rate = 5\nnotion.parent_page =\n"
	    "media.allow_http = yes\n\n[workspace b]\n"));
	assert_null(strstr(buf_text(&first), "unspeakable"));
	load(buf_text(&first), &conf);
	print(&conf, &second);
	assert_null(conf_find(&conf, "a")->notion.parent_page);
	assert_int_equal(conf_find(&conf, "a")->notion.rate, 5);
	assert_int_equal(conf_find(&conf, "b")->notion.rate, 9);
	conf_free(&conf);
	buf_free(&first);
	buf_free(&second);
}

static void
secrets_are_not_shown(void **state)
{
	static const char *const conninfos[] = {
		"host=a password=made-up",
		"postgresql://ons:made-up@db.example/ons",
		"postgresql://db.example/ons?password=made-up",
	};
	struct buf out;
	struct conf conf;
	char text[512];

	(void)state;
	for (size_t i = 0; i < COUNT(conninfos); i++) {
		snprintf(text, sizeof(text),
		    "[webhook]\nsecrets = made-up\nlegacy_keys = made-up\n"
		    "[openphone]\napi_key = made-up\n"
		    "[notion]\napi_key = made-up\n"
		    "[s3]\nsecret_key = made-up\n"
		    "[database]\nconninfo = %s\n",
		    conninfos[i]);
		load(text, &conf);
		assert_null(strstr(print(&conf, &out), "made-up"));
		assert_non_null(
		    strstr(buf_text(&out), "\n; api_key = (set, not shown)\n"));
		assert_non_null(strstr(
		    buf_text(&out), "\n; conninfo = (set, not shown)\n"));
		buf_free(&out);
		conf_free(&conf);
	}
	load(
	    "[database]\nconninfo = postgresql://db.example:5432/ons\n", &conf);
	assert_non_null(strstr(print(&conf, &out), "db.example:5432"));
	buf_free(&out);
	conf_free(&conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_told_with_its_line),
		cmocka_unit_test(a_file_that_everybody_can_read_is_refused),
		cmocka_unit_test(a_file_that_cannot_be_read_is_named),
		cmocka_unit_test(defaults_hold_without_a_file),
		cmocka_unit_test(every_type_of_value_is_read),
		cmocka_unit_test(text_goes_on_in_indented_lines),
		cmocka_unit_test(the_environment_wins),
		cmocka_unit_test(the_file_is_found_by_itself),
		cmocka_unit_test(a_secret_may_have_a_file),
		cmocka_unit_test(a_bad_secret_file_is_named),
		cmocka_unit_test(the_file_of_signing_secrets_may_come_later),
		cmocka_unit_test(a_secret_is_given_once),
		cmocka_unit_test(other_programs_secrets_are_not_read),
		cmocka_unit_test(the_portal_reads_storage_keys_only),
		cmocka_unit_test(one_workspace_is_the_plain_sections),
		cmocka_unit_test(
		    a_workspace_has_what_is_its_own_and_inherits_the_rest),
		cmocka_unit_test(a_workspace_needs_no_keys_of_its_own),
		cmocka_unit_test(workspaces_share_a_path_by_number),
		cmocka_unit_test(workspaces_have_a_limit),
		cmocka_unit_test(
		    what_one_workspace_lacks_is_told_with_its_name),
		cmocka_unit_test(what_is_missing_is_told_with_all_its_names),
		cmocka_unit_test(an_empty_value_is_missing_too),
		cmocka_unit_test(all_that_is_needed_is_enough),
		cmocka_unit_test(the_store_decides_what_is_needed),
		cmocka_unit_test(shown_configuration_reads_back_the_same),
		cmocka_unit_test(shown_workspaces_read_back_the_same),
		cmocka_unit_test(secrets_are_not_shown),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/*
 * onsctl check-config and config: what the configuration says, and what is
 * wrong with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "cmd/onsctl.h"
#include "model/signature.h"
#include "sync/alarm.h"

static int
check_secrets(const struct workspace *ws, struct err *err)
{
	struct signature_keys *keys = signature_keys_make(
	    ws->webhook.secrets, ws->webhook.legacy_keys, err);

	signature_keys_free(keys);
	return keys == NULL ? -1 : 0;
}

/* Found only when something is wrong already, otherwise. */
static int
check_alert(
    const struct conf *conf, const struct workspace *ws, struct err *err)
{
	struct http_url url;
	const char *format;

	if (ws->alert.webhook != NULL &&
	    alarm_address(ws, &url, &format, err) != 0)
		return -1;
	if (conf->alert.ping == NULL ||
	    http_url_parse(conf->alert.ping, &url) == 0)
		return 0;
	err_set(err, ERR_CONFIG, "[alert] ping is no address like https://...");
	return -1;
}

/* What a check finds: said at once on standard error, and kept for --json. */
struct findings {
	json_t *failures, *warnings;
};

static void
fail(struct findings *found, const struct err *err)
{
	(void)ctl_fail(err);
	json_array_append_new(found->failures, json_string(err->text));
}

static void
warn_of_secrets(
    const struct conf *conf, const struct workspace *ws, struct findings *found)
{
	struct err doubt = ERR_INIT;

	if (ws->webhook.path_of != NULL)
		return; /* it needs none */
	if (ws->webhook.allow_unsigned)
		err_set(&doubt, ERR_CONFIG,
		    "[webhook] allow_unsigned is on: anybody who knows the "
		    "address can make pages");
	else if (ws->webhook.secrets != NULL || ws->webhook.legacy_keys != NULL)
		return;
	else if (ws->webhook.secrets_file != NULL)
		err_set(&doubt, ERR_CONFIG,
		    "no signing secret in %s yet: onsctl webhooks create puts "
		    "one there",
		    ws->webhook.secrets_file);
	else
		err_set(&doubt, ERR_CONFIG,
		    "no [webhook] secrets: ons-webhook will not start");
	conf_blame(conf, ws, &doubt);
	fprintf(stderr, "warning: %s\n", doubt.text);
	json_array_append_new(found->warnings, json_string(doubt.text));
}

static void
check_workspace(
    const struct conf *conf, const struct workspace *ws, struct findings *found)
{
	struct err err = ERR_INIT;
	size_t next = 0;

	while (
	    conf_missing(conf, ws, CONF_PROCESS | CONF_PORTAL, &next, &err)) {
		fail(found, &err);
		err_clear(&err);
	}
	if (check_secrets(ws, &err) != 0 || check_alert(conf, ws, &err) != 0) {
		conf_blame(conf, ws, &err);
		fail(found, &err);
	}
	warn_of_secrets(conf, ws, found);
}

int
ctl_check_config(struct ctl *ctl, int argc, char **argv)
{
	const char *path = ctl->conf.path;
	struct err err = ERR_INIT;
	struct findings found;
	bool good;
	int rc = 0;

	if (argc > 1)
		return ctl_usage(argv[0]);
	found = (struct findings){ json_array(), json_array() };
	for (size_t i = 0; i < conf_count(&ctl->conf); i++)
		check_workspace(&ctl->conf, conf_at(&ctl->conf, i), &found);
	good = json_array_size(found.failures) == 0;
	if (ctl->json)
		rc = ctl_print_json(
		    json_pack("{s:s?, s:b, s:O, s:O}", "configuration", path,
			"good", good, "failures", found.failures, "warnings",
			found.warnings),
		    &err);
	else if (good)
		printf("%s: good\n", path == NULL ? "the environment" : path);
	json_decref(found.failures);
	json_decref(found.warnings);
	return rc != 0 ? ctl_fail(&err) : good ? EX_OK : EX_CONFIG;
}

/* ---- config ---- */

/* "[openphone]" begins a section, which is an object. */
static json_t *
section(json_t *all, char *line)
{
	line[strcspn(line, "]")] = '\0';
	json_object_set_new(all, line + 1, json_object());
	return json_object_get(all, line + 1);
}

/* "key = value", "; key =" where there is none; "\tvalue" goes on. *last: the
 * key that was before, then this one. */
static void
member(json_t *of, char *line, const char **last)
{
	const json_t *before;
	char *value;

	if (*line == '\t') {
		before = json_object_get(of, *last);
		json_object_set_new(of, *last,
		    json_sprintf("%s %s", json_string_value(before), line + 1));
		return;
	}
	line += strspn(line, "; ");
	value = strstr(line, " =");
	*value = '\0';
	value += strlen(" =");
	value += *value == ' ';
	*last = line;
	json_object_set_new(
	    of, line, *value == '\0' ? json_null() : json_string(value));
}

/* What is printed for people, as an object of objects. */
static json_t *
settings(char *text)
{
	json_t *all = json_object(), *of = NULL;
	char *line, *rest = text;
	const char *last = NULL;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line == '[')
			of = section(all, line);
		else if (*line != '\0')
			member(of, line, &last);
	return all;
}

int
ctl_config(struct ctl *ctl, int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct buf text;
	char *copy = NULL;

	if (argc > 1)
		return ctl_usage(argv[0]);
	buf_init(&text, 1 << 20);
	if (conf_print(&ctl->conf, &text) != 0 ||
	    (copy = strdup(buf_text(&text))) == NULL)
		err_nomem(&err);
	else if (ctl->json)
		(void)ctl_print_json(settings(copy), &err);
	else
		fputs(copy, stdout);
	free(copy);
	buf_free(&text);
	return err_is_set(&err) ? ctl_fail(&err) : EX_OK;
}

/*
 * onsctl check-config and config: what the configuration says.
 */
#include <stdio.h>
#include <sysexits.h>

#include "base/buf.h"
#include "cmd/onsctl.h"
#include "model/signature.h"

static int
check_secrets(const struct workspace *ws, struct err *err)
{
	struct signature_keys *keys = signature_keys_new();
	int rc = -1;

	if (keys == NULL) {
		err_nomem(err);
		return -1;
	}
	if ((ws->webhook.secrets == NULL ||
		signature_keys_add(keys, ws->webhook.secrets,
		    "[webhook] secrets", err) == 0) &&
	    (ws->webhook.legacy_keys == NULL ||
		signature_keys_add(keys, ws->webhook.legacy_keys,
		    "[webhook] legacy_keys", err) == 0))
		rc = 0;
	signature_keys_free(keys);
	return rc;
}

static void
warn_of_secrets(const struct conf *conf, const struct workspace *ws)
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
}

/* How much is wrong with it. */
static int
check_workspace(const struct conf *conf, const struct workspace *ws)
{
	static const struct {
		enum conf_user user;
		const char *program;
	} users[] = { { CONF_PROCESS, "ons-process" },
		{ CONF_PORTAL, "ons-portal" } };
	struct err err = ERR_INIT;
	int failures = 0;

	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
		err_clear(&err);
		if (conf_require(conf, ws, users[i].user, &err) == 0)
			continue;
		err_prefix(&err, "%s", users[i].program);
		ctl_fail(&err);
		failures++;
	}
	err_clear(&err);
	if (check_secrets(ws, &err) != 0) {
		conf_blame(conf, ws, &err);
		ctl_fail(&err);
		failures++;
	}
	warn_of_secrets(conf, ws);
	return failures;
}

int
ctl_check_config(struct ctl *ctl, int argc, char **argv)
{
	int failures = 0;

	if (argc > 1)
		return ctl_usage(argv[0]);
	for (size_t i = 0; i < conf_count(&ctl->conf); i++)
		failures += check_workspace(&ctl->conf, conf_at(&ctl->conf, i));
	if (failures > 0)
		return EX_CONFIG;
	printf("%s: good\n",
	    ctl->conf.path == NULL ? "the environment" : ctl->conf.path);
	return EX_OK;
}

int
ctl_config(struct ctl *ctl, int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct buf text;

	if (argc > 1)
		return ctl_usage(argv[0]);
	buf_init(&text, 1 << 20);
	if (conf_print(&ctl->conf, &text) != 0) {
		err_nomem(&err);
		return ctl_fail(&err);
	}
	fputs(buf_text(&text), stdout);
	buf_free(&text);
	return EX_OK;
}

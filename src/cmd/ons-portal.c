/*
 * ons-portal - the links to recordings that readers of a page click.
 */
#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/log.h"
#include "cmd/program.h"
#include "ext/db.h"
#include "ext/fcgi.h"
#include "web/portal.h"

enum { THREADS = 8, READ_TIMEOUT_MS = 10000 };

static const char usage[] =
    "usage: ons-portal [-c FILE] [-s SOCKET]\n"
    "       ons-portal --help | --version\n"
    "\n"
    "  -c, --config FILE     configuration\n"
    "  -s, --socket SOCKET   listen on this unix socket (without it: on a\n"
    "                        listening socket given as standard input, or\n"
    "                        answer one request as a CGI program)\n"
    "  -h, --help            this text\n"
    "  -V, --version         the version\n";

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void
answer(struct fcgi_request *req, void *ctx)
{
	portal_answer(req, ctx);
}

static int
run(const char *config, const char *socket, struct err *err)
{
	struct conf conf;
	struct portal portal = { 0 };
	struct db *db = NULL;
	struct fcgi_service service = { .socket = socket,
		.threads = THREADS,
		.read_timeout_ms = READ_TIMEOUT_MS,
		.answer = answer,
		.ctx = &portal };
	int rc = -1;

	if (conf_load(config, CONF_PORTAL, &conf, err) != 0)
		return -1;
	if (conf_require_all(&conf, CONF_PORTAL, err) == 0 &&
	    program_log(&conf, err) == 0 &&
	    db_new(conf.database.conninfo, conf.database.portal, "ons-portal",
		(int)conf.database.timeout_ms, &db, err) == 0 &&
	    portal_init(&portal, &conf, db, err) == 0)
		rc = fcgi_run(&service, err);
	portal_free(&portal);
	db_free(db);
	conf_free(&conf);
	return rc;
}

int
main(int argc, char **argv)
{
	const char *config = NULL, *socket = NULL;
	struct err err = ERR_INIT;
	int c;

	program_begin("ons-portal");
	while ((c = getopt_long(argc, argv, "c:s:hV", options, NULL)) != -1)
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 's':
			socket = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EX_OK;
		case 'V':
			program_version("ons-portal");
			return EX_OK;
		default:
			fputs(usage, stderr);
			return EX_USAGE;
		}
	if (optind < argc) {
		fputs(usage, stderr);
		return EX_USAGE;
	}
	return run(config, socket, &err) == 0
	    ? EX_OK
	    : program_fail("ons-portal", &err);
}

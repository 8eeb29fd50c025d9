/*
 * ons-webhook - take in OpenPhone's deliveries: verify, store, acknowledge.
 */
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "cmd/program.h"
#include "ext/fcgi.h"
#include "queue/spool.h"
#include "web/intake.h"

enum { THREADS_MAX = 1024, BIG_BUFFER = 256 * 1024 };

static const char usage[] =
    "usage: ons-webhook [-c FILE] [-s SOCKET] [-t THREADS]\n"
    "       ons-webhook --help | --version\n"
    "\n"
    "  -c, --config FILE     configuration\n"
    "  -s, --socket SOCKET   listen on this unix socket (without it: on a\n"
    "                        listening socket given as standard input, or\n"
    "                        answer one request as a CGI program)\n"
    "  -t, --threads N       requests answered at a time\n"
    "  -h, --help            this text\n"
    "  -V, --version         the version\n";

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, 's' },
	{ "threads", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

struct responder {
	struct conf conf;
	struct intake intake;
	struct spool spool;
};

/* The writer is a thread: it starts in the process that answers. */
static int
begin(void *ctx, struct err *err)
{
	struct responder *r = ctx;
	struct db *db = NULL;

	/* a delivery of megabytes goes back to the system when it is stored;
	 * by default the first one freed makes glibc keep the next */
	mallopt(M_MMAP_THRESHOLD, BIG_BUFFER);
	/* a delivery may wait for a batch before its own */
	if (db_new(r->conf.database.conninfo, r->conf.database.webhook,
		"ons-webhook", (int)(r->conf.webhook.timeout_ms / 2), &db,
		err) != 0)
		return -1;
	if (writer_start(db, &r->spool, r->conf.webhook.timeout_ms,
		&r->intake.writer, err) != 0) {
		db_free(db);
		return -1;
	}
	return 0;
}

static void
answer(struct fcgi_request *req, void *ctx)
{
	struct responder *r = ctx;

	intake_answer(req, &r->intake);
}

static void
end(void *ctx)
{
	struct responder *r = ctx;

	writer_stop(r->intake.writer);
}

/* It may be mended at any time: nothing but a word now. */
static void
check_spool(struct spool *spool)
{
	struct err err = ERR_INIT;

	if (spool_probe(spool, &err) == 0)
		return;
	log_warn("%s; without it deliveries are answered 503 while the "
		 "database does not take them",
	    err.text);
}

static int
run(const char *config, const char *socket, int64_t threads, struct err *err)
{
	struct responder r = { 0 };
	struct fcgi_service service = { .socket = socket,
		.begin = begin,
		.answer = answer,
		.end = end,
		.ctx = &r };
	int rc;

	if (conf_load(config, CONF_WEBHOOK, &r.conf, err) != 0)
		return -1;
	service.threads = (int)(threads > 0 ? threads : r.conf.webhook.threads);
	service.read_timeout_ms = r.conf.webhook.read_timeout_ms;
	spool_init(&r.spool, r.conf.webhook.spool, r.conf.webhook.spool_max);
	if (program_log(&r.conf, err) != 0 ||
	    intake_init(&r.intake, &r.conf, err) != 0) {
		rc = -1;
	} else {
		check_spool(&r.spool);
		rc = fcgi_run(&service, err);
	}
	intake_free(&r.intake);
	conf_free(&r.conf);
	return rc;
}

int
main(int argc, char **argv)
{
	const char *config = NULL, *socket = NULL;
	int64_t threads = 0; /* as configured */
	struct err err = ERR_INIT;
	int c;

	program_begin("ons-webhook");
	while ((c = getopt_long(argc, argv, "c:s:t:hV", options, NULL)) != -1)
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 's':
			socket = optarg;
			break;
		case 't':
			if (program_number("ons-webhook", "--threads", optarg,
				THREADS_MAX, &threads) != 0)
				return EX_USAGE;
			break;
		case 'h':
			fputs(usage, stdout);
			return EX_OK;
		case 'V':
			program_version("ons-webhook");
			return EX_OK;
		default:
			fputs(usage, stderr);
			return EX_USAGE;
		}
	if (optind < argc) {
		fputs(usage, stderr);
		return EX_USAGE;
	}
	return run(config, socket, threads, &err) == 0
	    ? EX_OK
	    : program_fail("ons-webhook", &err);
}

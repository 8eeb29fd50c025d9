/*
 * onsctl reconcile: is everything there, and once?
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>

#include "cmd/onsctl.h"
#include "cmd/proof.h"

enum { EX_DIFFERS = 1 /* not all agrees */ };

static const char default_since[] = "30d";

static volatile sig_atomic_t stopping;

static void
on_signal(int sig)
{
	stopping = sig;
}

/* Alone: two at once would spoil each other's listing. */
static int
reconcile(
    struct ctl *ctl, struct sync *sync, struct proof *proof, struct err *err)
{
	struct err ignored = ERR_INIT;
	struct chore chore;
	int begun = proof_begin(ctl, &chore, err);

	if (begun == 0)
		err_set(err, ERR_RETRY,
		    "another reconcile or maintain is at work: try again when "
		    "it has ended");
	if (begun != 1)
		return -1;
	if (proof_run(proof, ctl, sync, &chore, err) != 0) {
		(void)chore_end(&chore, NULL, &ignored);
		return -1;
	}
	return chore_end(&chore, proof->sentence, err) == 0
	    ? proof_print(proof, ctl, err)
	    : -1;
}

/* Days are the workspace's: sync_init() sets its zone. */
static int
run(struct ctl *ctl, const char *since, const char *until, struct proof *proof)
{
	struct err err = ERR_INIT;
	struct sync sync = { 0 };
	int rc;

	if (conf_require(&ctl->conf, ctl->ws,
		proof->openphone ? CONF_PROCESS : CONF_CTL_NOTION, &err) != 0 ||
	    sync_init(&sync, &ctl->conf, ctl->ws, ctl->db, &stopping, &err) !=
		0)
		return ctl_fail(&err);
	if (ctl_range(since, until, &proof->since, &proof->until) != 0) {
		sync_free(&sync);
		return EX_USAGE;
	}
	rc = reconcile(ctl, &sync, proof, &err);
	sync_free(&sync);
	if (rc != 0)
		return ctl_fail(&err);
	return proof->complete ? EX_OK : EX_DIFFERS;
}

int
ctl_reconcile(struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "since", required_argument, NULL, 's' },
		{ "until", required_argument, NULL, 'u' },
		{ "notion", no_argument, NULL, 'n' },
		{ "repair", no_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	struct sigaction action = { .sa_handler = on_signal };
	struct proof proof = {
		.notion = true, .openphone = true, .thorough = true
	};
	const char *since = NULL, *until = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 's':
			since = optarg;
			break;
		case 'u':
			until = optarg;
			break;
		case 'n':
			proof.openphone = false;
			break;
		case 'r':
			proof.repair = true;
			break;
		default:
			return ctl_usage(argv[0]);
		}
	if (optind < argc ||
	    (!proof.openphone && (since != NULL || until != NULL)))
		return ctl_usage(argv[0]);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return run(ctl, since == NULL ? default_since : since, until, &proof);
}

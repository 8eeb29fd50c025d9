/*
 * onsctl doctor: this machine: who we are, files, the spool, the clock.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rfc3339.h"
#include "cmd/doctor.h"
#include "queue/spool.h"

enum { WAITING_S = 2 * 60, CLOCK_WARN_S = 10 };

static const char *
name_of(uid_t uid, char *ret, size_t size)
{
	struct passwd *found = getpwuid(uid);

	if (found != NULL)
		snprintf(ret, size, "%s", found->pw_name);
	else
		snprintf(ret, size, "user %lu", (unsigned long)uid);
	return ret;
}

/* What may be opened by us says little of the programs when they are run by
 * somebody else: the owner of the spool. */
void
doctor_user(struct doctor *d)
{
	char ours[64], theirs[64];
	struct stat st;
	uid_t uid = geteuid();

	name_of(uid, ours, sizeof(ours));
	if (stat(d->conf->webhook.spool, &st) == 0 && st.st_uid != uid)
		doctor_say(d, DOCTOR_WARNING,
		    "run it as that user: sudo -u USER onsctl doctor",
		    "this is %s, and the spool belongs to %s: what one may "
		    "do says little of what the other may",
		    ours, name_of(st.st_uid, theirs, sizeof(theirs)));
	else
		doctor_say(d, DOCTOR_OK, NULL, "%s", ours);
}

/* ---- modes ---- */

static int
look_at_mode(struct doctor *d, const char *path, mode_t wrong,
    enum doctor_level level, const char *why, const char *remedy)
{
	struct stat st;

	if (path == NULL || stat(path, &st) != 0 || (st.st_mode & wrong) == 0)
		return 0;
	doctor_say(d, level, remedy, "%s has mode %04o: %s", path,
	    (unsigned)(st.st_mode & 07777), why);
	return 1;
}

/* Files with secrets that all may read are refused when they are read. */
void
doctor_files(struct doctor *d)
{
	const struct conf *conf = d->conf;
	int n = 0;

	n += look_at_mode(d, conf->path, S_IWGRP | S_IWOTH, DOCTOR_FAILURE,
	    "others may change the configuration", "chmod 0640 it");
	n += look_at_mode(d, d->ws->webhook.secrets_file, S_IWGRP | S_IRWXO,
	    DOCTOR_FAILURE, "others may change or read the signing secrets",
	    "chmod 0600 it");
	n += look_at_mode(d, conf->webhook.spool, S_IRWXG | S_IRWXO,
	    DOCTOR_WARNING, "deliveries in it are for nobody else",
	    "chmod 0700 it");
	n += look_at_mode(d, conf->log.file, S_IWOTH, DOCTOR_WARNING,
	    "anybody may write to the log", "chmod 0640 it");
	if (n == 0)
		doctor_say(d, DOCTOR_OK, NULL,
		    "the modes of configuration, secrets and spool are tight");
}

/* ---- the spool ---- */

static void
count_spool(struct doctor *d)
{
	const char *path = d->conf->webhook.spool;
	struct spool_count new, bad;
	struct err err = ERR_INIT;
	char span[DOCTOR_SPAN_SIZE];
	int64_t since;

	if (spool_count(path, &new, &bad, &err) != 0) {
		doctor_err(d, &err);
		return;
	}
	doctor_measure(d, "spooled", new.files);
	doctor_measure(d, "set_aside", bad.files);
	since = (rfc3339_now() - new.oldest) / 1000000;
	if (new.files > 0 && since > WAITING_S)
		doctor_say(d, DOCTOR_FAILURE,
		    "ons-process must run on this host, too, as the same "
		    "user, and the database must take what it brings",
		    "%lld deliveries have waited in %s for up to %s",
		    (long long)new.files, path, doctor_span(since, span));
	else if (new.files > 0)
		doctor_say(d, DOCTOR_WARNING,
		    "look at the database: ons-webhook could not store them",
		    "%lld deliveries wait in %s", (long long)new.files, path);
	if (bad.files > 0)
		doctor_say(d, DOCTOR_WARNING,
		    "see the log of ons-process, then move them from bad/ to "
		    "new/, or remove them",
		    "%lld files in %s/bad could not be taken in",
		    (long long)bad.files, path);
	if (new.files == 0 && bad.files == 0)
		doctor_say(d, DOCTOR_OK, NULL, "%s is empty", path);
}

/* Nothing is made here: a folder of root's would be in the programs' way. */
void
doctor_spool(struct doctor *d)
{
	const char *path = d->conf->webhook.spool;
	struct err err = ERR_INIT;
	struct spool spool;
	struct stat st;

	if (stat(path, &st) != 0) {
		doctor_say(d, DOCTOR_FAILURE,
		    "install -d -o ons -m 0700 it, or let ons-webhook make "
		    "it, in a folder where its user may",
		    "%s: %s: while the database is away deliveries are "
		    "refused",
		    path, strerror(errno));
		return;
	}
	spool_init(&spool, path, d->conf->webhook.spool_max);
	if (st.st_uid == geteuid() && spool_probe(&spool, &err) != 0) {
		doctor_say(d, DOCTOR_FAILURE,
		    err.kind == ERR_CONFIG
			? NULL
			: "make room, or raise [webhook] spool_max",
		    "%s", err.text);
		return;
	}
	count_spool(d);
}

/* ---- the clock ---- */

/* Signatures older than the tolerance are refused. */
static enum doctor_level
judge(const struct doctor *d, int64_t off)
{
	if (off > d->ws->webhook.tolerance_ms / 1000 / 2)
		return DOCTOR_FAILURE;
	return off > CLOCK_WARN_S ? DOCTOR_WARNING : DOCTOR_OK;
}

/* The Date of an answer is a moment old, and in whole seconds. */
void
doctor_compare_clock(struct doctor *d, const char *service)
{
	int64_t theirs = http_date(http_header(d->sync.http, "Date"));
	int64_t off = theirs - rfc3339_now() / 1000000;

	if (theirs < 0 || (d->clock != NULL && llabs(off) <= llabs(d->off_s)))
		return;
	d->clock = service;
	d->off_s = off;
}

void
doctor_clock(struct doctor *d)
{
	int64_t off = llabs(d->off_s);
	char span[DOCTOR_SPAN_SIZE];

	if (d->clock == NULL)
		return; /* nobody has answered */
	doctor_measure(d, "clock_s", off);
	if (judge(d, off) == DOCTOR_OK)
		doctor_say(
		    d, DOCTOR_OK, NULL, "it agrees with the services' clocks");
	else
		doctor_say(d, judge(d, off),
		    "let NTP set it (timedatectl set-ntp true): signatures of "
		    "OpenPhone and S3 are refused by a wrong clock",
		    "this host's clock is %s %s that of %s",
		    doctor_span(off, span),
		    d->off_s > 0 ? "behind" : "ahead of", d->clock);
}

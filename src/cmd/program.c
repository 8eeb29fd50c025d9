#include "cmd/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <sysexits.h>

#include "base/log.h"

#include "config.h"

void
program_begin(const char *name)
{
	/* RLIMIT_CORE would not do: it does not bind core_pattern's pipes */
	prctl(PR_SET_DUMPABLE, 0);
	log_init(name);
}

int
program_log(const struct conf *conf, struct err *err)
{
	if (log_set_level(conf->log.level) != 0) {
		err_set(err, ERR_CONFIG, "[log] level: %s?", conf->log.level);
		return -1;
	}
	if (conf->log.syslog && conf->log.file != NULL) {
		err_set(err, ERR_CONFIG,
		    "[log] has both file and syslog: which of them?");
		return -1;
	}
	if (conf->log.syslog)
		return log_to_syslog(_PATH_LOG, err);
	return conf->log.file == NULL ? 0 : log_to_file(conf->log.file, err);
}

int
program_exit_code(const struct err *err)
{
	switch (err->kind) {
	case ERR_NONE:
		return EX_OK;
	case ERR_CONFIG:
		return EX_CONFIG;
	case ERR_OPERATOR:
		return EX_NOPERM;
	case ERR_PERMANENT:
		return EX_DATAERR;
	default:
		return EX_TEMPFAIL;
	}
}

int
program_fail(const char *name, const struct err *err)
{
	fprintf(stderr, "%s: %s\n", name, err->text);
	return program_exit_code(err);
}

int
program_number(const char *name, const char *option, const char *text,
    int64_t max, int64_t *ret)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 1 || n > max) {
		fprintf(stderr,
		    "%s: %s: \"%s\" is not a whole number from 1 to %lld\n",
		    name, option, text, (long long)max);
		return -1;
	}
	*ret = n;
	return 0;
}

void
program_version(const char *name)
{
#ifdef FAILPOINTS
	static const char build[] = ", with fail points";
#else
	static const char build[] = "";
#endif

	printf("%s (" PACKAGE_NAME ") " PACKAGE_VERSION "%s\n", name, build);
}

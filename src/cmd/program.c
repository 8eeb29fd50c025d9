#include "cmd/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/log.h"

#include "config.h"

int
program_log(const struct conf *conf, struct err *err)
{
	int fd;

	if (log_set_level(conf->log.level) != 0) {
		err_set(err, ERR_CONFIG, "[log] level: %s?", conf->log.level);
		return -1;
	}
	if (conf->log.file == NULL)
		return 0;
	fd = open(
	    conf->log.file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0) {
		err_sys(err, ERR_CONFIG, "[log] file: %s", conf->log.file);
		return -1;
	}
	log_set_fd(fd);
	return 0;
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

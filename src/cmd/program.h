/*
 * program.h - what the four programs have in common: options, exit codes
 * (sysexits.h), the log.
 */
#ifndef CMD_PROGRAM_H
#define CMD_PROGRAM_H

#include <stdint.h>

#include "base/err.h"
#include "model/conf.h"

/* First of all. A program that crashes leaves no core, for the keys are in it,
 * and none of its user's other processes may look into it. */
void program_begin(const char *name);

/* Set up the log as the configuration says. */
int program_log(const struct conf *conf, struct err *err);

/* EX_CONFIG, EX_NOPERM, EX_TEMPFAIL ... by the kind of failure. */
int program_exit_code(const struct err *err);

/* Say it on standard error, "NAME: text", and give the exit code. */
int program_fail(const char *name, const struct err *err);

void program_version(const char *name);

/* An option's number, from 1 to max: 0, or -1 after saying what is wrong. */
int program_number(const char *name, const char *option, const char *text,
    int64_t max, int64_t *ret);

#endif

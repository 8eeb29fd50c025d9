/*
 * hours.h - the hours of a week in which people are at work.
 */
#ifndef MODEL_HOURS_H
#define MODEL_HOURS_H

#include <stdbool.h>

struct hours {
	bool days[7];	 /* Monday first */
	int from, until; /* minutes of the day, 0 to 1440; from < until */
};

/* "Mon-Fri 09:00-17:00", "Mon,Wed-Thu 8:30-24:00": 0 and *ret, or -1. */
int hours_parse(const char *text, struct hours *ret);

#endif

#include "model/hours.h"

#include <ctype.h>
#include <stddef.h>
#include <strings.h>

static const char *const names[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat",
	"Sun" };

enum { DAYS = sizeof(names) / sizeof(*names), DAY_MINUTES = 24 * 60 };

/* Each of these takes something off the front of the text, or nothing. */

static bool
take(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static int
take_day(const char **text)
{
	for (int i = 0; i < DAYS; i++)
		if (strncasecmp(*text, names[i], 3) == 0) {
			*text += 3;
			return i;
		}
	return -1;
}

/* "Sat-Mon" goes over the end of the week. */
static bool
take_days(const char **text, bool days[DAYS])
{
	do {
		int day = take_day(text);
		int last = day >= 0 && take(text, '-') ? take_day(text) : day;

		if (day < 0 || last < 0)
			return false;
		for (; day != last; day = (day + 1) % DAYS)
			days[day] = true;
		days[last] = true;
	} while (take(text, ','));
	return true;
}

/* At most two digits; -1: none. */
static int
take_number(const char **text)
{
	int n = -1;

	for (int i = 0; i < 2 && isdigit((unsigned char)**text); i++)
		n = (n < 0 ? 0 : n * 10) + *(*text)++ - '0';
	return n;
}

static int
take_time(const char **text)
{
	int hour = take_number(text);
	int minute = take(text, ':') ? take_number(text) : -1;

	if (hour < 0 || minute < 0 || minute > 59 ||
	    hour * 60 + minute > DAY_MINUTES)
		return -1;
	return hour * 60 + minute;
}

int
hours_parse(const char *text, struct hours *ret)
{
	struct hours hours = { .from = -1, .until = -1 };

	if (!take_days(&text, hours.days) || !take(&text, ' '))
		return -1;
	while (take(&text, ' '))
		;
	hours.from = take_time(&text);
	if (take(&text, '-'))
		hours.until = take_time(&text);
	if (*text != '\0' || hours.from < 0 || hours.until <= hours.from)
		return -1;
	*ret = hours;
	return 0;
}

#include "model/when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/rfc3339.h"

#define HOUR_USEC (3600 * INT64_C(1000000))

enum { DIGITS_MAX = 5 };

static int
parse_day(const char *text, bool last, int64_t *ret)
{
	char moment[32];
	struct tm tm = { .tm_isdst = -1 };
	time_t noon, sec;
	int64_t usec;

	snprintf(moment, sizeof(moment), "%.11sT12:00:00Z", text);
	if (strlen(text) != 10 || rfc3339_parse(moment, &usec) != 0)
		return -1;
	/* the day's name in UTC; its limits in the zone, where it may have 23
	 * hours or 25 */
	noon = (time_t)(usec / 1000000);
	gmtime_r(&noon, &tm);
	tm.tm_hour = 0;
	tm.tm_mday += last;
	tm.tm_isdst = -1;
	if ((sec = mktime(&tm)) == -1)
		return -1;
	*ret = (int64_t)sec * 1000000;
	return 0;
}

static int
parse_ago(const char *text, int64_t now, int64_t *ret)
{
	static const struct {
		char unit;
		int hours;
	} units[] = { { 'h', 1 }, { 'd', 24 }, { 'w', 7 * 24 } };
	size_t digits = strspn(text, "0123456789");
	int64_t n = 0;

	if (digits == 0 || digits > DIGITS_MAX || strlen(text) != digits + 1)
		return -1;
	for (size_t i = 0; i < digits; i++)
		n = 10 * n + (text[i] - '0');
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (text[digits] == units[i].unit) {
			*ret = now - n * units[i].hours * HOUR_USEC;
			return 0;
		}
	return -1;
}

int
when_parse(const char *text, int64_t now, bool last, int64_t *ret)
{
	if (parse_ago(text, now, ret) == 0 || parse_day(text, last, ret) == 0)
		return 0;
	return rfc3339_parse(text, ret);
}

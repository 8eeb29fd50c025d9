#include "base/rfc3339.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

/* Exactly n digits at *p; moves on. */
static bool
digits(const char **p, int n, int *ret)
{
	int v = 0;

	for (; n > 0; n--, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		v = v * 10 + (**p - '0');
	}
	*ret = v;
	return true;
}

static bool
literal(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* ".123456789" as microseconds; nothing there is 0. */
static bool
fraction(const char **p, int *ret)
{
	int usec = 0, scale = 100000;

	*ret = 0;
	if (**p != '.')
		return true;
	(*p)++;
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++, scale /= 10)
		usec += (**p - '0') * scale;
	*ret = usec;
	return true;
}

/* "Z" or "+hh:mm" as seconds east of UTC. */
static bool
offset(const char **p, int *ret)
{
	int sign, h, m;

	*ret = 0;
	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		return true;
	}
	if (**p != '+' && **p != '-')
		return false;
	sign = **p == '-' ? -1 : 1;
	(*p)++;
	if (!digits(p, 2, &h) || !literal(p, ':') || !digits(p, 2, &m) ||
	    h > 23 || m > 59)
		return false;
	*ret = sign * (h * 3600 + m * 60);
	return true;
}

static bool
clock_time(const char **p, struct tm *tm)
{
	return digits(p, 2, &tm->tm_hour) && literal(p, ':') &&
	    digits(p, 2, &tm->tm_min) && literal(p, ':') &&
	    digits(p, 2, &tm->tm_sec) && tm->tm_hour <= 23 &&
	    tm->tm_min <= 59 && tm->tm_sec <= 60;
}

int
rfc3339_parse(const char *text, int64_t *ret)
{
	struct tm tm = { 0 };
	const char *p = text;
	int year, usec, east, day;
	time_t sec;

	if (!digits(&p, 4, &year) || !literal(&p, '-') ||
	    !digits(&p, 2, &tm.tm_mon) || !literal(&p, '-') ||
	    !digits(&p, 2, &day) || year < 1 || tm.tm_mon < 1 ||
	    tm.tm_mon > 12 || day < 1)
		return -1;
	if ((*p != 'T' && *p != 't' && *p != ' ') ||
	    (p++, !clock_time(&p, &tm)) || !fraction(&p, &usec) ||
	    !offset(&p, &east) || *p != '\0')
		return -1;
	tm.tm_year = year - 1900;
	tm.tm_mon--;
	tm.tm_mday = day;
	if (tm.tm_sec == 60) /* POSIX time has no leap seconds */
		tm.tm_sec = 59;
	sec = timegm(&tm);
	/* it moves 30 February into March: refuse that instead */
	if (tm.tm_mday != day)
		return -1;
	*ret = ((int64_t)sec - east) * 1000000 + usec;
	return 0;
}

void
rfc3339_format(int64_t usec, char ret[RFC3339_SIZE])
{
	int64_t rest = usec % 1000000;
	time_t sec;
	struct tm tm;
	char day[32];

	if (rest < 0)
		rest += 1000000;
	sec = (time_t)((usec - rest) / 1000000);
	gmtime_r(&sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret, RFC3339_SIZE, "%.20s.%03dZ", day, (int)(rest / 1000));
}

void
rfc3339_local(int64_t usec, const char *fmt, char *ret, size_t size)
{
	int64_t rest = usec % 1000000;
	time_t sec =
	    (time_t)((usec - (rest < 0 ? rest + 1000000 : rest)) / 1000000);
	struct tm tm;

	localtime_r(&sec, &tm);
	if (strftime(ret, size, fmt, &tm) == 0 && size > 0)
		ret[0] = '\0';
}

int64_t
rfc3339_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

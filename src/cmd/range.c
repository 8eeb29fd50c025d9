/*
 * A range of time on the command line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/rfc3339.h"
#include "cmd/onsctl.h"
#include "model/when.h"

static int
bad(const char *option, const char *what)
{
	fprintf(stderr, "onsctl: %s: %s\n", option, what);
	return -1;
}

void
ctl_zone(const struct ctl *ctl)
{
	setenv("TZ", ctl->ws->sync.time_zone, 1);
	tzset();
}

int
ctl_range(const char *given_since, const char *given_until, int64_t *ret_since,
    int64_t *ret_until)
{
	static const char *const not_a_time =
	    "neither a day (2026-01-31), nor a time (2026-01-31T09:00:00Z), "
	    "nor so long ago (12h, 30d, 2w)";
	int64_t now = rfc3339_now(), since, until = now;

	if (when_parse(given_since, now, false, &since) != 0)
		return bad("--since", not_a_time);
	if (given_until != NULL &&
	    when_parse(given_until, now, true, &until) != 0)
		return bad("--until", not_a_time);
	if (since > now)
		return bad("--since", "that is yet to come");
	if (until > now)
		until = now;
	if (since >= until)
		return bad("--since", "not before --until");
	*ret_since = since;
	*ret_until = until;
	return 0;
}

int
ctl_span(const struct ctl *ctl, const char *since, const char *until,
    struct ctl_span *ret)
{
	int64_t from, to;

	*ret = (struct ctl_span){ .since = NULL };
	if (since == NULL && until == NULL)
		return 0;
	ctl_zone(ctl);
	if (ctl_range(
		since == NULL ? "1970-01-01" : since, until, &from, &to) != 0)
		return -1;
	rfc3339_format(from, ret->texts[0]);
	rfc3339_format(to, ret->texts[1]);
	ret->since = ret->texts[0];
	ret->until = ret->texts[1];
	return 0;
}

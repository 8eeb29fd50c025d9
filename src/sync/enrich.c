#include "sync/enrich.h"

#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "model/call.h"
#include "model/fold.h"

/* Seconds until each look for parts that have not come: most recordings are
 * there within seconds, a summary "long after the call ends". */
static const int check_after[] = { 60, 300, 1800, 7200, 28800, 86400 };
enum { CHECKS_MAX = sizeof(check_after) / sizeof(*check_after) };

typedef int fetch_fn(
    const struct openphone *op, const char *id, json_t **ret, struct err *err);
typedef int fold_fn(json_t *state, const json_t *data, struct err *err);

static const struct part {
	enum call_part part;
	const char *name;
	fetch_fn *fetch;
	fold_fn *fold;
} parts[] = {
	{ CALL_RECORDINGS, "recordings", openphone_recordings,
	    fold_rest_recordings },
	{ CALL_VOICEMAIL, "voicemail", openphone_voicemail,
	    fold_rest_voicemail },
	{ CALL_TRANSCRIPT, "transcript", openphone_transcripts,
	    fold_rest_transcripts },
	{ CALL_SUMMARY, "summary", openphone_summary, fold_rest_summary },
};

/* "Not there" is an answer only on the last look: until then it may mean
 * "not yet". */
static int
fetch_part(struct sync *sync, const struct job *job, json_t *state,
    const struct part *part, bool last, struct err *err)
{
	json_t *data = NULL;
	bool empty;
	int rc;

	FAILPOINT("enrich.asking");
	if (part->fetch(&sync->openphone, job->resource_id, &data, err) != 0) {
		err_prefix(err, "%s", part->name);
		return -1;
	}
	FAILPOINT("enrich.told");
	empty =
	    data == NULL || (json_is_array(data) && json_array_size(data) == 0);
	log_debug(
	    "asked OpenPhone for %s: %s", part->name, empty ? "none" : "there");
	rc = empty && !last ? 0 : part->fold(state, data, err);
	json_decref(data);
	return rc;
}

static int
fetch_parts(struct sync *sync, const struct job *job, struct resource *res,
    unsigned int missing, bool last, struct err *err)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if ((missing & parts[i].part) &&
		    fetch_part(sync, job, res->state, &parts[i], last, err) !=
			0)
			return -1;
	return 0;
}

/* Over for so long that what isn't there won't come by itself? */
static bool
is_old(const json_t *facts)
{
	const char *text =
	    json_string_value(json_object_get(facts, "completedAt"));
	int64_t end;

	if (text == NULL)
		text = json_string_value(json_object_get(facts, "createdAt"));
	return text != NULL && rfc3339_parse(text, &end) == 0 &&
	    rfc3339_now() - end >= CALL_PARTS_WAIT;
}

static unsigned int
missing_parts(const struct resource *res)
{
	/* how long to wait is up to the number of looks, not to the clock:
	 * deliveries may come days late */
	return res->checks < CHECKS_MAX ? call_expects(res->facts, 0) : 0;
}

static int
look_for_parts(struct sync *sync, const struct job *job, struct resource *res,
    struct err *err)
{
	unsigned int missing = missing_parts(res);
	bool old = is_old(res->facts);
	bool look = old || (res->recheck && res->recheck_in <= 0);

	if (missing != 0 && look) {
		if (fetch_parts(sync, job, res, missing,
			old || res->checks + 1 == CHECKS_MAX, err) != 0)
			return -1;
		res->checks = old ? CHECKS_MAX : res->checks + 1;
		missing = missing_parts(res);
	}
	if (missing == 0) {
		res->recheck = false;
	} else if (look || !res->recheck) {
		res->recheck = true;
		res->recheck_in = check_after[res->checks];
	}
	return 0;
}

/* Did only parts come so far, a summary say, and nothing of the call? */
static int
base_is_missing(const json_t *facts)
{
	json_t *who = call_parties(facts, NULL);
	bool nobody = json_array_size(who) == 0;

	if (who == NULL)
		return -1;
	json_decref(who);
	return nobody || json_object_get(facts, "direction") == NULL;
}

static int
enrich_call(struct sync *sync, const struct job *job, struct resource *res,
    struct err *err)
{
	json_t *call = NULL;
	int missing = base_is_missing(res->facts), rc = 0;

	if (missing < 0) {
		err_nomem(err);
		return -1;
	}
	if (missing) {
		if (openphone_call(
			&sync->openphone, job->resource_id, &call, err) != 0)
			return -1;
		if (call != NULL)
			rc = fold_rest_call(res->state, call, err);
		json_decref(call);
	}
	return rc != 0 ? -1 : look_for_parts(sync, job, res, err);
}

/* v4 payloads have no attachments, not even an empty list. */
static int
enrich_message(struct sync *sync, const struct job *job, struct resource *res,
    struct err *err)
{
	json_t *message = NULL;
	int rc;

	if (json_is_true(json_object_get(res->facts, "mediaKnown")))
		return 0;
	if (openphone_message(
		&sync->openphone, job->resource_id, &message, err) != 0)
		return -1;
	/* one that is not to be seen with this key is not asked for again */
	rc = fold_rest_message(res->state, message, err);
	json_decref(message);
	return rc;
}

int
enrich(struct sync *sync, const struct job *job, struct resource *res,
    struct err *err)
{
	if (strcmp(job->kind, "call") == 0)
		return enrich_call(sync, job, res, err);
	if (strcmp(job->kind, "message") == 0)
		return enrich_message(sync, job, res, err);
	return 0;
}

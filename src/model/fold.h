/*
 * fold.h - what is known of a call, message or contact, put together from
 * events and REST data in any order.
 *
 * A state is {"facts": {…}, "times": {"<path>": "<RFC 3339, ms, UTC>"}}. facts
 * has the same names for all generations, those of the dated REST API where it
 * has one; they are listed below. Each leaf ("text", "voicemail/url",
 * "recordings/<key>/url"; arrays are leaves as a whole) is a register in which
 * the greatest value stays, by (rank, time, spelling). Rank matters for a
 * status: what is over does not come to life again. Nothing, that is null,
 * "", [] and {}, is never written, so that it never replaces something. Hence
 * the order of events, and how often each came, make no difference.
 *
 * Moments are normalised, so that equal ones are equal strings; numbers are
 * kept to six decimals, integral ones as integers, so that jsonb gives back
 * what it was given.
 *
 * call: id direction status createdAt updatedAt answeredAt completedAt duration
 *   answeredBy initiatedBy userId phoneNumberId phoneNumberType conversationId
 *   callRoute forwardedFrom forwardedTo aiHandled hasVoicemail deepLink
 *   contactIds[] contactLookup menu{selection name reason}; from to (generation
 *   1), participants[] (2, v1), workspace[] external[] (3, dated);
 *   missed, ringing: true once the event was seen;
 *   recordings{key: id url type duration startTime status index}, key is the
 *     id or "url:" and 16 digits of its hash;
 *   voicemail{id url type duration transcript status from to};
 *   summary{status summary[] nextSteps[] jobs[] type title};
 *   transcripts{key: status createdAt startTime duration dialogue[{content
 *     start end identifier userId}]}, key is "call" or the recording's id;
 *     many lines are texts, see model/lines.h;
 *   recordingsKnown voicemailKnown summaryKnown transcriptKnown
 * message: id direction status from to[] text media[{url type}] mediaKnown
 *   errorCode createdAt updatedAt userId phoneNumberId conversationId
 *   contactIds[] contactLookup deepLink
 * both: deleted, where OpenPhone was once found to have it no longer
 * contact: id firstName lastName company role phoneNumbers[] emails[] deleted
 *   createdAt updatedAt
 *
 * Functions return 0, or -1 with ERR_RETRY (out of memory): the state is then
 * half written and must not be stored.
 */
#ifndef MODEL_FOLD_H
#define MODEL_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "model/event.h"

/* How to spell a state: equal states are equal bytes. */
#define FOLD_DUMP_FLAGS \
	(JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(15))

/* A state that knows nothing; the caller's. NULL: out of memory. */
json_t *fold_new(void);

bool fold_equal(const json_t *a, const json_t *b);

/* An event of kind call, message or contact that has a resource id; any other
 * changes nothing. */
int fold_event(json_t *state, const json_t *envelope, const struct event *event,
    struct err *err);

/*
 * The state was folded again from its events: what the one before knew beside
 * is kept, such as what only the API told. Where both know a thing, the new
 * one has it, unless the old one is of a later time (or a status of a greater
 * rank): the API said so after the event.
 */
int fold_keep(
    json_t *state, const json_t *before, const char *kind, struct err *err);

/* Has OpenPhone it no longer, for all that is known? */
bool fold_is_deleted(const json_t *facts);

/* It was seen (microseconds) that OpenPhone has it no longer, or has it; that
 * is kept where it is news. */
int fold_deleted(json_t *state, const char *kind, bool deleted, int64_t seen,
    struct err *err);

/* A Call object of the v1 or dated API, with "summary" and "voicemail" where
 * they were asked for and are there. */
int fold_rest_call(json_t *state, const json_t *call, struct err *err);

/*
 * The answers of the endpoints for a call's parts; NULL stands for "there is
 * none, and it is not worth asking again". What is then settled is marked by
 * the facts recordingsKnown, summaryKnown, transcriptKnown, voicemailKnown.
 */
int fold_rest_recordings(json_t *state, const json_t *list, struct err *err);
int fold_rest_summary(json_t *state, const json_t *summary, struct err *err);
int fold_rest_voicemail(
    json_t *state, const json_t *voicemail, struct err *err);

/* v1: one object for the call; dated: an array, one for each recording. */
int fold_rest_transcripts(
    json_t *state, const json_t *transcripts, struct err *err);

/* A Message of either API; marks mediaKnown. NULL: it is not to be seen. */
int fold_rest_message(json_t *state, const json_t *message, struct err *err);

/* A Contact of v1, or a dated one with its properties added by the caller as
 * "phoneNumbers" and "emails". */
int fold_rest_contact(json_t *state, const json_t *contact, struct err *err);

#endif

/*
 * call.h - what the folded facts of a call say. Pure questions, no I/O.
 *
 * `facts` is the object "facts" of a call's state (model/fold.h); `names` is
 * that of model/names.h, or NULL.
 *
 * Functions that return json_t give a new reference, NULL: out of memory.
 */
#ifndef MODEL_CALL_H
#define MODEL_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

/* How the call went, from the moments and parts, not from `status` alone (a
 * "completed" call need not have been answered):
 *   answered     somebody of the workspace or the called party talked
 *   ai           the AI agent answered
 *   voicemail    not answered, a message was left
 *   forwarded    passed on to another number
 *   missed       incoming and over without an answer
 *   no-answer    outgoing and over without an answer
 *   failed       never came about
 *   ringing      not answered yet
 *   in-progress  answered and not over
 *   unknown      nothing says so yet: only a summary arrived, say */
const char *call_outcome(const json_t *facts);

/* Nothing more is going to be said on the line; parts may still come. */
bool call_is_over(const json_t *facts);

/* Seconds of talk without the ringing, -1: nobody talked, or not known. */
int64_t call_talk_seconds(const json_t *facts);

/* Array of the outside parties' numbers, each once. */
json_t *call_parties(const json_t *facts, const json_t *names);

/* The workspace's number; belongs to facts or names; NULL: not known. */
const char *call_own_number(const json_t *facts, const json_t *names);

/* Array of the recorded segments in the order of time, each a copy of the
 * fact with "key", its name under "recordings". */
json_t *call_recordings(const json_t *facts);

/* Array of {content, start, end, identifier, userId} in the order of time, all
 * segments together; start and end in seconds from the first segment's. */
json_t *call_dialogue(const json_t *facts);

/* Parts that may still come, for a call over for less than CALL_PARTS_WAIT;
 * an older one, and one not over, expects nothing. now: microseconds. */
enum call_part {
	CALL_RECORDINGS = 1,
	CALL_VOICEMAIL = 2,
	CALL_TRANSCRIPT = 4,
	CALL_SUMMARY = 8,
};
#define CALL_PARTS_WAIT (24 * 3600 * INT64_C(1000000))
unsigned int call_expects(const json_t *facts, int64_t now);

#endif

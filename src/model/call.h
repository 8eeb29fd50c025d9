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

#include "model/lines.h"

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

/*
 * The dialogue, {content, start, end, identifier, userId} a line, in the order
 * of time, all segments together; start and end in seconds from the first
 * segment's. A line at a time, for there may be 20,000:
 *
 *	if (call_lines_begin(&lines, facts) != 0)
 *		out of memory, and there is nothing to end
 *	while ((line = call_lines_next(&lines)) != NULL)
 *		use it; json_decref(line);
 *	if (call_lines_end(&lines) != 0)
 *		out of memory
 */
struct call_lines {
	json_t *parts;	   /* transcripts in order; owned */
	size_t next;	   /* index of the part after this one */
	struct lines part; /* what is left of this one */
	double by;	   /* seconds to be added to its times */
	int64_t first;	   /* microseconds: when the first part began */
	bool failed;	   /* out of memory */
};
int call_lines_begin(struct call_lines *lines, const json_t *facts);
json_t *call_lines_next(struct call_lines *lines);
int call_lines_end(struct call_lines *lines);

/* Are there any? -1: out of memory. */
int call_has_lines(const json_t *facts);

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

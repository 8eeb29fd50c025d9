/*
 * failpoint.h - places where a test makes a program fail.
 *
 * FAILPOINT("page.created") is nothing, unless configured with
 * --enable-failpoints. Then $ONS_FAILPOINTS names a folder, and what happens
 * there is up to the file in it that is called PROGRAM:PLACE, as in
 * ons-process:page.created. It says "ACTION MS NTH":
 *
 *	kill 0 1	SIGKILL to this process when the place is passed
 *	stop 0 3	SIGSTOP, at the third passing, by whichever process
 *	exit 0 1	an end without any clearing up
 *	sleep 500 0	half a second, each time
 *
 * A file is removed just before it takes effect, but for those of each time:
 * so it happens once, whatever a successor passes, and the test sees when. A
 * file "trace" gets a line PROGRAM:PLACE whenever one is passed.
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include "config.h"

#ifdef FAILPOINTS
#define FAILPOINT(place) failpoint(place)
void failpoint(const char *place);
#else
#define FAILPOINT(place) ((void)0)
#endif

#endif

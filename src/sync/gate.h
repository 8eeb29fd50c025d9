/*
 * gate.h - hold every request to its service's shared rate limit, and stop
 * asking while a person must act. What begins and ends is logged here, once.
 */
#ifndef SYNC_GATE_H
#define SYNC_GATE_H

#include "sync/sync.h"

/* limit requests in each window_ms, over all processes. */
void gate_init(struct sync_gate *gate, struct sync *sync, const char *service,
    int64_t limit, int64_t window_ms);

/* Keep the lease of the job under way, when it is time to: 0, or -1 when it
 * was lost to another worker, who does the work now. */
int gate_heartbeat(struct sync *sync, struct err *err);

/* A person must act, for the service as a whole (part "") or for what goes to
 * one of its databases (part: a kind of resource). Sets err->retry_after_ms. */
void gate_trouble(
    struct sync *sync, const char *service, const char *part, struct err *err);

/* It works: if there was such a trouble, it is over. */
void gate_mended(struct sync *sync, const char *service, const char *part);

/* For a service without a rate limit: 0, or -1 while a person must act for it.
 * *trying: go, and tell by one of the two above how it went. */
int gate_pass(
    struct sync *sync, const char *service, bool *trying, struct err *err);

#endif

/*
 * gate.h - hold every request to its service's shared rate limit.
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

/* A person must act: nobody calls the service for a while. */
void gate_pause_for_operator(
    struct sync_gate *gate, int64_t ms, const char *reason);

#endif

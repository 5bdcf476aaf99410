/* latency.h -- LATENCY: events that took longer than latency-monitor-threshold, and histograms. */
#ifndef MEMD_SERVER_LATENCY_H
#define MEMD_SERVER_LATENCY_H

#include "server/server.h"

struct latency *latency_new(void);
void latency_free(struct latency **l);

/* The threshold in ms; 0 turns the monitor off. */
void latency_set_threshold(struct latency *l, int64_t ms);

/* An event took ms. Cheap when it is below the threshold or the monitor is off. */
void latency_add(struct latency *l, const char *event, int64_t ms);

/* Call fn for each event that has been recorded, with its last and its longest time in ms. */
void latency_each(const struct latency *l, void (*fn)(void *ctx, const char *event, int64_t last_ms, int64_t max_ms),
                  void *ctx);

extern const struct command latency_commands[];

#endif

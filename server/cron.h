/* cron.h -- what is done from time to time. */
#ifndef MEMD_SERVER_CRON_H
#define MEMD_SERVER_CRON_H

#include "server/server.h"

/* Called every turn; does its work ten times a second. True: there is more to evict at once. */
bool cron_turn(struct server *s);

/* A tenth of the clients is looked at after each of those times, a few in each turn (between.h): who is idle, and what each has. */
bool cron_clients_are_due(const struct server *s);
void cron_clients_turn(struct server *s, int64_t deadline_us);

/* SIGTERM, SIGINT: orderly stop. SIGHUP: reopen the log. */
void cron_signal(struct server *s, int sig);

/* One that had to wait for a script to end (server->signal_later). */
void cron_signal_waited(struct server *s);

/* A counter stands at total, ms after the last sample. */
void rate_sample(struct rate *r, uint64_t total, int64_t ms);

/* Per second, over the last OPS_SAMPLES samples: 1.6 s of the cron's. */
uint64_t rate_per_second(const struct rate *r);

#endif

/* metrics_guard.h -- who may read the metrics.
 *
 * With metrics-password whoever sends it. Without it whoever can connect, but in protected mode only this machine, under
 * an address or the name localhost: to a browser here a page from anywhere can give a name of its own for our address
 * (DNS rebinding), and the browser would let that page read what we answer to that name. No page can have a name that is an
 * address. */
#ifndef MEMD_SERVER_METRICS_GUARD_H
#define MEMD_SERVER_METRICS_GUARD_H

struct conf;
struct evhttp_request;

enum metrics_guard {
    METRICS_ADMIT,
    METRICS_WRONG_PASSWORD,
    METRICS_OTHER_MACHINE,
    METRICS_OTHER_NAME
};

/* The time that it takes to look at a password depends on what was sent alone. */
enum metrics_guard metrics_guard(const struct conf *conf, struct evhttp_request *r);

#endif

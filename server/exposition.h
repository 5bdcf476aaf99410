/* exposition.h -- Prometheus' text: families of samples, each with its help and type.
 *
 *     # HELP memd_commands_total Calls, by command.
 *     # TYPE memd_commands_total counter
 *     memd_commands_total{cmd="get"} 12
 *
 * Text format 0.0.4, or OpenMetrics 1.0 (`open`), which names a counter's family without _total and wants an end.
 * A family is begun once and all its samples follow it. */
#ifndef MEMD_SERVER_EXPOSITION_H
#define MEMD_SERVER_EXPOSITION_H

#include <stdint.h>

#include "base/buf.h"

enum expo_type { EXPO_GAUGE, EXPO_COUNTER, EXPO_HISTOGRAM };

struct exposition {
    struct buf text;
    bool open;       /* OpenMetrics */
    bool has_labels; /* of the sample that is being written */
};

/* Begin a family. The name of a counter ends in _total; names and helps are ours, and need no escapes. */
void expo_family(struct exposition *x, enum expo_type type, const char *name, const char *help);

/* A sample: its name (of a histogram with _bucket, _sum or _count as suffix, else ""), any number of labels, its
 * value. Values of labels may be any bytes: what is not UTF-8 is shown as \xHH. */
void expo_sample(struct exposition *x, const char *name, const char *suffix);
void expo_label(struct exposition *x, const char *label, struct str value);
void expo_uint(struct exposition *x, uint64_t v);
void expo_int(struct exposition *x, int64_t v);
void expo_seconds(struct exposition *x, int64_t us); /* of microseconds */

/* All samples of a histogram with one set of labels (label NULL: none): counts[i] of n took at most 2^i us and more than
 * the bound before. The buckets are those from 2^from us to 2^upto us, so that histograms can be added up; what took
 * longer is in +Inf alone. */
void expo_histogram(struct exposition *x, const char *name, const char *label, struct str value, int from, int upto,
                    const uint64_t *counts, int n, uint64_t sum_us);

/* Families of one sample without labels. */
void expo_gauge(struct exposition *x, const char *name, const char *help, int64_t v);
void expo_counter(struct exposition *x, const char *name, const char *help, uint64_t v);
void expo_gauge_seconds(struct exposition *x, const char *name, const char *help, int64_t us);
void expo_counter_seconds(struct exposition *x, const char *name, const char *help, int64_t us);

/* A family of one label: a sample for each of its values. */
struct expo_part {
    const char *value; /* of the label */
    uint64_t n;
};

void expo_parts(struct exposition *x, enum expo_type type, const char *name, const char *help, const char *label,
                const struct expo_part *parts, size_t n);

/* The whole has been written. */
void expo_end(struct exposition *x);

#endif

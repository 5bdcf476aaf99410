/* report.h -- what was found in files, told line by line: by a tool on its output, by a start in the log. */
#ifndef MEMD_PERSISTENCE_REPORT_H
#define MEMD_PERSISTENCE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct report {
    void (*say)(void *ctx, const char *line);
    void *ctx;
    unsigned n_bad;        /* lines that tell of something that is not as it was written */
    unsigned n_torn;       /* of them: ends that were never durable, which a start cuts back */
    uint64_t lost_bytes;   /* of files */
    uint64_t lost_batches; /* as far as they can be counted */
    uint64_t refused;      /* commands that could not be applied, as what they build on is lost */
};

/* A line; one that tells of something bad. r may be NULL: nobody listens. */
void report_line(struct report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void report_bad(struct report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

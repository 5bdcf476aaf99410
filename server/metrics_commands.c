/* metrics_commands.c -- metrics by command, and by the code word of errors. */
#include "server/metrics_impl.h"

#include "base/mem.h"
#include "server/registry.h"

enum { BETWEEN_LOOKS = 16, /* commands between two looks at the clock */
       LAST_BOUND = 20 };  /* 2^20 us: what took longer is in +Inf alone */

static void gather(void *ctx, struct command_ref *ref)
{
    struct metrics_page *p = ctx;
    const struct command_stats *st = &ref->stats;

    if (st->calls == 0 && st->rejected == 0 && st->failed == 0) return;
    if (p->n_commands == p->commands_cap) {
        p->commands_cap = p->commands_cap ? p->commands_cap * 2 : 64;
        p->commands = mem_realloc(p->commands, p->commands_cap * sizeof *p->commands);
    }
    p->commands[p->n_commands++] = ref;
}

void metrics_gather_commands(struct metrics_page *p)
{
    registry_each(p->s->commands, gather, p);
}

/* Write one sample for each command, or several: the part's work. */
static bool each_command(struct metrics_page *p, void (*fn)(struct exposition *x, const struct command_ref *ref))
{
    while (p->at < p->n_commands) {
        fn(&p->x, p->commands[p->at++]);
        if (p->at % BETWEEN_LOOKS == 0 && metrics_page_is_late(p)) return p->at < p->n_commands;
    }
    return false;
}

static void sample(struct exposition *x, const struct command_ref *ref, const char *name, const char *suffix)
{
    expo_sample(x, name, suffix);
    expo_label(x, "cmd", str_c(ref->full_name));
}

/* --- counters --------------------------------------------------------------------------------------------- */

static void calls(struct exposition *x, const struct command_ref *ref)
{
    sample(x, ref, "memd_commands_total", "");
    expo_uint(x, ref->stats.calls);
}

bool metrics_calls(struct metrics_page *p)
{
    if (p->at == 0) expo_family(&p->x, EXPO_COUNTER, "memd_commands_total", "Calls that ran, by command.");
    return each_command(p, calls);
}

static void failures(struct exposition *x, const struct command_ref *ref)
{
    sample(x, ref, "memd_command_failures_total", "");
    expo_uint(x, ref->stats.failed);
}

bool metrics_failures(struct metrics_page *p)
{
    if (p->at == 0) {
        expo_family(&p->x, EXPO_COUNTER, "memd_command_failures_total",
                    "Calls that ran and were answered with an error, by command.");
    }
    return each_command(p, failures);
}

static void rejections(struct exposition *x, const struct command_ref *ref)
{
    sample(x, ref, "memd_command_rejections_total", "");
    expo_uint(x, ref->stats.rejected);
}

bool metrics_rejections(struct metrics_page *p)
{
    if (p->at == 0) {
        expo_family(&p->x, EXPO_COUNTER, "memd_command_rejections_total",
                    "Calls that were refused before they ran (rights, memory, arity), by command.");
    }
    return each_command(p, rejections);
}

/* --- the histogram ---------------------------------------------------------------------------------------- */

#define DURATION "memd_command_duration_seconds"

static void durations(struct exposition *x, const struct command_ref *ref)
{
    const struct command_stats *st = &ref->stats;

    if (st->calls == 0) return; /* refused each time */
    expo_histogram(x, DURATION, "cmd", str_c(ref->full_name), 0, LAST_BOUND, st->histogram, LATENCY_BUCKETS, st->us);
}

bool metrics_durations(struct metrics_page *p)
{
    if (!p->s->conf->latency_tracking) return false;
    if (p->at == 0) {
        expo_family(&p->x, EXPO_HISTOGRAM, DURATION,
                    "Time that calls took, waiting not counted, by command (with latency-tracking).");
    }
    return each_command(p, durations);
}

/* --- errors ----------------------------------------------------------------------------------------------- */

bool metrics_errors(struct metrics_page *p)
{
    struct table_iter it = { 0 };
    struct entry *e;

    expo_counter(&p->x, "memd_error_replies_total", "Replies that were errors.", p->s->stats.errors);
    expo_family(&p->x, EXPO_COUNTER, "memd_errors_total", "Errors by their code word.");
    while ((e = table_next(&p->s->errorstats, &it)) != NULL) {
        expo_sample(&p->x, "memd_errors_total", "");
        expo_label(&p->x, "code", entry_key(e));
        expo_uint(&p->x, (uint64_t)entry_int(e));
    }
    return false;
}

/* latency.c -- see latency.h. A ring of samples for each event, one per second and the worst of it. */
#include "server/latency.h"

#include <stdio.h>

#include "base/mem.h"
#include "server/client.h"
#include "server/rows.h"

enum { LATENCY_SAMPLES = 160, LATENCY_EVENTS = 32 };

struct sample {
    int64_t at_s, ms;
};

struct event_log {
    char name[32];
    struct sample ring[LATENCY_SAMPLES];
    int next;
    int64_t max_ms;
};

struct latency {
    int64_t threshold_ms;
    struct event_log *events[LATENCY_EVENTS];
    int n;
};

struct latency *latency_new(void)
{
    return mem_zalloc(sizeof(struct latency));
}

static int reset_events(struct latency *l, const struct call *c)
{
    int kept = 0, n = l->n;

    for (int i = 0; i < n; i++) {
        bool drop = c == NULL || c->argc == 2;
        for (size_t k = 2; !drop && k < c->argc; k++) drop = str_is(call_arg(c, k), l->events[i]->name);
        if (drop) mem_free(l->events[i]);
        else l->events[kept++] = l->events[i];
    }
    l->n = kept;
    return n - kept;
}

void latency_free(struct latency **l)
{
    reset_events(*l, NULL);
    mem_free(*l);
    *l = NULL;
}

void latency_set_threshold(struct latency *l, int64_t ms)
{
    l->threshold_ms = ms;
}

static struct event_log *find_event(const struct latency *l, struct str name)
{
    for (int i = 0; i < l->n; i++) {
        if (str_is(name, l->events[i]->name)) return l->events[i];
    }
    return NULL;
}

void latency_add(struct latency *l, const char *event, int64_t ms)
{
    struct event_log *e;
    struct sample *last;
    int64_t now_s;

    if (l->threshold_ms == 0 || ms < l->threshold_ms) return;
    e = find_event(l, str_c(event));
    if (e == NULL) {
        if (l->n == LATENCY_EVENTS) return;
        e = l->events[l->n++] = mem_zalloc(sizeof *e);
        snprintf(e->name, sizeof e->name, "%s", event);
    }
    if (ms > e->max_ms) e->max_ms = ms;
    now_s = clock_wall_ms() / 1000;
    last = &e->ring[(e->next + LATENCY_SAMPLES - 1) % LATENCY_SAMPLES];
    if (last->at_s == now_s) {
        if (ms > last->ms) last->ms = ms;
        return;
    }
    e->ring[e->next] = (struct sample){ now_s, ms };
    e->next = (e->next + 1) % LATENCY_SAMPLES;
}

static const struct sample *last_of(const struct event_log *e)
{
    return &e->ring[(e->next + LATENCY_SAMPLES - 1) % LATENCY_SAMPLES];
}

void latency_each(const struct latency *l, void (*fn)(void *ctx, const char *event, int64_t last_ms, int64_t max_ms),
                  void *ctx)
{
    for (int i = 0; i < l->n; i++) fn(ctx, l->events[i]->name, last_of(l->events[i])->ms, l->events[i]->max_ms);
}

/* --- commands --------------------------------------------------------------------------------------- */

static struct latency *of(const struct call *c)
{
    return c->client->server->latency;
}

static enum err run_latest(struct call *c)
{
    struct latency *l = of(c);

    reply_array(c->out, (size_t)l->n);
    for (int i = 0; i < l->n; i++) {
        struct event_log *e = l->events[i];
        const struct sample *last = last_of(e);
        reply_array(c->out, 4);
        reply_bulk_c(c->out, e->name);
        reply_int(c->out, last->at_s);
        reply_int(c->out, last->ms);
        reply_int(c->out, e->max_ms);
    }
    return OK;
}

static enum err run_history(struct call *c)
{
    struct event_log *e = find_event(of(c), call_arg(c, 2));
    size_t mark = reply_mark(c->out), n = 0;

    for (int i = 0; e && i < LATENCY_SAMPLES; i++) {
        struct sample *s = &e->ring[(e->next + i) % LATENCY_SAMPLES];
        if (s->at_s == 0) continue;
        reply_array(c->out, 2);
        reply_int(c->out, s->at_s);
        reply_int(c->out, s->ms);
        n++;
    }
    reply_array_at(c->out, mark, n);
    return OK;
}

static enum err run_reset(struct call *c)
{
    reply_int(c->out, reset_events(of(c), c));
    return OK;
}

/* Cumulative counts at powers of two of microseconds, empty buckets left out. */
static void reply_histogram(struct call *c, const struct command_ref *ref)
{
    uint64_t sum = 0;
    size_t mark, n = 0;

    reply_bulk_c(c->out, ref->full_name);
    reply_map(c->out, 2);
    reply_bulk_c(c->out, "calls");
    reply_int(c->out, (int64_t)ref->stats.calls);
    reply_bulk_c(c->out, "histogram_usec");
    mark = reply_mark(c->out);
    for (int i = 0; i < LATENCY_BUCKETS; i++) {
        if (ref->stats.histogram[i] == 0) continue;
        sum += ref->stats.histogram[i];
        reply_int(c->out, (int64_t)1 << i);
        reply_int(c->out, (int64_t)sum);
        n++;
    }
    reply_map_at(c->out, mark, n);
}

static size_t histograms_of(struct call *c, const struct command_ref *ref)
{
    size_t n = 0;

    if (ref->stats.calls > 0) {
        reply_histogram(c, ref);
        n++;
    }
    for (size_t i = 0; i < ref->n_subs; i++) n += histograms_of(c, &ref->subs[i]);
    return n;
}

static enum err run_histogram(struct call *c)
{
    struct registry *r = c->client->server->commands;
    size_t mark = reply_mark(c->out), n = 0;

    if (c->argc == 2) {
        for (size_t i = 0; i < registry_count(r); i++) n += histograms_of(c, registry_at(r, i));
    }
    for (size_t i = 2; i < c->argc; i++) {
        struct command_ref *ref = registry_find_full(r, call_arg(c, i));
        if (ref) n += histograms_of(c, ref);
    }
    reply_map_at(c->out, mark, n);
    return OK;
}

static enum err run_doctor(struct call *c)
{
    struct latency *l = of(c);
    struct buf text = { 0 };

    if (l->threshold_ms == 0) {
        buf_add_c(&text, "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this memd "
                         "instance. You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" "
                         "in order to enable it.\n");
    } else if (l->n == 0) {
        buf_add_c(&text, "Dave, no latency spike was observed during the lifetime of this memd instance, not "
                         "in the slightest bit. I honestly think you ought to sit down calmly, take a stress "
                         "pill, and think things over.\n");
    } else {
        buf_add_c(&text, "Latency spikes were observed:\n");
        for (int i = 0; i < l->n; i++) {
            buf_printf(&text, "%d. %s: worst %lld ms\n", i + 1, l->events[i]->name,
                       (long long)l->events[i]->max_ms);
        }
    }
    reply_verbatim(c->out, "txt", buf_str(&text));
    buf_fini(&text);
    return OK;
}

/* --- GRAPH ------------------------------------------------------------------------------------------ */

enum { GRAPH_COLUMNS = 80, GRAPH_ROWS = 4, GRAPH_SHADES = 3 };

/* How long ago, in at most four characters and the unit. */
static void show_age(char *text, size_t n, int64_t s)
{
    if (s < 60) snprintf(text, n, "%llds", (long long)s);
    else if (s < 3600) snprintf(text, n, "%lldm", (long long)(s / 60));
    else if (s < 86400) snprintf(text, n, "%lldh", (long long)(s / 3600));
    else snprintf(text, n, "%lldd", (long long)(s / 86400));
}

/* What stands in a row, counted from below, of a column that is `level` shades high. */
static char shade(int64_t level, int row)
{
    int64_t over = level - row * GRAPH_SHADES;

    if (over < 0) return ' ';
    return over < GRAPH_SHADES ? "_o#"[over] : '|';
}

/* n samples side by side, each with its age written downwards below it. */
static void draw(struct buf *text, const struct sample *const *samples, int n, int64_t low, int64_t high)
{
    enum { STEPS = GRAPH_ROWS * GRAPH_SHADES };
    int64_t range = high > low ? high - low : 1, now_s = clock_wall_ms() / 1000;
    char ages[GRAPH_COLUMNS][24] = { { 0 } };
    size_t longest = 0;

    for (int row = GRAPH_ROWS - 1; row >= 0; row--) {
        for (int i = 0; i < n; i++) {
            int64_t level = (samples[i]->ms - low) * STEPS / range;
            buf_add_char(text, shade(level < STEPS ? level : STEPS - 1, row));
        }
        buf_add_char(text, '\n');
    }
    for (int i = 0; i < n; i++) {
        show_age(ages[i], sizeof ages[i], now_s - samples[i]->at_s);
        if (strlen(ages[i]) > longest) longest = strlen(ages[i]);
    }
    buf_add_char(text, '\n');
    for (size_t k = 0; k < longest; k++) {
        for (int i = 0; i < n; i++) buf_add_char(text, strlen(ages[i]) > k ? ages[i][k] : ' ');
        buf_add_char(text, '\n');
    }
}

static enum err run_graph(struct call *c)
{
    struct event_log *e = find_event(of(c), call_arg(c, 2));
    const struct sample *all[LATENCY_SAMPLES];
    int64_t low = INT64_MAX, high = 0;
    struct buf text = { 0 };
    int n = 0;

    if (e == NULL) return call_fail(c, ERR_LATENCY_EVENT, call_arg(c, 2));
    for (int i = 0; i < LATENCY_SAMPLES; i++) {
        const struct sample *s = &e->ring[(e->next + i) % LATENCY_SAMPLES];
        if (s->at_s == 0) continue;
        all[n++] = s;
        if (s->ms < low) low = s->ms;
        if (s->ms > high) high = s->ms;
    }
    buf_printf(&text, "%s - high %lld ms, low %lld ms (all time high %lld ms)\n", e->name, (long long)high,
               (long long)low, (long long)e->max_ms);
    for (int i = 0; i < GRAPH_COLUMNS; i++) buf_add_char(&text, '-');
    buf_add_char(&text, '\n');
    for (int i = 0; i < n; i += GRAPH_COLUMNS) {
        draw(&text, all + i, n - i < GRAPH_COLUMNS ? n - i : GRAPH_COLUMNS, low, high);
    }
    reply_verbatim(c->out, "txt", buf_str(&text));
    buf_fini(&text);
    return OK;
}

/* --- HELP ------------------------------------------------------------------------------------------- */

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "DOCTOR",
        "    Return a human readable latency analysis report.",
        "GRAPH <event>",
        "    Return an ASCII latency graph for the <event> class.",
        "HISTORY <event>",
        "    Return time-latency samples for the <event> class.",
        "LATEST",
        "    Return the latest latency samples for all events.",
        "RESET [<event> ...]",
        "    Reset latency data of one or more <event> classes.",
        "    (default: reset all data for all event classes)",
        "HISTOGRAM [COMMAND ...]",
        "    Return a cumulative distribution of commands' latency in histogram format.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

#define LATENCY_ROW(n, fn, ar, si, text) \
    .name = (n), .run = (fn), .arity = (ar), .group = GROUP_SERVER, .since = (si), .summary = (text), \
    .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE

static const struct command latency_subs[] = {
    { LATENCY_ROW("doctor", run_doctor, 2, "2.8.13", "Reports on latency in words."), .complexity = "O(1)",
      .tips = TIPS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special") },
    { LATENCY_ROW("graph", run_graph, 3, "2.8.13", "Draws the samples of an event."), .complexity = "O(1)",
      .args = ARGS({ .name = "event" }),
      .tips = TIPS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special") },
    { LATENCY_ROW("histogram", run_histogram, -2, "7.0.0", "Returns the distribution of commands' latencies."),
      .complexity = "O(N), N being the commands with calls",
      .args = ARGS({ .name = "command", .flags = ARG_OPTIONAL | ARG_MULTIPLE }),
      .tips = TIPS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special") },
    { LATENCY_ROW("history", run_history, 3, "2.8.13", "Returns the samples of an event."), .complexity = "O(1)",
      .args = ARGS({ .name = "event" }),
      .tips = TIPS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special") },
    { LATENCY_ROW("latest", run_latest, 2, "2.8.13", "Returns the latest sample of every event."),
      .complexity = "O(1)",
      .tips = TIPS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special") },
    { LATENCY_ROW("reset", run_reset, -2, "2.8.13", "Forgets the samples of events."), .complexity = "O(1)",
      .args = ARGS({ .name = "event", .flags = ARG_OPTIONAL | ARG_MULTIPLE }),
      .tips = TIPS("request_policy:all_nodes", "response_policy:agg_sum") },
    { .name = "help", .run = run_help, .arity = 2, .flags = CMD_LOADING | CMD_STALE, .group = GROUP_SERVER,
      .since = "2.8.13", .complexity = "O(1)", .summary = "Prints what LATENCY can do." },
    { 0 },
};

const struct command latency_commands[] = {
    { CONTAINER("latency", GROUP_SERVER, "2.8.13", "What took long.", latency_subs) },
    { 0 },
};

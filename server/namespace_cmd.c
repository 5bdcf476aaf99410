/* namespace_cmd.c -- NAMESPACE: rules for keys by pattern, and figures by rule, which INFO has too. */
#include "base/glob.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/namespace_rules.h"
#include "server/namespaces.h"
#include "server/rows.h"

static struct server *of(const struct call *c)
{
    return c->client->server;
}

static struct namespace *find(const struct call *c)
{
    return ns_by_pattern(c->store, call_arg(c, 2));
}

/* --- SET, DEL -------------------------------------------------------------------------------------------- */

/* Options that are not named stay as they are. */
static enum err run_set(struct call *c)
{
    const struct namespace *ns = find(c);
    struct ns_rules rules = ns ? ns->rules : (struct ns_rules){ 0 };
    struct buf wrong = { 0 };
    char why[PERSIST_WHY];

    if (!namespace_pattern_ok(call_arg(c, 2), &wrong) ||
        !namespace_rules_read(&rules, c->argv + 3, c->argc - 3, &wrong)) {
        return call_fail_why(c, &wrong);
    }
    if (!namespaces_set(of(c), call_arg(c, 2), &rules, why)) {
        buf_add_c(&wrong, why);
        return call_fail_why(c, &wrong);
    }
    reply_ok(c->out);
    return OK;
}

static enum err run_del(struct call *c)
{
    reply_int(c->out, namespaces_del(of(c), call_arg(c, 2)));
    return OK;
}

/* --- GET, LIST ------------------------------------------------------------------------------------------- */

static void reply_option(void *ctx, const char *name, struct str value)
{
    struct reply *out = ctx;

    reply_bulk_c(out, name);
    reply_bulk(out, value);
}

static enum err run_get(struct call *c)
{
    const struct namespace *ns = find(c);

    if (ns == NULL) {
        reply_null(c->out);
        return OK;
    }
    reply_map(c->out, namespace_rules_count());
    namespace_rules_each(&ns->rules, reply_option, c->out);
    return OK;
}

struct listing {
    struct call *call;
    size_t n;
};

static void list_one(void *ctx, struct namespace *ns)
{
    struct listing *l = ctx;
    struct str pattern = str_c(ns->pattern);
    struct buf text = { 0 };

    if (l->call->argc == 3 && !glob_match(call_arg(l->call, 2), pattern, false)) return;
    namespace_rules_show(&ns->rules, &text);
    reply_bulk(l->call->out, pattern);
    reply_bulk(l->call->out, buf_str(&text));
    buf_fini(&text);
    l->n++;
}

static enum err run_list(struct call *c)
{
    size_t mark = reply_mark(c->out);
    struct listing l = { c, 0 };

    if (c->argc > 3) return subcommand_syntax(c);
    ns_each(c->store, list_one, &l);
    reply_map_at(c->out, mark, l.n);
    return OK;
}

/* --- STATS ----------------------------------------------------------------------------------------------- */

/* Upper bounds of the histogram, in seconds. */
static const char *const ttl_bounds[NS_TTL_BUCKETS] = {
    "1", "10", "60", "600", "3600", "21600", "86400", "604800", "2592000", "inf",
};
_Static_assert(sizeof (const int64_t[]){ NS_TTL_BOUNDS } / sizeof(int64_t) + 1 == NS_TTL_BUCKETS, "a name for each");

static void reply_figure(struct reply *out, const char *name, uint64_t n)
{
    reply_bulk_c(out, name);
    reply_int(out, (int64_t)n);
}

static void reply_histogram(struct reply *out, const uint64_t *counts)
{
    reply_map(out, NS_TTL_BUCKETS);
    for (int i = 0; i < NS_TTL_BUCKETS; i++) reply_figure(out, ttl_bounds[i], counts[i]);
}

static void reply_stats(struct reply *out, const struct ns_stats *st)
{
    const struct { const char *name; uint64_t n; } figures[] = {
        { "keys", st->keys }, { "bytes", st->bytes }, { "expires", st->expires }, { "hits", st->hits },
        { "misses", st->misses }, { "expired", st->expired }, { "evicted", st->evicted }, { "trimmed", st->trimmed },
        { "archived", st->archived }, { "recalled", st->recalled }, { "dropped", st->dropped },
        { "refused", st->refused },
    };
    const size_t n = sizeof figures / sizeof *figures;

    reply_map(out, n + 1);
    for (size_t i = 0; i < n; i++) reply_figure(out, figures[i].name, figures[i].n);
    reply_bulk_c(out, "ttl");
    reply_histogram(out, st->ttl);
}

static void stats_one(void *ctx, struct namespace *ns)
{
    struct reply *out = ctx;

    reply_bulk_c(out, ns->pattern);
    reply_stats(out, &ns->stats);
}

static enum err run_stats(struct call *c)
{
    const struct namespace *ns;

    if (c->argc > 3) return subcommand_syntax(c);
    if (c->argc == 3) {
        ns = find(c);
        if (ns) reply_stats(c->out, &ns->stats);
        else reply_null(c->out);
        return OK;
    }
    reply_map(c->out, ns_count(c->store));
    ns_each(c->store, stats_one, c->out);
    return OK;
}

/* --- INFO, CONFIG RESETSTAT ---------------------------------------------------------------------------------- */

struct printing {
    struct buf *out;
    unsigned n;
};

static void print_line(void *ctx, struct namespace *ns)
{
    struct printing *p = ctx;
    const struct ns_stats *st = &ns->stats;

    buf_printf(p->out, "ns%u:pattern=", p->n++);
    for (const char *q = ns->pattern; *q; q++) buf_add_char(p->out, *q == ',' || *q == '=' ? '?' : *q); /* which part them */
    buf_printf(p->out, ",keys=%llu,bytes=%llu,expires=%llu,hits=%llu,misses=%llu,expired=%llu,evicted=%llu,trimmed=%llu,"
               "archived=%llu,recalled=%llu,dropped=%llu,refused=%llu",
               (unsigned long long)st->keys, (unsigned long long)st->bytes, (unsigned long long)st->expires,
               (unsigned long long)st->hits, (unsigned long long)st->misses, (unsigned long long)st->expired,
               (unsigned long long)st->evicted, (unsigned long long)st->trimmed, (unsigned long long)st->archived,
               (unsigned long long)st->recalled, (unsigned long long)st->dropped, (unsigned long long)st->refused);
    for (int i = 0; i < NS_TTL_BUCKETS; i++) {
        buf_printf(p->out, ",ttl_%s=%llu", ttl_bounds[i], (unsigned long long)st->ttl[i]);
    }
    buf_add_c(p->out, "\r\n");
}

void namespaces_info(struct server *s, struct buf *out)
{
    struct printing p = { out, 0 };

    if (ns_count(s->store) == 0) return;
    buf_printf(out, "namespaces:%zu\r\n", ns_count(s->store));
    ns_each(s->store, print_line, &p);
}

static void reset_one(void *ctx, struct namespace *ns)
{
    struct ns_stats *st = &ns->stats;

    (void)ctx;
    *st = (struct ns_stats){ .keys = st->keys, .bytes = st->bytes, .expires = st->expires };
}

void namespaces_reset_stats(struct server *s)
{
    if (ns_any(s->store)) ns_each(s->store, reset_one, NULL);
}

/* --- HELP ------------------------------------------------------------------------------------------------ */

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "NAMESPACE <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "SET <pattern> [<option> <value> ...]",
        "    Give the keys that match <pattern> rules; those not named stay as they are.",
        "    Options: ttl jitter sliding maxlen maxkeys maxmemory maxvalue reserve policy",
        "    archive recall retain versions durability audit-log.",
        "GET <pattern>",
        "    Return all options of <pattern> and their values.",
        "DEL <pattern>",
        "    Remove the rules of <pattern>. Keys stay.",
        "LIST [<glob>]",
        "    Return patterns, all or those that match <glob>, each with what was set.",
        "STATS [<pattern>]",
        "    Return figures: keys, bytes, hits, misses, expired, evicted, archived ...",
    };

    REPLY_HELP(c, lines);
    return OK;
}

#define CHANGES (CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE | CMD_NO_ASYNC_LOADING)
#define LOOKS (CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)

static const struct command namespace_subs[] = {
    { ROW("set", run_set, -3, CHANGES, GROUP_SERVER, "7.2.0", "O(N), N being the namespaces",
          "Gives keys that match a pattern rules, or changes some of them."),
      .args = ARGS({ .name = "pattern", .type = ARG_T_PATTERN },
                   { .name = "data", .type = ARG_T_BLOCK, .flags = ARG_OPTIONAL | ARG_MULTIPLE,
                     .subs = ARGS({ .name = "option" }, { .name = "value" }) }),
      .example = "NAMESPACE SET session:* ttl 3600 sliding yes => +OK\r\n" },
    { ROW("get", run_get, 3, LOOKS, GROUP_SERVER, "7.2.0", "O(1)", "Returns all rules of a pattern."),
      .args = ARGS({ .name = "pattern", .type = ARG_T_PATTERN }),
      .example = "NAMESPACE GET nothing:* => $-1\r\n" },
    { ROW("del", run_del, 3, CHANGES, GROUP_SERVER, "7.2.0", "O(N), N being the namespaces",
          "Removes the rules of a pattern; the keys stay."),
      .args = ARGS({ .name = "pattern", .type = ARG_T_PATTERN }),
      .example = "NAMESPACE SET a:* maxlen 5 | NAMESPACE DEL a:* => :1\r\n" },
    { ROW("list", run_list, -2, LOOKS, GROUP_SERVER, "7.2.0", "O(N), N being the namespaces",
          "Lists patterns with their rules."),
      .args = ARGS({ .name = "glob", .type = ARG_T_PATTERN, .flags = ARG_OPTIONAL }),
      .example = "NAMESPACE SET b:* maxlen 5 | NAMESPACE LIST b* => *2\r\n$3\r\nb:*\r\n$8\r\nmaxlen 5\r\n" },
    { ROW("stats", run_stats, -2, LOOKS, GROUP_SERVER, "7.2.0", "O(1), without a pattern O(N), N being the namespaces",
          "Returns the figures of a pattern, or of all."),
      .args = ARGS({ .name = "pattern", .type = ARG_T_PATTERN, .flags = ARG_OPTIONAL }),
      .tips = TIPS("nondeterministic_output"),
      .example = "NAMESPACE STATS nothing:* => $-1\r\n" },
    { ROW("help", run_help, 2, CMD_LOADING | CMD_STALE, GROUP_SERVER, "7.2.0", "O(1)",
          "Prints what NAMESPACE can do.") },
    { 0 },
};

const struct command namespace_commands[] = {
    { CONTAINER("namespace", GROUP_SERVER, "7.2.0", "Rules for keys by pattern, and figures by rule.",
                namespace_subs) },
    { 0 },
};

/* ft_config_cmd.c -- FT.CONFIG, by RediSearch's names. Those that mean something here are settings of memd.conf; the others are
 * known with the value that describes memd best, and what they are set to is told again, without an effect. */
#include "base/glob.h"
#include "server/commands.h"
#include "server/ft_impl.h"
#include "server/rows.h"
#include "server/server_conf.h"

static const struct option {
    const char *name, *setting; /* NULL: the value is fixed */
    const char *value, *help;
} options[] = {
    { "TIMEOUT", "search-timeout", NULL, "Query (search) timeout" },
    { "ON_TIMEOUT", "search-on-timeout", NULL, "Action to perform when search timeout is exceeded (choose RETURN or FAIL)" },
    { "MAXSEARCHRESULTS", "search-max-results", NULL, "Maximum number of results from ft.search command" },
    { "DEFAULT_DIALECT", "search-default-dialect", NULL, "Set RediSearch default dialect version through the lifetime of the server." },
    { "MAXAGGREGATERESULTS", NULL, "unlimited", "Maximum number of results from ft.aggregate command" },
    { "MAXEXPANSIONS", NULL, "131072", "Maximum prefix expansions to be used in a query" },
    { "MAXPREFIXEXPANSIONS", NULL, "131072", "Maximum prefix expansions to be used in a query" },
    { "MINPREFIX", NULL, "1", "Set the minimum prefix for expansions (`*`)" },
    { "MINSTEMLEN", NULL, "4", "Set the minimum word length to stem" },
    { "MAXDOCTABLESIZE", NULL, "4294967294", "Maximum runtime document table size (for this process)" },
    { "DEFAULT_SCORER", NULL, "BM25STD", "Default scorer to use when no scorer is specified in queries" },
    { "CURSOR_MAX_IDLE", "search-cursor-max-idle", NULL, "max idle time allowed to be set for cursor" },
    { "INDEX_CURSOR_LIMIT", "search-cursors", NULL, "Max number of cursors for a given index that can be opened inside of a shard" },
    { "EXTLOAD", NULL, "", "Load extension scoring/expansion module" },
    { "FRISOINI", NULL, "", "Path to Chinese dictionary configuration file (for Chinese tokenization)" },
    { "NOGC", NULL, "true", "Disable garbage collection (for this process)" },
    { "GC_POLICY", NULL, "none", "gc policy to use (DEFAULT/LEGACY)" },
    { "GCSCANSIZE", NULL, "100", "Scan this many documents at a time during every GC iteration" },
    { "FORK_GC_RUN_INTERVAL", NULL, "30", "interval (in seconds) in which to run the fork gc" },
    { "FORK_GC_CLEAN_THRESHOLD", NULL, "100", "the fork gc will only start to clean when the number of not cleaned document will exceed this threshold" },
    { "FORK_GC_RETRY_INTERVAL", NULL, "5", "interval (in seconds) in which to retry running the forkgc after failure." },
    { "FORKGC_SLEEP_BEFORE_EXIT", NULL, "0", "set the amount of seconds for the fork GC to sleep before exists" },
    { "MIN_PHONETIC_TERM_LEN", NULL, "3", "Minimum length of term to be considered for phonetic matching" },
    { "UNION_ITERATOR_HEAP", NULL, "20", "minimum number of iterators in a union from which the iterator will switch to heap based implementation" },
    { "WORKERS", NULL, "0", "Number of worker threads to use for query processing and background tasks" },
    { "MIN_OPERATION_WORKERS", NULL, "0", "Number of worker threads to use for background tasks when the server is in an operation event" },
    { "TIERED_HNSW_BUFFER_LIMIT", NULL, "1024", "Use for setting the buffer limit threshold for vector similarity tiered HNSW index" },
    { "VSS_MAX_RESIZE", NULL, "0", "Set RediSearch vector indexes max resize (in bytes)." },
    { "MULTI_TEXT_SLOP", NULL, "100", "Set RediSearch delta used to increase positional offsets between array slots for multi text values" },
    { "NO_MEM_POOLS", NULL, "false", "Set RediSearch to run without memory pools" },
    { "PARTIAL_INDEXED_DOCS", NULL, "false", "Enable commands filter which optimize indexing on partial hash updates" },
    { "BG_INDEX_SLEEP_GAP", NULL, "100", "The number of iterations to run while performing background indexing before we call usleep" },
    { "RAW_DOCID_ENCODING", NULL, "false", "Disable compression for DocID inverted index. Boost CPU performance." },
    { "ENABLE_UNSTABLE_FEATURES", NULL, "false", "Enable unstable features." },
};

enum { OPTIONS = sizeof options / sizeof *options };
_Static_assert((int)OPTIONS <= (int)FT_OPTIONS_MAX, "there is room for what they are set to");

static void value_of(const struct call *c, size_t i, struct buf *out)
{
    const struct server *s = c->client->server;

    if (options[i].setting) conf_value(s->conf, options[i].setting, out);
    else if (s->ft->options[i].p) buf_add_str(out, buf_str(&s->ft->options[i]));
    else buf_add_c(out, options[i].value);
}

static void reply_value(struct call *c, size_t i)
{
    struct buf value = { 0 };

    value_of(c, i, &value);
    if (value.n) reply_bulk(c->out, buf_str(&value));
    else reply_null(c->out);
    buf_fini(&value);
}

/* RESP2: a list of lists; RESP3: a map. */
static enum err tell(struct call *c, bool help)
{
    bool resp3 = c->client->resp >= 3;
    size_t mark = reply_mark(c->out), n = 0;

    for (size_t i = 0; i < OPTIONS; i++) {
        if (!glob_match(call_arg(c, 2), str_c(options[i].name), true)) continue;
        if (!resp3) reply_array(c->out, help ? 5 : 2);
        reply_bulk_c(c->out, options[i].name);
        if (help && resp3) reply_map(c->out, 2);
        if (help) {
            reply_bulk_c(c->out, "Description");
            reply_bulk_c(c->out, options[i].help);
            reply_bulk_c(c->out, "Value");
        }
        reply_value(c, i);
        n++;
    }
    if (resp3) reply_map_at(c->out, mark, n);
    else reply_array_at(c->out, mark, n);
    return OK;
}

static enum err run_get(struct call *c)
{
    return tell(c, false);
}

static enum err run_help(struct call *c)
{
    return tell(c, true);
}

/* A limit may be said to be none. */
static struct str value_for(const struct option *o, struct str value)
{
    return o->setting && (str_is(value, "unlimited") || str_eq(value, STR("-1"))) ? STR("2147483647") : value;
}

static enum err run_set(struct call *c)
{
    struct ft *f = c->client->server->ft;
    struct buf lower = { 0 };
    enum err e;

    for (size_t i = 0; i < OPTIONS; i++) {
        if (!str_is(call_arg(c, 2), options[i].name)) continue;
        if (options[i].setting == NULL) {
            buf_clear(&f->options[i]);
            buf_add_str(&f->options[i], call_arg(c, 3));
            reply_ok(c->out);
            return OK;
        }
        for (size_t k = 0; k < call_arg(c, 3).n; k++) buf_add_char(&lower, char_lower(call_arg(c, 3).p[k]));
        e = server_config_set(c, (const struct str[]){ str_c(options[i].setting), value_for(&options[i], buf_str(&lower)) }, 1);
        buf_fini(&lower);
        return e;
    }
    reply_error(c->out, STR("SEARCH_OPTION_INVALID Invalid option"));
    return CALL_REPLIED_ERROR;
}

/* clang-format off */

#define CONFIG_ROW(n, fn, ar, text) ROW(n, fn, ar, CMD_ADMIN, GROUP_SEARCH, "1.0.0", "O(1)", text), .acl = ACL_SEARCH

static const struct command config_subs[] = {
    { CONFIG_ROW("get", run_get, 3, "Tells settings of the search by RediSearch's names."), .args = ARGS({ .name = "option", .type = ARG_T_PATTERN }) },
    { CONFIG_ROW("set", run_set, 4, "Changes a setting of the search by RediSearch's name for it."),
      .args = ARGS({ .name = "option" }, { .name = "value" }) },
    { CONFIG_ROW("help", run_help, 3, "The same, with what they are for."), .args = ARGS({ .name = "option", .type = ARG_T_PATTERN }) },
    { 0 },
};

const struct command ft_config_commands[] = {
    { CONTAINER("ft.config", GROUP_SEARCH, "1.0.0", "Settings of the search, by RediSearch's names.", config_subs) },
    { 0 },
};

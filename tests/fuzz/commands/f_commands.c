/* Every command on keys, with arguments as its row has them, and now and then others.
 *
 * Two stores: requests run on the first, and what each writes to the journal (and what expires) runs on
 * the second. After each request the reply must be one whole RESP frame, or none of one that waits; at
 * the end both stores must hold the same, and be sound. So a command that is journaled in a way that
 * does something else when it is replayed is found, whatever the command.
 *
 * Keys have namespaces, whose rules come and go; their figures must agree with a count of everything, and what is told
 * of elements that are trimmed must be there.
 *
 * The bytes of the input choose commands and arguments; when they are used up, numbers choose that follow
 * from all of them. So a short input is a long conversation, and one that is known byte by byte can be
 * changed byte by byte.
 *
 * With MEMD_FUZZ_TRACE set each request is printed with what it wrote to the journal, and the stores are
 * compared after each: `MEMD_FUZZ_TRACE=1 build/release/tests/fuzz/commands/f_commands FILE | tail`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "commands/command.h"
#include "storage/digest.h"
#include "storage/namespace.h"
#include "tests/fuzz/fuzz.h"

enum { ARGS_MAX = 24, ROWS_MAX = 512, REQUESTS_MAX = 200 };

/* --- the input as choices ------------------------------------------------------------------------ */

struct input {
    const uint8_t *p, *end;
    struct rng rest;
};

static unsigned take(struct input *in)
{
    return in->p < in->end ? *in->p++ : (unsigned)rng_below(&in->rest, 256);
}

static unsigned below(struct input *in, unsigned n)
{
    return n ? (take(in) | take(in) << 8) % n : 0;
}

/* --- rows ---------------------------------------------------------------------------------------- */

struct row {
    const struct command *cmd, *parent;
};

static struct {
    struct row at[ROWS_MAX];
    size_t n;
} rows;

static void collect_row(const struct command *cmd, const struct command *parent)
{
    if (cmd->run == NULL || strcmp(cmd->name, "pfselftest") == 0) return; /* a container; a test, and long */
    ensure(rows.n < ROWS_MAX);
    rows.at[rows.n++] = (struct row){ cmd, parent };
}

static void collect_rows(void)
{
    for (int t = 0; command_tables[t]; t++) {
        for (const struct command *c = command_tables[t]; c->name; c++) {
            collect_row(c, NULL);
            for (const struct command *s = c->subs; s && s->name; s++) collect_row(s, c);
        }
    }
}

/* --- arguments ----------------------------------------------------------------------------------- */

static const char *const numbers[] = {
    "0", "1", "2", "3", "5", "8", "10", "100", "-1", "-2", "-5", "128", "255", "1000", "4096", "65536", "-129", "1.5",
    "-0", "0.25", "3e5", "-1e-7", "inf", "-inf", "nan", "9223372036854775807", "-9223372036854775808",
    "9223372036854775808", "18446744073709551615", "2147483648", "1790000001000", "1789999999000", "+1", "01", " 1", "",
};

/* Words of the options and values that rows cannot tell. */
static const char *const words[] = {
    "*", "$", ">", "-", "+", "(", "[", "[a", "(b", "(1", "0-0", "0-1", "1-1", "5-*", "7", "8-3", "=", "~", "u8", "i16", "#1",
    "a", "b", "c", "field", "value", "member", "x", "1", "*a*", "[a-z]?", "k*->field", "hello world", "\r\n", "m", "km",
    "13.361389", "38.115556", "sum", "bit", "get", "set", "incrby", "lex", "hyll",
};

struct request {
    struct input *in;
    const struct row *row;
    size_t argc;
    struct str argv[ARGS_MAX];
    char room[ARGS_MAX][8];
    size_t counted; /* where the number of what follows is to be put; 0: nowhere */
};

static void add(struct request *q, struct str a)
{
    if (q->argc < ARGS_MAX) q->argv[q->argc++] = a;
}

static bool one_in(struct input *in, unsigned n)
{
    return below(in, n) == 0;
}

static struct str pick(struct input *in, const char *const *from, size_t n)
{
    return str_c(from[below(in, (unsigned)n)]);
}

static struct str raw(struct input *in)
{
    size_t n = below(in, 80), left = (size_t)(in->end - in->p);
    const uint8_t *p = in->p;

    if (n > left) n = left;
    in->p += n;
    return str_of(p, n);
}

static struct str any(struct input *in)
{
    switch (below(in, 8)) {
    case 0: return raw(in);
    case 1:
    case 2:
    case 3: return pick(in, numbers, sizeof numbers / sizeof *numbers);
    default: return pick(in, words, sizeof words / sizeof *words);
    }
}

static struct str made(struct request *q, const char *fmt, unsigned v)
{
    char *room = q->room[q->argc < ARGS_MAX ? q->argc : 0];

    return str_of(room, (size_t)snprintf(room, sizeof q->room[0], fmt, v % 1000));
}

/* Mostly one that holds what the command wants. */
static void add_key(struct request *q)
{
    enum command_group group = q->row->cmd->group;
    bool other = group == GROUP_GENERIC || one_in(q->in, 8);

    add(q, made(q, "k%u", (other ? below(q->in, 16) : (unsigned)group) * 4 + below(q->in, 4)));
}

static bool is_count(const struct command_arg *a)
{
    return strcmp(a->name, "numkeys") == 0 || strcmp(a->name, "numfields") == 0 || strcmp(a->name, "count") == 0;
}

static void add_value(struct request *q, const struct command_arg *a);

static void add_args(struct request *q, const struct command_arg *a)
{
    for (; a && a->name; a++) {
        unsigned n = 1;
        size_t from, items = 0;

        if ((a->flags & ARG_OPTIONAL) && !one_in(q->in, 3)) continue;
        if (a->flags & ARG_MULTIPLE) n = 1 + below(q->in, 4);
        if (a->token && a->token[0] && !(a->flags & ARG_MULTIPLE_TOKEN)) add(q, str_c(a->token));
        from = q->argc;
        for (; items < n; items++) {
            if ((a->flags & ARG_MULTIPLE_TOKEN) && a->token && a->token[0]) add(q, str_c(a->token));
            add_value(q, a);
        }
        if (q->counted && (a->flags & ARG_MULTIPLE) && q->counted < from) {
            size_t at = q->counted;
            q->argv[at] = str_of(q->room[at], (size_t)snprintf(q->room[at], sizeof q->room[at], "%u", n));
            q->counted = 0;
        }
    }
}

static void add_value(struct request *q, const struct command_arg *a)
{
    const struct command_arg *sub = a->subs;
    size_t n = 0;

    switch (a->type) {
    case ARG_T_PURE_TOKEN: return;
    case ARG_T_KEY: add_key(q); return;
    case ARG_T_BLOCK: add_args(q, sub); return;
    case ARG_T_ONEOF: {
        struct command_arg one[2] = { { 0 } };
        while (sub && sub[n].name) n++;
        if (n == 0) return;
        one[0] = sub[below(q->in, (unsigned)n)];
        one[0].flags &= ~(unsigned)ARG_OPTIONAL;
        add_args(q, one);
        return;
    }
    case ARG_T_INTEGER:
    case ARG_T_DOUBLE:
    case ARG_T_UNIX_TIME:
        if (is_count(a) && q->argc < ARGS_MAX) q->counted = strcmp(a->name, "count") == 0 ? 0 : q->argc;
        if (a->type == ARG_T_UNIX_TIME) add(q, one_in(q->in, 2) ? STR("1790000005000") : STR("1790000005"));
        else if (one_in(q->in, 3)) add(q, pick(q->in, numbers, sizeof numbers / sizeof *numbers));
        else add(q, made(q, "%u", below(q->in, 12)));
        return;
    default:
        if (one_in(q->in, 2)) add(q, made(q, "m%u", below(q->in, 12)));
        else add(q, any(q->in));
    }
}

/* Now and then an argument is dropped, doubled, or another. */
static void spoil(struct request *q, size_t head)
{
    size_t at = head + below(q->in, (unsigned)(q->argc - head + 1));

    switch (below(q->in, 3)) {
    case 0:
        if (at < q->argc) memmove(q->argv + at, q->argv + at + 1, (--q->argc - at) * sizeof *q->argv);
        return;
    case 1:
        if (q->argc == ARGS_MAX || at > q->argc) return;
        memmove(q->argv + at + 1, q->argv + at, (q->argc++ - at) * sizeof *q->argv);
        q->argv[at] = any(q->in);
        return;
    default:
        if (at < q->argc) q->argv[at] = any(q->in);
    }
}

/* A negative count has those that pick at random repeat themselves: a huge one is only slow. */
static bool too_slow(const struct row *r, struct str a)
{
    int64_t v;

    return strstr(r->cmd->name, "rand") && num_parse_i64(a, &v) && v < -1000;
}

static void make_request(struct request *q, struct input *in)
{
    const struct row *r = &rows.at[below(in, (unsigned)rows.n)];
    size_t head = r->parent ? 2 : 1;

    q->in = in;
    q->row = r;
    q->argc = q->counted = 0;
    add(q, str_c(r->parent ? r->parent->name : r->cmd->name));
    if (r->parent) add(q, str_c(r->cmd->name));
    add_args(q, r->cmd->args);
    if (one_in(in, 4)) spoil(q, head);
    for (size_t i = head; i < q->argc; i++) {
        if (too_slow(r, q->argv[i])) q->argv[i] = STR("-3");
    }
}

/* --- two stores ---------------------------------------------------------------------------------- */

struct side {
    struct store *store;
    struct arena arena;
    struct buf out;
    struct reply reply;
    struct side *copy; /* where its journal goes; NULL: nowhere */
    int db;
};

static bool tracing(void)
{
    return getenv("MEMD_FUZZ_TRACE") != NULL;
}

static void trace(const char *what, size_t argc, const struct str *argv)
{
    if (!tracing()) return;
    printf("%s", what);
    for (size_t i = 0; i < argc; i++) {
        printf(" \"");
        for (size_t k = 0; k < argv[i].n; k++) {
            unsigned char b = (unsigned char)argv[i].p[k];
            printf(b >= 32 && b < 127 ? "%c" : "\\x%02x", b);
        }
        printf("\"");
    }
    printf("\n");
    fflush(stdout); /* the next thing may be the end */
}

static enum err run(struct side *side, const struct row *r, size_t argc, const struct str *argv, bool may_block);

static const struct row *find_row(struct str name, struct str sub)
{
    for (size_t i = 0; i < rows.n; i++) {
        const struct row *r = &rows.at[i];
        if (r->parent ? str_is(name, r->parent->name) && str_is(sub, r->cmd->name) : str_is(name, r->cmd->name)) {
            return r;
        }
    }
    return NULL;
}

static void replay(void *ctx, size_t argc, const struct str *argv)
{
    struct side *copy = ctx;
    const struct row *r = find_row(argv[0], argc > 1 ? argv[1] : STR(""));
    size_t mark = copy->out.n;
    enum err e;

    trace("  journal", argc, argv);
    ensure(r != NULL && "the journal names a command that there is not");
    e = run(copy, r, argc, argv, false);
    ensure(e == OK && copy->out.n > mark && copy->out.p[mark] != '-' && "what was journaled fails when replayed");
    trace("    reply", 1, &(struct str){ copy->out.p + mark, copy->out.n - mark });
    buf_clear(&copy->out);
}

static void on_change(void *ctx, const struct change *ch)
{
    struct side *side = ctx;

    if (side->copy == NULL) return;
    side->copy->db = ch->db;
    if (ch->kind == CHANGE_EXPIRED || ch->kind == CHANGE_EVICTED) {
        replay(side->copy, 2, (struct str[]){ STR("DEL"), ch->key });
    } else if (ch->kind == CHANGE_HEXPIRED) {
        replay(side->copy, 3, (struct str[]){ STR("HDEL"), ch->key, ch->field });
    }
    side->copy->db = 0;
}

static enum err run(struct side *side, const struct row *r, size_t argc, const struct str *argv, bool may_block)
{
    struct call c = { .cmd = r->cmd, .argc = argc, .argv = argv, .out = &side->reply, .store = side->store,
                      .db = side->store->dbs[side->db], .arena = &side->arena, .may_block = may_block };
    uint64_t before = side->store->stats.changes;
    struct journal j = { replay, side->copy };
    enum err e = call_run(&c);

    if (side->copy && side->store->stats.changes != before) {
        if (r->cmd->journal) r->cmd->journal(&c, &j);
        else replay(side->copy, argc, argv);
    }
    arena_reset(&side->arena);
    return e;
}

static void on_overwritten(void *ctx, const struct db *db, const struct entry *e)
{
    (void)ctx;
    ensure(db_peek((struct db *)(uintptr_t)db, entry_key(e)) == e);
}

static void on_trimmed(void *ctx, const struct db *db, const struct entry *e, bool from_end, uint64_t n)
{
    (void)ctx, (void)from_end;
    ensure(n > 0 && n <= type_ops[entry_type(e)]->count(db->store, e));
}

static struct departures departures = { .overwritten = on_overwritten, .trimmed = on_trimmed };

static const char *const patterns[] = { "k1*", "k2?", "k*", "k5?", "k6", "m*", "*" };

/* A rule comes or goes, or keys get their namespaces, or are evicted within one. */
static void change_rules(struct input *in, struct store *s)
{
    struct str pattern = pick(in, patterns, sizeof patterns / sizeof *patterns);
    struct ns_rules rules = { .archive = NS_OVERWRITE | NS_TRIM, .maxkeys = 1 + below(in, 8), .policy = EVICT_ALL_LRU };
    struct namespace *ns = ns_by_pattern(s, pattern);

    rules.has_policy = one_in(in, 2);
    if (ns == NULL) ensure(ns_set(s, pattern, &rules) == OK);
    else if (one_in(in, 3)) ensure(ns_del(s, pattern));
    else if (one_in(in, 2)) ensure(ns_set(s, pattern, &rules) == OK);
    else if (!s->loading) (void)ns_make_room(s, ns, 1, 0, INT64_MAX / 2);
}

static void side_open(struct side *s, struct side *copy)
{
    struct store_conf conf = {
        .databases = 4, .maxmemory_samples = 5, .lfu_log_factor = 10, .lfu_decay_time = 1,
        .list_max_listpack_size = 4, .hash_max_listpack_entries = 4, .hash_max_listpack_value = 16,
        .set_max_intset_entries = 4, .set_max_listpack_entries = 4, .set_max_listpack_value = 16,
        .zset_max_listpack_entries = 4, .zset_max_listpack_value = 16, .string_limit = 1u << 20,
        .stream_node_max_bytes = 128, .stream_node_max_entries = 4,
    };
    struct hash_key hash_key = { 1, 2 };

    *s = (struct side){ .copy = copy };
    s->store = store_new(&conf, &hash_key, 42);
    s->store->now_ms = 1790000000000;
    s->store->departures = &departures;
    s->store->loading = copy == NULL; /* nothing expires but what the journal says */
    store_subscribe(s->store, on_change, s);
    arena_init(&s->arena);
    s->reply = (struct reply){ &s->out, 2 };
}

static void side_close(struct side *s)
{
    store_check(s->store);
    store_free(&s->store);
    arena_fini(&s->arena);
    buf_fini(&s->out);
}

/* --- replies ------------------------------------------------------------------------------------- */

/* The end of the frame at p; NULL when it is none. */
static const char *frame_end(const char *p, const char *end, int depth)
{
    const char *eol = p < end ? memchr(p, '\r', (size_t)(end - p)) : NULL;
    int64_t n = 0;

    if (eol == NULL || eol + 1 >= end || eol[1] != '\n' || depth > 16) return NULL;
    if (strchr("+-:_,#(", *p)) return eol + 2;
    if (!strchr("$*%~>=|", *p) || !num_parse_i64(str_of(p + 1, (size_t)(eol - p - 1)), &n)) return NULL;
    if (*p == '$' || *p == '=') {
        if (n < 0) return *p == '$' && n == -1 ? eol + 2 : NULL;
        if (end - (eol + 2) < n + 2 || memcmp(eol + 2 + n, "\r\n", 2) != 0) return NULL;
        return eol + 4 + n;
    }
    if (*p == '%' || *p == '|') n *= 2;
    for (p = eol + 2; n > 0 && p; n--) p = frame_end(p, end, depth + 1);
    return p;
}

/* --- a conversation ------------------------------------------------------------------------------ */

static void one_request(struct input *in, struct side *side)
{
    struct request q;
    enum err e;

    make_request(&q, in);
    side->reply.resp = one_in(in, 2) ? 3 : 2;
    buf_clear(&side->out);
    trace("request", q.argc, q.argv);
    e = run(side, q.row, q.argc, q.argv, one_in(in, 8));
    if (e == CALL_BLOCKED) ensure(side->out.n == 0);
    else ensure(frame_end(side->out.p, side->out.p + side->out.n, 0) == side->out.p + side->out.n);
}

/* Say which keys of a are not the same in b. */
static void tell_differences(struct store *a, struct store *b, const char *name)
{
    for (int d = 0; d < a->conf.databases; d++) {
        for (int i = 0; i < STORE_SHARDS; i++) {
            struct table_iter it = { 0 };
            const struct entry *e, *other;
            while ((e = table_next(&a->dbs[d]->shards[i].keys, &it)) != NULL) {
                struct digest x, y = { { 0 } };
                digest_value(a, e, &x);
                other = db_peek(b->dbs[d], entry_key(e));
                if (other) digest_value(b, other, &y);
                if (memcmp(&x, &y, sizeof x) == 0) continue;
                fprintf(stderr, "%s: \"%.*s\" in database %d, type %d, at %lld, %s\n", name, (int)entry_key(e).n,
                        entry_key(e).p, d, entry_type(e), (long long)entry_expire_at(e),
                        other ? "differs" : "is not in the other");
            }
        }
    }
}

/* Both hold the same, but for what is past its time and not yet noticed. */
static void compare(struct side *side, struct side *copy)
{
    struct digest a, b;

    while (store_expire_some(side->store, 1000)) {}
    digest_store(side->store, &a);
    digest_store(copy->store, &b);
    if (memcmp(&a, &b, sizeof a) != 0) {
        tell_differences(side->store, copy->store, "here");
        tell_differences(copy->store, side->store, "replayed");
    }
    ensure(memcmp(&a, &b, sizeof a) == 0 && "the journal makes another store");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { .p = data, .end = data + size };
    struct side side, copy;

    if (rows.n == 0) collect_rows();
    rng_seed(&in.rest, hash_bytes(&(struct hash_key){ 3, 4 }, str_of(data, size)));
    side_open(&copy, NULL);
    side_open(&side, &copy);
    for (int i = 0; i < REQUESTS_MAX; i++) {
        if (one_in(&in, 16)) change_rules(&in, one_in(&in, 2) ? side.store : copy.store);
        one_request(&in, &side);
        ns_retag_some(side.store, below(&in, 8));
        if (one_in(&in, 8)) side.store->now_ms = copy.store->now_ms += take(&in) * 50;
        if (tracing()) {
            store_check(side.store);
            store_check(copy.store);
            compare(&side, &copy);
        }
    }
    compare(&side, &copy);
    side_close(&side);
    side_close(&copy);
    return 0;
}

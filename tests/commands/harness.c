/* harness.c -- see harness.h. */
#include "tests/commands/harness.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "protocol/resp.h"

static struct harness {
    struct store *store;
    struct arena arena;
    struct buf out, journal, told;
    struct reply reply;
    int db;
    bool in_script;
    const struct call_host *host;
} h;

static void note_change(void *ctx, const struct change *c)
{
    (void)ctx;
    if (change_name(c->kind) == NULL) return;
    if (h.told.n > 0) buf_add_char(&h.told, ' ');
    buf_add_c(&h.told, change_name(c->kind));
}

static void note_journal(void *ctx, size_t argc, const struct str *argv)
{
    (void)ctx;
    if (h.journal.n > 0) buf_add_c(&h.journal, " | ");
    for (size_t i = 0; i < argc; i++) {
        if (i > 0) buf_add_char(&h.journal, ' ');
        buf_add_str(&h.journal, argv[i]);
    }
}

void harness_open(void)
{
    struct store_conf conf = {
        .databases = 16, .maxmemory_samples = 5, .lfu_log_factor = 10, .lfu_decay_time = 1,
        .list_max_listpack_size = -2, .hash_max_listpack_entries = 128, .hash_max_listpack_value = 64,
        .set_max_intset_entries = 512, .set_max_listpack_entries = 128, .set_max_listpack_value = 64,
        .zset_max_listpack_entries = 128, .zset_max_listpack_value = 64, .string_limit = 512u << 20,
        .hll_sparse_max_bytes = 3000,
        .stream_node_max_bytes = 4096, .stream_node_max_entries = 100,
    };
    struct hash_key key = { 1, 2 };

    h = (struct harness){ 0 };
    h.store = store_new(&conf, &key, 42);
    h.store->now_ms = 1790000000000;
    store_subscribe(h.store, note_change, NULL);
    arena_init(&h.arena);
    h.reply = (struct reply){ &h.out, 2 };
}

void harness_close(void)
{
    store_check(h.store);
    store_free(&h.store);
    arena_fini(&h.arena);
    buf_fini(&h.out);
    buf_fini(&h.journal);
    buf_fini(&h.told);
}

void harness_resp(int resp)
{
    h.reply.resp = resp;
}

int64_t harness_now(void)
{
    return h.store->now_ms;
}

void harness_advance(int64_t ms)
{
    h.store->now_ms += ms;
}

struct store *harness_store(void)
{
    return h.store;
}

void harness_in_script(bool in_script)
{
    h.in_script = in_script;
}

void harness_host(const struct call_host *host)
{
    h.host = host;
}

void harness_select(int db)
{
    h.db = db;
}

static const struct command *find_row(const struct command *table, struct str name)
{
    for (; table && table->name; table++) {
        if (str_is(name, table->name)) return table;
    }
    return NULL;
}

static const struct command *find(size_t argc, const struct str *argv)
{
    const struct command *cmd = NULL;

    for (int i = 0; command_tables[i] && cmd == NULL; i++) cmd = find_row(command_tables[i], argv[0]);
    if (cmd && cmd->subs && argc > 1) cmd = find_row(cmd->subs, argv[1]);
    return cmd;
}

struct str run_args(size_t argc, const struct str *argv)
{
    struct call c = { .cmd = find(argc, argv), .argc = argc, .argv = argv, .out = &h.reply,
                      .store = h.store, .db = h.store->dbs[h.db], .arena = &h.arena, .may_block = !h.in_script,
                      .in_script = h.in_script, .host = h.host };
    uint64_t before = h.store->stats.changes;
    struct journal j = { note_journal, NULL };
    enum err e;

    ck_assert_msg(c.cmd != NULL, "unknown command %.*s", (int)argv[0].n, argv[0].p);
    buf_clear(&h.out);
    buf_clear(&h.journal);
    buf_clear(&h.told);
    e = call_run(&c);
    if (e == CALL_BLOCKED) ck_assert_uint_eq(h.out.n, 0);
    if (h.store->stats.changes != before) {
        if (c.cmd->journal) c.cmd->journal(&c, &j);
        else note_journal(NULL, argc, argv);
    }
    arena_reset(&h.arena);
    return buf_str(&h.out);
}

static struct str run_text(const char *request, size_t n)
{
    char *copy = mem_alloc(n + 1);
    struct str *words = mem_alloc((n + 1) * sizeof *words), reply;
    size_t argc;

    ck_assert_msg(resp_split_words(request, n, copy, words, n + 1, &argc), "unbalanced quotes: %s",
                  request);
    reply = run_args(argc, words);
    mem_free(copy);
    mem_free(words);
    return reply;
}

struct str run_line(const char *request)
{
    return run_text(request, strlen(request));
}

static void print_escaped(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        if (ch >= ' ' && ch < 127) buf_add_char(b, (char)ch);
        else buf_printf(b, "\\x%02x", ch);
    }
    buf_add(b, "", 1);
}

static void compare(const char *file, int line, const char *request, struct str want, struct str got)
{
    struct buf w = { 0 }, g = { 0 };

    if (str_eq(want, got)) return;
    print_escaped(&w, want);
    print_escaped(&g, got);
    ck_abort_msg("%s:%d: %s\n  expected %s\n  got      %s", file, line, request, w.p, g.p);
}

void expect_at(const char *file, int line, const char *request, struct str reply)
{
    compare(file, line, request, reply, run_line(request));
}

const char *journaled(void)
{
    *buf_room(&h.journal, 1) = 0;
    return h.journal.p;
}

void expect_journal_at(const char *file, int line, const char *text)
{
    compare(file, line, "journal", str_c(text), str_c(journaled()));
}

const char *told(void)
{
    *buf_room(&h.told, 1) = 0;
    return h.told.p;
}

/* "A | B => reply": run on an empty database, compare the last reply. */
static void run_example(const struct command *cmd)
{
    const char *at = cmd->example, *arrow = strstr(at, " => ");

    ck_assert_msg(arrow != NULL, "%s: the example has no reply", cmd->name);
    for (int db = 0; db < h.store->conf.databases; db++) store_flush(h.store, db);
    for (;;) {
        const char *bar = strstr(at, " | ");
        const char *end = bar && bar < arrow ? bar : arrow;
        struct str got = run_text(at, (size_t)(end - at));
        if (end == arrow) {
            compare(cmd->name, 0, cmd->example, str_c(arrow + 4), got);
            return;
        }
        at = bar + 3;
    }
}

void check_example(const struct command *row)
{
    if (row->example != NULL) run_example(row);
}

void check_rows(const struct command *table)
{
    for (; table->name; table++) {
        ck_assert_msg(table->summary && table->since && table->complexity, "%s: row", table->name);
        ck_assert_msg(table->arity != 0, "%s: arity", table->name);
        if (table->subs) {
            check_rows(table->subs);
            continue;
        }
        ck_assert_msg(table->example != NULL, "%s: no example", table->name);
        run_example(table);
    }
}

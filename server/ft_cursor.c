#include "server/ft_cursor.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/ft_aggregate.h"
#include "server/ft_impl.h"
#include "server/rows.h"

struct cursor {
    struct link in_list;
    uint64_t id;
    uint64_t index;            /* its serial number: it may be gone, and another lie where it was */
    struct aggregate *g;
    struct ft_cursor_keys keys;
    size_t at, bytes;
    uint64_t count;
    int64_t max_idle_ms, until_ms; /* monotonic */
};

struct ft_cursors {
    struct server *server;
    struct link list;
    size_t bytes;
};

struct ft_cursors *ft_cursors_new(struct server *s)
{
    struct ft_cursors *cs = mem_zalloc(sizeof *cs);

    cs->server = s;
    link_init(&cs->list);
    return cs;
}

static struct cursor *cursor_of(struct link *l)
{
    return LINK_OF(l, struct cursor, in_list);
}

static void cursor_close(struct ft_cursors *cs, struct cursor *c)
{
    cs->bytes -= c->bytes;
    link_remove(&c->in_list);
    ft_aggregate_free(cs->server, &c->g);
    ft_cursor_keys_fini(&c->keys);
    mem_free(c);
}

void ft_cursors_free(struct ft_cursors **at)
{
    struct ft_cursors *cs = *at;

    *at = NULL;
    if (cs == NULL) return;
    while (!link_alone(&cs->list)) cursor_close(cs, cursor_of(cs->list.next));
    mem_free(cs);
}

size_t ft_cursors_count(const struct ft_cursors *cs, const struct search_index *ix)
{
    uint64_t index = ix != NULL ? ft_serial(cs->server->ft, ix) : 0;
    size_t n = 0;

    for (struct link *l = cs->list.next; l != &cs->list; l = l->next) n += ix == NULL || cursor_of(l)->index == index;
    return n;
}

size_t ft_cursors_bytes(const struct ft_cursors *cs)
{
    return cs->bytes;
}

bool ft_cursor_note(struct ft_cursor_keys *k, const struct aggregate *g, const struct search_index *ix, int64_t deadline_us)
{
    enum { ROWS_A_LOOK = 256 };
    size_t n = aggregate_rows(g);

    if (k->keys == NULL) {
        arena_init(&k->arena);
        k->keys = mem_alloc((n + 1) * sizeof *k->keys);
        k->bytes = n * sizeof *k->keys;
    }
    while (k->n < n) {
        uint32_t doc = aggregate_row(g, k->n).doc;
        struct str key = { NULL, 0 };

        if (doc != UINT32_MAX && index_alive(ix, doc)) key = arena_dup(&k->arena, index_key(ix, doc)); /* else it is found by nobody */
        k->keys[k->n++] = key;
        k->bytes += key.n;
        if (k->n % ROWS_A_LOOK == 0 && clock_mono_us() >= deadline_us) return k->n == n;
    }
    return true;
}

void ft_cursor_keys_fini(struct ft_cursor_keys *k)
{
    if (k->keys == NULL) return;
    mem_free(k->keys);
    arena_fini(&k->arena);
    *k = (struct ft_cursor_keys){ 0 };
}

/* Nobody can guess another's; doubles hold it. */
static uint64_t new_id(void)
{
    uint64_t id = 0;

    while (id == 0) {
        rng_secret(&id, sizeof id);
        id &= (1ull << 53) - 1;
    }
    return id;
}

uint64_t ft_cursor_open(struct ft_cursors *cs, struct search_index *ix, struct aggregate **g, struct ft_cursor_keys *keys, size_t at,
                        const struct ft_cursor_plan *plan, struct buf *error)
{
    struct cursor *c;

    ft_cursors_tend(cs->server);
    if (ft_cursors_count(cs, ix) >= (size_t)cs->server->conf->search_cursors) {
        buf_add_c(error, "SEARCH_CURSOR_ALLOC_FAILED INDEX_CURSOR_LIMIT of the index has been reached (search-cursors): read cursors to "
                  "their end, or close them with FT.CURSOR DEL");
        return 0;
    }
    c = mem_zalloc(sizeof *c);
    *c = (struct cursor){ .id = new_id(),
                          .index = ft_serial(cs->server->ft, ix),
                          .g = *g,
                          .keys = *keys,
                          .at = at,
                          .count = plan->count,
                          .max_idle_ms = plan->max_idle_ms };
    *keys = (struct ft_cursor_keys){ 0 };
    link_init(&c->in_list);
    link_add_tail(&cs->list, &c->in_list);
    *g = NULL;
    c->bytes = c->keys.bytes + sizeof *c + aggregate_memory(c->g);
    cs->bytes += c->bytes;
    c->until_ms = server_mono_ms(cs->server) + c->max_idle_ms;
    if (cs->bytes <= cs->server->conf->search_aggregate_memory) return c->id;
    cursor_close(cs, c);
    buf_add_c(error, "SEARCH_CURSOR_ALLOC_FAILED Cursors hold as much memory as they may (search-aggregate-memory)");
    return 0;
}

void ft_cursors_tend(struct server *s)
{
    struct ft_cursors *cs = s->ft_cursors;
    struct link *next;

    for (struct link *l = cs->list.next; l != &cs->list; l = next) {
        struct cursor *c = cursor_of(l);

        next = l->next;
        if (c->until_ms <= server_mono_ms(s) || !ft_is_index(s->ft, c->index)) cursor_close(cs, c);
    }
}

/* --- FT.CURSOR ---------------------------------------------------------------------------------------------------------- */

/* Arguments index and cursor id. NULL: *e is what to return. */
static struct cursor *find(struct call *call, const char *missing, struct search_index **ix, enum err *e)
{
    struct ft_cursors *cs = call->client->server->ft_cursors;
    uint64_t id, index;

    *e = ft_open(call, call_arg(call, 2), ix);
    if (*e != OK) return NULL;
    if (!num_parse_u64(call_arg(call, 3), &id)) {
        *e = call_fail_text(call, STR("SEARCH_PARSE_ARGS Bad cursor ID"));
        return NULL;
    }
    ft_cursors_tend(call->client->server);
    index = ft_serial(call->client->server->ft, *ix);
    LINK_EACH(&cs->list, l)
        if (cursor_of(l)->id == id && cursor_of(l)->index == index) return cursor_of(l);
    *e = call_fail_text(call, arena_printf(call->arena, "%s, id: %llu", missing, (unsigned long long)id));
    return NULL;
}

static enum err run_read(struct call *call)
{
    struct ft_cursors *cs = call->client->server->ft_cursors;
    struct search_index *ix;
    struct cursor *c;
    int64_t count = 0;
    enum err e;

    if (call->argc != 4 && call->argc != 6) return ERR_SYNTAX;
    if (call->argc == 6) {
        if (!call_is(call, 4, "COUNT")) return ERR_SYNTAX;
        if (!num_parse_i64(call_arg(call, 5), &count) || count < 0) {
            return call_fail_text(call, STR("SEARCH_PARSE_ARGS Bad value for COUNT"));
        }
    }
    c = find(call, "SEARCH_CURSOR_NOT_FOUND Cursor not found", &ix, &e);
    if (c == NULL) return e;
    if (count > 0) c->count = (uint64_t)count;
    c->until_ms = server_mono_ms(cs->server) + c->max_idle_ms;
    reply_array(call->out, 2);
    ft_table_reply(&(struct ft_table){ c->g, c->keys.keys, ix }, call->out, &c->at, c->count, NULL);
    reply_int(call->out, c->at < aggregate_rows(c->g) ? (int64_t)c->id : 0);
    if (c->at == aggregate_rows(c->g)) cursor_close(cs, c);
    return OK;
}

static enum err run_del(struct call *call)
{
    struct search_index *ix;
    enum err e;
    struct cursor *c = find(call, "SEARCH_CURSOR_NOT_FOUND Cursor does not exist", &ix, &e);

    if (c == NULL) return e;
    cursor_close(call->client->server->ft_cursors, c);
    reply_ok(call->out);
    return OK;
}

/* Idle cursors are closed without it; tells how many were. */
static enum err run_gc(struct call *call)
{
    struct ft_cursors *cs = call->client->server->ft_cursors;
    int64_t n = 0;

    LINK_EACH(&cs->list, l) n++;
    ft_cursors_tend(cs->server);
    LINK_EACH(&cs->list, l) n--;
    reply_int(call->out, n);
    return OK;
}

/* clang-format off */

#define NAMED { .name = "index", .type = ARG_T_STRING }, { .name = "cursor_id", .type = ARG_T_INTEGER }

static const struct command subs[] = {
    { ROW("read", run_read, -4, CMD_READONLY, GROUP_SEARCH, "1.1.0", "O(N) for N rows",
          "Returns the next rows of an aggregation."),
      .acl = ACL_SEARCH,
      .args = ARGS(NAMED, { .name = "read size", .type = ARG_T_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL }) },
    { ROW("del", run_del, 4, CMD_READONLY, GROUP_SEARCH, "1.1.0", "O(N) for N rows that are left",
          "Closes a cursor of an aggregation."),
      .acl = ACL_SEARCH, .args = ARGS(NAMED) },
    { ROW("gc", run_gc, -2, CMD_READONLY, GROUP_SEARCH, "1.1.0", "O(N) for N cursors",
          "Closes cursors that nobody reads from; gives their number."),
      .acl = ACL_SEARCH },
    { 0 },
};

const struct command ft_cursor_commands[] = {
    { CONTAINER("ft.cursor", GROUP_SEARCH, "1.1.0", "The rows of aggregations that were not sent yet.", subs) },
    { 0 },
};

/* gate.c -- see gate.h. */
#include "server/gate.h"

#include "base/hash.h"
#include "base/mem.h"
#include "server/client.h"
#include "server/namespaces.h"

enum { PLACES = 1 << 12 };

/* Keys share places by a few bits of their hash. The one written last is known by all of it. Offsets of the log:
 * what was written begins before. */
struct place {
    uint64_t hash, last; /* of the key written last */
    uint64_t others;     /* all before it */
};

struct gates {
    struct place places[PLACES];
    uint64_t all; /* to all keys at once */
};

struct gates *gates_new(void)
{
    return mem_zalloc(sizeof(struct gates));
}

void gates_free(struct gates **g)
{
    mem_free(*g);
    *g = NULL;
}

/* --- what is waited for ------------------------------------------------------------------------------ */

/* The change's own bytes come next: to have them is to be one byte further at least. */
static uint64_t behind_next(const struct server *s)
{
    return persist_offset(s->persist) + 1;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Keys go by name, whatever their database: a request may name keys of two, a script may have chosen another. */
static void note_write(struct server *s, struct str key)
{
    uint64_t hash = hash_bytes(&s->store->hash_key, key);
    struct place *p = &s->gates->places[hash % PLACES];

    if (p->hash != hash) p->others = most(p->others, p->last);
    p->hash = hash;
    p->last = behind_next(s);
}

static uint64_t written_to(struct server *s, struct str key)
{
    uint64_t hash = hash_bytes(&s->store->hash_key, key);
    const struct place *p = &s->gates->places[hash % PLACES];

    return p->hash == hash ? most(p->last, p->others) : p->others;
}

void gate_changed(struct server *s, const struct change *ch)
{
    /* A time to live that is over is over after a crash as well. */
    if (ch->kind == CHANGE_EXPIRED || ch->kind == CHANGE_HEXPIRED) return;
    /* Where a namespace's writes are not waited for, they are told at once as well. */
    if (UNLIKELY(ns_needs(s->store, NS_NEEDS_DURABILITY)) && (namespaces_durability(s, ch) & (NS_LOG_EVERYSEC | NS_LOG_NO))) return;
    if (ch->kind == CHANGE_FLUSH || ch->kind == CHANGE_SWAP) s->gates->all = behind_next(s);
    else note_write(s, ch->key);
}

/* EXEC may tell of a watched key, FUNCTION of libraries. INFO and DEBUG tell of all, but promise nothing. */
static bool tells_no_data(const struct command *cmd)
{
    if (cmd->group == GROUP_PUBSUB) return true;
    if (cmd->flags & (CMD_WRITE | CMD_READONLY)) return false;
    return cmd->group != GROUP_TRANSACTIONS && cmd->group != GROUP_SCRIPTING;
}

/* Do the keys that the request names tell all that it reads? */
static bool names_its_keys(const struct command *cmd)
{
    if (cmd->keys[0].flags == 0) return false;
    for (int i = 0; i < COMMAND_KEY_SPECS; i++) {
        if (cmd->keys[i].flags & KEY_INCOMPLETE) return false;
        if (cmd->keys[i].flags && cmd->keys[i].first == 0) return false;
    }
    return true;
}

void gate_saw(struct client *c, const struct command *cmd, size_t argc, const struct str *argv)
{
    struct server *s = c->server;
    struct key_ref *refs;
    long n;

    if (tells_no_data(cmd)) return;
    if (!names_its_keys(cmd)) {
        c->sees_all = true;
        return;
    }
    c->sees = most(c->sees, s->gates->all);
    refs = arena_alloc(&s->arena, argc * sizeof *refs);
    n = command_keys(cmd, argc, argv, refs, argc);
    for (long i = 0; i < n && i < (long)argc; i++) c->sees = most(c->sees, written_to(s, argv[refs[i].at]));
}

void gate_told(struct client *c, bool of_change)
{
    if (LIKELY(!c->server->reads_wait)) return;
    c->sees_all = true;
    if (of_change) c->sees = behind_next(c->server);
}

/* --- the gates of a client ------------------------------------------------------------------------------ */

static uint64_t waits_for(const struct client *c, const struct reply_gate *g)
{
    return c->server->log_failing ? g->certain : g->offset;
}

static bool is_passed(const struct client *c, const struct reply_gate *g)
{
    const struct persist *p = c->server->persist;

    return waits_for(c, g) <= persist_durable_offset(p) && (LIKELY(g->synced == 0) || g->synced <= persist_log_synced(p));
}

void gate_wrote(struct client *c)
{
    struct server *s = c->server;
    uint64_t at = persist_offset(s->persist);
    unsigned asks = UNLIKELY(ns_needs(s->store, NS_NEEDS_DURABILITY)) ? namespaces_take_durability(s) : 0;

    c->last_write = at;
    /* Everything that it wrote may be lost: nothing to wait for. */
    if (asks == NS_LOG_NO || (s->reads_wait && asks != 0 && !(asks & (NS_LOG_AS_SET | NS_LOG_ALWAYS)))) return;
    c->written = at;
    if (!(asks & NS_LOG_ALWAYS) || s->reads_wait || at <= persist_log_synced(s->persist)) return;
    c->sync_written = at;
    s->wants_sync = true;
}

/* This is asked when bytes are about to leave, so the offset is that of the reply or a later one. When the
 * marks run out the last one takes the newer offset: a little later, never too early.
 *
 * No reply waits for ever: its offset is one that the log will reach, and the turn after the log has
 * moved looks at all gated clients (send_replies). */
void gate_replies(struct client *c)
{
    struct server *s = c->server;
    uint64_t now = persist_offset(s->persist), seen = c->sees < now ? c->sees : now;
    struct reply_gate *last = c->n_gates > 0 ? &c->gates[c->n_gates - 1] : NULL, g = { .end = client_output_end(c) };

    if (last && last->end == g.end) return;
    g.certain = most(c->written, seen);
    /* What a busy script has written is no part of what others are told. */
    g.offset = c->sees_all && !s->busy_saved ? now : g.certain;
    g.synced = c->sync_written;
    c->sees = 0;
    c->sees_all = false;
    if (is_passed(c, &g)) {
        c->sync_written = 0;
        return;
    }
    if (last && (c->n_gates == CLIENT_GATES ||
                 (last->offset == g.offset && last->certain == g.certain && last->synced == g.synced))) {
        *last = (struct reply_gate){ g.end, most(g.offset, last->offset), most(g.certain, last->certain),
                                     most(g.synced, last->synced) };
    } else {
        c->gates[c->n_gates++] = g;
    }
}

bool gate_is_open(const struct client *c)
{
    return c->n_gates == 0 || is_passed(c, &c->gates[0]);
}

size_t gate_sendable(struct client *c)
{
    size_t end = c->out_at;
    int done = 0;

    if (c->n_gates == 0) return client_output_end(c);
    while (done < c->n_gates && is_passed(c, &c->gates[done])) end = c->gates[done++].end;
    if (done == c->n_gates) end = client_output_end(c);
    c->n_gates -= done;
    memmove(c->gates, c->gates + done, (size_t)c->n_gates * sizeof *c->gates);
    return end;
}

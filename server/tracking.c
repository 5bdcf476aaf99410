/* tracking.c -- see tracking.h. */
#include "server/tracking.h"

#include "base/mem.h"
#include "server/acl.h"
#include "server/pubsub.h"

/* The clients that read a key: ids in ascending order. A client that has gone is noticed when the key
 * changes, so that closing one costs nothing. */
struct readers {
    uint32_t n, cap;
    uint64_t ids[];
};

struct tracking_table {
    struct table keys;    /* name -> struct readers */
    size_t n_items;
    struct link prefixes; /* struct prefix */
    size_t n_prefixes, n_clients;
    bool pending;         /* names have come together for a prefix */
    uint64_t flushed_at;  /* server->stats.commands + 1 when clients were last told of a flush */
};

struct tracking_table *tracking_new(struct server *s)
{
    struct tracking_table *t = mem_zalloc(sizeof *t);

    table_init(&t->keys, &s->store->hash_key);
    link_init(&t->prefixes);
    return t;
}

static void free_readers(void *ctx, struct entry *e)
{
    (void)ctx;
    mem_free(entry_ptr(e));
    entry_free(e);
}

void tracking_free(struct tracking_table **t)
{
    if (*t == NULL) return;
    table_fini(&(*t)->keys, free_readers, NULL);
    mem_free(*t);
    *t = NULL;
}

bool tracking_listens(const struct server *s)
{
    return s->tracking->n_clients > 0 || s->tracking->keys.count > 0;
}

size_t tracking_clients(const struct server *s) { return s->tracking->n_clients; }
size_t tracking_keys(const struct server *s) { return s->tracking->keys.count; }
size_t tracking_items(const struct server *s) { return s->tracking->n_items; }
size_t tracking_prefixes(const struct server *s) { return s->tracking->n_prefixes; }

/* --- messages ------------------------------------------------------------------------------------ */

static void tell_broken(struct client *c)
{
    struct reply *r;

    c->tracking->flags |= TRACKING_BROKEN;
    if (c->resp == 2 || (r = client_push_begin(c)) == NULL) return;
    reply_push(r, 2);
    reply_bulk_c(r, "tracking-redir-broken");
    reply_int(r, (int64_t)c->tracking->redirect);
    client_push_end(c);
}

/* Begin a message to c, or to whom its messages go; *to is told. NULL: it cannot be sent. What follows is
 * the array of names, or a null for all of them. */
static struct reply *message_begin(struct client *c, struct client **to)
{
    struct reply *r;

    *to = c;
    if (c->tracking->redirect != 0) {
        *to = client_by_id(c->server, c->tracking->redirect);
        if (*to == NULL || ((*to)->flags & CLIENT_CLOSED)) {
            tell_broken(c);
            return NULL;
        }
    }
    /* RESP2 has no messages but those of a subscriber, and a connection cannot be both. */
    if ((*to)->resp == 2 && (*to == c || pubsub_count(*to, 'a') == 0)) return NULL;
    r = client_push_begin(*to);
    if (r == NULL) return NULL;
    if (r->resp > 2) {
        reply_push(r, 2);
        reply_bulk_c(r, "invalidate");
    } else {
        reply_array(r, 3);
        reply_bulk_c(r, "message");
        reply_bulk_c(r, "__redis__:invalidate");
    }
    return r;
}

static void tell_key(struct client *c, struct str key)
{
    struct client *to;
    struct reply *r = message_begin(c, &to);

    if (r == NULL) return;
    reply_array(r, 1);
    reply_bulk(r, key);
    client_push_end(to);
}

static void tell_all_keys(struct client *c)
{
    struct client *to;
    struct reply *r = message_begin(c, &to);

    if (r == NULL) return;
    reply_null(r);
    client_push_end(to);
}

/* --- who has read what --------------------------------------------------------------------------- */

/* Where id is, or would be. */
static uint32_t reader_place(const struct readers *r, uint64_t id)
{
    uint32_t lo = 0, hi = r->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (r->ids[mid] < id) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

static struct readers *add_reader(struct tracking_table *t, struct readers *r, uint64_t id)
{
    uint32_t at = r ? reader_place(r, id) : 0;

    if (r && at < r->n && r->ids[at] == id) return r;
    if (r == NULL || r->n == r->cap) {
        uint32_t cap = r ? r->cap * 2 : 1, n = r ? r->n : 0;
        r = mem_realloc(r, sizeof *r + cap * sizeof r->ids[0]);
        r->n = n;
        r->cap = cap;
    }
    memmove(r->ids + at + 1, r->ids + at, (r->n - at) * sizeof r->ids[0]);
    r->ids[at] = id;
    r->n++;
    t->n_items++;
    return r;
}

/* Tell those who read the key and forget it, but spare `who` changed it when it asked for NOLOOP. */
static void invalidate(struct server *s, struct table_ref *ref, const struct client *who)
{
    struct tracking_table *t = s->tracking;
    struct entry *e = table_remove(&t->keys, ref);
    struct readers *r = entry_ptr(e);

    t->n_items -= r->n;
    for (uint32_t i = 0; i < r->n; i++) {
        struct client *c = client_by_id(s, r->ids[i]);
        if (c == NULL || c->tracking == NULL || (c->tracking->flags & TRACKING_BCAST)) continue;
        if ((c->tracking->flags & TRACKING_NOLOOP) && c == who) continue;
        tell_key(c, entry_key(e));
    }
    free_readers(NULL, e);
}

/* Any key may go: none is dearer than another. */
static void forget_one(struct server *s)
{
    struct table *keys = &s->tracking->keys;
    struct entry *e = table_random(keys, &s->store->rng);
    struct table_ref ref = table_find(keys, table_hash(keys, entry_key(e)), entry_key(e));

    invalidate(s, &ref, NULL);
}

bool tracking_shrink(struct server *s)
{
    enum { AT_ONCE = 1000 };
    size_t max = (size_t)s->conf->tracking_table_max_keys;

    for (int i = 0; i < AT_ONCE && max > 0 && s->tracking->keys.count > max; i++) forget_one(s);
    return max > 0 && s->tracking->keys.count > max;
}

static void remember_key(struct client *c, struct str key)
{
    struct tracking_table *t = c->server->tracking;
    uint64_t hash = table_hash(&t->keys, key);
    struct table_ref ref = table_find(&t->keys, hash, key);
    struct entry *e = ref.e;

    if (e == NULL) {
        size_t max = (size_t)c->server->conf->tracking_table_max_keys;
        if (max > 0 && t->keys.count >= max) forget_one(c->server);
        e = entry_new_ptr(VALUE_STRING, ENC_BLOB, key, -1);
        table_insert(&t->keys, hash, e);
    }
    entry_set_ptr(e, add_reader(t, entry_ptr(e), c->id));
}

void tracking_remember(struct client *c, const struct command *cmd, size_t argc, const struct str *argv)
{
    unsigned flags = c->tracking->flags;
    struct key_ref *refs;
    long n;

    if (flags & TRACKING_BCAST) return;
    if ((flags & TRACKING_OPTIN) && !(flags & TRACKING_CACHING)) return;
    if ((flags & TRACKING_OPTOUT) && (flags & TRACKING_CACHING)) return;
    /* Of a script the commands count that it runs; channels are no keys. */
    if (cmd->group == GROUP_SCRIPTING || (cmd->flags & CMD_PUBSUB)) return;
    refs = arena_alloc(&c->server->arena, argc * sizeof *refs);
    n = command_keys(cmd, argc, argv, refs, argc);
    for (long i = 0; i < n && i < (long)argc; i++) remember_key(c, argv[refs[i].at]);
}

void tracking_answered(struct client *c)
{
    const struct command_ref *last = c->last_cmd;

    if (!(c->tracking->flags & TRACKING_CACHING) || (c->flags & CLIENT_MULTI)) return;
    if (last && last->parent && strcmp(last->parent->cmd->name, "client") == 0) return;
    c->tracking->flags &= ~(unsigned)TRACKING_CACHING;
}

/* --- prefixes ------------------------------------------------------------------------------------ */

static struct prefix *find_prefix(struct tracking_table *t, struct str name)
{
    LINK_EACH(&t->prefixes, l) {
        struct prefix *p = LINK_OF(l, struct prefix, all);
        if (str_eq(p->name, name)) return p;
    }
    return NULL;
}

static struct prefix *new_prefix(struct server *s, struct str name)
{
    struct prefix *p = mem_zalloc(sizeof *p + name.n);

    if (name.n > 0) memcpy(p + 1, name.p, name.n);
    p->name = str_of((char *)(p + 1), name.n);
    p->changed = mem_zalloc(sizeof *p->changed);
    table_init(p->changed, &s->store->hash_key);
    link_init(&p->followers);
    link_init(&p->all);
    link_add_tail(&s->tracking->prefixes, &p->all);
    s->tracking->n_prefixes++;
    return p;
}

static void free_name(void *ctx, struct entry *e)
{
    (void)ctx;
    entry_free(e);
}

static void drop_prefix(struct server *s, struct prefix *p)
{
    link_remove(&p->all);
    table_fini(p->changed, free_name, NULL);
    mem_free(p->changed);
    mem_free(p);
    s->tracking->n_prefixes--;
}

static bool follows(const struct tracking *t, struct str name)
{
    LINK_EACH(&t->prefixes, l) {
        if (str_eq(LINK_OF(l, struct follower, of_client)->prefix->name, name)) return true;
    }
    return false;
}

static void follow(struct client *c, struct str name)
{
    struct prefix *p = find_prefix(c->server->tracking, name);
    struct link *before = &c->tracking->prefixes;
    struct follower *f;

    if (follows(c->tracking, name)) return;
    if (p == NULL) p = new_prefix(c->server, name);
    f = mem_zalloc(sizeof *f);
    f->client = c;
    f->prefix = p;
    link_init(&f->of_prefix);
    link_init(&f->of_client);
    link_add_tail(&p->followers, &f->of_prefix);
    LINK_EACH(&c->tracking->prefixes, l) {
        if (str_cmp(LINK_OF(l, struct follower, of_client)->prefix->name, name) < 0) continue;
        before = l;
        break;
    }
    link_add_tail(before, &f->of_client);
}

static void unfollow(struct follower *f)
{
    struct prefix *p = f->prefix;

    link_remove(&f->of_client);
    link_remove(&f->of_prefix);
    if (link_alone(&p->followers)) drop_prefix(f->client->server, p);
    mem_free(f);
}

static void note_changed(struct server *s, struct prefix *p, struct str key, const struct client *who)
{
    uint64_t hash = table_hash(p->changed, key);
    struct table_ref ref = table_find(p->changed, hash, key);
    int64_t by = who ? (int64_t)who->id : 0;

    if (ref.e) entry_set_int(ref.e, by);
    else table_insert(p->changed, hash, entry_new_int(key, by, -1));
    s->tracking->pending = true;
}

/* Whether c hears of e: not of what it has changed itself, when it asked for that, and not of keys that its user may
 * not read: their names would be told. */
static bool hears_of(const struct client *c, const struct entry *e)
{
    if ((c->tracking->flags & TRACKING_NOLOOP) && (uint64_t)entry_int(e) == c->id) return false;
    return LIKELY(c->flags & CLIENT_UNRESTRICTED) || acl_may_read(c->user, entry_key(e));
}

static size_t count_for(const struct client *c, const struct prefix *p)
{
    struct table_iter it = { 0 };
    const struct entry *e;
    size_t n = 0;

    while ((e = table_next(p->changed, &it)) != NULL) n += hears_of(c, e);
    return n;
}

static void send_names(struct client *c, const struct prefix *p)
{
    size_t n = count_for(c, p);
    struct table_iter it = { 0 };
    const struct entry *e;
    struct client *to;
    struct reply *r;

    if (n == 0 || (r = message_begin(c, &to)) == NULL) return;
    reply_array(r, n);
    while ((e = table_next(p->changed, &it)) != NULL) {
        if (hears_of(c, e)) reply_bulk(r, entry_key(e));
    }
    client_push_end(to);
}

void tracking_turn_end(struct server *s)
{
    if (LIKELY(!s->tracking->pending)) return;
    s->tracking->pending = false;
    s->telling_change = true;
    LINK_EACH(&s->tracking->prefixes, l) {
        struct prefix *p = LINK_OF(l, struct prefix, all);
        if (p->changed->count == 0) continue;
        LINK_EACH(&p->followers, m) send_names(LINK_OF(m, struct follower, of_prefix)->client, p);
        table_fini(p->changed, free_name, NULL);
        table_init(p->changed, &s->store->hash_key);
    }
    s->telling_change = false;
}

/* --- changes ------------------------------------------------------------------------------------- */

/* All keys of a database are gone, and names do not tell databases apart: whoever tracks forgets all, and
 * hears of it once a command. */
static void on_flush(struct server *s)
{
    struct tracking_table *t = s->tracking;

    if (t->flushed_at == s->stats.commands + 1) return;
    t->flushed_at = s->stats.commands + 1;
    LINK_EACH(&s->clients, l) {
        struct client *c = LINK_OF(l, struct client, all);
        if (c->tracking) tell_all_keys(c);
    }
    table_fini(&t->keys, free_readers, NULL);
    table_init(&t->keys, &s->store->hash_key);
    t->n_items = 0;
}

/* What a read finds expired is nobody's doing. */
static bool by_itself(enum change_kind k)
{
    return k == CHANGE_EXPIRED || k == CHANGE_EVICTED || k == CHANGE_HEXPIRED;
}

void tracking_on_change(struct server *s, const struct change *ch)
{
    const struct client *who = by_itself(ch->kind) ? NULL : s->current;
    struct tracking_table *t = s->tracking;
    struct table_ref ref;

    if (ch->kind == CHANGE_FLUSH || ch->kind == CHANGE_SWAP) {
        on_flush(s);
        return;
    }
    if (!change_is_seen(ch)) return;
    LINK_EACH(&t->prefixes, l) {
        struct prefix *p = LINK_OF(l, struct prefix, all);
        if (str_starts(ch->key, p->name)) note_changed(s, p, ch->key, who);
    }
    if (t->keys.count == 0) return;
    ref = table_find(&t->keys, table_hash(&t->keys, ch->key), ch->key);
    if (ref.e) invalidate(s, &ref, who);
}

/* --- a client ------------------------------------------------------------------------------------ */

void tracking_start(struct client *c, unsigned flags, uint64_t redirect, const struct str *prefixes, size_t n)
{
    if (c->tracking == NULL) {
        c->tracking = mem_zalloc(sizeof *c->tracking);
        link_init(&c->tracking->prefixes);
        c->server->tracking->n_clients++;
    }
    c->tracking->flags = flags;
    c->tracking->redirect = redirect;
    if (!(flags & TRACKING_BCAST)) return;
    for (size_t i = 0; i < n; i++) follow(c, prefixes[i]);
    if (n == 0) follow(c, STR(""));
}

void tracking_stop(struct client *c)
{
    if (c->tracking == NULL) return;
    while (!link_alone(&c->tracking->prefixes)) {
        unfollow(LINK_OF(c->tracking->prefixes.next, struct follower, of_client));
    }
    mem_free(c->tracking);
    c->tracking = NULL;
    c->server->tracking->n_clients--;
}

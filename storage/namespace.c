/* namespace.c -- the rules, by pattern and by number. See namespace.h. */
#include "storage/namespace.h"

#include "base/glob.h"
#include "base/mem.h"
#include "base/place.h"
#include "storage/namespace_impl.h"
#include "storage/namespace_ledger.h"
#include "storage/namespace_roster.h"

/* --- finding ---------------------------------------------------------------------------------- */

static struct str pattern_at(const void *list, size_t i)
{
    struct namespace *const *all = list;

    return str_of(all[i]->pattern, all[i]->pattern_n);
}

static size_t find(const struct namespaces *n, struct str pattern, bool *there)
{
    return place_of(n->sorted, n->n, pattern_at, pattern, there);
}

struct namespace *ns_by_pattern(const struct store *s, struct str pattern)
{
    bool there;
    size_t at;

    if (!s->namespaces) return NULL;
    ns_settle(s);
    at = find(s->namespaces, pattern, &there);
    return there ? s->namespaces->sorted[at] : NULL;
}

struct namespace *ns_of_key(const struct store *s, struct str key)
{
    if (!s->namespaces) return NULL;
    ns_settle(s);
    return ns_match(s->namespaces, key);
}

struct namespace *ns_of(const struct store *s, const struct entry *e)
{
    struct namespace *ns;

    if (e->ns == 0) return NULL;
    ns = s->namespaces->by_id[e->ns];
    return ns->gone ? NULL : ns;
}

size_t ns_count(const struct store *s)
{
    return s->namespaces ? s->namespaces->n : 0;
}

void ns_each(const struct store *s, void (*fn)(void *ctx, struct namespace *ns), void *ctx)
{
    if (!s->namespaces) return;
    ns_settle(s);
    for (size_t i = 0; i < s->namespaces->n; i++) fn(ctx, s->namespaces->sorted[i]);
}

/* --- setting ---------------------------------------------------------------------------------- */

static unsigned needs_of(const struct ns_rules *r)
{
    unsigned needs = r->archive | r->audit << NS_NEEDS_AUDIT_AT;

    if (r->recall == NS_RECALL_READ) needs |= NS_NEEDS_RECALL;
    if (r->ttl_ms > 0) needs |= NS_NEEDS_TTL;
    if (r->sliding) needs |= NS_NEEDS_SLIDING;
    if (r->maxlen > 0) needs |= NS_NEEDS_MAXLEN;
    if (r->maxkeys > 0 || r->maxmemory > 0 || r->maxvalue > 0) needs |= NS_NEEDS_QUOTA;
    if (r->durability != NS_DURABLE_AS_SET) needs |= NS_NEEDS_DURABILITY;
    if (r->reserve > 0) needs |= NS_NEEDS_RESERVE;
    return needs;
}

static void unite(struct store *s)
{
    const struct namespaces *n = s->namespaces;

    s->ns_needs = 0;
    for (size_t i = 0; i < n->n; i++) s->ns_needs |= needs_of(&n->sorted[i]->rules);
}

/* A free number, 0: there is none. */
static uint16_t take_id(struct namespaces *n)
{
    for (size_t i = 1; i < n->n_ids; i++)
        if (!n->by_id[i]) return (uint16_t)i;
    if (n->n_ids > UINT16_MAX) return 0;
    n->by_id = mem_realloc(n->by_id, (n->n_ids + 1) * sizeof n->by_id[0]);
    n->by_id[n->n_ids] = NULL;
    return (uint16_t)n->n_ids++;
}

static struct namespace *namespace_new(struct str pattern, uint16_t id)
{
    struct namespace *ns = mem_zalloc(sizeof *ns);

    ns->id = id;
    ns->pattern = mem_alloc(pattern.n + 1);
    memcpy(ns->pattern, pattern.p, pattern.n);
    ns->pattern[pattern.n] = '\0';
    ns->pattern_n = (uint16_t)pattern.n;
    ns->prefix_n = (uint16_t)glob_prefix(pattern).n;
    return ns;
}

static void namespace_free(struct namespace *ns)
{
    if (!ns) return;
    mem_free(ns->pattern);
    mem_free(ns);
}

static struct namespaces *namespaces_new(void)
{
    struct namespaces *n = mem_zalloc(sizeof *n);

    n->by_id = mem_zalloc(sizeof n->by_id[0]);
    n->n_ids = 1;
    return n;
}

static void namespaces_free(struct namespaces *n)
{
    ns_trie_drop(n);
    for (size_t i = 0; i < n->n_ids; i++) namespace_free(n->by_id[i]);
    mem_free(n->by_id);
    mem_free(n->sorted);
    mem_free(n->by_prefix);
    mem_free(n);
}

static struct namespace *insert(struct namespaces *n, size_t at, struct str pattern)
{
    uint16_t id = n->n < NS_MAX ? take_id(n) : 0;
    struct namespace *ns;

    if (id == 0) return NULL;
    if (n->n == n->cap) {
        n->cap = n->cap ? 2 * n->cap : 8;
        n->sorted = mem_realloc(n->sorted, n->cap * sizeof n->sorted[0]);
        n->by_prefix = mem_realloc(n->by_prefix, n->cap * sizeof n->by_prefix[0]);
    }
    ns = n->by_id[id] = namespace_new(pattern, id);
    memmove(n->sorted + at + 1, n->sorted + at, (n->n - at) * sizeof n->sorted[0]);
    n->sorted[at] = ns;
    n->n++;
    ns_trie_drop(n);
    return ns;
}

static void drop_rosters(struct store *s, const struct namespace *ns)
{
    for (int i = 0; i < s->conf.databases; i++)
        if (s->dbs[i]->shares && ns->id < s->dbs[i]->shares->n) roster_free(&s->dbs[i]->shares->of[ns->id].roster);
}

enum err ns_set(struct store *s, struct str pattern, const struct ns_rules *rules)
{
    struct namespace *ns;
    bool there, had_roster;
    size_t at;

    if (pattern.n == 0 || pattern.n > NS_PATTERN_MAX || memchr(pattern.p, '\0', pattern.n)) return ERR_SYNTAX;
    if (!s->namespaces) s->namespaces = namespaces_new();
    at = find(s->namespaces, pattern, &there);
    ns = there ? s->namespaces->sorted[at] : insert(s->namespaces, at, pattern);
    if (!ns) return ERR_NOT_DONE;
    had_roster = there && ns_needs_roster(ns);
    ns->rules = *rules;
    unite(s);
    if (had_roster && !ns_needs_roster(ns)) drop_rosters(s, ns);
    if (!there || (ns_needs_roster(ns) && !had_roster)) ns_retag_start(s);
    return OK;
}

bool ns_del(struct store *s, struct str pattern)
{
    struct namespaces *n = s->namespaces;
    bool there;
    size_t at;

    if (!n) return false;
    at = find(n, pattern, &there);
    if (!there) return false;
    drop_rosters(s, n->sorted[at]);
    n->sorted[at]->gone = true;
    n->n--;
    memmove(n->sorted + at, n->sorted + at + 1, (n->n - at) * sizeof n->sorted[0]);
    ns_trie_drop(n);
    unite(s);
    ns_retag_start(s);
    return true;
}

/* --- the end ---------------------------------------------------------------------------------- */

void ns_release_gone(struct store *s)
{
    struct namespaces *n = s->namespaces;
    size_t left = 0;

    if (n->asides > 0) return; /* keys that may come back have numbers too */
    for (size_t i = 1; i < n->n_ids; i++) {
        struct namespace *ns = n->by_id[i];

        if (ns && ns->gone && ns->stats.keys == 0) {
            namespace_free(ns);
            n->by_id[i] = NULL;
        }
        left += n->by_id[i] != NULL;
    }
    if (left == 0) ns_free(s);
}

void ns_free(struct store *s)
{
    if (!s->namespaces) return;
    for (int i = 0; i < s->conf.databases; i++) ns_shares_free(s->dbs[i]);
    namespaces_free(s->namespaces);
    s->namespaces = NULL;
    s->ns_needs = 0;
}

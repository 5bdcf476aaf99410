/* live_search.c -- see live_search.h. */
#include "server/live_search.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "persistence/archive.h"
#include "persistence/persist.h"
#include "storage/db.h"
#include "storage/hash.h"
#include "storage/list.h"
#include "storage/namespace.h"
#include "storage/set.h"
#include "storage/stream.h"
#include "storage/suggest.h"
#include "storage/type_json.h"
#include "storage/type_string.h"
#include "storage/vset.h"
#include "storage/zset.h"

enum {
    KEYS_AT_ONCE = 8,
    LOOK_US = 10000,
    SIFT_MAX = 128 * 1024 /* larger values go without being sifted: that would take as long as copying them */
};

struct walk {
    struct server *server;
    struct archive_search *search;
    int db;
    uint64_t cursor;
    bool full, scanned;
    enum { WALKS, WAITS, ASKED } state;
    int64_t until_us; /* of the slice; or of waiting */
    int64_t look_us;  /* when the archive is asked again how it fares */
    uint64_t seq;     /* what left memory before the end of the walk is in the archive when it has this note */
    struct buf later; /* keys that the slice had no time for: length and bytes of each */
    struct link in_list; /* server->live_searches */
};

/* --- one value ------------------------------------------------------------------------------------------- */

static bool sift_list(const struct archive_search *q, const struct entry *e)
{
    struct archive_sifted v = { 0 };
    struct buf scratch = { 0 };
    struct list_iter it;
    bool pass = false;

    list_iter_at(&it, entry_ptr(e), 0, LIST_RIGHT);
    while (!pass && list_next(&it)) pass = archive_search_sift(q, &v, list_iter_get(&it, &scratch));
    buf_fini(&scratch);
    return pass;
}

static bool sift_set(const struct archive_search *q, struct store *s, const struct entry *e)
{
    struct archive_sifted v = { 0 };
    struct set set = set_of(s, e);
    char scratch[NUM_TEXT_MAX];
    struct set_iter it;
    bool pass = false;

    set_iter_start(&it, &set);
    while (!pass && set_next(&it)) pass = archive_search_sift(q, &v, set_text(&it.item, scratch));
    return pass;
}

static bool sift_zset(const struct archive_search *q, struct store *s, const struct entry *e)
{
    struct archive_sifted v = { 0 };
    struct zset z = zset_of(s, e);
    struct zset_iter it;
    bool pass = false;

    zset_iter_at(&it, &z, 0, false);
    while (!pass && zset_next(&it)) pass = archive_search_sift(q, &v, it.member);
    return pass;
}

static bool sift_hash(const struct archive_search *q, struct store *s, const struct entry *e)
{
    struct archive_sifted v = { 0 };
    struct hash h = hash_of(s, e);
    struct hash_iter it;
    bool pass = false;

    hash_iter_start(&it, &h);
    while (!pass && hash_next(&it)) pass = archive_search_sift(q, &v, it.value);
    return pass;
}

/* Names of fields too: an entry that is no message becomes a text with them. */
static bool sift_stream(const struct archive_search *q, const struct entry *e)
{
    struct archive_sifted v = { 0 };
    struct stream_iter it;
    struct str field, value;
    bool pass = false;

    stream_iter_start(&it, entry_ptr(e), STREAM_ID_MIN, STREAM_ID_MAX, false);
    while (!pass && stream_next(&it)) {
        while (!pass && stream_field(&it, &field, &value)) {
            pass = archive_search_sift(q, &v, field) || archive_search_sift(q, &v, value);
        }
    }
    return pass;
}

static bool sift_suggestions(const struct archive_search *q, const struct suggestions *d)
{
    struct archive_sifted v = { 0 };
    const struct suggestion *g;
    bool pass = false;
    size_t i = 0, k = 0;

    while (!pass && (g = suggestions_next(d, &i, &k)) != NULL) pass = archive_search_sift(q, &v, suggestion_text(g));
    return pass;
}

static bool sift_vset(const struct archive_search *q, const struct vset *s)
{
    struct archive_sifted v = { 0 };
    bool pass = false;

    for (uint32_t id = 0; !pass && id < s->n_items; id++) {
        const struct vset_item *it = vset_item(s, id);

        if (it->name != NULL) pass = archive_search_sift(q, &v, entry_key(it->name)) || archive_search_sift(q, &v, vset_attr(s, id));
    }
    return pass;
}

static bool sift(const struct archive_search *q, struct store *s, const struct entry *e)
{
    struct archive_sifted v = { 0 };
    char scratch[NUM_TEXT_MAX];

    switch (entry_type(e)) {
    case VALUE_STRING: return archive_search_sift(q, &v, string_bytes(e, scratch));
    case VALUE_LIST: return sift_list(q, e);
    case VALUE_SET: return sift_set(q, s, e);
    case VALUE_ZSET: return sift_zset(q, s, e);
    case VALUE_HASH: return sift_hash(q, s, e);
    case VALUE_STREAM: return sift_stream(q, e);
    case VALUE_JSON: return archive_search_sift(q, &v, json_text(e));
    case VALUE_SUGGEST: return sift_suggestions(q, entry_ptr(e));
    case VALUE_VSET: return sift_vset(q, entry_ptr(e));
    default: return false;
    }
}

static void look_into(struct walk *w, const struct entry *e, const struct namespace *ns)
{
    struct store *s = w->server->store;
    struct buf payload = { .may_fail = true };
    size_t bytes = db_weight(e);

    if (bytes > LIVE_VALUE_MAX || !mem_can(2 * bytes)) {
        archive_search_left_out(w->search);
        return;
    }
    if (bytes <= SIFT_MAX && !sift(w->search, s, e)) return;
    persist_dump_plain(s, e, &payload);
    if (payload.failed) {
        buf_fini(&payload);
        archive_search_left_out(w->search);
    } else if (!archive_search_add(w->search, str_c(ns->pattern), entry_key(e), &payload)) {
        archive_search_left_out(w->search);
        w->full = true;
    }
}

/* Its namespace, if texts of e may be in the answer, else NULL. */
static const struct namespace *wanted(const struct walk *w, const struct entry *e)
{
    const struct namespace *ns = ns_of(w->server->store, e);

    if (ns == NULL || (ns->rules.archive == 0 && ns->rules.recall == NS_RECALL_NEVER)) return NULL;
    return archive_search_wants(w->search, entry_key(e)) ? ns : NULL;
}

/* --- the walk -------------------------------------------------------------------------------------------- */

/* A bucket is visited as a whole: keys for which there is no time are looked up again in the next slice. */
static void visit(void *ctx, const struct entry *e)
{
    struct walk *w = ctx;
    const struct namespace *ns = w->full ? NULL : wanted(w, e);
    struct str key;

    if (ns == NULL) return;
    if (clock_mono_us() < w->until_us) {
        look_into(w, e, ns);
        return;
    }
    key = entry_key(e);
    buf_add(&w->later, &key.n, sizeof key.n);
    buf_add_str(&w->later, key);
}

/* False: the time is up. */
static bool look_at_later(struct walk *w, struct db *db)
{
    size_t at = 0;

    while (at < w->later.n && clock_mono_us() < w->until_us) {
        const struct namespace *ns;
        const struct entry *e;
        struct str key = { .p = w->later.p + at + sizeof key.n };
        memcpy(&key.n, w->later.p + at, sizeof key.n);
        at += sizeof key.n + key.n;
        e = db_peek(db, key);
        ns = e != NULL && !w->full ? wanted(w, e) : NULL;
        if (ns != NULL) look_into(w, e, ns);
    }
    buf_drop(&w->later, at);
    return w->later.n == 0;
}

static void do_free(void *job)
{
    archive_question_free(job);
}

/* What a search holds that was never run may be much. */
void live_search_free(struct archive_job *j)
{
    struct walk *w = archive_search_walk(j);
    struct store *s = w->server->store;

    link_remove(&w->in_list);
    buf_fini(&w->later);
    mem_free(w);
    if (s->defer != NULL)
        s->defer(s->defer_ctx, do_free, j);
    else
        do_free(j);
}

void live_search_begin(struct server *s, struct archive_search *search, int db)
{
    struct walk *w = mem_zalloc(sizeof *w);

    w->server = s;
    w->search = search;
    w->db = db;
    link_init(&w->in_list);
    link_add_tail(&s->live_searches, &w->in_list);
    archive_search_set_walk(search, w);
}

/* The walk is over: wait for the archive to have what left memory meanwhile, half of the time there is. */
static void begin_waiting(struct walk *w)
{
    struct server *s = w->server;

    w->state = WAITS;
    w->seq = archive_last_seq(s->archive);
    w->until_us = clock_mono_us() + (int64_t)s->conf->archive_query_timeout * 1000 / 2;
    w->look_us = 0;
    if (!archive_is_applied(s->archive, w->seq)) persist_sync_soon(s->persist);
}

/* Does it still pay to wait? While the archive's disk fails what it has is better than nothing. */
static bool may_come(struct walk *w)
{
    int64_t now = clock_mono_us();
    struct archive_info info;

    if (now >= w->until_us) return false;
    if (now < w->look_us) return true;
    w->look_us = now + LOOK_US;
    archive_info(w->server->archive, &info);
    return strcmp(info.state, "failing") != 0;
}

static void ask(struct walk *w)
{
    struct archive *a = w->server->archive;

    if (!archive_is_applied(a, w->seq)) {
        if (may_come(w)) return;
        archive_search_left_out(w->search);
    }
    w->state = ASKED;
    archive_ask(a, ARCHIVE_LANE_QUERY, archive_search_job(w->search));
}

/* False: the walk is over. */
static bool step(struct walk *w, int64_t deadline_us)
{
    struct db *db = w->server->store->dbs[w->db];

    w->until_us = deadline_us;
    while (look_at_later(w, db) && clock_mono_us() < w->until_us) {
        if (w->scanned || w->full) return false;
        w->cursor = db_scan(db, w->cursor, KEYS_AT_ONCE, visit, w);
        w->scanned = w->cursor == 0;
    }
    return true;
}

/* The one whose turn it is: NULL: there is none, or its answer is awaited. */
static struct walk *first(const struct server *s)
{
    struct walk *w = LINK_OF(s->live_searches.next, struct walk, in_list);

    return link_alone(&s->live_searches) || w->state == ASKED ? NULL : w;
}

bool live_searches_are_due(const struct server *s)
{
    const struct walk *w = first(s);

    return w != NULL && w->state == WALKS;
}

/* Nobody waits for it any more, or there is nothing to be asked. True: so it was. */
static bool is_given_up(struct server *s, struct walk *w)
{
    struct archive_job *j = archive_search_job(w->search);

    if (!atomic_load(&j->cancelled)) {
        if (s->archive != NULL) return false;
        w->state = ASKED;
        j->refused = "the archive is closed";
    }
    j->done(j);
    return true;
}

void live_searches_turn(struct server *s, int64_t deadline_us)
{
    struct walk *w = first(s);

    if (w == NULL || is_given_up(s, w) || (ns_any(s->store) && step(w, deadline_us))) return;
    begin_waiting(w);
    ask(w);
}

void live_searches_ask(struct server *s)
{
    struct walk *w = first(s);

    if (LIKELY(w == NULL) || w->state == WALKS || is_given_up(s, w)) return;
    ask(w);
}

void live_search_close(struct server *s)
{
    while (!link_alone(&s->live_searches)) {
        struct walk *w = LINK_OF(s->live_searches.next, struct walk, in_list);
        struct archive_job *j = archive_search_job(w->search);

        link_remove(&w->in_list);
        if (w->state == ASKED) continue;
        j->refused = "the server stops";
        j->done(j);
    }
}

size_t live_search_bytes(const struct server *s)
{
    size_t bytes = 0;

    for (const struct link *l = s->live_searches.next; l != &s->live_searches; l = l->next) {
        bytes += archive_search_bytes(LINK_OF(l, struct walk, in_list)->search);
    }
    return bytes;
}

#include "persistence/archive_pending.h"

#include "base/glob.h"
#include "base/mem.h"
#include "base/num.h"

enum { BUCKETS_MIN = 256, BUCKETS_MAX = 65536, BYTES_OF_NOTE = 1024 };

void archive_pendings_init(struct archive_pendings *p, size_t queue_bytes,
                           uint64_t (*hash)(const void *ctx, int db, struct str key), const void *ctx)
{
    *p = (struct archive_pendings){ .n_buckets = BUCKETS_MIN, .hash = hash, .ctx = ctx };
    while (p->n_buckets < BUCKETS_MAX && p->n_buckets * BYTES_OF_NOTE < queue_bytes) p->n_buckets *= 2;
    link_init(&p->wide);
}

void archive_pendings_fini(struct archive_pendings *p)
{
    mem_free(p->buckets);
    p->buckets = NULL;
}

size_t archive_pendings_bytes(const struct archive_pendings *p)
{
    return p->buckets ? mem_usable(p->buckets) : 0;
}

static struct link *bucket_of(const struct archive_pendings *p, uint64_t hash)
{
    return &p->buckets[hash & (p->n_buckets - 1)];
}

/* In front: behind the head. */
static void add_front(struct link *head, struct link *l)
{
    link_add_tail(head->next, l);
}

/* Never resized: that would take its time in the middle of a turn. */
static void make_buckets(struct archive_pendings *p)
{
    p->buckets = mem_alloc(p->n_buckets * sizeof *p->buckets);
    for (size_t i = 0; i < p->n_buckets; i++) link_init(&p->buckets[i]);
}

static bool is_wide(const struct archive_note *n)
{
    return n->verb == ARCHIVE_FLUSHED || n->verb == ARCHIVE_SWAPPED ||
           (n->verb == ARCHIVE_ERASE && (n->flags & ARCHIVE_GLOB) != 0);
}

static bool is_silent(const struct archive_note *n)
{
    return n->verb == ARCHIVE_AUDIT || (n->verb == ARCHIVE_OUT && n->reason == ARCHIVE_TRIMMED);
}

void archive_pendings_add(struct archive_pendings *p, struct archive_item *it)
{
    if (is_silent(&it->note)) return;
    it->indexed = true;
    if (is_wide(&it->note)) {
        add_front(&p->wide, &it->in_index);
        return;
    }
    if (p->buckets == NULL) make_buckets(p);
    add_front(bucket_of(p, it->hash), &it->in_index);
    p->n++;
}

void archive_pendings_remove(struct archive_pendings *p, struct archive_item *it)
{
    if (!it->indexed) return;
    link_remove(&it->in_index);
    it->indexed = false;
    if (!is_wide(&it->note)) p->n--;
}

/* --- looking up -------------------------------------------------------------------------------------------- */

/* The newest note on the key itself that is newer than `after` and older than `before`. */
static const struct archive_item *find_key(const struct archive_pendings *p, int db, struct str key, uint64_t hash,
                                           uint64_t after, uint64_t before)
{
    struct link *bucket;

    if (p->n == 0) return NULL;
    bucket = bucket_of(p, hash);
    LINK_EACH(bucket, l) {
        const struct archive_item *it = LINK_OF(l, struct archive_item, in_index);

        if (it->ordinal <= after) break;
        if (it->ordinal < before && it->hash == hash && it->note.db == db && str_eq(it->note.key, key)) return it;
    }
    return NULL;
}

static enum archive_pending word_of(const struct archive_item *it, struct archive_note *n)
{
    if (it->note.verb != ARCHIVE_OUT || (it->note.flags & ARCHIVE_LIVE) == 0) return PENDING_GONE;
    *n = it->note;
    return PENDING_OUT;
}

/* Under which number was the database known before this note? */
static int before_swap(const struct archive_note *n, int db)
{
    int64_t other;

    if (!num_parse_i64(n->payload, &other)) return db;
    if (db == n->db) return (int)other;
    return db == other ? n->db : db;
}

static bool takes_all(const struct archive_note *n, int db, struct str key)
{
    if (n->verb == ARCHIVE_FLUSHED) return n->db < 0 || n->db == db;
    return n->verb == ARCHIVE_ERASE && n->db == db && glob_match(n->key, key, false);
}

enum archive_pending archive_pendings_find(const struct archive_pendings *p, int db, struct str key, uint64_t hash,
                                           struct archive_note *n)
{
    uint64_t before = UINT64_MAX;
    const struct archive_item *it;

    LINK_EACH(&p->wide, l) {
        const struct archive_item *w = LINK_OF(l, struct archive_item, in_index);

        it = find_key(p, db, key, hash, w->ordinal, before);
        if (it != NULL) return word_of(it, n);
        if (takes_all(&w->note, db, key)) return PENDING_GONE;
        before = w->ordinal;
        if (w->note.verb != ARCHIVE_SWAPPED) continue;
        db = before_swap(&w->note, db);
        hash = p->hash(p->ctx, db, key);
    }
    it = find_key(p, db, key, hash, 0, before);
    return it != NULL ? word_of(it, n) : PENDING_NONE;
}

/* archive_known.c -- see archive_known.h. */
#include "persistence/archive_known.h"

#include "persistence/archive_builder.h"
#include "persistence/archive_filter.h"
#include "persistence/archive_item.h"

enum {
    STALE_MIN = 10000,
    FILL_SLICE = 8192,
    REBUILD_US = 1000000
};

void archive_known_init(struct archive_known *k, const char *path, const struct hash_key *key,
                        struct archive_writer *writer, const struct archive_env *env)
{
    *k = (struct archive_known){ .path = path, .key = key, .writer = writer, .env = env };
}

void archive_known_stop(struct archive_known *k)
{
    archive_builder_stop(&k->builder);
}

void archive_known_fini(struct archive_known *k)
{
    archive_filter_free(&k->filter);
    archive_filter_free(&k->coming);
    buf_fini(&k->added);
}

/* --- making a filter --------------------------------------------------------------------------------------- */

static void begin(struct archive_known *k, uint64_t last_seq)
{
    if (k->builder != NULL || k->env->mono_us() < k->build_at) return;
    k->moved = false;
    buf_clear(&k->added);
    k->builder = archive_builder_start(k->path, k->key, k->writer, last_seq, k->env->wake, k->env->ctx);
    if (k->builder == NULL) k->build_at = k->env->mono_us() + REBUILD_US;
}

/* Take what the builder made, if it is over. */
static void take(struct archive_known *k, uint64_t last_seq)
{
    if (!archive_builder_take(&k->builder, &k->coming)) return;
    k->coming_at = 0;
    if (k->coming == NULL) k->build_at = k->env->mono_us() + REBUILD_US; /* the file cannot be read now */
    if (k->moved) { /* the file was read before databases were swapped */
        archive_filter_free(&k->coming);
        begin(k, last_seq);
    }
}

/* Everything that came since the builder began is in `added`: what it has not read cannot be missing. Some at a time. */
static void fill(struct archive_known *k)
{
    const uint64_t *hashes = (const uint64_t *)k->added.p;
    size_t n = k->added.n / sizeof *hashes;

    for (int i = 0; i < FILL_SLICE && k->coming_at < n; i++) archive_filter_add(k->coming, hashes[k->coming_at++]);
    if (k->coming_at < n) return;
    buf_fini(&k->added);
    archive_filter_free(&k->filter);
    k->filter = k->coming;
    k->coming = NULL;
    k->stale = 0;
}

/* Too full, or half of it is of keys that are gone. */
static bool is_spent(const struct archive_known *k)
{
    uint64_t added = archive_filter_added(k->filter);

    return added > archive_filter_capacity(k->filter) || (k->stale > STALE_MIN && k->stale > added / 2);
}

void archive_known_mind(struct archive_known *k, uint64_t last_seq)
{
    if (k->builder != NULL) take(k, last_seq);
    if (k->coming != NULL) fill(k);
    if (k->builder != NULL || k->coming != NULL) return;
    if (k->filter == NULL || is_spent(k)) begin(k, last_seq);
}

/* --- what notes mean for it -------------------------------------------------------------------------------- */

static void add(struct archive_known *k, uint64_t hash)
{
    if (k->builder != NULL || k->coming != NULL) buf_add(&k->added, &hash, sizeof hash);
    if (k->filter != NULL) archive_filter_add(k->filter, hash);
}

void archive_known_tell(struct archive_known *k, const struct archive_item *it)
{
    const struct archive_note *n = &it->note;

    switch (n->verb) {
    case ARCHIVE_OUT:
        if ((n->flags & ARCHIVE_LIVE) != 0 && n->reason != ARCHIVE_TRIMMED) add(k, it->hash);
        break;
    case ARCHIVE_GONE:
        k->stale++;
        break;
    case ARCHIVE_FLUSHED:
        if (k->filter != NULL && archive_filter_added(k->filter) > 0) k->stale = UINT64_MAX / 2;
        break;
    case ARCHIVE_SWAPPED:
        k->moved = true;
        archive_filter_free(&k->filter);
        archive_filter_free(&k->coming);
        break;
    case ARCHIVE_ERASE: case ARCHIVE_AUDIT: case ARCHIVE_VERBS:
        break;
    }
}

bool archive_known_may(const struct archive_known *k, uint64_t hash)
{
    return k->filter == NULL || archive_filter_has(k->filter, hash);
}

bool archive_known_is_sure(const struct archive_known *k)
{
    return k->filter != NULL;
}

void archive_known_info(const struct archive_known *k, struct archive_info *out)
{
    out->filter_ready = k->filter != NULL;
    out->filter_bytes = k->filter != NULL ? archive_filter_bytes(k->filter) : 0;
    out->filter_keys = k->filter != NULL ? archive_filter_added(k->filter) : 0;
}

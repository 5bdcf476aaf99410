/* stream_map_cut.c -- a stream map as of one moment, given in order while it goes on changing.
 *
 * The walker's position is an ID. What changes behind it has been given, and what lies beyond the last ID that
 * there was is none of the cut's. Of all else a copy is kept before the first change, or a note that there was
 * no such record. The walker merges the two maps; where both have an ID, the copy counts. */
#include "base/ensure.h"
#include "base/mem.h"
#include "storage/stream_map.h"

/* A record of `kept`: the ID, `was`, then the record's bytes behind its ID. */
enum { ID = sizeof(struct stream_id), WAS = sizeof(uint64_t) };

static struct stream_id id_of(const void *rec)
{
    struct stream_id id;

    memcpy(&id, rec, sizeof id);
    return id;
}

static bool was_there(const char *kept)
{
    uint64_t was;

    memcpy(&was, kept + ID, sizeof was);
    return was != 0;
}

/* As it was in the map. */
static void unpack(const struct stream_map_cut *c, const char *kept, char *rec)
{
    memcpy(rec, kept, ID);
    memcpy(rec + ID, kept + ID + WAS, c->map->width - ID);
}

void stream_map_cut_begin(struct stream_map *m, struct stream_map_cut *c)
{
    ensure(m->cut == NULL);
    *c = (struct stream_map_cut){ .map = m, .done = m->count == 0 };
    stream_map_init(&c->kept, m->width + WAS, NULL);
    if (m->count > 0) c->last = id_of(stream_map_last(m));
    m->cut = c;
}

void *stream_map_keep(struct stream_map *m, struct stream_id id)
{
    struct stream_map_cut *c = m->cut;
    const char *rec;
    uint64_t was;
    char *kept;
    bool made;

    if (c == NULL || c->done || stream_id_cmp(id, c->from) < 0 || stream_id_cmp(id, c->last) > 0) return NULL;
    kept = stream_map_put(&c->kept, id, &made);
    if (!made) return NULL;
    rec = stream_map_find(m, id);
    if (rec == NULL) return NULL;
    was = 1;
    memcpy(kept + ID, &was, WAS);
    memcpy(kept + ID + WAS, rec + ID, m->width - ID);
    return kept + ID + WAS;
}

/* The walker has come to id. */
static void pass(struct stream_map_cut *c, struct stream_id id)
{
    c->from = id;
    if (stream_id_cmp(id, c->last) >= 0 || !stream_id_next(&c->from)) c->done = true;
}

bool stream_map_cut_next(struct stream_map_cut *c, void *out, bool *was_kept)
{
    struct stream_pos at;

    while (!c->done) {
        const char *rec = stream_map_seek(c->map, c->from, false, &at), *kept = stream_map_first(&c->kept);
        bool use = false;

        if (rec == NULL && kept == NULL) break;
        if (kept == NULL || (rec != NULL && stream_id_cmp(id_of(rec), id_of(kept)) < 0)) {
            memcpy(out, rec, c->map->width);
            pass(c, id_of(rec));
            *was_kept = false;
            return true;
        }
        use = was_there(kept);
        if (use) unpack(c, kept, out);
        pass(c, id_of(kept));
        stream_map_drop_first(&c->kept);
        *was_kept = true;
        if (use) return true;
    }
    c->done = true;
    return false;
}

void stream_map_cut_end(struct stream_map_cut *c, void (*drop)(void *rec))
{
    char *kept;

    c->map->cut = NULL;
    for (; drop != NULL && (kept = stream_map_first(&c->kept)) != NULL; stream_map_drop_first(&c->kept)) {
        if (was_there(kept)) drop(kept + WAS); /* which puts the fields where they are in a record, but the ID */
    }
    stream_map_fini(&c->kept);
    if (c->map == &c->own) stream_map_fini(&c->own);
}

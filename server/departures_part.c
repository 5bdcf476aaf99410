/* departures_part.c -- a part of a list or stream as a value of its own. */
#include "base/mem.h"
#include "server/departing.h"
#include "storage/db.h"
#include "storage/stream_edit.h"
#include "storage/type_list.h"

/* --- lists -------------------------------------------------------------------------------------------------- */

static struct list *part_of_list(const struct list *l, bool from_end, uint64_t n, uint64_t most)
{
    uint64_t first = from_end ? list_count(l) - n : 0, bytes = 0;
    struct list *part = list_new();
    struct list_iter it;
    struct buf scratch = { 0 };

    list_iter_at(&it, l, first, LIST_RIGHT);
    while (n-- > 0 && list_next(&it)) {
        struct str v = list_iter_get(&it, &scratch);

        bytes += v.n;
        if (bytes > most) break;
        list_push(part, LIST_RIGHT, v);
    }
    buf_fini(&scratch);
    if (bytes > most) list_free(&part);
    return part;
}

/* --- streams ------------------------------------------------------------------------------------------------- */

/* The fields of the entry at hand: lengths, then the bytes that they divide. */
static void take_entry(struct stream_iter *it, struct buf *lengths, struct buf *bytes)
{
    struct str pair[2];

    buf_clear(lengths);
    buf_clear(bytes);
    while (stream_field(it, &pair[0], &pair[1])) {
        for (int i = 0; i < 2; i++) {
            buf_add(lengths, &pair[i].n, sizeof pair[i].n);
            buf_add_str(bytes, pair[i]);
        }
    }
}

static bool add_entry(struct stream *to, const struct store_conf *conf, struct stream_id id, const struct buf *lengths,
                      const struct buf *bytes)
{
    size_t n = lengths->n / sizeof(size_t), at = 0;
    struct str *pairs = mem_alloc((n + 1) * sizeof *pairs);
    bool ok;

    for (size_t i = 0; i < n; i++) {
        size_t len;

        memcpy(&len, lengths->p + i * sizeof len, sizeof len);
        pairs[i] = str_of(bytes->p + at, len);
        at += len;
    }
    ok = stream_append(to, conf, id, pairs, n / 2) == OK;
    mem_free(pairs);
    return ok;
}

static struct stream *part_of_stream(const struct stream *s, const struct store_conf *conf, uint64_t n, uint64_t most)
{
    struct stream *part = stream_new();
    struct stream_iter it;
    struct buf lengths = { 0 }, bytes = { 0 };
    uint64_t total = 0;

    stream_iter_start(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    while (n-- > 0 && stream_next(&it)) {
        take_entry(&it, &lengths, &bytes);
        total += bytes.n;
        if (total <= most && add_entry(part, conf, it.id, &lengths, &bytes)) continue;
        stream_free(&part);
        break;
    }
    buf_fini(&lengths);
    buf_fini(&bytes);
    return part;
}

/* --- both ------------------------------------------------------------------------------------------------------ */

bool departing_part(const struct server *s, const struct entry *e, bool from_end, uint64_t n, struct buf *payload)
{
    bool is_list = entry_type(e) == VALUE_LIST;
    uint64_t most = s->conf->archive_max_value;
    void *part = is_list ? (void *)part_of_list(lists_of(e), from_end, n, most)
                         : (void *)part_of_stream(entry_ptr(e), &s->store->conf, n, most);
    struct entry *box;

    if (part == NULL) return false;
    box = entry_new_ptr(entry_type(e), entry_enc(e), entry_key(e), -1);
    entry_set_ptr(box, part);
    persist_dump_plain(s->store, box, payload);
    db_free_value(box);
    entry_free(box);
    return true;
}

/* forms_show.c -- what a store holds, as text. */
#include <stdlib.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "base/num.h"
#include "storage/db.h"
#include "storage/hash.h"
#include "storage/list.h"
#include "storage/set.h"
#include "storage/stream_edit.h"
#include "storage/type_string.h"
#include "storage/zset.h"
#include "tests/unit/persistence/forms.h"

/* Items that are in no order get one. */
struct items {
    char **at;
    size_t n;
};

static void add_item(struct items *l, const struct buf *item)
{
    char *copy = mem_alloc(item->n + 1);

    memcpy(copy, item->p, item->n);
    copy[item->n] = 0;
    l->at = mem_realloc(l->at, (l->n + 1) * sizeof *l->at);
    l->at[l->n++] = copy;
}

static int order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put_sorted(struct items *l, struct buf *out)
{
    qsort(l->at, l->n, sizeof *l->at, order);
    for (size_t i = 0; i < l->n; i++) {
        buf_printf(out, " %s", l->at[i]);
        mem_free(l->at[i]);
    }
    mem_free(l->at);
}

/* Long texts by their length. */
static void put_text(struct buf *out, struct str s)
{
    if (s.n > 80) buf_printf(out, "*%zu", s.n);
    else buf_add_str(out, s);
}

static void show_list(const struct list *l, struct buf *out)
{
    struct list_iter it;
    struct buf scratch = { 0 };

    list_check(l);
    list_iter_at(&it, l, 0, LIST_RIGHT);
    while (list_next(&it)) {
        buf_add_char(out, ' ');
        put_text(out, list_iter_get(&it, &scratch));
    }
    buf_fini(&scratch);
}

static void show_set(const struct set *s, struct buf *out)
{
    struct items l = { 0 };
    struct buf item = { 0 };
    char scratch[NUM_TEXT_MAX];
    struct set_iter it;

    set_check(s);
    set_iter_start(&it, s);
    while (set_next(&it)) {
        buf_clear(&item);
        put_text(&item, set_text(&it.item, scratch));
        add_item(&l, &item);
    }
    put_sorted(&l, out);
    buf_fini(&item);
}

static void show_hash(const struct hash *h, struct buf *out)
{
    struct items l = { 0 };
    struct buf item = { 0 };
    struct hash_iter it;

    hash_check(h);
    hash_iter_start(&it, h);
    while (hash_next(&it)) {
        buf_clear(&item);
        put_text(&item, it.field);
        buf_add_char(&item, '=');
        put_text(&item, it.value);
        if (it.ttl != HASH_NO_TTL) buf_printf(&item, "@%lld", (long long)it.ttl);
        add_item(&l, &item);
    }
    put_sorted(&l, out);
    buf_fini(&item);
}

static void show_zset(const struct zset *z, struct buf *out)
{
    struct zset_iter it;

    zset_check(z);
    zset_iter_at(&it, z, 0, false);
    while (zset_next(&it)) {
        buf_add_char(out, ' ');
        put_text(out, it.member);
        buf_printf(out, "=%.17g", it.score);
    }
}

static void show_group(const struct stream *s, const struct stream_group *g, struct buf *out)
{
    struct stream_group_info info = stream_group_info(s, g);
    struct stream_pending_iter it;

    stream_group_check(g);
    buf_printf(out, " (%.*s %llu-%llu read %lld", (int)info.name.n, info.name.p, (unsigned long long)info.last.ms,
               (unsigned long long)info.last.seq, (long long)info.entries_read);
    for (size_t i = 0; i < info.consumers; i++) {
        const struct stream_consumer *c = stream_consumer_at(g, i);
        struct stream_consumer_info ci = stream_consumer_info(c);

        buf_printf(out, ", %.*s %lld %lld:", (int)ci.name.n, ci.name.p, (long long)ci.seen_ms,
                   (long long)ci.active_ms);
        stream_pending_start(&it, g, c, STREAM_ID_MIN, STREAM_ID_MAX);
        while (stream_pending_next(&it))
            buf_printf(out, " %llu-%llu at %lld, %llu times", (unsigned long long)it.now.id.ms,
                       (unsigned long long)it.now.id.seq, (long long)it.now.delivered_ms,
                       (unsigned long long)it.now.deliveries);
    }
    buf_add_char(out, ')');
}

static void show_stream(const struct stream *s, struct buf *out)
{
    struct stream_info info = stream_info(s);
    struct stream_iter it;
    struct str field, value;

    stream_check(s);
    stream_iter_start(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    while (stream_next(&it)) {
        buf_printf(out, " %llu-%llu", (unsigned long long)it.id.ms, (unsigned long long)it.id.seq);
        while (stream_field(&it, &field, &value))
            buf_printf(out, " %.*s=%.*s", (int)field.n, field.p, (int)value.n, value.p);
        buf_add_char(out, ',');
    }
    buf_printf(out, " last %llu-%llu added %llu", (unsigned long long)info.last.ms, (unsigned long long)info.last.seq,
               (unsigned long long)info.added);
    for (size_t i = 0; i < info.groups; i++) show_group(s, stream_group_at(s, i), out);
}

struct str forms_show(struct store *s, int db, const char *key, struct buf *out)
{
    const struct entry *e = db_peek(s->dbs[db], str_c(key));
    char scratch[NUM_TEXT_MAX];

    buf_clear(out);
    if (!e) return buf_str(out);
    switch (entry_type(e)) {
    case VALUE_STRING:
        buf_add_c(out, "string: ");
        put_text(out, string_bytes(e, scratch));
        break;
    case VALUE_LIST:
        buf_add_c(out, "list:");
        show_list(entry_ptr(e), out);
        break;
    case VALUE_SET: {
        struct set set = set_of(s, e);

        buf_add_c(out, "set:");
        show_set(&set, out);
        break;
    }
    case VALUE_HASH: {
        struct hash h = hash_of(s, e);

        buf_add_c(out, "hash:");
        show_hash(&h, out);
        break;
    }
    case VALUE_ZSET: {
        struct zset z = zset_of(s, e);

        buf_add_c(out, "zset:");
        show_zset(&z, out);
        break;
    }
    default:
        ensure(entry_type(e) == VALUE_STREAM);
        buf_add_c(out, "stream:");
        show_stream(entry_ptr(e), out);
    }
    if (entry_expires(e)) buf_printf(out, " until %lld", (long long)entry_expire_at(e));
    return buf_str(out);
}

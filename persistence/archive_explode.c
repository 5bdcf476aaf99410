/* archive_explode.c -- each type's elements as rows. See archive_explode.h.
 *
 * What is JSON is looked at by archive_chat.h; this file knows the types, and when bytes are text. */
#include "persistence/archive_explode.h"

#include <math.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"
#include "persistence/archive_chat.h"
#include "storage/hash.h"
#include "storage/list.h"
#include "storage/set.h"
#include "storage/stream.h"
#include "storage/suggest.h"
#include "storage/type_json.h"
#include "storage/type_string.h"
#include "storage/vset.h"
#include "storage/zset.h"

struct exploding {
    const struct archive_rows *rows;
    struct archive_message next; /* position and what the element itself says: ID, score, time */
};

static void tell(struct exploding *x, struct archive_message m)
{
    x->rows->message(x->rows->ctx, &m);
    x->next.position++;
}

static void tell_chat(void *ctx, const struct chat_message *chat)
{
    struct exploding *x = ctx;
    struct archive_message m = x->next;

    m.role = chat->role;
    m.content = chat->content;
    m.metadata = chat->metadata;
    if (chat->at_ms >= 0) m.at_ms = chat->at_ms;
    tell(x, m);
}

/* Some bytes: messages if they are that, else content as it is. */
static void tell_bytes(struct exploding *x, struct str s)
{
    struct archive_message m = x->next;

    if (chat_each(s, tell_chat, x)) return;
    m.content = s;
    m.is_blob = !utf8_is_text(s);
    tell(x, m);
}

/* --- streams ------------------------------------------------------------------------------------------------ */

/* A text as a JSON string; bytes that are none as {"$hex": "..."}, or as a name "$hex:...". */
static void put_text(struct buf *out, struct str s, bool is_name)
{
    if (utf8_valid(s)) {
        json_quote(out, s);
        return;
    }
    buf_add_c(out, is_name ? "\"$hex:" : "{\"$hex\":\"");
    for (size_t i = 0; i < s.n; i++) buf_printf(out, "%02x", (unsigned char)s.p[i]);
    buf_add_c(out, is_name ? "\"" : "\"}");
}

static void put_field(struct buf *out, struct str field, struct str value)
{
    buf_add_char(out, out->n > 0 ? ',' : '{');
    put_text(out, field, true);
    buf_add_char(out, ':');
    put_text(out, value, false);
}

struct entry_text {
    struct buf role, content, rest; /* rest: all other fields as a JSON object, without its end */
    size_t n, n_roles, n_contents;
};

/* The texts of an iterator are good until its next step, so they are copied. */
static void read_entry(struct stream_iter *it, struct entry_text *t)
{
    struct str field, value;

    buf_clear(&t->role);
    buf_clear(&t->content);
    buf_clear(&t->rest);
    t->n = t->n_roles = t->n_contents = 0;
    while (stream_field(it, &field, &value)) {
        t->n++;
        if (str_eq(field, STR("role")) && t->n_roles++ == 0) buf_add_str(&t->role, value);
        else if (str_eq(field, STR("content")) && t->n_contents++ == 0) buf_add_str(&t->content, value);
        else put_field(&t->rest, field, value);
    }
}

/* One entry. A role and a content make a message; the only field of an entry may hold one as JSON; all others are a
 * JSON object of their fields. */
static void tell_entry(struct exploding *x, struct stream_iter *it, const struct stream *s, struct entry_text *t)
{
    struct archive_message m = x->next;
    struct stream_iter again;
    struct str field, value;

    read_entry(it, t);
    if (t->n_roles == 1 && t->n_contents == 1 && utf8_is_text(buf_str(&t->role))) {
        if (t->rest.n > 0) buf_add_char(&t->rest, '}');
        m.role = buf_str(&t->role);
        m.content = buf_str(&t->content);
        m.metadata = buf_str(&t->rest);
        m.is_blob = !utf8_is_text(m.content);
        tell(x, m);
        return;
    }
    buf_clear(&t->rest);
    if (stream_find(&again, s, it->id)) {
        while (stream_field(&again, &field, &value)) {
            if (t->n == 1 && chat_each(value, tell_chat, x)) return;
            put_field(&t->rest, field, value);
        }
    }
    buf_add_char(&t->rest, '}');
    m.content = buf_str(&t->rest);
    tell(x, m);
}

static void explode_stream(struct exploding *x, const struct entry *e)
{
    const struct stream *s = entry_ptr(e);
    struct entry_text t = { 0 };
    char id[STREAM_ID_TEXT_MAX];
    struct stream_iter it;

    stream_iter_start(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    while (stream_next(&it)) {
        x->next.id = stream_id_text(it.id, id);
        x->next.at_ms = it.id.ms <= INT64_MAX ? (int64_t)it.id.ms : -1;
        tell_entry(x, &it, s, &t);
    }
    buf_fini(&t.role);
    buf_fini(&t.content);
    buf_fini(&t.rest);
}

/* --- the others --------------------------------------------------------------------------------------------- */

static void explode_list(struct exploding *x, const struct entry *e)
{
    struct buf scratch = { 0 };
    struct list_iter it;

    list_iter_at(&it, entry_ptr(e), 0, LIST_RIGHT);
    while (list_next(&it)) tell_bytes(x, list_iter_get(&it, &scratch));
    buf_fini(&scratch);
}

static void explode_set(struct exploding *x, struct store *values, const struct entry *e)
{
    struct set set = set_of(values, e);
    char scratch[NUM_TEXT_MAX];
    struct set_iter it;

    set_iter_start(&it, &set);
    while (set_next(&it)) tell_bytes(x, set_text(&it.item, scratch));
}

static void explode_zset(struct exploding *x, struct store *values, const struct entry *e)
{
    struct zset z = zset_of(values, e);
    struct zset_iter it;

    zset_iter_at(&it, &z, 0, false);
    while (zset_next(&it)) {
        x->next.score = it.score;
        tell_bytes(x, it.member);
    }
}

static void explode_suggestions(struct exploding *x, const struct suggestions *d)
{
    const struct suggestion *g;
    size_t i = 0, k = 0;

    while ((g = suggestions_next(d, &i, &k)) != NULL) {
        x->next.score = (double)g->score;
        tell_bytes(x, suggestion_text(g));
    }
}

/* Names and attributes are texts; vectors are not. */
static void explode_vset(struct exploding *x, const struct vset *s)
{
    for (size_t i = 0; i < vset_count(s); i++) {
        struct str name = vset_name_at(s, i), attr = vset_attr(s, vset_find(s, name));

        tell_bytes(x, name);
        if (attr.n > 0) tell_bytes(x, attr);
    }
}

static void explode_hash(const struct archive_rows *rows, struct store *values, const struct entry *e)
{
    struct hash h = hash_of(values, e);
    struct hash_iter it;

    hash_iter_start(&it, &h);
    while (hash_next(&it)) {
        struct archive_field f = { .field = it.field, .value = it.value, .expires_ms = it.ttl };

        f.field_is_blob = !utf8_is_text(f.field);
        f.value_is_blob = !utf8_is_text(f.value);
        rows->field(rows->ctx, &f);
    }
}

void archive_explode(struct store *values, const struct entry *e, const struct archive_rows *rows)
{
    struct exploding x = { .rows = rows, .next = { .score = (double)NAN, .at_ms = -1 } };
    char scratch[NUM_TEXT_MAX];

    switch (entry_type(e)) {
    case VALUE_LIST: explode_list(&x, e); break;
    case VALUE_SET: explode_set(&x, values, e); break;
    case VALUE_ZSET: explode_zset(&x, values, e); break;
    case VALUE_HASH: explode_hash(rows, values, e); break;
    case VALUE_STREAM: explode_stream(&x, e); break;
    case VALUE_JSON: tell_bytes(&x, json_text(e)); break;
    case VALUE_SUGGEST: explode_suggestions(&x, entry_ptr(e)); break;
    case VALUE_VSET: explode_vset(&x, entry_ptr(e)); break;
    default: tell_bytes(&x, string_bytes(e, scratch));
    }
}

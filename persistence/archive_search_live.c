/* archive_search_live.c -- the texts of live keys. See archive_search_impl.h.
 *
 * They are in no index: payloads are decoded one after another, each of their texts is split into words once, and those
 * that match are kept. All are counted, for bm25 asks how rare a word is. */
#include "base/mem.h"
#include "persistence/archive_explode.h"
#include "persistence/archive_search_impl.h"
#include "persistence/archive_value.h"

enum { LIVE_TEXTS = 100000 }; /* that a search keeps */

struct str search_live_key(const struct live_key *k)
{
    return str_of(k->names.p + k->n_ns, k->names.n - k->n_ns);
}

/* --- the reactor's --------------------------------------------------------------------------------------- */

bool archive_search_sift(const struct archive_search *s, struct archive_sifted *v, struct str piece)
{
    return archive_sieve_look(&s->sieve, v, piece);
}

bool archive_search_add(struct archive_search *s, struct str ns, struct str key, struct buf *payload)
{
    struct live_key *k;

    if (payload->cap > payload->n + payload->n / 8) { /* it grew by doubling */
        payload->p = mem_realloc(payload->p, payload->n);
        payload->cap = payload->n;
    }
    if (s->n_live == ARCHIVE_SEARCH_LIVE_KEYS || s->live_bytes + payload->cap > ARCHIVE_SEARCH_LIVE_BYTES) {
        buf_fini(payload);
        return false;
    }
    if ((s->n_live & (s->n_live - 1)) == 0)
        s->live = mem_realloc(s->live, (s->n_live + s->n_live + 1) * sizeof *s->live);
    k = &s->live[s->n_live++];
    *k = (struct live_key){ .n_ns = ns.n, .payload = *payload };
    *payload = (struct buf){ .n = 0 };
    buf_add_str(&k->names, ns);
    buf_add_str(&k->names, key);
    s->live_bytes += k->payload.cap;
    s->names_bytes += k->names.cap;
    search_note_memory(s);
    return true;
}

void search_live_free(struct archive_search *s)
{
    for (size_t i = 0; i < s->n_live; i++) {
        buf_fini(&s->live[i].names);
        buf_fini(&s->live[i].payload);
    }
    for (size_t i = 0; i < s->n_found; i++) mem_free(s->found[i]);
    mem_free(s->found);
    mem_free(s->live);
    s->live = NULL;
    s->found = NULL;
    s->n_found = s->found_bytes = 0;
    s->n_live = s->live_bytes = s->names_bytes = 0;
}

void archive_search_left_out(struct archive_search *s)
{
    s->partial = true;
}

size_t archive_search_bytes(const struct archive_search *s)
{
    return atomic_load_explicit(&s->held, memory_order_relaxed);
}

/* --- reading --------------------------------------------------------------------------------------------- */

/* Fields of the hash that is read, for WHERE. */
struct field_at {
    size_t at, n_name, n_value;
};

struct reading {
    struct archive_search *s;
    struct archive_reader *r;
    size_t key;
    struct buf fields; /* bytes of the fields ... */
    struct field_at *field;
    size_t n_fields; /* ... and where each is */
};

static size_t put(char **at, struct str s)
{
    if (s.n > 0) memcpy(*at, s.p, s.n);
    *at += s.n;
    return s.n;
}

static size_t bytes_of(const struct live_text *t)
{
    return sizeof *t + t->n_content + t->n_role + t->n_id + t->n_metadata + t->n_field;
}

static void take(struct archive_search *s, size_t key, const struct archive_message *m, struct str field)
{
    struct live_text *t;
    char *at;
    struct archive_match match;
    bool matches = archive_match(&s->matcher, m->content, &match);

    archive_rank_add(&s->rank, &match);
    if (!matches || !search_wants_role(s, m->role) ||
        !search_wants_time(s, m->at_ms < 0 ? s->now_ms : m->at_ms))
        return;
    if (s->n_found == LIVE_TEXTS) {
        s->partial = true;
        return;
    }
    if ((s->n_found & (s->n_found - 1)) == 0) {
        s->found = mem_realloc(s->found, (s->n_found + s->n_found + 1) * sizeof *s->found);
    }
    t = mem_alloc(sizeof *t + m->content.n + m->role.n + m->id.n + m->metadata.n + field.n);
    *t = (struct live_text){ .key = key, .position = m->position, .score = m->score, .match = match };
    t->at_ms = m->at_ms < 0 ? s->now_ms : m->at_ms;
    at = t->bytes;
    t->n_content = put(&at, m->content);
    t->n_role = put(&at, m->role);
    t->n_id = put(&at, m->id);
    t->n_metadata = put(&at, m->metadata);
    t->n_field = put(&at, field);
    s->found_bytes += bytes_of(t);
    s->found[s->n_found++] = t;
}

static void on_message(void *ctx, const struct archive_message *m)
{
    struct reading *g = ctx;

    if (!m->is_blob) take(g->s, g->key, m, STR(""));
}

static void on_field(void *ctx, const struct archive_field *f)
{
    struct reading *g = ctx;
    struct archive_message m = { .position = -1, .at_ms = -1, .score = __builtin_nan(""), .content = f->value };

    if (g->s->n_wheres > 0) {
        if ((g->n_fields & (g->n_fields - 1)) == 0) {
            g->field = mem_realloc(g->field, (g->n_fields + g->n_fields + 1) * sizeof *g->field);
        }
        g->field[g->n_fields++] = (struct field_at){ g->fields.n, f->field.n, f->value.n };
        buf_add_str(&g->fields, f->field);
        buf_add_str(&g->fields, f->value);
    }
    if (!f->value_is_blob) take(g->s, g->key, &m, f->field);
}

static bool get_field(void *ctx, struct str name, struct str *value)
{
    const struct reading *g = ctx;

    for (size_t i = 0; i < g->n_fields; i++) {
        const char *p = g->fields.p + g->field[i].at;
        if (!str_eq(str_of(p, g->field[i].n_name), name)) continue;
        *value = str_of(p + g->field[i].n_name, g->field[i].n_value);
        return true;
    }
    return false;
}

/* Of the key's texts, found from `from` on, those stay that WHERE allows: it may ask for fields that came later. */
static void filter(struct reading *g, size_t from)
{
    struct archive_search *s = g->s;
    const struct search_fields fields = { g, get_field };
    size_t kept = from;

    for (size_t i = from; i < s->n_found; i++) {
        struct live_text *t = s->found[i];
        struct str metadata = str_of(t->bytes + t->n_content + t->n_role + t->n_id, t->n_metadata);
        if (search_meets_where(s, g->r, metadata, g->n_fields > 0 ? &fields : NULL)) {
            s->found[kept++] = t;
        } else {
            s->found_bytes -= bytes_of(t);
            mem_free(t);
        }
    }
    s->n_found = kept;
}

static void read_key(struct reading *g)
{
    static const struct archive_rows rows = { .message = on_message, .field = on_field };
    struct archive_rows to = rows;
    struct live_key *k = &g->s->live[g->key];
    const struct entry *e;
    size_t from = g->s->n_found;

    to.ctx = g;
    g->fields.n = g->n_fields = 0;
    if (archive_value_decode(g->r->values, buf_str(&k->payload), &e) == OK) {
        k->type = archive_value_type(e);
        archive_explode(g->r->values, e, &to);
        if (g->s->n_wheres > 0) filter(g, from);
    } else {
        g->s->partial = true;
    }
    g->s->live_bytes -= k->payload.cap;
    buf_fini(&k->payload);
    search_note_memory(g->s);
}

void search_live_read(struct archive_search *s, struct archive_reader *r)
{
    struct reading g = { .s = s, .r = r };

    for (g.key = 0; g.key < s->n_live && !search_is_over(s, r); g.key++) read_key(&g);
    buf_fini(&g.fields);
    mem_free(g.field);
}

void search_live_score(struct archive_search *s)
{
    for (size_t i = 0; i < s->n_found; i++) {
        const struct live_text *t = s->found[i];
        const char *p = t->bytes;
        struct archive_hit hit = { .entry = INT64_MAX,
                                   .in = HIT_LIVE,
                                   .position = t->position,
                                   .row = (int64_t)i,
                                   .score = archive_rank_score(&s->rank, &t->match) };
        struct search_text text = { .key = search_live_key(&s->live[t->key]),
                                    .content = str_of(p, t->n_content),
                                    .role = str_of(p + t->n_content, t->n_role) };
        if (t->position < 0)
            text.field = str_of(p + t->n_content + t->n_role + t->n_id + t->n_metadata, t->n_field);
        if (!archive_hits_add(&s->hits, &hit, search_identity(s, &text), -1 - (int64_t)t->key))
            s->partial = true;
    }
}

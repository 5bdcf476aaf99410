/* archive_search.c -- the search: what was asked, the archive's tables, the page. See archive_search_impl.h.
 *
 * The tables are read from the newest row to the oldest, without sorting in SQLite: each row that the index gives is
 * looked at once, and only the best are kept. So a search that is cut short has looked at the newest. */
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "persistence/archive_schema.h"
#include "persistence/archive_search_impl.h"

/* --- what was asked -------------------------------------------------------------------------------------- */

static void answer(struct archive_question *q, struct archive_reader *r, struct reply *out);

static void fini(struct archive_question *q)
{
    struct archive_search *s = (struct archive_search *)q;

    buf_fini(&s->query);
    buf_fini(&s->match);
    buf_fini(&s->role);
    for (size_t i = 0; i < s->n_wheres; i++) archive_where_fini(&s->wheres[i]);
    for (size_t i = 0; i < s->n_readable; i++) buf_fini(&s->readable[i]);
    mem_free(s->readable);
    search_live_free(s);
}

enum err archive_search_new(struct archive_search **out, const struct archive_search_ask *ask,
                            char why[ARCHIVE_SEARCH_WHY])
{
    struct archive_search *s =
        (struct archive_search *)archive_question_new(sizeof *s, ask->resp, answer, fini);
    enum err e;

    buf_add_str(&s->query, ask->query);
    buf_add_str(&s->match, ask->match);
    buf_add_str(&s->role, ask->role);
    s->since_ms = ask->since_ms;
    s->until_ms = ask->until_ms;
    s->now_ms = ask->now_ms;
    s->offset = ask->offset;
    s->count = ask->count;
    s->highlight = ask->highlight;
    s->db = ask->db;
    s->hash = ask->hash;
    e = archive_words_parse(&s->words, buf_str(&s->query), why);
    if (e == OK) {
        archive_sieve_make(&s->sieve, &s->words, ask->trigram ? 3 : 1);
        *out = s;
    } else {
        archive_question_free(&s->question.job);
    }
    return e;
}

enum err archive_search_where(struct archive_search *s, struct str path, struct str op, struct str value,
                              char why[ARCHIVE_SEARCH_WHY])
{
    enum err e;

    if (s->n_wheres == ARCHIVE_WHERES) {
        snprintf(why, ARCHIVE_SEARCH_WHY, "a search has at most %d WHERE", ARCHIVE_WHERES);
        return ERR_SYNTAX;
    }
    e = archive_where_make(&s->wheres[s->n_wheres], path, op, value, why);
    s->n_wheres += e == OK;
    return e;
}

void archive_search_restrict(struct archive_search *s)
{
    s->restricted = true;
}

void archive_search_readable(struct archive_search *s, struct str pattern)
{
    s->readable = mem_realloc(s->readable, (s->n_readable + 1) * sizeof *s->readable);
    s->readable[s->n_readable] = (struct buf){ .n = 0 };
    buf_add_str(&s->readable[s->n_readable++], pattern);
}

void archive_search_set_walk(struct archive_search *s, void *walk)
{
    s->walk = walk;
}

void *archive_search_walk(const struct archive_job *j)
{
    return ((const struct archive_search *)j)->walk;
}

struct archive_job *archive_search_job(struct archive_search *s)
{
    return &s->question.job;
}

/* --- the archive's tables -------------------------------------------------------------------------------- */

/* One of them, and the statements about it. */
struct table {
    const char *count, *find, *find_all;
    enum archive_hit_in in;
};

/* Columns of find and find_all. */
enum {
    AT_ROW,
    AT_SCORE,
    AT_ENTRY,
    AT_CONTENT,
    AT_ROLE,
    AT_METADATA,
    AT_POSITION,
    AT_FIELD,
    AT_TIME,
    AT_KEY,
    AT_TYPE
};

#define MESSAGE_COLUMNS \
    "m.entry, m.content, m.role, m.metadata, m.position, NULL, coalesce(m.at, e.archived_at), e.key, e.type "
#define FIELD_COLUMNS "f.entry, f.value, NULL, NULL, -1, f.field, e.archived_at, e.key, e.type "

static const struct table tables[] = {
    { .in = HIT_MESSAGE,
      .count = "SELECT memd_count(messages_fts, ?2) FROM messages_fts WHERE messages_fts MATCH ?1 LIMIT 1",
      .find = "SELECT m.id, memd_score(messages_fts, ?2), " MESSAGE_COLUMNS
              "FROM messages_fts CROSS JOIN messages AS m ON m.id = messages_fts.rowid CROSS JOIN entries AS e "
              "ON e.id = m.entry "
              "WHERE messages_fts MATCH ?1 AND messages_fts.rowid BETWEEN ?4 AND ?5 AND e.db = ?3 ORDER BY messages_fts.rowid DESC",
      .find_all =
          "SELECT m.id, 0.0, " MESSAGE_COLUMNS "FROM messages AS m CROSS JOIN entries AS e ON e.id = m.entry "
          "WHERE m.id BETWEEN ?4 AND ?5 AND e.db = ?3 AND typeof(m.content) = 'text' ORDER BY m.id DESC" },
    { .in = HIT_FIELD,
      .count = "SELECT memd_count(fields_fts, ?2) FROM fields_fts WHERE fields_fts MATCH ?1 LIMIT 1",
      .find = "SELECT f.id, memd_score(fields_fts, ?2), " FIELD_COLUMNS
              "FROM fields_fts CROSS JOIN fields AS f ON f.id = fields_fts.rowid CROSS JOIN entries AS e ON "
              "e.id = f.entry "
              "WHERE fields_fts MATCH ?1 AND fields_fts.rowid BETWEEN ?4 AND ?5 AND e.db = ?3 ORDER BY fields_fts.rowid DESC",
      .find_all =
          "SELECT f.id, 0.0, " FIELD_COLUMNS "FROM fields AS f CROSS JOIN entries AS e ON e.id = f.entry "
          "WHERE f.id BETWEEN ?4 AND ?5 AND e.db = ?3 AND typeof(f.value) = 'text' ORDER BY f.id DESC" },
};
enum { TABLES = sizeof tables / sizeof *tables };

/* How the tables split texts, as they themselves say. */
static bool find_index(struct archive_reader *r, enum archive_fts *fts)
{
    sqlite3_stmt *st =
        archive_prepare(r, "SELECT instr(sql, 'trigram') FROM sqlite_schema WHERE name = 'messages_fts'");
    int code = st != NULL ? archive_step(r, st) : SQLITE_ERROR;

    if (code == SQLITE_ROW) *fts = sqlite3_column_int(st, 0) > 0 ? ARCHIVE_FTS_TRIGRAM : ARCHIVE_FTS_UNICODE;
    if (code == SQLITE_DONE) {
        snprintf(r->error, sizeof r->error,
                 "it has no full-text index, for archive-fts was none when it was made");
    }
    if (st != NULL) sqlite3_reset(st);
    return code == SQLITE_ROW;
}

bool search_is_over(struct archive_search *s, struct archive_reader *r)
{
    if (archive_reader_may_go_on(r) && r->mono_us() < s->until_us) return false;
    s->partial = true;
    return true;
}

static sqlite3_stmt *prepare(struct archive_search *s, struct archive_reader *r, const char *sql)
{
    sqlite3_stmt *st = archive_prepare(r, sql);

    if (st == NULL) return NULL;
    if (!s->matcher.everything) {
        sqlite3_bind_text(st, 1, s->matcher.fts5.p, -1, SQLITE_STATIC);
        archive_rank_bind(st, 2, &s->rank);
    }
    return st;
}

static bool count_words(struct archive_search *s, struct archive_reader *r)
{
    int code = SQLITE_DONE;

    for (size_t i = 0; i < TABLES && !s->matcher.everything; i++) {
        sqlite3_stmt *st = prepare(s, r, tables[i].count);
        if (st == NULL) return false;
        code = archive_step(r, st);
        sqlite3_reset(st);
        if (code != SQLITE_ROW && code != SQLITE_DONE) return false;
    }
    return true;
}

/* --- a row of them --------------------------------------------------------------------------------------- */

struct entry_fields {
    struct archive_reader *r;
    int64_t entry;
    sqlite3_stmt *st; /* the value that was asked for last is its row's */
};

static bool get_field(void *ctx, struct str name, struct str *value)
{
    struct entry_fields *f = ctx;

    f->st = archive_prepare(f->r, "SELECT value FROM fields WHERE entry = ?1 AND field = ?2");
    if (f->st == NULL) return false;
    sqlite3_bind_int64(f->st, 1, f->entry);
    archive_bind(f->st, 2, name);
    if (archive_step(f->r, f->st) != SQLITE_ROW) return false;
    *value = archive_column(f->st, 0);
    return true;
}

static bool meets_where(const struct archive_search *s, struct archive_reader *r, int64_t entry,
                        struct str metadata, bool is_hash)
{
    struct entry_fields f = { .r = r, .entry = entry };
    const struct search_fields fields = { &f, get_field };
    bool meets = search_meets_where(s, r, metadata, is_hash ? &fields : NULL);

    if (f.st != NULL) sqlite3_reset(f.st);
    return meets;
}

/* Rows of one entry follow each other: its key is looked at once. */
static bool wants_entry(struct archive_search *s, int64_t entry, struct str key)
{
    if (s->last.entry != entry) {
        s->last.wanted = archive_search_wants(s, key);
        s->last.entry = entry;
    }
    return s->last.wanted;
}

static bool take(struct archive_search *s, struct archive_reader *r, const struct table *t, sqlite3_stmt *st)
{
    int64_t entry = sqlite3_column_int64(st, AT_ENTRY);
    struct str key = archive_column(st, AT_KEY), type = archive_column(st, AT_TYPE);
    struct archive_hit hit = { .score = sqlite3_column_double(st, AT_SCORE),
                               .entry = entry,
                               .in = t->in,
                               .position = sqlite3_column_int64(st, AT_POSITION),
                               .row = sqlite3_column_int64(st, AT_ROW) };
    struct search_text text = { .key = key,
                                .role = archive_column(st, AT_ROLE),
                                .at_ms = sqlite3_column_int64(st, AT_TIME) };

    if (!wants_entry(s, entry, key) || !search_wants_role(s, text.role) || !search_wants_time(s, text.at_ms))
        return true;
    text.metadata = archive_column(st, AT_METADATA);
    if (s->n_wheres > 0 && !meets_where(s, r, entry, text.metadata, str_eq(type, STR("hash")))) return true;
    text.content = archive_column(st, AT_CONTENT);
    if (t->in == HIT_FIELD) {
        text.field = archive_column(st, AT_FIELD);
        if (text.field.p == NULL) text.field = STR("");
    }
    return archive_hits_add(&s->hits, &hit, search_identity(s, &text), entry);
}

/* Tables that grow have for a moment their old size and their new one. What the thread has taken in all is counted by its
 * reader (archive_readers_bytes), so it is not counted again here. */
void search_note_memory(struct archive_search *s)
{
    const struct archive_reader *r = s->rank.reader;
    int64_t taken = r != NULL ? atomic_load_explicit(&r->taken, memory_order_relaxed) : 0;
    size_t live = s->names_bytes + s->n_live * 3 * sizeof *s->live, found = s->found_bytes + s->n_found * 2 * sizeof *s->found;
    size_t seen = s->hits.seen != NULL ? 3 * (s->hits.seen_mask + 1) * sizeof *s->hits.seen : 0;
    size_t all = s->live_bytes + live + found + seen + s->hits.n * 2 * sizeof *s->hits.best;

    if (taken > 0) all = all > (size_t)taken ? all - (size_t)taken : 0;
    atomic_store_explicit(&s->held, all, memory_order_relaxed);
}

static bool find_in(struct archive_search *s, struct archive_reader *r, const struct table *t)
{
    const struct row_range *rows = t->in == HIT_FIELD ? &s->fields : &s->messages;
    sqlite3_stmt *st = prepare(s, r, s->matcher.everything ? t->find_all : t->find);
    int code = SQLITE_ERROR;

    s->last.entry = 0;
    if (st != NULL) {
        sqlite3_bind_int(st, 3, s->db);
        sqlite3_bind_int64(st, 4, rows->from);
        sqlite3_bind_int64(st, 5, rows->to);
    }
    for (unsigned n = 0; st != NULL && (code = archive_step(r, st)) == SQLITE_ROW; n++) {
        bool more = take(s, r, t, st);
        s->partial = s->partial || !more;
        if (n % 256 == 255) search_note_memory(s);
        if (!more || (n % 16 == 15 && search_is_over(s, r))) {
            code = SQLITE_DONE;
            break;
        }
    }
    if (st != NULL) sqlite3_reset(st);
    return code == SQLITE_DONE;
}

/* --- the page -------------------------------------------------------------------------------------------- */

static void reply_live(struct archive_search *s, const struct archive_hit *hit, struct reply *out)
{
    const struct live_text *t = s->found[hit->row];
    const struct live_key *k = &s->live[t->key];
    const char *p = t->bytes;
    struct search_row row = { .ns = str_of(k->names.p, k->n_ns),
                              .type = k->type,
                              .position = t->position,
                              .zscore = t->score,
                              .score = hit->score,
                              .text = { .key = search_live_key(k), .at_ms = t->at_ms } };

    row.text.content = str_of(p, t->n_content);
    row.text.role = str_of(p += t->n_content, t->n_role);
    row.id = str_of(p += t->n_role, t->n_id);
    row.text.metadata = str_of(p += t->n_id, t->n_metadata);
    if (t->position < 0) row.text.field = str_of(p + t->n_metadata, t->n_field);
    search_reply_row(s, &row, out);
}

static const char *text_of(sqlite3_stmt *st, int i)
{
    const char *p = (const char *)sqlite3_column_text(st, i);

    return p != NULL ? p : "";
}

/* Columns of the page's statements. */
enum {
    PAGE_CONTENT,
    PAGE_ROLE,
    PAGE_METADATA,
    PAGE_POSITION,
    PAGE_FIELD,
    PAGE_TIME,
    PAGE_ID,
    PAGE_SCORE,
    PAGE_KEY,
    PAGE_NS,
    PAGE_TYPE,
    PAGE_REASON,
    PAGE_VERSION
};

static bool reply_archived(struct archive_search *s, struct archive_reader *r, const struct archive_hit *hit,
                           struct reply *out)
{
    sqlite3_stmt *st =
        hit->in == HIT_FIELD
            ? archive_prepare(
                  r, "SELECT f.value, NULL, NULL, -1, f.field, e.archived_at, NULL, NULL, e.key, e.namespace, "
                     "e.type, e.reason, e.version FROM fields AS f JOIN entries AS e ON e.id = f.entry WHERE "
                     "f.id = ?1")
            : archive_prepare(
                  r, "SELECT m.content, m.role, m.metadata, m.position, NULL, coalesce(m.at, e.archived_at), "
                     "m.message_id, m.score, e.key, e.namespace, e.type, e.reason, e.version "
                     "FROM messages AS m JOIN entries AS e ON e.id = m.entry WHERE m.id = ?1");
    struct search_row row = { .entry = hit->entry, .position = hit->position, .score = hit->score };

    if (st == NULL) return false;
    sqlite3_bind_int64(st, 1, hit->row);
    if (archive_step(r, st) != SQLITE_ROW) {
        if (r->error[0] == '\0')
            snprintf(r->error, sizeof r->error,
                     "a row that the index names is not there: is the file damaged?");
        sqlite3_reset(st);
        return false;
    }
    row.text = (struct search_text){ .key = archive_column(st, PAGE_KEY),
                                     .role = archive_column(st, PAGE_ROLE),
                                     .content = archive_column(st, PAGE_CONTENT),
                                     .metadata = archive_column(st, PAGE_METADATA),
                                     .at_ms = sqlite3_column_int64(st, PAGE_TIME) };
    if (hit->in == HIT_FIELD) {
        row.text.field = archive_column(st, PAGE_FIELD);
        if (row.text.field.p == NULL) row.text.field = STR("");
    }
    row.id = archive_column(st, PAGE_ID);
    row.ns = archive_column(st, PAGE_NS);
    row.type = text_of(st, PAGE_TYPE);
    row.reason = text_of(st, PAGE_REASON);
    row.version = sqlite3_column_int64(st, PAGE_VERSION);
    row.zscore =
        sqlite3_column_type(st, PAGE_SCORE) == SQLITE_NULL ? nan("") : sqlite3_column_double(st, PAGE_SCORE);
    search_reply_row(s, &row, out);
    sqlite3_reset(st);
    return true;
}

static void reply_page(struct archive_search *s, struct archive_reader *r, struct reply *out)
{
    size_t from, n = 0;

    archive_hits_sort(&s->hits);
    from = s->offset < s->hits.n ? (size_t)s->offset : s->hits.n;
    while (from + n < s->hits.n && n < s->count) n++;
    reply_map(out, 3);
    reply_bulk_c(out, "total");
    reply_int(out, (int64_t)s->hits.total);
    reply_bulk_c(out, "partial");
    reply_bool(out, s->partial);
    reply_bulk_c(out, "results");
    reply_array(out, n);
    for (size_t i = from; i < from + n; i++) {
        const struct archive_hit *hit = &s->hits.best[i];
        if (hit->in == HIT_LIVE)
            reply_live(s, hit, out);
        else if (!reply_archived(s, r, hit, out))
            return;
        if (archive_question_is_full(r, out)) return;
    }
}

/* --- the question ---------------------------------------------------------------------------------------- */

static bool begin(struct archive_search *s, struct archive_reader *r)
{
    char why[WORDS_WHY];
    enum archive_fts fts;
    int64_t now = r->mono_us();

    if (s->offset + s->count > (uint64_t)r->query_rows) {
        snprintf(r->error, sizeof r->error, "LIMIT reaches beyond the %lld rows of archive-query-rows",
                 (long long)r->query_rows);
        return false;
    }
    s->until_us = r->deadline_us - (r->deadline_us - now) / 4;
    if (!find_index(r, &fts)) return false;
    if (archive_matcher_init(&s->matcher, r->db, fts, &s->words, why) != OK) {
        snprintf(r->error, sizeof r->error, "%s", why);
        return false;
    }
    s->rank = (struct archive_rank){ .matcher = &s->matcher, .reader = r, .until_us = now + (s->until_us - now) / 3 };
    archive_hits_init(&s->hits, (size_t)(s->offset + s->count));
    return true;
}

static bool search(struct archive_search *s, struct archive_reader *r)
{
    search_live_read(s, r);
    if (!count_words(s, r)) return false;
    search_narrow(s, r);
    archive_rank_settle(&s->rank);
    search_live_score(s);
    for (size_t i = 0; i < TABLES; i++) {
        if (!search_is_over(s, r) && !find_in(s, r, &tables[i])) return false;
    }
    return true;
}

static void answer(struct archive_question *q, struct archive_reader *r, struct reply *out)
{
    struct archive_search *s = (struct archive_search *)q;

    if (begin(s, r) && search(s, r)) reply_page(s, r, out);
    archive_matcher_fini(&s->matcher);
    archive_hits_fini(&s->hits);
    search_live_free(s); /* here: it may be long, and the reactor frees the rest */
    search_note_memory(s);
}

/* archive_search_range.c -- a MATCH that few entries can meet narrows the search to their rows. See archive_search_impl.h.
 *
 * The rows of an entry were added together, so those of a few entries lie between a first and a last one; what others have
 * between them is passed over as ever. FTS5 seeks such a range in its index: a common word in one session is found
 * without a look at all the others that have it. */
#include "base/glob.h"
#include "persistence/archive_schema.h"
#include "persistence/archive_search_impl.h"

enum { FEW_ENTRIES = 256 };

/* The bytes behind all that begin with b: false: there are none. */
static bool raise_prefix(struct buf *b)
{
    while (b->n > 0 && (unsigned char)b->p[b->n - 1] == 0xff) b->n--;
    if (b->n == 0) return false;
    b->p[b->n - 1] = (char)((unsigned char)b->p[b->n - 1] + 1);
    return true;
}

static void widen(struct archive_reader *r, sqlite3_stmt *st, int64_t entry, struct row_range *range)
{
    if (st == NULL) return;
    sqlite3_bind_int64(st, 1, entry);
    if (archive_step(r, st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL) {
        int64_t from = sqlite3_column_int64(st, 0), to = sqlite3_column_int64(st, 1);
        if (from < range->from) range->from = from;
        if (to > range->to) range->to = to;
    }
    sqlite3_reset(st);
}

/* Entries of keys from `from` up to `to`, which are texts or bytes; how many there are, at most FEW_ENTRIES + 1. */
static int add_entries(struct archive_search *s, struct archive_reader *r, struct str from, struct str to, bool texts)
{
    sqlite3_stmt *st = archive_prepare(r, "SELECT id FROM entries WHERE db = ?1 AND key >= ?2 AND key < ?3 LIMIT ?4");
    int n = 0;

    if (st == NULL) return 0;
    sqlite3_bind_int(st, 1, s->db);
    sqlite3_bind_int(st, 4, FEW_ENTRIES + 1);
    if (texts) {
        sqlite3_bind_text(st, 2, from.p, (int)from.n, SQLITE_STATIC);
        sqlite3_bind_text(st, 3, to.p, (int)to.n, SQLITE_STATIC);
    } else {
        sqlite3_bind_blob(st, 2, from.p, (int)from.n, SQLITE_STATIC);
        sqlite3_bind_blob(st, 3, to.p, (int)to.n, SQLITE_STATIC);
    }
    while (n <= FEW_ENTRIES && archive_step(r, st) == SQLITE_ROW) {
        int64_t entry = sqlite3_column_int64(st, 0);
        n++;
        widen(r, archive_prepare(r, "SELECT min(id), max(id) FROM messages WHERE entry = ?1"), entry, &s->messages);
        widen(r, archive_prepare(r, "SELECT min(id), max(id) FROM fields WHERE entry = ?1"), entry, &s->fields);
    }
    sqlite3_reset(st);
    return n;
}

void search_narrow(struct archive_search *s, struct archive_reader *r)
{
    const struct row_range all = { INT64_MIN, INT64_MAX }, none = { INT64_MAX, INT64_MIN };
    struct str prefix = glob_prefix(buf_str(&s->match));
    struct buf from = { .n = 0 }, to = { .n = 0 };
    bool few = prefix.n > 0 && prefix.n < INT32_MAX;

    s->messages = s->fields = few ? none : all;
    if (!few) return;
    buf_add_str(&from, prefix);
    buf_add_str(&to, prefix);
    if (prefix.n == s->match.n) buf_add_char(&to, '\0');
    else few = raise_prefix(&to);
    if (few) few = add_entries(s, r, buf_str(&from), buf_str(&to), true) <= FEW_ENTRIES;
    if (few) few = add_entries(s, r, buf_str(&from), buf_str(&to), false) <= FEW_ENTRIES;
    if (!few) s->messages = s->fields = all;
    buf_fini(&from);
    buf_fini(&to);
}

#include "persistence/archive_retain.h"

enum { SLICE = 200, FREE_PAGES_MIN = 256, FREE_PART = 8 };

struct pages {
    int64_t count, unused, size;
};

static int count_pages(struct archive_file *f, struct pages *p)
{
    sqlite3_stmt *st = archive_sql(f, SQL_PAGES);
    int rc;

    if (st == NULL) return archive_code(f);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        *p = (struct pages){ sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2) };
        rc = SQLITE_OK;
    }
    sqlite3_reset(st);
    return rc;
}

/* The entries that a statement names, at most SLICE. */
static int find(struct archive_file *f, enum archive_sql which, int64_t now_ms, int64_t *ids, int *n)
{
    sqlite3_stmt *st = archive_sql(f, which);
    int rc, at = 1;

    *n = 0;
    if (st == NULL) return archive_code(f);
    if (which == SQL_RETAINED) sqlite3_bind_int64(st, at++, now_ms);
    sqlite3_bind_int(st, at, SLICE);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW && *n < SLICE) ids[(*n)++] = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int drop(struct archive_file *f, enum archive_sql which, int64_t now_ms, int *dropped)
{
    int64_t ids[SLICE];
    int rc = find(f, which, now_ms, ids, dropped);

    if (rc != SQLITE_OK || *dropped == 0) return rc;
    rc = archive_begin(f);
    if (rc != SQLITE_OK) return rc;
    rc = SQLITE_DONE;
    for (int i = 0; i < *dropped && rc == SQLITE_DONE; i++) rc = archive_drop_entry(f, ids[i]);
    rc = rc == SQLITE_DONE ? archive_commit(f) : rc;
    if (rc != SQLITE_OK) archive_rollback(f);
    return rc;
}

/* Some free pages are kept for what comes next, where the file may be so large. */
static bool is_roomy(const struct pages *p, int64_t max_bytes)
{
    if (max_bytes > 0 && p->count * p->size > max_bytes) return p->unused > 0;
    return p->unused >= FREE_PAGES_MIN && p->unused > p->count / FREE_PART;
}

int archive_retain(struct archive_file *f, int64_t now_ms, int64_t max_bytes, uint64_t *removed, bool *more)
{
    struct pages p;
    int dropped;
    int rc = drop(f, SQL_RETAINED, now_ms, &dropped);

    *more = false;
    if (rc == SQLITE_OK && dropped == 0) {
        rc = count_pages(f, &p);
        if (rc == SQLITE_OK && max_bytes > 0 && (p.count - p.unused) * p.size > max_bytes) {
            rc = drop(f, SQL_OLDEST, now_ms, &dropped);
        }
        if (rc == SQLITE_OK && dropped == 0 && is_roomy(&p, max_bytes)) {
            int64_t before = p.unused;

            rc = archive_do(f, SQL_VACUUM) == SQLITE_DONE ? count_pages(f, &p) : archive_code(f);
            *more = p.unused < before; /* a file that was made by hand may not shrink */
        }
    }
    if (rc != SQLITE_OK) return rc;
    *removed += (uint64_t)dropped;
    if (dropped > 0) *more = true;
    return SQLITE_OK;
}

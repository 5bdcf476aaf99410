/* archive_sql_functions.c -- see archive_sql_functions.h. */
#include "persistence/archive_sql_functions.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"

enum { TRIM_CHARACTERS_MAX = 100 };

static bool any_null(int n, sqlite3_value **values)
{
    for (int i = 0; i < n; i++)
        if (sqlite3_value_type(values[i]) == SQLITE_NULL) return true;
    return false;
}

static struct str text_of(sqlite3_value *v)
{
    const void *p = sqlite3_value_text(v); /* before its size: it may be converted */

    return p != NULL ? str_of(p, (size_t)sqlite3_value_bytes(v)) : STR("");
}

static struct str blob_of(sqlite3_value *v)
{
    const void *p = sqlite3_value_blob(v);

    return p != NULL ? str_of(p, (size_t)sqlite3_value_bytes(v)) : STR("");
}

static bool goes_on(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The size of the character at p, of n > 0 bytes that are left: as SQLite cuts bytes that are no UTF-8, too. */
static size_t character(const char *p, size_t n)
{
    size_t size = 1;

    if ((unsigned char)p[0] < 0xc0) return 1;
    while (size < n && goes_on(p[size])) size++;
    return size;
}

static const char *find(struct str text, struct str part)
{
    if (part.n == 0) return text.p;
    return text.n >= part.n ? memmem(text.p, text.n, part.p, part.n) : NULL;
}

/* SQLite looks only where a character begins, and at the beginning. */
static const char *find_text(struct str text, struct str part)
{
    if (part.n > 0 && goes_on(part.p[0])) return str_starts(text, part) ? text.p : NULL;
    return find(text, part);
}

/* Blobs: the place in bytes; else in characters. */
static void run_instr(sqlite3_context *c, int n, sqlite3_value **v)
{
    bool blobs;
    struct str text, part;
    const char *at;
    int64_t place = 1;

    if (any_null(n, v)) return;
    blobs = sqlite3_value_type(v[0]) == SQLITE_BLOB && sqlite3_value_type(v[1]) == SQLITE_BLOB;
    text = blobs ? blob_of(v[0]) : text_of(v[0]);
    part = blobs ? blob_of(v[1]) : text_of(v[1]);
    at = blobs ? find(text, part) : find_text(text, part);
    if (at == NULL) place = 0;
    else
        for (const char *p = text.p + 1; p <= at; p++) place += blobs || !goes_on(*p);
    sqlite3_result_int64(c, place);
}

static void run_replace(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct str text, part, by;
    struct buf out = { .may_fail = true };
    size_t most = (size_t)sqlite3_limit(sqlite3_context_db_handle(c), SQLITE_LIMIT_LENGTH, -1);
    const char *at;

    if (any_null(n, v)) return;
    text = text_of(v[0]);
    part = text_of(v[1]);
    by = text_of(v[2]);
    if (part.n == 0) {
        sqlite3_result_value(c, v[0]);
        return;
    }
    while (out.n <= most && (at = find(text, part)) != NULL) {
        buf_add(&out, text.p, (size_t)(at - text.p));
        buf_add_str(&out, by);
        text = str_of(at + part.n, text.n - (size_t)(at - text.p) - part.n);
    }
    buf_add_str(&out, text);
    if (out.failed) sqlite3_result_error_nomem(c);
    else if (out.n > most) sqlite3_result_error_toobig(c);
    else sqlite3_result_text64(c, out.n > 0 ? out.p : "", out.n, SQLITE_TRANSIENT, SQLITE_UTF8);
    buf_fini(&out);
}

/* --- trim ------------------------------------------------------------------------------------------------ */

struct characters {
    struct str all[TRIM_CHARACTERS_MAX];
    size_t n;
};

static bool split(struct characters *out, struct str text)
{
    out->n = 0;
    while (text.n > 0) {
        size_t size = character(text.p, text.n);

        if (out->n == TRIM_CHARACTERS_MAX) return false;
        out->all[out->n++] = str_of(text.p, size);
        text = str_of(text.p + size, text.n - size);
    }
    return true;
}

/* The size of the character of the set with which text begins, or ends; 0: none. */
static size_t edge(const struct characters *set, struct str text, bool at_end)
{
    for (size_t i = 0; i < set->n; i++) {
        struct str one = set->all[i];

        if (one.n <= text.n && memcmp(at_end ? text.p + text.n - one.n : text.p, one.p, one.n) == 0)
            return one.n;
    }
    return 0;
}

/* The function's data says from which ends. */
static void run_trim(sqlite3_context *c, int n, sqlite3_value **v)
{
    const char *ends = sqlite3_user_data(c);
    struct characters set;
    struct str text;
    size_t size;

    if (any_null(n, v)) return;
    text = text_of(v[0]);
    if (!split(&set, text_of(v[1]))) {
        sqlite3_result_error(c, "trim takes at most 100 characters away", -1);
        return;
    }
    while (strchr(ends, 'l') != NULL && (size = edge(&set, text, false)) > 0)
        text = str_of(text.p + size, text.n - size);
    while (strchr(ends, 'r') != NULL && (size = edge(&set, text, true)) > 0) text.n -= size;
    sqlite3_result_text64(c, text.n > 0 ? text.p : "", text.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static const struct {
    const char *name;
    int n;
    const char *data;
    void (*run)(sqlite3_context *c, int n, sqlite3_value **v);
} functions[] = {
    { "instr", 2, NULL, run_instr },
    { "replace", 3, NULL, run_replace },
    { "trim", 2, "lr", run_trim },
    { "ltrim", 2, "l", run_trim },
    { "rtrim", 2, "r", run_trim },
};

int archive_sql_functions_add(sqlite3 *db)
{
    int code = SQLITE_OK;

    for (size_t i = 0; i < sizeof functions / sizeof *functions && code == SQLITE_OK; i++) {
        code = sqlite3_create_function_v2(
            db, functions[i].name, functions[i].n, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
            (void *)(uintptr_t)functions[i].data, functions[i].run, NULL, NULL, NULL);
    }
    return code;
}

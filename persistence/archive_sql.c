/* archive_sql.c -- see archive_sql.h.
 *
 * What is allowed is named, what is not named is refused: a newer SQLite has functions and tables that nobody has
 * thought of here. Tables are the exception: those of the file are allowed by being in it, and only those that SQLite
 * makes up by itself (modules that need no CREATE VIRTUAL TABLE) are told from them by name. */
#include "persistence/archive_sql.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "persistence/archive_reader.h"
#include "persistence/archive_schema.h"
#include "persistence/archive_sql_functions.h"

struct sql_question {
    struct archive_question q;
    struct buf sql;
    size_t n_params;
    struct buf *params;
};

/* --- what is allowed ------------------------------------------------------------------------------------- */

/* In the order of strcmp. */
static const char *const functions[] = {
    "->", "->>", "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "avg", "bm25", "ceil",
    "ceiling", "char", "coalesce", "cos", "cosh", "count", "cume_dist", "current_date", "current_time",
    "current_timestamp", "date", "datetime", "degrees", "dense_rank", "exp", "first_value", "floor",
    "format", "glob", "group_concat", "hex", "highlight", "ifnull", "iif", "instr", "json", "json_array",
    "json_array_length", "json_extract", "json_group_array", "json_group_object", "json_insert",
    "json_object", "json_quote", "json_remove", "json_replace", "json_set", "json_type", "json_valid",
    "julianday", "lag", "last_value", "lead", "length", "like", "likelihood", "likely", "ln", "log",
    "log10", "log2", "lower", "ltrim", "match", "max", "min", "mod", "nth_value", "ntile", "nullif",
    "octet_length", "percent_rank", "pi", "pow", "power", "printf", "quote", "radians", "random", "rank",
    "replace", "round", "row_number", "rtrim", "sign", "sin", "sinh", "snippet", "soundex",
    "sqlite_version", "sqrt", "strftime", "string_agg", "substr", "substring", "subtype", "sum", "tan",
    "tanh", "time", "timediff", "total", "trim", "trunc", "typeof", "unhex", "unicode", "unixepoch",
    "unlikely", "upper", "zeroblob",
};

/* Tables that SQLite makes up; json_each and json_tree are allowed. */
static const char *const made_up[] = {
    "bytecode", "completion", "dbstat", "fsdir", "generate_series", "sqlite_dbdata", "sqlite_dbpage",
    "sqlite_dbptr", "sqlite_stmt", "sqlite_stmts", "tables_used", "fts3tokenize", "fts4aux", "fts5vocab",
};

static int by_name(const void *name, const void *row)
{
    return sqlite3_stricmp(name, *(const char *const *)row);
}

static bool is_function(const char *name)
{
    return bsearch(name, functions, sizeof functions / sizeof *functions, sizeof *functions, by_name) != NULL;
}

static bool is_table(const char *name)
{
    if (sqlite3_strnicmp(name, "pragma_", 7) == 0) return false;
    for (size_t i = 0; i < sizeof made_up / sizeof *made_up; i++)
        if (sqlite3_stricmp(name, made_up[i]) == 0) return false;
    return true;
}

/* SQLite asks at each thing that a statement it translates would do. a and b are what it is done to.
 *
 * Two things come from within, when a statement reads an FTS5 table: that looks at data_version; and when it is opened, its
 * columns are declared by a CREATE TABLE that is translated and thrown away, with an UPDATE of the schema in it. Who
 * writes such a statement himself is told that the schema may not be modified. */
static int authorize(void *nothing, int action, const char *a, const char *b, const char *db,
                     const char *trigger)
{
    bool ok = false;

    (void)nothing;
    (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE: ok = true; break;
    case SQLITE_READ: ok = a != NULL && is_table(a) && (db == NULL || sqlite3_stricmp(db, "temp") != 0); break;
    case SQLITE_FUNCTION: ok = b != NULL && is_function(b); break;
    case SQLITE_UPDATE: ok = a != NULL && sqlite3_stricmp(a, "sqlite_master") == 0; break;
    case SQLITE_PRAGMA: ok = a != NULL && sqlite3_stricmp(a, "data_version") == 0 && b == NULL; break;
    default: break;
    }
    return ok ? SQLITE_OK : SQLITE_DENY;
}

/* --- the connection -------------------------------------------------------------------------------------- */

static const struct {
    int what, value;
} limits[] = {
    { SQLITE_LIMIT_LENGTH, ARCHIVE_SQL_VALUE_MAX },
    { SQLITE_LIMIT_SQL_LENGTH, ARCHIVE_SQL_TEXT_MAX },
    { SQLITE_LIMIT_COLUMN, ARCHIVE_SQL_COLUMNS_MAX },
    { SQLITE_LIMIT_EXPR_DEPTH, 200 },
    { SQLITE_LIMIT_COMPOUND_SELECT, 50 },
    { SQLITE_LIMIT_VDBE_OP, 100000 },
    { SQLITE_LIMIT_FUNCTION_ARG, 100 },
    { SQLITE_LIMIT_ATTACHED, 0 },
    { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200 }, /* its time grows with pattern times text */
    { SQLITE_LIMIT_VARIABLE_NUMBER, ARCHIVE_SQL_PARAMS_MAX },
    { SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
    { SQLITE_LIMIT_WORKER_THREADS, 0 },
};

static sqlite3 *guest(struct archive_reader *r)
{
    sqlite3 *db = r->guest;
    int code;

    if (db != NULL) return db;
    db = archive_reader_connect(r);
    if (db == NULL) return NULL;
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        sqlite3_limit(db, limits[i].what, limits[i].value);
    code = archive_sql_functions_add(db);
    if (code == SQLITE_OK) code = sqlite3_set_authorizer(db, authorize, NULL);
    if (code == SQLITE_OK) return r->guest = db;
    archive_reader_fail(r, db, code);
    sqlite3_close(db);
    return NULL;
}

/* --- a statement ----------------------------------------------------------------------------------------- */

/* Is there anything but blanks, semicolons and comments? SQLite's own opinion: it makes no statement of those. */
static bool is_empty(sqlite3 *db, const char *p, const char *end)
{
    while (p < end) {
        sqlite3_stmt *st = NULL;
        const char *tail = p;
        int code = sqlite3_prepare_v2(db, p, (int)(end - p), &st, &tail);
        bool nothing = code == SQLITE_OK && st == NULL;

        sqlite3_finalize(st);
        if (!nothing) return false;
        if (tail <= p) break;
        p = tail;
    }
    return true;
}

static void refuse(struct archive_reader *r, const char *why)
{
    snprintf(r->error, sizeof r->error, "%s", why);
}

static sqlite3_stmt *prepare(const struct sql_question *s, struct archive_reader *r, sqlite3 *db)
{
    const char *text = s->sql.n > 0 ? s->sql.p : "", *end = text + s->sql.n, *tail;
    sqlite3_stmt *st = NULL;
    int code;

    if (s->sql.n > ARCHIVE_SQL_TEXT_MAX) {
        refuse(r, "the statement is longer than 65536 bytes: give values as PARAMS");
        return NULL;
    }
    if (memchr(text, '\0', s->sql.n) != NULL) {
        refuse(r, "the statement holds a NUL byte: give binary values as PARAMS");
        return NULL;
    }
    code = sqlite3_prepare_v2(db, text, (int)s->sql.n, &st, &tail);
    if (code == SQLITE_AUTH)
        refuse(r, "not allowed: only SELECT on the archive's tables, with functions that only compute");
    else if (code != SQLITE_OK) archive_reader_fail(r, db, code);
    else if (st == NULL) refuse(r, "there is no statement");
    else if (!is_empty(db, tail, end)) refuse(r, "more than one statement");
    else if (!sqlite3_stmt_readonly(st) || sqlite3_stmt_isexplain(st) != 0 || sqlite3_column_count(st) == 0)
        refuse(r, "not allowed: only SELECT");
    else if ((size_t)sqlite3_bind_parameter_count(st) != s->n_params)
        snprintf(r->error, sizeof r->error, "the statement has %d parameters, and PARAMS gives %zu",
                 sqlite3_bind_parameter_count(st), s->n_params);
    else return st;
    sqlite3_finalize(st);
    return NULL;
}

static void put_value(sqlite3_stmt *st, int i, struct reply *out)
{
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_NULL: reply_null(out); break;
    case SQLITE_INTEGER: reply_int(out, sqlite3_column_int64(st, i)); break;
    case SQLITE_FLOAT: reply_double(out, sqlite3_column_double(st, i)); break;
    default: reply_bulk(out, archive_column(st, i)); break;
    }
}

/* Rows into out, up to the limit; *more: there were others. False: an error. */
static bool put_rows(struct archive_reader *r, sqlite3 *db, sqlite3_stmt *st, struct reply *out, bool *more)
{
    size_t mark = reply_mark(out);
    int64_t n = 0;
    int code;

    while ((code = sqlite3_step(st)) == SQLITE_ROW && n < r->query_rows) {
        reply_array(out, (size_t)sqlite3_column_count(st));
        for (int i = 0; i < sqlite3_column_count(st); i++) put_value(st, i, out);
        if (archive_question_is_full(r, out)) return false;
        n++;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        archive_reader_fail(r, db, code);
        return false;
    }
    *more = code == SQLITE_ROW;
    reply_array_at(out, mark, (size_t)n);
    return true;
}

static void put_answer(struct archive_reader *r, sqlite3 *db, sqlite3_stmt *st, struct reply *out)
{
    bool more;

    reply_map(out, 3);
    reply_bulk_c(out, "columns");
    reply_array(out, (size_t)sqlite3_column_count(st));
    for (int i = 0; i < sqlite3_column_count(st); i++) {
        const char *name = sqlite3_column_name(st, i);

        reply_bulk_c(out, name != NULL ? name : "");
    }
    reply_bulk_c(out, "rows");
    if (!put_rows(r, db, st, out, &more)) return;
    reply_bulk_c(out, "more");
    reply_int(out, more);
}

static bool bind(const struct sql_question *s, struct archive_reader *r, sqlite3 *db, sqlite3_stmt *st)
{
    for (size_t i = 0; i < s->n_params; i++) {
        int code = archive_bind(st, (int)i + 1, buf_str(&s->params[i]));

        if (code == SQLITE_OK) continue;
        archive_reader_fail(r, db, code);
        return false;
    }
    return true;
}

static void answer(struct archive_question *q, struct archive_reader *r, struct reply *out)
{
    const struct sql_question *s = (struct sql_question *)q;
    sqlite3 *db;
    sqlite3_stmt *st;

    r->memory_most = ARCHIVE_QUERY_MEMORY;
    db = guest(r);
    st = db != NULL ? prepare(s, r, db) : NULL;
    if (st == NULL) return;
    if (bind(s, r, db, st)) put_answer(r, db, st, out);
    sqlite3_finalize(st);
}

/* --- a question ------------------------------------------------------------------------------------------ */

static void fini(struct archive_question *q)
{
    struct sql_question *s = (struct sql_question *)q;

    for (size_t i = 0; i < s->n_params; i++) buf_fini(&s->params[i]);
    mem_free(s->params);
    buf_fini(&s->sql);
}

struct archive_question *archive_sql_question(struct str sql, size_t n_params, const struct str *params,
                                              int resp)
{
    struct archive_question *q = archive_question_new(sizeof(struct sql_question), resp, answer, fini);
    struct sql_question *s = (struct sql_question *)q;

    buf_add_str(&s->sql, sql);
    s->n_params = n_params;
    s->params = n_params > 0 ? mem_zalloc(n_params * sizeof *s->params) : NULL;
    for (size_t i = 0; i < n_params; i++) buf_add_str(&s->params[i], params[i]);
    return q;
}

/* archive_rank.c -- see archive_rank.h. */
#include <math.h>

#include "base/clock.h"
#include "persistence/archive_rank.h"
#include "persistence/archive_reader.h"

#define RANK_POINTER "memd_rank"

/* What everybody takes: a word that is often there counts less and less; long texts count a little less. */
#define RANK_K1 1.2
#define RANK_B 0.75

/* --- counting and scoring -------------------------------------------------------------------------------- */

void archive_rank_add(struct archive_rank *rank, const struct archive_match *m)
{
    rank->texts++;
    rank->tokens += m->tokens;
    for (uint32_t left = m->found; left != 0; left &= left - 1) rank->with[__builtin_ctz(left)]++;
}

void archive_rank_settle(struct archive_rank *rank)
{
    double n = (double)rank->texts;

    rank->usual = rank->texts > 0 && rank->tokens > 0 ? (double)rank->tokens / n : 1.0;
    for (size_t i = 0; i < rank->matcher->n_terms; i++) {
        double with = (double)rank->with[i];
        if (with > n) with = n;
        rank->idf[i] = rank->matcher->terms[i].excluded ? 0.0 : log(1.0 + (n - with + 0.5) / (with + 0.5));
    }
}

double archive_rank_score(const struct archive_rank *rank, const struct archive_match *m)
{
    double length = RANK_K1 * (1.0 - RANK_B + RANK_B * (double)m->tokens / rank->usual), sum = 0.0;

    for (size_t i = 0; i < rank->matcher->n_terms; i++) {
        double times = (double)m->times[i];
        if (m->times[i] > 0) sum += rank->idf[i] * times * (RANK_K1 + 1.0) / (times + length);
    }
    return sum;
}

/* --- within FTS5 ----------------------------------------------------------------------------------------- */

/* A word that is in millions of texts is not counted to the end: how often it is in those that the time was enough
 * for says how often it is in all. */
struct counting {
    struct archive_rank *rank;
    int64_t until_us;
    int64_t n, first, last; /* texts, and their rows */
    bool cut_short;
};

static int count_text(const Fts5ExtensionApi *api, Fts5Context *fts, void *ctx)
{
    struct counting *c = ctx;

    if (c->n++ == 0) c->first = api->xRowid(fts);
    if (c->n % 1024 != 0) return SQLITE_OK;
    if (!archive_reader_may_go_on(c->rank->reader)) return SQLITE_INTERRUPT;
    if (clock_mono_us() <= c->until_us) return SQLITE_OK;
    c->last = api->xRowid(fts);
    c->cut_short = true;
    return SQLITE_DONE;
}

/* Rows of a table are numbered without large gaps, and come in this order. */
static int64_t counted(const struct counting *c, int64_t texts)
{
    int64_t seen = c->last - c->first + 1;

    if (!c->cut_short || seen < c->n) return c->n;
    return (int64_t)((double)c->n * (double)texts / (double)seen);
}

static int count_table(const Fts5ExtensionApi *api, Fts5Context *fts, struct archive_rank *rank)
{
    sqlite3_int64 texts = 0, tokens = 0;
    int code = api->xRowCount(fts, &texts);

    if (code == SQLITE_OK) code = api->xColumnTotalSize(fts, -1, &tokens);
    if (code == SQLITE_OK && api->xPhraseCount(fts) != (int)rank->matcher->n_terms) code = SQLITE_CORRUPT;
    rank->texts += texts;
    rank->tokens += tokens;
    for (size_t i = 0, left = rank->matcher->n_terms; i < rank->matcher->n_terms && code == SQLITE_OK; i++, left--) {
        int64_t now = clock_mono_us();
        struct counting c = { .rank = rank, .until_us = now + (rank->until_us - now) / (int64_t)left };
        if (rank->matcher->terms[i].excluded) continue;
        code = api->xQueryPhrase(fts, (int)i, &c, count_text);
        rank->with[i] += counted(&c, texts);
    }
    return code;
}

static struct archive_rank *rank_of(sqlite3_context *out, int n, sqlite3_value **args)
{
    struct archive_rank *rank = n == 1 ? sqlite3_value_pointer(args[0], RANK_POINTER) : NULL;

    if (rank == NULL) sqlite3_result_error(out, "this function is memd's own", -1);
    return rank;
}

static void run_count(const Fts5ExtensionApi *api, Fts5Context *fts, sqlite3_context *out, int n,
                      sqlite3_value **args)
{
    struct archive_rank *rank = rank_of(out, n, args);
    int code = rank != NULL ? count_table(api, fts, rank) : SQLITE_OK;

    if (code != SQLITE_OK) sqlite3_result_error_code(out, code);
}

static int read_match(const Fts5ExtensionApi *api, Fts5Context *fts, struct archive_match *m)
{
    int hits = 0, tokens = 0, code = api->xInstCount(fts, &hits);

    if (code == SQLITE_OK) code = api->xColumnSize(fts, -1, &tokens);
    for (int i = 0; i < hits && code == SQLITE_OK; i++) {
        int term = 0, column, at;
        code = api->xInst(fts, i, &term, &column, &at);
        if (code == SQLITE_OK && term < WORDS_MAX) m->times[term]++;
    }
    m->tokens = (uint32_t)tokens;
    return code;
}

static void run_score(const Fts5ExtensionApi *api, Fts5Context *fts, sqlite3_context *out, int n,
                      sqlite3_value **args)
{
    struct archive_rank *rank = rank_of(out, n, args);
    struct archive_match m = { .tokens = 0 };
    int code = rank != NULL ? read_match(api, fts, &m) : SQLITE_OK;

    if (rank == NULL) return;
    if (code != SQLITE_OK)
        sqlite3_result_error_code(out, code);
    else
        sqlite3_result_double(out, archive_rank_score(rank, &m));
}

enum err archive_rank_register(sqlite3 *db)
{
    fts5_api *api = archive_match_fts5(db);
    int code = api != NULL ? SQLITE_OK : SQLITE_ERROR;

    if (code == SQLITE_OK) code = api->xCreateFunction(api, "memd_count", NULL, run_count, NULL);
    if (code == SQLITE_OK) code = api->xCreateFunction(api, "memd_score", NULL, run_score, NULL);
    return code == SQLITE_OK ? OK : ERR_OOM;
}

int archive_rank_bind(sqlite3_stmt *st, int i, struct archive_rank *rank)
{
    return sqlite3_bind_pointer(st, i, rank, RANK_POINTER, NULL);
}

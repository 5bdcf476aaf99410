/* ft_dictionary_cmd.c -- FT.DICTADD, FT.DICTDEL and FT.DICTDUMP: words that FT.SPELLCHECK suggests too, or passes over. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "commands/job.h"
#include "commands/job_rows.h"
#include "search/dictionary.h"
#include "server/commands.h"
#include "server/ft_impl.h"
#include "server/rows.h"
#include "text/words.h"

static void end_change(struct call *c, int64_t n)
{
    ft_note_any(c->client->server->ft);
    c->store->stats.changes += (uint64_t)n;
    c->store->stats.dirty += (uint64_t)n;
    reply_int(c->out, n);
}

/* Nothing is added when one of the words cannot be. */
static enum err run_add(struct call *c)
{
    struct dictionaries *ds = &c->client->server->ft->now.dictionaries;
    struct dictionary *d = dictionaries_find(ds, call_arg(c, 1));
    int64_t n = 0;

    if ((d ? d->words.n : 0) + (c->argc - 2) > DICTIONARY_WORDS_MAX)
        return call_fail_text(c, arena_printf(c->arena, "A dictionary has at most %d terms: put some of them into another one", DICTIONARY_WORDS_MAX));
    for (size_t i = 2; i < c->argc; i++) {
        if (c->argv[i].n > 0 && c->argv[i].n <= WORD_MAX) continue;
        return call_fail_text(c, arena_printf(c->arena, "A term of a dictionary is 1 to %d bytes long", WORD_MAX));
    }
    d = dictionaries_open(ds, call_arg(c, 1));
    if (d == NULL) return call_fail_text(c, arena_printf(c->arena, "There are %d dictionaries already, which is the most: delete one", DICTIONARIES_MAX));
    for (size_t i = 2; i < c->argc; i++) n += dictionary_add(d, c->argv[i]);
    end_change(c, n);
    return OK;
}

static enum err run_del(struct call *c)
{
    int64_t n = 0;

    for (size_t i = 2; i < c->argc; i++) n += dictionaries_remove(&c->client->server->ft->now.dictionaries, call_arg(c, 1), c->argv[i]);
    end_change(c, n);
    return OK;
}

/* --- FT.DICTDUMP: a copy of the words is put in order run by run, and the runs are merged while they are told ---------- */

enum { RUN = 1024, RUNS_MAX = DICTIONARY_WORDS_MAX / RUN };

struct dumping {
    struct job job;
    struct arena arena;
    struct str *words;
    size_t n, n_sorted;
    size_t at[RUNS_MAX];    /* of each run the word that is next */
    size_t runs[RUNS_MAX];  /* a heap of those that have one, the least in front */
    size_t n_runs;
    struct job_rows told;
};

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static size_t run_end(const struct dumping *d, size_t run)
{
    return (run + 1) * RUN < d->n ? (run + 1) * RUN : d->n;
}

static bool is_before(const struct dumping *d, size_t a, size_t b)
{
    return str_cmp(d->words[d->at[a]], d->words[d->at[b]]) < 0;
}

static void sink(struct dumping *d, size_t i)
{
    size_t run = d->runs[i];

    for (size_t down; (down = 2 * i + 1) < d->n_runs; i = down) {
        if (down + 1 < d->n_runs && is_before(d, d->runs[down + 1], d->runs[down])) down++;
        if (!is_before(d, d->runs[down], run)) break;
        d->runs[i] = d->runs[down];
    }
    d->runs[i] = run;
}

static void sort_run(struct dumping *d)
{
    size_t run = d->n_sorted / RUN, n = run_end(d, run) - d->n_sorted;

    qsort(d->words + d->n_sorted, n, sizeof *d->words, by_text);
    d->at[run] = d->n_sorted;
    d->runs[d->n_runs++] = run;
    d->n_sorted += n;
    if (d->n_sorted < d->n) return;
    for (size_t i = d->n_runs; i-- > 0;) sink(d, i);
}

static void tell_least(struct dumping *d)
{
    size_t run = d->runs[0];
    struct reply out = job_rows_out(&d->told);

    reply_bulk(&out, d->words[d->at[run]]);
    job_rows_told(&d->told);
    if (++d->at[run] == run_end(d, run)) d->runs[0] = d->runs[--d->n_runs];
    if (d->n_runs > 0) sink(d, 0);
}

static bool dump_step(struct job *j, int64_t deadline_us)
{
    struct dumping *d = (struct dumping *)j;

    while (d->n_sorted < d->n) {
        sort_run(d);
        if (clock_mono_us() >= deadline_us) return false;
    }
    while (d->n_runs > 0) {
        tell_least(d);
        if (job_rows_should_look(&d->told) && clock_mono_us() >= deadline_us) return false;
    }
    return true;
}

static void dump_reply(struct job *j, struct reply *out, struct reply_pieces *pieces)
{
    struct dumping *d = (struct dumping *)j;
    struct buf head = { 0 };

    reply_set(&(struct reply){ &head, out->resp }, d->n);
    job_rows_reply(&d->told, buf_str(&head), out, pieces);
    buf_fini(&head);
}

static size_t dump_bytes(const struct job *j)
{
    const struct dumping *d = (const struct dumping *)j;

    return sizeof *d + d->n * sizeof *d->words + job_rows_bytes(&d->told);
}

static void dump_free(struct job *j)
{
    struct dumping *d = (struct dumping *)j;

    job_rows_fini(&d->told);
    arena_fini(&d->arena);
    mem_free(d);
}

static enum err run_dump(struct call *c)
{
    const struct dictionary *of = dictionaries_find(&c->client->server->ft->now.dictionaries, call_arg(c, 1));
    struct dumping *d;

    if (of == NULL) {
        reply_set(c->out, 0);
        return OK;
    }
    d = mem_zalloc(sizeof *d);
    d->job = (struct job){ .step = dump_step, .reply = dump_reply, .bytes = dump_bytes, .free = dump_free };
    arena_init(&d->arena);
    job_rows_init(&d->told, c->out->resp);
    d->words = arena_alloc(&d->arena, of->words.n * sizeof *d->words);
    for (uint32_t i = 0; i < of->words.end; i++)
        if (names_get(&of->words, i).p) d->words[d->n++] = arena_dup(&d->arena, names_get(&of->words, i));
    return job_run(c, &d->job);
}

/* clang-format off */

static const struct command_arg dict_terms[] = { { .name = "dict" }, { .name = "term", .flags = ARG_MULTIPLE }, { 0 } };

const struct command ft_dictionary_commands[] = {
    { ROW("ft.dictadd", run_add, -3, CMD_WRITE | CMD_DENYOOM, GROUP_SEARCH, "1.4.0", "O(N), N being the terms given",
          "Puts terms into a dictionary for FT.SPELLCHECK."),
      .acl = ACL_SEARCH, .args = dict_terms, .example = "FT.DICTADD names Lisbon Porto => :2\r\n" },
    { ROW("ft.dictdel", run_del, -3, CMD_WRITE, GROUP_SEARCH, "1.4.0", "O(N), N being the terms given",
          "Takes terms out of a dictionary."),
      .acl = ACL_SEARCH, .args = dict_terms, .example = "FT.DICTADD names Lisbon | FT.DICTDEL names Lisbon Porto => :1\r\n" },
    { ROW("ft.dictdump", run_dump, 2, CMD_READONLY, GROUP_SEARCH, "1.4.0", "O(N log(N)), N being the terms of the dictionary",
          "Tells the terms of a dictionary, in order."),
      .acl = ACL_SEARCH, .args = ARGS({ .name = "dict" }),
      .example = "FT.DICTADD names Porto Lisbon | FT.DICTDUMP names => *2\r\n$6\r\nLisbon\r\n$5\r\nPorto\r\n" },
    { 0 },
};

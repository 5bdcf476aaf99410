/* ft_keep.c -- definitions of indexes, aliases and dictionaries in snapshots and in the base of the log.
 *
 * Each is a text or a few: requests (FT.CREATE ..., FT.ALTER ..., FT.SYNUPDATE ..., FT.ALIASADD ..., FT.DICTADD ...) as clients send
 * them, in an auxiliary field of the RDB format, which stock servers skip. What indexes hold is not in files: it is made again out of the keys. */
#include <stdio.h>

#include "base/mem.h"
#include "base/num.h"
#include "server/ft_impl.h"
#include "server/ft_job.h"
#include "text/words.h"

#define EMPTIED "emptied" /* no command: behind it the index whose keys were flushed, and whose name may be taken */

/* --- texts ------------------------------------------------------------------------------------------------------ */

struct request_text {
    struct buf bytes;
    size_t n;
};

static void add_arg(void *ctx, struct str arg)
{
    struct request_text *t = ctx;

    buf_printf(&t->bytes, "$%zu\r\n", arg.n);
    buf_add_str(&t->bytes, arg);
    buf_add(&t->bytes, "\r\n", 2);
    t->n++;
}

static void tell(struct request_text *t, void (*fn)(void *to, struct str text), void *to)
{
    char head[NUM_TEXT_MAX];
    size_t n = (size_t)snprintf(head, sizeof head, "*%zu\r\n", t->n);

    buf_insert(&t->bytes, 0, head, n);
    fn(to, buf_str(&t->bytes));
    buf_clear(&t->bytes);
    t->n = 0;
}

static void keep_dictionary(const struct dictionary *d, struct request_text *t, void (*fn)(void *to, struct str text), void *to)
{
    enum { WORDS_A_TEXT = 1000 };

    for (uint32_t i = 0; i < d->words.end; i++) {
        struct str word = names_get(&d->words, i);
        if (word.p == NULL) continue;
        if (t->n == 0) {
            add_arg(t, STR("FT.DICTADD"));
            add_arg(t, d->name);
        }
        add_arg(t, word);
        if (t->n == WORDS_A_TEXT) tell(t, fn, to);
    }
    if (t->n > 0) tell(t, fn, to);
}

static void keep_each(void *ctx, void (*fn)(void *to, struct str text), void *to)
{
    const struct ft *f = ctx;
    struct request_text t = { 0 };

    for (size_t i = 0; i < f->now.n; i++) {
        const struct index_spec *s = index_spec(f->now.indexes[i]->ix);

        for (size_t at = 0; at < s->n_fields; tell(&t, fn, to)) {
            add_arg(&t, at == 0 ? STR("FT.CREATE") : STR("FT.ALTER"));
            at = spec_say(s, at, add_arg, &t);
        }
        if (!f->now.indexes[i]->emptied) continue;
        add_arg(&t, STR(EMPTIED));
        add_arg(&t, s->name);
        tell(&t, fn, to);
    }
    for (size_t i = 0; i < f->now.n; i++) {
        const struct synonyms *s = index_synonyms(f->now.indexes[i]->ix);
        for (size_t k = 0; k < s->n; k++) {
            add_arg(&t, STR("FT.SYNUPDATE"));
            add_arg(&t, index_spec(f->now.indexes[i]->ix)->name);
            add_arg(&t, s->list[k].group);
            add_arg(&t, s->list[k].word);
            tell(&t, fn, to);
        }
    }
    for (size_t i = 0; i < f->now.n_aliases; i++) {
        add_arg(&t, STR("FT.ALIASADD"));
        add_arg(&t, f->now.aliases[i].name);
        add_arg(&t, index_spec(f->now.aliases[i].x->ix)->name);
        tell(&t, fn, to);
    }
    for (size_t i = 0; i < f->now.dictionaries.n; i++) keep_dictionary(f->now.dictionaries.list[i], &t, fn, to);
    buf_fini(&t.bytes);
}

/* The number behind a mark, up to the end of its line. */
static bool number(struct str *s, char mark, int64_t most, int64_t *n)
{
    const char *end = s->n > 0 && *s->p == mark ? memchr(s->p, '\r', s->n) : NULL;
    size_t len;

    if (end == NULL || end + 1 >= s->p + s->n || end[1] != '\n') return false;
    if (!num_parse_i64(str_of(s->p + 1, (size_t)(end - s->p - 1)), n) || *n < 0 || *n > most) return false;
    len = (size_t)(end + 2 - s->p);
    *s = str_of(s->p + len, s->n - len);
    return true;
}

static struct str *arguments(struct str text, size_t *argc)
{
    struct str *argv;
    int64_t n, len;

    if (!number(&text, '*', (int64_t)text.n, &n)) return NULL;
    argv = mem_alloc(((size_t)n + 1) * sizeof *argv);
    for (*argc = 0; *argc < (size_t)n; ++*argc) {
        if (!number(&text, '$', (int64_t)text.n, &len) || (size_t)len + 2 > text.n) break;
        argv[*argc] = str_of(text.p, (size_t)len);
        text = str_of(text.p + len + 2, text.n - (size_t)len - 2);
    }
    if (*argc == (size_t)n && text.n == 0) return argv;
    mem_free(argv);
    return NULL;
}

/* --- taken back ------------------------------------------------------------------------------------------------- */

static bool load_index(struct ft *f, size_t argc, const struct str *argv, bool replace, struct buf *error)
{
    struct ft_index *there = argc > 0 ? ft_find(f, argv[0]) : NULL;

    if (there && replace) ft_drop(f, there, true);
    else if (there) buf_printf(error, "there is an index of that name");
    return (!there || replace) && argc > 0 && ft_create(f, argc, argv, error);
}

/* name SCHEMA ADD field ... */
static bool load_fields(struct ft *f, size_t argc, const struct str *argv, struct buf *error)
{
    struct ft_index *x = argc > 3 ? ft_find(f, argv[0]) : NULL;

    if (x) return ft_alter(f, x, argc - 3, argv + 3, false, error);
    buf_printf(error, "fields of no index");
    return false;
}

static bool load_emptied(struct ft *f, size_t argc, const struct str *argv, struct buf *error)
{
    struct ft_index *x = argc == 1 ? ft_find(f, argv[0]) : NULL;

    if (x) x->emptied = true;
    else buf_printf(error, "what was flushed is no index");
    return x != NULL;
}

static bool load_alias(struct ft *f, size_t argc, const struct str *argv, struct buf *error)
{
    struct ft_index *x = argc == 2 ? ft_find(f, argv[1]) : NULL;

    if (x == NULL) {
        buf_printf(error, "an alias of no index");
        return false;
    }
    (void)ft_alias_set(f, argv[0], x);
    return true;
}

static bool load_synonym(struct ft *f, size_t argc, const struct str *argv, struct buf *error)
{
    struct ft_index *x = argc == 3 ? ft_find(f, argv[0]) : NULL;

    if (x == NULL || index_synonyms(x->ix)->n == SYNONYMS_MAX) {
        buf_printf(error, x == NULL ? "a synonym of no index" : "an index has too many synonyms");
        return false;
    }
    synonyms_add(index_synonyms(x->ix), argv[1], argv[2]);
    return true;
}

static bool load_words(struct ft *f, size_t argc, const struct str *argv, struct buf *error)
{
    const char *what = argc < 2 ? "a dictionary of no words" : NULL;
    struct dictionary *d;

    for (size_t i = 1; i < argc; i++)
        if (argv[i].n == 0 || argv[i].n > WORD_MAX) what = "a word of a dictionary is too long, or empty";
    d = what == NULL ? dictionaries_open(&f->now.dictionaries, argv[0]) : NULL;
    if (what == NULL && d == NULL) what = "too many dictionaries";
    for (size_t i = 1; what == NULL && i < argc; i++) {
        if (d->words.n < DICTIONARY_WORDS_MAX) (void)dictionary_add(d, argv[i]);
        else if (names_find(&d->words, argv[i]) == NAMES_NONE) what = "too many words in a dictionary";
    }
    if (what != NULL) buf_add_c(error, what);
    ft_note_any(f);
    return what == NULL;
}

static bool keep_load(void *ctx, struct str text, bool replace, char *why)
{
    struct ft *f = ctx;
    struct buf error = { 0 };
    size_t argc;
    struct str *argv = arguments(text, &argc);
    bool ok = false;

    if (argv == NULL || argc == 0) buf_printf(&error, "it cannot be read");
    else if (str_is(argv[0], "FT.CREATE")) ok = load_index(f, argc - 1, argv + 1, replace, &error);
    else if (str_is(argv[0], "FT.ALTER")) ok = load_fields(f, argc - 1, argv + 1, &error);
    else if (str_is(argv[0], EMPTIED)) ok = load_emptied(f, argc - 1, argv + 1, &error);
    else if (str_is(argv[0], "FT.SYNUPDATE")) ok = load_synonym(f, argc - 1, argv + 1, &error);
    else if (str_is(argv[0], "FT.ALIASADD")) ok = load_alias(f, argc - 1, argv + 1, &error);
    else if (str_is(argv[0], "FT.DICTADD")) ok = load_words(f, argc - 1, argv + 1, &error);
    else buf_printf(&error, "nothing is known of '%.*s'", str_shown(argv[0]), argv[0].p);
    if (!ok) snprintf(why, PERSIST_WHY, "%.*s", (int)error.n, error.p);
    f->stale = true; /* the keys come with it */
    mem_free(argv);
    buf_fini(&error);
    return ok;
}

/* --- put aside -------------------------------------------------------------------------------------------------- */

static void forget(struct ft *f, struct ft_registry *r)
{
    for (size_t i = 0; i < r->n_aliases; i++) mem_free((char *)(uintptr_t)r->aliases[i].name.p);
    for (size_t i = 0; i < r->n; i++) ft_free_index(f, &r->indexes[i]);
    for (size_t i = 0; i < r->n_kept; i++) ft_free_index(f, &r->kept[i]);
    mem_free(r->aliases);
    mem_free(r->indexes);
    mem_free(r->kept);
    dictionaries_fini(&r->dictionaries);
    *r = (struct ft_registry){ 0 };
}

static void keep_put_aside(void *ctx)
{
    struct ft *f = ctx;

    for (size_t i = 0; i < f->now.n; i++) ft_jobs_cancel(f->server, f->now.indexes[i]->ix, FT_DROPPED);
    for (size_t i = 0; i < f->now.n_kept; i++) ft_jobs_cancel(f->server, f->now.kept[i]->ix, FT_DROPPED);
    ft_doom_unheard(f);
    while (!link_alone(&f->busy)) link_remove(f->busy.next); /* who comes back is looked at anew */
    f->aside = f->now;
    f->now = (struct ft_registry){ 0 };
    ft_prefixes_make(f);
}

static void keep_drop_aside(void *ctx)
{
    struct ft *f = ctx;

    forget(f, &f->aside);
}

static void keep_take_back(void *ctx)
{
    struct ft *f = ctx;

    forget(f, &f->now);
    f->now = f->aside;
    f->aside = (struct ft_registry){ 0 };
    f->stale = true;
    ft_prefixes_make(f);
}

void ft_keeper_open(struct ft *f)
{
    f->keeper = (struct persist_libraries){ f, keep_each, keep_load, keep_put_aside, keep_drop_aside, keep_take_back };
}

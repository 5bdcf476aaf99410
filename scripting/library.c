/* library.c -- sets of libraries.
 *
 * Both indexes are arrays of pointers in the order of names, searched by halves: there are some dozens of
 * names, and a search that ends in the same cache lines each time is as fast as a hash would be. */
#include "scripting/library.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "protocol/resp.h"

/* --- names ----------------------------------------------------------------------------------------- */

const char library_bad_name[] = "Library names can only contain letters, numbers, or underscores(_) and must be at "
                                "least one character long";

bool library_name_ok(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!letter && !(c >= '0' && c <= '9') && c != '_') return false;
    }
    return name.n > 0;
}

static int order_caseless(struct str a, struct str b)
{
    int d = strncasecmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

/* --- sorted arrays --------------------------------------------------------------------------------- */

/* Where name is, or would be, among n pointers to things that begin with their name. */
static size_t place(const void *array, size_t n, struct str name, int (*order)(struct str, struct str), bool *found)
{
    const struct buf *const *names = array;
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int d = order(name, buf_str(names[mid]));

        if (d == 0) {
            *found = true;
            return mid;
        }
        if (d > 0) lo = mid + 1;
        else hi = mid;
    }
    *found = false;
    return lo;
}

static size_t function_at(struct library_function *const *all, size_t n, struct str name, bool *found)
{
    return place(all, n, name, order_caseless, found);
}

static size_t library_at(struct library *const *all, size_t n, struct str name, bool *found)
{
    return place(all, n, name, str_cmp, found);
}

/* Room for one more at `at` of n pointers; the array may move. */
static void *make_room(void *array, size_t n, size_t at)
{
    char *all = mem_realloc(array, (n + 1) * sizeof(void *));

    memmove(all + (at + 1) * sizeof(void *), all + at * sizeof(void *), (n - at) * sizeof(void *));
    return all;
}

/* Close the gap at `at` of n pointers. */
static void close_gap(void *array, size_t n, size_t at)
{
    char *all = array;

    memmove(all + at * sizeof(void *), all + (at + 1) * sizeof(void *), (n - 1 - at) * sizeof(void *));
}

/* --- the first line -------------------------------------------------------------------------------- */

bool library_fail(struct buf *why, const char *before, struct str name, const char *after)
{
    buf_clear(why);
    buf_add_c(why, before);
    buf_add_str(why, name);
    buf_add_c(why, after);
    return false;
}

static bool fail(struct buf *why, const char *text)
{
    return library_fail(why, text, str_of(NULL, 0), "");
}

/* One word behind the engine's: name=x. */
static bool read_word(struct library_head *h, struct str word, bool *named, struct buf *why)
{
    if (word.n < 5 || strncasecmp(word.p, "name=", 5) != 0)
        return library_fail(why, "Invalid metadata value given: ", word, "");
    if (*named) return fail(why, "Invalid metadata value, name argument was given multiple times");
    *named = true;
    buf_add(&h->name, word.p + 5, word.n - 5);
    return true;
}

static bool read_line(struct library_head *h, struct str line, struct buf *why)
{
    size_t max = line.n / 2 + 1, n = 0;
    struct str *words = mem_alloc(max * sizeof *words);
    char *copy = mem_alloc(line.n + 1);
    bool named = false, ok;

    ok = resp_split_words(line.p, line.n, copy, words, max, &n) && n > 0;
    if (!ok) {
        fail(why, "Invalid library metadata");
    } else {
        /* "#!" may have stood within quotes: then the word is shorter than that. */
        if (words[0].n > 2) buf_add(&h->engine, words[0].p + 2, words[0].n - 2);
        for (size_t i = 1; i < n && ok; i++) ok = read_word(h, words[i], &named, why);
        if (ok && !named) ok = fail(why, "Library name was not given");
    }
    mem_free(copy);
    mem_free(words);
    return ok;
}

bool library_head_read(struct library_head *h, struct str text, struct buf *why)
{
    const char *end;

    *h = (struct library_head){ 0 };
    if (text.n < 2 || memcmp(text.p, "#!", 2) != 0) return fail(why, "Missing library metadata");
    end = memchr(text.p, '\n', text.n);
    if (end == NULL) return fail(why, "Invalid library metadata");
    h->body = str_of(end, text.n - (size_t)(end - text.p));
    if (read_line(h, str_of(text.p, (size_t)(end - text.p)), why)) return true;
    library_head_fini(h);
    return false;
}

void library_head_fini(struct library_head *h)
{
    buf_fini(&h->name);
    buf_fini(&h->engine);
}

/* --- a library ------------------------------------------------------------------------------------- */

struct library *library_new(struct str name, struct str text)
{
    struct library *l = mem_zalloc(sizeof *l);

    buf_add_str(&l->name, name);
    buf_add_str(&l->text, text);
    return l;
}

static void function_free(struct library_function *f, const struct library_forget *forget)
{
    forget->forget(forget->ctx, f->callback);
    buf_fini(&f->name);
    buf_fini(&f->description);
    mem_free(f);
}

void library_free(struct library **lp, const struct library_forget *f)
{
    struct library *l = *lp;

    if (l == NULL) return;
    for (size_t i = 0; i < l->n_functions; i++) function_free(l->functions[i], f);
    mem_free(l->functions);
    buf_fini(&l->name);
    buf_fini(&l->text);
    mem_free(l);
    *lp = NULL;
}

const char *library_add(struct library *l, struct str name, const struct str *description, unsigned flags,
                        int callback)
{
    struct library_function *f;
    bool found;
    size_t at;

    if (!library_name_ok(name)) return library_bad_name;
    at = function_at(l->functions, l->n_functions, name, &found);
    if (found) return "Function already exists in the library";
    f = mem_zalloc(sizeof *f);
    f->library = l;
    f->flags = flags;
    f->callback = callback;
    f->described = description != NULL;
    buf_add_str(&f->name, name);
    if (description != NULL) buf_add_str(&f->description, *description);
    l->functions = make_room(l->functions, l->n_functions++, at);
    l->functions[at] = f;
    return NULL;
}

/* --- sets ------------------------------------------------------------------------------------------ */

void library_set_init(struct library_set *s, const struct library_forget *f)
{
    *s = (struct library_set){ .forget = *f };
}

void library_set_fini(struct library_set *s)
{
    for (size_t i = 0; i < s->n_libraries; i++) library_free(&s->libraries[i], &s->forget);
    mem_free(s->libraries);
    mem_free(s->functions);
    *s = (struct library_set){ .forget = s->forget };
}

struct library *library_set_find(const struct library_set *s, struct str name)
{
    bool found;
    size_t at = library_at(s->libraries, s->n_libraries, name, &found);

    return found ? s->libraries[at] : NULL;
}

const struct library_function *library_set_function(const struct library_set *s, struct str name)
{
    bool found;
    size_t at = function_at(s->functions, s->n_functions, name, &found);

    return found ? s->functions[at] : NULL;
}

/* Can l stand beside what is in s, once `old` of it is gone? */
static bool functions_free(const struct library_set *s, const struct library *l, bool replace, struct buf *why)
{
    for (size_t i = 0; i < l->n_functions; i++) {
        struct str name = buf_str(&l->functions[i]->name);
        const struct library_function *there = library_set_function(s, name);
        bool leaves = there != NULL && replace && str_eq(buf_str(&there->library->name), buf_str(&l->name));

        if (there != NULL && !leaves) return library_fail(why, "Function ", name, " already exists");
    }
    return true;
}

/* Take l out of the set; it stays whole. */
static void unlink_library(struct library_set *s, struct library *l)
{
    bool found;
    size_t at;

    for (size_t i = 0; i < l->n_functions; i++) {
        at = function_at(s->functions, s->n_functions, buf_str(&l->functions[i]->name), &found);
        ensure(found);
        close_gap(s->functions, s->n_functions--, at);
    }
    at = library_at(s->libraries, s->n_libraries, buf_str(&l->name), &found);
    ensure(found);
    close_gap(s->libraries, s->n_libraries--, at);
}

/* Names are known to be free. */
static void link_library(struct library_set *s, struct library *l)
{
    bool found;
    size_t at;

    for (size_t i = 0; i < l->n_functions; i++) {
        at = function_at(s->functions, s->n_functions, buf_str(&l->functions[i]->name), &found);
        ensure(!found);
        s->functions = make_room(s->functions, s->n_functions++, at);
        s->functions[at] = l->functions[i];
    }
    at = library_at(s->libraries, s->n_libraries, buf_str(&l->name), &found);
    ensure(!found);
    s->libraries = make_room(s->libraries, s->n_libraries++, at);
    s->libraries[at] = l;
}

bool library_set_remove(struct library_set *s, struct str name)
{
    struct library *l = library_set_find(s, name);

    if (l == NULL) return false;
    unlink_library(s, l);
    library_free(&l, &s->forget);
    return true;
}

bool library_set_add(struct library_set *s, struct library *l, bool replace, struct buf *why)
{
    struct str name = buf_str(&l->name);

    if (!replace && library_set_find(s, name) != NULL) return library_fail(why, "Library '", name, "' already exists");
    if (!functions_free(s, l, replace, why)) return false;
    library_set_remove(s, name);
    link_library(s, l);
    return true;
}

/* True when f's library would be replaced by one of `from`. */
static bool makes_way(const struct library_function *f, const struct library_set *from)
{
    return library_set_find(from, buf_str(&f->library->name)) != NULL;
}

bool library_set_join(struct library_set *s, struct library_set *from, bool replace, struct buf *why)
{
    for (size_t i = 0; i < from->n_libraries && !replace; i++) {
        struct str name = buf_str(&from->libraries[i]->name);

        if (library_set_find(s, name) != NULL) return library_fail(why, "Library ", name, " already exists");
    }
    for (size_t i = 0; i < from->n_functions; i++) {
        struct str name = buf_str(&from->functions[i]->name);
        const struct library_function *there = library_set_function(s, name);

        if (there != NULL && !makes_way(there, from)) return library_fail(why, "Function ", name, " already exists");
    }
    for (size_t i = 0; i < from->n_libraries; i++) library_set_remove(s, buf_str(&from->libraries[i]->name));
    for (size_t i = 0; i < from->n_libraries; i++) link_library(s, from->libraries[i]);
    from->n_libraries = from->n_functions = 0;
    return true;
}

size_t library_set_bytes(const struct library_set *s)
{
    size_t bytes = s->n_libraries * sizeof *s->libraries + s->n_functions * sizeof *s->functions;

    for (size_t i = 0; i < s->n_libraries; i++) {
        const struct library *l = s->libraries[i];

        bytes += sizeof *l + l->name.cap + l->text.cap + l->n_functions * sizeof *l->functions;
    }
    for (size_t i = 0; i < s->n_functions; i++) {
        const struct library_function *f = s->functions[i];

        bytes += sizeof *f + f->name.cap + f->description.cap;
    }
    return bytes;
}

void library_set_check(const struct library_set *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_libraries; i++) {
        const struct library *l = s->libraries[i];

        if (i > 0) ensure(str_cmp(buf_str(&s->libraries[i - 1]->name), buf_str(&l->name)) < 0);
        for (size_t k = 0; k < l->n_functions; k++) {
            ensure(l->functions[k]->library == l);
            ensure(library_set_function(s, buf_str(&l->functions[k]->name)) == l->functions[k]);
        }
        n += l->n_functions;
    }
    ensure(n == s->n_functions);
}

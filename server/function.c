/* function.c -- see function.h. */
#include "server/function.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "scripting/library_lua.h"
#include "server/script_run.h"

struct functions {
    struct server *server;
    struct vm *vm;
    struct library_set set, aside; /* in use; put aside while other data is loaded */
    struct persist_libraries keeper;
};

static bool load_into(struct functions *f, struct library_set *set, struct str text, bool replace,
                      int64_t timeout_ms, const struct library **l, struct buf *why)
{
    struct library_limit limit = { timeout_ms * 1000, clock_mono_us, f->vm };

    return library_lua_load(vm_state(f->vm), set, text, replace, &limit, l, why);
}

/* --- for persistence ------------------------------------------------------------------------------- */

static void keep_each(void *ctx, void (*fn)(void *to, struct str text), void *to)
{
    const struct functions *f = ctx;

    for (size_t i = 0; i < f->set.n_libraries; i++) fn(to, buf_str(&f->set.libraries[i]->text));
}

static bool keep_load(void *ctx, struct str text, bool replace, char *why)
{
    struct functions *f = ctx;
    const struct library *l;
    struct buf text_of = { 0 };
    bool ok = load_into(f, &f->set, text, replace, 0, &l, &text_of);

    if (!ok) snprintf(why, PERSIST_WHY, "%.*s", (int)text_of.n, text_of.p);
    buf_fini(&text_of);
    return ok;
}

static void keep_put_aside(void *ctx)
{
    struct functions *f = ctx;

    f->aside = f->set;
    library_set_init(&f->set, &f->aside.forget);
}

static void keep_drop_aside(void *ctx)
{
    struct functions *f = ctx;

    library_set_fini(&f->aside);
}

static void keep_take_back(void *ctx)
{
    struct functions *f = ctx;

    library_set_fini(&f->set);
    f->set = f->aside;
    library_set_init(&f->aside, &f->set.forget);
}

const struct persist_libraries *functions_keeper(const struct functions *f)
{
    return &f->keeper;
}

/* --- life ------------------------------------------------------------------------------------------ */

static struct functions *make(const struct vm_host *host)
{
    struct functions *f = mem_zalloc(sizeof *f);
    struct library_forget forget = { library_lua_forget, NULL };

    f->vm = vm_new(host);
    forget.ctx = vm_state(f->vm);
    library_set_init(&f->set, &forget);
    library_set_init(&f->aside, &forget);
    f->keeper = (struct persist_libraries){ f, keep_each, keep_load, keep_put_aside, keep_drop_aside,
                                            keep_take_back };
    return f;
}

struct functions *functions_new(struct server *s)
{
    struct vm_host host = script_run_host(s->script);
    struct functions *f = make(&host);

    f->server = s;
    return f;
}

static void call_nothing(void *ctx, size_t argc, const struct str *argv, int resp, struct buf *out)
{
    (void)ctx, (void)argc, (void)argv, (void)resp;
    buf_add_c(out, "-ERR libraries are only looked at\r\n");
}

static void log_nothing(void *ctx, int level, struct str text)
{
    (void)ctx, (void)level, (void)text;
}

static bool may_run_nothing(void *ctx, size_t argc, const struct str *argv, bool *may)
{
    (void)ctx, (void)argc, (void)argv;
    *may = false;
    return true;
}

struct functions *functions_new_apart(void)
{
    struct vm_host host = { .version = MEMD_REDIS_VERSION, .call = call_nothing, .log = log_nothing, .may_run = may_run_nothing };

    return make(&host);
}

void functions_free(struct functions **fp)
{
    struct functions *f = *fp;

    if (f == NULL) return;
    library_set_fini(&f->set);
    library_set_fini(&f->aside);
    vm_free(&f->vm);
    mem_free(f);
    *fp = NULL;
}

/* --- the libraries --------------------------------------------------------------------------------- */

const struct library_set *functions_set(const struct functions *f)
{
    return &f->set;
}

struct vm *functions_push(struct functions *f, const struct library_function *fn)
{
    library_lua_push(vm_state(f->vm), fn->callback);
    return f->vm;
}

bool functions_load(struct functions *f, struct str text, bool replace, int64_t timeout_ms, struct str *name,
                    struct buf *why)
{
    const struct library *l;

    if (!load_into(f, &f->set, text, replace, timeout_ms, &l, why)) return false;
    *name = buf_str(&l->name);
    return true;
}

bool functions_delete(struct functions *f, struct str name)
{
    return library_set_remove(&f->set, name);
}

void functions_flush(struct functions *f)
{
    library_set_fini(&f->set);
    vm_collect(f->vm);
}

/* A payload's libraries, gathered before any comes into use. */
struct gathering {
    struct functions *f;
    struct library_set set;
    struct buf *why;
};

static bool gather(void *ctx, struct str text)
{
    struct gathering *g = ctx;
    const struct library *l;

    return load_into(g->f, &g->set, text, false, 0, &l, g->why);
}

bool functions_restore(struct functions *f, struct str payload, enum functions_policy policy, struct buf *why)
{
    struct gathering g = { .f = f, .why = why };
    const char *wrong = NULL;
    enum err e;

    library_set_init(&g.set, &f->set.forget);
    e = persist_restore_libraries(payload, gather, &g, &wrong);
    if (e == ERR_NOT_DONE) wrong = "DUMP payload version or checksum are wrong";
    if (wrong != NULL) {
        buf_clear(why);
        buf_add_c(why, wrong);
    }
    if (e == OK && policy == FUNCTIONS_FLUSH) {
        library_set_fini(&f->set);
        f->set = g.set;
        library_set_init(&g.set, &f->set.forget);
    } else if (e == OK && !library_set_join(&f->set, &g.set, policy == FUNCTIONS_REPLACE, why)) {
        e = ERR_NOT_DONE;
    }
    library_set_fini(&g.set);
    return e == OK;
}

struct functions_memory functions_memory(const struct functions *f)
{
    return (struct functions_memory){ vm_bytes(f->vm), sizeof *f + library_set_bytes(&f->set) };
}

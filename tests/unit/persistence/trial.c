#include "tests/unit/persistence/trial.h"

static bool violation(struct trial *t, const struct crash_image *g, const char *what)
{
    struct buf text = { 0 };
    size_t from = g->at > 60 ? g->at - 60 : 0;

    t->violations++;
    if (t->quiet) return false;
    buf_printf(&text, "%s, cut before operation %zu: %s\n%s\n", t->name, g->at, g->how, what);
    for (size_t i = 0; i < t->trace->n_names; i++) buf_printf(&text, "  name %zu %s\n", i, t->trace->names[i].path);
    for (size_t i = from; i < g->at + 3 && i < t->trace->n; i++) trace_tell(t->trace, i, &text);
    for (size_t i = 0; i < g->n; i++)
        buf_printf(&text, "  has %s %zu bytes\n", g->files[i].path, g->files[i].bytes.n);
    buf_add_char(&text, 0);
    fputs(text.p, stderr);
    buf_fini(&text);
    return false;
}

/* Load what is on fs with the settings of the time of the report. */
static bool load(struct trial *t, struct rig *r, struct memfs *fs, const struct crash_image *g)
{
    char text[PERSIST_WHY + 64];
    uint64_t need = g->whole ? g->report.kept_by_kill : g->report.kept;
    int64_t where;

    r->fs = fs;
    r->conf.appendonly = g->report.appendonly;
    if (rig_start(r) != OK) {
        t->refused++;
        if (t->may_refuse && strstr(r->why, "damaged")) return false;
        snprintf(text, sizeof text, "It does not load: %s", r->why);
        return violation(t, g, text);
    }
    where = rig_where_at(r, g->at);
    if (where >= 0 && (uint64_t)where >= need) return true;
    snprintf(text, sizeof text, "Loaded to log offset %" PRIu64 ", the state %s %" PRId64 ", promised was %" PRIu64,
             persist_offset(r->p), where < 0 ? "never was:" : "at", where, need);
    rig_kill(r);
    return violation(t, g, text);
}

/* Live on from a loaded state, and cut the power again. r runs on fs. */
static bool second_life(struct trial *t, struct rig *first, struct memfs *fs, const struct crash_image *g)
{
    static struct rig r;
    struct trace trace;
    struct crash_plan plan = { .sector = rng_below(&t->rng, 2) ? 512 : 4096, .pairs = 2, .tears = 1, .samples = 2,
                               .every = 3, .rng = &t->rng, .first = g->report };
    struct trial next = { .rig = &r, .trace = &trace, .rng = t->rng, .count = t->count, .quiet = t->quiet,
                          .name = "second life" };
    bool ok;

    r = *first;
    r.p = NULL;
    r.store = NULL;
    r.queued = (struct buf){ 0 };
    r.n_marks = r.cap_marks = 0;
    r.marks = NULL;
    r.promise = (struct rig_promise){ .saved = g->report.appendonly ? 0 : g->report.kept, .had_log = true };
    plan.first.kept_by_kill = g->report.kept;
    trace_begin(&trace, fs);
    ok = load(t, &r, fs, g);
    if (ok) {
        rig_report(&r);
        rig_mark(&r); /* the only one: what comes before it is certain now */
        for (int i = 0; i < 3; i++) {
            rig_random(&r, &t->rng, 1 + (size_t)rng_below(&t->rng, 6));
            rig_turn(&r);
            if (r.conf.appendonly) ck_assert(rig_durable(&r));
            else ck_assert(rig_save(&r, PERSIST_SAVE) == PERSIST_DONE);
            rig_report(&r);
        }
        rig_kill(&r);
        ok = crash_states_each(&trace, &plan, trial_state, &next, t->count);
        t->violations += next.violations;
    }
    buf_fini(&r.queued);
    mem_free(r.marks);
    trace_fini(&trace);
    return ok;
}

bool trial_state(void *arg, const struct crash_image *g)
{
    struct trial *t = arg;
    static struct memfs disks[2];
    bool again = t->again_every && t->n++ % t->again_every == t->again_every - 1, ok;
    struct memfs *fs = &disks[t->again_every == 0];

    crash_image_put(g, fs);
    ok = load(t, t->rig, fs, g);
    if (ok) rig_kill(t->rig);
    memfs_fini(fs);
    if (!ok && t->may_refuse && t->violations == 0) return true;
    if (ok && again) {
        t->n_again++;
        crash_image_put(g, fs);
        ok = second_life(t, t->rig, fs, g);
        memfs_fini(fs);
    }
    return ok;
}

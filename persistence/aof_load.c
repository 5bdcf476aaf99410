/* aof_load.c -- the files of a manifest in their order, and what to do where one does not follow another. */
#include "persistence/aof_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "persistence/aof_report.h"
#include "persistence/aof_set.h"
#include "persistence/file_ops.h"
#include "persistence/rdb_read.h"
#include "persistence/report.h"
#include "persistence/why.h"

void aof_load_path(const struct aof_load *l, size_t i, char *out)
{
    aof_set_path(l->set, manifest_incr(l->m, i)->name, out);
}

const char *aof_load_id(const struct aof_load *l)
{
    if (l->id[0]) return l->id;
    for (size_t i = 0; i < l->n && l->marked; i++)
        if (l->marked[i]) return l->heads[i].id;
    return "";
}

void aof_load_fini(struct aof_load *l)
{
    buf_fini(&l->last.key);
    buf_fini(&l->losses);
    mem_free(l->heads);
    mem_free(l->marked);
    mem_free(l->sizes);
    mem_free(l->places);
    mem_free(l->ends);
}

static bool is_strict(const struct aof_load *l)
{
    return l->mode == AOF_LOAD;
}

/* Something that loading refuses: an error, or told and gone on from. */
static enum err refuse(struct aof_load *l, const char *why)
{
    if (is_strict(l)) return ERR_FORMAT;
    report_bad(l->report, "%s", why);
    l->lossy = true;
    return OK;
}

static enum err refuse_base(struct aof_load *l, const char *why)
{
    l->base_bad = true;
    return refuse(l, why);
}

/* --- before anything is applied ----------------------------------------------------------------------------- */

static enum err size_base(struct aof_load *l, char *why)
{
    const struct manifest_file *f = manifest_base(l->m);
    char path[PATH_MAX];
    struct source s;
    enum err e;

    if (!f) return OK;
    aof_set_path(l->set, f->name, path);
    e = source_open(&s, l->ops, path, why);
    if (e != OK) return e == ERR_FORMAT ? OK : e; /* told when its turn comes */
    l->base_bytes = s.size;
    l->total_bytes += s.size;
    source_close(&s);
    return OK;
}

/* What the first lines say. */
static enum err look_ahead(struct aof_load *l, char *why)
{
    char path[PATH_MAX];
    enum err e = size_base(l, why);

    l->heads = mem_zalloc((l->n + 1) * sizeof *l->heads);
    l->marked = mem_zalloc((l->n + 1) * sizeof *l->marked);
    l->sizes = mem_zalloc((l->n + 1) * sizeof *l->sizes);
    l->places = mem_zalloc((l->n + 1) * sizeof *l->places);
    l->ends = mem_zalloc((l->n + 1) * sizeof *l->ends);
    for (size_t i = 0; i < l->n && e == OK; i++) {
        struct source s;

        aof_load_path(l, i, path);
        e = source_open(&s, l->ops, path, why);
        if (e == ERR_FORMAT && !is_strict(l)) {
            e = OK;
            continue;
        }
        if (e != OK) break;
        l->sizes[i] = s.size;
        l->total_bytes += s.size;
        l->marked[i] = aof_peek_head(&s.in, &l->heads[i]);
        if (s.in.err == ERR_IO && is_strict(l)) e = source_error(&s, why);
        source_close(&s);
    }
    return e;
}

/* The log offset at which a later file begins. */
static uint64_t next_start(const struct aof_load *l, size_t i)
{
    uint64_t at = UINT64_MAX;

    for (size_t k = i + 1; k < l->n; k++)
        if (l->marked[k] && l->heads[k].start < at) at = l->heads[k].start;
    return at;
}

/* Is anything from `offset` on known to have been durable, by the increments behind i? A file that cannot be
 * read is no witness, but loading is refused: it might have been one. */
static enum err later_claim(struct aof_load *l, size_t i, uint64_t offset, bool *claim, char *why)
{
    char path[PATH_MAX];
    enum err e = OK;

    *claim = false;
    for (size_t k = i + 1; k < l->n && !*claim && e == OK; k++) {
        struct source s;

        if (!l->marked[k]) continue;
        aof_load_path(l, k, path);
        e = source_open(&s, l->ops, path, why);
        if (e != OK) break;
        *claim = aof_claims_durable(&s.in, l->heads[k].id, offset);
        if (s.in.err == ERR_IO) e = source_error(&s, why);
        source_close(&s);
    }
    return e != OK && is_strict(l) ? e : OK;
}

/* --- the ends ------------------------------------------------------------------------------------------------ */

/* Increment i ends at good_pos: cut it there, and drop those behind it. */
static enum err cut_back(struct aof_load *l, size_t i, uint64_t good_pos, const char *reason, char *why)
{
    uint64_t dropped = l->sizes[i] - good_pos, seq = manifest_incr(l->m, i)->seq;
    char path[PATH_MAX];

    aof_load_path(l, i, path);
    if (!is_strict(l)) {
        aof_report_torn(l, i, good_pos, reason);
        if (l->mode == AOF_LOOK) l->n = i + 1;
        return OK;
    }
    if (!l->cut_allowed)
        return why_put(why, ERR_FORMAT, "%s: offset %llu: %s (aof-load-truncated is off)", path,
                       (unsigned long long)good_pos, reason);
    for (size_t k = i + 1; k < l->n; k++) dropped += l->sizes[k];
    log_warning(l->log, "The AOF is torn: %s, offset %llu: %s. Cut back to there, %llu bytes are dropped", path,
                (unsigned long long)good_pos, reason, (unsigned long long)dropped);
    if (i + 1 < l->n && !aof_set_drop_after(l->set, seq))
        return why_put(why, ERR_IO, "%s: the manifest could not be written: %s", path, strerror(errno));
    if (l->sizes[i] != good_pos && !aof_set_cut(l->set, seq, good_pos))
        return why_put(why, ERR_IO, "%s could not be cut back: %s", path, strerror(errno));
    l->n = i + 1;
    l->sizes[i] = good_pos;
    return OK;
}

/* Does increment i follow what has been loaded? Its first line tells. *skip: it has nothing to add. */
static enum err check_order(struct aof_load *l, size_t i, bool *skip, char *why)
{
    const struct mark_head *h = &l->heads[i];
    char path[PATH_MAX];

    *skip = false;
    if (!l->marked[i]) return OK;
    aof_load_path(l, i, path);
    if (l->id[0] && strcmp(l->id, h->id) != 0) {
        *skip = true;
        why_put(why, OK, "%s: offset 0: the file belongs to the history of another log", path);
        return refuse(l, why);
    }
    if (next_start(l, i) <= h->start) {
        *skip = true;
        return OK;
    }
    if (!l->anchored || h->start == l->offset) return OK;
    if (h->start < l->offset) {
        *skip = true;
        why_put(why, OK, "%s: offset 0: the file begins at log offset %llu, before the end of the one before it, %llu",
                path, (unsigned long long)h->start, (unsigned long long)l->offset);
        return refuse(l, why);
    }
    if (i > 0) return OK; /* a gap: see gap_before */
    why_put(why, OK, "%s: offset 0: the file begins at log offset %llu, the base ends at %llu: a file is missing",
            path, (unsigned long long)h->start, (unsigned long long)l->offset);
    return refuse(l, why);
}

/* Increment i begins behind the end of what there is: the one before lost its end in a cut. */
static bool gap_before(const struct aof_load *l, size_t i)
{
    return i > 0 && l->marked[i] && l->anchored && l->heads[i].start > l->offset;
}

/* The gap is an end that was never durable, or damage. *end: the log ends here. */
static enum err judge_gap(struct aof_load *l, size_t i, bool *end, char *why)
{
    char path[PATH_MAX];
    bool claim;
    enum err e;

    *end = false;
    if (l->mode == AOF_SALVAGE || l->lossy) {
        aof_report_gap(l, i);
        l->lossy = true;
        return OK;
    }
    e = later_claim(l, i - 1, l->offset, &claim, why);
    if (e != OK) return e;
    if (l->is_old || claim) {
        aof_load_path(l, i, path);
        why_put(why, OK, "%s: offset 0: the log's part before it, from log offset %llu on, was durable and is missing",
                path, (unsigned long long)l->offset);
        return refuse(l, why);
    }
    *end = true;
    return cut_back(l, i - 1, l->sizes[i - 1], "the end of the file is missing", why);
}

/* --- increments ---------------------------------------------------------------------------------------------- */

static void discard_open_multi(const struct aof_load *l)
{
    static const struct str discard = { "DISCARD", 7 };
    struct str why;

    /* refused where none is open, which is as well */
    if (l->mode == AOF_LOOK || l->apply(l->apply_ctx, 1, &discard, &why) == OK) return;
}

static void begin_file(const struct aof_load *l)
{
    static const struct str select[2] = { { "SELECT", 6 }, { "0", 1 } };
    struct str why;

    if (l->mode == AOF_LOOK || l->apply(l->apply_ctx, 2, select, &why) == OK) return;
    log_warning(l->log, "SELECT 0 was refused while loading");
}

static void lost(void *ctx, const struct aof_loss *x)
{
    aof_report_loss(ctx, x);
}

static struct aof_reader reader_of(struct aof_load *l, struct source *s, size_t i)
{
    struct buf key = l->last.key; /* what was read last names the neighbour of what is lost */

    l->last.key = (struct buf){ 0 };
    return (struct aof_reader){
        .in = &s->in, .stop_at = i < l->n ? next_start(l, i) : UINT64_MAX, .until_s = l->until_s,
        .salvage = !is_strict(l), .id = l->id[0] ? l->id : NULL,
        .apply = l->mode == AOF_LOOK ? NULL : l->apply, .apply_ctx = l->apply_ctx,
        .progress = l->progress, .progress_ctx = l->ctx, .eager = l->eager, .lost = lost, .lost_ctx = l,
        .offset = l->offset, .key = key,
    };
}

static void note_times(struct aof_load *l, const struct aof_reader *r)
{
    if (r->last_s == 0) return;
    if (l->first_s == 0) l->first_s = r->first_s;
    l->last_s = r->last_s;
}

/* What reading increment i came to. */
static enum err take_end(struct aof_load *l, size_t i, const struct aof_reader *r, enum aof_end end, char *why)
{
    char path[PATH_MAX];
    bool torn = end == AOF_TORN, claim = false;
    enum err e = torn ? later_claim(l, i, r->offset, &claim, why) : OK;

    if (e != OK) return e;
    if (torn && (i < l->n_old || claim)) end = AOF_DAMAGED;
    /* A stock server's file may be cut only at the very end. */
    if (torn && !r->marked && i + 1 < l->n && r->good_pos > 0) end = AOF_DAMAGED;
    if (torn && end == AOF_DAMAGED)
        aof_report_loss(l, &(struct aof_loss){ .from = r->good_pos, .to = l->sizes[i], .offset = r->offset });
    aof_report_file(l, i, r, end);
    if ((end == AOF_TORN || end == AOF_DAMAGED || end == AOF_SALVAGED) && !r->marked) discard_open_multi(l);
    if (end == AOF_TORN) return cut_back(l, i, r->good_pos, r->why, why);
    if (end != AOF_DAMAGED && end != AOF_SALVAGED) return OK;
    l->lossy = true;
    if (!is_strict(l)) return OK; /* told already */
    aof_load_path(l, i, path);
    return why_put(why, ERR_FORMAT, "%s: offset %llu: %s%s the file is damaged", path, (unsigned long long)r->bad_pos, r->why,
                   r->refused > 0 ? "" : ":");
}

static enum err read_incr(struct aof_load *l, size_t i, char *why)
{
    struct source s;
    struct aof_reader r;
    char path[PATH_MAX];
    enum aof_end end;
    enum err e;

    aof_load_path(l, i, path);
    e = source_open(&s, l->ops, path, why);
    if (e == ERR_FORMAT) return refuse(l, why);
    if (e != OK) return e;
    s.in.no_crc = true;
    begin_file(l);
    r = reader_of(l, &s, i);
    end = aof_read(&r);
    if (end == AOF_ERROR) e = source_error(&s, why);
    source_close(&s);
    r.in = NULL;
    l->done_bytes += l->sizes[i];
    l->last = r;
    if (e != OK) return e;
    if (end == AOF_STOPPED) return why_put(why, ERR_NOT_DONE, "Loading was stopped");
    l->offset = r.offset;
    l->places[i] = r.places;
    l->ends[i] = r.unproven ? l->sizes[i] : r.good_pos;
    l->commands += r.commands;
    note_times(l, &r);
    if (r.marked && r.head.id[0]) {
        memcpy(l->id, r.head.id, sizeof l->id);
        l->anchored = true;
    }
    if (end == AOF_UNTIL) l->until_at = i;
    e = take_end(l, i, &r, end, why);
    l->last_whole = i + 1 == l->n && ((r.marked && r.unproven == 0) || l->sizes[i] == 0);
    if (r.unproven)
        log_notice(l->log, "%s: the last %llu bytes carry no checksum lines: another server wrote them", path,
                   (unsigned long long)r.unproven);
    return e;
}

/* The previous generation has been read: does it end where the damaged base began? */
static enum err check_joint(const struct aof_load *l, char *why)
{
    size_t i = l->n_old;

    if (!l->anchored) return why_put(why, ERR_FORMAT, "its files do not say where in the log they belong");
    if ((i < l->n && l->marked[i]) || l->joint == l->offset) return OK; /* check_order looks at the former */
    return why_put(why, ERR_FORMAT, "it ends at log offset %llu, and what follows does not begin there",
                   (unsigned long long)l->offset);
}

static enum err read_increments(struct aof_load *l, char *why)
{
    enum err e = OK;

    for (size_t i = 0; i < l->n && e == OK && l->until_at == SIZE_MAX; i++) {
        bool skip = false, end = false;

        if (l->is_old && i == l->n_old) e = check_joint(l, why);
        if (e == OK) e = check_order(l, i, &skip, why);
        if (e != OK || skip) continue;
        if (gap_before(l, i)) e = judge_gap(l, i, &end, why);
        if (end) {
            l->last_whole = l->last.marked && l->last.unproven == 0;
            return e;
        }
        if (e == OK) e = read_incr(l, i, why);
    }
    return e;
}

/* --- the base ------------------------------------------------------------------------------------------------- */

/* On the disk as well: once there are increments, an end that is missing is damage. */
static enum err cut_base(struct aof_load *l, const struct source *s, uint64_t n, char *why)
{
    const struct file_ops *ops = l->ops;
    int fd = ops->open(ops->ctx, s->path, O_RDWR), r, saved;

    r = fd == -1 ? -1 : ops->truncate(ops->ctx, fd, (int64_t)n);
    if (r == 0) r = ops->sync(ops->ctx, fd);
    saved = errno;
    if (fd != -1) ops->close(ops->ctx, fd);
    if (r == 0) return OK;
    return why_put(why, ERR_IO, "%s could not be cut back: %s", s->path, strerror(saved));
}

/* Commands behind a base's RDB part, where an old single file was taken over, or alone. */
static enum err read_base_commands(struct aof_load *l, struct source *s, char *why)
{
    struct aof_reader r = reader_of(l, s, l->n);
    enum aof_end end = aof_read(&r);
    bool cut = end == AOF_TORN && !r.marked && l->n == 0;

    r.in = NULL;
    l->last = r;
    l->offset = r.offset;
    note_times(l, &r);
    if (end == AOF_WHOLE || end == AOF_UNTIL) {
        aof_report_base(l, s, &r);
        return end == AOF_WHOLE ? OK : why_put(why, ERR_NOT_DONE, "%s: the base ends later than that time", s->path);
    }
    if (end == AOF_STOPPED) return why_put(why, ERR_NOT_DONE, "Loading was stopped");
    if (end == AOF_ERROR) return source_error(s, why);
    discard_open_multi(l);
    if (cut && l->cut_allowed && is_strict(l)) {
        log_warning(l->log, "%s: offset %llu: %s. Cut back to there, %llu bytes are dropped", s->path,
                    (unsigned long long)r.good_pos, r.why, (unsigned long long)(s->size - r.good_pos));
        return cut_base(l, s, r.good_pos, why);
    }
    why_put(why, OK, "%s: offset %llu: %s: the file is %s", s->path, (unsigned long long)r.bad_pos, r.why,
            cut ? "torn" : "damaged");
    return refuse_base(l, why);
}

/* RDB, commands, or the one and then the other. */
static enum err read_base(struct aof_load *l, char *why)
{
    const struct manifest_file *f = manifest_base(l->m);
    struct rdb_facts facts = { 0 };
    struct source s;
    char path[PATH_MAX];
    enum err e;

    if (!f) return OK;
    aof_set_path(l->set, f->name, path);
    e = source_open(&s, l->ops, path, why);
    if (e == ERR_FORMAT) return refuse_base(l, why);
    if (e != OK) return e;
    if (source_is_rdb(&s)) {
        e = l->base(l->ctx, &s, &facts, why);
        s.in.no_crc = true;
    }
    if (facts.has_log_at) {
        if (!l->is_old) l->joint = facts.log_offset;
        l->offset = facts.log_offset;
        l->anchored = true;
        memcpy(l->id, facts.log_id, PERSIST_ID + 1);
    }
    if (e == ERR_FORMAT) {
        e = refuse_base(l, why);
    } else if (e == OK && rdb_in_left(&s.in) > 0) {
        e = read_base_commands(l, &s, why);
        if (facts.has_log_at) l->offset = facts.log_offset;
    } else if (e == OK) {
        aof_report_base(l, &s, NULL);
    }
    l->done_bytes += s.size;
    source_close(&s);
    return e;
}

enum err aof_load_run(struct aof_load *l, char *why)
{
    enum err e;

    if (!l->m) l->m = aof_set_manifest(l->set);
    l->n = manifest_n_incr(l->m);
    l->until_at = SIZE_MAX;
    e = look_ahead(l, why);
    if (e == OK) {
        e = read_base(l, why);
        if (e != OK && e != ERR_NOT_DONE) l->base_bad = true;
    }
    /* A stock server's base has no place in a log: the first file of memd's own gives it one. */
    if (e == OK) e = read_increments(l, why);
    return e == OK && l->is_old && l->n_old == l->n ? check_joint(l, why) : e;
}

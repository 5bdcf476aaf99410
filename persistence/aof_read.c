/* aof_read.c -- batches and commands of an increment. */
#include "persistence/aof_read.h"

#include <stdio.h>
#include <string.h>

#include "base/crc.h"
#include "base/planted.h"
#include "persistence/aof_impl.h"

enum { PROGRESS_EVERY = 1 << 16, NAME_SHOWN = 40, REASON_SHOWN = 120 };

/* --- commands -------------------------------------------------------------------------------------------- */

static bool apply(struct aof_reader *r, const struct look *l)
{
    const struct resp_parser *p = &l->parser;
    struct str why = STR("it is unknown, or its arguments are");

    r->commands++;
    if (r->salvage) {
        buf_clear(&r->key);
        if (p->argc > 1) buf_add_str(&r->key, p->args[1]);
    }
    if (!r->apply || r->apply(r->apply_ctx, p->argc, p->args, &why) == OK) return true;
    r->refused++;
    if (r->salvage) return true; /* what it builds on was in a part that is lost */
    snprintf(r->why, sizeof r->why, "the command '%.*s' cannot be applied (%.*s): settings are other than when it was written, or",
             p->args[0].n > NAME_SHOWN ? NAME_SHOWN : (int)p->args[0].n, p->args[0].p,
             why.n > REASON_SHOWN ? REASON_SHOWN : (int)why.n, why.p);
    return false;
}

static bool tell(struct aof_reader *r, uint64_t *told)
{
    uint64_t at = rdb_in_at(r->in);

    if (at - *told < PROGRESS_EVERY && !r->eager) return true;
    *told = at;
    return !r->progress || r->progress(r->progress_ctx, at);
}

static void note_time(int64_t s, int64_t *first_s, int64_t *last_s)
{
    if (s <= 0) return;
    if (*first_s == 0) *first_s = s;
    *last_s = s;
}

/* --- memd's files ------------------------------------------------------------------------------------------ */

enum item aof_measure(struct look *l, uint64_t most, struct aof_extent *x)
{
    uint64_t n;

    *x = (struct aof_extent){ 0 };
    while (x->bytes < most) {
        enum item it = look_at(l, x->bytes, &n);

        if (it == ITEM_MARK) x->mark_n = n;
        if (it != ITEM_COMMAND && it != ITEM_NOTE) return it;
        x->ends_in_note = it == ITEM_NOTE && x->counted > 0;
        if (it == ITEM_NOTE) {
            note_time(look_stamp(l, x->bytes, n), &x->first_s, &x->last_s);
        } else {
            if (x->counted == 0) x->selects = look_is(l, "select");
            x->counted += n;
            if (look_is(l, "multi")) x->in_multi = true;
            if (look_is(l, "exec")) x->in_multi = false;
        }
        x->bytes += n;
    }
    return ITEM_END;
}

static const char *check_mark(const struct aof_reader *r, uint64_t bytes, uint64_t mark_n, struct mark_batch *b)
{
    struct str line = str_of(r->in->p + bytes, mark_n);

    if (!mark_get_batch(line, b)) return "a checksum line is malformed";
    if (b->seq != r->batches + 1 || b->bytes != bytes) return "a batch is missing or incomplete";
    return mark_crc_ok(line, b, crc32c(mark_seed(r->head.id, b), r->in->p, bytes)) ? NULL : "wrong checksum";
}

/* Is the batch the file's last? For planted mistakes. */
static bool is_last(const struct aof_reader *r, uint64_t bytes)
{
    return rdb_in_left(r->in) < bytes + MARK_MAX;
}

bool aof_apply_extent(struct aof_reader *r, struct look *l, uint64_t bytes)
{
    uint64_t n;

    for (uint64_t at = 0; at < bytes; at += n) {
        enum item it = look_at(l, at, &n);

        if (it != ITEM_COMMAND && it != ITEM_NOTE) break;
        if (PLANTED(BUG_LAST_RECORD_DROPPED) && at + n == bytes && is_last(r, bytes)) break;
        if (it == ITEM_COMMAND && !apply(r, l)) return false;
    }
    return true;
}

uint64_t aof_counted(const struct aof_reader *r, const struct aof_extent *x, uint64_t seq)
{
    if (seq > 1) return x->counted;
    return x->counted > r->head.skip ? x->counted - r->head.skip : 0;
}

static enum aof_end read_batches(struct aof_reader *r, struct look *l)
{
    struct aof_extent x;
    uint64_t told = 0;

    while (r->offset < r->stop_at) {
        struct mark_batch b = { 0 };
        const char *wrong = "the file ends within a batch";
        enum item it = aof_measure(l, UINT64_MAX, &x);

        if (it == ITEM_END && x.bytes == 0) return AOF_WHOLE;
        /* Whole commands up to the end: a stock server went on in this file; its first is a SELECT. (Or a cut
         * fell between two commands: then taking them is as good as dropping them, unless some of what they hold
         * never came.) */
        if (it == ITEM_END && x.selects && !x.in_multi && !x.ends_in_note && !aof_has_hole(r->in)) {
            wrong = NULL;
            r->unproven = x.bytes;
        }
        if (it == ITEM_END && wrong && x.ends_in_note) it = ITEM_BAD;
        if (it == ITEM_BAD) wrong = "neither a command nor an annotation";
        if (it == ITEM_MARK) wrong = check_mark(r, x.bytes, x.mark_n, &b);
        if (wrong) {
            look_again(l);
            return aof_judge(r, it, wrong);
        }
        if (r->until_s >= 0 && x.last_s > r->until_s) return AOF_UNTIL;
        if (!aof_apply_extent(r, l, x.bytes)) return aof_bad(r, AOF_DAMAGED, r->why);
        if (PLANTED(BUG_BATCH_TWICE) && is_last(r, x.bytes) && !aof_apply_extent(r, l, x.bytes)) return AOF_DAMAGED;
        r->offset += aof_counted(r, &x, r->batches + 1);
        batch_places_part(&r->places, r->in->p, x.bytes + x.mark_n);
        batch_places_end(&r->places, b.durable, r->offset);
        r->in->p += x.bytes + x.mark_n;
        r->batches++;
        note_time(x.first_s, &r->first_s, &r->last_s);
        note_time(x.last_s, &r->first_s, &r->last_s);
        r->good_pos = rdb_in_at(r->in);
        if (!tell(r, &told)) return AOF_STOPPED;
    }
    return r->offset > r->stop_at ? aof_bad(r, AOF_DAMAGED, "the next file begins within a batch of this one")
                                  : AOF_WHOLE;
}

/* --- files of stock servers -------------------------------------------------------------------------------- */

static enum aof_end read_commands(struct aof_reader *r, struct look *l)
{
    bool in_multi = false;
    uint64_t n, told = 0;

    for (;;) {
        enum item it = look_at(l, 0, &n);

        if (it == ITEM_END && !in_multi) return AOF_WHOLE;
        if (it == ITEM_END) return aof_bad(r, AOF_TORN, "the file ends within a transaction");
        if (it == ITEM_SHORT) return aof_bad(r, AOF_TORN, "the file ends within a command");
        if (it == ITEM_BAD) return aof_bad(r, AOF_DAMAGED, "neither a command nor an annotation");
        if (it == ITEM_MARK)
            return aof_bad(r, AOF_DAMAGED, "checksum lines, but the file's first line is missing or wrong");
        if (it == ITEM_NOTE) {
            int64_t s = look_stamp(l, 0, n);

            if (r->until_s >= 0 && s > r->until_s) return AOF_UNTIL;
            note_time(s, &r->first_s, &r->last_s);
        } else {
            if (look_is(l, "multi")) in_multi = true;
            if (look_is(l, "exec")) in_multi = false;
            if (!apply(r, l)) return aof_bad(r, AOF_DAMAGED, r->why);
            r->offset += n;
        }
        batch_places_part(&r->places, r->in->p, n);
        r->in->p += n;
        if (!in_multi) {
            r->good_pos = rdb_in_at(r->in);
            batch_places_end(&r->places, 0, r->offset);
        }
        if (!tell(r, &told)) return AOF_STOPPED;
    }
}

/* --- both ------------------------------------------------------------------------------------------------------- */

static enum item first_line(struct rdb_in *in, struct look *l, uint64_t *n)
{
    look_start(l, in);
    return look_at(l, 0, n);
}

bool aof_peek_head(struct rdb_in *in, struct mark_head *head)
{
    struct look l;
    uint64_t n;
    bool ok = first_line(in, &l, &n) == ITEM_MARK && mark_get_head(str_of(in->p, n), head);

    look_end(&l);
    return ok;
}

/* A file of memd's whose first line is lost: its batches are proven by the id, where that is known. */
static void go_without_head(struct aof_reader *r)
{
    r->marked = true;
    r->head = (struct mark_head){ .start = r->offset };
    if (r->id) memcpy(r->head.id, r->id, MARK_ID);
}

/* Is there something of memd's in what is to be salvaged? */
static bool holds_a_batch(const struct aof_reader *r)
{
    struct rdb_in *in = r->in;
    struct mark_scan s = { .id = r->id };
    struct mark_found f;

    if (!rdb_in_reach(in, rdb_in_left(in))) return false;
    s.p = (const char *)in->p;
    s.n = rdb_in_left(in);
    return mark_next(&s, &f);
}

static enum aof_end read_by_kind(struct aof_reader *r, struct look *l, enum item it, uint64_t n)
{
    const unsigned char *p = r->in->p;

    if (it == ITEM_MARK && mark_get_head(str_of(p, n), &r->head)) {
        r->marked = true;
        r->offset = r->head.start;
        batch_places_begin(&r->places, r->offset, rdb_in_at(r->in));
        batch_places_part(&r->places, p, n); /* its first line comes with the first batch */
        r->in->p += n;
        return read_batches(r, l);
    }
    if (it == ITEM_MARK) {
        go_without_head(r);
        return aof_bad(r, AOF_DAMAGED, "the file's first line is damaged");
    }
    if (it == ITEM_SHORT && p[0] == '#') return aof_bad(r, AOF_TORN, "the file ends within its first line");
    if (it == ITEM_BAD && p[0] == 0) {
        go_without_head(r);
        return aof_judge(r, it, "the file begins with zeros");
    }
    look_again(l);
    if (r->salvage && holds_a_batch(r)) {
        go_without_head(r);
        return aof_bad(r, AOF_DAMAGED, "the file's first line is missing or wrong");
    }
    return read_commands(r, l);
}

enum aof_end aof_read(struct aof_reader *r)
{
    struct look l;
    enum aof_end end;
    uint64_t n;
    enum item it = first_line(r->in, &l, &n);

    r->marked = false;
    r->batches = r->commands = r->refused = 0;
    r->first_s = r->last_s = 0;
    r->good_pos = rdb_in_at(r->in);
    batch_places_begin(&r->places, r->offset, r->good_pos);
    r->why[0] = 0;
    end = read_by_kind(r, &l, it, n);
    if (end != AOF_STOPPED && !r->salvage && r->in->err == ERR_IO) {
        look_end(&l);
        return aof_bad(r, AOF_ERROR, r->in->why);
    }
    /* What is merely looked at is judged as a start would. */
    if (r->salvage && (end == AOF_DAMAGED || (end == AOF_TORN && r->apply))) {
        look_again(&l);
        end = aof_salvage(r, &l, end);
    }
    if (end != AOF_STOPPED && r->in->err != OK) end = aof_bad(r, AOF_DAMAGED, r->in->why);
    look_end(&l);
    return end;
}

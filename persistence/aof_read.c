/* aof_read.c -- batches and commands of an increment. */
#include "persistence/aof_read.h"

#include <stdio.h>

#include "base/crc.h"
#include "base/planted.h"
#include "protocol/resp.h"

enum {
    LINE_MAX_BYTES = 1024, /* of an annotation; stock servers read no more */
    SECTOR = 512,
    PROGRESS_EVERY = 1 << 16
};

/* What lies at a place of the input. */
enum item {
    ITEM_COMMAND,
    ITEM_NOTE,  /* an annotation that is not ours */
    ITEM_MARK,  /* a line of ours */
    ITEM_END,   /* the end of the input, exactly */
    ITEM_SHORT, /* the input ends within a command or line */
    ITEM_BAD    /* neither */
};

/* A look at what begins at p + at; *n is its length. */
struct look {
    struct rdb_in *in;
    struct resp_parser parser;
    struct resp_limits limits;
};

static void look_start(struct look *l, struct rdb_in *in)
{
    *l = (struct look){ .in = in };
    l->limits = (struct resp_limits){ .max_args = INT32_MAX, .max_bulk = UINT64_MAX / 2,
                                      .authenticated = true };
}

static enum item look_line(struct look *l, uint64_t at, uint64_t *n)
{
    struct rdb_in *in = l->in;
    uint64_t len = 0;

    while (len < LINE_MAX_BYTES) {
        const unsigned char *from, *end;
        uint64_t have;

        if (!rdb_in_reach(in, at + len + 1)) return ITEM_SHORT;
        have = (uint64_t)(in->end - in->p) - at;
        if (have > LINE_MAX_BYTES) have = LINE_MAX_BYTES;
        from = in->p + at;
        end = memchr(from + len, '\n', have - len);
        len = end ? (uint64_t)(end - from) + 1 : have;
        if (!end) continue;
        *n = len;
        return mark_is_ours(str_of(from, len)) ? ITEM_MARK : ITEM_NOTE;
    }
    return ITEM_BAD;
}

/* A command: parser.args are slices of the window until it next moves. */
static enum item look_command(struct look *l, uint64_t at, uint64_t *n)
{
    struct rdb_in *in = l->in;

    for (;;) {
        uint64_t have = (uint64_t)(in->end - in->p) - at;
        size_t used, want = 1;

        switch (resp_parse(&l->parser, (const char *)in->p + at, have, &l->limits, &used, &want)) {
        case RESP_REQUEST:
            *n = used;
            return l->parser.argc > 0 ? ITEM_COMMAND : ITEM_BAD;
        case RESP_BAD:
            return ITEM_BAD;
        default:
            if (want > rdb_in_left(in) || !rdb_in_reach(in, at + have + want)) return ITEM_SHORT;
        }
    }
}

static enum item look_at(struct look *l, uint64_t at, uint64_t *n)
{
    if (!rdb_in_reach(l->in, at + 1)) return ITEM_END;
    if (l->in->p[at] == '#') return look_line(l, at, n);
    return l->in->p[at] == '*' ? look_command(l, at, n) : ITEM_BAD;
}

/* Abandon a half-parsed command. */
static void look_again(struct look *l)
{
    resp_fini(&l->parser);
    l->parser = (struct resp_parser){ 0 };
}

static bool is_word(const struct look *l, const char *word)
{
    return l->parser.argc > 0 && str_is(l->parser.args[0], word);
}

/* --- torn or damaged? ----------------------------------------------------------------------------------- */

static bool all_zero(const unsigned char *p, uint64_t n)
{
    return n > 0 && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* A sector (as it lies on the disk) of zeros in the rest of the input, or zeros at its end. */
static bool has_hole(struct rdb_in *in)
{
    uint64_t pos = rdb_in_at(in), left = rdb_in_left(in), at = 0;

    if (left == 0 || !rdb_in_reach(in, left)) return false;
    while (at < left) {
        uint64_t n = SECTOR - (pos + at) % SECTOR;

        if (n > left - at) n = left - at;
        if (all_zero(in->p + at, n)) return true;
        at += n;
    }
    return in->p[left - 1] == 0;
}

/* The line of ours that ends the input, if one does. */
static bool ends_with_mark(struct rdb_in *in, struct mark_batch *b)
{
    uint64_t left = rdb_in_left(in), from;

    if (!rdb_in_reach(in, left)) return false;
    from = left > MARK_MAX ? left - MARK_MAX : 0;
    for (uint64_t i = from; i < left; i++)
        if (in->p[i] == '#' && mark_get_batch(str_of(in->p + i, left - i), b)) return true;
    return false;
}

/* The input ends in a line of ours without its newline, in full length: the newline is there, but altered. */
static bool ends_with_altered_newline(struct rdb_in *in)
{
    char line[MARK_MAX];
    uint64_t left = rdb_in_left(in), from;
    struct mark_batch b;

    if (!rdb_in_reach(in, left)) return false;
    from = left > MARK_MAX ? left - MARK_MAX : 0;
    memcpy(line, in->p + from, left - from);
    if (left == from) return false;
    line[left - from - 1] = '\n';
    for (uint64_t i = from; i < left; i++)
        if (in->p[i] == '#' && mark_get_batch(str_of(line + (i - from), left - i), &b)) return true;
    return false;
}

bool aof_claims_durable(struct rdb_in *in, uint64_t offset)
{
    static const char word[] = "#memd batch ";
    uint64_t at = 0;

    /* The rest of the file is brought into memory: it is the exception, and usually short. */
    if (!rdb_in_reach(in, rdb_in_left(in))) return false;
    for (;;) {
        const unsigned char *hit = memmem(in->p + at, (size_t)(in->end - in->p) - at, word, sizeof word - 1);
        const unsigned char *end;
        struct mark_batch b;
        struct str line;

        if (!hit) return false;
        at = (uint64_t)(hit - in->p) + 1;
        end = memchr(hit, '\n', (size_t)(in->end - hit));
        if (!end) return false;
        line = str_of(hit, (size_t)(end - hit) + 1);
        if (!mark_get_batch(line, &b) || b.durable <= offset) continue;
        if (b.bytes > (uint64_t)(hit - in->p)) continue;
        if (mark_crc_ok(line, &b, crc32c(0, hit - b.bytes, b.bytes))) return true;
    }
}

static enum aof_end bad(struct aof_reader *r, enum aof_end end, const char *what)
{
    r->bad_pos = rdb_in_at(r->in);
    if (what != r->why) memccpy(r->why, what, 0, sizeof r->why - 1);
    return end;
}

/* The batch at in->p is not whole. */
static enum aof_end judge(struct aof_reader *r, enum item last, const char *what)
{
    struct mark_batch b;
    bool full = ends_with_mark(r->in, &b) || ends_with_altered_newline(r->in), hole = has_hole(r->in);
    enum aof_end end = bad(r, AOF_TORN, what);

    if (r->in->err != OK) return bad(r, AOF_DAMAGED, r->in->why);
    if (full && !hole) end = AOF_DAMAGED;
    if (!full && !hole && last != ITEM_SHORT && last != ITEM_END) end = AOF_DAMAGED;
    if (aof_claims_durable(r->in, r->offset)) end = AOF_DAMAGED;
    return end;
}

/* --- memd's files ------------------------------------------------------------------------------------------ */

static bool apply(struct aof_reader *r, const struct look *l)
{
    const struct resp_parser *p = &l->parser;

    r->commands++;
    if (r->apply(r->apply_ctx, p->argc, p->args) == OK) return true;
    snprintf(r->why, sizeof r->why, "the command '%.*s' cannot be applied", p->args[0].n > 40 ? 40 : (int)p->args[0].n,
             p->args[0].p);
    return false;
}

/* The extent of a batch. */
struct extent {
    uint64_t bytes;
    uint64_t counted; /* of them, in the log: annotations are not */
    uint64_t mark_n;  /* length of the mark behind it */
    bool in_multi;    /* it ends within a transaction */
    bool selects;     /* its first command is SELECT */
    bool ends_in_note; /* behind a command: only a mark belongs there */
};

/* Find the extent of the batch at in->p. ITEM_END: there is no mark behind it, only the file's end. */
static enum item measure(struct look *l, struct extent *x)
{
    uint64_t n;

    *x = (struct extent){ 0 };
    for (;;) {
        enum item it = look_at(l, x->bytes, &n);

        if (it == ITEM_MARK) x->mark_n = n;
        if (it != ITEM_COMMAND && it != ITEM_NOTE) return it;
        x->ends_in_note = it == ITEM_NOTE && x->counted > 0;
        if (it == ITEM_COMMAND) {
            if (x->counted == 0) x->selects = is_word(l, "select");
            x->counted += n;
            if (is_word(l, "multi")) x->in_multi = true;
            if (is_word(l, "exec")) x->in_multi = false;
        }
        x->bytes += n;
    }
}

static const char *check_mark(const struct aof_reader *r, uint64_t bytes, uint64_t mark_n)
{
    struct str line = str_of(r->in->p + bytes, mark_n);
    struct mark_batch b;

    if (!mark_get_batch(line, &b)) return "a checksum line is malformed";
    if (b.seq != r->batches + 1 || b.bytes != bytes) return "a batch is missing or incomplete";
    return mark_crc_ok(line, &b, crc32c(0, r->in->p, bytes)) ? NULL : "wrong checksum";
}

/* Is the batch the file's last? For planted mistakes. */
static bool is_last(const struct aof_reader *r, uint64_t bytes)
{
    return rdb_in_left(r->in) < bytes + MARK_MAX;
}

/* All of it is in the window and proven. */
static bool apply_batch(struct aof_reader *r, struct look *l, uint64_t bytes)
{
    uint64_t n;

    for (uint64_t at = 0; at < bytes; at += n) {
        enum item it = look_at(l, at, &n);

        if (PLANTED(BUG_LAST_RECORD_DROPPED) && at + n == bytes && is_last(r, bytes)) break;
        if (it == ITEM_COMMAND && !apply(r, l)) return false;
    }
    return true;
}

static enum aof_end read_batches(struct aof_reader *r, struct look *l)
{
    struct extent x;
    uint64_t told = 0;

    while (r->offset < r->stop_at) {
        const char *wrong = "the file ends within a batch";
        enum item it = measure(l, &x);

        if (it == ITEM_END && x.bytes == 0) return AOF_WHOLE;
        /* Whole commands up to the end: a stock server went on in this file; its first is a SELECT. (Or a cut
         * fell between two commands: then taking them is as good as dropping them.) */
        if (it == ITEM_END && x.selects && !x.in_multi) {
            wrong = NULL;
            r->unproven = x.bytes;
        }
        if (it == ITEM_END && wrong && x.ends_in_note) it = ITEM_BAD;
        if (it == ITEM_BAD) wrong = "neither a command nor an annotation";
        if (it == ITEM_MARK) wrong = check_mark(r, x.bytes, x.mark_n);
        if (wrong) {
            look_again(l);
            return judge(r, it, wrong);
        }
        if (r->batches == 0) x.counted = x.counted > r->head.skip ? x.counted - r->head.skip : 0;
        if (!apply_batch(r, l, x.bytes)) return bad(r, AOF_DAMAGED, r->why);
        if (PLANTED(BUG_BATCH_TWICE) && is_last(r, x.bytes) && !apply_batch(r, l, x.bytes)) return AOF_DAMAGED;
        r->in->p += x.bytes + x.mark_n;
        r->offset += x.counted;
        r->batches++;
        r->good_pos = rdb_in_at(r->in);
        if (r->good_pos - told < PROGRESS_EVERY) continue;
        told = r->good_pos;
        if (r->progress && !r->progress(r->progress_ctx, told)) return AOF_STOPPED;
    }
    return r->offset > r->stop_at ? bad(r, AOF_DAMAGED, "the next file begins within a batch of this one") : AOF_WHOLE;
}

/* --- files of stock servers -------------------------------------------------------------------------------- */

static enum aof_end read_commands(struct aof_reader *r, struct look *l)
{
    bool in_multi = false;
    uint64_t n, told = 0;

    for (;;) {
        enum item it = look_at(l, 0, &n);

        if (it == ITEM_END && !in_multi) return AOF_WHOLE;
        if (it == ITEM_END) return bad(r, AOF_TORN, "the file ends within a transaction");
        if (it == ITEM_SHORT) return bad(r, AOF_TORN, "the file ends within a command");
        if (it == ITEM_BAD) return bad(r, AOF_DAMAGED, "neither a command nor an annotation");
        if (it == ITEM_MARK) return bad(r, AOF_DAMAGED, "checksum lines, but the file's first line is missing or wrong");
        if (it == ITEM_COMMAND) {
            if (is_word(l, "multi")) in_multi = true;
            if (is_word(l, "exec")) in_multi = false;
            if (!apply(r, l)) return bad(r, AOF_DAMAGED, r->why);
            r->offset += n;
        }
        r->in->p += n;
        if (!in_multi) r->good_pos = rdb_in_at(r->in);
        if (rdb_in_at(r->in) - told < PROGRESS_EVERY) continue;
        told = rdb_in_at(r->in);
        if (r->progress && !r->progress(r->progress_ctx, told)) return AOF_STOPPED;
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

    resp_fini(&l.parser);
    return ok;
}

enum aof_end aof_read(struct aof_reader *r)
{
    struct look l;
    enum aof_end end;
    uint64_t n;
    enum item it = first_line(r->in, &l, &n);

    r->marked = false;
    r->batches = r->commands = 0;
    r->good_pos = rdb_in_at(r->in);
    r->why[0] = 0;
    if (it == ITEM_MARK) {
        if (mark_get_head(str_of(r->in->p, n), &r->head)) {
            r->marked = true;
            r->offset = r->head.start;
            r->in->p += n;
            end = read_batches(r, &l);
        } else {
            end = bad(r, AOF_DAMAGED, "the file's first line is damaged");
        }
    } else if (it == ITEM_SHORT && r->in->p[0] == '#') {
        end = bad(r, AOF_TORN, "the file ends within its first line");
    } else if (it == ITEM_BAD && r->in->p[0] == 0 && has_hole(r->in)) {
        end = bad(r, AOF_TORN, "the file begins with zeros");
    } else {
        look_again(&l);
        end = read_commands(r, &l);
    }
    if (end != AOF_STOPPED && r->in->err != OK) end = bad(r, AOF_DAMAGED, r->in->why);
    resp_fini(&l.parser);
    return end;
}

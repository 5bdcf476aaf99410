/* write_log_bytes.c -- effects to bytes: commands as clients would send them, with SELECT, MULTI and EXEC around them. */
#include "persistence/write_log.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/planted.h"
#include "persistence/archive_note.h"
#include "persistence/log_thread.h"

enum { ARG_HEAD_MAX = 24 }; /* '*' or '$', 20 digits, CR LF */

/* Most numbers have one digit or two: no call for them. */
static inline char *put_head(char *p, char kind, size_t n)
{
    *p++ = kind;
    if (n < 10) {
        *p++ = (char)('0' + n);
    } else {
        p += num_u64(p, n);
    }
    *p++ = '\r';
    *p++ = '\n';
    return p;
}

static inline size_t head_size(size_t n)
{
    return 1 + (n < 10 ? 1 : n < 100 ? 2 : num_digits(n)) + 2;
}

/* Across chunks: piece by piece. */
static void add_slowly(struct chain *c, size_t argc, const struct str *argv)
{
    char head[ARG_HEAD_MAX];

    chain_add(c, head, (size_t)(put_head(head, '*', argc) - head));
    for (size_t i = 0; i < argc; i++) {
        chain_add(c, head, (size_t)(put_head(head, '$', argv[i].n) - head));
        chain_add(c, argv[i].p, argv[i].n);
        chain_add(c, "\r\n", 2);
    }
}

static void add_command(struct write_log *w, size_t argc, const struct str *argv)
{
    struct chain *c = &w->chain;
    size_t most = ARG_HEAD_MAX, n;
    char *p, *from;

    if (!w->on) {
        uint64_t bytes = head_size(argc);
        for (size_t i = 0; i < argc; i++) bytes += head_size(argv[i].n) + argv[i].n + 2;
        c->end += bytes;
        return;
    }
    for (size_t i = 0; i < argc; i++) most += argv[i].n + ARG_HEAD_MAX + 2;
    if (!chain_fits(c, most)) {
        add_slowly(c, argc, argv);
        return;
    }
    from = p = chain_room(c, most, &n);
    p = put_head(p, '*', argc);
    for (size_t i = 0; i < argc; i++) {
        p = put_head(p, '$', argv[i].n);
        if (argv[i].n) memcpy(p, argv[i].p, argv[i].n);
        p += argv[i].n;
        *p++ = '\r';
        *p++ = '\n';
    }
    chain_used(c, (size_t)(p - from));
}

/* Remember from where on which database is selected, for a file that must begin in mid-stream. */
static void note_select(struct write_log *w, int db)
{
    uint64_t held;

    pthread_mutex_lock(&w->lock);
    held = log_thread_held(w);
    if (w->n_selects > 1 && w->selects[1].at < held) {
        size_t n = 1;

        while (n + 1 < w->n_selects && w->selects[n + 1].at < held) n++;
        memmove(w->selects, w->selects + n, (w->n_selects - n) * sizeof *w->selects);
        w->n_selects -= n;
    }
    if (w->n_selects == w->cap_selects) {
        w->cap_selects = w->cap_selects ? w->cap_selects * 2 : 16;
        w->selects = mem_realloc(w->selects, w->cap_selects * sizeof *w->selects);
    }
    w->selects[w->n_selects++] = (struct log_select){ w->chain.end, db };
    pthread_mutex_unlock(&w->lock);
}

static void select_db(struct write_log *w, int db)
{
    char text[NUM_TEXT_MAX];
    struct str argv[2] = { STR("SELECT"), { text, num_i64(text, db) } };

    w->db = db;
    if (w->on) note_select(w, db);
    add_command(w, 2, argv);
}

/* The group has a second effect: MULTI goes before the first, whose bytes nobody has seen yet. */
static void open_multi(struct write_log *w)
{
    static const struct str multi = { "MULTI", 5 };
    struct buf first = { 0 };

    if (w->on) chain_rewind(&w->chain, w->group_at, &first);
    add_command(w, 1, &multi);
    chain_add(&w->chain, first.p, first.n);
    buf_fini(&first);
}

/* A planted mistake: each effect goes its own way. */
static void write_alone(struct write_log *w)
{
    unsigned depth = w->depth;

    w->depth = w->group_n = 0;
    write_log_turn_end(w, w->stamp_s * 1000);
    w->depth = depth;
}

void write_log_append(struct write_log *w, int db, size_t argc, const struct str *argv)
{
    if (w->depth) {
        if (w->group_n == 0) w->group_at = w->chain.end;
        else if (w->group_n == 1) open_multi(w);
        w->group_n++;
    }
    if (UNLIKELY(w->db != db)) select_db(w, db);
    add_command(w, argc, argv);
    if (PLANTED(BUG_EXEC_NOT_ATOMIC) || (PLANTED(BUG_NOTE_APART) && w->group_n == 1 && archive_note_is(argv[argc - 1]))) write_alone(w);
}

void write_log_group_begin(struct write_log *w)
{
    if (w->depth++ == 0) w->group_n = 0;
}

void write_log_group_end(struct write_log *w)
{
    static const struct str exec = { "EXEC", 4 };

    ensure(w->depth > 0);
    if (--w->depth > 0) return;
    if (w->group_n > 1) add_command(w, 1, &exec);
    w->group_n = 0;
}

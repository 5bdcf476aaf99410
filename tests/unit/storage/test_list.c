/* Lists against a trivial model: an array of strings. */
#include "storage/list.h"
#include "tests/unit/unit.h"

enum { MODEL_MAX = 4096 };

struct model {
    struct str v[MODEL_MAX];
    size_t n;
    size_t bytes;
};

static struct list *l;
static struct model m;
static struct buf scratch;
static struct rng rng;

static void set_up(void)
{
    l = list_new();
    unit_rng(&rng);
}

static void tear_down(void)
{
    list_free(&l);
    ck_assert_ptr_null(l);
    for (size_t i = 0; i < m.n; i++) mem_free((void *)(uintptr_t)m.v[i].p);
    buf_fini(&scratch);
}

/* --- the model ------------------------------------------------------------------------------- */

static void model_insert(size_t at, struct str v)
{
    ck_assert_uint_lt(m.n, MODEL_MAX);
    memmove(m.v + at + 1, m.v + at, (m.n - at) * sizeof *m.v);
    m.v[at] = str_of(mem_dup(v.p, v.n), v.n);
    m.n++;
    m.bytes += v.n;
}

static void model_erase(size_t at)
{
    m.bytes -= m.v[at].n;
    mem_free((void *)(uintptr_t)m.v[at].p);
    m.n--;
    memmove(m.v + at, m.v + at + 1, (m.n - at) * sizeof *m.v);
}

static size_t model_remove(struct str v, size_t max, enum list_end from)
{
    size_t done = 0;

    if (max == 0) max = SIZE_MAX;
    for (size_t i = from == LIST_LEFT ? 0 : m.n; done < max;) {
        if (from == LIST_LEFT ? i >= m.n : i == 0) break;
        if (from == LIST_RIGHT) i--;
        if (str_eq(m.v[i], v)) {
            model_erase(i);
            done++;
        } else if (from == LIST_LEFT) {
            i++;
        }
    }
    return done;
}

/* --- comparing ------------------------------------------------------------------------------- */

static void expect_walk(enum list_end toward)
{
    struct list_iter it;
    size_t seen = 0;

    list_iter_at(&it, l, toward == LIST_RIGHT ? 0 : m.n - 1, toward);
    for (; list_next(&it); seen++) {
        struct str want = m.v[toward == LIST_RIGHT ? seen : m.n - 1 - seen];

        ck_assert_uint_lt(seen, m.n);
        ck_assert(list_iter_is(&it, want));
        if (seen % 7 == 0) expect_str(list_iter_get(&it, &scratch), want);
    }
    ck_assert_uint_eq(seen, m.n);
    ck_assert(!list_next(&it));
}

static void collect(void *ctx, const char *p, size_t n)
{
    buf_add(ctx, p, n);
}

static void expect_range(size_t start, size_t stop)
{
    struct buf got = { 0 }, want = { 0 };

    list_spans(l, start, stop, collect, &got);
    for (size_t i = start; i <= stop; i++) {
        buf_printf(&want, "$%zu\r\n", m.v[i].n);
        buf_add_str(&want, m.v[i]);
        buf_add_c(&want, "\r\n");
    }
    expect_str(buf_str(&got), buf_str(&want));
    buf_fini(&got);
    buf_fini(&want);
}

static void expect_same(void)
{
    list_check(l);
    ck_assert_uint_eq(list_count(l), m.n);
    expect_walk(LIST_RIGHT);
    expect_walk(LIST_LEFT);
    if (m.n > 0) expect_range(0, m.n - 1);
}

static void expect_same_at(size_t i)
{
    size_t stop = i + rng_below(&rng, m.n - i);

    expect_str(list_get(l, i, &scratch), m.v[i]);
    if (stop > i + 20) stop = i + 20;
    expect_range(i, stop);
}

/* --- random operations ----------------------------------------------------------------------- */

/* What sizes a run draws its elements from. */
enum mix { MIX_TINY, MIX_MESSAGES, MIX_ALL };

static struct str random_value(enum mix mix)
{
    static struct buf b;
    uint64_t kind = rng_below(&rng, 1000);
    size_t n = rng_below(&rng, 21);

    if (mix == MIX_MESSAGES || (mix == MIX_ALL && kind < 300)) n = 280 + rng_below(&rng, 40);
    if (mix == MIX_ALL && kind >= 900) n = 1000 + rng_below(&rng, 4000);
    if (mix == MIX_ALL && kind >= 998) n = 200000 + rng_below(&rng, 300000);
    buf_clear(&b);
    /* Few kinds of content, so that values repeat; bytes that look like frames, to mislead. */
    if (kind % 3 == 0) buf_add_c(&b, "$3\r\nab\r\n$0\r\n\r\n*1\r\n");
    while (b.n < n) buf_add_char(&b, (char)('a' + kind % 2));
    return str_of(b.p, n);
}

static void push_some(enum mix mix)
{
    enum list_end end = rng_below(&rng, 2) ? LIST_LEFT : LIST_RIGHT;

    for (size_t k = 1 + rng_below(&rng, 4); k > 0 && m.n < MODEL_MAX - 8; k--) {
        struct str v = random_value(mix);

        list_push(l, end, v);
        model_insert(end == LIST_LEFT ? 0 : m.n, v);
    }
}

static void drop_some(void)
{
    enum list_end end = rng_below(&rng, 2) ? LIST_LEFT : LIST_RIGHT;
    size_t k = rng_below(&rng, m.n < 6 ? m.n + 1 : 7);

    if (rng_below(&rng, 200) == 0) k = rng_below(&rng, m.n + 1);
    list_drop(l, end, k);
    for (; k > 0; k--) model_erase(end == LIST_LEFT ? 0 : m.n - 1);
}

static void remove_some(enum mix mix)
{
    struct buf copy = { 0 };
    enum list_end from = rng_below(&rng, 2) ? LIST_LEFT : LIST_RIGHT;
    size_t max = rng_below(&rng, 3), want;

    buf_add_str(&copy,
                rng_below(&rng, 2) || m.n == 0 ? random_value(mix) : m.v[rng_below(&rng, m.n)]);
    want = model_remove(buf_str(&copy), max, from);
    ck_assert_uint_eq(list_remove(l, buf_str(&copy), max, from), want);
    buf_fini(&copy);
}

static void change_one(enum mix mix)
{
    struct str v = random_value(mix);
    size_t i = rng_below(&rng, m.n);

    if (rng_below(&rng, 2)) {
        list_set(l, i, v);
        model_insert(i, v);
        model_erase(i + 1);
    } else if (m.n < MODEL_MAX - 8) {
        i += rng_below(&rng, 2);
        list_insert(l, i, v);
        model_insert(i, v);
    }
}

static void trim_some(void)
{
    size_t start = rng_below(&rng, m.n), stop = start + rng_below(&rng, m.n - start);

    if (rng_below(&rng, 50) > 0) {
        start = rng_below(&rng, m.n < 3 ? m.n : 3);
        stop = m.n - 1;
    }
    list_trim(l, start, stop);
    while (m.n > stop + 1) model_erase(m.n - 1);
    while (start-- > 0) model_erase(0);
}

static void copy_it(void)
{
    struct list *copy = list_dup(l);

    list_check(copy);
    list_free(&l);
    l = copy;
}

/* What is broken off holds what was at that end; then the two are poured together again, or it is let go. */
static void break_some(void)
{
    enum list_end end = rng_below(&rng, 2) ? LIST_LEFT : LIST_RIGHT;
    size_t k = 1 + rng_below(&rng, m.n), at = end == LIST_LEFT ? 0 : m.n - k, n = 0;
    struct list *off = list_break_off(l, end, k);
    bool back = rng_below(&rng, 4) > 0;
    struct list_iter it;

    list_check(off);
    ck_assert_uint_eq(list_count(off), k);
    list_iter_at(&it, off, 0, LIST_RIGHT);
    for (; list_next(&it); n++) ck_assert(list_iter_is(&it, m.v[at + n]));
    ck_assert_uint_eq(n, k);
    for (n = 0; back && n < k; n++) {
        size_t i = end == LIST_LEFT ? k - 1 - n : n;

        list_push(l, end, m.v[at + i]);
    }
    for (n = 0; !back && n < k; n++) model_erase(end == LIST_LEFT ? 0 : m.n - 1);
    list_free(&off);
    list_check(l);
}

static void random_step(enum mix mix, size_t step)
{
    uint64_t op = rng_below(&rng, 100);

    if (op < 30 || m.n == 0)
        push_some(mix);
    else if (op < 45)
        drop_some();
    else if (op < 75)
        change_one(mix);
    else if (op < 80)
        remove_some(mix);
    else if (op < 90)
        trim_some();
    else if (op == 91)
        copy_it();
    else if (op == 92)
        break_some();
    else
        expect_same_at(rng_below(&rng, m.n));
    if (step % 16 == 0) list_check(l);
    if (step % 512 == 0) expect_same();
}

/* Grow and shrink in waves up to max elements. */
static void random_run(enum mix mix, size_t steps, size_t max)
{
    for (size_t i = 0; i < steps; i++) {
        random_step(mix, i);
        while (m.n > max || m.bytes > (4u << 20)) {
            size_t half = m.n / 2;

            list_drop(l, i % 2 ? LIST_LEFT : LIST_RIGHT, m.n - half);
            while (m.n > half) model_erase(i % 2 ? 0 : m.n - 1);
        }
    }
    expect_same();
}

START_TEST(random_changes_of_tiny_elements_match_the_model)
{
    random_run(MIX_TINY, 80000, 300);
    random_run(MIX_TINY, 60000, 3000);
}
END_TEST

START_TEST(random_changes_of_messages_match_the_model)
{
    random_run(MIX_MESSAGES, 60000, 30);
    random_run(MIX_MESSAGES, 20000, 600);
}
END_TEST

START_TEST(random_changes_of_all_sizes_match_the_model)
{
    random_run(MIX_ALL, 30000, 200);
}
END_TEST

/* --- single behaviours ----------------------------------------------------------------------- */

static void push(enum list_end end, struct str v)
{
    list_push(l, end, v);
    model_insert(end == LIST_LEFT ? 0 : m.n, v);
}

START_TEST(a_new_list_is_empty)
{
    struct list_iter it;

    ck_assert_uint_eq(list_count(l), 0);
    list_iter_at(&it, l, 0, LIST_RIGHT);
    ck_assert(!list_next(&it));
    list_iter_at(&it, l, 0, LIST_LEFT);
    ck_assert(!list_next(&it));
    ck_assert_uint_eq(list_remove(l, STR("x"), 0, LIST_LEFT), 0);
    list_check(l);
}
END_TEST

START_TEST(empty_elements_and_any_bytes_are_kept)
{
    push(LIST_RIGHT, STR(""));
    push(LIST_RIGHT, STR("\0\r\n$"));
    push(LIST_LEFT, STR(""));
    expect_same();
    ck_assert_uint_eq(list_remove(l, STR(""), 0, LIST_RIGHT), 2);
    expect_str(list_get(l, 0, &scratch), STR("\0\r\n$"));
}
END_TEST

/* Push at one end, drop at the other, elements of every size around those of blocks and headers. */
START_TEST(a_queue_of_every_size_keeps_its_order)
{
    static char bytes[9000];

    for (enum list_end end = LIST_LEFT; end <= LIST_RIGHT; end++) {
        for (size_t n = 0; n < sizeof bytes; n += n < 1100 ? 1 : 83) {
            memset(bytes, (int)('a' + n % 26), n);
            push(end, str_of(bytes, n));
            if (m.n > 12) {
                list_drop(l, end == LIST_LEFT ? LIST_RIGHT : LIST_LEFT, 1);
                model_erase(end == LIST_LEFT ? m.n - 1 : 0);
            }
            list_check(l);
            if (n % 64 == 0) expect_same();
        }
        expect_same();
    }
}
END_TEST

START_TEST(one_huge_element_survives)
{
    enum { HUGE_N = 20 * 1000 * 1000 };
    char *p = mem_alloc(HUGE_N);

    for (size_t i = 0; i < HUGE_N; i++) p[i] = (char)(i * 7 >> 3);
    list_push(l, LIST_LEFT, str_of(p, HUGE_N));
    list_push(l, LIST_LEFT, STR("a"));
    list_push(l, LIST_RIGHT, STR("z"));
    list_check(l);
    expect_str(list_get(l, 1, &scratch), str_of(p, HUGE_N));
    ck_assert_uint_lt(list_bytes(l), HUGE_N + HUGE_N / 100);
    list_set(l, 1, STR("b"));
    list_check(l);
    ck_assert_uint_lt(list_bytes(l), 4096);
    mem_free(p);
}
END_TEST

START_TEST(a_session_takes_little_more_than_its_bytes)
{
    size_t raw = 0, used = 0;
    char text[2000];

    memset(text, 'x', sizeof text);
    for (int i = 0; i < 3000; i++) {
        list_push(l, LIST_RIGHT, str_of(text, 300));
        if (list_count(l) > 20) list_trim(l, list_count(l) - 20, list_count(l) - 1);
        if (i >= 1000) {
            raw += 20 * 300;
            used += list_bytes(l);
        }
    }
    printf("20 x 300: %zu bytes, %.4f of raw\n", used / 2000, (double)used / (double)raw);
#ifndef __SANITIZE_ADDRESS__
    ck_assert_uint_le(used, raw + raw * 66 / 1000);
#endif
}
END_TEST

START_TEST(edits_do_not_grind_a_list_to_dust)
{
    char text[400];
    size_t bytes;

    memset(text, 'x', sizeof text);
    for (int i = 0; i < 2000; i++) push(LIST_RIGHT, str_of(text, 10 + rng_below(&rng, 300)));
    for (int i = 0; i < 20000; i++) {
        size_t at = rng_below(&rng, m.n);
        struct str v = str_of(text, 10 + rng_below(&rng, 300));

        list_insert(l, at, v);
        model_insert(at, v);
        at = rng_below(&rng, m.n);
        list_set(l, at, str_of(text, 5));
        model_insert(at, str_of(text, 5));
        model_erase(at + 1);
        at = rng_below(&rng, m.n - 1);
        ck_assert_uint_eq(list_remove(l, str_of(text, 5), 1, LIST_RIGHT), 1);
        model_remove(str_of(text, 5), 1, LIST_RIGHT);
    }
    expect_same();
    bytes = list_bytes(l);
    printf("edited: %zu elements, %zu raw, %zu used, %zu blocks\n", m.n, m.bytes, bytes,
           list_free_effort(l));
    ck_assert_uint_lt(bytes, list_frames(l) + list_frames(l) / 4);
}
END_TEST

START_TEST(names_follow_the_listpack_limit)
{
    char text[5000];

    memset(text, 'x', sizeof text);
    list_will_grow(l, -2, 3, 1);
    list_push(l, LIST_RIGHT, STR("abc"));
    ck_assert_str_eq(list_encoding_name(l), "listpack");
    list_will_grow(l, -2, 5000, 1);
    list_push(l, LIST_RIGHT, str_of(text, 5000));
    ck_assert_str_eq(list_encoding_name(l), "listpack");
    list_will_grow(l, -2, 5000, 1);
    list_push(l, LIST_RIGHT, str_of(text, 5000));
    ck_assert_str_eq(list_encoding_name(l), "quicklist");
    list_drop(l, LIST_RIGHT, 1);
    list_did_shrink(l, -2);
    ck_assert_str_eq(list_encoding_name(l), "quicklist");
    list_drop(l, LIST_RIGHT, 1);
    list_did_shrink(l, -2);
    ck_assert_str_eq(list_encoding_name(l), "listpack");
}
END_TEST

/* 3000 numbers of one digit are 6 KiB of listpack though 21 KB of frames. */
START_TEST(small_numbers_count_as_listpack_entries)
{
    for (int i = 0; i < 4092; i++) {
        list_will_grow(l, -2, 1, 1);
        list_push(l, LIST_RIGHT, STR("7"));
    }
    ck_assert_str_eq(list_encoding_name(l), "listpack");
    list_will_grow(l, -2, 1, 1);
    list_push(l, LIST_RIGHT, STR("7"));
    list_will_grow(l, -2, 1, 1);
    ck_assert_str_eq(list_encoding_name(l), "quicklist");
    list_drop(l, LIST_LEFT, 1);
    list_settle_name(l, -2);
    ck_assert_str_eq(list_encoding_name(l), "listpack");
}
END_TEST

START_TEST(names_follow_a_limit_of_elements)
{
    for (int i = 0; i < 4; i++) {
        list_will_grow(l, 3, 1, 1);
        list_push(l, LIST_RIGHT, STR("a"));
    }
    ck_assert_str_eq(list_encoding_name(l), "quicklist");
    list_drop(l, LIST_LEFT, 2);
    list_did_shrink(l, 3);
    ck_assert_str_eq(list_encoding_name(l), "quicklist");
    list_drop(l, LIST_LEFT, 1);
    list_did_shrink(l, 3);
    ck_assert_str_eq(list_encoding_name(l), "listpack");
}
END_TEST

UNIT_MAIN_AROUND("list", set_up, tear_down, a_new_list_is_empty,
                 empty_elements_and_any_bytes_are_kept, a_queue_of_every_size_keeps_its_order,
                 one_huge_element_survives, a_session_takes_little_more_than_its_bytes,
                 edits_do_not_grind_a_list_to_dust, names_follow_the_listpack_limit,
                 small_numbers_count_as_listpack_entries, names_follow_a_limit_of_elements,
                 random_changes_of_tiny_elements_match_the_model,
                 random_changes_of_messages_match_the_model,
                 random_changes_of_all_sizes_match_the_model)

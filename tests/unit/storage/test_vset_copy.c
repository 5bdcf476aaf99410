#include "tests/unit/unit.h"

#include "storage/vset_copy.h"

enum { DIM = 6, M = 4, LINKS = 2 * M, NAMES = 1600 /* more than a graph has without its smaller forms */ };

static struct store *st;
static struct vset *s;
static struct rng r;

static void begin(enum vset_quant quant)
{
    struct hash_key key = { 1, 2 };
    struct store_conf conf = { .databases = 1 };

    unit_rng(&r);
    st = store_new(&conf, &key, 7);
    s = vset_new(st, quant, DIM, M, 0);
}

static void end(void)
{
    vset_goes(s);
    vset_free(&s);
    store_free(&st);
}

static struct str name_of(char text[24], uint64_t i)
{
    return str_of(text, (size_t)snprintf(text, 24, "e%u", (unsigned)i));
}

/* Few of the vectors are the same ones. */
static void put(uint64_t i)
{
    float v[DIM];
    char text[24];
    struct str name = name_of(text, i);

    for (int j = 0; j < DIM; j++) v[j] = (float)rng_below(&r, 9) - 4;
    vset_put(s, name, v, 8, rng_below(&r, 3) == 0 ? &name : NULL);
}

static void change(void)
{
    uint64_t i = rng_below(&r, NAMES);
    char text[24];

    switch (rng_below(&r, 4)) {
    case 0: vset_remove(s, name_of(text, i)); break;
    case 1: vset_set_attr(s, name_of(text, i), STR("other")); break;
    default: put(i);
    }
}

static bool has_link(const struct vset *set, uint32_t id, unsigned level, struct str name)
{
    struct vec_hit links[LINKS];
    size_t n = vec_index_links(set->v, id, level, links, LINKS);

    for (size_t i = 0; i < n; i++) {
        if (str_eq(entry_key(vset_item(set, links[i].id)->name), name)) return true;
    }
    return false;
}

/* The links of an element in all its layers are those of the other's. */
static void expect_links(const struct vset *a, uint32_t x, const struct vset *b, uint32_t y)
{
    struct vec_hit links[LINKS];
    unsigned level = vec_index_level(a->v, x);

    ck_assert_uint_eq(vec_index_level(b->v, y), level);
    for (unsigned l = 0; l <= level; l++) {
        size_t n = vec_index_links(a->v, x, l, links, LINKS);

        ck_assert_uint_eq(vec_index_links(b->v, y, l, links, 0), n);
        for (size_t i = 0; i < n; i++) ck_assert(has_link(b, y, l, entry_key(vset_item(a, links[i].id)->name)));
    }
}

/* Elements with all that they have, and the graph link by link. */
static void expect_same(const struct vset *a, const struct vset *b)
{
    vset_check(b);
    ck_assert_uint_eq(vset_count(a), vset_count(b));
    ck_assert_uint_eq(vec_index_highest(a->v), vec_index_highest(b->v));
    for (uint32_t x = 0; x < a->n_items; x++) {
        const struct vset_item *it = vset_item(a, x);
        uint32_t y;

        if (it->name == NULL) continue;
        y = vset_find(b, entry_key(it->name));
        ck_assert_uint_ne(y, VSET_NONE);
        ck_assert_mem_eq(vset_row(a, x), vset_row(b, y), vset_row_bytes(a));
        ck_assert(it->length == vset_item(b, y)->length && it->range == vset_item(b, y)->range);
        expect_str(vset_attr(b, y), vset_attr(a, x));
        expect_links(a, x, b, y);
    }
}

static void finish(struct vset_copy **c)
{
    struct vset *to;

    while (!vset_copy_step(*c, 16)) { }
    ck_assert(vset_copy_of(*c) == s);
    to = vset_copy_take(*c);
    expect_same(s, to);
    vset_copy_free(c);
    vset_free(&to);
}

/* Changes of every kind between any two steps, so many in sum that nothing stays as it was. */
static void follow(enum vset_quant quant)
{
    begin(quant);
    for (uint64_t i = 0; i < NAMES; i++) put(i);
    for (uint64_t changes = 0; changes < 64; changes = changes * 3 + 1) {
        struct vset_copy *c = vset_copy_new(st, s), *late = NULL;

        for (int step = 0; step < NAMES / 16; step++) {
            vset_copy_step(c, 16);
            if (step == NAMES / 32) late = vset_copy_new(st, s); /* two who follow it */
            for (uint64_t i = 0; i < changes; i++) change();
        }
        finish(&c);
        finish(&late);
    }
    vset_check(s);
    end();
}

START_TEST(a_copy_is_the_set_link_by_link_whatever_changes_between_its_steps)
{
    follow(VSET_F32);
    follow(VSET_Q8);
    follow(VSET_BIN);
}
END_TEST

/* All at one moment, wherever the copy is then. */
START_TEST(a_copy_follows_a_set_that_is_emptied_and_filled_at_any_step)
{
    enum { N = 96 };
    char text[24];

    begin(VSET_Q8);
    for (int at = 0; at <= N; at += 8) {
        struct vset_copy *c = vset_copy_new(st, s);

        for (uint64_t i = 0; i < N; i++) put(i);
        vset_copy_step(c, (size_t)at);
        for (uint64_t i = 0; i < N; i++) vset_remove(s, name_of(text, (i * 37) % N));
        for (uint64_t i = 0; i < N / 2; i++) put(i);
        finish(&c);
        for (uint64_t i = 0; i < N; i++) vset_remove(s, name_of(text, i));
    }
    end();
}
END_TEST

START_TEST(a_copy_of_what_goes_is_none)
{
    struct vset_copy *c;

    begin(VSET_Q8);
    for (uint64_t i = 0; i < 100; i++) put(i);
    c = vset_copy_new(st, s);
    vset_copy_step(c, 50);
    vset_goes(s);
    ck_assert(vset_copy_step(c, 50) && vset_copy_of(c) == NULL);
    vset_copy_free(&c);
    end();
}
END_TEST

UNIT_MAIN("vset_copy", a_copy_is_the_set_link_by_link_whatever_changes_between_its_steps,
          a_copy_follows_a_set_that_is_emptied_and_filled_at_any_step, a_copy_of_what_goes_is_none)

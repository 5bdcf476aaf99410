/* test_stream_map.c -- records in order of IDs against an array of flags. */
#include "storage/stream_map.h"

#include "base/ensure.h"
#include "tests/unit/unit.h"

enum { IDS = 3000 };

struct rec {
    struct stream_id id;
    uint64_t v;
};

struct world {
    struct stream_map m;
    bool in[IDS];
    size_t n;
};

/* Every third ID begins another millisecond. */
static struct stream_id id_at(size_t i)
{
    return (struct stream_id){ 1000 + i / 3, i % 3 };
}

static size_t index_of(struct stream_id id)
{
    return (size_t)(id.ms - 1000) * 3 + id.seq;
}

static void add(struct world *w, size_t i)
{
    bool made;
    struct rec *r = stream_map_put(&w->m, id_at(i), &made);

    ck_assert(made == !w->in[i]);
    ck_assert_uint_eq(r->v, made ? 0 : i);
    r->v = i;
    w->n += made;
    w->in[i] = true;
}

static void take(struct world *w, size_t i)
{
    ck_assert(stream_map_remove(&w->m, id_at(i)) == w->in[i]);
    w->n -= w->in[i];
    w->in[i] = false;
}

static void look(struct world *w, size_t i)
{
    const struct rec *r = stream_map_find(&w->m, id_at(i));
    struct stream_pos at;
    size_t up = i, down = i;

    ck_assert((r != NULL) == w->in[i]);
    if (r != NULL) ck_assert_uint_eq(r->v, i);
    while (up < IDS && !w->in[up]) up++;
    r = stream_map_seek(&w->m, id_at(i), false, &at);
    ck_assert((r != NULL) == (up < IDS));
    if (r != NULL) ck_assert_uint_eq(r->v, up);
    while (down > 0 && !w->in[down]) down--;
    r = stream_map_seek(&w->m, id_at(i), true, &at);
    ck_assert((r != NULL) == w->in[down]);
    if (r != NULL) ck_assert_uint_eq(r->v, down);
}

static void check(struct world *w)
{
    const struct rec *r;
    struct stream_pos at;
    size_t seen = 0, last = 0;

    stream_map_check(&w->m);
    ck_assert_uint_eq(w->m.count, w->n);
    ck_assert_uint_eq(*w->m.mem, stream_map_bytes(&w->m));
    for (r = stream_map_seek(&w->m, STREAM_ID_MIN, false, &at); r != NULL;
         r = stream_map_step(&w->m, &at, false)) {
        last = index_of(r->id);
        ck_assert(w->in[last]);
        seen++;
    }
    ck_assert_uint_eq(seen, w->n);
    for (r = stream_map_seek(&w->m, STREAM_ID_MAX, true, &at); r != NULL;
         r = stream_map_step(&w->m, &at, true)) {
        ck_assert_uint_eq(index_of(r->id), last);
        while (last > 0 && !w->in[--last]) continue;
        seen--;
    }
    ck_assert_uint_eq(seen, 0);
}

static void check_dup(struct world *w)
{
    struct world copy = *w;
    size_t mem = 0;

    stream_map_dup(&copy.m, &w->m, &mem);
    check(&copy);
    for (size_t i = 0; i < IDS; i += 7) take(&copy, i);
    for (size_t i = 0; i < IDS; i += 5) add(&copy, i);
    check(&copy);
    stream_map_fini(&copy.m);
    ck_assert_uint_eq(mem, 0);
    check(w);
}

START_TEST(a_map_is_as_an_array_of_flags)
{
    static struct world w;
    size_t mem = 0;
    struct rng r;

    unit_rng(&r);
    stream_map_init(&w.m, sizeof(struct rec), &mem);
    for (size_t round = 0; round < 300; round++) {
        /* growing, shrinking, at the ends and in the middle */
        size_t kind = rng_below(&r, 6), from = rng_below(&r, IDS);
        for (size_t n = rng_below(&r, 800); n > 0; n--) {
            size_t i = rng_below(&r, IDS);
            if (kind == 0) add(&w, i);
            if (kind == 1) take(&w, i);
            if (kind == 2 && from + n < IDS) add(&w, IDS - n);
            if (kind == 3 && w.n > 0) {
                const struct rec *first = stream_map_first(&w.m);
                i = first->v;
                if (n % 2) stream_map_drop_first(&w.m), w.in[i] = false, w.n--;
                else take(&w, i);
            }
            if (kind == 4) rng_below(&r, 2) ? add(&w, i) : take(&w, i);
            if (kind == 5) look(&w, i);
        }
        check(&w);
        if (round % 20 == 0) check_dup(&w);
    }
    stream_map_fini(&w.m);
}
END_TEST

START_TEST(a_queue_stays_small)
{
    struct stream_map m;
    bool made;
    size_t most = 0;

    stream_map_init(&m, 40, NULL);
    for (uint64_t i = 1; i <= 200000; i++) {
        stream_map_put(&m, (struct stream_id){ i, 0 }, &made);
        if (m.count > 50) stream_map_drop_first(&m);
        if (stream_map_bytes(&m) > most) most = stream_map_bytes(&m);
    }
    stream_map_check(&m);
    ck_assert_uint_lt(most, 16384);
    stream_map_fini(&m);
}
END_TEST

START_TEST(records_added_in_order_take_little_more_than_their_width)
{
    struct stream_map m;
    bool made;

    stream_map_init(&m, 40, NULL);
    for (uint64_t i = 1; i <= 100000; i++) stream_map_put(&m, (struct stream_id){ i, 0 }, &made);
    ck_assert_uint_lt(stream_map_bytes(&m), 100000 * 40 * 11 / 10);
    stream_map_fini(&m);
}
END_TEST

UNIT_MAIN("stream_map", a_map_is_as_an_array_of_flags, a_queue_stays_small,
          records_added_in_order_take_little_more_than_their_width)

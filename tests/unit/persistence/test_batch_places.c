/* Places in a file of the log: near enough, in order, never behind what is asked for, whatever the batches' sizes. */
#include "persistence/batch_places.h"

#include "base/crc.h"
#include "tests/unit/unit.h"

enum { BATCHES = 20000, BATCH_MOST = 300 };

static char bytes[BATCHES * BATCH_MOST];
static struct batch_place all[BATCHES + 1];

static void is_a_place(struct batch_place p, size_t n)
{
    size_t i = 0;

    while (i < n && all[i].pos < p.pos) i++;
    ck_assert_uint_eq(all[i].pos, p.pos);
    ck_assert_uint_eq(all[i].offset, p.offset);
    ck_assert_uint_eq(all[i].crc, p.crc);
}

/* The last place that would do. */
static struct batch_place best(uint64_t proven, size_t n)
{
    while (n > 0 && all[n].offset > proven) n--;
    return all[n];
}

/* The disk is `behind` batches behind, and says so every `step` of them. */
static void follow(struct rng *g, size_t behind, size_t step)
{
    struct batch_places s;
    uint64_t pos = 100, durable = 0;

    batch_places_begin(&s, 1000, pos);
    all[0] = s.end;
    for (size_t i = 0; i < BATCHES; i++) {
        size_t n = 1 + (size_t)rng_below(g, BATCH_MOST), counted = 1 + (size_t)rng_below(g, n);

        if (step && i % step == 0 && i > behind) durable = all[i - behind].offset;
        batch_places_part(&s, bytes + pos, n / 2);
        batch_places_part(&s, bytes + pos + n / 2, n - n / 2);
        batch_places_end(&s, durable, all[i].offset + counted);
        all[i + 1] = (struct batch_place){ all[i].offset + counted, pos + n, crc32c(all[i].crc, bytes + pos, n) };
        pos += n;
        ck_assert_uint_eq(s.end.pos, pos);
        ck_assert_uint_le(s.n, BATCH_PLACES);
        if (i % 97 == 0 || i + 1 == BATCHES) {
            struct batch_place from = batch_places_before(&s, durable, UINT64_MAX), wanted = best(durable, i + 1);

            is_a_place(from, i + 1);
            is_a_place(s.end, i + 1);
            ck_assert_uint_le(from.pos, wanted.pos);
            /* a part of what is open at most is too much */
            if (step) ck_assert_uint_le(wanted.pos - from.pos, 4096 + (behind + 2 * step) * BATCH_MOST);
        }
    }
}

START_TEST(a_place_is_near_what_is_durable_however_far_the_disk_is_behind)
{
    struct rng g;

    unit_rng(&g);
    follow(&g, 0, 1);
    follow(&g, 10, 1);
    follow(&g, 500, 100);
    follow(&g, 5000, 3000);
    follow(&g, 0, 0);
}
END_TEST

START_TEST(what_is_durable_is_left_out_and_what_is_long_ago_too)
{
    struct batch_places s;
    char batch[1000] = { 0 };

    batch_places_begin(&s, 0, 0);
    ck_assert_uint_eq(batch_places_before(&s, 0, UINT64_MAX).pos, 0);
    for (unsigned i = 1; i <= 20; i++) {
        batch_places_part(&s, batch, sizeof batch);
        batch_places_end(&s, 0, i * 1000);
    }
    batch_places_part(&s, batch, sizeof batch); /* of no batch that is whole */
    ck_assert_uint_eq(batch_places_before(&s, 20000, UINT64_MAX).pos, 20000);
    ck_assert_uint_eq(batch_places_before(&s, 19999, UINT64_MAX).pos, 19000);
    ck_assert_uint_eq(batch_places_before(&s, 7000, UINT64_MAX).pos, 7000);
    ck_assert_uint_eq(batch_places_before(&s, 0, 5000).pos, 15000);
    ck_assert_uint_eq(batch_places_before(&s, 0, 1).pos, 19000); /* the last batch in any case */
}
END_TEST

UNIT_MAIN("batch places", a_place_is_near_what_is_durable_however_far_the_disk_is_behind,
          what_is_durable_is_left_out_and_what_is_long_ago_too)

#include "persistence/chain.h"

#include "base/buf.h"
#include "tests/unit/unit.h"

/* Bytes whose value follows from their offset. */
static char byte_at(uint64_t offset)
{
    return (char)(offset * 2654435761u >> 13);
}

static void append(struct chain *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char b = byte_at(c->end);

        chain_add(c, &b, 1);
    }
}

static void expect_bytes(struct chain_at at, uint64_t to)
{
    uint64_t offset = at.at;
    struct str s;

    while ((s = chain_next(&at, to)).n) {
        for (size_t i = 0; i < s.n; i++) ck_assert_int_eq(s.p[i], byte_at(offset + i));
        offset += s.n;
    }
    ck_assert_uint_eq(offset, to);
}

START_TEST(every_offset_that_is_held_is_found)
{
    struct chain c;

    chain_init(&c, 12345);
    append(&c, 3 * CHAIN_CHUNK);
    for (uint64_t at = 12345; at < c.end; at += 4999) expect_bytes(chain_find(&c, at), c.end);
    expect_bytes(chain_find(&c, c.end), c.end);
    chain_fini(&c);
}
END_TEST

START_TEST(a_reader_that_resumes_reads_what_one_that_searches_reads)
{
    struct rng g;
    struct chain c;
    struct buf back = { 0 };
    uint64_t read = 7, kept = 7;

    unit_rng(&g);
    chain_init(&c, read);
    for (int i = 0; i < 300; i++) {
        size_t n = rng_below(&g, 4) ? (size_t)rng_below(&g, 1000) : (size_t)rng_below(&g, 2 * CHAIN_CHUNK);
        uint64_t from = c.end;

        if (i % 10 == 0) n += CHAIN_CHUNK - (c.end + n - 7) % CHAIN_CHUNK; /* to the end of a chunk */
        append(&c, n);
        if (rng_below(&g, 5) == 0 && n > 0) { /* as MULTI is put before a group's first command */
            buf_clear(&back);
            chain_rewind(&c, from, &back);
            ck_assert_uint_eq(back.n, n);
            append(&c, n);
        }
        expect_bytes(chain_resume(&c, read), c.end);
        read = c.end;
        if (rng_below(&g, 3)) continue;
        kept += rng_below(&g, read - kept + 1);
        chain_drop(&c, rng_below(&g, 2) ? kept : (kept = read));
    }
    buf_fini(&back);
    chain_fini(&c);
}
END_TEST

UNIT_MAIN("chain", every_offset_that_is_held_is_found, a_reader_that_resumes_reads_what_one_that_searches_reads)

#include "base/json_scan.h"

#include <sys/mman.h>

#include "tests/unit/unit.h"

enum { SEED = 20261121, ROUNDS = 6000, LONGEST = 400, PAGE = 4096 };

/* --- one byte after the other ------------------------------------------------------------------------------------- */

static const char *plain_string(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '"') return p + 1;
        if (*p == '\\' && ++p == end) break;
    }
    return end;
}

static const char *plain_container(const char *p, const char *end)
{
    unsigned depth = 0;

    while (p < end) {
        char c = *p;

        if (c == '"') {
            p = plain_string(p, end);
            continue;
        }
        p++;
        if (c == '{' || c == '[') depth++;
        if ((c == '}' || c == ']') && --depth == 0) return p;
    }
    return end;
}

/* --- texts ---------------------------------------------------------------------------------------------------------- */

/* What strings and brackets are hard to tell by: runs of backslashes, brackets within strings, quotes that are taken. */
static void add_string(struct rng *rng, struct buf *b)
{
    static const char *const parts[] = { "a", "\\\\", "\\\"", "{", "}", "[", "]", "\xc3\xa9", "\\u0041", "long enough to fill a block", ",", ":" };

    buf_add_char(b, '"');
    for (uint64_t n = rng_below(rng, 9); n > 0; n--) buf_add_c(b, parts[rng_below(rng, sizeof parts / sizeof *parts)]);
    buf_add_char(b, '"');
}

static struct buf random_container(struct rng *rng)
{
    static const char brackets[] = "{[}]", others[] = "1,: -\n;[{";
    uint64_t closing = rng_below(rng, 3), most = rng_below(rng, LONGEST);
    struct buf b = { 0 };

    buf_add_char(&b, brackets[rng_below(rng, 2)]);
    while (b.n < most) {
        uint64_t what = rng_below(rng, 8);

        if (what < 3) add_string(rng, &b);
        else if (what < 5) buf_add_char(&b, brackets[rng_below(rng, closing == 0 ? 2 : 4)]);
        else buf_add_char(&b, others[rng_below(rng, 7)]);
    }
    for (uint64_t n = rng_below(rng, 2) * rng_below(rng, LONGEST); n > 0; n--) buf_add_char(&b, brackets[2 + rng_below(rng, 2)]);
    return b;
}

/* A copy whose last byte is the last before a page that nobody may read. */
static char *at_the_edge(const struct buf *b)
{
    static char *pages;

    if (pages == NULL) {
        pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert(pages != MAP_FAILED && mprotect(pages + PAGE, PAGE, PROT_NONE) == 0);
    }
    ck_assert(b->n <= PAGE);
    memcpy(pages + PAGE - b->n, b->p, b->n);
    return pages + PAGE - b->n;
}

static void expect_container(const char *p, const char *end)
{
    const char *want = plain_container(p, end);

    ck_assert_ptr_eq(json_scan_container(p, end), want);
    for (size_t i = 0; json_scanner_at(i); i++) {
        ck_assert_msg(json_scanner_at(i)->container(p, end) == want, "%s: %.*s", json_scanner_at(i)->name, (int)(end - p), p);
    }
}

START_TEST(containers_end_where_they_do_byte_by_byte)
{
    struct rng rng;
    size_t closed = 0;

    rng_seed(&rng, SEED);
    printf("seed %d\n", SEED);
    for (int i = 0; i < ROUNDS; i++) {
        struct buf b = random_container(&rng);
        char *p = at_the_edge(&b);

        closed += plain_container(p, p + b.n) < p + b.n;
        expect_container(p, p + b.n);
        buf_fini(&b);
    }
    ck_assert(closed > ROUNDS / 10);
}
END_TEST

START_TEST(containers_that_are_cut_anywhere_or_begin_anywhere_are_no_trouble)
{
    struct rng rng;

    rng_seed(&rng, SEED + 1);
    for (int i = 0; i < ROUNDS / 100; i++) {
        struct buf b = random_container(&rng);

        for (size_t n = 1; n <= b.n; n++) {
            struct buf part = { .p = b.p, .n = n };
            char *p = at_the_edge(&part);

            expect_container(p, p + n);
        }
        for (size_t from = 0; from < 64; from++) {
            struct buf moved = { 0 };

            for (size_t k = 0; k < from; k++) buf_add_char(&moved, ' ');
            buf_add(&moved, b.p, b.n);
            expect_container(moved.p + from, moved.p + moved.n);
            buf_fini(&moved);
        }
        buf_fini(&b);
    }
}
END_TEST

START_TEST(strings_end_where_they_do_byte_by_byte)
{
    struct rng rng;

    rng_seed(&rng, SEED + 2);
    for (int i = 0; i < ROUNDS; i++) {
        struct buf b = { 0 };
        char *p;

        add_string(&rng, &b);
        buf_add_c(&b, ",\"next\"}");
        b.n -= rng_below(&rng, b.n);
        p = at_the_edge(&b);
        ck_assert_ptr_eq(json_scan_string(p, p + b.n), plain_string(p, p + b.n));
        buf_fini(&b);
    }
}
END_TEST

START_TEST(each_byte_that_stands_not_for_itself_stops_wherever_it_is)
{
    for (int c = 0; c < 256; c++) {
        bool stops = c == '"' || c == '\\' || c < ' ';

        for (size_t n = 1; n <= 40; n++) {
            struct buf b = { 0 };
            char *p;

            for (size_t k = 1; k < n; k++) buf_add_char(&b, 'x');
            buf_add_char(&b, (char)c);
            p = at_the_edge(&b);
            ck_assert_ptr_eq(json_scan_plain(p, p + n), stops ? p + n - 1 : p + n);
            buf_add_c(&b, "yyyyyyyyyyyyyyyyyyyy");
            p = at_the_edge(&b);
            ck_assert_ptr_eq(json_scan_plain(p, p + b.n), stops ? p + n - 1 : p + b.n);
            buf_fini(&b);
        }
    }
}
END_TEST

UNIT_MAIN("json_scan", containers_end_where_they_do_byte_by_byte, containers_that_are_cut_anywhere_or_begin_anywhere_are_no_trouble,
          strings_end_where_they_do_byte_by_byte, each_byte_that_stands_not_for_itself_stops_wherever_it_is)

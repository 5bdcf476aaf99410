#include "server/registry.h"
#include "server/request.h"
#include "tests/unit/unit.h"

enum { VALUES = 3000, LARGEST = 40000 };

static const struct command set_row = { .name = "set", .group = GROUP_STRING };
static const struct command auth_row = { .name = "auth", .group = GROUP_CONNECTION, .flags = CMD_NO_AUTH };
static struct command_ref set_ref = { .cmd = &set_row }, auth_ref = { .cmd = &auth_row };

/* What the i-th request has as its last argument: most are small, some larger than any block. */
static struct str value_of(char *bytes, uint64_t i)
{
    size_t n = i % 7 == 0 ? (size_t)(i * 7919 % LARGEST) : (size_t)(i % 50);

    memset(bytes, 'a' + (int)(i % 26), n);
    return str_of(bytes, n);
}

static void add(struct request_queue *q, uint64_t i)
{
    static char bytes[LARGEST];
    struct str argv[] = { STR("SET"), str_of(&i, sizeof i), value_of(bytes, i) };

    request_queue_add(q, &set_ref, i % 3 == 0 ? 2 : 3, argv);
}

static void expect_request(const struct request *r, uint64_t i)
{
    static char bytes[LARGEST];

    ck_assert_ptr_eq(r->ref, &set_ref);
    ck_assert_uint_eq(r->argc, i % 3 == 0 ? 2 : 3);
    expect_str(r->argv[0], STR("SET"));
    expect_str(r->argv[1], str_of(&i, sizeof i));
    if (r->argc == 3) expect_str(r->argv[2], value_of(bytes, i));
}

struct walk {
    uint64_t at;
};

static void look(void *ctx, const struct request *r)
{
    struct walk *w = ctx;

    expect_request(r, w->at++);
}

START_TEST(what_was_added_comes_in_order_whatever_is_taken_in_between)
{
    struct request_queue q = { 0 };
    uint64_t added = 0, taken = 0;
    struct rng rng;

    unit_rng(&rng);
    while (taken < VALUES) {
        struct walk w = { taken };

        if (added < VALUES && (added == taken || rng_below(&rng, 5) < 3)) {
            add(&q, added++);
        } else {
            expect_request(request_queue_first(&q), taken++);
            request_queue_pop(&q);
        }
        ck_assert_uint_eq(q.n, added - taken);
        ck_assert(q.n > 0 || (q.bytes == 0 && request_queue_first(&q) == NULL));
        if (rng_below(&rng, 100) > 0) continue;
        w.at = taken;
        request_queue_each(&q, look, &w);
        ck_assert_uint_eq(w.at, added);
    }
}
END_TEST

START_TEST(a_queue_takes_what_it_says_and_gives_it_back)
{
    size_t before = mem_used(), bytes = 0;
    struct request_queue q = { 0 };

    for (uint64_t i = 0; i < VALUES; i++) add(&q, i);
    for (uint64_t i = 0; i < VALUES; i++) bytes += (i % 3 == 0 ? 0 : i % 7 == 0 ? i * 7919 % LARGEST : i % 50);
    ck_assert_uint_ge(mem_used() - before, q.bytes);
    ck_assert_uint_ge(q.bytes, bytes);
    ck_assert_uint_le(q.bytes, 2 * bytes + VALUES * 150);
    request_queue_drop(&q);
    ck_assert_uint_eq(q.n, 0);
    ck_assert_uint_eq(q.bytes, 0);
    ck_assert_ptr_null(q.first);
    ck_assert_uint_eq(mem_used(), before);
}
END_TEST

START_TEST(secrets_are_wiped_when_their_request_is_done)
{
    struct str argv[] = { STR("AUTH"), STR("password") };
    struct request_queue q = { 0 };
    const struct request *r;

    add(&q, 1);
    ck_assert(!q.secrets);
    request_queue_add(&q, &auth_ref, 2, argv);
    request_queue_add(&q, &auth_ref, 2, argv); /* the block stays for it */
    ck_assert(q.secrets);
    request_queue_pop(&q);
    r = request_queue_first(&q);
    expect_str(r->argv[1], STR("password"));
    request_queue_pop(&q);
    expect_str(r->argv[1], STR("\0\0\0\0\0\0\0\0"));
    request_queue_drop(&q);
}
END_TEST

UNIT_MAIN("request", what_was_added_comes_in_order_whatever_is_taken_in_between, a_queue_takes_what_it_says_and_gives_it_back,
          secrets_are_wiped_when_their_request_is_done)

/* The system refuses memory, at every allocation of every command in turn: what is small comes from the reserve, and
 * nobody notices; what is large is an error, and nothing has changed.
 *
 * malloc, calloc and realloc are this program's own here, and hand on to jemalloc's. Under AddressSanitizer they
 * are left alone, and only what may fail does. */
#include <dlfcn.h>

#include "storage/digest.h"
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

static struct {
    uint64_t left; /* allocations until one fails, 0: none does */
    bool on;       /* and all after it */
    uint64_t failed;
} fault;

#ifndef __SANITIZE_ADDRESS__

/* Only what mem.c asks for counts: Check has its own, and cannot do without. */
static bool fails(const void *caller)
{
    enum { ALL_OF_IT = 4096 };
    uintptr_t from = (uintptr_t)mem_alloc - ALL_OF_IT;

    if (fault.left == 0 || (uintptr_t)caller - from > 2 * ALL_OF_IT) return false;
    if (fault.left > 1) {
        fault.left--;
        return false;
    }
    if (!fault.on) fault.left = 0;
    fault.failed++;
    return true;
}

void *malloc(size_t n)
{
    static void *(*real)(size_t);

    if (!real) real = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    return fails(__builtin_return_address(0)) ? NULL : real(n);
}

void *calloc(size_t m, size_t n)
{
    static void *(*real)(size_t, size_t);

    if (!real) real = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    return fails(__builtin_return_address(0)) ? NULL : real(m, n);
}

void *realloc(void *p, size_t n)
{
    static void *(*real)(void *, size_t);

    if (!real) real = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    return fails(__builtin_return_address(0)) ? NULL : real(p, n);
}

#endif

/* Run the example with the nth allocation failing; false: it has not so many. */
static bool failed_at(const struct command *row, uint64_t n, bool on)
{
    size_t before;
    bool failed;

    harness_open();
    before = mem_used();
    fault.failed = 0;
    fault.on = on;
    fault.left = n;
    check_example(row);
    fault.left = 0;
    failed = fault.failed > 0;
    ck_assert_msg(mem_reserve_fill() && !mem_is_short(), "%s: the reserve is not whole again", row->name);
    harness_close();
    ck_assert_msg(mem_used() <= before, "%s: allocation %" PRIu64 " leaks", row->name, n);
    return failed;
}

static uint64_t fail_each(const struct command *table, bool on)
{
    uint64_t points = 0;

    for (; table->name; table++) {
        if (table->subs) points += fail_each(table->subs, on);
        for (uint64_t n = 1; table->example && failed_at(table, n, on); n++) points++;
    }
    return points;
}

static void fail_everywhere(bool on)
{
    uint64_t points = 0;

    ck_assert(mem_reserve_fill());
    for (int i = 0; command_tables[i]; i++) points += fail_each(command_tables[i], on);
    printf("%" PRIu64 " points\n", points);
#ifndef __SANITIZE_ADDRESS__
    ck_assert_uint_gt(points, 1000);
#endif
}

START_TEST(an_allocation_that_is_refused_once_changes_nothing)
{
    fail_everywhere(false);
}
END_TEST

START_TEST(nor_when_all_after_it_are_refused_too)
{
    fail_everywhere(true);
}
END_TEST

/* --- what is large -------------------------------------------------------------------------------------- */

/* Keys of a few MiB. */
static void make_large_values(void)
{
    char line[64];

    for (int i = 0; i < 60000; i++) {
        snprintf(line, sizeof line, "RPUSH list %030d", i);
        run_line(line);
        snprintf(line, sizeof line, "SADD set member:%d", i);
        run_line(line);
        snprintf(line, sizeof line, "ZADD zset %d member:%d", i, i);
        run_line(line);
        snprintf(line, sizeof line, "HSET hash field:%d a-value-of-some-length", i);
        run_line(line);
    }
}

static const char *const large[] = {
    "SETRANGE new 2000000 x", "SETRANGE string 20000000 x", "SETRANGE short 2000000 x", "SETBIT new 30000000 1",
    "SETBIT string 90000000 1", "BITFIELD new SET u8 30000000 255", "BITFIELD string INCRBY u8 90000000 1",
    "BITOP NOT new string", "BITOP OR short string short", "COPY string new", "COPY list new", "COPY set new",
    "COPY zset short REPLACE", "COPY hash new", "LCS short short", "LCS short short IDX", "SORT list", "SORT list STORE short",
    "SORT set ALPHA", "SORT zset ALPHA LIMIT 0 1", "SUNIONSTORE new set", "SINTERSTORE short set set", "SDIFFSTORE new set list2",
    "ZUNIONSTORE new 2 zset set", "ZINTERSTORE short 1 zset", "ZDIFFSTORE new 1 zset", "ZUNION 1 zset", "ZINTER 2 zset set",
};

static bool is_refusal(struct str reply)
{
    return str_eq(reply, STR("-OOM command not allowed when used memory > 'maxmemory'.\r\n")) ||
           str_eq(reply, STR("-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n"));
}

/* As it was before the commands above. */
static void make_anew(struct digest *d)
{
    run_line("DEL new short string");
    run_line("SETRANGE string 3000000 x");
    run_line("SETRANGE short 2000 x");
    digest_store(harness_store(), d);
}

/* Let each thing that may fail in the request fail in turn; gives how many there are. */
static uint64_t refuse_each(const char *request)
{
    struct digest before, after;

    make_anew(&before);
    for (uint64_t n = 1;; n++) {
        struct str reply;

        mem_fail_try(n, false);
        reply = run_line(request);
        if (mem_fail_try(0, false) < n) {
            ck_assert_msg(!is_refusal(reply), "%s", request);
            return n - 1;
        }
        ck_assert_msg(is_refusal(reply), "%s: %.*s", request, (int)(reply.n < 60 ? reply.n : 60), reply.p);
        ck_assert_str_eq(journaled(), "");
        digest_store(harness_store(), &after);
        ck_assert_msg(memcmp(&before, &after, sizeof before) == 0, "%s has changed something", request);
    }
}

START_TEST(what_is_large_is_refused_and_nothing_has_changed)
{
    harness_open();
    make_large_values();
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        ck_assert_msg(refuse_each(large[i]) > 0, "%s asks for nothing", large[i]);
        store_check(harness_store());
    }
    harness_close();
}
END_TEST

UNIT_MAIN("memory", an_allocation_that_is_refused_once_changes_nothing, nor_when_all_after_it_are_refused_too,
          what_is_large_is_refused_and_nothing_has_changed)

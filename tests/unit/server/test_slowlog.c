/* What SLOWLOG and MONITOR show of a request. */
#include "server/registry.h"
#include "server/secret.h"
#include "server/slowlog.h"
#include "tests/unit/unit.h"

static struct registry *r;
static struct arena a;

static void set_up(void)
{
    r = registry_new();
    arena_init(&a);
}

static void tear_down(void)
{
    arena_fini(&a);
    registry_free(&r);
}

/* Which arguments are secret, as "..x" for the third of three. */
static struct str secrets(const char *request)
{
    char copy[256];
    struct str argv[16];
    char *marks = arena_alloc(&a, 16);
    size_t n = 0;
    struct command_ref *container, *ref;

    snprintf(copy, sizeof copy, "%s", request);
    for (char *w = strtok(copy, " "); w; w = strtok(NULL, " ")) argv[n++] = str_c(w);
    ref = registry_resolve(r, n, argv, &container);
    ck_assert_ptr_nonnull(ref);
    for (size_t i = 0; i < n; i++) marks[i] = secret_argument(ref->cmd, n, argv, i) ? 'x' : '.';
    return str_of(marks, n);
}

START_TEST(passwords_are_secret_wherever_they_stand)
{
    expect_str(secrets("AUTH pw"), STR(".x"));
    expect_str(secrets("AUTH user pw"), STR(".xx"));
    expect_str(secrets("HELLO 3 AUTH user pw SETNAME me"), STR("...xx.."));
    expect_str(secrets("HELLO 3 SETNAME auth"), STR("...."));
    expect_str(secrets("HELLO 3 SETNAME me AUTH u p"), STR(".....xx"));
    expect_str(secrets("CONFIG SET requirepass pw"), STR("...x"));
    expect_str(secrets("config set maxmemory 1 RequirePass pw port 1"), STR(".....x.."));
    expect_str(secrets("CONFIG SET masterauth pw"), STR("...x"));
}
END_TEST

START_TEST(nothing_else_is_secret)
{
    expect_str(secrets("SET requirepass pw"), STR("..."));
    expect_str(secrets("SET auth x"), STR("..."));
    expect_str(secrets("CONFIG GET requirepass"), STR("..."));
    expect_str(secrets("GET hello"), STR(".."));
}
END_TEST

START_TEST(a_renamed_auth_keeps_its_secret)
{
    ck_assert_int_eq(registry_rename(r, "auth", "letmein"), OK);
    ck_assert_int_eq(registry_rename(r, "config", "setup"), OK);
    expect_str(secrets("LETMEIN pw"), STR(".x"));
    expect_str(secrets("SETUP SET requirepass pw"), STR("...x"));
}
END_TEST

START_TEST(short_arguments_are_kept_whole)
{
    char bytes[SLOW_ARG_BYTES];
    struct str argv[] = { STR("set"), STR("k"), str_of(bytes, sizeof bytes) };
    const struct command *set = registry_find(r, STR("set"))->cmd;

    memset(bytes, '\0', sizeof bytes);
    expect_str(slowlog_argument(&a, set, 3, argv, 2), argv[2]);
    expect_str(slowlog_argument(&a, set, 3, argv, 1), STR("k"));
}
END_TEST

START_TEST(long_arguments_are_cut_at_any_byte)
{
    char bytes[SLOW_ARG_BYTES + 200], want[256];
    struct str argv[] = { STR("set"), STR("k"), str_of(bytes, sizeof bytes) };
    size_t n;

    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i % 3); /* NULs as well */
    memcpy(want, bytes, SLOW_ARG_BYTES);
    n = SLOW_ARG_BYTES + (size_t)snprintf(want + SLOW_ARG_BYTES, 100, "... (200 more bytes)");
    expect_str(slowlog_argument(&a, registry_find(r, STR("set"))->cmd, 3, argv, 2), str_of(want, n));
}
END_TEST

START_TEST(the_last_place_tells_how_many_arguments_there_were_more)
{
    struct str argv[40];
    const struct command *mget = registry_find(r, STR("mget"))->cmd;

    argv[0] = STR("mget");
    for (size_t i = 1; i < 40; i++) argv[i] = STR("k");
    expect_str(slowlog_argument(&a, mget, 32, argv, 31), STR("k"));
    expect_str(slowlog_argument(&a, mget, 33, argv, 31), STR("... (2 more arguments)"));
    expect_str(slowlog_argument(&a, mget, 40, argv, 31), STR("... (9 more arguments)"));
    expect_str(slowlog_argument(&a, mget, 40, argv, 30), STR("k"));
}
END_TEST

UNIT_MAIN_AROUND("slowlog", set_up, tear_down, passwords_are_secret_wherever_they_stand, nothing_else_is_secret,
                 a_renamed_auth_keeps_its_secret, short_arguments_are_kept_whole, long_arguments_are_cut_at_any_byte,
                 the_last_place_tells_how_many_arguments_there_were_more)

#include "server/registry.h"
#include "tests/unit/unit.h"

static struct registry *r;

static void set_up(void) { r = registry_new(); }
static void tear_down(void) { registry_free(&r); }

static struct command_ref *resolve(size_t argc, struct str first, struct str second, struct command_ref **container)
{
    struct str argv[] = { first, second };

    return registry_resolve(r, argc, argv, container);
}

START_TEST(a_command_is_found_in_any_case)
{
    struct command_ref *get = registry_find(r, STR("get"));

    ck_assert_ptr_nonnull(get);
    ck_assert_str_eq(get->cmd->name, "get");
    ck_assert_ptr_eq(registry_find(r, STR("GeT")), get);
    ck_assert_ptr_null(registry_find(r, STR("ge")));
    ck_assert_ptr_null(registry_find(r, STR("get\0")));
    ck_assert_ptr_null(registry_find(r, STR("")));
}
END_TEST

START_TEST(rows_come_in_the_order_of_their_names)
{
    size_t n = registry_count(r);

    ck_assert_uint_gt(n, 100);
    for (size_t i = 1; i < n; i++) {
        ck_assert_str_lt(registry_at(r, i - 1)->cmd->name, registry_at(r, i)->cmd->name);
    }
}
END_TEST

START_TEST(every_row_is_found_by_its_name)
{
    for (size_t i = 0; i < registry_count(r); i++) {
        struct command_ref *ref = registry_at(r, i);
        ck_assert_ptr_eq(registry_find(r, str_c(ref->cmd->name)), ref);
        ck_assert_ptr_eq(registry_find_full(r, str_c(ref->full_name)), ref);
        for (size_t k = 0; k < ref->n_subs; k++) {
            ck_assert_ptr_eq(registry_find_full(r, str_c(ref->subs[k].full_name)), &ref->subs[k]);
            ck_assert_ptr_eq(ref->subs[k].parent, ref);
        }
    }
}
END_TEST

START_TEST(a_request_is_resolved_to_its_subcommand)
{
    struct command_ref *container, *ref = resolve(2, STR("CONFIG"), STR("Get"), &container);

    ck_assert_str_eq(ref->full_name, "config|get");
    ck_assert_ptr_eq(ref->parent, container);
    ck_assert_str_eq(resolve(1, STR("config"), STR(""), &container)->full_name, "config");
    ck_assert_ptr_null(resolve(2, STR("config"), STR("nosuch"), &container));
    ck_assert_str_eq(container->cmd->name, "config");
    ck_assert_ptr_null(resolve(2, STR("nosuch"), STR("get"), &container));
    ck_assert_ptr_null(container);
}
END_TEST

/* COMMAND itself runs without a subcommand, but not with a wrong one. */
START_TEST(a_container_that_runs_takes_no_unknown_word)
{
    struct command_ref *container;

    ck_assert_str_eq(resolve(1, STR("command"), STR(""), &container)->full_name, "command");
    ck_assert_ptr_null(resolve(2, STR("command"), STR("foo"), &container));
    ck_assert_ptr_nonnull(container);
}
END_TEST

START_TEST(a_renamed_command_has_its_new_name_alone)
{
    struct command_ref *get = registry_find(r, STR("get"));

    ck_assert_int_eq(registry_rename(r, "GET", "fetch"), OK);
    ck_assert_ptr_eq(registry_find(r, STR("FETCH")), get);
    ck_assert_ptr_null(registry_find(r, STR("get")));
    ck_assert_ptr_eq(registry_find_own(r, STR("get")), get);
    ck_assert_ptr_eq(registry_find_own(r, STR("fetch")), get);
    ck_assert_int_eq(registry_rename(r, "get", "x"), ERR_NO_KEY);
    ck_assert_int_eq(registry_rename(r, "set", "fetch"), ERR_NOT_DONE);
    ck_assert_int_eq(registry_rename(r, "set", "get"), OK);
    ck_assert_str_eq(registry_find(r, STR("get"))->cmd->name, "set");
    ck_assert_ptr_eq(registry_find_own(r, STR("get")), get);
}
END_TEST

START_TEST(a_command_that_is_taken_away_is_known_to_the_log_alone)
{
    size_t n = registry_count(r);
    struct str argv[] = { STR("config"), STR("get") };

    ck_assert_int_eq(registry_rename(r, "flushall", ""), OK);
    ck_assert_int_eq(registry_rename(r, "append", ""), OK);
    ck_assert_uint_eq(registry_count(r), n - 2);
    ck_assert_ptr_null(registry_find(r, STR("flushall")));
    ck_assert_str_eq(registry_find_own(r, STR("FLUSHALL"))->cmd->name, "flushall");
    for (size_t i = 0; i < registry_count(r); i++) {
        ck_assert_str_ne(registry_at(r, i)->cmd->name, "flushall");
        ck_assert_ptr_eq(registry_find(r, str_c(registry_at(r, i)->cmd->name)), registry_at(r, i));
    }
    ck_assert_str_eq(registry_resolve_own(r, 2, argv)->parent->cmd->name, "config");
}
END_TEST

START_TEST(calls_fall_into_powers_of_two_of_microseconds)
{
    struct command_stats st = { 0 };
    const int64_t us[] = { 0, 1, 2, 3, 4, 5, 1024, 1025, INT64_MAX };
    const int bucket[] = { 0, 0, 1, 2, 2, 3, 10, 11, LATENCY_BUCKETS - 1 };

    for (size_t i = 0; i < sizeof us / sizeof *us; i++) {
        uint64_t before = st.histogram[bucket[i]];
        command_stats_add(&st, us[i], i == 2);
        ck_assert_uint_eq(st.histogram[bucket[i]], before + 1);
    }
    ck_assert_uint_eq(st.calls, sizeof us / sizeof *us);
    ck_assert_uint_eq(st.failed, 1);
}
END_TEST

START_TEST(a_reset_zeroes_subcommands_too)
{
    struct command_ref *get = registry_find_full(r, STR("config|get"));

    command_stats_add(&get->stats, 5, true);
    registry_find(r, STR("set"))->stats.rejected = 3;
    registry_reset_stats(r);
    ck_assert_uint_eq(get->stats.calls + get->stats.failed + get->stats.us, 0);
    ck_assert_uint_eq(registry_find(r, STR("set"))->stats.rejected, 0);
}
END_TEST

UNIT_MAIN_AROUND("registry", set_up, tear_down, a_command_is_found_in_any_case, rows_come_in_the_order_of_their_names,
                 every_row_is_found_by_its_name, a_request_is_resolved_to_its_subcommand,
                 a_container_that_runs_takes_no_unknown_word, a_renamed_command_has_its_new_name_alone,
                 a_command_that_is_taken_away_is_known_to_the_log_alone,
                 calls_fall_into_powers_of_two_of_microseconds, a_reset_zeroes_subcommands_too)

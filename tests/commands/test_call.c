/* How a call runs and what handlers parse their arguments with: rows made for the purpose. */
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

enum { ARGS_MAX = 16 };

/* A call of `row` with the words of `line`, its reply in `out`. */
static struct {
    struct arena arena;
    struct buf out;
    struct reply reply;
    struct str argv[ARGS_MAX];
    struct call c;
} t;

static void set_up(void)
{
    harness_open();
    arena_init(&t.arena);
    t.reply = (struct reply){ &t.out, 2 };
}

static void tear_down(void)
{
    arena_fini(&t.arena);
    buf_fini(&t.out);
    harness_close();
}

static struct call *call_of(const struct command *row, const char *line)
{
    t.c = (struct call){ .cmd = row,
                         .argv = t.argv,
                         .out = &t.reply,
                         .store = harness_store(),
                         .db = harness_store()->dbs[0],
                         .arena = &t.arena,
                         .may_block = true };
    for (const char *at = line; *at != '\0';) {
        size_t n = strcspn(at, " ");

        ck_assert_uint_lt(t.c.argc, ARGS_MAX);
        t.argv[t.c.argc++] = str_of(at, n);
        at += n + (at[n] == ' ');
    }
    return &t.c;
}

#define expect_reply(bytes) expect_str(buf_str(&t.out), STR(bytes))

/* --- call_run --------------------------------------------------------------------------------- */

static enum err run_ok(struct call *c)
{
    reply_ok(c->out);
    return OK;
}

static enum err run_half(struct call *c)
{
    reply_array(c->out, 2);
    reply_int(c->out, 1);
    return ERR_SYNTAX;
}

static enum err run_said(struct call *c)
{
    reply_error(c->out, STR("ERR own words"));
    return CALL_REPLIED_ERROR;
}

static enum err run_wait(struct call *c)
{
    return call_block(c, c->argv + 1, c->argc - 1, VALUE_LIST, 1500, NULL_ARRAY);
}

static enum err run_expire_error(struct call *c)
{
    (void)c;
    return ERR_EXPIRE_TIME;
}

static enum err run_option_error(struct call *c)
{
    return call_fail(c, ERR_CLIENT_INFO_OPTION, call_arg(c, 1));
}

static const struct command row_ok = { .name = "ok", .run = run_ok, .arity = 2 };
static const struct command row_many = { .name = "many", .run = run_ok, .arity = -2 };
static const struct command row_half = { .name = "half", .run = run_half, .arity = -1 };
static const struct command row_said = { .name = "said", .run = run_said, .arity = -1 };
static const struct command row_wait = { .name = "wait", .run = run_wait, .arity = -2 };
static const struct command row_expire = { .name = "soon", .run = run_expire_error, .arity = -1 };
static const struct command row_option = { .name = "opt", .run = run_option_error, .arity = 2 };

START_TEST(an_arity_is_exact_or_a_minimum)
{
    ck_assert(!command_arity_ok(&row_ok, 1));
    ck_assert(command_arity_ok(&row_ok, 2));
    ck_assert(!command_arity_ok(&row_ok, 3));
    ck_assert(!command_arity_ok(&row_many, 1));
    ck_assert(command_arity_ok(&row_many, 2));
    ck_assert(command_arity_ok(&row_many, 1000000));
}
END_TEST

START_TEST(a_call_of_the_wrong_length_does_not_run)
{
    ck_assert_int_eq(call_run(call_of(&row_ok, "ok")), ERR_ARITY);
    expect_reply("-ERR wrong number of arguments for 'ok' command\r\n");
    buf_clear(&t.out);
    ck_assert_int_eq(call_run(call_of(&row_ok, "ok a")), OK);
    expect_reply("+OK\r\n");
}
END_TEST

START_TEST(an_error_takes_the_place_of_what_the_handler_had_written)
{
    reply_int(&t.reply, 7);
    ck_assert_int_eq(call_run(call_of(&row_half, "half")), ERR_SYNTAX);
    expect_reply(":7\r\n-ERR syntax error\r\n");
}
END_TEST

START_TEST(a_handler_may_say_an_error_itself)
{
    ck_assert_int_eq(call_run(call_of(&row_said, "said")), CALL_REPLIED_ERROR);
    expect_reply("-ERR own words\r\n");
}
END_TEST

START_TEST(an_error_names_the_command_or_what_the_handler_gave)
{
    ck_assert_int_eq(call_run(call_of(&row_expire, "SOON")), ERR_EXPIRE_TIME);
    expect_reply("-ERR invalid expire time in 'soon' command\r\n");
    buf_clear(&t.out);
    ck_assert_int_eq(call_run(call_of(&row_option, "opt BAD%s")), ERR_CLIENT_INFO_OPTION);
    expect_reply("-ERR Unrecognized option 'BAD%s'\r\n");
}
END_TEST

START_TEST(what_stands_in_an_error_is_cut_and_cleaned)
{
    char word[300];
    struct call *c = call_of(&row_option, "opt x");

    memset(word, 'y', sizeof word);
    memcpy(word, "\r\n", 2);
    t.argv[1] = str_of(word, sizeof word);
    ck_assert_int_eq(call_run(c), ERR_CLIENT_INFO_OPTION);
    ck_assert_uint_eq(t.out.n, strlen("-ERR Unrecognized option ''\r\n") + 128);
    expect_str(str_of(t.out.p, 30), STR("-ERR Unrecognized option '  yy"));
}
END_TEST

START_TEST(every_code_with_a_text_can_be_replied)
{
    for (int e = OK + 1; e < ERR_COUNT; e++) {
        if (err_text((enum err)e) == NULL) continue;
        buf_clear(&t.out);
        call_reply_error(call_of(&row_ok, "ok"), (enum err)e);
        ck_assert_int_eq(t.out.p[0], '-');
        ck_assert_ptr_null(memmem(t.out.p, t.out.n, "%s", 2));
        ck_assert_ptr_eq(memmem(t.out.p, t.out.n, "\r\n", 2), t.out.p + t.out.n - 2);
    }
}
END_TEST

START_TEST(a_call_that_waits_has_said_nothing)
{
    struct call *c = call_of(&row_wait, "wait a b");

    ck_assert_int_eq(call_run(c), CALL_BLOCKED);
    expect_reply("");
    ck_assert_ptr_eq(c->wait.keys, c->argv + 1);
    ck_assert_uint_eq(c->wait.n_keys, 2);
    ck_assert_int_eq(c->wait.type, VALUE_LIST);
    ck_assert_int_eq(c->wait.timeout_ms, 1500);
    ck_assert_int_eq(c->wait.on_timeout, NULL_ARRAY);
}
END_TEST

START_TEST(where_waiting_is_not_allowed_the_null_comes_at_once)
{
    struct call *c = call_of(&row_wait, "wait a");

    c->may_block = false;
    ck_assert_int_eq(call_run(c), OK);
    expect_reply("*-1\r\n");
    buf_clear(&t.out);
    ck_assert_int_eq(call_block(c, c->argv, 1, VALUE_LIST, 0, NULL_BULK), OK);
    expect_reply("$-1\r\n");
}
END_TEST

/* --- arguments -------------------------------------------------------------------------------- */

START_TEST(numbers_are_parsed_by_the_rules_of_redis)
{
    struct call *c = call_of(&row_many, "many -42 3.5 x 9223372036854775808 +1 inf nan");
    int64_t v = 7;
    double d = 7;

    ck_assert_int_eq(call_i64(c, 1, &v), OK);
    ck_assert_int_eq(v, -42);
    ck_assert_int_eq(call_i64(c, 2, &v), ERR_NOT_INT);
    ck_assert_int_eq(call_i64(c, 3, &v), ERR_NOT_INT);
    ck_assert_int_eq(call_i64(c, 4, &v), ERR_NOT_INT);
    ck_assert_int_eq(call_i64(c, 5, &v), ERR_NOT_INT);
    ck_assert_int_eq(v, -42);
    ck_assert_int_eq(call_double(c, 2, &d), OK);
    ck_assert(d == 3.5);
    ck_assert_int_eq(call_double(c, 3, &d), ERR_NOT_FLOAT);
    ck_assert_int_eq(call_double(c, 7, &d), ERR_NOT_FLOAT);
    ck_assert(d == 3.5);
    ck_assert_int_eq(call_double(c, 6, &d), OK);
}
END_TEST

START_TEST(a_range_includes_its_ends)
{
    struct call *c = call_of(&row_many, "many 1 5 0 6 x");
    int64_t v = 77;

    ck_assert_int_eq(call_range(c, 3, 1, 5, ERR_SYNTAX, &v), ERR_SYNTAX);
    ck_assert_int_eq(call_range(c, 4, 1, 5, ERR_SYNTAX, &v), ERR_SYNTAX);
    ck_assert_int_eq(call_range(c, 5, 1, 5, ERR_SYNTAX, &v), ERR_NOT_INT);
    ck_assert_int_eq(v, 77);
    ck_assert_int_eq(call_range(c, 1, 1, 5, ERR_SYNTAX, &v), OK);
    ck_assert_int_eq(v, 1);
    ck_assert_int_eq(call_range(c, 2, 1, 5, ERR_SYNTAX, &v), OK);
    ck_assert_int_eq(v, 5);
}
END_TEST

START_TEST(words_are_compared_without_case)
{
    struct call *c = call_of(&row_many, "many eX exx");

    ck_assert(call_is(c, 1, "EX"));
    ck_assert(!call_is(c, 2, "EX"));
    ck_assert(!call_is(c, 3, "EX")); /* there is no such argument */
}
END_TEST

static enum err timeout_of(const char *text, int64_t *ms)
{
    struct call *c = call_of(&row_many, "many x");

    t.argv[1] = str_c(text);
    return call_timeout(c, 1, ms);
}

START_TEST(a_timeout_is_in_seconds_and_rounded_up)
{
    int64_t ms = -1;

    ck_assert_int_eq(timeout_of("0", &ms), OK);
    ck_assert_int_eq(ms, 0);
    ck_assert_int_eq(timeout_of("1.5", &ms), OK);
    ck_assert_int_eq(ms, 1500);
    ck_assert_int_eq(timeout_of("0.0001", &ms), OK);
    ck_assert_int_eq(ms, 1);
    ck_assert_int_eq(timeout_of("1e3", &ms), OK);
    ck_assert_int_eq(ms, 1000000);
    ck_assert_int_eq(timeout_of("-0.0001", &ms), OK);
    ck_assert_int_eq(ms, 0);
}
END_TEST

START_TEST(a_timeout_out_of_range_is_refused_in_words_of_its_own)
{
    int64_t ms = 77;

    ck_assert_int_eq(timeout_of("x", &ms), ERR_TIMEOUT_NOT_FLOAT);
    ck_assert_int_eq(timeout_of("", &ms), ERR_TIMEOUT_NOT_FLOAT);
    ck_assert_int_eq(timeout_of("nan", &ms), ERR_TIMEOUT_NOT_FLOAT);
    ck_assert_int_eq(timeout_of("-1", &ms), ERR_TIMEOUT_NEGATIVE);
    ck_assert_int_eq(timeout_of("-inf", &ms), ERR_TIMEOUT_NEGATIVE);
    ck_assert_int_eq(timeout_of("inf", &ms), ERR_TIMEOUT_RANGE);
    ck_assert_int_eq(timeout_of("9223372036854775807", &ms), ERR_TIMEOUT_RANGE);
    /* It fits, but not when the time of day is added. */
    ck_assert_int_eq(timeout_of("9223372036854775", &ms), ERR_TIMEOUT_RANGE);
    ck_assert_int_eq(ms, 77);
}
END_TEST

enum { POSITIVE = true, ANY = false };
static const struct expire_form ex = { true, true }, px = { false, true }, exat = { true, false },
                                pxat = { false, false };

static enum err expire_of(const char *text, struct expire_form form, bool positive, int64_t *at_ms)
{
    struct call *c = call_of(&row_many, "many x");

    t.argv[1] = str_c(text);
    return call_expire_at(c, 1, form, positive, at_ms);
}

START_TEST(a_time_to_live_has_four_forms)
{
    int64_t at;

    ck_assert_int_eq(expire_of("10", ex, POSITIVE, &at), OK);
    ck_assert_int_eq(at, harness_now() + 10000);
    ck_assert_int_eq(expire_of("10", px, POSITIVE, &at), OK);
    ck_assert_int_eq(at, harness_now() + 10);
    ck_assert_int_eq(expire_of("10", exat, POSITIVE, &at), OK);
    ck_assert_int_eq(at, 10000);
    ck_assert_int_eq(expire_of("10", pxat, POSITIVE, &at), OK);
    ck_assert_int_eq(at, 10);
}
END_TEST

START_TEST(a_time_to_live_may_be_in_the_past_where_that_has_a_meaning)
{
    int64_t at = 77;

    ck_assert_int_eq(expire_of("0", ex, POSITIVE, &at), ERR_EXPIRE_TIME);
    ck_assert_int_eq(expire_of("-1", pxat, POSITIVE, &at), ERR_EXPIRE_TIME);
    ck_assert_int_eq(at, 77);
    ck_assert_int_eq(expire_of("0", ex, ANY, &at), OK);
    ck_assert_int_eq(at, harness_now());
    ck_assert_int_eq(expire_of("-5", px, ANY, &at), OK);
    ck_assert_int_eq(at, harness_now() - 5);
    ck_assert_int_eq(expire_of("-9223372036854775808", px, ANY, &at), OK);
    ck_assert_int_eq(at, INT64_MIN + harness_now());
    ck_assert_int_eq(expire_of("-9223372036854775", exat, ANY, &at), OK);
    ck_assert_int_eq(at, -9223372036854775000);
}
END_TEST

START_TEST(a_time_to_live_does_not_overflow)
{
    int64_t at = 77;

    ck_assert_int_eq(expire_of("x", ex, ANY, &at), ERR_NOT_INT);
    ck_assert_int_eq(expire_of("9223372036854776", exat, ANY, &at), ERR_EXPIRE_TIME);
    ck_assert_int_eq(expire_of("-9223372036854776", exat, ANY, &at), ERR_EXPIRE_TIME);
    ck_assert_int_eq(expire_of("9223372036854775807", px, ANY, &at), ERR_EXPIRE_TIME);
    ck_assert_int_eq(expire_of("9223372036854775", ex, ANY, &at), ERR_EXPIRE_TIME);
    ck_assert_int_eq(at, 77);
    ck_assert_int_eq(expire_of("9223372036854775807", pxat, POSITIVE, &at), OK);
    ck_assert_int_eq(at, INT64_MAX);
}
END_TEST

START_TEST(numbers_become_arguments_of_the_journal)
{
    struct call *c = call_of(&row_many, "many");

    expect_str(call_num(c, INT64_MIN), STR("-9223372036854775808"));
    expect_str(call_num(c, 0), STR("0"));
}
END_TEST

/* --- rows ------------------------------------------------------------------------------------- */

START_TEST(categories_follow_from_flags)
{
    struct command row = { .name = "x", .acl = ACL_STRING, .flags = CMD_WRITE | CMD_FAST };

    ck_assert_uint_eq(command_categories(&row), ACL_STRING | ACL_WRITE | ACL_FAST);
    row.flags = CMD_READONLY | CMD_BLOCKING;
    ck_assert_uint_eq(command_categories(&row), ACL_STRING | ACL_READ | ACL_BLOCKING | ACL_SLOW);
    row.flags = CMD_ADMIN | CMD_PUBSUB;
    ck_assert_uint_eq(command_categories(&row),
                      ACL_STRING | ACL_ADMIN | ACL_DANGEROUS | ACL_PUBSUB | ACL_SLOW);
    row.flags = CMD_READONLY;
    row.acl = ACL_SCRIPTING;
    ck_assert_uint_eq(command_categories(&row), ACL_SCRIPTING | ACL_SLOW);
}
END_TEST

/* The keys of a request by its row as words, "?" where the arguments make no sense. */
static void expect_keys(const struct command *row, const char *line, const char *want)
{
    struct call *c = call_of(row, line);
    struct key_ref refs[ARGS_MAX];
    struct buf got = { 0 };
    long n = command_keys(row, c->argc, c->argv, refs, ARGS_MAX);

    if (n < 0) buf_add_char(&got, '?');
    for (long i = 0; i < n; i++) {
        if (i > 0) buf_add_char(&got, ' ');
        buf_add_str(&got, c->argv[refs[i].at]);
    }
    expect_str(buf_str(&got), str_c(want));
    ck_assert_int_eq(command_keys(row, c->argc, c->argv, NULL, 0), n);
    buf_fini(&got);
}

START_TEST(keys_at_fixed_places)
{
    struct command get = { .keys = { KEY_AT(1, KEY_RO) } };
    struct command copy = { .keys = { KEY_AT(1, KEY_RO), KEY_AT(2, KEY_OW) } };
    struct command ping = { 0 };

    expect_keys(&get, "get k", "k");
    expect_keys(&get, "get", "?");
    expect_keys(&copy, "copy a b", "a b");
    expect_keys(&ping, "ping a", "");
}
END_TEST

START_TEST(keys_up_to_the_end)
{
    struct command del = { .keys = { KEYS_FROM(1, -1, 1, KEY_RM) } };
    struct command mset = { .keys = { KEYS_FROM(1, -1, 2, KEY_OW) } };
    struct command blpop = { .keys = { KEYS_FROM(1, -2, 1, KEY_RW) } };

    expect_keys(&del, "del a b c", "a b c");
    expect_keys(&mset, "mset a 1 b 2", "a b");
    expect_keys(&blpop, "blpop a b 0", "a b");
    expect_keys(&del, "del", "");
}
END_TEST

START_TEST(counted_keys)
{
    struct command store = { .keys = { KEY_AT(1, KEY_OW), KEYS_COUNTED(2, KEY_RO) } };

    expect_keys(&store, "zunionstore d 2 a b", "d a b");
    expect_keys(&store, "zunionstore d 2 a b weights 1 2", "d a b");
    expect_keys(&store, "zunionstore d 1 a", "d a");
    expect_keys(&store, "zunionstore d 0 a", "?");
    expect_keys(&store, "zunionstore d -1 a", "?");
    expect_keys(&store, "zunionstore d x a", "?");
    expect_keys(&store, "zunionstore d 3 a b", "?");
    expect_keys(&store, "zunionstore d 9223372036854775807 a b", "?");
    expect_keys(&store, "zunionstore d 2", "?");
    expect_keys(&store, "zunionstore d", "?");
}
END_TEST

START_TEST(keys_behind_a_word)
{
    struct command xread = { .keys = { { .flags = KEY_RO,
                                         .first = 1,
                                         .last = -1,
                                         .step = 1,
                                         .keyword = "STREAMS",
                                         .limit = 2 } } };

    expect_keys(&xread, "xread streams a b 1 2", "a b");
    expect_keys(&xread, "xread count 5 STREAMS a 1", "a");
    expect_keys(&xread, "xread count 5", "");
    expect_keys(&xread, "xread streams", "");
    expect_keys(&xread, "xread streams a", "");
}
END_TEST

START_TEST(what_is_like_a_key_but_none_is_left_out)
{
    struct command publish = { .keys = { KEY_AT(1, KEY_NOT_KEY | KEY_RO), KEY_AT(2, KEY_RO) } };

    expect_keys(&publish, "spublish channel key", "key");
}
END_TEST

START_TEST(keys_carry_the_flags_of_their_row)
{
    struct command copy = { .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS), KEY_AT(2, KEY_OW) } };
    struct call *c = call_of(&copy, "copy a b");
    struct key_ref refs[1];

    ck_assert_int_eq(command_keys(&copy, c->argc, c->argv, refs, 1),
                     2); /* more than there is room */
    ck_assert_uint_eq(refs[0].flags, KEY_RO | KEY_ACCESS);
    ck_assert_uint_eq(refs[0].at, 1);
}
END_TEST

static void check_keys(const struct command *table)
{
    for (; table->name != NULL; table++) {
        if (table->subs != NULL) check_keys(table->subs);
        for (int i = 0; i < COMMAND_KEY_SPECS && table->keys[i].flags; i++) {
            const struct key_spec *s = &table->keys[i];

            ck_assert_msg(s->first >= 0 && s->step > 0, "%s: key %d", table->name, i);
            ck_assert_msg(s->last >= 0 || !s->counted, "%s: key %d", table->name, i);
            ck_assert_msg(s->step == 1 || !s->counted, "%s: key %d", table->name, i);
        }
    }
}

START_TEST(every_row_says_where_its_keys_are_in_a_way_that_works)
{
    for (int i = 0; command_tables[i] != NULL; i++) check_keys(command_tables[i]);
}
END_TEST

/* With any words as arguments it has that one key, and those said to have none or several do not count. */
static size_t check_lone_keys(const struct command *table)
{
    static const struct str words[] = { STR("a"), STR("b"), STR("c"), STR("1"), STR("store"), STR("by"), STR("streams"), STR("get") };
    enum { WORDS = sizeof words / sizeof *words };
    struct str argv[ARGS_MAX];
    size_t n = 0;

    for (; table->name != NULL; table++) {
        size_t at = command_lone_key(table), least = (size_t)(table->arity < 0 ? -table->arity : table->arity);

        if (table->subs != NULL) n += check_lone_keys(table->subs);
        if (at == 0) continue;
        n++;
        for (size_t argc = least; argc < ARGS_MAX && (table->arity < 0 || argc == least); argc++) {
            struct key_ref refs[ARGS_MAX];
            for (size_t i = 0; i < argc; i++) argv[i] = words[(i + argc) % WORDS];
            ck_assert_msg(command_keys(table, argc, argv, refs, ARGS_MAX) == 1 && refs[0].at == at, "%s", table->name);
        }
    }
    return n;
}

START_TEST(a_lone_key_is_the_only_one_whatever_the_arguments)
{
    const struct command get = { .keys = { KEY_AT(1, KEY_RO) } }, mget = { .keys = { KEYS_FROM(1, -1, 1, KEY_RO) } };
    const struct command copy = { .keys = { KEY_AT(1, KEY_RO), KEY_AT(2, KEY_OW) } }, ping = { .name = "ping" };
    size_t n = 0;

    ck_assert_uint_eq(command_lone_key(&get), 1);
    ck_assert_uint_eq(command_lone_key(&mget), 0);
    ck_assert_uint_eq(command_lone_key(&copy), 0);
    ck_assert_uint_eq(command_lone_key(&ping), 0);
    for (int i = 0; command_tables[i] != NULL; i++) n += check_lone_keys(command_tables[i]);
    ck_assert_uint_gt(n, 80);
}
END_TEST

UNIT_MAIN_AROUND(
    "call", set_up, tear_down, an_arity_is_exact_or_a_minimum,
    a_call_of_the_wrong_length_does_not_run,
    an_error_takes_the_place_of_what_the_handler_had_written, a_handler_may_say_an_error_itself,
    an_error_names_the_command_or_what_the_handler_gave, what_stands_in_an_error_is_cut_and_cleaned,
    every_code_with_a_text_can_be_replied, a_call_that_waits_has_said_nothing,
    where_waiting_is_not_allowed_the_null_comes_at_once, numbers_are_parsed_by_the_rules_of_redis,
    a_range_includes_its_ends, words_are_compared_without_case,
    a_timeout_is_in_seconds_and_rounded_up, a_timeout_out_of_range_is_refused_in_words_of_its_own,
    a_time_to_live_has_four_forms, a_time_to_live_may_be_in_the_past_where_that_has_a_meaning,
    a_time_to_live_does_not_overflow, numbers_become_arguments_of_the_journal,
    categories_follow_from_flags, keys_at_fixed_places, keys_up_to_the_end, counted_keys,
    keys_behind_a_word, what_is_like_a_key_but_none_is_left_out, keys_carry_the_flags_of_their_row,
    every_row_says_where_its_keys_are_in_a_way_that_works, a_lone_key_is_the_only_one_whatever_the_arguments)

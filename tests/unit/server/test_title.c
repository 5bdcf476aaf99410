#include "server/title.h"

#include "conf/conf.h"
#include "tests/unit/unit.h"

static struct conf conf;
static struct buf out;

static void set_up(void) { conf_init(&conf); }

static void tear_down(void)
{
    conf_fini(&conf);
    buf_fini(&out);
}

/* What a template shows after some settings. */
static struct str shown(const char *template, const char *settings)
{
    struct conf_error e;
    struct buf text = { 0 };

    buf_printf(&text, "%s\nproc-title-template \"%s\"\n", settings, template);
    ck_assert_int_eq(conf_load_text(&conf, buf_str(&text), "test", &e), OK);
    buf_fini(&text);
    buf_clear(&out);
    title_text(&conf, &out);
    return buf_str(&out);
}

START_TEST(variables_are_replaced)
{
    expect_str(shown("{title} {listen-addr} {server-mode}", "port 7000\nbind 10.0.0.1 10.0.0.2"),
               STR("memd 10.0.0.1:7000"));
    expect_str(shown("{port}/{tls-port} {title}{title}", ""), STR("7000/0 memdmemd"));
    expect_str(shown("{tls-port} {listen-addr}", "bind 127.0.0.1\nport 0\ntls-port 7001"), STR("7001 127.0.0.1:7001"));
    expect_str(shown("x{config-file}", ""), STR("x"));
}
END_TEST

START_TEST(without_tcp_the_socket_is_shown)
{
    expect_str(shown("{title} {listen-addr}", "port 0\nunixsocket /run/m.sock"), STR("memd /run/m.sock"));
    expect_str(shown("{unixsocket}", ""), STR("/run/m.sock"));
}
END_TEST

START_TEST(two_braces_are_one)
{
    expect_str(shown("a {{b} {title}", ""), STR("a {b} memd"));
}
END_TEST

/* The kernel lays argv and the environment out as one piece, which a test can do as well. */
START_TEST(the_memory_of_the_arguments_is_taken_and_the_environment_kept)
{
    char memory[] = "memd\0--requirepass\0secret\0A=1\0B=2";
    char *argv[] = { memory, memory + 5, memory + 19, NULL }, *env[] = { memory + 26, memory + 30, NULL };
    struct title t;
    char **copy = title_take(&t, 3, argv, env);

    ck_assert_ptr_eq(t.at, memory);
    ck_assert_uint_eq(t.n, sizeof memory);
    shown("{title} here", "");
    title_show(&t, &conf);
    ck_assert_str_eq(memory, "memd here");
    for (size_t i = 10; i < sizeof memory; i++) ck_assert_int_eq(memory[i], 0);
    ck_assert_str_eq(copy[0], "A=1");
    ck_assert_str_eq(copy[1], "B=2");
    ck_assert_ptr_null(copy[2]);
    mem_free(copy);
}
END_TEST

START_TEST(a_long_title_is_cut_to_what_there_is)
{
    char memory[] = "memd";
    char *argv[] = { memory, NULL }, *env[] = { NULL };
    struct title t;
    char **copy = title_take(&t, 1, argv, env);

    shown("{title} is far too long", "");
    title_show(&t, &conf);
    ck_assert_str_eq(memory, "memd");
    shown("x", "set-proc-title no");
    title_show(&t, &conf);
    ck_assert_str_eq(memory, "memd");
    mem_free(copy);
}
END_TEST

UNIT_MAIN_AROUND("title", set_up, tear_down, variables_are_replaced, without_tcp_the_socket_is_shown,
                 two_braces_are_one, the_memory_of_the_arguments_is_taken_and_the_environment_kept,
                 a_long_title_is_cut_to_what_there_is)

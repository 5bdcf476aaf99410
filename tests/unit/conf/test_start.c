/* The command line, the environment, and which of the sources wins. */
#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/conf/fixture.h"

enum { ARGS_MAX = 16 };

/* "memd" and the arguments given, up to NULL. */
struct command_line {
    int argc;
    char *argv[ARGS_MAX];
};

#define ARGS(...) args_of((const char *const[]){ __VA_ARGS__, NULL })

static struct command_line args_of(const char *const *args)
{
    struct command_line l = { .argc = 1, .argv = { "memd" } };

    for (; *args != NULL; args++) l.argv[l.argc++] = (char *)*args;
    return l;
}

/* Load options; the error, or "" when there is none. */
static const char *options(struct command_line l)
{
    struct conf_error e;

    if (conf_from_args(&conf, l.argc, l.argv, &e) == OK) return "";
    return error_text(&e);
}

static const char *start(struct command_line l, char **env, int in)
{
    struct conf_start s = { .argc = l.argc, .argv = l.argv, .env = env, .in = in };
    struct conf_error e;

    if (conf_load(&conf, &s, &e) == OK) return "";
    return error_text(&e);
}

static const char *environment(char **env)
{
    struct conf_error e;

    if (conf_from_env(&conf, env, &e) == OK) return "";
    return error_text(&e);
}

#define ENV(...) environment((char *[]){ __VA_ARGS__, NULL })

/* --- command line ----------------------------------------------------------------------------- */

START_TEST(options_are_names_and_values)
{
    ck_assert_str_eq(options(ARGS("--port", "7000", "--maxmemory", "2gb", "--save", "60", "1",
                                  "--save", "5", "2", "--logfile", "a b")),
                     "");
    ck_assert_int_eq(conf.port, 7000);
    ck_assert_uint_eq(conf.maxmemory, 2ull << 30);
    ck_assert_str_eq(conf.logfile, "a b");
    expect_value("save", "60 1 5 2");
}
END_TEST

START_TEST(an_option_may_bring_its_value_along)
{
    ck_assert_str_eq(
        options(ARGS("--maxmemory 700mb", "--logfile 'a b'", "--port 1", "--shutdown-on-sigint",
                     "nosave force now", "--shutdown-on-sigterm", "save", "force")),
        "");
    ck_assert_uint_eq(conf.maxmemory, 734003200);
    ck_assert_str_eq(conf.logfile, "a b");
    ck_assert_int_eq(conf.port, 1);
    expect_value("shutdown-on-sigint", "nosave now force");
    expect_value("shutdown-on-sigterm", "save force");
}
END_TEST

START_TEST(a_value_may_look_like_an_option)
{
    ck_assert_str_eq(options(ARGS("--syslog-ident", "--mine", "--loglevel", "verbose")), "");
    ck_assert_str_eq(conf.syslog_ident, "--mine");
    ck_assert_int_eq(conf.loglevel, LOG_VERBOSE);
}
END_TEST

START_TEST(save_without_a_value_is_none)
{
    ck_assert_str_eq(options(ARGS("--save", "--loglevel", "verbose")), "");
    expect_value("save", "");
    expect_value("loglevel", "verbose");
    ck_assert_str_eq(options(ARGS("--save", "1", "1", "--loglevel", "debug", "--save")), "");
    expect_value("save", "");
    ck_assert_str_eq(options(ARGS("--save", "1", "1", "--save", "")), "");
    expect_value("save", "");
    ck_assert_str_eq(options(ARGS("--syslog-ident", "--save", "--save", "", "--port", "5")), "");
    ck_assert_str_eq(conf.syslog_ident, "--save");
    ck_assert_int_eq(conf.port, 5);
}
END_TEST

START_TEST(mistakes_on_the_command_line_show_the_option)
{
    static const struct {
        const char *args[4];
        const char *says;
    } cases[] = {
        { { "--invalid" }, "'invalid': Bad directive or wrong number of arguments" },
        { { "--port" }, "'port': wrong number of arguments" },
        { { "--port", "6379", "6380" }, "'port \"6379\" \"6380\"': wrong number of arguments" },
        { { "--port", "--loglevel", "x" },
          "'port \"--loglevel\" \"x\"': wrong number of arguments" },
        { { "--port", "--bla", "--loglevel" },
          "'port \"--bla\"': argument couldn't be parsed into an integer" },
        { { "--loglevel", "--bla" },
          "'loglevel \"--bla\"': argument(s) must be one of the following: " },
        { { "--shutdown-on-sigint" },
          "'shutdown-on-sigint': argument(s) must be one of the following: " },
        { { "--replicaof", "127.0.0.1", "abc" },
          "'replicaof \"127.0.0.1\" \"abc\"': Invalid master port" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = options(args_of(cases[i].args));

        if (strstr(got, cases[i].says) == NULL) ck_abort_msg("%s\nlacks %s", got, cases[i].says);
        ck_assert_int_eq(strncmp(got, "command line: ", 14), 0);
    }
}
END_TEST

/* --- environment ------------------------------------------------------------------------------ */

START_TEST(variables_set_what_they_name)
{
    ck_assert_str_eq(ENV("MEMD_MAXMEMORY=2gb", "MEMD_APPENDONLY=yes", "MEMD_PORT=7001",
                         "MEMD_MAXMEMORY_POLICY=allkeys-lfu", "MEMD_SAVE=60 1 5 2",
                         "MEMD_BIND=0.0.0.0 -::", "MEMD_LUA_TIME_LIMIT=3", "PATH=/bin",
                         "memd_port=1", "MEMD_SERVER_CPULIST=0", "NONSENSE"),
                     "");
    ck_assert_uint_eq(conf.maxmemory, 2ull << 30);
    ck_assert(conf.appendonly);
    ck_assert_int_eq(conf.port, 7001);
    ck_assert_int_eq(conf.maxmemory_policy, CONF_POLICY_ALLKEYS_LFU);
    ck_assert_int_eq(conf.busy_reply_threshold, 3);
    expect_value("save", "60 1 5 2");
    expect_value("bind", "0.0.0.0 -::");
    expect_value("server_cpulist", "0");
    ck_assert_str_eq(warnings(), "environment: server_cpulist: accepted for compatibility, has no "
                                 "effect\n");
}
END_TEST

START_TEST(an_empty_save_variable_turns_snapshots_off)
{
    ck_assert_str_eq(ENV("MEMD_SAVE="), "");
    expect_value("save", "");
}
END_TEST

START_TEST(a_bad_variable_is_an_error)
{
    ck_assert_str_eq(ENV("MEMD_PORT=x"), "environment: MEMD_PORT: \"x\" is not accepted: a whole "
                                         "number from 0 to 65535");
    ck_assert_str_eq(ENV("MEMD_DATABASES="), "environment: MEMD_DATABASES: \"\" is not accepted: "
                                             "a whole number of databases, 1 or more");
}
END_TEST

START_TEST(an_unknown_variable_is_a_warning)
{
    ck_assert_str_eq(ENV("MEMD_MAXMEMORI=1", "MEMD_USER=memd", "MEMD_INCLUDE=/x"), "");
    ck_assert_str_eq(warnings(), "environment: MEMD_MAXMEMORI is no setting and is ignored\n"
                                 "environment: MEMD_USER is no setting and is ignored\n"
                                 "environment: MEMD_INCLUDE is no setting and is ignored\n");
}
END_TEST

START_TEST(what_containers_say_of_a_service_named_memd_is_not_meant)
{
    ck_assert_str_eq(ENV("MEMD_PORT=tcp://10.0.0.1:6379", "MEMD_SERVICE_HOST=10.0.0.1",
                         "MEMD_SERVICE_PORT=6379", "MEMD_PORT_6379_TCP=tcp://10.0.0.1:6379",
                         "MEMD_PORT_6379_TCP_PROTO=tcp", "MEMD_PORT_6379_TCP_PORT=6379",
                         "MEMD_PORT_6379_TCP_ADDR=10.0.0.1"),
                     "");
    ck_assert_int_eq(conf.port, 6379);
    ck_assert_uint_eq(conf.warnings.n, 0);
}
END_TEST

START_TEST(the_password_has_names_of_its_own)
{
    char variable[512];

    ck_assert_str_eq(ENV("REDIS_PASSWORD=one"), "");
    ck_assert_str_eq(conf.requirepass, "one");
    ck_assert_str_eq(ENV("MEMD_PASSWORD=two", "REDIS_PASSWORD=one"), "");
    ck_assert_str_eq(conf.requirepass, "two");
    ck_assert_str_eq(ENV("MEMD_PASSWORD=", "REDIS_PASSWORD=", "MEMD_PASSWORD_FILE="), "");
    ck_assert_str_eq(conf.requirepass, "two");
    snprintf(variable, sizeof variable, "MEMD_PASSWORD_FILE=%s",
             test_file("secret", " three 3 \nmore\n"));
    ck_assert_str_eq(ENV(variable, "MEMD_PASSWORD=two"), "");
    ck_assert_str_eq(conf.requirepass, "three 3");
    ck_assert_uint_eq(conf.warnings.n, 0);
}
END_TEST

START_TEST(a_password_file_without_a_password_is_an_error)
{
    char variable[512];

    snprintf(variable, sizeof variable, "MEMD_PASSWORD_FILE=%s", test_file("secret", "\n"));
    ck_assert_str_eq(ENV(variable),
                     "environment: the file of MEMD_PASSWORD_FILE holds no password");
    ck_assert_str_eq(ENV("MEMD_PASSWORD_FILE=/none"),
                     "environment: /none cannot be read: No such file or directory");
}
END_TEST

/* --- together --------------------------------------------------------------------------------- */

START_TEST(file_yields_to_environment_and_environment_to_options)
{
    const char *file = test_file("memd.conf", "port 1\ntimeout 1\nhz 11\nsave 900 1\n");

    ck_assert_str_eq(
        start(ARGS(file, "--port", "3"), (char *[]){ "MEMD_PORT=2", "MEMD_TIMEOUT=2", NULL }, 0),
        "");
    ck_assert_int_eq(conf.port, 3);
    ck_assert_int_eq(conf.timeout, 2);
    ck_assert_int_eq(conf.hz, 11);
    ck_assert_str_eq(conf.file, file);
}
END_TEST

START_TEST(save_rules_of_options_add_to_those_of_the_file)
{
    const char *file = test_file("memd.conf", "save 900 1\n");

    ck_assert_str_eq(start(ARGS(file, "--save", "100", "100"), NULL, 0), "");
    expect_value("save", "900 1 100 100");
    ck_assert_str_eq(start(ARGS(file, "--save", ""), NULL, 0), "");
    expect_value("save", "");
}
END_TEST

START_TEST(nothing_at_all_is_the_defaults)
{
    struct command_line l = { .argc = 1, .argv = { "memd" } };

    ck_assert_str_eq(start(l, (char *[]){ NULL }, 0), "");
    ck_assert_str_eq(conf.file, "");
}
END_TEST

START_TEST(a_dash_reads_the_standard_input_after_the_file)
{
    const char *file = test_file("memd.conf", "port 1\ntimeout 1\n");
    int in = open(test_file("in", "port 2\nhz 20"), O_RDONLY);

    ck_assert_str_eq(start(ARGS(file, "--loglevel", "debug", "-"), NULL, in), "");
    ck_assert_int_eq(conf.port, 2);
    ck_assert_int_eq(conf.timeout, 1);
    ck_assert_int_eq(conf.loglevel, LOG_DEBUG);
    close(in);
    in = open(test_path("in"), O_RDONLY);
    conf_fini(&conf);
    conf_init(&conf);
    ck_assert_str_eq(start(ARGS("-", "--port", "9"), NULL, in), "");
    ck_assert_int_eq(conf.port, 9);
    ck_assert_int_eq(conf.hz, 20);
    ck_assert_str_eq(conf.file, "");
    close(in);
}
END_TEST

START_TEST(an_error_on_the_standard_input_has_its_line)
{
    int in = open(test_file("in", "port 2\nhz x"), O_RDONLY);

    ck_assert_ptr_nonnull(strstr(start(ARGS("-"), NULL, in), "standard input:2: hz: \"x\""));
    close(in);
}
END_TEST

START_TEST(words_after_the_file_are_a_line_too)
{
    const char *file = test_file("memd.conf", "port 1\n");

    ck_assert_str_eq(start(ARGS(file, "loglevel", "verbose", "--port 2"), NULL, 0), "");
    ck_assert_int_eq(conf.loglevel, LOG_VERBOSE);
    ck_assert_int_eq(conf.port, 2);
}
END_TEST

UNIT_MAIN_AROUND("start", conf_set_up, conf_tear_down, options_are_names_and_values,
                 an_option_may_bring_its_value_along, a_value_may_look_like_an_option,
                 save_without_a_value_is_none, mistakes_on_the_command_line_show_the_option,
                 variables_set_what_they_name, an_empty_save_variable_turns_snapshots_off,
                 a_bad_variable_is_an_error, an_unknown_variable_is_a_warning,
                 what_containers_say_of_a_service_named_memd_is_not_meant,
                 the_password_has_names_of_its_own, a_password_file_without_a_password_is_an_error,
                 file_yields_to_environment_and_environment_to_options,
                 save_rules_of_options_add_to_those_of_the_file, nothing_at_all_is_the_defaults,
                 a_dash_reads_the_standard_input_after_the_file,
                 an_error_on_the_standard_input_has_its_line, words_after_the_file_are_a_line_too)

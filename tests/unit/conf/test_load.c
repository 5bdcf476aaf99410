/* Files of settings: every kind of value, quoting, includes, and what is said of mistakes. */
#include <sys/stat.h>
#include <unistd.h>

#include "conf/nearest.h"
#include "tests/unit/conf/fixture.h"

START_TEST(defaults_are_there_without_a_file)
{
    ck_assert_int_eq(conf.port, 6379);
    ck_assert_int_eq(conf.tcp_backlog, 4096);
    ck_assert_uint_eq(conf.bind.n, 2);
    ck_assert_str_eq(conf.bind.items[1], "-::1");
    ck_assert_int_eq(conf.enable_debug_command, CONF_GUARD_NO);
    ck_assert_int_eq(conf.maxmemory_policy, CONF_POLICY_NOEVICTION);
    ck_assert_str_eq(conf.requirepass, "");
    ck_assert_int_eq(conf.dir[0], '/');
    ck_assert_uint_eq(conf.warnings.n, 0);
    expect_value("save", "3600 1 300 100 60 10000");
    expect_value("client-output-buffer-limit",
                 "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
    expect_value("latency-tracking-info-percentiles", "50 99 99.9");
    expect_value("notify-keyspace-events", "");
    expect_value("oom-score-adj-values", "0 200 800");
}
END_TEST

START_TEST(each_kind_of_value_is_read)
{
    expect_loads("# comment\n"
                 "\n"
                 "  appendonly YES\r\n"
                 "PORT 7000\n"
                 "maxmemory 2gb\n"
                 "maxmemory-policy allkeys-lrm\n"
                 "logfile \"/var/log/me md.log\"\n"
                 "bind 10.0.0.1 -fe80::1 *\n"
                 "unixsocketperm 770\n"
                 "maxmemory-clients 5%\n"
                 "notify-keyspace-events KEA\n"
                 "shutdown-on-sigterm nosave force now\n"
                 "oom-score-adj-values -5 0 1000\n"
                 "latency-tracking-info-percentiles 50 99.90\n"
                 "client-output-buffer-limit replica 1gb 2mb 30\n"
                 "client-output-buffer-limit pubsub 1 2 3\n"
                 "loglevel debug\n"
                 "syslog-facility user");
    ck_assert(conf.appendonly);
    ck_assert_int_eq(conf.port, 7000);
    ck_assert_uint_eq(conf.maxmemory, 2ull << 30);
    ck_assert_int_eq(conf.maxmemory_policy, CONF_POLICY_ALLKEYS_LRM);
    ck_assert_str_eq(conf.logfile, "/var/log/me md.log");
    ck_assert_uint_eq(conf.bind.n, 3);
    ck_assert_str_eq(conf.bind.items[0], "10.0.0.1");
    ck_assert_uint_eq(conf.unixsocketperm, 0770);
    ck_assert_int_eq(conf.maxmemory_clients, -5);
    ck_assert_uint_eq(conf_client_memory(&conf), (2ull << 30) / 20);
    ck_assert_uint_eq(conf.notify_keyspace_events,
                      CONF_NOTIFY_ALL | CONF_NOTIFY_KEYSPACE | CONF_NOTIFY_KEYEVENT);
    ck_assert_int_eq(conf.shutdown_on_sigterm,
                     CONF_SHUTDOWN_NOSAVE | CONF_SHUTDOWN_NOW | CONF_SHUTDOWN_FORCE);
    ck_assert_int_eq(conf.oom_score_adj_values[2], 1000);
    ck_assert_double_eq(conf.latency_tracking_info_percentiles.items[1], 99.9);
    ck_assert_uint_eq(conf.client_output_buffer_limit[CONF_CLASS_NORMAL].hard, 0);
    ck_assert_uint_eq(conf.client_output_buffer_limit[CONF_CLASS_REPLICA].hard, 1 << 30);
    ck_assert_int_eq(conf.client_output_buffer_limit[CONF_CLASS_PUBSUB].soft_seconds, 3);
    ck_assert_int_eq(conf.loglevel, LOG_DEBUG);
    ck_assert_int_eq(conf.syslog_facility, 8);
    expect_value("unixsocketperm", "770");
    expect_value("maxmemory-clients", "5%");
    expect_value("notify-keyspace-events", "AKE");
    expect_value("shutdown-on-sigterm", "nosave now force");
}
END_TEST

START_TEST(all_ten_eviction_policies_have_a_name)
{
    static const char *const names[] = {
        "noeviction",   "allkeys-lru",  "allkeys-lfu",  "allkeys-lrm",     "allkeys-random",
        "volatile-lru", "volatile-lfu", "volatile-lrm", "volatile-random", "volatile-ttl",
    };

    for (int i = 0; i < 10; i++) {
        char line[64];

        snprintf(line, sizeof line, "maxmemory-policy %s", names[i]);
        expect_loads(line);
        ck_assert_int_eq(conf.maxmemory_policy, i);
        expect_value("maxmemory-policy", names[i]);
    }
}
END_TEST

START_TEST(an_alias_is_the_same_setting)
{
    expect_loads("list-max-ziplist-size 7\nlua-time-limit 9\nhash-max-ziplist-entries 3");
    ck_assert_int_eq(conf.list_max_listpack_size, 7);
    ck_assert_int_eq(conf.busy_reply_threshold, 9);
    ck_assert_uint_eq(conf.hash_max_listpack_entries, 3);
}
END_TEST

START_TEST(one_argument_may_hold_all_of_a_setting)
{
    expect_loads("shutdown-on-sigint \"now force\"\nbind '1.1.1.1 2.2.2.2'\nsave \"60 1 5 2\"");
    expect_value("shutdown-on-sigint", "now force");
    expect_value("bind", "1.1.1.1 2.2.2.2");
    expect_value("save", "60 1 5 2");
}
END_TEST

START_TEST(save_lines_replace_the_defaults_and_then_add_up)
{
    expect_loads("save 900 1\nsave 300 10 60 5");
    expect_value("save", "900 1 300 10 60 5");
    expect_loads("save 1 1");
    expect_value("save", "900 1 300 10 60 5 1 1");
    expect_loads("save \"\"");
    expect_value("save", "");
    ck_assert_uint_eq(conf.save.n, 0);
    expect_loads("save ''\nsave 7 7");
    expect_value("save", "7 7");
}
END_TEST

START_TEST(an_empty_bind_is_no_address)
{
    expect_loads("bind \"\"");
    ck_assert_uint_eq(conf.bind.n, 0);
}
END_TEST

START_TEST(users_and_renamed_commands_are_kept_for_others)
{
    expect_loads("user a on >secret ~* +@all\nuser b off\n"
                 "rename-command FLUSHALL \"\"\nrename-command KEYS k2");
    ck_assert_uint_eq(conf.user.n, 2);
    ck_assert_str_eq(conf.user.items[0], "a on >secret ~* +@all");
    ck_assert_uint_eq(conf.rename_command.n, 4);
    ck_assert_str_eq(conf.rename_command.items[1], "");
    ck_assert_str_eq(conf.rename_command.items[3], "k2");
}
END_TEST

START_TEST(hz_out_of_range_is_a_hint_that_is_cut)
{
    expect_loads("hz 0");
    ck_assert_int_eq(conf.hz, 1);
    expect_loads("hz 100000");
    ck_assert_int_eq(conf.hz, 500);
}
END_TEST

START_TEST(dir_is_made_absolute_and_need_not_exist)
{
    ck_assert_int_eq(chdir(test_dir()), 0);
    expect_loads("dir .");
    ck_assert_str_eq(conf.dir, test_dir());
    expect_loads("dir data/1");
    ck_assert_str_eq(conf.dir, test_path("data/1"));
    expect_loads("dir /nowhere/to/be");
    ck_assert_str_eq(conf.dir, "/nowhere/to/be");
}
END_TEST

START_TEST(settings_without_effect_are_remembered_with_one_warning_each)
{
    expect_loads("io-threads 4\nslave-read-only no\ntls-client-cert-file /x\nio-threads 8\n"
                 "loadmodule /x.so a b\nlua-replicate-commands yes\nreplicaof 10.0.0.9 6379");
    expect_value("io-threads", "8");
    expect_value("replica-read-only", "no");
    expect_value("tls-client-cert-file", "/x");
    expect_value("replicaof", "10.0.0.9 6379");
    ck_assert_str_eq(warnings(),
                     "memd.conf:1: io-threads: accepted for compatibility, has no effect\n"
                     "memd.conf:2: replica-read-only: accepted for compatibility, has no effect\n"
                     "memd.conf:3: tls-client-cert-file: accepted for compatibility, has no effect\n"
                     "memd.conf:5: loadmodule: accepted for compatibility, has no effect\n"
                     "memd.conf:6: lua-replicate-commands: accepted for compatibility, has no "
                     "effect\n"
                     "memd.conf:7: replicaof: accepted for compatibility, has no effect\n");
}
END_TEST

START_TEST(following_nobody_can_be_said)
{
    expect_loads("slaveof 10.0.0.9 6379\nreplicaof NO ONE");
    expect_value("replicaof", "");
}
END_TEST

START_TEST(a_title_may_hold_a_brace)
{
    expect_loads("proc-title-template \"{{ {title} {port}\"");
    ck_assert_str_eq(conf.proc_title_template, "{{ {title} {port}");
}
END_TEST

START_TEST(a_file_may_ask_for_defragmentation_in_vain)
{
    expect_loads("activedefrag yes");
    expect_value("activedefrag", "no");
    ck_assert_uint_eq(conf.warnings.n, 1);
}
END_TEST

/* --- mistakes --------------------------------------------------------------------------------- */

START_TEST(an_error_says_where_what_and_what_would_do)
{
    ck_assert_str_eq(refusal("port 1\n\nmaxmemory 2xb"),
                     "memd.conf:3: maxmemory: \"2xb\" is not accepted: a number of bytes, with an "
                     "optional unit (k kb m mb g gb)\n"
                     ">>> 'maxmemory 2xb': argument must be a memory value");
    ck_assert_str_eq(refusal("appendonly maybe"),
                     "memd.conf:1: appendonly: \"maybe\" is not accepted: yes or no\n"
                     ">>> 'appendonly maybe': argument must be 'yes' or 'no'");
    ck_assert_str_eq(refusal("port 65536"),
                     "memd.conf:1: port: \"65536\" is not accepted: a whole number from 0 to "
                     "65535\n>>> 'port 65536': argument must be between 0 and 65535 inclusive");
    ck_assert_str_eq(refusal("timeout -1"),
                     "memd.conf:1: timeout: \"-1\" is not accepted: a whole number of seconds, 0 "
                     "or more\n"
                     ">>> 'timeout -1': argument must be between 0 and 2147483647 inclusive");
}
END_TEST

/* The second line of a refusal, behind its colon. */
static const char *reason(const char *line)
{
    const char *text = strstr(refusal(line), "\n>>> '");

    ck_assert_ptr_nonnull(text);
    return strstr(text, "': ") + 3;
}

START_TEST(each_kind_refuses_what_it_does_not_know)
{
    static const char *const cases[][2] = {
        { "port 70a", "argument couldn't be parsed into an integer" },
        { "port 070", "argument couldn't be parsed into an integer" },
        { "port", "wrong number of arguments" },
        { "port 1 2", "wrong number of arguments" },
        { "port \"\"", "argument couldn't be parsed into an integer" },
        { "maxclients 0", "argument must be between 1 and 4294967295 inclusive" },
        { "unixsocketperm 778", "argument couldn't be parsed as an octal number" },
        { "unixsocketperm 1000", "argument must be between 0 and 777 inclusive" },
        { "maxmemory -1", "argument must be a memory value" },
        { "maxmemory 1tb", "argument must be a memory value" },
        { "maxmemory 1%", "argument must be a memory value" },
        { "maxmemory 18446744073709551615",
          "argument must be between 0 and 9223372036854775807 inclusive" },
        { "maxmemory-clients 200%", "percentage argument must be less or equal to 100" },
        { "maxmemory-clients -1%", "argument must be a memory or percent value" },
        { "maxmemory-clients %", "argument must be a memory or percent value" },
        { "proto-max-bulk-len 1000", "argument must be between 1048576 and 9223372036854775807 "
                                     "inclusive" },
        { "appendfsync sometimes",
          "argument(s) must be one of the following: everysec, always, no" },
        { "shutdown-on-sigint", "argument(s) must be one of the following: default, save, nosave, "
                                "now, force" },
        { "shutdown-on-sigint save nosave",
          "shutdown options SAVE and NOSAVE can't be used simultaneously" },
        { "save 60", "Invalid save parameters" },
        { "save 0 1", "Invalid save parameters" },
        { "save 60 -1", "Invalid save parameters" },
        { "save 60 x", "Invalid save parameters" },
        { "client-output-buffer-limit normal 1 2",
          "Wrong number of arguments in buffer limit configuration." },
        { "client-output-buffer-limit master 1 2 3",
          "Invalid client class specified in buffer limit configuration." },
        { "client-output-buffer-limit normal 1 x 3",
          "Error in hard, soft or soft_seconds setting in buffer limit configuration." },
        { "client-output-buffer-limit normal 1 2 -3",
          "Error in hard, soft or soft_seconds setting in buffer limit configuration." },
        { "latency-tracking-info-percentiles 101",
          "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]" },
        { "latency-tracking-info-percentiles x",
          "Invalid latency-tracking-info-percentiles parameters" },
        { "notify-keyspace-events KEQ", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." },
        { "oom-score-adj-values 1 2", "wrong number of arguments" },
        { "oom-score-adj-values 1 2 2001",
          "Invalid oom-score-adj-values, elements must be between -2000 and 2000." },
        { "bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "Too many bind addresses specified." },
        { "dbfilename a/b", "dbfilename can't be a path, just a filename" },
        { "appendfilename \"\"", "appendfilename can't be empty" },
        { "appendfilename a/b", "appendfilename can't be a path, just a filename" },
        { "appenddirname \"\"", "appenddirname can't be empty" },
        { "appenddirname a/b", "appenddirname can't be a path, just a dirname" },
        { "proc-title-template \"{nothing}\"",
          "template format is invalid or contains unknown variables" },
        { "proc-title-template \"{title\"",
          "template format is invalid or contains unknown variables" },
        { "proc-title-template \" \"", "template format is invalid or contains unknown variables" },
        { "rename-command a", "wrong number of arguments" },
        { "user", "wrong number of arguments" },
        { "include", "wrong number of arguments" },
        { "replicaof 127.0.0.1", "wrong number of arguments" },
        { "replicaof 127.0.0.1 abc", "Invalid master port" },
        { "io-threads 129", "argument must be between 1 and 128 inclusive" },
        { "cluster-announce-hostname a_b",
          "Hostnames may only contain alphanumeric characters, hyphens or dots" },
        { "cluster-announce-human-nodename a$",
          "Announced human node name contained invalid character" },
        { "maxmemory-eviction-tenacity 101", "argument must be between 0 and 100 inclusive" },
        { "logfile \"a\\x00b\"", "argument must not hold a zero byte" },
        { "no-such-setting 1", "Bad directive or wrong number of arguments" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_str_eq(reason(cases[i][0]), cases[i][1]);
    }
}
END_TEST

START_TEST(an_unknown_setting_is_an_error)
{
    ck_assert_str_eq(refusal("maxmemori 1"),
                     "memd.conf:1: maxmemori: there is no such setting, is maxmemory meant?\n"
                     ">>> 'maxmemori 1': Bad directive or wrong number of arguments");
}
END_TEST

START_TEST(quotes_that_do_not_match_are_an_error)
{
    ck_assert_str_eq(refusal("logfile \"abc"),
                     "memd.conf:1: Unbalanced quotes in configuration line\n"
                     ">>> 'logfile \"abc': Unbalanced quotes in configuration line");
}
END_TEST

START_TEST(errors_do_not_tell_secrets)
{
    ck_assert_ptr_null(strstr(refusal("requirepass hunter2 hunter3"), "hunter"));
    ck_assert_ptr_null(strstr(refusal("masterauth \"hunter\\x002\""), "hunter"));
}
END_TEST

START_TEST(random_lines_are_taken_or_refused)
{
    static const char *const words[] = {
        "port",
        "save",
        "bind",
        "client-output-buffer-limit",
        "user",
        "normal",
        "pubsub",
        "1",
        "-1",
        "5%",
        "64mb",
        "yes",
        "99.9",
        "\"",
        "'",
        "\\x4",
        "\"\"",
        "\n",
        "# c",
        "KEA",
        "dir",
        ".",
        "hz",
        "slave",
        "unixsocketperm",
        "save",
        "shutdown-on-sigint",
        "now",
        "oom-score-adj-values",
        "replicaof",
        "maxmemory-clients",
    };
    struct buf text = { 0 };
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 20000; i++) {
        struct conf_error e;

        buf_clear(&text);
        for (uint64_t n = rng_below(&r, 8); n > 0; n--) {
            buf_add_c(&text, words[rng_below(&r, sizeof words / sizeof *words)]);
            buf_add_char(&text, rng_below(&r, 8) == 0 ? (char)rng_below(&r, 256) : ' ');
        }
        if (conf_load_text(&conf, buf_str(&text), "memd.conf", &e) != OK) {
            ck_assert_ptr_nonnull(strstr(error_text(&e), "memd.conf:"));
        }
    }
    buf_fini(&text);
}
END_TEST

/* --- files ------------------------------------------------------------------------------------ */

START_TEST(a_file_is_remembered_by_its_absolute_path)
{
    struct conf_error e;

    test_file("memd.conf", "port 1\n");
    ck_assert_int_eq(chdir(test_dir()), 0);
    ck_assert_int_eq(conf_load_file(&conf, "memd.conf", &e), OK);
    ck_assert_int_eq(conf.port, 1);
    ck_assert_str_eq(conf.file, test_path("memd.conf"));
}
END_TEST

START_TEST(a_missing_file_is_told_by_name)
{
    struct conf_error e;

    ck_assert_int_eq(conf_load_file(&conf, "/none/memd.conf", &e), ERR_IO);
    ck_assert_str_eq(error_text(&e), "/none/memd.conf: /none/memd.conf cannot be read: No such "
                                     "file or directory");
    ck_assert_int_eq(conf_load_file(&conf, "/tmp", &e), ERR_IO);
}
END_TEST

START_TEST(included_lines_stand_in_the_place_of_the_include)
{
    char text[512];

    test_file("b.conf", "port 2\ntimeout 2\n");
    test_file("a.conf", "port 3");
    snprintf(text, sizeof text, "port 1\ntimeout 1\ninclude %s\nport 9\n", test_path("b.conf"));
    expect_loads(text);
    ck_assert_int_eq(conf.port, 9);
    ck_assert_int_eq(conf.timeout, 2);
    snprintf(text, sizeof text, "include \"%s\"", test_path("[ab].conf"));
    expect_loads(text); /* in the order of their names */
    ck_assert_int_eq(conf.port, 2);
}
END_TEST

START_TEST(a_pattern_without_match_is_no_error_but_a_missing_file_is)
{
    expect_loads("include /none/*.conf");
    ck_assert_str_eq(refusal("\ninclude /none/x.conf"),
                     "memd.conf:2: /none/x.conf cannot be read: No such file or directory\n"
                     ">>> 'include /none/x.conf': /none/x.conf cannot be read: No such file or "
                     "directory");
}
END_TEST

START_TEST(an_error_in_an_included_file_names_that_file)
{
    char text[512], want[512];

    snprintf(text, sizeof text, "include %s", test_file("b.conf", "\nport x"));
    snprintf(want, sizeof want, "%s:2: port: \"x\" is not accepted", test_path("b.conf"));
    ck_assert_ptr_nonnull(strstr(refusal(text), want));
}
END_TEST

START_TEST(files_that_include_one_another_are_an_error)
{
    char text[512];

    snprintf(text, sizeof text, "include %s", test_path("b.conf"));
    test_file("a.conf", text);
    snprintf(text, sizeof text, "include %s", test_path("a.conf"));
    test_file("b.conf", text);
    ck_assert_ptr_nonnull(strstr(refusal(text), "is it a circle?"));
}
END_TEST

/* Is it good? *report has what is to be said. */
static bool check(const char *text, conf_words_ok *namespace_ok, struct buf *report)
{
    struct conf c;
    bool good;

    conf_init(&c);
    c.namespace_ok = namespace_ok;
    buf_clear(report);
    good = conf_check_file(&c, test_file("a.conf", text), report);
    buf_add_char(report, '\0');
    conf_fini(&c);
    return good;
}

START_TEST(a_check_reports_all_errors_and_warnings)
{
    struct buf report = { 0 };
    char want[512];
    int n = 0;

    ck_assert(check("port 1\nio-threads 2\n", NULL, &report));
    snprintf(want, sizeof want, "%s:2: io-threads: accepted for compatibility, has no effect\n", test_path("a.conf"));
    ck_assert_str_eq(report.p, want);
    ck_assert(!check("port x\n# fine\nmaxmemory 2xb\ndir \"half\nmaxmemroy 1gb\nsave 1\ninclude /nonexistent/file\n"
                     "timeout 5\n", NULL, &report));
    for (const char *p = report.p; (p = strstr(p, "a.conf:")) != NULL; p++) n++;
    ck_assert_int_eq(n, 6);
    for (int line = 1; line <= 7; line++) {
        snprintf(want, sizeof want, "a.conf:%d: ", line);
        ck_assert((strstr(report.p, want) != NULL) == (line != 2));
    }
    ck_assert_ptr_nonnull(strstr(report.p, "maxmemroy: there is no such setting, is maxmemory meant?"));
    buf_fini(&report);
}
END_TEST

START_TEST(a_slip_is_told_from_another_word)
{
    ck_assert_str_eq(conf_nearest(STR("maxmemory")), "maxmemory");
    ck_assert_str_eq(conf_nearest(STR("MaxMemorie")), "maxmemory");
    ck_assert_str_eq(conf_nearest(STR("maxmemory_policy")), "maxmemory-policy");
    ck_assert_str_eq(conf_nearest(STR("apendfsync")), "appendfsync");
    ck_assert_str_eq(conf_nearest(STR("slaveoff")), "slaveof");
    ck_assert_str_eq(conf_nearest(STR("pot")), "port");
    ck_assert_ptr_null(conf_nearest(STR("nonsense")));
    ck_assert_ptr_null(conf_nearest(str_of(NULL, 0)));
    ck_assert_ptr_null(conf_nearest(STR("a-name-that-is-longer-than-any-setting-could-be-0123456789-0123456789")));
}
END_TEST

static bool no_x(const struct str *words, size_t n, struct buf *why)
{
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(words[i], STR("x"))) continue;
        buf_add_c(why, "x will not do");
        return false;
    }
    return true;
}

START_TEST(lines_of_namespaces_are_judged_by_who_knows_them)
{
    struct buf report = { 0 };

    ck_assert(check("namespace a b\nport 1\n", no_x, &report));
    ck_assert(check("namespace a x\n", NULL, &report));
    ck_assert(!check("port 1\nnamespace a x\n", no_x, &report));
    ck_assert_ptr_nonnull(memmem(report.p, report.n, "a.conf:2: namespace: ", 21));
    ck_assert_ptr_nonnull(memmem(report.p, report.n, "x will not do", 13));
    buf_fini(&report);
}
END_TEST

UNIT_MAIN_AROUND("load", conf_set_up, conf_tear_down, defaults_are_there_without_a_file,
                 lines_of_namespaces_are_judged_by_who_knows_them,
                 each_kind_of_value_is_read, all_ten_eviction_policies_have_a_name,
                 an_alias_is_the_same_setting, one_argument_may_hold_all_of_a_setting,
                 save_lines_replace_the_defaults_and_then_add_up, an_empty_bind_is_no_address,
                 users_and_renamed_commands_are_kept_for_others,
                 hz_out_of_range_is_a_hint_that_is_cut, dir_is_made_absolute_and_need_not_exist,
                 settings_without_effect_are_remembered_with_one_warning_each,
                 following_nobody_can_be_said, a_title_may_hold_a_brace,
                 a_file_may_ask_for_defragmentation_in_vain,
                 an_error_says_where_what_and_what_would_do,
                 each_kind_refuses_what_it_does_not_know, an_unknown_setting_is_an_error,
                 quotes_that_do_not_match_are_an_error, errors_do_not_tell_secrets,
                 random_lines_are_taken_or_refused, a_file_is_remembered_by_its_absolute_path,
                 a_missing_file_is_told_by_name, included_lines_stand_in_the_place_of_the_include,
                 a_pattern_without_match_is_no_error_but_a_missing_file_is,
                 an_error_in_an_included_file_names_that_file,
                 files_that_include_one_another_are_an_error,
                 a_check_reports_all_errors_and_warnings, a_slip_is_told_from_another_word)

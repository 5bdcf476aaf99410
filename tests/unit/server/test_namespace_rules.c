/* Rules of namespaces as text, read and shown. */
#include "server/namespace_rules.h"
#include "tests/unit/unit.h"

static struct buf out;

static void set_up(void) { }
static void tear_down(void) { buf_fini(&out); }

static bool read_text(struct ns_rules *r, const char *text)
{
    static char copy[1024];
    struct str words[64];
    size_t n = 0;

    snprintf(copy, sizeof copy, "%s", text);
    for (char *w = strtok(copy, " "); w; w = strtok(NULL, " ")) words[n++] = str_c(w);
    buf_clear(&out);
    return namespace_rules_read(r, words, n, &out);
}

static struct str shown(const struct ns_rules *r)
{
    buf_clear(&out);
    namespace_rules_show(r, &out);
    return buf_str(&out);
}

static void expect_refused(const char *text, const char *why)
{
    struct ns_rules r = { .ttl_ms = 5000, .maxlen = 7 }, was = r;

    ck_assert(!read_text(&r, text));
    expect_str(str_of(out.p, out.n < strlen(why) ? out.n : strlen(why)), str_c(why));
    ck_assert_int_eq(memcmp(&r, &was, sizeof r), 0);
}

START_TEST(all_options_are_read_and_shown)
{
    static const char *const text =
        "ttl 3600 jitter 10 sliding yes maxlen 50 maxkeys 1000 maxmemory 64mb maxvalue 512kb reserve 16mb "
        "policy allkeys-lru archive expire,evict,trim recall read retain 30d versions 5 durability always "
        "audit-log admin,writes";
    struct ns_rules r = { 0 }, again = { 0 };

    ck_assert(read_text(&r, text));
    ck_assert_int_eq(r.ttl_ms, 3600000);
    ck_assert_int_eq(r.jitter_percent, 10);
    ck_assert(r.sliding);
    ck_assert_uint_eq(r.maxlen, 50);
    ck_assert_uint_eq(r.maxkeys, 1000);
    ck_assert_uint_eq(r.maxmemory, 64 << 20);
    ck_assert_uint_eq(r.maxvalue, 512 << 10);
    ck_assert_uint_eq(r.reserve, 16 << 20);
    ck_assert(r.has_policy && r.policy == EVICT_ALL_LRU);
    ck_assert_uint_eq(r.archive, NS_EXPIRE | NS_EVICT | NS_TRIM);
    ck_assert_int_eq(r.recall, NS_RECALL_READ);
    ck_assert_int_eq(r.retain_ms, INT64_C(30) * 86400000);
    ck_assert_uint_eq(r.versions, 5);
    ck_assert_int_eq(r.durability, NS_DURABLE_ALWAYS);
    ck_assert_uint_eq(r.audit, NS_AUDIT_ADMIN | NS_AUDIT_WRITES);
    expect_str(shown(&r), str_c(text));
    ck_assert(read_text(&again, text));
    ck_assert_int_eq(memcmp(&again, &r, sizeof r), 0);
}
END_TEST

START_TEST(times_and_sizes_have_units)
{
    static const struct { const char *given; int64_t ms; const char *ttl, *retain; } times[] = {
        { "0", 0, "", "" }, { "90", 90000, "ttl 90", "retain 90s" }, { "90s", 90000, "ttl 90", "retain 90s" },
        { "500ms", 500, "ttl 500ms", "retain 500ms" }, { "2m", 120000, "ttl 120", "retain 2m" },
        { "12H", 43200000, "ttl 43200", "retain 12h" }, { "24h", 86400000, "ttl 86400", "retain 1d" },
        { "1500ms", 1500, "ttl 1500ms", "retain 1500ms" }, { "365000d", INT64_C(31536000000000), "ttl 31536000000",
                                                             "retain 365000d" },
    };
    struct ns_rules r;
    char text[64];

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        r = (struct ns_rules){ 0 };
        snprintf(text, sizeof text, "ttl %s", times[i].given);
        ck_assert(read_text(&r, text));
        ck_assert_int_eq(r.ttl_ms, times[i].ms);
        expect_str(shown(&r), str_c(times[i].ttl));
        r = (struct ns_rules){ 0 };
        snprintf(text, sizeof text, "retain %s", times[i].given);
        ck_assert(read_text(&r, text));
        ck_assert_int_eq(r.retain_ms, times[i].ms);
        expect_str(shown(&r), str_c(times[i].retain));
    }
    r = (struct ns_rules){ 0 };
    ck_assert(read_text(&r, "maxmemory 1500000 maxvalue 3kb reserve 1k"));
    expect_str(shown(&r), STR("maxmemory 1500000 maxvalue 3kb reserve 1000"));
}
END_TEST

START_TEST(what_is_not_given_stays_and_can_be_taken_back)
{
    struct ns_rules r = { 0 };

    ck_assert(read_text(&r, "ttl 60 sliding yes maxlen 5 policy volatile-ttl archive evict durability no"));
    ck_assert(read_text(&r, "MAXLEN 6"));
    expect_str(shown(&r), STR("ttl 60 sliding yes maxlen 6 policy volatile-ttl archive evict durability no"));
    ck_assert(read_text(&r, "sliding no ttl 0 maxlen 0 policy noeviction archive none durability as-set"));
    ck_assert(!r.has_policy);
    expect_str(shown(&r), STR(""));
}
END_TEST

START_TEST(what_is_wrong_is_said_by_option)
{
    expect_refused("ttl", "ttl has no value: seconds");
    expect_refused("ttl abc", "ttl: \"abc\" is not accepted: seconds, or a number with its unit");
    expect_refused("ttl -1", "ttl: \"-1\" is not accepted");
    expect_refused("ttl 1y", "ttl: \"1y\"");
    expect_refused("ttl 9223372036854775807", "ttl: ");
    expect_refused("ttl 99999999999999999999", "ttl: ");
    expect_refused("ttl 365001d", "ttl: ");
    expect_refused("ttl nan", "ttl: \"nan\"");
    expect_refused("ttl 60 ttl 70", "ttl is given twice");
    expect_refused("jitter 101", "jitter: \"101\" is not accepted: 0 to 100");
    expect_refused("sliding maybe", "sliding: \"maybe\" is not accepted: yes or no");
    expect_refused("ttl 0 sliding yes", "sliding yes needs a ttl");
    expect_refused("ttl 0 jitter 5", "jitter needs a ttl");
    expect_refused("maxlen 1.5", "maxlen: ");
    expect_refused("maxlen 9223372036854775808", "maxlen: ");
    expect_refused("maxmemory 1tb", "maxmemory: ");
    expect_refused("maxmemory 1mb reserve 2mb", "reserve is more than maxmemory");
    expect_refused("maxmemory 1mb maxvalue 2mb", "maxvalue is more than maxmemory");
    expect_refused("versions 4294967296", "versions: ");
    expect_refused("policy lru", "policy: \"lru\" is not accepted: noeviction, or allkeys-lru");
    expect_refused("archive expire,", "archive: \"expire,\" is not accepted: any of expire,evict");
    expect_refused("archive expire,none", "archive: ");
    expect_refused("archive ,", "archive: ");
    expect_refused("recall write", "recall: ");
    expect_refused("durability sometimes", "durability: ");
    expect_refused("audit-log all", "audit-log: ");
    expect_refused("ttl 70 tll 60", "\"tll\" is no option of a namespace; there are ttl, jitter");
}
END_TEST

START_TEST(patterns_are_short_and_printable)
{
    char long_one[NS_PATTERN_MAX + 1];

    memset(long_one, 'a', sizeof long_one);
    ck_assert(namespace_pattern_ok(STR("*"), &out));
    ck_assert(namespace_pattern_ok(STR("caf\xc3\xa9:[a-z]?"), &out));
    ck_assert(namespace_pattern_ok(str_of(long_one, NS_PATTERN_MAX), &out));
    ck_assert_uint_eq(out.n, 0);
    ck_assert(!namespace_pattern_ok(str_of(long_one, NS_PATTERN_MAX + 1), &out));
    ck_assert(!namespace_pattern_ok(STR(""), &out));
    ck_assert(!namespace_pattern_ok(STR("a\r\nb"), &out));
    ck_assert(!namespace_pattern_ok(STR("a\0b"), &out));
}
END_TEST

START_TEST(a_line_begins_with_the_pattern)
{
    const struct str good[] = { STR("s:*"), STR("ttl"), STR("60") }, bad[] = { STR("s:*"), STR("ttl"), STR("x") };

    ck_assert(namespace_line_ok(good, 3, &out));
    ck_assert(namespace_line_ok(good, 1, &out));
    ck_assert(!namespace_line_ok(good, 2, &out));
    ck_assert(!namespace_line_ok(good, 0, &out));
    ck_assert(!namespace_line_ok(bad, 3, &out));
}
END_TEST

UNIT_MAIN_AROUND("namespace rules", set_up, tear_down, all_options_are_read_and_shown, times_and_sizes_have_units,
                 what_is_not_given_stays_and_can_be_taken_back, what_is_wrong_is_said_by_option,
                 patterns_are_short_and_printable, a_line_begins_with_the_pattern)

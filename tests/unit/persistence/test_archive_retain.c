/* What the archive lets go of. */
#include "persistence/archive.h"

#include <stdatomic.h>
#include <unistd.h>

#include "tests/unit/persistence/archive_rig.h"
#include "tests/unit/unit.h"

static struct archive_rig r;
static _Atomic int64_t now_ms;

static int64_t wall_ms(void)
{
    return atomic_load(&now_ms);
}

static void set_up(void)
{
    archive_rig_init(&r);
    r.env.wall_ms = wall_ms;
}

static void tear_down(void)
{
    archive_rig_check(&r);
    archive_rig_fini(&r);
}

static struct archive_info info_of(void)
{
    struct archive_info info;

    archive_turn(r.a);
    archive_info(r.a, &info);
    return info;
}

static void out_at(struct str key, int64_t at_ms, struct str value)
{
    struct archive_note n = { .verb = ARCHIVE_OUT, .key = key, .reason = ARCHIVE_EXPIRED, .at_ms = at_ms, .expires_ms = at_ms,
                              .flags = ARCHIVE_LIVE, .ns = STR("") };

    archive_rig_note(&r, &n, archive_rig_string(&r, value));
}

START_TEST(what_has_been_kept_long_enough_goes)
{
    char key[16];

    r.conf.messages = true;
    ck_assert_int_eq(archive_rig_open(&r), OK);
    r.retain_ms = 1000;
    for (int i = 0; i < 700; i++) { /* more than a few slices */
        snprintf(key, sizeof key, "k%d", i);
        out_at(str_c(key), 5000 + i, STR("a word"));
    }
    r.retain_ms = 0;
    out_at(STR("for ever"), 5000, STR("a word"));
    r.retain_ms = INT64_MAX; /* as good as for ever: the sum is beyond all time */
    out_at(STR("long"), 5000, STR("a word"));
    archive_rig_flush(&r);
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM entries"), 702);
    atomic_store(&now_ms, 6000 + 600);
    while (info_of().retained_away < 600) usleep(2000);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT count(*), min(retain_until) FROM entries"), "102|6600");
    atomic_store(&now_ms, INT64_MAX);
    while (info_of().entries > 2) usleep(2000);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT group_concat(key) FROM entries"), "for ever,long");
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM messages_fts WHERE messages_fts MATCH 'word'"), 2);
    ck_assert_uint_eq(info_of().retained_away, 700);
}
END_TEST

START_TEST(a_key_keeps_so_many_versions_and_all_that_was_trimmed)
{
    char value[16];

    ck_assert_int_eq(archive_rig_open(&r), OK);
    r.versions = 3;
    for (int i = 1; i <= 10; i++) {
        snprintf(value, sizeof value, "v%d", i);
        archive_rig_out(&r, 0, STR("k"), ARCHIVE_OVERWRITTEN, false, str_c(value));
        if (i % 2 == 0) archive_rig_out(&r, 0, STR("k"), ARCHIVE_TRIMMED, false, str_c(value));
    }
    archive_rig_out(&r, 0, STR("k"), ARCHIVE_EVICTED, true, STR("v11"));
    archive_rig_flush(&r);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT group_concat(content, ' ') FROM (SELECT content FROM entries JOIN messages"
                                          " ON entry = entries.id WHERE reason <> 'trim' ORDER BY version)"), "v9 v10 v11");
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM entries WHERE reason = 'trim'"), 5);
    ck_assert_int_eq(archive_rig_number(&r, "SELECT max(version) FROM entries"), 16);
}
END_TEST

START_TEST(a_file_that_is_too_large_loses_the_oldest_and_shrinks)
{
    struct rng rng;
    struct buf value = { 0 };
    char key[16];

    unit_rng(&rng);
    r.conf.max_bytes = 4 << 20;
    r.conf.messages = false;
    r.conf.compress = false;
    ck_assert_int_eq(archive_rig_open(&r), OK);
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        out_at(str_c(key), 1000 + i, unit_random_bytes(&rng, &value, 3000, 26));
        if (i % 500 == 0) archive_rig_flush(&r);
    }
    archive_rig_flush(&r);
    while (archive_rig_number(&r, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size") > 4 << 20) {
        archive_turn(r.a);
        usleep(5000);
    }
    ck_assert_str_eq(archive_rig_text(&r, "SELECT max(archived_at), max(id) - min(id) + 1 = count(*), count(*) > 600 FROM entries"),
                     "3999|1|1");
    ck_assert_uint_gt(info_of().retained_away, 0);
    buf_fini(&value);
}
END_TEST

START_TEST(settings_change_while_it_works)
{
    ck_assert_int_eq(archive_rig_open(&r), OK);
    r.conf.messages = false;
    archive_set_conf(r.a, &r.conf);
    archive_rig_out(&r, 0, STR("k"), ARCHIVE_EXPIRED, true, STR("v"));
    archive_rig_flush(&r);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM messages)"), "1|0");
}
END_TEST

UNIT_MAIN_AROUND("archive_retain", set_up, tear_down, what_has_been_kept_long_enough_goes,
                 a_key_keeps_so_many_versions_and_all_that_was_trimmed,
                 a_file_that_is_too_large_loses_the_oldest_and_shrinks, settings_change_while_it_works)

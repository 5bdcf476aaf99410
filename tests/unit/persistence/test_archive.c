/* Notes on their way into the file: each once, in order, and what may be recalled meanwhile. */
#include "persistence/archive.h"

#include <unistd.h>

#include "tests/unit/persistence/archive_rig.h"
#include "tests/unit/unit.h"

static const struct str a = STR("a"), b = STR("b");
static struct archive_rig r;

static void set_up(void)
{
    archive_rig_init(&r);
    ck_assert_msg(archive_rig_open(&r) == OK, "%s", r.why);
}

static void tear_down(void)
{
    if (r.a != NULL) archive_rig_check(&r);
    archive_rig_fini(&r);
}

/* Wait until the filter is there: only then "no" is ever said. */
static void wait_filter(void)
{
    struct archive_info info;

    do {
        archive_turn(r.a);
        archive_info(r.a, &info);
        usleep(1000);
    } while (!info.filter_ready);
}

START_TEST(what_leaves_is_a_row)
{
    archive_rig_out(&r, 2, a, ARCHIVE_EXPIRED, true, STR("hello"));
    archive_rig_flush(&r);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT db, key, namespace, type, reason, seq, version, archived_at, expires_at, live, "
                                          "codec, dict, versions FROM entries"),
                     "2|a|ns:*|string|expire|1|1|1000||1|0|0|0");
    ck_assert_str_eq(archive_rig_text(&r, "SELECT content FROM messages"), "hello");
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM messages_fts WHERE messages_fts MATCH 'hello'"), 1);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT db, key, messages, first_message FROM sessions"), "2|a|1|hello");
    ck_assert_str_eq(archive_rig_text(&r, "SELECT key, version FROM latest"), "a|1");
}
END_TEST

START_TEST(versions_are_counted_and_the_newest_is_live)
{
    archive_rig_out(&r, 0, a, ARCHIVE_EXPIRED, true, STR("one"));
    archive_rig_out(&r, 0, a, ARCHIVE_EXPIRED, true, STR("two"));
    archive_rig_out(&r, 0, a, ARCHIVE_OVERWRITTEN, false, STR("three"));
    archive_rig_out(&r, 0, a, ARCHIVE_EVICTED, true, STR("four"));
    archive_rig_out(&r, 0, a, ARCHIVE_TRIMMED, true, STR("part"));
    archive_rig_out(&r, 1, a, ARCHIVE_DELETED, false, STR("elsewhere"));
    archive_rig_flush(&r);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT group_concat(version || live || reason, ' ') FROM"
                                          " (SELECT * FROM entries WHERE db = 0 ORDER BY version)"),
                     "10expire 20expire 30overwrite 41evict 50trim");
    ck_assert_str_eq(archive_rig_text(&r, "SELECT version, live FROM entries WHERE db = 1"), "1|0");
    ck_assert_str_eq(archive_rig_text(&r, "SELECT version FROM latest WHERE db = 0"), "4");
}
END_TEST

START_TEST(what_comes_and_goes_unchanged_is_one_version)
{
    for (int i = 0; i < 5; i++) {
        archive_rig_out(&r, 0, a, ARCHIVE_EVICTED, true, STR("the same"));
        archive_rig_say(&r, ARCHIVE_GONE, 0, a);
    }
    archive_rig_out(&r, 0, a, ARCHIVE_EXPIRED, true, STR("the same"));
    archive_rig_flush(&r);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT count(*), live, reason, archived_at > 1000 FROM entries"), "1|1|expire|1");
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM messages"), 1);

    archive_rig_out(&r, 0, a, ARCHIVE_EXPIRED, true, STR("another!"));
    archive_rig_out(&r, 0, a, ARCHIVE_OVERWRITTEN, false, STR("another!"));
    archive_rig_out(&r, 0, a, ARCHIVE_ASKED, false, STR("another!"));
    archive_rig_out(&r, 0, a, ARCHIVE_DELETED, false, STR("another!"));
    archive_rig_flush(&r);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT count(*), sum(live) FROM entries"), "5|0");
}
END_TEST

START_TEST(what_is_gone_is_not_live)
{
    wait_filter();
    archive_rig_out(&r, 0, a, ARCHIVE_EXPIRED, true, STR("1"));
    archive_rig_out(&r, 1, a, ARCHIVE_EXPIRED, true, STR("2"));
    archive_rig_out(&r, 0, b, ARCHIVE_EXPIRED, true, STR("3"));
    archive_rig_say(&r, ARCHIVE_GONE, 0, a);
    archive_rig_flush(&r);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT group_concat(db || key) FROM entries WHERE live = 1"), "0b,1a");
    archive_rig_say(&r, ARCHIVE_FLUSHED, 0, STR(""));
    archive_rig_flush(&r);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT group_concat(db || key) FROM entries WHERE live = 1"), "1a");
    archive_rig_out(&r, 0, a, ARCHIVE_EXPIRED, true, STR("4"));
    archive_rig_say(&r, ARCHIVE_FLUSHED, -1, STR(""));
    archive_rig_flush(&r);
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM entries WHERE live = 1"), 0);
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM entries"), 4);
}
END_TEST

START_TEST(databases_that_change_places_take_their_history_along)
{
    struct archive_note swap = { .verb = ARCHIVE_SWAPPED, .db = 0, .at_ms = 5, .expires_ms = -1 };

    archive_rig_out(&r, 0, a, ARCHIVE_EXPIRED, true, STR("of 0"));
    archive_rig_out(&r, 3, a, ARCHIVE_EXPIRED, true, STR("of 3"));
    archive_rig_out(&r, 1, a, ARCHIVE_EXPIRED, true, STR("of 1"));
    archive_rig_note(&r, &swap, STR("3"));
    archive_rig_flush(&r);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT group_concat(db || content, ' ') FROM entries JOIN messages ON entry = entries.id"),
                     "3of 0 0of 3 1of 1");
}
END_TEST

START_TEST(erasing_removes_every_row_and_counts_them)
{
    struct archive_note erase = { .verb = ARCHIVE_ERASE, .db = 0, .key = STR("s:*"), .flags = ARCHIVE_GLOB, .at_ms = 5 };
    struct str pairs[] = { STR("f"), STR("word") };
    struct archive_note hash = { .verb = ARCHIVE_OUT, .db = 0, .key = STR("s:h"), .expires_ms = -1, .at_ms = 1 };
    uint64_t by_key, by_glob, by_binary;
    char key[32];

    archive_rig_out(&r, 0, a, ARCHIVE_EXPIRED, true, STR("1"));
    archive_rig_out(&r, 0, a, ARCHIVE_EXPIRED, true, STR("2"));
    archive_rig_out(&r, 1, a, ARCHIVE_EXPIRED, true, STR("3"));
    archive_rig_out(&r, 0, STR("s:\xff\xfe"), ARCHIVE_EXPIRED, true, STR("4"));
    archive_rig_out(&r, 0, STR("s:\0z"), ARCHIVE_EXPIRED, true, STR("5"));
    archive_rig_out(&r, 0, STR("t:1"), ARCHIVE_EXPIRED, true, STR("6"));
    archive_rig_out(&r, 0, STR("\xff\xff!"), ARCHIVE_EXPIRED, true, STR("7"));
    archive_rig_note(&r, &hash, archive_rig_hash(&r, pairs, 2));
    for (int i = 0; i < 1200; i++) {
        snprintf(key, sizeof key, "s:%d", i);
        archive_rig_out(&r, 0, str_c(key), ARCHIVE_EXPIRED, true, STR("many"));
    }
    by_key = archive_rig_say(&r, ARCHIVE_ERASE, 0, a);
    by_glob = archive_rig_note(&r, &erase, STR(""));
    erase.key = STR("\xff\xff*");
    by_binary = archive_rig_note(&r, &erase, STR(""));
    archive_rig_flush(&r);
    ck_assert_uint_eq(archive_erased(r.a, by_key), 2);
    ck_assert_uint_eq(archive_erased(r.a, by_glob), 1203);
    ck_assert_uint_eq(archive_erased(r.a, by_binary), 1);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT group_concat(db || key) FROM entries"), "0t:1,1a");
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM messages"), 2);
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM messages_fts WHERE messages_fts MATCH 'many'"), 0);
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM fields_fts WHERE fields_fts MATCH 'word'"), 0);
}
END_TEST

UNIT_MAIN_AROUND("archive", set_up, tear_down, what_leaves_is_a_row, versions_are_counted_and_the_newest_is_live,
                 what_comes_and_goes_unchanged_is_one_version, what_is_gone_is_not_live,
                 databases_that_change_places_take_their_history_along, erasing_removes_every_row_and_counts_them)

/* Notes in a log that is loaded: handed over in their order, those of a group when it is whole. */
#include "persistence/load_notes.h"

#include "persistence/archive_note.h"
#include "persistence/persist.h"
#include "tests/unit/unit.h"

static struct buf told;      /* the keys of what was handed over, each with a space behind it */
static bool refuses;
static struct load_notes notes;

static bool replay(void *ctx, struct str bytes)
{
    struct archive_note n;

    ck_assert_ptr_eq(ctx, &told);
    if (refuses || !archive_note_get(bytes, &n)) return false;
    buf_add_str(&told, n.key);
    buf_add_c(&told, " ");
    return true;
}

static const struct persist_archive archive = { .ctx = &told, .replay = replay };

static void set_up(void)
{
    refuses = false;
    notes = (struct load_notes){ .archive = &archive };
}

static void tear_down(void)
{
    load_notes_fini(&notes);
    buf_fini(&told);
}

static enum err note(const char *key)
{
    struct archive_note n = { .verb = ARCHIVE_OUT, .seq = 1, .at_ms = 1, .expires_ms = -1, .key = str_c(key), .ns = STR("") };
    struct buf text = { 0 };
    struct str argv[2] = { STR("ECHO") };
    enum err e;

    archive_note_put(&text, &n);
    buf_add_c(&text, "payload");
    argv[1] = buf_str(&text);
    ck_assert(load_notes_are(&notes, 2, argv));
    e = load_notes_take(&notes, argv[1]);
    buf_fini(&text);
    return e;
}

static enum err command(const char *word)
{
    return load_notes_applied(&notes, str_c(word));
}

START_TEST(a_note_alone_is_handed_over_at_once)
{
    ck_assert_int_eq(note("a"), OK);
    expect_str(buf_str(&told), STR("a "));
    ck_assert_int_eq(command("SET"), OK);
    ck_assert_int_eq(note("b"), OK);
    expect_str(buf_str(&told), STR("a b "));
}
END_TEST

START_TEST(those_of_a_group_are_handed_over_with_its_end)
{
    ck_assert_int_eq(command("MULTI"), OK);
    ck_assert_int_eq(note("a"), OK);
    ck_assert_int_eq(command("DEL"), OK);
    ck_assert_int_eq(note("b"), OK);
    ck_assert_uint_eq(told.n, 0);
    ck_assert_int_eq(command("exec"), OK);
    expect_str(buf_str(&told), STR("a b "));
    ck_assert_int_eq(command("MULTI"), OK);
    ck_assert_int_eq(command("EXEC"), OK);
    expect_str(buf_str(&told), STR("a b "));
}
END_TEST

START_TEST(those_of_a_group_that_is_dropped_are_dropped)
{
    ck_assert_int_eq(command("MULTI"), OK);
    ck_assert_int_eq(note("a"), OK);
    ck_assert_int_eq(command("DISCARD"), OK);
    ck_assert_int_eq(command("MULTI"), OK); /* whose EXEC was refused: nobody told */
    ck_assert_int_eq(note("b"), OK);
    ck_assert_int_eq(command("MULTI"), OK);
    ck_assert_int_eq(note("c"), OK);
    ck_assert_int_eq(command("EXEC"), OK);
    expect_str(buf_str(&told), STR("c "));
}
END_TEST

START_TEST(what_the_archive_does_not_take_is_an_error_where_it_is_handed_over)
{
    refuses = true;
    ck_assert_int_eq(note("a"), ERR_FORMAT);
    ck_assert_int_eq(command("MULTI"), OK);
    ck_assert_int_eq(note("b"), OK);
    ck_assert_int_eq(command("EXEC"), ERR_FORMAT);
}
END_TEST

START_TEST(other_commands_are_no_notes)
{
    const struct str greeting[2] = { STR("ECHO"), STR("hello") };
    const struct str set[3] = { STR("SET"), STR("k"), STR("memd.archive 1 ") };
    const struct str note_text[2] = { STR("ECHO"), STR("memd.archive 1 out") };

    ck_assert(!load_notes_are(&notes, 2, greeting));
    ck_assert(!load_notes_are(&notes, 3, set));
    ck_assert(load_notes_are(&notes, 2, note_text));
    notes.archive = NULL; /* of a store that has none they are commands like others */
    ck_assert(!load_notes_are(&notes, 2, note_text));
}
END_TEST

UNIT_MAIN_AROUND("load_notes", set_up, tear_down, a_note_alone_is_handed_over_at_once,
                 those_of_a_group_are_handed_over_with_its_end, those_of_a_group_that_is_dropped_are_dropped,
                 what_the_archive_does_not_take_is_an_error_where_it_is_handed_over, other_commands_are_no_notes)

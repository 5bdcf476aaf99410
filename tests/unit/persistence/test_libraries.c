/* Function libraries in snapshots, in the base of a log, and as a payload. */
#include "tests/unit/persistence/rig.h"

static struct memfs disk;
static struct rig rig;

/* Who keeps them: texts, and those put aside. */
enum { TEXTS = 8 };
struct keeper {
    struct buf texts[TEXTS];
    size_t n;
};
static struct keeper now, aside;

static void empty(struct keeper *k)
{
    for (size_t i = 0; i < k->n; i++) buf_fini(&k->texts[i]);
    k->n = 0;
}

static void keep_each(void *ctx, void (*fn)(void *to, struct str text), void *to)
{
    struct keeper *k = ctx;

    for (size_t i = 0; i < k->n; i++) fn(to, buf_str(&k->texts[i]));
}

static bool keep_load(void *ctx, struct str text, bool replace, char *why)
{
    struct keeper *k = ctx;

    if (replace) empty(k);
    if (k->n < TEXTS && !str_eq(text, STR("bad"))) {
        k->texts[k->n] = (struct buf){ 0 };
        buf_add_str(&k->texts[k->n++], text);
        return true;
    }
    snprintf(why, PERSIST_WHY, "it is bad");
    return false;
}

static void keep_put_aside(void *ctx)
{
    (void)ctx;
    aside = now;
    now.n = 0;
}

static void keep_drop_aside(void *ctx)
{
    (void)ctx;
    empty(&aside);
}

static void keep_take_back(void *ctx)
{
    (void)ctx;
    empty(&now);
    now = aside;
    aside.n = 0;
}

static const struct persist_libraries libraries = { &now, keep_each, keep_load, keep_put_aside, keep_drop_aside,
                                                    keep_take_back };

static void keep(struct str text)
{
    char why[PERSIST_WHY];

    ck_assert(keep_load(&now, text, false, why));
}

static void set_up(void)
{
    memfs_init(&disk);
    rig_init(&rig, &disk);
    rig.libraries = &libraries;
}

static void tear_down(void)
{
    rig_fini(&rig);
    memfs_fini(&disk);
    empty(&now);
    empty(&aside);
}

/* A text that is worth compressing, and one with any byte. */
static struct str long_text(struct buf *b)
{
    buf_clear(b);
    for (int i = 0; i < 5000; i++) buf_printf(b, "local a%d = 1\n", i % 10);
    return buf_str(b);
}

static void expect_both(void)
{
    struct buf b = { 0 };

    ck_assert_uint_eq(now.n, 2);
    expect_str(buf_str(&now.texts[0]), long_text(&b));
    expect_str(buf_str(&now.texts[1]), STR("a\0b\r\n"));
    buf_fini(&b);
}

static void keep_both(void)
{
    struct buf b = { 0 };

    keep(long_text(&b));
    keep(STR("a\0b\r\n"));
    buf_fini(&b);
}

static void restart(void)
{
    rig_kill(&rig);
    empty(&now);
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
}

START_TEST(a_snapshot_holds_them)
{
    rig.conf.appendonly = false;
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    keep_both();
    rig_do(&rig, 0, "SET a 1");
    ck_assert_int_eq(persist_save(rig.p, PERSIST_SAVE), PERSIST_DONE);
    restart();
    expect_both();
}
END_TEST

START_TEST(the_base_of_a_log_holds_them)
{
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    keep_both();
    ck_assert_int_eq(persist_save(rig.p, PERSIST_REWRITE), PERSIST_STARTED);
    ck_assert(rig_settle(&rig));
    restart();
    expect_both();
}
END_TEST

START_TEST(a_reload_replaces_them_and_a_failed_one_does_not)
{
    rig.conf.appendonly = false;
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    keep_both();
    ck_assert_msg(persist_reload(rig.p, 0, rig.why) == OK, "%s", rig.why);
    expect_both();
    keep_load(&now, STR("third"), false, rig.why);
    ck_assert_msg(persist_reload(rig.p, PERSIST_NO_SAVE, rig.why) == OK, "%s", rig.why);
    expect_both();

    /* One that cannot be loaded again: the file is refused, and all is as it was. */
    buf_clear(&now.texts[1]);
    buf_add_c(&now.texts[1], "bad");
    ck_assert_int_eq(persist_reload(rig.p, 0, rig.why), ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(rig.why, "a library of functions: it is bad"));
    ck_assert_uint_eq(now.n, 2);
    expect_str(buf_str(&now.texts[1]), STR("bad"));
}
END_TEST

START_TEST(without_a_keeper_those_of_a_file_are_left_out)
{
    rig.conf.appendonly = false;
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    keep_both();
    rig_do(&rig, 0, "SET a 1");
    ck_assert_int_eq(persist_save(rig.p, PERSIST_SAVE), PERSIST_DONE);
    rig.libraries = NULL;
    restart();
    ck_assert_uint_eq(now.n, 0);
    ck_assert_uint_eq(rig.store->dbs[0]->n_keys, 1);
}
END_TEST

/* --- the payload ----------------------------------------------------------------------------------- */

static bool take(void *ctx, struct str text)
{
    char why[PERSIST_WHY];

    return keep_load(ctx, text, false, why);
}

START_TEST(a_payload_gives_them_back)
{
    struct buf payload = { 0 };
    const char *why;

    keep_both();
    persist_dump_libraries(&libraries, &payload);
    empty(&now);
    ck_assert_int_eq(persist_restore_libraries(buf_str(&payload), take, &now, &why), OK);
    expect_both();
    buf_fini(&payload);
}
END_TEST

START_TEST(a_payload_of_none_is_a_footer)
{
    struct buf payload = { 0 };
    const char *why;

    /* As stock servers write it: version 10, checksum. */
    persist_dump_libraries(&libraries, &payload);
    expect_str(buf_str(&payload), STR("\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda"));
    ck_assert_int_eq(persist_restore_libraries(buf_str(&payload), take, &now, &why), OK);
    ck_assert_uint_eq(now.n, 0);
    buf_fini(&payload);
}
END_TEST

START_TEST(a_damaged_payload_is_refused_at_every_byte)
{
    struct buf payload = { 0 };
    const char *why;

    keep_both();
    persist_dump_libraries(&libraries, &payload);
    for (size_t i = 0; i < payload.n; i++) {
        payload.p[i] ^= 1;
        ck_assert_int_eq(persist_restore_libraries(buf_str(&payload), take, &now, &why), ERR_NOT_DONE);
        payload.p[i] ^= 1;
        ck_assert_int_eq(persist_restore_libraries(str_of(payload.p, i), take, &now, &why), ERR_NOT_DONE);
    }
    ck_assert_uint_eq(now.n, 2);
    buf_fini(&payload);
}
END_TEST

UNIT_MAIN_AROUND("libraries", set_up, tear_down, a_snapshot_holds_them, the_base_of_a_log_holds_them,
                 a_reload_replaces_them_and_a_failed_one_does_not, without_a_keeper_those_of_a_file_are_left_out,
                 a_payload_gives_them_back, a_payload_of_none_is_a_footer,
                 a_damaged_payload_is_refused_at_every_byte)

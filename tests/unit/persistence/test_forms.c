/* RDB files in all forms that Redis 2.8 to 7.4 and Valkey 8 have written, made byte by byte (forms.h). */
#include "base/num.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_read.h"
#include "storage/type_json.h"
#include "storage/db.h"
#include "storage/evict.h"
#include "storage/store.h"
#include "storage/type_string.h"
#include "tests/unit/persistence/forms.h"
#include "tests/unit/unit.h"

static const struct hash_key key = { 1, 2 };
static struct store *s;
static struct buf file, shown;
static struct rdb_in in;
static struct rdb_facts facts;

static void set_up(void)
{
    struct store_conf c = { .databases = 4, .list_max_listpack_size = -2, .hash_max_listpack_entries = 128,
                            .hash_max_listpack_value = 64, .set_max_intset_entries = 512,
                            .set_max_listpack_entries = 128, .set_max_listpack_value = 64,
                            .zset_max_listpack_entries = 128, .zset_max_listpack_value = 64,
                            .stream_node_max_bytes = 4096, .stream_node_max_entries = 100, .string_limit = 1 << 29 };

    s = store_new(&c, &key, 1);
    s->now_ms = 1000000;
    s->loading = true;
}

static void tear_down(void)
{
    store_free(&s);
    buf_fini(&file);
    buf_fini(&shown);
}

static void flush(void)
{
    for (int i = 0; i < s->conf.databases; i++) store_flush(s, i);
}

static enum err load_checked(bool checksum)
{
    struct rdb_options opt = { .checksum = checksum };
    enum err e;

    rdb_in_bytes(&in, buf_str(&file));
    e = rdb_load(&in, s, &opt, &facts);
    rdb_in_fini(&in);
    store_check(s);
    return e;
}

static enum err load(void)
{
    return load_checked(true);
}

static void expect(int db, const char *name, const char *want)
{
    struct str got = forms_show(s, db, name, &shown);

    ck_assert_msg(str_eq(got, str_c(want)), "%s: got \"%.*s\", want \"%s\"", name, (int)got.n, got.p, want);
}

/* The file that has one key, "k", of this type, whose value has been put into value. */
static enum err load_value(unsigned type, struct buf *value)
{
    flush();
    forms_begin(&file, 13);
    forms_key(&file, type, "k");
    buf_add_str(&file, buf_str(value));
    forms_end(&file);
    buf_clear(value);
    return load();
}

static void accepted(unsigned type, struct buf *value, const char *want)
{
    enum err e = load_value(type, value);

    ck_assert_msg(e == OK, "%s: %s", want, in.why);
    expect(0, "k", want);
}

static void refused(unsigned type, struct buf *value, const char *reason)
{
    ck_assert_int_eq(load_value(type, value), ERR_FORMAT);
    ck_assert_msg(strstr(in.why, reason), "%s", in.why);
    ck_assert_uint_eq(s->dbs[0]->n_keys, 0);
}

/* --- files ---------------------------------------------------------------------------------------------------- */

static void expect_plain(void)
{
    expect(0, "string", "string: value");
    expect(0, "int", "string: -300");
    expect(0, "packed", "string: *82");
    expect(0, "list", "list: a 1 a");
    expect(0, "set", "set: 7 a b");
    expect(0, "zset", "zset: a=2.5 b=inf");
    expect(0, "hash", "hash: 1=2 f=v");
    expect(0, "seconds", "string: s until 2000000000000");
}

#define STREAM(read, active) \
    "stream: 1000-1 name=alice n=7, 1005-0 other=value, last 1005-0 added 2 " \
    "(g 1000-1 read " read ", c 6000 " active ": 1000-1 at 5000, 3 times)"

START_TEST(files_of_every_version_are_read)
{
    for (int version = 1; version <= 13; version++) {
        int n = version < 4 ? 8 : version < 7 ? 14 : version < 8 ? 15 : version < 9 ? 16 : version < 10 ? 18
              : version < 11 ? 22 : version < 12 ? 24 : 28;

        flush();
        forms_file(&file, version);
        ck_assert_msg(load() == OK, "version %d: offset %d: %s", version, (int)in.bad_at, in.why);
        ck_assert_int_eq(facts.version, version);
        ck_assert_int_eq((int)facts.keys, n);
        expect_plain();
        expect(3, "zipmap", version < 4 ? "" : "hash: f=v g=*254");
        expect(3, "listzl", version < 4 ? "" : "list: a 1 -300 *100");
        expect(3, "intset", version < 4 ? "" : "set: -5 1 300");
        expect(3, "zsetzl", version < 4 ? "" : "zset: a=1 b=2.5");
        expect(3, "hashzl", version < 4 ? "" : "hash: 1=2 f=v");
        expect(3, "ms", version < 4 ? "" : "string: m until 4000000000123");
        expect(3, "quick", version < 7 ? "" : "list: a 1 b");
        expect(3, "zset2", version < 8 ? "" : "zset: a=-1.5 b=3");
        expect(3, "stream", version < 9 ? "" : STREAM("1", "6000"));
        expect(3, "hashlp", version < 10 ? "" : "hash: 1=2 f=v");
        expect(3, "zsetlp", version < 10 ? "" : "zset: a=1 b=2.5");
        expect(3, "quick2", version < 10 ? "" : "list: a 1 plain");
        expect(3, "stream2", version < 10 ? "" : STREAM("1", "6000"));
        expect(3, "setlp", version < 11 ? "" : "set: 7 a b");
        expect(3, "stream3", version < 11 ? "" : STREAM("1", "5500"));
        expect(3, "fieldspre", version < 12 ? "" : "hash: f=v@4000000000123 g=w");
        expect(3, "packedpre", version < 12 ? "" : "hash: f=v@4000000000123 g=w");
        expect(3, "fields", version < 12 ? "" : "hash: f=v@4000000000123 g=w@4000000000133 h=x");
        expect(3, "fieldslp", version < 12 ? "" : "hash: f=v@4000000000123 g=w");
    }
}
END_TEST

static void expect_bad_header(const char *header, const char *reason)
{
    buf_clear(&file);
    buf_add_c(&file, header);
    buf_add(&file, "\xff\0\0\0\0\0\0\0\0", 9);
    ck_assert_int_eq(load(), ERR_FORMAT);
    ck_assert_msg(strstr(in.why, reason), "%s", in.why);
}

START_TEST(what_is_no_file_of_ours_is_named)
{
    expect_bad_header("REDIS0000", "RDB version 0");
    expect_bad_header("REDIS0014", "RDB version 14, versions 1 to 13 can be read");
    expect_bad_header("REDIS00x1", "no number");
    expect_bad_header("VALKEY080", "Valkey 9");
    expect_bad_header("GARBAGE!!", "no RDB file");
}
END_TEST

START_TEST(what_modules_and_candidates_left_is_refused_by_name)
{
    /* "ReJSON-RL", as its author's documentation of module types builds it; version 3 of its encoding is text */
    static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct buf v = { 0 };
    uint64_t id = 0;

    for (const char *c = "ReJSON-RL"; *c; c++) id = id << 6 | (uint64_t)(strchr(chars, *c) - chars);
    id = id << 10;
    forms_len(&v, id | 4);
    forms_len(&v, 0);
    refused(RDB_MODULE_2, &v, "'ReJSON-RL' (version 4)");
    forms_len(&v, id | 3);
    forms_len(&v, 0);
    refused(RDB_MODULE_2, &v, "begins with opcode 0");
    forms_len(&v, id | 3);
    forms_len(&v, 5);
    forms_str(&v, STR("{\"a\": }"));
    forms_len(&v, 0);
    refused(RDB_MODULE_2, &v, "expected value");
    forms_len(&v, id | 3);
    forms_len(&v, 5);
    forms_str(&v, STR("{}"));
    forms_len(&v, 2);
    refused(RDB_MODULE_2, &v, "does not end");
    forms_len(&v, id | 3);
    forms_len(&v, 5);
    forms_str(&v, STR(" {\"a\": [1, 2]} "));
    forms_len(&v, 0);
    ck_assert_int_eq(load_value(RDB_MODULE_2, &v), OK);
    expect_str(json_text(db_peek(s->dbs[0], STR("k"))), STR("{\"a\":[1,2]}"));
    flush();
    refused(RDB_MODULE, &v, "type 6 (module)");
    refused(8, &v, "unknown type or opcode 8");
    refused(26, &v, "unknown type or opcode 26");
    forms_begin(&file, 9);
    buf_add_char(&file, (char)RDB_OP_MODULE_AUX);
    forms_len(&file, id);
    forms_end(&file);
    ck_assert_int_eq(load(), ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(in.why, "'ReJSON-RL'"));
    forms_begin(&file, 10);
    buf_add_char(&file, (char)RDB_OP_FUNCTION_PRE);
    forms_text(&file, "name");
    forms_end(&file);
    ck_assert_int_eq(load(), ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(in.why, "release candidate"));
    buf_fini(&v);
}
END_TEST

START_TEST(checksums_count_where_there_are_some)
{
    for (int version = 4; version <= 5; version++) {
        forms_begin(&file, version);
        forms_key(&file, RDB_STRING, "k");
        forms_text(&file, "v");
        forms_end(&file);
        file.p[file.n - 1] ^= 1; /* of the checksum, or the end itself */
        flush();
        ck_assert_int_eq(load(), ERR_FORMAT);
        if (version == 4) continue;
        ck_assert_ptr_nonnull(strstr(in.why, "checksum"));
        flush();
        ck_assert_int_eq(load_checked(false), OK);
        memset(file.p + file.n - 8, 0, 8); /* written with rdbchecksum no */
        flush();
        ck_assert_int_eq(load(), OK);
        file.n--;
        flush();
        ck_assert_int_eq(load(), ERR_FORMAT);
    }
}
END_TEST

START_TEST(what_opcodes_say_is_kept)
{
    s->conf.policy = EVICT_ALL_LRU;
    forms_file(&file, 9);
    ck_assert_int_eq(load(), OK);
    ck_assert_int_eq(evict_idle_ms(s, db_peek(s->dbs[3], STR("idle"))) / 1000, 1000);
    flush();
    s->conf.policy = EVICT_ALL_LFU;
    ck_assert_int_eq(load(), OK);
    ck_assert_uint_eq(evict_freq(s, db_peek(s->dbs[3], STR("stream"))), 77);
}
END_TEST

START_TEST(slots_may_be_told_in_any_version)
{
    forms_begin(&file, 11); /* Valkey 8 and Redis 7.4 share the number, not the version */
    buf_add_char(&file, (char)RDB_OP_SLOT_INFO);
    for (int i = 0; i < 3; i++) forms_len(&file, 12182);
    forms_key(&file, RDB_STRING, "k");
    forms_text(&file, "v");
    forms_end(&file);
    ck_assert_int_eq(load(), OK);
    expect(0, "k", "string: v");
}
END_TEST

START_TEST(expired_keys_are_left_out_and_far_times_are_kept)
{
    struct { uint64_t at; const char *want; } times[] = {
        { 999999, "" }, { 1000000, "" }, { 1000001, "string: v until 1000001" }, { UINT64_MAX, "" },
        { (uint64_t)1 << 62, "string: v until 281474976710655" },
    };

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        forms_begin(&file, 9);
        buf_add_char(&file, (char)RDB_OP_EXPIRE_MS);
        forms_u64(&file, times[i].at);
        forms_key(&file, RDB_STRING, "k");
        forms_text(&file, "v");
        forms_end(&file);
        flush();
        ck_assert_msg(load() == OK, "%s", in.why);
        expect(0, "k", times[i].want);
        ck_assert_uint_eq(facts.expired, times[i].want[0] == 0);
    }
}
END_TEST

START_TEST(a_key_or_database_too_many_is_refused)
{
    forms_begin(&file, 9);
    for (int i = 0; i < 2; i++) {
        forms_key(&file, RDB_STRING, "k");
        forms_text(&file, "v");
    }
    forms_end(&file);
    ck_assert_int_eq(load(), ERR_FORMAT);
    ck_assert_str_eq(in.why, "key 'k' of database 0: the key occurs twice");
    forms_begin(&file, 9);
    buf_add_char(&file, (char)RDB_OP_SELECTDB);
    forms_len(&file, 4);
    forms_end(&file);
    ck_assert_int_eq(load(), ERR_FORMAT);
    ck_assert_str_eq(in.why, "database 4, but there are 4 ('databases')");
}
END_TEST

/* --- lengths and strings --------------------------------------------------------------------------------------- */

START_TEST(lengths_have_four_forms)
{
    static const int bytes[] = { 1, 2, 5, 9 };
    static const size_t sizes[] = { 63, 64, 16383, 16384, 70000 };
    struct buf v = { 0 };

    for (size_t i = 0; i < 4; i++) {
        forms_len_as(&v, 3, bytes[i]);
        buf_add_c(&v, "abc");
        accepted(RDB_STRING, &v, "string: abc");
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char scratch[NUM_TEXT_MAX];
        struct str got;

        forms_len(&v, sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++) buf_add_char(&v, 'x');
        ck_assert_int_eq(load_value(RDB_STRING, &v), OK);
        got = string_bytes(db_peek(s->dbs[0], STR("k")), scratch);
        ck_assert_uint_eq(got.n, sizes[i]);
        ck_assert(got.p[0] == 'x' && got.p[got.n - 1] == 'x');
    }
    buf_add_char(&v, (char)0x82); /* no form of a length */
    refused(RDB_STRING, &v, "unknown form 0x82");
    forms_len_as(&v, UINT64_MAX, 9);
    refused(RDB_STRING, &v, "unexpected end");
    forms_len_as(&v, UINT64_MAX, 9);
    refused(RDB_LIST, &v, "do not fit");
    buf_add_char(&v, (char)0xC0);
    refused(RDB_LIST, &v, "where a length belongs");
    buf_fini(&v);
}
END_TEST

START_TEST(strings_have_six_forms)
{
    static const struct { int64_t v; int bytes; const char *want; } ints[] = {
        { 0, 1, "string: 0" }, { 127, 1, "string: 127" }, { -128, 1, "string: -128" }, { 32767, 2, "string: 32767" },
        { -32768, 2, "string: -32768" }, { 5, 4, "string: 5" }, { 2147483647, 4, "string: 2147483647" },
        { -2147483647 - 1, 4, "string: -2147483648" },
    };
    struct buf v = { 0 }, long_text = { 0 };

    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        forms_int(&v, ints[i].v, ints[i].bytes);
        accepted(RDB_STRING, &v, ints[i].want);
    }
    for (int i = 0; i < 20000; i++) buf_add_char(&long_text, (char)('a' + i % 7));
    forms_lzf(&v, buf_str(&long_text));
    accepted(RDB_STRING, &v, "string: *20000");
    buf_add(&v, "\xC3\x02\x05\x60\x00", 5); /* repeats what was never there */
    refused(RDB_STRING, &v, "compressed string is damaged");
    buf_add(&v, "\xC3\x02\x81\x7f\xff\xff\xff\xff\xff\xff\xff""ab", 13); /* claims to be huge */
    refused(RDB_STRING, &v, "impossible size");
    buf_add_char(&v, (char)0xC4);
    refused(RDB_STRING, &v, "unknown encoding 4");
    buf_fini(&v);
    buf_fini(&long_text);
}
END_TEST

/* --- packed forms ------------------------------------------------------------------------------------------------ */

START_TEST(ziplists_have_nine_kinds_of_entries)
{
    static const char items[] = "#0 #12 #13 #-1 #127 #-128 #128 #32767 #-32768 #32768 #-8388608 #8388607 #8388608 "
                                "#2147483647 #-2147483648 #2147483648 #-9223372036854775808 a *63 *64 *16383 *16384 "
                                "*70000 z #1 ";
    static const char want[] = "list: 0 12 13 -1 127 -128 128 32767 -32768 32768 -8388608 8388607 8388608 "
                               "2147483647 -2147483648 2147483648 -9223372036854775808 a "
                               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "
                               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "
                               "*16383 *16384 *70000 z 1 ";
    struct buf v = { 0 };

    for (unsigned flags = 0; flags <= 5; flags++) {
        if (flags & FORMS_SPARE) continue;
        forms_ziplist(&v, flags, items);
        accepted(RDB_LIST_ZIPLIST, &v, want);
    }
    forms_len(&v, 2);
    forms_ziplist(&v, 0, "a #1");
    forms_ziplist(&v, FORMS_LONG_PREV, "*300 b");
    accepted(RDB_LIST_QUICKLIST, &v, "list: a 1 *300 b");
    forms_ziplist(&v, 0, "f v #1 #2 *100 *200");
    accepted(RDB_HASH_ZIPLIST, &v, "hash: *100=*200 1=2 f=v");
    forms_ziplist(&v, 0, "b #2 a #-1 c 2.5 #7 inf");
    accepted(RDB_ZSET_ZIPLIST, &v, "zset: a=-1 b=2 c=2.5 7=inf");
    forms_ziplist(&v, 0, "");
    accepted(RDB_LIST_ZIPLIST, &v, ""); /* an empty one is as good as none */
    forms_ziplist(&v, 0, "f v g");
    refused(RDB_HASH_ZIPLIST, &v, "field without a value");
    forms_ziplist(&v, 0, "f v f w");
    refused(RDB_HASH_ZIPLIST, &v, "occurs twice");
    forms_ziplist(&v, 0, "a nan");
    refused(RDB_ZSET_ZIPLIST, &v, "score is no number");
    buf_fini(&v);
}
END_TEST

START_TEST(a_ziplist_of_more_than_its_count_can_say_is_read)
{
    struct buf v = { 0 }, items = { 0 };

    for (int i = 0; i < 70000; i++) buf_printf(&items, "%s#%d", i ? " " : "", i % 100);
    buf_add_char(&items, 0);
    forms_ziplist(&v, 0, items.p);
    ck_assert_int_eq(load_value(RDB_LIST_ZIPLIST, &v), OK);
    ck_assert_uint_eq(forms_show(s, 0, "k", &shown).n, 5 + 7000 * (10 * 2 + 90 * 3) / 10);
    buf_fini(&v);
    buf_fini(&items);
}
END_TEST

START_TEST(zipmaps_are_read)
{
    static const unsigned flags[] = { 0, FORMS_SPARE, FORMS_NO_COUNT, FORMS_SPARE | FORMS_NO_COUNT };
    struct buf v = { 0 }, many = { 0 };

    for (size_t i = 0; i < 4; i++) {
        forms_zipmap(&v, flags[i], "f v g *253 *254 w h *70000");
        accepted(RDB_HASH_ZIPMAP, &v, "hash: *254=w f=v g=*253 h=*70000");
        forms_zipmap(&v, flags[i], " v e "); /* the empty field, and the empty value */
        accepted(RDB_HASH_ZIPMAP, &v, "hash: =v e=");
    }
    for (int i = 0; i < 600; i++) buf_printf(&many, "%sw%d", i ? " " : "", i);
    buf_add_char(&many, 0);
    forms_zipmap(&v, 0, many.p); /* 300 pairs: the count says "many" */
    ck_assert_int_eq(load_value(RDB_HASH_ZIPMAP, &v), OK);
    forms_show(s, 0, "k", &shown);
    ck_assert_ptr_nonnull(memmem(shown.p, shown.n, " w598=w599", 10));
    forms_zipmap(&v, 0, "f v f w");
    refused(RDB_HASH_ZIPMAP, &v, "occurs twice");
    forms_zipmap(&v, 0, "f v g");
    refused(RDB_HASH_ZIPMAP, &v, "malformed");
    buf_fini(&v);
    buf_fini(&many);
}
END_TEST

static void refused_zipmap(struct str bytes)
{
    struct buf v = { 0 };

    forms_str(&v, bytes);
    refused(RDB_HASH_ZIPMAP, &v, "a zipmap is malformed");
    buf_fini(&v);
}

START_TEST(zipmaps_that_are_none_are_refused)
{
    refused_zipmap(STR(""));
    refused_zipmap(STR("\xff"));
    refused_zipmap(STR("\x01\x01""f\x01\0v"));            /* no end */
    refused_zipmap(STR("\x01\x01""f\x01\0v\xff\xff"));    /* more behind the end */
    refused_zipmap(STR("\x02\x01""f\x01\0v\xff"));        /* not so many */
    refused_zipmap(STR("\x01\x02""f\x01\0v\xff"));        /* lengths that do not fit */
    refused_zipmap(STR("\x01\x01""f\x02\0v\xff"));
    refused_zipmap(STR("\x01\x01""f\x01\x01v\xff"));      /* spare bytes that are not there */
    refused_zipmap(STR("\x01\x01""f\xfe\xff\xff\xff\xff\0v\xff"));
    refused_zipmap(STR("\x01\xfe\xff\xff\xff\xff""f\x01\0v\xff"));
    refused_zipmap(STR("\x01\xff\xff"));
}
END_TEST

START_TEST(intsets_have_three_widths)
{
    struct buf v = { 0 };

    forms_intset(&v, 2, "#-32768 #-1 #0 #32767");
    accepted(RDB_SET_INTSET, &v, "set: -1 -32768 0 32767");
    forms_intset(&v, 4, "#-2147483648 #5 #2147483647");
    accepted(RDB_SET_INTSET, &v, "set: -2147483648 2147483647 5");
    forms_intset(&v, 8, "#-9223372036854775808 #5 #9223372036854775807");
    accepted(RDB_SET_INTSET, &v, "set: -9223372036854775808 5 9223372036854775807");
    forms_intset(&v, 2, "#1 #1");
    refused(RDB_SET_INTSET, &v, "intset is malformed");
    forms_intset(&v, 2, "#2 #1");
    refused(RDB_SET_INTSET, &v, "intset is malformed");
    forms_intset(&v, 3, "#1 #2");
    refused(RDB_SET_INTSET, &v, "intset is malformed");
    buf_fini(&v);
}
END_TEST

START_TEST(listpacks_have_nine_kinds_of_entries)
{
    static const char items[] = "#0 #127 #128 #4095 #-1 #-4096 #4096 #32767 #-32768 #32768 #-8388608 #8388608 "
                                "#-2147483648 #2147483648 #-9223372036854775808 a *63 *64 *4095 *4096 *16380 *70000 z";
    struct buf v = { 0 };

    forms_len(&v, 2);
    forms_len(&v, RDB_NODE_PACKED);
    forms_listpack(&v, items);
    forms_len(&v, RDB_NODE_PLAIN);
    forms_len(&v, 100);
    for (int i = 0; i < 100; i++) buf_add_char(&v, 'x');
    accepted(RDB_LIST_QUICKLIST_2, &v,
             "list: 0 127 128 4095 -1 -4096 4096 32767 -32768 32768 -8388608 8388608 -2147483648 2147483648 "
             "-9223372036854775808 a xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "
             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx *4095 *4096 *16380 *70000 z *100");
    forms_listpack(&v, "b #7 a *300");
    accepted(RDB_SET_LISTPACK, &v, "set: *300 7 a b");
    forms_listpack(&v, "b #2 a #-1 c 2.5");
    accepted(RDB_ZSET_LISTPACK, &v, "zset: a=-1 b=2 c=2.5");
    forms_listpack(&v, "a b a");
    refused(RDB_SET_LISTPACK, &v, "occurs twice");
    forms_listpack(&v, "f v");
    refused(RDB_HASH_LISTPACK_EX_PRE, &v, "triples");
    forms_len(&v, 1);
    forms_len(&v, 3);
    forms_text(&v, "x");
    refused(RDB_LIST_QUICKLIST_2, &v, "unknown kind 3");
    buf_fini(&v);
}
END_TEST

UNIT_MAIN_AROUND("forms", set_up, tear_down, files_of_every_version_are_read, what_is_no_file_of_ours_is_named,
                 what_modules_and_candidates_left_is_refused_by_name, checksums_count_where_there_are_some,
                 what_opcodes_say_is_kept, slots_may_be_told_in_any_version, expired_keys_are_left_out_and_far_times_are_kept,
                 a_key_or_database_too_many_is_refused, lengths_have_four_forms, strings_have_six_forms,
                 ziplists_have_nine_kinds_of_entries, a_ziplist_of_more_than_its_count_can_say_is_read,
                 zipmaps_are_read, zipmaps_that_are_none_are_refused, intsets_have_three_widths,
                 listpacks_have_nine_kinds_of_entries)

#include "tests/unit/persistence/forms.h"

#include <endian.h>
#include <liblzf/lzf.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc.h"
#include "base/ensure.h"
#include "base/mem.h"
#include "base/num.h"
#include "persistence/rdb_format.h"

/* --- plain -------------------------------------------------------------------------------------------------- */

void forms_begin(struct buf *b, int version)
{
    buf_clear(b);
    buf_printf(b, "REDIS%04d", version);
}

void forms_end(struct buf *b)
{
    buf_add_char(b, (char)255);
    if (b->p[7] > '0' || b->p[8] >= '5') forms_u64(b, crc64(0, b->p, b->n));
}

void forms_u32(struct buf *b, uint32_t v)
{
    v = htole32(v);
    buf_add(b, &v, sizeof v);
}

void forms_u64(struct buf *b, uint64_t v)
{
    v = htole64(v);
    buf_add(b, &v, sizeof v);
}

void forms_len_as(struct buf *b, uint64_t n, int bytes)
{
    uint32_t n32 = htobe32((uint32_t)n);
    uint64_t n64 = htobe64(n);

    switch (bytes) {
    case 1: buf_add_char(b, (char)n); break;
    case 2:
        buf_add_char(b, (char)(0x40 | n >> 8));
        buf_add_char(b, (char)n);
        break;
    case 5:
        buf_add_char(b, (char)0x80);
        buf_add(b, &n32, sizeof n32);
        break;
    default:
        buf_add_char(b, (char)0x81);
        buf_add(b, &n64, sizeof n64);
    }
}

void forms_len(struct buf *b, uint64_t n)
{
    forms_len_as(b, n, n < 64 ? 1 : n < 16384 ? 2 : n <= UINT32_MAX ? 5 : 9);
}

void forms_str(struct buf *b, struct str s)
{
    forms_len(b, s.n);
    buf_add_str(b, s);
}

void forms_text(struct buf *b, const char *s)
{
    forms_str(b, str_c(s));
}

/* The lowest bytes of v, the lowest first. */
static void put_int(struct buf *b, int64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) buf_add_char(b, (char)((uint64_t)v >> 8 * i));
}

void forms_int(struct buf *b, int64_t v, int bytes)
{
    buf_add_char(b, (char)(0xC0 | (bytes == 1 ? 0 : bytes == 2 ? 1 : 2)));
    put_int(b, v, bytes);
}

void forms_lzf(struct buf *b, struct str s)
{
    char *packed = mem_alloc(s.n);
    unsigned n = lzf_compress(s.p, (unsigned)s.n, packed, (unsigned)s.n - 1);

    ensure(n > 0);
    buf_add_char(b, (char)0xC3);
    forms_len(b, n);
    forms_len(b, s.n);
    buf_add(b, packed, n);
    mem_free(packed);
}

void forms_key(struct buf *b, unsigned type, const char *key)
{
    buf_add_char(b, (char)type);
    forms_text(b, key);
}

/* --- words -------------------------------------------------------------------------------------------------- */

struct word {
    bool is_int;
    int64_t v;
    struct buf text;
};

/* The next word of *p; false when there is none. The words must not end with a blank. */
static bool next_word(const char **p, struct word *w)
{
    size_t n;

    if (!*p) return false;
    n = strcspn(*p, " ");
    buf_clear(&w->text);
    w->is_int = **p == '#';
    w->v = **p == '#' || **p == '*' ? strtoll(*p + 1, NULL, 10) : 0;
    if (**p == '*') {
        for (int64_t i = 0; i < w->v; i++) buf_add_char(&w->text, 'x');
    } else {
        buf_add(&w->text, *p + w->is_int, n - w->is_int);
    }
    *p = (*p)[n] ? *p + n + 1 : NULL;
    return true;
}

static const char *first_word(const char *words)
{
    return *words ? words : NULL;
}

void forms_items(struct buf *b, uint64_t count, const char *words)
{
    struct word w = { 0 };

    forms_len(b, count);
    for (const char *p = first_word(words); next_word(&p, &w);) {
        if (w.is_int) forms_int(b, w.v, w.v == (int8_t)w.v ? 1 : w.v == (int16_t)w.v ? 2 : 4);
        else forms_str(b, buf_str(&w.text));
    }
    buf_fini(&w.text);
}

/* --- ziplist ------------------------------------------------------------------------------------------------- */

static void ziplist_int(struct buf *z, int64_t v)
{
    if (v >= 0 && v <= 12) {
        buf_add_char(z, (char)(0xF1 + v));
    } else if (v == (int8_t)v) {
        buf_add_char(z, (char)0xFE);
        put_int(z, v, 1);
    } else if (v == (int16_t)v) {
        buf_add_char(z, (char)0xC0);
        put_int(z, v, 2);
    } else if (v >= -(1 << 23) && v < 1 << 23) {
        buf_add_char(z, (char)0xF0);
        put_int(z, v, 3);
    } else if (v == (int32_t)v) {
        buf_add_char(z, (char)0xD0);
        put_int(z, v, 4);
    } else {
        buf_add_char(z, (char)0xE0);
        put_int(z, v, 8);
    }
}

static void ziplist_str(struct buf *z, struct str s)
{
    uint32_t n = htobe32((uint32_t)s.n);

    if (s.n < 64) {
        buf_add_char(z, (char)s.n);
    } else if (s.n < 16384) {
        buf_add_char(z, (char)(0x40 | s.n >> 8));
        buf_add_char(z, (char)s.n);
    } else {
        buf_add_char(z, (char)0x80);
        buf_add(z, &n, sizeof n);
    }
    buf_add_str(z, s);
}

void forms_ziplist(struct buf *b, unsigned flags, const char *words)
{
    struct buf z = { 0 };
    struct word w = { 0 };
    size_t prev = 0, last = 10;
    uint32_t n = 0, v;
    uint16_t count;

    buf_add(&z, "\0\0\0\0\0\0\0\0\0", 10);
    for (const char *p = first_word(words); next_word(&p, &w); n++) {
        size_t at = z.n;

        if (prev < 254 && !(flags & FORMS_LONG_PREV)) {
            buf_add_char(&z, (char)prev);
        } else {
            buf_add_char(&z, (char)254);
            forms_u32(&z, (uint32_t)prev);
        }
        if (w.is_int) ziplist_int(&z, w.v);
        else ziplist_str(&z, buf_str(&w.text));
        prev = z.n - at;
        last = at;
    }
    buf_add_char(&z, (char)255);
    v = htole32((uint32_t)z.n);
    memcpy(z.p, &v, 4);
    v = htole32((uint32_t)last);
    memcpy(z.p + 4, &v, 4);
    count = htole16(n >= UINT16_MAX || flags & FORMS_NO_COUNT ? UINT16_MAX : (uint16_t)n);
    memcpy(z.p + 8, &count, 2);
    forms_str(b, buf_str(&z));
    buf_fini(&w.text);
    buf_fini(&z);
}

/* --- zipmap, listpack, intset ----------------------------------------------------------------------------------- */

static void zipmap_len(struct buf *z, size_t n)
{
    if (n < 254) {
        buf_add_char(z, (char)n);
    } else {
        buf_add_char(z, (char)254);
        forms_u32(z, (uint32_t)n);
    }
}

void forms_zipmap(struct buf *b, unsigned flags, const char *words)
{
    struct buf z = { 0 };
    struct word w = { 0 };
    unsigned n = 0;

    buf_add_char(&z, 0);
    for (const char *p = first_word(words); next_word(&p, &w); n++) {
        zipmap_len(&z, w.text.n);
        if (n % 2) buf_add_char(&z, flags & FORMS_SPARE ? 3 : 0);
        buf_add_str(&z, buf_str(&w.text));
        if (n % 2 && flags & FORMS_SPARE) buf_add(&z, "\xff?\x01", 3);
    }
    buf_add_char(&z, (char)255);
    z.p[0] = (char)(n / 2 >= 254 || flags & FORMS_NO_COUNT ? 254 : n / 2);
    forms_str(b, buf_str(&z));
    buf_fini(&w.text);
    buf_fini(&z);
}

/* How many bytes the entry has, to be read from the end: 7 bits a byte, all but the first marked. */
static void listpack_back(struct buf *l, size_t n)
{
    int shift = 0;

    ensure(n < 2097151);
    while (n >> shift > 127 || (shift == 7 && n == 16383)) shift += 7;
    for (int at = shift; at >= 0; at -= 7) buf_add_char(l, (char)(((n >> at) & 127) | (at == shift ? 0 : 128)));
}

static void listpack_int(struct buf *l, int64_t v)
{
    if (v >= 0 && v < 128) {
        buf_add_char(l, (char)v);
    } else if (v >= -4096 && v < 4096) {
        buf_add_char(l, (char)(0xC0 | ((v >> 8) & 31)));
        buf_add_char(l, (char)v);
    } else {
        int bytes = v == (int16_t)v ? 2 : v >= -(1 << 23) && v < 1 << 23 ? 3 : v == (int32_t)v ? 4 : 8;

        buf_add_char(l, (char)(bytes == 8 ? 0xF4 : 0xF1 + bytes - 2));
        put_int(l, v, bytes);
    }
}

static void listpack_str(struct buf *l, struct str s)
{
    if (s.n < 64) {
        buf_add_char(l, (char)(0x80 | s.n));
    } else if (s.n < 4096) {
        buf_add_char(l, (char)(0xE0 | s.n >> 8));
        buf_add_char(l, (char)s.n);
    } else {
        buf_add_char(l, (char)0xF0);
        forms_u32(l, (uint32_t)s.n);
    }
    buf_add_str(l, s);
}

void forms_listpack(struct buf *b, const char *words)
{
    struct buf l = { 0 };
    struct word w = { 0 };
    uint32_t total;
    uint16_t n = 0;

    put_int(&l, 0, 6);
    for (const char *p = first_word(words); next_word(&p, &w); n++) {
        size_t at = l.n;

        if (w.is_int) listpack_int(&l, w.v);
        else listpack_str(&l, buf_str(&w.text));
        listpack_back(&l, l.n - at);
    }
    buf_add_char(&l, (char)255);
    total = htole32((uint32_t)l.n);
    memcpy(l.p, &total, 4);
    n = htole16(n);
    memcpy(l.p + 4, &n, 2);
    forms_str(b, buf_str(&l));
    buf_fini(&w.text);
    buf_fini(&l);
}

void forms_intset(struct buf *b, int bytes, const char *words)
{
    struct buf s = { 0 };
    struct word w = { 0 };
    uint32_t n = 0;

    put_int(&s, bytes, 4);
    put_int(&s, 0, 4);
    for (const char *p = first_word(words); next_word(&p, &w); n++) put_int(&s, w.v, bytes);
    n = htole32(n);
    memcpy(s.p + 4, &n, 4);
    forms_str(b, buf_str(&s));
    buf_fini(&w.text);
    buf_fini(&s);
}

/* --- streams ---------------------------------------------------------------------------------------------------- */

static void put_id(struct buf *b, uint64_t ms, uint64_t seq)
{
    uint64_t half[2] = { htobe64(ms), htobe64(seq) };

    buf_add(b, half, sizeof half);
}

void forms_stream(struct buf *b, unsigned type)
{
    bool first = type == RDB_STREAM;

    forms_len(b, 1);
    forms_len(b, 16);
    put_id(b, 1000, 1);
    /* how many, deleted, names, 0; then entries: flags, ID less that of the block, what they have, its length */
    forms_listpack(b, "#2 #0 #2 name n #0 #2 #0 #0 alice #7 #5 #0 #5 #-1 #1 other value #6");
    forms_len(b, 2);
    forms_len(b, 1005); /* the last */
    forms_len(b, 0);
    if (!first) {
        forms_len(b, 1000); /* the first */
        forms_len(b, 1);
        forms_len(b, 0);    /* the greatest that was deleted */
        forms_len(b, 0);
        forms_len(b, 2);    /* added ever */
    }
    forms_len(b, 1);
    forms_text(b, "g");
    forms_len(b, 1000);
    forms_len(b, 1);
    if (!first) forms_len(b, 1);
    forms_len(b, 1);
    put_id(b, 1000, 1);
    forms_u64(b, 5000);
    forms_len(b, 3);
    forms_len(b, 1);
    forms_text(b, "c");
    forms_u64(b, 6000);
    if (type == RDB_STREAM_3) forms_u64(b, 5500);
    forms_len(b, 1);
    put_id(b, 1000, 1);
}

/* --- a whole file ------------------------------------------------------------------------------------------------ */

static void put_aux(struct buf *b, const char *name, const char *value)
{
    buf_add_char(b, (char)RDB_OP_AUX);
    forms_text(b, name);
    forms_text(b, value);
}

static void put_score(struct buf *b, double score)
{
    uint64_t bits;

    memcpy(&bits, &score, sizeof bits);
    forms_u64(b, bits);
}

static void put_plain(struct buf *b)
{
    forms_key(b, RDB_STRING, "string");
    forms_text(b, "value");
    forms_key(b, RDB_STRING, "int");
    forms_int(b, -300, 2);
    forms_key(b, RDB_STRING, "packed");
    forms_lzf(b, STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    forms_key(b, RDB_LIST, "list");
    forms_items(b, 3, "a #1 a");
    forms_key(b, RDB_SET, "set");
    forms_items(b, 3, "b #7 a");
    forms_key(b, RDB_ZSET, "zset");
    forms_len(b, 2);
    buf_add(b, "\x01" "a\x03" "2.5\x01" "b\xfe", 9);
    forms_key(b, RDB_HASH, "hash");
    forms_items(b, 2, "f v #1 #2");
    buf_add_char(b, (char)RDB_OP_EXPIRE);
    forms_u32(b, 2000000000);
    forms_key(b, RDB_STRING, "seconds");
    forms_text(b, "s");
}

static void put_packed(struct buf *b)
{
    forms_key(b, RDB_HASH_ZIPMAP, "zipmap");
    forms_zipmap(b, FORMS_SPARE, "f v g *254");
    forms_key(b, RDB_LIST_ZIPLIST, "listzl");
    forms_ziplist(b, 0, "a #1 #-300 *100");
    forms_key(b, RDB_SET_INTSET, "intset");
    forms_intset(b, 2, "#-5 #1 #300");
    forms_key(b, RDB_ZSET_ZIPLIST, "zsetzl");
    forms_ziplist(b, 0, "a #1 b 2.5");
    forms_key(b, RDB_HASH_ZIPLIST, "hashzl");
    forms_ziplist(b, 0, "f v #1 #2");
    buf_add_char(b, (char)RDB_OP_EXPIRE_MS);
    forms_u64(b, 4000000000123);
    forms_key(b, RDB_STRING, "ms");
    forms_text(b, "m");
}

static void put_version_7_to_9(struct buf *b, int version)
{
    forms_key(b, RDB_LIST_QUICKLIST, "quick");
    forms_len(b, 2);
    forms_ziplist(b, 0, "a #1");
    forms_ziplist(b, 0, "b");
    if (version < 8) return;
    forms_key(b, RDB_ZSET_2, "zset2");
    forms_len(b, 2);
    forms_text(b, "a");
    put_score(b, -1.5);
    forms_text(b, "b");
    put_score(b, 3);
    if (version < 9) return;
    buf_add_char(b, (char)RDB_OP_IDLE);
    forms_len(b, 1000);
    forms_key(b, RDB_STRING, "idle");
    forms_text(b, "i");
    buf_add_char(b, (char)RDB_OP_FREQ);
    buf_add_char(b, 77);
    forms_key(b, RDB_STREAM, "stream");
    forms_stream(b, RDB_STREAM);
}

static void put_version_10(struct buf *b)
{
    forms_key(b, RDB_HASH_LISTPACK, "hashlp");
    forms_listpack(b, "f v #1 #2");
    forms_key(b, RDB_ZSET_LISTPACK, "zsetlp");
    forms_listpack(b, "a #1 b 2.5");
    forms_key(b, RDB_LIST_QUICKLIST_2, "quick2");
    forms_len(b, 2);
    forms_len(b, RDB_NODE_PACKED);
    forms_listpack(b, "a #1");
    forms_len(b, RDB_NODE_PLAIN);
    forms_text(b, "plain");
    forms_key(b, RDB_STREAM_2, "stream2");
    forms_stream(b, RDB_STREAM_2);
}

static void put_version_12(struct buf *b)
{
    forms_key(b, RDB_HASH_FIELDS_PRE, "fieldspre");
    forms_len(b, 2);
    forms_len(b, 4000000000123);
    forms_text(b, "f");
    forms_text(b, "v");
    forms_len(b, 0);
    forms_text(b, "g");
    forms_text(b, "w");
    forms_key(b, RDB_HASH_LISTPACK_EX_PRE, "packedpre");
    forms_listpack(b, "f v #4000000000123 g w #0");
    forms_key(b, RDB_HASH_FIELDS, "fields");
    forms_u64(b, 4000000000123);
    forms_len(b, 3);
    forms_len(b, 1);
    forms_text(b, "f");
    forms_text(b, "v");
    forms_len(b, 11);
    forms_text(b, "g");
    forms_text(b, "w");
    forms_len(b, 0);
    forms_text(b, "h");
    forms_text(b, "x");
    forms_key(b, RDB_HASH_LISTPACK_EX, "fieldslp");
    forms_u64(b, 4000000000123);
    forms_listpack(b, "f v #4000000000123 g w #0");
}

void forms_file(struct buf *b, int version)
{
    forms_begin(b, version);
    if (version >= 7) {
        put_aux(b, "redis-ver", "7.0.0");
        put_aux(b, "of nobody", "something");
    }
    buf_add_char(b, (char)RDB_OP_SELECTDB);
    forms_len(b, 0);
    if (version >= 7) {
        buf_add_char(b, (char)RDB_OP_RESIZEDB);
        forms_len(b, 8);
        forms_len(b, 1);
    }
    put_plain(b);
    buf_add_char(b, (char)RDB_OP_SELECTDB);
    forms_len(b, 3);
    if (version >= 12) {
        buf_add_char(b, (char)RDB_OP_SLOT_INFO);
        for (int i = 0; i < 3; i++) forms_len(b, 100);
    }
    if (version >= 4) put_packed(b);
    if (version >= 7) put_version_7_to_9(b, version);
    if (version >= 10) put_version_10(b);
    if (version >= 11) {
        forms_key(b, RDB_SET_LISTPACK, "setlp");
        forms_listpack(b, "b #7 a");
        forms_key(b, RDB_STREAM_3, "stream3");
        forms_stream(b, RDB_STREAM_3);
    }
    if (version >= 12) put_version_12(b);
    forms_end(b);
}

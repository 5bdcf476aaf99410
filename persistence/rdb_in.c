/* rdb_in.c -- the window over an RDB input; lengths and strings. */
#include "persistence/rdb_in.h"

#include <endian.h>
#include <errno.h>
#include <liblzf/lzf.h>
#include <stdio.h>

#include "base/crc.h"
#include "base/mem.h"
#include "base/num.h"
#include "persistence/file_ops.h"
#include "persistence/rdb_format.h"

enum {
    WINDOW = 1 << 20,
    LZF_GAIN_MAX = 264 /* LZF makes at most this many bytes of one */
};

void rdb_in_bytes(struct rdb_in *in, struct str s)
{
    *in = (struct rdb_in){ .fd = -1 };
    in->p = in->from = in->crc_at = (const unsigned char *)s.p;
    in->end = in->p + s.n;
}

void rdb_in_file(struct rdb_in *in, const struct file_ops *ops, int fd, uint64_t size)
{
    *in = (struct rdb_in){ .ops = ops, .fd = fd, .left = size };
}

void rdb_in_fini(struct rdb_in *in)
{
    buf_fini(&in->window);
    buf_fini(&in->text);
}

uint64_t rdb_in_at(const struct rdb_in *in)
{
    return in->base + (uint64_t)(in->p - in->from);
}

uint64_t rdb_in_left(const struct rdb_in *in)
{
    return in->left + (uint64_t)(in->end - in->p);
}

bool rdb_in_bad(struct rdb_in *in, const char *fmt, ...)
{
    va_list ap;

    if (in->err != OK) return false;
    in->err = ERR_FORMAT;
    in->bad_at = rdb_in_at(in);
    va_start(ap, fmt);
    vsnprintf(in->why, sizeof in->why, fmt, ap);
    va_end(ap);
    return false;
}

uint64_t rdb_in_crc(struct rdb_in *in)
{
    if (!in->no_crc) in->crc = crc64(in->crc, in->crc_at, (size_t)(in->p - in->crc_at));
    in->crc_at = in->p;
    return in->crc;
}

/* Read once into the room behind the window. */
static bool read_more(struct rdb_in *in, size_t room)
{
    size_t want = in->left < room ? (size_t)in->left : room;
    ssize_t r;

    do {
        r = in->ops->read(in->ops->ctx, in->fd, in->window.p + in->window.n, want);
    } while (r == -1 && errno == EINTR);
    if (r == -1) {
        rdb_in_bad(in, "reading failed: %s", strerror(errno));
        in->err = ERR_IO;
        return false;
    }
    if (r == 0) return rdb_in_bad(in, "the file became shorter while it was read");
    in->window.n += (size_t)r;
    in->left -= (uint64_t)r;
    return true;
}

/* For a string of so many bytes, and the value that is made of it. */
static bool no_memory(struct rdb_in *in, uint64_t n)
{
    return rdb_in_bad(in, "there is no memory for a string of %llu bytes", (unsigned long long)n);
}

bool rdb_in_fill(struct rdb_in *in, uint64_t n)
{
    size_t have = (size_t)(in->end - in->p), room;
    bool ok = true;

    if (in->err != OK) return false;
    if (n > rdb_in_left(in)) return rdb_in_bad(in, "unexpected end: %llu bytes are missing",
                                               (unsigned long long)(n - rdb_in_left(in)));
    rdb_in_crc(in);
    in->base = rdb_in_at(in);
    if (have) memmove(in->window.p, in->p, have);
    in->window.n = have;
    room = n > WINDOW ? (size_t)n : WINDOW;
    if (room > MEM_LARGE && !mem_can(2 * room)) return no_memory(in, room);
    buf_room(&in->window, room - have);
    while (ok && in->window.n < n) ok = read_more(in, room - in->window.n);
    in->p = in->from = in->crc_at = (const unsigned char *)in->window.p;
    in->end = in->p + in->window.n;
    return ok;
}

bool rdb_in_reach(struct rdb_in *in, uint64_t n)
{
    uint64_t have = (uint64_t)(in->end - in->p), all = rdb_in_left(in);

    if (LIKELY(have >= n)) return true;
    if (n > all || in->err != OK) return false;
    if (have >= WINDOW / 2 && n < 2 * have) n = 2 * have > all ? all : 2 * have;
    return rdb_in_fill(in, n);
}

bool rdb_in_byte(struct rdb_in *in, unsigned *v)
{
    if (!rdb_in_need(in, 1)) return false;
    *v = *in->p++;
    return true;
}

bool rdb_in_raw(struct rdb_in *in, uint64_t n, struct str *s)
{
    if (!rdb_in_need(in, n)) return false;
    *s = str_of(in->p, (size_t)n);
    in->p += n;
    return true;
}

bool rdb_in_u32(struct rdb_in *in, uint32_t *v)
{
    struct str s;

    if (!rdb_in_raw(in, 4, &s)) return false;
    memcpy(v, s.p, 4);
    *v = le32toh(*v);
    return true;
}

bool rdb_in_u64(struct rdb_in *in, uint64_t *v)
{
    struct str s;

    if (!rdb_in_raw(in, 8, &s)) return false;
    memcpy(v, s.p, 8);
    *v = le64toh(*v);
    return true;
}

/* A length, or with *encoded the kind of an encoded string. */
static bool get_len(struct rdb_in *in, bool *encoded, uint64_t *n)
{
    unsigned first, second;
    struct str s;
    uint32_t n32;

    *encoded = false;
    if (!rdb_in_byte(in, &first)) return false;
    switch (first >> 6) {
    case RDB_LEN_6:
        *n = first & 63;
        return true;
    case RDB_LEN_14:
        if (!rdb_in_byte(in, &second)) return false;
        *n = (first & 63) << 8 | second;
        return true;
    case RDB_LEN_ENCODED:
        *encoded = true;
        *n = first & 63;
        return true;
    default:
        break;
    }
    if (first == RDB_LEN_32) {
        if (!rdb_in_raw(in, 4, &s)) return false;
        memcpy(&n32, s.p, 4);
        *n = be32toh(n32);
        return true;
    }
    if (first == RDB_LEN_64) {
        if (!rdb_in_raw(in, 8, &s)) return false;
        memcpy(n, s.p, 8);
        *n = be64toh(*n);
        return true;
    }
    return rdb_in_bad(in, "a length of unknown form 0x%02x", first);
}

bool rdb_in_len(struct rdb_in *in, uint64_t *n)
{
    bool encoded;

    if (!get_len(in, &encoded, n)) return false;
    return encoded ? rdb_in_bad(in, "an encoded string where a length belongs") : true;
}

bool rdb_in_count(struct rdb_in *in, uint64_t least, uint64_t *n)
{
    if (!rdb_in_len(in, n)) return false;
    if (*n > rdb_in_left(in) / least)
        return rdb_in_bad(in, "%llu items do not fit into what is left", (unsigned long long)*n);
    return true;
}

static bool get_int_text(struct rdb_in *in, size_t bytes, struct str *s)
{
    struct str raw;
    uint32_t v = 0;
    int64_t value;

    if (!rdb_in_raw(in, bytes, &raw)) return false;
    for (size_t i = 0; i < bytes; i++) v |= (uint32_t)(unsigned char)raw.p[i] << 8 * i;
    value = bytes == 1 ? (int8_t)v : bytes == 2 ? (int16_t)v : (int32_t)v;
    buf_clear(&in->text);
    buf_used(&in->text, num_i64(buf_room(&in->text, NUM_TEXT_MAX), value));
    *s = buf_str(&in->text);
    return true;
}

static bool get_lzf(struct rdb_in *in, struct str *s)
{
    uint64_t packed, n;
    struct str raw;

    if (!rdb_in_len(in, &packed) || !rdb_in_len(in, &n)) return false;
    if (packed == 0 || packed > UINT32_MAX || n > UINT32_MAX || n == 0 || n / LZF_GAIN_MAX > packed)
        return rdb_in_bad(in, "a compressed string of impossible size");
    if (!rdb_in_raw(in, packed, &raw)) return false;
    buf_clear(&in->text);
    if (n > MEM_LARGE && !mem_can(2 * n)) return no_memory(in, n);
    if (lzf_decompress(raw.p, (unsigned)packed, buf_room(&in->text, n), (unsigned)n) != n)
        return rdb_in_bad(in, "a compressed string is damaged");
    buf_used(&in->text, n);
    *s = buf_str(&in->text);
    return true;
}

bool rdb_in_str(struct rdb_in *in, struct str *s)
{
    uint64_t n;
    bool encoded;

    if (!get_len(in, &encoded, &n)) return false;
    if (!encoded) return rdb_in_raw(in, n, s);
    switch (n) {
    case RDB_ENC_INT8: return get_int_text(in, 1, s);
    case RDB_ENC_INT16: return get_int_text(in, 2, s);
    case RDB_ENC_INT32: return get_int_text(in, 4, s);
    case RDB_ENC_LZF: return get_lzf(in, s);
    default: return rdb_in_bad(in, "a string of unknown encoding %llu", (unsigned long long)n);
    }
}

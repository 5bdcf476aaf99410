/* HyperLogLogs of any bytes: the first two bytes choose registers to raise, the rest follows a header.
 * Whatever is accepted agrees with itself in both forms. */
#include "base/hll.h"

#include "base/mem.h"
#include "tests/fuzz/fuzz.h"

static void compare(const struct hll *h, struct str s)
{
    uint8_t was[HLL_REGISTERS] = { 0 }, is[HLL_REGISTERS] = { 0 };
    uint64_t a, b;

    ensure(hll_count(s, &a) == OK);
    ensure(hll_count(buf_str(&h->bytes), &b) == OK && a == b);
    ensure(hll_merge(was, s) == OK);
    ensure(hll_merge(is, buf_str(&h->bytes)) == OK);
    ensure(memcmp(was, is, sizeof was) == 0);
}

/* A copy in an allocation of just that size, so that a byte too far is seen. */
static void try(struct str s, unsigned index, unsigned count)
{
    struct buf text = { 0 };
    struct hll h;
    uint64_t n;
    bool changed = false;
    enum err e;

    if (!hll_is(s)) return;
    hll_cached(s, &n);
    hll_init_copy(&h, s, 3000);
    e = hll_to_dense(&h);
    ensure((e == OK) == (hll_count(s, &n) == OK));
    if (e == OK) compare(&h, s);
    hll_fini(&h);
    hll_init_copy(&h, s, 64);
    e = hll_raise(&h, index, count, &changed);
    if (e == OK) e = hll_raise(&h, (index + 1) % HLL_REGISTERS, count, &changed);
    if (e == OK) ensure((hll_count(s, &n) == OK) == (hll_count(buf_str(&h.bytes), &n) == OK));
    hll_fini(&h);
    if (!hll_is_dense(s)) hll_describe(s, &text);
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] = "HYLL\x01\0\0\0\0\0\0\0\0\0\0\0";
    unsigned index, count;
    char *p;

    if (size < 2) return 0;
    index = (data[0] | (unsigned)data[1] << 8) % HLL_REGISTERS;
    count = 1 + data[0] % 51;
    data += 2, size -= 2;
    p = mem_alloc(HLL_HEADER + size);
    memcpy(p, data, size);
    try(str_of(p, size), index, count);
    memcpy(p, head, HLL_HEADER);
    memcpy(p + HLL_HEADER, data, size);
    try(str_of(p, HLL_HEADER + size), index, count);
    mem_free(p);
    p = mem_zalloc(HLL_DENSE_BYTES);
    memcpy(p + HLL_HEADER, data, size < 12288 ? size : 12288);
    memcpy(p, "HYLL", 4);
    try(str_of(p, HLL_DENSE_BYTES), index, count);
    mem_free(p);
    return 0;
}

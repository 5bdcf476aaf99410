/* load.h -- numbers out of bytes that lie anywhere: the first byte is the lowest. */
#ifndef MEMD_BASE_LOAD_H
#define MEMD_BASE_LOAD_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t load_64(const void *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

static inline uint32_t load_32(const void *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return le32toh(v);
}

/* The n <= 8 bytes at p, zeros behind them, without a loop: the loads may overlap. */
static inline uint64_t load_some(const void *from, size_t n)
{
    const unsigned char *p = from;

    if (n == 8) return load_64(p);
    if (n >= 4) return load_32(p) | (uint64_t)load_32(p + n - 4) << (8 * (n - 4));
    if (n == 0) return 0;
    return (uint64_t)p[0] | (uint64_t)p[n / 2] << (8 * (n / 2)) | (uint64_t)p[n - 1] << (8 * (n - 1));
}

static inline void store_32(void *p, uint32_t v)
{
    v = htole32(v);
    memcpy(p, &v, sizeof v);
}

static inline void store_64(void *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, sizeof v);
}

#endif

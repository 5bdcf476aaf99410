/* crc.h -- CRC64 as RDB files use it (Jones polynomial, reflected), and CRC32C for log batches. */
#ifndef MEMD_BASE_CRC_H
#define MEMD_BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Continue crc (0 at the start) over n bytes. */
uint64_t crc64(uint64_t crc, const void *p, size_t n);
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

/* The same on a processor without the instructions for it; named so that tests can compare the two. */
uint64_t crc64_by_table(uint64_t crc, const void *p, size_t n);
uint32_t crc32c_by_table(uint32_t crc, const void *p, size_t n);

#endif

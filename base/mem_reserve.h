/* mem_reserve.h -- the reserve's side that only mem.c sees. */
#ifndef MEMD_BASE_MEM_RESERVE_H
#define MEMD_BASE_MEM_RESERVE_H

#include <stdbool.h>
#include <stddef.h>

/* What malloc, or realloc of p, has refused, from the reserve; without it the program ends. align 0: any. */
void *mem_reserve_alloc(size_t n, size_t align, bool zero);
void *mem_reserve_realloc(void *p, size_t n);

/* Bytes that are set aside: jemalloc counts them as allocated. */
size_t mem_reserve_held(void);

/* For tests: is this the try that fails? */
bool mem_try_fails(void);

#endif

/* mem_passing.h -- memory of what does not stay: see mem.h. This is its side that only mem.c sees. */
#ifndef MEMD_BASE_MEM_PASSING_H
#define MEMD_BASE_MEM_PASSING_H

/* Make the arena. Once; where that fails passing memory is memory like any other. */
void mem_passing_init(void);

#endif

/* clock.h -- time, read once a turn and passed on.
 *
 * Wall time dates what is stored (TTLs); monotonic time measures. Nothing below server/ reads a
 * clock: times are arguments or fields, so that a test can choose them. */
#ifndef MEMD_BASE_CLOCK_H
#define MEMD_BASE_CLOCK_H

#include <stdint.h>

/* Wall clock, ms and us since 1970. */
int64_t clock_wall_ms(void);
int64_t clock_wall_us(void);

/* Monotonic clock, us since some start. */
int64_t clock_mono_us(void);

/* The same for long spans: it goes on while the machine sleeps. */
int64_t clock_boot_us(void);

#endif

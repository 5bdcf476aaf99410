/* ensure.h -- invariants.
 *
 * ensure(cond) stops the program when an invariant is broken: that is a bug in memd. Bad input, a
 * full disk or a lost peer are events and are returned as enum err, never ensured. */
#ifndef MEMD_BASE_ENSURE_H
#define MEMD_BASE_ENSURE_H

#define MUST_USE __attribute__((warn_unused_result))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The invariant that broke; file is NULL as long as none did. For a report. */
struct ensure_broken {
    const char *file, *cond;
    int line;
};
const struct ensure_broken *ensure_what_broke(void);

/* Print "file:line: cond" to stderr and abort. */
_Noreturn void ensure_failed(const char *file, int line, const char *cond);

#define ensure(cond) (LIKELY(cond) ? (void)0 : ensure_failed(__FILE__, __LINE__, #cond))

#endif

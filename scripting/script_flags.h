/* script_flags.h -- what a script or a function says of itself. */
#ifndef MEMD_SCRIPTING_SCRIPT_FLAGS_H
#define MEMD_SCRIPTING_SCRIPT_FLAGS_H

#include "base/str.h"

/* Names as FUNCTION LIST prints them, in its order. */
#define SCRIPT_FLAG_TABLE(X) \
    X(SCRIPT_NO_WRITES, "no-writes", 0) \
    X(SCRIPT_ALLOW_OOM, "allow-oom", 1) \
    X(SCRIPT_ALLOW_STALE, "allow-stale", 2) \
    X(SCRIPT_NO_CLUSTER, "no-cluster", 3) \
    X(SCRIPT_ALLOW_CROSS_SLOT, "allow-cross-slot-keys", 4)

enum script_flag {
#define SCRIPT_FLAG(code, name, bit) code = 1 << bit,
    SCRIPT_FLAG_TABLE(SCRIPT_FLAG)
#undef SCRIPT_FLAG
};

/* By name, case ignored; false: there is none of that name. */
static inline bool script_flag_find(struct str name, unsigned *flag)
{
#define SCRIPT_FLAG(code, text, bit) \
    if (str_is(name, text)) { \
        *flag = code; \
        return true; \
    }
    SCRIPT_FLAG_TABLE(SCRIPT_FLAG)
#undef SCRIPT_FLAG
    return false;
}

#endif

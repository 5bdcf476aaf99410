/* lua_pattern.h -- matching a string with a pattern of Lua.
 *
 *   .  %a %c %d %g %l %p %s %u %w %x %z (capital: the others)  [set]  [^set]     a byte
 *   * + ? and - (as few as can be)                                               behind one: how often
 *   ( ... )  ()  %1 .. %9                                                        captures, places, what was captured
 *   %bxy  %f[set]  ^ at the beginning  $ at the end
 *
 * What matches, and which errors there are, is as in LuaJIT, whose own functions for this cannot be stopped: a
 * pattern of twenty bytes can take them years. Here steps are counted (lua_steps.h). What a byte is does not depend
 * on a locale.
 *
 * Patterns end in a zero byte, as Lua's strings do; one within ends them too. */
#ifndef MEMD_SCRIPTING_LUA_PATTERN_H
#define MEMD_SCRIPTING_LUA_PATTERN_H

#include <stdbool.h>

#include "scripting/lua_steps.h"

enum { PATTERN_CAPTURES = 32, PATTERN_OPEN = -1, PATTERN_PLACE = -2 };

/* The caller sets what comes before `captures`; both strings stay on Lua's stack meanwhile. */
struct lua_pattern {
    lua_State *L;
    struct lua_steps *steps;
    const char *begin, *end; /* of the subject, which has a zero byte at its end */
    int n_captures, depth;
    struct {
        const char *at;
        ptrdiff_t n; /* or PATTERN_OPEN, PATTERN_PLACE */
    } captures[PATTERN_CAPTURES];
};

/* Match p at one place of the subject: where the match ends, or NULL. A ^ is a byte like others here. Raises an
 * error for a pattern that is none. */
const char *lua_pattern_match(struct lua_pattern *m, const char *at, const char *p);

/* Push capture i (0: the first) of a match from `at` to `end`; without any captures the first is all of it. */
void lua_pattern_push(struct lua_pattern *m, int i, const char *at, const char *end);

/* Push all captures, or without any the match (at NULL: nothing); how many they are. */
int lua_pattern_push_all(struct lua_pattern *m, const char *at, const char *end);

#endif

/* namespace_env.h -- a store with namespaces to test on. */
#ifndef MEMD_TESTS_NAMESPACE_ENV_H
#define MEMD_TESTS_NAMESPACE_ENV_H

#include "storage/db.h"
#include "storage/namespace.h"
#include "storage/type_string.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

static struct store *s;

static inline void set_up(void)
{
    s = env_store(11);
}

static inline void tear_down(void)
{
    store_check(s);
    store_free(&s);
}

static inline void set_rules(const char *pattern, struct ns_rules rules)
{
    ck_assert_int_eq(ns_set(s, str_c(pattern), &rules), OK);
    while (ns_retag_some(s, 100)) continue;
}

static inline void set_in(int db, const char *key, const char *value, int64_t expire_ms)
{
    struct string_set how = { .expire_ms = expire_ms };
    ck_assert_int_eq(string_set(s->dbs[db], str_c(key), str_c(value), &how), OK);
}

static inline void set(const char *key, const char *value)
{
    set_in(0, key, value, -1);
}

static inline const struct ns_stats *stats(const char *pattern)
{
    struct namespace *ns = ns_by_pattern(s, str_c(pattern));

    ck_assert(ns != NULL);
    return &ns->stats;
}

#endif

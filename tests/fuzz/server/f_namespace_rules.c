/* Rules of namespaces: whatever the words say, they are taken or refused with a reason; what is refused changes
 * nothing; what is shown is taken again and gives the same.
 *
 * Lines of the input are words; a byte that is not printable stands for one of those that are known. */
#include "base/ensure.h"
#include "server/namespace_rules.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/server/rule_words.h"

static const char *const known[] = {
    "ttl", "jitter", "sliding", "maxlen", "maxkeys", "maxmemory", "maxvalue", "reserve", "policy", "archive", "recall",
    "retain", "versions", "durability", "audit-log", "TTL", "0", "1", "100", "101", "1000ms", "999ms", "60s", "12h", "30d",
    "365000d", "365001d", "9223372036854775807", "9223372036854775808", "18446744073709551615", "4294967295", "4294967296",
    "1kb", "64mb", "7gb", "8589934592gb", "yes", "no", "YES", "none", "noeviction", "allkeys-lru", "volatile-ttl",
    "expire,evict", "trim,delete,overwrite", "expire,", ",", "never", "read", "always", "everysec", "as-set",
    "admin,writes,reads", "reads", "", "-1", "1.5",
};

static void check_again(const struct ns_rules *r)
{
    struct buf text = { 0 }, again = { 0 }, why = { 0 };
    struct ns_rules copy = { 0 };
    struct str words[64];
    bool ok;

    namespace_rules_show(r, &text);
    ok = namespace_rules_read(&copy, words, rules_of_text(buf_str(&text), words, 64), &why);
    ensure(ok && why.n == 0);
    namespace_rules_show(&copy, &again);
    ensure(str_eq(buf_str(&text), buf_str(&again)));
    ensure(copy.ttl_ms == r->ttl_ms && copy.retain_ms == r->retain_ms && copy.maxmemory == r->maxmemory);
    ensure(copy.has_policy == r->has_policy && copy.policy == r->policy && copy.archive == r->archive);
    buf_fini(&text);
    buf_fini(&again);
    buf_fini(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX = 64 };
    struct ns_rules r = { 0 };
    struct str words[MAX];
    struct buf why = { 0 };
    size_t n = rules_of_noise(data, size, words, MAX, known, sizeof known / sizeof *known);

    for (size_t i = 0; i < n; i += 4) {
        struct ns_rules was = r;
        buf_clear(&why);
        if (namespace_rules_read(&r, words + i, n - i < 4 ? n - i : 4, &why)) {
            ensure(why.n == 0 && r.jitter_percent >= 0 && r.jitter_percent <= 100 && r.ttl_ms >= 0 && r.retain_ms >= 0);
            check_again(&r);
        } else {
            ensure(why.n > 0 && memcmp(&r, &was, sizeof r) == 0);
        }
    }
    buf_clear(&why);
    if (n > 0 && !namespace_line_ok(words, n, &why)) ensure(why.n > 0);
    buf_fini(&why);
    return 0;
}

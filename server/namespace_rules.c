/* namespace_rules.c -- see namespace_rules.h. */
#include "server/namespace_rules.h"

#include <stddef.h>

#include "base/num.h"

/* --- kinds of values ------------------------------------------------------------------------------------- */

enum kind {
    KIND_SECONDS,  /* int64_t ms; shown in seconds */
    KIND_DURATION, /* int64_t ms; shown in the largest unit that divides it */
    KIND_COUNT,    /* uint64_t */
    KIND_SMALL,    /* uint32_t */
    KIND_PERCENT,  /* int */
    KIND_BYTES,    /* uint64_t */
    KIND_BOOL,
    KIND_WORD,     /* int: one of a list of words */
    KIND_WORDS     /* unsigned: bits, several words with commas between them, or none */
};

struct word {
    const char *name;
    unsigned value;
};

/* Times are added to the clock, and entries hold 48 bits of that. */
static const int64_t longest_ms = INT64_C(1000) * 365 * 86400 * 1000;

static const struct {
    const char *name;
    int64_t ms;
} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
enum { UNITS = sizeof units / sizeof *units };

/* A number of seconds, or a number with its unit. */
static bool read_duration(struct str text, int64_t *ms)
{
    size_t digits = 0;
    int64_t n, unit = 0;
    struct str rest;

    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9') digits++;
    if (!num_parse_i64(str_of(text.p, digits), &n)) return false;
    rest = str_of(text.p + digits, text.n - digits);
    if (rest.n == 0) unit = 1000;
    for (int i = 0; i < UNITS && unit == 0; i++) {
        if (str_is(rest, units[i].name)) unit = units[i].ms;
    }
    if (unit == 0 || n > longest_ms / unit) return false;
    *ms = n * unit;
    return true;
}

static void show_duration(int64_t ms, struct buf *out)
{
    int i = UNITS - 1;

    while (i > 0 && ms % units[i].ms != 0) i--;
    buf_printf(out, "%lld%s", (long long)(ms / units[i].ms), ms == 0 ? "" : units[i].name);
}

static void show_bytes(uint64_t v, struct buf *out)
{
    static const char *const names[] = { "", "kb", "mb", "gb" };
    int i = 0;

    while (i < 3 && v != 0 && v % 1024 == 0) {
        v /= 1024;
        i++;
    }
    buf_printf(out, "%llu%s", (unsigned long long)v, names[i]);
}

static bool read_word(const struct word *words, struct str text, unsigned *out)
{
    for (; words->name; words++) {
        if (!str_is(text, words->name)) continue;
        *out = words->value;
        return true;
    }
    return false;
}

/* At least one word, none of them empty. */
static bool read_words(const struct word *words, struct str text, unsigned *out)
{
    unsigned bits = 0, bit;

    if (str_is(text, "none")) {
        *out = 0;
        return true;
    }
    for (size_t at = 0; at <= text.n;) {
        size_t end = at;
        while (end < text.n && text.p[end] != ',') end++;
        if (!read_word(words, str_of(text.p + at, end - at), &bit)) return false;
        bits |= bit;
        at = end + 1;
    }
    *out = bits;
    return true;
}

static void show_words(const struct word *words, unsigned bits, struct buf *out)
{
    size_t from = out->n;

    for (; words->name; words++) {
        if (!(bits & words->value)) continue;
        if (out->n > from) buf_add_char(out, ',');
        buf_add_c(out, words->name);
    }
    if (out->n == from) buf_add_c(out, "none");
}

/* --- the options ----------------------------------------------------------------------------------------- */

static const struct word policy_words[] = {
    { "noeviction", EVICT_NONE },         { "allkeys-lru", EVICT_ALL_LRU },       { "allkeys-lfu", EVICT_ALL_LFU },
    { "allkeys-lrm", EVICT_ALL_LRM },     { "allkeys-random", EVICT_ALL_RANDOM }, { "volatile-lru", EVICT_TTL_LRU },
    { "volatile-lfu", EVICT_TTL_LFU },    { "volatile-lrm", EVICT_TTL_LRM },      { "volatile-random", EVICT_TTL_RANDOM },
    { "volatile-ttl", EVICT_TTL_SOONEST }, { 0 },
};

static const struct word archive_words[] = {
#define WORD(code, name, bit) { name, code },
    NS_DEPARTURE_TABLE(WORD)
#undef WORD
    { 0 },
};

static const struct word recall_words[] = { { "never", NS_RECALL_NEVER }, { "read", NS_RECALL_READ }, { 0 } };

/* "as-set" takes back what was said: the log's promise is that of appendfsync. */
static const struct word durability_words[] = {
    { "as-set", NS_DURABLE_AS_SET }, { "always", NS_DURABLE_ALWAYS }, { "everysec", NS_DURABLE_EVERYSEC },
    { "no", NS_DURABLE_NO }, { 0 },
};

static const struct word audit_words[] = {
    { "admin", NS_AUDIT_ADMIN }, { "writes", NS_AUDIT_WRITES }, { "reads", NS_AUDIT_READS }, { 0 },
};

static const struct option {
    const char *name;
    enum kind kind;
    size_t at;
    const struct word *words;
    const char *accepts;
} options[] = {
#define OPTION(n, k, field, ...) { .name = (n), .kind = (k), .at = offsetof(struct ns_rules, field), __VA_ARGS__ }
#define TIME "seconds, or a number with its unit (500ms, 90s, 15m, 12h, 30d); at most 1000 years"
    OPTION("ttl", KIND_SECONDS, ttl_ms, .accepts = TIME "; 0: none"),
    OPTION("jitter", KIND_PERCENT, jitter_percent, .accepts = "0 to 100, percent of the ttl"),
    OPTION("sliding", KIND_BOOL, sliding, .accepts = "yes or no"),
    OPTION("maxlen", KIND_COUNT, maxlen, .accepts = "a number of elements; 0: no limit"),
    OPTION("maxkeys", KIND_COUNT, maxkeys, .accepts = "a number of keys; 0: no limit"),
    OPTION("maxmemory", KIND_BYTES, maxmemory, .accepts = "bytes, as 64mb; 0: no limit"),
    OPTION("maxvalue", KIND_BYTES, maxvalue, .accepts = "bytes, as 512kb; 0: no limit"),
    OPTION("reserve", KIND_BYTES, reserve, .accepts = "bytes, as 16mb; 0: nothing"),
    OPTION("policy", KIND_WORD, policy, .words = policy_words,
           .accepts = "noeviction, or allkeys-lru, -lfu, -lrm, -random, volatile-lru, -lfu, -lrm, -random, -ttl"),
    OPTION("archive", KIND_WORDS, archive, .words = archive_words,
           .accepts = "any of expire,evict,delete,overwrite,trim with commas between them, or none"),
    OPTION("recall", KIND_WORD, recall, .words = recall_words, .accepts = "never or read"),
    OPTION("retain", KIND_DURATION, retain_ms, .accepts = TIME "; 0: for ever"),
    OPTION("versions", KIND_SMALL, versions, .accepts = "a number of versions; 0: all"),
    OPTION("durability", KIND_WORD, durability, .words = durability_words,
           .accepts = "always, everysec, no, or as-set (as appendfsync says)"),
    OPTION("audit-log", KIND_WORDS, audit, .words = audit_words,
           .accepts = "any of admin,writes,reads with commas between them, or none"),
};
enum { OPTIONS = sizeof options / sizeof *options };

_Static_assert(sizeof(enum evict_policy) == sizeof(unsigned) && sizeof(enum ns_recall) == sizeof(unsigned) &&
               sizeof(enum ns_durability) == sizeof(unsigned), "KIND_WORD reads and writes them as unsigned");

/* --- reading --------------------------------------------------------------------------------------------- */

static bool read_count(struct str text, uint64_t max, uint64_t *out)
{
    uint64_t n;

    if (!num_parse_u64(text, &n) || n > max) return false;
    *out = n;
    return true;
}

static bool read_value(const struct option *o, struct str text, void *field)
{
    uint64_t n;

    switch (o->kind) {
    case KIND_SECONDS: case KIND_DURATION: return read_duration(text, field);
    case KIND_COUNT: return read_count(text, INT64_MAX, field);
    case KIND_SMALL:
        if (!read_count(text, UINT32_MAX, &n)) return false;
        *(uint32_t *)field = (uint32_t)n;
        return true;
    case KIND_PERCENT:
        if (!read_count(text, 100, &n)) return false;
        *(int *)field = (int)n;
        return true;
    case KIND_BYTES:
        if (!num_parse_bytes(text, &n) || n > INT64_MAX) return false;
        *(uint64_t *)field = n;
        return true;
    case KIND_BOOL:
        if (!str_is(text, "yes") && !str_is(text, "no")) return false;
        *(bool *)field = str_is(text, "yes");
        return true;
    case KIND_WORD: return read_word(o->words, text, field);
    case KIND_WORDS: return read_words(o->words, text, field);
    }
    return false;
}

static const struct option *find_option(struct str name)
{
    for (int i = 0; i < OPTIONS; i++) {
        if (str_is(name, options[i].name)) return &options[i];
    }
    return NULL;
}

/* What somebody gave us, for an error: cut short, and nothing that a terminal would act on. */
static void quote(struct buf *why, struct str given)
{
    enum { SHOWN = 64 };

    buf_add_char(why, '"');
    for (size_t i = 0; i < given.n && i < SHOWN; i++) {
        unsigned char c = (unsigned char)given.p[i];
        buf_add_char(why, c < 0x20 || c == 0x7f ? '?' : (char)c);
    }
    buf_add_c(why, given.n > SHOWN ? "...\"" : "\"");
}

static bool unknown_option(struct str name, struct buf *why)
{
    quote(why, name);
    buf_add_c(why, " is no option of a namespace; there are ");
    for (int i = 0; i < OPTIONS; i++) buf_printf(why, "%s%s", i == 0 ? "" : ", ", options[i].name);
    return false;
}

static bool fits_together(const struct ns_rules *r, struct buf *why)
{
    if (r->sliding && r->ttl_ms == 0) buf_add_c(why, "sliding yes needs a ttl");
    else if (r->jitter_percent > 0 && r->ttl_ms == 0) buf_add_c(why, "jitter needs a ttl");
    else if (r->maxmemory > 0 && r->reserve > r->maxmemory) buf_add_c(why, "reserve is more than maxmemory");
    else if (r->maxmemory > 0 && r->maxvalue > r->maxmemory) buf_add_c(why, "maxvalue is more than maxmemory");
    else return true;
    return false;
}

bool namespace_rules_read(struct ns_rules *r, const struct str *words, size_t n, struct buf *why)
{
    struct ns_rules new = *r;
    unsigned seen = 0;

    for (size_t i = 0; i < n; i += 2) {
        const struct option *o = find_option(words[i]);
        if (o == NULL) return unknown_option(words[i], why);
        if (i + 1 == n) {
            buf_printf(why, "%s has no value: %s", o->name, o->accepts);
            return false;
        }
        if (seen & 1u << (o - options)) {
            buf_printf(why, "%s is given twice", o->name);
            return false;
        }
        seen |= 1u << (o - options);
        if (!read_value(o, words[i + 1], (char *)&new + o->at)) {
            buf_printf(why, "%s: ", o->name);
            quote(why, words[i + 1]);
            buf_printf(why, " is not accepted: %s", o->accepts);
            return false;
        }
    }
    new.has_policy = new.policy != EVICT_NONE;
    if (!fits_together(&new, why)) return false;
    *r = new;
    return true;
}

bool namespace_pattern_ok(struct str pattern, struct buf *why)
{
    if (pattern.n == 0 || pattern.n > NS_PATTERN_MAX) {
        buf_printf(why, "a pattern has 1 to %d bytes", NS_PATTERN_MAX);
        return false;
    }
    for (size_t i = 0; i < pattern.n; i++) {
        unsigned char c = (unsigned char)pattern.p[i];
        if (c >= 0x20 && c != 0x7f) continue;
        buf_add_c(why, "a pattern has no control characters");
        return false;
    }
    return true;
}

bool namespace_line_ok(const struct str *words, size_t n, struct buf *why)
{
    struct ns_rules r = { 0 };

    if (n == 0) {
        buf_add_c(why, "the pattern is missing");
        return false;
    }
    return namespace_pattern_ok(words[0], why) && namespace_rules_read(&r, words + 1, n - 1, why);
}

/* --- showing --------------------------------------------------------------------------------------------- */

static void show_value(const struct option *o, const void *field, struct buf *out)
{
    int64_t ms;

    switch (o->kind) {
    case KIND_SECONDS:
        ms = *(const int64_t *)field;
        if (ms % 1000 == 0) buf_printf(out, "%lld", (long long)(ms / 1000));
        else show_duration(ms, out);
        return;
    case KIND_DURATION: show_duration(*(const int64_t *)field, out); return;
    case KIND_COUNT: buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)field); return;
    case KIND_SMALL: buf_printf(out, "%u", (unsigned)*(const uint32_t *)field); return;
    case KIND_PERCENT: buf_printf(out, "%d", *(const int *)field); return;
    case KIND_BYTES: show_bytes(*(const uint64_t *)field, out); return;
    case KIND_BOOL: buf_add_c(out, *(const bool *)field ? "yes" : "no"); return;
    case KIND_WORD:
        for (const struct word *w = o->words; w->name; w++) {
            if (w->value == *(const unsigned *)field) buf_add_c(out, w->name);
        }
        return;
    case KIND_WORDS: show_words(o->words, *(const unsigned *)field, out); return;
    }
}

size_t namespace_rules_count(void)
{
    return OPTIONS;
}

void namespace_rules_each(const struct ns_rules *r, void (*fn)(void *ctx, const char *name, struct str value),
                          void *ctx)
{
    struct buf value = { 0 };

    for (int i = 0; i < OPTIONS; i++) {
        buf_clear(&value);
        show_value(&options[i], (const char *)r + options[i].at, &value);
        fn(ctx, options[i].name, buf_str(&value));
    }
    buf_fini(&value);
}

void namespace_rules_show(const struct ns_rules *r, struct buf *out)
{
    static const struct ns_rules none;
    struct buf plain = { 0 }, value = { 0 };
    size_t from = out->n;

    for (int i = 0; i < OPTIONS; i++) {
        buf_clear(&plain);
        buf_clear(&value);
        show_value(&options[i], (const char *)&none + options[i].at, &plain);
        show_value(&options[i], (const char *)r + options[i].at, &value);
        if (str_eq(buf_str(&plain), buf_str(&value))) continue;
        buf_printf(out, "%s%s ", out->n > from ? " " : "", options[i].name);
        buf_add_str(out, buf_str(&value));
    }
    buf_fini(&plain);
    buf_fini(&value);
}

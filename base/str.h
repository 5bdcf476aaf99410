/* str.h -- borrowed bytes.
 *
 * A struct str points at bytes that somebody else owns. It travels by value, may hold any byte
 * and is never assumed to end in NUL. Owned bytes are struct buf (buf.h). */
#ifndef MEMD_BASE_STR_H
#define MEMD_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

/* A string literal as bytes. */
#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })

static inline struct str str_of(const void *p, size_t n)
{
    return (struct str){ (const char *)p, n };
}

/* The bytes of a C string, without its NUL. */
static inline struct str str_c(const char *s)
{
    return (struct str){ s, strlen(s) };
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* True when s begins with prefix. */
static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* The small letter of an ASCII capital; any other byte as it is. */
static inline char char_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Equal when ASCII case is ignored. */
bool str_ieq(struct str a, struct str b);

/* As str_ieq, against a C string. */
bool str_is_word(struct str a, const char *word);

/* The same: the form option parsers use. Most words differ in their first letter already. */
static inline bool str_is(struct str a, const char *word)
{
    if (a.n > 0 && ((a.p[0] ^ word[0]) & ~('a' - 'A')) != 0) return false;
    return str_is_word(a, word);
}

/* How much of s an error shows, for "%.*s": clients send long ones. */
static inline int str_shown(struct str s)
{
    return s.n < 128 ? (int)s.n : 128;
}

/* Order of bytes as memcmp, a shorter prefix first. Returns <0, 0 or >0. */
int str_cmp(struct str a, struct str b);

#endif

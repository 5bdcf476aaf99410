/* Where containers and strings end: every way to look at many bytes at a time says what looking at one after the other says.
 *
 * Of the input the first byte says how much of it becomes the bytes that count, so that every block is full of them; the second, where
 * a look begins. The texts need not be valid: what all ways say is the same then, too, and lies within. */
#include "base/json_scan.h"

#include <stdbool.h>
#include <string.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"

/* Backslashes are nowhere but in strings; elsewhere they take quotes, and no brackets. */
static const char *container_end(const char *p, const char *end)
{
    bool in_string = false, taken = false;
    long depth = 0;

    for (; p < end; p++) {
        bool was_taken = taken;

        taken = *p == '\\' && !was_taken;
        if (*p == '"' && !was_taken) in_string = !in_string;
        if (in_string) continue;
        if (*p == '[' || *p == '{') depth++;
        if ((*p == ']' || *p == '}') && --depth <= 0) return p + 1;
    }
    return end;
}

static const char *string_end(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '"') return p + 1;
        if (*p == '\\') p++;
    }
    return end;
}

static const char *plain_end(const char *p, const char *end)
{
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= ' ') p++;
    return p;
}

static void look(const char *p, const char *end)
{
    const char *want = container_end(p, end);

    ensure(json_scan_container(p, end) == want);
    for (size_t i = 0; json_scanner_at(i); i++) ensure(json_scanner_at(i)->container(p, end) == want);
    ensure(json_scan_string(p, end) == string_end(p, end));
    ensure(json_scan_plain(p, end) == plain_end(p, end));
}

/* The bytes that count are few in most inputs. */
static void thicken(char *p, size_t n, unsigned share)
{
    static const char few[] = "\\\\\"[{]}a";

    for (size_t i = 0; i < n; i++) {
        if (((unsigned char)p[i] * 167u + i * 13u) % 256 < share) p[i] = few[(unsigned char)p[i] % 8];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    enum { LOOKS = 70 };
    char *text;
    size_t from;

    if (n < 3) return 0;
    n -= 2;
    text = mem_alloc(n);
    memcpy(text, data + 2, n);
    thicken(text, n, data[0]);
    from = data[1] % n;
    for (size_t i = from; i < n && i < from + LOOKS; i++) look(text + i, text + n);
    for (size_t cut = n; cut > from && cut + LOOKS > n; cut--) look(text + from, text + cut);
    mem_free(text);
    return 0;
}

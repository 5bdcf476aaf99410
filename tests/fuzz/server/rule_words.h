/* rule_words.h -- noise as a list of words of some language of rules. */
#ifndef MEMD_TESTS_FUZZ_RULE_WORDS_H
#define MEMD_TESTS_FUZZ_RULE_WORDS_H

#include <stdint.h>
#include <string.h>

#include "base/str.h"

/* At most max words, of which how many is returned: a byte that is no letter is one of the n_known words, others stand for themselves,
 * up to the end of the line. Borrowed. */
static inline size_t rules_of_noise(const uint8_t *data, size_t size, struct str *words, size_t max, const char *const *known, size_t n_known)
{
    size_t n = 0;

    for (size_t at = 0; at < size && n < max; n++) {
        const uint8_t *end;
        if (data[at] < ' ' || data[at] > 126) {
            words[n] = str_c(known[data[at++] % n_known]);
            continue;
        }
        end = memchr(data + at, '\n', size - at);
        words[n] = str_of(data + at, end ? (size_t)(end - data) - at : size - at);
        at += words[n].n + 1;
    }
    return n;
}

/* The words of a text, which stand between spaces. */
static inline size_t rules_of_text(struct str text, struct str *words, size_t max)
{
    size_t n = 0;

    for (size_t at = 0; at < text.n && n < max; n++) {
        const char *end = memchr(text.p + at, ' ', text.n - at);
        words[n] = str_of(text.p + at, end ? (size_t)(end - text.p) - at : text.n - at);
        at += words[n].n + 1;
    }
    return n;
}

#endif

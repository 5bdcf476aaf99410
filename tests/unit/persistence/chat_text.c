#include "tests/unit/persistence/chat_text.h"

#include <inttypes.h>
#include <stdio.h>

enum { WORDS = 6000 };

static const char *const syllables[] = { "an", "ter", "in", "re", "con", "ing", "ed", "tion", "er", "al", "de", "com", "pro",
    "ly", "ment", "is", "ble", "per", "ex", "ture", "ver", "ness", "or", "dis", "mar", "ket", "sy", "tem", "ac", "count",
    "ser", "vice", "for", "ward", "da", "ta", "mo", "del", "an", "swer", "ques", "state", "po", "li", "cy", "the", "a", "to",
    "of", "it", "you", "we", "on", "at", "so", "if" };
enum { SYLLABLES = sizeof syllables / sizeof *syllables };

void chat_text_init(struct chat_text *t, uint64_t seed)
{
    double sum = 0;

    rng_seed(&t->rng, 4711); /* the language is always the same */
    for (size_t i = 0; i < WORDS; i++) {
        /* frequent words are short */
        size_t n = 1 + rng_below(&t->rng, i < 60 ? 1 : i < 600 ? 2 : 4), at = 0;

        for (size_t k = 0; k < n; k++)
            at += (size_t)snprintf(t->words[i] + at, sizeof t->words[i] - at, "%.*s", 3,
                                   syllables[rng_below(&t->rng, SYLLABLES)]);
        t->cumulated[i] = sum += 1.0 / ((double)i + 2.7);
    }
    for (size_t i = 0; i < WORDS; i++) t->cumulated[i] /= sum;
    rng_seed(&t->rng, seed);
}

static const char *word(struct chat_text *t)
{
    double u = rng_unit(&t->rng);
    size_t low = 0, high = WORDS - 1;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (t->cumulated[mid] < u) low = mid + 1;
        else high = mid;
    }
    return t->words[low];
}

void chat_text_prose(struct chat_text *t, struct buf *out, size_t n)
{
    size_t from = out->n, left = 0;

    while (out->n - from < n) {
        const char *w = word(t);

        if (left == 0) {
            left = 4 + rng_below(&t->rng, 16);
            buf_add_char(out, (char)(*w - 'a' + 'A'));
            w++;
        }
        buf_add_c(out, w);
        buf_add_c(out, --left == 0 ? ". " : rng_below(&t->rng, 12) == 0 ? ", " : " ");
    }
}

static void add_uuid(struct chat_text *t, struct buf *out)
{
    uint64_t a = rng_next(&t->rng), b = rng_next(&t->rng);

    buf_printf(out, "%08x-%04x-4%03x-%04x-%012" PRIx64, (unsigned)(a >> 32), (unsigned)(a & 0xffff),
               (unsigned)(a >> 16 & 0xfff), (unsigned)(0x8000 | (b >> 48 & 0x3fff)), b & 0xffffffffffff);
}

void chat_text_message(struct chat_text *t, struct buf *out, unsigned i, size_t n, bool langchain)
{
    if (langchain) {
        buf_printf(out, "{\"type\": \"%s\", \"data\": {\"content\": \"", i % 2 ? "ai" : "human");
        chat_text_prose(t, out, n);
        buf_printf(out, "\", \"additional_kwargs\": {}, \"response_metadata\": {}, \"type\": \"%s\", \"name\": null, "
                   "\"id\": null, \"example\": false}}", i % 2 ? "ai" : "human");
        return;
    }
    buf_printf(out, "{\"role\": \"%s\", \"content\": \"", i % 2 ? "assistant" : "user");
    chat_text_prose(t, out, n);
    buf_printf(out, "\", \"timestamp\": \"2026-11-%02uT%02u:%02u:%02u.%06uZ\", \"id\": \"", 1 + (unsigned)rng_below(&t->rng, 28),
               (unsigned)rng_below(&t->rng, 24), (unsigned)rng_below(&t->rng, 60), (unsigned)rng_below(&t->rng, 60),
               (unsigned)rng_below(&t->rng, 1000000));
    add_uuid(t, out);
    buf_add_c(out, "\"}");
}

/* What is done to an index of words, and what is asked: as the bytes of the input say. What is found is what the texts hold, word by
 * word; phrases are found where all of their words are; and its invariants hold. */
#include "base/ensure.h"
#include "search/text_impl.h"
#include "tests/fuzz/fuzz.h"

enum { DOCS = 8 };

struct input {
    const uint8_t *at, *end;
};

static uint8_t take(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static struct str take_bytes(struct input *in)
{
    size_t n = take(in) % 32;
    struct str s;

    if (n > (size_t)(in->end - in->at)) n = (size_t)(in->end - in->at);
    s = str_of(in->at, n);
    in->at += n;
    return s;
}

static bool doc_has(struct str text, const struct text_word *w)
{
    struct words each;

    words_open(&each, text);
    while (words_next(&each))
        if (text_word_matches(w, each.word)) return true;
    return false;
}

static void on_hit(void *ctx, const struct text_hit *h)
{
    ensure(docset_has(ctx, h->doc) && h->df > 0 && h->tf > 0);
}

static void ask(struct input *in, struct text_index *t, const struct str *texts)
{
    struct text_word words[3];
    char room[3][64];
    struct text_phrase p = { .words = words, .n = take(in) % 3 + 1, .slop = take(in) % 4 - 1, .in_order = take(in) & 1, .fields = ~0ULL,
                             .expansions = 1000 };
    struct docset found = { 0 };
    struct text_scan *s;

    for (size_t i = 0; i < p.n; i++) {
        uint8_t how = take(in);
        struct buf folded = { 0 };
        words_fold(take_bytes(in), 0, &folded);
        if (folded.n > sizeof room[i]) folded.n = sizeof room[i];
        if (folded.n > 0) memcpy(room[i], folded.p, folded.n);
        words[i] = (struct text_word){ .how = (enum text_match)(how % 6), .word = str_of(room[i], folded.n), .distance = 1 + (how >> 6) % 3,
                                       .verbatim = true };
        buf_fini(&folded);
    }
    s = text_scan_new(t, &p);
    while (!text_scan_step(s, 1 + take(in) % 8, &found)) continue;
    for (uint32_t d = 0; d < DOCS; d++) {
        bool all = true;
        for (size_t i = 0; i < p.n; i++) all = all && doc_has(texts[d], &words[i]);
        if (p.n > 1 && (p.slop >= 0 || p.in_order)) ensure(all || !docset_has(&found, d));
        else ensure(all == docset_has(&found, d));
    }
    text_scan_hits(s, &found, on_hit, &found);
    text_scan_free(&s);
    docset_fini(&found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, data + size };
    uint8_t first = take(&in);
    struct text_rules rules = { .suffixes = first & 1, .language = first & 2 ? STR("english") : STR("none") };
    struct text_index *t = text_index_new(&rules);
    struct str texts[DOCS] = { 0 };

    while (in.at < in.end) {
        uint8_t what = take(&in);
        uint32_t doc = what >> 4 & (DOCS - 1);
        if ((what & 3) == 0) {
            struct text_value v = { .phonetic = true, .weight = 1, .text = texts[doc] = take_bytes(&in) };
            text_index_put(t, doc, &v, 1, STR(""));
        } else if ((what & 3) == 1) {
            text_index_remove(t, doc);
            texts[doc] = STR("");
        } else if ((what & 3) == 2) {
            text_index_sweep(t, take(&in));
        } else {
            ask(&in, t, texts);
        }
    }
    text_index_check(t);
    text_index_free(&t);
    return 0;
}

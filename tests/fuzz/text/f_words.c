/* Texts of any bytes. Words lie in the text, one behind the other; a word of a valid text cut again is itself; and a stemmer makes
 * no more of it. */
#include "base/ensure.h"
#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "text/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stemmer *stemmer;
    struct str text = str_of(data, size);
    bool valid = utf8_valid(text);

    if (stemmer == NULL) stemmer = stemmer_new(STR("english"));
    for (unsigned how = 0; how < 4; how++) {
        struct words w, again;
        size_t end = 0;
        struct buf folded = { 0 };

        words_open_as(&w, text, how);
        while (words_next(&w)) {
            ensure(w.at >= end && w.len > 0 && w.at + w.len <= size && w.word.n > 0 && w.word.n <= WORD_MAX);
            end = w.at + w.len;
            ensure(stemmer_stem(stemmer, w.word).n <= w.word.n + 1);
            if (!(how & WORDS_AS_FTS5) || !valid) continue; /* it may have been escaped, or stand for no character */
            words_open_as(&again, w.word, how);
            ensure(words_next(&again) && str_eq(again.word, w.word));
        }
        words_fold(text, how, &folded);
        if (!(how & WORDS_AS_FTS5)) {
            struct buf twice = { 0 };

            words_fold(buf_str(&folded), how, &twice);
            ensure(str_eq(buf_str(&twice), buf_str(&folded)));
            buf_fini(&twice);
        }
        ensure(folded.n <= 3 * size); /* a byte that is no UTF-8 takes three */
        buf_fini(&folded);
    }
    return 0;
}

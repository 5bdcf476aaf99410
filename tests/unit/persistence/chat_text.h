/* chat_text.h -- sessions as chat programs leave them, from a seed: what they weigh is what real ones would. */
#ifndef MEMD_TESTS_CHAT_TEXT_H
#define MEMD_TESTS_CHAT_TEXT_H

#include "base/buf.h"
#include "base/rng.h"

/* A vocabulary; words are drawn as often as those of a language are (Zipf). */
struct chat_text {
    struct rng rng;
    char words[6000][16];
    double cumulated[6000];
};
void chat_text_init(struct chat_text *t, uint64_t seed);

/* Append about n bytes of prose. */
void chat_text_prose(struct chat_text *t, struct buf *out, size_t n);

/* Append one message as LangChain stores it, or {"role", "content", "timestamp", "id"}. */
void chat_text_message(struct chat_text *t, struct buf *out, unsigned i, size_t n, bool langchain);

#endif

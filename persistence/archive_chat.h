/* archive_chat.h -- chat messages in JSON text, in the layouts that libraries store.
 *
 *   {"role": "user", "content": "..."}          OpenAI and most others; content may be an array of parts, or the parts
 *                                               stand under parts, blocks (LlamaIndex) or contents (LangChain4j)
 *   {"type": "human", "data": {"content": "..."}}     LangChain
 *   {"lc": 1, "type": "constructor", "id": [..., "HumanMessage"], "kwargs": {"content": "..."}}   LangChain, serialised
 *   {"type": "human", "content": "..."}         the same, flat; Spring AI, LangChain4j
 *
 * An array of such messages, and an object that has one under messages, history or chat_history, are many. What is in
 * any way odd (a member that occurs twice, an array of which one element is no message, \u0000) is not chat: the text
 * is left as it is. Nothing is lost: what is not told as role or content is in metadata, as it was written. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_CHAT_H
#define MEMD_PERSISTENCE_ARCHIVE_CHAT_H

#include <stdint.h>

#include "base/str.h"

/* Longer texts, and of more values (each takes about 80 bytes while they are looked at), are no chat. */
enum { CHAT_TEXT_MAX = 8 << 20, CHAT_VALUES_MAX = 100000 };

struct chat_message {
    struct str role;     /* user, assistant, system, tool, function, or as it was written; empty: not a message but
                          * what stands beside the array of them, as content */
    struct str content;
    struct str metadata; /* a JSON object, or empty */
    int64_t at_ms;       /* -1: not said */
};

/* Tell the messages of text in order. False: it is not chat, and nothing was told. Strings are borrowed for the call. */
bool chat_each(struct str text, void (*fn)(void *ctx, const struct chat_message *m), void *ctx);

#endif

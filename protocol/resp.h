/* resp.h -- requests: RESP bytes, and inline text, to arguments.
 *
 * The parser reads a connection's buffer in place. Arguments are slices of that buffer: no byte is
 * copied, and the slices are valid until the buffer moves or its bytes are dropped. It can be fed any
 * part of a request and resumes where it stopped, at every byte; what it has already seen it does not
 * read again, but for an unfinished line with a length. The buffer may move between two calls: the
 * slices move with it.
 *
 * Limits are those of the caller: they differ before and after authentication. How the bytes arrive,
 * whole or in pieces, never changes what comes of them. */
#ifndef MEMD_PROTOCOL_RESP_H
#define MEMD_PROTOCOL_RESP_H

#include <stdint.h>

#include "base/str.h"

/* The longest inline request, and the longest line with a length; and the longest inline request of one who has not
 * authenticated: its words may be two bytes each, and take eight times as much. */
enum { RESP_MAX_LINE = 64 * 1024, RESP_MAX_STRANGE_LINE = 4 * 1024 };

enum resp_state {
    RESP_NEED_MORE, /* the buffer ends within a request */
    RESP_REQUEST,   /* one whole request: argc > 0, or 0 for an empty one to be skipped */
    RESP_BAD        /* a protocol error: error says what; the connection is to be closed */
};

struct resp_limits {
    uint32_t max_args;  /* of a multibulk; an inline request is limited by the length of its line */
    uint64_t max_bulk;  /* bytes of one argument */
    bool authenticated; /* chooses the text of the error when a limit is passed */
};

/* Zeroed: ready for a request. */
struct resp_parser {
    uint32_t n_args_left; /* of a multibulk in progress */
    bool in_multibulk;
    bool have_bulk;   /* the header of the next argument has been read */
    uint64_t bulk;    /* its length */
    size_t at;        /* parsed so far, from the start of the request */
    const char *base; /* where the request began at the last call: the slices count from it */
    struct str *args; /* slices of the buffer, or of inline_copy */
    size_t argc, cap;
    char *inline_copy; /* unquoted text of an inline request */
    char error[96];    /* RESP_BAD: text after "-ERR " */
};

/* Free the memory; the parser is zeroed, ready for a request. */
void resp_fini(struct resp_parser *p);

/* Forget a request in progress: the next call begins one. */
void resp_rewind(struct resp_parser *p);

/* Parse one request from the start of in[0..n). On RESP_REQUEST p->args[0..p->argc) are slices of
 * `in` (of p->inline_copy for an inline request, valid until the next call) and *used the bytes it
 * took. On RESP_NEED_MORE call again with the same start and more bytes; want (may be NULL) then
 * gets how many bytes are known to be missing, at least 1. RESP_BAD comes again when asked again.
 *
 * The CR and LF behind an argument, and the LF of a line with a length, are taken unseen, as Redis
 * does. Unlike it we take a NUL as any other byte: it ends neither a line nor a word. */
enum resp_state resp_parse(struct resp_parser *p, const char *in, size_t n,
                           const struct resp_limits *lim, size_t *used, size_t *want);

/* Split one line by Redis's quoting rules ("a b", 'c', "\xff"); false: unbalanced quotes, or more
 * than max words (there are at most n / 2 + 1). Words are slices of `copy`, which has n + 1 bytes.
 * Used for inline requests and by tests. */
bool resp_split_words(const char *line, size_t n, char *copy, struct str *words, size_t max,
                      size_t *n_words);

#endif

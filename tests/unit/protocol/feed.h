/* feed.h -- a conversation through the parser, written down as text.
 *
 * A request becomes a line of its arguments, each with its length ("3:GET 1:k"), an empty request an
 * empty line, an error its text behind a '-'. "..." at the end: bytes of an unfinished request are
 * left. So two ways to parse the same bytes can be compared, and a test says what it expects.
 *
 * The parser gets the bytes as a server would give them: some more at a time, in a buffer that has
 * moved. Here every buffer ends at a page that cannot be read, and its predecessor cannot be read
 * any more. */
#ifndef MEMD_TESTS_PROTOCOL_FEED_H
#define MEMD_TESTS_PROTOCOL_FEED_H

#include "base/buf.h"
#include "protocol/resp.h"

/* The longest conversation. */
enum { FEED_MAX = 256 * 1024 };

/* As the server gives them, before and after authentication. */
extern const struct resp_limits feed_before_auth, feed_after_auth;

/* Parse `in`, which arrives in pieces that end at ends[0..n_ends) and at its own end. */
void feed_pieces(struct str in, const struct resp_limits *lim, const size_t *ends, size_t n_ends,
                 struct buf *transcript);

/* Parse `in` whole, byte by byte and in two pieces, cut everywhere (long ones: at some places): each
 * time the transcript must be `want`. */
#define expect_parsed(in, want) \
    feed_expect(__FILE__, __LINE__, STR(in), &feed_after_auth, STR(want))
#define expect_parsed_before_auth(in, want) \
    feed_expect(__FILE__, __LINE__, STR(in), &feed_before_auth, STR(want))
void feed_expect(const char *file, int line, struct str in, const struct resp_limits *lim,
                 struct str want);

/* Lines of a transcript. */
void feed_note_request(struct buf *transcript, const struct str *args, size_t n);
void feed_note_error(struct buf *transcript, const char *text);
void feed_note_more(struct buf *transcript);

/* A copy of n bytes whose last one lies before a page that cannot be read. The copy made before this
 * one cannot be read any more. */
const char *feed_guarded(const char *p, size_t n);

#endif

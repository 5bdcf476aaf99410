/* archive_question.h -- questions whose answer is a reply: ARCHIVE.GET, .VERSIONS, .LIST, .SQL, .SEARCH.
 *
 * Each has a function that makes one (archive_get.h, archive_list.h ...), from bytes that are copied. It is asked with
 * archive_ask(..., &q->job), its reply copied to the client in done, and then it is freed. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_QUESTION_H
#define MEMD_PERSISTENCE_ARCHIVE_QUESTION_H

#include "base/buf.h"
#include "persistence/archive.h"
#include "protocol/reply.h"

struct archive_reader;

/* Makers embed it as their first member. */
struct archive_question {
    struct archive_job job;
    /* On the reader's thread: append one reply, or append nothing and put words into r->error. */
    void (*answer)(struct archive_question *q, struct archive_reader *r, struct reply *out);
    void (*fini)(struct archive_question *q); /* what the maker's struct owns */
    int resp;       /* 2 or 3 */
    struct buf out; /* may fail: a reply for which there is no memory is lost */
};

/* A zeroed one of so many bytes. */
struct archive_question *archive_question_new(size_t bytes, int resp,
                                              void (*answer)(struct archive_question *,
                                                             struct archive_reader *, struct reply *),
                                              void (*fini)(struct archive_question *));

/* The reply, one whole frame, also where the job was refused or failed: "-ERR archive: ...". Borrowed until freed. Empty: it
 * is lost for want of memory. */
struct str archive_question_reply(struct archive_job *j);

void archive_question_free(struct archive_job *j);

/* Has the reply become so large that it is not to grow any more? Sets r->error. */
bool archive_question_is_full(struct archive_reader *r, const struct reply *out);

#endif

/* source_job.h -- what is made of several large values in slices (commands/job.h): a reply, or a value to be stored.
 *
 * Sources are read as they lie. One who replies answers as of the moment when he was asked: when a source is about to change he reads the
 * rest of all of them at once (storage/value_reader.h). One who stores prepares his result aside and puts it in its place in one step; the
 * log has the request, so the result must be that of this moment: when a source has changed meanwhile he begins again. */
#ifndef MEMD_COMMANDS_SOURCE_JOB_H
#define MEMD_COMMANDS_SOURCE_JOB_H

#include "commands/job.h"
#include "commands/job_rows.h"
#include "storage/value_reader.h"

/* Begins a struct that is a job; zeroed. */
struct source_job {
    struct job job;
    struct value_reader reader;
    struct job_rows told;
    const void **objects; /* of the sources, those that are there, by address */
    size_t n_objects;
    unsigned look_every;  /* pieces of work between two looks at the clock; 0: 64 */
    /* Do a little: look at one member, or write one row (source_job_told). False: there is no more. Looks at nothing but the sources, and
     * at nothing but its own when it has said source_job_has_read. */
    bool (*work)(struct source_job *j, struct reply *out);
    /* Who replies: write the head of n rows. */
    void (*head)(const struct source_job *j, struct reply *out, size_t n);
    /* Who stores, and has no head: put the result in its place and reply. What has been read is as it was; who asked may by now name more
     * (source_job_read_all). */
    enum err (*put)(struct call *c, struct source_job *j);
    size_t (*size)(const struct source_job *j); /* bytes beyond the struct's own */
    void (*fini)(struct source_job *j);         /* all that j holds */
};

/* Takes j (mem_zalloc), whose functions are set, to work on n sources; NULL among objects is one that is not there. The code for the
 * handler to return. */
enum err MUST_USE source_job_run(struct call *c, struct source_job *j, const void *const *objects, size_t n);

/* For `reads` of a reader that reads more than that: is e's value one of the sources? e NULL: does j store, and so name them again? */
bool source_job_reads(const struct value_reader *r, const struct entry *e);

/* An arena for what j keeps, and its end: where much lies in it, aside. */
struct arena *source_job_arena(void);
void source_job_drop_arena(const struct store *s, struct arena *a);

/* A row has been written. */
static inline void source_job_told(struct source_job *j)
{
    job_rows_told(&j->told);
}

/* j reads its sources no more. One who stores says so of what is no source of his result. */
static inline void source_job_has_read(struct source_job *j)
{
    value_reader_end(&j->reader);
}

/* Of the n keys from argv[first] on, are there those that j has read, and no others? */
bool source_job_read_all(const struct call *c, const struct source_job *j, size_t first, size_t n);

#endif

/* archive_rig.h -- an archive in a directory of its own, driven by hand: what the server does, in small.
 *
 * Notes are put with the log's offset as a counter; unless `hold` is set they are synced at once. */
#ifndef MEMD_TESTS_ARCHIVE_RIG_H
#define MEMD_TESTS_ARCHIVE_RIG_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "persistence/archive.h"

struct archive_rig {
    struct archive *a;
    struct archive_conf conf;
    struct archive_env env;
    struct store *store;   /* for making payloads */
    char dir[64], path[96];
    char why[ARCHIVE_WHY];
    bool hold;
    uint64_t offset;
    struct buf payload;
    struct buf log;        /* every note that was put, as the write log has it: 8 bytes of length, then the note */
    _Atomic int woken;
    int64_t retain_ms;     /* for the notes that follow */
    uint32_t versions;
};

void archive_rig_init(struct archive_rig *r);
void archive_rig_fini(struct archive_rig *r);

enum err archive_rig_open(struct archive_rig *r);
void archive_rig_close(struct archive_rig *r);

/* A payload as DUMP has it, good until the next. */
struct str archive_rig_string(struct archive_rig *r, struct str value);
struct str archive_rig_list(struct archive_rig *r, const struct str *items, size_t n);
struct str archive_rig_hash(struct archive_rig *r, const struct str *pairs, size_t n);

/* Put a note; its number. */
uint64_t archive_rig_note(struct archive_rig *r, const struct archive_note *n, struct str payload);

/* OUT of a string: live where that is set. */
uint64_t archive_rig_out(struct archive_rig *r, int db, struct str key, enum archive_reason reason, bool live, struct str value);
uint64_t archive_rig_say(struct archive_rig *r, enum archive_verb verb, int db, struct str key);

/* All that was put is synced, committed and collected. */
void archive_rig_flush(struct archive_rig *r);

/* The number (of one row and column) that SQL gives on the file, read from beside; its first row as text, columns with | in
 * between, "" where there is none. */
int64_t archive_rig_number(struct archive_rig *r, const char *sql);
const char *archive_rig_text(struct archive_rig *r, const char *sql);
void archive_rig_exec(struct archive_rig *r, const char *sql);

/* The file's counts are what is in it, no key has two live versions, the indexes agree. */
void archive_rig_check(struct archive_rig *r);

#endif

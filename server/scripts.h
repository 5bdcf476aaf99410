/* scripts.h -- the scripts of EVAL: compiled once, known by the SHA-1 of their text until SCRIPT FLUSH. */
#ifndef MEMD_SERVER_SCRIPTS_H
#define MEMD_SERVER_SCRIPTS_H

#include "server/server.h"

struct scripts;
struct vm;

struct script {
    char sha[41];
    unsigned flags; /* enum script_flag */
    bool declared;  /* it has a first line that says them */
    int function;   /* in the vm */
    struct buf text;
    uint64_t hash;  /* of the text */
    struct script *next_by_sha, *next_by_text;
};

struct scripts *scripts_new(struct server *s);
void scripts_free(struct scripts **scripts);

/* By the 40 hex digits, case ignored; NULL: not known. */
const struct script *scripts_find(const struct scripts *scripts, struct str sha);

/* The script of a text, compiled when it is new; NULL: why says what is wrong with it, without code word. */
const struct script *scripts_load(struct scripts *scripts, struct str text, struct buf *why);

/* Forget all, and all that they left in their state. */
void scripts_flush(struct scripts *scripts);

struct vm *scripts_vm(const struct scripts *scripts);
size_t scripts_count(const struct scripts *scripts);

/* Bytes of what is kept beside the state. */
size_t scripts_bytes(const struct scripts *scripts);

#endif

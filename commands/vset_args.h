/* vset_args.h -- what the commands of vector sets have in common. */
#ifndef MEMD_COMMANDS_VSET_ARGS_H
#define MEMD_COMMANDS_VSET_ARGS_H

#include "commands/command.h"
#include "storage/type_vset.h"

/* A vector as a request gives it. */
struct vset_vector {
    float *v;        /* from the arena */
    uint32_t dim;
    uint32_t reduce; /* REDUCE's; 0: not there */
    size_t next;     /* the argument behind it */
};

/* Read [REDUCE dim] FP32 blob | VALUES n v ... from argument `at` on. False: it is none. */
bool vset_parse_vector(struct call *c, size_t at, bool may_reduce, struct vset_vector *out);

/* Reply that a vector of `got` elements does not suit. */
enum err vset_wrong_dim(struct call *c, uint32_t got, uint32_t want);
enum err vset_wrong_input(struct call *c, uint32_t got, uint32_t want);

/* The set at argument 1, with the element of argument 2. *s and *id are NULL and VSET_NONE where there is none. */
enum err MUST_USE vset_look(struct call *c, const struct vset **s, uint32_t *id);

#define VSET_INVALID_VECTOR STR("ERR invalid vector specification")

#endif

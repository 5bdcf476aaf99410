/* json_path_impl.h -- a compiled path, for the files of json_path.h alone. */
#ifndef MEMD_BASE_JSON_PATH_IMPL_H
#define MEMD_BASE_JSON_PATH_IMPL_H

#include <stdint.h>

#include "base/arena.h"
#include "base/json_path.h"
#include "base/regex.h"

enum step_kind { STEP_NAMES, STEP_INDEXES, STEP_SLICE, STEP_ALL, STEP_FILTER };

struct step {
    enum step_kind kind;
    bool descend; /* from every value below as well */
    size_t n;
    struct str *names;  /* canonical strings */
    int64_t *indexes;   /* of a slice: from, to, step */
    struct filter *filter;
};

struct steps {
    struct step *items;
    size_t n;
};

enum filter_kind { FILTER_OR, FILTER_AND, FILTER_NOT, FILTER_EXISTS, FILTER_COMPARE };
enum filter_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_MATCH /* =~ */ };

/* A literal, or a path from the value that is asked about (@) or from the document ($). */
struct term {
    bool is_path, from_root;
    struct steps path;
    struct str literal; /* canonical */
};

struct filter {
    enum filter_kind kind;
    enum filter_op op;
    struct filter *a, *b;
    struct term left, right;
};

struct json_path {
    struct arena arena;
    bool legacy;
    struct steps steps;
};

/* A search: what bounds it. */
struct json_search {
    struct str doc;
    size_t left; /* bytes that may still be looked at */
    struct regex *regex; /* that of the pattern last asked for (NULL: it is none); freed by whoever began the search */
    struct str pattern;
};

bool json_steps_find(struct json_search *s, const struct steps *steps, struct str from, struct json_matches *out);

/* Does the value pass the filter? */
bool json_filter_passes(struct json_search *s, const struct filter *f, struct str value);

#endif

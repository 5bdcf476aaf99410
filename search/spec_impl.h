/* spec_impl.h -- what the files of spec.h share: the arguments as they are read. */
#ifndef MEMD_SEARCH_SPEC_IMPL_H
#define MEMD_SEARCH_SPEC_IMPL_H

#include "search/spec.h"

struct spec_in {
    struct index_spec *spec;
    size_t argc, at;
    const struct str *argv;
    struct buf *error;
};

/* False, with the reply's text. */
bool spec_fail(struct spec_in *in, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Is the next argument this word (any case)? Then it is passed. */
bool spec_word(struct spec_in *in, const char *word);

/* The next argument; false: there is none ("... requires an argument"). */
bool spec_arg(struct spec_in *in, const char *of, struct str *out);

/* A copy that lives as long as the spec. */
struct str spec_keep(struct index_spec *s, struct str text);

/* Behind the word VECTOR: algorithm, count, attributes. */
bool spec_read_vector(struct spec_in *in, struct field_spec *f);

/* Would the word be read as an option when it comes behind what has been said of f? */
bool spec_is_option(const struct field_spec *f, struct str word);

/* Names of a vector's settings, as FT.INFO has them. */
const char *spec_vec_type(enum vec_type t);
const char *spec_vec_metric(enum vec_metric m);
const char *spec_vec_algorithm(const struct field_spec *f);

#endif

/* spec.h -- the definition of an index: what FT.CREATE says, parsed, and said again.
 *
 * Options may come in any order. What RediSearch knows and memd has no use for is accepted and kept for FT.INFO. */
#ifndef MEMD_SEARCH_SPEC_H
#define MEMD_SEARCH_SPEC_H

#include "base/buf.h"
#include "vector/vec.h"

enum field_type { FIELD_TAG, FIELD_TEXT, FIELD_NUMERIC, FIELD_GEO, FIELD_VECTOR };
enum { SPEC_FIELDS_MAX = 1024, SPEC_PREFIXES_MAX = 1024 };

struct field_spec {
    struct str identifier;   /* a hash's field, or a JSONPath */
    struct str name;         /* AS, or the identifier */
    enum field_type type;
    bool sortable, unf, no_index, index_empty, index_missing, suffixes;
    bool case_sensitive;     /* TAG */
    char separator;          /* TAG; 0: the value is one tag (JSON where none was given) */
    bool no_stem;            /* TEXT */
    double weight;
    uint8_t text_field;      /* TEXT: its number there */
    struct str phonetic;     /* TEXT: the matcher; empty: none */
    struct vec_conf vec;     /* VECTOR */
    bool svs;                /* SVS-VAMANA was asked for: a graph here, too, which goes by its own name */
};

struct spec_strings;

struct index_spec {
    struct str name;
    bool on_json;
    struct str *prefixes;    /* at least one; an empty one stands for all keys */
    size_t n_prefixes;
    struct str filter;       /* FILTER's expression; empty: none */
    struct str language, language_field, score_field, payload_field;
    double score;            /* 1.0 */
    struct str *stop_words;  /* as given; own_stop_words: they are not the usual ones */
    size_t n_stop_words;
    bool own_stop_words;
    bool max_text_fields, no_offsets, no_highlight, no_fields, no_freqs, skip_initial_scan, index_all;
    int64_t temporary_s;     /* 0: for good */
    struct field_spec *fields;
    size_t n_fields;
    struct spec_strings *strings; /* what the strs point to is the spec's */
};

/* FT.CREATE's arguments from the name on. NULL: *error has the reply's text ("SEARCH_PARSE_ARGS ..."). */
struct index_spec *spec_parse(size_t argc, const struct str *argv, struct buf *error);
/* FT.ALTER's SCHEMA ADD: the fields, appended; false: there are none, *error says why. Fields may move. */
bool spec_add(struct index_spec *s, size_t argc, const struct str *argv, struct buf *error);
void spec_free(struct index_spec **s);

/* FT.CREATE that makes the same index: its arguments from the name on, one behind the other, told to fn; each is good for the
 * call alone. It ends before a field whose identifier would be taken for an option of the field before it: FT.ALTER can add a
 * field "weight" behind a TEXT, FT.CREATE cannot have it there. Returns the field that comes next; n_fields: that was all. From another
 * field than 0 on it is FT.ALTER that is said, also from the name on. */
size_t spec_say(const struct index_spec *s, size_t from, void (*fn)(void *ctx, struct str arg), void *ctx);
/* Would they hold the same? (Names apart.) */
bool spec_same(const struct index_spec *a, const struct index_spec *b);

/* By name (exact bytes, as RediSearch); NULL: none. */
const struct field_spec *spec_field(const struct index_spec *s, struct str name);

#endif

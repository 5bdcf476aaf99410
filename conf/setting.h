/* setting.h -- a row of the table of settings, and what the rows' kinds can do.
 *
 * A row points at its field by offset and at its kind, a handful of functions that read, show,
 * write, copy and free values of one type. Nobody else looks inside a field by name of a setting:
 * init, get, set, rewrite and print walk the rows. */
#ifndef MEMD_CONF_SETTING_H
#define MEMD_CONF_SETTING_H

#include "conf/conf.h"

/* Room for a value of any kind. */
union conf_value {
    bool yes;
    int word;
    int64_t number;
    int64_t numbers[3];
    char *text;
    struct conf_list list;
    struct conf_numbers doubles;
    struct conf_save save;
    struct conf_output_limit limits[CONF_CLASSES];
};

/* A word that a setting takes, and what it stands for. The first of two words with one value is the
 * one that is shown. Tables end in a NULL. */
struct word {
    const char *name;
    int value;
};

enum {
    SETTING_IMMUTABLE = 1 << 0, /* fixed once the daemon runs */
    SETTING_PROTECTED = 1 << 1, /* fixed too, unless enable-protected-configs allows */
    SETTING_WAITS = 1 << 2,     /* cannot be set while data is loaded */
    SETTING_HIDDEN = 1 << 3,    /* not matched by patterns, not in the printed memd.conf */
    SETTING_SECRET = 1 << 4,    /* masked in errors */
    SETTING_MULTI = 1 << 5,     /* takes several arguments */
    SETTING_FILE_ONLY = 1 << 6, /* unknown to CONFIG GET and SET */
    SETTING_OCTAL = 1 << 7,
    SETTING_PERCENT = 1 << 8,  /* bytes, or n%: kept as -n */
    SETTING_DROP = 1 << 9,     /* at its default it has no line in a rewritten file */
    SETTING_ALWAYS = 1 << 10,  /* always has one: its default depends on where memd is started */
    SETTING_QUIET_ALIAS = 1 << 12, /* its alias is a later version's name: not matched by patterns */
    SETTING_VOLATILE = 1 << 13, /* names a file, which may be another by now: the same value again is news */
    SETTING_ACCEPTED = 1 << 11 /* has no effect, and its field is in conf.accepted */
};

/* The arguments of a setting. */
struct input {
    const struct str *args;
    size_t n;
    bool add;      /* a line of a file: repeatable settings add to what is there */
    bool at_start; /* the daemon does not run yet */
};

struct setting_kind {
    size_t size;
    /* Take the arguments. On false Redis's text for what is wrong is appended to why, and the field
     * holds some valid value. */
    bool (*read)(const struct setting *s, const struct input *in, void *field, struct buf *why);
    /* Append the value as CONFIG GET shows it. */
    void (*show)(const struct setting *s, const void *field, struct buf *out);
    /* Append the line, or lines, of memd.conf that give the value. NULL: the name and what show
     * says. */
    void (*write)(const struct setting *s, const void *field, struct buf *out);
    /* What owns memory: duplicate, free. NULL: plain bytes. The field is not read before copy. */
    void (*copy)(void *to, const void *from);
    void (*fini)(void *field);
    /* Append what would be accepted, for people. */
    void (*accepts)(const struct setting *s, struct buf *out);
};

struct setting {
    const char *name;
    const struct setting_kind *kind;
    size_t at;        /* of the field in struct conf */
    int64_t min, max; /* of numbers */
    const struct word *words;
    const char *alias;   /* another name for it, or NULL */
    const char *initial; /* the default, spelled as in memd.conf; a zero value needs no text */
    unsigned flags;
    const char *unit;    /* what numbers count */
    const char *accepts; /* instead of what the kind would say */
    const char *example; /* printed as a comment when the default is empty */
    /* Look at the value that was just read: adjust it, or return why it will not do. */
    const char *(*settle)(void *field, bool at_start);
    const char *doc;
};

/* A section of memd.conf. Rows end in one without a name. */
struct setting_group {
    const char *title;
    const struct setting *rows;
};

extern const struct setting_kind kind_bool, kind_int, kind_bytes, kind_word, kind_words, kind_text;
extern const struct setting_kind kind_list, kind_lines, kind_pairs, kind_include;
extern const struct setting_kind kind_save, kind_limits, kind_percentiles, kind_events, kind_scores;

/* The sections, the last one without a title: that of the accepted settings. */
extern const struct setting_group setting_groups[];

/* All settings by number, from 0 to setting_count() - 1. */
size_t setting_count(void);
const struct setting *setting_at(size_t i);

/* The row with this name or alias, in any case; NULL when there is none. *name (may be NULL) gets
 * which of the two it was, as the table spells it. */
const struct setting *setting_find(struct str asked, const char **name);

/* The field of s in c. */
void *setting_field(const struct setting *s, struct conf *c);
const void *setting_value(const struct setting *s, const struct conf *c);

/* Read, with the checks that all kinds share: the number of arguments and the row's settle. */
bool setting_read(const struct setting *s, const struct input *in, void *field, struct buf *why);

/* Read one text, split at blanks when the setting takes several arguments: what CONFIG SET, the
 * environment and the table's defaults hold. */
bool setting_read_text(const struct setting *s, struct str text, bool at_start, void *field,
                       struct buf *why);

void setting_show(const struct setting *s, const void *field, struct buf *out);
void setting_write(const struct setting *s, const void *field, struct buf *out);
void setting_copy(const struct setting *s, void *to, const void *from);
void setting_fini(const struct setting *s, void *field);

/* Have both values the same text? */
bool setting_same(const struct setting *s, const void *a, const void *b);

/* Make a new value that is the default. */
void setting_init(const struct setting *s, void *field);
bool setting_is_default(const struct setting *s, const void *field);

/* Append v in the largest unit that divides it: 64mb. */
void setting_add_bytes(struct buf *out, uint64_t v);

/* Append what s accepts, for people. */
void setting_accepts(const struct setting *s, struct buf *out);

#endif

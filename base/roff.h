/* roff.h -- pages for man(1), with the macros of man(7). */
#ifndef MEMD_BASE_ROFF_H
#define MEMD_BASE_ROFF_H

struct buf;

/* The first line of a page: "MEMD.CONF", 5, "2026-11-21", "memd 1.0", "Settings of memd". */
void roff_title(struct buf *out, const char *name, int section, const char *date, const char *source, const char *book);

/* A section or, with .SS, a part of one. */
void roff_section(struct buf *out, const char *name);
void roff_part(struct buf *out, const char *name);

/* A paragraph. Words between * are bold, those between _ italic, where such a sign has no letter or digit beside it on
 * the outside; all else is taken as it is. */
void roff_paragraph(struct buf *out, const char *text);

/* The same as a line of its own in the paragraph. */
void roff_line(struct buf *out, const char *text);

/* What stands indented below tag, which may hold the same marks; text is taken as it is. */
void roff_item(struct buf *out, const char *tag, const char *text);

/* One more paragraph of an item, as it is. */
void roff_more(struct buf *out, const char *text);

/* Lines as they are. */
void roff_example(struct buf *out, const char *text);

#endif

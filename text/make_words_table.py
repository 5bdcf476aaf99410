#!/usr/bin/env python3
"""Write words_table.h: what FTS5's tokenizer unicode61 (remove_diacritics 2) makes of each character, and simple case folding.

The tokenizer itself is asked, so that the two cannot differ, and Python's Unicode data: python3 text/make_words_table.py > text/words_table.h
"""
import sqlite3
import sys
import unicodedata


def ask():
    """For each code point: None (it separates words), or what it is in a word (nothing, for most accents)."""
    points = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE texts USING fts5(t, tokenize = 'unicode61 remove_diacritics 2')")
    db.execute("CREATE VIRTUAL TABLE words USING fts5vocab(texts, instance)")
    db.executemany("INSERT INTO texts(rowid, t) VALUES (?, ?)", ((c, "x" + chr(c) + "y") for c in points))
    found = dict.fromkeys(points)
    for word, point in db.execute("SELECT term, doc FROM words"):
        if len(word) > 1:  # not cut in x and y
            found[point] = word[1:-1]
    return found


def small(c):
    """Unicode's simple case folding of a code point: one character for each (CaseFolding.txt, C and S)."""
    for text in (chr(c).casefold(), chr(c).lower()):
        if len(text) == 1:
            return ord(text)
    return c


def rows(values, per_line, form):
    lines = [values[i:i + per_line] for i in range(0, len(values), per_line)]
    return ",\n".join("    " + ", ".join(form % v for v in line) for line in lines)


def main():
    found = ask()
    bitmaps, folds, bitmap_of, fold_of = [], [[0] * 256], [], []
    for page in range(0x110):
        for low in range(0, 0x1000, 256):
            points = range(page * 0x1000 + low, page * 0x1000 + low + 256)
            bits = tuple(sum(1 << (c & 63) for c in points[q:q + 64] if found.get(c) is not None)
                         for q in range(0, 256, 64))
            if bits not in bitmaps:
                bitmaps.append(bits)
            bitmap_of.append(bitmaps.index(bits))
            if all(found.get(c) in (None, chr(c)) for c in points):
                fold_of.append(0)
                continue
            assert all((ord(found[c]) ^ c) >> 16 == 0 for c in points if found.get(c))
            folds.append([ord(found[c]) & 0xFFFF if found.get(c) else 0 for c in points])
            fold_of.append(len(folds) - 1)
    # All that is beyond plane 1 is in words, but for some of the first pages of plane 14.
    assert all(bitmaps[b] == (2**64 - 1,) * 4 for b in bitmap_of[0x200:0xE00] + bitmap_of[0xE10:])
    bitmap_of = bitmap_of[:0x200] + bitmap_of[0xE00:0xE10]

    out = sys.stdout.write
    out("/* words_table.h -- which characters are in words, and what they fold to. Made by make_words_table.py from SQLite %s. */\n"
        % sqlite3.sqlite_version)
    out("#ifndef MEMD_TEXT_WORDS_TABLE_H\n#define MEMD_TEXT_WORDS_TABLE_H\n\n#include <stdint.h>\n\n")
    out("/* By page of 256 characters: which of the bitmaps; planes 0 and 1, then pages 0xe00 to 0xe0f. All others are words. */\n")
    out("static const uint8_t word_page[0x210] = {\n%s\n};\n\n" % rows(bitmap_of, 32, "%d"))
    out("static const uint64_t word_bits[][4] = {\n%s\n};\n\n"
        % ",\n".join("    { %s }" % ", ".join("0x%x" % q for q in b) for b in bitmaps))
    last = max(i for i, f in enumerate(fold_of) if f)
    out("/* By page: which of the tables of foldings; 0: its characters stay. */\n")
    out("enum { FOLD_PAGES = %d };\n" % (last + 1))
    out("static const uint8_t fold_page[FOLD_PAGES] = {\n%s\n};\n\n" % rows(fold_of[:last + 1], 32, "%d"))
    out("/* The low 16 bits; 0: nothing is left of it. */\n")
    write_pages("fold_to", folds)
    write_cases()
    out("#endif\n")


def write_pages(name, pages):
    sys.stdout.write("static const uint16_t %s[][256] = {\n    { 0 },\n%s\n};\n\n"
                     % (name, ",\n".join("    {\n%s\n    }" % rows(f, 16, "0x%x") for f in pages[1:])))


def write_cases():
    pages, page_of = [None], []
    for first in range(0, 0x110000, 256):
        points = range(first, first + 256)
        page_of.append(0 if all(small(c) == c for c in points) else len(pages))
        if page_of[-1]:
            assert all((small(c) ^ c) >> 16 == 0 for c in points)
            pages.append([small(c) & 0xFFFF for c in points])
    last = max(i for i, n in enumerate(page_of) if n)
    sys.stdout.write("/* The same for case alone, of Unicode %s. */\nenum { CASE_PAGES = %d };\n"
                     "static const uint8_t case_page[CASE_PAGES] = {\n%s\n};\n\n"
                     % (unicodedata.unidata_version, last + 1, rows(page_of[:last + 1], 32, "%d")))
    sys.stdout.write("/* The low 16 bits. */\n")
    write_pages("case_to", pages)


main()

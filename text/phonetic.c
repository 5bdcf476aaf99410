/* phonetic.c -- Double Metaphone (L. Philips, The Double Metaphone Search Algorithm, C/C++ Users Journal 18/6, June 2000): its
 * first code, of four characters, which is what RediSearch indexes and looks for.
 *
 * A word is read from left to right. Each letter has rules of its own, which look at what is around it, write what it sounds like
 * (mostly one consonant: of vowels only one that the word begins with is heard) and tell how many letters that was. The rules
 * know English, and names as English speakers say them: from Germanic, Slavic, Romance and Greek languages. */
#include "text/phonetic.h"

#include <stdbool.h>
#include <string.h>

#include "text/words.h"

struct speech {
    struct str word;
    size_t at;             /* the letter that is read */
    bool slavic;           /* looks Slavic or German */
    bool german;           /* begins with sch */
    char *code;
    size_t n;
};

/* The letter so far from the one that is read; 0: outside the word. */
static char letter(const struct speech *s, int off)
{
    size_t i = s->at + (size_t)off; /* before the word: larger than any */

    return i < s->word.n ? s->word.p[i] : 0;
}

static bool any_of(char c, const char *letters)
{
    return c != 0 && strchr(letters, c) != NULL;
}

static bool is_vowel(char c)
{
    return any_of(c, "aeiouy");
}

static bool stands_at(const struct speech *s, size_t i, struct str text)
{
    return i < s->word.n && s->word.n - i >= text.n && memcmp(s->word.p + i, text.p, text.n) == 0;
}

/* Stands one of the texts, which blanks part, at that place of the word? */
static bool one_at(const struct speech *s, size_t i, const char *texts)
{
    while (true) {
        size_t n = strcspn(texts, " ");

        if (stands_at(s, i, str_of(texts, n))) return true;
        if (texts[n] == 0) return false;
        texts += n + 1;
    }
}

/* The same, so far from the letter that is read. */
static bool near(const struct speech *s, int off, const char *texts)
{
    return one_at(s, s->at + (size_t)off, texts);
}

static bool is_last(const struct speech *s)
{
    return s->at + 1 == s->word.n;
}

static void sound(struct speech *s, const char *text)
{
    while (*text != 0 && s->n < PHONETIC_MAX) s->code[s->n++] = *text++;
}

/* Sound, and tell how many letters that was. */
static size_t say(struct speech *s, const char *text, size_t letters)
{
    sound(s, text);
    return letters;
}

/* A letter that is said once where it is written twice. */
static size_t say_once(struct speech *s, const char *text, const char *as_well)
{
    return say(s, text, any_of(letter(s, 1), as_well) ? 2 : 1);
}

/* --- c ----------------------------------------------------------------------------------------------------------- */

/* ch as in chorus, Bach, orchestra, Wechsler */
static bool is_hard_ch(const struct speech *s)
{
    bool behind_dark = s->at == 0 || any_of(letter(s, -1), "aoue");
    char next = letter(s, 2);

    if (s->at == 0 && one_at(s, 1, "harac haris hor hym hia hem") && !one_at(s, 0, "chore")) return true;
    if (s->german || near(s, -2, "orches archit orchid") || any_of(next, "ts")) return true;
    return behind_dark && (next == 0 || any_of(next, "lrnmbhfvw"));
}

static size_t read_ch(struct speech *s)
{
    bool inside = s->at > 0;

    if (inside && near(s, 0, "chae")) return say(s, "K", 2);
    if (is_hard_ch(s) || (inside && one_at(s, 0, "mc"))) return say(s, "K", 2);
    return say(s, "X", 2);
}

/* cc, not as in McClellan: accident, success; bacci; else as in broccoli */
static size_t read_cc(struct speech *s)
{
    if (!any_of(letter(s, 2), "ieh") || near(s, 2, "hu")) return say(s, "K", 2);
    if ((s->at == 1 && letter(s, -1) == 'a') || near(s, -1, "uccee ucces")) return say(s, "KS", 3);
    return say(s, "X", 3);
}

static size_t read_c(struct speech *s)
{
    char third = letter(s, 2);
    bool ach = s->at > 1 && !is_vowel(letter(s, -2)) && near(s, -1, "ach");

    if (ach && third != 'i' && (third != 'e' || near(s, -2, "bacher macher"))) return say(s, "K", 2);
    if (s->at == 0 && one_at(s, 0, "caesar")) return say(s, "S", 2);
    if (near(s, 0, "chia")) return say(s, "K", 2);
    if (near(s, 0, "ch")) return read_ch(s);
    if (near(s, 0, "cz") && !near(s, -2, "wicz")) return say(s, "S", 2);
    if (near(s, 1, "cia")) return say(s, "X", 3);
    if (near(s, 0, "cc") && !(s->at == 1 && s->word.p[0] == 'm')) return read_cc(s);
    if (near(s, 0, "ck cg cq")) return say(s, "K", 2);
    if (near(s, 0, "ci ce cy")) return say(s, "S", 2);
    return near(s, 1, "ce ci") ? say(s, "K", 1) : say_once(s, "K", "ckq");
}

/* --- g ----------------------------------------------------------------------------------------------------------- */

/* gh as in ghost, laugh, bough */
static size_t read_gh(struct speech *s)
{
    if (s->at > 0 && !is_vowel(letter(s, -1))) return say(s, "K", 2);
    if (s->at == 0) return say(s, letter(s, 2) == 'i' ? "J" : "K", 2);
    if (any_of(letter(s, -2), "bhd") || any_of(letter(s, -3), "bhd") || any_of(letter(s, -4), "bh")) return 2;
    if (letter(s, -1) == 'u' && any_of(letter(s, -3), "cglrt")) return say(s, "F", 2);
    return say(s, letter(s, -1) == 'i' ? "" : "K", 2);
}

static size_t read_gn(struct speech *s)
{
    bool after_first = s->at == 1 && is_vowel(s->word.p[0]);

    if (s->slavic || after_first || near(s, 2, "ey")) return say(s, "KN", 2);
    return say(s, "N", 2);
}

static size_t read_g(struct speech *s)
{
    char next = letter(s, 1);
    bool ger = near(s, 1, "er") || next == 'y';

    if (next == 'h') return read_gh(s);
    if (next == 'n') return read_gn(s);
    if (near(s, 1, "li") && !s->slavic) return say(s, "KL", 2);
    if (s->at == 0 && (next == 'y' || one_at(s, 1, "es ep eb el ey ib il in ie ei er"))) return say(s, "K", 2);
    if (ger && !one_at(s, 0, "danger ranger manger") && !any_of(letter(s, -1), "ei") && !near(s, -1, "rgy ogy")) return say(s, "K", 2);
    if (any_of(next, "eiy") || near(s, -1, "aggi oggi")) return say(s, s->german || near(s, 1, "et") ? "K" : "J", 2);
    return say_once(s, "K", "g");
}

/* --- s, t -------------------------------------------------------------------------------------------------------- */

static size_t read_sc(struct speech *s)
{
    if (letter(s, 2) != 'h') return say(s, any_of(letter(s, 2), "iey") ? "S" : "SK", 3);
    return say(s, near(s, 3, "oo uy ed em") ? "SK" : "X", 3); /* school, Schuyler; ship, Schermerhorn */
}

static size_t read_s(struct speech *s)
{
    if (near(s, -1, "isl ysl")) return 1; /* island */
    if (s->at == 0 && one_at(s, 0, "sugar")) return say(s, "X", 1);
    if (near(s, 0, "sh")) return say(s, near(s, 1, "heim hoek holm holz") ? "S" : "X", 2);
    if (near(s, 0, "sio sia")) return say(s, "S", 3);
    if (near(s, 0, "sc") && s->at + 1 < s->word.n) return read_sc(s);
    return say_once(s, is_last(s) && near(s, -2, "ai oi") ? "" : "S", "sz"); /* Beaujolais */
}

static size_t read_t(struct speech *s)
{
    if (near(s, 0, "tion tia tch")) return say(s, "X", 3);
    if (near(s, 0, "th tth")) return say(s, s->german || near(s, 2, "om am") ? "T" : "0", 2); /* Thomas */
    return say_once(s, "T", "td");
}

/* --- the others -------------------------------------------------------------------------------------------------- */

static size_t read_d(struct speech *s)
{
    if (!near(s, 0, "dg")) return say_once(s, "T", "td");
    return any_of(letter(s, 2), "iey") ? say(s, "J", 3) : say(s, "TK", 2); /* edge, Edgar */
}

static size_t read_h(struct speech *s)
{
    bool heard = (s->at == 0 || is_vowel(letter(s, -1))) && is_vowel(letter(s, 1));

    return heard ? say(s, "H", 2) : 1;
}

static size_t read_j(struct speech *s)
{
    bool foreign = is_vowel(letter(s, -1)) && !s->slavic && any_of(letter(s, 1), "ao"); /* bajador */
    bool heard = s->at == 0 || is_last(s) || foreign || (!any_of(letter(s, 1), "ltksnmbz") && !any_of(letter(s, -1), "skl"));

    if (near(s, 0, "jose")) return say(s, s->at == 0 && s->word.n == 4 ? "H" : "J", 1);
    return say_once(s, heard ? "J" : "", "j");
}

static size_t read_m(struct speech *s)
{
    bool mute_b = near(s, -1, "umb") && (s->at + 2 == s->word.n || near(s, 2, "er")); /* dumb, thumber */

    return say(s, "M", mute_b || letter(s, 1) == 'm' ? 2 : 1);
}

static size_t read_p(struct speech *s)
{
    return letter(s, 1) == 'h' ? say(s, "F", 2) : say_once(s, "P", "pb");
}

static size_t read_r(struct speech *s)
{
    bool mute = is_last(s) && !s->slavic && near(s, -2, "ie") && !near(s, -4, "me ma"); /* Rogier */

    return say_once(s, mute ? "" : "R", "r");
}

static size_t read_w(struct speech *s)
{
    if (letter(s, 1) == 'r') return say(s, "R", 2);
    if (near(s, 0, "wicz witz") && !s->german) return say(s, s->at == 0 ? "ATS" : "TS", 4); /* Horowitz */
    return say(s, s->at == 0 && (is_vowel(letter(s, 1)) || letter(s, 1) == 'h') ? "A" : "", 1);
}

static size_t read_x(struct speech *s)
{
    bool mute = is_last(s) && near(s, -2, "au ou"); /* Breaux */

    if (s->at == 0) return say(s, "S", 1); /* Xavier */
    return say_once(s, mute ? "" : "KS", "cx");
}

static size_t read_z(struct speech *s)
{
    return letter(s, 1) == 'h' ? say(s, "J", 2) : say_once(s, "S", "z"); /* Zhao */
}

static size_t read_letter(struct speech *s)
{
    switch (letter(s, 0)) {
    case 'a': case 'e': case 'i': case 'o': case 'u': case 'y': return say(s, s->at == 0 ? "A" : "", 1);
    case 'b': return say_once(s, "P", "b");
    case 'c': return read_c(s);
    case 'd': return read_d(s);
    case 'f': return say_once(s, "F", "f");
    case 'g': return read_g(s);
    case 'h': return read_h(s);
    case 'j': return read_j(s);
    case 'k': return say_once(s, "K", "k");
    case 'l': return say_once(s, "L", "l");
    case 'm': return read_m(s);
    case 'n': return say_once(s, "N", "n");
    case 'p': return read_p(s);
    case 'q': return say_once(s, "K", "q");
    case 'r': return read_r(s);
    case 's': return read_s(s);
    case 't': return read_t(s);
    case 'v': return say_once(s, "F", "v");
    case 'w': return read_w(s);
    case 'x': return read_x(s);
    case 'z': return read_z(s);
    default: return 1;
    }
}

static bool has(struct str word, struct str text)
{
    return memmem(word.p, word.n, text.p, text.n) != NULL;
}

static size_t code_of_plain(struct str word, char code[PHONETIC_MAX])
{
    struct speech s = { .word = word, .code = code };

    s.slavic = has(word, STR("w")) || has(word, STR("k")) || has(word, STR("cz"));
    s.german = one_at(&s, 0, "sch");
    if (one_at(&s, 0, "gn kn pn wr ps")) s.at = 1; /* the first letter is mute */
    while (s.at < word.n && s.n < PHONETIC_MAX) s.at += read_letter(&s);
    return s.n;
}

size_t phonetic_code(struct str word, char code[PHONETIC_MAX])
{
    struct buf folded = { 0 };
    size_t n = 0;

    while (n < word.n && (unsigned char)word.p[n] < 0x80) n++;
    if (n == word.n) return code_of_plain(word, code);
    words_fold(word, WORDS_AS_FTS5, &folded);
    n = code_of_plain(buf_str(&folded), code);
    buf_fini(&folded);
    return n;
}

/* Codes of words, as other programs with the same algorithm have them. */
#include "base/mem.h"
#include "tests/unit/unit.h"
#include "text/phonetic.h"

static const struct {
    const char *word, *code;
} known[] = {
    { "a", "A" }, { "aardvark", "ARTF" }, { "ab", "AP" }, { "accede", "AKST" }, { "accident", "AKST" },
    { "adder", "ATR" }, { "agnes", "AKNS" }, { "aha", "AH" }, { "ahmed", "AMT" }, { "alphabet", "ALFP" },
    { "anna", "AN" }, { "apple", "APL" }, { "archer", "ARXR" }, { "architect", "ARKT" }, { "arnoff", "ARNF" },
    { "arnow", "ARN" }, { "arnowski", "ARNS" }, { "artois", "ART" }, { "asia", "AS" }, { "attend", "ATNT" },
    { "axe", "AKS" }, { "bach", "PK" }, { "bacher", "PKR" }, { "bajador", "PJTR" }, { "ball", "PL" },
    { "beaujolais", "PJL" }, { "bellocchio", "PLX" }, { "bertucci", "PRTX" }, { "bhatt", "PT" }, { "biaggi", "PJ" },
    { "bigh", "P" }, { "biology", "PLJ" }, { "bobby", "PP" }, { "bordeaux", "PRT" }, { "bough", "P" },
    { "breaux", "PR" }, { "broccoli", "PRKL" }, { "bureau", "PR" }, { "buzz", "PS" }, { "cabrillo", "KPRL" },
    { "cadillac", "KTLK" }, { "caesar", "SSR" }, { "cagney", "KKN" }, { "campbell", "KMPL" },
    { "carlisle", "KRLL" }, { "carlysle", "KRLL" }, { "carry", "KR" }, { "catherine", "K0RN" },
    { "cathryn", "K0RN" }, { "character", "KRKT" }, { "charisma", "KRSM" }, { "chemistry", "KMST" },
    { "chianti", "KNT" }, { "chore", "XR" }, { "chorus", "KRS" }, { "church", "XRX" }, { "cough", "KF" },
    { "czech", "SK" }, { "czerny", "SRN" }, { "danger", "TNJR" }, { "daughter", "TTR" }, { "dhaka", "TK" },
    { "dtente", "TNT" }, { "dumb", "TM" }, { "dvorak", "TFRK" }, { "edgar", "ATKR" }, { "edge", "AJ" },
    { "energy", "ANRJ" }, { "ewe", "A" }, { "exact", "AKSK" }, { "excel", "AKSL" }, { "exxon", "AKSN" },
    { "fight", "FT" }, { "filip", "FLP" }, { "filipowicz", "FLPT" }, { "flivver", "FLFR" }, { "focaccia", "FKX" },
    { "francois", "FRNK" }, { "gallegos", "KLKS" }, { "gem", "JM" }, { "gerald", "KRLT" }, { "gesture", "KSTR" },
    { "get", "KT" }, { "ghetto", "KT" }, { "ghislane", "JLN" }, { "ghost", "KST" }, { "gilbert", "KLPR" },
    { "gin", "KN" }, { "gnome", "NM" }, { "goncalves", "KNKL" }, { "haha", "HH" }, { "hajj", "HJ" },
    { "hannah", "HN" }, { "hello", "HL" }, { "hochmeier", "HKMR" }, { "holsheim", "HLSM" }, { "horowicz", "HRTS" },
    { "horowitz", "HRTS" }, { "hugh", "H" }, { "i", "A" }, { "initial", "ANXL" }, { "iraqqi", "ARK" },
    { "island", "ALNT" }, { "isle", "AL" }, { "jacques", "JKS" }, { "jankelowicz", "JNKL" }, { "jimenez", "JMNS" },
    { "john", "JN" }, { "jon", "JN" }, { "jose", "HS" }, { "judge", "JJ" }, { "jugoslavia", "JKSL" },
    { "katherine", "K0RN" }, { "khan", "KN" }, { "kick", "KK" }, { "knight", "NT" }, { "laugh", "LF" },
    { "macher", "MKR" }, { "mammal", "MML" }, { "manger", "MNJR" }, { "match", "MX" }, { "matthew", "M0" },
    { "mcclellan", "MKLL" }, { "mchugh", "MK" }, { "mclaughlin", "MKLF" }, { "michael", "MKL" },
    { "missile", "MSL" }, { "morfix", "MRFK" }, { "morphix", "MRFK" }, { "nation", "NXN" }, { "nietzsche", "NTSX" },
    { "night", "NT" }, { "number", "NMR" }, { "ohio", "AH" }, { "orchestra", "ARKS" }, { "orchid", "ARKT" },
    { "philip", "FLP" }, { "pizza", "PS" }, { "plumber", "PLMR" }, { "pneumonia", "NMN" }, { "psychology", "SXLJ" },
    { "ptah", "PT" }, { "q", "K" }, { "quack", "KK" }, { "rachmaninoff", "RKMN" }, { "rajah", "RJ" },
    { "ranger", "RNJR" }, { "raspberry", "RSPR" }, { "reign", "RN" }, { "resnais", "RSN" }, { "robillard", "RPLR" },
    { "roger", "RKR" }, { "rogier", "RJ" }, { "rouge", "RJ" }, { "rough", "RF" }, { "ryan", "RN" },
    { "sanchez", "SNXS" }, { "scene", "SN" }, { "scheme", "SKM" }, { "schenker", "XNKR" },
    { "schermerhorn", "XRMR" }, { "schlesinger", "XLSN" }, { "schmidt", "XMT" }, { "schneider", "XNTR" },
    { "school", "SKL" }, { "schooner", "SKNR" }, { "schuyler", "SKLR" }, { "science", "SNS" },
    { "sclerosis", "SKRS" }, { "scott", "SKT" }, { "shoe", "X" }, { "sholz", "SLS" }, { "siana", "SN" },
    { "signed", "SNT" }, { "silva", "SLF" }, { "smith", "SM0" }, { "smyth", "SM0" }, { "snider", "SNTR" },
    { "success", "SKSS" }, { "sugar", "XKR" }, { "tagliaro", "TKLR" }, { "target", "TRKT" },
    { "tchaikovsky", "XKFS" }, { "tdown", "TN" }, { "texas", "TKSS" }, { "thames", "TMS" }, { "thing", "0NK" },
    { "thomas", "TMS" }, { "thumb", "0M" }, { "thumber", "0MR" }, { "tichner", "TXNR" }, { "tough", "TF" },
    { "uomo", "AM" }, { "valve", "FLF" }, { "vasserman", "FSRM" }, { "villa", "FL" }, { "vision", "FSN" },
    { "wasatch", "ASX" }, { "wasserman", "ASRM" }, { "wechsler", "AKSL" }, { "weight", "AT" }, { "what", "AT" },
    { "white", "AT" }, { "wicz", "ATS" }, { "width", "AT" }, { "wojciech", "AJSK" }, { "wrack", "RK" },
    { "wright", "RT" }, { "x", "S" }, { "xavier", "SF" }, { "yankelovich", "ANKL" }, { "yes", "AS" },
    { "zhao", "J" }, { "zinc", "SNK" },
};

START_TEST(words_have_the_codes_that_the_algorithm_gives_them)
{
    char code[PHONETIC_MAX];

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n = phonetic_code(str_c(known[i].word), code);

        if (!str_eq(str_of(code, n), str_c(known[i].code)))
            ck_abort_msg("%s: %.*s, not %s", known[i].word, (int)n, code, known[i].code);
    }
}
END_TEST

START_TEST(what_has_no_latin_letters_has_no_code)
{
    char code[PHONETIC_MAX];

    ck_assert_uint_eq(phonetic_code(STR(""), code), 0);
    ck_assert_uint_eq(phonetic_code(STR("2015"), code), 0);
    ck_assert_uint_eq(phonetic_code(STR("\xe5\x8c\x97\xe4\xba\xac"), code), 0);
    ck_assert_uint_eq(phonetic_code(STR("h"), code), 0);
    ck_assert_uint_eq(phonetic_code(STR("caf\xc3\xa9_1"), code), 2); /* what is between letters is passed over */
    ck_assert_mem_eq(code, "KF", 2);
}
END_TEST

/* Each word lies alone in its memory, so that a look beside it is seen. */
START_TEST(any_bytes_have_a_code_of_capitals_or_none)
{
    static const char *const parts[] = { "sch", "ch", "cc", "ia", "gh", "gn", "tion", "mb", "er", "wicz", "j", "x", "z", "\xff", "", "7" };
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 100000; i++) {
        char text[32], code[PHONETIC_MAX], *word;
        size_t n = 0, codes;

        for (uint64_t k = rng_below(&r, 5); k > 0; k--) {
            const char *part = parts[rng_below(&r, sizeof parts / sizeof *parts)];

            memcpy(text + n, part, strlen(part));
            n += strlen(part);
            text[n++] = (char)rng_below(&r, 256);
        }
        word = mem_dup(text, n);
        codes = phonetic_code(str_of(word, n), code);
        ck_assert_uint_le(codes, PHONETIC_MAX);
        for (size_t k = 0; k < codes; k++) ck_assert((code[k] >= 'A' && code[k] <= 'Z') || code[k] == '0');
        mem_free(word);
    }
}
END_TEST

UNIT_MAIN("phonetic", words_have_the_codes_that_the_algorithm_gives_them, what_has_no_latin_letters_has_no_code,
          any_bytes_have_a_code_of_capitals_or_none)

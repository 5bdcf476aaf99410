#include "search/highlight.h"
#include "tests/unit/unit.h"

static struct text_index *t;

static void set_up(void)
{
    static const char *const stop[] = { "a", "of", "the", NULL };
    struct text_rules rules = { .stop_words = stop, .language = STR("english") };

    t = text_index_new(&rules);
}

static void tear_down(void)
{
    text_index_free(&t);
}

/* words: one behind the other, with a star where it is the beginning of one. */
static void expect_shown(const char *words, const struct highlight_rules *rules, const char *text, const char *want)
{
    struct highlight_word list[8];
    struct highlighter *h;
    struct buf out = { 0 };
    size_t n = 0;

    for (const char *p = words; *p != '\0'; n++) {
        size_t len = strcspn(p, " ");
        bool prefix = p[len - 1] == '*';
        list[n] = (struct highlight_word){ .word = { .how = prefix ? TEXT_PREFIX : TEXT_WORD, .word = str_of(p, len - prefix) },
                                           .fields = 1 };
        p += len + (p[len] == ' ');
    }
    h = highlighter_new(t, list, n, STR(""));
    highlight(h, str_c(text), 0, rules, &out);
    expect_str(buf_str(&out), str_c(want));
    buf_clear(&out);
    highlight(h, str_c(text), 1, &(struct highlight_rules){ .mark = true, .open = STR("<"), .close = STR(">") }, &out);
    expect_str(buf_str(&out), str_c(text)); /* a field that is not asked about */
    highlighter_free(&h);
    buf_fini(&out);
}

static struct highlight_rules marks(void)
{
    struct highlight_rules r = highlight_defaults;

    r.mark = true;
    return r;
}

START_TEST(words_and_their_kin_are_marked)
{
    struct highlight_rules r = marks();

    expect_shown("run", &r, "Running, ran; he RUNS the run.", "<b>Running</b>, ran; he <b>RUNS</b> the <b>run</b>.");
    expect_shown("caf* x", &r, "Caf\xc3\xa9 \xe2\x80\x94 cafeteria", "<b>Caf\xc3\xa9</b> \xe2\x80\x94 <b>cafeteria</b>");
    expect_shown("nothing", &r, "no such word", "no such word");
    expect_shown("word", &r, "", "");
    r.open = STR("[");
    r.close = STR("]");
    expect_shown("redis search", &r, "redis  search", "[redis]  [search]");
}
END_TEST

START_TEST(a_summary_has_the_words_with_some_text_around)
{
    struct highlight_rules r = highlight_defaults;

    r.summarize = true;
    r.words = 4;
    expect_shown("needle", &r, "one two three four five six needle seven eight nine ten eleven",
                 "five six needle seven eight... ");
    r.mark = true;
    expect_shown("needle", &r, "needle", "<b>needle</b>... ");
    expect_shown("needle", &r, "a  needle \n in", "a <b>needle</b> in... ");
}
END_TEST

START_TEST(the_best_fragments_come_in_the_order_of_the_text)
{
    struct highlight_rules r = marks();

    r.summarize = true;
    r.words = 0;
    r.fragments = 2;
    r.separator = STR("|");
    expect_shown("cat dog", &r, "cat 1 2 3 4 5 6 7 8 9 cat dog 1 2 3 4 5 6 7 8 9 dog x cat",
                 "<b>cat</b> <b>dog</b>|<b>dog</b> x <b>cat</b>|");
    r.fragments = 0;
    expect_shown("cat dog", &r, "cat dog", "");
}
END_TEST

START_TEST(fragments_side_by_side_say_nothing_twice)
{
    struct highlight_rules r = marks();

    r.summarize = true;
    r.words = 100;
    r.separator = STR("|");
    expect_shown("cat", &r, "cat 1 2 3 4 5 6 7 8 9 cat", "<b>cat</b> 1 2 3 4 5 6 7 8 9|1 2 3 4 5 6 7 8 9 <b>cat</b>|");
}
END_TEST

START_TEST(a_text_without_the_words_is_summed_up_by_its_beginning)
{
    struct highlight_rules r = highlight_defaults;

    r.summarize = true;
    r.words = 2;
    r.fragments = 1;
    expect_shown("nothing", &r, "hello world", "hello world");
    expect_shown("nothing", &r, "hello  wide world of wonders", "hello wide world");
    r.mark = true;
    expect_shown("nothing", &r, "hello wide world of wonders", "hello wide world of wonders");
}
END_TEST

START_TEST(any_bytes_are_shown)
{
    static const char *const pieces[] = { "cat", " ", "\xc3", "\xa9", "\\", "dog", ".", "\xff", "x", "\xe5\x8c\x97", "\n" };
    struct highlight_word w[] = { { .word = { .word = STR("cat") }, .fields = 1 },
                                  { .word = { .how = TEXT_INFIX, .word = STR("o") }, .fields = 1 } };
    struct highlighter *h = highlighter_new(t, w, 2, STR("chinese"));
    struct buf text = { 0 }, out = { 0 };
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 20000; i++) {
        struct highlight_rules rules = { .mark = rng_below(&r, 2) == 0, .summarize = rng_below(&r, 2) == 0,
                                         .fragments = rng_below(&r, 4), .words = rng_below(&r, 6) };
        buf_clear(&text);
        buf_clear(&out);
        for (uint64_t k = rng_below(&r, 40); k > 0; k--) buf_add_c(&text, pieces[rng_below(&r, sizeof pieces / sizeof *pieces)]);
        highlight(h, buf_str(&text), 0, &rules, &out);
        if (!rules.summarize) expect_str(buf_str(&out), buf_str(&text)); /* the tags are empty */
        else ck_assert_uint_le(out.n, text.n * (rules.fragments + 1));
    }
    highlighter_free(&h);
    buf_fini(&text);
    buf_fini(&out);
}
END_TEST

/* Each word of a text is looked up: compared with each of the query's this took half a minute. */
START_TEST(queries_of_many_words_are_looked_up)
{
    enum { WORDS = 30000, TIMES = 4 /* within TEXT_DOCUMENT_MAX */ };
    struct highlight_word *w = mem_zalloc(WORDS * sizeof *w);
    struct highlight_rules rules = { .mark = true, .open = STR("<"), .close = STR(">") };
    struct buf names = { 0 }, text = { 0 }, want = { 0 }, out = { 0 };
    struct highlighter *h;

    for (int i = 0; i < WORDS; i++) buf_printf(&names, "w%05d", i);
    for (int i = 0; i < WORDS; i++) w[i] = (struct highlight_word){ .word.word = str_of(names.p + 6 * i, 6), .fields = 1U << i % 2 };
    for (int i = 0; i < TIMES * WORDS; i++) {
        buf_printf(&text, "w%05d ", i % WORDS);
        buf_printf(&want, i % 2 == 0 ? "<w%05d> " : "w%05d ", i % WORDS);
    }
    h = highlighter_new(t, w, WORDS, STR(""));
    highlight(h, buf_str(&text), 0, &rules, &out);
    expect_str(buf_str(&out), buf_str(&want));
    highlighter_free(&h);
    mem_free(w);
    buf_fini(&names);
    buf_fini(&text);
    buf_fini(&want);
    buf_fini(&out);
}
END_TEST

START_TEST(the_first_parts_of_words_are_marked)
{
    struct highlight_word w[HIGHLIGHT_PATTERNS_MAX + 1];
    struct highlight_rules rules = { .mark = true, .open = STR("<"), .close = STR(">") };
    struct highlighter *h;
    struct buf out = { 0 };

    for (int i = 0; i <= HIGHLIGHT_PATTERNS_MAX; i++) w[i] = (struct highlight_word){ { .how = TEXT_PREFIX, .word = STR("x") }, 1 };
    w[HIGHLIGHT_PATTERNS_MAX - 1].word.word = STR("last");
    w[HIGHLIGHT_PATTERNS_MAX].word.word = STR("more");
    h = highlighter_new(t, w, HIGHLIGHT_PATTERNS_MAX + 1, STR(""));
    highlight(h, STR("lasting moreover"), 0, &rules, &out);
    expect_str(buf_str(&out), STR("<lasting> moreover"));
    highlighter_free(&h);
    buf_fini(&out);
}
END_TEST

UNIT_MAIN_AROUND("highlight", set_up, tear_down, words_and_their_kin_are_marked, a_summary_has_the_words_with_some_text_around,
                 the_best_fragments_come_in_the_order_of_the_text, fragments_side_by_side_say_nothing_twice,
                 a_text_without_the_words_is_summed_up_by_its_beginning, any_bytes_are_shown,
                 queries_of_many_words_are_looked_up, the_first_parts_of_words_are_marked)

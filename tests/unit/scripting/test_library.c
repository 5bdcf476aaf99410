#include "scripting/library.h"
#include "tests/unit/unit.h"

static int live; /* callbacks that somebody holds */

static void forget(void *ctx, int callback)
{
    (void)ctx;
    ck_assert_int_gt(callback, 0);
    live--;
}

static const struct library_forget forgets = { forget, NULL };
static struct buf why;

static void set_up(void)
{
    live = 0;
}

static void tear_down(void)
{
    buf_fini(&why);
}

static struct library *made(const char *name, const char *const *functions)
{
    struct library *l = library_new(str_c(name), STR("#!lua"));

    for (; *functions != NULL; functions++) {
        ck_assert_ptr_null(library_add(l, str_c(*functions), NULL, 0, 1));
        live++;
    }
    return l;
}

#define MADE(name, ...) made(name, (const char *const[]){ __VA_ARGS__, NULL })
#define expect_why(text) expect_str(buf_str(&why), STR(text))

/* --- the first line -------------------------------------------------------------------------------- */

static void expect_head(const char *text, const char *engine, const char *name, const char *body)
{
    struct library_head h;

    ck_assert_msg(library_head_read(&h, str_c(text), &why), "%s: %.*s", text, (int)why.n, why.p);
    expect_str(buf_str(&h.engine), str_c(engine));
    expect_str(buf_str(&h.name), str_c(name));
    expect_str(h.body, str_c(body));
    library_head_fini(&h);
}

static void expect_no_head(const char *text, const char *reason)
{
    struct library_head h;

    ck_assert(!library_head_read(&h, str_c(text), &why));
    expect_str(buf_str(&why), str_c(reason));
}

START_TEST(the_first_line_names_engine_and_library)
{
    expect_head("#!lua name=a\ncode", "lua", "a", "\ncode");
    expect_head("#!LUA  NAME=a_1 \n", "LUA", "a_1", "\n");
    expect_head("#!lua name=\"a\"\n", "lua", "a", "\n");
    expect_head("#! name=a\n", "", "a", "\n");
    expect_head("#!lua name=\n", "lua", "", "\n");
    expect_no_head("", "Missing library metadata");
    expect_no_head("code", "Missing library metadata");
    expect_no_head("#!lua name=a", "Invalid library metadata");
    expect_no_head("#!lua name=\"a\n", "Invalid library metadata");
    expect_no_head("#!lua\n", "Library name was not given");
    expect_no_head("#!lua name=a name=b\n", "Invalid metadata value, name argument was given multiple times");
    expect_no_head("#!lua name=a x=y\n", "Invalid metadata value given: x=y");
}
END_TEST

START_TEST(names_are_letters_digits_and_underscores)
{
    ck_assert(library_name_ok(STR("aZ_09")));
    ck_assert(!library_name_ok(STR("")));
    ck_assert(!library_name_ok(STR("a-b")));
    ck_assert(!library_name_ok(STR("a b")));
    ck_assert(!library_name_ok(STR("a\0b")));
    ck_assert(!library_name_ok(STR("\xc3\xa4")));
}
END_TEST

/* --- sets ------------------------------------------------------------------------------------------ */

START_TEST(a_function_is_found_whatever_the_case_and_a_library_is_not)
{
    struct library_set s;

    library_set_init(&s, &forgets);
    ck_assert(library_set_add(&s, MADE("Lib", "Get", "set"), false, &why));
    library_set_check(&s);
    ck_assert_ptr_nonnull(library_set_find(&s, STR("Lib")));
    ck_assert_ptr_null(library_set_find(&s, STR("lib")));
    ck_assert_ptr_nonnull(library_set_function(&s, STR("gET")));
    ck_assert_ptr_nonnull(library_set_function(&s, STR("SET")));
    ck_assert_ptr_null(library_set_function(&s, STR("se")));
    ck_assert_ptr_null(library_set_function(&s, STR("")));
    library_set_fini(&s);
    ck_assert_int_eq(live, 0);
}
END_TEST

START_TEST(a_library_refuses_a_function_twice_and_a_bad_name)
{
    struct library *l = MADE("a", "f");

    ck_assert_str_eq(library_add(l, STR("F"), NULL, 0, 1), "Function already exists in the library");
    ck_assert_str_eq(library_add(l, STR("a b"), NULL, 0, 1), library_bad_name);
    library_free(&l, &forgets);
    ck_assert_int_eq(live, 0);
}
END_TEST

START_TEST(adding_needs_free_names)
{
    struct library_set s;
    struct library *l;

    library_set_init(&s, &forgets);
    ck_assert(library_set_add(&s, MADE("a", "f", "g"), false, &why));
    l = MADE("a", "h");
    ck_assert(!library_set_add(&s, l, false, &why));
    expect_why("Library 'a' already exists");
    ck_assert(library_set_add(&s, l, true, &why));
    ck_assert_uint_eq(s.n_functions, 1);
    l = MADE("b", "H");
    ck_assert(!library_set_add(&s, l, true, &why));
    expect_why("Function H already exists");
    library_set_check(&s);
    library_free(&l, &forgets);
    ck_assert(!library_set_remove(&s, STR("b")));
    ck_assert(library_set_remove(&s, STR("a")));
    ck_assert_uint_eq(s.n_functions, 0);
    ck_assert_int_eq(live, 0);
    library_set_fini(&s);
}
END_TEST

START_TEST(joining_is_all_or_nothing)
{
    struct library_set s, t;

    library_set_init(&s, &forgets);
    library_set_init(&t, &forgets);
    ck_assert(library_set_add(&s, MADE("a", "f"), false, &why));
    ck_assert(library_set_add(&s, MADE("b", "g"), false, &why));
    ck_assert(library_set_add(&t, MADE("a", "g"), false, &why));
    ck_assert(library_set_add(&t, MADE("c", "h"), false, &why));
    ck_assert(!library_set_join(&s, &t, false, &why));
    expect_why("Library a already exists");
    ck_assert(!library_set_join(&s, &t, true, &why));
    expect_why("Function g already exists");
    ck_assert_uint_eq(s.n_libraries, 2);
    ck_assert_uint_eq(t.n_libraries, 2);
    ck_assert(library_set_add(&t, MADE("b", "f"), false, &why));
    ck_assert(library_set_join(&s, &t, true, &why)); /* a and b change places */
    library_set_check(&s);
    ck_assert_uint_eq(s.n_libraries, 3);
    ck_assert_uint_eq(t.n_libraries, 0);
    expect_str(buf_str(&library_set_function(&s, STR("f"))->library->name), STR("b"));
    library_set_fini(&s);
    library_set_fini(&t);
    ck_assert_int_eq(live, 0);
}
END_TEST

/* A model: which of the 8 libraries holds function i, -1 none. */
enum { LIBS = 8, FUNCTIONS = 40 };

static const char *lib_name(unsigned i)
{
    static const char names[LIBS][2] = { "a", "B", "c", "D", "_", "1", "z", "Z" };

    return names[i];
}

START_TEST(random_changes_agree_with_a_model)
{
    struct library_set s;
    struct rng r;
    int model[FUNCTIONS];
    bool there[LIBS] = { false };

    unit_rng(&r);
    library_set_init(&s, &forgets);
    memset(model, -1, sizeof model);
    for (int round = 0; round < 100000; round++) {
        unsigned at = (unsigned)rng_below(&r, LIBS);
        bool replace = rng_below(&r, 2) != 0, taken = false, wanted[FUNCTIONS] = { false };
        struct library *l;
        char name[8];

        if (rng_below(&r, 3) == 0) {
            ck_assert(library_set_remove(&s, str_c(lib_name(at))) == there[at]);
            there[at] = false;
            for (int i = 0; i < FUNCTIONS; i++)
                if (model[i] == (int)at) model[i] = -1;
            continue;
        }
        l = library_new(str_c(lib_name(at)), STR("x"));
        for (unsigned n = 1 + (unsigned)rng_below(&r, 5); n > 0; n--) {
            int f = (int)rng_below(&r, FUNCTIONS);

            snprintf(name, sizeof name, rng_below(&r, 2) ? "f%d" : "F%d", f);
            if (library_add(l, str_c(name), NULL, 0, 1) == NULL) live++;
            else ck_assert(wanted[f]);
            wanted[f] = true;
            if (model[f] != -1 && !(replace && model[f] == (int)at)) taken = true;
        }
        bool good = !taken && (replace || !there[at]);

        ck_assert(library_set_add(&s, l, replace, &why) == good);
        if (!good) {
            library_free(&l, &forgets);
            continue;
        }
        there[at] = true;
        for (int i = 0; i < FUNCTIONS; i++) {
            if (model[i] == (int)at) model[i] = -1;
            if (wanted[i]) model[i] = (int)at;
        }
        if (round % 100 == 0) library_set_check(&s);
        for (int i = 0; i < FUNCTIONS; i += 7) {
            snprintf(name, sizeof name, "f%d", i);
            const struct library_function *f = library_set_function(&s, str_c(name));

            ck_assert((f != NULL) == (model[i] != -1));
            if (f != NULL) expect_str(buf_str(&f->library->name), str_c(lib_name((unsigned)model[i])));
        }
    }
    ck_assert_int_eq(live, (int)s.n_functions);
    library_set_fini(&s);
    ck_assert_int_eq(live, 0);
}
END_TEST

UNIT_MAIN_AROUND("library", set_up, tear_down, the_first_line_names_engine_and_library,
                 names_are_letters_digits_and_underscores,
                 a_function_is_found_whatever_the_case_and_a_library_is_not,
                 a_library_refuses_a_function_twice_and_a_bad_name, adding_needs_free_names,
                 joining_is_all_or_nothing, random_changes_agree_with_a_model)

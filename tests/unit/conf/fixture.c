#include "tests/unit/conf/fixture.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

struct conf conf;

static char dir[64];
static struct buf text, content;

void conf_set_up(void)
{
    conf_init(&conf);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

void conf_tear_down(void)
{
    conf_fini(&conf);
    buf_fini(&text);
    buf_fini(&content);
    if (dir[0] != '\0') nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    dir[0] = '\0';
}

const char *test_dir(void)
{
    if (dir[0] == '\0') {
        unit_dir(dir);
    }
    return dir;
}

/* Four at a time. */
const char *test_path(const char *name)
{
    static char paths[4][256];
    static int at;
    char *path = paths[at++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", test_dir(), name);
    return path;
}

const char *test_file(const char *name, const char *body)
{
    const char *path = test_path(name);
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(body, 1, strlen(body), f), strlen(body));
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

struct str test_content(const char *name)
{
    FILE *f = fopen(test_path(name), "r");

    ck_assert_ptr_nonnull(f);
    buf_clear(&content);
    for (int c = fgetc(f); c != EOF; c = fgetc(f)) buf_add_char(&content, (char)c);
    fclose(f);
    return buf_str(&content);
}

static const char *text_end(void)
{
    buf_add_char(&text, '\0');
    text.n--;
    return text.p;
}

const char *error_text(const struct conf_error *e)
{
    buf_clear(&text);
    conf_error_text(e, &text);
    return text_end();
}

void expect_loads(const char *lines)
{
    struct conf_error e;
    enum err err = conf_load_text(&conf, str_c(lines), "memd.conf", &e);

    if (err != OK) ck_abort_msg("refused: %s", error_text(&e));
}

const char *refusal(const char *lines)
{
    struct conf_error e;
    struct conf c;

    conf_init(&c);
    ck_assert_int_ne(conf_load_text(&c, str_c(lines), "memd.conf", &e), OK);
    conf_fini(&c);
    return error_text(&e);
}

struct str value_of(const char *name)
{
    buf_clear(&text);
    conf_value(&conf, name, &text);
    return buf_str(&text);
}

const char *warnings(void)
{
    buf_clear(&text);
    for (size_t i = 0; i < conf.warnings.n; i++) buf_printf(&text, "%s\n", conf.warnings.items[i]);
    return text_end();
}

/* driver.c -- main of a fuzz target where libFuzzer is not to be had.
 *
 * It takes the same arguments: -runs=n, -max_total_time=s, -seed=n, -max_len=n, -artifact_prefix=p,
 * and folders of seeds; other options are ignored. Named files are run once each, unchanged: so an
 * input that was found is tried again. Nothing is learned from what an input reaches; in exchange
 * the same seed gives the same inputs wherever it runs.
 *
 * An input is a seed that was changed a few times, or the previous input changed some more. The one
 * that stops the program is written to <prefix>crash. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/rng.h"
#include "tests/fuzz/fuzz.h"

enum { HANG_S = 20 };

struct options {
    uint64_t runs, seconds, seed, max_len; /* runs, seconds: 0 for no bound */
    const char *prefix;
};

struct corpus {
    struct buf *at;
    size_t n;
};

/* What the crash handler writes down. */
static struct {
    struct str input;
    char path[512];
} last;

/* --- running ---------------------------------------------------------------------------------- */

static void save_input(void)
{
    static const char text[] = "the input was written to ";
    int fd = open(last.path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (fd < 0 || write(fd, last.input.p, last.input.n) < 0) return;
    if (write(2, text, sizeof text - 1) < 0 || write(2, last.path, strlen(last.path)) < 0) return;
    if (write(2, "\n", 1) < 0) return;
    close(fd);
}

static void on_signal(int sig)
{
    save_input();
    signal(sig, SIG_DFL);
    raise(sig);
}

static void watch_for_crashes(const char *prefix)
{
    snprintf(last.path, sizeof last.path, "%scrash", prefix);
    signal(SIGABRT, on_signal);
    signal(SIGALRM, on_signal);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_set_death_callback(save_input);
#else
    signal(SIGSEGV, on_signal);
#endif
}

/* In an allocation of just its size, so that the sanitizer sees the first byte too many. */
static void run_one(struct str input)
{
    uint8_t *copy = mem_dup(input.p, input.n);

    last.input = str_of(copy, input.n);
    LLVMFuzzerTestOneInput(copy, input.n);
    last.input = str_of(NULL, 0);
    mem_free(copy);
}

/* --- changing an input ------------------------------------------------------------------------ */

static struct str pick(struct rng *r, const struct corpus *c)
{
    return c->n > 0 ? buf_str(&c->at[rng_below(r, c->n)]) : STR("");
}

/* Some bytes out of s. */
static struct str piece(struct rng *r, struct str s, size_t max)
{
    size_t at = rng_below(r, s.n + 1), n = rng_below(r, s.n - at + 1);

    return str_of(s.p + at, n < max ? n : max);
}

static char telling_byte(struct rng *r)
{
    static const char telling[] = "\0\xff\x80\x7f\r\n *$-+09:\"'\\[]^?";

    return rng_below(r, 2) ? telling[rng_below(r, sizeof telling - 1)] : (char)rng_below(r, 256);
}

static void cut_out(struct buf *b, size_t at, size_t n)
{
    if (n == 0) return;
    memmove(b->p + at, b->p + at + n, b->n - at - n);
    b->n -= n;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Put a number that often is the wrong one in the place of the first one behind `at`. */
static void change_number(struct rng *r, struct buf *b, size_t at)
{
    static const char *const numbers[] = {
        "0",
        "-1",
        "1",
        "2",
        "9",
        "10",
        "15",
        "64",
        "255",
        "256",
        "65535",
        "65536",
        "2147483647",
        "2147483648",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "01",
        "1e5",
        "0.5",
        "inf",
    };
    size_t n = 0;
    const char *to = numbers[rng_below(r, sizeof numbers / sizeof *numbers)];

    while (at < b->n && !is_digit(b->p[at])) at++;
    while (at + n < b->n && is_digit(b->p[at + n])) n++;
    cut_out(b, at, n);
    buf_insert(b, at, to, strlen(to));
}

static void change(struct rng *r, struct buf *b, const struct corpus *c)
{
    size_t at = rng_below(r, b->n + 1);
    struct buf some = { 0 };
    char byte = telling_byte(r);

    switch (rng_below(r, 8)) {
    case 0:
        if (at < b->n) b->p[at] = byte;
        break;
    case 1:
        if (at < b->n) b->p[at] = (char)(b->p[at] ^ 1 << rng_below(r, 8));
        break;
    case 2: buf_insert(b, at, &byte, 1); break;
    case 3: cut_out(b, at, piece(r, str_of(b->p, b->n - at), 16).n); break;
    case 4: /* bytes of this input once more */ buf_add_str(&some, piece(r, buf_str(b), 64)); break;
    case 5: /* bytes of another */ buf_add_str(&some, piece(r, pick(r, c), 256)); break;
    case 6: change_number(r, b, at); break;
    default:
        if (rng_below(r, 4) == 0) b->n = at;
    }
    buf_insert(b, at < b->n ? at : b->n, some.p, some.n);
    buf_fini(&some);
}

static void next_input(struct rng *r, struct buf *b, const struct corpus *c, size_t max_len)
{
    if (rng_below(r, 4) == 0 || b->n == 0) {
        buf_clear(b);
        buf_add_str(b, pick(r, c));
    }
    for (uint64_t n = 1 + rng_below(r, 6); n > 0; n--) change(r, b, c);
    if (b->n > max_len) b->n = max_len;
}

/* --- files ------------------------------------------------------------------------------------ */

static void read_whole(const char *path, struct buf *b)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    if (f == NULL) {
        perror(path);
        exit(2);
    }
    while ((n = fread(buf_room(b, 4096), 1, 4096, f)) > 0) buf_used(b, n);
    fclose(f);
}

static void add_seed(struct corpus *c, const char *path)
{
    c->at = mem_realloc(c->at, (c->n + 1) * sizeof *c->at);
    c->at[c->n] = (struct buf){ 0 };
    read_whole(path, &c->at[c->n++]);
}

/* In the order of their names, so that a run can be repeated elsewhere. */
static void add_folder(struct corpus *c, const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        char file[1024];

        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.') add_seed(c, file);
        free(names[i]); /* scandir's own */
    }
    if (n >= 0) free(names);
}

static void corpus_fini(struct corpus *c)
{
    for (size_t i = 0; i < c->n; i++) buf_fini(&c->at[i]);
    mem_free(c->at);
}

/* --- main ------------------------------------------------------------------------------------- */

/* "-name=number" into *v. */
static void take_number(const char *arg, const char *name, uint64_t *v)
{
    size_t n = strlen(name);

    if (strncmp(arg + 1, name, n) == 0 && arg[1 + n] == '=') *v = strtoull(arg + 2 + n, NULL, 10);
}

static void take_option(struct options *o, const char *arg)
{
    static const char prefix[] = "-artifact_prefix=";

    take_number(arg, "runs", &o->runs);
    take_number(arg, "max_total_time", &o->seconds);
    take_number(arg, "seed", &o->seed);
    take_number(arg, "max_len", &o->max_len);
    if (strncmp(arg, prefix, sizeof prefix - 1) == 0) o->prefix = arg + sizeof prefix - 1;
}

static void run_all(const struct options *o, const struct corpus *c)
{
    time_t until = time(NULL) + (time_t)o->seconds;
    struct buf input = { 0 };
    struct rng r;
    uint64_t n = 0;

    rng_seed(&r, o->seed);
    for (size_t i = 0; i < c->n; i++) run_one(buf_str(&c->at[i]));
    for (; o->runs == 0 || n < o->runs; n++) {
        if (n % 256 == 0) {
            if (o->seconds > 0 && time(NULL) >= until) break;
            alarm(HANG_S);
        }
        next_input(&r, &input, c, o->max_len);
        run_one(buf_str(&input));
    }
    printf("%llu inputs from %zu seeds\n", (unsigned long long)n, c->n);
    buf_fini(&input);
}

int main(int argc, char **argv)
{
    struct options o = { .seed = 1, .max_len = 4096, .prefix = "" };
    struct corpus seeds = { 0 }, named = { 0 };

    mem_init();
    for (int i = 1; i < argc; i++) {
        struct stat st;

        if (argv[i][0] == '-')
            take_option(&o, argv[i]);
        else if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            add_folder(&seeds, argv[i]);
        else
            add_seed(&named, argv[i]);
    }
    if (o.runs == 0 && o.seconds == 0) o.runs = 100000;
    watch_for_crashes(o.prefix);
    for (size_t i = 0; i < named.n; i++) run_one(buf_str(&named.at[i]));
    if (named.n == 0) run_all(&o, &seeds);
    corpus_fini(&seeds);
    corpus_fini(&named);
    return 0;
}

/* regex.c -- PCRE2 with its memory counted, and limits on backtracking, memory and depth. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/mem.h"
#include "base/regex.h"

/* About a millisecond at the most; usual patterns over a chat message need some dozens of steps. */
enum { STEPS_MAX = 20000, DEPTH_MAX = 1000, HEAP_MAX_KIB = 1024 };

struct regex {
    pcre2_general_context *memory;
    pcre2_code *code;
    pcre2_match_context *limits;
    pcre2_match_data *found;
};

static void *take(size_t n, void *ctx)
{
    (void)ctx;
    return mem_alloc(n);
}

static void give(void *p, void *ctx)
{
    (void)ctx;
    mem_free(p);
}

static pcre2_code *compile(struct str pattern, pcre2_general_context *memory)
{
    pcre2_compile_context *how = pcre2_compile_context_create(memory);
    pcre2_code *code;
    PCRE2_SIZE at;
    int error;

    code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &at, how);
    pcre2_compile_context_free(how);
    return code;
}

struct regex *regex_new(struct str pattern)
{
    struct regex *r;

    if (pattern.n > REGEX_PATTERN_MAX) return NULL;
    r = mem_zalloc(sizeof *r);
    r->memory = pcre2_general_context_create(take, give, NULL);
    r->code = compile(pattern, r->memory);
    if (r->code == NULL) {
        regex_free(&r);
        return NULL;
    }
    r->limits = pcre2_match_context_create(r->memory);
    pcre2_set_match_limit(r->limits, STEPS_MAX);
    pcre2_set_depth_limit(r->limits, DEPTH_MAX);
    pcre2_set_heap_limit(r->limits, HEAP_MAX_KIB);
    r->found = pcre2_match_data_create(1, r->memory);
    return r;
}

void regex_free(struct regex **r)
{
    if (*r == NULL) return;
    pcre2_match_data_free((*r)->found);
    pcre2_match_context_free((*r)->limits);
    pcre2_code_free((*r)->code);
    pcre2_general_context_free((*r)->memory);
    mem_free(*r);
    *r = NULL;
}

bool regex_finds(const struct regex *r, struct str text)
{
    return pcre2_match(r->code, (PCRE2_SPTR)text.p, text.n, 0, 0, r->found, r->limits) >= 0;
}

/* scripts.c -- see scripts.h.
 *
 * Two chained tables over the same scripts: by digest for EVALSHA, and by a keyed hash of the text for EVAL,
 * so that a text that comes again costs a hash and a comparison instead of its SHA-1. The script that was used
 * last for a length of text is looked at first: who sends the same text again and again pays for a comparison
 * alone. */
#include "server/scripts.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/sha1.h"
#include "scripting/shebang.h"
#include "scripting/vm.h"
#include "server/script_run.h"

enum { N_RECENT = 16 }; /* a power of two */

struct scripts {
    struct server *server;
    struct vm *vm;
    struct script **by_sha, **by_text;
    size_t n, cap, bytes; /* cap is a power of two */
    const struct script *recent[N_RECENT]; /* by length */
};

static struct vm *new_vm(struct server *s)
{
    struct vm_host host = script_run_host(s->script);

    return vm_new(&host);
}

struct scripts *scripts_new(struct server *s)
{
    struct scripts *sc = mem_zalloc(sizeof *sc);

    sc->server = s;
    sc->vm = new_vm(s);
    return sc;
}

static void drop_all(struct scripts *sc)
{
    for (size_t i = 0; i < sc->cap; i++) {
        struct script *next;

        for (struct script *x = sc->by_sha[i]; x != NULL; x = next) {
            next = x->next_by_sha;
            buf_fini(&x->text);
            mem_free(x);
        }
    }
    mem_free(sc->by_sha);
    mem_free(sc->by_text);
    sc->by_sha = sc->by_text = NULL;
    sc->n = sc->cap = sc->bytes = 0;
    memset(sc->recent, 0, sizeof sc->recent);
    vm_free(&sc->vm);
}

void scripts_free(struct scripts **scp)
{
    if (*scp == NULL) return;
    drop_all(*scp);
    mem_free(*scp);
    *scp = NULL;
}

void scripts_flush(struct scripts *sc)
{
    drop_all(sc);
    sc->vm = new_vm(sc->server);
}

/* Its first digits are as good a hash as any: nobody chooses a digest. */
static size_t place_of_sha(const struct scripts *sc, const char *sha)
{
    uint64_t h;

    memcpy(&h, sha, sizeof h);
    return (size_t)(h * 0x9e3779b97f4a7c15ULL >> 32) & (sc->cap - 1);
}

const struct script *scripts_find(const struct scripts *sc, struct str sha)
{
    char lower[SHA1_HEX];
    const struct script *x;

    if (sha.n != SHA1_HEX || sc->n == 0) return NULL;
    for (size_t i = 0; i < SHA1_HEX; i++) lower[i] = char_lower(sha.p[i]);
    x = sc->by_sha[place_of_sha(sc, lower)];
    while (x != NULL && memcmp(x->sha, lower, SHA1_HEX) != 0) x = x->next_by_sha;
    return x;
}

static const struct script *find_text(const struct scripts *sc, struct str text, uint64_t hash)
{
    const struct script *x = sc->n > 0 ? sc->by_text[hash & (sc->cap - 1)] : NULL;

    while (x != NULL && (x->hash != hash || !str_eq(buf_str(&x->text), text))) x = x->next_by_text;
    return x;
}

static void link_in(struct scripts *sc, struct script *x)
{
    struct script **sha = &sc->by_sha[place_of_sha(sc, x->sha)], **text = &sc->by_text[x->hash & (sc->cap - 1)];

    x->next_by_sha = *sha;
    *sha = x;
    x->next_by_text = *text;
    *text = x;
}

static void grow(struct scripts *sc)
{
    struct script **old = sc->by_sha;
    size_t n = sc->cap;

    mem_free(sc->by_text);
    sc->cap = n ? n * 2 : 16;
    sc->by_sha = mem_zalloc(sc->cap * sizeof *sc->by_sha);
    sc->by_text = mem_zalloc(sc->cap * sizeof *sc->by_text);
    for (size_t i = 0; i < n; i++) {
        struct script *next;

        for (struct script *x = old[i]; x != NULL; x = next) {
            next = x->next_by_sha;
            link_in(sc, x);
        }
    }
    mem_free(old);
}

static const struct script *compile(struct scripts *sc, struct str text, struct buf *why)
{
    uint64_t hash = hash_bytes(&sc->server->store->hash_key, text);
    const struct script *known = find_text(sc, text, hash);
    struct shebang head;
    struct buf compiler = { 0 };
    struct script *x;
    int function;

    if (known != NULL) return known;
    if (!shebang_read(&head, text, why)) return NULL;
    if (!vm_compile(sc->vm, head.body, "@user_script", &function, &compiler)) {
        buf_add_c(why, "Error compiling script (new function): ");
        buf_add_str(why, buf_str(&compiler));
        buf_fini(&compiler);
        return NULL;
    }
    x = mem_zalloc(sizeof *x);
    sha1_hex(text, x->sha);
    x->flags = head.flags;
    x->declared = head.declared;
    x->function = function;
    buf_add_str(&x->text, text);
    x->hash = hash;
    if (sc->n == sc->cap) grow(sc);
    sc->n++;
    sc->bytes += sizeof *x + text.n;
    link_in(sc, x);
    return x;
}

const struct script *scripts_load(struct scripts *sc, struct str text, struct buf *why)
{
    const struct script **recent = &sc->recent[text.n & (N_RECENT - 1)], *x = *recent;

    if (x != NULL && str_eq(buf_str(&x->text), text)) return x;
    x = compile(sc, text, why);
    if (x != NULL) *recent = x;
    return x;
}

struct vm *scripts_vm(const struct scripts *sc)
{
    return sc->vm;
}

size_t scripts_count(const struct scripts *sc)
{
    return sc->n;
}

size_t scripts_bytes(const struct scripts *sc)
{
    return sizeof *sc + sc->bytes + 2 * sc->cap * sizeof(void *);
}

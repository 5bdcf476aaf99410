/* Rules of users: whatever they say, a user is made or an error told, and a user described is made again
 * by its description.
 *
 * Lines of the input are rules; a byte that is not printable stands for one of those that are known. */
#include "base/mem.h"
#include "server/acl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/server/rule_words.h"

static const char *const known[] = {
    "on", "off", "nopass", "resetpass", "allkeys", "resetkeys", "~*", "~a*", "%R~r*", "%W~w*", "%RW~x", "allchannels", "&*",
    "&c*", "resetchannels", "allcommands", "nocommands", "+@all", "-@all", "+@read", "-@dangerous", "+get", "-get", "+config",
    "+config|get", "-config|set", "+select|0", "+select|1", "+client|kill", ">pw", "<pw", "(+get ~a)", "(~b", "+set)", "()",
    "clearselectors", "reset", "sanitize-payload", "skip-sanitize-payload", "+", "-", "~", "%", "%~", "%R", "&", "(", ")", ">",
    "#", "+@", "+|", "+config|", "+config|get|x", "+@READ", "-@hash", "+@hash", "(%R~q -@all +@write &z)",
};

static void check_again(struct acl *a, const struct acl_user *u)
{
    enum { MAX = 8192 };
    struct str *words = mem_alloc(MAX * sizeof *words);
    struct buf text = { 0 }, again = { 0 }, why = { 0 };
    struct acl_user *copy;
    size_t n;
    bool ok;

    acl_describe(u, &text);
    n = rules_of_text(buf_str(&text), words, MAX);
    copy = acl_user_new(a, STR("copy"));
    ok = acl_apply_all(a, copy, words, n, &why);
    ensure(ok && "a described user is not made again");
    acl_describe(copy, &again);
    ensure(str_eq(buf_str(&text), buf_str(&again)));
    for (unsigned id = 0; id < registry_ids(a->server->commands); id++) {
        for (size_t i = 0; i < u->n_selectors; i++) {
            ensure(acl_selector_command(u->selectors[i], id) == acl_selector_command(copy->selectors[i], id));
        }
    }
    acl_user_free(copy);
    buf_fini(&text);
    buf_fini(&again);
    buf_fini(&why);
    mem_free(words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX = 256 };
    struct conf conf = { .acl_pubsub_default = size % 2 ? CONF_CHANNELS_ALL : CONF_CHANNELS_NONE };
    struct server s = { .conf = &conf, .commands = registry_new() };
    struct str words[MAX];
    size_t n = rules_of_noise(data, size, words, MAX, known, sizeof known / sizeof *known);
    struct buf why = { 0 };
    struct acl_user *u;

    link_init(&s.clients);
    s.acl = acl_new(&s);
    for (size_t i = 0; i < n; i += 8) {
        size_t some = n - i < 8 ? n - i : 8;
        buf_clear(&why);
        if (!acl_set_user(s.acl, STR("u"), words + i, some, &why)) ensure(why.n > 0);
        u = acl_find(s.acl, STR("u"));
        if (u) check_again(s.acl, u);
    }
    buf_fini(&why);
    acl_free(&s.acl);
    registry_free(&s.commands);
    return 0;
}

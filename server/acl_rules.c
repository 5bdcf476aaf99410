/* acl_rules.c -- rules to users and back; see acl.h, acl_impl.h.
 *
 * Names of commands are those of their rows, whatever rename-command calls them: rules stay true when a
 * command is renamed. */
#include <ctype.h>

#include "base/mem.h"
#include "conf/args.h"
#include "server/acl_impl.h"

static const char syntax_error[] = "Syntax error";
static const char unknown_word[] = "Unknown command or category name in ACL";
static const char bad_hash[] =
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";

/* --- texts ---------------------------------------------------------------------------------------- */

static struct acl_text *find_text(const struct acl_texts *t, struct str text, const unsigned *tag)
{
    for (size_t i = 0; i < t->n; i++) {
        if (str_eq(buf_str(&t->items[i].text), text) && (tag == NULL || t->items[i].tag == *tag)) return &t->items[i];
    }
    return NULL;
}

static void add_text(struct acl_texts *t, struct str text, unsigned tag)
{
    t->items = mem_realloc(t->items, (t->n + 1) * sizeof *t->items);
    t->items[t->n] = (struct acl_text){ .tag = tag };
    buf_add_str(&t->items[t->n++].text, text);
}

static void drop_text(struct acl_texts *t, struct acl_text *item)
{
    buf_fini(&item->text);
    t->n--;
    memmove(item, item + 1, (size_t)(t->items + t->n - item) * sizeof *item);
}

static void clear_texts(struct acl_texts *t)
{
    for (size_t i = 0; i < t->n; i++) buf_fini(&t->items[i].text);
    mem_free(t->items);
    *t = (struct acl_texts){ 0 };
}

static void copy_texts(struct acl_texts *dst, const struct acl_texts *src)
{
    *dst = (struct acl_texts){ 0 };
    for (size_t i = 0; i < src->n; i++) add_text(dst, buf_str(&src->items[i].text), src->items[i].tag);
}

bool acl_has_blank(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (isspace((unsigned char)s.p[i]) || s.p[i] == '\0') return true;
    }
    return false;
}

/* --- selectors ------------------------------------------------------------------------------------- */

static struct acl_selector new_selector(const struct acl *a)
{
    return (struct acl_selector){ .all_channels = a->server->conf->acl_pubsub_default == CONF_CHANNELS_ALL };
}

static void clear_selector(struct acl_selector *s)
{
    clear_texts(&s->keys);
    clear_texts(&s->channels);
    clear_texts(&s->first_args);
    buf_fini(&s->rules);
}

static void copy_selector(struct acl_selector *dst, const struct acl_selector *src)
{
    *dst = *src;
    copy_texts(&dst->keys, &src->keys);
    copy_texts(&dst->channels, &src->channels);
    copy_texts(&dst->first_args, &src->first_args);
    dst->rules = (struct buf){ 0 };
    buf_add_str(&dst->rules, buf_str(&src->rules));
}

static void set_bit(struct acl_selector *s, unsigned id, bool allow)
{
    uint64_t bit = (uint64_t)1 << id % 64;

    if (allow) {
        s->allowed[id / 64] |= bit;
    } else {
        s->allowed[id / 64] &= ~bit;
        s->all_commands = false;
    }
}

/* A container takes its subcommands along. */
static void allow_command(struct acl_selector *s, const struct command_ref *ref, bool allow)
{
    set_bit(s, ref->id, allow);
    for (size_t i = s->first_args.n; i-- > 0;) {
        if (s->first_args.items[i].tag == ref->id) drop_text(&s->first_args, &s->first_args.items[i]);
    }
    for (size_t i = 0; i < ref->n_subs; i++) set_bit(s, ref->subs[i].id, allow);
}

static void allow_all(struct acl_selector *s, bool allow)
{
    memset(s->allowed, allow ? 0xff : 0, sizeof s->allowed);
    s->all_commands = allow;
    buf_clear(&s->rules);
    clear_texts(&s->first_args);
}

/* Remember a rule, in place of those that it overrules: the same command or category, or its subcommands. */
static void note_rule(struct acl_selector *s, struct str name, bool allow)
{
    struct buf kept = { 0 };
    const char *at = s->rules.p, *end = s->rules.p + s->rules.n;

    while (at < end) {
        const char *blank = memchr(at, ' ', (size_t)(end - at)), *stop = blank ? blank : end;
        struct str old = str_of(at + 1, (size_t)(stop - at - 1)); /* without its sign */
        bool over = old.n >= name.n && str_ieq(str_of(old.p, name.n), name) && (old.n == name.n || old.p[name.n] == '|');
        if (!over) {
            if (kept.n) buf_add_char(&kept, ' ');
            buf_add(&kept, at, (size_t)(stop - at));
        }
        at = stop + 1;
    }
    if (kept.n) buf_add_char(&kept, ' ');
    buf_add_char(&kept, allow ? '+' : '-');
    for (size_t i = 0; i < name.n; i++) buf_add_char(&kept, (char)tolower((unsigned char)name.p[i]));
    buf_fini(&s->rules);
    s->rules = kept;
}

uint32_t acl_category(struct str name)
{
#define BIT(code, word, bit) if (str_is(name, word)) return code;
    ACL_TABLE(BIT)
#undef BIT
    return 0;
}

static bool category_rule(const struct acl *a, struct acl_selector *s, struct str name, bool allow)
{
    const struct registry *r = a->server->commands;
    uint32_t bit = acl_category(str_of(name.p + 1, name.n - 1));

    if (bit == 0) return false;
    note_rule(s, name, allow);
    for (size_t i = 0; i < registry_count_own(r); i++) {
        struct command_ref *ref = registry_at(r, i);
        if (command_categories(ref->cmd) & bit) allow_command(s, ref, allow);
        for (size_t k = 0; k < ref->n_subs; k++) {
            if (command_categories(ref->subs[k].cmd) & bit) allow_command(s, &ref->subs[k], allow);
        }
    }
    return true;
}

/* +command|word: a subcommand, or a first argument of a command that is not allowed otherwise. */
static const char *allow_part(const struct acl *a, struct acl_selector *s, struct str name, size_t bar)
{
    struct str first = str_of(name.p, bar), part = str_of(name.p + bar + 1, name.n - bar - 1);
    struct command_ref *ref = registry_find_own_full(a->server->commands, first);

    if (ref == NULL) return unknown_word;
    if (ref->parent) return "Allowing first-arg of a subcommand is not supported";
    /* It stands in the text of the rules, parted by blanks. */
    if (part.n == 0 || acl_has_blank(part)) return syntax_error;
    if (ref->n_subs > 0) {
        ref = registry_find_own_full(a->server->commands, name);
        if (ref == NULL) return unknown_word;
        allow_command(s, ref, true);
    } else {
        unsigned id = ref->id;
        log_warning(a->server->log, "Deprecation warning: Allowing a first arg of an otherwise blocked command is "
                    "a misuse of ACL and may get disabled in the future (offender: +%.*s)", (int)name.n, name.p);
        if (find_text(&s->first_args, part, &id) == NULL) add_text(&s->first_args, part, id);
    }
    note_rule(s, name, true);
    return NULL;
}

static const char *command_rule(const struct acl *a, struct acl_selector *s, struct str name, bool allow)
{
    struct command_ref *ref;
    const char *bar = allow ? memrchr(name.p, '|', name.n) : NULL;

    if (name.n > 0 && name.p[0] == '@') return category_rule(a, s, name, allow) ? NULL : unknown_word;
    if (bar) return allow_part(a, s, name, (size_t)(bar - name.p));
    ref = registry_find_own_full(a->server->commands, name);
    if (ref == NULL) return unknown_word;
    allow_command(s, ref, allow);
    note_rule(s, str_c(ref->full_name), allow);
    return NULL;
}

/* ~pattern, %R~pattern, %W~pattern, %RW~pattern */
static const char *key_rule(struct acl_selector *s, struct str rule)
{
    unsigned access = rule.p[0] == '~' ? ACL_READS | ACL_WRITES : 0;
    struct acl_text *old;
    struct str pattern;
    size_t i = 1;

    if (s->all_keys) {
        return "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any "
               "effect. Try 'resetkeys' to start with an empty list of patterns";
    }
    if (rule.p[0] == '%') {
        for (; i < rule.n && rule.p[i] != '~'; i++) {
            unsigned more = toupper((unsigned char)rule.p[i]) == 'R' ? ACL_READS
                            : toupper((unsigned char)rule.p[i]) == 'W' ? ACL_WRITES : 0;
            if (more == 0 || (access & more)) return syntax_error;
            access |= more;
        }
        /* A pattern for nothing cannot be printed. */
        if (i == rule.n || access == 0) return syntax_error;
        i++;
    }
    pattern = str_of(rule.p + i, rule.n - i);
    if (acl_has_blank(pattern)) return syntax_error;
    old = find_text(&s->keys, pattern, NULL);
    if (old) old->tag |= access;
    else add_text(&s->keys, pattern, access);
    return NULL;
}

static const char *channel_rule(struct acl_selector *s, struct str pattern)
{
    if (s->all_channels) {
        return "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any "
               "effect. Try 'resetchannels' to start with an empty list of channels";
    }
    if (acl_has_blank(pattern)) return syntax_error;
    if (find_text(&s->channels, pattern, NULL) == NULL) add_text(&s->channels, pattern, 0);
    return NULL;
}

static const char *selector_rule(const struct acl *a, struct acl_selector *s, struct str rule)
{
    struct str rest = str_of(rule.p + 1, rule.n ? rule.n - 1 : 0);

    if (str_is(rule, "allkeys") || str_is(rule, "~*") || str_is(rule, "resetkeys")) {
        s->all_keys = !str_is(rule, "resetkeys");
        clear_texts(&s->keys);
    } else if (str_is(rule, "allchannels") || str_is(rule, "&*") || str_is(rule, "resetchannels")) {
        s->all_channels = !str_is(rule, "resetchannels");
        clear_texts(&s->channels);
    } else if (str_is(rule, "allcommands") || str_is(rule, "+@all")) {
        allow_all(s, true);
    } else if (str_is(rule, "nocommands") || str_is(rule, "-@all")) {
        allow_all(s, false);
    } else if (rule.n == 0) {
        return syntax_error;
    } else {
        switch (rule.p[0]) {
        case '~': case '%': return key_rule(s, rule);
        case '&': return channel_rule(s, rest);
        case '+': case '-': return command_rule(a, s, rest, rule.p[0] == '+');
        default: return syntax_error;
        }
    }
    return NULL;
}

/* --- users ------------------------------------------------------------------------------------------- */

struct acl_user *acl_user_new(const struct acl *a, struct str name)
{
    struct acl_user *u = mem_zalloc(sizeof *u);

    buf_add_str(&u->name, name);
    u->selectors = mem_alloc(sizeof *u->selectors);
    u->selectors[0] = new_selector(a);
    u->n_selectors = 1;
    return u;
}

static void clear_user(struct acl_user *u)
{
    clear_texts(&u->passwords);
    for (size_t i = 0; i < u->n_selectors; i++) clear_selector(&u->selectors[i]);
    mem_free(u->selectors);
}

void acl_user_free(struct acl_user *u)
{
    clear_user(u);
    buf_fini(&u->name);
    mem_free(u);
}

void acl_user_copy(struct acl_user *dst, const struct acl_user *src)
{
    struct buf name = dst->name;

    clear_user(dst);
    *dst = *src;
    dst->name = name;
    copy_texts(&dst->passwords, &src->passwords);
    dst->selectors = mem_alloc(src->n_selectors * sizeof *src->selectors);
    for (size_t i = 0; i < src->n_selectors; i++) copy_selector(&dst->selectors[i], &src->selectors[i]);
}

static void clear_selectors(struct acl_user *u)
{
    while (u->n_selectors > 1) clear_selector(&u->selectors[--u->n_selectors]);
}

static bool is_hash(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f')) return false;
    }
    return s.n == SHA256_HEX;
}

/* >password and #hash add, <password and !hash take away. */
static const char *password_rule(struct acl_user *u, char kind, struct str given)
{
    char room[SHA256_HEX];
    struct str hash = given;
    struct acl_text *old;

    if (kind == '>' || kind == '<') {
        sha256_hex(given, room);
        hash = str_of(room, sizeof room);
    } else if (!is_hash(given)) {
        return bad_hash;
    }
    old = find_text(&u->passwords, hash, NULL);
    if (kind == '<' || kind == '!') {
        if (old == NULL) return "The password you are trying to remove from the user does not exist";
        drop_text(&u->passwords, old);
        return NULL;
    }
    if (old == NULL) add_text(&u->passwords, hash, 0);
    u->nopass = false;
    return NULL;
}

static const char *add_selector(const struct acl *a, struct acl_user *u, struct str inside)
{
    struct acl_selector s = new_selector(a);
    const char *why = NULL;
    struct arena arena;
    struct str *words;
    size_t n = 0;

    arena_init(&arena);
    if (!args_split(&arena, inside, &words, &n)) why = syntax_error;
    for (size_t i = 0; why == NULL && i < n; i++) why = selector_rule(a, &s, words[i]);
    arena_fini(&arena);
    if (why) {
        clear_selector(&s);
        return why;
    }
    u->selectors = mem_realloc(u->selectors, (u->n_selectors + 1) * sizeof *u->selectors);
    u->selectors[u->n_selectors++] = s;
    return NULL;
}

static void reset(const struct acl *a, struct acl_user *u)
{
    clear_user(u);
    u->passwords = (struct acl_texts){ 0 };
    u->on = u->nopass = u->skip_sanitize = false;
    u->selectors = mem_alloc(sizeof *u->selectors);
    u->selectors[0] = new_selector(a);
    u->n_selectors = 1;
}

static const char *apply(const struct acl *a, struct acl_user *u, struct str rule)
{
    if (rule.n == 0) return NULL;
    if (str_is(rule, "on") || str_is(rule, "off")) {
        u->on = str_is(rule, "on");
    } else if (str_is(rule, "skip-sanitize-payload") || str_is(rule, "sanitize-payload")) {
        u->skip_sanitize = str_is(rule, "skip-sanitize-payload");
    } else if (str_is(rule, "nopass") || str_is(rule, "resetpass")) {
        u->nopass = str_is(rule, "nopass");
        clear_texts(&u->passwords);
    } else if (memchr("><#!", rule.p[0], 4)) {
        return password_rule(u, rule.p[0], str_of(rule.p + 1, rule.n - 1));
    } else if (rule.p[0] == '(' && rule.p[rule.n - 1] == ')') {
        return add_selector(a, u, str_of(rule.p + 1, rule.n - 2));
    } else if (str_is(rule, "clearselectors")) {
        clear_selectors(u);
    } else if (str_is(rule, "reset")) {
        reset(a, u);
    } else {
        return selector_rule(a, &u->selectors[0], rule);
    }
    return NULL;
}

const char *acl_user_rule(const struct acl *a, struct acl_user *u, struct str rule, bool *unknown)
{
    const char *why = apply(a, u, rule);

    if (unknown) *unknown = why == unknown_word;
    u->free = false;
    for (size_t i = 0; i < u->n_selectors; i++) {
        const struct acl_selector *s = &u->selectors[i];
        u->free |= s->all_commands && s->all_keys && s->all_channels;
    }
    return why;
}

bool acl_join(struct arena *arena, const struct str *words, size_t n, struct str **out, size_t *n_out, size_t *open)
{
    struct buf text = { 0 };
    bool is_open = false;

    *out = arena_alloc(arena, (n + 1) * sizeof **out);
    *n_out = 0;
    for (size_t i = 0; i < n; i++) {
        struct str w = words[i];
        bool closes = w.n > 0 && w.p[w.n - 1] == ')';
        if (!is_open && w.n > 0 && w.p[0] == '(' && !closes) {
            is_open = true;
            *open = i;
            buf_clear(&text);
            buf_add_str(&text, w);
        } else if (is_open) {
            buf_add_char(&text, ' ');
            buf_add_str(&text, w);
            if (!closes) continue;
            is_open = false;
            (*out)[(*n_out)++] = arena_dup(arena, buf_str(&text));
        } else {
            (*out)[(*n_out)++] = w;
        }
    }
    buf_fini(&text);
    return !is_open;
}

/* --- and back ------------------------------------------------------------------------------------------ */

void acl_describe_commands(const struct acl_selector *s, struct buf *out)
{
    buf_add_c(out, s->allowed[ACL_FUTURE / 64] >> ACL_FUTURE % 64 & 1 ? "+@all" : "-@all");
    if (s->rules.n) buf_add_char(out, ' ');
    buf_add_str(out, buf_str(&s->rules));
}

void acl_describe_keys(const struct acl_selector *s, struct buf *out)
{
    if (s->all_keys) buf_add_c(out, "~*");
    for (size_t i = 0; i < s->keys.n; i++) {
        const struct acl_text *t = &s->keys.items[i];
        if (i > 0) buf_add_char(out, ' ');
        buf_add_c(out, t->tag == (ACL_READS | ACL_WRITES) ? "~" : t->tag == ACL_READS ? "%R~" : "%W~");
        buf_add_str(out, buf_str(&t->text));
    }
}

void acl_describe_channels(const struct acl_selector *s, struct buf *out)
{
    if (s->all_channels) buf_add_c(out, "&*");
    for (size_t i = 0; i < s->channels.n; i++) {
        if (i > 0) buf_add_char(out, ' ');
        buf_add_char(out, '&');
        buf_add_str(out, buf_str(&s->channels.items[i].text));
    }
}

static void describe_selector(const struct acl_selector *s, struct buf *out)
{
    size_t from = out->n;

    acl_describe_keys(s, out);
    if (out->n > from) buf_add_char(out, ' ');
    if (!s->all_channels) buf_add_c(out, "resetchannels ");
    from = out->n;
    acl_describe_channels(s, out);
    if (out->n > from) buf_add_char(out, ' ');
    acl_describe_commands(s, out);
}

void acl_describe_user(const struct acl_user *u, struct buf *out)
{
    buf_add_c(out, u->on ? "on " : "off ");
    if (u->nopass) buf_add_c(out, "nopass ");
    buf_add_c(out, u->skip_sanitize ? "skip-sanitize-payload " : "sanitize-payload ");
    for (size_t i = 0; i < u->passwords.n; i++) {
        buf_add_char(out, '#');
        buf_add_str(out, buf_str(&u->passwords.items[i].text));
        buf_add_char(out, ' ');
    }
    for (size_t i = 0; i < u->n_selectors; i++) {
        if (i > 0) buf_add_c(out, " (");
        describe_selector(&u->selectors[i], out);
        if (i > 0) buf_add_char(out, ')');
    }
}

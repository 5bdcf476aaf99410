/* acl_rule.c -- rules to users: see acl.h. */
#include "base/mem.h"
#include "protocol/resp.h"
#include "server/acl.h"

static const char syntax[] = "Syntax error";
static const char unknown[] = "Unknown command or category name in ACL";
static const char after_all_keys[] =
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try "
    "'resetkeys' to start with an empty list of patterns";
static const char after_all_channels[] =
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try "
    "'resetchannels' to start with an empty list of channels";
static const char bad_hash[] =
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";

static bool has_blank(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\0' || s.p[i] == ' ' || (s.p[i] >= '\t' && s.p[i] <= '\r')) return true;
    }
    return false;
}

bool acl_name_ok(struct str name)
{
    return !has_blank(name);
}

/* s without its first n bytes. */
static struct str behind(struct str s, size_t n)
{
    return str_of(s.p + n, s.n - n);
}

/* --- patterns ------------------------------------------------------------------------------------- */

static void clear_patterns(struct acl_patterns *p)
{
    for (size_t i = 0; i < p->n; i++) mem_free((char *)(uintptr_t)p->items[i].text.p);
    mem_free(p->items);
    *p = (struct acl_patterns){ 0 };
}

static void add_pattern(struct acl_patterns *p, struct str text, unsigned access)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!str_eq(p->items[i].text, text)) continue;
        p->items[i].access |= access;
        return;
    }
    p->items = mem_realloc(p->items, (p->n + 1) * sizeof *p->items);
    p->items[p->n++] = (struct acl_pattern){ str_of(mem_dup(text.p, text.n), text.n), access };
}

/* "~pattern", "%RW~pattern" */
static const char *add_keys(struct acl_selector *sel, struct str rule)
{
    unsigned access = rule.p[0] == '~' ? ACL_ANY_KEY : 0;
    size_t at = 1;

    if (sel->all_keys) return after_all_keys;
    for (; rule.p[0] == '%' && at < rule.n && rule.p[at] != '~'; at++) {
        unsigned bit = (rule.p[at] | 32) == 'r' ? ACL_READ_KEY : (rule.p[at] | 32) == 'w' ? ACL_WRITE_KEY : 0;
        if (bit == 0 || (access & bit)) return syntax;
        access |= bit;
    }
    if (rule.p[0] == '%') at++;
    if (access == 0 || at > rule.n || has_blank(behind(rule, at))) return syntax;
    add_pattern(&sel->keys, behind(rule, at), access);
    return NULL;
}

static const char *add_channels(struct acl_selector *sel, struct str pattern)
{
    if (sel->all_channels) return after_all_channels;
    if (has_blank(pattern)) return syntax;
    add_pattern(&sel->channels, pattern, 0);
    return NULL;
}

/* --- commands ------------------------------------------------------------------------------------- */

/* Is `rule` (without sign) what `by` speaks of: the same, or a part of that command? */
static bool covered(struct str rule, struct str by)
{
    return str_starts(rule, by) && (rule.n == by.n || rule.p[by.n] == '|');
}

static void add_lower(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++) buf_add_char(b, char_lower(s.p[i]));
}

/* A new rule takes those away that it makes meaningless. */
static void note_rule(struct acl_selector *sel, char sign, struct str given)
{
    struct buf kept = { 0 }, lower = { 0 };
    struct str left = buf_str(&sel->rules), rule;

    add_lower(&lower, given);
    rule = buf_str(&lower);
    while (left.n > 0) {
        const char *end = memchr(left.p, ' ', left.n);
        struct str one = str_of(left.p, end ? (size_t)(end - left.p) : left.n);
        if (!covered(behind(one, 1), rule)) {
            if (kept.n > 0) buf_add_char(&kept, ' ');
            buf_add_str(&kept, one);
        }
        left = end ? behind(left, one.n + 1) : behind(left, left.n);
    }
    if (kept.n > 0) buf_add_char(&kept, ' ');
    buf_add_char(&kept, sign);
    buf_add_str(&kept, rule);
    buf_fini(&lower);
    buf_fini(&sel->rules);
    sel->rules = kept;
}

static void drop_first_args(struct acl_selector *sel, unsigned command, bool of_all)
{
    size_t n = 0;

    for (size_t i = 0; i < sel->n_first_args; i++) {
        if (of_all || sel->first_args[i].command == command) mem_free((char *)(uintptr_t)sel->first_args[i].arg.p);
        else sel->first_args[n++] = sel->first_args[i];
    }
    sel->n_first_args = n;
}

static void set_bit(struct acl_selector *sel, unsigned id, bool on)
{
    if (on) sel->commands[id / 64] |= (uint64_t)1 << id % 64;
    else sel->commands[id / 64] &= ~((uint64_t)1 << id % 64);
    if (!on) sel->all_commands = false;
}

static void set_command(struct acl_selector *sel, const struct command_ref *ref, bool on)
{
    set_bit(sel, ref->id, on);
    drop_first_args(sel, ref->id, false);
    for (size_t i = 0; i < ref->n_subs; i++) set_bit(sel, ref->subs[i].id, on);
}

static void set_all_commands(struct acl_selector *sel, bool on)
{
    memset(sel->commands, on ? 255 : 0, sel->n_words * sizeof *sel->commands);
    sel->all_commands = sel->from_all = on;
    buf_clear(&sel->rules);
    drop_first_args(sel, 0, true);
}

struct category_change {
    struct acl_selector *sel;
    uint32_t category;
    bool on;
};

static void set_if_in_category(void *ctx, struct command_ref *ref)
{
    const struct category_change *ch = ctx;

    if (!(command_categories(ref->cmd) & ch->category)) return;
    set_bit(ch->sel, ref->id, ch->on);
    drop_first_args(ch->sel, ref->id, false);
}

static uint32_t category_of(struct str name)
{
#define CATEGORY(code, text, bit) \
    if (str_is(name, text)) return code;
    ACL_TABLE(CATEGORY)
#undef CATEGORY
    return 0;
}

/* rule: "@read" */
static const char *set_category(const struct acl *a, struct acl_selector *sel, struct str rule, bool on)
{
    struct category_change ch = { sel, category_of(behind(rule, 1)), on };

    if (ch.category == 0) return unknown;
    note_rule(sel, on ? '+' : '-', rule);
    registry_each(a->server->commands, set_if_in_category, &ch);
    return NULL;
}

/* By the name that it had before anybody renamed it: "get", "config|get". */
static struct command_ref *find_command(const struct acl *a, struct str name)
{
    const char *bar = name.n > 0 ? memchr(name.p, '|', name.n) : NULL;
    struct str words[2] = { str_of(name.p, bar ? (size_t)(bar - name.p) : name.n), { 0 } };

    if (bar) words[1] = behind(name, words[0].n + 1);
    struct command_ref *ref = registry_find_own(a->server->commands, words[0]);
    if (ref == NULL || bar == NULL) return ref;
    return ref->n_subs > 0 ? registry_resolve_own(a->server->commands, 2, words) : NULL;
}

/* "+select|0", of a command that has no subcommands. */
static const char *add_first_arg(struct acl_selector *sel, const struct command_ref *ref, struct str arg)
{
    for (size_t i = 0; i < sel->n_first_args; i++) {
        const struct acl_first_arg *f = &sel->first_args[i];
        if (f->command == ref->id && str_ieq(f->arg, arg)) return NULL;
    }
    sel->first_args = mem_realloc(sel->first_args, (sel->n_first_args + 1) * sizeof *sel->first_args);
    sel->first_args[sel->n_first_args++] =
        (struct acl_first_arg){ ref->id, str_of(mem_dup(arg.p, arg.n), arg.n) };
    return NULL;
}

static const char *allow_part(const struct acl *a, struct acl_selector *sel, struct str name)
{
    const char *bar = memrchr(name.p, '|', name.n);
    struct str head = str_of(name.p, (size_t)(bar - name.p)), tail = behind(name, head.n + 1);
    const struct command_ref *ref = find_command(a, head), *sub;

    if (ref == NULL) return unknown;
    if (ref->parent) return "Allowing first-arg of a subcommand is not supported";
    if (tail.n == 0) return syntax;
    if (ref->n_subs > 0) {
        sub = find_command(a, name);
        if (sub == NULL) return unknown;
        set_command(sel, sub, true);
    } else {
        add_first_arg(sel, ref, tail);
    }
    note_rule(sel, '+', name);
    return NULL;
}

static const char *set_commands(const struct acl *a, struct acl_selector *sel, struct str rule)
{
    bool on = rule.p[0] == '+';
    struct str name = behind(rule, 1);
    const struct command_ref *ref;

    if (name.n > 0 && name.p[0] == '@') return set_category(a, sel, name, on);
    if (on && name.n > 0 && memchr(name.p, '|', name.n)) return allow_part(a, sel, name);
    ref = find_command(a, name);
    if (ref == NULL) return unknown;
    set_command(sel, ref, on);
    note_rule(sel, on ? '+' : '-', str_c(ref->full_name));
    return NULL;
}

/* --- a selector's rules --------------------------------------------------------------------------- */

static const char *apply_to_selector(const struct acl *a, struct acl_selector *sel, struct str rule)
{
    if (rule.n == 0) return syntax;
    if (str_is(rule, "allkeys") || str_is(rule, "~*")) {
        sel->all_keys = true;
        clear_patterns(&sel->keys);
    } else if (str_is(rule, "resetkeys")) {
        sel->all_keys = false;
        clear_patterns(&sel->keys);
    } else if (str_is(rule, "allchannels") || str_is(rule, "&*")) {
        sel->all_channels = true;
        clear_patterns(&sel->channels);
    } else if (str_is(rule, "resetchannels")) {
        sel->all_channels = false;
        clear_patterns(&sel->channels);
    } else if (str_is(rule, "allcommands") || str_is(rule, "+@all")) {
        set_all_commands(sel, true);
    } else if (str_is(rule, "nocommands") || str_is(rule, "-@all")) {
        set_all_commands(sel, false);
    } else if (rule.p[0] == '~' || rule.p[0] == '%') {
        return add_keys(sel, rule);
    } else if (rule.p[0] == '&') {
        return add_channels(sel, behind(rule, 1));
    } else if (rule.p[0] == '+' || rule.p[0] == '-') {
        return set_commands(a, sel, rule);
    } else {
        return syntax;
    }
    return NULL;
}

/* "(~a +get)" */
static const char *add_selector(const struct acl *a, struct acl_user *u, struct str rule)
{
    struct str inside = str_of(rule.p + 1, rule.n - 2);
    struct acl_selector *sel = acl_selector_new(a);
    char *copy = mem_alloc(inside.n + 1);
    struct str *words = mem_alloc((inside.n / 2 + 1) * sizeof *words);
    const char *why = NULL;
    size_t n = 0;

    if (!resp_split_words(inside.p, inside.n, copy, words, inside.n / 2 + 1, &n)) why = syntax;
    for (size_t i = 0; i < n && why == NULL; i++) why = apply_to_selector(a, sel, words[i]);
    mem_free(copy);
    mem_free(words);
    if (why) {
        acl_selector_free(sel);
        return why;
    }
    u->selectors = mem_realloc(u->selectors, (u->n_selectors + 1) * sizeof *u->selectors);
    u->selectors[u->n_selectors++] = sel;
    return NULL;
}

/* --- passwords ------------------------------------------------------------------------------------ */

static bool is_hash(struct str s)
{
    if (s.n != SHA256_TEXT) return false;
    for (size_t i = 0; i < s.n; i++) {
        if ((s.p[i] < 'a' || s.p[i] > 'f') && (s.p[i] < '0' || s.p[i] > '9')) return false;
    }
    return true;
}

/* ">password", "#hash", "<password", "!hash" */
static const char *change_password(struct acl_user *u, struct str rule)
{
    bool add = rule.p[0] == '>' || rule.p[0] == '#';
    char hash[SHA256_TEXT];
    size_t at = 0;

    if (rule.p[0] == '#' || rule.p[0] == '!') {
        if (!is_hash(behind(rule, 1))) return bad_hash;
        memcpy(hash, rule.p + 1, sizeof hash);
    } else {
        sha256_hex(behind(rule, 1), hash);
    }
    while (at < u->n_passwords && memcmp(u->passwords[at], hash, sizeof hash) != 0) at++;
    if (add) {
        u->nopass = false;
        if (at < u->n_passwords) return NULL;
        u->passwords = mem_realloc(u->passwords, (u->n_passwords + 1) * sizeof *u->passwords);
        memcpy(u->passwords[u->n_passwords++], hash, sizeof hash);
        return NULL;
    }
    if (at == u->n_passwords) return "The password you are trying to remove from the user does not exist";
    memmove(u->passwords[at], u->passwords[at + 1], (--u->n_passwords - at) * sizeof *u->passwords);
    return NULL;
}

/* --- a user's rules ------------------------------------------------------------------------------- */

static void clear_selectors(struct acl_user *u)
{
    while (u->n_selectors > 1) acl_selector_free(u->selectors[--u->n_selectors]);
}

static void reset_user(const struct acl *a, struct acl_user *u)
{
    clear_selectors(u);
    acl_selector_free(u->selectors[0]);
    u->selectors[0] = acl_selector_new(a);
    u->enabled = u->nopass = u->skip_sanitize = false;
    u->n_passwords = 0;
}

const char *acl_apply(const struct acl *a, struct acl_user *u, struct str rule)
{
    if (rule.n == 0) return NULL;
    if (str_is(rule, "on") || str_is(rule, "off")) {
        u->enabled = str_is(rule, "on");
    } else if (str_is(rule, "skip-sanitize-payload") || str_is(rule, "sanitize-payload")) {
        u->skip_sanitize = str_is(rule, "skip-sanitize-payload");
    } else if (str_is(rule, "nopass") || str_is(rule, "resetpass")) {
        u->nopass = str_is(rule, "nopass");
        u->n_passwords = 0;
    } else if (strchr("><#!", rule.p[0])) {
        return change_password(u, rule);
    } else if (rule.p[0] == '(' && rule.n > 1 && rule.p[rule.n - 1] == ')') {
        return add_selector(a, u, rule);
    } else if (str_is(rule, "clearselectors")) {
        clear_selectors(u);
    } else if (str_is(rule, "reset")) {
        reset_user(a, u);
    } else {
        return apply_to_selector(a, u->selectors[0], rule);
    }
    return NULL;
}

/* --- many rules ----------------------------------------------------------------------------------- */

/* Rules from i on that belong together: "(+get" "~a)" is one. *merged (empty before) gets it when it is
 * more than one; *next the index of what follows. False: it has no end. */
static bool take_rule(const struct str *rules, size_t n, size_t i, struct buf *merged, struct str *rule, size_t *next)
{
    *rule = rules[i];
    *next = i + 1;
    if (rules[i].n == 0 || rules[i].p[0] != '(' || rules[i].p[rules[i].n - 1] == ')') return true;
    buf_add_str(merged, rules[i]);
    for (size_t k = i + 1; k < n; k++) {
        buf_add_char(merged, ' ');
        buf_add_str(merged, rules[k]);
        *next = k + 1;
        if (rules[k].n == 0 || rules[k].p[rules[k].n - 1] != ')') continue;
        *rule = buf_str(merged);
        return true;
    }
    return false;
}

static bool check_parentheses(const struct str *rules, size_t n, struct buf *why)
{
    bool ok = true;

    for (size_t i = 0; i < n && ok;) {
        struct buf merged = { 0 };
        struct str rule;
        size_t from = i;
        ok = take_rule(rules, n, i, &merged, &rule, &i);
        buf_fini(&merged);
        if (ok) continue;
        buf_add_c(why, "Unmatched parenthesis in acl selector starting at '");
        buf_add_str(why, rules[from]);
        buf_add_c(why, "'.");
    }
    return ok;
}

/* Passwords and their hashes, and a password that has lost its sign. */
static bool holds_password(const struct str *rules, size_t i)
{
    return (rules[i].n > 0 && strchr("><#!", rules[i].p[0]) != NULL) ||
           (i > 0 && rules[i - 1].n == 1 && strchr("><#!", rules[i - 1].p[0]) != NULL);
}

/* masked: why goes to a log, or to others than have given the rules. */
static bool apply_each(const struct acl *a, struct acl_user *u, const struct str *rules, size_t n, bool masked,
                       struct buf *why)
{
    if (!check_parentheses(rules, n, why)) return false;
    for (size_t i = 0; i < n;) {
        struct buf merged = { 0 };
        const char *error;
        struct str rule;
        size_t from = i;

        take_rule(rules, n, i, &merged, &rule, &i);
        error = acl_apply(a, u, rule);
        if (error) {
            buf_add_c(why, "Error in ACL SETUSER modifier '");
            buf_add_str(why, masked && holds_password(rules, from) ? STR("(redacted)") : rule);
            buf_printf(why, "': %s", error);
        }
        buf_fini(&merged);
        if (error) return false;
    }
    return true;
}

bool acl_apply_all(struct acl *a, struct acl_user *u, const struct str *rules, size_t n, struct buf *why)
{
    struct acl_user *tried = acl_user_copy(u);
    bool ok = apply_each(a, tried, rules, n, true, why);

    if (ok) acl_user_swap(u, tried);
    acl_user_free(tried);
    return ok;
}

bool acl_set_user(struct acl *a, struct str name, const struct str *rules, size_t n, struct buf *why)
{
    struct acl_user *there = acl_find(a, name);
    struct acl_user *u = there ? acl_user_copy(there) : acl_user_new(a, name);

    if (!apply_each(a, u, rules, n, false, why)) {
        acl_user_free(u);
        return false;
    }
    if (there == NULL) {
        acl_add(a, u);
        return true;
    }
    acl_user_swap(there, u);
    acl_changed(a, there);
    acl_user_free(u);
    return true;
}

void acl_set_default_password(struct acl *a, const char *password)
{
    struct acl_user *u = a->default_user;

    u->n_passwords = 0;
    u->nopass = password[0] == '\0';
    if (u->nopass) return;
    u->passwords = mem_realloc(u->passwords, sizeof *u->passwords);
    sha256_hex(str_c(password), u->passwords[u->n_passwords++]);
}

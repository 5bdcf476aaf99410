#include "conf/setting.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "conf/args.h"
#include "conf/list.h"
#include "conf/table.h"

/* --- the table -------------------------------------------------------------------------------- */

const struct setting_group setting_groups[] = {
    { "Network", network_settings },      { "TLS", tls_settings },
    { "Clients", client_settings },
    { "General", general_settings },      { "Security", security_settings },
    { "The process and its privileges", privilege_settings },
    { "Memory", memory_settings },        { "Snapshots", snapshot_settings },
    { "Append-only file", aof_settings }, { "Archive and namespaces", archive_settings },
    { "Search", search_settings },        { "Replicas", replica_settings },
    { "Data types", type_settings },      { "Observing", observing_settings },
    { NULL, accepted_settings },
};

enum { N_GROUPS = sizeof setting_groups / sizeof setting_groups[0] };

static size_t row_count(const struct setting *rows)
{
    size_t n = 0;

    while (rows[n].name != NULL) n++;
    return n;
}

size_t setting_count(void)
{
    size_t n = 0;

    for (size_t i = 0; i < N_GROUPS; i++) n += row_count(setting_groups[i].rows);
    return n;
}

const struct setting *setting_at(size_t i)
{
    const struct setting_group *g = setting_groups;
    size_t n;

    ensure(i < setting_count());
    while (n = row_count(g->rows), i >= n) {
        i -= n;
        g++;
    }
    return &g->rows[i];
}

const struct setting *setting_find(struct str asked, const char **name)
{
    const char *found = NULL;

    for (size_t g = 0; g < N_GROUPS; g++) {
        for (const struct setting *s = setting_groups[g].rows; s->name != NULL; s++) {
            if (str_is(asked, s->name)) found = s->name;
            if (s->alias != NULL && str_is(asked, s->alias)) found = s->alias;
            if (found == NULL) continue;
            if (name != NULL) *name = found;
            return s;
        }
    }
    return NULL;
}

/* --- one setting ------------------------------------------------------------------------------ */

void *setting_field(const struct setting *s, struct conf *c)
{
    if (s->flags & SETTING_ACCEPTED) return &c->accepted[s - accepted_settings];
    return (char *)c + s->at;
}

const void *setting_value(const struct setting *s, const struct conf *c)
{
    if (s->flags & SETTING_ACCEPTED) return &c->accepted[s - accepted_settings];
    return (const char *)c + s->at;
}

bool setting_read(const struct setting *s, const struct input *in, void *field, struct buf *why)
{
    const char *refused = NULL;

    if (!(s->flags & SETTING_MULTI) && in->n != 1) {
        buf_add_c(why, "wrong number of arguments");
        return false;
    }
    if (!s->kind->read(s, in, field, why)) return false;
    if (s->settle != NULL) refused = s->settle(field, in->at_start);
    if (refused != NULL) buf_add_c(why, refused);
    return refused == NULL;
}

bool setting_read_text(const struct setting *s, struct str text, bool at_start, void *field,
                       struct buf *why)
{
    struct input in = { .args = &text, .n = 1, .at_start = at_start };
    struct str *words;
    struct arena a;
    bool ok;

    arena_init(&a);
    if (s->flags & SETTING_MULTI) {
        args_split_plain(&a, text, &words, &in.n);
        in.args = words;
    }
    ok = setting_read(s, &in, field, why);
    arena_fini(&a);
    return ok;
}

void setting_show(const struct setting *s, const void *field, struct buf *out)
{
    s->kind->show(s, field, out);
}

void setting_write(const struct setting *s, const void *field, struct buf *out)
{
    if (s->kind->write != NULL) {
        s->kind->write(s, field, out);
        return;
    }
    buf_printf(out, "%s ", s->name);
    s->kind->show(s, field, out);
}

void setting_copy(const struct setting *s, void *to, const void *from)
{
    if (s->kind->copy != NULL) {
        s->kind->copy(to, from);
    } else {
        memcpy(to, from, s->kind->size);
    }
}

void setting_fini(const struct setting *s, void *field)
{
    if (s->kind->fini != NULL) s->kind->fini(field);
}

bool setting_same(const struct setting *s, const void *a, const void *b)
{
    struct buf left = { 0 }, right = { 0 };
    bool same;

    setting_show(s, a, &left);
    setting_show(s, b, &right);
    same = str_eq(buf_str(&left), buf_str(&right));
    buf_fini(&left);
    buf_fini(&right);
    return same;
}

void setting_init(const struct setting *s, void *field)
{
    struct buf why = { 0 };

    memset(field, 0, s->kind->size);
    if (s->initial != NULL) ensure(setting_read_text(s, str_c(s->initial), true, field, &why));
    buf_fini(&why);
}

bool setting_is_default(const struct setting *s, const void *field)
{
    union conf_value initial;
    bool same;

    setting_init(s, &initial);
    same = setting_same(s, field, &initial);
    setting_fini(s, &initial);
    return same;
}

void setting_accepts(const struct setting *s, struct buf *out)
{
    if (s->accepts != NULL) {
        buf_add_c(out, s->accepts);
    } else {
        s->kind->accepts(s, out);
    }
}

/* --- all of them ------------------------------------------------------------------------------ */

void conf_init(struct conf *c)
{
    size_t n = setting_count();

    *c = (struct conf){ 0 };
    c->accepted = mem_zalloc(row_count(accepted_settings) * sizeof *c->accepted);
    c->file = mem_dup("", 1);
    for (size_t i = 0; i < n; i++) setting_init(setting_at(i), setting_field(setting_at(i), c));
    c->save.is_default = true;
}

void conf_fini(struct conf *c)
{
    size_t n = setting_count();

    for (size_t i = 0; i < n; i++) setting_fini(setting_at(i), setting_field(setting_at(i), c));
    mem_free(c->accepted);
    mem_free(c->file);
    conf_list_fini(&c->warnings);
    conf_list_fini(&c->files);
    *c = (struct conf){ 0 };
}

uint64_t conf_client_memory(const struct conf *c)
{
    if (c->maxmemory_clients >= 0) return (uint64_t)c->maxmemory_clients;
    return (uint64_t)((double)c->maxmemory * (double)-c->maxmemory_clients / 100);
}

/* ft_cmd.c -- FT.CREATE, FT.ALTER, FT.DROPINDEX, aliases, FT._LIST, FT.TAGVALS: the commands about indexes. FT.INFO is
 * ft_info_cmd.c, FT.CONFIG ft_config_cmd.c. */
#include "base/clock.h"
#include "base/mem.h"
#include "server/commands.h"
#include "server/ft_impl.h"
#include "server/ft_job.h"
#include "server/rows.h"

static struct ft *ft_of(const struct call *c)
{
    return c->client->server->ft;
}

/* Definitions are data: the request goes to the log and counts as a change. */
static void changed(struct call *c)
{
    c->store->stats.changes++;
    c->store->stats.dirty++;
}

static enum err fail(struct call *c, const char *text)
{
    reply_error(c->out, str_c(text));
    return CALL_REPLIED_ERROR;
}

static enum err fail_buf(struct call *c, struct buf *error)
{
    reply_error(c->out, buf_str(error));
    buf_fini(error);
    return CALL_REPLIED_ERROR;
}

static enum err done(struct call *c)
{
    reply_ok(c->out);
    return OK;
}

/* --- FT.CREATE -------------------------------------------------------------------------------------------------- */

/* What the log is told beside the new index. */
struct created {
    struct str name;
    bool replaced;
};

static void journal_create(const struct call *c, struct journal *j)
{
    const struct created *made = c->note;
    const struct index_spec *s = index_spec(ft_find(ft_of(c), made->name)->ix);

    if (made->replaced) journal_cmd(j, STR("FT.DROPINDEX"), made->name);
    for (size_t at = 0; at < s->n_fields;) {
        struct ft_args a = { .arena = c->arena };

        ft_args_add(&a, at == 0 ? STR("FT.CREATE") : STR("FT.ALTER"));
        at = spec_say(s, at, ft_args_add, &a);
        journal_add(j, a.n, a.argv);
    }
}

static enum err create(struct call *c, bool if_new)
{
    struct ft *f = ft_of(c);
    struct str name = call_arg(c, 1);
    struct ft_index *there = ft_find(f, name);
    struct created *made = call_new(c, struct created, 1);
    struct buf error = { 0 };
    struct index_spec *spec;
    bool may;
    enum err e;

    if (c->db->id != 0) return fail(c, "Cannot create index on db != 0");
    if (there && !there->emptied) return if_new ? done(c) : fail(c, "Index already exists");
    if (there == NULL && ft_find_alias(f, name)) return fail(c, "SEARCH_ALIAS_CONFLICT Alias conflicts with an existing index name");
    spec = spec_parse(c->argc - 1, c->argv + 1, &error);
    if (spec == NULL) return fail_buf(c, &error);
    may = spec->temporary_s == 0 || ft_may_delete(c, spec); /* when it goes, they go */
    spec_free(&spec);
    if (!may) return CALL_REPLIED_ERROR;
    if (there) { /* its keys were flushed: as Redis, which forgets the index with them. Only for a definition that will do */
        e = ft_open_index(c, name, &there);
        if (e != OK) return e;
        ft_drop(f, there, true);
    }
    if (!ft_create(f, c->argc - 1, c->argv + 1, &error)) return fail_buf(c, &error);
    *made = (struct created){ name, there != NULL };
    c->note = made;
    changed(c);
    return done(c);
}

static enum err run_create(struct call *c)
{
    return create(c, false);
}

static enum err run_create_if_new(struct call *c)
{
    return create(c, true);
}

/* --- FT.ALTER (ft_alter.c) -------------------------------------------------------------------------------------- */

static enum err run_alter(struct call *c)
{
    return ft_run_alter(c, false);
}

static enum err run_alter_if_new(struct call *c)
{
    return ft_run_alter(c, true);
}

/* --- FT.DROPINDEX ----------------------------------------------------------------------------------------------- */

/* The documents' own removals are logged one by one. */
static void journal_drop(const struct call *c, struct journal *j)
{
    const struct created *dropped = c->note;

    journal_cmd(j, STR("FT.DROPINDEX"), dropped->name);
}

static enum err drop(struct call *c, bool if_there, bool documents)
{
    struct ft *f = ft_of(c);
    struct created *dropped = call_new(c, struct created, 1);
    struct ft_index *x;
    enum err e;

    if (if_there && ft_find_alias(f, call_arg(c, 1)) == NULL) return done(c);
    e = ft_open_index(c, call_arg(c, 1), &x);
    if (e != OK) return e;
    documents |= index_spec(x->ix)->temporary_s != 0;
    if (documents && !ft_may_delete(c, index_spec(x->ix))) return CALL_REPLIED_ERROR;
    if (documents && !ft_doom_can(c, x))
        return fail(c, "ERR The index is being made or in use: its documents cannot be deleted within a transaction or script yet; try again");
    dropped->name = arena_dup(c->arena, index_spec(x->ix)->name);
    c->note = dropped;
    changed(c);
    if (documents) return ft_doom(c, x);
    ft_drop(f, x, false);
    return done(c);
}

static enum err drop_index(struct call *c, bool if_there)
{
    bool documents = call_is(c, 2, "dd");
    /* An empty word is what older redis-py sends for no DD. */
    bool keep = c->argc == 2 || call_is(c, 2, "_forcekeepdocs") || call_arg(c, 2).n == 0;

    if (!documents && !keep) return fail(c, "SEARCH_ARG_UNRECOGNIZED Unknown argument");
    return drop(c, if_there, documents);
}

static enum err run_drop_index(struct call *c)
{
    return c->argc > 3 ? call_fail(c, ERR_ARITY, STR("ft.dropindex")) : drop_index(c, false);
}

static enum err run_drop_index_if_there(struct call *c)
{
    return c->argc > 3 ? call_fail(c, ERR_ARITY, STR("ft._dropindexifx")) : drop_index(c, true);
}

/* The old form deletes documents unless it is told not to. */
static enum err run_drop(struct call *c)
{
    bool keep = call_is(c, 2, "keepdocs") || call_is(c, 2, "_forcekeepdocs");

    if (c->argc > 3) return call_fail(c, ERR_ARITY, STR("ft.drop"));
    /* An empty word is what older redis-py sends for no KEEPDOCS. */
    if (c->argc == 3 && !keep && call_arg(c, 2).n > 0) return fail(c, "SEARCH_ARG_UNRECOGNIZED Unknown argument");
    return drop(c, false, !keep);
}

/* --- aliases ---------------------------------------------------------------------------------------------------- */

static enum err put_alias(struct call *c, bool replace, bool if_new)
{
    struct ft *f = ft_of(c);
    struct str alias = call_arg(c, 1), name = call_arg(c, 2);
    struct ft_index *x, *there = ft_find_alias(f, alias);
    enum err e;

    if (ft_find(f, name) == NULL) {
        reply_errorf(c->out, "SEARCH_INDEX_NOT_FOUND Unknown index name (or name is an alias itself) (no such index, Index not found): %.*s",
                     str_shown(name), name.p);
        return CALL_REPLIED_ERROR;
    }
    e = ft_open_index(c, name, &x);
    if (e != OK) return e;
    if (ft_find(f, alias)) return fail(c, "SEARCH_ALIAS_CONFLICT Alias conflicts with an existing index name");
    if (there && if_new) return done(c);
    if (there && !replace) return fail(c, "SEARCH_INDEX_EXISTS Alias already exists");
    if (ft_alias_set(f, alias, x)) changed(c);
    return done(c);
}

static enum err run_alias_add(struct call *c)
{
    return put_alias(c, false, false);
}

static enum err run_alias_add_if_new(struct call *c)
{
    return put_alias(c, false, true);
}

static enum err run_alias_update(struct call *c)
{
    return put_alias(c, true, false);
}

static enum err del_alias(struct call *c, bool if_there)
{
    struct ft *f = ft_of(c);
    struct str alias = call_arg(c, 1);
    struct ft_index *x;
    enum err e;

    if (ft_find(f, alias) || !ft_find_alias(f, alias)) return if_there ? done(c) : fail(c, "ERR Alias does not exist");
    e = ft_open_index(c, alias, &x);
    if (e != OK) return e;
    ft_alias_remove(f, alias);
    changed(c);
    return done(c);
}

static enum err run_alias_del(struct call *c)
{
    return del_alias(c, false);
}

static enum err run_alias_del_if_there(struct call *c)
{
    return del_alias(c, true);
}

static enum err run_alias_list(struct call *c)
{
    const struct ft_registry *r = &ft_of(c)->now;
    size_t mark = reply_mark(c->out), n = 0;
    struct ft_index *x;
    enum err e = ft_open_index(c, call_arg(c, 1), &x);

    if (e != OK) return e;
    for (size_t i = 0; i < r->n_aliases; i++) {
        if (r->aliases[i].x != x) continue;
        reply_bulk(c->out, r->aliases[i].name);
        n++;
    }
    reply_set_at(c->out, mark, n);
    return OK;
}

/* --- lists ------------------------------------------------------------------------------------------------------ */

static enum err run_list(struct call *c)
{
    const struct ft_registry *r = &ft_of(c)->now;

    reply_set(c->out, r->n);
    for (size_t i = 0; i < r->n; i++) reply_bulk(c->out, index_spec(r->indexes[i]->ix)->name);
    return OK;
}

/* FT.TAGVALS: there may be millions, which the first time that somebody asks are brought into order. One that no document has any
 * more by the time of the reply may be among them when others wrote meanwhile, as in RediSearch. */
struct tag_values {
    struct ft_job job;
    size_t field; /* of the definition: fields are only ever added */
    size_t n;
    struct buf last, found;      /* found: bulks; what is full becomes a piece */
    struct reply_pieces pieces;
};

static const struct field_spec *field_of(const struct tag_values *v)
{
    return &index_spec(v->job.ix)->fields[v->field];
}

static bool tag_values_begin(struct ft_job *j, struct buf *error)
{
    (void)j;
    (void)error;
    return true;
}

static void list_tag(void *ctx, struct str tag)
{
    enum { PIECE = 128 * 1024 };
    struct tag_values *v = ctx;

    reply_bulk(&(struct reply){ &v->found, 2 }, tag);
    v->n++;
    if (v->found.n < PIECE) return;
    reply_take(&(struct reply){ &(struct buf){ 0 }, 2 }, &v->pieces, &v->found);
    v->found = (struct buf){ .may_fail = true };
}

static bool tag_values_step(struct ft_job *j, int64_t deadline_us)
{
    enum { AT_ONCE = 64 };
    struct tag_values *v = (struct tag_values *)j;

    if (v->n == 0) { /* of those that are gone none is told */
        while (index_settle(j->ix, AT_ONCE) && index_leaving(j->ix) > 0)
            if (clock_mono_us() >= deadline_us) return false;
        while (index_sort_tags(j->ix, field_of(v), AT_ONCE))
            if (clock_mono_us() >= deadline_us) return false;
    }
    while (!index_tags(j->ix, field_of(v), &v->last, AT_ONCE, list_tag, v))
        if (clock_mono_us() >= deadline_us) return false;
    return true;
}

static bool has_failed(const struct tag_values *v)
{
    bool failed = v->found.failed;

    for (size_t i = 0; i < v->pieces.n; i++) failed |= v->pieces.items[i].failed;
    return failed;
}

static void tag_values_reply(struct ft_job *j, struct reply *out, bool timed_out)
{
    struct tag_values *v = (struct tag_values *)j;

    if (timed_out || has_failed(v)) {
        reply_error(out, timed_out ? STR(FT_TIMED_OUT) : str_c(err_text(ERR_OOM)));
        return;
    }
    reply_set(out, v->n);
    for (size_t i = 0; i < v->pieces.n; i++) reply_take(out, j->pieces, &v->pieces.items[i]);
    reply_take(out, j->pieces, &v->found);
}

static void tag_values_free(struct ft_job *j)
{
    struct tag_values *v = (struct tag_values *)j;

    buf_fini(&v->last);
    buf_fini(&v->found);
    reply_pieces_fini(&v->pieces);
    mem_free(j);
}

static size_t tag_values_bytes(const struct ft_job *j)
{
    const struct tag_values *v = (const struct tag_values *)j;
    size_t n = sizeof *v + v->last.cap + v->found.cap;

    for (size_t i = 0; i < v->pieces.n; i++) n += v->pieces.items[i].cap;
    return n;
}

static enum err run_tag_values(struct call *c)
{
    const struct field_spec *field;
    struct search_index *ix;
    struct tag_values *v;
    enum err e = ft_open(c, call_arg(c, 1), &ix);

    if (e != OK) return e;
    field = spec_field(index_spec(ix), call_arg(c, 2));
    if (field == NULL) return fail(c, "SEARCH_ATTR_BAD No such field");
    if (field->type != FIELD_TAG) return fail(c, "SEARCH_ATTR_BAD Not a tag field");
    v = mem_zalloc(sizeof *v);
    v->field = (size_t)(field - index_spec(ix)->fields);
    v->found.may_fail = true;
    v->job = (struct ft_job){ .ix = ix, .timeout_ms = ft_job_timeout(c->client->server), .begin = tag_values_begin, .step = tag_values_step,
                              .reply = tag_values_reply, .free = tag_values_free, .bytes = tag_values_bytes };
    return ft_job_run(c, &v->job);
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

/* clang-format off */

#define FT_WRITE (CMD_WRITE | CMD_DENYOOM)
#define FT_DROP (CMD_WRITE | CMD_TOUCHES_ARBITRARY_KEYS)
#define FT_ROW(n, fn, ar, fl, si, co, text) ROW(n, fn, ar, fl, GROUP_SEARCH, si, co, text), .acl = ACL_SEARCH

#define INDEX_ARG { .name = "index" }
#define FLAG(n, t) { .name = (n), .type = ARG_T_PURE_TOKEN, .token = (t), .flags = ARG_OPTIONAL }
#define TEXT_OPTION(n, t) { .name = (n), .token = (t), .flags = ARG_OPTIONAL }

#define FIELD_ARGS ARGS( \
    { .name = "identifier" }, TEXT_OPTION("attribute", "AS"), \
    { .name = "type", .type = ARG_T_ONEOF, .subs = ARGS( \
        { .name = "tag", .type = ARG_T_PURE_TOKEN, .token = "TAG" }, { .name = "text", .type = ARG_T_PURE_TOKEN, .token = "TEXT" }, \
        { .name = "numeric", .type = ARG_T_PURE_TOKEN, .token = "NUMERIC" }, { .name = "geo", .type = ARG_T_PURE_TOKEN, .token = "GEO" }, \
        { .name = "vector", .type = ARG_T_PURE_TOKEN, .token = "VECTOR" }) }, \
    { .name = "option", .flags = ARG_OPTIONAL | ARG_MULTIPLE })

#define CREATE_ARGS ARGS( \
    INDEX_ARG, \
    { .name = "data-type", .type = ARG_T_ONEOF, .token = "ON", .flags = ARG_OPTIONAL, .subs = ARGS( \
        { .name = "hash", .type = ARG_T_PURE_TOKEN, .token = "HASH" }, { .name = "json", .type = ARG_T_PURE_TOKEN, .token = "JSON" }) }, \
    { .name = "prefixes", .type = ARG_T_BLOCK, .token = "PREFIX", .flags = ARG_OPTIONAL, .subs = ARGS( \
        { .name = "count", .type = ARG_T_INTEGER }, { .name = "prefix", .flags = ARG_MULTIPLE }) }, \
    TEXT_OPTION("filter", "FILTER"), TEXT_OPTION("default-lang", "LANGUAGE"), TEXT_OPTION("lang-attribute", "LANGUAGE_FIELD"), \
    { .name = "default-score", .type = ARG_T_DOUBLE, .token = "SCORE", .flags = ARG_OPTIONAL }, \
    TEXT_OPTION("score-attribute", "SCORE_FIELD"), TEXT_OPTION("payload-attribute", "PAYLOAD_FIELD"), \
    FLAG("maxtextfields", "MAXTEXTFIELDS"), \
    { .name = "seconds", .type = ARG_T_INTEGER, .token = "TEMPORARY", .flags = ARG_OPTIONAL }, \
    FLAG("nooffsets", "NOOFFSETS"), FLAG("nohl", "NOHL"), FLAG("nofields", "NOFIELDS"), FLAG("nofreqs", "NOFREQS"), \
    { .name = "stopwords", .type = ARG_T_BLOCK, .token = "STOPWORDS", .flags = ARG_OPTIONAL, .subs = ARGS( \
        { .name = "count", .type = ARG_T_INTEGER }, { .name = "stopword", .flags = ARG_OPTIONAL | ARG_MULTIPLE }) }, \
    FLAG("skipinitialscan", "SKIPINITIALSCAN"), \
    { .name = "field", .type = ARG_T_BLOCK, .token = "SCHEMA", .flags = ARG_MULTIPLE, .subs = FIELD_ARGS })

#define ALTER_ARGS ARGS( \
    INDEX_ARG, FLAG("skipinitialscan", "SKIPINITIALSCAN"), { .name = "schema", .type = ARG_T_PURE_TOKEN, .token = "SCHEMA" }, \
    { .name = "field", .type = ARG_T_BLOCK, .token = "ADD", .flags = ARG_MULTIPLE, .subs = FIELD_ARGS })

#define CREATED "FT.CREATE idx PREFIX 1 doc: SCHEMA title TEXT tag TAG"

const struct command ft_commands[] = {
    { FT_ROW("ft.create", run_create, -5, FT_WRITE, "1.0.0", "O(1); keys that are there already are indexed in the background, in O(K)",
             "Creates an index of hashes or JSON documents by the beginnings of their keys."),
      .journal = journal_create, .args = CREATE_ARGS, .example = CREATED " => +OK\r\n" },
    { FT_ROW("ft._createifnx", run_create_if_new, -5, FT_WRITE, "1.0.0", "O(1)", "The same, and no error when there is an index of that name."),
      .journal = journal_create, .args = CREATE_ARGS, .example = CREATED " | FT._CREATEIFNX idx SCHEMA a TEXT => +OK\r\n" },
    { FT_ROW("ft.alter", run_alter, -5, FT_WRITE, "1.0.0", "O(1); the keys are read again in the background, in O(K)",
             "Adds fields to an index."),
      .args = ALTER_ARGS, .example = CREATED " | FT.ALTER idx SCHEMA ADD year NUMERIC => +OK\r\n" },
    { FT_ROW("ft._alterifnx", run_alter_if_new, -5, FT_WRITE, "1.0.0", "O(1)", "The same, and no error when the field is there."),
      .args = ALTER_ARGS, .example = CREATED " | FT._ALTERIFNX idx SCHEMA ADD tag TAG => +OK\r\n" },
    { FT_ROW("ft.dropindex", run_drop_index, -2, FT_DROP, "2.0.0", "O(1), or O(N) with DD, N being the documents",
             "Drops an index, with DD its documents too. FT.CREATE of the same soon after takes it back as it was."),
      .journal = journal_drop, .args = ARGS(INDEX_ARG, FLAG("delete-docs", "DD")), .example = CREATED " | FT.DROPINDEX idx => +OK\r\n" },
    { FT_ROW("ft._dropindexifx", run_drop_index_if_there, -2, FT_DROP, "2.0.0", "O(1), or O(N) with DD",
             "The same, and no error when there is no such index."),
      .journal = journal_drop, .args = ARGS(INDEX_ARG, FLAG("delete-docs", "DD")), .example = "FT._DROPINDEXIFX idx => +OK\r\n" },
    { FT_ROW("ft.drop", run_drop, -2, FT_DROP, "1.0.0", "O(N)", "Drops an index and its documents, unless it is told to keep them."),
      .deprecated_since = "2.0.0", .replaced_by = "`FT.DROPINDEX`",
      .journal = journal_drop, .args = ARGS(INDEX_ARG, FLAG("keep-docs", "KEEPDOCS")), .example = CREATED " | FT.DROP idx KEEPDOCS => +OK\r\n" },
    { ROW("ft._list", run_list, -1, CMD_READONLY, GROUP_SEARCH, "2.0.0", "O(N), N being the indexes", "Lists the indexes."),
      .acl = ACL_SEARCH | ACL_ADMIN, .example = CREATED " | FT._LIST => *1\r\n$3\r\nidx\r\n" },
    { FT_ROW("ft.aliasadd", run_alias_add, 3, FT_WRITE, "1.0.0", "O(log N)", "Gives an index one more name."),
      .args = ARGS({ .name = "alias" }, INDEX_ARG), .example = CREATED " | FT.ALIASADD news idx => +OK\r\n" },
    { FT_ROW("ft._aliasaddifnx", run_alias_add_if_new, 3, FT_WRITE, "1.0.0", "O(log N)", "The same, and no error when there is such an alias."),
      .args = ARGS({ .name = "alias" }, INDEX_ARG), .example = CREATED " | FT._ALIASADDIFNX news idx => +OK\r\n" },
    { FT_ROW("ft.aliasupdate", run_alias_update, 3, FT_WRITE, "1.0.0", "O(log N)", "Gives an index one more name, which may be another's alias."),
      .args = ARGS({ .name = "alias" }, INDEX_ARG), .example = CREATED " | FT.ALIASUPDATE news idx => +OK\r\n" },
    { FT_ROW("ft.aliasdel", run_alias_del, 2, CMD_WRITE, "1.0.0", "O(log N)", "Removes an alias."),
      .args = ARGS({ .name = "alias" }), .example = CREATED " | FT.ALIASADD news idx | FT.ALIASDEL news => +OK\r\n" },
    { FT_ROW("ft._aliasdelifx", run_alias_del_if_there, 2, CMD_WRITE, "1.0.0", "O(log N)", "The same, and no error when there is none."),
      .args = ARGS({ .name = "alias" }), .example = "FT._ALIASDELIFX news => +OK\r\n" },
    { FT_ROW("ft.aliaslist", run_alias_list, 2, CMD_READONLY, "8.6.0", "O(N), N being the aliases", "Lists the aliases of an index."),
      .args = ARGS(INDEX_ARG), .example = CREATED " | FT.ALIASADD news idx | FT.ALIASLIST idx => *1\r\n$4\r\nnews\r\n" },
    { FT_ROW("ft.tagvals", run_tag_values, 3, CMD_READONLY, "1.0.0", "O(N), N being the values",
             "Lists the distinct values of a TAG field."),
      .args = ARGS(INDEX_ARG, { .name = "field-name" }),
      .example = CREATED " | HSET doc:1 tag b,a | FT.TAGVALS idx tag => *2\r\n$1\r\na\r\n$1\r\nb\r\n" },
    { 0 },
};

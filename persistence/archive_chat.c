/* archive_chat.c -- the layouts of chat messages. See archive_chat.h.
 *
 * cJSON builds the tree and decodes strings; the text itself is walked beside it (base/json.h), so that what is
 * kept as metadata is copied as it was written: cJSON would make 12345678901234568 of 12345678901234567 and 1 of 1.0.
 * It also takes texts that are no JSON: what reaches it has passed json_valid. */
#include "persistence/archive_chat.h"

#include <cjson/cJSON.h>
#include <strings.h>

#include "base/buf.h"
#include "base/json.h"
#include "persistence/restore_to.h"

enum { MEMBERS_MAX = 256 }; /* an object of more is no message */

/* A part of the text: its node and its bytes. */
struct value {
    const cJSON *node;
    struct str raw;
};

struct walk {
    const cJSON *next;
    struct json_walk raw;
};

static bool walk_start(struct walk *w, const struct value *v)
{
    w->next = v->node->child;
    return json_open(&w->raw, v->raw);
}

static bool walk_next(struct walk *w, struct str *name, struct value *v)
{
    if (!w->next || !json_next(&w->raw, name, &v->raw)) return false;
    v->node = w->next;
    w->next = w->next->next;
    return true;
}

/* --- members that mean something ------------------------------------------------------------------------------ */

#define SLOT_TABLE(X) \
    X(ROLE, "role") X(TYPE, "type") X(DATA, "data") X(KWARGS, "kwargs") X(LC, "lc") X(ID, "id") \
    X(CONTENT, "content") X(PARTS, "parts") X(BLOCKS, "blocks") X(CONTENTS, "contents") X(TEXT, "text") \
    X(MESSAGE, "message") \
    X(TOOL_CALLS, "tool_calls") X(FUNCTION_CALL, "function_call") \
    X(CREATED_AT, "created_at") X(CREATED_AT_JS, "createdAt") X(TIMESTAMP, "timestamp") X(TIME, "time") X(TS, "ts") \
    X(AT, "at") X(DATE, "date") \
    X(MESSAGES, "messages") X(HISTORY, "history") X(CHAT_HISTORY, "chat_history")
enum slot {
#define SLOT(code, name) code,
    SLOT_TABLE(SLOT)
#undef SLOT
    SLOTS
};
static const char *const slot_names[SLOTS] = {
#define SLOT(code, name) name,
    SLOT_TABLE(SLOT)
#undef SLOT
};

struct members {
    struct value at[SLOTS]; /* node NULL: there is none */
};

/* False: v is no object, has too many members, or one of these twice. */
static bool members_of(const struct value *v, struct members *m)
{
    struct walk w;
    struct value member;
    struct str name;
    unsigned n = 0;

    memset(m, 0, sizeof *m);
    if (!cJSON_IsObject(v->node) || !walk_start(&w, v)) return false;
    while (walk_next(&w, &name, &member)) {
        if (++n > MEMBERS_MAX) return false;
        for (int i = 0; i < SLOTS; i++) {
            if (strcmp(member.node->string, slot_names[i]) != 0) continue;
            if (m->at[i].node) return false;
            m->at[i] = member;
            break;
        }
    }
    return true;
}

static bool is_string(const struct value *v)
{
    return v->node && cJSON_IsString(v->node);
}

static struct str string_of(const struct value *v)
{
    return str_c(v->node->valuestring);
}

/* --- roles -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *word, *role;
} roles[] = {
    { "user", "user" }, { "human", "user" }, { "HumanMessage", "user" }, { "HumanMessageChunk", "user" },
    { "assistant", "assistant" }, { "ai", "assistant" }, { "AIMessage", "assistant" },
    { "AIMessageChunk", "assistant" }, { "model", "assistant" },
    { "system", "system" }, { "SystemMessage", "system" }, { "SystemMessageChunk", "system" },
    { "developer", "developer" },
    { "tool", "tool" }, { "ToolMessage", "tool" }, { "ToolMessageChunk", "tool" }, { "tool_execution_result", "tool" },
    { "function", "function" }, { "FunctionMessage", "function" }, { "FunctionMessageChunk", "function" },
};

/* NULL: the word is none of these. */
static const char *role_of(const char *word)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcasecmp(word, roles[i].word) == 0) return roles[i].role;
    return NULL;
}

/* "chat" and ChatMessage: the role is a member. */
static bool is_chat_word(const char *word)
{
    return strcasecmp(word, "chat") == 0 || strcasecmp(word, "ChatMessage") == 0 ||
           strcasecmp(word, "ChatMessageChunk") == 0;
}

/* --- recognising -------------------------------------------------------------------------------------------- */

struct message {
    struct value outer;      /* the whole */
    struct value body;       /* what has the content: the whole, or its data or kwargs */
    struct members in;       /* of the body */
    struct members out;      /* of the whole, when that is another */
    struct str role;
    int content;             /* its slot in the body, -1: it has none */
    bool is_lc, is_wrapped;
};

/* Which member has the text; false: none has. */
static bool find_content(struct message *m)
{
    static const enum slot names[] = { CONTENT, PARTS, BLOCKS, CONTENTS, TEXT, MESSAGE };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct value *v = &m->in.at[names[i]];

        if (!v->node) continue;
        if (names[i] != CONTENT && !(i < 4 ? cJSON_IsArray(v->node) : cJSON_IsString(v->node))) continue;
        m->content = (int)names[i];
        return true;
    }
    m->content = -1;
    return m->in.at[TOOL_CALLS].node || m->in.at[FUNCTION_CALL].node;
}

/* The role that a word for the kind of message means, or the body's own. */
static bool find_role(struct message *m, const char *word)
{
    const struct value *role = &m->in.at[ROLE];
    const char *known = role_of(word);

    if (!known && is_chat_word(word) && is_string(role)) known = role->node->valuestring;
    if (!known || *known == 0) return false;
    m->role = str_c(known);
    return true;
}

static bool read_plain(struct message *m)
{
    const char *word = m->in.at[ROLE].node->valuestring, *known = role_of(word);

    m->role = str_c(known ? known : word);
    return m->role.n > 0 && find_content(m);
}

/* {"type": "human", "data": {...}} */
static bool read_wrapped(struct message *m)
{
    const struct value *type = &m->out.at[TYPE];

    m->is_wrapped = true;
    m->body = m->out.at[DATA];
    if (!members_of(&m->body, &m->in) || !m->in.at[CONTENT].node) return false;
    if (m->in.at[TYPE].node && !str_eq(m->in.at[TYPE].raw, type->raw)) return false; /* which one would be kept? */
    return find_content(m) && find_role(m, type->node->valuestring);
}

static bool read_lc(struct message *m)
{
    const cJSON *ids = m->out.at[ID].node, *last = cJSON_GetArrayItem(ids, cJSON_GetArraySize(ids) - 1);

    m->is_lc = true;
    m->body = m->out.at[KWARGS];
    if (!cJSON_IsString(last) || !members_of(&m->body, &m->in) || m->in.at[LC].node) return false;
    return find_content(m) && find_role(m, last->valuestring);
}

static bool read_message(const struct value *v, struct message *m)
{
    *m = (struct message){ .outer = *v, .body = *v };
    if (!members_of(v, &m->in)) return false;
    if (is_string(&m->in.at[ROLE])) return read_plain(m);
    if (!is_string(&m->in.at[TYPE])) return false;
    m->out = m->in;
    if (m->out.at[DATA].node && cJSON_IsObject(m->out.at[DATA].node)) return read_wrapped(m);
    if (m->out.at[LC].node && cJSON_IsArray(m->out.at[ID].node) && cJSON_IsObject(m->out.at[KWARGS].node))
        return read_lc(m);
    return find_content(m) && find_role(m, m->in.at[TYPE].node->valuestring);
}

/* --- content ------------------------------------------------------------------------------------------------ */

/* Add the text of one part. *bare: a part is nothing but its text, so that nothing of it need be kept. */
static void add_part(const struct value *part, struct buf *text, bool *bare)
{
    const cJSON *t = part->node;
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(part->node, "type");

    if (cJSON_IsObject(part->node)) t = cJSON_GetObjectItemCaseSensitive(part->node, "text");
    if (!type) type = cJSON_GetObjectItemCaseSensitive(part->node, "block_type");
    if (!cJSON_IsString(t)) {
        *bare = false;
        return;
    }
    if (cJSON_IsObject(part->node)) {
        int n = cJSON_GetArraySize(part->node);

        if (n > 2 || (n == 2 && !(cJSON_IsString(type) && strcasecmp(type->valuestring, "text") == 0))) *bare = false;
    }
    if (text->n > 0) buf_add_char(text, '\n');
    buf_add_c(text, t->valuestring);
}

/* The text of the message; *keep: what it was made from says more, and is kept in the metadata. */
static struct str content_of(const struct message *m, struct buf *text, bool *keep)
{
    const struct value *v = &m->in.at[m->content < 0 ? CONTENT : m->content];
    struct value part;
    struct walk w;
    struct str name;
    bool bare = true;

    *keep = false;
    if (m->content < 0) return STR("");
    if (cJSON_IsString(v->node)) return string_of(v);
    if (!cJSON_IsArray(v->node)) {
        *keep = cJSON_IsNull(v->node);
        return *keep ? STR("") : v->raw;
    }
    buf_clear(text);
    if (walk_start(&w, v)) {
        while (walk_next(&w, &name, &part)) add_part(&part, text, &bare);
    }
    *keep = !bare || cJSON_GetArraySize(v->node) != 1;
    return buf_str(text);
}

/* --- when ----------------------------------------------------------------------------------------------------- */

/* Seconds, milliseconds or microseconds: a number since 1973 and before 5138 is one of them only. */
static int64_t time_of_number(double v)
{
    if (v >= 1e8 && v < 1e11) return (int64_t)(v * 1000);
    if (v >= 1e11 && v < 1e14) return (int64_t)v;
    if (v >= 1e14 && v < 1e17) return (int64_t)(v / 1000);
    return -1;
}

/* "2026-11-21T10:00:00.123456" without a zone is taken for UTC; a space for the T. */
static int64_t time_of_text(struct str s)
{
    enum { LONGEST = 48 };
    char text[LONGEST + 1];
    int64_t ms;

    if (s.n < 8 || s.n > LONGEST - 1) return -1;
    memcpy(text, s.p, s.n);
    if (s.n > 10 && text[10] == ' ') text[10] = 'T';
    if (restore_parse_time(str_of(text, s.n), &ms)) return ms;
    text[s.n] = 'Z';
    return restore_parse_time(str_of(text, s.n + 1), &ms) ? ms : -1;
}

static int64_t time_of(const struct members *m)
{
    static const enum slot names[] = { CREATED_AT, CREATED_AT_JS, TIMESTAMP, TIME, TS, AT, DATE };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct value *v = &m->at[names[i]];
        int64_t ms = -1;

        if (!v->node) continue;
        if (cJSON_IsNumber(v->node)) ms = time_of_number(v->node->valuedouble);
        if (cJSON_IsString(v->node)) ms = time_of_text(string_of(v));
        if (ms >= 0) return ms;
    }
    return -1;
}

/* --- metadata ----------------------------------------------------------------------------------------------- */

static void put_member(struct buf *out, struct str name, struct str raw)
{
    buf_add_char(out, out->n > 0 ? ',' : '{');
    buf_add_str(out, name);
    buf_add_char(out, ':');
    buf_add_str(out, raw);
}

/* Is node one of those that were told as role and content? */
static bool is_told(const struct message *m, const cJSON *node, bool keep_content)
{
    if (m->content >= 0 && node == m->in.at[m->content].node) return !keep_content;
    return node == m->in.at[ROLE].node && is_string(&m->in.at[ROLE]) && str_eq(string_of(&m->in.at[ROLE]), m->role);
}

/* What stands around the body. False: a name would be there twice. */
static bool put_outer(const struct message *m, struct buf *out)
{
    struct walk w;
    struct value v;
    struct str name;

    if (!walk_start(&w, &m->outer)) return false;
    while (walk_next(&w, &name, &v)) {
        if (v.node == m->body.node) continue;
        if (cJSON_HasObjectItem(m->body.node, v.node->string)) { /* whatever its case */
            if (v.node == m->out.at[TYPE].node) continue;        /* the same, as read_wrapped has seen */
            return false;
        }
        put_member(out, name, v.raw);
    }
    return true;
}

/* Members of {"lc": ...} without kwargs, as one. */
static void put_lc(const struct message *m, struct buf *out)
{
    struct buf inner = { 0 };
    struct walk w;
    struct value v;
    struct str name;

    if (walk_start(&w, &m->outer)) {
        while (walk_next(&w, &name, &v))
            if (v.node != m->body.node) put_member(&inner, name, v.raw);
    }
    buf_add_char(&inner, '}');
    put_member(out, STR("\"lc\""), buf_str(&inner));
    buf_fini(&inner);
}

static bool put_metadata(const struct message *m, bool keep_content, struct buf *out)
{
    struct walk w;
    struct value v;
    struct str name;

    buf_clear(out);
    if (!walk_start(&w, &m->body)) return false;
    while (walk_next(&w, &name, &v))
        if (!is_told(m, v.node, keep_content)) put_member(out, name, v.raw);
    if (m->is_wrapped && !put_outer(m, out)) return false;
    if (m->is_lc) put_lc(m, out);
    if (out->n > 0) buf_add_char(out, '}');
    return true;
}

/* --- telling ------------------------------------------------------------------------------------------------ */

struct telling {
    void (*fn)(void *ctx, const struct chat_message *m);
    void *ctx;
    bool dry; /* only look whether it could be told */
    struct buf text, metadata;
};

static bool tell_one(struct telling *t, const struct value *v)
{
    struct message m;
    struct chat_message told;
    bool keep;

    if (!read_message(v, &m)) return false;
    told.role = m.role;
    told.content = content_of(&m, &t->text, &keep);
    if (!put_metadata(&m, keep, &t->metadata)) return false;
    told.metadata = buf_str(&t->metadata);
    told.at_ms = time_of(&m.in);
    if (told.at_ms < 0 && m.is_wrapped) told.at_ms = time_of(&m.out);
    if (!t->dry) t->fn(t->ctx, &told);
    return true;
}

static bool tell_elements(struct telling *t, const struct value *v)
{
    struct value element;
    struct walk w;
    struct str name;

    if (!walk_start(&w, v) || !w.next) return false;
    while (walk_next(&w, &name, &element))
        if (!tell_one(t, &element)) return false;
    return true;
}

/* Nothing is told before all are known to be messages. */
static bool tell_array(struct telling *t, const struct value *v)
{
    bool all;

    t->dry = true;
    all = tell_elements(t, v);
    t->dry = false;
    return all && tell_elements(t, v);
}

/* What stands beside the array of messages is told behind them, as a JSON object without a role. */
static void tell_rest(struct telling *t, const struct value *v, const struct value *array)
{
    struct chat_message told = { .at_ms = -1 };
    struct value member;
    struct walk w;
    struct str name;

    buf_clear(&t->text);
    if (!walk_start(&w, v)) return;
    while (walk_next(&w, &name, &member))
        if (member.node != array->node) put_member(&t->text, name, member.raw);
    if (t->text.n == 0) return;
    buf_add_char(&t->text, '}');
    told.content = buf_str(&t->text);
    t->fn(t->ctx, &told);
}

static bool tell_holder(struct telling *t, const struct value *v)
{
    struct members m;

    if (!members_of(v, &m)) return false;
    for (int i = MESSAGES; i <= CHAT_HISTORY; i++) {
        if (!m.at[i].node || !cJSON_IsArray(m.at[i].node) || !tell_array(t, &m.at[i])) continue;
        tell_rest(t, v, &m.at[i]);
        return true;
    }
    return false;
}

static bool tell(struct telling *t, const struct value *v)
{
    if (cJSON_IsArray(v->node)) return tell_array(t, v);
    return tell_one(t, v) || tell_holder(t, v);
}

bool chat_each(struct str text, void (*fn)(void *ctx, const struct chat_message *m), void *ctx)
{
    struct telling t = { .fn = fn, .ctx = ctx };
    struct value all = { .raw = text };
    struct json_walk w;
    struct json_facts facts;
    cJSON *tree;
    bool told;

    if (text.n > CHAT_TEXT_MAX || !json_open(&w, text)) return false;
    if (!json_valid(text, &facts) || facts.has_nul || facts.values > CHAT_VALUES_MAX) return false;
    all.node = tree = cJSON_ParseWithLengthOpts(text.p, text.n, NULL, 0);
    if (!tree) return false; /* half of a surrogate pair, say */
    told = tell(&t, &all);
    cJSON_Delete(tree);
    buf_fini(&t.text);
    buf_fini(&t.metadata);
    return told;
}

/* pubsub.c -- see pubsub.h.
 *
 * Three tables map a name to a struct channel, which lists its subscribers; each client has the same
 * membership in a table of its own, name to struct membership. */
#include "server/pubsub.h"

#include "base/glob.h"
#include "base/mem.h"
#include "server/message.h"
#include "server/rows.h"

enum kind { KIND_CHANNEL, KIND_PATTERN, KIND_SHARD, KINDS };

struct channel {
    struct link members;
    struct entry *e; /* in the server's table, with the name */
    size_t n;
};

struct membership {
    struct link of_channel;
    struct client *client;
    struct channel *channel;
    struct entry *e; /* in the client's table */
};

struct subscriptions {
    struct table of[KINDS];
    size_t bytes;
};

static struct table *names(struct server *s, enum kind k)
{
    return k == KIND_CHANNEL ? &s->channels : k == KIND_PATTERN ? &s->patterns : &s->shard_channels;
}

static void *find(struct table *t, struct str name)
{
    struct table_ref r = table_find(t, table_hash(t, name), name);

    return r.e ? entry_ptr(r.e) : NULL;
}

static struct entry *put(struct table *t, struct str name, void *ptr)
{
    struct entry *e = entry_new_ptr(VALUE_STRING, ENC_BLOB, name, -1);

    entry_set_ptr(e, ptr);
    table_insert(t, table_hash(t, name), e);
    return e;
}

static void take_out(struct table *t, struct entry *e)
{
    struct table_ref r = table_find(t, table_hash(t, entry_key(e)), entry_key(e));

    entry_free(table_remove(t, &r));
}

size_t pubsub_count(const struct client *c, char kind)
{
    const struct subscriptions *su = c->subs;

    if (su == NULL) return 0;
    switch (kind) {
    case 'c': return su->of[KIND_CHANNEL].count;
    case 'p': return su->of[KIND_PATTERN].count;
    case 's': return su->of[KIND_SHARD].count;
    default: return su->of[KIND_CHANNEL].count + su->of[KIND_PATTERN].count + su->of[KIND_SHARD].count;
    }
}

bool pubsub_any(const struct client *c, char kind, bool (*fn)(void *ctx, struct str name), void *ctx)
{
    struct table_iter it = { 0 };
    const struct entry *e;

    if (c->subs == NULL) return false;
    while ((e = table_next(&c->subs->of[kind == 'c' ? KIND_CHANNEL : kind == 'p' ? KIND_PATTERN : KIND_SHARD], &it)) != NULL) {
        if (fn(ctx, entry_key(e))) return true;
    }
    return false;
}

size_t pubsub_bytes(const struct client *c)
{
    return c->subs ? sizeof *c->subs + c->subs->bytes : 0;
}

bool pubsub_limits(const struct client *c)
{
    return c->resp == 2 && pubsub_count(c, 'a') > 0;
}

/* --- joining and leaving ------------------------------------------------------------------------------ */

static void join(struct client *c, enum kind k, struct str name)
{
    struct server *s = c->server;
    struct channel *ch;
    struct membership *m;

    if (c->subs == NULL) {
        c->subs = mem_zalloc(sizeof *c->subs);
        for (int i = 0; i < KINDS; i++) table_init(&c->subs->of[i], &s->store->hash_key);
    }
    if (find(&c->subs->of[k], name)) return;
    if (pubsub_count(c, 'a') == 0) s->n_pubsub++;
    ch = find(names(s, k), name);
    if (ch == NULL) {
        ch = mem_zalloc(sizeof *ch);
        link_init(&ch->members);
        ch->e = put(names(s, k), name, ch);
    }
    m = mem_zalloc(sizeof *m);
    m->client = c;
    m->channel = ch;
    link_init(&m->of_channel);
    link_add_tail(&ch->members, &m->of_channel);
    ch->n++;
    m->e = put(&c->subs->of[k], name, m);
    c->subs->bytes += sizeof *m + entry_bytes(m->e);
}

static void leave_membership(struct client *c, enum kind k, struct membership *m)
{
    struct server *s = c->server;

    link_remove(&m->of_channel);
    if (--m->channel->n == 0) {
        take_out(names(s, k), m->channel->e);
        mem_free(m->channel);
    }
    c->subs->bytes -= sizeof *m + entry_bytes(m->e);
    take_out(&c->subs->of[k], m->e);
    mem_free(m);
    if (pubsub_count(c, 'a') == 0) s->n_pubsub--;
}

static void free_if_empty(struct client *c)
{
    if (c->subs == NULL || pubsub_count(c, 'a') > 0) return;
    for (int i = 0; i < KINDS; i++) table_fini(&c->subs->of[i], NULL, NULL);
    mem_free(c->subs);
    c->subs = NULL;
}

void pubsub_drop(struct client *c)
{
    for (int k = 0; c->subs && k < KINDS; k++) {
        struct table *t = &c->subs->of[k];
        struct table_iter it = { 0 };
        struct entry *e;
        while ((e = table_next(t, &it)) != NULL) {
            leave_membership(c, (enum kind)k, entry_ptr(e));
            it = (struct table_iter){ 0 };
        }
    }
    free_if_empty(c);
}

/* --- delivery ------------------------------------------------------------------------------------------- */

/* What those are told who listen to one channel, or by one pattern. */
struct news {
    const char *word;
    const struct str *pattern; /* NULL: to the channel itself */
    struct str channel, message;
    struct message *made[2]; /* as RESP2 and RESP3 have it; NULL: not yet */
};

static void write_news(struct reply *r, const struct news *n)
{
    reply_push(r, n->pattern ? 4 : 3);
    reply_bulk_c(r, n->word);
    if (n->pattern) reply_bulk(r, *n->pattern);
    reply_bulk(r, n->channel);
    reply_bulk(r, n->message);
}

/* The news as all who speak that version have it. NULL: there is no memory for it. */
static struct message *make_message(struct news *n, int resp)
{
    struct message **made = &n->made[resp == 3];
    enum { WORDS = 128 }; /* lengths, and the word */
    size_t bytes = (n->pattern ? n->pattern->n : 0) + n->channel.n + n->message.n + WORDS;
    struct buf b = { .may_fail = true };

    if (*made == NULL) {
        buf_grow_within(&b, bytes, bytes);
        write_news(&(struct reply){ &b, resp }, n);
        if (b.failed) buf_fini(&b);
        else *made = message_take(&b);
    }
    return *made;
}

static void deliver(struct client *c, struct news *n, bool to_many)
{
    struct message *m = to_many ? make_message(n, c->resp) : NULL;
    struct reply *r;

    if (m != NULL && client_push_message(c, m)) return;
    r = client_push_begin(c);
    if (r == NULL) return;
    write_news(r, n);
    client_push_end(c);
}

/* Nobody leaves a channel meanwhile: a reader who is too slow is closed only after the call. */
static size_t deliver_to(struct channel *ch, struct news n)
{
    bool to_many = ch->n > 1 && n.message.n >= MESSAGE_SHARED;

    LINK_EACH(&ch->members, l) deliver(LINK_OF(l, struct membership, of_channel)->client, &n, to_many);
    for (int i = 0; i < 2; i++) {
        if (n.made[i]) message_drop(&n.made[i]);
    }
    return ch->n;
}

size_t pubsub_publish(struct server *s, struct str channel, struct str message, bool shard)
{
    struct channel *ch = find(names(s, shard ? KIND_SHARD : KIND_CHANNEL), channel);
    struct table_iter it = { 0 };
    struct entry *e;
    size_t n = 0;

    if (ch) n += deliver_to(ch, (struct news){ shard ? "smessage" : "message", NULL, channel, message, { NULL } });
    if (shard || s->patterns.count == 0) return n;
    while ((e = table_next(&s->patterns, &it)) != NULL) {
        struct str pattern = entry_key(e);
        if (glob_match(pattern, channel, false)) {
            n += deliver_to(entry_ptr(e), (struct news){ "pmessage", &pattern, channel, message, { NULL } });
        }
    }
    return n;
}

/* --- commands --------------------------------------------------------------------------------------------- */

static const char *const join_word[] = { "subscribe", "psubscribe", "ssubscribe" };
static const char *const leave_word[] = { "unsubscribe", "punsubscribe", "sunsubscribe" };

/* How many subscriptions a reply speaks of: shard channels are counted apart. */
static size_t counted(const struct client *c, enum kind k)
{
    return k == KIND_SHARD ? pubsub_count(c, 's') : pubsub_count(c, 'c') + pubsub_count(c, 'p');
}

/* A message in form, so that CLIENT REPLY OFF does not keep it back. */
static void confirm(struct call *c, const char *word, const struct str *name, enum kind k)
{
    struct client *cl = c->client;
    bool no_replies = cl->flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP);
    struct reply r = { no_replies ? &cl->server->late : c->out->out, c->out->resp };

    reply_push(&r, 3);
    reply_bulk_c(&r, word);
    if (name) reply_bulk(&r, *name);
    else reply_null(&r);
    reply_int(&r, (int64_t)counted(cl, k));
}

static enum err subscribe(struct call *c, enum kind k)
{
    for (size_t i = 1; i < c->argc; i++) {
        struct str name = call_arg(c, i);
        join(c->client, k, name);
        confirm(c, join_word[k], &name, k);
    }
    return OK;
}

static void leave(struct call *c, enum kind k, struct str name)
{
    struct client *cl = c->client;
    struct membership *m = cl->subs ? find(&cl->subs->of[k], name) : NULL;

    if (m) leave_membership(cl, k, m);
    confirm(c, leave_word[k], &name, k);
}

static enum err leave_all(struct call *c, enum kind k)
{
    struct client *cl = c->client;
    struct table_iter it = { 0 };
    struct entry *e;

    if (pubsub_count(cl, "cps"[k]) == 0) {
        confirm(c, leave_word[k], NULL, k);
        return OK;
    }
    while ((e = table_next(&cl->subs->of[k], &it)) != NULL) {
        leave(c, k, arena_dup(c->arena, entry_key(e)));
        it = (struct table_iter){ 0 };
    }
    return OK;
}

static enum err unsubscribe(struct call *c, enum kind k)
{
    enum err e = OK;

    if (c->argc == 1) e = leave_all(c, k);
    else for (size_t i = 1; i < c->argc; i++) leave(c, k, call_arg(c, i));
    free_if_empty(c->client);
    return e;
}

static enum err run_subscribe(struct call *c) { return subscribe(c, KIND_CHANNEL); }
static enum err run_psubscribe(struct call *c) { return subscribe(c, KIND_PATTERN); }
static enum err run_ssubscribe(struct call *c) { return subscribe(c, KIND_SHARD); }
static enum err run_unsubscribe(struct call *c) { return unsubscribe(c, KIND_CHANNEL); }
static enum err run_punsubscribe(struct call *c) { return unsubscribe(c, KIND_PATTERN); }
static enum err run_sunsubscribe(struct call *c) { return unsubscribe(c, KIND_SHARD); }

static enum err run_publish(struct call *c)
{
    reply_int(c->out, (int64_t)pubsub_publish(c->client->server, call_arg(c, 1), call_arg(c, 2), false));
    return OK;
}

static enum err run_spublish(struct call *c)
{
    reply_int(c->out, (int64_t)pubsub_publish(c->client->server, call_arg(c, 1), call_arg(c, 2), true));
    return OK;
}

static enum err list_channels(struct call *c, enum kind k)
{
    struct table *t = names(c->client->server, k);
    struct table_iter it = { 0 };
    size_t mark = reply_mark(c->out), n = 0;
    struct entry *e;

    if (c->argc > 3) return subcommand_syntax(c);
    while ((e = table_next(t, &it)) != NULL) {
        if (c->argc > 2 && !glob_match(call_arg(c, 2), entry_key(e), false)) continue;
        reply_bulk(c->out, entry_key(e));
        n++;
    }
    reply_array_at(c->out, mark, n);
    return OK;
}

static enum err count_members(struct call *c, enum kind k)
{
    reply_array(c->out, 2 * (c->argc - 2));
    for (size_t i = 2; i < c->argc; i++) {
        struct channel *ch = find(names(c->client->server, k), call_arg(c, i));
        reply_bulk(c->out, call_arg(c, i));
        reply_int(c->out, ch ? (int64_t)ch->n : 0);
    }
    return OK;
}

static enum err run_channels(struct call *c) { return list_channels(c, KIND_CHANNEL); }
static enum err run_shardchannels(struct call *c) { return list_channels(c, KIND_SHARD); }
static enum err run_numsub(struct call *c) { return count_members(c, KIND_CHANNEL); }
static enum err run_shardnumsub(struct call *c) { return count_members(c, KIND_SHARD); }

static enum err run_numpat(struct call *c)
{
    reply_int(c->out, (int64_t)c->client->server->patterns.count);
    return OK;
}

static enum err run_pubsub_help(struct call *c)
{
    static const char *const lines[] = {
        "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CHANNELS [<pattern>]",
        "    Return the currently active channels matching a <pattern> (default: '*').",
        "NUMPAT",
        "    Return number of subscriptions to patterns.",
        "NUMSUB [<channel> ...]",
        "    Return the number of subscribers for the specified channels, excluding",
        "    pattern subscriptions(default: no channels).",
        "SHARDCHANNELS [<pattern>]",
        "    Return the currently active shard level channels matching a <pattern> (default: '*').",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    Return the number of subscribers for the specified shard level channel(s)",
    };

    REPLY_HELP(c, lines);
    return OK;
}

#define JOIN_FLAGS (CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_IN_PUBSUB)
#define ASK_FLAGS (CMD_PUBSUB | CMD_LOADING | CMD_STALE)
#define PUBSUB_ROW(n, fn, ar, fl, si, text) \
    .name = (n), .run = (fn), .arity = (ar), .flags = (fl), .group = GROUP_PUBSUB, .since = (si), \
    .summary = (text), .acl = ACL_PUBSUB

static const struct command pubsub_subs[] = {
    { PUBSUB_ROW("channels", run_channels, -2, ASK_FLAGS, "2.8.0", "Lists channels that have subscribers."),
      .complexity = "O(N), N being the number of channels",
      .args = ARGS({ .name = "pattern", .type = ARG_T_PATTERN, .flags = ARG_OPTIONAL }) },
    { PUBSUB_ROW("numpat", run_numpat, 2, ASK_FLAGS, "2.8.0", "Counts the patterns subscribed to."),
      .complexity = "O(1)" },
    { PUBSUB_ROW("numsub", run_numsub, -2, ASK_FLAGS, "2.8.0", "Counts the subscribers of channels."),
      .complexity = "O(N), N being the number of channels asked for",
      .args = ARGS({ .name = "channel", .flags = ARG_OPTIONAL | ARG_MULTIPLE }) },
    { PUBSUB_ROW("shardchannels", run_shardchannels, -2, ASK_FLAGS, "7.0.0", "Lists shard channels that have subscribers."),
      .complexity = "O(N), N being the number of shard channels",
      .args = ARGS({ .name = "pattern", .type = ARG_T_PATTERN, .flags = ARG_OPTIONAL }) },
    { PUBSUB_ROW("shardnumsub", run_shardnumsub, -2, ASK_FLAGS, "7.0.0", "Counts the subscribers of shard channels."),
      .complexity = "O(N), N being the number of shard channels asked for",
      .args = ARGS({ .name = "shardchannel", .flags = ARG_OPTIONAL | ARG_MULTIPLE }) },
    { .name = "help", .run = run_pubsub_help, .arity = 2, .flags = CMD_LOADING | CMD_STALE, .group = GROUP_PUBSUB,
      .since = "6.2.0", .complexity = "O(1)", .summary = "Prints what PUBSUB can do." },
    { 0 },
};

const struct command pubsub_commands[] = {
    { PUBSUB_ROW("subscribe", run_subscribe, -2, JOIN_FLAGS, "2.0.0", "Listens to channels."),
      .complexity = "O(N), N being the number of channels",
      .args = ARGS({ .name = "channel", .flags = ARG_MULTIPLE }) },
    { PUBSUB_ROW("unsubscribe", run_unsubscribe, -1, JOIN_FLAGS, "2.0.0", "Stops listening to channels."),
      .complexity = "O(N), N being the number of channels",
      .args = ARGS({ .name = "channel", .flags = ARG_OPTIONAL | ARG_MULTIPLE }) },
    { PUBSUB_ROW("psubscribe", run_psubscribe, -2, JOIN_FLAGS, "2.0.0", "Listens to channels whose names match patterns."),
      .complexity = "O(N), N being the number of patterns",
      .args = ARGS({ .name = "pattern", .type = ARG_T_PATTERN, .flags = ARG_MULTIPLE }) },
    { PUBSUB_ROW("punsubscribe", run_punsubscribe, -1, JOIN_FLAGS, "2.0.0", "Stops listening to patterns."),
      .complexity = "O(N), N being the number of patterns",
      .args = ARGS({ .name = "pattern", .type = ARG_T_PATTERN, .flags = ARG_OPTIONAL | ARG_MULTIPLE }) },
    { PUBSUB_ROW("ssubscribe", run_ssubscribe, -2, JOIN_FLAGS, "7.0.0", "Listens to shard channels."),
      .keys = { KEYS_FROM(1, -1, 1, KEY_NOT_KEY) }, .complexity = "O(N), N being the number of shard channels",
      .args = ARGS({ .name = "shardchannel", .flags = ARG_MULTIPLE }) },
    { PUBSUB_ROW("sunsubscribe", run_sunsubscribe, -1, JOIN_FLAGS, "7.0.0", "Stops listening to shard channels."),
      .keys = { KEYS_FROM(1, -1, 1, KEY_NOT_KEY) }, .complexity = "O(N), N being the number of shard channels",
      .args = ARGS({ .name = "shardchannel", .flags = ARG_OPTIONAL | ARG_MULTIPLE }) },
    { PUBSUB_ROW("publish", run_publish, 3, CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_MAY_REPLICATE,
          "2.0.0", "Sends a message to a channel."),
      .complexity = "O(N+M), N being the channel's subscribers and M the patterns of all clients",
      .args = ARGS({ .name = "channel" }, { .name = "message" }) },
    { PUBSUB_ROW("spublish", run_spublish, 3, CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_MAY_REPLICATE,
          "7.0.0", "Sends a message to a shard channel."),
      .keys = { KEY_AT(1, KEY_NOT_KEY) }, .complexity = "O(N), N being the channel's subscribers",
      .args = ARGS({ .name = "shardchannel" }, { .name = "message" }) },
    { .name = "pubsub", .arity = -2, .group = GROUP_PUBSUB, .since = "2.8.0",
      .summary = "Asks about channels and subscribers.", .complexity = "Depends on the subcommand", .subs = pubsub_subs },
    { 0 },
};

/* audit.c -- see audit.h. */
#include "server/audit.h"

#include "base/mem.h"
#include "base/sha256.h"
#include "persistence/archive_audit.h"
#include "server/acl.h"
#include "server/departures.h"
#include "server/secret.h"
#include "storage/namespace.h"

enum { KEYS_MAX = 256, KEY_SHOWN = 512 }; /* of one request; bytes of each */

/* --- texts ------------------------------------------------------------------------------------------------- */

/* Key as a JSON string. One that is not ASCII is told byte by byte (\u00e9 for the byte e9), so that no two keys look the same. */
static void add_json(struct buf *out, struct str key)
{
    size_t n = key.n < KEY_SHOWN ? key.n : KEY_SHOWN;

    buf_add_char(out, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)key.p[i];

        if (c == '"' || c == '\\') buf_printf(out, "\\%c", c);
        else if (c < ' ' || c >= 127) buf_printf(out, "\\u%04x", c);
        else buf_add_char(out, (char)c);
    }
    buf_add_c(out, n < key.n ? "...\"" : "\"");
}

/* The digest of all arguments behind the command's name, each with its length. Of an administrator's command there is
 * none: a short password could be guessed from it. */
static struct str digest(const struct command *cmd, size_t argc, const struct str *argv, char out[SHA256_TEXT])
{
    struct buf b = { 0 };

    if (cmd->flags & CMD_ADMIN) return STR("");
    for (size_t i = 1; i < argc; i++) {
        if (secret_argument(cmd, argc, argv, i)) continue; /* MIGRATE's */
        buf_printf(&b, "%zu:", argv[i].n);
        buf_add_str(&b, argv[i]);
        buf_add_char(&b, ',');
    }
    sha256_hex(buf_str(&b), out);
    buf_fini(&b);
    return str_of(out, SHA256_TEXT);
}

/* --- one record -------------------------------------------------------------------------------------------- */

struct request_told {
    struct client *asker;
    int db;
    const struct command_ref *ref;
    size_t argc;
    const struct str *argv;
    bool failed;
};

static void tell(const struct request_told *t, struct str ns, struct str keys)
{
    struct server *s = t->asker->server;
    struct buf payload = { 0 };
    char hex[SHA256_TEXT];
    struct archive_audit r = {
        .user = t->asker->user ? t->asker->user->name : STR(""),
        .address = str_c(client_peer(t->asker)),
        .command = str_c(t->ref->full_name),
        .keys = keys,
        .value_hash = digest(t->ref->cmd, t->argc, t->argv, hex),
        .failed = t->failed,
    };
    struct archive_note n = { .verb = ARCHIVE_AUDIT, .db = t->db, .at_ms = server_now_ms(s), .expires_ms = -1, .ns = ns };

    archive_audit_put(&payload, &r);
    n.payload = buf_str(&payload);
    departures_tell(s, &n);
    buf_fini(&payload);
}

/* --- requests ---------------------------------------------------------------------------------------------- */

static bool asks(const struct namespace *ns, const struct command *cmd)
{
    return ns && (ns->rules.audit & (cmd->flags & CMD_WRITE ? NS_AUDIT_WRITES : NS_AUDIT_READS));
}

/* The keys of the request that lie in ns, from the first of them on. */
static void tell_keys(const struct request_told *t, const struct namespace *ns, const struct key_ref *refs, size_t n)
{
    struct buf keys = { 0 };

    buf_add_char(&keys, '[');
    for (size_t i = 0, told = 0; i < n; i++) {
        struct str key = t->argv[refs[i].at];

        if (ns_of_key(t->asker->server->store, key) != ns) continue;
        if (told++ > 0) buf_add_c(&keys, ", ");
        add_json(&keys, key);
    }
    buf_add_char(&keys, ']');
    tell(t, str_c(ns->pattern), buf_str(&keys));
    buf_fini(&keys);
}

static bool comes_before(const struct request_told *t, const struct namespace *ns, const struct key_ref *refs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ns_of_key(t->asker->server->store, t->argv[refs[i].at]) == ns) return true;
    }
    return false;
}

void audit_request(struct client *asker, int db, const struct command_ref *ref, size_t argc, const struct str *argv, bool failed)
{
    const struct request_told t = { asker, db, ref, argc, argv, failed };
    struct store *st = asker->server->store;
    unsigned wanted = ns_needs(st, NS_NEEDS_AUDIT) >> NS_NEEDS_AUDIT_AT;
    struct key_ref refs[KEYS_MAX];
    long n;

    if (asker->flags & CLIENT_LOADER) return;
    if ((wanted & NS_AUDIT_ADMIN) && (ref->cmd->flags & CMD_ADMIN)) tell(&t, STR(""), STR("[]"));
    if (!(wanted & (NS_AUDIT_WRITES | NS_AUDIT_READS)) || !(ref->cmd->flags & (CMD_WRITE | CMD_READONLY))) return;
    n = command_keys(ref->cmd, argc, argv, refs, KEYS_MAX);
    if (n > KEYS_MAX) n = KEYS_MAX;
    for (long i = 0; i < n; i++) {
        const struct namespace *ns = ns_of_key(st, argv[refs[i].at]);

        if (asks(ns, ref->cmd) && !comes_before(&t, ns, refs, (size_t)i)) tell_keys(&t, ns, refs, (size_t)n);
    }
}

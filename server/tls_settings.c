/* tls_settings.c -- from the settings to a context: see tls.h.
 *
 * Safe where Redis leaves it to OpenSSL's defaults: no compression, no renegotiation, ciphers with forward secrecy
 * alone. Resumption is switched as a whole: without tls-session-caching there are no tickets either. */
#include <errno.h>
#include <openssl/decoder.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/tls_impl.h"

enum { CERTIFICATES_MAX = 32 * 1024 }; /* bytes of a chain that a client may send, who is a stranger then */

static const char default_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20";

void tls_reason(char *out, size_t n)
{
    unsigned long e = ERR_peek_last_error(), first = ERR_peek_error();
    const char *text = e ? ERR_reason_error_string(e) : NULL;

    /* The first says what happened, later ones what that meant; for files it is the system's error. */
    if (ERR_SYSTEM_ERROR(first)) text = strerror(ERR_GET_REASON(first));
    else if (first && ERR_reason_error_string(first)) text = ERR_reason_error_string(first);
    snprintf(out, n, "%s", text ? text : "unknown error");
    ERR_clear_error();
}

/* Sets why to "WHAT FILE: reason"; always false. */
static bool failed(char *why, const char *what, const char *name)
{
    char reason[128];

    tls_reason(reason, sizeof reason);
    snprintf(why, TLS_WHY, "%s %.100s: %s", what, name, reason);
    return false;
}

/* --- versions ------------------------------------------------------------------------------------------- */

/* The words of tls-protocols as a range. OpenSSL takes one without gaps. */
static bool set_protocols(SSL_CTX *ctx, const char *words, char *why)
{
    static const struct { const char *name; int version; } known[] = {
        { "TLSv1", TLS1_VERSION }, { "TLSv1.1", TLS1_1_VERSION }, { "TLSv1.2", TLS1_2_VERSION }, { "TLSv1.3", TLS1_3_VERSION },
    };
    enum { N = sizeof known / sizeof *known };
    bool on[N] = { false };
    int low = -1, high = -1;

    while (*words) {
        size_t n = strcspn(words, " "), i = 0;
        while (i < N && n > 0 && !str_ieq(str_of(words, n), str_c(known[i].name))) i++;
        if (i == N) {
            snprintf(why, TLS_WHY, "tls-protocols: %.40s is none of TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3", words);
            return false;
        }
        if (n > 0) on[i] = true;
        words += n + (words[n] == ' ');
    }
    for (int i = 0; i < N; i++) {
        if (on[i]) low = low < 0 ? i : low, high = i;
    }
    if (low < 0) low = 2, high = 3;
    else for (int i = low; i <= high; i++) {
        if (on[i]) continue;
        snprintf(why, TLS_WHY, "tls-protocols: %s is missing between %s and %s", known[i].name, known[low].name, known[high].name);
        return false;
    }
    if (low < 2) SSL_CTX_set_security_level(ctx, 0); /* OpenSSL 3 has the old ones, with SHA-1, at no other level */
    return SSL_CTX_set_min_proto_version(ctx, known[low].version) && SSL_CTX_set_max_proto_version(ctx, known[high].version);
}

/* --- keys and ciphers ------------------------------------------------------------------------------------ */

static int give_password(char *room, int n, int for_writing, void *password)
{
    size_t len = strlen(password);

    (void)for_writing;
    if (len == 0 || len > (size_t)n) return -1;
    memcpy(room, password, len);
    return (int)len;
}

static bool set_key(SSL_CTX *ctx, const struct conf *c, char *why)
{
    bool ok = true;

    SSL_CTX_set_default_passwd_cb(ctx, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, c->tls_key_file_pass);
    if (SSL_CTX_use_certificate_chain_file(ctx, c->tls_cert_file) != 1) ok = failed(why, "tls-cert-file", c->tls_cert_file);
    else if (SSL_CTX_use_PrivateKey_file(ctx, c->tls_key_file, SSL_FILETYPE_PEM) != 1) ok = failed(why, "tls-key-file", c->tls_key_file);
    else if (SSL_CTX_check_private_key(ctx) != 1) ok = failed(why, "tls-key-file", c->tls_key_file);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL); /* the text belongs to the settings, and may change */
    return ok;
}

static bool set_dh(SSL_CTX *ctx, const char *path, char *why)
{
    EVP_PKEY *params = NULL;
    OSSL_DECODER_CTX *d;
    BIO *file;
    bool ok;

    if (path[0] == '\0') return SSL_CTX_set_dh_auto(ctx, 1) == 1;
    file = BIO_new_file(path, "r");
    d = OSSL_DECODER_CTX_new_for_pkey(&params, "PEM", NULL, "DH", OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS, NULL, NULL);
    ok = file && d && OSSL_DECODER_from_bio(d, file) == 1 && SSL_CTX_set0_tmp_dh_pkey(ctx, params) == 1;
    if (!ok) {
        failed(why, "tls-dh-params-file", path);
        EVP_PKEY_free(params);
    }
    OSSL_DECODER_CTX_free(d);
    BIO_free(file);
    return ok;
}

static bool set_ciphers(SSL_CTX *ctx, const struct conf *c, char *why)
{
    const char *list = c->tls_ciphers[0] ? c->tls_ciphers : default_ciphers;

    if (SSL_CTX_set_cipher_list(ctx, list) != 1) return failed(why, "tls-ciphers", list);
    if (c->tls_ciphersuites[0] && SSL_CTX_set_ciphersuites(ctx, c->tls_ciphersuites) != 1)
        return failed(why, "tls-ciphersuites", c->tls_ciphersuites);
    if (c->tls_prefer_server_ciphers) SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    return set_dh(ctx, c->tls_dh_params_file, why);
}

/* --- clients' certificates, sessions ----------------------------------------------------------------------- */

static bool set_verification(SSL_CTX *ctx, const struct conf *c, char *why)
{
    const char *file = c->tls_ca_cert_file[0] ? c->tls_ca_cert_file : NULL, *dir = c->tls_ca_cert_dir[0] ? c->tls_ca_cert_dir : NULL;
    STACK_OF(X509_NAME) *names;

    if (file && SSL_CTX_load_verify_file(ctx, file) != 1) return failed(why, "tls-ca-cert-file", file);
    if (dir && access(dir, R_OK | X_OK) != 0) {
        snprintf(why, TLS_WHY, "tls-ca-cert-dir %.100s: %s", dir, strerror(errno));
        return false;
    }
    if (dir && SSL_CTX_load_verify_dir(ctx, dir) != 1) return failed(why, "tls-ca-cert-dir", dir);
    if (c->tls_auth_clients == CONF_TLS_AUTH_NO) return true;
    if (!file && !dir) {
        snprintf(why, TLS_WHY, "tls-auth-clients asks for certificates, but neither tls-ca-cert-file nor tls-ca-cert-dir says "
                               "who may sign them; set one, or tls-auth-clients to no");
        return false;
    }
    /* Clients with several certificates choose by these names. */
    if (file && (names = SSL_load_client_CA_file(file)) != NULL) SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (c->tls_auth_clients == CONF_TLS_AUTH_YES ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    SSL_CTX_set_max_cert_list(ctx, CERTIFICATES_MAX);
    return true;
}

static void set_sessions(SSL_CTX *ctx, const struct conf *c)
{
    static const unsigned char id[] = "memd";

    SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1);
    if (c->tls_session_caching) {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
        SSL_CTX_sess_set_cache_size(ctx, (long)c->tls_session_cache_size);
        SSL_CTX_set_timeout(ctx, (long)c->tls_session_cache_timeout);
        SSL_CTX_set_num_tickets(ctx, 1);
    } else {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(ctx, 0);
    }
}

static void set_manners(SSL_CTX *ctx)
{
    /* Many clients hang up without the good-bye of TLS. Nothing can be cut short by that: a request has lengths. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_SINGLE_DH_USE);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    /* Else one call would go on reading for as long as a peer sends messages without data. */
    SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_read_ahead(ctx, 1); /* header and body of a record in one recv */
}

SSL_CTX *tls_context_new(const struct conf *conf, char why[TLS_WHY])
{
    SSL_CTX *ctx;

    why[0] = '\0';
    if (conf->tls_cert_file[0] == '\0' || conf->tls_key_file[0] == '\0') {
        snprintf(why, TLS_WHY, "tls-port needs %s", conf->tls_cert_file[0] ? "tls-key-file" : "tls-cert-file");
        return NULL;
    }
    ERR_clear_error();
    ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL) {
        failed(why, "OpenSSL", "");
        return NULL;
    }
    set_manners(ctx);
    set_sessions(ctx, conf);
    if (set_protocols(ctx, conf->tls_protocols, why) && set_key(ctx, conf, why) && set_ciphers(ctx, conf, why) &&
        set_verification(ctx, conf, why)) {
        ERR_clear_error();
        return ctx;
    }
    if (why[0] == '\0') failed(why, "OpenSSL", "");
    SSL_CTX_free(ctx);
    return NULL;
}

/* --- putting one to use ------------------------------------------------------------------------------------- */

bool tls_is_setting(const char *name)
{
    return strncmp(name, "tls-", 4) == 0 && strcmp(name, "tls-auth-clients-user") != 0;
}

bool tls_would_work(const struct conf *conf, char why[TLS_WHY])
{
    SSL_CTX *ctx = conf->tls_port ? tls_context_new(conf, why) : NULL;

    if (conf->tls_port && ctx == NULL) return false;
    SSL_CTX_free(ctx);
    return true;
}

bool tls_prepare(struct server *s)
{
    char why[TLS_WHY];

    tls_forget(s);
    if (s->conf->tls_port == 0) return true;
    s->tls->prepared = tls_context_new(s->conf, why);
    if (s->tls->prepared == NULL) log_warning(s->log, "TLS: %s", why);
    return s->tls->prepared != NULL;
}

void tls_commit(struct server *s)
{
    if (s->tls->prepared == NULL) return;
    SSL_CTX_free(s->tls->context);
    s->tls->context = s->tls->prepared;
    s->tls->prepared = NULL;
}

void tls_forget(struct server *s)
{
    SSL_CTX_free(s->tls->prepared);
    s->tls->prepared = NULL;
}

void tls_reload(struct server *s)
{
    s->tls_reload = false;
    if (s->conf->tls_port == 0) return;
    if (tls_prepare(s)) {
        tls_commit(s);
        log_notice(s->log, "TLS certificates read again.");
    } else {
        log_warning(s->log, "TLS certificates could not be read again, keeping the old ones.");
    }
}

struct tls *tls_new(void)
{
    struct tls *t = mem_zalloc(sizeof *t);

    t->sockets = tls_bio_method();
    link_init(&t->greeted);
    link_init(&t->begun);
    link_init(&t->held);
    return t;
}

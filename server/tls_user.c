/* tls_user.c -- who a certificate says that its owner is: see tls.h.
 *
 * Names are compared with their length. One that holds a NUL byte, or anything else that a user's name cannot have,
 * is nobody's; nor does a subject with two common names say which one is meant. */
#include <openssl/x509v3.h>

#include "server/acl.h"
#include "server/stranger.h"
#include "server/tls_impl.h"
#include "server/user_limit.h"

static struct acl_user *enabled_user(struct server *s, struct str name)
{
    struct acl_user *u = name.n > 0 && acl_name_ok(name) ? acl_find(s->acl, name) : NULL;

    return u && u->enabled ? u : NULL;
}

/* name gets what the certificate said, for ACL LOG. */
static struct acl_user *by_common_name(struct server *s, X509 *cert, struct buf *name)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    int at = subject ? X509_NAME_get_index_by_NID(subject, NID_commonName, -1) : -1, n;
    unsigned char *utf8 = NULL;

    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return NULL;
    n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (n > 0) buf_add(name, utf8, (size_t)n);
    OPENSSL_free(utf8);
    return enabled_user(s, buf_str(name));
}

static struct acl_user *by_uri(struct server *s, X509 *cert, struct buf *name)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    struct acl_user *u = NULL;

    for (int i = 0; u == NULL && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        const ASN1_IA5STRING *uri = g->d.uniformResourceIdentifier;
        if (g->type != GEN_URI || ASN1_STRING_length(uri) <= 0) continue;
        if (name->n == 0) buf_add(name, ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
        u = enabled_user(s, str_of((const char *)ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri)));
    }
    GENERAL_NAMES_free(names);
    return u;
}

void tls_user_of_certificate(struct client *c, SSL *ssl)
{
    struct server *s = c->server;
    enum conf_tls_user how = s->conf->tls_auth_clients_user;
    X509 *cert = how != CONF_TLS_USER_OFF ? SSL_get0_peer_certificate(ssl) : NULL;
    struct buf name = { 0 };
    struct acl_user *u;

    if (cert == NULL || SSL_get_verify_result(ssl) != X509_V_OK) return;
    u = how == CONF_TLS_USER_CN ? by_common_name(s, cert, &name) : by_uri(s, cert, &name);
    ERR_clear_error();
    if (u != NULL && user_limit_may_connect(c, u)) {
        acl_admit(c, u);
    } else if (u != NULL) {
        stranger_refuse(c, err_text(ERR_USER_CONNECTIONS));
    } else {
        s->tls->stats.no_user++;
        acl_log_add(c, ACL_NO_CERT, "toplevel", buf_str(&name), STR(""));
    }
    buf_fini(&name);
}

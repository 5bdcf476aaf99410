/* table_tls.c -- settings of TLS. A file that is named again may have another content by then: certificates are
 * renewed, so these rows are volatile. */
#include "conf/table.h"

static const struct word auth_words[] = {
    { "no", CONF_TLS_AUTH_NO }, { "yes", CONF_TLS_AUTH_YES }, { "optional", CONF_TLS_AUTH_OPTIONAL }, { 0 },
};
static const struct word user_words[] = {
    { "off", CONF_TLS_USER_OFF }, { "CN", CONF_TLS_USER_CN }, { "URI", CONF_TLS_USER_URI }, { 0 },
};

enum { NAMES_A_FILE = SETTING_VOLATILE | SETTING_DROP };

const struct setting tls_settings[] = {
    { "tls-port", INT(tls_port, 0, 65535), .initial = "0",
      .doc = "TCP port for TLS, at the addresses of bind. 0: none. With `port 0` beside it nothing is spoken in the "
             "clear. Needs tls-cert-file and tls-key-file, and a CA unless tls-auth-clients is no." },
    { "tls-cert-file", TEXT(tls_cert_file), .initial = "", .flags = NAMES_A_FILE, .example = "/etc/memd/tls/memd.crt",
      .doc = "The certificate that clients see, in PEM, followed by those between it and its CA, if any. Renewed files "
             "are read at SIGHUP and when one of these settings is set (to the same name as well); who is connected "
             "stays so." },
    { "tls-key-file", TEXT(tls_key_file), .initial = "", .flags = NAMES_A_FILE, .example = "/etc/memd/tls/memd.key",
      .doc = "Its private key, in PEM." },
    { "tls-key-file-pass", TEXT(tls_key_file_pass), .initial = "", .flags = SETTING_SECRET | SETTING_DROP,
      .doc = "What the private key is encrypted with, if it is." },
    { "tls-ca-cert-file", TEXT(tls_ca_cert_file), .initial = "", .flags = NAMES_A_FILE, .example = "/etc/memd/tls/ca.crt",
      .doc = "Certificates of the authorities that sign certificates of clients, in PEM." },
    { "tls-ca-cert-dir", TEXT(tls_ca_cert_dir), .initial = "", .flags = NAMES_A_FILE,
      .doc = "The same as a directory, prepared by `openssl rehash`." },
    { "tls-auth-clients", WORD(tls_auth_clients, auth_words), .initial = "yes",
      .doc = "Certificates of clients: yes demands one, optional takes a good one and refuses a bad one, no asks for "
             "none. A certificate does not take the place of a password, unless tls-auth-clients-user says so." },
    { "tls-auth-clients-user", WORD(tls_auth_clients_user, user_words), .initial = "off",
      .doc = "Makes a client with a good certificate the user of that name, without a password: CN takes the common "
             "name of its subject, URI the first URI of its alternative names that is an enabled user. Without such "
             "a user the client is as one without a certificate." },
    { "tls-protocols", TEXT(tls_protocols), .initial = "", .flags = SETTING_DROP, .example = "\"TLSv1.2 TLSv1.3\"",
      .doc = "Versions of the protocol. Not set: TLSv1.2 and TLSv1.3." },
    { "tls-ciphers", TEXT(tls_ciphers), .initial = "", .flags = SETTING_DROP,
      .doc = "Ciphers of TLSv1.2, as `openssl ciphers` takes them. Not set: those with forward secrecy and "
             "authenticated encryption." },
    { "tls-ciphersuites", TEXT(tls_ciphersuites), .initial = "", .flags = SETTING_DROP,
      .doc = "Cipher suites of TLSv1.3, with colons between them. Not set: OpenSSL's." },
    { "tls-prefer-server-ciphers", BOOL(tls_prefer_server_ciphers), .initial = "no",
      .doc = "Choose by memd's order of ciphers and not by the client's." },
    { "tls-dh-params-file", TEXT(tls_dh_params_file), .initial = "", .flags = NAMES_A_FILE,
      .doc = "Parameters for DHE ciphers, in PEM. Not set: OpenSSL's, of the strength of the key." },
    { "tls-session-caching", BOOL(tls_session_caching), .initial = "yes",
      .doc = "Let clients that come again resume their session, which costs a fraction of a new one." },
    { "tls-session-cache-size", INT(tls_session_cache_size, 0, INT_MAX), .initial = "20480", .unit = "sessions",
      .doc = "Sessions that memd remembers, for clients that cannot keep them themselves. 0: no limit." },
    { "tls-session-cache-timeout", INT(tls_session_cache_timeout, 0, INT_MAX), .initial = "300", .unit = "seconds",
      .doc = "A session can be resumed for so long." },
    { "tls-handshake-timeout", INT(tls_handshake_timeout, 1, 3600), .initial = "10", .unit = "seconds",
      .doc = "A connection to tls-port whose handshake takes longer is closed." },
    { "max-new-tls-connections-per-cycle", INT(max_new_tls_connections_per_cycle, 1, 1000), .initial = "1",
      .unit = "connections",
      .doc = "Steps of TLS handshakes between two rounds of requests, and new connections that are accepted for them. "
             "The dear step takes from a tenth of a millisecond (P-256 key) to one (RSA), and the others wait." },
    { 0 },
};

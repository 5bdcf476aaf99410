#include "server/libraries.h"

#include <cjson/cJSON.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <zstd.h>

#include "base/buf.h"

/* Asks for versions and nothing else: what they are used for is in the folders that are their homes. LuaJIT, LZF and
 * jemalloc do not tell theirs here; `make sbom` has those of the packages. */
void libraries_describe(struct buf *b)
{
    buf_printf(b, "libevent=%s,openssl=%s,sqlite=%s,zstd=%s,cjson=%s", event_get_version(),
               OpenSSL_version(OPENSSL_VERSION_STRING), sqlite3_libversion(), ZSTD_versionString(), cJSON_Version());
}

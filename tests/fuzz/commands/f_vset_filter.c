/* f_vset_filter.c -- VSIM's FILTER: any text is a condition or is refused with what is near, and what is one says yes or no of any
 * attributes, the same when asked again. The first line of the input is the filter, the rest attributes. */
#include "base/ensure.h"
#include "base/json.h"
#include "base/mem.h"
#include "commands/vset_filter.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str usual[] = {
        STR("{\"a\":1,\"b\":\"x\\u0041\",\"c\":[1,\"y\",null],\"d\":{},\"e\":null,\"t\":true}"), STR("[1]"), STR(""), STR("{\"a\":"),
    };
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t n = end ? (size_t)(end - data) : size;
    char *text = mem_dup(data, n), *rest = mem_dup(end ? end + 1 : data, end ? size - n - 1 : 0);
    struct str near = { 0 }, attributes = str_of(rest, end ? size - n - 1 : 0);
    struct vset_filter *f;
    struct arena a;

    arena_init(&a);
    f = vset_filter_new(&a, str_of(text, n), &near);
    if (f == NULL) ensure(near.n <= n && (near.n == 0 || (near.p >= text && near.p + near.n <= text + n)));
    if (f != NULL) {
        bool before = vset_filter_passes(f, attributes);
        for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) (void)vset_filter_passes(f, usual[i]);
        ensure(vset_filter_passes(f, attributes) == before);
        ensure(!before || json_valid(attributes, NULL));
        vset_filter_fini(f);
    }
    arena_fini(&a);
    mem_free(text);
    mem_free(rest);
    return 0;
}

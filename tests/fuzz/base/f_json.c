/* Documents and paths of any bytes. A document has one form, which another parser reads too; what a path finds lies in it
 * whole; and what edits, removals and merges make is a document in that form again.
 *
 * Of the input the first byte is the length of the path. */
#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/ensure.h"
#include "base/json_canon.h"
#include "base/json_edit.h"
#include "base/json_merge.h"
#include "base/json_path.h"
#include "tests/fuzz/fuzz.h"

static void expect_canonical(struct str text)
{
    struct buf again = { 0 };
    struct json_error why;

    ensure(json_canon(text, &again, &why));
    ensure(str_eq(buf_str(&again), text));
    buf_fini(&again);
}

static void expect_found(const struct json_matches *m, struct str doc)
{
    for (size_t i = 0; i < m->n; i++) {
        struct str v = m->items[i].value, name = m->items[i].name;

        ensure(v.p >= doc.p && v.p + v.n <= doc.p + doc.n);
        expect_canonical(v);
        if (name.n > 0) ensure(name.p + name.n + 1 == v.p);
    }
}

static void halve(void *ctx, size_t index, struct str value, struct buf *out)
{
    const size_t *n = ctx;

    ensure(index < *n);
    buf_add_char(out, '[');
    if (index % 2) buf_add_str(out, value);
    buf_add_char(out, ']');
}

static void edit(struct str doc, struct json_matches *m)
{
    struct buf out = { 0 };

    json_edit(doc, m, halve, &m->n, &out);
    if (m->n < 1000) { /* nested ones grow each other */
        struct json_error why;
        struct buf again = { 0 };

        ensure(json_canon(buf_str(&out), &again, &why) || strstr(why.what, "recursion"));
        buf_fini(&again);
    }
    buf_clear(&out);
    for (size_t i = 0; i < m->n; i++) {
        if (m->items[i].value.p == doc.p) m->n = 0;
    }
    json_remove(doc, m, &out);
    expect_canonical(buf_str(&out));
    buf_fini(&out);
}

static void search(struct str text, struct str doc)
{
    struct json_matches m = { 0 };
    const char *what;
    size_t at;
    struct json_path *p = json_path_new(text, &at, &what);

    if (p == NULL) {
        ensure(at <= text.n && what != NULL);
        return;
    }
    if (json_path_find(p, doc, &m)) {
        if (json_path_is_definite(p)) ensure(m.n <= 1);
        expect_found(&m, doc);
        edit(doc, &m);
    }
    json_matches_fini(&m);
    json_path_free(&p);
}

static void merge(struct str doc)
{
    struct buf out = { 0 };

    json_merge(doc, doc, &out);
    expect_canonical(buf_str(&out));
    buf_clear(&out);
    json_merge(STR("{\"a\":{\"b\":1}}"), doc, &out);
    expect_canonical(buf_str(&out));
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf doc = { 0 };
    struct json_error why;
    struct str all = str_of(data, n), path, text;
    size_t n_path;

    if (n == 0) return 0;
    n_path = data[0] < n - 1 ? data[0] : n - 1;
    path = str_of(all.p + 1, n_path);
    text = str_of(path.p + n_path, n - 1 - n_path);
    if (json_canon(text, &doc, &why)) {
        cJSON *theirs = cJSON_ParseWithLength(doc.p, doc.n);

        ensure(json_valid(text, NULL));
        ensure(theirs != NULL);
        cJSON_Delete(theirs);
        expect_canonical(buf_str(&doc));
        search(path, buf_str(&doc));
        merge(buf_str(&doc));
    } else {
        ensure(why.what != NULL && doc.n == 0);
        search(path, STR("{\"a\":[1,{\"a\":2}]}"));
    }
    buf_fini(&doc);
    return 0;
}

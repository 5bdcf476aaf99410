#include "server/ft_expand.h"

#include <math.h>

#include "base/json.h"
#include "base/json_canon.h"
#include "base/json_path.h"
#include "base/num.h"

bool ft_matches(const struct doc_reader *reader, struct str key, struct str path, struct buf *out)
{
    struct json_matches found = { 0 };
    struct buf doc = { 0 };
    const char *what;
    size_t at;
    struct json_path *p = json_path_new(path, &at, &what);
    enum doc_value whole = p != NULL ? reader->field(reader->ctx, key, STR("$"), &doc) : DOC_NONE;
    bool ok;

    if (whole == DOC_NULL) buf_add_c(&doc, "null");
    ok = whole != DOC_NONE && json_path_find(p, buf_str(&doc), &found);
    ok = ok && (found.n > 0 || !json_path_is_legacy(p));
    if (ok) {
        buf_add_c(out, "[");
        for (size_t i = 0; i < found.n; i++) {
            if (i > 0) buf_add_c(out, ",");
            buf_add_str(out, found.items[i].value);
        }
        buf_add_c(out, "]");
    }
    json_matches_fini(&found);
    json_path_free(&p);
    buf_fini(&doc);
    return ok;
}

static size_t count(struct str container)
{
    struct json_walk w;
    struct str name, item;
    size_t n = 0;

    for (json_open(&w, container); json_next(&w, &name, &item);) n++;
    return n;
}

static void expand_container(struct reply *out, struct str json)
{
    struct json_walk w;
    struct str name, item;
    size_t n = count(json);

    if (*json.p == '{') reply_map(out, n);
    else reply_array(out, n);
    for (json_open(&w, json); json_next(&w, &name, &item);) { /* as deep as documents are */
        if (*json.p == '{') ft_expand(out, name);
        ft_expand(out, item);
    }
}

static void expand_string(struct reply *out, struct str json)
{
    struct buf text = { 0 };

    json_unquote(json, &text);
    reply_bulk(out, buf_str(&text));
    buf_fini(&text);
}

static void expand_number(struct reply *out, struct str json)
{
    int64_t whole;
    double d;

    if (num_parse_i64(json, &whole)) reply_int(out, whole);
    else if (!num_parse_double(json, &d)) reply_bulk(out, json);
    else if (fabs(d) < 0x1p63 && d == floor(d)) reply_int(out, (int64_t)d);
    else reply_double(out, d);
}

void ft_expand(struct reply *out, struct str json)
{
    if (json.n == 0 || json.n > FT_EXPAND_MAX) {
        reply_bulk(out, json);
        return;
    }
    switch (*json.p) {
    case '{': case '[': expand_container(out, json); break;
    case '"': expand_string(out, json); break;
    case 't': reply_int(out, 1); break;
    case 'f': reply_int(out, 0); break;
    case 'n': reply_null(out); break;
    default: expand_number(out, json);
    }
}

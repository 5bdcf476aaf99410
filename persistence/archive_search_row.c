/* archive_search_row.c -- what is true of a text, and how it is replied. See archive_search_impl.h. */
#include <math.h>

#include "base/glob.h"
#include "persistence/archive_search_impl.h"

/* --- conditions ------------------------------------------------------------------------------------------ */

static bool may_read(const struct archive_search *s, struct str key)
{
    if (!s->restricted) return true;
    for (size_t i = 0; i < s->n_readable; i++) {
        if (glob_match(buf_str(&s->readable[i]), key, false)) return true;
    }
    return false;
}

bool archive_search_wants(const struct archive_search *s, struct str key)
{
    if (s->match.n > 0 && !glob_match(buf_str(&s->match), key, false)) return false;
    return may_read(s, key);
}

bool search_wants_role(const struct archive_search *s, struct str role)
{
    return s->role.n == 0 || str_ieq(buf_str(&s->role), role);
}

bool search_wants_time(const struct archive_search *s, int64_t at_ms)
{
    return at_ms >= s->since_ms && at_ms <= s->until_ms;
}

static bool meets(const struct archive_where *w, struct archive_reader *r, struct str metadata,
                  const struct search_fields *fields)
{
    enum archive_where_says says = archive_where_json(w, r, &w->path, metadata);
    struct str value;

    if (says == WHERE_NOT_THERE && fields != NULL && fields->get(fields->ctx, buf_str(&w->field), &value)) {
        says = archive_where_text(w, value);
    }
    if (says == WHERE_NOT_THERE && fields != NULL && w->first < w->field.n &&
        fields->get(fields->ctx, str_of(w->field.p, w->first), &value)) {
        says = archive_where_json(w, r, &w->rest, value);
    }
    return says == WHERE_YES;
}

bool search_meets_where(const struct archive_search *s, struct archive_reader *r, struct str metadata,
                        const struct search_fields *fields)
{
    for (size_t i = 0; i < s->n_wheres; i++) {
        if (!meets(&s->wheres[i], r, metadata, fields)) return false;
    }
    return true;
}

uint64_t search_identity(const struct archive_search *s, const struct search_text *t)
{
    uint64_t h = hash_bytes(&s->hash, t->key);

    h = h * 0x9e3779b97f4a7c15ULL ^ hash_bytes(&s->hash, t->content);
    h = h * 0x9e3779b97f4a7c15ULL ^ hash_bytes(&s->hash, t->field.p != NULL ? t->field : t->role);
    return h * 0x9e3779b97f4a7c15ULL ^ (t->field.p != NULL);
}

/* --- replying -------------------------------------------------------------------------------------------- */

static void pair(struct reply *out, const char *name, struct str value)
{
    reply_bulk_c(out, name);
    if (value.p != NULL && value.n > 0)
        reply_bulk(out, value);
    else
        reply_null(out);
}

static void pair_int(struct reply *out, const char *name, bool known, int64_t value)
{
    reply_bulk_c(out, name);
    if (known)
        reply_int(out, value);
    else
        reply_null(out);
}

static void show(struct archive_search *s, struct str text, struct reply *out)
{
    struct buf shown = { .may_fail = true };

    archive_match_show(&s->matcher, text, s->highlight ? STR("<b>") : STR(""),
                       s->highlight ? STR("</b>") : STR(""), &shown);
    reply_bulk(out, buf_str(&shown));
    buf_fini(&shown);
}

void search_reply_row(struct archive_search *s, const struct search_row *row, struct reply *out)
{
    bool archived = row->reason != NULL, field = row->text.field.p != NULL;

    reply_map(out, field ? 14 : 16);
    reply_bulk_c(out, "key");
    reply_bulk(out, row->text.key);
    reply_bulk_c(out, "db");
    reply_int(out, s->db);
    pair(out, "namespace", row->ns);
    reply_bulk_c(out, "where");
    reply_bulk_c(out, archived ? "archive" : "live");
    pair(out, "type", str_c(row->type));
    pair(out, "reason", archived ? str_c(row->reason) : STR(""));
    pair_int(out, "entry", archived, row->entry);
    pair_int(out, "version", archived, row->version);
    if (field) {
        reply_bulk_c(out, "field");
        reply_bulk(out, row->text.field);
    } else {
        pair_int(out, "position", true, row->position);
        pair(out, "id", row->id);
        pair(out, "role", row->text.role);
    }
    reply_bulk_c(out, "content");
    show(s, row->text.content, out);
    pair(out, "metadata", row->text.metadata);
    pair_int(out, "at", true, row->text.at_ms);
    reply_bulk_c(out, "member_score");
    if (isnan(row->zscore))
        reply_null(out);
    else
        reply_double(out, row->zscore);
    reply_bulk_c(out, "score");
    reply_double(out, row->score);
}

/* A value's rows: payloads of a DUMP, or (what begins as JSON does) a text. What is told as text is text, what is told
 * as metadata is JSON, and the same value gives the same rows again. */
#include "base/crc.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "persistence/archive_chat.h"
#include "persistence/archive_explode.h"
#include "persistence/archive_value.h"
#include "persistence/persist.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_read.h"
#include "protocol/reply.h"
#include "storage/db.h"
#include "storage/type_string.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/persistence/small_store.h"

struct seen {
    uint64_t sum;
    uint64_t messages, fields, content_bytes;
};

static void add(struct seen *s, struct str part)
{
    uint64_t n = part.n;

    s->sum = crc64(s->sum, &n, sizeof n);
    s->sum = crc64(s->sum, part.p, part.n);
}

static void see_message(void *ctx, const struct archive_message *m)
{
    struct seen *s = ctx;

    ensure(m->position == (int64_t)s->messages++);
    ensure(m->at_ms >= -1);
    ensure(utf8_is_text(m->role) && utf8_is_text(m->id));
    ensure(utf8_is_text(m->content) == !m->is_blob);
    ensure(m->metadata.n == 0 || (utf8_is_text(m->metadata) && json_valid(m->metadata, NULL) && m->metadata.p[0] == '{'));
    s->content_bytes += m->content.n;
    add(s, m->role);
    add(s, m->content);
    add(s, m->metadata);
}

static void see_field(void *ctx, const struct archive_field *f)
{
    struct seen *s = ctx;

    ensure(utf8_is_text(f->field) == !f->field_is_blob);
    ensure(utf8_is_text(f->value) == !f->value_is_blob);
    s->fields++;
    add(s, f->field);
    add(s, f->value);
}

static struct seen explode(struct store *values, const struct entry *e)
{
    struct seen s = { 0 };
    const struct archive_rows rows = { .ctx = &s, .message = see_message, .field = see_field };

    archive_explode(values, e, &rows);
    ensure(s.messages + s.fields > 0 || entry_type(e) == VALUE_STREAM); /* a stream may be empty */
    return s;
}

static void work_on(struct store *values, const struct entry *e)
{
    struct seen first = explode(values, e), again = explode(values, e);
    struct buf out = { 0 };

    ensure(memcmp(&first, &again, sizeof first) == 0);
    for (int resp = 2; resp <= 3; resp++) archive_value_reply(values, e, &(struct reply){ .out = &out, .resp = resp });
    ensure(out.n > 0);
    buf_fini(&out);
}

/* As a string, by way of a payload. Told as chat, it was valid JSON; else it is one row of the very bytes. */
static void try_text(struct store *values, struct str text)
{
    struct entry *e = string_new(STR("k"), text, -1);
    struct buf payload = { 0 };
    const struct entry *there;
    struct seen s;

    persist_dump_plain(values, e, &payload);
    ensure(archive_value_decode(values, buf_str(&payload), &there) == OK);
    work_on(values, there);
    s = explode(values, there);
    ensure(s.messages > 0 && s.fields == 0);
    ensure(json_valid(text, NULL) || (s.messages == 1 && s.content_bytes == text.n));
    db_free_value(e);
    entry_free(e);
    buf_fini(&payload);
}

static void try_payload(struct store *values, struct str body)
{
    struct buf payload = { 0 };
    const struct entry *e;

    buf_add_str(&payload, body);
    rdb_payload_end(&payload, 0, RDB_VERSION_READ);
    if (archive_value_decode(values, buf_str(&payload), &e) == OK) work_on(values, e);
    buf_fini(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store *values = archive_values_new(&small_store);
    struct str s = str_of(data, size);

    if (size > 0 && (data[0] == '{' || data[0] == '[' || data[0] == ' ')) try_text(values, s);
    else try_payload(values, s);
    store_free(&values);
    return 0;
}

/* A stream's value out of an RDB file (the first byte is its type): whatever is accepted is sound, bears all
 * operations, and reads back as it was written. */
#include "base/ensure.h"
#include "base/mem.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_stream.h"
#include "storage/stream_edit.h"
#include "tests/fuzz/fuzz.h"

static const struct store_conf conf = { .stream_node_max_bytes = 4096, .stream_node_max_entries = 100 };

static struct stream *read_stream(unsigned type, struct str bytes)
{
    struct stream *s = NULL;
    struct rdb_in in;
    bool ok;

    rdb_in_bytes(&in, bytes);
    ok = rdb_get_stream(&in, type, &s);
    ensure(ok || in.err != OK);
    rdb_in_fini(&in);
    return ok ? s : NULL;
}

static size_t walk(const struct stream *s, bool down)
{
    struct stream_iter it;
    struct str field, value;
    size_t n = 0, bytes = 0;

    stream_iter_start(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, down);
    for (; stream_next(&it); n++) {
        while (stream_field(&it, &field, &value))
            for (size_t i = 0; i < value.n; i++) bytes += (unsigned char)value.p[i];
    }
    ensure(n == stream_info(s).length);
    return bytes;
}

static void write_and_read(const struct stream *s)
{
    struct rdb_out a = { 0 }, b = { 0 };
    struct stream *again;

    rdb_put_stream(&a, s);
    again = read_stream(RDB_STREAM_2, buf_str(&a.bytes));
    ensure(again != NULL);
    rdb_put_stream(&b, again);
    ensure(str_eq(buf_str(&a.bytes), buf_str(&b.bytes)));
    stream_free(&again);
    rdb_out_fini(&a);
    rdb_out_fini(&b);
}

static void work_on(struct stream *s)
{
    const struct str pairs[] = { STR("field"), STR("value"), STR("12"), STR("") };
    struct stream_info info = stream_info(s);
    struct stream_id id = info.last;
    struct stream_trim trim = { .by = STREAM_TRIM_MAXLEN, .max_len = info.length / 2 };

    if (stream_id_next(&id)) ensure(stream_append(s, &conf, id, pairs, 2) == OK);
    stream_check(s);
    if (info.length > 0) ensure(stream_delete(s, info.first));
    stream_check(s);
    stream_trim(s, &trim);
    stream_check(s);
    trim = (struct stream_trim){ .by = STREAM_TRIM_MINID, .min_id = id };
    stream_trim(s, &trim);
    stream_check(s);
    while (stream_info(s).groups > 0)
        stream_drop_group(s, (struct stream_group *)(uintptr_t)stream_group_at(s, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned types[] = { RDB_STREAM, RDB_STREAM_2, RDB_STREAM_3 };
    struct stream *s, *copy;

    if (size == 0) return 0;
    s = read_stream(types[data[0] % 3], str_of(data + 1, size - 1));
    if (s == NULL) return 0;
    stream_check(s);
    ensure(walk(s, false) == walk(s, true));
    write_and_read(s);
    copy = stream_dup(s);
    work_on(copy);
    stream_check(s);
    stream_free(&copy);
    stream_free(&s);
    return 0;
}

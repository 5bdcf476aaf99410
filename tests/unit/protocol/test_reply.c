#include "protocol/reply.h"

#include <math.h>

#include "tests/unit/unit.h"

static struct buf out;
static struct reply reply_2 = { &out, 2 }, reply_3 = { &out, 3 };

/* What `call` writes on the reply r, in both protocols. */
#define expect_both(call, in_2, in_3) \
    do { \
        struct reply *r = &reply_2; \
\
        buf_clear(&out); \
        call; \
        expect_str(buf_str(&out), STR(in_2)); \
        buf_clear(&out); \
        r = &reply_3; \
        call; \
        expect_str(buf_str(&out), STR(in_3)); \
    } while (0)

#define expect_same(call, bytes) expect_both(call, bytes, bytes)

static void tear_down(void)
{
    buf_fini(&out);
    ck_assert_uint_eq(out.cap, 0);
}

START_TEST(simple_strings_and_errors_are_lines)
{
    expect_same(reply_ok(r), "+OK\r\n");
    expect_same(reply_simple(r, "PONG"), "+PONG\r\n");
    expect_same(reply_simple(r, ""), "+\r\n");
    expect_same(reply_error(r, STR("ERR syntax error")), "-ERR syntax error\r\n");
    expect_same(reply_error(r, str_of(NULL, 0)), "-\r\n");
    expect_same(reply_errorf(r, "ERR unknown command '%s', %d", "x", 7),
                "-ERR unknown command 'x', 7\r\n");
}
END_TEST

START_TEST(no_text_can_forge_a_frame)
{
    expect_same(reply_simple(r, "a\r\n+OK\r\n"), "+a  +OK  \r\n");
    expect_same(reply_error(r, STR("ERR \r\n:1\r\n\0\n")), "-ERR   :1  \0\r\n");
    expect_same(reply_error(r, STR("\r\nERR at the ends nothing is left of it\n\n")),
                "-ERR at the ends nothing is left of it\r\n");
    expect_same(reply_errorf(r, "ERR '%s'", "\r\n$-1\r\n"), "-ERR '  $-1  '\r\n");
    expect_both(reply_big_number(r, STR("12\r\n:3")), "$6\r\n12\r\n:3\r\n", "(12  :3\r\n");
}
END_TEST

START_TEST(integers_of_all_lengths)
{
    expect_same(reply_int(r, 0), ":0\r\n");
    expect_same(reply_int(r, 9), ":9\r\n");
    expect_same(reply_int(r, 10), ":10\r\n");
    expect_same(reply_int(r, -1), ":-1\r\n");
    expect_same(reply_int(r, -10), ":-10\r\n");
    expect_same(reply_int(r, INT64_MAX), ":9223372036854775807\r\n");
    expect_same(reply_int(r, INT64_MIN), ":-9223372036854775808\r\n");
}
END_TEST

START_TEST(every_integer_is_as_printf_says)
{
    for (int64_t v = 1; v < INT64_MAX / 2; v *= 2) {
        for (int64_t d = -1; d <= 1; d++) {
            for (int sign = -1; sign <= 1; sign += 2) {
                char want[32];

                snprintf(want, sizeof want, ":%" PRId64 "\r\n", sign * (v + d));
                buf_clear(&out);
                reply_int(&reply_2, sign * (v + d));
                expect_str(buf_str(&out), str_c(want));
            }
        }
    }
}
END_TEST

START_TEST(bulks_hold_any_bytes)
{
    expect_same(reply_bulk(r, STR("value")), "$5\r\nvalue\r\n");
    expect_same(reply_bulk(r, STR("a\r\n\0b")), "$5\r\na\r\n\0b\r\n");
    expect_same(reply_bulk(r, STR("")), "$0\r\n\r\n");
    expect_same(reply_bulk(r, str_of(NULL, 0)), "$0\r\n\r\n");
    expect_same(reply_bulk_c(r, "text"), "$4\r\ntext\r\n");
}
END_TEST

START_TEST(bulks_of_all_lengths_are_whole)
{
    static char bytes[70000];

    memset(bytes, 'x', sizeof bytes);
    for (size_t n = 1; n < sizeof bytes; n = n < 300 ? n + 1 : n * 2 - 1) {
        char head[32];
        size_t head_n = (size_t)snprintf(head, sizeof head, "$%zu\r\n", n);

        buf_fini(&out); /* the room is what this bulk asks for */
        reply_bulk(&reply_2, str_of(bytes, n));
        ck_assert_uint_eq(out.n, head_n + n + 2);
        expect_str(str_of(out.p, head_n), str_c(head));
        expect_str(str_of(out.p + head_n, n), str_of(bytes, n));
        expect_str(str_of(out.p + head_n + n, 2), STR("\r\n"));
    }
}
END_TEST

START_TEST(a_number_may_go_as_a_bulk)
{
    expect_same(reply_bulk_int(r, 0), "$1\r\n0\r\n");
    expect_same(reply_bulk_int(r, -42), "$3\r\n-42\r\n");
    expect_same(reply_bulk_int(r, INT64_MIN), "$20\r\n-9223372036854775808\r\n");
}
END_TEST

START_TEST(nulls_have_one_form_in_resp3_and_two_before)
{
    expect_both(reply_null(r), "$-1\r\n", "_\r\n");
    expect_both(reply_null_array(r), "*-1\r\n", "_\r\n");
}
END_TEST

START_TEST(headers_of_aggregates)
{
    expect_same(reply_array(r, 0), "*0\r\n");
    expect_same(reply_array(r, 12), "*12\r\n");
    expect_both(reply_map(r, 0), "*0\r\n", "%0\r\n");
    expect_both(reply_map(r, 6), "*12\r\n", "%6\r\n");
    expect_both(reply_set(r, 3), "*3\r\n", "~3\r\n");
    expect_both(reply_push(r, 3), "*3\r\n", ">3\r\n");
}
END_TEST

START_TEST(attributes_are_not_for_resp2)
{
    expect_both(reply_attribute(r, 1), "", "|1\r\n");
}
END_TEST

START_TEST(doubles_are_shortest_texts)
{
    expect_both(reply_double(r, 3), "$1\r\n3\r\n", ",3\r\n");
    expect_both(reply_double(r, 0.1), "$3\r\n0.1\r\n", ",0.1\r\n");
    expect_both(reply_double(r, -2.5), "$4\r\n-2.5\r\n", ",-2.5\r\n");
    expect_both(reply_double(r, -0.0), "$2\r\n-0\r\n", ",-0\r\n");
    expect_both(reply_double(r, 1e30), "$5\r\n1e+30\r\n", ",1e+30\r\n");
    expect_both(reply_double(r, 5e-324), "$6\r\n5e-324\r\n", ",5e-324\r\n");
    expect_both(reply_double(r, 0.30000000000000004), "$19\r\n0.30000000000000004\r\n",
                ",0.30000000000000004\r\n");
    expect_both(reply_double(r, 9007199254740993.0), "$16\r\n9007199254740992\r\n",
                ",9007199254740992\r\n");
}
END_TEST

START_TEST(doubles_without_a_number_have_names)
{
    expect_both(reply_double(r, INFINITY), "$3\r\ninf\r\n", ",inf\r\n");
    expect_both(reply_double(r, -INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
    expect_both(reply_double(r, (double)NAN), "$3\r\nnan\r\n", ",nan\r\n");
}
END_TEST

START_TEST(booleans_were_integers)
{
    expect_both(reply_bool(r, true), ":1\r\n", "#t\r\n");
    expect_both(reply_bool(r, false), ":0\r\n", "#f\r\n");
}
END_TEST

START_TEST(big_numbers_were_bulks)
{
    expect_both(reply_big_number(r, STR("1234567999999999999999999999999999999")),
                "$37\r\n1234567999999999999999999999999999999\r\n",
                "(1234567999999999999999999999999999999\r\n");
}
END_TEST

START_TEST(verbatim_texts_were_bulks)
{
    expect_both(reply_verbatim(r, "txt", STR("a\r\nb")), "$4\r\na\r\nb\r\n",
                "=8\r\ntxt:a\r\nb\r\n");
    expect_both(reply_verbatim(r, "mkd", STR("")), "$0\r\n\r\n", "=4\r\nmkd:\r\n");
}
END_TEST

START_TEST(raw_bytes_go_as_they_are)
{
    expect_same(reply_raw(r, ":1\r\n", 4), ":1\r\n");
    expect_same(reply_raw(r, NULL, 0), "");
}
END_TEST

/* Elements first, their number later: behind an earlier reply, `n` elements of `bytes`. */
static size_t elements(struct reply *r, size_t n)
{
    size_t mark;

    reply_ok(r);
    mark = reply_mark(r);
    for (size_t i = 0; i < n; i++) reply_bulk_c(r, "e");
    return mark;
}

START_TEST(a_header_may_be_put_before_what_is_written)
{
    expect_same(reply_array_at(r, elements(r, 2), 2), "+OK\r\n*2\r\n$1\r\ne\r\n$1\r\ne\r\n");
    expect_both(reply_map_at(r, elements(r, 2), 1), "+OK\r\n*2\r\n$1\r\ne\r\n$1\r\ne\r\n",
                "+OK\r\n%1\r\n$1\r\ne\r\n$1\r\ne\r\n");
    expect_both(reply_set_at(r, elements(r, 1), 1), "+OK\r\n*1\r\n$1\r\ne\r\n",
                "+OK\r\n~1\r\n$1\r\ne\r\n");
    expect_same(reply_array_at(r, elements(r, 0), 0), "+OK\r\n*0\r\n");
    expect_same(reply_array_at(r, elements(r, 0), 1234567890), "+OK\r\n*1234567890\r\n");
}
END_TEST

START_TEST(late_headers_may_nest)
{
    size_t outer, inner;

    buf_clear(&out);
    outer = reply_mark(&reply_3);
    reply_int(&reply_3, 1);
    inner = reply_mark(&reply_3);
    reply_int(&reply_3, 2);
    reply_int(&reply_3, 3);
    reply_set_at(&reply_3, inner, 2);
    reply_array_at(&reply_3, outer, 2);
    expect_str(buf_str(&out), STR("*2\r\n:1\r\n~2\r\n:2\r\n:3\r\n"));
}
END_TEST

START_TEST(a_late_header_finds_room_in_a_full_buffer)
{
    for (size_t n = 0; n < 300; n++) {
        buf_fini(&out);
        memset(buf_room(&out, n + 1), 'x', n + 1);
        buf_used(&out, n + 1);
        reply_array_at(&reply_2, 1, 100000);
        ck_assert_uint_eq(out.n, n + 1 + 9);
        expect_str(str_of(out.p, 10), STR("x*100000\r\n"));
        for (size_t i = 10; i < out.n; i++) ck_assert_int_eq(out.p[i], 'x');
    }
}
END_TEST

START_TEST(what_was_written_can_be_undone)
{
    size_t mark;

    buf_clear(&out);
    mark = elements(&reply_2, 3);
    reply_undo(&reply_2, mark);
    reply_error(&reply_2, STR("ERR no"));
    expect_str(buf_str(&out), STR("+OK\r\n-ERR no\r\n"));
}
END_TEST

START_TEST(a_buffer_becomes_a_piece_behind_what_was_written)
{
    struct reply_pieces pieces = { 0 };
    struct buf rows = { 0 };
    const char *p;

    buf_clear(&out);
    reply_array(&reply_2, 2);
    buf_add_c(&rows, ":1\r\n");
    p = rows.p;
    reply_take(&reply_2, &pieces, &rows);
    ck_assert_uint_eq(rows.cap, 0);
    reply_int(&reply_2, 2);
    ck_assert_uint_eq(pieces.n, 2);
    expect_str(buf_str(&pieces.items[0]), STR("*2\r\n"));
    ck_assert_ptr_eq(pieces.items[1].p, p);
    expect_str(buf_str(&out), STR(":2\r\n"));
    reply_pieces_fini(&pieces);
    ck_assert_uint_eq(pieces.n, 0);
}
END_TEST

START_TEST(a_reply_without_pieces_copies_the_buffer)
{
    struct buf rows = { 0 };

    buf_clear(&out);
    reply_array(&reply_2, 1);
    buf_add_c(&rows, ":1\r\n");
    reply_take(&reply_2, NULL, &rows);
    ck_assert_uint_eq(rows.cap, 0);
    expect_str(buf_str(&out), STR("*1\r\n:1\r\n"));
}
END_TEST

UNIT_MAIN_AROUND("reply", NULL, tear_down, simple_strings_and_errors_are_lines,
                 no_text_can_forge_a_frame, integers_of_all_lengths,
                 every_integer_is_as_printf_says, bulks_hold_any_bytes,
                 bulks_of_all_lengths_are_whole, a_number_may_go_as_a_bulk,
                 nulls_have_one_form_in_resp3_and_two_before, headers_of_aggregates,
                 attributes_are_not_for_resp2, doubles_are_shortest_texts,
                 doubles_without_a_number_have_names, booleans_were_integers,
                 big_numbers_were_bulks, verbatim_texts_were_bulks, raw_bytes_go_as_they_are,
                 a_header_may_be_put_before_what_is_written, late_headers_may_nest,
                 a_late_header_finds_room_in_a_full_buffer, what_was_written_can_be_undone,
                 a_buffer_becomes_a_piece_behind_what_was_written, a_reply_without_pieces_copies_the_buffer)

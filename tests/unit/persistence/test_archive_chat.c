/* Chat messages as libraries write them, and what only looks like them. */
#include "persistence/archive_chat.h"

#include <sys/mman.h>

#include "base/json.h"
#include "tests/unit/unit.h"

static void show(void *ctx, const struct chat_message *m)
{
    struct buf *out = ctx;

    ck_assert(m->metadata.n == 0 || json_valid(m->metadata, NULL));
    if (out->n > 0) buf_add_char(out, '\n');
    buf_printf(out, "%.*s|%.*s|%.*s", (int)m->role.n, m->role.p, (int)m->content.n, m->content.p, (int)m->metadata.n,
               m->metadata.n > 0 ? m->metadata.p : "");
    if (m->at_ms >= 0) buf_printf(out, "|%" PRId64, m->at_ms);
}

/* want: role|content|metadata, or NULL: no chat. */
static void expect(const char *text, const char *want)
{
    struct buf got = { 0 };
    bool is_chat = chat_each(str_c(text), show, &got);

    if (is_chat != (want != NULL)) ck_abort_msg("%s: %s", text, is_chat ? "taken for chat" : "not taken for chat");
    expect_str(buf_str(&got), str_c(want ? want : ""));
    buf_fini(&got);
}

START_TEST(openai_messages)
{
    expect("{\"role\":\"user\",\"content\":\"Hello\"}", "user|Hello|");
    expect(" { \"content\" : \"a\\n\\\"b\\\" \\u00e9\" , \"role\" : \"assistant\" } ", "assistant|a\n\"b\" \xc3\xa9|");
    expect("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"what is this?\"}]}", "user|what is this?|");
    expect("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"what\"},{\"type\":\"image_url\",\"image_url\":"
           "{\"url\":\"http://x/y.png\",\"detail\":\"low\"}}]}",
           "user|what|{\"content\":[{\"type\":\"text\",\"text\":\"what\"},{\"type\":\"image_url\",\"image_url\":"
           "{\"url\":\"http://x/y.png\",\"detail\":\"low\"}}]}");
    expect("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}",
           "user|a\nb|{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}");
    expect("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":"
           "{\"name\":\"f\",\"arguments\":\"{\\\"x\\\": 1}\"}}]}",
           "assistant||{\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":"
           "{\"name\":\"f\",\"arguments\":\"{\\\"x\\\": 1}\"}}]}");
    expect("{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"22 C\"}", "tool|22 C|{\"tool_call_id\":\"call_1\"}");
    expect("{\"role\":\"system\",\"name\":\"policy\",\"content\":\"\"}", "system||{\"name\":\"policy\"}");
    expect("{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hi\","
           "\"annotations\":[]}]}",
           "assistant|Hi|{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hi\",\"annotations\":[]}]}");
    expect("{\"role\":\"model\",\"parts\":[{\"text\":\"Bonjour\"}]}", "assistant|Bonjour|{\"role\":\"model\"}");
    expect("{\"role\":\"user\",\"content\":[\"Hi\"]}", "user|Hi|");
    expect("{\"role\":\"critic\",\"content\":\"no\"}", "critic|no|");
}
END_TEST

START_TEST(langchain_messages)
{
    expect("{\"type\": \"human\", \"data\": {\"content\": \"hi!\", \"additional_kwargs\": {}, \"response_metadata\": {},"
           " \"type\": \"human\", \"name\": null, \"id\": null, \"example\": false}}",
           "user|hi!|{\"additional_kwargs\":{},\"response_metadata\":{},\"type\":\"human\",\"name\":null,\"id\":null,"
           "\"example\":false}");
    expect("{\"type\":\"ai\",\"data\":{\"content\":\"whats up?\",\"tool_calls\":[],\"usage_metadata\":null}}",
           "assistant|whats up?|{\"tool_calls\":[],\"usage_metadata\":null,\"type\":\"ai\"}");
    expect("{\"type\":\"chat\",\"data\":{\"content\":\"x\",\"role\":\"referee\"}}", "referee|x|{\"type\":\"chat\"}");
    expect("{\"type\":\"tool\",\"message_id\":\"01J\",\"data\":{\"content\":\"ok\",\"tool_call_id\":\"c\"},"
           "\"session_id\":\"s\",\"timestamp\":1763719200.25}",
           "tool|ok|{\"tool_call_id\":\"c\",\"type\":\"tool\",\"message_id\":\"01J\",\"session_id\":\"s\","
           "\"timestamp\":1763719200.25}|1763719200250");
    expect("{\"lc\":1,\"type\":\"constructor\",\"id\":[\"langchain\",\"schema\",\"messages\",\"HumanMessage\"],"
           "\"kwargs\":{\"content\":\"hello\",\"type\":\"human\"}}",
           "user|hello|{\"type\":\"human\",\"lc\":{\"lc\":1,\"type\":\"constructor\",\"id\":[\"langchain\",\"schema\","
           "\"messages\",\"HumanMessage\"]}}");
    expect("{\"type\":\"ai\",\"content\":\"flat\"}", "assistant|flat|{\"type\":\"ai\"}");
    expect("{\"type\":\"human\",\"data\":{\"content\":\"a\",\"type\":\"ai\"}}", NULL);
    expect("{\"type\":\"human\",\"id\":1,\"data\":{\"content\":\"a\",\"id\":2}}", NULL);
    expect("{\"lc\":1,\"type\":\"constructor\",\"id\":[\"langchain\",\"prompts\",\"PromptTemplate\"],\"kwargs\":{\"content\":"
           "\"x\"}}", NULL);
}
END_TEST

START_TEST(llama_index_and_other_messages)
{
    expect("{\"role\":\"user\",\"additional_kwargs\":{},\"blocks\":[{\"block_type\":\"text\",\"text\":\"Where?\"}]}",
           "user|Where?|{\"additional_kwargs\":{}}");
    expect("{\"role\":\"assistant\",\"content\":\"Here\",\"additional_kwargs\":{\"n\":12345678901234567890,\"f\":1.0}}",
           "assistant|Here|{\"additional_kwargs\":{\"n\":12345678901234567890,\"f\":1.0}}");
    expect("{\"type\":\"USER\",\"contents\":[{\"text\":\"Hallo\",\"type\":\"TEXT\"}]}", "user|Hallo|{\"type\":\"USER\"}");
    expect("{\"type\":\"SYSTEM\",\"text\":\"Be brief\"}", "system|Be brief|{\"type\":\"SYSTEM\"}");
    expect("{\"role\":\"user\",\"content\":{\"a\": 1.50}}", "user|{\"a\": 1.50}|");
    expect("{\"id\":\"m1\",\"role\":\"user\",\"content\":\"x\",\"created_at\":\"2026-11-21T10:00:00.123456\"}",
           "user|x|{\"id\":\"m1\",\"created_at\":\"2026-11-21T10:00:00.123456\"}|1795255200123");
    expect("{\"role\":\"user\",\"content\":\"x\",\"timestamp\":\"2026-11-21 11:00:00+01:00\"}",
           "user|x|{\"timestamp\":\"2026-11-21 11:00:00+01:00\"}|1795255200000");
    expect("{\"role\":\"user\",\"content\":\"x\",\"ts\":1795255200123}", "user|x|{\"ts\":1795255200123}|1795255200123");
    expect("{\"role\":\"user\",\"content\":\"x\",\"ts\":\"yesterday\",\"at\":7}", "user|x|{\"ts\":\"yesterday\",\"at\":7}");
}
END_TEST

START_TEST(arrays_and_what_holds_them)
{
    expect("[{\"role\":\"user\",\"content\":\"a\"},{\"type\":\"ai\",\"data\":{\"content\":\"b\"}}]",
           "user|a|\nassistant|b|{\"type\":\"ai\"}");
    expect("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "user|a|");
    expect("{\"session_id\":\"s\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"tool\",\"content\":\"b\"}],"
           "\"memories\":[{\"text\":\"likes tea\"}],\"tokens\":1e2}",
           "user|a|\ntool|b|\n|{\"session_id\":\"s\",\"memories\":[{\"text\":\"likes tea\"}],\"tokens\":1e2}|");
    expect("{\"history\":[{\"role\":\"user\",\"content\":\"a\"}],\"messages\":[]}", "user|a|\n|{\"messages\":[]}|");
    expect("{\"chat_history\":[{\"type\":\"human\",\"content\":\"a\"}]}", "user|a|{\"type\":\"human\"}");
}
END_TEST

START_TEST(all_else_is_left_alone)
{
    static const char *const texts[] = { "", "hello", "12", "null", "\"role\"", "[]", "{}", "[1]", "[\"a\"]", "{\"a\":1}",
        "{\"role\":\"user\"}", "{\"role\":1,\"content\":\"x\"}", "{\"role\":\"\",\"content\":\"x\"}", "{\"content\":\"x\"}",
        "{\"role\":\"user\",\"content\":\"x\"", "{\"role\":\"user\",\"content\":\"x\"} x",
        "{\"role\":\"user\",\"role\":\"ai\",\"content\":\"x\"}", "{\"role\":\"user\",\"content\":\"x\",\"content\":\"y\"}",
        "{\"Role\":\"user\",\"Content\":\"x\"}", "{\"role\":\"user\",\"content\":\"a\\u0000b\"}",
        "{\"role\":\"user\",\"content\":\"\\ud800\"}", "{\"role\":\"user\",\"content\":\"\xff\"}",
        "{\"role\":\"user\",\"content\":01}", "[{\"role\":\"user\",\"content\":\"a\"},1]",
        "[{\"role\":\"user\",\"content\":\"a\"},{}]", "{\"messages\":[]}", "{\"messages\":{}}", "{\"messages\":[1]}",
        "{\"type\":\"text\",\"text\":\"x\"}", "{\"type\":\"human\"}", "{\"type\":\"human\",\"data\":{}}", "{\"type\":\"\","
        "\"content\":\"x\"}" };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) expect(texts[i], NULL);
}
END_TEST

/* s where the next byte belongs to nobody. */
static struct str at_the_edge(char *page, size_t page_size, struct str s)
{
    char *to = page + page_size - s.n;

    memcpy(to, s.p, s.n);
    return str_of(to, s.n);
}

/* Texts have no zero byte behind them, and may be cut anywhere: cJSON 1.7.17 read on behind {"1":1, and skipped blanks
 * there. */
START_TEST(a_text_that_is_cut_anywhere_is_not_read_beyond_its_end)
{
    static const char *const texts[] = {
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\\n\\u00e9\\ud83d\\ude00\"}],\"n\":[1,-2.5e+3,true,false,null]} ",
        "[{\"role\":\"user\",\"content\":\"\"},{\"type\":\"human\",\"data\":{\"content\":\"x\"}}]",
        "{\"1\":1, \"2\" : { } , \"3\" :[ ] }",
        "\xef\xbb\xbf{\"role\":\"user\",\"content\":\"a\"}",
    };
    size_t page_size = (size_t)getpagesize();
    char *page = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct buf got = { 0 };

    ck_assert(page != MAP_FAILED);
    ck_assert_int_eq(mprotect(page + page_size, page_size, PROT_NONE), 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t n = 0; n <= strlen(texts[i]); n++) {
            struct str cut = at_the_edge(page, page_size, str_of(texts[i], n));

            if (chat_each(cut, show, &got)) ck_assert_msg(json_valid(cut, NULL), "%.*s", (int)cut.n, cut.p);
        }
    }
    /* whole, the first also without its last blank */
    expect_str(buf_str(&got), STR("user|a\n\xc3\xa9\xf0\x9f\x98\x80|{\"n\":[1,-2.5e+3,true,false,null]}\n"
                                  "user|a\n\xc3\xa9\xf0\x9f\x98\x80|{\"n\":[1,-2.5e+3,true,false,null]}\n"
                                  "user||\nuser|x|{\"type\":\"human\"}"));
    munmap(page, 2 * page_size);
    buf_fini(&got);
}
END_TEST

/* cJSON may refuse a number of more than 63 characters (then the text is content as it is); what it takes is told as
 * it was written. */
START_TEST(numbers_of_any_length_stay_as_they_are)
{
    struct buf text = { 0 }, got = { 0 };
    size_t from;

    buf_add_c(&text, "{\"role\":\"user\",\"content\":\"x\",");
    from = text.n;
    buf_add_c(&text, "\"n\":1");
    for (int i = 0; i < 100; i++) buf_add_char(&text, '0');
    buf_add_c(&text, "}");
    if (chat_each(buf_str(&text), show, &got)) {
        ck_assert_uint_gt(got.n, text.n - from);
        expect_str(str_of(got.p + got.n - (text.n - from), text.n - from), str_of(text.p + from, text.n - from));
    }
    expect("{\"role\":\"user\",\"content\":\"x\",\"n\":1e400}", "user|x|{\"n\":1e400}");
    buf_fini(&text);
    buf_fini(&got);
}
END_TEST

/* Objects of many members, and nesting as deep as may be, cost no more than their length. */
START_TEST(large_texts_are_read_in_linear_time)
{
    struct buf text = { 0 }, got = { 0 };

    buf_add_char(&text, '[');
    for (int i = 0; i < 20000; i++)
        buf_printf(&text, "%s{\"role\":\"user\",\"content\":\"message %d\",\"n\":%d}", i ? "," : "", i, i);
    buf_add_char(&text, ']');
    ck_assert(chat_each(buf_str(&text), show, &got));
    buf_clear(&text);
    buf_add_c(&text, "{\"role\":\"user\",\"content\":\"x\"");
    for (int i = 0; i < 100000; i++) buf_printf(&text, ",\"m%d\":%d", i, i);
    buf_add_char(&text, '}');
    ck_assert(!chat_each(buf_str(&text), show, &got));
    buf_clear(&text);
    for (int i = 0; i < 1 << 20; i++) buf_add_c(&text, "[{");
    ck_assert(!chat_each(buf_str(&text), show, &got));
    buf_clear(&text);
    /* a message, but a tree of it would take 200 MB */
    buf_add_c(&text, "[{\"role\":\"user\",\"content\":\"x\",\"n\":[0");
    for (int i = 0; i < 3 << 20; i++) buf_add_c(&text, ",0");
    buf_add_c(&text, "]}]");
    ck_assert(!chat_each(buf_str(&text), show, &got));
    buf_fini(&text);
    buf_fini(&got);
}
END_TEST

UNIT_MAIN("archive_chat", openai_messages, langchain_messages, llama_index_and_other_messages, arrays_and_what_holds_them,
          all_else_is_left_alone, a_text_that_is_cut_anywhere_is_not_read_beyond_its_end,
          numbers_of_any_length_stay_as_they_are, large_texts_are_read_in_linear_time)

#include "tests/unit/search/query_rig.h"

static struct search_index *ix;

static void set_up(void)
{
    ix = rig_default();
}

static void tear_down(void)
{
    index_free(&ix);
}

#define explains(query, want) ck_assert_str_eq(rig_explain(ix, query, NULL), want)
#define explains_with(query, want, ...) ck_assert_str_eq(rig_explain(ix, query, __VA_ARGS__, NULL), want)
/* Two ways to say the same. */
#define same(a, b) \
    do { \
        char *first = strdup(rig_explain(ix, a, NULL)); \
        ck_assert_msg(first[0] != '!', "%s", first); \
        ck_assert_str_eq(rig_explain(ix, b, NULL), first); \
        free(first); \
    } while (0)

#define BLOB "\1\2\3\4\5\6\7\10"

START_TEST(words_are_anded_and_stemmed)
{
    explains("hello", "UNION {\n  hello\n  +hello(expanded)\n}\n");
    explains("@body:candies", "@body:UNION {\n  @body:candies\n  @body:+candi(expanded)\n  @body:candi(expanded)\n}\n");
    explains("@plain:candies", "@plain:candies\n");
    explains("@body|plain:candies",
             "@body|plain:UNION {\n  @body|plain:candies\n  @body:+candi(expanded)\n  @body:candi(expanded)\n}\n");
    explains("@plain:(red blue)", "INTERSECT {\n  @plain:red\n  @plain:blue\n}\n");
    explains("@plain:red @plain:blue | @plain:green",
             "UNION {\n  INTERSECT {\n    @plain:red\n    @plain:blue\n  }\n  @plain:green\n}\n");
}
END_TEST

START_TEST(a_query_of_all_kinds_is_told_as_redisearch_tells_it)
{
    explains("(hello world) \"what what\" (hello|world) (@n:[10 100]|@n:[200 300])",
             "INTERSECT {\n  UNION {\n    hello\n    +hello(expanded)\n  }\n  UNION {\n    world\n    +world(expanded)\n  }\n"
             "  EXACT {\n    what\n    what\n  }\n  UNION {\n    UNION {\n      hello\n      +hello(expanded)\n    }\n"
             "    UNION {\n      world\n      +world(expanded)\n    }\n  }\n  UNION {\n    NUMERIC {10.000000 <= @n <= 100.000000}\n"
             "    NUMERIC {200.000000 <= @n <= 300.000000}\n  }\n}\n");
    explains_with("* => [KNN $k @h $B EF_RUNTIME 100]",
                  "VECTOR {K=10 nearest vectors to `$B` in vector index associated with field @h, EF_RUNTIME = 100, yields distance as "
                  "`__h_score`}\n", "k", "10", "B", BLOB);
    explains_with("@h:[VECTOR_RANGE $r $B]=>{$epsilon: 1.2; $yield_distance_as:dist}",
                  "VECTOR {Vectors that are within 0.1 distance radius from `$B` in vector index associated with field @h, epsilon = "
                  "1.2, yields distance as `dist`}\n", "r", "0.1", "B", BLOB);
    explains_with("(@plain:hello) => [KNN 3 @v $B AS near]",
                  "VECTOR {\n  @plain:hello\n} => {K=3 nearest vectors to `$B` in vector index associated with field @v, yields distance as "
                  "`near`}\n", "B", BLOB);
    explains("", "<empty>\n");
    explains("*", "<WILDCARD>\n");
    explains("(*)", "<WILDCARD>\n");
}
END_TEST

START_TEST(what_a_sign_binds)
{
    explains("-@plain:a1 @plain:b1", "INTERSECT {\n  NOT{\n    @plain:a1\n  }\n  @plain:b1\n}\n");
    explains("~@plain:a1", "OPTIONAL{\n  @plain:a1\n}\n");
    same("--@plain:a1", "@plain:a1");
    same("-(-(@plain:a1))", "@plain:a1");
    explains("@plain:(a1 -b1)", "INTERSECT {\n  @plain:a1\n  NOT{\n    @plain:b1\n  }\n}\n");
    explains("@plain:a1 | -@plain:b1", "UNION {\n  @plain:a1\n  NOT{\n    @plain:b1\n  }\n}\n");
    explains("@plain:a1=>{$weight: 2.5}", "@plain:a1 => { $weight: 2.5; }\n");
    same("@plain:a1 => { $weight:2.5; }", "@plain:a1=>{$weight: 2.5}");
    same("@plain:a1 AND @plain:b1", "@plain:a1 @plain:b1");
    same("(@plain:a1) AND (@n:[1 2])", "@plain:a1 @n:[1 2]");
}
END_TEST

START_TEST(stop_words_are_dropped)
{
    same("@plain:the @plain:cat", "@plain:cat");
    same("@plain:(the cat)", "@plain:cat");
    explains("the", "<empty>\n");
    explains("-the", "<empty>\n");
    same("@plain:\"the cat\"", "@plain:\"cat\"");
}
END_TEST

START_TEST(parts_of_words)
{
    explains("@plain:foo*", "@plain:PREFIX{foo*}\n");
    explains("@plain:*foo", "@plain:SUFFIX{*foo}\n");
    explains("@plain:*foo*", "@plain:INFIX{*foo*}\n");
    explains("@plain:w'f?o*'", "@plain:WILDCARD{f?o*}\n");
    explains("@plain:%foo%", "@plain:FUZZY{foo}\n");
    explains("@plain:%%%foo%%%", "@plain:FUZZY{foo}\n");
    explains("%%%%foo%%%%", "!Syntax error at offset 3 near ");
    explains_with("@plain:$p*", "@plain:PREFIX{foo*}\n", "p", "Foo");
    explains_with("@plain:*$p*", "@plain:INFIX{*foo*}\n", "p", "Foo");
    explains_with("@plain:%$p%", "@plain:FUZZY{foo}\n", "p", "Foo");
    explains("@plain:FOO*", "@plain:PREFIX{foo*}\n");
}
END_TEST

START_TEST(an_escaped_word_is_also_searched_for_by_its_parts)
{
    explains("@plain:a1\\.b1", "UNION {\n  @plain:a1.b1\n  @plain:EXACT {\n    @plain:a1\n    @plain:b1\n  }\n}\n");
    explains("@plain:a1\\.b1*", "UNION {\n  @plain:PREFIX{a1.b1*}\n  @plain:EXACT {\n    @plain:a1\n    @plain:PREFIX{b1*}\n  }\n}\n");
    explains("@plain:a1-b1", "INTERSECT {\n  @plain:a1\n  UNION {\n    b1\n    +b1(expanded)\n  }\n}\n");
    explains("@plain:(a1-b1)", "INTERSECT {\n  @plain:a1\n  @plain:b1\n}\n");
    explains("@plain:(don't)", "INTERSECT {\n  @plain:don\n  @plain:t\n}\n");
}
END_TEST

START_TEST(the_beginning_of_a_phrase_has_words_as_documents_have_them)
{
    explains("@plain:\"fox of the for\"*", "UNION {\n  @plain:PREFIX{fox of the for*}\n  @plain:EXACT {\n    @plain:fox\n    @plain:PREFIX{for*}\n  }\n}\n");
    explains("@plain:*\"of the fox\"", "UNION {\n  @plain:SUFFIX{*of the fox}\n  @plain:EXACT {\n    @plain:SUFFIX{*of}\n    @plain:fox\n  }\n}\n");
    explains("@plain:\"tom!\"*", "UNION {\n  @plain:PREFIX{tom!*}\n  @plain:tom\n}\n");
    explains("@plain:o’brie*", "@plain:PREFIX{o’brie*}\n"); /* what is not ASCII parts nothing */
    explains("@plain:*’brien", "@plain:SUFFIX{*’brien}\n");
    explains("@plain:tom\U0001f389*", "@plain:PREFIX{tom\U0001f389*}\n");
    explains("@plain:\U0001f389*", "@plain:PREFIX{\U0001f389*}\n");
    explains("@plain:x\\.o’b\\-c*", "UNION {\n  @plain:PREFIX{x.o’b-c*}\n  @plain:EXACT {\n    @plain:x\n    @plain:o’b\n    @plain:PREFIX{c*}\n  }\n}\n");
}
END_TEST

START_TEST(tags_are_taken_as_they_stand)
{
    explains("@tags:{ red | light blue }", "TAG:@tags {\n  red\n  light blue\n}\n");
    explains("@tags:{550e8400-e29b-41d4-a716-446655440000}", "TAG:@tags {\n  550e8400-e29b-41d4-a716-446655440000\n}\n");
    explains("@tags:{who@example.com|a/b:c}", "TAG:@tags {\n  who@example.com\n  a/b:c\n}\n");
    same("@tags:{a\\-b\\@c}", "@tags:{a-b@c}");
    explains("@tags:{a\\|b\\}}", "TAG:@tags {\n  a|b}\n}\n");
    explains("@tags:{\"a|b\"|'c}'}", "TAG:@tags {\n  a|b\n  c}\n}\n");
    explains("@tags:{foo*|*bar|*mid*|w'f?o'}", "TAG:@tags {\n  PREFIX{foo*}\n  SUFFIX{*bar}\n  INFIX{*mid*}\n  WILDCARD{f?o}\n}\n");
    explains("@tags:{a\\*}", "TAG:@tags {\n  a*\n}\n");
    explains_with("@tags:{$a|$b*}", "TAG:@tags {\n  x|y\n  PREFIX{z*}\n}\n", "a", "x|y", "b", "z");
    explains("@e:{\"\"}", "TAG:@e {\n  \"\"\n}\n");
    explains("@tags:{\"\"}", "!Use `INDEXEMPTY` in field creation in order to index and query for empty strings");
    explains("@tags:{}", "!Syntax error at offset 7 near tags");
    explains("@tags:{a", "!Syntax error at offset 8 near a");
    explains("@a.b-c:{x}", "TAG:@a.b-c {\n  x\n}\n");
    explains("@a\\.b\\-c:{x}", "TAG:@a.b-c {\n  x\n}\n");
}
END_TEST

START_TEST(numbers_and_places)
{
    explains("@n:[1 2]", "NUMERIC {1.000000 <= @n <= 2.000000}\n");
    explains("@n:[(1 (2]", "NUMERIC {1.000000 < @n < 2.000000}\n");
    explains("@n:[-inf +inf]", "NUMERIC {-inf <= @n <= inf}\n");
    explains("@n:[5]", "NUMERIC {5.000000 <= @n <= 5.000000}\n");
    same("@n:[1,2]", "@n:[1 2]");
    same("@n==5", "@n:[5 5]");
    same("@n == 5", "@n:[5 5]");
    same("@n>=3", "@n:[3 inf]");
    same("@n > 3", "@n:[(3 inf]");
    same("@n<3 @m<=-4.5e1", "@n:[-inf (3] @m:[-inf -45]");
    same("@n!=3", "-@n:[3 3]");
    explains_with("@n:[$a ($b]", "NUMERIC {-1.000000 <= @n < 7.000000}\n", "a", "-1", "b", "7");
    explains_with("@n:[-$a $a]", "NUMERIC {-1.000000 <= @n <= 1.000000}\n", "a", "1");
    explains_with("@n>=$a", "NUMERIC {1.000000 <= @n <= inf}\n", "a", "1");
    explains_with("@n:[$a 2]", "!Invalid numeric value (x) for parameter `a`", "a", "x");
    explains("@n:[$a 2]", "!No such parameter `a`");
    explains("@n:[a 2]", "!Syntax error at offset 4 near a");
    explains("@n:[1 2 3]", "!Syntax error at offset 4 near 1");
    explains("@place:[1.5 -2 10 km]", "GEO place:{1.500000,-2.000000 --> 10000.000000 m}\n");
    explains("@place:[1.5 -2 10 parsec]", "!Invalid GeoFilter unit");
    explains("@place:[1.5 -99 10 km]", "!Invalid GeoFilter lat/lon");
    explains("@place:[1.5 -9 0 km]", "!Invalid GeoFilter radius");
    explains_with("@place:[$x $y $r $u]", "GEO place:{1.000000,2.000000 --> 3.000000 m}\n", "x", "1", "y", "2", "r", "3", "u", "m");
}
END_TEST

START_TEST(fields_have_to_be_there_and_of_the_type)
{
    explains("@nope:{a}", "!Unknown field at offset 0 near nope");
    explains("hello @nope:{a}", "!Unknown field at offset 6 near nope");
    explains("@n:{a}", "!Expected a TAG field at offset 0 near n");
    explains("@tags:hello", "!Expected a TEXT field at offset 0 near tags");
    explains("@tags:[1 2]", "!Expected a NUMERIC field at offset 0 near tags");
    explains("@tags==1", "!Expected a NUMERIC field at offset 0 near tags");
    explains("@n:[1 2 3 km]", "!Expected a GEO field at offset 0 near n");
    explains("@n:[VECTOR_RANGE 1 $b]", "!Expected a VECTOR field at offset 0 near n");
    explains("@title|n:x", "!Expected a TEXT field at offset 7 near n");
    explains("ismissing(@gone)", "ISMISSING{gone}\n");
    explains("ismissing(@n)", "!'ismissing' requires defining the field with 'INDEXMISSING' at offset 10 near n");
}
END_TEST

START_TEST(vectors_have_to_fit)
{
    explains("*=>[KNN 3 @v $b]", "!No such parameter `b`");
    explains_with("*=>[KNN 3 @v $b]", "!Error parsing vector similarity query: query vector blob size (3) does not match index's expected size (8).",
                  "b", "abc");
    explains_with("*=>[KNN x @v $b]", "!Syntax error at offset 4 near x", "b", BLOB);
    explains_with("*=>[KNN $k @v $b]", "!Invalid numeric value (-1) for parameter `k`", "b", BLOB, "k", "-1");
    explains_with("*=>[KNN 3 @n $b]", "!Expected a VECTOR field at offset 4 near n", "b", BLOB);
    explains_with("*=>[NNK 3 @v $b]", "!Syntax error: Expecting Vector Similarity command at offset 4 near NNK", "b", BLOB);
    explains_with("@v:[VECTOR_RANGE -1 $b]", "!Error parsing vector similarity query: negative radius (-1) given in a range query", "b", BLOB);
    explains_with("*=>[KNN 2 @v $b EF_RUNTIME 5]", "!Error parsing vector similarity parameters: Invalid option", "b", BLOB);
    explains_with("*=>[KNN 2 @h $b EF_RUNTIME -42]", "!Error parsing vector similarity parameters: Invalid value was given", "b", BLOB);
    explains_with("*=>[KNN 2 @h $b EF_RUNTIME 5 EF_RUNTIME 6]",
                  "!Error parsing vector similarity parameters: Parameter was specified twice", "b", BLOB);
    explains_with("*=>[KNN 2 @h $b]=>{$EF_RUNTIME: 5; $EF_RUNTIME: 6;}",
                  "!Error parsing vector similarity parameters: Parameter was specified twice", "b", BLOB);
    explains_with("*=>[KNN 2 @v $b HYBRID_POLICY BATCHES]",
                  "!Error parsing vector similarity parameters: hybrid query attributes were sent for a non-hybrid query", "b", BLOB);
    explains_with("@n:[1 2]=>[KNN 2 @v $b HYBRID_POLICY ADHOC_BF BATCH_SIZE 100]",
                  "!Error parsing vector similarity parameters: 'batch size' is irrelevant for 'ADHOC_BF' policy", "b", BLOB);
    explains_with("*=>[KNN 2 @h $b]=>{$EPSILON: 0.1}",
                  "!Error parsing vector similarity parameters: range query attributes were sent for a non-range query", "b", BLOB);
    explains_with("*=>[KNN 2 @v $b AS x]=>{$yield_distance_as: y}",
                  "!Distance field was specified twice for vector query: x and y", "b", BLOB);
    explains_with("@n:[1 2] @tags:{a} =>[ knn 2 @v $b as d ]",
                  "VECTOR {\n  INTERSECT {\n    NUMERIC {1.000000 <= @n <= 2.000000}\n    TAG:@tags {\n      a\n    }\n  }\n} => {K=2 nearest "
                  "vectors to `$b` in vector index associated with field @v, yields distance as `d`}\n", "b", BLOB);
}
END_TEST

START_TEST(words_near_each_other)
{
    explains("@plain:(a1 b1)=>{$slop:2; $inorder:true}",
             "INTERSECT {\n  @plain:INTERSECT {\n    @plain:a1\n    @plain:b1\n  }\n} => { $slop: 2; $inorder: true; }\n");
    explains("@plain:a1=>{$slop:x}", "!Invalid value (x) for `slop`");
    explains("@plain:a1=>{$what:1}", "!Invalid attribute what");
}
END_TEST

START_TEST(an_index_without_words_is_asked_for_words)
{
    struct search_index *other = rig_index("i SCHEMA g TAG");

    ck_assert_str_eq(rig_explain(other, "the \"cat sat\" %x% y*", NULL),
                     "INTERSECT {\n  the\n  EXACT {\n    cat\n    sat\n  }\n  FUZZY{x}\n  PREFIX{y*}\n}\n");
    index_free(&other);
}
END_TEST

START_TEST(a_wrapped_query_is_what_is_inside)
{
    same("'@n:[1 2] @plain:a1'", "@n:[1 2] @plain:a1");
    same(" '@tags:{a}' ", "@tags:{a}");
    explains("'red blue'", "EXACT {\n  red\n  blue\n}\n");
}
END_TEST

START_TEST(what_makes_no_sense_is_told_where)
{
    explains("foo (", "!Syntax error at offset 4 near foo");
    explains("foo)", "!Syntax error at offset 3 near foo");
    explains("foo | ", "!Syntax error at offset 4 near foo");
    explains("| foo", "!Syntax error at offset 0 near ");
    explains("@n", "!Syntax error at offset 0 near n");
    explains("@n:", "!Expected a TEXT field at offset 0 near n");
    explains("\"unclosed", "!Syntax error at offset 0 near ");
    explains("@title:(a1 @n:[1 2])", "!Syntax error at offset 11 near n");
    explains("foo => [bar]", "!Syntax error: Expecting Vector Similarity command at offset 8 near bar");
}
END_TEST

START_TEST(depth_is_bounded)
{
    struct buf q = { 0 };

    for (int i = 0; i < 40; i++) buf_add_c(&q, "(");
    buf_add_c(&q, "@plain:x1");
    for (int i = 0; i < 40; i++) buf_add_c(&q, ")");
    buf_add_char(&q, '\0');
    explains(q.p, "@plain:x1\n");
    buf_clear(&q);
    for (int i = 0; i < 100000; i++) buf_add_c(&q, i % 2 ? "(" : "-");
    buf_add_char(&q, '\0');
    explains(q.p, "!Parser stack overflow. Try moving nested parentheses more to the left");
    buf_clear(&q);
    for (int i = 0; i < QUERY_PARTS_MAX; i++) buf_add_c(&q, "x1|");
    buf_add_c(&q, "x1");
    buf_add_char(&q, '\0');
    explains(q.p, "!The query has more than 32768 parts. Ask in several queries.");
    buf_fini(&q);
}
END_TEST

UNIT_MAIN_AROUND("query", set_up, tear_down, words_are_anded_and_stemmed, a_query_of_all_kinds_is_told_as_redisearch_tells_it,
                 what_a_sign_binds, stop_words_are_dropped, parts_of_words, an_escaped_word_is_also_searched_for_by_its_parts,
                 the_beginning_of_a_phrase_has_words_as_documents_have_them,
                 tags_are_taken_as_they_stand, numbers_and_places, fields_have_to_be_there_and_of_the_type, vectors_have_to_fit,
                 words_near_each_other, an_index_without_words_is_asked_for_words, a_wrapped_query_is_what_is_inside, what_makes_no_sense_is_told_where, depth_is_bounded)

"""PHONETIC: words of a TEXT field are found by those that sound like them."""
import pytest
import redis
from redis.commands.search.field import TextField
from redis.commands.search.query import Query

from resp import Err, OK
from server import wait_for

pytestmark = pytest.mark.memd_only


def found(c, *query):
    return sorted(c("FT.SEARCH", "idx", *query, "NOCONTENT")[1:])


def fill(c):
    assert c("FT.CREATE", "idx", "PREFIX", 1, "d:", "SCHEMA", "name", "TEXT", "PHONETIC", "dm:en", "plain", "TEXT", "n", "NUMERIC") == OK
    for i, name in enumerate(["Jon Smith", "John Jones", "Philip Schmidt", "Filip Smyth", "jo 2015"]):
        assert c("HSET", "d:%d" % i, "name", name, "plain", "John Smith") == 2


def test_words_that_sound_alike_are_found(c):
    fill(c)
    assert found(c, "@name:john") == found(c, "@name:Jon") == [b"d:0", b"d:1"]
    assert found(c, "@name:smith") == [b"d:0", b"d:3"] and found(c, "@name:smyth jon") == [b"d:0"]
    assert found(c, "@name:phillip") == [b"d:2", b"d:3"]
    assert found(c, "smyth") == [b"d:0", b"d:3"]  # plain is no phonetic field
    assert found(c, "@plain:smyth") == [] and len(found(c, "@plain:smith")) == 5
    assert found(c, "@name|plain:smyth") == [b"d:0", b"d:3"] and found(c, "smyth", "INFIELDS", 1, "plain") == []
    assert found(c, "@name:04") == found(c, "@name:jojo") == []  # no letters; and two letters have no sound of their own
    assert found(c, "@name:jo") == [b"d:4"]
    c("HSET", "d:0", "name", "Ann")
    assert found(c, "@name:john") == [b"d:1"]
    c("DEL", "d:1")
    assert found(c, "@name:john") == []
    assert c("DEBUG", "CHECK") == OK


def test_what_is_said_exactly_is_found_exactly(c):
    fill(c)
    for query in ('@name:"jhon"', "@name:jhon*", "@name:*jhon", "@name:%xjhon%", "@name:w'jh?n'", '@name:"jhon smith"'):
        assert found(c, query) == [], query
    assert found(c, "@name:jhon") == [b"d:0", b"d:1"] and found(c, "@name:jhon", "VERBATIM") == []
    assert found(c, '@name:(smyth jhon)=>{$slop: 0}') == [b"d:0"]
    assert found(c, '@name:(smyth jhon)=>{$slop: 0; $inorder: true}') == []


def test_a_query_says_whether_it_wants_them(c):
    fill(c)
    assert found(c, "@name:jhon=>{$phonetic: true}") == found(c, "jhon=>{$phonetic:1}") == [b"d:0", b"d:1"]
    assert found(c, "@name:jhon=>{$phonetic: false}") == [] and found(c, "@name:john=>{$phonetic: false}") == [b"d:1"]
    assert found(c, "(@name:jhon @name:smyth)=>{$phonetic: false}") == []
    assert found(c, "(@name:jhon=>{$phonetic: true} @name:smith)=>{$phonetic: false}") == [b"d:0"]  # what is said within counts
    assert found(c, "@name:jhon=>{$phonetic: false} | @name:philip") == [b"d:2", b"d:3"]
    assert found(c, "@name:jhon=>{$phonetic: $how}", "PARAMS", 2, "how", "false", "DIALECT", 2) == []
    assert found(c, "@n:[1 2]=>{$phonetic: true}") == []
    for how in ("true", "false"):
        assert c("FT.SEARCH", "idx", "@plain:john=>{$phonetic: %s}" % how) == Err("field does not support phonetics")
        assert c("FT.AGGREGATE", "idx", "@plain:john=>{$phonetic: %s}" % how) == Err("field does not support phonetics")
    assert c("FT.SEARCH", "idx", "@name:john=>{$phonetic: maybe}") == Err("Invalid value (maybe) for `phonetic`")


def test_the_word_itself_comes_first(c):
    assert c("FT.CREATE", "idx", "SCHEMA", "name", "TEXT", "PHONETIC", "dm:en") == OK
    for i, name in enumerate(["jon", "john", "joan", "jean"]):
        c("HSET", "d:%d" % i, "name", name)
    total, first, *others = c("FT.SEARCH", "idx", "john", "WITHSCORES", "NOCONTENT")
    assert total == 4 and first == b"d:1"
    scores = [float(s) for s in others[0::2]]
    assert scores[0] > scores[1] == scores[2] == scores[3] > 0


def test_they_are_marked_and_explained(c):
    fill(c)
    reply = c("FT.SEARCH", "idx", "@name:jhon", "HIGHLIGHT", "FIELDS", 2, "name", "plain", "RETURN", 2, "name", "plain", "SORTBY", "name")
    assert reply[2::2] == [[b"name", b"<b>John</b> Jones", b"plain", b"John Smith"], [b"name", b"<b>Jon</b> Smith", b"plain", b"John Smith"]]
    reply = c("FT.SEARCH", "idx", "@name:jhon=>{$phonetic: false} | @name:jones", "HIGHLIGHT", "RETURN", 1, "name")
    assert reply[2::2] == [[b"name", b"John <b>Jones</b>"]]
    assert c("FT.EXPLAIN", "idx", "@name:jhon") == b"@name:UNION {\n  @name:jhon\n  @name:<JN(expanded)\n  @name:+jhon(expanded)\n}\n"
    assert b"<" not in c("FT.EXPLAIN", "idx", "@name:jhon=>{$phonetic: false}") and b"<" not in c("FT.EXPLAIN", "idx", "@plain:jhon")
    assert found(c, "@name:<JN") == found(c, "@name:JN") == [b"d:0", b"d:1"]  # codes are no words
    assert found(c, b"@name:\xfeJN") == found(c, b"@plain:\xffjohn") == []
    reply = c("FT.AGGREGATE", "idx", "@name:jhon", "LOAD", 1, "@name", "APPLY", "matched_terms()", "AS", "m", "SORTBY", 1, "@name")
    assert [row[-1] for row in reply[1:]] == [[b"jhon"], [b"jhon"]]


def test_an_index_may_get_such_a_field_later(c):
    assert c("FT.CREATE", "idx", "SCHEMA", "plain", "TEXT") == OK
    c("HSET", "d:1", "plain", "john", "name", "jon")
    assert c("FT.SEARCH", "idx", "john=>{$phonetic: true}") == Err("field does not support phonetics")
    assert found(c, "jhon") == []
    assert c("FT.ALTER", "idx", "SCHEMA", "ADD", "name", "TEXT", "PHONETIC", "dm:fr", "NOSTEM") == OK
    wait_for(lambda: found(c, "jhon") == [b"d:1"])
    assert found(c, "@plain:jhon") == [] and found(c, "@name:jhon=>{$phonetic: true}") == [b"d:1"]
    assert c("DEBUG", "CHECK") == OK


@pytest.mark.parametrize("wrong", ["something", "kk:tt", "dm:tt", "ll:en", "dm:e", "dm:EN", ""])
def test_a_matcher_is_one_of_four(c, wrong):
    reply = c("FT.CREATE", "idx", "SCHEMA", "name", "TEXT", "PHONETIC", wrong)
    assert isinstance(reply, Err) and "Matcher Format: <2 chars algorithm>:<2 chars language>" in str(reply)


def test_texts_of_json_and_of_other_alphabets(c):
    assert c("FT.CREATE", "idx", "ON", "JSON", "LANGUAGE", "chinese", "SCHEMA", "$.names[*]", "AS", "name", "TEXT", "PHONETIC", "dm:es") == OK
    c("JSON.SET", "d:1", "$", '{"names": ["Núñez", "北京"]}')
    assert found(c, "@name:nunes") == [b"d:1"] and found(c, "@name:北京") == [b"d:1"] and found(c, "@name:上海") == []
    c("JSON.SET", "d:1", "$.names[0]", '"Gómez"')
    assert found(c, "@name:nunes") == [] and found(c, "@name:gomes") == [b"d:1"]
    assert found(c, "@name:" + "a" * 70000) == []
    assert c("DEBUG", "CHECK") == OK


@pytest.mark.parametrize("aof", ["yes", "no"])
def test_it_is_so_after_a_restart(start, aof):
    s = start(appendonly=aof, save="3600 1", enable_debug_command="yes")
    c = s.conn()
    fill(c)
    if aof == "no":
        assert c("SAVE") == OK
    s.restart(kill=aof == "yes")
    c = s.conn()
    assert found(c, "@name:jhon") == [b"d:0", b"d:1"]
    assert c("DEBUG", "CHECK") == OK


def test_each_word_and_its_sound_are_found_by_one_record(c):
    def records(*options):
        assert c("FT.CREATE", "idx", "SCHEMA", "name", "TEXT", "NOSTEM", *options) == OK
        for i in range(100):
            assert c("HSET", "d:%d" % i, "name", "word%d another of them%d ab" % (i, i)) == 1
        assert c("FT.SEARCH", "idx", "another", "LIMIT", 0, 0) == [100]
        info = c("FT.INFO", "idx")
        info = dict(zip(info[::2], info[1::2]))
        assert c("FT.DROPINDEX", "idx", "DD") == OK
        return int(info[b"num_terms"]), int(info[b"num_records"])

    assert records() == (202, 400)
    assert records("PHONETIC", "dm:pt") == (202, 700)  # "ab" is too short to have one
    assert c("DEBUG", "CHECK") == OK


def test_redis_py_makes_and_asks_one(server):
    r = redis.Redis(port=server.port, decode_responses=True)
    r.flushall()
    index = r.ft("names")
    assert index.create_index([TextField("name", phonetic_matcher="dm:en"), TextField("plain")])
    r.hset("n:1", mapping={"name": "Katherine", "plain": "Katherine"})
    assert [d.id for d in index.search(Query("@name:cathryn")).docs] == ["n:1"]
    assert index.search(Query("@plain:cathryn")).total == index.search(Query("@name:(cathryn)=>{$phonetic: false}").dialect(2)).total == 0
    index.dropindex()
    r.close()

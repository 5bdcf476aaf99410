"""What of documents, vectors, suggestions and indexes a connection does, and what must be there afterwards (as ops.py,
choose.py and oracle.py are for the rest).

    ReJSON-RL   its text                       vectorset   dict element -> (vector, attributes)
    index       (fields, synonyms)             trietype0   dict text -> (score, payload)
    alias       the index's key                dictionary  its words

Indexes, aliases and dictionaries are no keys: here they have names of keys, "~0", "~a" and "~d", which no other operation touches. What is in an index
is not in the model: after a crash the server compares it with the keys (DEBUG CHECK), and searches must find them."""
import json

import resp
from ops import Wrong

FIRST_FIELDS = (b"f0", b"f1", b"i")
JSON_FIELDS = (b"n", b"f")


# --- operations -----------------------------------------------------------------------------------------------------


def document(m, k):
    return json.loads(m.get(k, "ReJSON-RL"))


def store(m, k, value):
    m.data[k][1] = json.dumps(value, separators=(",", ":"))


def op_json_set(m, t, k, text):
    m.get(k, "ReJSON-RL", str)
    m.data[k][1] = text


def op_json_field(m, t, k, f, n):
    """JSON.SET k $.f n"""
    d = document(m, k)
    d[f] = n
    store(m, k, d)


def op_json_merge(m, t, k, n):
    """JSON.MERGE k $ {"g":n}: makes the document, too."""
    if k not in m.data:
        m.data[k] = ["ReJSON-RL", "{}", None]
    op_json_field(m, t, k, "g", n)


def op_json_incr(m, t, k, n):
    d = document(m, k)
    if "n" in d:
        d["n"] += n
    store(m, k, d)


def op_json_append(m, t, k, n):
    d = document(m, k)
    if "a" in d:
        d["a"].append(n)
    store(m, k, d)


def op_json_pop(m, t, k):
    d = document(m, k)
    del d.get("a", [])[:1]
    store(m, k, d)


def op_json_mset(m, t, a, b, text):
    if any(k in m.data and m.data[k][0] != "ReJSON-RL" for k in (a, b)):
        raise Wrong
    op_json_set(m, t, a, text)
    op_json_set(m, t, b, text)


def op_json_numbers(m, t, k):
    """JSON.NUMINCRBY k $..a..* 1"""
    d = document(m, k)
    if "a" in d:
        d["a"] = [x + 1 for x in d["a"]]
    store(m, k, d)


def op_json_del(m, t, k, f):
    d = document(m, k)
    d.pop(f, None)
    store(m, k, d)


def op_vadd(m, t, k, element, vector, attributes):
    v = m.get(k, "vectorset", dict)
    old = v.get(element, (None, None))
    v[element] = (vector, attributes if attributes is not None else old[1])


def op_vrem(m, t, k, element):
    m.get(k, "vectorset").pop(element, None)
    m.drop_empty(k)


def op_vsetattr(m, t, k, element, attributes):
    v = m.get(k, "vectorset")
    if element in v:
        v[element] = (v[element][0], attributes or None)


def op_sugadd(m, t, k, text, score, add, payload):
    d = m.get(k, "trietype0", dict)
    old = d.get(text, (0, None))
    d[text] = (score + (old[0] if add else 0), payload or old[1])


def op_sugdel(m, t, k, text):
    m.get(k, "trietype0").pop(text, None)
    m.drop_empty(k)


def op_ft_create(m, t, k, fields):
    if k in m.data:
        raise Wrong
    m.data[k] = ["index", (fields, frozenset()), None]


def op_ft_alter(m, t, k, field):
    fields, synonyms = m.get(k, "index")
    if field in fields:
        raise Wrong
    m.data[k][1] = (fields + (field,), synonyms)


def op_ft_synonyms(m, t, k, group, word):
    fields, synonyms = m.get(k, "index")
    m.data[k][1] = (fields, synonyms | {(word, group)})


def op_ft_drop(m, t, k):
    m.get(k, "index")
    for name in [name for name, e in m.data.items() if e[0] == "alias" and e[1] == k]:
        del m.data[name]
    del m.data[k]


def op_ft_alias(m, t, name, k, replace):
    m.get(k, "index")
    if name in m.data and not replace:
        raise Wrong
    m.data[name] = ["alias", k, None]


def op_ft_alias_del(m, t, name):
    m.get(name, "alias")
    del m.data[name]


def op_dict_add(m, t, k, *words):
    m.get(k, "dictionary", set).update(words)


def op_dict_del(m, t, k, *words):
    m.get(k, "dictionary").difference_update(words)
    m.drop_empty(k)


# --- which comes next -------------------------------------------------------------------------------------------------


def choose_json(c):
    k, n = c.key(b"j"), c.n
    text = '{"n":%d,"a":[%s],"f":"%s"}' % (n, ",".join(map(str, range(n % 7))), "x" * (n % 90))
    return c.rng.choice([
        (op_json_set, (k, text), (k,), ("JSON.SET", k, "$", text)),
        (op_json_field, (k, "f", n), (k,), ("JSON.SET", k, "$.f", n)),
        (op_json_incr, (k, n), (k,), ("JSON.NUMINCRBY", k, "$.n", n)),
        (op_json_append, (k, n), (k,), ("JSON.ARRAPPEND", k, "$.a", n)),
        (op_json_pop, (k,), (k,), ("JSON.ARRPOP", k, "$.a", 0)),
        (op_json_merge, (k, n), (k,), ("JSON.MERGE", k, "$", '{"g":%d}' % n)),
        (op_json_del, (k, "f"), (k,), ("JSON.DEL", k, "$.f"))])


def choose_aside(c):
    """What goes aside (commands/json_docs.h): a path that looks at everything, in texts that are not short; and long texts."""
    a, b, n = c.key(b"j"), c.key(b"j"), c.n
    size = 1200 if not c.big or n % 64 else 1200 << n % 13  # to 5 MB
    text = '{"n":%d,"a":[%s],"z":"%s"}' % (n, ",".join(map(str, range(n % 7))), "z" * size)
    numbers = (op_json_numbers, (a,), (a,), ("JSON.NUMINCRBY", a, "$..a..*", 1))
    return c.rng.choice([
        numbers, numbers, numbers, (op_json_set, (a, text), (a,), ("JSON.SET", a, "$", text)),
        (op_json_mset, (a, b, text), (a, b), ("JSON.MSET", a, "$", text, b, "$", text)),
        (op_json_append, (a, n), (a,), ("JSON.ARRAPPEND", a, "$..a", n)),
        (op_json_del, (a, "z"), (a,), ("JSON.DEL", a, "$..z"))])


def choose_vectors(c):
    """Along one axis: then no quantization takes anything away."""
    kind = c.rng.choice((b"v", b"w"))
    k, element, n = c.key(kind), b"m%d" % c.rng.randrange(12), c.n
    vector = [0, 0, 0]
    vector[n % 3] = n if n % 5 else -n
    attributes = b'{"n":%d}' % n if n % 2 else None
    add = ["VADD", k, "VALUES", 3, *vector, element] + (["NOQUANT"] if kind == b"v" else []) + (["SETATTR", attributes] if attributes else [])
    more = (op_vadd, (k, element, tuple(vector), attributes), (k,), add)
    new = attributes or b""
    return c.rng.choice([more, more, more, (op_vrem, (k, element), (k,), ("VREM", k, element)),
                         (op_vsetattr, (k, element, new), (k,), ("VSETATTR", k, element, new))])


def choose_suggestions(c):
    k, text, n = c.key(b"u"), b"s%02d" % c.rng.randrange(80), c.n
    payload = b"p%d" % n if n % 3 == 0 else b""
    said = ("PAYLOAD", payload) if payload else ()
    return c.rng.choice([
        (op_sugadd, (k, text, n, False, payload), (k,), ("FT.SUGADD", k, text, n) + said),
        (op_sugadd, (k, text, n % 100, True, payload), (k,), ("FT.SUGADD", k, text, n % 100, "INCR") + said),
        (op_sugdel, (k, text), (k,), ("FT.SUGDEL", k, text))])


def choose_dictionary(c):
    k, words = c.prefix + b"~d", [b"w%d" % c.rng.randrange(12) for _ in range(c.n % 3 + 1)]
    if c.n % 5 < 3:
        return op_dict_add, (k, *words), (k,), ["FT.DICTADD", k, *words]
    return op_dict_del, (k, *words), (k,), ["FT.DICTDEL", k, *words]


def choose_index(c):
    """Of hashes ("~0") or JSON ("~1"); they are there most of the time."""
    i, r = c.n % 2, c.rng.random()
    k, name = c.prefix + b"~%d" % i, c.prefix + b"~" + (b"a", b"b")[c.n % 3 % 2]
    aliases = [c.prefix + b"~a", c.prefix + b"~b"]
    if r < 0.4:
        fields = JSON_FIELDS if i else FIRST_FIELDS
        schema = ["$.n", "AS", "n", "NUMERIC", "$.f", "AS", "f", "TAG"] if i else ["f0", "TAG", "f1", "TAG", "i", "NUMERIC"]
        return op_ft_create, (k, fields), (k,), ["FT.CREATE", k, "ON", "JSON" if i else "HASH", "PREFIX", 1,
                                                 c.prefix + (b"j" if i else b"h"), "SCHEMA"] + schema
    if r < 0.5:
        return op_ft_drop, (k,), [k] + aliases, ("FT.DROPINDEX", k)
    field, word = b"f%d" % (2 + c.n % 5), b"w%d" % (c.n % 4)
    path = b"$." + field if i else field
    return c.rng.choice([
        (op_ft_alter, (k, field), (k,), ["FT.ALTER", k, "SCHEMA", "ADD", path, "AS", field, "TAG"]),
        (op_ft_alias, (name, k, False), (name,), ("FT.ALIASADD", name, k)),
        (op_ft_alias, (name, k, True), (name,), ("FT.ALIASUPDATE", name, k)),
        (op_ft_alias_del, (name,), (name,), ("FT.ALIASDEL", name)),
        (op_ft_synonyms, (k, b"g%d" % (c.n % 2), word), (k,), ("FT.SYNUPDATE", k, "g%d" % (c.n % 2), word))])


# --- what the server holds --------------------------------------------------------------------------------------------


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


def suggestions_of(flat):
    """FT.SUGGET key "" WITHSCORES WITHPAYLOADS: all texts are of three letters, so that scores are told as their halves."""
    return {text: (round(2 * float(score)), payload) for text, score, payload in zip(flat[::3], flat[1::3], flat[2::3])}


def read_vectors(c, keys):
    """Of vector sets: key -> the model's value."""
    elements = c.pipeline([["VRANGE", k, "-", "+"] for k in keys])
    asked = [(k, e) for k, names in zip(keys, elements) for e in names]
    told = c.pipeline([q for k, e in asked for q in (["VEMB", k, e], ["VGETATTR", k, e])])
    out = {k: {} for k in keys}
    for (k, e), vector, attributes in zip(asked, told[::2], told[1::2]):
        out[k][e] = (tuple(round(float(x)) for x in vector), attributes)
    return out


def read_indexes(c):
    names = c("FT._LIST")
    told = c.pipeline([q for k in names for q in (["FT.INFO", k], ["FT.SYNDUMP", k], ["FT.ALIASLIST", k])])
    out = {}
    for k, info, synonyms, aliases in zip(names, told[::3], told[1::3], told[2::3]):
        fields = tuple(pairs(f)[b"attribute"] for f in pairs(info)[b"attributes"])
        out[k] = ["index", (fields, frozenset((w, g) for w, groups in pairs(synonyms).items() for g in groups)), -1]
        for a in aliases:
            out[a] = ["alias", k, -1]
    return out


def read_dictionaries(c, names):
    """They have no list."""
    return {k: ["dictionary", set(words), -1] for k, words in zip(names, c.pipeline([["FT.DICTDUMP", k] for k in names])) if words}


# --- what searches find -------------------------------------------------------------------------------------------------


def check_searches(c, found):
    """Do searches find just the documents that there are? found: what database 0 holds. -> how many were compared."""
    n = 0
    for k, e in found.items():
        if e[0] != "index":
            continue
        base, on_json = k.partition(b"~")[0], k.endswith(b"~1")
        kind, prefix = ("ReJSON-RL", base + b"j") if on_json else ("hash", base + b"h")
        short_lived = base + b"ht"
        docs = {d: x[1] for d, x in found.items() if x[0] == kind and d.startswith(prefix) and d != short_lived}
        rows = set(c("FT.SEARCH", k, "*", "NOCONTENT", "LIMIT", 0, 1000)[1:]) - {short_lived}
        assert rows == set(docs), "%r finds %r, there are %r" % (k, rows, set(docs))
        for d, x in docs.items():
            field, value = ("n", json.loads(x).get("n")) if on_json else ("i", x.get(b"i", [None])[0])
            if value is None:
                continue
            at = float(value)
            there = c("FT.SEARCH", k, "@%s:[%r %r]" % (field, at, at), "NOCONTENT", "LIMIT", 0, 1000)[1:]
            assert d in there, "%r does not find %r by %s = %s" % (k, d, field, at)
            n += 1
    said = c("DEBUG", "CHECK")
    assert said == resp.OK, said
    return n


READS = {"ReJSON-RL": lambda k: ["JSON.GET", k], "trietype0": lambda k: ["FT.SUGGET", k, "", "MAX", 1000, "WITHSCORES", "WITHPAYLOADS"],
         "vectorset": lambda k: ["VCARD", k]}  # a question that costs nothing; read_vectors does it
VALUES = {"ReJSON-RL": bytes.decode, "trietype0": suggestions_of, "vectorset": lambda n: {}}
WEIGHTS = [(4, choose_json), (2, choose_aside), (4, choose_vectors), (3, choose_suggestions)]
INDEX_WEIGHTS = [(3, choose_index), (1, choose_dictionary)]  # where database 0 is the connection's

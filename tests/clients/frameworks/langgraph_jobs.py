"""langgraph-checkpoint-redis: graphs whose state is kept by both savers, and the store with search."""
import operator
from typing import Annotated, TypedDict

from langgraph.checkpoint.redis import RedisSaver
from langgraph.checkpoint.redis.shallow import ShallowRedisSaver
from langgraph.graph import END, START, StateGraph
from langgraph.store.redis import RedisStore
from langgraph.types import Command, interrupt

from common import DIMS, URL, embed, ok, restart


class State(TypedDict):
    log: Annotated[list, operator.add]
    n: int


def graph(saver):
    """Two steps, the second of which asks a person."""
    def count(state):
        return {"log": ["step %d" % state["n"]], "n": state["n"] + 1}

    def ask(state):
        return {"log": [interrupt("go on?")]}

    g = StateGraph(State)
    g.add_node("count", count)
    g.add_node("ask", ask)
    g.add_edge(START, "count")
    g.add_edge("count", "ask")
    g.add_edge("ask", END)
    return g.compile(checkpointer=saver)


def thread(name):
    return {"configurable": {"thread_id": name}}


def turn(saver, name):
    app = graph(saver)
    assert "__interrupt__" in app.invoke({"log": ["in"], "n": 1}, thread(name))
    assert app.get_state(thread(name)).next == ("ask",)
    assert app.invoke(Command(resume="yes"), thread(name)) == {"log": ["in", "step 1", "yes"], "n": 2}
    return app


# Whatever a namespace is called, it has its own documents. Namespaces lie in a TEXT field and are found by its words.
NAMES = ["José", "Jose", "Jose\u0301", "tom", "tom❤️", "tom❤", "tom\U0001f468\u200d\U0001f469\u200d\U0001f467", "日本", "日本。", "Anne–Marie", "Anne—Marie",
         "ジョン・スミス", "ジョン・ポール・スミス", "O’Brien", "O'Brien", "O Brien", "山田\u3000太郎", "山田 太郎", "€5", "5€", "$5", "a b-c@d", "n" * 600 + "1", "n" * 600 + "2",
         "Ünïcödé", "“quoted”", "quoted", "a\u00a0b", "Straße", "Strasse", "x²", "x2"]


def each_alone(store):
    """Each namespace has what was put last, and no other's."""
    for name in NAMES:
        assert store.get(("people", name), "who").value["text"] == name, name
        assert [(f.namespace, f.key) for f in store.search(("people", name), filter={"text": name}, limit=50)] == [(("people", name), "who")], name
        assert ("people", name) in store.list_namespaces(prefix=("people", name)), name


def main():
    with RedisSaver.from_conn_string(URL, ttl={"default_ttl": 60, "refresh_on_read": True}) as saver:
        saver.setup()
        app = turn(saver, "2d931510-d99f-494a-8c67-87feb05e1594")
        turn(saver, "user@example.org")
        past = list(app.get_state_history(thread("user@example.org")))
        assert len(past) >= 4 and [s.values.get("n") for s in past][0] == 2
        assert len(list(saver.list(thread("user@example.org"), limit=2))) == 2
        before = past[1].config
        assert app.get_state(before).next == ("ask",)
        edited = app.update_state(before, {"log": ["edited"]})
        assert app.get_state(edited).values["log"] == ["in", "step 1", "edited"]
        ok("checkpoints")

    with ShallowRedisSaver.from_conn_string(URL) as shallow:
        shallow.setup()
        turn(shallow, "shallow-1")
        ok("shallow checkpoints")

    index = {"dims": DIMS, "embed": lambda texts: [embed(t) for t in texts], "fields": ["text"]}
    with RedisStore.from_conn_string(URL, index=index) as store:
        store.setup()
        for i, text in enumerate(("likes green tea in the morning", "plays chess on sundays", "was born in lisbon")):
            store.put(("memories", "ada-1"), "m%d" % i, {"text": text, "kind": "fact", "rank": i})
        store.put(("memories", "bob"), "m0", {"text": "likes green tea", "kind": "fact", "rank": 9})
        assert store.get(("memories", "ada-1"), "m1").value["text"] == "plays chess on sundays"
        found = store.search(("memories", "ada-1"), query="green tea", limit=2)
        assert [f.key for f in found][0] == "m0" and all(f.namespace == ("memories", "ada-1") for f in found)
        assert {f.key for f in store.search(("memories", "ada-1"), filter={"kind": "fact"})} == {"m0", "m1", "m2"}
        assert sorted(store.list_namespaces(prefix=("memories",))) == [("memories", "ada-1"), ("memories", "bob")]
        store.delete(("memories", "ada-1"), "m1")
        assert store.get(("memories", "ada-1"), "m1") is None
        ok("store")
        for again in range(2):  # putting looks for what was there, and deletes it
            for name in NAMES:
                store.put(("people", name), "who", {"text": name}, index=False)
        each_alone(store)
        store.delete(("people", "Jose"), "who")
        assert store.get(("people", "Jose"), "who") is None and store.get(("people", "José"), "who") is not None
        store.put(("people", "Jose"), "who", {"text": "Jose"}, index=False)
        ok("namespaces")

    restart()
    with RedisSaver.from_conn_string(URL) as saver:
        saver.setup()
        app = graph(saver)
        state = app.get_state(thread("2d931510-d99f-494a-8c67-87feb05e1594"))
        assert state.values == {"log": ["in", "step 1", "yes"], "n": 2}
        assert len(list(app.get_state_history(thread("user@example.org")))) > 4
        saver.delete_thread("user@example.org")
        assert list(app.get_state_history(thread("user@example.org"))) == []
    with RedisStore.from_conn_string(URL, index=index) as store:
        store.setup()
        assert store.search(("memories", "ada-1"), query="green tea", limit=1)[0].key == "m0"
        each_alone(store)
    ok("restart")


main()

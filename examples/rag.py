#!/usr/bin/env python3
"""Answers from documents (RAG): take documents in, find the passages that a question is about, keep what was said.

    examples/rag.py [--host H] [--port P] [--password X]

With plain Redis this takes a module or a second service for the search. Here passages are hashes and ARCHIVE.SEARCH finds
them by their words, the best first (bm25), whether they are in memory or have left it; sessions are lists whose rules
bound them and bring them back. examples/rag_service.py serves it over HTTP."""
import json
import re

from memd_archive import expire_now, fresh, rules, search, settle, to_json
from sessions import client

STOP = set("a an and are as at be but by can do does for from has have how i if in is it its me my no not of on or our so "
           "that the their there they this to was we what when where which who why will with you your".split())


def passages_of(text, words=120):
    """Paragraphs, short ones together and long ones cut: what is found and put into a prompt."""
    out, now = [], []
    for paragraph in re.split(r"\n\s*\n", text):
        for word in paragraph.split():
            now.append(word)
            if len(now) >= words:
                out.append(" ".join(now))
                now = []
        if len(now) >= words // 2:
            out.append(" ".join(now))
            now = []
    return out + ([" ".join(now)] if now else [])


def query_of(question):
    """Any of the question's words, each in quotes: whatever people type is text and no operator."""
    words = [w for w in re.findall(r"\w+", question.lower()) if w not in STOP]
    return " OR ".join('"%s"' % w for w in dict.fromkeys(words[:32]))


def extract(question, passages, history):
    """Where a model would write the answer from prompt(): the sentence that shares most words with the question."""
    wanted = set(re.findall(r"\w+", question.lower())) - STOP
    sentences = [s for p in passages for s in re.split(r"(?<=[.!?])\s+", p["text"])]
    best = max(sentences, key=lambda s: len(wanted & set(re.findall(r"\w+", s.lower()))), default=None)
    return best or "I have found nothing about that."


def prompt(question, passages, history):
    """What a model would be given."""
    lines = ["Answer from these passages alone:"] + ["[%s] %s" % (p["document"], p["text"]) for p in passages]
    return "\n".join(lines + ["%s: %s" % (m["role"], m["content"]) for m in history] + ["user: " + question])


class Rag:
    def __init__(self, r, answer=extract, prefix="rag:"):
        self.r, self.answer = r, answer
        self.doc, self.chat, self.names = prefix + "doc:", prefix + "chat:", prefix + "documents"
        rules(r, self.doc + "*", "archive", "evict", "recall", "read")
        rules(r, self.chat + "*", "ttl", 3600, "sliding", "yes", "maxlen", 40, "archive", "expire,evict,trim", "recall", "read")

    def ingest(self, name, text, **metadata):
        """Put a document in the place of one of that name. How many passages it has."""
        passages = passages_of(text)
        self.forget(name)
        p = self.r.pipeline(transaction=True)
        for i, passage in enumerate(passages):
            p.hset("%s%s:%d" % (self.doc, name, i), mapping={**metadata, "document": name, "text": passage})
        p.hset(self.names, name, len(passages))
        p.execute()
        return len(passages)

    def forget(self, name):
        n = int(self.r.hget(self.names, name) or 0)
        keys = ["%s%s:%d" % (self.doc, name, i) for i in range(n)]
        if keys:
            self.r.delete(*keys)
            for key in keys:
                self.r.execute_command("ARCHIVE.DROP", key)
        return self.r.hdel(self.names, name)

    def retrieve(self, question, n=3):
        """The passages that share most with the question, the best first."""
        query = query_of(question)
        found = search(self.r, query, "MATCH", self.doc + "*", "LIMIT", 0, 4 * n) if query else []
        keys = list(dict.fromkeys(row["key"] for row in found if row["field"] == "text"))[:n]
        p = self.r.pipeline(transaction=False)  # what a search shows of a long text is a part of it
        for key in keys:
            p.hmget(key, "document", "text")
        return [{"document": d.decode(), "text": t.decode()} for d, t in p.execute() if t is not None]

    def history(self, session):
        return [json.loads(m) for m in self.r.lrange(self.chat + session, 0, -1)]

    def ask(self, session, question):
        passages = self.retrieve(question)
        answer = self.answer(question, passages, self.history(session))
        self.r.rpush(self.chat + session, to_json({"role": "user", "content": question}),
                     to_json({"role": "assistant", "content": answer}))
        return {"answer": answer, "sources": [p["document"] for p in passages]}

    def end(self, session):
        return self.r.delete(self.chat + session)


HANDBOOK = """The orrery has twelve gears. Gear seven turns the moon once in 27 days.

Oil the bearings every spring with clock oil. Never use grease: it hardens in winter and the moon stops."""
VISITORS = """The museum opens at nine. School classes come free on Tuesdays and get a guide.

Tickets are sold at the north door. Dogs may not come in."""


def demo(r):
    fresh(r, "rag:*")
    rag = Rag(r)
    assert rag.ingest("handbook", HANDBOOK, year=1923) == 1 and rag.ingest("visitors", VISITORS) == 1
    assert rag.ask("ada", "Why may I not use grease?")["answer"].startswith("Never use grease")
    assert rag.ask("ada", "When do schools come?")["sources"] == ["visitors"]
    assert rag.ask("ada", "xylophone?") == {"answer": "I have found nothing about that.", "sources": []}
    assert rag.ask("ada", '"; DROP * OR -')["sources"] == [], "what people type is no operator"
    assert [m["role"] for m in rag.history("ada")] == ["user", "assistant"] * 4
    settle(r)
    expire_now(r, "rag:chat:ada")
    settle(r)
    assert len(rag.history("ada")) == 8, "an expired session comes back when it is read"
    rag.ingest("handbook", "The moon gear was replaced by brass.")
    assert rag.retrieve("grease") == [] and rag.retrieve("brass moon")[0]["document"] == "handbook"
    assert rag.forget("visitors") == 1 and rag.retrieve("tickets") == []
    print("rag: two documents, four questions, one session that came back")


if __name__ == "__main__":
    demo(client())

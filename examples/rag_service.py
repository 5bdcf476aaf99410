#!/usr/bin/env python3
"""Answers from documents over HTTP (rag.py), with all that it keeps in memd.

    PUT    /documents/NAME  {"text": "...", "metadata": {...}}  -> {"passages": n}
    DELETE /documents/NAME
    GET    /search?q=words                                      -> [{"document": ..., "text": ...}, ...]
    POST   /chat/NAME       {"content": "a question"}           -> {"answer": ..., "sources": [...]}
    GET    /chat/NAME                                           -> the messages so far
    DELETE /chat/NAME
    GET    /health

MEMD_HOST, MEMD_PORT and REDIS_PASSWORD say where memd is; PORT (8000) where to listen."""
import json
import os
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import redis

from rag import Rag

BODY_MAX = 4 << 20


class Refused(Exception):
    """status, what is wrong"""


class Handler(BaseHTTPRequestHandler):
    timeout = 30

    def answer(self, status, value):
        body = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        try:
            n = int(self.headers.get("Content-Length", "0"))
            if not 0 <= n <= BODY_MAX:
                raise Refused(413, "a body has at most %d bytes" % BODY_MAX)
            value = json.loads(self.rfile.read(n))
        except ValueError:
            raise Refused(400, "the body is JSON") from None
        if not isinstance(value, dict):
            raise Refused(400, "the body is a JSON object")
        return value

    def field(self, body, name):
        if not isinstance(body.get(name), str) or not body[name].strip():
            raise Refused(400, "%s is a text" % name)
        return body[name]

    def documents(self, method, name, _):
        if method == "PUT":
            body = self.body()
            metadata = body.get("metadata", {})
            if not isinstance(metadata, dict):
                raise Refused(400, "metadata is an object")
            kept = {k: v if isinstance(v, str) else json.dumps(v) for k, v in metadata.items()}
            return {"passages": self.server.rag.ingest(name, self.field(body, "text"), **kept)}
        if method == "DELETE":
            return {"forgotten": self.server.rag.forget(name)}
        raise Refused(405, "PUT or DELETE")

    def chat(self, method, name, _):
        if method == "POST":
            return self.server.rag.ask(name, self.field(self.body(), "content"))
        if method == "GET":
            return self.server.rag.history(name)
        if method == "DELETE":
            return {"ended": self.server.rag.end(name)}
        raise Refused(405, "GET, POST or DELETE")

    def search(self, method, name, query):
        if method != "GET" or not query.get("q"):
            raise Refused(400, "GET /search?q=words")
        return self.server.rag.retrieve(query["q"][0], 10)

    def health(self, method, name, _):
        return {"memd": self.server.rag.r.ping()}

    def serve(self):
        url = urllib.parse.urlsplit(self.path)
        parts = [urllib.parse.unquote(p) for p in url.path.split("/")[1:]]
        handlers = {("documents", 2): self.documents, ("chat", 2): self.chat, ("search", 1): self.search,
                    ("health", 1): self.health}
        try:
            handler = handlers.get((parts[0], len(parts)))
            if handler is None or not parts[-1] or len(parts[-1]) > 200:
                raise Refused(404, "no such page")
            self.answer(200, handler(self.command, parts[-1], urllib.parse.parse_qs(url.query)))
        except Refused as e:
            self.answer(e.args[0], {"error": e.args[1]})
        except redis.RedisError as e:  # memd is away, or says why not
            self.answer(503, {"error": str(e)})

    do_GET = do_PUT = do_POST = do_DELETE = serve


def main():
    server = ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Handler)
    server.rag = Rag(redis.Redis(host=os.environ.get("MEMD_HOST", "127.0.0.1"),
                                 port=int(os.environ.get("MEMD_PORT", "6379")),
                                 password=os.environ.get("REDIS_PASSWORD") or None, health_check_interval=30))
    server.serve_forever()


if __name__ == "__main__":
    main()

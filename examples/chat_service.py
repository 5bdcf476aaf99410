#!/usr/bin/env python3
"""A chat service over HTTP that keeps its sessions in memd.

    POST /chat/NAME  {"role": "user", "content": "hello"}   -> the messages of the session
    GET  /chat/NAME                                          -> the same
    DELETE /chat/NAME
    GET  /health

MEMD_HOST, MEMD_PORT and REDIS_PASSWORD say where memd is; PORT (8000) where to listen."""
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import redis

from chat_session import Sessions

sessions = Sessions(redis.Redis(host=os.environ.get("MEMD_HOST", "127.0.0.1"),
                                port=int(os.environ.get("MEMD_PORT", "6379")),
                                password=os.environ.get("REDIS_PASSWORD") or None))


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def session(self):
        parts = self.path.split("/")
        return parts[2] if len(parts) == 3 and parts[1] == "chat" and parts[2] else None

    def do_GET(self):
        if self.path == "/health":
            self.answer(200, {"memd": sessions.r.ping()})
        elif self.session():
            self.answer(200, sessions.context(self.session()))
        else:
            self.answer(404, {"error": "no such page"})

    def do_POST(self):
        try:
            message = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            role, content = str(message["role"]), str(message["content"])
        except (ValueError, KeyError, TypeError):
            self.answer(400, {"error": "a message is {\"role\": ..., \"content\": ...}"})
            return
        if self.session():
            self.answer(200, sessions.add(self.session(), role, content))
        else:
            self.answer(404, {"error": "no such page"})

    def do_DELETE(self):
        if self.session():
            sessions.end(self.session())
        self.answer(200, {})


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Handler).serve_forever()

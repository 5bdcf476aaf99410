"""The examples do what they say: each demonstrates itself against a daemon, through stock redis-py."""
import http.client
import importlib
import json
import os
import subprocess
import sys
import urllib.parse

import pytest
import server as srv

EXAMPLES = os.path.join(srv.ROOT, "examples")


@pytest.fixture
def examples(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    names = ("memd_archive", "sessions", "agents", "memory", "entries", "knowledge", "rag")
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["sessions", "agents", "memory", "entries", "knowledge", "rag"])
@pytest.mark.parametrize("appendonly", ["yes", "no"])
def test_an_example_holds_what_it_asserts(start, examples, name, appendonly):
    s = start(appendonly=appendonly)
    for _ in range(2):  # also where it has been before
        examples(name).demo(s.client())


@pytest.fixture
def service(start):
    """The service of docker-compose.yml: ask(method, path, body) gives its status and answer."""
    s = start(requirepass="secret")
    port = srv.free_port()
    env = dict(os.environ, MEMD_HOST="127.0.0.1", MEMD_PORT=str(s.port), REDIS_PASSWORD="secret", PORT=str(port))
    p = subprocess.Popen([sys.executable, os.path.join(EXAMPLES, "rag_service.py")], env=env, stderr=subprocess.DEVNULL)

    def ask(method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=srv.PATIENCE)
        try:
            c.request(method, path, body if isinstance(body, bytes) else json.dumps(body) if body is not None else None)
            r = c.getresponse()
            return r.status, json.loads(r.read())
        finally:
            c.close()

    def answers():
        try:
            return ask("GET", "/health") == (200, {"memd": True})
        except OSError:
            return False

    ask.server = s
    try:
        srv.wait_for(answers)
        yield ask
    finally:
        p.kill()
        p.wait()


def test_the_rag_service_answers_from_documents(service):
    text = "Late checkout costs ten euros.\n\nThe pool is on the roof, and it closes at ten."
    assert service("PUT", "/documents/hotel%2Frules", {"text": text, "metadata": {"stars": 4}}) == (200, {"passages": 1})
    assert service("PUT", "/documents/menu", {"text": "Soup of the day is leek."}) == (200, {"passages": 1})
    status, found = service("GET", "/search?q=" + urllib.parse.quote('where is the "pool"?'))
    assert status == 200 and [p["document"] for p in found] == ["hotel/rules"]
    assert service("POST", "/chat/ada", {"content": "What does late checkout cost?"}) == \
        (200, {"answer": "Late checkout costs ten euros.", "sources": ["hotel/rules"]})
    status, history = service("GET", "/chat/ada")
    assert [m["role"] for m in history] == ["user", "assistant"]
    assert service("DELETE", "/documents/menu") == (200, {"forgotten": 1})
    assert service("GET", "/search?q=leek") == (200, [])
    assert service("DELETE", "/chat/ada") == (200, {"ended": 1}) and service("GET", "/chat/ada") == (200, [])


def test_the_rag_service_says_what_is_wrong(service):
    for method, path, body, status in [
            ("GET", "/", None, 404), ("GET", "/chat/", None, 404), ("GET", "/chat/" + 300 * "x", None, 404),
            ("GET", "/documents/x", None, 405), ("PUT", "/chat/x", {"content": "x"}, 405), ("GET", "/search", None, 400),
            ("PUT", "/documents/x", b"no json", 400), ("PUT", "/documents/x", [1], 400), ("POST", "/chat/x", {}, 400),
            ("PUT", "/documents/x", {"text": 5}, 400), ("PUT", "/documents/x", {"text": "x", "metadata": 5}, 400)]:
        got = service(method, path, body)
        assert got[0] == status and got[1]["error"], (method, path, got)
    service.server.stop()
    status, answer = service("GET", "/chat/ada")
    assert status == 503 and answer["error"]
    service.server.settings["port"] = service.server.port
    service.server.start()
    assert service("GET", "/chat/ada") == (200, [])

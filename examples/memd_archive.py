"""What the examples share: the few commands of memd that stock Redis does not have, through redis-py as it is.

redis-py 4 speaks RESP2, in which a map comes as a flat array: pairs() makes it a dict again."""
import json


def pairs(reply):
    """A flat array of names and values as a dict with text for names."""
    if isinstance(reply, dict):
        return {text(k): v for k, v in reply.items()}
    return {text(reply[i]): reply[i + 1] for i in range(0, len(reply), 2)}


def text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def rules(client, pattern, *options):
    """NAMESPACE SET: rules for the keys that match, e.g. rules(r, "chat:*", "ttl", 3600, "sliding", "yes")."""
    return client.execute_command("NAMESPACE", "SET", pattern, *options)


def search(client, query, *options):
    """ARCHIVE.SEARCH: what is in memory and what has left it, the best first; a list of dicts."""
    return [{k: text(v) for k, v in pairs(row).items()} for row in
            pairs(client.execute_command("ARCHIVE.SEARCH", query, *options))["results"]]


def sql(client, statement, *params):
    """ARCHIVE.SQL: one SELECT over the archive; a list of dicts."""
    args = ["PARAMS", *params] if params else []
    got = pairs(client.execute_command("ARCHIVE.SQL", statement, *args))
    names = [text(c) for c in got["columns"]]
    return [dict(zip(names, map(text, row))) for row in got["rows"]]


def versions(client, key):
    """ARCHIVE.VERSIONS: what the archive has of a key, the newest first."""
    return [{k: text(v) for k, v in pairs(row).items()} for row in client.execute_command("ARCHIVE.VERSIONS", key)]


def settle(client):
    """Wait until all that has left memory so far is in the archive: for demonstrations and tests."""
    client.execute_command("ARCHIVE.FLUSH")


def expire_now(client, key):
    """Let a key expire, for demonstrations: its time is over when SCAN does not tell it any more."""
    client.pexpire(key, 1)
    while any(True for _ in client.scan_iter(match=key, count=1000)):
        pass


def fresh(client, *patterns):
    """Nothing is left of an earlier demonstration, in memory or in the archive."""
    for pattern in patterns:
        keys = list(client.scan_iter(match=pattern, count=1000))
        if keys:
            client.unlink(*keys)
        client.execute_command("ARCHIVE.DROP", "MATCH", pattern)


def to_json(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

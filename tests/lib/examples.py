"""The examples that stand in the rows of commands (commands/*.c): setup, a last command, and its reply.

    .example = "SET a 1 | GET a => $1\\r\\n1\\r\\n"
"""
import ast
import glob
import os
import re

import server as srv

_STRING = r'"(?:[^"\\]|\\.)*"'
_EXAMPLE = re.compile(r"(?:\.example\s*=|\bex\b\s*=)?\s*((?:%s\s*)+)" % _STRING)
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|(\S+)')


def _text(literals):
    return "".join(ast.literal_eval("b" + s).decode("latin-1") for s in re.findall(_STRING, literals))


def _words(command):
    """Split by blanks, with quotes as in inline requests."""
    out = []
    for quoted, bare, plain in _WORD.findall(command):
        word = ast.literal_eval('b"%s"' % quoted) if quoted or not (bare or plain) else (bare or plain).encode("latin-1")
        out.append(word)
    return out


def examples_of(text):
    """The same of lines."""
    lines = [[_words(c) for c in line.split(" | ")] for line in text.strip().splitlines()]
    return [(commands[:-1], commands[-1]) for commands in lines]


def all_examples():
    """[(list of setup commands, last command)], each a list of bytes."""
    out = []
    for path in sorted(glob.glob(os.path.join(srv.ROOT, "commands", "*.c"))):
        with open(path, encoding="utf-8") as f:
            source = f.read().replace("'\"'", "0")  # a quote that begins no string
        for literals in _EXAMPLE.findall(source):
            text = _text(literals)
            if " => " not in text:
                continue
            commands = [_words(c) for c in text.partition(" => ")[0].split(" | ")]
            out.append((commands[:-1], commands[-1]))
    return out

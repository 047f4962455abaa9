"""``%nbchat explain`` and ``fix``: ask about the last exception of the kernel."""

from __future__ import annotations

import ast
import linecache
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from types import FrameType, TracebackType
from typing import Any

from nbchat.commands import Context, Words, command
from nbchat.errors import UsageError

THREAD = "explain"
_FRAMES = 12  # of a deep traceback, so many at its end are told
_VALUE = 200  # characters of a value
_SECRET_NAME = re.compile(r"key|token|secret|passw|credential|auth|cookie", re.I)
# What keys of well-known services look like, and long runs without a blank that may be one.
_SECRET = re.compile(r"\b(sk|pk|ghp|gho|xox[a-z]|hf|AKIA)[-_A-Za-z0-9]{12,}|[A-Za-z0-9+_-]{40,}")
_CELL = re.compile(r"<ipython-input-|[\\/]ipykernel_\d+[\\/]")


@command("explain TEXT", "Ask about the last exception; the text may begin with options.")
def explain(context: Context, words: Words) -> str:
    """Ask a model what the last exception means."""
    return _ask(context, words, "Explain this error and how to mend it.", "")


@command("fix TEXT", "Ask for corrected code for the cell that failed, into a new cell.")
def fix(context: Context, words: Words) -> str:
    """Ask a model for corrected code."""
    request = "Correct this cell. Answer with the whole corrected code in one block of Python."
    return _ask(context, words, request, "--code ")


def _ask(context: Context, words: Words, request: str, options: str) -> str:
    error = getattr(sys, "last_value", None)
    if error is None:
        raise UsageError("nothing has failed in this kernel")
    said = words.text(0)
    prompt = report(error, request)
    # The later option wins, so that -t on the line chooses another thread.
    line = f"-t {THREAD} --literal {options}{said}"
    context.shell.run_cell_magic("chat", line, prompt)
    return ""


def report(error: BaseException, request: str) -> str:
    """Return a prompt about an exception: traceback, failing cell, values of the failing line."""
    parts = [request, f"```\n{masked(_traceback(error))}\n```"]
    frame, line = _failing(error.__traceback__)
    if frame is not None:
        source = "".join(linecache.getlines(frame.f_code.co_filename))
        parts.append(f"The cell:\n\n```python\n{masked(source.rstrip())}\n```")
        values = dict(_values(frame, linecache.getline(frame.f_code.co_filename, line)))
        if values:
            rows = "\n".join(f"{name} = {value}" for name, value in values.items())
            parts.append(f"Values in the failing line:\n\n```\n{rows}\n```")
    return "\n\n".join(parts)


def _traceback(error: BaseException) -> str:
    lines = traceback.TracebackException.from_exception(error, limit=-_FRAMES).format()
    return "".join(lines).rstrip()


def _failing(trace: TracebackType | None) -> tuple[FrameType | None, int]:
    """The innermost frame that is code of a cell, and its line."""
    found: tuple[FrameType | None, int] = (None, 0)
    while trace is not None:
        if _CELL.search(trace.tb_frame.f_code.co_filename):
            found = (trace.tb_frame, trace.tb_lineno)
        trace = trace.tb_next
    return found


def _values(frame: FrameType, line: str) -> Iterator[tuple[str, str]]:
    for name in _names(line):
        for scope in (frame.f_locals, frame.f_globals):
            if name in scope:
                yield name, _value(name, scope)
                break


def _names(line: str) -> list[str]:
    """The names in a line, in order; the line may be a part of a statement."""
    text = line.strip()
    for attempt in (text, text + " pass", "if 1:\n " + text):
        try:
            tree = ast.parse(attempt)
        except SyntaxError:
            continue
        found = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
        return list(dict.fromkeys(found))
    return list(dict.fromkeys(re.findall(r"[^\W\d]\w*", text)))


def _value(name: str, scope: Mapping[str, Any]) -> str:
    if _SECRET_NAME.search(name):
        return "(left out)"
    try:
        text = " ".join(repr(scope[name]).split())
    except Exception as error:  # noqa: BLE001 - a foreign repr may do anything
        return f"({type(scope[name]).__name__}; its repr failed: {type(error).__name__})"
    return masked(text if len(text) <= _VALUE else f"{text[: _VALUE - 1]}…")


def masked(text: str) -> str:
    """Return text with what looks like a key masked.

    >>> masked("key = 'sk-abcdefghijklmnop1234'")
    "key = '••••'"
    """
    return _SECRET.sub("••••", text)

"""``%nbchat explain`` and ``fix``: ask about the last exception of the kernel."""

from __future__ import annotations

import ast
import linecache
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from traceback import StackSummary, TracebackException
from types import FrameType, ModuleType, TracebackType
from typing import Any

import IPython

from nbchat.commands import Context, Words, command
from nbchat.errors import UsageError
from nbchat.line import actions
from nbchat.line.tokens import split
from nbchat.options import MAGIC

THREAD = "explain"
_SERVER = {"provider": "-p", "base_url": "--base-url", "model": "-m"}
_FRAMES = 12  # of a deep traceback, so many at its end are told
_VALUE = 200  # characters of a value
_MASK = "••••"
_SECRET_NAME = re.compile(r"key|token|secret|passw|credential|auth|cookie", re.I)
# What keys of well-known services look like, and long runs without a blank that may be one.
_SECRET = re.compile(
    r"""\b(?:(?:sk|pk|rk|gh[opsu]|github_pat|glpat|xox[a-z]|hf)[-_]|AKIA|ASIA|AIza)[-\w]{12,}
    |\beyJ[-\w]{12,}(?:\.[-\w]+)*
    |[A-Za-z0-9+_-]{40,}""",
    re.X | re.A,
)
# What stands where secrets stand: https://me:HERE@host, ?api_key=HERE, Bearer HERE; a PEM key.
_PLACED = re.compile(
    r"""(?P<url>\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'"]*:)[^\s/@'"]+(?=@)
    |(?P<query>[?&][\w-]*(?:key|token|secret|passw|signature)\w*=)[^\s&'"]+
    |(?P<scheme>\b(?:Bearer|Basic)\ )(?=[^\s'"]*\d)[-\w.~+/]{8,}=*
    |(?P<head>-----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----)(?:(?!-----END).)+""",
    re.I | re.X | re.S,
)
# A text that is given to such a name: password = "…", {"api_key": "…"}.
_GIVEN = re.compile(
    r"""((?:\w*_?key\b(?<!\bkey)|\w*(?:token|secret|passw|credential|cookie|authoriz)\w*)['"]?\]?
    \s*[:=]\s*[rbuf]{0,2})(?P<quote>['"])(?:\\.|(?!(?P=quote)).)+(?P=quote)""",
    re.I | re.X,
)
_CELL = re.compile(r"<ipython-input-|[\\/]ipykernel_\d+[\\/]")
_IPYTHON = str(Path(IPython.__file__).parent)


@command("explain [TEXT]", "Ask about the last exception; the text may begin with options.")
def explain(context: Context, words: Words) -> str:
    """Ask a model what the last exception means."""
    return _ask(context, words, "Explain this error and how to mend it.", "")


@command("fix [TEXT]", "Ask for corrected code for the cell that failed, into a new cell.")
def fix(context: Context, words: Words) -> str:
    """Ask a model for corrected code."""
    request = "Correct this cell. Answer with the whole corrected code in one block of Python."
    return _ask(context, words, request, "--code ")


def _ask(context: Context, words: Words, request: str, options: str) -> str:
    error = context.failure
    if error is None:
        raise UsageError("no exception yet: nothing has failed in this kernel but nbchat's own")
    said = words.text(0)
    history = context.shell.history_manager
    cells = zip(history.input_hist_parsed, history.input_hist_raw, strict=False)
    prompt = report(error, request, list(cells))
    given = _given(said)
    line = f"--literal {options}{said}"
    if not given & {"thread", "once"}:
        line = f"-t {THREAD} {_server(context, given)}{line}"
    if not _asked(context, error) and not given & {"thread", "new", "once"}:
        line = f"--new {line}"  # what was said of other exceptions costs tokens and helps nobody
    context.shell.run_cell_magic(_magic(context), line, prompt)
    return ""


def _asked(context: Context, error: BaseException) -> bool:
    """Whether the thread of these commands is about the exception."""
    thread = context.session.threads.get(THREAD)
    trace = _traceback(error)
    return thread is not None and any(trace in message.text for message in thread.history())


def _server(context: Context, given: set[str]) -> str:
    """Options that ask the server that `%nbchat set` chose for the current thread.

    Values of the user's go nowhere else unasked. The thread of these commands may have its own.
    """
    own = context.session.threads.get(THREAD)
    if given & {"provider", "base_url"} or (
        own is not None and own.options.keys() & _SERVER.keys()
    ):
        return ""
    sets = context.session.thread().options
    return "".join(
        f'{flag} "{sets[field]}" '
        for field, flag in _SERVER.items()
        if field in sets and field not in given
    )


def _given(said: str) -> set[str]:
    """The fields of the options that a text begins with."""
    try:
        given, _ = split(said, actions(), {})
    except UsageError:  # the magic will say what is wrong
        return set()
    return {option.action.dest for option in given}


def _magic(context: Context) -> str:
    """Return the magic that the current thread was last asked by: a model may have but one API."""
    asked = [turn for turn in context.session.thread().path() if not turn.by_hand]
    return MAGIC[asked[-1].endpoint if asked else "chat"].removeprefix("%%")


def report(error: BaseException, request: str, cells: Sequence[tuple[str, str]] = ()) -> str:
    """Return a prompt about an exception: traceback, failing cell, values of the failing line.

    ``cells`` are those of the kernel, each as it was run, with its magics as calls, and as it was
    written. One that is no Python may be found nowhere else.
    """
    parts = [request, f"```\n{_traceback(error)}\n```"]
    frame, line = _failing(error.__traceback__)
    source, values = "", {}
    if frame is not None:
        filename = frame.f_code.co_filename
        source = "".join(linecache.getlines(filename))
        values = dict(_values(frame, linecache.getline(filename, line)))
    elif isinstance(error, SyntaxError):
        source = _unreadable(error, cells)
    if source:
        source = _written(source, cells)
        parts.append(f"The cell:\n\n```python\n{masked(source.rstrip())}\n```")
    if values:
        rows = "\n".join(f"{name} = {value}" for name, value in values.items())
        parts.append(f"Values in the failing line:\n\n```\n{rows}\n```")
    return "\n\n".join(parts)


def _traceback(error: BaseException) -> str:
    whole = TracebackException.from_exception(error, limit=-_FRAMES)
    one: TracebackException | None = whole
    while one is not None:
        # How IPython came to run the cell tells a reader nothing.
        frames = [frame for frame in one.stack if not frame.filename.startswith(_IPYTHON)]
        one.stack = StackSummary.from_list(frames)
        one = one.__cause__ or one.__context__
    return masked("".join(whole.format()).rstrip())


def _failing(trace: TracebackType | None) -> tuple[FrameType | None, int]:
    """The innermost frame that is code of a cell, and its line."""
    found: tuple[FrameType | None, int] = (None, 0)
    while trace is not None:
        if _CELL.search(trace.tb_frame.f_code.co_filename):
            found = (trace.tb_frame, trace.tb_lineno)
        trace = trace.tb_next
    return found


def _written(source: str, cells: Sequence[tuple[str, str]]) -> str:
    """Return a cell as its user wrote it."""
    ran = source.rstrip()
    return next((wrote for run, wrote in reversed(cells) if run.rstrip() == ran), source)


def _unreadable(error: SyntaxError, cells: Sequence[tuple[str, str]]) -> str:
    """Return the cell that is no Python: as IPython noted it, or the last with the wrong line."""
    noted = "".join(linecache.getlines(error.filename or ""))
    wrong = (error.text or "").strip()
    if noted or not wrong:
        return noted
    return next((run for run, _ in reversed(cells) if wrong in run), "")


def _values(frame: FrameType, line: str) -> Iterator[tuple[str, str]]:
    for name in _names(line):
        if name == "get_ipython":  # what a magic becomes
            continue
        for scope in (frame.f_locals, frame.f_globals):
            if name in scope:
                if not isinstance(scope[name], ModuleType):
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
    text = masked(text[: 50 * _VALUE])  # whole secrets, before the cut
    return text if len(text) <= _VALUE else f"{text[: _VALUE - 1]}…"


def masked(text: str) -> str:
    """Return text with what looks like a key masked, and what the environment has as one.

    >>> masked("key = 'sk-abcdefghijklmnop1234'")
    "key = '••••'"
    >>> masked("connect(user='me', password='swordfish')")
    "connect(user='me', password='••••')"
    """
    for name, value in os.environ.items():
        if len(value) >= 8 and _SECRET_NAME.search(name):
            text = text.replace(value, _MASK)
    text = _GIVEN.sub(rf"\1\g<quote>{_MASK}\g<quote>", text)
    text = _PLACED.sub(lambda found: f"{found[found.lastgroup or 0]}{_MASK}", text)
    return _SECRET.sub(_MASK, text)

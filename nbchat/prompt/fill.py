r"""``{{ expr }}`` in a prompt, filled in one pass.

What stands between the braces is a Python expression, with ``!r`` and ``:format`` as in f-strings.
A value is never looked at again, so its own braces stay. Everything outside is sent as it stands;
``\{{`` writes two braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nbchat.errors import UsageError
from nbchat.prompt.content import Content
from nbchat.prompt.evaluate import Namespaces, evaluate, merged, reason
from nbchat.prompt.values import content_of

__all__ = ["fill"]

_OPENING = re.compile(r"\\?\{\{")
_MARK = re.compile(r"'''|\"\"\"|['\"()\[\]{}:!]|\blambda\b")
_CLOSING = {")": "(", "]": "[", "}": "{"}
_CONVERSIONS: dict[str, Callable[[object], str]] = {"r": repr, "s": str, "a": ascii}
_WAYS_OUT = (
    "Nothing was sent. \\{{ writes two braces as they are; --literal fills nothing in this cell."
)


def fill(text: str, namespaces: Namespaces = (), *, literal: bool = False) -> Content:
    r"""Return a prompt with its expressions filled.

    Text stays text; a table becomes Markdown, a figure or picture an image at that place (see
    `nbchat.prompt.values`). With ``literal`` the text is taken as it stands.

    Raises:
        UsageError: a name is not defined, an expression fails, or its braces are not closed.

    >>> fill(r"{{ x:.1f }} is not \{{ x }} or {x}", [{"x": 2.55}]).text
    '2.5 is not {{ x }} or {x}'
    """
    if literal or "{{" not in text:
        return Content.of(text)
    return Content.joined(_pieces(text, merged(namespaces)))


def _pieces(text: str, names: dict[str, Any]) -> Iterator[Content]:
    at = 0
    while found := _OPENING.search(text, at):
        yield Content.of(text[at : found.start()])
        if found[0].startswith("\\"):
            yield Content.of("{{")
            at = found.end()
            continue
        field = _field(text, found.end())
        at = field.end
        yield _filled(field, names)
    yield Content.of(text[at:])


# --- One field --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Field:
    """What stands between the braces; ``end`` is where the text goes on."""

    expression: str
    end: int
    conversion: str = ""
    spec: str | None = None

    @property
    def shown(self) -> str:
        """The expression as messages name it."""
        return _shown(self.expression)


def _filled(field: _Field, names: dict[str, Any]) -> Content:
    try:
        if not field.expression:
            raise UsageError("nothing stands between the braces")
        value = evaluate(field.expression, names)
        try:
            if field.conversion:
                value = _CONVERSIONS[field.conversion](value)
            if field.spec is not None:
                value = format(value, _spec(field.spec, names))
            return content_of(value, f"{{{{ {field.shown} }}}}")
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(reason(error)) from error
    except UsageError as error:
        raise _failure(field.shown, str(error)) from error


def _spec(spec: str, names: dict[str, Any]) -> str:
    """Return a format with the fields in it filled: ``{{ x:{width}.2f }}``."""
    return str(evaluate(f"f{spec!r}", names)) if "{" in spec else spec


def _failure(shown: str, words: str) -> UsageError:
    return UsageError(f"{{{{ {shown} }}}}: {words}\n{_WAYS_OUT}")


def _shown(expression: str) -> str:
    line = " ".join(expression.split())
    return line if len(line) <= 60 else f"{line[:59]}…"


def _field(text: str, start: int) -> _Field:
    """Read a field, as CPython reads those of f-strings: strings are skipped, brackets counted."""
    brackets: list[str] = []
    lambdas = 0  # whose colon has not come yet
    at = start
    while mark := _MARK.search(text, at):
        token, at = mark[0], mark.end()
        before = text[start : mark.start()]
        if token[0] in "'\"":
            at = _string_end(text, at, token, start)
        elif token in ("(", "[", "{"):
            brackets.append(token)
        elif token == "}" and not brackets:
            if not text.startswith("}", at):
                raise _failure(_shown(before), "a single } stands in the expression")
            return _Field(before.strip(), at + 1)
        elif token in _CLOSING:
            if not brackets or brackets.pop() != _CLOSING[token]:
                raise _failure(_shown(before), f"{token} closes nothing")
        elif brackets:
            continue
        elif token == "lambda":
            lambdas += 1
        elif token == ":" and lambdas:
            lambdas -= 1
        elif token == ":":
            return _with_spec(text, before.strip(), at)
        elif text.startswith("=", at):  # !=
            at += 1
        else:
            return _with_conversion(text, before.strip(), at)
    raise _failure(_shown(text[start : start + 80]), "the two closing braces are missing")


def _string_end(text: str, at: int, quote: str, start: int) -> int:
    end = re.compile(rf"(?:\\.|[^\\])*?{quote}", re.S).match(text, at)
    if end is None:
        raise _failure(_shown(text[start : start + 80]), f"the quote {quote} is not closed")
    return end.end()


def _with_conversion(text: str, expression: str, at: int) -> _Field:
    found = re.compile(r"([rsa])\s*(:|\}\})").match(text, at)
    if found is None:
        raise _failure(_shown(expression), "after ! stands r, s or a")
    if found[2] == ":":
        return _with_spec(text, expression, found.end(), found[1])
    return _Field(expression, found.end(), found[1])


def _with_spec(text: str, expression: str, at: int, conversion: str = "") -> _Field:
    start, depth = at, 0
    while mark := re.compile(r"[{}]").search(text, at):
        at = mark.end()
        if mark[0] == "{":
            depth += 1
        elif depth:
            depth -= 1
        elif text.startswith("}", at):
            # The blank before the closing braces is not the format's.
            return _Field(expression, at + 1, conversion, text[start : mark.start()].rstrip())
        else:
            break
    raise _failure(_shown(expression), "the two closing braces are missing after the format")

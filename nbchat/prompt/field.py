"""``{{ expr }}``: where it ends, and its value.

Between the braces stands a Python expression, with ``!r`` and ``:format`` as in f-strings. The
text of a prompt and the values of the magic line's options have the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbchat.errors import UsageError
from nbchat.prompt.evaluate import evaluate, reason

__all__ = ["Field", "read_field"]

_MARK = re.compile(r"'''|\"\"\"|['\"()\[\]{}:!]|\blambda\b")
_BRACE = re.compile(r"[{}]")
_CONVERSION = re.compile(r"([rsa])\s*(:|\}\})")
_CLOSING = {")": "(", "]": "[", "}": "{"}
_CONVERSIONS: dict[str, Callable[[object], str]] = {"r": repr, "s": str, "a": ascii}


@dataclass(frozen=True)
class Field:
    """What stands between the braces.

    Attributes:
        expression: the Python expression, without the blanks around it.
        end: where the text goes on, behind the closing braces.
        conversion: ``r``, ``s`` or ``a``; ``""`` if there is none.
        spec: the format, ``None`` if there is none.
    """

    expression: str
    end: int
    conversion: str = ""
    spec: str | None = None

    @property
    def shown(self) -> str:
        """The field as messages name it, on one line of at most 66 characters."""
        return _shown(self.expression)

    def value(self, names: dict[str, Any]) -> object:
        """Return the value, of any type; a text if there is a conversion or a format.

        Raises:
            UsageError: the expression or the format fails; the message names the field.

        >>> read_field("{{ x:.1f }}", 2).value({"x": 2})
        '2.0'
        """
        try:
            if not self.expression:
                raise UsageError("nothing stands between the braces")
            value = evaluate(self.expression, names)
            return self._formatted(value, names)
        except UsageError as error:
            raise UsageError(f"{self.shown}: {error}") from error

    def _formatted(self, value: object, names: dict[str, Any]) -> object:
        try:
            if self.conversion:
                value = _CONVERSIONS[self.conversion](value)
            if self.spec is not None:
                value = format(value, _filled(self.spec, names))
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(reason(error)) from error
        return value


def read_field(text: str, start: int) -> Field:
    """Return the field whose opening braces end at ``start``.

    It is read as CPython reads those of f-strings: strings are skipped, brackets are counted.

    Raises:
        UsageError: it has no end; the message names the field.

    >>> read_field("{{ {'a': 1}['a']!r }} and more", 2)
    Field(expression="{'a': 1}['a']", end=21, conversion='r', spec=None)
    """
    brackets: list[str] = []
    lambdas = 0  # whose colon has not come yet
    at = start
    while mark := _MARK.search(text, at):
        token, at = mark[0], mark.end()
        before = text[start : mark.start()]
        if token[0] in "'\"":
            at = _string_end(text, start, at, token)
        elif token in ("(", "[", "{"):
            brackets.append(token)
        elif token == "}" and not brackets:
            if not text.startswith("}", at):
                raise _failure(before, "a single } stands in the expression")
            return Field(before.strip(), at + 1)
        elif token in _CLOSING:
            if not brackets or brackets.pop() != _CLOSING[token]:
                raise _failure(before, f"{token} closes nothing")
        elif brackets:
            continue
        elif token == "lambda":
            lambdas += 1
        elif token == ":" and lambdas:
            lambdas -= 1
        elif token == ":":
            return _with_spec(text, start, before.strip(), at)
        elif text.startswith("=", at):  # !=
            at += 1
        else:
            return _with_conversion(text, start, before.strip(), at)
    raise _unclosed(text, start, "the two closing braces are missing")


def _string_end(text: str, start: int, at: int, quote: str) -> int:
    end = re.compile(rf"(?:\\.|[^\\])*?{quote}", re.S).match(text, at)
    if end is None:
        raise _unclosed(text, start, f"the quote {quote} is not closed")
    return end.end()


def _with_conversion(text: str, start: int, expression: str, at: int) -> Field:
    found = _CONVERSION.match(text, at)
    if found is None:
        raise _failure(expression, "after ! stands r, s or a")
    if found[2] == ":":
        return _with_spec(text, start, expression, found.end(), found[1])
    return Field(expression, found.end(), found[1])


def _with_spec(text: str, start: int, expression: str, at: int, conversion: str = "") -> Field:
    begin, depth = at, 0
    while mark := _BRACE.search(text, at):
        at = mark.end()
        if mark[0] == "{":
            depth += 1
        elif depth:
            depth -= 1
        elif text.startswith("}", at):
            # The blank before the closing braces is not the format's.
            return Field(expression, at + 1, conversion, text[begin : mark.start()].rstrip())
        else:
            break
    raise _unclosed(text, start, "the two closing braces are missing after the format")


def _filled(spec: str, names: dict[str, Any]) -> str:
    """Return a format with the fields in it filled: ``{{ x:{width}.2f }}``."""
    return str(evaluate(f"f{spec!r}", names)) if "{" in spec else spec


def _failure(expression: str, words: str) -> UsageError:
    return UsageError(f"{_shown(expression)}: {words}")


def _unclosed(text: str, start: int, words: str) -> UsageError:
    """The error for a field without an end, which is quoted as it stands."""
    return UsageError(f"{_short(text[start - 2 : start + 80])}: {words}")


def _shown(expression: str) -> str:
    return f"{{{{ {_short(expression)} }}}}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"

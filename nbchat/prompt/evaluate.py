"""Names and expressions of the user, looked up in the namespaces of a cell."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nbchat.errors import UsageError
from nbchat.options import closest

__all__ = ["Namespaces", "evaluate", "merged", "nearest", "own", "reason"]

Namespaces = Sequence[Mapping[str, Any]]
"""Where names are looked up, the first one first: the caller's locals, the user's namespace."""


def merged(namespaces: Namespaces) -> dict[str, Any]:
    """Return the namespaces as one: scopes within an expression look up its globals alone."""
    names: dict[str, Any] = {}
    for namespace in reversed(namespaces):
        names.update(namespace)
    return names


def evaluate(expression: str, names: dict[str, Any]) -> object:
    """Return the value of a Python expression.

    Raises:
        UsageError: it is no expression, or it fails; the message says how, and names what is not
            defined.

    >>> evaluate("max(a)", {"a": [1, 2]})
    2
    """
    try:
        # In brackets, so that it may go over several lines.
        code = compile(f"({expression}\n)", "<prompt>", "eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        words = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageError(f"not a Python expression: {words}") from error
    try:
        return eval(code, names)
    except NameError as error:
        missing = getattr(error, "name", None) or expression
        raise UsageError(f"{missing} is not defined{nearest(missing, names)}") from error
    except Exception as error:
        raise UsageError(reason(error)) from error


def nearest(word: str, names: Iterable[str]) -> str:
    """Return ``" (did you mean NAME?)"`` with the variable that was probably meant, or ``""``.

    A builtin is proposed for a slip of a letter only, wherever it stands: IPython puts some
    (``open``, ``exit``) into the user's namespace.

    >>> nearest("sale", ["sales", "sum"]), nearest("opinion", ["open"]), nearest("lenn", [])
    (' (did you mean sales?)', '', ' (did you mean len?)')
    """
    return closest(word, own(names)) or closest(word, dir(builtins), cutoff=0.85)


def own(names: Iterable[str]) -> list[str]:
    """Return the names that a user is likely to have given: no builtins, none with a ``_`` first.

    >>> own(["sales", "open", "_i1", "__name__"])
    ['sales']
    """
    return [name for name in names if not name.startswith("_") and not hasattr(builtins, name)]


def reason(error: BaseException) -> str:
    """Return an exception on one line, of at most 300 characters.

    >>> reason(KeyError("a"))
    "KeyError: 'a'"
    """
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return words if len(words) <= 300 else f"{words[:299]}…"

"""From a word of the line to the value of an option: variables, expressions, files, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nbchat.errors import UsageError
from nbchat.line.tokens import Word

__all__ = ["Namespaces", "json_value", "read_file", "resolve"]

Namespaces = Sequence[Mapping[str, Any]]

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_VARIABLE = re.compile(rf"\$({_NAME})|\{{({_NAME})\}}|\{{\{{(.*)\}}\}}", re.S)


def resolve(word: Word, flag: str, namespaces: Namespaces) -> tuple[object, bool]:
    """Return the value of a word, and whether a variable gave it.

    ``$name``, ``{name}`` (attributes too: ``$cfg.model``) and ``{{ expr }}`` are taken from the
    namespaces, the first one first, and keep their type. In single quotes they are plain text.

    Raises:
        UsageError: a name is not defined or the expression fails; the message names it.
    """
    found = None if word.quote == "'" else _VARIABLE.fullmatch(word.text)
    if found is None:
        return word.text, False
    return _evaluate((found[1] or found[2] or found[3]).strip(), flag, namespaces), True


def _evaluate(expression: str, flag: str, namespaces: Namespaces) -> object:
    # One dict: the scopes of comprehensions and lambdas look up globals alone.
    names: dict[str, Any] = {}
    for namespace in reversed(namespaces):
        names.update(namespace)
    try:
        return eval(expression, names)
    except NameError as error:
        missing = error.name if error.name is not None else expression
        raise UsageError(f"{flag}: {missing} is not defined") from error
    except Exception as error:
        words = " ".join(f"{expression}: {type(error).__name__}: {error}".split())
        raise UsageError(f"{flag}: {words[:300]}") from error


def json_value(word: Word, flag: str) -> object:
    """Return the value of ``--set path=VALUE``: JSON, else the text.

    Raises:
        UsageError: it begins with ``{`` or ``[`` and is no JSON.
    """
    text = word.raw if word.quote == '"' else word.text
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        if word.text.startswith(("{", "[")) and not word.quote:
            raise UsageError(f"{flag} {word.key}: not valid JSON: {error}") from error
        return word.text


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def read_file(name: str, flag: str) -> str:
    """Return the text of a UTF-8 file; ``~`` is the home folder.

    Raises:
        UsageError: it can't be read.
    """
    try:
        return Path(name).expanduser().read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{flag} @{name}: the file is not UTF-8 text") from error
    except OSError as error:
        raise UsageError(f"{flag} @{name}: {error.strerror or error}") from error
    except (ValueError, RuntimeError) as error:  # a null byte in the name; no home folder
        raise UsageError(f"{flag} @{name}: {error}") from error

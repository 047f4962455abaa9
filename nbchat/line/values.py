"""From a word of the line to the value of an option: variables, expressions, files, JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from nbchat.errors import UsageError
from nbchat.line.tokens import Word

if TYPE_CHECKING:
    from nbchat.prompt import Namespaces

__all__ = ["json_value", "read_file", "resolve"]

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_VARIABLE = re.compile(rf"\$({_NAME})|\{{({_NAME})\}}")


def resolve(word: Word, flag: str, namespaces: Namespaces) -> tuple[object, bool]:
    """Return the value of a word, and whether a variable gave it.

    ``$name``, ``{name}`` (attributes too: ``$cfg.model``) and ``{{ expr }}`` are taken from the
    namespaces, the first one first, and keep their type. In single quotes they are plain text.

    Raises:
        UsageError: a name is not defined or the expression fails; the message names it.

    >>> resolve(Word("$half", "$half"), "--top-p", [{"half": 0.5}])
    (0.5, True)
    """
    text = word.text
    if word.quote == "'":
        return text, False
    variable = _VARIABLE.fullmatch(text)
    if variable is None and not (text.startswith("{{") and text.endswith("}}")):
        return text, False
    # Loading nbchat does not wait for what only values from Python need.
    from nbchat.prompt.evaluate import evaluate, merged
    from nbchat.prompt.field import read_field

    try:
        if variable is not None:
            return evaluate(variable[1] or variable[2], merged(namespaces)), True
        field = read_field(text, 2)
        if field.end < len(text):  # "{{ a }} and {{ b }}", in quotes, is no whole field
            return text, False
        return field.value(merged(namespaces)), True
    except UsageError as error:
        where = f" {text}" if variable is not None else ""
        raise UsageError(f"{flag}{where}: {error}") from error


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

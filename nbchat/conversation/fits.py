"""Whether values have the types that a dataclass declares: data may come from anywhere."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def check(kind: type, given: Mapping[str, Any]) -> None:
    """Check the names and types of the arguments for a dataclass.

    Raises:
        TypeError: one is unknown or has another type.

    >>> from nbchat.messages import Text
    >>> check(Text, {"text": 5})
    Traceback (most recent call last):
    TypeError: text is of another type
    """
    hints = _hints(kind)
    for name, value in given.items():
        if name not in hints:
            raise TypeError(f"there is no field {name!r}")
        if not fits(value, hints[name]):
            raise TypeError(f"{name} is of another type")


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type, its items included.

    >>> fits(("a", 1), tuple[str, ...]), fits(None, int | None)
    (False, True)
    """
    if hint is Any:
        return True
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if origin is tuple and inner[-1] is not ...:
        return (
            isinstance(value, tuple) and len(value) == len(inner) and all(map(fits, value, inner))
        )
    if origin is tuple:
        return isinstance(value, tuple) and all(fits(item, inner[0]) for item in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    if origin in (Sequence, list, set):
        kind = tuple if origin is Sequence else origin
        return isinstance(value, kind) and all(fits(item, inner[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(
            fits(key, inner[0]) and fits(item, inner[1]) for key, item in value.items()
        )
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, types.NoneType if hint is None else hint)


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}

"""What both request bodies share: fields that stay out, and fields set by their path."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from nbchat.errors import UsageError

__all__ = ["drop", "put"]


def drop(body: dict[str, Any], paths: Iterable[str]) -> None:
    """Take fields out of a body, by dotted path; an object that is empty then goes too.

    >>> body = {"model": "m", "reasoning": {"effort": "low"}}
    >>> drop(body, ["reasoning.effort", "seed"]); body
    {'model': 'm'}
    """
    for path in paths:
        head, _, rest = path.partition(".")
        inner = body.get(head)
        if not rest:
            body.pop(head, None)
        elif isinstance(inner, dict):
            drop(inner, [rest])
            if not inner:
                del body[head]


def put(body: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Set fields of a body by dotted path, in order; ``None`` takes a field out.

    A number in a path is an index where a list stands. A list of ``tools`` joins those that are
    there: hosted tools and functions are used together. The values are copied.

    Raises:
        UsageError: a path leads through a value that is no object, or out of a list.

    >>> body = {"tools": [{"name": "f"}], "seed": 1}
    >>> put(body, {"tools.0.strict": True, "reasoning.effort": "low", "seed": None}); body
    {'tools': [{'name': 'f', 'strict': True}], 'reasoning': {'effort': 'low'}}
    """
    for path, value in values.items():
        if path == "tools" and isinstance(value, list):
            value = [*body.get(path, ()), *value]
        *way, last = path.split(".")
        place: Any = body
        for key in way:
            if isinstance(place, dict) and value is None and key not in place:
                break  # nothing to take out
            place = place.setdefault(key, {}) if isinstance(place, dict) else _at(place, key, path)
        else:
            _put(place, last, value, path)


def _put(place: Any, key: str, value: Any, path: str) -> None:
    if not isinstance(place, dict):
        _at(place, key, path)
        if value is None:
            del place[int(key)]
        else:
            place[int(key)] = _copied(value)
    elif value is None:
        place.pop(key, None)
    else:
        place[key] = _copied(value)


def _copied(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _at(place: Any, key: str, path: str) -> Any:
    if isinstance(place, list) and key.isdecimal() and int(key) < len(place):
        return place[int(key)]
    kind = f"a list of {len(place)}" if isinstance(place, list) else "no object"
    raise UsageError(f"--set {path}: what stands before {key} is {kind}")

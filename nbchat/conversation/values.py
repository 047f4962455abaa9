"""The values of `nbchat.messages` as plain JSON, and back, without loss.

One becomes ``{"$Text": {"text": "hello"}}``, with the fields that differ from their defaults; what
was JSON already, such as a response object, stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, TypeVar

from nbchat import messages
from nbchat.conversation.fits import check

T = TypeVar("T")

_VALUES = {
    name: kind
    for name, kind in vars(messages).items()
    # A failure is kept with the answer, as what it is.
    if isinstance(kind, type) and is_dataclass(kind) and name not in ("Failed", "Settled")
}
_SURROGATE = re.compile("[\ud800-\udfff]")


class RecordError(ValueError):
    """The data is no record of a turn or a thread; the text says where it is wrong."""


def to_json(value: Any) -> str:
    """Return a plain value as JSON that can be encoded as UTF-8."""
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    return json.dumps(value, default=_plain) if _SURROGATE.search(text) else text


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def dump(value: Any) -> Any:
    """Return a value of `nbchat.messages`, or one that is JSON already, as JSON.

    >>> dump(messages.Message.of("user", "hello"))
    {'$Message': {'role': 'user', 'parts': [{'$Text': {'text': 'hello'}}]}}
    """
    if type(value).__name__ in _VALUES and is_dataclass(value):
        given = {
            field.name: dump(getattr(value, field.name))
            for field in fields(value)
            if not is_default(field, getattr(value, field.name))
        }
        return {f"${type(value).__name__}": given}
    if isinstance(value, Mapping):
        # One that looks like a dumped value is marked as what it is.
        return {"$json": dict(value)} if tag_of(value) else dict(value)
    if isinstance(value, (list, tuple)):
        return [dump(item) for item in value]
    return value


def load(data: Any) -> Any:
    """Return what `dump` was given; the sequences of nbchat's own values are tuples.

    Raises:
        RecordError: the data has a value that is unknown, or not as it should be.

    >>> load({"$Text": {"text": "hello"}})
    Text(text='hello')
    """
    if isinstance(data, list):
        return tuple(load(item) for item in data)
    if not isinstance(data, Mapping) or not (tag := tag_of(data)):
        return data
    inner = data[f"${tag}"]
    if tag == "json":
        return inner
    kind = _VALUES.get(tag)
    if kind is None or not isinstance(inner, Mapping):
        raise RecordError(f"there is no value ${tag}")
    return make(kind, {name: load(value) for name, value in inner.items()})


def tag_of(data: Mapping[str, Any]) -> str:
    """Return the name of the value that ``data`` looks like, ``""`` if like none."""
    name = next(iter(data)) if len(data) == 1 else ""
    return name[1:] if name.startswith("$") else ""


def make(kind: type[T], given: Mapping[str, Any]) -> T:
    """Build a dataclass from ``given``, whose names and types are checked.

    Raises:
        RecordError: one is unknown or has another type.
    """
    try:
        check(kind, given)
        return kind(**given)
    except TypeError as error:
        raise RecordError(f"{kind.__name__}: {error}") from None


def is_default(field: Field[Any], value: Any) -> bool:
    """Whether a record may leave the field out."""
    if field.default is not MISSING:
        return bool(type(value) is type(field.default) and value == field.default)
    # A Mapping or a list that is empty; ids and times are never equal to a new one.
    return field.default_factory is not MISSING and value in ({}, ())

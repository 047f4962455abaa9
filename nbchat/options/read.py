"""From a text or a Python value to the type of a field, within its range."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from keyword import iskeyword
from typing import Any, NoReturn, SupportsFloat, SupportsIndex, TypeVar

from nbchat.errors import UsageError
from nbchat.options.table import Kind, Option

__all__ = ["closest", "read"]

Number = TypeVar("Number", int, float)


def closest(word: str, names: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return ``" (did you mean NAME?)"``, or ``""`` if nothing is near.

    ``cutoff`` is how alike two words must be, from 0 to 1; large and small letters are the same.

    >>> closest("--temprature", ["--temperature", "--top-p"])
    ' (did you mean --temperature?)'
    """
    import difflib  # for errors only; loading nbchat does not wait for it

    spelled = {name.lower(): name for name in names}
    near = difflib.get_close_matches(word.lower(), spelled, n=1, cutoff=cutoff)
    return f" (did you mean {spelled[near[0]]}?)" if near else ""


def read(option: Option, value: object) -> Any:
    """Return ``value`` in the type of the option's field.

    ``value`` is the text of a magic line, or what a Python program gives: a number stays one, a
    list of stops becomes a tuple.

    Raises:
        UsageError: it has another type or is out of range; the message names the option, the
            allowed values and the value.
    """
    if value is True and option.kind == "text" and option.const is not None:
        value = option.const  # from Python: web=True
    return _READERS[option.kind](option, value)


def _refuse(option: Option, value: object, more: str = "") -> NoReturn:
    raise UsageError(f"{option.flag} takes {option.allowed}, not {_shown(value)}{more}")


def _shown(value: object) -> str:
    """Show a value in a message: short, and without asking foreign objects for their words."""
    if isinstance(value, (list, tuple, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    if not isinstance(value, (str, int, float, type(None))):
        return f"a {type(value).__name__}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _flag(option: Option, value: object) -> bool:
    if not isinstance(value, bool):
        _refuse(option, value)
    return value


def _number(option: Option, value: object) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, (str, SupportsFloat)):
            _refuse(option, value)
        number = float(value)
    except (ValueError, OverflowError, TypeError):
        _refuse(option, value)
    if not math.isfinite(number):
        _refuse(option, value)
    return _in_range(option, number, value)


def _integer(option: Option, value: object) -> int:
    try:
        if isinstance(value, bool) or not isinstance(value, (str, SupportsIndex)):
            _refuse(option, value)
        number = int(value) if isinstance(value, str) else operator.index(value)
    except (ValueError, TypeError):
        _refuse(option, value)
    return _in_range(option, number, value)


def _in_range(option: Option, number: Number, value: object) -> Number:
    low, above, high = option.low, option.above, option.high
    if (
        (low is not None and number < low)
        or (above is not None and number <= above)
        or (high is not None and number > high)
    ):
        _refuse(option, value)
    return number


def _text(option: Option, value: object) -> str:
    if not isinstance(value, str) or (not value and not option.empty):
        _refuse(option, value)
    if option.longest is not None and len(value) > option.longest:
        _refuse(option, value)
    if option.choices and value in option.choices:
        return value
    if option.shape is not None:
        if not option.shape[0].fullmatch(value) or (option.field == "out" and iskeyword(value)):
            _refuse(option, value)
    elif option.choices:
        _refuse(option, value, closest(value, option.choices))
    return value


def _texts(option: Option, value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple, set, frozenset)):
        _refuse(option, value)
    texts = tuple(_text(option, item) for item in items)
    if option.most is not None and len(texts) > option.most:
        raise UsageError(f"{option.flag} may come at most {option.most} times, not {len(texts)}")
    return texts


def _pairs(option: Option, value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        _refuse(option, value)
    if option.most is not None and len(value) > option.most:
        raise UsageError(f"{option.flag} takes at most {option.most} pairs, not {len(value)}")
    for key, text in value.items():
        if not isinstance(key, str) or not 1 <= len(key) <= 64:
            raise UsageError(f"{option.flag}: a key has 1 to 64 characters, not {_shown(key)}")
        if not isinstance(text, str) or len(text) > (option.longest or 0):
            raise UsageError(
                f"{option.flag} {key}: takes a text of at most {option.longest} characters, "
                f"not {_shown(text)}"
            )
    return dict(value)


def _fields(option: Option, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        _refuse(option, value)
    for path, item in value.items():
        if not isinstance(path, str) or not all(path.split(".")):
            _refuse(option, path)
        try:
            json.dumps(item, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise UsageError(
                f"{option.flag} {path}: {_shown(item)} can't be written as JSON"
            ) from error
    return dict(value)


_READERS: dict[Kind, Callable[[Option, object], Any]] = {
    "flag": _flag,
    "number": _number,
    "integer": _integer,
    "text": _text,
    "texts": _texts,
    "object": lambda option, value: value,
    "objects": lambda option, value: (
        tuple(value) if isinstance(value, (list, tuple)) else (value,)
    ),
    "pairs": _pairs,
    "fields": _fields,
}

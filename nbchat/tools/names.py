"""Variables that an option names."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

from nbchat.errors import UsageError
from nbchat.prompt.evaluate import nearest

__all__ = ["named"]


def named(ref: str, names: Mapping[str, Any], flag: str) -> object:
    """Return the value of a variable, an attribute of one (``shop.order``), or a builtin.

    Raises:
        UsageError: there is none.

    >>> named("a.real", {"a": 5}, "--tool"), named("int", {}, "--schema")
    (5, <class 'int'>)
    """
    first, *attributes = ref.split(".")
    if not all(part.isidentifier() for part in (first, *attributes)):
        raise UsageError(
            f"{flag} {ref:.60}: not the name of a variable\nAn expression stands in {{{{ … }}}}."
        )
    if first in names:
        value = names[first]
    elif hasattr(builtins, first):
        value = getattr(builtins, first)
    else:
        raise UsageError(f"{flag} {ref}: {first} is not defined{nearest(first, names)}")
    for attribute in attributes:
        try:
            value = getattr(value, attribute)
        except AttributeError as error:
            raise UsageError(f"{flag} {ref}: {error}") from error
    return value

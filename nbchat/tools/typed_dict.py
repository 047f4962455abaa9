"""`typing.TypedDict` before Python 3.12: pydantic takes that of typing_extensions there."""

from __future__ import annotations

import sys
import typing
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

__all__ = ["readable"]


def readable(annotation: Any) -> Any:
    """Return an annotation in which each `typing.TypedDict` is one that pydantic takes.

    One that refers to itself, or that a class has as an attribute, stays as it is.

    >>> readable(list[int])
    list[int]
    """
    return annotation if sys.version_info >= (3, 12) else _replaced(annotation, ())


def _replaced(annotation: Any, within: tuple[Any, ...]) -> Any:
    if typing.is_typeddict(annotation):
        foreign = type(annotation).__module__ != "typing" or annotation in within
        return annotation if foreign else _made_anew(annotation, (*within, annotation))
    origin, arguments = get_origin(annotation), get_args(annotation)
    # Of Annotated, only the first is a type.
    types = arguments[:1] if origin is Annotated else arguments
    changed = tuple(_replaced(one, within) for one in types)
    if all(new is old for new, old in zip(changed, types, strict=True)):
        return annotation
    if origin is UnionType:
        return Union[changed]  # noqa: UP007 - made of a tuple
    if hasattr(annotation, "copy_with"):
        return annotation.copy_with(changed)
    return origin[changed]


def _made_anew(kind: Any, within: tuple[Any, ...]) -> Any:
    from typing_extensions import NotRequired, Required, TypedDict

    fields = {}
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        optional = name in kind.__optional_keys__
        if get_origin(hint) in (Required, NotRequired):
            optional = get_origin(hint) is NotRequired
            (hint,) = get_args(hint)
        hint = _replaced(hint, within)
        fields[name] = NotRequired[hint] if optional else hint
    make: Any = TypedDict  # type checkers know it as a declaration alone
    made = make(kind.__name__, fields)
    made.__doc__ = kind.__doc__
    return made

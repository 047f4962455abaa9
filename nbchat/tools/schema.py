"""From the signature and the docstring of a function to what a model is told of it."""

from __future__ import annotations

import functools
import inspect
import json
import re
import typing
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from nbchat.errors import ToolError
from nbchat.tools.typed_dict import readable

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["NAME", "Signature", "describe", "read_signature", "tidy", "whole"]

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What both APIs take as the name of a tool."""


@dataclass(frozen=True)
class Signature:
    """A function's parameters, as pydantic reads them from JSON.

    Attributes:
        adapter: from JSON to the arguments by name, validated and in the types of the function.
        positional: names of the parameters that are passed by their place, in order.
        rest: name of the ``*args`` parameter, ``""`` if there is none.
        schema: the JSON schema of the arguments.
    """

    adapter: TypeAdapter[dict[str, Any]]
    positional: tuple[str, ...]
    rest: str
    schema: Mapping[str, Any]


def describe(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """Return the description in a function's docstring, and those of its parameters.

    Docstrings in the styles of Google, NumPy, reST and Epydoc are read.
    """
    import docstring_parser

    text = _docstring(function)
    try:
        parsed = docstring_parser.parse(text)
    except docstring_parser.ParseError:
        return text, {}
    about = "\n\n".join(filter(None, (parsed.short_description, parsed.long_description)))
    parameters = {
        parameter.arg_name.lstrip("*"): " ".join(parameter.description.split())
        for parameter in parsed.params
        if parameter.description
    }
    return about or ("" if parameters else text), parameters


def read_signature(function: Callable[..., Any], name: str) -> Signature:
    """Return how a function's arguments are read, and their schema.

    Raises:
        ToolError: the signature is not known, or a parameter has a type that no JSON becomes.
    """
    signature, hints = _annotated(function, name)
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    taken: list[Parameter] = []
    positional: list[str] = []
    rest = ""
    for parameter in signature.parameters.values():
        annotation = readable(hints.get(parameter.name, Any))
        if parameter.kind is Parameter.VAR_POSITIONAL:
            rest = parameter.name
            annotation = list[annotation]  # type: ignore[valid-type]
        elif parameter.kind is Parameter.POSITIONAL_ONLY or (
            # What stands before *args can't be given by its name beside it.
            Parameter.VAR_POSITIONAL in kinds and parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
        ):
            positional.append(parameter.name)
        if parameter.kind is not Parameter.VAR_KEYWORD:
            parameter = parameter.replace(kind=Parameter.KEYWORD_ONLY)
        taken.append(parameter.replace(annotation=annotation))
    # What has no default first, as older releases of pydantic want it; **settings last.
    taken.sort(key=lambda one: (one.kind, one.default is not Parameter.empty))
    adapter, schema = _adapted(taken, name)
    return Signature(adapter, tuple(positional), rest, schema)


def tidy(schema: Any) -> Any:
    """Return a schema without what only costs tokens (titles) or is no JSON (a default of NaN)."""
    if isinstance(schema, list):
        return [tidy(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {}
    for key, value in schema.items():
        if key in ("properties", "$defs", "patternProperties", "dependentSchemas"):
            tidied[key] = {name: tidy(inner) for name, inner in value.items()}
        elif key in ("default", "const", "enum", "examples"):  # values, no schemas
            if _is_json(value):
                tidied[key] = value
        elif key != "title":
            tidied[key] = tidy(value)
    return tidied


def whole(function: Any) -> Any:
    """Return what is called in the end where some arguments are given already (`partial`)."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _docstring(function: Callable[..., Any]) -> str:
    function = inspect.unwrap(whole(function))
    if inspect.isroutine(function):
        return inspect.getdoc(function) or ""
    # An object with __call__: that method's, then its class's.
    kind = type(function)
    return inspect.getdoc(kind.__call__) or inspect.getdoc(kind) or ""


def _annotated(
    function: Callable[..., Any], name: str
) -> tuple[inspect.Signature, dict[str, Any]]:
    """Return a function's signature, and its annotations as types."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise ToolError(
            f"the tool {name} does not tell its parameters: "
            "wrap it in a function that has annotations"
        ) from error
    holder = inspect.unwrap(whole(function))
    if not inspect.isroutine(holder):
        holder = type(holder).__call__
    try:
        return signature, typing.get_type_hints(holder, include_extras=True)
    except NameError as error:
        raise ToolError(f"an annotation of the tool {name} is not known: {error}") from error
    except TypeError:  # something written in C: it has no annotations
        return signature, {}


def _adapted(
    parameters: list[Parameter], name: str
) -> tuple[TypeAdapter[dict[str, Any]], dict[str, Any]]:
    """Return pydantic's reader of the parameters, and their schema."""
    from pydantic import PydanticUserError, TypeAdapter
    from pydantic_core import SchemaError

    def keep(**values: Any) -> dict[str, Any]:
        return values

    arguments: Any = keep
    # pydantic reads the signature, validates, and calls: what it calls only keeps the arguments.
    arguments.__signature__ = inspect.Signature(parameters)
    arguments.__annotations__ = {one.name: one.annotation for one in parameters}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of defaults that are no JSON: they are left out
            adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(arguments)
            return adapter, tidy(adapter.json_schema())
    except (PydanticUserError, SchemaError, NameError, TypeError) as error:
        words = " ".join(str(error).split())
        raise ToolError(
            f"the tool {name} has a parameter that no model can give\n{words[:300]}"
        ) from error

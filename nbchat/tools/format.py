"""Answers in a form that was asked for: the schema that is sent, and the reading of what comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from nbchat.errors import FormatError, UsageError
from nbchat.messages import Format
from nbchat.prompt.evaluate import Namespaces, merged
from nbchat.reply import Choice, Reply
from nbchat.tools.names import named
from nbchat.tools.problems import at, problems
from nbchat.tools.schema import NAME, tidy
from nbchat.tools.strict import root_object, strict_shape
from nbchat.tools.typed_dict import readable

__all__ = ["Structure", "structure"]

_MOST = 20  # problems that are named to the model
_JSON = Format("json_object")


@dataclass(frozen=True)
class Structure:
    r"""The form that an answer must have.

    Attributes:
        format: what the request says of it.

    >>> points = structure(list[int])
    >>> points.format.strict, points.validate("```json\n[1, 2]\n```")
    (True, [1, 2])
    """

    format: Format
    _read: Callable[[Any], Any] = field(repr=False)
    _wrapped: bool = False  # in an object with the one property "value"

    def validate(self, text: str) -> Any:
        """Return the object that an answer is; a fenced block around its JSON does no harm.

        A server may have ignored the format, so this is done in any case.

        Raises:
            FormatError: it is no JSON, or does not fit; the message shows the path, and the
                answer is kept.
        """
        value = _json_in(text)
        if self._wrapped and isinstance(value, dict) and value.keys() == {"value"}:
            value = value["value"]
        try:
            return self._read(value)
        except _Unfit as error:
            raise FormatError(text, error.lines, name=self.format.name) from error

    def repair_prompt(self, error: FormatError) -> str:
        """Return what to say to a model whose answer did not fit.

        The schema is said again: the server may not have shown it to the model.
        """
        lines = "\n".join(f"- {line}" for line in error.problems[:_MOST])
        words = (
            f"Your answer can't be used:\n{lines}\n\n"
            "Send the whole answer again, as JSON alone: no other words, no code fence."
        )
        if self.format.schema is not None:
            schema = json.dumps(self.format.schema, ensure_ascii=False)
            words += f" It must fit this JSON schema:\n{schema}"
        return words


class _Unfit(Exception):
    """A value does not fit; ``lines`` say where."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines


def structure(schema: object = None, namespaces: Namespaces = ()) -> Structure:
    """Return the form that ``--json`` (no schema) or ``--schema`` asks for.

    Args:
        schema: a pydantic model, a dataclass, a `TypedDict`, anything else that pydantic's
            `TypeAdapter` takes, a JSON schema as a dict, or the name of a variable that is one.
        namespaces: where names are looked up, the first one first.

    Raises:
        UsageError: the name is not defined, or it is no schema.
    """
    if schema is None:
        return Structure(_JSON, _any_json)
    label = "answer"
    if isinstance(schema, str):
        label, schema = schema.rpartition(".")[2], named(schema, merged(namespaces), "--schema")
    raw, read = _of_dict(schema, label) if isinstance(schema, Mapping) else _of_type(schema, label)
    root, wrapped = root_object(tidy(raw))
    shaped = strict_shape(root)
    own = str(getattr(schema, "__name__", "") or raw.get("title", ""))
    name = next((one for one in (own, label) if NAME.fullmatch(one)), "answer")
    form = Format("json_schema", name, shaped or root, strict=shaped is not None)
    return Structure(form, read, wrapped)


def _of_type(annotation: Any, label: str) -> tuple[dict[str, Any], Callable[[Any], Any]]:
    from pydantic import PydanticUserError, TypeAdapter, ValidationError
    from pydantic_core import SchemaError

    try:
        adapter: TypeAdapter[Any] = (
            annotation
            if isinstance(annotation, TypeAdapter)
            else TypeAdapter(readable(annotation))
        )
        schema = adapter.json_schema()
    except (
        PydanticUserError,
        SchemaError,
        NameError,
        TypeError,
        ValueError,  # of a table, which does not say whether it equals a type
        AttributeError,
    ) as error:
        words = " ".join(str(error).split())
        raise UsageError(
            f"--schema {label}: no pydantic model, dataclass, type or JSON schema\n{words[:300]}"
        ) from error

    def read(value: Any) -> Any:
        try:
            # As JSON, so that what JSON has no form for (dates, tuples) is read strictly too.
            return adapter.validate_json(json.dumps(value))
        except ValidationError as error:
            raise _Unfit(problems(error)) from error

    return schema, read


def _of_dict(schema: Any, label: str) -> tuple[dict[str, Any], Callable[[Any], Any]]:
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for

    schema = dict(schema)
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
        json.dumps(schema, allow_nan=False)
    except (SchemaError, TypeError, ValueError) as error:
        words = at(getattr(error, "path", ""), getattr(error, "message", str(error)))
        raise UsageError(f"--schema {label}: no JSON schema: {words[:300]}") from error
    for ref in _refs(schema):
        if not _leads(schema, ref):
            raise UsageError(f"--schema {label}: no JSON schema: {ref!r} leads nowhere in it")
    validator = kind(schema)

    def read(value: Any) -> Any:
        found = sorted(validator.iter_errors(value), key=lambda one: [*map(str, one.path)])
        if found:
            raise _Unfit([at([*one.path], f"{one.message:.300}") for one in found])
        return value

    return schema, read


def _refs(schema: Any) -> Iterator[str]:
    inner = schema.values() if isinstance(schema, dict) else schema
    for one in inner if isinstance(schema, (dict, list)) else ():
        yield from _refs(one)
    if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        yield schema["$ref"]


def _leads(schema: Any, ref: str) -> bool:
    """Whether a reference leads to a place in the schema; nothing is fetched."""
    head, *keys = ref.split("/")
    for key in keys:
        key = key.replace("~1", "/").replace("~0", "~")
        if isinstance(schema, dict) and key in schema:
            schema = schema[key]
        elif isinstance(schema, list) and key.isdecimal() and int(key) < len(schema):
            schema = schema[int(key)]
        else:
            return False
    return head == "#"


def _any_json(value: Any) -> Any:
    if not isinstance(value, (dict, list)):
        raise _Unfit([at("", "should be a JSON object", value)])
    return value


def _json_in(text: str) -> Any:
    """Return the JSON value that a text is, or that a fenced block in it holds."""
    blocks = Reply(choices=(Choice(text=text),)).code
    failure: Exception | None = None
    for candidate in (text, *blocks):
        try:
            return json.loads(candidate, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            failure = error
    problem = f"no JSON: {failure}" if text.strip() else "the answer is empty"
    raise FormatError(
        text, [problem], hint="Say in the prompt what to fill in, or try another model."
    )


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")

"""The part of JSON Schema that OpenAI's strict mode takes.

In strict mode every property is required, no other is allowed, and most keywords are unknown
(https://platform.openai.com/docs/guides/structured-outputs, "Supported schemas"). What can be left
out without a loss is left out: an answer is validated against the whole schema anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["root_object", "strict_shape"]

_TELLING = frozenset(["$ref", "anyOf", "const", "enum", "type"])
_KEPT = _TELLING | {
    "additionalProperties",
    "description",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "pattern",
    "properties",
    "required",
}
_IMPOSSIBLE = frozenset(
    {
        "contains",
        "dependentRequired",
        "dependentSchemas",
        "else",
        "if",
        "not",
        "patternProperties",
        "prefixItems",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_FORMATS = frozenset(
    {"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"}
)


class _NotStrict(Exception):
    """The schema says something that strict mode has no form for."""


def root_object(schema: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return a schema whose root is an object, and whether ``value`` was put around it for that.

    >>> root_object({"type": "integer"})[0]["properties"]
    {'value': {'type': 'integer'}}
    """
    shared = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    root = {key: value for key, value in schema.items() if key not in shared}
    # A model that refers to itself; older releases of pydantic put allOf around it.
    [inner] = root["allOf"] if len(root.get("allOf", ())) == 1 else [root]
    head, _, name = str(inner.get("$ref", "")).rpartition("/")
    if head in ("#/$defs", "#/definitions"):
        others = {key: value for key, value in root.items() if key not in ("$ref", "allOf")}
        root = {**shared.get(head[2:], {}).get(name, {}), **others}
    if root.get("type") == "object":
        return {**root, **shared}, False
    around = {
        "type": "object",
        "properties": {"value": root},
        "required": ["value"],
        "additionalProperties": False,
    }
    return {**around, **shared}, True


def strict_shape(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a schema in the shape that strict mode takes, ``None`` if it has none there.

    >>> strict_shape({"type": "object", "properties": {"a": {"type": "string", "default": ""}}})
    ... # doctest: +NORMALIZE_WHITESPACE
    {'type': 'object', 'properties': {'a': {'type': 'string'}}, 'required': ['a'],
     'additionalProperties': False}
    >>> strict_shape({"type": "object", "additionalProperties": {"type": "integer"}}) is None
    True
    """
    try:
        shaped = _shaped(schema)
        for key in ("$defs", "definitions"):
            if key in schema:
                shaped[key] = {name: _shaped(one) for name, one in schema[key].items()}
        return shaped
    except (_NotStrict, RecursionError):
        return None


def _shaped(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        raise _NotStrict
    schema = _unified(schema)
    if _IMPOSSIBLE & schema.keys() or not _TELLING & schema.keys():  # the latter allows anything
        raise _NotStrict
    shaped = {key: value for key, value in schema.items() if key in _KEPT}
    if "$ref" in shaped and len(shaped) > 1:  # nothing may stand beside it
        shaped["anyOf"] = [{"$ref": shaped.pop("$ref")}]
    if shaped.get("format") not in _FORMATS:
        shaped.pop("format", None)
    if "(?" in str(shaped.get("pattern", "")):  # no look-around there
        del shaped["pattern"]
    kinds = shaped.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else kinds
    if "object" in kinds:
        _close(shaped)
    if "array" in kinds:
        shaped["items"] = _shaped(shaped.get("items"))
    if "anyOf" in shaped:
        shaped["anyOf"] = [_shaped(one) for one in shaped["anyOf"]]
    return shaped


def _unified(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with ``anyOf`` for what comes to the same: one of tagged unions, all of one.

    What ``oneOf`` says beyond it is validated later.
    """
    unified = dict(schema)
    if "oneOf" in unified and "anyOf" not in unified:
        unified["anyOf"] = unified.pop("oneOf")
    if "allOf" in unified:
        if len(unified["allOf"]) > 1 or "anyOf" in unified:
            raise _NotStrict
        unified["anyOf"] = unified.pop("allOf")
    return unified


def _close(shaped: dict[str, Any]) -> None:
    """Require every property of an object and allow no other."""
    properties = shaped.get("properties", {})
    if shaped.get("additionalProperties", "properties" not in shaped):
        raise _NotStrict
    shaped["properties"] = {name: _shaped(one) for name, one in properties.items()}
    shaped["required"] = [*properties]
    shaped["additionalProperties"] = False

"""What a model is told of a function."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from pydantic_ai import Tool as Oracle

from nbchat.errors import ToolError, UsageError
from nbchat.tools import Tool, collect
from tests.tools import signatures
from tests.tools.signatures import FUNCTIONS, Shop, google, typed


def test_there_are_thirty_signatures() -> None:
    assert len(FUNCTIONS) >= 30


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__qualname__)
def test_the_schema_is_the_one_that_pydantic_ai_makes(function: Callable[..., Any]) -> None:
    expected = Oracle(function, takes_ctx=False).tool_def
    spec = Tool.of(function).spec
    assert spec.name == expected.name
    assert normal(spec.parameters) == normal(expected.parameters_json_schema)
    json.dumps(spec.parameters, allow_nan=False)


def normal(schema: Any) -> Any:
    """Leave out what has no meaning: titles, the order of what is required, …"""
    if isinstance(schema, list):
        return [normal(one) for one in schema]
    if isinstance(schema, str):
        return " ".join(schema.split())
    if not isinstance(schema, dict):
        return schema
    return {
        key: sorted(value) if key == "required" and isinstance(value, list) else normal(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
        and not (key == "additionalProperties" and value is True)
    }


@pytest.mark.parametrize("name", ["google", "numpy_style", "rest_style"])
def test_docstrings(name: str) -> None:
    spec = Tool.of(getattr(signatures, name)).spec
    assert spec.parameters is not None
    assert spec.description.startswith("Add it up.")
    assert "sum" not in spec.description
    first = spec.parameters["properties"]["a"]["description"]
    assert first == ("the first, going on" if name == "google" else "the first")
    assert spec.parameters["properties"]["b"]["description"] == "the second"


def test_the_annotation_describes_before_the_docstring() -> None:
    spec = Tool.of(signatures.annotated).spec
    assert spec.parameters is not None
    assert spec.parameters["properties"]["a"]["description"] == "From 0 to 10."
    assert spec.parameters["properties"]["b"]["description"] == "the text"


def test_a_property_may_be_called_title() -> None:
    spec = Tool.of(signatures.called_back).spec
    assert spec.parameters is not None
    assert spec.parameters["properties"]["title"] == {"default": "title", "type": "string"}


def test_no_docstring_no_description() -> None:
    assert Tool.of(typed).spec.description == ""


def test_objects_and_partials() -> None:
    tool = Tool.of(Shop(), "buy")
    assert (tool.name, tool.spec.description) == ("buy", "Buy it.")
    assert tool.spec.parameters == {
        "type": "object",
        "properties": {"item": {"type": "string"}},
        "required": ["item"],
        "additionalProperties": False,
    }
    assert Tool.of(Shop()).name == "Shop"
    given = Tool.of(signatures.PARTIAL, "half").spec
    assert given.name == "half"
    assert given.parameters is not None
    assert list(given.parameters["properties"]) == ["b", "c", "d"]
    assert given.parameters["properties"]["c"]["default"] == 2.5
    wrapped = Tool.of(functools.lru_cache(google)).spec
    assert (wrapped.name, wrapped.description) == ("google", Tool.of(google).spec.description)


def test_names_that_the_apis_take() -> None:
    def größe() -> None: ...

    def long() -> None: ...

    long.__name__ = "x" * 70
    assert Tool.of(größe).name == "gr__e"
    assert Tool.of(long).name == "x" * 64
    assert Tool.of(lambda: 1, "one").name == "one"


def test_a_default_that_is_no_json_is_left_out() -> None:
    def odd(a: float = math.nan, b: Any = object(), c: float = math.inf) -> None: ...  # noqa: B008

    spec = Tool.of(odd).spec
    assert spec.parameters is not None
    assert spec.parameters["properties"] == {
        "a": {"type": "number"},
        "b": {},
        "c": {"type": "number"},
    }


class Unknown:
    pass


def with_frame(frame: pd.DataFrame) -> None: ...


def with_unknown(thing: Unknown) -> None: ...


def with_missing(thing: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (5, "5 is no tool: it is not a function"),
        (Shop, "is no tool: the class Shop is not a function"),
        (lambda: 1, "a lambda has no name"),
        (with_frame, "the tool with_frame has a parameter that no model can give"),
        (with_unknown, "no model can give"),
        (with_missing, "annotation of the tool with_missing is not known.*Missing"),
        (math.hypot, "hypot does not tell its parameters"),
    ],
)
def test_what_is_no_tool(thing: Any, words: str) -> None:
    with pytest.raises(ToolError, match=words):
        Tool.of(thing)


def test_tools_are_found_by_name() -> None:
    shop = Shop()
    names: dict[str, Any] = {"shop": shop, "google": google, "many": [google, [shop.order]]}
    assert list(collect(["google"], [names])) == ["google"]
    assert list(collect(["shop.order", "shop"], [names])) == ["order", "shop"]
    assert list(collect(["many", google, "google"], [names])) == ["google", "order"]
    assert list(collect([[typed, (google,)]])) == ["typed", "google"]
    assert collect([]) == {}


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("gogle", r"--tool gogle: gogle is not defined \(did you mean google\?\)"),
        ("opener", "--tool opener: opener is not defined$"),
        ("shop.oder", "--tool shop.oder: 'Shop' object has no attribute 'oder'"),
        ("[google]", r"not the name of a variable\nAn expression stands in \{\{ … \}\}"),
        ("two", "two tools are called google"),
    ],
)
def test_what_is_not_found_is_named(ref: str, words: str) -> None:
    def other() -> None: ...

    other.__name__ = "google"
    names: dict[str, Any] = {"shop": Shop(), "google": google, "two": [google, other]}
    names["open"] = open  # as IPython does
    with pytest.raises(UsageError, match=words):
        collect([ref], [names])

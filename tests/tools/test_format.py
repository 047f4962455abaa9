"""Answers in a form that was asked for."""

from __future__ import annotations

import datetime
import decimal
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field, TypeAdapter
from typing_extensions import TypedDict

from nbchat.errors import FormatError, UsageError
from nbchat.messages import Format
from nbchat.tools import structure
from tests.tools.signatures import Cat, Colour, Dog, Node, Person, Point, Shape


class Movie(TypedDict):
    title: str
    year: int


class Event(BaseModel):
    """Something that happens."""

    day: datetime.date
    kind: Literal["talk", "walk"] = "talk"
    people: list[Person] = []
    near: Point | None = Field(None, description="Where.")
    price: Annotated[float, Field(ge=0)] = 0


class Loose(BaseModel):
    extra: dict[str, int]


class Coded(BaseModel):
    price: decimal.Decimal  # its pattern looks ahead
    code: str = Field(min_length=2)
    link: str = Field(json_schema_extra={"format": "uri"})


SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
}


# --- What is asked for ----------------------------------------------------------------------


@pytest.mark.parametrize("model", [Point, Shape, Node, Person, Movie, Event])
def test_the_strict_shape_is_the_one_of_openais_sdk(model: Any) -> None:
    made = structure(model).format
    assert made.strict
    assert made.name == model.__name__
    assert made.schema is not None
    assert without(made.schema) == without(to_strict_json_schema(TypeAdapter(model)))


def without(schema: Any) -> Any:
    """Leave out titles and defaults: the SDK sends them."""
    if isinstance(schema, list):
        return [without(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        key: without(value)
        for key, value in schema.items()
        if key != "default" and not (key == "title" and isinstance(value, str))
    }
    return plain


@pytest.mark.parametrize(
    ("asked", "strict", "wrapped"),
    [
        (Event, True, False),
        (Node, True, False),
        (list[int], True, True),
        (int, True, True),
        (Colour, True, True),
        (Cat | Dog, True, True),
        (Annotated[Cat | Dog, Field(discriminator="kind")], True, True),
        (Coded, True, False),
        (Loose, False, False),
        (dict[str, int], False, False),
        (tuple[int, str], False, True),
        (list, False, True),
        (Any, False, True),
        (SCHEMA, True, False),
        ({"type": "array", "items": {"type": "string"}}, True, True),
        ({**SCHEMA, "additionalProperties": True}, False, False),
        ({**SCHEMA, "not": {"required": ["age"]}}, False, False),
        ({}, False, True),
    ],
    ids=str,
)
def test_what_is_sent(asked: Any, strict: bool, wrapped: bool) -> None:
    made = structure(asked).format
    assert made.kind == "json_schema"
    assert made.strict is strict
    schema = made.schema
    assert schema is not None
    assert schema["type"] == "object"
    assert ([*schema.get("properties", {})] == ["value"]) is wrapped
    json.dumps(schema, allow_nan=False)
    if strict:
        hold_to_the_rules(schema)


def hold_to_the_rules(schema: Any) -> None:
    assert isinstance(schema, dict)
    assert not schema.keys() & {"title", "default", "oneOf", "allOf", "minLength"}
    if schema.get("type") == "object":
        assert schema["additionalProperties"] is False
        assert schema["required"] == [*schema["properties"]]
    if "$ref" in schema:
        assert len(schema) == 1
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    inner += schema.get("anyOf", []) + ([schema["items"]] if "items" in schema else [])
    for one in inner:
        hold_to_the_rules(one)


def test_a_description_stands_beside_a_reference() -> None:
    class Trip(BaseModel):
        start: Point = Field(description="From here.")

    schema = structure(Trip).format.schema
    assert schema is not None
    assert schema["properties"]["start"] == {
        "anyOf": [{"$ref": "#/$defs/Point"}],
        "description": "From here.",
    }


def test_json_alone() -> None:
    made = structure()
    assert made.format == Format("json_object")
    assert made.validate('{"a": [1]}') == {"a": [1]}
    assert made.validate("[1, 2]") == [1, 2]
    with pytest.raises(FormatError, match="should be a JSON object, not 5"):
        made.validate("5")


def test_names() -> None:
    names = {"Event": Event, "schema": SCHEMA, "größe": {**SCHEMA, "title": "no name"}}
    assert structure("Event", [names]).format.name == "Event"
    assert structure("schema", [names]).format.name == "schema"
    assert structure("größe", [names]).format.name == "answer"
    assert structure("int", []).validate("5") == 5
    with pytest.raises(
        UsageError, match=r"--schema Evnt: Evnt is not defined \(did you mean Event"
    ):
        structure("Evnt", [names])
    with pytest.raises(UsageError, match=r"--schema list\[int\]: not the name of a variable"):
        structure("list[int]", [names])


class Opaque:
    pass


@pytest.mark.parametrize(
    "asked",
    [
        Annotated[str, Field(pattern="(?=a)")],
        5,
        Opaque,
        Opaque(),
        {"type": "nothing"},
        {"$ref": "#/$defs/x"},
        {"$ref": "https://example.org/s"},
        {"properties": 5},
        {"enum": [{1}]},
    ],
    ids=repr,
)
def test_what_is_no_schema(asked: Any) -> None:
    with pytest.raises(UsageError, match="--schema thing: no "):
        structure("thing", [{"thing": asked}])


# --- What comes ---------------------------------------------------------------------------------

EVENT = '{"day": "2026-01-02", "people": [{"name": "Ada"}]}'


@pytest.mark.parametrize(
    ("asked", "text", "expected"),
    [
        (Event, EVENT, Event(day=datetime.date(2026, 1, 2), people=[Person("Ada")])),
        (Event, f" \n{EVENT}\n", Event(day=datetime.date(2026, 1, 2), people=[Person("Ada")])),
        (Point, '```json\n{"x": 1}\n```', Point(x=1)),
        (Point, 'Here it is:\n\n```\n{"x": 1}\n```\nDone.', Point(x=1)),
        (Point, '~~~~\n{"x": 1}', Point(x=1)),
        (Point, 'No:\n```py\nx = 1\n```\nbut\n```json\n{"x": 2}\n```', Point(x=2)),
        (Person, '{"name": "Ada"}', Person("Ada")),
        (Movie, '{"title": "M", "year": 1931}', {"title": "M", "year": 1931}),
        (list[int], '{"value": [1, 2]}', [1, 2]),
        (list[int], "[1, 2]", [1, 2]),
        (dict[str, int], '{"value": 1}', {"value": 1}),
        (tuple[int, str], '[1, "a"]', (1, "a")),
        (Colour, '{"value": "red"}', Colour.RED),
        (datetime.date, '"2026-01-02"', datetime.date(2026, 1, 2)),
        (TypeAdapter(int), "5", 5),
        (SCHEMA, '{"name": "Ada"}', {"name": "Ada"}),
    ],
    ids=str,
)
def test_an_answer_becomes_the_object(asked: Any, text: str, expected: object) -> None:
    assert structure(asked).validate(text) == expected


@pytest.mark.parametrize(
    ("asked", "text", "words"),
    [
        (Event, '{"day": "soon"}', "does not fit Event\nday: Input should be a valid date"),
        (
            Event,
            '{"day": "2026-01-02", "people": [{"name": "A"}, {"name": 5}]}',
            "people.1.name: Input should be a valid string, not 5",
        ),
        (SCHEMA, '{"name": "A", "age": -1}', "age: -1 is less than the minimum of 0"),
        (SCHEMA, "{}", "'name' is a required property"),
        (Point, '{"x": NaN}', "NaN is not JSON"),
        (Point, '{"x": 1', "no JSON: Expecting"),
        (Point, '```json\n{"x": \n```', "no JSON: Expecting value: line 2"),
        (
            Point,
            "I can't do that.",
            "no JSON: Expecting value: line 1 column 1 (char 0)\n"
            "Say in the prompt what to fill in, or try another model.",
        ),
        (Point, " ", "the answer is empty"),
        (Point, "[" * 100_000, "no JSON"),
        (Event, "{}", "day: Field required"),
    ],
)
def test_what_does_not_fit_is_shown_with_its_path(asked: Any, text: str, words: str) -> None:
    """Row 39."""
    with pytest.raises(FormatError) as caught:
        structure(asked).validate(text)
    assert words in str(caught.value)
    assert caught.value.text == text
    assert len(str(caught.value).splitlines()) <= 3


def test_the_model_is_told_what_to_repair() -> None:
    made = structure(Shape)
    with pytest.raises(FormatError) as caught:
        made.validate('{"corners": [{}], "colour": "green"}')
    assert str(caught.value).endswith("(and 2 more; its text is kept)")
    prompt = made.repair_prompt(caught.value)
    assert "- name: Field required" in prompt
    assert "- corners.0.x: Field required" in prompt
    assert "- colour: Input should be 'red' or 'blue', not 'green'" in prompt
    assert json.dumps(made.format.schema) in prompt
    assert "schema" not in structure().repair_prompt(caught.value)


def test_a_schema_that_refers_to_itself() -> None:
    tree = {
        "$defs": {
            "tree": {
                "type": "object",
                "properties": {"leaves": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
                "required": ["leaves"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/tree",
    }
    made = structure(tree)
    assert made.format.strict
    hold_to_the_rules(made.format.schema)
    assert made.validate('{"leaves": [{"leaves": []}]}') == {"leaves": [{"leaves": []}]}
    with pytest.raises(FormatError, match=r"leaves\.0"):
        made.validate('{"leaves": [{}]}')


@dataclass
class Nested:
    inner: list[Person]


def test_dataclasses_become_themselves() -> None:
    assert structure(Nested).validate('{"inner": [{"name": "A", "age": 1}]}') == Nested(
        [Person("A", 1)]
    )

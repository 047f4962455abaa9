"""One call: its arguments read, the function run, its result told."""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as pil
from pydantic import BaseModel

from nbchat.errors import ToolError
from nbchat.messages import Image, Text
from nbchat.tools import Tool, ToolResult
from nbchat.tools.result import LIMIT
from tests.tools import signatures
from tests.tools.signatures import Colour, Level, Node, Person, Point, Shape

PIXEL = b"\x89PNG\r\n\x1a\n" + base64.b64decode(
    "AAAADUlIRFIAAAABAAAAAQgGAAAAHxXEiQAAAA1JREFUeNpj/M/wvx4ABQQCAItxSU8AAAAASUVORK5CYII="
)

READ: list[tuple[str, str, dict[str, Any]]] = [
    ("nothing", "", {}),
    ("nothing", " {} ", {}),
    ("typed", '{"a": "3", "d": "yes"}', {"a": 3, "b": "x", "c": 1.5, "d": True}),
    ("coloured", '{"a": "blue", "b": 2}', {"a": Colour.BLUE, "b": Level.HIGH}),
    ("mapped", '{"a": {"x": 1}, "c": [1, 2, 1]}', {"a": {"x": 1}, "b": None, "c": {1, 2}}),
    ("listed", '{"a": [], "c": [1, "b"]}', {"a": [], "b": None, "c": (1, "b")}),
    ("data_class", '{"person": {"name": "Ada"}, "n": 1}', {"person": Person("Ada"), "n": 1}),
    (
        "nested",
        '{"shape": {"name": "s", "corners": [{"x": 1}], "colour": "red"}, "n": 2}',
        {"shape": Shape(name="s", corners=[Point(x=1)], colour=Colour.RED), "n": 2},
    ),
    (
        "recursive",
        '{"node": {"value": 1, "children": [{"value": 2}]}}',
        {"node": Node(value=1, children=[Node(value=2)]), "depth": 1},
    ),
    ("var_keyword", '{"a": 1, "b": "2"}', {"a": 1, "b": 2}),
]


@pytest.mark.parametrize(("name", "arguments", "expected"), READ)
def test_arguments_become_what_the_function_takes(
    name: str, arguments: str, expected: dict[str, Any]
) -> None:
    assert Tool.of(getattr(signatures, name)).read(arguments) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("typed", '{"a": "three"}', "a: Input should be a valid integer.*, not 'three'"),
        ("typed", "{}", "a: Missing required"),
        ("typed", '{"a": 1, "e": 2}', "e: Unexpected keyword argument, not 2"),
        ("typed", '{"a": 1', "Invalid JSON"),
        ("typed", "[1]", "a: Missing required"),
        ("typed", "5", "must be an array or an object, not 5"),
        (
            "nested",
            '{"shape": {"name": "s", "corners": [{"y": 1}]}, "n": 1}',
            "corners.0.x: Field",
        ),
        ("literal", '{"a": "three"}', "a: Input should be 'one' or 'two', not 'three'"),
    ],
)
def test_arguments_that_do_not_fit_are_told_the_model(
    name: str, arguments: str, words: str
) -> None:
    tool = Tool.of(getattr(signatures, name))
    with pytest.raises(ToolError, match=f"the arguments of {name} do not fit:\n(.|\n)*{words}"):
        tool.read(arguments)
    result = tool.run(arguments)
    assert result.failed
    assert "do not fit" in result.text


def test_arguments_go_to_their_places() -> None:
    def everything(a: int, b: int = 2, /, c: int = 3, *rest: int, d: int = 4, **more: int) -> str:
        return json.dumps([a, b, c, rest, d, more])

    tool = Tool.of(everything)
    assert tool.run('{"a": 1, "rest": []}').text == "[1, 2, 3, [], 4, {}]"
    assert (
        tool.run('{"a": 1, "b": 0, "c": 5, "rest": [6, 7], "d": 8, "e": 9}').text
        == '[1, 0, 5, [6, 7], 8, {"e": 9}]'
    )
    assert Tool.of(signatures.Shop().order).run('{"item": "tea"}').text == "1 tea"
    assert Tool.of(signatures.Shop(), "buy").run('{"item": "tea"}').text == "tea"


class Order(BaseModel):
    item: str
    day: datetime.date


@dataclass
class Place:
    x: float


class Shown:
    def _repr_markdown_(self) -> str:
        return "**shown**"


class Opaque:
    def __repr__(self) -> str:
        return "<opaque>"


def endless() -> list[Any]:
    itself: list[Any] = []
    itself.append(itself)
    return itself


RESULTS: list[tuple[object, str]] = [
    ("text\n", "text\n"),
    ("", ""),
    (None, "null"),
    (True, "true"),
    (2.5, "2.5"),
    ([1, "ö"], '[1,"ö"]'),
    ({"a": {1: (2, 3)}}, '{"a":{"1":[2,3]}}'),
    (Order(item="tea", day=datetime.date(2026, 1, 2)), '{"item":"tea","day":"2026-01-02"}'),
    ([Place(1.5)], '[{"x":1.5}]'),
    (Colour.RED, '"red"'),
    ({"n": np.float32(1.5), "a": np.arange(3)}, '{"n":1.5,"a":[0,1,2]}'),
    (Opaque(), '"<opaque>"'),
    ({"o": Opaque()}, '{"o":"<opaque>"}'),
    (Shown(), "**shown**"),
    (pd.DataFrame({"a": [1]}), "| a |\n| --- |\n| 1 |"),
    (endless(), "[[...]]"),
    (b"\xff", repr(b"\xff")),
    ("\ud800", "\ud800"),
]


@pytest.mark.parametrize(("value", "text"), RESULTS, ids=lambda value: repr(value)[:30])
def test_what_a_tool_gives_is_text_or_json(value: object, text: str) -> None:
    result = ToolResult.of(value)
    assert result.parts == (Text(text),)
    assert not result.failed


def test_pictures_become_images() -> None:
    part = Image("data:image/png;base64," + base64.b64encode(PIXEL).decode())
    assert ToolResult.of(part).parts == (Text("The result is attached."), part)
    [_, made] = ToolResult.of(pil.new("L", (2, 2))).parts
    assert isinstance(made, Image)
    mixed = ToolResult.of(["before", part, {"a": 1}])
    assert mixed.parts == (Text("before\n"), part, Text('\n{"a":1}'))
    large = ToolResult.of(pil.new("L", (4000, 2)))
    assert large.text.endswith("\nthe result: 4000×2 px, sent as 2048×1")


def test_what_is_too_much_is_cut_and_that_is_said() -> None:
    result = Tool.of(lambda: "x" * 10_000_000, "much").run("")
    assert len(result.text) < LIMIT + 100
    assert result.text.endswith("[cut: the first 50000 of 10000000 characters are shown]")


def fails(error: BaseException) -> Any:
    def tool() -> None:
        raise error

    return tool


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("too far"), "ValueError: too far"),
        (KeyError("a"), "KeyError: 'a'"),
        (ToolError("ask for another city"), "ask for another city"),
        (SystemExit(3), "SystemExit: 3"),
        (StopIteration(), "StopIteration: "),
        (RecursionError("deep"), "RecursionError: deep"),
    ],
)
def test_what_a_tool_raises_is_told_the_model(error: BaseException, text: str) -> None:
    result = Tool.of(fails(error)).run("{}")
    assert (result.text, result.failed) == (text, True)
    assert asyncio.run(Tool.of(fails(error)).arun("{}")) == result


def test_an_interrupt_comes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        Tool.of(fails(KeyboardInterrupt())).run("{}")


def test_asynchronous_tools() -> None:
    tool = Tool.of(signatures.asynchronous)
    assert tool.is_async
    assert tool.run('{"a": 2, "b": "x"}').text == "xx"
    assert asyncio.run(tool.arun('{"a": 2, "b": "x"}')).text == "xx"
    assert asyncio.run(Tool.of(signatures.google).arun('{"a": 2, "b": "y"}')).text == "yy"

    class Waiting:
        async def __call__(self) -> int:
            await asyncio.sleep(0)
            return 1

    later = Tool.of(lambda: Waiting()(), "later")  # a plain function that gives an awaitable
    assert [Tool.of(Waiting()).is_async, later.is_async] == [True, False]
    assert [Tool.of(Waiting()).run("").text, later.run("").text] == ["1", "1"]

    async def timeout() -> None:
        raise TimeoutError("slow")

    assert Tool.of(timeout).run("").text == "TimeoutError: slow"


def test_the_loop_of_the_tools_runs_within_another() -> None:
    async def cell() -> str:  # as in a notebook, where the kernel's loop runs already
        return Tool.of(signatures.asynchronous).run('{"a": 1, "b": "x"}').text

    assert asyncio.run(cell()) == "x"


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    import subprocess

    code = """
import sys
import nbchat.tools, nbchat.prompt
heavy = {"pydantic", "pydantic_core", "docstring_parser", "jsonschema", "IPython", "httpx", "PIL"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""Options from any source: checks, layers, help."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from nbchat.errors import UsageError
from nbchat.line import help_text
from nbchat.messages import Endpoint
from nbchat.options import TABLE, Options, check, describe

VALID = {
    "temperature": 0.0,
    "top_p": 1,
    "max_tokens": 1,
    "frequency_penalty": -2.0,
    "presence_penalty": 2.0,
    "seed": 0,
    "stop": ("a",),
    "timeout": 0.1,
    "set": {"a.b": [1]},
    "out": "größe",
    "n": 128,
    "logprobs": 0,
    "metadata": {"k": ""},
    "system": "",
}

INVALID: list[tuple[str, Any]] = [
    ("provider", ""),
    ("model", 5),
    ("new", 1),
    ("stream", "no"),
    ("temperature", 2.01),
    ("temperature", "hot"),
    ("temperature", True),
    ("temperature", float("nan")),
    ("temperature", 1j),
    ("max_tokens", 0),
    ("max_tokens", 1.0),
    ("max_tokens", True),
    ("seed", 2**63),
    ("stop", ("a", "b", "c", "d", "e")),
    ("stop", ("",)),
    ("stop", 5),
    ("timeout", float("inf")),
    ("set", {"": 1}),
    ("set", {1: 1}),
    ("set", {"a": float("nan")}),
    ("set", [1]),
    ("metadata", {"k": 1}),
    ("metadata", {"": "v"}),
    ("metadata", "k=v"),
    ("out", "not a name"),
    ("effort", "much"),
    ("safety_identifier", "x" * 129),
]


@pytest.mark.parametrize(("name", "value"), VALID.items())
def test_a_value_in_its_range_passes(name: str, value: Any) -> None:
    check(Options(**{name: value}), "chat")


@pytest.mark.parametrize(("name", "value"), INVALID, ids=str)
def test_a_value_out_of_its_range_is_named(name: str, value: Any) -> None:
    flag = next(option.flag for option in TABLE if option.field == name)
    with pytest.raises(UsageError, match=flag):
        check(Options(**{name: value}), "chat")
    with pytest.raises(UsageError, match=flag):
        Options.of(**{name: value})


@pytest.mark.parametrize(
    ("options", "endpoint", "words"),
    [
        (Options(seed=1), "responses", "%%respond has no --seed: use %%chat"),
        (Options(previous="r"), "chat", "%%chat has no --previous: use %%respond"),
        (Options(service_tier="ultrafast"), "chat", "has no --service-tier ultrafast"),
        (Options(new=True, once=True), "chat", "exclude each other"),
    ],
)
def test_what_does_not_go_together(options: Options, endpoint: Endpoint, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check(options, endpoint)


def test_of_takes_keyword_arguments() -> None:
    assert Options.of(temperature=1, stop="END", seed=None) == Options(
        temperature=1.0, stop=("END",)
    )
    with pytest.raises(UsageError, match=r"temprature \(did you mean temperature\?\)"):
        Options.of(temprature=1)


def test_merged_lets_the_first_win() -> None:
    line = Options(temperature=0.0, system="", set={"a": 1}, stop=("x",))
    thread = Options(temperature=1.0, system="s", model="m", set={"a": 2, "b": 3}, stop=("y",))
    assert line.merged(thread) == Options(
        temperature=0.0, system="", model="m", set={"a": 1, "b": 3}, stop=("x",)
    )
    assert Options().merged(thread) == thread
    assert thread.merged(Options()) == thread


def test_only_for_leaves_out_what_the_endpoint_lacks() -> None:
    both = Options(seed=1, stop=("x",), previous="r", model="m")
    assert both.only_for("responses") == Options(previous="r", model="m")
    assert both.only_for("chat") == replace(both, previous=None)
    check(both.only_for("responses"), "responses")


def test_set_decides_over_the_fields_stream_and_store() -> None:
    assert Options(set={"stream": False}).stream is False
    assert Options(set={"stream": None}).stream is False
    assert replace(Options(stream=False), set={"stream": True}).stream is True
    assert Options(set={"store": False}).store is False
    assert Options(store=True, set={"store": None}).store is None


def test_the_table_and_the_fields_are_the_same() -> None:
    assert {option.field for option in TABLE} == {field.name for field in fields(Options)}
    flags = [flag for option in TABLE for flag in (*option.flags, *option.aliases)]
    assert len(flags) == len(set(flags))
    assert all(option.help.endswith(".") for option in TABLE)


@pytest.mark.parametrize("field", fields(Options), ids=lambda field: field.name)
def test_every_field_is_described(field: Any) -> None:
    assert describe(field.name).endswith(".")


def test_description_has_the_range_and_the_endpoint() -> None:
    assert "from -2 to 2" in describe("presence_penalty")
    assert describe("previous").endswith("%%respond only.")
    with pytest.raises(UsageError, match="did you mean seed"):
        describe("sed")


@pytest.mark.parametrize("endpoint", ["chat", "responses"])
def test_the_help_page_has_every_option_of_the_endpoint(endpoint: Endpoint) -> None:
    page = help_text(endpoint)
    for option in TABLE:
        has = option.endpoint in (None, endpoint)
        assert (f" {option.flag}" in page) is has, option.flag
    assert max(map(len, page.splitlines())) <= 88
    assert "from 0 to 2" in page

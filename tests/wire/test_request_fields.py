"""Fields by their path: `--set`, and what a server refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from nbchat.errors import UsageError
from nbchat.wire.fields import drop, put

BODY: dict[str, Any] = {
    "model": "m",
    "tools": [{"name": "f"}, {"name": "g"}],
    "reasoning": {"effort": "low"},
}


def changed(**values: Any) -> dict[str, Any]:
    return {**copy.deepcopy(BODY), **values}


PUT = [
    ({"seed": 1}, changed(seed=1)),
    ({"model": "x"}, changed(model="x")),
    ({"reasoning.summary": "auto"}, changed(reasoning={"effort": "low", "summary": "auto"})),
    ({"reasoning": {"summary": "auto"}}, changed(reasoning={"summary": "auto"})),
    ({"a.b.c": [1]}, changed(a={"b": {"c": [1]}})),
    ({"a": {}, "a.b": 1}, changed(a={"b": 1})),
    ({"logit_bias.50256": -100}, changed(logit_bias={"50256": -100})),
    ({"tools.1.strict": True}, changed(tools=[{"name": "f"}, {"name": "g", "strict": True}])),
    ({"tools.0": "x"}, changed(tools=["x", {"name": "g"}])),
    ({"tools.0": None}, changed(tools=[{"name": "g"}])),
    ({"tools": [{"type": "h"}]}, changed(tools=[*BODY["tools"], {"type": "h"}])),
    ({"tools": None, "a": 1}, {**{k: v for k, v in BODY.items() if k != "tools"}, "a": 1}),
    ({"reasoning.effort": None}, changed(reasoning={})),
    ({"none.at.all": None, "gone": None}, changed()),
    ({"seed": False, "user": 0}, changed(seed=False, user=0)),
]


@pytest.mark.parametrize(("values", "expected"), PUT, ids=repr)
def test_put(values: dict[str, Any], expected: dict[str, Any]) -> None:
    body = copy.deepcopy(BODY)
    put(body, values)
    assert body == expected


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("model.x", "--set model.x: what stands before x is no object"),
        ("tools.2", "--set tools.2: what stands before 2 is a list of 2"),
        ("tools.name", "before name is a list of 2"),
        ("tools.0.name.x", "before x is no object"),
        ("tools.-1.name", "before -1 is a list"),
    ],
)
@pytest.mark.parametrize("value", [1, None])
def test_a_path_that_leads_nowhere_is_named(path: str, words: str, value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        put(copy.deepcopy(BODY), {path: value})
    assert words in str(caught.value)


def test_the_users_object_is_copied() -> None:
    mine = {"b": [1]}
    body: dict[str, Any] = {}
    put(body, {"a": mine, "a.b.0": 2})
    assert (body, mine) == ({"a": {"b": [2]}}, {"b": [1]})


@pytest.mark.parametrize(
    ("paths", "gone"),
    [
        (["seed", "a.b", "model.x"], []),
        (["model"], ["model"]),
        (["reasoning.effort"], ["reasoning"]),
        (["reasoning", "tools"], ["reasoning", "tools"]),
        (["reasoning.summary"], []),
    ],
)
def test_drop(paths: list[str], gone: list[str]) -> None:
    body = copy.deepcopy(BODY)
    drop(body, paths)
    assert body == {key: value for key, value in BODY.items() if key not in gone}

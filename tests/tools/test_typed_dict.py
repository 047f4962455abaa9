"""Dictionaries with types, as `typing` of any Python makes them."""

from __future__ import annotations

import sys
import typing
from typing import Annotated, Any, Optional

import pytest
import typing_extensions
from pydantic import Field, TypeAdapter

from nbchat.errors import UsageError
from nbchat.tools import Tool, structure
from nbchat.tools.typed_dict import readable


class Plain(typing.TypedDict):
    """A place."""

    name: str
    size: Annotated[int, Field(ge=0)]


class Wider(Plain, total=False):
    note: str
    inner: list[Plain]


class Marked(typing.TypedDict):
    name: str
    note: typing_extensions.NotRequired[str]


class Again(typing.TypedDict):
    inner: list[Again]


class PlainModel(typing_extensions.TypedDict):
    """A place."""

    name: str
    size: Annotated[int, Field(ge=0)]


class WiderModel(PlainModel, total=False):
    note: str
    inner: list[PlainModel]


class MarkedModel(typing_extensions.TypedDict):
    name: str
    note: typing_extensions.NotRequired[str]


def schema(annotation: Any) -> str:
    return str(TypeAdapter(annotation).json_schema()).replace("Model", "")


@pytest.mark.parametrize(
    ("annotation", "model"),
    [
        (Plain, PlainModel),
        (Wider, WiderModel),
        (Marked, MarkedModel),
        (list[Plain], list[PlainModel]),
        (dict[str, list[Plain]], dict[str, list[PlainModel]]),
        (Plain | None, PlainModel | None),
        (Optional[Plain], Optional[PlainModel]),  # noqa: UP045
        (typing.List[Plain], typing.List[PlainModel]),  # noqa: UP006
        (Annotated[Plain, Field(description="d")], Annotated[PlainModel, Field(description="d")]),
    ],
)
def test_it_is_that_of_typing_extensions(annotation: Any, model: Any) -> None:
    assert schema(readable(annotation)) == schema(model)


@pytest.mark.parametrize(
    "annotation", [int, list[int], PlainModel, typing.Literal["a"], Any, None]
)
def test_all_else_stays(annotation: Any) -> None:
    assert readable(annotation) is annotation


def test_a_schema_and_a_parameter() -> None:
    assert structure(Plain).validate('{"name": "a", "size": 1}') == {"name": "a", "size": 1}

    def take(place: Plain) -> int:
        """Take a place."""
        return place["size"]

    take.__annotations__["place"] = Plain
    assert Tool.of(take).run('{"place": {"name": "a", "size": 3}}').text == "3"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic takes it there")
def test_what_refers_to_itself_is_named_with_the_way_out() -> None:
    with pytest.raises(UsageError, match=r"typing_extensions\.TypedDict"):
        structure(Again)

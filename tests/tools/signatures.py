"""Functions of all kinds of signature, for the comparison with another library's schemas."""

# No postponed annotations here: some of these are types of this module, others of a class.

import datetime
import decimal
import enum
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Point(BaseModel):
    """A place."""

    x: float
    y: float = 0.0


class Shape(BaseModel):
    name: str = Field(description="What it is called.")
    corners: list[Point]
    colour: Colour | None = None


class Node(BaseModel):
    value: int
    children: list["Node"] = []


@dataclass
class Person:
    name: str
    age: int = 0


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


def nothing() -> int:
    return 1


def plain(a, b=2, *, c=None): ...


def typed(a: int, b: str = "x", c: float = 1.5, d: bool = False) -> str: ...


def optional(a: int | None, b: int | None = None, c: str | int = "x") -> None: ...


def listed(a: list[int], b: list[str] | None = None, c: tuple[int, str] = (1, "a")) -> None: ...


def mapped(a: dict[str, int], b: dict[str, Any] | None = None, c: set[int] = frozenset()): ...


def literal(a: Literal["one", "two"], b: Literal[1, None] = 1) -> None: ...


def coloured(a: Colour, b: Level = Level.LOW) -> None: ...


def modelled(first: Point, second: Point, *, shape: Shape | None = None) -> None: ...


def nested(shape: Shape, n: int) -> None: ...


def recursive(node: Node, depth: int = 1) -> None: ...


def data_class(person: Person, n: int) -> None: ...


class Movie(TypedDict, total=False):
    title: str
    year: int


def typed_dict(movies: list[Movie], n: int = 1) -> None: ...


def annotated(
    a: Annotated[int, Field(ge=0, le=10, description="From 0 to 10.")],
    b: Annotated[str, Field(min_length=2, pattern="^a")] = "ab",
) -> None:
    """Do it.

    Args:
        a: is not what counts
        b: the text
    """


def dated(a: datetime.date, b: datetime.datetime, c: datetime.timedelta, d: uuid.UUID) -> None: ...


def exact(a: decimal.Decimal, b: bytes = b"") -> None: ...


def keyword_only(*, a: int, b: int = 2) -> None: ...


def positional_only(a: int, b: int = 2, /, c: int = 3) -> None: ...


def var_positional(a: int, *numbers: float, sep: str = ",") -> None: ...


def var_keyword(a: int, **settings: int) -> None: ...


def var_any(*args, **settings): ...


def discriminated(pet: Annotated[Cat | Dog, Field(discriminator="kind")], n: int = 1) -> None: ...


def postponed(a: "Colour", b: "list[Point] | None" = None) -> None: ...


async def asynchronous(a: int, b: str = "") -> str:
    """Wait.

    :param a: how long
    :param b: what for
    """
    return b * a


def google(a: int, b: str = "x") -> str:
    """Add it up.

    More words
    on two lines.

    Args:
        a: the first,
            going on
        b (str): the second

    Returns:
        the sum
    """
    return b * a


def numpy_style(a: int, b: str = "x") -> str:
    """Add it up.

    Parameters
    ----------
    a : int
        the first
    b : str, optional
        the second
    """
    return b * a


def rest_style(a: int, b: str = "x") -> str:
    """Add it up.

    :param a: the first
    :param b: the second
    :returns: the sum
    """
    return b * a


def model_described(first: Point, n: int) -> None:
    """Go.

    Args:
        first: where to begin
        n: how far
    """


def called_back(n: int, titles: dict[str, str], title: str = "title") -> None: ...


class Shop:
    """A shop."""

    def order(self, item: str, count: int = 1) -> str:
        """Order something.

        Args:
            item: what
            count: how many
        """
        return f"{count} {item}"

    @classmethod
    def found(cls, name: str) -> str: ...

    @staticmethod
    def price(item: str) -> float: ...

    def __call__(self, item: str) -> str:
        """Buy it."""
        return item


FUNCTIONS: list[Callable[..., Any]] = [
    nothing,
    plain,
    typed,
    optional,
    listed,
    mapped,
    literal,
    coloured,
    modelled,
    nested,
    recursive,
    data_class,
    typed_dict,
    annotated,
    dated,
    exact,
    keyword_only,
    positional_only,
    var_positional,
    var_keyword,
    var_any,
    discriminated,
    postponed,
    asynchronous,
    google,
    numpy_style,
    rest_style,
    model_described,
    called_back,
    Shop().order,
    Shop.found,
    Shop.price,
]

PARTIAL = partial(typed, 1, c=2.5)

"""A picture of a thread's tree: its rows, and all of it as text.

A path runs straight down, without indentation; what branches off it stands above the turn that
the path goes on with, indented.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nbchat.conversation.tree import Conversation, begins, children
from nbchat.conversation.turn import Turn
from nbchat.messages import Message

_EXCERPT = 60  # characters of a message
_ASCII = str.maketrans(
    {"│": "|", "├": "|", "─": "-", "●": "*", "○": "o", "·": "-", "…": "~", "→": ">"}
)
# The lines around a block of code; what stands in it may say more.
_FENCE = re.compile(r"^ {0,3}(?:`{3,}[^`\n]*|~{3,}.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """A line of the picture.

    ``rail`` are the lines that lead to it, ``marks`` what should be known of the turn.
    """

    turn: Turn
    rail: str
    words: str
    marks: tuple[str, ...]
    current: bool
    hidden: bool
    head: bool


def rows(thread: Conversation) -> Iterator[Row]:
    """Yield the turns of a thread in the order in which the picture shows them."""
    below = children(thread.turns)
    path = set(thread.path())
    # A path to be drawn: its first turn, the rail of that one, and the rail of the rest.
    todo: list[tuple[Turn, str, str]] = []

    def branch(parent: Turn | None, rail: str, rest: str) -> None:
        turns = below.get(parent, [])
        if turns:
            on = next((turn for turn in turns if turn in path), turns[-1])
            todo.append((on, rail, rest))
            sides = [turn for turn in turns if turn is not on]
            todo.extend((side, rest + "├─", rest + "│ ") for side in reversed(sides))

    branch(None, "", "")
    while todo:
        turn, rail, rest = todo.pop()
        yield _row(thread, turn, rail, turn in path)
        branch(turn, rest, rest)


def text(thread: Conversation, *, ascii: bool = False) -> str:
    """Return the picture as text: ``●`` is on the current path, ``○`` is not.

    >>> thread = Conversation("main")
    >>> first = thread.say("user", "Hello")
    >>> first.id = "3f2a"
    >>> print(text(thread))
    main · 1 turn
    ● 3f2a  Hello  (by hand, head)
    """
    lines, digits = [title(thread)], thread.digits()
    for row in rows(thread):
        marks = f"  ({', '.join(row.marks)})" if row.marks else ""
        dot = "●" if row.current else "○"
        lines.append(f"{row.rail}{dot} {row.turn.id[:digits]}  {row.words}{marks}")
    picture = "\n".join(lines)
    return picture.translate(_ASCII) if ascii else picture


def title(thread: Conversation) -> str:
    """Return the line above the picture: the thread's name and how much it holds."""
    count = len(begins(thread.turns))
    said = f"{thread.name} · {count} turn{'s' * (count != 1)}"
    branches = len(thread.turns) - len(set(children(thread.turns)) - {None})
    return f"{said}, {branches} branches" if branches > 1 else said


def _row(thread: Conversation, turn: Turn, rail: str, current: bool) -> Row:
    hidden = turn.id in thread.hidden
    marks = ["by hand"] * turn.by_hand + ["edited"] * (turn.id in thread.edits)
    marks += ["hidden"] * hidden
    if turn.answer.status != "completed":
        marks.append("answering" if not turn.settled else turn.answer.status)
    if turn is thread.head:
        marks.append("head")
    return Row(
        turn,
        rail,
        excerpt(thread.messages(turn)),
        tuple(marks),
        current,
        hidden,
        turn is thread.head,
    )


def excerpt(messages: tuple[Message, ...]) -> str:
    r"""Return the first words of a turn on one line: the user's, and an arrow before an answer.

    The fences of code are left out.

    >>> excerpt((Message.of("user", "One\ntwo"), Message.of("assistant", "```\nThree\n```")))
    'One two → Three'
    """
    said = []
    for message in messages:
        words = " ".join(_FENCE.sub("", message.text).split()) or " ".join(
            f"{call.name}()" for call in message.tool_calls
        )
        if words:
            words = words if len(words) <= _EXCERPT else words[: _EXCERPT - 1] + "…"
            said.append(f"→ {words}" if message.role == "assistant" else words)
    return " ".join(said)

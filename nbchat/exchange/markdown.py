"""``.md``: the current path, to be read."""

from __future__ import annotations

import re

from nbchat.conversation import Conversation, Turn
from nbchat.messages import Audio, File, Image, Message, Part, Refusal, Text

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")


def to_markdown(thread: Conversation) -> str:
    """Return the current path as Markdown: prompts quoted, answers as the model wrote them.

    Hidden turns are there, and marked; reasoning is not.
    """
    blocks = [f"# {thread.name}"]
    if thread.system:
        blocks += ["**System**", quoted(thread.system)]
    blocks += [turn_markdown(thread, turn) for turn in thread.path()]
    return "\n\n".join(blocks) + "\n"


def turn_markdown(thread: Conversation, turn: Turn) -> str:
    """Return one turn as Markdown, as `to_markdown` has it."""
    messages = thread.messages(turn)
    blocks = []
    for place, message in enumerate(messages):
        marks = _marks(thread, turn, last=place == len(messages) - 1)
        blocks += [f"**{_speaker(message, turn)}**{marks}", *_said(message)]
    return "\n\n".join(blocks)


def _speaker(message: Message, turn: Turn) -> str:
    if message.role == "assistant":
        return turn.answer.model or turn.model or "Assistant"
    return {"user": "User", "tool": "Tool", "system": "System"}[message.role]


def _marks(thread: Conversation, turn: Turn, *, last: bool) -> str:
    marks = ["hidden from the model"] * (turn.id in thread.hidden)
    marks += ["edited"] * (turn.id in thread.edits)
    if last and turn.answer.status != "completed":
        marks.append(turn.answer.status)
    return f" *({', '.join(marks)})*" if marks else ""


def _said(message: Message) -> list[str]:
    if message.role == "assistant":
        blocks = [closed(message.text)] if message.text else []
        shown: list[Part] = [part for part in message.parts if not isinstance(part, Text)]
    else:
        blocks, shown = [], list(message.parts)
    blocks += [part_markdown(part) for part in shown]
    blocks += [fenced(f"{call.name}({call.arguments})") for call in message.tool_calls]
    return blocks


def part_markdown(part: Part) -> str:
    """Return a part of a prompt, or an unusual one of an answer, as Markdown."""
    if isinstance(part, Text):
        return quoted(part.text.rstrip("\n"))  # a terminal ends a cell with a blank line
    if isinstance(part, Refusal):
        return f"*{part.text}*"
    if isinstance(part, Image):
        return f"![image]({part.url})"
    if isinstance(part, Audio):
        return quoted(part.transcript or f"({part.format} audio)")
    assert isinstance(part, File)
    return quoted(f"(file {part.filename or part.file_id or part.url})")


def quoted(text: str) -> str:
    r"""Return text as a block quote, which nothing in it can end.

    >>> quoted("# a\n```")
    '> # a\n> ```'
    """
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def fenced(text: str) -> str:
    """Return text as a code block, fenced with more backticks than it has in a row."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def closed(text: str) -> str:
    r"""Return an answer whose last code block is closed, where it broke off within one.

    >>> closed("```python\nprint(1)")
    '```python\nprint(1)\n```'
    """
    fence = ""
    for line in text.splitlines():
        match = _FENCE.match(line)
        if match is None:
            continue
        marks, rest = match.groups()
        if not fence:
            fence = "" if marks[0] == "`" and "`" in rest else marks
        elif marks[0] == fence[0] and len(marks) >= len(fence) and not rest.strip():
            fence = ""
    return f"{text.rstrip()}\n{fence}" if fence else text

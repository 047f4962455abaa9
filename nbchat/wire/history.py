"""What both APIs ask of a history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nbchat.messages import Message, Text

__all__ = ["answered"]

NOT_RUN = "This call was not run."


def answered(messages: Iterable[Message]) -> Iterator[Message]:
    """Yield the messages; a tool call that the next ones do not answer is told not to have run.

    Both APIs refuse a history with a call that has no output, and with it all that is asked on
    the thread from then on. There is none where nobody ran the tools (they were only described
    to the model, by ``--set``), or where the user stopped them.

    >>> from nbchat.messages import ToolCall
    >>> calls = (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}"))
    >>> given = Message("tool", (Text("1"),), tool_call_id="a")
    >>> said = answered([Message("assistant", (), calls), given, Message.of("user", "hi")])
    >>> [(message.role, message.tool_call_id, message.text) for message in said]
    ... # doctest: +NORMALIZE_WHITESPACE
    [('assistant', '', ''), ('tool', 'a', '1'), ('tool', 'b', 'This call was not run.'),
     ('user', '', 'hi')]
    """
    waiting: list[str] = []
    for message in messages:
        if message.role == "tool":
            if message.tool_call_id in waiting:
                waiting.remove(message.tool_call_id)
        else:
            yield from map(_not_run, waiting)
            waiting = [call.id for call in message.tool_calls]
        yield message


def _not_run(call: str) -> Message:
    return Message("tool", (Text(NOT_RUN),), tool_call_id=call)

"""What fits into a model's context window: estimates, and which turns to leave out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from nbchat.messages import Audio, File, Image, Message, Part, Refusal, Text

_CHARS = 4  # a token, in English prose; fewer in other languages and in code
_AROUND = 4  # tokens that mark a message's beginning, role and end
_IMAGE = {"low": 85}
_LARGE_IMAGE = 765  # one of 1024 by 1024, by platform.openai.com/docs/guides/images-vision
_FILE_CHARS = 64  # of base64: a page of a PDF has about 100 kB and 1500 tokens


def estimate(messages: Iterable[Message]) -> int:
    """Return about how many tokens messages are: to be shown with ``≈``, never as a count.

    >>> estimate([Message.of("user", "How many tokens is this?")])
    10
    """
    return sum(
        _AROUND
        + sum(_of_part(part) for part in message.parts)
        + sum(ceil(len(call.name + call.arguments) / _CHARS) for call in message.tool_calls)
        for message in messages
    )


def _of_part(part: Part) -> int:
    if isinstance(part, (Text, Refusal)):
        return ceil(len(part.text) / _CHARS)
    if isinstance(part, Image):
        return _IMAGE.get(part.detail, _LARGE_IMAGE)
    if isinstance(part, File):
        return ceil(len(part.data) / _FILE_CHARS)
    # Half a second of speech is about a word; uncompressed sound has 64 kB of base64 a second.
    assert isinstance(part, Audio)
    return ceil(len(part.transcript) / _CHARS) or ceil(len(part.data) / 6400)


def fit(
    history: Sequence[Sequence[Message]],
    fixed: Sequence[Message],
    window: int,
) -> tuple[list[Message], int]:
    """Drop the oldest turns until the rest fits; return its messages and how many turns went.

    A turn goes whole, and with it those that only give the results of its tool calls.

    Args:
        history: the messages of each turn, see `Conversation.context`.
        fixed: what stays in any case: the system message and the prompt.
        window: tokens that there are for the input, by `estimate`.

    >>> turns = [[Message.of("user", "a" * 400)], [Message.of("user", "short")]]
    >>> kept, dropped = fit(turns, [Message.of("user", "prompt")], 50)
    >>> [message.text for message in kept], dropped
    (['short'], 1)
    """
    sizes = [estimate(messages) for messages in history]
    over = estimate(fixed) + sum(sizes) - window
    first = 0
    while first < len(history) and (over > 0 or _continues(history[first], first)):
        over -= sizes[first]
        first += 1
    return [message for messages in history[first:] for message in messages], first


def _continues(messages: Sequence[Message], place: int) -> bool:
    """Whether a turn hangs on the one before it, which has gone."""
    return place > 0 and bool(messages) and messages[0].role == "tool"

"""What an `Answer` keeps of its choices, their calls, and the provider's tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from io import StringIO
from typing import Any, Literal

from nbchat.conversation.parts import Parts, Sound
from nbchat.messages import Audio, Citation, Cited, ImageDelta, ToolCall
from nbchat.reply import Choice, Logprobs


class CallState:
    """A tool call as far as it came."""

    __slots__ = ("arguments", "extra", "id", "kind", "name")

    def __init__(self, kind: Literal["function", "custom"]) -> None:
        self.kind: Literal["function", "custom"] = kind
        self.id = ""
        self.name = ""
        self.arguments = StringIO()
        self.extra: dict[str, Any] = {}


class ChoiceState:
    """One choice as far as it came.

    Attributes:
        texts: the text, by part; `text` joins it.
        thoughts: the reasoning, by part; `reasoning` joins it.
        refusals: the refusal, by part; `refusal` joins it.
        calls: the tool calls, by key, in the order in which they began.
        cited: the sources, as they were told.
        sound: the spoken answer, ``None`` if there is none.
        finish_reason: the server's, ``""`` if it gave none.
        finished: the choice is complete.
        logprobs: one entry a token.
    """

    __slots__ = (
        "calls",
        "cited",
        "finish_reason",
        "finished",
        "index",
        "logprobs",
        "refusals",
        "sound",
        "texts",
        "thoughts",
    )

    def __init__(self, index: int) -> None:
        self.index = index
        self.finish_reason = ""
        self.finished = False
        self.logprobs: list[Mapping[str, Any]] = []
        self.texts = Parts()
        self.refusals = Parts()
        self.thoughts = Parts(apart=True)
        self.calls: dict[str, CallState] = {}
        self.cited: dict[Cited, None] = {}
        self.sound: Sound | None = None

    @property
    def text(self) -> str:
        """The text of all messages; a blank line stands between two of them."""
        return self.texts.joined()

    @property
    def reasoning(self) -> str:
        """The reasoning, or its summary; a blank line stands between two parts."""
        return self.thoughts.joined()

    @property
    def refusal(self) -> str:
        """The words in which the model declined."""
        return self.refusals.joined()

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls, in the order in which they began.

        A call that the server gave no id has its place as its id: the result must name one.
        """
        return tuple(
            ToolCall(
                call.id or f"call_{place}",
                call.name,
                call.arguments.getvalue(),
                call.kind,
                dict(call.extra),
            )
            for place, call in enumerate(self.calls.values())
        )

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The sources; their offsets count in `text`."""
        return tuple(
            _shifted(cited.citation, self.texts.offset(cited.key)) for cited in self.cited
        )

    @property
    def audio(self) -> Audio | None:
        """The sound, if some came."""
        return self.sound.audio() if self.sound else None

    def begun(self) -> set[str]:
        """Return the keys of the output items of which something came."""
        texts = (self.texts, self.refusals, self.thoughts)
        return set(self.calls).union(*(parts.items() for parts in texts))

    def choice(self) -> Choice:
        """Return the choice as a plain value."""
        return Choice(
            text=self.text,
            reasoning=self.reasoning,
            refusal=self.refusal,
            finish_reason=self.finish_reason,
            tool_calls=self.tool_calls,
            citations=self.citations,
            audio=self.audio,
            logprobs=Logprobs(self.logprobs),
        )


class ImageState:
    """An image as far as it came.

    Attributes:
        after: the part of the first choice's text that was begun last when the image came,
            ``None`` if there was none.
        images: the image itself, or its last preview; several if the item held several.
    """

    __slots__ = ("after", "images")

    def __init__(self, after: str | None) -> None:
        self.after = after
        self.images: list[ImageDelta] = []


class HostedState:
    """A tool at the provider as far as it came: a `HostedTool`, and what it was given or wrote."""

    __slots__ = ("detail", "kind", "pieces", "status")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.status = ""
        self.detail = ""
        self.pieces = StringIO()

    @property
    def text(self) -> str:
        """What it was given or wrote: code, arguments, commands, output."""
        return self.pieces.getvalue()


def _shifted(citation: Citation, offset: int) -> Citation:
    if not offset or citation.start is None or citation.end is None:
        return citation
    return replace(citation, start=citation.start + offset, end=citation.end + offset)

"""What is said, and what comes with it: messages and their parts, calls, usage, sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Endpoint = Literal["chat", "responses"]
Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True)
class Text:
    """Plain text, or Markdown if the model wrote it."""

    text: str


@dataclass(frozen=True)
class Refusal:
    """The words in which the model declined to answer."""

    text: str


@dataclass(frozen=True)
class Image:
    """An image for the model, or one that it made.

    ``url`` is an ``https:`` or ``data:`` URL; ``detail`` is auto, low, high, original or ``""``.
    """

    url: str
    detail: str = ""


@dataclass(frozen=True)
class File:
    """A file for the model: a data URL, an id that the provider gave, or (Responses) a URL."""

    filename: str = ""
    data: str = ""
    file_id: str = ""
    url: str = ""


@dataclass(frozen=True)
class Audio:
    """Sound: base64 ``data`` and its ``format`` (wav, mp3, …); a transcript if one is known."""

    data: str
    format: str = "wav"
    transcript: str = ""
    id: str = ""
    expires_at: int = 0


Part = Text | Refusal | Image | File | Audio


@dataclass(frozen=True)
class ToolCall:
    """A call that the model asks for.

    ``arguments`` is the text as the model wrote it (JSON for a function, free text for a custom
    tool). ``extra`` holds fields that a provider wants back unchanged, such as Gemini's
    ``extra_content``.
    """

    id: str
    name: str
    arguments: str
    kind: Literal["function", "custom"] = "function"
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Message:
    """One message of a thread.

    ``tool_call_id`` names the call that a ``tool`` message answers. ``items`` are the output items
    of the Responses API as they came, to be echoed whole and in order to the server that made
    them.
    """

    role: Role
    parts: tuple[Part, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    items: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, role: Role, text: str) -> Message:
        """Return a message that is plain text.

        >>> Message.of("user", "hello").text
        'hello'
        """
        return cls(role, (Text(text),))

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


@dataclass(frozen=True)
class ToolSpec:
    """A function or custom tool as the model is told of it; ``parameters`` is a JSON schema."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    strict: bool = False
    kind: Literal["function", "custom"] = "function"


@dataclass(frozen=True)
class Format:
    """The form that an answer must have: any JSON object, or one that fits ``schema``."""

    kind: Literal["json_object", "json_schema"]
    name: str = "answer"
    schema: Mapping[str, Any] | None = None
    strict: bool = True
    description: str = ""


@dataclass(frozen=True)
class Usage:
    """Tokens as the server counted them; never estimated.

    ``cached`` is part of ``input`` and ``reasoning`` is part of ``output``. ``cost`` is in US
    dollars, only if the server said it. ``raw`` is the server's own object.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0
    cost: float | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input + self.output


@dataclass(frozen=True)
class Citation:
    """A source that the answer names; ``start`` and ``end`` are offsets in the answer's text."""

    url: str = ""
    title: str = ""
    start: int | None = None
    end: int | None = None
    kind: str = "url_citation"
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

"""The values that nbchat's parts exchange: messages, usage, and the events of a stream.

All are frozen. A `StreamEvent` is one step of an answer; decoders make them, `conversation` folds
them into a turn, `view` shows them. ``choice`` is the index of the choice an event belongs to
(0 unless several were asked for). ``key`` tells parts of one choice apart: the Responses API may
answer with several messages, reasoning items and searches; chat has one of each, ``""``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from nbchat.errors import APIError
    from nbchat.reply import Reply

Endpoint = Literal["chat", "responses"]
Role = Literal["system", "user", "assistant", "tool"]

# --- What is said ---------------------------------------------------------------------------


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


# --- What happens ---------------------------------------------------------------------------


class StreamEvent:
    """One step of an answer."""

    __slots__ = ()


@dataclass(frozen=True)
class Started(StreamEvent):
    """The answer began: what the server says of itself. May come again with more.

    ``previous_response_id`` is what a Responses server echoes of the request's field: one that
    does not echo it has ignored it.
    """

    id: str = ""
    model: str = ""
    created: float = 0
    system_fingerprint: str = ""
    service_tier: str = ""
    previous_response_id: str = ""


@dataclass(frozen=True)
class TextDelta(StreamEvent):
    """More of the answer's text."""

    text: str
    choice: int = 0
    key: str = ""


@dataclass(frozen=True)
class TextDone(StreamEvent):
    """The whole text of a part; it wins over the deltas where they differ."""

    text: str
    choice: int = 0
    key: str = ""


@dataclass(frozen=True)
class TextReplaced(StreamEvent):
    """Made by the fold: the choice's whole text, where a `TextDone` was not what was shown."""

    text: str
    choice: int = 0


@dataclass(frozen=True)
class RefusalDelta(StreamEvent):
    """More of a refusal."""

    text: str
    choice: int = 0
    key: str = ""


@dataclass(frozen=True)
class RefusalDone(StreamEvent):
    """The whole refusal of a part."""

    text: str
    choice: int = 0
    key: str = ""


@dataclass(frozen=True)
class ReasoningDelta(StreamEvent):
    """More of the model's reasoning, or of the summary that the provider makes of it."""

    text: str
    choice: int = 0
    key: str = ""
    summary: bool = False


@dataclass(frozen=True)
class ReasoningDone(StreamEvent):
    """The whole reasoning (or summary) of a part."""

    text: str
    choice: int = 0
    key: str = ""
    summary: bool = False


@dataclass(frozen=True)
class ToolCallDelta(StreamEvent):
    """More of a tool call. ``key`` tells calls apart; ``id`` and ``name`` come once, whole."""

    key: str
    id: str = ""
    name: str = ""
    arguments: str = ""
    choice: int = 0
    kind: Literal["function", "custom"] = "function"
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ToolCallDone(StreamEvent):
    """The whole arguments of a tool call; they win over the deltas."""

    key: str
    arguments: str
    choice: int = 0


@dataclass(frozen=True)
class ToolStarted(StreamEvent):
    """A function of the notebook was called by the model and is about to run.

    ``key`` tells the calls of one answer apart: their id, where the server gave one.
    """

    key: str
    name: str
    arguments: str = ""


@dataclass(frozen=True)
class ToolFinished(StreamEvent):
    """A function of the notebook ended: after ``seconds``, with a result or a failure.

    ``result`` is the beginning of what the model is told, shortened for the reader.
    """

    key: str
    name: str
    arguments: str = ""
    seconds: float = 0.0
    result: str = ""
    failed: bool = False


@dataclass(frozen=True)
class HostedTool(StreamEvent):
    """A tool that runs at the provider (web search, code interpreter, MCP, …) changed its state.

    ``kind`` is the item's type (``web_search_call``), ``status`` the server's word (in_progress,
    searching, completed, failed, …), ``detail`` what a reader would want to see (the query, …).
    """

    key: str
    kind: str
    status: str = ""
    detail: str = ""


@dataclass(frozen=True)
class HostedToolDelta(StreamEvent):
    """More of what a hosted tool was given or wrote (code, arguments, commands, output)."""

    key: str
    kind: str
    text: str


@dataclass(frozen=True)
class ImageDelta(StreamEvent):
    """An image that the model makes: base64 ``data``; ``partial`` ones are previews."""

    key: str
    data: str
    format: str = "png"
    partial: bool = False


@dataclass(frozen=True)
class AudioDelta(StreamEvent):
    """More sound (base64 ``data``) or more of its transcript."""

    data: str = ""
    transcript: str = ""
    id: str = ""
    expires_at: int = 0
    choice: int = 0


@dataclass(frozen=True)
class LogprobsDelta(StreamEvent):
    """Log probabilities of the tokens that just came, in the shape of the Chat Completions API.

    Each entry has ``token``, ``logprob`` (natural logarithm, at most 0) and ``top_logprobs``.
    """

    entries: Sequence[Mapping[str, Any]]
    choice: int = 0


@dataclass(frozen=True)
class Cited(StreamEvent):
    """The answer named a source."""

    citation: Citation
    choice: int = 0
    key: str = ""


@dataclass(frozen=True)
class ItemDone(StreamEvent):
    """An output item of the Responses API is complete; ``item`` is as the server sent it.

    ``index`` is its place in the output. The keys of its parts are ``key``, or begin with it and
    ``#``.
    """

    item: Mapping[str, Any]
    index: int = 0
    key: str = ""


@dataclass(frozen=True)
class UsageSeen(StreamEvent):
    """The server counted tokens; the last one that is not empty holds."""

    usage: Usage


@dataclass(frozen=True)
class Finished(StreamEvent):
    """A choice is complete.

    ``reason`` is in Chat Completions' words on both endpoints: stop, length, tool_calls,
    content_filter, or the server's own. ``status`` is the Responses API's word (completed,
    incomplete, failed, cancelled, queued), ``""`` on chat.
    """

    reason: str
    choice: int = 0
    status: str = ""


@dataclass(frozen=True)
class ResponseSeen(StreamEvent):
    """The complete response object, where the server sent one."""

    response: Mapping[str, Any]


@dataclass(frozen=True)
class Failed(StreamEvent):
    """The server reported a failure within the answer, or the stream was cut or malformed.

    ``cut`` tells a stream that ended too early, or broke, from a failure that the server reported.
    """

    error: APIError
    cut: bool = False


@dataclass(frozen=True)
class Notice(StreamEvent):
    """Something the user should know, one line: a field dropped, a request sent again, …."""

    text: str
    kind: str = "notice"


@dataclass(frozen=True)
class Retrying(StreamEvent):
    """The request will be sent again in ``seconds``; ``attempt`` counts from 1."""

    seconds: float
    attempt: int
    attempts: int
    reason: str


@dataclass(frozen=True)
class Progress(StreamEvent):
    """Something else comes first (a download); ``done`` is 0 to 1, ``None`` if not known."""

    text: str
    done: float | None = None


@dataclass(frozen=True)
class Idle(StreamEvent):
    """Nothing came for a moment; gives the view its chance to repaint."""


@dataclass(frozen=True)
class Connected(StreamEvent):
    """The server accepted the request; ``request_id`` is its own id of it, if it gave one."""

    status: int = 200
    request_id: str = ""


@dataclass(frozen=True)
class Settled(StreamEvent):
    """The turn is over and stored; the last event of every prompt that gave an answer."""

    reply: Reply

"""What happens: the steps of an answer, as they come.

``choice`` is the index of the choice an event belongs to (0 unless several were asked for).
``key`` tells parts of one choice apart: the Responses API may answer with several messages,
reasoning items and searches; chat has one of each, ``""``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from nbchat.messages.values import Citation, Usage

if TYPE_CHECKING:
    from nbchat.errors import APIError
    from nbchat.reply import Reply


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
class ToolAsked(StreamEvent):
    """The user is asked whether a call may run; nothing else comes before the answer."""

    name: str


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

    @property
    def url(self) -> str:
        """The image as a data URL."""
        return f"data:image/{self.format};base64,{self.data}"


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
    A session keeps it to itself: it mends the failure or raises the error.
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

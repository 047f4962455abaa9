"""What a turn gave, as a plain value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbchat.messages import Audio, Citation, HostedTool, Image, ToolCall, ToolFinished, Usage
from nbchat.shown import bundle


class Logprobs(tuple[Mapping[str, Any], ...]):
    """Log probabilities, one entry a token, in the shape of the Chat Completions API.

    >>> Logprobs([{"token": "Hi", "logprob": -0.5}])[0]["token"]
    'Hi'
    """

    __slots__ = ()

    def to_frame(self) -> Any:
        """Return a pandas DataFrame: token, logprob, probability, and the alternatives as text.

        Raises:
            ImportError: pandas is not installed.
        """
        import pandas

        rows = [
            {
                "token": entry.get("token"),
                "logprob": entry.get("logprob"),
                "probability": math.exp(entry.get("logprob") or 0.0),
                "top": ", ".join(
                    f"{other.get('token')!r} {math.exp(other.get('logprob') or 0.0):.3f}"
                    for other in entry.get("top_logprobs") or ()
                ),
            }
            for entry in self
        ]
        return pandas.DataFrame(rows, columns=["token", "logprob", "probability", "top"])


@dataclass(frozen=True)
class GeneratedImage(Image):
    """An image that the model made; it can be given back to it (``{{ reply.images[0] }}``).

    ``url`` is a data URL. ``offset`` says where in the text of the first choice it stands, in
    characters.

    >>> GeneratedImage("data:image/png;base64,AAAA", offset=12).offset
    12
    """

    offset: int = 0


@dataclass(frozen=True)
class Choice:
    """One of the answers to a prompt; a reply has several only if they were asked for.

    >>> Choice(text="Hi.", finish_reason="stop").text
    'Hi.'
    """

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    finish_reason: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    citations: tuple[Citation, ...] = ()
    audio: Audio | None = None
    logprobs: Logprobs = field(default_factory=Logprobs)


@dataclass(frozen=True)
class Reply:
    """The answer to one prompt.

    ``str(reply)`` is its text, and a notebook shows it as the answer was shown.

    Attributes:
        choices: every answer; `text`, `reasoning`, `refusal`, `finish_reason`, `tool_calls`,
            `citations`, `audio` and `logprobs` are those of the first.
        images: images that the model made, each with its place in the text.
        parsed: the answer as an object, if a structured one was asked for.
        usage: tokens as the server counted them, ``None`` if it did not.
        status: ``completed``, ``stopped`` (by the user), ``cut`` (the stream broke off),
            ``failed``, or the server's word (``incomplete``, ``cancelled``).
        model: the model that answered, in the server's words.
        provider: the name of the provider.
        id: the server's id of the response.
        request_id: the server's id of the HTTP request.
        elapsed: seconds from sending to the end.
        first_token: seconds from sending to the first token, ``None`` if none came.
        request: the body that was sent.
        raw: the complete response object where the server sent one, else ``None``.
        steps: what came before the last answer: the model's words and the tools that ran.
        hosted: the tools that ran at the provider (web search, …), each with its last state.
        notices: what was dropped, replaced or sent again, one line each.
        thread: the name of the thread, ``""`` outside of all.
        turn: the id of the turn.
        picked: index in `choices` of the one that the thread goes on with. ``%nbchat pick`` leaves
            it as it is in the replies that there are.

    >>> Reply(choices=(Choice(text="Hi."),)).text
    'Hi.'
    """

    choices: tuple[Choice, ...] = (Choice(),)
    images: tuple[GeneratedImage, ...] = ()
    parsed: Any = None
    usage: Usage | None = None
    status: str = "completed"
    model: str = ""
    provider: str = ""
    id: str = ""
    request_id: str = ""
    elapsed: float = 0.0
    first_token: float | None = None
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)
    raw: Mapping[str, Any] | None = field(default=None, repr=False)
    notices: tuple[str, ...] = ()
    steps: tuple[str | ToolFinished, ...] = ()
    hosted: tuple[HostedTool, ...] = ()
    thread: str = ""
    turn: str = ""
    picked: int = 0

    @property
    def text(self) -> str:
        """The text of the answer."""
        return self.choices[0].text

    @property
    def reasoning(self) -> str:
        """The model's reasoning, or the provider's summary of it."""
        return self.choices[0].reasoning

    @property
    def refusal(self) -> str:
        """The words in which the model declined, ``""`` if it did not."""
        return self.choices[0].refusal

    @property
    def finish_reason(self) -> str:
        """Why the answer ended: stop, length, tool_calls, content_filter, or the server's word."""
        return self.choices[0].finish_reason

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls that the model asked for."""
        return self.choices[0].tool_calls

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The sources that the answer names."""
        return self.choices[0].citations

    @property
    def audio(self) -> Audio | None:
        """The spoken answer, if there is one."""
        return self.choices[0].audio

    @property
    def logprobs(self) -> Logprobs:
        """Log probabilities, one entry a token, if they were asked for."""
        return self.choices[0].logprobs

    @property
    def code(self) -> tuple[str, ...]:
        r"""The fenced code blocks of the answer, without their fences and their indentation.

        >>> Reply(choices=(Choice(text="1. First:\n\n   ```python\n   print(1)\n   ```"),)).code
        ('print(1)\n',)
        """
        from markdown_it import MarkdownIt

        # HTML is text, as where the answer is shown.
        blocks = MarkdownIt("commonmark", {"html": False}).disable("inline").parse(self.text)
        return tuple(block.content for block in blocks if block.type == "fence")

    @property
    def tokens_per_second(self) -> float | None:
        """Output tokens for each second after the first token; ``None`` if not known."""
        if self.usage is None or self.first_token is None or self.elapsed <= self.first_token:
            return None
        return self.usage.output / (self.elapsed - self.first_token)

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return bundle(self)

"""Chat Completions: the chunks of a stream, or a whole completion, as `StreamEvent`s."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import StringIO
from typing import Any

from nbchat.messages import (
    AudioDelta,
    Cited,
    Finished,
    ImageDelta,
    LogprobsDelta,
    ReasoningDelta,
    RefusalDelta,
    ResponseSeen,
    Started,
    StreamEvent,
    TextDelta,
    UsageSeen,
)
from nbchat.wire.chat.calls import CallTable
from nbchat.wire.chat.think import ThinkSplitter
from nbchat.wire.decoder import Decoder, is_failure
from nbchat.wire.values import (
    citation_of,
    count_of,
    data_url,
    logprobs_of,
    mapping_of,
    number_of,
    objects_of,
    text_of,
    usage_of,
)


class ChatDecoder(Decoder):
    """Decodes one answer of ``/chat/completions``.

    Args:
        choices: how many choices were asked for; none is taken for the last before that many.
    """

    def __init__(self, choices: int = 1) -> None:
        super().__init__()
        self._wanted = choices
        self._choices: dict[int, _Choice] = {}
        self._head = Started()
        self._usage: Mapping[str, Any] | None = None
        self._sources: list[Any] = []

    @property
    def finished(self) -> bool:
        """Every choice that was asked for has its finish reason."""
        return self.ended and len(self._choices) >= self._wanted

    def _frame(self, frame: dict[str, Any], event: str) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        choices = frame.get("choices")
        if not self._head.id:
            self._describe(frame, events)
        for position, choice in enumerate(choices if isinstance(choices, list) else ()):
            if not isinstance(choice, dict):
                continue
            delta = choice.get("delta")
            index = choice.get("index")
            if not isinstance(index, int):
                index = position
            state = self._choices.get(index) or self._begin(index)
            if isinstance(delta, dict):
                state.read(delta, events)
            if not state.streamed and "message" in choice:
                state.read(_reasoning_first(mapping_of(choice["message"])), events)
            if choice.get("logprobs"):
                _read_logprobs(choice["logprobs"], index, events)
            if choice.get("finish_reason"):
                self._finish(state, choice, frame, events)
        if not choices:
            self._read_other(frame, event, events)
        if frame.get("usage"):
            self._read_usage(frame["usage"], events)
        if "citations" in frame:
            self._read_sources(frame["citations"], events)
        if frame.get("error"):
            events += self.fail(frame)
        return events

    def _answer(self, answer: dict[str, Any]) -> list[StreamEvent]:
        events = self._frame(answer, "")
        if self._failed:
            return events
        if not self._choices:
            return events + self.fail("the answer has no choice")
        return [*events, *self._rest(), *self._complete(), ResponseSeen(answer)]

    def _complete(self) -> list[StreamEvent]:
        return [
            Finished("", index) for index, state in self._choices.items() if state.finish is None
        ]

    def _rest(self) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for state in self._choices.values():
            state.flush(events)
        return events

    def _begin(self, index: int) -> _Choice:
        state = self._choices[index] = _Choice(index)
        self.ended = False
        return state

    def _describe(self, frame: dict[str, Any], events: list[StreamEvent]) -> None:
        """Say what the server says of itself, where it says more than before."""
        last = self._head
        head = Started(
            id=last.id or text_of(frame.get("id")),
            model=text_of(frame.get("model")) or last.model,
            created=last.created or number_of(frame.get("created")),
            system_fingerprint=text_of(frame.get("system_fingerprint")) or last.system_fingerprint,
            service_tier=text_of(frame.get("service_tier")) or last.service_tier,
        )
        if head != last:
            self._head = head
            events.append(head)

    def _finish(
        self,
        state: _Choice,
        choice: dict[str, Any],
        frame: dict[str, Any],
        events: list[StreamEvent],
    ) -> None:
        reason = str(choice["finish_reason"])
        self._describe(frame, events)
        state.flush(events)
        if choice.get("usage"):  # Moonshot counts within the choice
            self._read_usage(choice["usage"], events)
        if reason == state.finish:
            return
        state.finish = reason
        events.append(Finished(reason, state.index))
        if reason == "error" and not frame.get("error"):  # else the frame says more of it
            events += self.fail(choice)
        self.ended = all(other.finish for other in self._choices.values())

    def _read_usage(self, value: Any, events: list[StreamEvent]) -> None:
        if value == self._usage:
            return
        self._usage = value
        if usage := usage_of(value):
            events.append(UsageSeen(usage))

    def _read_sources(self, sources: Any, events: list[StreamEvent]) -> None:
        """Read Perplexity's list of URLs, which it repeats with every chunk."""
        if not isinstance(sources, list) or sources == self._sources:
            return
        for url in sources:
            source = {"url": url} if isinstance(url, str) else url
            if url not in self._sources and (citation := citation_of(source)):
                events.append(Cited(citation))
        self._sources = sources

    def _read_other(self, frame: dict[str, Any], event: str, events: list[StreamEvent]) -> None:
        """Read a chunk without choices: the usage, a failure, or Workers AI's own form."""
        self._describe(frame, events)
        text = frame.get("response")
        if isinstance(text, str) or (text is None and frame.get("tool_calls")):
            state = self._choices.get(0) or self._begin(0)
            state.read({"content": text, "tool_calls": frame.get("tool_calls")}, events)
        elif (is_failure(frame) or event == "error") and not frame.get("error"):
            events += self.fail(frame)


class _Choice:
    """One choice as far as it is known."""

    __slots__ = ("_calls", "_reasoned", "_source", "_think", "finish", "index", "streamed")

    def __init__(self, index: int) -> None:
        self.index = index
        self.finish: str | None = None
        self.streamed = False  # a delta said something: a `message` beside it is a repetition
        self._think = ThinkSplitter()
        self._calls = CallTable(index)
        self._source = ""
        self._reasoned = StringIO()

    def read(self, delta: Mapping[str, Any], events: list[StreamEvent]) -> None:
        """Append what a delta says; null and unknown fields say nothing."""
        reasoned = False
        for field, value in delta.items():
            if not value:
                continue
            if field == "content":
                if self._think.plain and isinstance(value, str):
                    events.append(TextDelta(value, self.index))
                else:
                    self._read_content(value, events)
            elif field in _REASONING:
                reasoned = reasoned or self._read_reasoning(field, value, events)
            elif read := _READERS.get(field):
                read(self, value, events)
            else:
                continue
            self.streamed = True

    def flush(self, events: list[StreamEvent]) -> None:
        """Append what was held back."""
        self._append(self._think.flush(), events)

    def _append(self, pieces: list[tuple[bool, str]], events: list[StreamEvent]) -> None:
        for reasoning, text in pieces:
            kind = ReasoningDelta if reasoning else TextDelta
            events.append(kind(text, self.index))

    def _read_content(self, value: Any, events: list[StreamEvent]) -> None:
        """Read content that may begin with reasoning, or that is a list of parts."""
        if isinstance(value, str):
            self._append(self._think.feed(value), events)
            return
        for part in objects_of(value):
            kind = part.get("type")
            if kind == "refusal":
                self._read_refusal(part.get("refusal"), events)
            elif kind == "thinking":  # Mistral
                self._read_reasoning("thinking", part.get("thinking"), events)
            elif kind in ("image_url", "image"):
                self._read_images([part], events)
            elif text := text_of(part.get("text")):
                self._read_content(text, events)

    def _read_reasoning(self, field: str, value: Any, events: list[StreamEvent]) -> bool:
        """Read reasoning from one of its fields, but not twice if several carry it."""
        text = value if isinstance(value, str) else _joined(value)
        if not text:
            return False
        # All of it once more, in another field? The lengths are compared first: that is cheap.
        known = self._reasoned
        if field != self._source and known.tell() == len(text) and known.getvalue() == text:
            return False
        self._source = field
        self._reasoned.write(text)
        events.append(ReasoningDelta(text, self.index))
        return True

    def _read_refusal(self, value: Any, events: list[StreamEvent]) -> None:
        if text := text_of(value):
            events.append(RefusalDelta(text, self.index))

    def _read_calls(self, value: Any, events: list[StreamEvent]) -> None:
        for fragment in objects_of(value):
            if event := self._calls.read(fragment):
                events.append(event)

    def _read_function_call(self, value: Any, events: list[StreamEvent]) -> None:
        """Read the deprecated form of the only call."""
        self._read_calls([{"index": -1, "function": value}], events)

    def _read_audio(self, value: Any, events: list[StreamEvent]) -> None:
        audio = mapping_of(value)
        if audio:
            delta = AudioDelta(
                data=text_of(audio.get("data")),
                transcript=text_of(audio.get("transcript")),
                id=text_of(audio.get("id")),
                expires_at=count_of(audio.get("expires_at")),
                choice=self.index,
            )
            events.append(delta)

    def _read_annotations(self, value: Any, events: list[StreamEvent]) -> None:
        for annotation in objects_of(value):
            if citation := citation_of(annotation):
                events.append(Cited(citation, self.index))

    def _read_images(self, value: Any, events: list[StreamEvent]) -> None:
        """Read images that the model made; a remote one becomes a link in the text."""
        for position, image in enumerate(objects_of(value)):
            link = image.get("image_url")
            url = text_of(mapping_of(link).get("url")) or text_of(link)
            if found := data_url(url):
                key = f"{self.index}.{image.get('index', position)}"
                events.append(ImageDelta(key, data=found[1], format=found[0]))
            elif url:
                events.append(TextDelta(f"\n\n![image]({url})\n\n", self.index))


_REASONING = frozenset({"reasoning_content", "reasoning", "reasoning_details"})


def _reasoning_first(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole message in the order in which a stream would bring it."""
    return dict(sorted(message.items(), key=lambda field: field[0] not in _REASONING))


_READERS: dict[str, Callable[[_Choice, Any, list[StreamEvent]], None]] = {
    "refusal": _Choice._read_refusal,
    "tool_calls": _Choice._read_calls,
    "function_call": _Choice._read_function_call,
    "audio": _Choice._read_audio,
    "annotations": _Choice._read_annotations,
    "images": _Choice._read_images,
}


def _joined(value: Any) -> str:
    """Return the text of reasoning in parts: OpenRouter's and Mistral's forms."""
    return "".join(
        text_of(part.get("text")) or text_of(part.get("summary")) for part in objects_of(value)
    )


def _read_logprobs(value: Any, choice: int, events: list[StreamEvent]) -> None:
    logprobs = mapping_of(value)
    for field in ("content", "refusal"):
        if entries := logprobs_of(logprobs.get(field)):
            events.append(LogprobsDelta(entries, choice))

"""The fold: the events of one answer, one after another, become the answer.

Pure: it asks nobody and knows neither clock nor front end. The live view shows the events that
`Answer.apply` returns, and the stored turn is the `Answer`; so the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from io import StringIO
from typing import Any

from nbchat.conversation.parts import Parts, Sound
from nbchat.conversation.states import CallState, ChoiceState, HostedState, ImageState
from nbchat.errors import APIError
from nbchat.messages import (
    AudioDelta,
    Cited,
    Connected,
    Failed,
    Finished,
    HostedTool,
    HostedToolDelta,
    ImageDelta,
    ItemDone,
    LogprobsDelta,
    Message,
    Notice,
    Part,
    ReasoningDelta,
    ReasoningDone,
    Refusal,
    RefusalDelta,
    RefusalDone,
    ResponseSeen,
    Started,
    StreamEvent,
    Text,
    TextDelta,
    TextDone,
    TextReplaced,
    ToolCallDelta,
    ToolCallDone,
    Usage,
    UsageSeen,
)
from nbchat.reply import Choice, GeneratedImage

_Delta = TextDelta | RefusalDelta | ReasoningDelta
_Done = TextDone | RefusalDone | ReasoningDone


class Answer:
    """All that answers one prompt.

    Attributes:
        id: the server's id of the response.
        model: the model that answered, in the server's words.
        created: when, in seconds since 1970.
        choices: by index.
        hosted: the tools that ran at the provider, by key.
        usage: tokens as the server counted them, ``None`` if it did not.
        notices: what the user should know, one line each.
        error: what failed, ``None`` if nothing did.
        status: ``streaming`` until the last choice is finished, then ``completed`` or the server's
            word (incomplete, cancelled, queued); ``cut`` if the stream broke off; ``failed``.
            Who ends the answer otherwise sets it.
        raw: the complete response object where the server sent one.
        request_id: the server's id of the HTTP request.

    >>> answer = Answer()
    >>> _ = answer.apply(TextDelta("Hel"))
    >>> answer.apply(TextDone("Hello"))
    TextDelta(text='lo', choice=0, key='')
    >>> answer.message().text
    'Hello'
    """

    def __init__(self) -> None:
        self.id = ""
        self.model = ""
        self.created: float = 0
        self.system_fingerprint = ""
        self.service_tier = ""
        self.choices: dict[int, ChoiceState] = {}
        self.hosted: dict[str, HostedState] = {}
        self.usage: Usage | None = None
        self.notices: list[str] = []
        self.error: APIError | None = None
        self.status = "streaming"
        self.raw: Mapping[str, Any] | None = None
        self.request_id = ""
        self._images: dict[str, ImageState] = {}
        self._items: dict[str, ItemDone] = {}

    def apply(self, event: StreamEvent) -> StreamEvent | None:
        """Fold ``event`` in and return it as the view should see it, ``None`` if it adds nothing.

        A done event that repeats the deltas is ``None``; one that has more is the delta that was
        missing; one that differs replaces: the whole text of the choice (`TextReplaced`), or the
        whole reasoning or refusal of the choice (its done event).
        """
        if type(event) is TextDelta:  # nearly every event
            choice = self.choices.get(event.choice)
            if choice is not None and choice.texts.last == event.key:
                choice.texts.write(event.text)
                return event
        fold = _FOLDS.get(type(event))
        return event if fold is None else fold(self, event)

    @property
    def images(self) -> tuple[GeneratedImage, ...]:
        """The images that the model made; previews of one that never came.

        Each stands after the part of the first choice's text that came before it.
        """
        first = self.choices.get(0)
        return tuple(
            GeneratedImage(image.url, offset=first.texts.end(state.after) if first else 0)
            for state in self._images.values()
            for image in state.images
        )

    @property
    def hosted_tools(self) -> tuple[HostedTool, ...]:
        """The tools that ran at the provider, in the order in which they began."""
        return tuple(
            HostedTool(key, state.kind, state.status, state.detail)
            for key, state in self.hosted.items()
        )

    @property
    def items(self) -> tuple[Mapping[str, Any], ...]:
        """The output items as the server sent them, in order; none if one is not whole.

        They are to be echoed all or not at all.
        """
        output = self.raw.get("output") if self.raw else None
        if isinstance(output, list) and output:
            return tuple(item for item in output if isinstance(item, dict))
        begun = set(self.hosted)
        for choice in self.choices.values():
            begun |= choice.begun()
        if begun - set(self._items):
            return ()
        return tuple(done.item for done in sorted(self._items.values(), key=lambda d: d.index))

    def message(self, choice: int = 0) -> Message:
        """Return what goes back into the history: the message of one choice."""
        state = self.choices.get(choice)
        if state is None:
            return Message("assistant")
        parts: list[Part] = []
        if text := state.text:
            parts.append(Text(text))
        if refusal := state.refusal:
            parts.append(Refusal(refusal))
        if audio := state.audio:
            parts.append(audio)
        items = self.items if choice == 0 else ()
        return Message("assistant", tuple(parts), state.tool_calls, items=items)

    def reply_choices(self) -> tuple[Choice, ...]:
        """Return the choices as plain values, by index; one that is empty if none came."""
        choices = sorted(self.choices.values(), key=lambda state: state.index)
        return tuple(state.choice() for state in choices) or (Choice(),)

    def _choice(self, index: int) -> ChoiceState:
        state = self.choices.get(index)
        if state is None:
            state = self.choices[index] = ChoiceState(index)
            if self.status == "completed":
                self.status = "streaming"
        return state

    def _started(self, event: Started) -> StreamEvent:
        self.id = event.id or self.id
        self.model = event.model or self.model
        self.created = event.created or self.created
        self.system_fingerprint = event.system_fingerprint or self.system_fingerprint
        self.service_tier = event.service_tier or self.service_tier
        return event

    def _more(self, event: _Delta) -> StreamEvent | None:
        choice = self._choice(event.choice)
        if not event.text:
            return None
        added = _parts_of(choice, event).add(event.key, event.text)
        if added is None:
            return _replacing(choice, event)
        return event if added == event.text else replace(event, text=added)

    def _whole(self, event: _Done) -> StreamEvent | None:
        choice = self._choice(event.choice)
        added = _parts_of(choice, event).complete(event.key, event.text)
        if added is None:
            return _replacing(choice, event)
        return _missing(event, added) if added else None

    def _call_delta(self, event: ToolCallDelta) -> StreamEvent:
        calls = self._choice(event.choice).calls
        call = calls.get(event.key)
        if call is None:
            call = calls[event.key] = CallState(event.kind)
        if event.name:
            call.kind = event.kind
        call.id = call.id or event.id
        call.name = call.name or event.name
        call.arguments.write(event.arguments)
        call.extra.update(event.extra)
        return event

    def _call_done(self, event: ToolCallDone) -> StreamEvent | None:
        calls = self._choice(event.choice).calls
        call = calls.setdefault(event.key, CallState("function"))
        if call.arguments.getvalue() == event.arguments:
            return None
        call.arguments = StringIO()
        call.arguments.write(event.arguments)
        return event

    def _hosted_tool(self, event: HostedTool) -> StreamEvent:
        state = self.hosted.setdefault(event.key, HostedState(event.kind))
        state.status = event.status or state.status
        state.detail = event.detail or state.detail
        return event

    def _hosted_delta(self, event: HostedToolDelta) -> StreamEvent:
        state = self.hosted.setdefault(event.key, HostedState(event.kind))
        state.pieces.write(event.text)
        return event

    def _image_delta(self, event: ImageDelta) -> StreamEvent | None:
        state = self._images.get(event.key)
        if state is None:
            first = self.choices.get(0)
            state = ImageState(first.texts.last if first else None)
            self._images[event.key] = state
        if event in state.images:
            return None
        if state.images and state.images[-1].partial:
            state.images.pop()
        state.images.append(event)
        return event

    def _audio_delta(self, event: AudioDelta) -> StreamEvent:
        choice = self._choice(event.choice)
        sound = choice.sound = choice.sound or Sound()
        sound.add(event.data)
        sound.transcript.write(event.transcript)
        sound.id = event.id or sound.id
        sound.expires_at = event.expires_at or sound.expires_at
        return event

    def _logprobs(self, event: LogprobsDelta) -> StreamEvent:
        self._choice(event.choice).logprobs += event.entries
        return event

    def _cited(self, event: Cited) -> StreamEvent | None:
        citations = self._choice(event.choice).cited
        if event in citations:
            return None
        citations[event] = None
        return event

    def _item_done(self, event: ItemDone) -> StreamEvent:
        self._items[event.key or f"#{event.index}"] = event
        return event

    def _usage_seen(self, event: UsageSeen) -> StreamEvent:
        self.usage = event.usage
        return event

    def _finished(self, event: Finished) -> StreamEvent:
        choice = self._choice(event.choice)
        choice.finished = True
        choice.finish_reason = event.reason
        if self.status == "streaming" and all(c.finished for c in self.choices.values()):
            self.status = event.status or "completed"
        return event

    def _response_seen(self, event: ResponseSeen) -> StreamEvent:
        self.raw = event.response
        return event

    def _failed(self, event: Failed) -> StreamEvent:
        self.error = event.error
        self.status = "cut" if event.cut else "failed"
        return event

    def _notice(self, event: Notice) -> StreamEvent:
        self.notices.append(event.text)
        return event

    def _connected(self, event: Connected) -> StreamEvent:
        self.request_id = event.request_id or self.request_id
        return event


def _parts_of(choice: ChoiceState, event: _Delta | _Done) -> Parts:
    """Return the text of the choice that the event speaks of."""
    if isinstance(event, (TextDelta, TextDone)):
        return choice.texts
    return choice.refusals if isinstance(event, (RefusalDelta, RefusalDone)) else choice.thoughts


def _missing(event: _Done, text: str) -> StreamEvent:
    """Return the delta that was left out before a part was told whole."""
    if isinstance(event, ReasoningDone):
        return ReasoningDelta(text, event.choice, event.key, event.summary)
    kind = TextDelta if isinstance(event, TextDone) else RefusalDelta
    return kind(text, event.choice, event.key)


def _replacing(choice: ChoiceState, event: _Delta | _Done) -> StreamEvent:
    """Return all that the choice says there, for an event that does not just append to it."""
    if isinstance(event, (TextDelta, TextDone)):
        return TextReplaced(choice.text, event.choice)
    if isinstance(event, (RefusalDelta, RefusalDone)):
        return RefusalDone(choice.refusal, event.choice)
    return ReasoningDone(choice.reasoning, event.choice, "", event.summary)


_FOLDS: dict[type[StreamEvent], Callable[[Answer, Any], StreamEvent | None]] = {
    Started: Answer._started,
    TextDelta: Answer._more,
    TextDone: Answer._whole,
    RefusalDelta: Answer._more,
    RefusalDone: Answer._whole,
    ReasoningDelta: Answer._more,
    ReasoningDone: Answer._whole,
    ToolCallDelta: Answer._call_delta,
    ToolCallDone: Answer._call_done,
    HostedTool: Answer._hosted_tool,
    HostedToolDelta: Answer._hosted_delta,
    ImageDelta: Answer._image_delta,
    AudioDelta: Answer._audio_delta,
    LogprobsDelta: Answer._logprobs,
    Cited: Answer._cited,
    ItemDone: Answer._item_done,
    UsageSeen: Answer._usage_seen,
    Finished: Answer._finished,
    ResponseSeen: Answer._response_seen,
    Failed: Answer._failed,
    Notice: Answer._notice,
    Connected: Answer._connected,
}

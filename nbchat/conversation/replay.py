"""The way back from an `Answer` to events: the fewest that fold into an equal one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nbchat.conversation.fold import Answer
from nbchat.conversation.states import ChoiceState
from nbchat.messages import (
    AudioDelta,
    Connected,
    Finished,
    HostedToolDelta,
    ImageDelta,
    LogprobsDelta,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    ResponseSeen,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageSeen,
)


def events_of(answer: Answer) -> Iterator[StreamEvent]:
    """Yield events that give an equal answer when they are folded into a new one.

    Status and error are not among them: who ends an answer sets them.

    >>> answer = Answer()
    >>> for piece in ("Hel", "lo"):
    ...     _ = answer.apply(TextDelta(piece))
    >>> list(events_of(answer))
    [TextDelta(text='Hello', choice=0, key='')]
    """
    started = Started(
        answer.id,
        answer.model,
        answer.created,
        answer.system_fingerprint,
        answer.service_tier,
    )
    if started != Started():
        yield started
    if answer.request_id:
        yield Connected(request_id=answer.request_id)
    images: dict[str | None, list[ImageDelta]] = {}
    for image in answer._images.values():
        images.setdefault(image.after, []).extend(image.images)
    yield from images.get(None, ())
    for state in answer.choices.values():
        yield from _of_choice(state, images if state.index == 0 else {})
    for tool in answer.hosted_tools:
        yield tool
        if text := answer.hosted[tool.key].text:
            yield HostedToolDelta(tool.key, tool.kind, text)
    yield from answer._items.values()
    if answer.usage is not None:
        yield UsageSeen(answer.usage)
    if answer.raw is not None:
        yield ResponseSeen(answer.raw)
    for notice in answer.notices:
        yield Notice(notice)


def _of_choice(
    state: ChoiceState, images: Mapping[str | None, Sequence[ImageDelta]]
) -> Iterator[StreamEvent]:
    index = state.index
    texts = list(state.texts.pieces())
    if not texts:
        yield TextDelta("", index)  # the choice began
    for key, text in texts:
        yield TextDelta(text, index, key)
        yield from images.get(key, ())
    for key, text in state.refusals.pieces():
        yield RefusalDelta(text, index, key)
    for key, text in state.thoughts.pieces():
        yield ReasoningDelta(text, index, key)
    for key, call in state.calls.items():
        arguments = call.arguments.getvalue()
        yield ToolCallDelta(key, call.id, call.name, arguments, index, call.kind, dict(call.extra))
    if (audio := state.audio) is not None:
        yield AudioDelta(audio.data, audio.transcript, audio.id, audio.expires_at, index)
    if state.logprobs:
        yield LogprobsDelta(tuple(state.logprobs), index)
    yield from state.cited
    if state.finished:
        yield Finished(state.finish_reason, index)

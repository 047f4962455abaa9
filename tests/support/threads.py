"""Threads made at random, and what a thread is in plain values, to compare two of them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from hypothesis import strategies as st

from nbchat.conversation import Answer, Conversation, Turn
from nbchat.errors import RateLimitError, StreamError
from nbchat.messages import (
    Audio,
    AudioDelta,
    Citation,
    Cited,
    Connected,
    File,
    Finished,
    HostedTool,
    HostedToolDelta,
    Image,
    ImageDelta,
    ItemDone,
    LogprobsDelta,
    Message,
    Notice,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    ResponseSeen,
    Started,
    Text,
    TextDelta,
    TextDone,
    ToolCall,
    ToolCallDelta,
    ToolCallDone,
    Usage,
    UsageSeen,
)

words = st.text(max_size=12)
keys = st.sampled_from(["", "a", "a#1", "b"])
choices = st.integers(0, 1)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=5,
)
# Also ones that look like nbchat's own records.
objects = st.dictionaries(words, json, max_size=3) | st.sampled_from(
    [{"$Text": {"text": "not a part"}}, {"$json": 1}, {"type": "message", "id": "m"}]
)
counts = st.integers(0, 10**6)
usages = st.builds(Usage, counts, counts, counts, counts, st.none() | st.floats(0, 9), objects)

events = st.one_of(
    st.builds(Started, words, words, st.integers(0, 99), words, words),
    st.builds(TextDelta, words, choices, keys),
    st.builds(TextDone, words, choices, keys),
    st.builds(RefusalDelta, words, choices, keys),
    st.builds(ReasoningDelta, words, choices, keys, st.booleans()),
    st.builds(ToolCallDelta, keys, words, words, words, choices, st.just("function"), objects),
    st.builds(ToolCallDone, keys, words, choices),
    st.builds(HostedTool, keys, words, words, words),
    st.builds(HostedToolDelta, keys, words, words),
    st.builds(ImageDelta, keys, st.sampled_from(["AAAA", "BBBB"]), words, st.booleans()),
    st.builds(AudioDelta, st.sampled_from(["", "AAAA", "QQ=="]), words, words, counts, choices),
    st.builds(LogprobsDelta, st.lists(objects, max_size=2).map(tuple), choices),
    st.builds(
        Cited, st.builds(Citation, words, words, counts, counts, words, objects), choices, keys
    ),
    st.builds(ItemDone, objects, st.integers(0, 3), keys),
    st.builds(UsageSeen, usages),
    st.builds(Finished, words, choices, st.sampled_from(["", "incomplete"])),
    st.builds(ResponseSeen, objects),
    st.builds(Notice, words),
    st.builds(Connected, st.just(200), words),
)

_errors = st.sampled_from(
    [
        None,
        StreamError("it broke", host="h"),
        RateLimitError("slow down", status=429, code="c", body={"error": ["x"]}, hint="wait"),
    ]
)


@st.composite
def answers(draw: st.DrawFn, *, settled: bool = False) -> Answer:
    answer = Answer()
    for event in draw(st.lists(events, max_size=8)):
        answer.apply(event)
    answer.error = draw(_errors)
    if settled:
        answer.status = draw(st.sampled_from(["completed", "stopped", "cut", "failed"]))
    return answer


_calls = st.builds(ToolCall, words, words, words, st.sampled_from(["function", "custom"]), objects)
parts = st.one_of(
    st.builds(Text, words),
    st.builds(Refusal, words),
    st.builds(Image, words, words),
    st.builds(File, words, words, words, words),
    st.builds(Audio, words, words, words, words, counts),
)
messages = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    st.lists(parts, max_size=2).map(tuple),
    st.lists(_calls, max_size=1).map(tuple),
    words,
    st.lists(objects, max_size=2).map(tuple),
)


@st.composite
def threads(draw: st.DrawFn) -> Conversation:
    """A thread with branches, requests that repeat histories, hidden and edited turns."""
    thread = Conversation(draw(words), draw(words), created=draw(st.floats(0, 2e9)))
    thread.options = draw(objects)
    requests: dict[Turn | None, list[Any]] = {None: []}
    for _ in range(draw(st.integers(0, 6))):
        parent = draw(st.sampled_from([None, *thread.turns]))
        field = draw(st.sampled_from(["messages", "input", ""]))
        said = [*requests[parent], *draw(st.lists(objects, max_size=2))]
        turn = Turn(
            tuple(draw(st.lists(messages, max_size=2))),
            draw(st.sampled_from(["chat", "responses"])),
            provider=draw(words),
            cell=draw(words),
            execution=draw(words),
            by_hand=draw(st.booleans()),
            imported=draw(st.booleans()),
            stored=draw(st.booleans()),
            picked=draw(choices),
            answer=draw(answers(settled=True)),
            request={**draw(objects), **({field: said} if field else {})},
            elapsed=draw(st.floats(0, 99)),
            first_token=draw(st.none() | st.floats(0, 99)),
            created=draw(st.floats(0, 2e9)),
        )
        requests[turn] = said
        thread.open(turn, parent)
    somewhere = st.sampled_from([None, *thread.turns])
    thread.undone = draw(st.lists(st.tuples(somewhere, somewhere), max_size=2))
    thread.head = draw(somewhere)
    for turn in thread.turns:
        if draw(st.booleans()):
            thread.hidden.add(turn.id)
        if draw(st.booleans()):
            thread.edits[turn.id] = tuple(draw(st.lists(messages, max_size=2)))
    return thread


def plain_answer(answer: Answer) -> dict[str, Any]:
    """Everything that an answer says of itself."""
    said = {name: value for name, value in vars(answer).items() if not name.startswith("_")}
    raw_usage = None if answer.usage is None else answer.usage.raw
    error = answer.error
    return said | {
        "choices": {
            index: (state.choice(), state.finished, list(state.texts.pieces()))
            for index, state in answer.choices.items()
        },
        "hosted": {
            key: (state.kind, state.status, state.detail, state.text)
            for key, state in answer.hosted.items()
        },
        "messages": [answer.message(index) for index in answer.choices],
        "images": answer.images,
        "items": answer.items,
        "usage": (answer.usage, raw_usage),
        "error": error and (type(error), str(error), vars(error)),
    }


def plain(thread: Conversation) -> dict[str, Any]:
    """Everything that a thread is, in values; turns are named by their places."""
    place: dict[Any, int | None] = {turn: n for n, turn in enumerate(thread.turns)}
    place |= {turn.id: n for n, turn in enumerate(thread.turns)} | {None: None}
    return {
        "name": thread.name,
        "system": thread.system,
        "options": thread.options,
        "created": thread.created,
        "head": place[thread.head],
        "hidden": {place[id] for id in thread.hidden},
        "edits": {place[id]: edit for id, edit in thread.edits.items()},
        "undone": [(place[at], place[back]) for at, back in thread.undone],
        "turns": [
            {
                field.name: getattr(turn, field.name)
                for field in fields(turn)
                if field.name not in ("id", "parent", "answer")
            }
            | {"parent": place[turn.parent], "answer": plain_answer(turn.answer)}
            for turn in thread.turns
        ],
    }

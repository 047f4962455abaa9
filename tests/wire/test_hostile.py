"""Whatever stands where something else belongs: no server can stop the decoder."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nbchat.wire.sse import SSEDecoder
from tests.wire.streams import Case, fold, sse, summary
from tests.wire.streams.catalogue import CASES

_STATUSES = {"completed", "incomplete", "cancelled", "queued", "in_progress", "failed", "cut"}
_NAMES = ("id", "type", "index", "text", "content", "delta", "error", "choices", "item", "status")
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=3)
    ),
    max_leaves=4,
)


def _frames(case: Case) -> list[Any]:
    """Return the objects of a case's stream, or its one body."""
    found = []
    decoder = SSEDecoder()
    for event in [*decoder.feed(case.body), *decoder.flush()]:
        try:
            found.append(json.loads(event.data))
        except ValueError:
            continue
    return found


STREAMS = [(case, frames) for case in CASES if 1 < len(frames := _frames(case)) < 50]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(found for key, child in inner for found in _paths(child, (*path, key)))]


def _changed(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _changed(copy[path[0]], path[1:], other)
    return copy


@settings(deadline=None)
@given(stream=st.sampled_from(STREAMS), data=st.data())
def test_anything_in_the_place_of_anything(
    stream: tuple[Case, list[Any]], data: st.DataObject
) -> None:
    case, frames = stream
    value: Any = frames
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([path for path in _paths(value) if path] or [()]))
        value = _changed(value, path, data.draw(_VALUES)) if path else value
    body = sse(*map(json.dumps, value))
    answer, events = fold(case.endpoint, [body], **case.options)
    assert answer.status in _STATUSES
    summary(answer)
    for part in (*answer.reply_choices(), answer.message(), *events):
        str(part).encode()  # nothing that cannot be shown or stored


@settings(deadline=None)
@given(
    stream=st.sampled_from(STREAMS),
    order=st.randoms(use_true_random=False),
    share=st.integers(0, 100),
)
def test_frames_lost_and_in_any_order(
    stream: tuple[Case, list[Any]], order: Any, share: int
) -> None:
    case, frames = stream
    kept = [frame for frame in frames if order.randrange(100) >= share]
    order.shuffle(kept)
    body = sse(*map(json.dumps, kept))
    answer, _ = fold(case.endpoint, [body], **case.options)
    assert answer.status in _STATUSES
    summary(answer)


def test_deeply_nested_json_is_skipped() -> None:
    deep = "[" * 100_000
    good = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    answer, _ = fold("chat", [sse(deep, good, "[DONE]")])
    assert answer.reply_choices()[0].text == "Hi"
    assert answer.notices == ["one frame of the stream could not be read"]


def test_a_number_with_too_many_digits_is_skipped() -> None:
    answer, _ = fold("chat", [sse(f'{{"created": {"9" * 5000}}}')])
    assert answer.status == "cut"

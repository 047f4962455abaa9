from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from nbchat.wire.surrogates import SurrogateMender
from tests.wire.streams import fold, sse


def test_halves_are_joined_across_frames() -> None:
    mender = SurrogateMender()
    assert mender.mend({"d": "a\ud83d"}) == {"d": "a"}
    assert mender.mend({"d": "\ude00b"}) == {"d": "😀b"}


def test_halves_within_one_text_are_joined() -> None:
    assert SurrogateMender().mend(["\ud83d\ude00", {"a": 1}]) == ["😀", {"a": 1}]


def test_lone_halves_are_replaced() -> None:
    assert SurrogateMender().mend("\ude00a\ud83db") == "\ufffda\ufffdb"


def test_choices_are_not_mixed() -> None:
    mender = SurrogateMender()
    mender.mend([{"index": 0, "d": "\ud83d"}])
    assert mender.mend([{"index": 1, "d": "\ude00"}]) == [{"index": 1, "d": "\ufffd"}]
    assert mender.mend([{"index": 0, "d": "\ude00"}]) == [{"index": 0, "d": "😀"}]


@given(text=st.text(), size=st.integers(1, 3))
def test_any_text_in_escapes_cut_anywhere(text: str, size: int) -> None:
    units = text.encode("utf-16-le")
    halves = [units[i : i + 2 * size] for i in range(0, len(units), 2 * size)]
    deltas = [half.decode("utf-16-le", "surrogatepass") for half in halves]
    frames = [{"choices": [{"index": 0, "delta": {"content": delta}}]} for delta in ["x", *deltas]]
    answer, _ = fold("chat", [sse(*map(json.dumps, frames), "[DONE]")])
    assert answer.choices[0].text == "x" + text

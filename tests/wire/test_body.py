"""When reading may stop."""

from __future__ import annotations

import json

import pytest

from nbchat.messages import Failed, TextDelta
from nbchat.wire.body import AnswerDecoder
from tests.wire.streams import sse, whole
from tests.wire.streams.chat import END, HEL, LO, bare, chunk, completion, usage
from tests.wire.streams.events import created, delta, ended


def state(decoder: AnswerDecoder) -> tuple[bool, bool]:
    return decoder.finished, decoder.done


def test_chat_is_finished_by_its_finish_reason_and_done_by_the_mark() -> None:
    decoder = AnswerDecoder("chat")
    states = []
    for piece in (sse(HEL), sse(END), sse(bare([], usage=usage(3, 4))), sse("[DONE]")):
        decoder.feed(piece)
        states.append(state(decoder))
    assert states == [(False, False), (True, False), (True, False), (True, True)]
    assert decoder.finish() == []


def test_chat_waits_for_all_choices_that_were_asked_for() -> None:
    decoder = AnswerDecoder("chat", choices=2)
    decoder.feed(sse(HEL, END))
    assert state(decoder) == (False, False)
    decoder.feed(sse(chunk({"content": "A"}, index=1)))
    assert state(decoder) == (False, False)
    decoder.feed(sse(chunk({}, "stop", index=1)))
    assert state(decoder) == (True, False)


def test_responses_are_done_by_their_terminal_event() -> None:
    decoder = AnswerDecoder("responses")
    decoder.feed(sse(created(), delta("Hello")))
    assert state(decoder) == (False, False)
    decoder.feed(sse(ended()))
    assert state(decoder) == (True, True)
    assert decoder.feed(sse("[DONE]", delta("more"))) == []
    assert decoder.finish() == []


def test_a_failure_ends_reading() -> None:
    decoder = AnswerDecoder("chat")
    events = decoder.feed(sse(HEL, {"error": {"message": "bad"}}, LO, "[DONE]"))
    assert [type(event) for event in events[-2:]] == [TextDelta, Failed]
    assert decoder.done
    assert decoder.finish() == []


def test_a_single_body_is_read_at_its_end() -> None:
    decoder = AnswerDecoder("chat")
    assert decoder.feed(b" " + whole(completion({"content": "Hello"}))) == []
    assert state(decoder) == (False, False)
    assert TextDelta("Hello") in decoder.finish()
    assert decoder.done


@pytest.mark.parametrize(
    "start", [b"data: ", b"event: x\n", b"id: 1\n", b"retry: 1\n", b": c\n\n"]
)
def test_a_stream_is_read_as_it_comes_whatever_line_is_first(start: bytes) -> None:
    decoder = AnswerDecoder("chat")
    body = start.removesuffix(b"data: ") + sse(HEL)
    assert TextDelta("Hel") in decoder.feed(body)


def test_the_first_event_is_not_held_back_by_white_space() -> None:
    decoder = AnswerDecoder("chat")
    assert decoder.feed(b"\xef\xbb\xbf") == []
    assert decoder.feed(b"\r\n") == []
    assert TextDelta("Hel") in decoder.feed(sse(HEL))


def test_events_come_with_the_read_that_completes_them() -> None:
    decoder = AnswerDecoder("chat")
    frame = sse(HEL)
    assert decoder.feed(frame[:-1]) == []
    assert decoder.feed(frame[-1:])[-1] == TextDelta("Hel")


def test_an_answer_in_pieces_of_reasoning_and_text_keeps_its_order() -> None:
    decoder = AnswerDecoder("chat")
    deltas = [{"reasoning": "a"}, {"content": "b"}, {"reasoning": "c", "content": "d"}]
    events = decoder.feed(sse(*(json.dumps(chunk(delta)) for delta in deltas)))
    assert [getattr(event, "text", "") for event in events] == ["", "a", "b", "c", "d"]

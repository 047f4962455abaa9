"""Records lose nothing, and take nothing that they did not make."""

from __future__ import annotations

import json as standard_json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbchat.conversation import Answer, Conversation, Turn
from nbchat.conversation.record import (
    dump_answer,
    dump_turn,
    load_turn,
)
from nbchat.conversation.replay import events_of
from nbchat.conversation.values import RecordError, dump, load, to_json
from nbchat.messages import Message, TextDelta
from tests.support.threads import answers, events, messages, objects, plain_answer

unhurried = settings(deadline=None)


@unhurried
@given(answers())
def test_the_events_of_an_answer_fold_into_an_equal_one(answer: Answer) -> None:
    copy = Answer()
    for event in events_of(answer):
        copy.apply(event)
    copy.status, copy.error = answer.status, answer.error
    assert plain_answer(copy) == plain_answer(answer)


@unhurried
@given(st.one_of(events, messages, objects, st.lists(messages).map(tuple)))
def test_values_survive_json(value: Any) -> None:
    assert load(standard_json.loads(to_json(dump(value)))) == value


def test_json_can_always_be_written_to_a_file() -> None:
    text = to_json({"half": "\ud83d", "whole": "é"})
    assert standard_json.loads(text.encode("utf-8")) == {"half": "\ud83d", "whole": "é"}


def test_an_answer_on_its_way_comes_back_as_cut() -> None:
    turn = Turn((Message.of("user", "q"),), "chat")
    turn.answer.apply(TextDelta("half an ans"))
    copy = load_turn(dump_turn(turn), dump_answer(turn.answer), None)
    assert (copy.answer.status, copy.messages) == ("cut", turn.messages)


def test_a_request_grows_by_what_is_new() -> None:
    thread = Conversation("main")
    for number in range(50):
        turn = Turn((Message.of("user", f"question {number}"),), "chat")
        thread.open(turn, thread.head)
        history = [{"role": m.role, "content": m.text} for m in thread.history()]
        turn.request = {"model": "m", "messages": history}
    last = thread.turns[-1]
    assert len(to_json(dump_turn(last))) < 600
    copy: Turn | None = None
    for turn in thread.turns:
        copy = load_turn(dump_turn(turn), dump_answer(turn.answer), copy)
    assert copy is not None
    assert copy.request == last.request


_GOOD = dump_turn(Turn((Message.of("user", "q"),), "chat"))
_ANSWER = dump_answer(Answer())


@pytest.mark.parametrize(
    ("turn", "answer"),
    [
        ({**_GOOD, "prompt": [{"$Os": {}}]}, _ANSWER),
        ({**_GOOD, "prompt": [{"$Text": {"text": 5}}]}, _ANSWER),
        ({**_GOOD, "prompt": [{"$Message": {"role": "pirate"}}]}, _ANSWER),
        ({**_GOOD, "prompt": "q"}, _ANSWER),
        ({**_GOOD, "endpoint": "smtp"}, _ANSWER),
        ({**_GOOD, "elapsed": "long"}, _ANSWER),
        ({**_GOOD, "color": "red"}, _ANSWER),
        ({**_GOOD, "request": {"body": 5}}, _ANSWER),
        (_GOOD, {"events": []}),
        (_GOOD, {"status": "completed", "events": [{"$Text": {"text": "no event"}}]}),
        (_GOOD, {"status": "completed", "events": [{"$TextDelta": {}}]}),
        (_GOOD, {"status": "failed", "events": [], "error": {"$OSError": {}}}),
        (_GOOD, {"status": "failed", "events": [], "error": {"$StreamError": {"detail": 5}}}),
        (_GOOD, {"status": "failed", "events": [], "error": {"$RateLimitError": {"detail": ""}}}),
    ],
)
def test_what_is_no_record_is_refused(turn: dict[str, Any], answer: dict[str, Any]) -> None:
    with pytest.raises(RecordError):
        load_turn(turn, answer, None)


@unhurried
@given(st.data(), st.sampled_from(["", "null", "1", '"x"', "[]", "{}"]))
def test_no_change_of_a_record_does_more_than_be_refused(data: st.DataObject, put: str) -> None:
    text = to_json([_GOOD, dump_answer(data.draw(answers()))])
    start = data.draw(st.integers(0, len(text) - 1))
    changed = text[:start] + put + text[data.draw(st.integers(start, len(text))) :]
    try:
        turn, answer = standard_json.loads(changed)
    except (ValueError, TypeError):
        return  # no JSON, or no pair
    if isinstance(turn, dict) and isinstance(answer, dict):
        with suppress(RecordError):
            load_turn(turn, answer, None).reply()

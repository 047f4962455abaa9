"""Answers as text, as a terminal gets them."""

from __future__ import annotations

import pytest

from nbchat import view
from nbchat.messages import ReasoningDelta, ReasoningDone, RefusalDelta, RefusalDone, TextDelta
from nbchat.reply import Choice, Reply


def test_each_of_several_answers_has_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    screen = view.choose("text", None, lambda: None, choices=2)
    screen.open()
    screen.event(TextDelta("second", choice=1))
    screen.event(ReasoningDelta("Hm."))
    screen.event(TextDelta("fir"))
    screen.event(TextDelta("st"))
    screen.close(Reply(choices=(Choice(text="first"), Choice(text="second")), model="m"))
    out = capsys.readouterr().out
    assert out.startswith("--- choice 1\nHm.\nfirst\n--- choice 2\nsecond\n[m")


def test_a_single_answer_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    screen = view.choose("text", None, lambda: None)
    screen.event(TextDelta("only"))
    screen.close(Reply(choices=(Choice(text="only"),), model="m"))
    assert capsys.readouterr().out.startswith("only\n[m")


def test_what_the_server_corrects_is_written_again(capsys: pytest.CaptureFixture[str]) -> None:
    screen = view.choose("text", None, lambda: None)
    for event in (
        ReasoningDelta("Hm"),
        ReasoningDone("Hmm."),
        RefusalDelta("I kan't."),
        RefusalDone("I can't."),
    ):
        screen.event(event)
    screen.close(Reply(choices=(Choice(refusal="I can't."),), model="m"))
    assert capsys.readouterr().out.startswith(
        "Hm\n[the server corrected the reasoning]\nHmm.\nI kan't.\n"
        "[the server corrected the answer]\nI can't.\n[m"
    )

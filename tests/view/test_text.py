"""Answers as text, as a terminal gets them."""

from __future__ import annotations

import pytest

from nbchat import view
from nbchat.messages import ReasoningDelta, TextDelta
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

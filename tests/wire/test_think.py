from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbchat.wire.chat.think import ThinkSplitter

CASES = {
    "": ("", ""),
    "Yes.": ("", "Yes."),
    "<think>well</think>Yes.": ("well", "Yes."),
    "<think>\nwell\n</think>\n\nYes.\n": ("well\n", "Yes.\n"),
    " \n<think>well</think>Yes.": ("well", "Yes."),
    "<think></think>Yes.": ("", "Yes."),
    "<think>\n\n</think>\n\nYes.": ("", "Yes."),
    "<think>a < b </ c </thin</think>Yes.": ("a < b </ c </thin", "Yes."),
    "<think>well</think><think>more</think>": ("well", "<think>more</think>"),
    "<think>well": ("well", ""),
    "<think>well</thin": ("well</thin", ""),
    "<think>": ("", ""),
    "<thin": ("", "<thin"),
    "<this>": ("", "<this>"),
    "  Yes.": ("", "  Yes."),
    " ": ("", " "),
    "Use <think>x</think>.": ("", "Use <think>x</think>."),
    " " * 80 + "<think>x</think>": ("", " " * 80 + "<think>x</think>"),
}


def split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkSplitter()
    found = [pair for piece in pieces for pair in splitter.feed(piece)] + splitter.flush()
    assert all(text for _, text in found)
    thoughts = [text for reasoning, text in found if reasoning]
    return "".join(thoughts), "".join(text for reasoning, text in found if not reasoning)


@pytest.mark.parametrize(("text", "parts"), CASES.items())
def test_in_one_piece_and_in_characters(text: str, parts: tuple[str, str]) -> None:
    assert split([text] if text else []) == parts
    assert split(list(text)) == parts


@given(text=st.sampled_from(sorted(CASES)), cuts=st.lists(st.integers(0, 40)))
def test_in_any_pieces(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(places) if a < b]
    assert split(pieces) == CASES[text]


def test_text_is_not_held_back_longer_than_it_may_be_a_tag() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<thin") == []
    assert splitter.feed("g>") == [(False, "<thing>")]
    assert splitter.plain

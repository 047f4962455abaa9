"""Streaming text to a terminal."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbchat.view.terminal import Writer

ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(pieces: list[str], width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    writer = Writer(out)
    for piece in pieces:
        writer.write(piece)
    writer.line("")
    return out.getvalue()


def test_words_are_wrapped_at_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    text = written(["The quick bro", "wn fox jumps over ", "the lazy dog."], 16, monkeypatch)
    assert text == "The quick brown \nfox jumps over \nthe lazy dog.\n"


def test_code_and_tables_are_not_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "```python\nprint('a long line of code')\n```\n| a | b and more | c |\n"
    text = ANSI.sub("", written([source], 12, monkeypatch))
    assert text == source


def test_headings_and_code_have_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    text = written(["# Title\n```\ncode\n```\nprose\n"], 80, monkeypatch)
    assert "\x1b[1mTitle\x1b[0m" in text
    assert "\x1b[36mcode\x1b[0m" in text
    assert "\nprose\n" in text


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    writer = Writer(out)
    writer.write("# Title\n")
    assert out.getvalue() == "# Title\n"


def test_a_model_can_not_control_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = written(["\x1b]0;title\x07\x1b[2J\x9b1mhello \r over\n"], 80, monkeypatch)
    assert not ANSI.sub("", text).translate({10: None}).strip().count("\x1b")
    assert "\x07" not in text
    assert "\r" not in text


def ends(text: str) -> list[str]:
    """The lines without the blanks at their ends, which nobody sees."""
    return [line.rstrip() for line in text.splitlines()]


PROSE = st.text(alphabet="abc é漢\n `#|-*", max_size=60)


@example(pieces=[" ", " ", "```````"], width=8)
@given(pieces=st.lists(PROSE, max_size=8), width=st.integers(8, 40))
def test_nothing_is_lost_or_repeated(pieces: list[str], width: int) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        text = ANSI.sub("", written(pieces, width, monkeypatch))
        at_once = ANSI.sub("", written(["".join(pieces)], width, monkeypatch))
    assert text.split() == "".join(pieces).split()
    assert ends(text) == ends(at_once)

"""The tokenizer asks the actions alone whether an option takes a value."""

from __future__ import annotations

import argparse

import pytest

from nbchat.errors import UsageError
from nbchat.line.tokens import Word, split


def actions() -> dict[str, argparse.Action]:
    parser = argparse.ArgumentParser(add_help=False)
    added = [
        parser.add_argument("-v", "--verbose", action="store_true"),
        parser.add_argument("--name", metavar="NAME"),
        parser.add_argument("--web", nargs="?", const="medium", metavar="SIZE"),
    ]
    return {flag: action for action in added for flag in action.option_strings}


@pytest.mark.parametrize(
    ("line", "given", "rest"),
    [
        ("-v --name x y", [("-v", None), ("--name", "x")], "y"),
        ("--web low", [("--web", None)], "low"),
        ("--web=low high", [("--web", "low")], "high"),
        ("--web= high", [("--web", "")], "high"),
        ("--web", [("--web", None)], ""),
        ("--web -v x", [("--web", None), ("-v", None)], "x"),
        ("--name='a b' c", [("--name", "a b")], "c"),
    ],
)
def test_values(line: str, given: list[tuple[str, str | None]], rest: str) -> None:
    found, prompt = split(line, actions(), {})
    assert [(one.flag, one.word.text if one.word else None) for one in found] == given
    assert prompt == rest


def test_a_word_keeps_how_it_was_written() -> None:
    [given], _ = split(r'--name "a \"b\"" c', actions(), {})
    assert given.word == Word('a "b"', r'"a \"b\""', '"')


def test_hints_come_before_suggestions() -> None:
    with pytest.raises(UsageError, match=r"^no option --nome: say --name$"):
        split("--nome x", actions(), {"--nome": "say --name"})

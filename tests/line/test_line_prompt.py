"""What of the line is the prompt; properties of the tokenizer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbchat.errors import UsageError
from nbchat.line import HelpRequested, parse
from nbchat.options import TABLE, Options

LINES = [
    ("hello there", "hello there"),
    ("what's up?", "what's up?"),
    ('say "hi  there" --new -m x', 'say "hi  there" --new -m x'),
    ("-m x  two  spaces \t", "two  spaces \t"),
    ("-m x C:\\Users $name {{ x }} {y}", "C:\\Users $name {{ x }} {y}"),
    ("--new", ""),
    ("", ""),
    ("   ", ""),
    ("-5 is a number", "-5 is a number"),
    ("- a list", "- a list"),
    ("-.5 too", "-.5 too"),
    ("-> what is this?", "-> what is this?"),
    ("--- is a rule", "--- is a rule"),
    ("--5", "--5"),
    ("---new", "---new"),
    ("— a dash", "— a dash"),
    ('"--new" x', '"--new" x'),
    ("\\--new x", "\\--new x"),
    ("-- -x is what?", "-x is what?"),
    ("--  two", " two"),
    ("--", ""),
    ("-- ", ""),
    ("-m x -- --new", "--new"),
    ("-m x -- -- y", "-- y"),
    ("--new it's -s 5", "it's -s 5"),
]


@pytest.mark.parametrize(("line", "prompt"), LINES)
def test_the_prompt_is_the_rest_of_the_line(line: str, prompt: str) -> None:
    assert parse(line, None, "chat")[1] == prompt


CELLS = [
    ("", "body\n", "body\n"),
    ("-m x", " body --new\n\n", " body --new\n\n"),
    ("  ", "-m x", "-m x"),
    ("explain this:", "x = 1\n", "explain this:\nx = 1\n"),
    ("-m x explain this: ", "x = 1\n", "explain this: \nx = 1\n"),
    ("-- -x?", "body", "-x?\nbody"),
    ("-- ", "body", "body"),
]


@pytest.mark.parametrize(("line", "cell", "prompt"), CELLS)
def test_in_a_cell_the_body_follows_what_stands_on_the_line(
    line: str, cell: str, prompt: str
) -> None:
    assert parse(line, cell, "chat")[1] == prompt


# --- Properties -----------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def begins_an_option(text: str) -> bool:
    word = text.split()[0] if text.split() else ""
    return word == "--" or (
        word[:1] == "-" and word.lstrip("-")[:1].isalpha() and not word.startswith("---")
    )


@given(TEXT.filter(lambda text: not text[:1].isspace() and not begins_an_option(text)))
def test_text_without_options_passes_untouched(text: str) -> None:
    assert parse(text, None, "chat") == (Options(), text)
    assert parse(f"-m x {text}", None, "chat")[1] == text


@given(TEXT)
def test_behind_two_hyphens_everything_passes_untouched(text: str) -> None:
    assert parse(f"-- {text}", None, "chat") == (Options(), text)


@given(TEXT)
def test_a_cell_passes_untouched(text: str) -> None:
    assert parse("", text, "chat") == (Options(), text)


@given(TEXT, TEXT)
def test_quoting_round_trips(value: str, prompt: str) -> None:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    options, rest = parse(f"-s '@@{escaped}' -- {prompt}", None, "chat")
    assert (options.system, rest) == (f"@{value}", prompt)


@given(st.text("ab \"'\\"), st.sampled_from("\"'"))
def test_either_quote_round_trips(value: str, quote: str) -> None:
    escaped = value.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    assert parse(f"-s {quote}{escaped}{quote} x", None, "chat")[0].system == value


@given(st.text("ab\"'\\ ", min_size=1))
def test_escapes_without_quotes_round_trip(value: str) -> None:
    escaped = "".join(
        f"\\{character}" if character in "\"'\\ " else character for character in value
    )
    assert parse(f"-s {escaped} x", None, "chat")[0].system == value


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)


@given(JSON, st.booleans())
def test_any_json_round_trips_through_set(value: Any, ascii_only: bool) -> None:
    line = f"--set a.b={json.dumps(value, ensure_ascii=ascii_only)} rest"
    options, rest = parse(line, None, "chat")
    assert (options.set, rest) == ({"a.b": value}, "rest")


FLAGS = [flag for option in TABLE for flag in (*option.flags, *option.aliases)]
PIECES = st.one_of(
    st.sampled_from([*FLAGS, "-h", "--", "-", "=", "\\", '"', "'", "{", "}", "{{", "}}", "["]),
    st.sampled_from(["$x", "{x}", "{{ x }}", "a=1", "a=[", "a={", "7", "0.5", "low", "@x", " "]),
    st.text(max_size=4),
)


@given(
    st.lists(PIECES, max_size=8),
    st.sampled_from(["", " "]),
    st.sampled_from(["chat", "responses"]),
)
def test_nothing_but_a_usage_error_comes_out(pieces: list[str], joint: str, endpoint: Any) -> None:
    line = joint.join(pieces)
    try:
        _, prompt = parse(line, None, endpoint, namespaces=[{"x": 1}])
    except (UsageError, HelpRequested):
        return
    assert line.endswith(prompt)

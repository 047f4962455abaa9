"""``{{ expr }}`` in a prompt."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbchat.errors import UsageError
from nbchat.messages import Image, Text
from nbchat.prompt import fill
from nbchat.reply import Choice, Reply

NAMES: dict[str, Any] = {
    "x": 2.5,
    "n": 41,
    "s": "it's",
    "d": {"a": {"b": 1}},
    "day": datetime.date(2026, 11, 3),
    "width": 8,
    "rows": [1, 2, 3],
    "braces": "{{ n }} {n} \\{{ $n",
    "In": ["", "a = 1", "a + 1"],
    "Out": {2: 2},
    "open": open,  # as IPython does
}

FILLED = [
    ("{{ n }}", "41"),
    ("{{n}}", "41"),
    ("a {{ n }} b {{ n + 1 }} c", "a 41 b 42 c"),
    ("{{ s }}", "it's"),
    ("{{ s!r }}", '"it\'s"'),
    ("{{ s !r }}", '"it\'s"'),
    ("{{ s!r:>8 }}", '  "it\'s"'),
    ("{{ 'ö'!a }}", "'\\xf6'"),
    ("{{ x!s }}", "2.5"),
    ("{{ x:.2f }}", "2.50"),
    ("{{ x:{width}.2f }}", "    2.50"),
    ("{{ x:{width}}}", "     2.5"),
    ("{{ x:*>+8.1f}}", "****+2.5"),
    ("{{ day:%d.%m.%Y }}", "03.11.2026"),
    ("{{ n != 40 }}", "True"),
    ("{{ {'a': 1}['a'] }}", "1"),
    ("{{{'a': {'b': 1}}}}", "{'a': {'b': 1}}"),
    ("{{ {'a': {'b': 1}} }}", "{'a': {'b': 1}}"),
    ("{{ {1} }}", "{1}"),
    ("{{ '}}' }}", "}}"),
    ('{{ "it\'s }} {{ fine" }}', "it's }} {{ fine"),
    ("{{ '''a'b}}''' }}", "a'b}}"),
    (r"{{ 'a\'}}' }}", "a'}}"),
    ("{{ (lambda k: k + 1)(n) }}", "42"),
    ("{{ list(map(lambda k, *, j=1: k + j, rows)) }}", "[2, 3, 4]"),
    ("{{ [k for k in rows if k != n] }}", "[1, 2, 3]"),
    ("{{ sum(k * n for k in rows) }}", "246"),
    ("{{ rows[0:2] }}", "[1, 2]"),
    ("{{ f'{n:>4}|{s}' }}", "  41|it's"),
    ("{{ d['a']['b'] if n > 3 else 'no' }}", "1"),
    ("{{\n  n\n  + 1\n}}", "42"),
    ("{{ n  # a remark\n}}", "41"),
    ("{{ n, x }}", "(41, 2.5)"),
    ("{{ In[2] }} -> {{ Out[2] }}", "a + 1 -> 2"),
    ("{{ braces }}", "{{ n }} {n} \\{{ $n"),
    ("{{ braces }}{{ n }}", "{{ n }} {n} \\{{ $n41"),
    ("{{ '{{' }} n }}", "{{ n }}"),
    (r"\{{ n }}", "{{ n }}"),
    (r"\{{{{ n }}", "{{41"),
    (r"\\{{ n }}", r"\{{ n }}"),
    ("{n} {% if %} {# no #} $n \\n {{ n }} }} }", "{n} {% if %} {# no #} $n \\n 41 }} }"),
    ("{{ None }}{{ b'a' }}{{ n.__class__ }}", "Noneb'a'<class 'int'>"),
]


@pytest.mark.parametrize(("text", "expected"), FILLED)
def test_fill(text: str, expected: str) -> None:
    assert fill(text, [NAMES]).parts == (Text(expected),)


FAILING = [
    ("{{ nn }}", "{{ nn }}: nn is not defined (did you mean n?)"),
    ("{{ opinion }}", "opinion is not defined\n"),
    ("{{ ROW }}", "ROW is not defined (did you mean rows?)"),
    ("{{ lenn(s) }}", "lenn is not defined (did you mean len?)"),
    ("{{ [zz for k in rows] }}", "zz is not defined"),
    ("{{ 1 / 0 }}", "{{ 1 / 0 }}: ZeroDivisionError: division by zero"),
    ("{{ Out[9] }}", "{{ Out[9] }}: KeyError: 9"),
    ("{{ n.size }}", "AttributeError: 'int' object has no attribute 'size'"),
    ("{{ n:.2q }}", "ValueError"),
    ("{{ x:{nope} }}", "nope is not defined"),
    ("{{ }}", "nothing stands between the braces"),
    ("{{ n", "{{ n: the two closing braces are missing"),
    ("{{ n }", "a single }"),
    ("{{ n:>4 }", "{{ n:>4 }: the two closing braces are missing after the format"),
    ("{{ (n }}", "} closes nothing"),
    ("{{ n) }}", ") closes nothing"),
    ("{{ 'a }}", "the quote ' is not closed"),
    ("{{ n!q }}", "after ! stands r, s or a"),
    ("{{ n ! }}", "after ! stands r, s or a"),
    ("{{ a b }}", "{{ a b }}: not a Python expression"),
    ("{{ n = 3 }}", "not a Python expression"),
    ("{{ import os }}", "not a Python expression"),
    ("{{ n }} {{ zz }}", "{{ zz }}: zz is not defined"),
    (r"\frac{{a}}{b}", "{{ a }}: a is not defined"),
]


@pytest.mark.parametrize(("text", "words"), FAILING)
def test_what_fails_is_named_with_the_ways_out(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        fill(text, [NAMES])
    message = str(caught.value)
    assert words in message
    assert "Nothing was sent" in message
    assert "\\{{" in message
    assert "--literal" in message
    assert len(message.splitlines()) <= 3


@given(st.text() | st.text("{}\\%#$ \n"))
@example("{ {")
@example("\\{ {%{#$x`'\"")
def test_text_without_two_braces_passes(text: str) -> None:
    text = text.replace("{{", "{")
    while "{{" in text:
        text = text.replace("{{", "{")
    assert fill(text, []).text == text


@given(st.text() | st.text("{}\\n "))
def test_literal_passes_everything(text: str) -> None:
    assert fill(text, [{"n": 1}], literal=True).text == text


@given(st.text() | st.text("{}\\n "), st.text("{}\\n "))
def test_a_value_is_never_filled_again(value: str, around: str) -> None:
    around = around.replace("{", "").rstrip("\\")
    assert fill(f"{around}{{{{ v }}}}", [{"v": value}]).text == around + value


@given(st.text("{}\\%#$! \nn"), st.text(), st.text("{}\\%#$! \nn"))
@example("{%{#${n}", "{{ n }}", "}{%{#${n}\\")
def test_all_around_a_value_stays(before: str, value: str, after: str) -> None:
    before, after = (re.sub(r"\{+", "{", text) for text in (before, after))
    before = before.rstrip("{\\")
    assert fill(f"{before}{{{{ v }}}}{after}", [{"v": value}]).text == before + value + after


@given(st.recursive(st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_any_display_of_dicts_is_found_whole(value: object) -> None:
    assert fill(f"<{{{{ {value!r} }}}}>", []).text == (
        f"<{value}>" if isinstance(value, str) else f"<{value!r}>"
    )


def test_the_first_namespace_goes_first() -> None:
    assert fill("{{ n }}{{ m }}", [{"n": 1}, {"n": 2, "m": 3}]).text == "13"
    assert fill("{{ [n for _ in 'ab'] }}", [{"n": 1}, {"n": 2}]).text == "[1, 1]"


def test_the_users_namespace_is_not_written() -> None:
    names: dict[str, Any] = {"n": 1}
    assert fill("{{ (m := 5) }}", [names]).text == "5"
    assert names == {"n": 1}


def test_a_reply_is_its_text() -> None:
    assert fill("{{ r }}", [{"r": Reply(choices=(Choice(text="Hi."),))}]).text == "Hi."


def test_own_markdown_goes_before_the_repr() -> None:
    class Shown:
        def _repr_markdown_(self) -> tuple[str, dict[str, str]]:
            return "**bold**", {"a": "b"}

    class Silent:
        def _repr_markdown_(self) -> None:
            return None

        def __repr__(self) -> str:
            return "silent"

    names = {"a": Shown(), "b": Silent(), "c": Shown}
    assert fill("{{ a }} {{ b }}", [names]).text == "**bold** silent"
    assert "<class" in fill("{{ c }}", [names]).text


def test_a_value_that_cannot_show_itself_is_named() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no words")

    with pytest.raises(UsageError, match=r"\{\{ b \}\}: RuntimeError: no words"):
        fill("{{ b }}", [{"b": Broken()}])


def test_a_mock_is_its_repr() -> None:
    class Anything:
        def __getattr__(self, name: str) -> Any:
            return lambda *args: b"nothing of the kind"

        def __repr__(self) -> str:
            return "anything"

    assert fill("{{ m }}", [{"m": Anything()}]).text == "anything"


def test_an_image_stands_at_its_place() -> None:
    image = Image("data:image/png;base64,AAAA")
    content = fill("See {{ i }} and {{ i }}\n", [{"i": image}])
    assert content.parts == (Text("See "), image, Text(" and "), image)

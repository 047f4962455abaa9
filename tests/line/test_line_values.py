"""Values from variables and expressions."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from nbchat.errors import UsageError
from nbchat.line import parse
from nbchat.options import Options


def options(line: str, *namespaces: dict[str, Any]) -> Options:
    found, prompt = parse(
        f"{line} $rest {{rest}} {{{{rest}}}}", None, "chat", namespaces=namespaces
    )
    assert prompt == "$rest {rest} {{rest}}"
    return found


GIVEN = {
    "persona": "be  brief",
    "half": 0.5,
    "seven": 7,
    "stops": ["a", "b"],
    "labels": {"run": "7"},
    "schema": {"type": "object"},
    "cfg": SimpleNamespace(model="m-1", inner=SimpleNamespace(seed=3)),
    "nothing": None,
    "größe": 3,
}

CASES = [
    ("-s $persona", Options(system="be  brief")),
    ("-s {persona}", Options(system="be  brief")),
    ("-s {{ persona }}", Options(system="be  brief")),
    ("-s {{persona}}", Options(system="be  brief")),
    ("-s=$persona", Options(system="be  brief")),
    ('-s "$persona"', Options(system="be  brief")),
    ('-s "{{ persona }}"', Options(system="be  brief")),
    ("-s '$persona'", Options(system="$persona")),
    ("-s $persona!", Options(system="$persona!")),
    ("-s x$persona", Options(system="x$persona")),
    ("-s {{ 'a}}b' + \"c d\" }}", Options(system="a}}bc d")),
    ("-s {{ {1: {2: 'x'}}[1][2] }}", Options(system="x")),
    ("-s {{{1:'x'}[1]}}", Options(system="x")),
    ("-s {{ ', '.join(s for s in stops if s in labels or persona) }}", Options(system="a, b")),
    ("-s {{ half:.2f }}", Options(system="0.50")),
    ("-s {{ 'it\\'s }}'!s:>8 }}", Options(system=" it's }}")),
    ('-s "{{ half }} and {{ seven }}"', Options(system="{{ half }} and {{ seven }}")),
    ("-m $cfg.model", Options(model="m-1")),
    ("-m {cfg.model}", Options(model="m-1")),
    ("--seed $cfg.inner.seed", Options(seed=3)),
    ("--temperature $half", Options(temperature=0.5)),
    ("--temperature {{ 3 / 2 }}", Options(temperature=1.5)),
    ("--max-tokens $seven", Options(max_tokens=7)),
    ("--max-tokens {größe}", Options(max_tokens=3)),
    ("--stop $stops", Options(stop=("a", "b"))),
    ("--stop $stops --stop c", Options(stop=("a", "b", "c"))),
    ("--metadata $labels", Options(metadata={"run": "7"})),
    ("--metadata a=$persona", Options(metadata={"a": "be  brief"})),
    ('--metadata "a=$persona"', Options(metadata={"a": "be  brief"})),
    ("--metadata 'a=$persona'", Options(metadata={"a": "$persona"})),
    ("--set response_format=$schema", Options(set={"response_format": {"type": "object"}})),
    ("--set a.b={schema}", Options(set={"a.b": {"type": "object"}})),
    ("--set a={{ [n * 2 for n in (1, 2)] }}", Options(set={"a": [2, 4]})),
    ("--set $labels", Options(set={"run": "7"})),
    ("--set a=$nothing", Options(set={"a": None})),
    ("--temperature $nothing", Options()),
]


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_a_whole_value_is_taken_from_the_namespaces(line: str, expected: Options) -> None:
    assert options(line, GIVEN) == expected


def test_values_keep_their_type() -> None:
    number = options("--temperature $x", {"x": Fraction(1, 4)}).temperature
    assert (number, type(number)) == (0.25, float)


def test_locals_come_before_the_users_namespace() -> None:
    assert options("-m $name", {"name": "local"}, {"name": "global"}).model == "local"
    assert options("-m {{ f'{name}{other}' }}", {"name": 1}, {"other": 2}).model == "12"


def test_an_expression_changes_no_namespace() -> None:
    namespace: dict[str, Any] = {"x": 1}
    options("-m {{ (y := str(x)) }}", namespace)
    assert namespace == {"x": 1}


REFUSED = [
    ("-s $missing", "-s $missing: missing is not defined"),
    ("-s {sevn}", "-s {sevn}: sevn is not defined (did you mean seven?)"),
    ("-s {{ half + missing }}", "-s: {{ half + missing }}: missing is not defined"),
    ("-s {{ 1 / 0 }}", "-s: {{ 1 / 0 }}: ZeroDivisionError: division by zero"),
    ("-s {{ 1 + }}", "-s: {{ 1 + }}: not a Python expression"),
    ("-s {{ }}", "nothing stands between the braces"),
    ("-s {{ half", "-s: {{ half prompt: the two closing braces are missing"),
    ("-s {{ half }}x", "a blank is missing after {{ half }}"),
    ("-s $cfg.none", "-s $cfg.none: AttributeError"),
    ("-s $half", "--system takes a text, not 0.5"),
    ("--max-tokens $half", "--max-tokens takes a whole number of at least 1, not 0.5"),
    ("--temperature $stops", "--temperature takes a number from 0 to 2, not a list of 2"),
    ("--temperature {{ True }}", "not True"),
    ("--temperature {{ 10 ** 400 }}", "--temperature takes a number from 0 to 2"),
    ("--seed $cfg", "not a SimpleNamespace"),
    ("--metadata a=$seven", "--metadata a: takes a text of at most 512 characters, not 7"),
    ("--metadata $seven", "--metadata takes at most 16 pairs"),
    ("--set $seven", "--set takes path.to.key=VALUE, not 7"),
    ("--set a=$cfg", "--set a: a SimpleNamespace can't be written as JSON"),
]


@pytest.mark.parametrize(("line", "words"), REFUSED)
def test_what_fails_is_named(line: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(f"{line} prompt", None, "chat", namespaces=[GIVEN])
    assert words in str(caught.value)

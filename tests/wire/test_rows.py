from __future__ import annotations

import re
from pathlib import Path

import pytest

from nbchat.messages import Failed
from tests.wire.rows import ROWS
from tests.wire.streams import NOTHING, Case, fold, summary
from tests.wire.streams.catalogue import CASES


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_answer_is_what_the_server_meant(case: Case) -> None:
    answer, events = fold(case.endpoint, [case.body], **case.options)
    failures = [event for event in events if isinstance(event, Failed)]
    assert len(failures) == (answer.error is not None)
    found = summary(answer)
    expected = {**NOTHING, **case.expect}
    if not answer.choices:
        expected = {key: value for key, value in expected.items() if key in found}
    assert {key: value for key, value in found.items() if key in expected or value} == expected


def test_each_row_is_shown() -> None:
    """By a stream of the catalogue, or by a test whose docstring has its number."""
    shown = set()
    for path in Path(__file__).parents[1].rglob("test_*.py"):
        for numbers in re.findall(
            r"\b[Rr]ows? (\d+(?:(?:, | and )\d+)*)", path.read_text("utf-8")
        ):
            shown |= {int(number) for number in re.findall(r"\d+", numbers)}
    for case in CASES:
        shown |= {int(number) for number in re.findall(r"^row (\d+):", case.name)}
    assert shown == ROWS.keys()

"""However a body is cut into reads, the answer is the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.streams import Case, fold, summary
from tests.wire.streams.catalogue import CASES

SHORT = [case for case in CASES if len(case.body) < 100_000]


@pytest.mark.parametrize("case", SHORT, ids=str)
def test_split_at_every_byte(case: Case) -> None:
    whole, _ = fold(case.endpoint, [case.body], **case.options)
    bytewise, _ = fold(
        case.endpoint, [case.body[i : i + 1] for i in range(len(case.body))], **case.options
    )
    assert summary(bytewise) == summary(whole)


CRLF = next(case for case in CASES if case.name == "row 4: CRLF")
SEPARATORS = next(case for case in CASES if case.name == "row 4: line separators within JSON")
MARK = next(case for case in CASES if case.name == "row 4: a byte order mark")
PLAIN = next(case for case in CASES if str(case) == "responses: plain")
WHOLE = next(case for case in CASES if str(case) == "responses: whole")


@pytest.mark.parametrize("case", [CRLF, SEPARATORS, MARK, PLAIN, WHOLE], ids=str)
def test_split_in_two_at_every_boundary(case: Case) -> None:
    whole, _ = fold(case.endpoint, [case.body])
    for cut in range(1, len(case.body)):
        halves, _ = fold(case.endpoint, [case.body[:cut], case.body[cut:]])
        assert summary(halves) == summary(whole)


@settings(deadline=None)
@given(case=st.sampled_from(SHORT), data=st.data())
def test_split_anywhere(case: Case, data: st.DataObject) -> None:
    body = case.body
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=20).map(sorted))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    whole, _ = fold(case.endpoint, [body], **case.options)
    split, _ = fold(case.endpoint, pieces, **case.options)
    assert summary(split) == summary(whole)


@settings(deadline=None)
@given(case=st.sampled_from(SHORT), data=st.data())
def test_a_cut_is_never_passed_off_as_complete(case: Case, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(case.body)))
    part, _ = fold(case.endpoint, [case.body[:cut]], **case.options)
    assert part.status != "streaming"
    if part.status == "completed":
        whole, _ = fold(case.endpoint, [case.body], **case.options)
        assert whole.choices[0].text.startswith(part.choices[0].text)
        marks = (b"finish_reason", b"[DONE]", b"response.", b"status")
        assert any(mark in case.body[:cut] for mark in marks)


@settings(deadline=None)
@given(endpoint=st.sampled_from(["chat", "responses"]), body=st.binary(max_size=300))
def test_no_bytes_stop_the_decoder(endpoint: str, body: bytes) -> None:
    answer, _ = fold(endpoint, [body])
    assert answer.status in ("cut", "failed")

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbchat.wire.sse import ServerSentEvent, SSEDecoder


def read(*pieces: bytes) -> list[tuple[str, str, str]]:
    decoder = SSEDecoder()
    events: list[ServerSentEvent] = []
    for piece in pieces:
        events += decoder.feed(piece)
    return [tuple(event) for event in events + decoder.flush()]


CASES = {
    "one line": (b"data: a\n\n", [("", "a", "")]),
    "a name": (b"event: x\ndata: a\n\n", [("x", "a", "")]),
    "a name after the data": (b"data: a\nevent: x\n\n", [("x", "a", "")]),
    "a name holds for one event": (
        b"event: x\ndata: a\n\ndata: b\n\n",
        [("x", "a", ""), ("", "b", "")],
    ),
    "no space": (b"event:x\ndata:a\n\n", [("x", "a", "")]),
    "two spaces": (b"data:  a\n\n", [("", " a", "")]),
    "several lines": (b"data: a\ndata:\ndata: b\n\n", [("", "a\n\nb", "")]),
    "a field without a colon": (b"data\ndata: a\nevent\n\n", [("", "\na", "")]),
    "an id stays": (b"id: 1\ndata: a\n\ndata: b\n\n", [("", "a", "1"), ("", "b", "1")]),
    "an id after the data": (b"data: a\nid: 1\n\n", [("", "a", "1")]),
    "an id alone": (b"id: 1\n\ndata: a\n\n", [("", "a", "1")]),
    "an id with a NUL": (b"id: 1\0\ndata: a\n\n", [("", "a", "")]),
    "an id is emptied": (b"id: 1\n\nid\ndata: a\n\n", [("", "a", "")]),
    "comments": (b": c\n\n:c\ndata: a\n:\n\n", [("", "a", "")]),
    "unknown fields": (b"x: 1\nretry: 5\nData: b\ndata: a\n\n", [("", "a", "")]),
    "empty data": (b"data:\n\ndata: \n\ndata\n\n", []),
    "a name without data": (b"event: x\n\ndata: a\n\n", [("", "a", "")]),
    "CRLF": (b"data: a\r\ndata: b\r\n\r\n", [("", "a\nb", "")]),
    "CR": (b"data: a\rdata: b\r\r", [("", "a\nb", "")]),
    "mixed line ends": (b"data: a\r\ndata: b\n\rdata: c\r\r\n", [("", "a\nb", ""), ("", "c", "")]),
    "no last blank line": (b"data: a\n\ndata: b\n", [("", "a", ""), ("", "b", "")]),
    "no last line end": (b"data: a\n\ndata: b", [("", "a", ""), ("", "b", "")]),
    "a byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [("", "a", "")]),
    "a second byte order mark is text": (b"data: \xef\xbb\xbfa\n\n", [("", "\ufeffa", "")]),
    "half a byte order mark": (b"\xef\xbb", []),
    "blank lines": (b"\n\n\ndata: a\n\n\n\ndata: b\n\n\n", [("", "a", ""), ("", "b", "")]),
    "other line separators": (
        "data: a\u2028\x85\x0b\x0cb\n\n".encode(),
        [("", "a\u2028\x85\x0b\x0cb", "")],
    ),
    "not UTF-8": (b"data: \xff\xc3\n\n", [("", "\ufffd\ufffd", "")]),
    "characters of four bytes": ("data: 😀\n\n".encode(), [("", "😀", "")]),
}


@pytest.mark.parametrize(("body", "events"), CASES.values(), ids=CASES)
def test_events(body: bytes, events: list[tuple[str, str, str]]) -> None:
    assert read(body) == events


@pytest.mark.parametrize(("body", "events"), CASES.values(), ids=CASES)
def test_split_at_every_byte(body: bytes, events: list[tuple[str, str, str]]) -> None:
    assert read(*(body[i : i + 1] for i in range(len(body)))) == events
    for cut in range(len(body) + 1):
        assert read(body[:cut], b"", body[cut:]) == events


@given(
    lines=st.lists(
        st.sampled_from(["data: a", "data:b", "data", "event: x", "id: 7", ": c", "", "", "zz: 1"])
        | st.text(max_size=4).filter(lambda s: not set(s) & set("\r\n\ufeff"))
    ),
    ends=st.lists(st.sampled_from(["\n", "\r\n"]), min_size=1),
    cuts=st.lists(st.integers(0, 200)),
)
def test_line_ends_and_cuts_make_no_difference(
    lines: list[str], ends: list[str], cuts: list[int]
) -> None:
    plain = "".join(line + "\n" for line in lines).encode("utf-8", "replace")
    mixed = "".join(line + ends[n % len(ends)] for n, line in enumerate(lines))
    body = mixed.encode("utf-8", "replace")
    places = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    assert read(*(body[a:b] for a, b in itertools.pairwise(places))) == read(plain)


def test_an_event_is_given_as_soon_as_its_blank_line_came() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\r\n\r") == [("", "a", "")]
    assert decoder.feed(b"\ndata: b\r\r") == [("", "b", "")]


def test_a_large_event_in_small_pieces() -> None:
    body = b"data: " + b"x" * 3_000_000 + b"\n\n"
    [(_, data, _)] = read(*(body[i : i + 1000] for i in range(0, len(body), 1000)))
    assert len(data) == 3_000_000

"""Every stream of the tests."""

from __future__ import annotations

from tests.wire.streams import (
    calls,
    chat,
    failures,
    framing,
    hosted,
    recorded,
    responses,
    sparse,
)

CASES = [
    *chat.CASES,
    *framing.CASES,
    *calls.CASES,
    *failures.CASES,
    *responses.CASES,
    *hosted.CASES,
    *sparse.CASES,
    *recorded.CASES,
]

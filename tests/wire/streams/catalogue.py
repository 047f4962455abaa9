"""Every stream of the tests."""

from __future__ import annotations

from tests.wire.streams import calls, chat, failures, framing

CASES = [*chat.CASES, *framing.CASES, *calls.CASES, *failures.CASES]

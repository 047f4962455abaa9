"""Completion as a front end asks a real kernel for it."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.kernel


def complete(kernel: Any, cell: str) -> list[str]:
    """Return how the cell would read, completed at its end."""
    found = kernel.reply(kernel.client.complete(cell))
    start, end = found["cursor_start"], found["cursor_end"]
    return [cell[:start] + match + cell[end:] for match in found["matches"]]


def test_options_values_and_subcommands(kernel: Any) -> None:
    assert complete(kernel, "%%chat --mod") == ["%%chat --model"]
    assert complete(kernel, "x = 1\n%chat --effort=l") == ["x = 1\n%chat --effort=low"]
    assert complete(kernel, "%nbchat unh") == ["%nbchat unhide"]
    kernel.run("%nbchat switch poems")
    kernel.run('%nbchat say user "an example"')
    assert complete(kernel, "%nbchat switch po") == ["%nbchat switch poems"]
    assert complete(kernel, "%%respond -t po") == ["%%respond -t poems"]
    assert "%%chat\n--model" not in complete(kernel, "%%chat\n--mod")

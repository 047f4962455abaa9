"""A shell and its completer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from tests.support.shell import shell

__all__ = ["complete", "shell"]


@pytest.fixture
def complete(shell: InteractiveShell) -> Callable[[str], list[str]]:
    """Return a function from a cell, the cursor at its end, to how it would read, completed."""

    def completed(cell: str) -> list[str]:
        with provisionalcompleter():
            found: list[Any] = list(shell.Completer.completions(cell, len(cell)))
        return [cell[: one.start] + one.text + cell[one.end :] for one in found]

    return completed

"""The journals of a test: opened in one place, closed at its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbchat.journal import Journal
from tests.support.journals import Opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profile" / "nbchat.sqlite"


@pytest.fixture
def opened(path: Path) -> Iterator[Opened]:
    """Opens journals as kernels do, and closes them at the end."""
    journals = []

    def open_(
        where: str | Path | None = None, notebook: str = "n.ipynb", **given: float
    ) -> Journal:
        journals.append(Journal(where or path, notebook, **given))
        return journals[-1]

    yield open_
    for journal in journals:
        journal.close(5)

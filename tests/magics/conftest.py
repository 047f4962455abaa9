"""The shell of these tests: standard output is what a terminal shows."""

from __future__ import annotations

import pytest

from tests.support.cells import MAGICS
from tests.support.shell import shell

__all__ = ["magic", "shell"]


@pytest.fixture(params=MAGICS)
def magic(request: pytest.FixtureRequest) -> str:
    """Each magic: ``chat`` and ``respond``."""
    return str(request.param)

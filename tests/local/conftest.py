"""The real server, started once for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbchat.local import LocalServer, server


@pytest.fixture(scope="session")
def running(weights: Path) -> Iterator[LocalServer]:
    """A server that no test harms."""
    yield server.start(weights)
    server.stop()

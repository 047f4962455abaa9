"""The real weights and the real server, fetched and started once for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbchat.local import LocalServer, server
from nbchat.local import weights as store


@pytest.fixture(scope="session")
def weights() -> Path:
    """The embedded model's file, downloaded if this machine has not got it yet."""
    return store.fetch()


@pytest.fixture(scope="session")
def running(weights: Path) -> Iterator[LocalServer]:
    """A server that no test harms."""
    yield server.start(weights)
    server.stop()

"""A client and a scripted server for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbchat.client import Client
from tests.support.server import ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.close()

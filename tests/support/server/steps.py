"""What an answer consists of, and the request that it is for."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

_SSE = {"content-type": "text/event-stream"}


# --- Steps ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Head:
    """Status line and headers; ``framing`` says how the client learns where the body ends."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: dict(_SSE))
    framing: Literal["chunked", "length", "close"] = "chunked"


class Hold:
    """Keeps the answer waiting until `release`; `reached` is set when the server waits."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._released: concurrent.futures.Future[None] = concurrent.futures.Future()

    def release(self) -> None:
        if not self._released.done():
            self._released.set_result(None)

    async def pass_through(self) -> None:
        self.reached.set()
        await asyncio.wrap_future(self._released)


@dataclass(frozen=True)
class Act:
    """Something else that the server does; one of those below."""

    name: str


UNTIL_DISCONNECT = Act("until disconnect")
"""Send nothing more until the client has gone."""
CLOSE = Act("close")
"""Close the connection where the answer stands."""
RESET = Act("reset")
"""Reset the connection (RST)."""

Step = Head | bytes | Hold | Act


# --- What the server saw --------------------------------------------------------------------


@dataclass(eq=False)
class Exchange:
    """One request, and what became of its answer."""

    number: int
    connection: int
    """Counts connections: two exchanges with the same number shared one."""
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    disconnected: threading.Event = field(default_factory=threading.Event)
    """Set when the client went away before the answer was complete."""
    answered: threading.Event = field(default_factory=threading.Event)
    """Set when the server has sent all that it was told to."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

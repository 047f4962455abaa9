"""A language-model server on a real socket that says and does exactly what a test asks for.

::

    with ScriptedServer() as server:
        hold = Hold()
        server.script(*chat_stream("Hel", "lo")[:2], hold, UNTIL_DISCONNECT)
        ...                                  # a client posts to server.base_url
        exchange = server.exchange(0)        # waits for the request
        hold.reached.wait(10)                # everything before the hold was sent
        hold.release()
        assert exchange.disconnected.wait(10)

An answer is a list of steps: `Head`, ``bytes`` (sent and flushed as one piece), `Hold`,
`UNTIL_DISCONNECT`, `CLOSE`, `RESET`. Without a `Head` a chunked ``text/event-stream`` with status
200 begins at the first piece, so that a `Hold` in front withholds the headers too. A list that is
through ends the body properly. Requests for which nothing was scripted are answered by
`server.answer`, which echoes the last user message.

What must happen "soon" is tested by order: `server.log` has what happened, and the server can hold
its next step until the test has seen what it waits for.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus

from tests.support.server.answers import (
    DONE,
    chat_chunk,
    chat_json,
    chat_stream,
    echo,
    error_answer,
    json_answer,
    responses_json,
    responses_stream,
    sse,
)
from tests.support.server.steps import (
    CLOSE,
    RESET,
    UNTIL_DISCONNECT,
    Act,
    Exchange,
    Head,
    Hold,
    Step,
)

__all__ = [
    "CLOSE",
    "DONE",
    "PATIENCE",
    "RESET",
    "UNTIL_DISCONNECT",
    "Exchange",
    "Head",
    "Hold",
    "ScriptedServer",
    "Step",
    "chat_chunk",
    "chat_json",
    "chat_stream",
    "echo",
    "error_answer",
    "json_answer",
    "responses_json",
    "responses_stream",
    "sse",
]

PATIENCE = 20.0
"""Seconds after which a wait for something that should come at once gives up."""


class _Over(Exception):
    """The connection is of no more use."""


class ScriptedServer:
    """The server; runs in a thread of its own while its ``with`` block lasts."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Callable[[Exchange], Iterable[Step]] = echo
        self.exchanges: list[Exchange] = []
        self.log: list[tuple[str, int]] = []
        """``("request" | "answered" | "disconnected", number)`` in the order of events."""
        self.connections = 0
        self._tls = tls
        self._scripts: deque[Sequence[Step]] = deque()
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._address: concurrent.futures.Future[int] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, daemon=True, name="scripted-server")
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        self.port = self._address.result(PATIENCE)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)

    @property
    def origin(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def script(self, *steps: Step) -> None:
        """Answer the next request for which nothing was scripted yet with these steps."""
        self._scripts.append(steps)

    def exchange(self, number: int) -> Exchange:
        """Return the exchange with this number (from 0), waiting for its request."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.exchanges) > number, PATIENCE)
        assert arrived, f"request {number} did not come"
        return self.exchanges[number]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        starting = asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls, limit=2**24)
        listening = self._loop.run_until_complete(starting)
        self._address.set_result(listening.sockets[0].getsockname()[1])
        self._loop.run_forever()
        listening.close()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        connection = self.connections
        self.connections += 1
        try:
            # A client that goes away ends the connection's task, and so does the server's end;
            # that is no error here.
            over = (_Over, OSError, asyncio.IncompleteReadError, asyncio.CancelledError)
            with contextlib.suppress(*over):
                while True:
                    await self._exchange(connection, reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _exchange(
        self, connection: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        method, path, headers, body = await _read_request(reader)
        with self._changed:
            exchange = Exchange(len(self.exchanges), connection, method, path, headers, body)
            self.exchanges.append(exchange)
            self.log.append(("request", exchange.number))
            self._changed.notify_all()
        steps = self._scripts.popleft() if self._scripts else list(self.answer(exchange))
        sending = asyncio.ensure_future(_Answer(writer, steps).send())
        leaving = asyncio.ensure_future(_left(reader))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not _broke(sending):
                self._note("answered", exchange, exchange.answered)
                sending.result()
            else:
                self._note("disconnected", exchange, exchange.disconnected)
                raise _Over
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    def _note(self, what: str, exchange: Exchange, event: threading.Event) -> None:
        with self._changed:
            self.log.append((what, exchange.number))
            event.set()
            self._changed.notify_all()


async def _left(reader: asyncio.StreamReader) -> None:
    """Return when the client has closed the connection."""
    with contextlib.suppress(OSError):
        await reader.read(1)


def _broke(task: asyncio.Future[None]) -> bool:
    return isinstance(task.exception(), OSError)


async def _read_request(
    reader: asyncio.StreamReader,
) -> tuple[str, str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return method, path, headers, body


class _Answer:
    """Sends one answer, step by step."""

    def __init__(self, writer: asyncio.StreamWriter, steps: Sequence[Step]) -> None:
        self._writer = writer
        self._steps = steps
        self._head: Head | None = None

    async def send(self) -> None:
        for step in self._steps:
            if isinstance(step, Head):
                self._begin(step)
            elif isinstance(step, bytes):
                await self._piece(step)
            elif isinstance(step, Hold):
                await step.pass_through()
            elif step is UNTIL_DISCONNECT:
                await asyncio.Event().wait()
            else:
                self._break(step)
        if self._head is None:
            self._begin(Head())
        assert self._head is not None
        if self._head.framing == "chunked":
            self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()
        if self._head.framing == "close":
            raise _Over

    def _begin(self, head: Head) -> None:
        self._head = head
        phrase = HTTPStatus(head.status).phrase if head.status in set(HTTPStatus) else "Unknown"
        lines = [f"HTTP/1.1 {head.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in head.headers.items()]
        if head.framing == "chunked":
            lines.append("transfer-encoding: chunked")
        elif head.framing == "length":
            length = sum(len(step) for step in self._steps if isinstance(step, bytes))
            lines.append(f"content-length: {length}")
        else:
            lines.append("connection: close")
        self._writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def _piece(self, data: bytes) -> None:
        if self._head is None:
            self._begin(Head())
        assert self._head is not None
        if self._head.framing == "chunked":
            data = b"%x\r\n%s\r\n" % (len(data), data) if data else b""
        self._writer.write(data)
        await self._writer.drain()

    def _break(self, step: Act) -> None:
        if step is RESET:
            sock = self._writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        raise _Over

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

``python -m tests.support.server`` serves echoes until its standard input ends.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import itertools
import json
import socket
import ssl
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

PATIENCE = 20.0
"""Seconds after which a wait for something that should come at once gives up."""

_SSE = {"content-type": "text/event-stream"}
_JSON = {"content-type": "application/json"}


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
class _Act:
    name: str


UNTIL_DISCONNECT = _Act("until disconnect")
"""Send nothing more until the client has gone."""
CLOSE = _Act("close")
"""Close the connection where the answer stands."""
RESET = _Act("reset")
"""Reset the connection (RST)."""

Step = Head | bytes | Hold | _Act


class _Over(Exception):
    """The connection is of no more use."""


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

    def _break(self, step: _Act) -> None:
        if step is RESET:
            sock = self._writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        raise _Over


# --- Answers --------------------------------------------------------------------------------


def sse(data: Any, event: str = "") -> bytes:
    """Return one server-sent event; ``data`` is text, or a value to be written as JSON."""
    text = data if isinstance(data, str) else json.dumps(data)
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {text}\n\n".encode()


DONE = sse("[DONE]")


def chat_chunk(delta: Mapping[str, Any], **choice: Any) -> bytes:
    """Return one chunk of a streamed chat completion."""
    body = {"index": 0, "delta": dict(delta), "finish_reason": None, **choice}
    return sse(_chat_object("chat.completion.chunk", choices=[body]))


def chat_stream(
    *pieces: str, usage: tuple[int, int] | None = (3, 2), finish: str = "stop"
) -> list[bytes]:
    """Return the frames of a chat answer: role, pieces, finish, usage, ``[DONE]``.

    ``usage`` is (prompt tokens, completion tokens).
    """
    frames = [chat_chunk({"role": "assistant", "content": ""})]
    frames += [chat_chunk({"content": piece}) for piece in pieces]
    frames.append(chat_chunk({}, finish_reason=finish))
    if usage is not None:
        chunk = _chat_object("chat.completion.chunk", choices=[], usage=_chat_usage(usage))
        frames.append(sse(chunk))
    return [*frames, DONE]


def chat_json(text: str, *, usage: tuple[int, int] = (3, 2), finish: str = "stop") -> list[Step]:
    """Return the steps of a chat answer that is not streamed."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json_answer(_chat_object("chat.completion", [choice], usage=_chat_usage(usage)))


def responses_stream(
    *pieces: str, usage: tuple[int, int] = (3, 2), previous: str | None = None
) -> list[bytes]:
    """Return the frames of a Responses answer with one message, as OpenAI sends them.

    ``previous`` is echoed as ``previous_response_id``.
    """
    numbers = itertools.count()
    text = "".join(pieces)
    at = {"item_id": "msg_1", "output_index": 0}
    part_at = {**at, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    whole = {**part, "text": text}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    new_item = {**item, "status": "in_progress", "content": []}
    done_item = {**item, "content": [whole]}

    def frame(kind: str, **fields: Any) -> bytes:
        name = f"response.{kind}"
        return sse({"type": name, "sequence_number": next(numbers), **fields}, name)

    def response(*state: Any) -> dict[str, Any]:
        return {**_response(*state), "previous_response_id": previous}

    return [
        frame("created", response=response("in_progress", [])),
        frame("in_progress", response=response("in_progress", [])),
        frame("output_item.added", output_index=0, item=new_item),
        frame("content_part.added", **part_at, part=part),
        *(frame("output_text.delta", **part_at, delta=piece, logprobs=[]) for piece in pieces),
        frame("output_text.done", **part_at, text=text, logprobs=[]),
        frame("content_part.done", **part_at, part=whole),
        frame("output_item.done", output_index=0, item=done_item),
        frame("completed", response=response("completed", [done_item], usage)),
    ]


def responses_json(text: str, *, usage: tuple[int, int] = (3, 2)) -> list[Step]:
    """Return the steps of a Responses answer that is not streamed."""
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    return json_answer(_response("completed", [item], usage))


def json_answer(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> list[Step]:
    """Return the steps of an answer that is one JSON value."""
    return [Head(status, {**_JSON, **(headers or {})}, "length"), json.dumps(body).encode()]


def error_answer(
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    type: str = "invalid_request_error",
    headers: Mapping[str, str] | None = None,
) -> list[Step]:
    """Return the steps of an error in OpenAI's form."""
    error = {"message": message, "type": type, "param": param, "code": code}
    return json_answer({"error": error}, status, headers)


def echo(exchange: Exchange) -> list[Step]:
    """Answer with the last user message's words, on the endpoint and in the form asked for."""
    path = exchange.path.partition("?")[0]
    if exchange.method == "GET" and path.endswith("/models"):
        models = [{"id": "test-model", "object": "model", "created": 0, "owned_by": "tests"}]
        return json_answer({"object": "list", "data": models})
    chat = path.endswith("/chat/completions")
    if exchange.method != "POST" or not (chat or path.endswith("/responses")):
        return error_answer(404, f"Invalid URL ({exchange.method} {path})")
    body = exchange.json
    text = "echo: " + _last_text(body["messages"] if chat else body["input"])
    if not body.get("stream"):
        return chat_json(text) if chat else responses_json(text)
    pieces = [word + " " for word in text.split(" ")]
    pieces[-1] = pieces[-1][:-1]
    return [*(chat_stream(*pieces) if chat else responses_stream(*pieces))]


def _last_text(messages: Any) -> str:
    if isinstance(messages, str):
        return messages
    content = messages[-1].get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def _chat_object(kind: str, choices: list[Any], **fields: Any) -> dict[str, Any]:
    shared = {"id": "chatcmpl-1", "object": kind, "created": 1700000000, "model": "test-model"}
    return {**shared, "choices": choices, **fields}


def _chat_usage(usage: tuple[int, int]) -> dict[str, int]:
    return {
        "prompt_tokens": usage[0],
        "completion_tokens": usage[1],
        "total_tokens": sum(usage),
    }


def _response(
    status: str, output: list[Any], usage: tuple[int, int] | None = None
) -> dict[str, Any]:
    counted = usage and {
        "input_tokens": usage[0],
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage[1],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sum(usage),
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1700000000,
        "status": status,
        "model": "test-model",
        "output": output,
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": counted,
    }


def main() -> None:
    """Serve echoes, after a first line with the base URL, until standard input ends."""
    with ScriptedServer() as server:
        sys.stdout.write(server.base_url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()

"""The client: sends requests, retries, streams answers. The only room that imports httpx.

It is asynchronous and lives on one event-loop thread per process; callers see plain, blocking
calls that an interrupt ends at once. Import it when the first prompt is sent: httpx takes a while.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import json
import os
import re
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nbchat.client.loop import LoopThread
from nbchat.client.stream import Exchange, Request, Stream, complete, read_refusal
from nbchat.client.transport import BROKEN, Transport, clear_locals, translate
from nbchat.errors import APIError, ConfigurationError, UsageError
from nbchat.providers import Secret

__all__ = ["Client", "Request", "Stream", "complete"]

_TICK = 0.05
"""Seconds; on Windows an interrupt waits so long for a lock."""
_CLOSE = 1.0
"""Seconds that `Client.close` waits at most; it takes a millisecond."""


class Client:
    """The connections of one process.

    Nothing is started before the first request; after `close` the next request starts anew.
    ``sleep`` waits between attempts; tests put their own in place.
    """

    def __init__(self, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._sleep = sleep
        self._lock = threading.Lock()
        self._worker: _Worker | None = None

    def send(self, request: Request) -> Stream:
        """Start a request and return at once.

        Raises:
            UsageError: the body is no JSON.
            ConfigurationError: the key or a header has characters that HTTP forbids.
        """
        _check_headers(request.key, request.headers)
        content = _encode(request.body)
        worker = self._started()
        return Stream(
            worker.thread.loop,
            lambda channel: Exchange(
                request, content, worker.transport, channel, self._sleep
            ).run(),
        )

    def get_json(
        self,
        url: str,
        *,
        key: Secret | None = None,
        timeout: float = 10.0,
        provider: str = "",
    ) -> Any:
        """Return what a GET gives as JSON; one attempt. An interrupt ends the wait at once.

        Raises:
            APIError: no connection, an error status, or something else than JSON.
        """
        request = Request(url, {}, "chat", key, timeout=timeout, retries=0, provider=provider)
        _check_headers(request.key, request.headers)
        worker = self._started()
        future = asyncio.run_coroutine_threadsafe(
            _get_json(request, worker.transport), worker.thread.loop
        )
        try:
            while not future.done():
                concurrent.futures.wait((future,), _TICK)
            return future.result()
        finally:
            future.cancel()

    def close(self) -> None:
        """Cancel all that runs and close all connections. Any number of times."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def _started(self) -> _Worker:
        with self._lock:
            worker = self._worker
            if worker is not None and worker.thread.pid != os.getpid():
                # Made by the parent of a fork; its thread is not here, and its sockets are the
                # parent's: kept for ever, since closing them would disturb the parent.
                _of_parent.append(worker)
                worker = None
            if worker is None:
                worker = self._worker = _Worker()
            return worker


_of_parent: list[_Worker] = []


class _Worker:
    """The thread and the connections; closed by `close`, or when the interpreter exits."""

    def __init__(self) -> None:
        self.thread = LoopThread()
        self.transport = Transport()
        atexit.register(self.close)

    def close(self) -> None:
        atexit.unregister(self.close)
        if self.thread.pid != os.getpid():
            return
        closing = asyncio.run_coroutine_threadsafe(self._close(), self.thread.loop)
        concurrent.futures.wait((closing,), _CLOSE)
        self.thread.stop()

    async def _close(self) -> None:
        current = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not current]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.transport.close()


async def _get_json(request: Request, transport: Transport) -> Any:
    try:
        response = await transport.open(
            "GET", request.url, headers=request.headers, key=request.key, timeout=request.timeout
        )
        if not response.is_success:
            raise await read_refusal(response, request)
        try:
            text = await response.aread()
        except BROKEN as exc:
            raise translate(exc, request.url, request.timeout) from exc
        finally:
            await response.aclose()
        try:
            return json.loads(text)
        except ValueError as exc:
            raise APIError("the answer is no JSON", hint="Check --base-url.") from exc
    except APIError as error:
        complete(error, request)
        clear_locals(error)
        raise


def _check_headers(key: Secret | None, headers: Mapping[str, str]) -> None:
    # httpx and h11 would quote the whole header in their complaint.
    if key is not None and not re.fullmatch(r"[\x21-\x7e]+", key.reveal()):
        raise ConfigurationError(
            "the key has a space, a line break or a character that no key can have; set it again"
        )
    for name, value in headers.items():
        if not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", name):
            raise ConfigurationError(f"{name!r} is no name for an HTTP header")
        if not re.fullmatch(r"[\x20-\x7e]*", value) or value != value.strip():
            raise ConfigurationError(f"the value of the header {name} is not allowed in HTTP")


def _encode(body: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as exc:
        raise UsageError(f"the request can't be written as JSON: {exc}") from exc
    # Half of a surrogate pair, as a cut string may have, is no character of UTF-8.
    return text.encode("utf-8", "replace")

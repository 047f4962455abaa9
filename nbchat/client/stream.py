"""One prompt on the wire: the attempts, the answer, and the caller's handle on both."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio

from nbchat.client.channel import Channel
from nbchat.client.retry import wait_before_retry
from nbchat.client.transport import BROKEN, Transport, break_reason, clear_locals
from nbchat.errors import APIConnectionError, APIError, APIStatusError, StreamError
from nbchat.messages import Connected, Endpoint, Failed, Retrying, StreamEvent
from nbchat.providers import Secret
from nbchat.wire.body import AnswerDecoder
from nbchat.wire.failure import read_failure, request_id_of
from nbchat.wire.url import host_of

if TYPE_CHECKING:
    import httpx

GRACE = 5.0
"""Seconds for which more is awaited (usage, ``[DONE]``) once every choice has finished."""
DRAIN = 1.0
"""Seconds that the end of the body may take after the answer, so that the connection is kept."""
_ERROR_BYTES = 65536
_DEPTH = 50
"""Levels of an error's body that are kept; a hostile one may have thousands."""


@dataclass(frozen=True)
class Request:
    """What to send, and where.

    Attributes:
        url: the endpoint's whole URL.
        body: the JSON body.
        key: put on the request as a bearer token, at the last moment.
        headers: what the provider wants besides.
        timeout: seconds without a byte, above 0; ``None`` is 600.
        retries: how often the request is sent again before an answer began, at least 0.
        provider: named in errors, as ``model`` is.
        key_hint: what to do about a key that is refused, one sentence.
    """

    url: str
    body: Mapping[str, Any] = field(repr=False)
    endpoint: Endpoint
    key: Secret | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float | None = None
    retries: int = 2
    provider: str = ""
    model: str = ""
    key_hint: str = ""

    @property
    def host(self) -> str:
        """Host and port of the URL."""
        return host_of(self.url)


class Stream:
    """An answer on its way.

    ::

        with client.send(request) as stream:
            while not stream.ended:
                batch = stream.get(timeout=0.05)
                if batch is None:
                    continue  # nothing came; a chance to repaint
                for event in batch: ...

    One rule on failures: until the server has accepted the request (`Connected`), `get` raises;
    from then on they are events, at most one `Failed` for each, after all that had arrived.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        run: Callable[[Channel], Coroutine[Any, Any, None]],
    ) -> None:
        self._channel = channel = Channel(loop)
        self._future = asyncio.run_coroutine_threadsafe(run(channel), loop)
        self._future.add_done_callback(lambda future: _conclude(future, channel))
        # A stream that nobody holds any more has nobody to cancel it.
        weakref.finalize(self, _abandon, self._future, channel).atexit = False

    def get(self, timeout: float = 0.05) -> list[StreamEvent] | None:
        """Return the events of one network read; ``None`` if none came in ``timeout`` seconds.

        ``[]`` comes at the end alone: the answer is over or was cancelled, and `ended` is true. A
        `KeyboardInterrupt` gets through.

        Raises:
            APIError: the request failed before an answer began.
        """
        return self._channel.get(timeout)

    @property
    def ended(self) -> bool:
        """Whether `get` has given all that there is, or raised."""
        return self._channel.closed

    def cancel(self) -> None:
        """Give the answer up, at whatever stage, and close its connection.

        Returns at once; from any thread, any number of times. `get` then returns ``[]``. The
        connection of a complete answer is kept.
        """
        self._channel.close()
        _abandon(self._future, self._channel)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cancel()


def _conclude(future: Future[None], channel: Channel) -> None:
    if future.cancelled():
        channel.close()
        return
    error = future.exception()
    if error is not None:
        clear_locals(error)
    channel.end(error)


def _abandon(future: Future[None], channel: Channel) -> None:
    if not channel.complete:  # else what still runs makes the connection ready for the next use
        future.cancel()


class Exchange:
    """Runs one request on the loop's thread, posting its events to a channel."""

    def __init__(
        self,
        request: Request,
        content: bytes,
        transport: Transport,
        channel: Channel,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._request = request
        self._content = content
        self._transport = transport
        self._channel = channel
        self._sleep = sleep

    async def run(self) -> None:
        """Send, again if need be, and read the answer to its end."""
        try:
            response = await self._connect()
            try:
                await self._read(response)
            finally:
                await response.aclose()
        except APIError as error:
            complete(error, self._request)
            raise

    async def _connect(self) -> httpx.Response:
        request = self._request
        for attempt in itertools.count(1):
            headers: Mapping[str, str] = {}
            failure: APIError
            try:
                response = await self._transport.open(
                    "POST",
                    request.url,
                    headers=self._headers(),
                    content=self._content,
                    key=request.key,
                    timeout=request.timeout,
                )
            except APIConnectionError as error:
                failure = error
            else:
                if response.is_success:
                    return response
                headers = response.headers
                failure = await read_refusal(response, request)
            wait = wait_before_retry(failure, headers, attempt, request.retries)
            if wait is None:
                raise failure
            reason = failure.what if isinstance(failure, APIStatusError) else failure.detail
            self._channel.post([Retrying(wait, attempt, request.retries, reason)])
            await self._sleep(wait)
        raise AssertionError("unreachable")

    def _headers(self) -> dict[str, str]:
        streamed = bool(self._request.body.get("stream"))
        return {
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json" if streamed else "application/json",
            # Compression saves nothing on tokens, and some gateways hold them back to compress.
            "Accept-Encoding": "identity",
            **self._request.headers,
        }

    async def _read(self, response: httpx.Response) -> None:
        """Decode the answer; whatever breaks from here on is an event."""
        channel = self._channel
        channel.post([Connected(response.status_code, request_id_of(response.headers))])
        decoder = _decoder(self._request)
        pieces = response.aiter_bytes()
        broke: Exception | None = None
        try:
            with anyio.move_on_after(None) as patience:
                async for piece in pieces:
                    events = decoder.feed(piece)
                    self._post(events)
                    if decoder.done:
                        break
                    if decoder.finished and events:
                        # Some servers keep the connection open after the last event; others give
                        # a finish reason with every chunk, so what comes renews the patience.
                        patience.deadline = anyio.current_time() + GRACE
                    if channel.full:
                        await channel.room()
        except BROKEN as exc:
            broke = exc
        self._conclude(decoder, broke)
        channel.end()
        await _drain(pieces)

    def _conclude(self, decoder: AnswerDecoder, broke: Exception | None) -> None:
        """Post what the decoder still holds.

        It reports an answer that ends without a finish; a connection that broke adds why. A
        complete answer does not care how its connection ended.
        """
        events = decoder.finish()
        if broke is not None:
            clear_locals(broke)
            reason = break_reason(broke, self._request.timeout)
            events = [_explained(event, broke, reason) for event in events]
        self._post(events)

    def _post(self, events: list[StreamEvent]) -> None:
        for event in events:
            if type(event) is Failed:
                complete(event.error, self._request)
        if events:
            self._channel.post(events)


def _decoder(request: Request) -> AnswerDecoder:
    choices, limit = request.body.get("n"), request.body.get("max_output_tokens")
    return AnswerDecoder(
        request.endpoint,
        choices=choices if isinstance(choices, int) else 1,
        max_tokens=limit if isinstance(limit, int) else None,
    )


def _explained(event: StreamEvent, broke: Exception, reason: str) -> StreamEvent:
    if not (isinstance(event, Failed) and event.cut):
        return event
    error = StreamError(f"cut off: {reason}")
    error.__cause__ = broke
    return Failed(error, cut=True)


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    """Read on to the end of the body, which lets the connection be used again."""
    with contextlib.suppress(*BROKEN), anyio.move_on_after(DRAIN):
        async for _ in pieces:
            pass


async def read_refusal(response: httpx.Response, request: Request) -> APIStatusError:
    """Read the body of an error status, at most 64 kB, and return the error."""
    body = bytearray()
    try:
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) >= _ERROR_BYTES:
                break
    except BROKEN:
        pass  # what came has to do
    finally:
        await response.aclose()
    return read_failure(
        response.status_code,
        response.headers,
        bytes(body[:_ERROR_BYTES]),
        key_hint=request.key_hint,
    )


def complete(error: APIError, request: Request) -> None:
    """Fill in where an error happened, and take the key out of the server's words."""
    error.provider = error.provider or request.provider
    error.host = error.host or request.host
    error.model = error.model or request.model
    for name, value in vars(error).items():
        setattr(error, name, _redacted(value, request.key))
    error.args = (error.detail,)


def _redacted(value: Any, key: Secret | None, depth: int = 0) -> Any:
    if isinstance(value, str):
        return redact(value, key)
    if isinstance(value, list | dict) and depth == _DEPTH:
        return "…"
    if isinstance(value, list):
        return [_redacted(inner, key, depth + 1) for inner in value]
    if isinstance(value, dict):
        return {redact(str(k), key): _redacted(v, key, depth + 1) for k, v in value.items()}
    return value


def redact(text: str, key: Secret | None) -> str:
    """Return the text without the key, plain or as part of a URL.

    >>> redact("key sk-1/2 (sk-1%2F2)", Secret("sk-1/2"))
    'key •••• (••••)'
    """
    if key is None:
        return text
    # In no variable: a verbose traceback would print it.
    for form in (str, quote, lambda word: quote(word, safe="")):
        text = text.replace(form(key.reveal()), "••••")
    return text

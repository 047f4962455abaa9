"""What decoding costs: nbchat beside httpx with json.loads alone, and the openai package.

``python -m tests.bench.bench_decode [CHUNKS]`` prints a table and ends with 3 if a goal is missed.

A server in a process of its own sends an answer of 100,000 chunks over loopback, as fast as it is
read: as one run of bytes, and again with an HTTP chunk around each event, as most servers send.
One process reads it in each way, in turns; the best of three rounds counts. Times are CPU seconds
of the reading process, since whatever else the machine does would count in others.

The goal against the SDK holds for the run of bytes. An HTTP chunk costs some 9 µs in h11 and
httpcore, whoever reads it; where each event has one, that share hides what the readers differ in.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import openai

from nbchat.client import Client, Request
from nbchat.conversation.fold import Answer
from nbchat.messages import Endpoint, TextDelta
from nbchat.wire.url import endpoint_url
from tests.bench import MISSED
from tests.support.server import chat_stream, responses_stream

CHUNKS = 100_000
ROUNDS = 3
FLOOR_GOAL = 1.5
"""nbchat takes at most this many times what httpx and json.loads take alone."""
SDK_GOAL = 12.0
"""nbchat is at least this many times as fast as the SDK."""
WORD = "token "
KEY = "none"
RUN_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
CHUNKED_HEAD = RUN_HEAD[:-2] + b"transfer-encoding: chunked\r\n\r\n"
FRAMINGS = {"run": "one run of bytes", "chunked": "an HTTP chunk for each event"}


def serve(port: multiprocessing.Queue[int], chunks: int) -> None:
    """Answer each request with a stream of so many chunks."""
    streams = {
        b"chat/completions": chat_stream(*[WORD] * chunks),
        b"responses": responses_stream(*[WORD] * chunks),
    }
    answers = {}
    for name, frames in streams.items():
        answers[b"/run/" + name] = RUN_HEAD + b"".join(frames)
        answers[b"/chunked/" + name] = CHUNKED_HEAD + b"".join(map(_chunk, [*frames, b""]))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port.put(listening.getsockname()[1])
        while True:
            connection, _ = listening.accept()
            with connection, connection.makefile("rb") as reading:
                path = reading.readline().split()[1]
                lines = iter(reading.readline, b"\r\n")
                headers = dict(line.lower().split(b": ", 1) for line in lines)
                reading.read(int(headers[b"content-length"]))
                connection.sendall(answers[path])


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


# --- The ways to read -----------------------------------------------------------------------


def floor(base_url: str, endpoint: Endpoint) -> int:
    """Split the bytes at blank lines and parse what follows ``data: ``; nothing else."""
    length, rest = 0, b""
    with httpx.stream("POST", endpoint_url(base_url, endpoint), json={}) as response:
        for piece in response.iter_bytes():
            *frames, rest = (rest + piece).split(b"\n\n")
            for frame in frames:
                data = frame[frame.index(b"data: ") + 6 :]
                if data != b"[DONE]":
                    length += len(_text(json.loads(data)))
    return length


def _text(frame: dict[str, Any]) -> str:
    if "choices" in frame:
        choices = frame["choices"]
        return (choices[0]["delta"].get("content") or "") if choices else ""
    return frame["delta"] if frame["type"] == "response.output_text.delta" else ""


def client(base_url: str, endpoint: Endpoint) -> int:
    """Read through nbchat's client, to the events."""
    length = 0
    for batch in _batches(base_url, endpoint):
        for event in batch:
            if type(event) is TextDelta:
                length += len(event.text)
    return length


def folded(base_url: str, endpoint: Endpoint) -> int:
    """Read through nbchat's client and fold, to the turn."""
    answer = Answer()
    for batch in _batches(base_url, endpoint):
        for event in batch:
            answer.apply(event)
    return len(answer.choices[0].text)


def _batches(base_url: str, endpoint: Endpoint) -> Iterator[list[Any]]:
    body = {"model": "m", "stream": True}
    with CLIENT.send(Request(endpoint_url(base_url, endpoint), body, endpoint)) as stream:
        while not stream.ended:
            yield stream.get(10) or []


def sdk(base_url: str, endpoint: Endpoint) -> int:
    """Read through the openai package, to its chunks or events."""
    length = 0
    with openai.OpenAI(base_url=base_url, api_key=KEY, max_retries=0) as api:
        if endpoint == "chat":
            for chunk in api.chat.completions.create(model="m", messages=[], stream=True):
                if chunk.choices:
                    length += len(chunk.choices[0].delta.content or "")
        else:
            for event in api.responses.create(model="m", input="x", stream=True):
                if event.type == "response.output_text.delta":
                    length += len(event.delta)
    return length


CLIENT = Client()


# --- The table ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    name: str
    seconds: float


def measure(base_url: str, endpoint: Endpoint, chunks: int) -> list[Result]:
    """Return the best of the rounds for each way, in the order of the table."""
    ways: list[tuple[str, Callable[[str, Endpoint], int], int]] = [
        ("httpx + json.loads", floor, ROUNDS),
        ("nbchat, events", client, ROUNDS),
        ("nbchat, folded", folded, ROUNDS),
        ("openai", sdk, 1),
    ]
    best: dict[str, float] = {}
    for number in range(ROUNDS):
        for name, way, rounds in ways:
            if number >= rounds:
                continue
            gc.collect()
            start = time.process_time()
            length = way(base_url, endpoint)
            taken = time.process_time() - start
            assert length == chunks * len(WORD), f"{name} read {length} characters"
            best[name] = min(taken, best.get(name, taken))
    return [Result(name, best[name]) for name, _, _ in ways]


def show(endpoint: Endpoint, framing: str, results: list[Result], chunks: int) -> bool:
    """Print the table of one endpoint and framing; return whether its goals are met."""
    lowest = results[0].seconds
    events = results[1].seconds
    slowest = results[3].seconds
    print(f"\n{endpoint}, {chunks:,} chunks, {FRAMINGS[framing]}")
    for result in results:
        per_chunk = result.seconds / chunks * 1e6
        print(
            f"  {result.name:<20} {result.seconds:7.2f} s {per_chunk:7.1f} µs a chunk"
            f" {result.seconds / lowest:7.2f} × the floor"
        )
    goals = [(f"at most {FLOOR_GOAL} × the floor", events <= FLOOR_GOAL * lowest)]
    if framing == "run":
        goals.append((f"at least {SDK_GOAL:g} × the SDK's speed", slowest >= SDK_GOAL * events))
    print(f"  nbchat has {slowest / events:.1f} × the SDK's speed")
    for goal, met in goals:
        print(f"  {'met   ' if met else 'MISSED'} {goal}")
    return all(met for _, met in goals)


def main() -> int:
    chunks = int(sys.argv[1]) if len(sys.argv) > 1 else CHUNKS
    os.environ["NO_PROXY"] = "127.0.0.1"
    context = multiprocessing.get_context("spawn")
    port: multiprocessing.Queue[int] = context.Queue()
    server = context.Process(target=serve, args=(port, chunks), daemon=True)
    server.start()
    origin = f"http://127.0.0.1:{port.get()}"
    endpoints: tuple[Endpoint, ...] = ("chat", "responses")
    met = [
        show(name, framing, measure(f"{origin}/{framing}", name, chunks), chunks)
        for framing in FRAMINGS
        for name in endpoints
    ]
    CLIENT.close()
    server.terminate()
    return 0 if all(met) else MISSED


if __name__ == "__main__":
    sys.exit(main())

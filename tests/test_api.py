"""The Python interface, against a scripted server and, for its examples, the embedded model."""

from __future__ import annotations

import asyncio
import doctest
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbchat
from nbchat import api, session
from nbchat.messages import Settled, TextDelta
from tests.support.server import UNTIL_DISCONNECT, Hold, ScriptedServer, chat_stream, error_answer


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr("nbchat.session._shared", [])
    monkeypatch.chdir(tmp_path)
    yield
    session.shared().close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        monkeypatch.setenv("NBCHAT_BASE_URL", server.base_url)
        monkeypatch.setenv("NBCHAT_MODEL", "m")
        yield server


def test_prompts_continue_a_thread(server: ScriptedServer) -> None:
    assert nbchat.chat("one", temperature=0).text == "echo: one"
    assert nbchat.respond("two").text == "echo: two"
    assert nbchat.chat("elsewhere", thread="other").thread == "other"
    assert len(server.exchange(1).json["input"]) == 3
    assert len(server.exchange(2).json["messages"]) == 1


def test_events_as_they_come(server: ScriptedServer) -> None:
    hold = Hold()
    frames = chat_stream("Hel", "lo.")
    server.script(*frames[:2], hold, *frames[2:])
    texts = []
    for event in nbchat.chat("hello", stream=True):
        if isinstance(event, TextDelta):
            texts.append(event.text)
            hold.release()  # the rest is sent only when the first part was seen
    assert texts == ["Hel", "lo."]
    assert isinstance(event, Settled)
    assert event.reply.text == "Hello."


def test_leaving_the_events_stops_the_answer(server: ScriptedServer) -> None:
    hold = Hold()
    server.script(*chat_stream("Hel", "lo.")[:2], hold, UNTIL_DISCONNECT)
    for event in nbchat.chat("hello", stream=True):
        if isinstance(event, TextDelta):
            break
    hold.release()
    assert server.exchange(0).disconnected.wait(20)
    assert nbchat.chat("again").text == "echo: again"
    assert [m["content"] for m in server.exchange(1).json["messages"]] == ["hello", "Hel", "again"]


def test_mistakes_are_found_before_anything_is_sent(server: ScriptedServer) -> None:
    with pytest.raises(nbchat.UsageError, match="temperature"):
        nbchat.chat("hello", temperature=3)
    with pytest.raises(nbchat.UsageError, match="seed"):
        nbchat.respond("hello", seed=1)
    with pytest.raises(nbchat.UsageError, match="modle"):
        nbchat.chat("hello", modle="x")
    for name in ("dry_run", "curl", "bg", "out", "code"):
        with pytest.raises(nbchat.UsageError, match=f"{name} is for cells"):
            nbchat.chat("hello", **{name: "x"})
    assert server.exchanges == []


def test_failures_are_typed(server: ScriptedServer) -> None:
    server.script(*error_answer(404, "no such model"))
    with pytest.raises(nbchat.NotFoundError, match="no such model"):
        nbchat.chat("hello")


def test_asynchronous_prompts_run_side_by_side(server: ScriptedServer) -> None:
    first, second = Hold(), Hold()
    server.script(first, *chat_stream("a"))
    server.script(second, *chat_stream("b"))

    async def both() -> list[str]:
        tasks = [asyncio.ensure_future(nbchat.achat(q, once=True)) for q in ("one", "two")]
        # Each waits for the other's request to have arrived.
        await asyncio.to_thread(first.reached.wait, 20)
        await asyncio.to_thread(second.reached.wait, 20)
        first.release()
        second.release()
        return sorted(reply.text for reply in await asyncio.gather(*tasks))

    assert asyncio.run(both()) == ["a", "b"]


def test_cancelling_a_task_stops_the_answer(server: ScriptedServer) -> None:
    hold = Hold()
    server.script(*chat_stream("Hel", "lo.")[:2], hold, UNTIL_DISCONNECT)

    async def cancel() -> None:
        async for event in nbchat.achat("hello", stream=True):
            if isinstance(event, TextDelta):
                break

    asyncio.run(cancel())
    hold.release()
    assert server.exchange(0).disconnected.wait(20)


def test_asynchronous_failures_are_raised_where_they_are_awaited(server: ScriptedServer) -> None:
    server.script(*error_answer(404, "no such model"))
    with pytest.raises(nbchat.NotFoundError):
        asyncio.run(_ask())


async def _ask() -> nbchat.Reply:
    return await nbchat.arespond("hello")


@pytest.mark.model
def test_the_examples_of_the_docstrings(weights: Path) -> None:
    results = doctest.testmod(api, extraglobs={"nbchat": nbchat})
    assert results.attempted >= 8
    assert results.failed == 0

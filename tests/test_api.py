"""The Python interface, against a scripted server and, for its examples, the embedded model."""

from __future__ import annotations

import asyncio
import doctest
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image

import nbchat
from nbchat import api, session
from nbchat.messages import Failed, Settled, TextDelta, ToolFinished
from tests.support.calls import calls
from tests.support.cells import MAGICS, bodies, outputs, parts, run, said, script, streamed
from tests.support.server import UNTIL_DISCONNECT, Hold, ScriptedServer, error_answer, sse
from tests.support.shell import shell

__all__ = ["shell"]


@dataclass(frozen=True)
class Way:
    """One of the two endpoints: the name of its magic, and its functions."""

    magic: str
    ask: Callable[..., Any]
    aask: Callable[..., Any]


@pytest.fixture(params=MAGICS)
def way(request: pytest.FixtureRequest) -> Way:
    """Each endpoint."""
    name = request.param
    return Way(name, getattr(nbchat, name), getattr(nbchat, f"a{name}"))


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


def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


def beginning(magic: str) -> list[bytes]:
    """Return an answer up to its first words."""
    frames = streamed(magic, "Hel", "lo.")
    rest = itertools.dropwhile(lambda frame: b"Hel" not in frame, frames)
    return frames[: len(frames) - len(list(rest)) + 1]


def test_both_endpoints_share_a_thread(server: ScriptedServer) -> None:
    assert nbchat.chat("one", temperature=0).text == "echo: one"
    assert nbchat.respond("two").text == "echo: two"
    assert nbchat.chat("elsewhere", thread="other").thread == "other"
    assert len(server.exchange(1).json["input"]) == 3
    assert len(server.exchange(2).json["messages"]) == 1


def test_prompts_continue_a_thread(way: Way, server: ScriptedServer) -> None:
    assert way.ask("one", system="Be brief.").text == "echo: one"
    assert asyncio.run(_ask(way, "two")).text == "echo: two"
    way.ask("alone", once=True)
    texts = [[parts({"input": [item]})[0][1] for item in said(body)] for body in bodies(server)]
    system = ["Be brief."] if way.magic == "chat" else []  # elsewhere it is no message
    assert texts == [[*system, "one"], [*system, "one", "echo: one", "two"], ["alone"]]


def test_a_prompt_is_sent_as_it_stands(way: Way, server: ScriptedServer) -> None:
    text = "{{ nothing }} {a} \\{{ $b\n"
    way.ask(text)
    assert parts(bodies(server)[0]) == [("text", text)]


PICTURE = Image.new("RGB", (4, 4), "red")


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("--temperature 0.5 --max-tokens 9", {"temperature": 0.5, "max_tokens": 9}),
        ("-m other -s 'Be brief.'", {"model": "other", "system": "Be brief."}),
        ("--effort low --verbosity high", {"effort": "low", "verbosity": "high"}),
        ("--metadata a=b --metadata c=d", {"metadata": {"a": "b", "c": "d"}}),
        ("--set x.y=[1] --user me", {"set": {"x.y": [1]}, "user": "me"}),
        ("--logprobs 2 --no-store", {"logprobs": 2, "store": False}),
        ("--tool add --tool-choice add", {"tool": add, "tool_choice": "add"}),
        ("--tool add --no-parallel-tools", {"tool": [add], "parallel_tools": False}),
        ("--schema {{ list[int] }}", {"schema": list[int]}),
        ("--web", {"web": True}),
        ("--web=high", {"web": "high"}),
        (
            "--image picture --image https://a.example/b",
            {"image": [PICTURE, "https://a.example/b"]},
        ),
    ],
)
def test_the_options_are_the_magics(
    line: str, options: dict[str, Any], way: Way, shell: InteractiveShell, server: ScriptedServer
) -> None:
    shell.user_ns |= {"add": add, "picture": PICTURE}
    server.answer = lambda exchange: streamed(way.magic, "[1]")
    base = f"--base-url {server.base_url}"
    model = "" if "-m " in line else "-m m"
    run(shell, f"%{way.magic} --once {base} {model} {line} hello")
    way.ask("hello", **{"once": True, "base_url": server.base_url, "model": "m"} | options)
    first, second = bodies(server)
    assert first == second


def test_an_option_that_asks_for_nothing_is_none(way: Way, server: ScriptedServer) -> None:
    assert way.ask("hello", out=None, bg=False, seed=None).text == "echo: hello"


def test_tools_and_structure(way: Way, server: ScriptedServer) -> None:
    script(server, way.magic, calls(way.magic, ("add", {"a": 1})), streamed(way.magic, "[2]"))
    events = list(way.ask("add", tool=add, schema=list[int], stream=True))
    assert [event.result for event in events if isinstance(event, ToolFinished)] == ["2"]
    assert events[-1].reply.parsed == [2]
    assert outputs(bodies(server)[1]) == [("call_0", "2")]


def test_asynchronous_tools_and_structure(way: Way, server: ScriptedServer) -> None:
    async def later(a: int) -> int:
        """Take one's time."""
        await asyncio.sleep(0)
        return a

    script(server, way.magic, calls(way.magic, ("later", {"a": 2})), streamed(way.magic, "[2]"))
    assert asyncio.run(_ask(way, "go", tool=later, schema=list[int])).parsed == [2]


def test_images_files_and_sound(way: Way, server: ScriptedServer) -> None:
    Path("notes.txt").write_text("Some.", "utf-8")
    way.ask("What?", image=PICTURE, file=["notes.txt", b"%PDF-1.7"])
    found = parts(bodies(server)[0])
    assert [kind for kind, _ in found] == ["text", "file", "image"]
    sound = b"ID3" + bytes(20)
    if way.magic == "chat":
        way.ask("What?", audio=sound, once=True)
        assert parts(bodies(server)[1])[-1] == ("audio", "mp3")
    else:
        with pytest.raises(nbchat.UsageError, match="use %%chat"):
            way.ask("What?", audio=sound)


def test_events_as_they_come(way: Way, server: ScriptedServer) -> None:
    hold = Hold()
    frames, begun = streamed(way.magic, "Hel", "lo."), len(beginning(way.magic))
    server.script(*frames[:begun], hold, *frames[begun:])
    texts = []
    for event in way.ask("hello", stream=True):
        if isinstance(event, TextDelta):
            texts.append(event.text)
            hold.release()  # the rest is sent only when the first part was seen
    assert texts == ["Hel", "lo."]
    assert isinstance(event, Settled)
    assert event.reply.text == "Hello."


def test_leaving_the_events_stops_the_answer(way: Way, server: ScriptedServer) -> None:
    hold = Hold()
    server.script(*beginning(way.magic), hold, UNTIL_DISCONNECT)
    for event in way.ask("hello", stream=True):
        if isinstance(event, TextDelta):
            break
    hold.release()
    assert server.exchange(0).disconnected.wait(20)
    assert way.ask("again").text == "echo: again"
    texts = [parts({"input": [item]})[0][1] for item in said(bodies(server)[1])]
    assert texts == ["hello", "Hel", "again"]


def test_mistakes_are_found_before_anything_is_sent(way: Way, server: ScriptedServer) -> None:
    with pytest.raises(nbchat.UsageError, match="temperature"):
        way.ask("hello", temperature=3)
    with pytest.raises(nbchat.UsageError, match="modle"):
        way.ask("hello", modle="x")
    for name in ("dry_run", "curl", "bg", "out", "code", "literal"):
        with pytest.raises(nbchat.UsageError, match=f"{name} is for cells"):
            way.ask("hello", **{name: "x"})
    name, value = ("previous", "resp_1") if way.magic == "chat" else ("seed", 1)
    with pytest.raises(nbchat.UsageError, match=f"{name}.*use %%"):
        way.ask("hello", **{name: value})
    with pytest.raises(nbchat.UsageError, match="no image"):
        way.aask("hello", image={})
    with pytest.raises(nbchat.ToolError, match="no tool"):
        way.ask("hello", tool=5)
    with pytest.raises(nbchat.UsageError, match="the prompt is empty"):
        way.ask(" ")
    assert server.exchanges == []


def test_failures_are_typed(way: Way, server: ScriptedServer) -> None:
    server.script(*error_answer(404, "no such model"))
    with pytest.raises(nbchat.NotFoundError, match="no such model"):
        way.ask("hello")


def test_a_failure_that_is_mended_is_no_event(way: Way, server: ScriptedServer) -> None:
    words = "Unsupported parameter: 'temperature' is not supported with this model."
    server.script(sse({"error": {"code": 400, "message": words}}))
    events = list(way.ask("hello", temperature=0.5, stream=True))
    assert not [event for event in events if isinstance(event, Failed)]
    assert events[-1].reply.text == "echo: hello"


def test_a_failure_within_the_answer_is_raised_behind_what_had_come(
    way: Way, server: ScriptedServer
) -> None:
    error = sse({"error": {"message": "out of memory"}}, "error")
    server.script(*beginning(way.magic), error)
    events = way.ask("hello", stream=True)
    seen: list[Any] = []
    with pytest.raises(nbchat.StreamError, match="out of memory"):
        seen.extend(events)
    assert [event.text for event in seen if isinstance(event, TextDelta)] == ["Hel"]
    assert isinstance(seen[-1], Settled)
    assert not [event for event in seen if isinstance(event, Failed)]


def test_asynchronous_prompts_run_side_by_side(way: Way, server: ScriptedServer) -> None:
    first, second = Hold(), Hold()
    server.script(first, *streamed(way.magic, "a"))
    server.script(second, *streamed(way.magic, "b"))

    async def both() -> list[str]:
        tasks = [asyncio.ensure_future(way.aask(q, once=True)) for q in ("one", "two")]
        # Each waits for the other's request to have arrived.
        await asyncio.to_thread(first.reached.wait, 20)
        await asyncio.to_thread(second.reached.wait, 20)
        first.release()
        second.release()
        return sorted(reply.text for reply in await asyncio.gather(*tasks))

    assert asyncio.run(both()) == ["a", "b"]


@pytest.mark.parametrize("how", ["leave the events", "cancel the task"])
def test_cancelling_stops_the_answer(how: str, way: Way, server: ScriptedServer) -> None:
    hold = Hold()
    server.script(*beginning(way.magic), hold, UNTIL_DISCONNECT)

    async def leave() -> None:
        async for event in way.aask("hello", stream=True):
            if isinstance(event, TextDelta):
                break

    async def cancel() -> None:
        task = asyncio.ensure_future(way.aask("hello"))
        await asyncio.to_thread(hold.reached.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave() if how.startswith("leave") else cancel())
    hold.release()
    assert server.exchange(0).disconnected.wait(20)


def test_asynchronous_failures_are_raised_where_they_are_awaited(
    way: Way, server: ScriptedServer
) -> None:
    server.script(*error_answer(404, "no such model"))
    with pytest.raises(nbchat.NotFoundError):
        asyncio.run(_ask(way, "hello"))


async def _ask(way: Way, prompt: str, **options: Any) -> nbchat.Reply:
    reply: nbchat.Reply = await way.aask(prompt, **options)
    return reply


@pytest.mark.model
def test_the_examples_of_the_docstrings(weights: Path) -> None:
    results = doctest.testmod(api, extraglobs={"nbchat": nbchat})
    assert results.attempted >= 8
    assert results.failed == 0

"""The calls of one answer."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbchat.errors import ToolError
from nbchat.interrupt import StopSignal
from nbchat.messages import (
    Idle,
    Message,
    StreamEvent,
    Text,
    ToolAsked,
    ToolCall,
    ToolFinished,
    ToolStarted,
)
from nbchat.tools import Round, Tool, ask, collect
from nbchat.tools import background as loops

INTERRUPTED = "interrupted by the user"


def add(a: int, b: int = 1) -> int:
    return a + b


def call(name: str, arguments: str = "{}", id: str = "") -> ToolCall:
    return ToolCall(id or f"id-{name}", name, arguments)


def told(events: Iterator[StreamEvent]) -> list[str]:
    """Return what happened, in the order in which it did."""
    words = []
    for event in events:
        if isinstance(event, ToolStarted):
            words.append(f"{event.name} started")
        elif isinstance(event, ToolFinished):
            words.append(f"{event.name} {'failed' if event.failed else 'finished'}")
        elif isinstance(event, ToolAsked):
            words.append(f"{event.name} asked")
        else:
            assert isinstance(event, Idle)
    return words


def texts(calls: Round) -> list[str]:
    return [message.text for message in calls.messages]


def test_calls_are_run_in_order_and_answered() -> None:
    calls = Round(
        [
            call("add", '{"a": 1}', "c1"),
            call("add", '{"a": "x"}', "c2"),
            call("rm", "{}", "c3"),
            call("add", "", "c4"),
            call("boom", "", "c5"),
        ],
        collect([add, [Tool.of(lambda: 1 / 0, "boom")]]),
    )
    events = list(calls.events())
    assert [event.key for event in events if isinstance(event, ToolFinished)] == [
        "c1",
        "c2",
        "c3",
        "c4",
        "c5",
    ]
    first = events[1]
    assert isinstance(first, ToolFinished)
    assert (first.name, first.arguments, first.result) == ("add", '{"a": 1}', "2")
    assert 0 <= first.seconds < 60
    assert calls.messages[0] == Message("tool", (Text("2"),), tool_call_id="c1")
    assert [message.tool_call_id for message in calls.messages] == ["c1", "c2", "c3", "c4", "c5"]
    said = texts(calls)
    assert "a: Input should be a valid integer" in said[1]
    assert said[2] == "there is no tool rm; there are: add, boom"
    assert "a: Missing required" in said[3]
    assert said[4] == "ZeroDivisionError: division by zero"


def test_only_the_tools_given_are_called() -> None:
    calls = Round([call("eval", '{"source": "1"}'), call("__import__"), call("add.x")], {})
    assert told(calls.events()).count("eval failed") == 1
    assert all("there is no tool" in text for text in texts(calls))


def test_calls_without_an_id_have_a_key() -> None:
    calls = Round(
        [ToolCall("", "add", '{"a": 1}'), ToolCall("", "add", '{"a": 2}')], collect([add])
    )
    keys = [event.key for event in calls.events() if isinstance(event, ToolStarted)]
    assert keys == ["#0", "#1"]
    assert texts(calls) == ["2", "3"]


def test_what_the_view_gets_is_short() -> None:
    calls = Round([call("much")], {"much": Tool.of(lambda: "x" * 9999, "much")})
    *_, finished = calls.events()
    assert isinstance(finished, ToolFinished)
    assert len(finished.result) == 2001
    assert len(texts(calls)[0]) == 9999


def test_plain_functions_run_on_this_thread_one_after_the_other() -> None:
    threads: list[threading.Thread] = []

    def where() -> None:
        threads.append(threading.current_thread())

    calls = Round([call("where"), call("where")], collect([where]))
    assert told(calls.events()) == ["where started", "where finished"] * 2
    assert threads == [threading.current_thread()] * 2


@pytest.mark.parametrize("kind", ["threads", "coroutines"])
def test_calls_run_beside_each_other(kind: str) -> None:
    # Each waits for the other: one after the other they would never end.
    if kind == "threads":
        barrier = threading.Barrier(2, timeout=30)

        def meet(name: str) -> str:
            barrier.wait()
            return name

        tools = collect([meet])
    else:
        arrived: list[str] = []

        async def meet_async(name: str) -> str:
            arrived.append(name)
            while len(arrived) < 2:
                await asyncio.sleep(0)
            return name

        tools = {"meet": Tool.of(meet_async)}
    calls = Round(
        [call("meet", '{"name": "a"}', "1"), call("meet", '{"name": "b"}', "2")],
        tools,
        parallel=kind == "threads",
    )
    words = told(calls.events())
    assert words[:2] == ["meet started"] * 2
    assert words[2:] == ["meet finished"] * 2
    assert texts(calls) == ["a", "b"]


def test_the_view_may_repaint_while_tools_run() -> None:
    go = threading.Event()

    async def slow() -> str:
        while not go.is_set():
            await asyncio.sleep(0.001)
        return "done"

    calls = Round([call("slow")], collect([slow]))
    for event in calls.events():
        if isinstance(event, Idle):
            go.set()
    assert texts(calls) == ["done"]


def test_an_asynchronous_tool_that_raises_what_would_end_its_loop() -> None:
    async def bad() -> None:
        raise KeyboardInterrupt

    async def cancelled() -> None:
        raise asyncio.CancelledError

    async def good() -> int:
        return 1

    calls = Round([call("bad"), call("cancelled"), call("good")], collect([bad, cancelled, good]))
    list(calls.events())
    assert texts(calls) == [
        "RuntimeError: the tool raised KeyboardInterrupt",
        "the tool was cancelled",
        "1",
    ]


def test_a_thread_that_raises_what_would_end_it() -> None:
    def bad() -> None:
        raise KeyboardInterrupt

    calls = Round([call("bad"), call("add", '{"a": 1}')], collect([bad, add]), parallel=True)
    list(calls.events())
    assert texts(calls) == ["KeyboardInterrupt: ", "2"]


# --- Approval -------------------------------------------------------------------------------


def test_each_call_is_approved_first() -> None:
    asked: list[tuple[str, int]] = []
    ran: list[int] = []

    def note(n: int) -> None:
        ran.append(n)

    def approve(one: ToolCall) -> bool:
        asked.append((one.arguments, len(ran)))
        return '"n": 2' not in one.arguments

    calls = Round(
        [call("note", f'{{"n": {n}}}') for n in (1, 2, 3)] + [call("unknown")],
        collect([note]),
        approve=approve,
    )
    assert told(calls.events()) == [
        *("note asked", "note started", "note finished"),
        *("note asked", "note started", "note failed"),
        *("note asked", "note started", "note finished"),
        *("unknown started", "unknown failed"),
    ]
    assert ran == [1, 3]
    assert asked == [('{"n": 1}', 0), ('{"n": 2}', 1), ('{"n": 3}', 1)]
    assert texts(calls)[1] == "the user declined this call"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("y", True), (" Yes ", True), ("", False), ("no", False), ("ys", False)],
)
def test_asking(monkeypatch: pytest.MonkeyPatch, answer: str, expected: bool) -> None:
    asked: list[str] = []

    def reads(prompt: str) -> str:
        asked.append(prompt)
        return answer

    monkeypatch.setattr("builtins.input", reads)
    assert ask(call("add", '{\n "a": "ö\\u001b[2J\u202e"}')) is expected
    assert asked == ['Run add({"a": "ö\\u001b[2J\\u202e"})? [y/N] ']
    assert ask(call("add", "\x1b[2J not JSON " + "x" * 5000)) is expected
    assert len(asked[1]) < 1100
    assert "\x1b" not in asked[1]


@pytest.mark.parametrize("error", [EOFError, NotImplementedError])
def test_where_nobody_can_be_asked(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def reads(prompt: str) -> str:
        raise error

    monkeypatch.setattr("builtins.input", reads)
    calls = Round([call("add", '{"a": 1}')], collect([add]), approve=ask)
    with pytest.raises(ToolError, match="nobody can be asked about add here"):
        list(calls.events())
    assert texts(calls) == [INTERRUPTED]


# --- Interrupts -----------------------------------------------------------------------------


def stopped_by(events: Iterator[StreamEvent]) -> list[str]:
    words: list[str] = []

    def noted() -> Iterator[StreamEvent]:
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - what came before counts too
            for event in events:
                words.append("")
                yield event

    return told(noted())


def test_an_interrupt_within_a_call_leaves_an_output_for_each() -> None:
    def hang() -> None:
        signal.raise_signal(signal.SIGINT)  # what ■ sends to the kernel
        raise AssertionError("it went on")

    calls = Round([call("add", '{"a": 1}'), call("hang"), call("add")], collect([add, hang]))
    assert stopped_by(calls.events()) == [
        "add started",
        "add finished",
        "hang started",
        "hang failed",
    ]
    assert texts(calls) == ["2", INTERRUPTED, INTERRUPTED]


def test_a_stop_between_calls() -> None:
    stopped = StopSignal()
    calls = Round([call("add", '{"a": 1}'), call("add")], {"add": Tool.of(add)}, stopped=stopped)
    events = calls.events()
    for event in events:
        if isinstance(event, ToolFinished):
            stopped.set()
            break
    assert stopped_by(events) == []
    assert texts(calls) == ["2", INTERRUPTED]


def test_a_stop_interrupts_a_function_on_the_main_thread_and_nothing_after_it() -> None:
    began, ended, stopped = threading.Event(), threading.Event(), StopSignal()

    def hang() -> None:
        began.set()
        while True:
            time.sleep(3600)

    def click() -> None:
        assert began.wait(60)
        stopped.set()
        while not ended.wait(0.1):  # a signal just before a system call does not end that
            stopped.set()

    clicking = threading.Thread(target=click)
    clicking.start()
    calls = Round([call("hang"), call("hang")], collect([hang]), stopped=stopped)
    assert stopped_by(calls.events()) == ["hang started", "hang failed"]
    ended.set()
    clicking.join()
    assert texts(calls) == [INTERRUPTED] * 2


def hanging(kind: str, left: list[str]) -> Callable[..., Any]:
    """Return a tool that hangs, and notes it if it is cancelled."""
    forever = threading.Event()

    async def hang() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            left.append("cancelled")
            raise

    def hang_plainly() -> None:
        forever.wait(3600)

    return hang if kind == "coroutine" else hang_plainly


def interrupted(events: Iterator[StreamEvent]) -> None:
    threading.Timer(0.02, signal.raise_signal, [signal.SIGINT]).start()
    told(events)


@pytest.mark.parametrize("kind", ["coroutine", "thread"])
@pytest.mark.parametrize("how", ["stop", "interrupt", "close"])
def test_tools_that_hang_can_be_stopped(kind: str, how: str) -> None:
    left: list[str] = []
    stopped = StopSignal()
    calls = Round(
        [call("hang"), call("add", '{"a": 1}')],
        {"hang": Tool.of(hanging(kind, left)), "add": Tool.of(add)},
        parallel=True,
        stopped=stopped,
    )
    events = calls.events()
    for event in events:
        if isinstance(event, Idle) and how == "interrupt":
            with pytest.raises(KeyboardInterrupt):
                interrupted(events)
            events.close()  # type: ignore[attr-defined]
            break
        if isinstance(event, Idle) and how == "stop":
            stopped.set()
            assert stopped_by(events) == ["hang failed"]
            break
        if isinstance(event, Idle):
            events.close()  # type: ignore[attr-defined]
            break
    assert texts(calls) == [INTERRUPTED, "2"]
    if kind == "coroutine":
        list(Round([call("tick")], collect([tick])).events())  # the loop has turned since
        assert left == ["cancelled"]


async def tick() -> None:
    await asyncio.sleep(0.01)


def test_a_tool_that_holds_its_loop_does_not_hold_the_next() -> None:
    held, free = threading.Event(), threading.Event()

    async def block() -> None:
        held.set()
        free.wait(60)

    calls = Round([call("block")], collect([block]))
    events = calls.events()
    for _ in events:
        if held.is_set():
            break
    events.close()  # type: ignore[attr-defined]
    before = loops._current
    again = Round([call("tick")], collect([tick]))
    list(again.events())
    assert texts(again) == ["null"]
    assert loops._current is not before
    free.set()


def test_the_loop_lives_on_from_one_call_to_the_next() -> None:
    seen: list[asyncio.AbstractEventLoop] = []

    async def where() -> None:
        seen.append(asyncio.get_running_loop())

    for _ in range(2):
        list(Round([call("where"), call("where")], collect([where])).events())
    assert len(set(map(id, seen))) == 1


def test_context_variables_reach_tools_that_run_elsewhere() -> None:
    from contextvars import ContextVar

    user: ContextVar[str] = ContextVar("user", default="nobody")
    user.set("ada")

    async def later() -> str:
        return user.get()

    def now() -> str:
        return user.get()

    calls = Round([call("later"), call("now")], collect([later, now]), parallel=True)
    list(calls.events())
    assert texts(calls) == ["ada", "ada"]

"""The loop of tools against llmock and aimock, at both endpoints, streamed and in one piece.

What tools gave is read from what the servers say that they were sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from nbchat.errors import Interrupted
from nbchat.interrupt import StopSignal
from nbchat.messages import Endpoint, ToolFinished
from nbchat.options import Options
from nbchat.tools.result import LIMIT

from .asking import Asker
from .control import AIMock, LLMock
from .models import DONE, AIMockModel, LLMockModel, Model
from .program import PATIENCE

Make = Callable[..., Asker]
Way = tuple[Endpoint, bool]

INTERRUPTED = "interrupted by the user"


@pytest.fixture(params=["llmock", "aimock"])
def model(request: pytest.FixtureRequest) -> Iterator[Model]:
    """Each server; where it judges its clients, nothing was wrong in the end."""
    server = request.getfixturevalue(request.param)
    if isinstance(server, AIMock):
        yield AIMockModel(server)
        return
    yield LLMockModel(server)
    assert server.verdict() == []


@pytest.fixture
def ask(way: Way, model: Model, asker: Make) -> Asker:
    """Asks each server in each of the four ways."""
    endpoint, stream = way
    return asker(model.base_url, endpoint, stream=stream)


@pytest.fixture
def ask_stream(endpoint: Endpoint, model: Model, asker: Make) -> Asker:
    """Asks each server for streams, at both endpoints."""
    return asker(model.base_url, endpoint)


def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


# --- Calls that end -------------------------------------------------------------------------


def test_rounds_follow_each_other_until_the_answer(ask: Asker, model: Model) -> None:
    model.call(("add", {"a": 1}), ("add", {"a": 10, "b": 20}))
    model.call(("add", {"a": 2, "b": 30}))
    model.say()
    model.say()
    outcome = ask("add them", tool=[add])
    assert outcome.reply.text == DONE
    assert [event.result for event in outcome.of(ToolFinished)] == ["2", "30", "32"]
    assert [output for _, output in model.outputs()] == ["2", "30", "32"]
    ids = model.calls()
    assert [call for call, _ in model.outputs()] == ids
    assert len(set(ids)) == 3
    # The thread goes on with all of it.
    assert ask("thanks").reply.text == DONE
    assert model.calls() == ids
    assert [call for call, _ in model.outputs()] == ids


@pytest.mark.parametrize("kind", ["coroutines", "threads"])
def test_calls_of_one_answer_run_beside_each_other(
    kind: str, ask_stream: Asker, model: Model
) -> None:
    """Each waits for the other, so that they end only if both have begun."""
    begun = {"left": threading.Event(), "right": threading.Event()}

    def meet(me: str, other: str) -> str:
        """Wait for the other one."""
        begun[me].set()
        return me if begun[other].wait(PATIENCE) else "alone"

    async def meet_later(me: str, other: str) -> str:
        """Wait for the other one."""
        begun[me].set()
        for _ in range(int(PATIENCE * 100)):
            if begun[other].is_set():
                return me
            await asyncio.sleep(0.01)
        return "alone"

    meet_later.__name__ = "meet"
    model.call(
        ("meet", {"me": "left", "other": "right"}), ("meet", {"me": "right", "other": "left"})
    )
    model.say()
    tool = meet if kind == "threads" else meet_later
    assert ask_stream("meet", tool=[tool], parallel=kind == "threads").reply.text == DONE
    assert [output for _, output in model.outputs()] == ["left", "right"]


# --- Calls that fail ------------------------------------------------------------------------


def test_wrong_arguments(ask: Asker, model: Model) -> None:
    model.call(("add", {"a": "many"}), ("add", {"b": 2}), ("add", {"a": 1, "c": 3}))
    model.say()
    outcome = ask("add", tool=[add])
    assert outcome.reply.text == DONE
    told = [output for _, output in model.outputs()]
    assert len(told) == 3
    for output, name in zip(told, "aac", strict=True):
        assert output.startswith("the arguments of add do not fit:\n")
        assert name in output.splitlines()[1]
    assert [event.failed for event in outcome.of(ToolFinished)] == [True] * 3


def test_arguments_that_are_no_json(way: Way, llmock: LLMock, asker: Make) -> None:
    """llmock cuts them short; aimock takes no fixture with such a call."""
    endpoint, stream = way
    ask, model = asker(llmock.base_url, endpoint, stream=stream), LLMockModel(llmock)
    model.call(("add", {"a": 1}))
    llmock.script("tool_fault", kind="malformed_arguments")
    model.say()
    outcome = ask("add", tool=[add])
    assert outcome.reply.text == DONE
    ((_, told),) = model.outputs()
    assert "JSON" in told
    assert [event.failed for event in outcome.of(ToolFinished)] == [True]


def test_a_tool_that_was_not_offered(ask: Asker, model: Model) -> None:
    model.call(("system", {"command": "rm"}), ("add", {"a": 1}))
    model.say()
    assert ask("do it", tool=[add]).reply.text == DONE
    told = [output for _, output in model.outputs()]
    assert told == ["there is no tool system; there are: add", "2"]


def test_a_tool_that_raises(ask: Asker, model: Model) -> None:
    def broken(a: int) -> int:
        """Fail."""
        raise LookupError(f"no {a} here")

    async def leave(a: int) -> int:
        """Fail when awaited."""
        raise SystemExit(a)

    model.call(("broken", {"a": 5}), ("leave", {"a": 6}), ("add", {"a": 1}))
    model.say()
    assert ask("do it", tool=[broken, leave, add]).reply.text == DONE
    first, second, third = (output for _, output in model.outputs())
    assert first == "LookupError: no 5 here"
    assert "SystemExit" in second
    assert third == "2"


# --- Results that are much, or no text ------------------------------------------------------


def test_ten_megabytes(ask: Asker, model: Model) -> None:
    def everything() -> str:
        """Return all there is."""
        return "0123456789" * 1_000_000

    model.call(("everything", {}))
    model.say()
    outcome = ask("all", tool=[everything])
    assert outcome.reply.text == DONE
    ((_, told),) = model.outputs()
    assert told.startswith("0123456789" * (LIMIT // 10) + "\n[cut: ")
    assert "10000000 characters" in told
    assert len(told) < LIMIT + 100
    (event,) = outcome.of(ToolFinished)
    assert len(event.result) < LIMIT


def test_an_image(ask: Asker, model: Model) -> None:
    def look() -> Image.Image:
        """Return a picture."""
        return Image.new("RGB", (4, 4), "red")

    model.call(("look", {}), ("add", {"a": 1}))
    model.say()
    assert ask("look", tool=[look, add]).reply.text == DONE
    assert [output for _, output in model.outputs()] == ["The result is attached.", "2"]
    assert "data:image/png;base64," in model.last()


# --- Calls that do not end ------------------------------------------------------------------


@contextlib.contextmanager
def once(begun: threading.Event, act: Callable[[], object]) -> Iterator[None]:
    """Do something as soon as the tool has begun, from another thread."""
    watcher = threading.Thread(target=lambda: begun.wait(PATIENCE) and act())
    watcher.start()
    try:
        yield
    finally:
        watcher.join()


@pytest.mark.parametrize("kind", ["plain", "coroutine", "thread"])
@pytest.mark.parametrize("how", ["interrupt", "stop"])
def test_a_tool_that_hangs(kind: str, how: str, ask_stream: Asker, model: Model) -> None:
    begun, forever, stopped = threading.Event(), threading.Event(), StopSignal()

    def hang() -> None:
        """Hang."""
        begun.set()
        # A signal that comes just before a wait without an end would not end it: CPython looks
        # for signals only before it begins and when it is interrupted.
        while not forever.wait(0.05):
            pass

    async def hang_later() -> None:
        """Hang."""
        begun.set()
        await asyncio.Event().wait()

    hang_later.__name__ = "hang"
    model.call(("add", {"a": 1}), ("hang", {}), ("add", {"a": 2}))
    model.say()
    act = stopped.set if how == "stop" else lambda: os.kill(os.getpid(), signal.SIGINT)
    tool = hang_later if kind == "coroutine" else hang
    options = Options.of(model="gpt-5.1", tool=[add, tool], parallel=kind == "thread")
    session = ask_stream.session
    plan = session.plan("hang", options, ask_stream.endpoint)
    with once(begun, act), pytest.raises(Interrupted):
        list(session.run(plan, stopped))
    forever.set()
    # The history is valid: the next prompt is answered, and each call has its output.
    assert ask_stream("go on").reply.text == DONE
    told = model.outputs()
    assert [call for call, _ in told] == model.calls()
    first, hung, last = (output for _, output in told)
    assert (first, hung) == ("2", INTERRUPTED)
    # One that runs beside it may have ended before the stop came.
    assert last == INTERRUPTED if kind == "plain" else last in (INTERRUPTED, "3")

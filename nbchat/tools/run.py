"""The calls of one answer: run, shown while they run, and answered whatever happens."""

from __future__ import annotations

import concurrent.futures
import contextvars
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from nbchat.interrupt import StopSignal
from nbchat.messages import (
    Idle,
    Message,
    StreamEvent,
    ToolAsked,
    ToolCall,
    ToolFinished,
    ToolStarted,
)
from nbchat.tools import background
from nbchat.tools.result import ToolResult
from nbchat.tools.tool import Tool

__all__ = ["Round"]

_INTERRUPTED = ToolResult.failure("interrupted by the user")
_DECLINED = ToolResult.failure("the user declined this call")
_SHOWN = 2000  # characters of a result that the view gets
_POLL = 0.05  # seconds between two looks at what runs


class Round:
    """Runs the calls of one answer.

    Plain functions run on the thread that takes the events, one after the other, so that they may
    use what belongs to the kernel's main thread; with ``parallel`` each has a thread of its own.
    Asynchronous functions run beside each other on the tools' event loop. Only the tools given
    here are ever called.

    Args:
        calls: what the model asked for.
        tools: the tools by name.
        parallel: plain functions may run beside each other too.
        approve: asked before each call; if it returns False, the call does not run.
        stopped: set, from any thread, it stops the round as an interrupt does.

    >>> tools = {"add": Tool.of(lambda a, b: a + b, "add")}
    >>> calls = Round([ToolCall("c1", "add", '{"a": 1, "b": 2}')], tools)
    >>> [event.name for event in calls.events()], calls.messages[0].text
    (['add', 'add'], '3')
    """

    def __init__(
        self,
        calls: Sequence[ToolCall],
        tools: Mapping[str, Tool],
        *,
        parallel: bool = False,
        approve: Callable[[ToolCall], bool] | None = None,
        stopped: StopSignal | None = None,
    ) -> None:
        self._calls = tuple(calls)
        self._tools = tools
        self._parallel = parallel
        self._approve = approve
        self._stopped = stopped or StopSignal()
        self._begun: dict[int, float] = {}
        self._results: dict[int, ToolResult] = {}
        self._done: queue.SimpleQueue[tuple[int, ToolResult]] = queue.SimpleQueue()
        self._futures: list[concurrent.futures.Future[ToolResult]] = []

    @property
    def messages(self) -> tuple[Message, ...]:
        """One message for each call, in their order.

        A call that has not ended was interrupted by the user: so a history that takes these is
        valid at any time.
        """
        return tuple(
            Message("tool", self._results.get(index, _INTERRUPTED).parts, tool_call_id=call.id)
            for index, call in enumerate(self._calls)
        )

    def events(self) -> Iterator[StreamEvent]:
        """Run the calls and yield what happens; once only.

        Raises:
            KeyboardInterrupt: the user stopped it, between or within calls.
            ToolError: ``approve`` could ask nobody.
        """
        try:
            for index in range(len(self._calls)):
                yield from self._one(index)
            yield from self._wait()
        except KeyboardInterrupt:
            for index in sorted(self._begun.keys() - self._results.keys()):
                yield self._finish(index, _INTERRUPTED)
            raise
        finally:
            background.cancel(self._futures)

    def _one(self, index: int) -> Iterator[StreamEvent]:
        """Run a call, or start it where it runs beside the others."""
        call = self._calls[index]
        self._check()
        tool = self._tools.get(call.name)
        approve = self._approve if tool is not None else None
        if approve is not None:
            yield ToolAsked(call.name)
        declined = approve is not None and not self._approved(approve, call)
        self._begun[index] = time.monotonic()
        yield ToolStarted(self._key(index), call.name, call.arguments)
        if tool is None:
            names = ", ".join(self._tools) or "none"
            yield self._finish(
                index, ToolResult.failure(f"there is no tool {call.name:.64}; there are: {names}")
            )
        elif declined:
            yield self._finish(index, _DECLINED)
        elif tool.is_async:
            self._submit(index, tool)
        elif self._parallel and len(self._calls) > 1:
            self._start_thread(index, tool)
        else:
            with self._stopped.interruptible():
                result = tool.run(call.arguments)
            yield self._finish(index, result)
        yield from self._ended()

    def _approved(self, approve: Callable[[ToolCall], bool], call: ToolCall) -> bool:
        with self._stopped.interruptible():
            return approve(call)

    def _submit(self, index: int, tool: Tool) -> None:
        future = background.submit(tool.arun(self._calls[index].arguments))
        self._futures.append(future)
        future.add_done_callback(partial(self._settle, index))

    def _settle(self, index: int, future: concurrent.futures.Future[ToolResult]) -> None:
        if future.cancelled():
            result = ToolResult.failure("the tool was cancelled")
        elif (error := future.exception()) is not None:
            result = ToolResult.failure(error)
        else:
            result = future.result()
        self._done.put((index, result))

    def _start_thread(self, index: int, tool: Tool) -> None:
        def work() -> None:
            try:
                result = tool.run(self._calls[index].arguments)
            except BaseException as error:  # noqa: BLE001 - the model is told, whatever it is
                result = ToolResult.failure(error)
            self._done.put((index, result))

        context = contextvars.copy_context()
        threading.Thread(
            target=context.run, args=(work,), name=f"nbchat-tool-{tool.name}", daemon=True
        ).start()

    def _wait(self) -> Iterator[StreamEvent]:
        """Wait for the calls that run beside each other."""
        while len(self._results) < len(self._calls):
            self._check()
            try:
                yield self._finish(*self._done.get(timeout=_POLL))
            except queue.Empty:
                yield Idle()

    def _ended(self) -> Iterator[StreamEvent]:
        """Yield what has ended meanwhile."""
        while not self._done.empty():
            yield self._finish(*self._done.get())

    def _check(self) -> None:
        if self._stopped.is_set():
            raise KeyboardInterrupt

    def _finish(self, index: int, result: ToolResult) -> ToolFinished:
        self._results[index] = result
        call = self._calls[index]
        text = result.text
        return ToolFinished(
            self._key(index),
            call.name,
            call.arguments,
            seconds=time.monotonic() - self._begun[index],
            result=text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…",
            failed=result.failed,
        )

    def _key(self, index: int) -> str:
        return self._calls[index].id or f"#{index}"

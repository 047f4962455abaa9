"""Work beside a prompt that may take long, off the kernel's thread: Stop is heard meanwhile."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

from nbchat.errors import Interrupted
from nbchat.messages import Idle, StreamEvent

T = TypeVar("T")
Step = TypeVar("Step")


def in_background(
    work: Callable[[Callable[[Step], None]], T],
    tell: Callable[[Step], StreamEvent],
    stopped: threading.Event,
) -> Generator[StreamEvent, None, T]:
    """Run ``work(report)`` on a thread of its own, yield what it reports, return its result.

    Setting ``stopped``, closing the generator, or an interrupt in it makes the next ``report``
    raise in ``work``; nobody waits for that.

    Raises:
        KeyboardInterrupt: ``stopped`` was set.
        Exception: what ``work`` raised.
    """
    reports: queue.SimpleQueue[Step | None] = queue.SimpleQueue()
    results: list[T] = []
    errors: list[BaseException] = []
    cancelled = threading.Event()

    def report(step: Step) -> None:
        if cancelled.is_set():
            raise Interrupted("stopped")
        reports.put(step)

    def run() -> None:
        try:
            results.append(work(report))
        except BaseException as error:  # noqa: BLE001 - raised again on the caller's thread
            errors.append(error)
        finally:
            reports.put(None)

    threading.Thread(target=run, name="nbchat-background", daemon=True).start()
    try:
        while True:
            if stopped.is_set():
                raise KeyboardInterrupt
            try:
                step = reports.get(timeout=0.05)
            except queue.Empty:
                yield Idle()
                continue
            if step is None:
                break
            yield tell(step)
    finally:
        cancelled.set()
    if errors:
        raise errors[0]
    return results[0]


def quietly(work: Callable[[], T], stopped: threading.Event) -> Generator[StreamEvent, None, T]:
    """Run ``work`` as `in_background` does, where it has nothing to report."""
    return in_background(lambda report: work(), lambda step: Idle(), stopped)

"""Prompts that are answered in the background, while other cells run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from nbchat.errors import Interrupted, NbchatError
from nbchat.reply import Reply


@dataclass(eq=False)
class Job:
    """A prompt in the background.

    ``error`` is what it failed with; ``stopped`` is set to stop it.
    """

    number: int
    thread: str
    prompt: str
    stopped: threading.Event
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None
    reply: Reply | None = None
    error: BaseException | None = None

    @property
    def state(self) -> Literal["running", "done", "stopped", "failed"]:
        """How far it is."""
        if self.ended is None:
            return "running"
        if self.error is None:
            return "done"
        return "stopped" if isinstance(self.error, Interrupted) else "failed"

    @property
    def seconds(self) -> float:
        """Seconds from its start to its end, or to now."""
        return (self.ended or time.monotonic()) - self.started


class Jobs:
    """The background prompts of a kernel, in the order in which they were started."""

    def __init__(self) -> None:
        self.all: list[Job] = []

    def start(
        self, thread: str, prompt: str, stopped: threading.Event, work: Callable[[], Reply]
    ) -> Job:
        """Run ``work`` on a thread of its own.

        Its failure is kept on the job, for nobody waits for it; nor does the kernel's exit.
        """
        job = Job(len(self.all) + 1, thread, prompt, stopped)
        self.all.append(job)

        def run() -> None:
            try:
                job.reply = work()
            except (NbchatError, Interrupted) as error:
                job.error = error
            except BaseException as error:  # a defect: Python prints its stack
                job.error = error
                raise
            finally:
                job.ended = time.monotonic()

        threading.Thread(target=run, name=f"nbchat-job-{job.number}", daemon=True).start()
        return job

    def stop(self, number: int | None = None) -> list[Job]:
        """Stop job ``number``, or all; return those that were running."""
        running = [
            job for job in self.all if job.state == "running" and number in (None, job.number)
        ]
        for job in running:
            job.stopped.set()
        return running

"""What showing an answer costs: nbchat's widgets beside the naive ways.

``python -m tests.bench.bench_display [SHAPE …] [SIZE …]`` prints a table for each shape and size
(all by default) and ends with 3 if a goal is missed. Mixed has all that answers have; plain is
mixed with fences in no language, so that nothing is highlighted; the others are one giant block.

Each answer is shown in a fresh kernel of this Python, with a client that reads what it sends. It
arrives in deltas of 4 characters, a hundred a second, on a simulated clock: only the clock that
the screen reads is replaced, and it goes on by the CPU time that the screen takes too, so that one
that falls behind is seen to. CPU is that of the whole kernel, all threads. Messages and bytes are
what is handed to the iopub socket: all frames of all messages, from the first to the swap. The gap
is the longest time between two repaints, and the rate of messages that while the answer comes.

The row "rendering", of mixed and plain, is the incremental Markdown alone, 20 times a second,
without widgets and messages: the goal for CPU is about that. Beside it: `ipywidgets.HTML` whose
value is set for each delta to the HTML of the text so far, and `update_display` of a `Markdown`
for each delta. Rows marked ``~`` measure a sample of the deltas; their CPU, messages and bytes are
extrapolated.
"""

from __future__ import annotations

import ast
import contextlib
import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager
from markdown_it import MarkdownIt

from tests.bench import MISSED

DELTA = 4  # characters
RATE = 100  # deltas a second
REPAINTS = 20  # a second, where rendering alone is measured
SIZES = (20_000, 200_000)
SHAPES = ("mixed", "plain", "list", "table", "fence", "paragraph")
SAMPLES = 100

CPU_GOAL = 0.2
"""Seconds of CPU at most to render 20,000 characters of mixed text, 20 times a second, without
highlighting.

Seconds differ between machines: the table also says how long markdown-it alone takes for one
rendering of the text.
"""
SHARE_GOAL = 0.10
"""Of one core at most, for any shape."""
BYTES_GOAL = 130.0
"""Bytes to the front end for each character, at most."""
MESSAGES_GOAL = 20.0
"""Messages a second while the answer comes, at most."""

# --- The answers ----------------------------------------------------------------------------

_SENTENCE = (
    "In step {n} the **estimator** is refined: `fit(x, {n})` returns the [residuals]"
    "(https://example.org/r/{n}), whose norm $\\lVert r_{{{n}}} \\rVert$ *falls* below 1e-{n}. "
)
_CODE = "def step_{n}(x: float) -> float:\n    # a comment\n    return x ** {n} + 0.5\n\n"
_ROW = "| row {n} | {n}.5 | **ok** | a cell with `code` and some words |\n"
_ITEM = "- Item {n} is *short*, and says `x = {n}` in a few words.\n"


def answer(shape: str, size: int) -> str:
    """Return Markdown of ``size`` characters; all shapes but mixed and plain are one block."""
    if shape in ("mixed", "plain"):
        make = _section
    elif shape == "list":
        make = _ITEM.format
    elif shape == "table":
        make = _ROW.format
    elif shape == "fence":
        make = _CODE.format
    else:
        make = _SENTENCE.format
    heads = {
        "table": "| name | value | state | remark |\n|---|--:|---|---|\n",
        "fence": "```python\n",
    }
    text = heads.get(shape, "")
    number = 0
    while len(text) < size:
        number += 1
        text += make(n=number)
    if shape == "plain":
        text = text.replace("```python", "```")
    return text[:size]


def _section(n: int) -> str:
    items = "".join(_ITEM.format(n=k) for k in range(5))
    rows = "".join(_ROW.format(n=k) for k in range(4))
    code = "".join(_CODE.format(n=k) for k in range(3))
    words = _SENTENCE.format(n=n)
    return (
        f"## Section {n}\n\n{words * 2}\n\n{words}\n\n{items}\n```python\n{code}```\n\n"
        f"| a | b | c | d |\n|---|---|---|---|\n{rows}\n$$\nx_{n} = \\frac{{1}}{{2}}\n$$\n\n"
    )


# --- In the kernel --------------------------------------------------------------------------


@dataclass
class Result:
    """What one way cost for one answer."""

    way: str
    cpu: float
    """Seconds, all threads of the kernel."""
    seconds: float
    """What the answer took to come, on the simulated clock."""
    gap: float
    """Seconds, the longest between two repaints."""
    messages: int
    """While the answer came; without those that open and close."""
    frame: int
    """Messages that open and close."""
    size: int
    """Bytes, all messages."""
    sampled: bool = False

    @property
    def share(self) -> float:
        """Of one core, while the answer came."""
        return self.cpu / self.seconds


class Clock:
    """The clock that the screen reads; stands in for the module `time` there."""

    thread_time = staticmethod(time.thread_time)

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    @contextlib.contextmanager
    def delta(self, number: int) -> Iterator[None]:
        """Go to where the delta arrives, and on by the CPU time that the block takes."""
        self.now = max(self.now, number / RATE)
        began = time.thread_time()
        yield
        self.now += time.thread_time() - began


class Counter:
    """Counts what the kernel hands to its iopub socket."""

    def __init__(self, kernel: Any) -> None:
        self.messages = 0
        self.size = 0
        thread = kernel.iopub_thread
        send = thread.send_multipart

        def counted(frames: list[Any], *args: Any, **options: Any) -> None:
            self.messages += 1
            self.size += sum(map(len, frames))
            send(frames, *args, **options)

        thread.send_multipart = counted


class Meter:
    """Feeds deltas to a way of showing them and takes the measures."""

    def __init__(self, counter: Counter) -> None:
        self.clock = Clock()
        self._counter = counter

    def run(
        self,
        way: str,
        deltas: int,
        begin: Callable[[], object],
        show: Callable[[int], object],
        end: Callable[[], object],
        every: int = 1,
    ) -> Result:
        counter, clock = self._counter, self.clock
        cpu, messages, size = time.process_time(), counter.messages, counter.size
        begin()
        opened = counter.messages
        painted = gap = 0.0
        for number in range(0, deltas, every):
            sent = counter.messages
            with clock.delta(number):
                show(number)
            if counter.messages > sent:
                # Between two deltas of a sample the screen would not have been idle.
                gap = max(gap, clock.now - (painted if every == 1 else number / RATE))
                painted = clock.now
        streamed = counter.messages - opened
        cpu_shown, size_shown = time.process_time() - cpu, counter.size - size
        end()
        cpu = cpu_shown * every + time.process_time() - cpu - cpu_shown
        return Result(
            way,
            cpu,
            max(clock.now, deltas / RATE, cpu),
            gap,
            streamed * every,
            counter.messages - messages - streamed,
            size_shown * every + counter.size - size - size_shown,
            every > 1,
        )


def measure(shape: str, size: int) -> list[Result]:
    """Return what each way costs; to be called in a kernel."""
    from IPython.core.getipython import get_ipython

    counter = Counter(get_ipython().kernel)
    text = answer(shape, size)
    deltas = size // DELTA
    every = max(1, deltas // SAMPLES)
    _nbchat(Meter(counter), text[:4000])  # what the first answer of a kernel loads
    # Of one giant block, unlike what the screen does, it would render all at each repaint.
    settles = shape in ("mixed", "plain")
    return [
        _nbchat(Meter(counter), text),
        *([_rendering(text, deltas)] if settles else []),
        _html(Meter(counter), text, deltas, every),
        _markdown(Meter(counter), text, deltas, 1 if size <= SIZES[0] else every),
    ]


def _nbchat(meter: Meter, text: str) -> Result:
    from IPython.core.getipython import get_ipython

    from nbchat.messages import TextDelta
    from nbchat.reply import Choice, Reply
    from nbchat.view import progress, widgets

    widgets.time = progress.time = meter.clock  # type: ignore[assignment]
    screen = widgets.WidgetScreen(lambda: None, get_ipython().kernel)
    events = [TextDelta(text[at : at + DELTA]) for at in range(0, len(text), DELTA)]
    reply = Reply(choices=(Choice(text=text),), model="m", elapsed=1.0)
    return meter.run(
        "nbchat",
        len(events),
        screen.open,
        lambda number: screen.event(events[number]),
        lambda: screen.close(reply),
    )


def _rendering(text: str, deltas: int) -> Result:
    from nbchat.render import IncrementalMarkdown

    markdown = IncrementalMarkdown()
    began = time.thread_time()
    for number in range(deltas):
        markdown.feed(text[number * DELTA : (number + 1) * DELTA])
        if number % (RATE // REPAINTS) == 0:
            markdown.tick()
    markdown.finish()
    cpu = time.thread_time() - began
    return Result("rendering", cpu, deltas / RATE, 1 / REPAINTS, 0, 0, 0)


def _html(meter: Meter, text: str, deltas: int, every: int) -> Result:
    import ipywidgets
    from IPython.display import display

    from nbchat.render import render_markdown

    widget = ipywidgets.HTML()

    def show(number: int) -> None:
        widget.value = render_markdown(text[: (number + 1) * DELTA])

    return meter.run("HTML.value", deltas, lambda: display(widget), show, widget.close, every)


def _markdown(meter: Meter, text: str, deltas: int, every: int) -> Result:
    from IPython.display import Markdown, display, update_display

    def show(number: int) -> None:
        update_display(Markdown(text[: (number + 1) * DELTA]), display_id="naive")

    def begin() -> None:
        display(Markdown(""), display_id="naive")

    return meter.run("update_display", deltas, begin, show, lambda: None, every)


# --- The table ------------------------------------------------------------------------------


def in_kernel(shape: str, size: int) -> list[Result]:
    """Return the results of `measure` in a fresh kernel."""
    root = Path(__file__).resolve().parents[2]
    manager = KernelManager(kernel_name="python3")
    launcher = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.kernel_spec.argv = launcher
    manager.start_kernel(cwd=str(root))
    client = manager.client()
    client.start_channels()
    done = threading.Event()
    reading = threading.Thread(target=_read, args=(client, done))
    try:
        client.wait_for_ready(timeout=60)
        reading.start()
        # The result comes on the shell channel: of a flood on iopub, ZeroMQ drops a part.
        client.execute(
            "import dataclasses, json\n"
            "from tests.bench.bench_display import measure\n"
            f"results = [dataclasses.asdict(result) for result in measure({shape!r}, {size})]",
            user_expressions={"results": "json.dumps(results)"},
        )
        reply = client.get_shell_msg(timeout=None)["content"]
        if reply["status"] != "ok":
            raise RuntimeError("\n".join(reply["traceback"]))
        printed = reply["user_expressions"]["results"]["data"]["text/plain"]
        return [Result(**fields) for fields in json.loads(ast.literal_eval(printed))]
    finally:
        done.set()
        if reading.is_alive():
            reading.join()
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _read(client: Any, done: threading.Event) -> None:
    """Read what the kernel sends, as a front end would."""
    while not done.is_set():
        with contextlib.suppress(queue.Empty):
            client.get_iopub_msg(timeout=0.2)


def show(shape: str, size: int, results: list[Result]) -> bool:
    """Print the table of one answer; return whether its goals are met."""
    print(f"\n{shape}, {size:,} characters")
    print(f"{'CPU':>27} {'of a core':>12} {'gap':>9} {'messages':>10} {'a second':>10}", end="")
    print(f"{'bytes a character':>20}")
    for result in results:
        mark = "~" if result.sampled else " "
        print(
            f"  {result.way:<15} {mark}{result.cpu:8.2f} s {result.share:9.1%} "
            f"{result.gap * 1000:7.0f} ms {result.messages + result.frame:9,} "
            f"{result.messages / result.seconds:10.1f} {result.size / size:12,.0f}"
        )
    ours = results[0]
    goals = [
        (f"at most {SHARE_GOAL:.0%} of a core", ours.share <= SHARE_GOAL),
        (f"at most {BYTES_GOAL:.0f} bytes a character", ours.size <= BYTES_GOAL * size),
        (
            f"at most {MESSAGES_GOAL:.0f} messages a second",
            ours.messages <= MESSAGES_GOAL * ours.seconds,
        ),
    ]
    if shape == "plain" and size == SIZES[0]:
        rendering = results[1].cpu
        goals.insert(0, (f"at most {CPU_GOAL} s of CPU for rendering", rendering <= CPU_GOAL))
        print(f"  {yardstick() * 1000:.1f} ms for one rendering by markdown-it alone")
    for goal, met in goals:
        print(f"  {'met   ' if met else 'MISSED'} {goal}")
    return all(met for _, met in goals)


def yardstick() -> float:
    """Return the seconds of CPU that markdown-it takes for the plain text of 20,000 characters."""
    text, markdown = answer("plain", SIZES[0]), MarkdownIt("commonmark").enable("table")
    taken = []
    for _ in range(5):
        began = time.thread_time()
        markdown.render(text)
        taken.append(time.thread_time() - began)
    return min(taken)


def main() -> int:
    shapes = [word for word in sys.argv[1:] if word in SHAPES] or list(SHAPES)
    sizes = [int(word) for word in sys.argv[1:] if word.isdecimal()] or list(SIZES)
    met = [show(shape, size, in_kernel(shape, size)) for size in sizes for shape in shapes]
    return 0 if all(met) else MISSED


if __name__ == "__main__":
    sys.exit(main())

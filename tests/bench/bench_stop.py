"""How soon an answer stops: from the click or the interrupt to where the server hears of it.

``python -m tests.bench.bench_stop [TIMES]`` prints, for each ipykernel, the median and the longest
time until the scripted server sees the connection close, until the permanent output is sent, and
until the cell is done; and the first of these in JupyterLab in Chromium, if there is one. The
kernels are those of this Python and of the Pythons that `NBCHAT_KERNEL_PYTHONS` names. It ends
with 3 if a median until the server hears is above the goal.

The server holds back what comes next until it has seen that nobody listens. Where a kernel has no
subshells, a click is heard when the cell is done, so there is no button.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import MISSED
from tests.support.kernels import Kernel, at, printed, running_kernel
from tests.support.server import UNTIL_DISCONNECT, ScriptedServer, chat_stream

GOAL = 100.0
"""Milliseconds from the click to where the server sees the connection close."""
TIMES = 10
HALF = [*chat_stream("Half", " more")[:2], UNTIL_DISCONNECT]

Times = list[tuple[float, ...]]


def in_kernels(folder: Path, times: int) -> Iterator[tuple[str, Times]]:
    """Yield what each way to stop took in each kernel, in milliseconds."""
    others = [
        path for path in os.environ.get("NBCHAT_KERNEL_PYTHONS", "").split(os.pathsep) if path
    ]
    environment = {**os.environ, "IPYTHONDIR": str(folder / "ipython")}
    for python in [sys.executable, *others]:
        with (
            running_kernel(environment, folder, python=python) as kernel,
            ScriptedServer() as server,
        ):
            version = printed(kernel.run("import ipykernel; print(ipykernel.__version__)")).strip()
            interrupt = lambda button, kernel=kernel: kernel.manager.interrupt_kernel()  # noqa: E731
            yield f"ipykernel {version}, interrupt", stopped(kernel, server, interrupt, times)
            if int(version.partition(".")[0]) >= 7:
                kernel.subshell()  # as a front end does, long before
                yield f"ipykernel {version}, Stop", stopped(kernel, server, kernel.click, times)


def stopped(
    kernel: Kernel, server: ScriptedServer, stop: Callable[[str], None], times: int
) -> Times:
    """Stop an answer again and again; return the milliseconds until each of the three ends."""
    taken: Times = []
    asked = len(server.exchanges)
    for number in range(asked, asked + times):
        server.script(*HALF)
        request = kernel.send(f"{at(server, '--once')}\nhello", cell_id="one")
        opened = kernel.until_shown(request, "Half")
        buttons = [
            message["content"]["comm_id"]
            for message in opened
            if message["msg_type"] == "comm_open" and "ButtonModel" in str(message["content"])
        ]
        began = time.perf_counter()
        stop(buttons[0] if buttons else "")
        assert server.exchange(number).disconnected.wait(60)
        heard = time.perf_counter()
        shown = done = heard
        for message in kernel.messages(request):
            done = time.perf_counter()
            if message["msg_type"] == "update_display_data":
                shown = done
        taken.append(tuple(1000 * (end - began) for end in (heard, shown, done)))
    return taken


def in_browser(folder: Path, times: int) -> Iterator[tuple[str, Times]]:
    """Yield what each way to stop took in JupyterLab, in milliseconds, if Chromium is there."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return
    from playwright.sync_api import expect, sync_playwright

    from tests.browser.conftest import SETUP
    from tests.browser.driver import ARGS, Tab
    from tests.browser.lab import JupyterServer

    def click(tab: Tab) -> None:
        tab.output(1).locator(".nbchat-stop").evaluate("button => button.click()")

    def interrupt(tab: Tab) -> None:
        tab.page.keyboard.press("i")
        tab.page.keyboard.press("i")

    with (
        sync_playwright() as playwright,
        ScriptedServer() as server,
        JupyterServer(folder) as jupyter,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        tab = Tab(browser.new_context(), jupyter, "stop.ipynb")
        jupyter.write(tab.name, SETUP.format(url=server.base_url), "%%chat --once\nhello")
        tab.open()
        tab.run(0)
        number = 0
        for name, stop in (("interrupt (I I)", interrupt), ("Stop", click)):
            taken: Times = []
            for _ in range(times):
                server.script(*HALF)
                tab.start(1)
                expect(tab.output(1)).to_contain_text("Half")
                began = time.perf_counter()
                stop(tab)
                assert server.exchange(number).disconnected.wait(60)
                taken.append((1000 * (time.perf_counter() - began),))
                tab.wait_done(1)
                number += 1
            yield f"JupyterLab, {name}", taken
        browser.close()


def show(way: str, taken: Times) -> bool:
    """Print a row: median and longest of each column; return whether the goal is met."""
    columns = list(zip(*taken, strict=True))
    cells = [f"{statistics.median(column):6.0f} {max(column):5.0f}" for column in columns]
    print(f"{way:32}{''.join(f'{cell:>16}' for cell in cells)}", flush=True)
    return statistics.median(columns[0]) <= GOAL


def main() -> int:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    print(f"{'ms: median, longest':32}{'server':>16}{'output':>16}{'cell':>16}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        met = [show(*row) for row in in_kernels(folder, times)]
        met += [show(*row) for row in in_browser(folder, times)]
    print(f"{'met   ' if all(met) else 'MISSED'} at most {GOAL:.0f} ms, by the median")
    return 0 if all(met) else MISSED


if __name__ == "__main__":
    sys.exit(main())

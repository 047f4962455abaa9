"""A notebook in a browser tab: run, stop, save and reload it, and see what a reader sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Locator, Page, Request, Route, expect

from .lab import JupyterServer

FrontEnd = Literal["lab", "notebook"]

PATIENCE = 60_000.0
"""Milliseconds after which a wait for something that must come is given up."""
ANSWER = 180_000.0
"""The same for a whole answer of the embedded model, on a machine that is busy with others."""
expect.set_options(timeout=PATIENCE)

ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_PATHS = {"lab": "lab/workspaces/{0}/tree/{0}.ipynb", "notebook": "notebooks/{0}.ipynb"}
_DONE = re.compile(r"^\[\d+\]:$")


class Frame(NamedTuple):
    """What one painted frame showed of a cell's output."""

    running: bool
    live: bool
    """Whether widgets were there."""
    height: float
    """Pixels of the output area."""
    top: float
    """How far the notebook was scrolled, in pixels."""
    text: str


class Tab:
    """One notebook in one browser tab, in JupyterLab or Notebook 7.

    `strangers` collects the addresses outside the Jupyter server that the page asked for,
    `dialogs` what ``alert`` and its like said.
    """

    def __init__(
        self, context: BrowserContext, server: JupyterServer, name: str, front: FrontEnd = "lab"
    ) -> None:
        self.page: Page = context.new_page()
        self.name = name
        self.front = front
        self.strangers: list[str] = []
        self.dialogs: list[str] = []
        self._server = server
        self.page.set_default_timeout(PATIENCE)
        self.page.add_init_script("window.__fired = []")
        self.page.on("request", self._note)
        self.page.on("dialog", self._answer)

    def _note(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("data", "blob"):
            return
        if f"{address.scheme}://{address.netloc}" != self._server.origin:
            self.strangers.append(request.url)

    def _answer(self, dialog: Any) -> None:
        # Jupyter asks before a changed notebook is left; everything else is an intruder.
        if dialog.type != "beforeunload":
            self.dialogs.append(dialog.message)
        dialog.accept()

    # --- The notebook ---------------------------------------------------------------------

    def open(self, *, kernel: bool = True) -> None:
        """Open the notebook; without ``kernel`` as it looks where none can be started."""
        path = _PATHS[self.front].format(self.name.removesuffix(".ipynb"))
        if kernel:
            self.page.goto(self._server.address(path))
            self.page.wait_for_function(_CONNECTED, timeout=PATIENCE)
        else:
            self.page.route("**/api/sessions*", _no_session)
            self.page.goto(self._server.address(path))
        expect(self.cells.first).to_be_visible()

    @property
    def cells(self) -> Locator:
        """All cells, in order."""
        return self.page.locator(".jp-Notebook .jp-Cell")

    def prompt(self, index: int) -> Locator:
        """The ``[1]:`` before a cell."""
        return self.cells.nth(index).locator(".jp-InputPrompt")

    def output(self, index: int) -> Locator:
        """The output area of a cell."""
        return self.cells.nth(index).locator(".jp-Cell-outputArea")

    def start(self, index: int) -> None:
        """Run a cell and return when the front end has sent it."""
        self.prompt(index).click()
        self.page.keyboard.press("Control+Enter")
        expect(self.prompt(index)).not_to_have_text("[ ]:")

    def wait_done(self, index: int) -> None:
        """Wait until a cell has run."""
        expect(self.prompt(index)).to_have_text(_DONE, timeout=ANSWER)

    def run(self, *indices: int) -> None:
        """Run cells, one after the other, and wait for each."""
        for index in indices:
            self.start(index)
            self.wait_done(index)

    def save(self) -> None:
        """Save the notebook, and return when the server has stored it."""
        with self.page.expect_response(_stored):
            self.page.keyboard.press("Control+s")

    def reload(self, *, kernel: bool = True) -> None:
        """Load the page again from the server, as after a restart of the browser."""
        self.page.goto("about:blank")
        self.open(kernel=kernel)

    def theme(self, *, dark: bool) -> None:
        """Switch JupyterLab's theme."""
        name = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.page.evaluate(
            "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})",
            name,
        )
        light = "false" if dark else "true"
        body = self.page.locator(f"body[data-jp-theme-light='{light}']")
        expect(body).to_be_attached(timeout=PATIENCE)
        expect(self.page.locator("#jupyterlab-splash")).not_to_be_attached(timeout=PATIENCE)

    def plain(self) -> None:
        """Put JupyterLab's side bars away, so that a picture shows the notebook."""
        if self.front == "notebook":
            return
        self.page.evaluate(
            """async () => {
                const {shell, commands} = window.jupyterapp;
                shell.collapseLeft();
                shell.collapseRight();
                for (const side of ['left', 'right'])
                    await commands.execute('application:toggle-side-tabbar', {side});
            }"""
        )

    # --- What a reader sees -----------------------------------------------------------------

    @contextmanager
    def frames(self, index: int) -> Iterator[list[Frame]]:
        """Record each frame of a cell's output; the list is filled at the end of the block."""
        self.page.evaluate(_RECORD, index)
        recorded: list[Frame] = []
        yield recorded
        for values in self.page.evaluate("() => { window.__record = false; return __frames; }"):
            recorded.append(Frame(*values))

    def fired(self) -> list[str]:
        """Return what scripts in the page or in its frames left in ``window.__fired``."""
        found: list[str] = []
        for frame in self.page.frames:
            found += frame.evaluate("() => window.__fired || []")
        return found


def _no_session(route: Route) -> None:
    if route.request.method == "POST":
        route.fulfill(status=503, json={"message": "no kernel here"})
    else:
        route.continue_()


def _stored(response: Any) -> bool:
    return response.request.method == "PUT" and "/api/contents/" in response.url


# Before a session is there JupyterLab drops what is run without a word, and the indicator that it
# shows of the kernel says "idle" from the start.
_CONNECTED = """
() => {
  const session = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return session?.isReady && session.kernelDisplayStatus === 'idle';
}
"""

_RECORD = """
index => {
  window.__frames = [];
  window.__record = true;
  let scroller = document.querySelector('.jp-Notebook .jp-Cell');
  while (!['auto', 'scroll'].includes(getComputedStyle(scroller).overflowY))
    scroller = scroller.parentElement;
  const sample = () => {
    if (!window.__record) return;
    const cell = document.querySelectorAll('.jp-Notebook .jp-Cell')[index];
    const area = cell.querySelector('.jp-Cell-outputArea');
    window.__frames.push([
      cell.querySelector('.jp-InputPrompt').textContent === '[*]:',
      area.querySelector('.jupyter-widgets') !== null,
      area.getBoundingClientRect().height,
      scroller.scrollTop,
      area.innerText,
    ]);
    requestAnimationFrame(sample);
  };
  requestAnimationFrame(sample);
}
"""

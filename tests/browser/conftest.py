"""One Jupyter server, one browser and one scripted model server for all browser tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from nbchat import local
from tests.support.server import ScriptedServer

from .driver import ARGS, FrontEnd, Tab
from .lab import JupyterServer

SETUP = """\
%load_ext nbchat
%config NbChat.base_url = {url!r}
%config NbChat.model = 'scripted'"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def chromium() -> str:
    """Return the path of Chromium; without one the tests skip, or fail if it is required."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    reason = "no Chromium is on the PATH: install it (Debian and Ubuntu: apt install chromium)"
    if os.environ.get("NBCHAT_REQUIRE_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)


# Of the package, not of the session: while Playwright's loop is there, asyncio.run fails.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def jupyter(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    local.weights.fetch()
    with JupyterServer(tmp_path_factory.mktemp("jupyter")) as server:
        yield server


@pytest.fixture
def model() -> Iterator[ScriptedServer]:
    """A model server that says what the test tells it to."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of the test's own, with a window of 1000 x 700."""
    context = browser.new_context(viewport={"width": 1000, "height": 700}, device_scale_factor=2)
    yield context
    context.close()


_names = count(1)

OpenNotebook = Callable[..., Tab]


@pytest.fixture
def open_notebook(context: BrowserContext, jupyter: JupyterServer) -> Iterator[OpenNotebook]:
    """Open a new notebook of code cells in a new tab.

    However the test goes on, nothing may have been fetched from elsewhere and no script of an
    answer's may have run.
    """
    tabs: list[Tab] = []

    def open(*sources: str, name: str = "", front: FrontEnd = "lab") -> Tab:
        tab = Tab(context, jupyter, f"{name or f'test-{next(_names)}'}.ipynb", front)
        tabs.append(tab)
        jupyter.write(tab.name, *sources)
        tab.open()
        return tab

    yield open
    for tab in tabs:
        harm = (tab.strangers, tab.dialogs, tab.fired())
        jupyter.shut_down(tab.name)
        assert harm == ([], [], [])


@pytest.fixture
def chat(open_notebook: OpenNotebook, model: ScriptedServer) -> OpenNotebook:
    """Open a notebook whose first cell, already run, lets nbchat ask the scripted server."""

    def open(*sources: str, front: FrontEnd = "lab") -> Tab:
        tab = open_notebook(SETUP.format(url=model.base_url), *sources, front=front)
        tab.run(0)
        return tab

    return open


LARGEST = 300_000  # bytes of a picture
Pictures = Callable[[Page | Locator, str], None]


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    """Take a picture of a page or a part; ``NBCHAT_PICTURES=1`` puts it into ``notebooks``."""
    wanted = os.environ.get("NBCHAT_PICTURES")
    folder = Path(__file__).parents[2] / "notebooks" if wanted else tmp_path

    def take(what: Page | Locator, name: str) -> None:
        file = folder / f"{name}.png"
        what.screenshot(path=file)
        assert file.stat().st_size < LARGEST

    return take

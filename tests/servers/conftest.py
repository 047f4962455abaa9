"""llmock and aimock, each started once, and sessions that ask them.

Where one of them can't be had, its tests are skipped and say what is missing; with
``NBCHAT_REQUIRE_SERVERS=1`` they fail.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NoReturn

import pytest

from nbchat.messages import Endpoint

from .asking import Asker
from .control import AIMock, LLMock
from .program import Program

AIMOCK = "1.43.0"
"""The version that is run: answers of others may differ."""

WAYS: dict[str, tuple[Endpoint, bool]] = {
    "chat": ("chat", True),
    "chat-whole": ("chat", False),
    "responses": ("responses", True),
    "responses-whole": ("responses", False),
}
"""Endpoint, and whether the answer is streamed."""


def _missing(reason: str) -> NoReturn:
    if os.environ.get("NBCHAT_REQUIRE_SERVERS"):
        pytest.fail(reason)
    pytest.skip(reason)


# --- Servers --------------------------------------------------------------------------------


def _llmock(*options: str) -> Program:
    """llmock, as a program: in this process it would bring threads and a pytest plugin."""
    if importlib.util.find_spec("llmock") is None:
        _missing("llmock is not installed: pip install llmock")
    command = [sys.executable, "-m", "llmock.cli", "serve", "--port", "0", *options]
    return Program([*command, "--response-style", "echo"], r"running on (http://127\.0\.0\.1:\d+)")


@pytest.fixture(scope="session")
def _llmock_program() -> Iterator[Program]:
    with _llmock() as program:
        yield program


@pytest.fixture
def llmock(_llmock_program: Program) -> LLMock:
    """llmock, which repeats what it is told and has forgotten the tests before."""
    server = LLMock(_llmock_program)
    server.reset()
    return server


@pytest.fixture
def start_llmock() -> Iterator[Callable[..., LLMock]]:
    """Return a function that starts an llmock of the test's own with options of its command."""
    with ExitStack() as stack:
        yield lambda *options: LLMock(stack.enter_context(_llmock(*options)))


@pytest.fixture(scope="session")
def _aimock_script(pytestconfig: pytest.Config) -> Path:
    """aimock's program, which npm gets once and pytest's cache keeps."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            _missing(f"{tool} is not on the PATH: install Node.js 20.15 or newer")
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir(f"aimock-{AIMOCK}")
    installed = folder / "node_modules" / ".package-lock.json"  # npm writes it last
    if not installed.exists():
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-save")
        done = subprocess.run(
            ["npm", "install", *quiet, "--prefix", folder, f"@copilotkit/aimock@{AIMOCK}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode:
            _missing(f"npm can't get @copilotkit/aimock@{AIMOCK}: {done.stderr.strip()[-500:]}")
    return folder / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"


def _aimock(
    script: Path, folder: Path, *options: str, environment: dict[str, str] | None = None
) -> Program:
    """aimock, with pauses between small pieces: without them a cut comes before the headers."""
    fixtures = folder / "fixtures.json"
    one = {"match": {"userMessage": "is aimock there?"}, "response": {"content": "Yes."}}
    fixtures.write_text(json.dumps({"fixtures": [one]}), "utf-8")
    command = ["node", str(script), "-p", "0", "-f", str(fixtures), "-l", "10", "-c", "4"]
    address = r"listening on (http://127\.0\.0\.1:\d+)"
    return Program([*command, *options], address, environment)


@pytest.fixture(scope="session")
def _aimock_program(
    _aimock_script: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    with _aimock(_aimock_script, tmp_path_factory.mktemp("aimock")) as program:
        yield program


@pytest.fixture
def aimock(_aimock_program: Program) -> AIMock:
    """aimock, which has forgotten the tests before."""
    server = AIMock(_aimock_program)
    server.reset()
    return server


@pytest.fixture
def start_aimock(_aimock_script: Path, tmp_path: Path) -> Iterator[Callable[..., AIMock]]:
    """Return a function that starts an aimock of the test's own.

    It takes options of the command, and variables as ``environment``.
    """
    with ExitStack() as stack:

        def start(*options: str, environment: dict[str, str] | None = None) -> AIMock:
            program = _aimock(_aimock_script, tmp_path, *options, environment=environment)
            return AIMock(stack.enter_context(program))

        yield start


# --- Sessions -------------------------------------------------------------------------------


@pytest.fixture
def asker() -> Iterator[Callable[..., Asker]]:
    """Return a function that makes an `Asker`; all are closed when the test is over."""
    with ExitStack() as stack:

        def make(
            base_url: str, endpoint: Endpoint = "chat", *, stream: bool = True, **entry: Any
        ) -> Asker:
            made = Asker(base_url, endpoint, {"stream": stream}, **entry)
            return stack.enter_context(closing(made))

        yield make


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[Endpoint, bool]:
    """Each endpoint, streamed and not: endpoint, and whether it is streamed."""
    return WAYS[request.param]


@pytest.fixture(params=["chat", "responses"])
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """Each endpoint."""
    chosen: Endpoint = request.param
    return chosen

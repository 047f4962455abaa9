"""Notebooks in real kernels."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import zmq
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from tests.support.server import ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def kernel_environment(tmp_path: Path) -> dict[str, str]:
    """The environment of the kernels: nobody's settings, nobody's keys."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENAI_", "AIMLAPI_", "CLOUDFLARE_"))
    }
    return {
        **kept,
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTER_PLATFORM_DIRS": "1",
    }


@contextlib.contextmanager
def kernel_manager(python: str = sys.executable) -> Iterator[KernelManager]:
    """A manager whose kernel is ``python`` (default: this one), whatever kernelspecs there are."""
    context = zmq.Context()
    manager = KernelManager(kernel_name="python3", context=context)
    launcher = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.kernel_spec.argv = launcher
    try:
        yield manager
    finally:
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
        context.destroy(linger=0)


Run = Callable[..., Any]


@pytest.fixture
def run_notebook(kernel_environment: dict[str, str], tmp_path: Path) -> Run:
    """Return a function that runs cells with nbclient and returns the notebook.

    ``%load_ext nbchat`` comes first and is left out of what is returned.
    """

    def run(*cells: str, env: dict[str, str] | None = None, allow_errors: bool = False) -> Any:
        sources = ["%load_ext nbchat", *cells]
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in sources]
        )
        with kernel_manager() as manager:
            client = NotebookClient(notebook, km=manager, timeout=180, allow_errors=allow_errors)
            try:
                client.execute(env={**kernel_environment, **(env or {})}, cwd=str(tmp_path))
            finally:
                client.kc.stop_channels()  # of a manager that it was given it closes nothing
        assert notebook.cells[0].outputs == [], notebook.cells[0].outputs
        del notebook.cells[0]
        return notebook

    return run


class Kernel:
    """A kernel with its client, for what nbclient can't do: cell ids, interrupts, messages."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def send(self, source: str, cell_id: str | None = None) -> str:
        """Send a cell as JupyterLab does, and return the id of the request."""
        content = {
            "code": source,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            # ipykernel 6 would throw away what comes just after an error.
            "stop_on_error": False,
        }
        metadata = {} if cell_id is None else {"cellId": cell_id}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def messages(self, request: str) -> Iterator[dict[str, Any]]:
        """The messages of a request on the iopub channel, until the kernel is idle again."""
        while True:
            message = self.client.get_iopub_msg(timeout=120)
            if message["parent_header"].get("msg_id") != request:
                continue
            yield message
            content = message["content"]
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                return

    def run(self, source: str, cell_id: str | None = None) -> list[dict[str, Any]]:
        """Run a cell and return its messages."""
        return list(self.messages(self.send(source, cell_id)))

    def reply(self, request: str) -> dict[str, Any]:
        """The reply on the shell channel."""
        while True:
            message = self.client.get_shell_msg(timeout=120)
            if message["parent_header"].get("msg_id") == request:
                return dict(message["content"])


@pytest.fixture
def kernel(kernel_environment: dict[str, str], tmp_path: Path) -> Iterator[Kernel]:
    """A kernel with nbchat loaded."""
    with kernel_manager() as manager:
        manager.start_kernel(env=kernel_environment, cwd=str(tmp_path))
        kernel = Kernel(manager)
        kernel.run("%load_ext nbchat")
        yield kernel
        kernel.client.stop_channels()


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Return a function that waits for a condition; it gives up after a minute."""

    def wait(condition: Callable[[], bool]) -> None:
        for _ in range(600):
            if condition():
                return
            time.sleep(0.1)
        raise AssertionError("it did not come true within a minute")

    return wait

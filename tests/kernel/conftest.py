"""Notebooks in real kernels."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.kernels import Kernel, kernel_manager, running_kernel

# Read when the tests are collected; a test run takes the NBCHAT_ variables away.
OTHERS = [path for path in os.environ.get("NBCHAT_KERNEL_PYTHONS", "").split(os.pathsep) if path]


@pytest.fixture
def kernel_environment(tmp_path: Path) -> dict[str, str]:
    """The environment of the kernels, whose files are in folders of the test."""
    folders = {"IPYTHONDIR": tmp_path / "ipython", "JUPYTER_RUNTIME_DIR": tmp_path / "runtime"}
    return {**os.environ, **{name: str(folder) for name, folder in folders.items()}}


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


@pytest.fixture
def kernel(kernel_environment: dict[str, str], tmp_path: Path) -> Iterator[Kernel]:
    """A kernel with nbchat loaded."""
    with running_kernel(kernel_environment, tmp_path) as kernel:
        yield kernel


@pytest.fixture(params=[sys.executable, *OTHERS], ids=lambda path: Path(path).parents[1].name)
def each_kernel(
    request: pytest.FixtureRequest, kernel_environment: dict[str, str], tmp_path: Path
) -> Iterator[Kernel]:
    """A kernel with nbchat loaded: of this Python, then of those that are to be tried too.

    `NBCHAT_KERNEL_PYTHONS` names them: paths, separated as in `PATH`.
    """
    with running_kernel(kernel_environment, tmp_path, python=request.param) as kernel:
        yield kernel


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

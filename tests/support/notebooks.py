"""The notebooks of ``notebooks/``, run from top to bottom in a real kernel."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.support.kernels import kernel_manager
from tests.support.server import ScriptedServer

FOLDER = Path(__file__).parents[2] / "notebooks"


class Ran:
    """A notebook that was run; cells are named by their ids.

    Args:
        name: its file, without the ending.
        folder: where it ran.
        cells: the cells as they are after it.
    """

    def __init__(self, name: str, folder: Path, cells: list[Any]) -> None:
        self.name = name
        self.folder = folder
        self.cells = {cell.id: cell for cell in cells if cell.cell_type == "code"}

    def printed(self, cell: str) -> str:
        """What a cell printed."""
        outputs = self.cells[cell].outputs
        return "".join(out.text for out in outputs if out.output_type == "stream")

    def shown(self, cell: str, kind: str = "text/plain") -> str:
        """What a cell showed, in one form of it: an answer, or the value of its last line."""
        shows = ("display_data", "execute_result")
        (found,) = [out for out in self.cells[cell].outputs if out.output_type in shows]
        return str(found.data[kind])

    def errors(self) -> dict[str, str]:
        """The cells that failed, and with what."""
        return {
            name: f"{out.ename}: {out.evalue}"
            for name, cell in self.cells.items()
            for out in cell.outputs
            if out.output_type == "error"
        }


def scripted(server: ScriptedServer) -> dict[str, str]:
    """Return the environment in which a scripted server is asked."""
    return {"NBCHAT_BASE_URL": server.base_url, "NBCHAT_MODEL": "m"}


def run(
    name: str,
    folder: Path,
    environment: dict[str, str],
    *,
    only: Collection[str] = (),
    without: str = "",
) -> Ran:
    """Run a notebook, and return it with its outputs.

    Args:
        name: its file in ``notebooks/``, without the ending.
        folder: where it runs.
        environment: variables on top of those of the tests: which server is asked.
        only: the ids of the code cells that are run; by default, all.
        without: a piece of text that is taken out of the cells before.
    """
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [cell.id for cell in code if cell.outputs or cell.execution_count]
    assert {*only} <= {cell.id for cell in code}
    if only:
        notebook.cells = [cell for cell in code if cell.id in only]
    for cell in notebook.cells:
        cell.source = cell.source.replace(without, "")
    with kernel_manager("--log-level=ERROR", "--NbChat.journal=False") as manager:
        client = NotebookClient(notebook, km=manager, timeout=180)
        try:
            client.execute(env={**os.environ, **environment}, cwd=str(folder))
        finally:
            client.kc.stop_channels()  # of a manager that it was given it closes nothing
    return Ran(name, folder, notebook.cells)

"""The text below a magic is nobody's Python: IPython leaves it as it is."""

from __future__ import annotations

import atexit
from collections.abc import Iterator

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbchat.line.verbatim import install_verbatim, remove_verbatim


@pytest.fixture(scope="module")
def shell() -> InteractiveShell:
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)
    # At the end of the process each shell collects all garbage.
    atexit.unregister(shell.atexit_operations)
    return shell


@pytest.fixture
def manager(shell: InteractiveShell) -> Iterator[TransformerManager]:
    manager: TransformerManager = shell.input_transformer_manager
    install_verbatim(shell)
    install_verbatim(shell)
    yield manager
    remove_verbatim(shell)
    remove_verbatim(shell)


TEXTS = [">>> 1 + 1\n2\n", "In [3]: a\n   ...: b\n", " \n\t\n  x\n", "a\n\n!ls\n%pwd\nb?\n"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("first", ["%%chat", "%%respond -m m", "%%nbchat say user", "\n \n%%chat"])
def test_the_text_is_kept(first: str, text: str, manager: TransformerManager) -> None:
    name, _, line = first.strip().removeprefix("%%").partition(" ")
    expected = f"get_ipython().run_cell_magic({name!r}, {line!r}, {text!r})\n"
    assert manager.transform_cell(f"{first}\n{text}") == expected


@pytest.mark.parametrize("line", ["", "what is it?", "--help"])
def test_a_cell_may_have_no_body(line: str, manager: TransformerManager) -> None:
    expected = f"get_ipython().run_cell_magic('chat', {line!r}, '\\n')\n"
    assert manager.transform_cell(f"%%chat {line}") == expected


@pytest.mark.parametrize(
    "cell", ["%%chatter\n>>> 1\n", ">>> 1\n", "x = 1\n%%chat\n", "%%chat?\n", "", "\n"]
)
def test_all_other_cells_are_ipythons(cell: str, manager: TransformerManager) -> None:
    assert manager.transform_cell(cell) == TransformerManager().transform_cell(cell)


@pytest.mark.parametrize("cell", ["%%chat", "%%chat\n", "%%chat\nwhy (", "%%chat\nwhy?\n\n"])
def test_a_terminal_asks_for_more_lines_as_ever(cell: str, manager: TransformerManager) -> None:
    assert manager.check_complete(cell) == TransformerManager().check_complete(cell)


def test_it_goes_with_the_extension(shell: InteractiveShell) -> None:
    before = list(shell.input_transformer_manager.cleanup_transforms)
    install_verbatim(shell)
    install_verbatim(shell)
    remove_verbatim(shell)
    assert shell.input_transformer_manager.cleanup_transforms == before

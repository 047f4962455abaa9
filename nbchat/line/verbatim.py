"""Keeps the text below ``%%chat`` as it was written, also if there is none.

IPython cleans every cell up as if it were Python, before it looks for a magic: it takes prompts
(``>>>``, ``In [1]:``) out of pasted examples, and blanks out of empty lines. A prompt to a model
is no Python. And it refuses a cell without a body, in words that are not saved with the notebook,
even where the prompt stands on the magic's line. The transformer here goes first for cells that
begin with one of nbchat's magics.
"""

from __future__ import annotations

import re
from typing import Any

from IPython.core.inputtransformer2 import cell_magic, leading_empty_lines

from nbchat.line.names import NAMES

__all__ = ["install_verbatim", "remove_verbatim"]

_CELL = re.compile(rf"%%(?:{'|'.join(NAMES)})\b(?!\?)")


def keep_cell(lines: list[str]) -> list[str]:
    r"""Turn a cell of nbchat's into the call that IPython makes of it; leave all others.

    >>> keep_cell(["%%chat -m m\n", ">>> 1\n"])
    ["get_ipython().run_cell_magic('chat', '-m m', '>>> 1\\n')\n"]
    >>> keep_cell(["%%chat why?\n"])
    ["get_ipython().run_cell_magic('chat', 'why?', '\\n')\n"]
    """
    cell: list[str] = leading_empty_lines(lines)
    if not cell or not _CELL.match(cell[0]):
        return lines
    if len(cell) == 1:
        cell = [*cell, "\n"]  # a blank line is a body
    called: list[str] = cell_magic(cell)
    return called


# A terminal asks whether a cell is complete; there it has to remain a cell, which goes on to an
# empty line, and IPython leaves out transformers that say this.
keep_cell.has_side_effects = True  # type: ignore[attr-defined]


def install_verbatim(shell: Any) -> None:
    """Let cells of nbchat keep their text in an IPython shell; twice does no harm."""
    transformers = shell.input_transformer_manager.cleanup_transforms
    if keep_cell not in transformers:
        transformers.insert(0, keep_cell)


def remove_verbatim(shell: Any) -> None:
    """Take the transformer out again; does nothing if it is not there."""
    transformers = shell.input_transformer_manager.cleanup_transforms
    if keep_cell in transformers:
        transformers.remove(keep_cell)

"""Threads out to files and in again; the ending of the file says the form.

``.md`` to read, ``.ipynb`` to run again, ``.jsonl`` to train with (OpenAI's chat format),
``.json`` with everything: all branches, what is hidden and edited, usage. The last two come in
again. No file holds a key: threads have none.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from nbchat.conversation import Conversation
from nbchat.errors import UsageError
from nbchat.exchange.markdown import to_markdown
from nbchat.exchange.notebook import to_notebook
from nbchat.exchange.training import from_training, to_training
from nbchat.exchange.whole import from_whole, to_whole

__all__ = ["export", "import_file"]

T = TypeVar("T")

_EXPORTS: dict[str, Callable[[Conversation], str]] = {
    ".md": to_markdown,
    ".ipynb": to_notebook,
    ".jsonl": to_training,
    ".json": to_whole,
}
_IMPORTS: dict[str, Callable[[str, str], list[Conversation]]] = {
    ".jsonl": from_training,
    ".json": from_whole,
}


def export(thread: Conversation, path: str | Path, *, force: bool = False) -> Path:
    """Write a thread to a file and return its path.

    Args:
        thread: what is written, in the form that the file's ending says.
        path: the file; ``~`` is the home folder.
        force: whether it may take the place of a file that is there.

    Raises:
        UsageError: the ending is none of the four, the form can't hold the thread, the file is
            there already, or it can't be written; then an earlier one is as it was.
    """
    file = Path(path).expanduser()
    write = _for_ending(_EXPORTS, file)
    if not force and os.path.lexists(file):
        raise UsageError(
            f"{file} is there already\nName another file, or add --force to overwrite it."
        )
    text = write(thread)
    scratch = file.with_name(f".{file.name}.part")
    try:
        scratch.write_text(text, "utf-8", newline="\n")
        os.replace(scratch, file)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise UsageError(f"{file} can't be written: {error.strerror}") from None
    return file


def import_file(path: str | Path) -> list[Conversation]:
    """Return the threads in a file: one from ``.json``, one a line from ``.jsonl``.

    They are copies with ids of their own, named as in the file, or after it.

    Raises:
        UsageError: the ending is another, or the file can't be read or is not in its form.
    """
    file = Path(path).expanduser()
    read = _for_ending(_IMPORTS, file)
    try:
        return read(file.read_text("utf-8-sig"), file.stem)
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # neither UTF-8, nor JSON, nor the form
        raise UsageError(f"{file} can't be imported: {error}") from None


def _for_ending(known: dict[str, T], file: Path) -> T:
    found = known.get(file.suffix.lower())
    if found is None:
        raise UsageError(f"{file.name!r} must end in {', '.join(known)}")
    return found

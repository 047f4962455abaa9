"""Keeps a line prompt that ends in ``?`` a prompt.

IPython takes a line that ends in ``?`` as a call for help, before it sees a magic:
``%chat what is a monad?`` would show the help on ``monad``. The transformer here goes first for
lines that give one of nbchat's magics a text, also in an assignment, and leaves every other line,
``%chat?`` included, to IPython.
"""

from __future__ import annotations

import re
import tokenize
from collections.abc import Sequence
from typing import Any

from IPython.core.inputtransformer2 import (
    TokenTransformBase,
    assemble_continued_line,
    find_end_of_continued_line,
)

from nbchat.line.names import NAMES

__all__ = ["install_question_mark", "remove_question_mark"]

_CALL = re.compile(rf"%({'|'.join(NAMES)})[ \t]+(?=\S)")
_LAYOUT = (tokenize.INDENT, tokenize.DEDENT)


class LinePrompt(TokenTransformBase):  # type: ignore[misc]
    """Transforms ``%chat TEXT`` and ``name = %chat TEXT`` as IPython itself would without a ?.

    IPython calls it with the tokens of a cell's logical lines, transforms what begins earliest in
    the cell (among those the lowest ``priority``), and asks again. Where `transform` raises
    `SyntaxError` the next transformer has its turn.
    """

    priority = 4  # before HelpEnd, which has 5

    def __init__(self, start: tuple[int, int], magic: tuple[int, int]) -> None:
        super().__init__(start)
        self.row = magic[0] - 1
        self.column = magic[1]

    @classmethod
    def find(cls, tokens_by_line: Sequence[Sequence[tokenize.TokenInfo]]) -> LinePrompt | None:
        """Return the first logical line that may be one, ``None`` if there is none."""
        for tokens in tokens_by_line:
            tokens = [token for token in tokens if token.type not in _LAYOUT]
            for index in (0, _after_assignment(tokens)):
                if _is_magic(tokens[index : index + 2]):
                    return cls(tokens[0].start, tokens[index].start)
        return None

    def transform(self, lines: list[str]) -> list[str]:
        """Return the lines of the cell with this one turned into Python."""
        end = find_end_of_continued_line(lines, self.row)
        call = assemble_continued_line(lines, (self.row, self.column), end)
        found = _CALL.match(call)
        if found is None:
            raise SyntaxError(call)
        prompt = call[found.end() :]
        before = lines[self.row][: self.column]
        python = f"{before}get_ipython().run_line_magic({found[1]!r}, {prompt!r})\n"
        return [*lines[: self.row], python, *lines[end + 1 :]]


def _is_magic(tokens: Sequence[tokenize.TokenInfo]) -> bool:
    """Return whether two tokens are ``%chat``; what follows is `transform`'s to judge.

    A prompt is no Python: what the tokenizer makes of it differs with the version of Python.
    """
    return len(tokens) == 2 and tokens[0].string == "%" and tokens[1].string in NAMES


def _after_assignment(tokens: Sequence[tokenize.TokenInfo]) -> int:
    """Return the index behind the first ``=`` that stands in no bracket, 0 without one."""
    depth = 0
    for index, token in enumerate(tokens):
        if token.string == "=" and depth == 0:
            return index + 1
        depth += (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}"))
    return 0


def install_question_mark(shell: Any) -> None:
    """Let line prompts of an IPython shell end in ``?``; twice does no harm."""
    transformers = shell.input_transformer_manager.token_transformers
    if LinePrompt not in transformers:
        transformers.append(LinePrompt)


def remove_question_mark(shell: Any) -> None:
    """Take the transformer out again; does nothing if it is not there."""
    transformers = shell.input_transformer_manager.token_transformers
    if LinePrompt in transformers:
        transformers.remove(LinePrompt)

"""A line prompt may end in a question mark, in a real IPython shell."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import no_var_expand
from traitlets.config import Config

from nbchat.line.question import install_question_mark, remove_question_mark


class Calls(list[tuple[Any, ...]]):
    """What the magics of a shell were called with; stands for the shell's ``pinfo`` too."""

    def __init__(self) -> None:
        super().__init__()
        config = Config()
        config.HistoryManager.enabled = False
        self.shell = InteractiveShell(config=config)
        # At the end of the process each shell collects all garbage.
        atexit.unregister(self.shell.atexit_operations)
        for name in ("chat", "respond"):
            self._register(name, "line_cell")
        for name in ("pinfo", "pinfo2"):
            self._register(name, "line")

    def _register(self, name: str, kind: str) -> None:
        @no_var_expand
        def magic(line: str, cell: str | None = None) -> int:
            self.append((name, line) if cell is None else (name, line, cell))
            return len(self)

        self.shell.register_magic_function(magic, kind, name)

    def of(self, cell: str) -> list[tuple[Any, ...]]:
        self.clear()
        self.shell.run_cell(cell).raise_error()
        return list(self)


@pytest.fixture(scope="module")
def bare() -> Calls:
    return Calls()


@pytest.fixture
def calls(bare: Calls) -> Iterator[Calls]:
    install_question_mark(bare.shell)
    install_question_mark(bare.shell)
    yield bare
    remove_question_mark(bare.shell)


PROMPTS = [
    ("%chat what is a monad?", [("chat", "what is a monad?")]),
    ("%chat what??", [("chat", "what??")]),
    ("%respond -m x why?", [("respond", "-m x why?")]),
    ("%chat what's up?", [("chat", "what's up?")]),
    ('%chat is "this?', [("chat", 'is "this?')]),
    ('%chat "this?', [("chat", '"this?')]),
    ("%chat (open?\nx?", [("chat", "(open?"), ("pinfo", "x")]),
    ("%chat {x}?", [("chat", "{x}?")]),
    ("%chat $x?", [("chat", "$x?")]),
    ("%chat what # is this?", [("chat", "what # is this?")]),
    ("%chat é — “so”?", [("chat", "é — “so”?")]),
    ("%chat '''a?\n%chat b?", [("chat", "'''a?"), ("chat", "b?")]),
    ("%chat\twhy?", [("chat", "why?")]),
    ("%chat one \\\n two?", [("chat", "one   two?")]),
    ("x = %chat why?", [("chat", "why?")]),
    ("x = \\\n  %chat why?", [("chat", "why?")]),
    ("d = {}\nd[dict(a=1)['a']] = %chat why?", [("chat", "why?")]),
    ("x: int = %respond why?", [("respond", "why?")]),
    ("for i in range(2):\n    y = %chat {i}?", [("chat", "{i}?")] * 2),
    ("if True:\n    %chat a?\n    %chat b\n%chat c?", [("chat", c) for c in ("a?", "b", "c?")]),
    ("a = %chat x\nb = %chat y?", [("chat", "x"), ("chat", "y?")]),
]


@pytest.mark.parametrize(("cell", "expected"), PROMPTS)
def test_it_is_a_prompt(calls: Calls, cell: str, expected: list[Any]) -> None:
    assert calls.of(cell) == expected


def test_an_assignment_gets_the_value(calls: Calls) -> None:
    calls.of("answer = %chat why?")
    assert calls.shell.user_ns["answer"] == 1


HELP = [
    ("%chat?", [("pinfo", "%chat")]),
    ("%chat??", [("pinfo2", "%chat")]),
    ("%%chat?", [("pinfo", "%%chat")]),
    ("?%chat", [("pinfo", "%chat")]),
    ("x = 1\n%respond?", [("pinfo", "%respond")]),
    ("x = %chat?", [("pinfo", "%chat")]),
    ("chat?", [("pinfo", "chat")]),
]


@pytest.mark.parametrize(("cell", "expected"), HELP)
def test_it_is_still_help(calls: Calls, cell: str, expected: list[Any]) -> None:
    assert calls.of(cell) == expected


def test_a_cell_magic_is_left_alone(calls: Calls) -> None:
    assert calls.of("%%chat what?\nis this?") == [("chat", "what?", "is this?\n")]


def test_it_can_be_taken_out(bare: Calls) -> None:
    before = list(bare.shell.input_transformer_manager.token_transformers)
    install_question_mark(bare.shell)
    remove_question_mark(bare.shell)
    remove_question_mark(bare.shell)
    assert bare.shell.input_transformer_manager.token_transformers == before
    assert bare.of("%chat what is a monad?") == [("pinfo", "monad")]


# --- Other cells ------------------------------------------------------------------------------

OTHERS = [
    "x = 1",
    "%time 1",
    "y = %time 1?",
    "!ls?",
    "z = !ls",
    "obj.attr?",
    "a = '%chat why?'",
    '"""\n%chat why?\n"""',
    "(\n%chat why?\n)",
    "% chat why?",
    "%chats why?",
    "7 %chat",
    "x = 7 %chat",
    "f(a=%chat)",
    "def f(",
    "x = ",
    "=",
    "%",
    "x = %",
    "",
    "\n\n",
    "# %chat why?",
    "?",
    "if x:\n\ty\n    z",
    "'''",
    "\\",
    "$",
    "%chat",
    "x = %chat",
    "lambda: (yield)",
]

PIECES = st.sampled_from(
    [*"=()[]{}%?!'\"\\:#\n \t;,.$\0é", "%chat", "x", "%chat?", "\n    ", "'''", "if 1:", "%%time"]
)


class Shell:
    """What `install_question_mark` needs of a shell."""

    def __init__(self) -> None:
        self.input_transformer_manager = TransformerManager()


def transformed(manager: TransformerManager, cell: str) -> object:
    """Return what IPython makes of a cell, or the error that it raises."""
    try:
        return manager.transform_cell(cell), manager.check_complete(cell)
    except (SyntaxError, RuntimeError, IndexError, ValueError) as error:
        return type(error)


@pytest.mark.filterwarnings("ignore")  # IPython's own, on cells that are no Python
class TestOtherCells:
    plain = TransformerManager()
    shell = Shell()
    install_question_mark(shell)

    @pytest.mark.parametrize("cell", OTHERS)
    def test_they_are_as_without_it(self, cell: str) -> None:
        assert transformed(self.shell.input_transformer_manager, cell) == transformed(
            self.plain, cell
        )

    @settings(suppress_health_check=[HealthCheck.differing_executors])
    @given(st.lists(PIECES, max_size=12).map("".join))
    def test_any_cell_without_our_magic_and_text(self, cell: str) -> None:
        if "%chat " in cell or "%chat\t" in cell:
            return
        self.test_they_are_as_without_it.__func__(self, cell)  # type: ignore[attr-defined]

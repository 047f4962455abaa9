"""Asking about the last exception."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.commands.failures import masked, report
from nbchat.errors import UsageError
from tests.support.cells import MAGICS, bodies, parts, said, streamed
from tests.support.server import ScriptedServer

FAILING = """\
api_key = "not to be told"
def mean(values):
    total = sum(values)
    return total / len(values)
mean([])
"""


@pytest.fixture(params=MAGICS)
def magic(request: pytest.FixtureRequest, shell: InteractiveShell) -> str:
    """Each magic; the current thread was last asked by it."""
    shell.run_cell(f"%{request.param} hello").raise_error()
    return str(request.param)


def asked(server: ScriptedServer, number: int = -1) -> tuple[str, str, int]:
    """Who was asked by a prompt, what in its last message, and how many messages there were."""
    body = bodies(server)[number]
    ((_, text),) = parts(body)
    return "chat" if "messages" in body else "respond", text, len(said(body))


def test_explain_tells_the_traceback_the_cell_and_the_values(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    shell.run_cell(FAILING)
    shell.run_cell("%nbchat explain").raise_error()
    by, text, count = asked(server)
    assert (by, count) == (magic, 1)
    assert text.startswith("Explain this error and how to mend it.")
    assert "ZeroDivisionError: division by zero" in text
    assert "def mean(values):" in text
    assert "total = 0" in text
    assert "values = []" in text
    assert "not to be told" not in text
    assert "interactiveshell.py" not in text  # how IPython came to run the cell
    shell.run_cell("%nbchat explain And in two words?").raise_error()
    # A thread of its own, and the question goes first.
    by, text, count = asked(server)
    assert (by, count) == (magic, 3)
    assert text.startswith("And in two words?")
    shell.run_cell(f"%{magic} elsewhere").raise_error()
    assert asked(server)[2] == 3
    shell.run_cell("%nbchat explain -t main -m other").raise_error()
    assert asked(server)[2] == 5
    assert bodies(server)[-1]["model"] == "other"


def test_a_new_exception_begins_the_thread_anew(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    shell.run_cell(FAILING)
    shell.run_cell("%nbchat explain").raise_error()
    shell.run_cell("%nbchat fix").raise_error()  # about the same one
    assert asked(server)[2] == 3
    shell.run_cell("int('x')")
    shell.run_cell("%nbchat explain --dry-run").raise_error()  # changes nothing
    shell.run_cell("%nbchat explain -t explain").raise_error()
    assert asked(server)[2] == 5
    shell.run_cell("float('y')")
    shell.run_cell("%nbchat explain --once").raise_error()
    shell.run_cell("%nbchat explain").raise_error()
    by, text, count = asked(server)
    assert (by, count) == (magic, 1)
    assert "could not convert string to float" in text
    shell.run_cell("%nbchat explain And why?").raise_error()
    assert asked(server)[2] == 3


def test_the_server_of_the_current_thread_is_asked(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    """What is in the values goes to nobody whom the user did not ask."""
    with ScriptedServer() as private:
        shell.run_cell(f"%nbchat set base_url={private.base_url} model=own").raise_error()
        shell.run_cell(FAILING)
        shell.run_cell("%nbchat explain").raise_error()
        shell.run_cell("%nbchat fix -m larger").raise_error()
        assert [body["model"] for body in bodies(private)] == ["own", "larger"]
        assert len(bodies(server)) == 1  # what was asked before
        shell.run_cell("%nbchat explain -p lab").raise_error()
        assert bodies(server)[-1]["model"] == "lab-model"
        # What the thread of these commands sets itself goes first.
        shell.run_cell("%nbchat switch explain\n%nbchat set provider=lab").raise_error()
        shell.run_cell("%nbchat switch main\n%nbchat explain").raise_error()
        assert (len(bodies(private)), len(bodies(server))) == (2, 3)


def test_explain_takes_the_values_as_they_are(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    """Braces in a traceback are nobody's expressions."""
    shell.run_cell("template = '{{ nothing }}'\nint(template)")
    shell.run_cell("%nbchat explain").raise_error()
    assert "template = '{{ nothing }}'" in asked(server)[1]


def test_fix_offers_the_corrected_code(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    offered: list[str] = []
    shell.set_next_input = lambda source, replace=False: offered.append(source)
    shell.run_cell(FAILING)
    server.script(*streamed(magic, "Here:\n\n```python\nprint('mended')\n```\n"))
    shell.run_cell("%nbchat fix").raise_error()
    assert asked(server)[0] == magic
    assert "Correct this cell." in asked(server)[1]
    assert offered == ["print('mended')"]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("total = = 5\nprint(total)", "SyntaxError"),
        ("def f():\n    a = 1\n  return a", "IndentationError"),
        ("print('total)", "SyntaxError"),
    ],
)
def test_a_cell_that_is_no_python_is_told_too(
    cell: str, words: str, magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    shell.run_cell("another = 5", store_history=True)
    shell.run_cell(cell, store_history=True)
    shell.run_cell("%nbchat fix", store_history=True).raise_error()
    text = asked(server)[1]
    assert words in text
    assert f"The cell:\n\n```python\n{cell}\n```" in text


def test_without_a_thread_chat_is_asked(shell: InteractiveShell, server: ScriptedServer) -> None:
    shell.run_cell("%nbchat say user An example.").raise_error()
    shell.run_cell(FAILING)
    shell.run_cell("%nbchat explain").raise_error()
    assert asked(server)[0] == "chat"


def test_nothing_failed(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("sys.last_value", raising=False)
    for _ in range(2):  # the second time there is nbchat's own error
        with pytest.raises(UsageError, match="no exception yet"):
            shell.run_cell("%nbchat explain").raise_error()


@pytest.mark.parametrize("command", ["explain", "fix"])
def test_errors_of_nbchat_itself_are_not_asked_about(
    command: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    shell.run_cell(FAILING)
    for mistyped in ("%nbchat explian", "%chat --nonsense hello", "%nbchat undo 7"):
        assert isinstance(shell.run_cell(mistyped).error_in_exec, UsageError)
    shell.run_cell(f"%nbchat {command}").raise_error()
    text = asked(server)[1]
    assert "ZeroDivisionError: division by zero" in text
    assert "UsageError" not in text


def test_the_cell_is_told_as_it_was_written(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    cell = "%pwd\nlines = !echo 1\nint('x')"
    shell.run_cell(cell, store_history=True)
    shell.run_cell("%nbchat explain", store_history=True).raise_error()
    assert f"The cell:\n\n```python\n{cell}\n```" in asked(server)[1]


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def failure(**names: Any) -> BaseException:
    source = f"f({', '.join(names)})"
    filename = "<ipython-input-test>"
    import linecache

    linecache.cache[filename] = (len(source), None, [source + "\n"], filename)
    try:
        exec(compile(source, filename, "exec"), {"f": lambda *_: 1 / 0, **names})
    except ZeroDivisionError as error:
        return error
    raise AssertionError


def test_values_are_shortened_and_secrets_masked() -> None:
    error = failure(
        password="hunter2", text="a b " * 5000, odd=Odd(), header="Bearer sk-abcdefghijklmnop12345"
    )
    said = report(error, "Explain.")
    assert "password = (left out)" in said
    assert "hunter2" not in said
    assert "sk-abc" not in said
    assert "odd = (Odd; its repr failed: RuntimeError)" in said
    (text,) = [line for line in said.splitlines() if line.startswith("text = ")]
    assert text.startswith("text = 'a b a b")
    assert text.endswith("…")
    assert len(text) < 220


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password='hunter2'", "password='••••'"),
        ('{"api_key": "a b", "n": 1}', '{"api_key": "••••", "n": 1}'),
        ("os.environ['DB_PASSWORD'] = f'it\\'s {n}'", "os.environ['DB_PASSWORD'] = f'••••'"),
        ('self.token = "x"', 'self.token = "••••"'),
        ("the word swordfish of the environment", "the word •••• of the environment"),
        ("Bearer sk-abcdefghijklmnop12345", "Bearer ••••"),
        ("'Bearer 0a1b2c3d4e'", "'Bearer ••••'"),
        ("postgresql://me:hunter2@db:5432/lab", "postgresql://me:••••@db:5432/lab"),
        ("https://h/v1?n=1&api_key=0a1b2c&m=2", "https://h/v1?n=1&api_key=••••&m=2"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.c2ln", "••••"),
        ("glpat-0a1b2c3d4e5f6g7h and ghs_0a1b2c3d4e5f", "•••• and ••••"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----••••-----END RSA PRIVATE KEY-----",
        ),
    ],
)
def test_secrets_are_masked(text: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PASSWORD", "swordfish")
    assert masked(text) == shown


@pytest.mark.parametrize(
    "plain",
    [
        "sorted(rows, key='name')",
        "tokens = text.split(' ')",
        "keys == ['a']",
        "total = 3",
        "https://example.org:8080/a?keyword",
        "Basic authentication and skeleton_classes",
        "/usr/lib/python3/dist-packages/numpy/core.py",
    ],
)
def test_ordinary_text_is_not_masked(plain: str) -> None:
    assert masked(plain) == plain

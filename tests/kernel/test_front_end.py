"""What a kernel asks of its front end: a new cell with code, and leave to call a function."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.calls import calls
from tests.support.cells import MAGICS, bodies, outputs, script, streamed
from tests.support.kernels import Kernel, printed
from tests.support.server import ScriptedServer

pytestmark = pytest.mark.kernel

CODE = "One:\n\n```python\na = 1\n```\n\nTwo:\n\n```python\nb = 2\n```\n"
ADD = """\
ran = []
def add(a: int) -> int:
    ran.append(a)
    return a + 1
"""


@pytest.fixture(params=MAGICS)
def magic(request: pytest.FixtureRequest) -> str:
    """Each magic."""
    return str(request.param)


def cell(magic: str, server: ScriptedServer, *options: str) -> str:
    """Return a cell that asks a server."""
    words = [f"%%{magic}", f"--base-url {server.base_url}", "-m m", *options]
    return " ".join(words) + "\nhello"


def new_cells(kernel: Kernel, source: str) -> list[dict[str, Any]]:
    """Run a cell and return the cells that the front end is asked to make."""
    request = kernel.send(source, cell_id="one")
    list(kernel.messages(request))
    reply = kernel.reply(request)
    assert reply["status"] == "ok"
    return [one for one in reply["payload"] if one["source"] == "set_next_input"]


def test_code_comes_into_one_new_cell_below(
    kernel: Kernel, server: ScriptedServer, magic: str
) -> None:
    script(server, magic, streamed(magic, CODE))
    (made,) = new_cells(kernel, cell(magic, server, "--code"))
    assert (made["text"], made["replace"]) == ("a = 1\n# ---\nb = 2", False)
    assert "False False" in printed(kernel.run("print('a' in globals(), 'b' in globals())"))


def test_corrected_code_comes_into_a_new_cell(
    kernel: Kernel, server: ScriptedServer, magic: str
) -> None:
    kernel.run(cell(magic, server))
    kernel.run(f"%nbchat set base_url={server.base_url} model=m")
    kernel.run("numbers = []\nsum(numbers) / len(numbers)")
    server.script(*streamed(magic, "```python\nprint('mended')\n```"))
    (made,) = new_cells(kernel, "%nbchat fix")
    assert made["text"] == "print('mended')"
    assert "numbers = []\\nsum(numbers)" in str(bodies(server)[-1])


@pytest.mark.parametrize(("said", "told"), [("y", "2"), ("", "the user declined this call")])
def test_a_call_waits_for_leave(
    kernel: Kernel, server: ScriptedServer, magic: str, said: str, told: str
) -> None:
    kernel.run(ADD)
    script(server, magic, calls(magic, ("add", {"a": 1})), streamed(magic, "Well."))
    code = cell(magic, server, "--tool add", "--approve")
    request = kernel.client.execute(code, allow_stdin=True, stop_on_error=False)
    asked = kernel.client.get_stdin_msg(timeout=60)["content"]["prompt"]
    assert asked == 'Run add({"a": 1})? [y/N] '
    assert len(bodies(server)) == 1  # nothing goes on before the answer
    kernel.client.input(said)
    assert kernel.reply(request)["status"] == "ok"
    assert outputs(bodies(server)[1]) == [("call_0", told)]
    assert str([1] if said else []) in printed(kernel.run("print(ran)"))
